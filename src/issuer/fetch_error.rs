//! Why a document could not be had.

use http::StatusCode;

use crate::jose::{InvalidJwkSet, json::InvalidJson};

/// Why an authorization server's metadata or keys could not be had. Never the fault of a client of ours.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum FetchError {
    /// The URL is not `https`, and not `http` to this machine where that was allowed.
    #[error("{0} is not an https URL")]
    Insecure(String),
    /// The server could not be reached, its certificate was not accepted, or the connection broke.
    #[error("unreachable: {0}")]
    Unreachable(String),
    /// The document was not there in time.
    #[error("timed out")]
    Timeout,
    /// The answer leads elsewhere, or came from another host than the one asked.
    #[error("redirected")]
    Redirected,
    /// The answer is not a 200 (RFC 8414 §3.2).
    #[error("answered {0}")]
    Status(StatusCode),
    /// The answer is of a media type that is not JSON.
    #[error("media type {0:?} is not JSON")]
    MediaType(String),
    /// The document is larger than 256 KiB.
    #[error("larger than 256 KiB")]
    TooLarge,
    /// The metadata is not strict JSON, or a member has the wrong type.
    #[error("malformed metadata: {0}")]
    Metadata(InvalidJson),
    /// The metadata is about another issuer than the one asked for (RFC 8414 §3.3).
    #[error("the metadata is that of issuer {0:?}")]
    IssuerMismatch(String),
    /// An endpoint of the metadata is not `https`.
    #[error("`{0}` of the metadata is not an https URL")]
    InsecureEndpoint(&'static str),
    /// The metadata does not say where the keys are.
    #[error("the metadata has no `jwks_uri`")]
    NoJwksUri,
    /// The keys are not a key set, or too many.
    #[error("malformed key set: {0}")]
    KeySet(#[from] InvalidJwkSet),
    /// The key set holds no key that can verify a signature.
    #[error("no usable key")]
    NoUsableKey,
}

impl FetchError {
    #[cfg(any(feature = "discovery", feature = "client"))]
    /// Whether the server answered, only not with the document: the document may lie elsewhere.
    pub(super) fn is_answer(&self) -> bool {
        match self {
            Self::Status(status) => {
                status.is_client_error() && *status != StatusCode::TOO_MANY_REQUESTS
            }
            Self::Redirected
            | Self::MediaType(_)
            | Self::TooLarge
            | Self::Metadata(_)
            | Self::IssuerMismatch(_)
            | Self::InsecureEndpoint(_) => true,
            Self::Insecure(_)
            | Self::Unreachable(_)
            | Self::Timeout
            | Self::NoJwksUri
            | Self::KeySet(_)
            | Self::NoUsableKey => false,
        }
    }
}

#[cfg(any(feature = "discovery", feature = "client"))]
impl From<reqwest::Error> for FetchError {
    fn from(error: reqwest::Error) -> Self {
        if error.is_timeout() {
            return Self::Timeout;
        }
        if error.is_redirect() {
            return Self::Redirected;
        }
        // The cause that says something ("connection refused", "unknown issuer") is the innermost one.
        let error = error.without_url();
        let mut text = error.to_string();
        let mut cause = std::error::Error::source(&error);
        while let Some(error) = cause {
            text = format!("{text}: {error}");
            cause = error.source();
        }
        Self::Unreachable(text)
    }
}
