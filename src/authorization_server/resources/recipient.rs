//! Encrypting to resource servers: their tokens (RFC 7516, RFC 9068 §6), and what they are told about them (RFC 9701 §5).

use std::sync::Arc;

use super::{ResourceMetadata, ResourceProblem};
use crate::{
    authorization_server::clients::{KeySource, holds_a_secret},
    issuer::{IssuerKeys, KeysUnavailable},
    jose::{
        JwkSet,
        jwe::{
            ContentEncryption, EncryptionHeader, EncryptionKey, JweAlgorithm, JweKeyError, encrypt,
        },
    },
    time::Timestamp,
};

/// A resource server whose tokens, or the answers to it, are encrypted.
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

/// A key at hand, so that nothing can fail for want of one any more when a token is made.
#[derive(Clone, Debug)]
pub(crate) struct Sealing {
    key: Arc<EncryptionKey>,
    encryption: ContentEncryption,
}

/// What OpenID Connect has for ID tokens, and RFC 9701 §6 for introspection answers, when nothing is said.
const DEFAULT: ContentEncryption = ContentEncryption::A128CbcHs256;

impl Recipient {
    /// Checks what a resource server says about the encryption of its tokens; `None` if they are not encrypted.
    pub(super) fn of_tokens(
        metadata: &ResourceMetadata,
        source: &KeySource,
    ) -> Result<Option<Self>, ResourceProblem> {
        let algorithm = metadata.access_token_encrypted_response_alg;
        let encryption = metadata.access_token_encrypted_response_enc;
        Self::register(metadata, algorithm, encryption, source)
    }

    /// The same of introspection answers (RFC 9701 §6).
    pub(super) fn of_answers(
        metadata: &ResourceMetadata,
        source: &KeySource,
    ) -> Result<Option<Self>, ResourceProblem> {
        let algorithm = metadata.introspection_encrypted_response_alg;
        let encryption = metadata.introspection_encrypted_response_enc;
        Self::register(metadata, algorithm, encryption, source)
    }

    fn register(
        metadata: &ResourceMetadata,
        algorithm: Option<JweAlgorithm>,
        encryption: Option<ContentEncryption>,
        source: &KeySource,
    ) -> Result<Option<Self>, ResourceProblem> {
        if metadata.jwks.is_some() && metadata.jwks_uri.is_some() {
            return Err(ResourceProblem::TwoKeySets);
        }
        if metadata.jwks.as_ref().is_some_and(holds_a_secret) {
            return Err(ResourceProblem::PrivateKey);
        }
        let Some(algorithm) = algorithm else {
            return match encryption {
                Some(_) => Err(ResourceProblem::EncryptionWithoutAlgorithm),
                None => Ok(None),
            };
        };
        if !has_public_key(algorithm) {
            return Err(ResourceProblem::SharedKey);
        }
        let keys = match (&metadata.jwks, &metadata.jwks_uri) {
            (Some(jwks), _) => {
                let key = EncryptionKey::from_set(&JwkSet::from_value(jwks)?, Some(algorithm));
                Keys::Given(Arc::new(key.map_err(|_| ResourceProblem::NoUsableKey)?))
            }
            (None, Some(url)) => {
                let keys = source.recipient_keys(&metadata.resource, url);
                Keys::Fetched(keys.map_err(ResourceProblem::KeySource)?)
            }
            (None, None) => return Err(ResourceProblem::NoKeys),
        };
        Ok(Some(Self {
            keys,
            algorithm,
            encryption: encryption.unwrap_or(DEFAULT),
        }))
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
}

impl Sealing {
    /// Encrypts a JWT of this type that has been signed: a nested JWT (RFC 7519 §5.2).
    pub(crate) fn seal(&self, token: &str, typ: &str) -> Result<String, JweKeyError> {
        let header = EncryptionHeader {
            typ: Some(typ),
            cty: Some("JWT"),
            ..EncryptionHeader::default()
        };
        encrypt(&self.key, self.encryption, header, token.as_bytes())
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

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::{jose::jwe::DecryptionKey, time::SystemClock};

    fn jwks(algorithm: JweAlgorithm) -> Value {
        let key = DecryptionKey::generate(algorithm).unwrap();
        json!({ "keys": [key.public().unwrap().to_members()] })
    }

    fn register(members: &Value) -> Result<Option<Recipient>, ResourceProblem> {
        let source = KeySource {
            clock: Arc::new(SystemClock),
            #[cfg(feature = "discovery")]
            fetcher: None,
        };
        Recipient::of_tokens(&serde_json::from_value(members.clone()).unwrap(), &source)
    }

    #[test]
    fn tokens_go_out_encrypted_as_registered_or_not_at_all() {
        let set = jwks(JweAlgorithm::EcdhEs);
        let recipient = register(&json!({
            "resource": "https://api.example",
            "jwks": set,
            "access_token_encrypted_response_alg": "ECDH-ES",
        }));
        let recipient = recipient.unwrap().unwrap();
        assert_eq!(recipient.encryption, ContentEncryption::A128CbcHs256);
        assert!(
            register(&json!({"resource": "https://api.example"}))
                .unwrap()
                .is_none()
        );

        let mut private = set.clone();
        private["keys"][0]["d"] = json!("x");
        let alg = "access_token_encrypted_response_alg";
        let enc = "access_token_encrypted_response_enc";
        for (members, expected) in [
            (
                json!({enc: "A256GCM"}),
                ResourceProblem::EncryptionWithoutAlgorithm,
            ),
            (
                json!({enc: "A256GCM", "jwks": set}),
                ResourceProblem::EncryptionWithoutAlgorithm,
            ),
            (json!({alg: "ECDH-ES"}), ResourceProblem::NoKeys),
            (
                json!({alg: "ECDH-ES", "jwks": {"keys": []}}),
                ResourceProblem::NoUsableKey,
            ),
            (
                json!({alg: "RSA-OAEP-256", "jwks": set}),
                ResourceProblem::NoUsableKey,
            ),
            (
                json!({alg: "ECDH-ES+A256KW", "jwks": set}),
                ResourceProblem::NoUsableKey,
            ),
            (
                json!({alg: "ECDH-ES", "jwks": private}),
                ResourceProblem::PrivateKey,
            ),
            (json!({"jwks": private}), ResourceProblem::PrivateKey),
            (json!({alg: "dir", "jwks": set}), ResourceProblem::SharedKey),
            (
                json!({alg: "A256KW", "jwks": set}),
                ResourceProblem::SharedKey,
            ),
            (
                json!({alg: "ECDH-ES", "jwks": {}}),
                ResourceProblem::Jwks(crate::jose::InvalidJwkSet::NoKeys),
            ),
            (
                json!({alg: "ECDH-ES", "jwks": set, "jwks_uri": "https://api.example/jwks"}),
                ResourceProblem::TwoKeySets,
            ),
        ] {
            assert_eq!(register(&members).map(drop), Err(expected), "{members}");
        }
        for (name, value) in [
            (alg, "RSA1_5"),
            (alg, "none"),
            (enc, "none"),
            ("alg", "ECDH-ES"),
        ] {
            let read = serde_json::from_value::<ResourceMetadata>(json!({name: value}));
            assert!(read.is_err(), "{name} {value}");
        }
    }
}
