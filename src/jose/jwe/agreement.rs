//! Elliptic curve Diffie-Hellman, ephemeral-static (RFC 7518 §4.6, RFC 8037 §3.2).

use aws_lc_rs::agreement::{
    Algorithm, ECDH_P256, ECDH_P384, PrivateKey, UnparsedPublicKey, X25519, agree,
};
use zeroize::Zeroizing;

use super::{
    ContentEncryption, JweAlgorithm,
    concat_kdf::{OtherInfo, derive},
    error::Failure,
};
use crate::jose::{
    InvalidJwk,
    material::Material,
    private_jwk::{PrivateJwk, Secret},
};

/// The curves that keys for ECDH-ES may lie on.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum AgreementCurve {
    /// NIST P-256.
    P256,
    /// NIST P-384.
    P384,
    /// Curve25519.
    X25519,
}

impl AgreementCurve {
    /// The curve of a key; `None` for keys that cannot agree on anything.
    pub(super) const fn of(material: &Material) -> Option<Self> {
        match material {
            Material::P256 { .. } => Some(Self::P256),
            Material::P384 { .. } => Some(Self::P384),
            Material::X25519 { .. } => Some(Self::X25519),
            Material::Rsa { .. } | Material::Ed25519 { .. } => None,
        }
    }

    const fn library(self) -> &'static Algorithm {
        match self {
            Self::P256 => &ECDH_P256,
            Self::P384 => &ECDH_P384,
            Self::X25519 => &X25519,
        }
    }
}

/// What both sides know and put into the derivation.
#[derive(Clone, Copy)]
pub(super) struct Agreement<'a> {
    pub(super) algorithm: JweAlgorithm,
    pub(super) encryption: ContentEncryption,
    pub(super) party_u: &'a [u8],
    pub(super) party_v: &'a [u8],
}

/// Prepares a private key; its public members have to be those of this secret.
pub(super) fn private_key(jwk: &PrivateJwk) -> Result<PrivateKey, InvalidJwk> {
    let material = &jwk.public().material;
    let secret = match &jwk.secret {
        Secret::P256(d) | Secret::X25519(d) => &d[..],
        Secret::P384(d) => &d[..],
        Secret::Ed25519(_) | Secret::Rsa(_) => return Err(InvalidJwk::Unsupported),
    };
    let curve = AgreementCurve::of(material).ok_or(InvalidJwk::Unsupported)?;
    let key = PrivateKey::from_private_key(curve.library(), secret)
        .map_err(|_| InvalidJwk::Inconsistent)?;
    let public = key
        .compute_public_key()
        .map_err(|_| InvalidJwk::Inconsistent)?;
    if public.as_ref() == material.point() {
        Ok(key)
    } else {
        Err(InvalidJwk::Inconsistent)
    }
}

/// A new key for one message, or for a recipient.
pub(super) fn generate(curve: AgreementCurve) -> Result<(PrivateKey, Material), Failure> {
    let key = PrivateKey::generate(curve.library())?;
    let public = key.compute_public_key()?;
    let material = material(curve, public.as_ref()).ok_or(Failure)?;
    Ok((key, material))
}

/// Derives the key that both sides agree on. Points that are not on the curve, or of small order, agree on nothing.
pub(super) fn agreed_key(
    private: &PrivateKey,
    public: &Material,
    agreement: &Agreement<'_>,
) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let curve = AgreementCurve::of(public).ok_or(Failure)?;
    let (algorithm, length) = match agreement.algorithm {
        JweAlgorithm::EcdhEsA128Kw => (agreement.algorithm.as_str(), 16),
        JweAlgorithm::EcdhEsA256Kw => (agreement.algorithm.as_str(), 32),
        // Direct agreement: the key is that of the content.
        JweAlgorithm::EcdhEs
        | JweAlgorithm::RsaOaep
        | JweAlgorithm::RsaOaep256
        | JweAlgorithm::RsaOaep384
        | JweAlgorithm::RsaOaep512
        | JweAlgorithm::A128Kw
        | JweAlgorithm::A256Kw
        | JweAlgorithm::A256GcmKw
        | JweAlgorithm::Dir => (
            agreement.encryption.as_str(),
            agreement.encryption.key_len(),
        ),
    };
    let info = OtherInfo {
        algorithm,
        party_u: agreement.party_u,
        party_v: agreement.party_v,
    };
    let peer = UnparsedPublicKey::new(curve.library(), public.point());
    agree(private, peer, Failure, |secret| {
        Ok(derive(secret, info, length))
    })
}

/// The coordinates in the library's encoding of a public key.
fn material(curve: AgreementCurve, encoded: &[u8]) -> Option<Material> {
    match curve {
        AgreementCurve::X25519 => Some(Material::X25519 {
            x: encoded.try_into().ok()?,
        }),
        AgreementCurve::P256 => {
            let (x, y) = encoded.split_first()?.1.split_at_checked(32)?;
            Some(Material::P256 {
                x: x.try_into().ok()?,
                y: y.try_into().ok()?,
            })
        }
        AgreementCurve::P384 => {
            let (x, y) = encoded.split_first()?.1.split_at_checked(48)?;
            Some(Material::P384 {
                x: x.try_into().ok()?,
                y: y.try_into().ok()?,
            })
        }
    }
}
