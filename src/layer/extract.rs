//! What a layer has put there as arguments of axum handlers.

use axum::{
    extract::FromRequestParts,
    http::request::Parts,
    response::{IntoResponse, Response},
};
use http::StatusCode;

use super::{Protection, Refused};
use crate::token::AccessToken;

/// A handler wants an access token on a route that no [`FapiLayer`](super::FapiLayer) protects: a mistake in the wiring.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the route is not behind a FapiLayer")]
pub struct NotProtected;

impl IntoResponse for NotProtected {
    fn into_response(self) -> Response {
        StatusCode::INTERNAL_SERVER_ERROR.into_response()
    }
}

/// The token of the request, verified. Only behind a [`FapiLayer`](super::FapiLayer) is there one.
impl<S: Send + Sync> FromRequestParts<S> for AccessToken {
    type Rejection = NotProtected;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, NotProtected> {
        extension(parts)
    }
}

/// What the handler can demand beyond. Only behind a [`FapiLayer`](super::FapiLayer) is there one.
impl<S: Send + Sync> FromRequestParts<S> for Protection {
    type Rejection = NotProtected;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, NotProtected> {
        extension(parts)
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        Self::into_response(self).map(Into::into)
    }
}

fn extension<T: Clone + Send + Sync + 'static>(parts: &Parts) -> Result<T, NotProtected> {
    parts.extensions.get().cloned().ok_or_else(|| {
        tracing::error!(path = parts.uri.path(), "{NotProtected}");
        NotProtected
    })
}
