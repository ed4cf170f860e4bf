//! Encrypting what the server has signed to whoever it is for: nested JWTs (RFC 7519 §5.2).

use std::sync::Arc;

use crate::{
    issuer::{IssuerKeys, KeysUnavailable},
    jose::{
        JwkSet,
        jwe::{
            ContentEncryption, EncryptionHeader, EncryptionKey, JweAlgorithm, JweKeyError, encrypt,
        },
    },
    time::Timestamp,
};

/// Somebody to whom things are encrypted: a client or a resource server.
#[derive(Debug)]
pub(crate) struct Recipient {
    keys: Keys,
    algorithm: JweAlgorithm,
    encryption: ContentEncryption,
}

#[derive(Debug)]
enum Keys {
    Given(Arc<EncryptionKey>),
    Fetched(IssuerKeys),
}

/// A key at hand, so that nothing can fail for want of one any more when something is sent.
#[derive(Clone, Debug)]
pub(crate) struct Sealing {
    key: Arc<EncryptionKey>,
    encryption: ContentEncryption,
}

/// What it is encrypted with when nothing is said: the same for ID tokens and userinfo (OpenID Connect Dynamic Client
/// Registration §2), authorization responses (JARM §3) and introspection answers (RFC 9701 §6).
const DEFAULT: ContentEncryption = ContentEncryption::A128CbcHs256;

impl Recipient {
    /// Somebody whose keys are given.
    ///
    /// # Errors
    ///
    /// [`JweKeyError::NoKey`] if none of them fits.
    pub(crate) fn given(
        set: &JwkSet,
        algorithm: JweAlgorithm,
        encryption: Option<ContentEncryption>,
    ) -> Result<Self, JweKeyError> {
        let key = EncryptionKey::from_set(set, Some(algorithm))?;
        Ok(Self {
            keys: Keys::Given(Arc::new(key)),
            algorithm,
            encryption: encryption.unwrap_or(DEFAULT),
        })
    }

    /// Somebody whose keys are fetched.
    pub(crate) fn fetched(
        keys: IssuerKeys,
        algorithm: JweAlgorithm,
        encryption: Option<ContentEncryption>,
    ) -> Self {
        Self {
            keys: Keys::Fetched(keys),
            algorithm,
            encryption: encryption.unwrap_or(DEFAULT),
        }
    }

    /// The key to encrypt to. Waits only if none was ever fetched; `None` if no key that is published now fits.
    pub(crate) async fn key(&self, now: Timestamp) -> Result<Option<Sealing>, KeysUnavailable> {
        let key = match &self.keys {
            Keys::Given(key) => Arc::clone(key),
            Keys::Fetched(keys) => {
                let set = keys.obtain(now).await?.set;
                match EncryptionKey::from_set(&set, Some(self.algorithm)) {
                    Ok(key) => Arc::new(key),
                    Err(_) => return Ok(None),
                }
            }
        };
        Ok(Some(Sealing {
            key,
            encryption: self.encryption,
        }))
    }

    #[cfg(test)]
    pub(crate) const fn encryption(&self) -> ContentEncryption {
        self.encryption
    }
}

impl Sealing {
    /// Encrypts a JWT that has been signed, and says what type it is of, where it has one.
    pub(crate) fn seal(&self, signed: &str, typ: Option<&str>) -> Result<String, JweKeyError> {
        let header = EncryptionHeader {
            typ,
            cty: Some("JWT"),
            ..EncryptionHeader::default()
        };
        encrypt(&self.key, self.encryption, header, signed.as_bytes())
    }
}

/// Whether anybody may have the key that is encrypted to.
pub(crate) const fn has_public_key(algorithm: JweAlgorithm) -> bool {
    match algorithm {
        JweAlgorithm::RsaOaep
        | JweAlgorithm::RsaOaep256
        | JweAlgorithm::RsaOaep384
        | JweAlgorithm::RsaOaep512
        | JweAlgorithm::EcdhEs
        | JweAlgorithm::EcdhEsA128Kw
        | JweAlgorithm::EcdhEsA256Kw => true,
        JweAlgorithm::A128Kw
        | JweAlgorithm::A256Kw
        | JweAlgorithm::A256GcmKw
        | JweAlgorithm::Dir => false,
    }
}
