//! The authorization endpoint (RFC 6749 §3.1, RFC 9126 §4).

use std::sync::Arc;

use axum::{
    body::Bytes,
    extract::{State, rejection::BytesRejection},
};
use http::{Method, Response, request::Parts};

use super::{
    Interaction,
    by_value::ByValue,
    cookies::{self, BROWSER},
    error::PageError,
};
use crate::{
    authorization_server::{
        direct::is_form, parameters::Parameters, pushed_request::REQUEST_URI, secret::Secret,
        server::Server, store::Pushed,
    },
    jose::sha256,
    time::Timestamp,
};

/// `GET` or `POST` to the endpoint. An error is shown here and not redirected, unless the client has signed where to.
pub(crate) async fn authorize(
    State(server): State<Arc<Server>>,
    parts: Parts,
    body: Result<Bytes, BytesRejection>,
) -> Response<String> {
    let opened = match body {
        Ok(body) => open(&server, &parts, &body).await,
        Err(_) => Err(PageError::Malformed),
    };
    opened.unwrap_or_else(|error| error.respond(&server.pages))
}

async fn open(server: &Server, parts: &Parts, body: &[u8]) -> Result<Response<String>, PageError> {
    let now = server.clock.now();
    let encoded = match parts.method {
        Method::POST if is_form(&parts.headers) => body,
        Method::POST => return Err(PageError::Malformed),
        _ => parts.uri.query().unwrap_or_default().as_bytes(),
    };
    // Whatever else is there was not pushed, and does not count (FAPI 2.0 Security Profile §5.3.3.2).
    let parameters = Parameters::parse_only(encoded, &["client_id", "request_uri"])
        .map_err(|_| PageError::Malformed)?;
    let (browser, new) = if let Some(known) = cookies::read(&parts.headers, BROWSER) {
        (sha256(known.as_bytes()), None)
    } else {
        let new = Secret::generate()?;
        (new.hash(), Some(new))
    };
    let interaction = if let Some(request_uri) = parameters.get("request_uri") {
        let client_id = parameters.get("client_id").ok_or(PageError::Malformed)?;
        find(server, client_id, request_uri, browser, now).await?
    } else {
        match server.open_by_value(encoded, browser).await? {
            ByValue::Opened(interaction) => interaction,
            ByValue::Refused(response) => return Ok(response),
        }
    };
    let live = server.session(&parts.headers, now).await?;
    let next = server.next(&interaction, live.as_ref(), now);
    let mut response = server
        .lead_to(&interaction, live.as_ref(), next, now)
        .await?;
    if let Some(new) = new {
        cookies::set(response.headers_mut(), BROWSER, &new);
    }
    Ok(response)
}

async fn find(
    server: &Server,
    client_id: &str,
    request_uri: &str,
    browser: [u8; 32],
    now: Timestamp,
) -> Result<Interaction, PageError> {
    let secret = request_uri
        .strip_prefix(REQUEST_URI)
        .ok_or(PageError::UnknownRequest)?;
    let id = sha256(secret.as_bytes());
    let request = match server.records.get(id, now).await? {
        Some(Pushed::Waiting(request)) => request,
        Some(Pushed::Spent) => return Err(PageError::Spent),
        None => return Err(PageError::UnknownRequest),
    };
    if request.client_id != client_id || request.opens_until <= now {
        return Err(PageError::UnknownRequest);
    }
    let client = server.client_of(&request);
    let client = client.ok_or(PageError::UnknownRequest)?;
    let interaction = Interaction::new(id, now, browser, request, client);
    interaction.check_registration()?;
    Ok(interaction)
}
