//! Why an introspection endpoint told us nothing.

use std::time::Duration;

use http::StatusCode;

use crate::{
    issuer::{FetchError, KeysUnavailable, TransportError},
    jose::{JwsError, SigningKeyError, json::InvalidJson, jwe::JweError},
    token::TokenError,
};

/// Why an introspection endpoint told us nothing that can be believed. Our own fault or the issuer's, never the client's: a
/// 503.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum IntrospectionError {
    /// The issuer's metadata, which says where the endpoint is, could not be had.
    #[error("metadata: {0}")]
    Metadata(#[from] FetchError),
    /// The metadata names no introspection endpoint.
    #[error("the metadata has no `introspection_endpoint`")]
    NoEndpoint,
    /// The endpoint is not `https`, and not `http` to this machine where that was allowed.
    #[error("the introspection endpoint is not an https URL")]
    Insecure,
    /// There was no answer, or too much of it.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// The answer, keys and metadata included, was not there in time.
    #[error("timed out")]
    Timeout,
    /// The answer is not a 200 (RFC 7662 §2.2). 401 means that the issuer does not take us for whom we say we are (§2.3).
    #[error("answered {0}")]
    Status(StatusCode),
    /// The answer is not of the media type that was demanded: JSON, or a signed JWT (RFC 9701 §5).
    #[error("media type {0:?} is not what was asked for")]
    MediaType(String),
    /// The answer is not strict JSON.
    #[error("malformed answer: {0}")]
    Json(#[from] InvalidJson),
    /// A member of the answer has the wrong type, or contradicts the token it is about.
    #[error("malformed answer: {0}")]
    Member(TokenError),
    /// The answer is no signed JWT, its algorithm is not accepted, or its signature is not the issuer's (RFC 9701 §5).
    #[error("signed answer: {0}")]
    Signature(#[from] JwsError),
    /// The answer is not encrypted as demanded, or cannot be decrypted (RFC 9701 §6).
    #[error("encrypted answer: {0}")]
    Encryption(#[from] JweError),
    /// A signed answer is another kind of JWT (RFC 9701 §8.1).
    #[error("signed answer: `typ` is not token-introspection+jwt")]
    Type,
    /// A claim of a signed answer is missing, malformed or wrong: it is somebody else's, for somebody else, or of another
    /// time (RFC 9701 §5).
    #[error("signed answer: claim `{0}` is missing, malformed or wrong")]
    Claim(&'static str),
    /// The issuer's keys, which signed answers are verified with, could not be had.
    #[error("signed answer: {0}")]
    Keys(#[from] KeysUnavailable),
    /// We could not authenticate, because signing failed.
    #[error("client assertion: {0}")]
    Assertion(#[from] SigningKeyError),
    /// As many questions as are allowed are under way.
    #[error("too many questions under way")]
    Busy,
    /// The endpoint has not answered lately and is left alone for this long.
    #[error("left alone for another {0:?} after failures")]
    Paused(Duration),
    /// The question was dropped before there was an answer, or there is no Tokio runtime here to ask it on.
    #[error("the question was dropped")]
    Stopped,
}

impl IntrospectionError {
    /// When a client may try again: whole seconds, at least one (RFC 9110 §10.2.3).
    #[must_use]
    pub fn retry_after(&self) -> Duration {
        let second = Duration::from_secs(1);
        match self {
            Self::Paused(left) => {
                // Rounded up: whoever comes back has not come in vain.
                let rounded = left.as_secs() + u64::from(left.subsec_nanos() > 0);
                Duration::from_secs(rounded).max(second)
            }
            Self::Keys(error) => error.retry_after(),
            Self::Metadata(_)
            | Self::NoEndpoint
            | Self::Insecure
            | Self::Transport(_)
            | Self::Timeout
            | Self::Status(_)
            | Self::MediaType(_)
            | Self::Json(_)
            | Self::Member(_)
            | Self::Signature(_)
            | Self::Encryption(_)
            | Self::Type
            | Self::Claim(_)
            | Self::Assertion(_)
            | Self::Busy
            | Self::Stopped => second,
        }
    }

    /// Whom it concerns.
    #[cfg(feature = "discovery")]
    pub(super) fn reach(&self) -> Reach {
        match self {
            Self::Metadata(_)
            | Self::NoEndpoint
            | Self::Insecure
            | Self::Timeout
            | Self::Keys(_)
            | Self::Assertion(_) => Reach::Endpoint,
            Self::Transport(error) => match error {
                TransportError::Unreachable(_) | TransportError::Timeout => Reach::Endpoint,
                TransportError::TooLarge(_) => Reach::Token,
            },
            Self::Status(status) => match *status {
                StatusCode::UNAUTHORIZED
                | StatusCode::NOT_FOUND
                | StatusCode::TOO_MANY_REQUESTS
                | StatusCode::BAD_GATEWAY
                | StatusCode::SERVICE_UNAVAILABLE
                | StatusCode::GATEWAY_TIMEOUT => Reach::Endpoint,
                _ => Reach::Token,
            },
            Self::MediaType(_)
            | Self::Json(_)
            | Self::Member(_)
            | Self::Signature(_)
            | Self::Encryption(_)
            | Self::Type
            | Self::Claim(_) => Reach::Token,
            Self::Busy | Self::Paused(_) | Self::Stopped => Reach::Us,
        }
    }
}

/// Whom a failure concerns, and so who is left alone after it.
///
/// What one token can bring about must not stop questions about others: strangers choose the tokens they send.
#[cfg(feature = "discovery")]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Reach {
    /// Every question: the endpoint is left alone for a while.
    Endpoint,
    /// Perhaps this question alone, which is not asked again for a while.
    Token,
    /// Nothing was asked.
    Us,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_is_never_told_to_come_back_at_once() {
        for (error, seconds) in [
            (IntrospectionError::Busy, 1),
            (IntrospectionError::Timeout, 1),
            (IntrospectionError::Paused(Duration::ZERO), 1),
            (IntrospectionError::Paused(Duration::from_millis(1200)), 2),
            (KeysUnavailable::Stopped.into(), 60),
        ] {
            assert_eq!(error.retry_after(), Duration::from_secs(seconds), "{error}");
        }
    }

    // A stranger who finds a token that the endpoint answers badly must not stop everybody.
    #[cfg(feature = "discovery")]
    #[test]
    fn what_one_token_can_bring_about_concerns_that_token() {
        for (status, reach) in [
            (400, Reach::Token),
            (413, Reach::Token),
            (500, Reach::Token),
            (302, Reach::Token),
            (401, Reach::Endpoint),
            // From a firewall before the endpoint, say, that dislikes the text of a token.
            (403, Reach::Token),
            (404, Reach::Endpoint),
            (429, Reach::Endpoint),
            (502, Reach::Endpoint),
            (503, Reach::Endpoint),
            (504, Reach::Endpoint),
        ] {
            let error = IntrospectionError::Status(StatusCode::from_u16(status).unwrap());
            assert_eq!(error.reach(), reach, "{status}");
        }
        let large = IntrospectionError::from(TransportError::TooLarge(1));
        assert_eq!(large.reach(), Reach::Token);
        assert_eq!(IntrospectionError::Type.reach(), Reach::Token);
        assert_eq!(IntrospectionError::Timeout.reach(), Reach::Endpoint);
    }
}
