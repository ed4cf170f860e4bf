//! Private keys made ready to sign with.

use std::fmt;

use aws_lc_rs::{
    encoding::{AsBigEndian as _, AsDer as _},
    rand::SystemRandom,
    rsa::{KeyPair as RsaKeyPair, KeyPairComponents, KeySize, PublicKeyComponents},
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PSS_SHA256,
    },
};
use zeroize::Zeroizing;

use super::{
    algorithm::JwsAlgorithm,
    hash::JwkThumbprint,
    jwk::{InvalidJwk, Jwk},
    material::Material,
    pkcs8,
    private_jwk::{PrivateJwk, RsaSecret, Secret},
    verifying_key::{UnfitKey, signature_algorithm},
};

/// A private key that signs with one algorithm.
pub struct SigningKey {
    pair: Pair,
    algorithm: JwsAlgorithm,
    public: Jwk,
    thumbprint: JwkThumbprint,
}

enum Pair {
    P256(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
    Rsa(Box<RsaKeyPair>),
}

/// Why a private key cannot sign.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum SigningKeyError {
    /// The key itself is wrong.
    #[error(transparent)]
    Invalid(#[from] InvalidJwk),
    /// The key is not meant for signing.
    #[error(transparent)]
    Unfit(#[from] UnfitKey),
    /// The library or the system's generator failed.
    #[error("the cryptographic library failed")]
    Library,
}

impl SigningKey {
    /// Makes a new key with the system's random generator; RSA keys get 2048 bits. Its `kid` is its thumbprint.
    ///
    /// # Errors
    ///
    /// [`SigningKeyError::Library`] if the generator fails.
    pub fn generate(algorithm: JwsAlgorithm) -> Result<Self, SigningKeyError> {
        Self::new(&PrivateJwk::generate(algorithm)?)
    }

    /// Prepares a key.
    ///
    /// # Errors
    ///
    /// [`SigningKeyError`] if the key is not meant for signing or its members do not belong together.
    pub fn new(jwk: &PrivateJwk) -> Result<Self, SigningKeyError> {
        let public = jwk.public();
        let algorithm = signature_algorithm(public, "sign")?;
        let pair = match (&public.material, &jwk.secret) {
            (Material::P256 { .. }, Secret::P256(d)) => {
                EcdsaKeyPair::from_private_key_and_public_key(
                    &ECDSA_P256_SHA256_FIXED_SIGNING,
                    &d[..],
                    &public.material.point(),
                )
                .map(Pair::P256)
            }
            (Material::Ed25519 { x }, Secret::Ed25519(d)) => {
                Ed25519KeyPair::from_seed_and_public_key(&d[..], x).map(Pair::Ed25519)
            }
            (Material::Rsa { n, e }, Secret::Rsa(rsa)) => {
                RsaKeyPair::from_components(&KeyPairComponents::<&[u8]> {
                    public_key: PublicKeyComponents { n, e },
                    d: &rsa.d,
                    p: &rsa.p,
                    q: &rsa.q,
                    dP: &rsa.dp,
                    dQ: &rsa.dq,
                    qInv: &rsa.qi,
                })
                .map(|pair| Pair::Rsa(Box::new(pair)))
            }
            _ => return Err(InvalidJwk::Inconsistent.into()),
        };
        Ok(Self {
            pair: pair.map_err(|_| InvalidJwk::Inconsistent)?,
            algorithm,
            // What is published says what the key is for, and does not repeat `sign`.
            public: Jwk {
                usage: Some("sig".to_owned()),
                operations: None,
                algorithm: Some(algorithm.as_str().to_owned()),
                ..public.clone()
            },
            thumbprint: public.thumbprint(),
        })
    }

    /// The one algorithm this key signs with.
    #[must_use]
    pub const fn algorithm(&self) -> JwsAlgorithm {
        self.algorithm
    }

    /// The key's identifier, if it has one.
    #[must_use]
    pub fn kid(&self) -> Option<&str> {
        self.public.kid()
    }

    /// The public half, described as a signature key of its algorithm: what a JWKS publishes.
    #[must_use]
    pub const fn public(&self) -> &Jwk {
        &self.public
    }

    /// The SHA-256 thumbprint of the public half (RFC 7638).
    #[must_use]
    pub const fn thumbprint(&self) -> JwkThumbprint {
        self.thumbprint
    }

    /// Signs `message`.
    ///
    /// # Errors
    ///
    /// [`SigningKeyError::Library`] if the library fails, which it does not for a key it has accepted.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SigningKeyError> {
        let random = SystemRandom::new();
        match &self.pair {
            Pair::P256(pair) => pair
                .sign(&random, message)
                .map(|signature| signature.as_ref().to_vec()),
            Pair::Ed25519(pair) => pair
                .try_sign(message)
                .map(|signature| signature.as_ref().to_vec()),
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PSS_SHA256, &random, message, &mut signature)
                    .map(|()| signature)
            }
        }
        .map_err(|_| SigningKeyError::Library)
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey")
            .field("algorithm", &self.algorithm)
            .field("public", &self.public)
            .finish_non_exhaustive()
    }
}

