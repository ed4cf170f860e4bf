//! Why an access token was refused.

use crate::{
    jose::{JwsError, jwe::JweError},
    time::Timestamp,
};

/// Why an access token was refused, for the operator. The client is told `invalid_token` and no more than helps it.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum TokenError {
    /// It is not a well-formed JWT, or demands what we do not know.
    #[error("malformed token: {0}")]
    Malformed(#[from] JwsError),
    /// It is encrypted, and not so that it could be decrypted here.
    #[error("encrypted token: {0}")]
    Decryption(#[from] JweError),
    /// It is not encrypted, and this resource server takes encrypted tokens only.
    #[error("not encrypted")]
    NotEncrypted,
    /// What was encrypted is no signed JWT. Nothing that nobody has signed is believed.
    #[error("what is encrypted is no signed JWT")]
    EncryptedContent,
    /// `typ` is not that of an access token (RFC 9068 §4).
    #[error("`typ` is {0:?}, not at+jwt")]
    Type(Option<String>),
    /// `typ` would do for this issuer, but this claim stands in tokens of another kind only (RFC 8725 §3.12).
    #[error("claim `{0}` shows that it is no access token")]
    OtherKind(&'static str),
    /// `alg` is not among the algorithms accepted from this issuer.
    #[error("algorithm not accepted")]
    Algorithm,
    /// A required claim is missing.
    #[error("claim `{0}` is missing")]
    MissingClaim(&'static str),
    /// A claim has not the type or the form it must have. That is not the same as absent.
    #[error("claim `{0}` is malformed")]
    MalformedClaim(&'static str),
    /// Two claims that have to say the same do not: the first stands in for the second by a
    /// [compatibility setting](super::Compatibility).
    #[error("claim `{0}` contradicts `{1}`")]
    Contradiction(&'static str, &'static str),
    /// `iss`, this one, is none of the issuers that are trusted here. They are compared letter for letter.
    #[error("issuer {0:?} is not trusted")]
    Issuer(String),
    /// `aud`, this one, does not name this resource server. They are compared letter for letter.
    #[error("issued for audience {0:?}")]
    Audience(String),
    /// It has ended.
    #[error("expired at {0}")]
    Expired(Timestamp),
    /// `nbf` lies too far ahead.
    #[error("not valid before {0}")]
    NotYetValid(Timestamp),
    /// `iat` lies too far ahead.
    #[error("issued in the future, at {0}")]
    IssuedInFuture(Timestamp),
    /// No key of the issuer fits the header.
    #[error("no key of the issuer fits")]
    UnknownKey,
    /// The signature is not the issuer's.
    #[error("signature does not verify")]
    Signature,
    /// The issuer's introspection endpoint says that it is not active: ended, revoked or never issued (RFC 7662 §2.2).
    #[error("not active, says the issuer")]
    Inactive,
    /// A [`RevocationCheck`](crate::token::RevocationCheck) says that it has been revoked.
    #[error("revoked")]
    Revoked,
    /// `cnf` holds only confirmation methods that cannot be checked here.
    #[error("bound in a way that cannot be checked")]
    UnknownConfirmation,
}
