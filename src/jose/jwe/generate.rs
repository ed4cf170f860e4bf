//! New decryption keys.

use aws_lc_rs::encoding::{AsBigEndian as _, Curve25519SeedBin, EcPrivateKeyBin};
use zeroize::Zeroizing;

use super::{
    AgreementCurve, JweAlgorithm, JweKeyError, agreement, algorithm::Family, error::Failure,
};
use crate::jose::{
    Jwk, PrivateJwk, material::Material, private_jwk::Secret, signing_key::generate_rsa,
};

impl PrivateJwk {
    /// Makes a new decryption key with the system's random generator, for this algorithm alone: RSA of 2048 bits, or a point
    /// on P-256. Its `kid` is its thumbprint.
    ///
    /// # Errors
    ///
    /// [`JweKeyError::Algorithm`] for an algorithm of shared keys, [`JweKeyError::Library`] if the generator fails.
    pub fn generate_for_decryption(algorithm: JweAlgorithm) -> Result<Self, JweKeyError> {
        match algorithm.family() {
            Family::Rsa => {
                let (material, secret) = generate_rsa().ok_or(JweKeyError::Library)?;
                Ok(described(material, secret, algorithm))
            }
            Family::Agreement => Self::generate_for_agreement(AgreementCurve::P256, algorithm),
            Family::Symmetric => Err(JweKeyError::Algorithm),
        }
    }

    /// Makes a new decryption key on this curve, for this algorithm of the ECDH-ES family alone. Its `kid` is its thumbprint.
    ///
    /// # Errors
    ///
    /// [`JweKeyError::Algorithm`] for an algorithm of another family, [`JweKeyError::Library`] if the generator fails.
    pub fn generate_for_agreement(
        curve: AgreementCurve,
        algorithm: JweAlgorithm,
    ) -> Result<Self, JweKeyError> {
        if algorithm.family() != Family::Agreement {
            return Err(JweKeyError::Algorithm);
        }
        let (key, material) = agreement::generate(curve)?;
        let secret = if curve == AgreementCurve::X25519 {
            let seed: Curve25519SeedBin<'_> = key.as_be_bytes().map_err(Failure::from)?;
            Secret::X25519(scalar(seed.as_ref())?)
        } else {
            let number: EcPrivateKeyBin<'_> = key.as_be_bytes().map_err(Failure::from)?;
            match curve {
                AgreementCurve::P384 => Secret::P384(scalar(number.as_ref())?),
                AgreementCurve::P256 | AgreementCurve::X25519 => {
                    Secret::P256(scalar(number.as_ref())?)
                }
            }
        };
        Ok(described(material, secret, algorithm))
    }
}

fn scalar<const N: usize>(bytes: &[u8]) -> Result<Zeroizing<[u8; N]>, Failure> {
    bytes.try_into().map(Zeroizing::new).map_err(|_| Failure)
}

fn described(material: Material, secret: Secret, algorithm: JweAlgorithm) -> PrivateJwk {
    let mut public = Jwk {
        material,
        kid: None,
        usage: Some("enc".to_owned()),
        operations: None,
        algorithm: Some(algorithm.as_str().to_owned()),
    };
    public.kid = Some(public.thumbprint().to_string());
    PrivateJwk::new(public, secret)
}