impl PrivateJwk {
    /// Makes a new key with the system's random generator; RSA keys get 2048 bits. Its `kid` is its thumbprint.
    ///
    /// # Errors
    ///
    /// [`SigningKeyError::Library`] if the generator fails.
    pub fn generate(algorithm: JwsAlgorithm) -> Result<Self, SigningKeyError> {
        let (material, secret) = match algorithm {
            JwsAlgorithm::Es256 => generate_p256(),
            JwsAlgorithm::EdDsa => generate_ed25519(),
            JwsAlgorithm::Ps256 => generate_rsa(),
        }
        .ok_or(SigningKeyError::Library)?;
        let mut public = Jwk {
            material,
            kid: None,
            usage: Some("sig".to_owned()),
            operations: None,
            algorithm: Some(algorithm.as_str().to_owned()),
        };
        public.kid = Some(public.thumbprint().to_string());
        Ok(Self::new(public, secret))
    }
}

fn generate_p256() -> Option<(Material, Secret)> {
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).ok()?;
    let secret = pair.private_key().as_be_bytes().ok()?;
    let (_, point) = pair.public_key().as_ref().split_first()?;
    let (x, y) = point.split_at_checked(32)?;
    Some((
        Material::P256 {
            x: x.try_into().ok()?,
            y: y.try_into().ok()?,
        },
        Secret::P256(Zeroizing::new(secret.as_ref().try_into().ok()?)),
    ))
}

fn generate_ed25519() -> Option<(Material, Secret)> {
    let pair = Ed25519KeyPair::generate().ok()?;
    let seed = pair.seed().ok()?.as_be_bytes().ok()?;
    Some((
        Material::Ed25519 {
            x: pair.public_key().as_ref().try_into().ok()?,
        },
        Secret::Ed25519(Zeroizing::new(seed.as_ref().try_into().ok()?)),
    ))
}

#[expect(clippy::many_single_char_names, reason = "the names of RFC 7518 §6.3")]
pub(super) fn generate_rsa() -> Option<(Material, Secret)> {
    let der = RsaKeyPair::generate(KeySize::Rsa2048).ok()?.as_der().ok()?;
    let [n, e, d, p, q, dp, dq, qi] = pkcs8::rsa_integers(der.as_ref())?;
    let secret = |number: &[u8]| Zeroizing::new(number.to_vec());
    Some((
        Material::Rsa {
            n: n.to_vec(),
            e: e.to_vec(),
        },
        Secret::Rsa(Box::new(RsaSecret {
            d: secret(d),
            p: secret(p),
            q: secret(q),
            dp: secret(dp),
            dq: secret(dq),
            qi: secret(qi),
        })),
    ))
}
