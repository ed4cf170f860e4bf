//! What a client says about signed requests and responses (RFC 9101 §10.5, OpenID Connect Dynamic Client Registration §2,
//! JARM §3, FAPI 2.0 Message Signing §5.3.3).

use std::sync::Arc;

use super::{Credential, error::ClientProblem, metadata::ClientMetadata};
use crate::{
    authorization_server::{
        refusal::Fault, resources::has_public_key, response_mode::ResponseMode,
    },
    issuer::IssuerKeys,
    jose::{
        JwkSet, JwsAlgorithm, VerifyingKeySet,
        jwe::{
            ContentEncryption, EncryptionHeader, EncryptionKey, JweAlgorithm, JweKeyError, encrypt,
        },
    },
    time::Timestamp,
};

/// How a client signs its requests, and how its responses are signed.
#[derive(Debug)]
pub(crate) struct Messages {
    /// What its request objects are signed with; `None` if it has registered no such keys.
    pub(crate) keys: Option<IssuerKeys>,
    /// The only algorithm its request objects may be signed with, if one is registered.
    pub(crate) request_object_algorithm: Option<JwsAlgorithm>,
    /// Whether it must not send requests that are not signed.
    pub(crate) request_object_required: bool,
    /// The response modes it may ask for; any if it has registered none.
    pub(crate) response_modes: Option<Vec<String>>,
    /// What its responses are signed with; what the server likes best if nothing is registered.
    pub(crate) response_algorithm: Option<JwsAlgorithm>,
    encryption: Option<ResponseEncryption>,
}

#[derive(Debug)]
struct ResponseEncryption {
    keys: EncryptionKeys,
    algorithm: JweAlgorithm,
    encryption: ContentEncryption,
}

#[derive(Debug)]
enum EncryptionKeys {
    Given(Arc<EncryptionKey>),
    Fetched(IssuerKeys),
}

/// A key at hand to encrypt a response to.
#[derive(Debug)]
pub(crate) struct ResponseSealing {
    key: Arc<EncryptionKey>,
    encryption: ContentEncryption,
}

impl Messages {
    pub(super) fn register(
        metadata: &ClientMetadata,
        credential: &Credential,
    ) -> Result<Self, ClientProblem> {
        let given = metadata.jwks.as_ref().map(JwkSet::from_value).transpose()?;
        let keys = match credential {
            Credential::Assertion { keys, .. } => Some(keys.clone()),
            Credential::Subject(_) | Credential::Certificates(_) => given
                .as_ref()
                .and_then(|given| IssuerKeys::fixed(given).ok()),
        };
        let request_object_required = metadata.fapi_profile.requires_request_object()
            || metadata.require_signed_request_object.unwrap_or_default();
        let request_object_algorithm = metadata.request_object_signing_alg;
        if keys.is_none() && (request_object_required || request_object_algorithm.is_some()) {
            return Err(ClientProblem::NoKeyForRequestObjects);
        }
        if request_object_required || request_object_algorithm.is_some() {
            let fits = |algorithm| match request_object_algorithm {
                Some(wanted) => wanted == algorithm,
                None => metadata.fapi_profile.allows_algorithm(algorithm),
            };
            // Of keys that are fetched nothing is known yet.
            let given = given.as_ref().map(VerifyingKeySet::new);
            if given.is_some_and(|set| !set.keys().iter().any(|key| fits(key.algorithm()))) {
                return Err(ClientProblem::NoKeyForRequestObjects);
            }
        }
        let response_modes = metadata.response_modes.clone();
        if let Some(modes) = &response_modes {
            let known = |mode: &String| ResponseMode::NAMES.contains(&mode.as_str());
            if modes.is_empty() || !modes.iter().all(known) {
                return Err(ClientProblem::ResponseModes);
            }
        }
        Ok(Self {
            encryption: encryption(metadata, given.as_ref(), keys.as_ref())?,
            keys,
            request_object_algorithm,
            request_object_required,
            response_modes,
            response_algorithm: metadata.authorization_signed_response_alg,
        })
    }

    /// The key to encrypt responses to, if they are encrypted. Waits only if none was ever fetched.
    pub(crate) async fn response_key(
        &self,
        now: Timestamp,
    ) -> Result<Option<ResponseSealing>, Fault> {
        let Some(rules) = &self.encryption else {
            return Ok(None);
        };
        let key = match &rules.keys {
            EncryptionKeys::Given(key) => Arc::clone(key),
            EncryptionKeys::Fetched(keys) => {
                let set = keys.obtain(now).await?.set;
                Arc::new(EncryptionKey::from_set(&set, Some(rules.algorithm))?)
            }
        };
        Ok(Some(ResponseSealing {
            key,
            encryption: rules.encryption,
        }))
    }
}

fn encryption(
    metadata: &ClientMetadata,
    given: Option<&JwkSet>,
    fetched: Option<&IssuerKeys>,
) -> Result<Option<ResponseEncryption>, ClientProblem> {
    let encryption = metadata.authorization_encrypted_response_enc;
    let Some(algorithm) = metadata.authorization_encrypted_response_alg else {
        return match encryption {
            Some(_) => Err(ClientProblem::Missing(
                "authorization_encrypted_response_alg",
            )),
            None => Ok(None),
        };
    };
    if !has_public_key(algorithm) {
        return Err(ClientProblem::NoKeyForResponses);
    }
    let keys = match (given, fetched) {
        (Some(given), _) => {
            let key = EncryptionKey::from_set(given, Some(algorithm));
            EncryptionKeys::Given(Arc::new(key.map_err(|_| ClientProblem::NoKeyForResponses)?))
        }
        (None, Some(fetched)) => EncryptionKeys::Fetched(fetched.clone()),
        (None, None) => return Err(ClientProblem::NoKeyForResponses),
    };
    Ok(Some(ResponseEncryption {
        keys,
        algorithm,
        // The default of JARM §3.
        encryption: encryption.unwrap_or(ContentEncryption::A128CbcHs256),
    }))
}

impl ResponseSealing {
    /// Encrypts a response that has been signed: a nested JWT (RFC 7519 §5.2).
    pub(crate) fn seal(&self, signed: &str) -> Result<String, JweKeyError> {
        let header = EncryptionHeader {
            cty: Some("JWT"),
            ..EncryptionHeader::default()
        };
        encrypt(&self.key, self.encryption, header, signed.as_bytes())
    }
}
