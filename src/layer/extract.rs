//! What a layer has put there as arguments of axum handlers.

use std::convert::Infallible;

use axum::{
    extract::{FromRequestParts, OptionalFromRequestParts},
    http::request::Parts,
    response::{IntoResponse, Response},
};
use http::StatusCode;

use super::{Protection, Refused, Reported};
use crate::{resource_server::FapiHeaders, token::AccessToken};

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

/// `None` where a request was let through that would have been refused: while an API migrates, see
/// [`migrating`](crate::guide::migrating).
impl<S: Send + Sync> OptionalFromRequestParts<S> for AccessToken {
    type Rejection = NotProtected;

    async fn from_request_parts(
        parts: &mut Parts,
        _state: &S,
    ) -> Result<Option<Self>, NotProtected> {
        if parts.extensions.get::<Reported>().is_some() {
            return Ok(parts.extensions.get().cloned());
        }
        extension(parts).map(Some)
    }
}

/// What the client tells of its customer; what is malformed counts as not sent.
impl<S: Send + Sync> FromRequestParts<S> for FapiHeaders {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        Ok(Self::of(&parts.headers))
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
