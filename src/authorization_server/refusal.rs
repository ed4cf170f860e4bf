//! What went wrong at an endpoint that clients call themselves, and how that looks on the wire (RFC 6749 §5.2).

use std::borrow::Cow;

use axum::extract::rejection::BytesRejection;
use http::{HeaderName, HeaderValue, Response, StatusCode, header};
use serde_json::json;
use thiserror::Error;

use super::{
    authorization_details::DetailsProblem, keys::NoSigningKey, parameters::InvalidParameters,
    people::AuthenticatorFault, secret::NoRandomness, store::StoreError,
};
use crate::{
    dpop::NonceFailure,
    issuer::KeysUnavailable,
    jose::{SigningKeyError, jwe::JweKeyError},
    replay,
};

/// A request that was not fulfilled.
#[derive(Clone, Debug, Error)]
pub(crate) enum Failure {
    /// The client did something wrong.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// We could not do what we should have: 503, never the client's fault.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// A request that was refused. Both parts are for the client; what only the operator may know goes to the log.
#[derive(Clone, Debug, Error)]
#[error("{}: {description}", code.as_str())]
pub(crate) struct Refusal {
    pub(crate) code: ErrorCode,
    pub(crate) description: Cow<'static, str>,
    /// For `use_dpop_nonce`: the nonce to use (RFC 9449 §8).
    pub(crate) nonce: Option<String>,
    /// The client tried to authenticate in the `Authorization` header, and is answered in its own words.
    pub(crate) challenge: bool,
}

/// What we could not do.
#[derive(Clone, Debug, Error)]
pub(crate) enum Fault {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Replay(#[from] replay::StoreError),
    #[error(transparent)]
    Random(#[from] NoRandomness),
    #[error(transparent)]
    Signing(#[from] SigningKeyError),
    #[error(transparent)]
    NoSigningKey(#[from] NoSigningKey),
    #[error(transparent)]
    Nonce(#[from] NonceFailure),
    /// Whether the client is who it says cannot be known: never `invalid_client`.
    #[error("the client's keys: {0}")]
    ClientKeys(#[from] KeysUnavailable),
    /// A token cannot be encrypted, and must not go out in the clear.
    #[error("the keys of resource {0:?}: {1}")]
    ResourceKeys(String, KeysUnavailable),
    /// The resource server publishes keys, but none for the algorithm that is registered.
    #[error("resource {0:?} publishes no key for the registered algorithm")]
    NoResourceKey(String),
    #[error(transparent)]
    Encryption(#[from] JweKeyError),
    /// What is known of a person cannot be had.
    #[error("claims: {0}")]
    Claims(#[from] AuthenticatorFault),
    /// Somebody cannot be told from a client that gets tokens on its own behalf (RFC 9068 §5).
    #[error(
        "{0:?} is the subject of a person and the client_id of a client registered for client_credentials"
    )]
    SharedSubject(String),
}

/// The `error` of an answer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum ErrorCode {
    /// RFC 6749 §5.2.
    InvalidRequest,
    /// `invalid_request` of a body beyond the limit (RFC 9126 §2.3).
    TooLarge,
    /// RFC 6749 §5.2.
    InvalidClient,
    /// RFC 6749 §5.2.
    InvalidGrant,
    /// RFC 6749 §5.2.
    UnauthorizedClient,
    /// RFC 6749 §5.2.
    UnsupportedGrantType,
    /// RFC 6749 §5.2.
    InvalidScope,
    /// RFC 6749 §4.1.2.1.
    UnsupportedResponseType,
    /// RFC 8707 §2.
    InvalidTarget,
    /// RFC 9396 §5.
    InvalidAuthorizationDetails,
    /// OpenID Connect Core Error Code `unmet_authentication_requirements`, by way of RFC 9470 §5.
    UnmetAuthenticationRequirements,
    /// RFC 9101 §6.3 and §7.
    InvalidRequestObject,
    /// RFC 7009 §2.2.1.
    UnsupportedTokenType,
    /// RFC 9449 §5.
    InvalidDpopProof,
    /// RFC 9449 §8.
    UseDpopNonce,
}

/// The `error` for what nobody, or not this person, can meet.
pub(crate) const UNMET: &str = "unmet_authentication_requirements";

impl ErrorCode {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidRequest | Self::TooLarge => "invalid_request",
            Self::InvalidClient => "invalid_client",
            Self::InvalidGrant => "invalid_grant",
            Self::UnauthorizedClient => "unauthorized_client",
            Self::UnsupportedGrantType => "unsupported_grant_type",
            Self::InvalidScope => "invalid_scope",
            Self::UnsupportedResponseType => "unsupported_response_type",
            Self::InvalidTarget => "invalid_target",
            Self::InvalidAuthorizationDetails => "invalid_authorization_details",
            Self::UnmetAuthenticationRequirements => UNMET,
            Self::InvalidRequestObject => "invalid_request_object",
            Self::UnsupportedTokenType => "unsupported_token_type",
            Self::InvalidDpopProof => "invalid_dpop_proof",
            Self::UseDpopNonce => "use_dpop_nonce",
        }
    }

    const fn status(self) -> StatusCode {
        match self {
            Self::InvalidClient => StatusCode::UNAUTHORIZED,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::InvalidRequest
            | Self::InvalidGrant
            | Self::UnauthorizedClient
            | Self::UnsupportedGrantType
            | Self::InvalidScope
            | Self::UnsupportedResponseType
            | Self::InvalidTarget
            | Self::InvalidAuthorizationDetails
            | Self::UnmetAuthenticationRequirements
            | Self::InvalidRequestObject
            | Self::UnsupportedTokenType
            | Self::InvalidDpopProof
            | Self::UseDpopNonce => StatusCode::BAD_REQUEST,
        }
    }
}

impl Refusal {
    pub(crate) fn new(code: ErrorCode, description: impl Into<Cow<'static, str>>) -> Self {
        Self {
            code,
            description: description.into(),
            nonce: None,
            challenge: false,
        }
    }

    /// `invalid_request`, the code of everything that has no other.
    pub(crate) fn invalid_request(description: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorCode::InvalidRequest, description)
    }
}

impl From<InvalidParameters> for Refusal {
    fn from(error: InvalidParameters) -> Self {
        Self::invalid_request(error.to_string())
    }
}

impl From<DetailsProblem> for Refusal {
    fn from(problem: DetailsProblem) -> Self {
        Self::new(ErrorCode::InvalidAuthorizationDetails, problem.to_string())
    }
}

impl From<BytesRejection> for Refusal {
    fn from(rejection: BytesRejection) -> Self {
        if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
            Self::new(ErrorCode::TooLarge, "The request is too large")
        } else {
            Self::invalid_request("The request could not be read")
        }
    }
}

/// Lets `?` lift whatever makes a fault.
macro_rules! faults {
    ($($error:ty),+) => { $(
        impl From<$error> for Failure {
            fn from(error: $error) -> Self {
                Self::Fault(error.into())
            }
        }
    )+ };
}
faults!(
    StoreError,
    replay::StoreError,
    NoRandomness,
    SigningKeyError,
    NoSigningKey,
    NonceFailure,
    KeysUnavailable,
    JweKeyError
);

impl Failure {
    /// The answer.
    pub(crate) fn respond(&self) -> Response<String> {
        match self {
            Self::Refused(refusal) => {
                tracing::info!(error = refusal.code.as_str(), reason = %refusal.description, "request refused");
                refusal.respond()
            }
            Self::Fault(fault) => {
                tracing::error!(%fault, "request could not be answered");
                let mut response = json(
                    StatusCode::SERVICE_UNAVAILABLE,
                    &json!({
                        "error": "temporarily_unavailable",
                        "error_description": "The server cannot answer this request at the moment",
                    }),
                );
                response
                    .headers_mut()
                    .insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
                response
            }
        }
    }
}

impl Refusal {
    /// The description with everything replaced that an `error_description` must not hold (RFC 6749 §4.1.2.1, §5.2).
    pub(crate) fn speakable(&self) -> String {
        speakable(&self.description)
    }

