//! Why a proof was refused.

use std::time::Duration;

use crate::jose::{InvalidJwk, JwkThumbprint, JwsError, UnfitKey};

/// Why a DPoP proof was refused: one reason for each check of RFC 9449 §4.3, for the operator.
///
/// What the client is told is another matter and is decided by whoever answers.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ProofError {
    /// There is no `DPoP` header (check 1).
    #[error("no DPoP proof")]
    Missing,
    /// There is more than one `DPoP` header (check 1).
    #[error("{0} DPoP headers")]
    Several(usize),
    /// The proof is longer than this server reads, in bytes.
    #[error("proof of {0} bytes")]
    TooLarge(usize),
    /// It is not a well-formed JWT (check 2).
    #[error("malformed proof: {0}")]
    Malformed(#[from] JwsError),
    /// Its claims are not a strict JSON object, or one of them has the wrong type (check 2).
    #[error("malformed claims: {0}")]
    MalformedClaims(String),
    /// A required claim is missing (check 3).
    #[error("claim `{0}` is missing")]
    MissingClaim(&'static str),
    /// `jti` is empty or longer than 256 bytes (check 3).
    #[error("`jti` of {0} bytes")]
    JtiLength(usize),
    /// `typ` is not `dpop+jwt` (check 4).
    #[error("`typ` is not dpop+jwt")]
    Type,
    /// `alg` is not among the algorithms this server accepts, or does not fit the key (check 5).
    #[error("algorithm not accepted")]
    Algorithm,
    /// The signature is not that of the key in `jwk` (check 6).
    #[error("signature does not verify")]
    Signature,
    /// There is no `jwk` in the header (check 3).
    #[error("no `jwk` in the header")]
    MissingKey,
    /// `jwk` is no usable public key; private members belong here as well (check 7).
    #[error("unusable `jwk`: {0}")]
    Key(#[from] InvalidJwk),
    /// `jwk` is not meant for signatures.
    #[error("unfit `jwk`: {0}")]
    UnfitKey(#[from] UnfitKey),
    /// `htm` is not the method of the request (check 8).
    #[error("`htm` is not the request's method")]
    Method,
    /// `htu` is not the URL of the request (check 9).
    #[error("`htu` is {claimed:?}, the request went to {asked:?}")]
    Target {
        /// The claim without its query, shortened to what a log can bear.
        claimed: String,
        /// The URL this server believes it was asked at, normalised.
        asked: String,
    },
    /// This server demands a nonce and the proof, made with this key, has none (check 10).
    #[error("no `nonce`")]
    MissingNonce(JwkThumbprint),
    /// The nonce is not one of ours, not for this key, or too old (check 10).
    #[error("`nonce` not accepted")]
    Nonce(JwkThumbprint),
    /// `iat` lies this far in the past, further than the window allows (check 11).
    #[error("issued {0:?} ago")]
    TooOld(Duration),
    /// `iat` lies this far in the future, further than the window allows (check 11).
    #[error("issued {0:?} in the future")]
    InFuture(Duration),
    /// `ath` is not the hash of the access token that came along (check 12).
    #[error("`ath` is not the hash of the access token")]
    AccessTokenHash,
    /// The access token is bound to another key (check 12).
    #[error("the access token is bound to another key")]
    KeyMismatch,
}

impl ProofError {
    /// The key to make a new nonce for, if that is all the client needs: the answer is `use_dpop_nonce` then
    /// (RFC 9449 §8).
    #[must_use]
    pub const fn wants_nonce(&self) -> Option<JwkThumbprint> {
        match self {
            Self::MissingNonce(key) | Self::Nonce(key) => Some(*key),
            _ => None,
        }
    }
}
