//! Private and shared keys made ready to decrypt with.

use std::{fmt, str::FromStr};

use aws_lc_rs::{agreement::PrivateKey, rsa::OaepPrivateDecryptingKey};
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::{
    AgreementCurve, JweAlgorithm, JweHeader, JweKeyError,
    agreement::{self, Agreement},
    algorithm::Family,
    compact::Message,
    error::Failure,
    header::Parameters,
    key_wrap, oaep,
    purpose::{self, Side},
    shared_key::SharedKey,
};
use crate::jose::{
    InvalidJwk, Jwk, PrivateJwk, json,
    material::Material,
    private_jwk::{Secret, wipe},
};

/// A key that documents may be encrypted to, checked and prepared once.
///
/// RSA of at least 2048 bits, P-256, P-384, X25519, or a key shared with the sender (`oct`). What its description allows
/// (`use`, `key_ops`, `alg`) is respected: a signature key decrypts nothing. Secrets are wiped when it is dropped, and
/// `Debug` shows none.
pub struct DecryptionKey {
    secret: KeySecret,
    /// The one algorithm the key is limited to.
    algorithm: Option<JweAlgorithm>,
    kid: Option<String>,
    public: Option<Jwk>,
}

enum KeySecret {
    Rsa(OaepPrivateDecryptingKey),
    Agreement(PrivateKey, AgreementCurve),
    Shared(SharedKey),
}

impl DecryptionKey {
    /// Prepares a private key.
    ///
    /// # Errors
    ///
    /// [`JweKeyError`] if the key is not meant for decryption or its members do not belong together.
    pub fn new(jwk: &PrivateJwk) -> Result<Self, JweKeyError> {
        let public = jwk.public();
        let (_, algorithm) = purpose::of(public, Side::Decrypting)?;
        let secret = match (&public.material, &jwk.secret) {
            (Material::Rsa { n, e }, Secret::Rsa(secret)) => {
                KeySecret::Rsa(oaep::private_key(n, e, secret)?)
            }
            (material, _) => {
                let curve = AgreementCurve::of(material).ok_or(InvalidJwk::Inconsistent)?;
                KeySecret::Agreement(agreement::private_key(jwk)?, curve)
            }
        };
        Ok(Self {
            secret,
            algorithm,
            kid: public.kid.clone(),
            // What is published says what the key is for, and does not repeat the private side's operations.
            public: Some(Jwk {
                usage: Some("enc".to_owned()),
                operations: None,
                ..public.clone()
            }),
        })
    }

    /// Prepares a key shared with the sender. `algorithm` is what `alg` of its JWK would say: `A128KW`, `A256KW`,
    /// `A256GCMKW`, `dir`, or the content encryption that a `dir` key is for.
    ///
    /// # Errors
    ///
    /// [`JweKeyError`] if the algorithm is none for shared keys, or wants another length.
    pub fn shared(
        secret: &[u8],
        algorithm: &str,
        kid: Option<String>,
    ) -> Result<Self, JweKeyError> {
        SharedKey::new(secret, algorithm, kid).map(Self::of_shared)
    }

    /// Reads a private or a shared key from the members of a JSON object.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new); a shared key has to name its algorithm.
    pub fn from_members(members: &Map<String, Value>) -> Result<Self, JweKeyError> {
        match SharedKey::from_members(members, Side::Decrypting) {
            Some(shared) => shared.map(Self::of_shared),
            None => Self::new(&PrivateJwk::from_members(members)?),
        }
    }

    /// Makes a new key with the system's random generator, for this algorithm alone: RSA of 2048 bits, or a point on P-256.
    /// Its `kid` is its thumbprint. To keep the key, make a
    /// [`PrivateJwk`](PrivateJwk::generate_for_decryption) and store it.
    ///
    /// # Errors
    ///
    /// [`JweKeyError::Algorithm`] for an algorithm of shared keys, [`JweKeyError::Library`] if the generator fails.
    pub fn generate(algorithm: JweAlgorithm) -> Result<Self, JweKeyError> {
        Self::new(&PrivateJwk::generate_for_decryption(algorithm)?)
    }

    /// The key's identifier, if it has one.
    #[must_use]
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// The one algorithm the key is limited to, if its description names one.
    #[must_use]
    pub const fn algorithm(&self) -> Option<JweAlgorithm> {
        self.algorithm
    }

