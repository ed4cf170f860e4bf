//! Public keys made ready to verify with.

use std::fmt;

use aws_lc_rs::{
    rsa::PublicKeyComponents,
    signature::{ECDSA_P256_SHA256_ASN1, ED25519, ParsedPublicKey, RSA_PSS_2048_8192_SHA256},
};

use super::{
    algorithm::JwsAlgorithm, ecdsa_der::DerSignature, hash::JwkThumbprint, jwk::Jwk,
    material::Material,
};

/// A public key that has been parsed and checked once, and verifies signatures of one algorithm.
///
/// The key's type decides the algorithm, so there is nothing a token's header could talk it into (RFC 8725 §3.1).
pub struct VerifyingKey {
    key: ParsedPublicKey,
    algorithm: JwsAlgorithm,
    kid: Option<String>,
    thumbprint: JwkThumbprint,
}

/// The signature was not made over these bytes by the owner of the key.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("signature does not verify")]
pub struct InvalidSignature;

/// The key is sound but not meant, or not fit, for verifying signatures.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum UnfitKey {
    /// `use` is not `sig`, or `key_ops` does not list `verify` (RFC 7517 §4.2, §4.3).
    #[error("the key is not meant for signatures")]
    Purpose,
    /// `alg` names another algorithm than the one the key's type stands for, or that type stands for none.
    #[error("the key is meant for another algorithm")]
    Algorithm,
    /// The cryptographic library does not take it.
    #[error("the key is rejected by the cryptographic library")]
    Rejected,
}

impl VerifyingKey {
    /// Prepares a key.
    ///
    /// # Errors
    ///
    /// [`UnfitKey`] if `use`, `key_ops` or `alg` speak against it, or the library rejects the numbers.
    pub fn new(jwk: &Jwk) -> Result<Self, UnfitKey> {
        let algorithm = signature_algorithm(jwk, "verify")?;
        let key = match &jwk.material {
            Material::P256 { .. } => {
                ParsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, jwk.material.point())
            }
            Material::Ed25519 { x } => ParsedPublicKey::new(&ED25519, x),
            Material::Rsa { n, e } => {
                PublicKeyComponents { n, e }.to_parsed_public_key(&RSA_PSS_2048_8192_SHA256)
            }
            Material::P384 { .. } | Material::X25519 { .. } => return Err(UnfitKey::Algorithm),
        };
        Ok(Self {
            key: key.map_err(|_| UnfitKey::Rejected)?,
            algorithm,
            kid: jwk.kid.clone(),
            thumbprint: jwk.thumbprint(),
        })
    }

    /// The one algorithm this key verifies.
    #[must_use]
    pub const fn algorithm(&self) -> JwsAlgorithm {
        self.algorithm
    }

    /// The key's identifier, if it has one.
    #[must_use]
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// The key's SHA-256 thumbprint (RFC 7638).
    #[must_use]
    pub const fn thumbprint(&self) -> JwkThumbprint {
        self.thumbprint
    }

    /// Verifies `signature` over `message`. In ES256, it is R and S of 32 bytes each (RFC 7518 §3.4).
    ///
    /// # Errors
    ///
    /// [`InvalidSignature`], without saying why.
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), InvalidSignature> {
        #[cfg(test)]
        super::Effort::verified();
        let outcome = match self.algorithm {
            JwsAlgorithm::Es256 => {
                let r_and_s = signature.try_into().map_err(|_| InvalidSignature)?;
                let der = DerSignature::new(r_and_s);
                self.key.verify_sig(message, der.as_bytes())
            }
            JwsAlgorithm::Ps256 | JwsAlgorithm::EdDsa => self.key.verify_sig(message, signature),
        };
        outcome.map_err(|_| InvalidSignature)
    }
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifyingKey")
            .field("algorithm", &self.algorithm)
            .field("kid", &self.kid)
            .field("thumbprint", &self.thumbprint)
            .finish_non_exhaustive()
    }
}

/// The algorithm a key signs or verifies with, if its own description allows that `operation`.
pub(super) fn signature_algorithm(jwk: &Jwk, operation: &str) -> Result<JwsAlgorithm, UnfitKey> {
    if jwk.usage.as_deref().is_some_and(|usage| usage != "sig") {
        return Err(UnfitKey::Purpose);
    }
    if let Some(operations) = &jwk.operations
        && !operations.iter().any(|listed| listed == operation)
    {
        return Err(UnfitKey::Purpose);
    }
    let algorithm = match jwk.material {
        Material::P256 { .. } => JwsAlgorithm::Es256,
        Material::Rsa { .. } => JwsAlgorithm::Ps256,
        Material::Ed25519 { .. } => JwsAlgorithm::EdDsa,
        // Curves that none of the profile's signature algorithms uses.
        Material::P384 { .. } | Material::X25519 { .. } => return Err(UnfitKey::Algorithm),
    };
    match jwk.algorithm.as_deref().map(str::parse::<JwsAlgorithm>) {
        None => Ok(algorithm),
        Some(Ok(named)) if named == algorithm => Ok(algorithm),
        Some(Ok(_) | Err(_)) => Err(UnfitKey::Algorithm),
    }
}
