//! DPoP: a fresh proof of possession in every request (RFC 9449).
//!
//! [`ProofVerifier`] is for servers, [`ProofSigner`] for clients. That a proof is used only once is the business of
//! [`replay`](crate::replay).
//!
//! ```
//! use tower_fapi::{
//!     dpop::{NewProof, ProofPolicy, ProofRequest, ProofSigner, ProofVerifier},
//!     jose::{JwsAlgorithm, SigningKey, sha256},
//!     time::Timestamp,
//! };
//!
//! let now = Timestamp::from_unix(1_800_000_000);
//! let signer = ProofSigner::new(SigningKey::generate(JwsAlgorithm::Es256)?);
//! let proof = signer.sign(&NewProof {
//!     method: "GET",
//!     url: "https://api.example.com/accounts?page=2",
//!     access_token: Some("token"),
//!     nonce: None,
//!     now,
//! })?;
//!
//! let verifier = ProofVerifier::new(ProofPolicy::default());
//! let verified = verifier.verify(&proof, &ProofRequest {
//!     method: "GET",
//!     target: &"https://api.example.com/accounts".parse()?,
//!     access_token_hash: Some(&sha256(b"token")),
//!     bound_to: Some(signer.thumbprint()),
//!     now,
//! })?;
//! assert_eq!(verified.thumbprint(), signer.thumbprint());
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```

mod claims;
mod error;
mod jti;
mod nonce;
mod policy;
mod proof_key;
mod signer;
mod target_uri;
#[cfg(test)]
mod tests;
mod verifier;

pub use self::{
    error::ProofError,
    nonce::{InvalidNonce, NonceFailure, NonceSecret, NonceState, Nonces, NoncesError},
    policy::{InvalidWindow, ProofPolicy, ProofWindow},
    signer::{NewProof, ProofSigner, ProofSigningError},
    target_uri::{InvalidTargetUri, TargetUri},
    verifier::{DPOP, ProofRequest, ProofVerifier, VerifiedProof, proof_header},
};
pub(crate) use self::{proof_key::ProofKey, verifier::UnsignedProof};
