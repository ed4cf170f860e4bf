//! The introspection endpoint (RFC 7662, RFC 9701), for resource servers that are registered with a way to authenticate.

mod answer;

use std::sync::Arc;

use axum::{
    body::Bytes,
    extract::{State, rejection::BytesRejection},
};
use http::{HeaderMap, Response, header, request::Parts};

use self::answer::{Answer, Format};
use super::{
    client_authentication::{Presented, UsedAssertion},
    direct::is_form,
    issued_token::IssuedToken,
    parameters::Parameters,
    refusal::{Failure, Refusal},
    resources::Inquirer,
    server::Server,
};
use crate::{mtls::PeerCertificate, time::Timestamp};

/// `POST` to the endpoint.
pub(crate) async fn handle(
    State(server): State<Arc<Server>>,
    parts: Parts,
    body: Result<Bytes, BytesRejection>,
) -> Response<String> {
    match introspect(&server, &parts, body).await {
        Ok(response) => response,
        Err(failure) => failure.respond(),
    }
}

async fn introspect(
    server: &Server,
    parts: &Parts,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response<String>, Failure> {
    let body = body.map_err(Refusal::from)?;
    if !is_form(&parts.headers) {
        return Err(Refusal::invalid_request(
            "The request must be application/x-www-form-urlencoded",
        )
        .into());
    }
    let parameters = Parameters::parse(&body).map_err(Refusal::from)?;
    let (inquirer, assertion, now) = authenticate(server, parts, &parameters).await?;
    let token = parameters
        .get("token")
        .ok_or_else(|| Refusal::invalid_request("token is missing"))?;
    let format = Format::of(&parts.headers, &inquirer, now).await?;
    let token = known_to(server, &inquirer, token, now).await?;
    if let Some(assertion) = &assertion {
        server
            .record_assertion(&inquirer.client_id, assertion, now)
            .await?;
    }
    tracing::debug!(
        resource = inquirer.resource,
        active = token.is_some(),
        "introspected"
    );
    Answer::about(token.as_ref()).respond(server, &inquirer, &format, now)
}

/// Finds out which resource server asks. Clients are not among those who may.
async fn authenticate(
    server: &Server,
    parts: &Parts,
    parameters: &Parameters,
) -> Result<(Arc<Inquirer>, Option<UsedAssertion>, Timestamp), Failure> {
    let certificate = parts.extensions.get::<PeerCertificate>();
    if certificate.is_none() && !shows_something(parameters, &parts.headers) {
        // Of all endpoints, this one answers 400 (RFC 9701 §5, Note).
        return Err(
            Refusal::invalid_request("Whoever asks about a token has to authenticate").into(),
        );
    }
    let presented = Presented {
        parameters,
        headers: &parts.headers,
        certificate,
    };
    let authenticated = server.authenticated(presented, |fetched, now| {
        server
            .clients
            .identify(presented, fetched, now, |client_id| {
                let inquirer = server.resources.inquirer(client_id)?;
                Some((Arc::clone(inquirer), &inquirer.credential))
            })
    });
    let ((inquirer, assertion), now) = authenticated.await?;
    Ok((inquirer, assertion, now))
}

/// Whether the request brings along anything to authenticate with, good or bad.
fn shows_something(parameters: &Parameters, headers: &HeaderMap) -> bool {
    parameters.has("client_assertion")
        || parameters.has("client_secret")
        || headers.contains_key(header::AUTHORIZATION)
}

/// The token, if it holds and is for whoever asks. All else looks the same (RFC 7662 §2.2, RFC 9701 §5).
async fn known_to(
    server: &Server,
    inquirer: &Inquirer,
    token: &str,
    now: Timestamp,
) -> Result<Option<IssuedToken>, Failure> {
    let token = server.active_token(token, now).await?;
    Ok(token.filter(|token| token.is_for(&inquirer.resource)))
}
