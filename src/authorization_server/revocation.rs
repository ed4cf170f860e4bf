//! The revocation endpoint (RFC 7009).

use std::sync::Arc;

use axum::{
    body::Bytes,
    extract::{State, rejection::BytesRejection},
};
use http::{HeaderValue, Response, header, request::Parts};

use super::{
    direct::DirectRequest,
    endpoints::Endpoint,
    issued_token::{IssuedToken, Recognised},
    refusal::{ErrorCode, Failure, Refusal},
    server::Server,
    store::{Grant, RefreshToken},
};
use crate::{jose::sha256, time::Timestamp};

/// `POST` to the endpoint.
pub(crate) async fn handle(
    State(server): State<Arc<Server>>,
    parts: Parts,
    body: Result<Bytes, BytesRejection>,
) -> Response<String> {
    match revoke(&server, &parts, body).await {
        Ok(()) => done(),
        Err(failure) => failure.respond(),
    }
}

/// A token that can be revoked.
enum Revocable {
    Access(IssuedToken),
    Refresh { id: [u8; 32], token: RefreshToken },
}

async fn revoke(
    server: &Server,
    parts: &Parts,
    body: Result<Bytes, BytesRejection>,
) -> Result<(), Failure> {
    let body = body.map_err(Refusal::from)?;
    let request = server.read(Endpoint::Revocation, parts, &body).await?;
    let now = request.now;
    // `token_type_hint` is not needed: what a token is can be seen (RFC 7009 §2.1).
    let token = request
        .parameters
        .get("token")
        .ok_or_else(|| Refusal::invalid_request("token is missing"))?;
    let found = find(server, &request, token, now).await?;
    server.record(&request, now).await?;
    match found {
        // Nothing to revoke is no error: what the client wants is so already (RFC 7009 §2.2).
        None => {}
        Some(Revocable::Access(token)) => {
            server.end(&token, now).await?;
            tracing::info!(client = token.client_id, "access token revoked");
        }
        Some(Revocable::Refresh { id, token }) => {
            // With the grant all that came of it ends (RFC 7009 §2.1). It goes first: after a failure between the two the
            // client finds its refresh token still there, and can try again.
            let _: Option<Grant> = server.records.take(token.grant, now).await?;
            let _: Option<RefreshToken> = server.records.take(id, now).await?;
            tracing::info!(client = token.client_id, "refresh token and grant revoked");
        }
    }
    Ok(())
}

/// The token, if it is one that holds. That of another client is refused (RFC 7009 §2.1).
async fn find(
    server: &Server,
    request: &DirectRequest,
    token: &str,
    now: Timestamp,
) -> Result<Option<Revocable>, Failure> {
    let id = sha256(token.as_bytes());
    let refresh_token: Option<RefreshToken> = server.records.get(id, now).await?;
    if let Some(token) = refresh_token {
        check_owner(request, &token.client_id)?;
        return Ok(Some(Revocable::Refresh { id, token }));
    }
    match server.recognise(token, now).await? {
        Recognised::AccessToken(token) if server.is_active(&token, now).await? => {
            check_owner(request, &token.client_id)?;
            Ok(Some(Revocable::Access(token)))
        }
        Recognised::AccessToken(_) | Recognised::Unknown => Ok(None),
        Recognised::Other => Err(Refusal::new(
            ErrorCode::UnsupportedTokenType,
            "Only access tokens and refresh tokens can be revoked",
        )
        .into()),
    }
}

fn check_owner(request: &DirectRequest, client_id: &str) -> Result<(), Refusal> {
    if request.client.id == client_id {
        Ok(())
    } else {
        Err(Refusal::invalid_request(
            "The token was issued to another client",
        ))
    }
}

/// Everything is said by the status (RFC 7009 §2.2).
fn done() -> Response<String> {
    let mut response = Response::new(String::new());
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
