//! What a client says about signed requests and responses (RFC 9101 §10.5, OpenID Connect Dynamic Client Registration §2,
//! JARM §3, FAPI 2.0 Message Signing §5.3.3).

use super::{
    Credential,
    error::ClientProblem,
    metadata::ClientMetadata,
    protection::{Protection, Wish},
};
use crate::{
    authorization_server::request_object::Encryption,
    issuer::IssuerKeys,
    jose::{JwkSet, JwsAlgorithm, VerifyingKeySet, jwe::ContentEncryption},
};

/// How a client signs its requests, and how what it is sent is signed.
#[derive(Debug)]
pub(crate) struct Messages {
    /// What its request objects are signed with; `None` if it has registered no such keys.
    pub(crate) keys: Option<IssuerKeys>,
    /// The only algorithm its request objects may be signed with, if one is registered.
    pub(crate) request_object_algorithm: Option<JwsAlgorithm>,
    /// Whether it must not send requests that are not signed.
    pub(crate) request_object_required: bool,
    /// How its request objects are encrypted, if all of them are.
    pub(crate) request_object_encryption: Option<Encryption>,
    /// The response modes it may ask for; any if it has registered none.
    pub(crate) response_modes: Option<Vec<String>>,
    /// How its responses of mode `jwt` are protected.
    pub(crate) responses: Protection,
    pub(crate) id_tokens: Protection,
    /// How what it is told about people is protected; JSON if it is not.
    pub(crate) userinfo: Option<Protection>,
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
        // Who only acts for itself makes no requests.
        let grants = metadata.grant_types.as_ref();
        let asks = grants.is_none_or(|all| all.iter().any(|one| one == "authorization_code"));
        let request_object_required = (asks && metadata.fapi_profile.requires_request_object())
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
            let profile = metadata.fapi_profile;
            let types = profile.response_types();
            let known = |mode: &String| {
                let mut allowed = types.iter().flat_map(|it| profile.response_modes(*it));
                allowed.any(|allowed| allowed == mode)
            };
            if modes.is_empty() || !modes.iter().all(known) {
                return Err(ClientProblem::ResponseModes);
            }
        }
        let (given, fetched) = (given.as_ref(), keys.as_ref());
        Ok(Self {
            responses: Protection::register(&responses(metadata), given, fetched)?,
            id_tokens: Protection::register(&id_tokens(metadata), given, fetched)?,
            userinfo: userinfo(metadata, given, fetched)?,
            keys,
            request_object_algorithm,
            request_object_required,
            request_object_encryption: request_encryption(metadata)?,
            response_modes,
        })
    }

    /// Everything that is signed for the client, and the member in which it says with what.
    pub(crate) fn signed(&self) -> impl Iterator<Item = (&Protection, &'static str)> {
        let userinfo = self.userinfo.as_ref();
        [
            (&self.responses, "authorization_signed_response_alg"),
            (&self.id_tokens, "id_token_signed_response_alg"),
        ]
        .into_iter()
        .chain(userinfo.map(|userinfo| (userinfo, "userinfo_signed_response_alg")))
    }
}

/// OpenID Connect Dynamic Client Registration §2. That the server has a key is seen where the server is built.
fn request_encryption(metadata: &ClientMetadata) -> Result<Option<Encryption>, ClientProblem> {
    let content = metadata.request_object_encryption_enc;
    match (metadata.request_object_encryption_alg, content) {
        (None, Some(_)) => Err(ClientProblem::Missing("request_object_encryption_alg")),
        (None, None) => Ok(None),
        (Some(algorithm), content) => Ok(Some(Encryption {
            algorithm,
            content: content.unwrap_or(ContentEncryption::A128CbcHs256),
        })),
    }
}

/// JARM §3.
const fn responses(metadata: &ClientMetadata) -> Wish {
    Wish {
        signed: metadata.authorization_signed_response_alg,
        allowed: metadata.fapi_profile.algorithms(),
        encrypted: metadata.authorization_encrypted_response_alg,
        encrypted_name: "authorization_encrypted_response_alg",
        with: metadata.authorization_encrypted_response_enc,
    }
}

/// OpenID Connect Dynamic Client Registration §2.
const fn id_tokens(metadata: &ClientMetadata) -> Wish {
    Wish {
        signed: metadata.id_token_signed_response_alg,
        allowed: metadata.fapi_profile.algorithms(),
        encrypted: metadata.id_token_encrypted_response_alg,
        encrypted_name: "id_token_encrypted_response_alg",
        with: metadata.id_token_encrypted_response_enc,
    }
}

/// OpenID Connect Dynamic Client Registration §2. What is encrypted has to be signed, too: anybody could have encrypted it.
fn userinfo(
    metadata: &ClientMetadata,
    given: Option<&JwkSet>,
    fetched: Option<&IssuerKeys>,
) -> Result<Option<Protection>, ClientProblem> {
    let wish = Wish {
        signed: metadata.userinfo_signed_response_alg,
        allowed: metadata.fapi_profile.algorithms(),
        encrypted: metadata.userinfo_encrypted_response_alg,
        encrypted_name: "userinfo_encrypted_response_alg",
        with: metadata.userinfo_encrypted_response_enc,
    };
    match wish.signed {
        Some(_) => Protection::register(&wish, given, fetched).map(Some),
        None if wish.encrypted.is_some() || wish.with.is_some() => {
            Err(ClientProblem::Missing("userinfo_signed_response_alg"))
        }
        None => Ok(None),
    }
}
