//! Why an encrypted document or a key is not usable.

use crate::jose::{InvalidJwk, base64url::InvalidBase64Url, json::InvalidJson};

/// Why a text is no JWE that could be decrypted.
///
/// All but [`Decryption`](Self::Decryption) can be seen by anybody who looks at the text and at the public keys. What
/// depends on a secret is one error, whatever went wrong: a key that does not unwrap, a tag that does not fit, padding.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum JweError {
    /// Not five segments, or one of them that must not be empty is.
    #[error("not a compact JWE")]
    Segments,
    /// A segment is not canonical base64url.
    #[error(transparent)]
    Base64Url(#[from] InvalidBase64Url),
    /// The header is not strict JSON.
    #[error("header is not strict JSON: {0}")]
    Json(#[from] InvalidJson),
    /// A header parameter has the wrong type or value.
    #[error("header parameter `{0}` is missing or malformed")]
    Header(&'static str),
    /// `alg` is not supported, or not accepted here.
    #[error("key management algorithm not accepted")]
    Algorithm,
    /// `enc` is not supported, or not accepted here.
    #[error("content encryption not accepted")]
    Encryption,
    /// The content is compressed (RFC 8725 §3.6).
    #[error("compressed content")]
    Compressed,
    /// The header demands an extension we do not know (RFC 7516 §4.1.13).
    #[error("critical header parameter not understood")]
    Critical,
    /// A segment has not the length that `alg` and `enc` stand for.
    #[error("the {0} has the wrong length")]
    Length(&'static str),
    /// No decryption key fits the header.
    #[error("no decryption key for this header")]
    NoKey,
    /// It could not be decrypted. There is nothing more to say (RFC 7516 §11.5).
    #[error("decryption failed")]
    Decryption,
}

/// Why a key cannot be used to encrypt or decrypt.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum JweKeyError {
    /// The key itself is wrong.
    #[error(transparent)]
    Invalid(#[from] InvalidJwk),
    /// `use` is not `enc`, or `key_ops` lists other operations (RFC 7517 §4.2, §4.3).
    #[error("the key is not meant for encryption")]
    Purpose,
    /// `alg` is missing where it has to be, is none of ours, or does not fit the type of the key.
    #[error("the key does not fit the algorithm")]
    Algorithm,
    /// A symmetric key has not the length that its algorithm demands; this many bytes were given.
    #[error("a symmetric key of {0} bytes does not fit the algorithm")]
    KeyLength(usize),
    /// No key of a set fits.
    #[error("no key of the set is fit to be encrypted to")]
    NoKey,
    /// The library or the system's generator failed.
    #[error("the cryptographic library failed")]
    Library,
}

/// A step failed. It says no more on purpose.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Failure;

impl From<aws_lc_rs::error::Unspecified> for Failure {
    fn from(_: aws_lc_rs::error::Unspecified) -> Self {
        Self
    }
}

impl From<Failure> for JweKeyError {
    fn from(_: Failure) -> Self {
        Self::Library
    }
}
