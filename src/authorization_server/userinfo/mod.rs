//! The userinfo endpoint (OpenID Connect Core §5.3): what a client is told about the person whose token it has.

mod gate;

use std::sync::Arc;

use axum::{extract::State, response::IntoResponse};
use http::{HeaderValue, Response, StatusCode, header};
use serde_json::{Value, json};

pub(crate) use self::gate::{Gate, gate};
use super::{
    issued_token::grant_of,
    refusal::{self, Failure, Fault},
    server::Server,
    store::Grant,
};
use crate::{
    layer::{Protection, Refused},
    token::TokenError,
};

/// `GET` or `POST` behind the layer, which has found the token good and its scope to hold `openid`. A body is not read.
pub(crate) async fn handle(
    State(server): State<Arc<Server>>,
    protection: Protection,
) -> axum::response::Response {
    match tell(&server, &protection).await {
        Ok(response) => response.into_response(),
        Err(Denied::Refused(refused)) => IntoResponse::into_response(refused),
        Err(Denied::Failed(fault)) => Failure::from(fault).respond().into_response(),
    }
}

/// Why nothing is told.
enum Denied {
    Refused(Refused),
    Failed(Fault),
}

impl<F: Into<Fault>> From<F> for Denied {
    fn from(fault: F) -> Self {
        Self::Failed(fault.into())
    }
}

async fn tell(server: &Server, protection: &Protection) -> Result<Response<String>, Denied> {
    let now = server.clock.now();
    let token = protection.token();
    let no_longer = || Denied::Refused(protection.refuse(TokenError::Inactive));
    let id = grant_of(token.id()).ok_or_else(no_longer)?;
    let grant: Option<Grant> = server.records.get(id, now).await?;
    // There has to be a person: a client on its own behalf is none.
    let approval = grant
        .filter(|grant| grant.approval.auth_time.is_some())
        .map(|grant| grant.approval)
        .ok_or_else(no_longer)?;
    let client = server.clients.clients().get(token.client_id());
    let client = client.ok_or_else(no_longer)?;

    let protector = match &client.messages.userinfo {
        Some(protection) => Some(protection.ready(&server.keys, now).await?),
        None => None,
    };
    let scope = token.scope().to_string();
    let asked = &approval.claims.userinfo;
    let mut claims = server
        .claims_about(&approval.subject, &scope, asked)
        .await?;
    // Always, and the same as in the ID token (OpenID Connect Core §5.3.2).
    claims.insert("sub".to_owned(), json!(approval.subject));
    tracing::debug!(client = client.id, claims = claims.len(), "userinfo told");
    let Some(protector) = protector else {
        return Ok(refusal::json(StatusCode::OK, &Value::Object(claims)));
    };
    claims.insert("iss".to_owned(), json!(server.endpoints.issuer()));
    claims.insert("aud".to_owned(), json!(client.id));
    let signed = protector.protect(&claims)?;
    let mut response = refusal::json(StatusCode::OK, &Value::Null).map(|_| signed);
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/jwt"),
    );
    Ok(response)
}
