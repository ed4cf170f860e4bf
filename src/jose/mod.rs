//! JSON Object Signing and Encryption, as much of it as FAPI allows and no more.
//!
//! Bytes go in, checked values come out. Nothing here knows HTTP, OAuth or the time.
//!
//! ```
//! use tower_fapi::jose::{CompactJws, JwkSet, JwsAlgorithm, SigningHeader, SigningKey, VerifyingKeySet, sign};
//!
//! let key = SigningKey::generate(JwsAlgorithm::Es256)?;
//! let token = sign(&key, SigningHeader { typ: Some("at+jwt"), ..Default::default() }, b"{}")?;
//!
//! let keys = VerifyingKeySet::new(&JwkSet::new([key.public().clone()]));
//! let jws = CompactJws::parse(&token)?;
//! let header = jws.header()?;
//! assert!(header.is_typ("at+jwt"));
//! jws.verify_with(&header, &keys)?;
//! assert_eq!(jws.payload()?, b"{}");
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```

mod algorithm;
pub mod base64url;
mod ecdsa_der;
mod ed25519;
#[cfg(test)]
mod effort;
pub(crate) mod hash;
pub mod json;
pub mod jwe;
mod jwk;
mod jwk_set;
mod jws;
mod material;
mod pkcs8;
mod private_jwk;
mod signing_key;
mod token_hash;
mod verifying_key;

#[cfg(test)]
pub(crate) use self::effort::Effort;
#[cfg(feature = "authorization-server")]
pub(crate) use self::private_jwk::wipe;
pub use self::{
    algorithm::{JwsAlgorithm, UnsupportedAlgorithm},
    hash::{CertificateThumbprint, InvalidHash, JwkThumbprint, sha256},
    jwk::{InvalidJwk, Jwk},
    jwk_set::{InvalidJwkSet, JwkSet, VerifyingKeySet},
    jws::{CompactJws, JwsError, JwsHeader, SigningHeader, sign},
    private_jwk::PrivateJwk,
    signing_key::{SigningKey, SigningKeyError},
    token_hash::token_hash,
    verifying_key::{InvalidSignature, UnfitKey, VerifyingKey},
};
