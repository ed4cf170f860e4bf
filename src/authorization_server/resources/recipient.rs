//! Encrypting to resource servers: their tokens (RFC 7516, RFC 9068 §6), and what they are told about them (RFC 9701 §5).

use super::{ResourceMetadata, ResourceProblem};
use crate::{
    authorization_server::{
        clients::{KeySource, holds_a_secret},
        sealing::{Recipient, has_public_key},
    },
    jose::{
        JwkSet,
        jwe::{ContentEncryption, JweAlgorithm},
    },
};

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
        match (&metadata.jwks, &metadata.jwks_uri) {
            (Some(jwks), _) => Self::given(&JwkSet::from_value(jwks)?, algorithm, encryption)
                .map_err(|_| ResourceProblem::NoUsableKey),
            (None, Some(url)) => {
                let keys = source.recipient_keys(&metadata.resource, url);
                let keys = keys.map_err(ResourceProblem::KeySource)?;
                Ok(Self::fetched(keys, algorithm, encryption))
            }
            (None, None) => Err(ResourceProblem::NoKeys),
        }
        .map(Some)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

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
        assert_eq!(recipient.encryption(), ContentEncryption::A128CbcHs256);
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