    /// The public half, described as an encryption key: what a JWKS publishes. A shared key has none.
    #[must_use]
    pub const fn public(&self) -> Option<&Jwk> {
        self.public.as_ref()
    }

    /// Whether the key may have been meant by this header, leaving its `kid` aside.
    pub(super) fn fits(&self, header: &JweHeader) -> bool {
        let algorithm = header.algorithm();
        if self.algorithm.is_some_and(|only| only != algorithm) {
            return false;
        }
        match (&self.secret, &header.parameters) {
            (KeySecret::Agreement(_, curve), Parameters::Agreement { ephemeral, .. }) => {
                AgreementCurve::of(ephemeral) == Some(*curve)
            }
            (KeySecret::Rsa(_), Parameters::None) => algorithm.family() == Family::Rsa,
            (KeySecret::Shared(key), _) => key.fits(header.encryption()),
            (KeySecret::Agreement(..) | KeySecret::Rsa(_), _) => false,
        }
    }

    /// Decrypts, in one go: a key that does not come out right is replaced by a random one, so that what follows takes its
    /// time and fails (RFC 7516 §11.5).
    pub(super) fn open(
        &self,
        header: &JweHeader,
        message: &Message<'_>,
    ) -> Result<Zeroizing<Vec<u8>>, Failure> {
        #[cfg(test)]
        crate::jose::Effort::decrypted();
        let encryption = header.encryption();
        let random = encryption.random_key()?;
        let key = match self.content_key(header, &message.encrypted_key) {
            Ok(key) if key.len() == encryption.key_len() => key,
            Ok(_) | Err(Failure) => random,
        };
        let ciphertext = message.ciphertext.clone();
        encryption.open(&key, &message.iv, message.aad, ciphertext, &message.tag)
    }

    fn content_key(
        &self,
        header: &JweHeader,
        encrypted: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, Failure> {
        match (&self.secret, &header.parameters) {
            (KeySecret::Rsa(key), _) => oaep::decrypt(key, header.algorithm(), encrypted),
            (
                KeySecret::Agreement(key, _),
                Parameters::Agreement {
                    ephemeral,
                    party_u,
                    party_v,
                },
            ) => {
                let agreement = Agreement {
                    algorithm: header.algorithm(),
                    encryption: header.encryption(),
                    party_u,
                    party_v,
                };
                let agreed = agreement::agreed_key(key, ephemeral, &agreement)?;
                match header.algorithm() {
                    JweAlgorithm::EcdhEs => Ok(agreed),
                    _ => key_wrap::unwrap(&agreed, encrypted),
                }
            }
            (KeySecret::Shared(key), Parameters::Gcm(parameters)) => {
                key_wrap::unwrap_gcm(&key.secret, encrypted, parameters)
            }
            (KeySecret::Shared(key), _) if key.algorithm == JweAlgorithm::Dir => {
                Ok(key.secret.clone())
            }
            (KeySecret::Shared(key), _) => key_wrap::unwrap(&key.secret, encrypted),
            (KeySecret::Agreement(..), _) => Err(Failure),
        }
    }

    fn of_shared(key: SharedKey) -> Self {
        Self {
            algorithm: Some(key.algorithm),
            kid: key.kid.clone(),
            secret: KeySecret::Shared(key),
            public: None,
        }
    }
}

impl FromStr for DecryptionKey {
    type Err = JweKeyError;

    fn from_str(json: &str) -> Result<Self, Self::Err> {
        let mut members = json::object(json.as_bytes()).map_err(InvalidJwk::from)?;
        let key = Self::from_members(&members);
        members.values_mut().for_each(wipe);
        key
    }
}

impl<'de> serde::Deserialize<'de> for DecryptionKey {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut members = json::deserialize(deserializer)?;
        let key = Self::from_members(&members);
        members.values_mut().for_each(wipe);
        key.map_err(serde::de::Error::custom)
    }
}

impl fmt::Debug for DecryptionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DecryptionKey")
            .field("algorithm", &self.algorithm)
            .field("kid", &self.kid)
            .field("public", &self.public)
            .finish_non_exhaustive()
    }
}
