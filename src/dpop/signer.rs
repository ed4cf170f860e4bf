//! Proofs as a client makes them (RFC 9449 §4.2).

use std::fmt;

use serde::Serialize;
use uuid::Uuid;

use super::{InvalidTargetUri, TargetUri};
use crate::{
    jose::{JwkThumbprint, SigningHeader, SigningKey, SigningKeyError, base64url, sha256, sign},
    time::Timestamp,
};

/// Signs a client's proofs with its key.
pub struct ProofSigner {
    key: SigningKey,
}

/// What a proof is made for. `Debug` leaves out the access token, and the URL, whose query may hold anything.
#[derive(Clone, Copy)]
pub struct NewProof<'a> {
    /// The request's method.
    pub method: &'a str,
    /// The request's URL; query and fragment are left out of the proof.
    pub url: &'a str,
    /// The access token that goes along, to a resource server.
    pub access_token: Option<&'a str>,
    /// The nonce the server asked for last.
    pub nonce: Option<&'a str>,
    /// The present moment.
    pub now: Timestamp,
}

/// Why no proof could be made.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ProofSigningError {
    /// The URL is none that a proof can be made for.
    #[error(transparent)]
    Url(#[from] InvalidTargetUri),
    /// The key failed to sign.
    #[error(transparent)]
    Key(#[from] SigningKeyError),
}

#[derive(Serialize)]
struct Claims<'a> {
    jti: String,
    htm: &'a str,
    htu: &'a str,
    iat: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    ath: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    nonce: Option<&'a str>,
}

impl ProofSigner {
    /// Signs with this key.
    #[must_use]
    pub const fn new(key: SigningKey) -> Self {
        Self { key }
    }

    /// The thumbprint that tokens get bound to: `dpop_jkt` and `cnf.jkt` (RFC 9449 §6.1, §10).
    #[must_use]
    pub const fn thumbprint(&self) -> JwkThumbprint {
        self.key.thumbprint()
    }

    /// Makes a new proof.
    ///
    /// # Errors
    ///
    /// [`ProofSigningError`] if the URL is not absolute or the key fails.
    pub fn sign(&self, proof: &NewProof<'_>) -> Result<String, ProofSigningError> {
        let target: TargetUri = proof.url.parse()?;
        let claims = Claims {
            jti: Uuid::new_v4().to_string(),
            htm: proof.method,
            htu: target.as_str(),
            iat: proof.now,
            ath: proof
                .access_token
                .map(|token| base64url::encode(sha256(token.as_bytes()))),
            nonce: proof.nonce,
        };
        let payload = serde_json::to_vec(&claims).map_err(|_| SigningKeyError::Library)?;
        let jwk = self.key.public().bare();
        let header = SigningHeader {
            typ: Some("dpop+jwt"),
            jwk: Some(&jwk),
        };
        Ok(sign(&self.key, header, &payload)?)
    }
}

impl fmt::Debug for NewProof<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewProof")
            .field("method", &self.method)
            .field("now", &self.now)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for ProofSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProofSigner")
            .field("thumbprint", &self.thumbprint())
            .finish_non_exhaustive()
    }
}
