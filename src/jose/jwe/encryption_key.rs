//! Public and shared keys made ready to encrypt to.

use std::fmt;

use aws_lc_rs::rsa::OaepPublicEncryptingKey;
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::{
    AgreementCurve, ContentEncryption, JweAlgorithm, JweKeyError,
    agreement::{self, Agreement},
    algorithm::Family,
    key_wrap, oaep,
    purpose::{self, Side},
    shared_key::SharedKey,
};
use crate::jose::{Jwk, JwkSet, base64url, material::Material};

/// A recipient's key, with the algorithm in which it is used.
pub struct EncryptionKey {
    target: Target,
    algorithm: JweAlgorithm,
    kid: Option<String>,
}

enum Target {
    Rsa(OaepPublicEncryptingKey),
    Agreement(Box<Material>, AgreementCurve),
    Shared(SharedKey),
}

/// The content encryption key, and how it reaches the recipient.
pub(super) struct Conveyed {
    pub(super) key: Zeroizing<Vec<u8>>,
    pub(super) encrypted: Vec<u8>,
    pub(super) header: Map<String, Value>,
}

impl EncryptionKey {
    /// Prepares a public key for the algorithm that its `alg` names, otherwise `RSA-OAEP-256` or `ECDH-ES+A256KW`.
    ///
    /// # Errors
    ///
    /// [`JweKeyError`] if `use`, `key_ops` or `alg` speak against it, or the library rejects the numbers.
    pub fn new(jwk: &Jwk) -> Result<Self, JweKeyError> {
        let algorithm = match purpose::of(jwk, Side::Encrypting)? {
            (_, Some(algorithm)) => algorithm,
            (Family::Rsa, None) => JweAlgorithm::RsaOaep256,
            (Family::Agreement | Family::Symmetric, None) => JweAlgorithm::EcdhEsA256Kw,
        };
        Self::for_algorithm(jwk, algorithm)
    }

    /// Prepares a public key for this algorithm.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new); also [`JweKeyError::Algorithm`] if the key is none for the algorithm.
    pub fn for_algorithm(jwk: &Jwk, algorithm: JweAlgorithm) -> Result<Self, JweKeyError> {
        let (family, named) = purpose::of(jwk, Side::Encrypting)?;
        if family != algorithm.family() || named.is_some_and(|named| named != algorithm) {
            return Err(JweKeyError::Algorithm);
        }
        let target = match &jwk.material {
            Material::Rsa { n, e } => Target::Rsa(oaep::public_key(n, e)?),
            material => {
                let curve = AgreementCurve::of(material).ok_or(JweKeyError::Algorithm)?;
                Target::Agreement(Box::new(material.clone()), curve)
            }
        };
        Ok(Self {
            target,
            algorithm,
            kid: jwk.kid.clone(),
        })
    }

    /// The first key of a published set that is fit to be encrypted to with this algorithm; with any, if none is given.
    /// Keys that say they are for encryption go before those that say nothing.
    ///
    /// # Errors
    ///
    /// [`JweKeyError::NoKey`] if none is.
    pub fn from_set(set: &JwkSet, algorithm: Option<JweAlgorithm>) -> Result<Self, JweKeyError> {
        let (described, others): (Vec<_>, Vec<_>) =
            set.keys().iter().partition(|key| key.usage.is_some());
        let prepare = |key: &Jwk| match algorithm {
            Some(algorithm) => Self::for_algorithm(key, algorithm).ok(),
            None => Self::new(key).ok(),
        };
        let mut keys = described.into_iter().chain(others);
        keys.find_map(prepare).ok_or(JweKeyError::NoKey)
    }

    /// Prepares a key shared with the recipient. `algorithm` is what `alg` of its JWK would say: `A128KW`, `A256KW`,
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
        let key = SharedKey::new(secret, algorithm, kid)?;
        Ok(Self {
            algorithm: key.algorithm,
            kid: key.kid.clone(),
            target: Target::Shared(key),
        })
    }

    /// The one algorithm this key is used with.
    #[must_use]
    pub const fn algorithm(&self) -> JweAlgorithm {
        self.algorithm
    }

    /// The key's identifier, if it has one.
    #[must_use]
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// Makes a content encryption key, or agrees on one.
    pub(super) fn convey(
        &self,
        encryption: ContentEncryption,
        party_u: &[u8],
        party_v: &[u8],
    ) -> Result<Conveyed, JweKeyError> {
        let mut header = Map::new();
        match &self.target {
            Target::Rsa(recipient) => {
                let key = encryption.random_key()?;
                let encrypted = oaep::encrypt(recipient, self.algorithm, &key)?;
                Ok(Conveyed {
                    key,
                    encrypted,
                    header,
                })
            }
            Target::Agreement(recipient, curve) => {
                let (ephemeral, public) = agreement::generate(*curve)?;
                header.insert("epk".to_owned(), bare(public));
                for (name, party) in [("apu", party_u), ("apv", party_v)] {
                    if !party.is_empty() {
                        header.insert(name.to_owned(), base64url::encode(party).into());
                    }
                }
                let agreement = Agreement {
                    algorithm: self.algorithm,
                    encryption,
                    party_u,
                    party_v,
                };
                let agreed = agreement::agreed_key(&ephemeral, recipient, &agreement)?;
                if self.algorithm == JweAlgorithm::EcdhEs {
                    return Ok(Conveyed {
                        key: agreed,
                        encrypted: Vec::new(),
                        header,
                    });
                }
                let key = encryption.random_key()?;
                let encrypted = key_wrap::wrap(&agreed, &key)?;
                Ok(Conveyed {
                    key,
                    encrypted,
                    header,
                })
            }
            Target::Shared(shared) => convey_shared(shared, encryption),
        }
    }
}

fn convey_shared(
    shared: &SharedKey,
    encryption: ContentEncryption,
) -> Result<Conveyed, JweKeyError> {
    let mut header = Map::new();
    if !shared.fits(encryption) {
        return Err(JweKeyError::KeyLength(shared.secret.len()));
    }
    if shared.algorithm == JweAlgorithm::Dir {
        return Ok(Conveyed {
            key: shared.secret.clone(),
            encrypted: Vec::new(),
            header,
        });
    }
    let key = encryption.random_key()?;
    let encrypted = if shared.algorithm == JweAlgorithm::A256GcmKw {
        let (wrapped, parameters) = key_wrap::wrap_gcm(&shared.secret, &key)?;
        header.insert("iv".to_owned(), base64url::encode(parameters.iv).into());
        header.insert("tag".to_owned(), base64url::encode(parameters.tag).into());
        wrapped
    } else {
        key_wrap::wrap(&shared.secret, &key)?
    };
    Ok(Conveyed {
        key,
        encrypted,
        header,
    })
}

fn bare(material: Material) -> Value {
    let jwk = Jwk {
        material,
        kid: None,
        usage: None,
        operations: None,
        algorithm: None,
    };
    Value::Object(jwk.to_members())
}

impl fmt::Debug for EncryptionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EncryptionKey")
            .field("algorithm", &self.algorithm)
            .field("kid", &self.kid)
            .finish_non_exhaustive()
    }
}
