//! What can go wrong between the client and the servers it talks to.

use std::fmt;

use http::StatusCode;

use super::{
    id_token_error::IdTokenError, response::CallbackError, secret::RandomFailure,
    server_text::ServerText, token_set::TokenType, user_info::UserInfoError,
};
use crate::{
    dpop::ProofSigningError,
    issuer::{FetchError, IntrospectionError, TransportError},
    jose::{SigningKeyError, jwe::JweKeyError},
};

/// Whom the client was talking to.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Endpoint {
    /// The pushed authorization request endpoint (RFC 9126 §2).
    PushedAuthorizationRequest,
    /// The token endpoint (RFC 6749 §3.2).
    Token,
    /// The userinfo endpoint (OpenID Connect Core §5.3).
    UserInfo,
    /// The revocation endpoint (RFC 7009 §2).
    Revocation,
    /// The introspection endpoint (RFC 7662 §2).
    Introspection,
    /// A protected resource.
    Resource,
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::PushedAuthorizationRequest => "pushed authorization request endpoint",
            Self::Token => "token endpoint",
            Self::UserInfo => "userinfo endpoint",
            Self::Revocation => "revocation endpoint",
            Self::Introspection => "introspection endpoint",
            Self::Resource => "protected resource",
        })
    }
}

/// Why a call failed.
#[non_exhaustive]
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// No answer came, or none that may be read to its end.
    #[error("{endpoint}: {source}")]
    Transport {
        /// Who was called.
        endpoint: Endpoint,
        /// What happened.
        source: TransportError,
    },
    /// The metadata of the authorization server could not be had, or cannot be believed.
    #[error("metadata: {0}")]
    Metadata(#[from] FetchError),
    /// The metadata does not name an endpoint that the flow needs.
    #[error("the metadata has no `{0}`")]
    MissingEndpoint(&'static str),
    /// The metadata does not list `S256` in `code_challenge_methods_supported`.
    #[error("the metadata does not list `S256` in `code_challenge_methods_supported`")]
    NoProofKey,
    /// The authorization server understood and said no.
    #[error("{endpoint} refused with status {}: {error}", status.as_u16())]
    Refused {
        /// Who refused.
        endpoint: Endpoint,
        /// The status of the answer.
        status: StatusCode,
        /// What it says.
        error: AuthorizationServerError,
    },
    /// A status that means nothing at this endpoint; a redirect is one, for none is followed.
    #[error("{endpoint} answered with unexpected status {}", status.as_u16())]
    UnexpectedStatus {
        /// Who answered.
        endpoint: Endpoint,
        /// The status of the answer.
        status: StatusCode,
    },
    /// An answer of the right status that does not hold what it must.
    #[error("{endpoint} sent a malformed answer: {reason}")]
    Malformed {
        /// Who answered.
        endpoint: Endpoint,
        /// What is wrong with it.
        reason: String,
    },
    /// The token is not bound the way this client asked for it, or this client cannot use it so.
    #[error("the token is of type `{found}`, but this client uses `{expected}`")]
    TokenType {
        /// What this client's tokens are.
        expected: TokenType,
        /// What this one is.
        found: ServerText,
    },
    /// The browser brought back no authorization.
    #[error(transparent)]
    Callback(#[from] CallbackError),
    /// There are tokens, but it cannot be believed who signed in.
    #[error(transparent)]
    IdToken(#[from] IdTokenError),
    /// What the userinfo endpoint said cannot be believed.
    #[error(transparent)]
    UserInfo(#[from] UserInfoError),
    /// What the introspection endpoint said cannot be believed.
    #[error("introspection endpoint: {0}")]
    Introspection(#[from] IntrospectionError),
    /// There is no ID token in the set to compare with, so nobody knows whom the answer should be about.
    #[error("there is no ID token: ask for the scope `openid`")]
    NoIdToken,
    /// A request object was to be encrypted, and the authorization server publishes no key for that which fits what its
    /// metadata says.
    #[error("the authorization server publishes no key that request objects can be encrypted to")]
    NoEncryptionKey,
    /// Encryption failed.
    #[error("cannot encrypt the request: {0}")]
    Encryption(#[from] JweKeyError),
    /// The request asks for claims about the person, or expects a certain one, and does not ask who it is.
    #[error(
        "`claims` and `id_token_hint` mean nothing without the scope `openid`: ask for that, too"
    )]
    WithoutOpenId,
    /// The code or token, ID tokens among them, belongs to another client or comes from another authorization server; it was
    /// sent to nobody.
    #[error("the code or token belongs to another client or another authorization server")]
    ForeignGrant,
    /// There is no refresh token in the set.
    #[error("the authorization server gave no refresh token")]
    NoRefreshToken,
    /// The URL of the resource is not one that a token may be sent to.
    #[error("a token is sent to absolute https URLs without user information only")]
    ResourceUrl,
    /// The client's own key failed.
    #[error("cannot authenticate: {0}")]
    Key(#[from] SigningKeyError),
    /// No proof could be made.
    #[error("cannot prove possession: {0}")]
    Proof(#[from] ProofSigningError),
    /// The system's random generator failed.
    #[error(transparent)]
    Random(#[from] RandomFailure),
}

/// What an authorization server says when it refuses (RFC 6749 §4.1.2.1, §5.2).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AuthorizationServerError {
    code: ServerText,
    description: Option<ServerText>,
}

impl AuthorizationServerError {
    pub(super) fn new(code: &str, description: Option<&str>) -> Self {
        Self {
            code: ServerText::new(code),
            description: description.map(ServerText::new),
        }
    }

    /// The code, such as `access_denied` or `invalid_grant`.
    #[must_use]
    pub fn code(&self) -> &str {
        self.code.as_str()
    }

    /// The server's words for the developer of the client; bounded and cleaned, but anybody's words nevertheless.
    #[must_use]
    pub fn description(&self) -> Option<&str> {
        self.description.as_ref().map(ServerText::as_str)
    }
}

impl fmt::Display for AuthorizationServerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.description {
            Some(description) => write!(f, "{} ({description})", self.code),
            None => self.code.fmt(f),
        }
    }
}