    fn respond(&self) -> Response<String> {
        let body = json!({
            "error": self.code.as_str(),
            "error_description": self.speakable(),
        });
        let mut response = json(self.code.status(), &body);
        if let Some(nonce) = &self.nonce {
            set_nonce(&mut response, nonce);
        }
        if self.challenge {
            // RFC 6749 §5.2 demands a challenge of the scheme that was used. No secret would be accepted.
            response.headers_mut().insert(
                header::WWW_AUTHENTICATE,
                HeaderValue::from_static("Basic realm=\"client secrets are not supported\""),
            );
        }
        response
    }
}

/// The response header with the next nonce (RFC 9449 §8).
const DPOP_NONCE: HeaderName = HeaderName::from_static("dpop-nonce");

pub(crate) fn set_nonce(response: &mut Response<String>, nonce: &str) {
    // Nonces are base64url, so this never fails; without the header the client could only ask again.
    if let Ok(value) = HeaderValue::from_str(nonce) {
        response.headers_mut().insert(DPOP_NONCE, value);
    }
}

/// A JSON answer that no cache keeps (RFC 6749 §5.1, RFC 9126 §2.2).
pub(crate) fn json(status: StatusCode, body: &serde_json::Value) -> Response<String> {
    let mut response = Response::new(body.to_string());
    *response.status_mut() = status;
    for (name, value) in [
        (header::CONTENT_TYPE, "application/json"),
        (header::CACHE_CONTROL, "no-store"),
        (header::PRAGMA, "no-cache"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ] {
        response
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
    }
    response
}

/// The text with everything replaced that an `error_description` must not hold (RFC 6749 §5.2).
fn speakable(description: &str) -> String {
    description
        .chars()
        .map(|c| match c {
            '`' | '"' | '\\' => '\'',
            ' '..='~' => c,
            _ => '?',
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    // RFC 6749 §5.2: %x20-21 / %x23-5B / %x5D-7E.
    #[test]
    fn a_description_holds_allowed_characters_only() {
        let refusal = Refusal::invalid_request("say \"`x`\" \\ é\n\u{0}");
        let response = Failure::from(refusal).respond();
        let body: serde_json::Value = serde_json::from_str(response.body()).unwrap();
        assert_eq!(body["error_description"], "say ''x'' ' ???");
    }

    #[test]
    fn our_own_faults_are_not_the_clients() {
        let response = Failure::from(NoRandomness).respond();
        assert_eq!(response.status(), 503);
        assert!(response.headers().contains_key("retry-after"));
        assert!(!response.body().contains("random"), "nothing of the inside");
    }
}
