//! What clients read: everything that the handler of a protected route sees.

use std::{
    future::{Ready, ready},
    sync::Arc,
};

use axum::{
    Extension, Json,
    http::{Method, StatusCode, Uri, header::CACHE_CONTROL},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use serde_json::Value;
use tower_fapi::{layer::InteractionId, time::Timestamp, token::AccessToken};

#[derive(Serialize)]
struct Seen<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'static str>,
    method: &'a str,
    path: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    route: Option<&'a str>,
    interaction_id: &'a str,
    issuer: &'a str,
    subject: &'a str,
    client_id: &'a str,
    audience: &'a [String],
    scope: Vec<&'a str>,
    bound_to: BoundTo,
    token: Token<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    acr: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    auth_time: Option<i64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    authorization_details: Vec<Value>,
}

/// Thumbprints, in the form of the token's `cnf`.
#[derive(Serialize)]
struct BoundTo {
    #[serde(skip_serializing_if = "Option::is_none")]
    dpop_key: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    certificate: Option<String>,
}

#[derive(Serialize)]
struct Token<'a> {
    id: &'a str,
    issued_at: i64,
    expires_at: i64,
}

/// A handler that answers with this status, and tells all it knows.
///
/// `route` is the path of the route as it stands in the file; `error` says why there is none.
pub(super) fn handler(
    status: StatusCode,
    error: Option<&'static str>,
    route: Option<Arc<str>>,
) -> impl Fn(Method, Uri, AccessToken, Extension<InteractionId>) -> Ready<Response> + Clone {
    move |method, uri, token, Extension(id)| {
        let bound = token.confirmation();
        let details = token.authorization_details().iter();
        let seen = Seen {
            error,
            method: method.as_str(),
            path: uri.path(),
            route: route.as_deref(),
            interaction_id: id.as_str(),
            issuer: token.issuer(),
            subject: token.subject(),
            client_id: token.client_id(),
            audience: token.audience(),
            scope: token.scope().iter().collect(),
            bound_to: BoundTo {
                dpop_key: bound.jkt.map(|thumbprint| thumbprint.to_string()),
                certificate: bound.x5t_s256.map(|thumbprint| thumbprint.to_string()),
            },
            token: Token {
                id: token.id(),
                issued_at: token.issued_at().as_unix(),
                expires_at: token.expires_at().as_unix(),
            },
            acr: token.acr(),
            auth_time: token.auth_time().map(Timestamp::as_unix),
            authorization_details: details.filter_map(|detail| detail.to().ok()).collect(),
        };
        ready((status, [(CACHE_CONTROL, "no-store")], Json(seen)).into_response())
    }
}
