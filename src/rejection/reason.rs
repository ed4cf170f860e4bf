//! Why a request was not let through.

use std::{sync::Arc, time::Duration};

use super::{ErrorCode, ForwardedError};
use crate::{
    dpop::ProofError,
    issuer::{IntrospectionError, KeysUnavailable},
    mtls::CertificateHeaderError,
    replay::StoreError,
    token::{RevocationUnavailable, Scope, TokenError},
};

/// Why a request was not let through: its own fault, or ours.
///
/// The layer puts it into the extensions of the answer, for whoever logs or counts.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Rejection {
    /// The request is refused: 400, 401 or 403.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// We could not decide: 503. Nothing says that the request was wrong.
    #[error(transparent)]
    Failed(#[from] Fault),
}

/// What is wrong with a request. `Display` is for the operator; the client gets [`code`](Self::code) and
/// [`description`](Self::description).
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Refusal {
    /// There is no `Authorization` header.
    #[error("no credentials")]
    NoCredentials,
    /// There is more than one `Authorization` header (RFC 6750 §2).
    #[error("{0} Authorization headers")]
    SeveralAuthorizations(usize),
    /// There is an `access_token` in the query (FAPI 2.0 Security Profile §5.3.4).
    #[error("access token in the query")]
    TokenInQuery,
    /// `Authorization` is not a scheme and a token (RFC 6750 §2.1, RFC 9449 §7.1).
    #[error("malformed Authorization header")]
    MalformedAuthorization,
    /// The scheme is neither `DPoP` nor `Bearer`.
    #[error("authentication scheme not accepted")]
    Scheme,
    /// The access token is longer than this server reads, in bytes.
    #[error("access token of {0} bytes")]
    TokenTooLarge(usize),
    /// The request does not say which URL it is meant for: no single valid `Host`, or a path that is none.
    #[error("no valid request URL")]
    Target,
    /// The profile is for reading only, and the method is none that only reads (FAPI 1.0 Part 1 §6.2.1).
    #[error("method not allowed by the read-only profile")]
    Method,
    /// The `x-fapi-*` header of this name is malformed (FAPI 1.0 Part 1 §6.2.2).
    #[error("malformed {0} header")]
    FapiHeader(&'static str),
    /// The request means a host that is not served here.
    #[error("host {0:?} is not served here")]
    Host(String),
    /// A trusted proxy does not tell the URL that the client meant as it should.
    #[error(transparent)]
    Forwarded(#[from] ForwardedError),
    /// A trusted proxy does not pass the client's certificate on as it should.
    #[error(transparent)]
    CertificateHeader(#[from] CertificateHeaderError),
    /// The token itself is not accepted.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// The token is bound to nothing (FAPI 2.0 Security Profile §5.3.4).
    #[error("token is not sender-constrained")]
    Unbound,
    /// The token is not bound in the way this resource server demands.
    #[error("token is not bound in the way demanded here")]
    Binding,
    /// A DPoP-bound token came under `Bearer` (RFC 9449 §7.2).
    #[error("DPoP-bound token under the Bearer scheme")]
    DpopTokenAsBearer,
    /// A token that is not DPoP-bound came under `DPoP` (RFC 9449 §7.1).
    #[error("token under the DPoP scheme is not DPoP-bound")]
    NotDpopBound,
    /// The token is bound to a certificate and the client presented none (RFC 8705 §3).
    #[error("no client certificate")]
    NoCertificate,
    /// The token is bound to another certificate (RFC 8705 §3).
    #[error("token is bound to another certificate")]
    CertificateMismatch,
    /// The proof is not accepted.
    #[error(transparent)]
    Proof(#[from] ProofError),
    /// The proof has been used before (RFC 9449 §11.1).
    #[error("proof has been used before")]
    Replayed,
    /// The token lacks scope for this resource; what would suffice stands here.
    #[error("scope \"{0}\" is required")]
    Scope(Scope),
    /// No entry of the token's `authorization_details` of this type grants what was asked for (RFC 9396 §9).
    #[error("an authorization_details entry of type {0:?} is required")]
    AuthorizationDetails(Arc<str>),
    /// The user has not signed in strongly or recently enough (RFC 9470 §3).
    #[error("sign-in of {acr_values:?} within {max_age:?} is required")]
    Authentication {
        /// The authentication contexts of which one would suffice; empty if any would.
        acr_values: Arc<[String]>,
        /// How long ago the user may have signed in.
        max_age: Option<Duration>,
    },
}

/// What we could not do.
#[non_exhaustive]
#[derive(Clone, Debug, thiserror::Error)]
pub enum Fault {
    /// The issuer's keys could not be had.
    #[error("keys of the issuer unavailable: {0}")]
    Keys(#[from] KeysUnavailable),
    /// The proof could not be recorded, and may therefore not be accepted.
    #[error("replay store: {0}")]
    Replay(#[from] StoreError),
    /// The issuer could not be asked about the token, or its answer could not be believed.
    #[error("introspection: {0}")]
    Introspection(#[from] IntrospectionError),
    /// Whether the token was revoked could not be found out.
    #[error("check for revocation: {0}")]
    Revocation(#[from] RevocationUnavailable),
    /// What had to be waited for was wanting again each time it had come.
    #[error("no verdict within the rounds of waiting that a request gets")]
    Undecided,
}

impl Rejection {
    /// What the client is told in words; see [`Refusal::description`].
    #[must_use]
    pub const fn description(&self) -> &'static str {
        match self {
            Self::Refused(refusal) => refusal.description(),
            Self::Failed(_) => "the request cannot be decided at the moment, try again later",
        }
    }
}

impl Fault {
    /// When a client may try again: whole seconds, at least one (RFC 9110 §10.2.3).
    #[must_use]
    pub fn retry_after(&self) -> Duration {
        match self {
            Self::Keys(error) => error.retry_after(),
            Self::Introspection(error) => error.retry_after(),
            Self::Revocation(error) => error.patience(),
            // Records end every second, and a connection may be there again at any time.
            Self::Replay(_) | Self::Undecided => Duration::from_secs(1),
        }
    }
}

impl Refusal {
    /// The `error` of the challenge; none where the client has not even tried (RFC 6750 §3.1).
    #[must_use]
    pub const fn code(&self) -> Option<ErrorCode> {
        // No `_` arm: a new variant compiles only once somebody has decided what the client is told.
        Some(match self {
            Self::NoCredentials | Self::Scheme | Self::Method => return None,
            Self::SeveralAuthorizations(_)
            | Self::TokenInQuery
            | Self::MalformedAuthorization
            | Self::TokenTooLarge(_)
            | Self::Target
            | Self::FapiHeader(_)
            | Self::Host(_)
            | Self::Forwarded(_)
            | Self::CertificateHeader(_) => ErrorCode::InvalidRequest,
            Self::Token(_)
            | Self::Unbound
            | Self::Binding
            | Self::DpopTokenAsBearer
            | Self::NotDpopBound
            | Self::NoCertificate
            | Self::CertificateMismatch => ErrorCode::InvalidToken,
            Self::Proof(error) => proof_code(error),
            Self::Replayed => ErrorCode::InvalidDpopProof,
            // No code of its own is registered for authorization details; this one says that asking anew with more helps.
            Self::Scope(_) | Self::AuthorizationDetails(_) => ErrorCode::InsufficientScope,
            Self::Authentication { .. } => ErrorCode::InsufficientUserAuthentication,
        })
    }

    /// What a well-meaning client developer needs to know, and nothing about keys or internals.
    ///
    /// ASCII without quotes and backslashes, as a challenge wants it (RFC 6750 §3).
    #[must_use]
    pub const fn description(&self) -> &'static str {
        match self {
            Self::NoCredentials => "an access token is required",
            Self::SeveralAuthorizations(_) => "there must be one Authorization header",
            Self::TokenInQuery => "an access token must not stand in the query",
            Self::MalformedAuthorization => "the Authorization header is malformed",
            Self::Scheme => "the authentication scheme is not accepted",
            Self::TokenTooLarge(_) => "the access token is too long",
            Self::Target => "the request needs one valid Host and a path of ASCII characters",
            Self::Method => "this API is read-only",
            Self::FapiHeader(_) => {
                "x-fapi-auth-date or x-fapi-customer-ip-address is malformed or sent twice"
            }
            Self::Host(_) => "the request is for a host that is not served here",
            Self::Forwarded(_) => "the forwarding headers of the request are missing or malformed",
            Self::CertificateHeader(_) => "the client certificate in the request is malformed",
            Self::Token(error) => token_description(error),
            Self::Unbound => "the access token is not sender-constrained",
            Self::Binding => "the access token is not bound in the way this resource demands",
            Self::DpopTokenAsBearer => {
                "a DPoP-bound access token needs the DPoP scheme and a proof"
            }
            Self::NotDpopBound => {
                "the access token is not DPoP-bound, so the DPoP scheme does not fit"
            }
            Self::NoCertificate => {
                "the access token needs a client certificate here and none was presented"
            }
            Self::CertificateMismatch => "the access token is bound to another client certificate",
            Self::Proof(error) => proof_description(error),
            Self::Replayed => "the DPoP proof has been used before, each request needs a new one",
            Self::Scope(_) => "the access token lacks a required scope",
            Self::AuthorizationDetails(_) => {
                "the authorization_details of the access token do not grant this"
            }
            Self::Authentication { .. } => {
                "the user has to sign in again, more strongly or more recently"
            }
        }
    }
}

const fn proof_code(error: &ProofError) -> ErrorCode {
    match error {
        ProofError::MissingNonce(_) | ProofError::Nonce(_) => ErrorCode::UseDpopNonce,
        // The proof is sound; the token belongs to somebody else (RFC 9449 §7.1).
        ProofError::KeyMismatch => ErrorCode::InvalidToken,
        ProofError::Missing
        | ProofError::Several(_)
        | ProofError::TooLarge(_)
        | ProofError::Malformed(_)
        | ProofError::MalformedClaims(_)
        | ProofError::MissingClaim(_)
        | ProofError::JtiLength(_)
        | ProofError::Type
        | ProofError::Algorithm
        | ProofError::Signature
        | ProofError::MissingKey
        | ProofError::Key(_)
        | ProofError::UnfitKey(_)
        | ProofError::Method
        | ProofError::Target { .. }
        | ProofError::TooOld(_)
        | ProofError::InFuture(_)
        | ProofError::AccessTokenHash => ErrorCode::InvalidDpopProof,
    }
}

const fn proof_description(error: &ProofError) -> &'static str {
    match error {
        ProofError::Missing => "the DPoP scheme needs a proof in a DPoP header",
        ProofError::Several(_) => "there must be one DPoP header",
        ProofError::TooLarge(_) => "the DPoP proof is too long",
        ProofError::Malformed(_) => "the DPoP proof is malformed",
        ProofError::MalformedClaims(_) => "the claims of the DPoP proof are malformed",
        ProofError::MissingClaim(_) => "the DPoP proof lacks one of jti, htm, htu, iat, ath",
        ProofError::JtiLength(_) => "jti of the DPoP proof must have 1 to 256 bytes",
        ProofError::Type => "typ of the DPoP proof must be dpop+jwt",
        ProofError::Algorithm => "alg of the DPoP proof is not accepted or does not fit its key",
        ProofError::Signature => "the signature of the DPoP proof does not verify",
        ProofError::MissingKey => "the DPoP proof has no jwk",
        ProofError::Key(_) | ProofError::UnfitKey(_) => {
            "jwk of the DPoP proof is not a usable public key"
        }
        ProofError::Method => "htm of the DPoP proof is not the method of the request",
        ProofError::Target { .. } => "htu of the DPoP proof is not the URL of the request",
        ProofError::MissingNonce(_) | ProofError::Nonce(_) => {
            "the DPoP proof must hold the nonce given in the DPoP-Nonce header"
        }
        ProofError::TooOld(_) => "iat of the DPoP proof is too far in the past",
        ProofError::InFuture(_) => "iat of the DPoP proof is too far in the future",
        ProofError::AccessTokenHash => "ath of the DPoP proof is not the hash of the access token",
        ProofError::KeyMismatch => {
            "the access token is bound to another key than that of the DPoP proof"
        }
    }
}

const fn token_description(error: &TokenError) -> &'static str {
    match error {
        TokenError::Malformed(_)
        | TokenError::MalformedClaim(_)
        | TokenError::Contradiction(..) => "the access token is malformed",
        TokenError::Expired(_) => "the access token has expired",
        TokenError::NotYetValid(_) | TokenError::IssuedInFuture(_) => {
            "the access token is not valid yet"
        }
        TokenError::Audience(_) => "the access token was issued for another resource",
        TokenError::NotEncrypted => "this resource takes encrypted access tokens only",
        TokenError::Inactive | TokenError::Revoked => {
            "the access token has ended, was revoked or was never issued"
        }
        TokenError::UnknownConfirmation => "the access token is bound in a way not supported here",
        // However decryption fails, it looks the same.
        TokenError::Decryption(_)
        | TokenError::EncryptedContent
        | TokenError::Type(_)
        | TokenError::OtherKind(_)
        | TokenError::Algorithm
        | TokenError::MissingClaim(_)
        | TokenError::Issuer(_)
        | TokenError::UnknownKey
        | TokenError::Signature => "the access token is not valid here",
    }
}
