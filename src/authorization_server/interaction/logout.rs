//! The page that asks whether somebody wants to be signed out, and what follows (OpenID Connect RP-Initiated Logout 1.0 §2).
//!
//! With the session end the pages that were opened in its browser. What people have approved is not touched: a client
//! keeps its tokens until they end or are revoked.

use std::sync::Arc;

use aws_lc_rs::hmac;
use axum::{
    body::Bytes,
    extract::{State, rejection::BytesRejection},
};
use http::{HeaderMap, Response, request::Parts};
use subtle::ConstantTimeEq as _;

use super::{
    answer::see_other,
    cookies::{self, BROWSER, SESSION},
    end_session::Departure,
    error::PageError,
    login::read_form,
    session::Live,
};
use crate::{
    authorization_server::{
        pages::{Form, LogoutPage, ReturnAddress, field},
        secret::Secret,
        server::Server,
        store::Session,
    },
    jose::base64url,
    time::Timestamp,
};

/// `GET`: asks.
pub(crate) async fn ask(State(server): State<Arc<Server>>, parts: Parts) -> Response<String> {
    let shown = show(&server, &parts).await;
    shown.unwrap_or_else(|error| error.respond(&server.pages))
}

/// `POST`: does what the person decided.
pub(crate) async fn decide(
    State(server): State<Arc<Server>>,
    parts: Parts,
    body: Result<Bytes, BytesRejection>,
) -> Response<String> {
    let outcome = match body {
        Ok(body) => decision(&server, &parts, &body).await,
        Err(_) => Err(PageError::UnreadableLogout),
    };
    outcome.unwrap_or_else(|error| error.respond(&server.pages))
}

async fn show(server: &Server, parts: &Parts) -> Result<Response<String>, PageError> {
    let now = server.clock.now();
    let departure = Departure::read(server, query(parts), now)?;
    let Some(live) = server.session(&parts.headers, now).await? else {
        // It is no error to be signed out already (§2). Nothing is cleared: this may be a request that a browser sends
        // without its cookies.
        return server.gone(&departure);
    };
    let (browser, new) = if let Some(known) = cookies::read(&parts.headers, BROWSER) {
        (known.to_owned(), None)
    } else {
        let new = Secret::generate()?;
        (new.secret().to_owned(), Some(new))
    };
    let csrf = csrf(&parts.headers, &browser).ok_or(PageError::ForgedLogout)?;
    let returns_to = departure
        .target()
        .and_then(|target| ReturnAddress::new(target).ok());
    let action = departure.page(server);
    let mut response = server.pages.logout(&LogoutPage {
        form: Form {
            action: &action,
            csrf: &csrf,
            returns_to: returns_to.as_ref(),
        },
        client_name: departure.client.as_ref().map(|client| &*client.name),
        user_name: &live.session.display_name,
    });
    if let Some(new) = new {
        cookies::set(response.headers_mut(), BROWSER, &new);
    }
    Ok(response)
}

async fn decision(
    server: &Server,
    parts: &Parts,
    body: &[u8],
) -> Result<Response<String>, PageError> {
    let now = server.clock.now();
    let departure = Departure::read(server, query(parts), now)?;
    let Some(live) = server.session(&parts.headers, now).await? else {
        // Posted from another site, perhaps, and so without cookies: who is really there is seen when the page is asked for.
        return see_other(&departure.page(server));
    };
    let form = read_form(parts, body).map_err(|_| PageError::UnreadableLogout)?;
    let expected = cookies::read(&parts.headers, BROWSER)
        .and_then(|browser| csrf(&parts.headers, browser))
        .ok_or(PageError::ForgedLogout)?;
    let given = form.get(field::CSRF).unwrap_or_default();
    if !bool::from(given.as_bytes().ct_eq(expected.as_bytes())) {
        return Err(PageError::ForgedLogout);
    }
    match (form.has(field::LOGOUT), form.has(field::DENY)) {
        (true, false) => {
            server.end_live(&live, now).await?;
            let mut response = server.gone(&departure)?;
            // With its cookie the browser loses every page it has opened: none of them can be approved any more.
            cookies::clear(response.headers_mut(), SESSION);
            cookies::clear(response.headers_mut(), BROWSER);
            Ok(response)
        }
        (false, true) => Ok(server.pages.still_signed_in()),
        (true, true) | (false, false) => Err(PageError::UnreadableLogout),
    }
}

fn query(parts: &Parts) -> &[u8] {
    parts.uri.query().unwrap_or_default().as_bytes()
}

/// What the form of a page for this session in this browser holds. The key is in the session's cookie, which nobody else
/// has; the server itself keeps only a hash of it.
fn csrf(headers: &HeaderMap, browser: &str) -> Option<String> {
    let session = cookies::read(headers, SESSION)?;
    let key = hmac::Key::new(hmac::HMAC_SHA256, session.as_bytes());
    let mut context = hmac::Context::with_key(&key);
    context.update(b"logout\0");
    context.update(browser.as_bytes());
    Some(base64url::encode(context.sign()))
}

impl Server {
    /// Ends a session.
    pub(super) async fn end_live(&self, live: &Live, now: Timestamp) -> Result<(), PageError> {
        let _: Option<Session> = self.records.take(live.id, now).await?;
        tracing::info!(subject = live.session.subject, "signed out");
        Ok(())
    }

    /// What somebody sees who is signed out.
    fn gone(&self, departure: &Departure) -> Result<Response<String>, PageError> {
        match departure.returns_to() {
            Some(target) => see_other(&target),
            None => Ok(self.pages.signed_out()),
        }
    }
}
