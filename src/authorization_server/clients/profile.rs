//! What is different for clients of FAPI 1.0 Advanced: all of it, in one place.

use serde::{Deserialize, Serialize};

use super::{Binding, error::ClientProblem, metadata::ClientMetadata};
use crate::{authorization_server::response_type::ResponseType, jose::JwsAlgorithm};

/// The profile a client is held to. It is the client's own: no other client is treated differently because of it.
///
/// | | `fapi2` | `fapi1_advanced` |
/// |---|---|---|
/// | `aud` of client assertions | the issuer identifier, as one string | that, the URL of the token endpoint or that of the pushed authorization request endpoint, alone or in an array |
/// | signed request objects | if registered | always |
/// | requests | pushed | pushed, or sent by value to the authorization endpoint |
/// | PKCE | always | when pushed; otherwise as the client likes, but never `plain` |
/// | `nonce`, `state` | as the client likes | `nonce` with the scope `openid`, `state` without it |
/// | `response_type` | `code` | `code`, `code id_token` |
/// | `response_mode` | `query`, `jwt`, `query.jwt` | `jwt`, `query.jwt` for `code`; `fragment`, `jwt`, `fragment.jwt` for `code id_token` |
/// | access tokens | bound to a DPoP key or a certificate | bound to a certificate |
/// | signatures | PS256, ES256, EdDSA | PS256, ES256 |
/// | redirect URIs | `https`, or `http` to the loopback interface | `https` |
///
/// TLS is the same for both, and what both demand: 1.2 or later with the cipher suites of BCP 195 (FAPI 2.0 Security Profile
/// §5.2, FAPI 1.0 Part 1 §7.1 and Part 2 §8.5).
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FapiProfile {
    /// FAPI 2.0 Security Profile, which everybody is held to who is not registered for another.
    #[default]
    Fapi2,
    /// FAPI 1.0 Part 2: Advanced, for clients that were there before FAPI 2.0.
    Fapi1Advanced,
}

impl FapiProfile {
    /// Whether `aud` of a client assertion has to be the issuer identifier, as one string (FAPI 2.0 Security Profile
    /// §5.3.2.1). If not, it may be whatever names this server, alone or in an array (OpenID Connect Core §9 by way of FAPI
    /// 1.0 Part 2 §5.2.2 no. 14, RFC 9126 §2).
    pub(crate) const fn audience_is_issuer_alone(self) -> bool {
        match self {
            Self::Fapi2 => true,
            Self::Fapi1Advanced => false,
        }
    }

    /// Whether requests have to be signed, whatever else is registered (FAPI 1.0 Part 2 §5.2.2 no. 1).
    pub(crate) const fn requires_request_object(self) -> bool {
        match self {
            Self::Fapi2 => false,
            Self::Fapi1Advanced => true,
        }
    }

    /// Whether a request needs a `nonce`, or a `state` if it is none of OpenID Connect (FAPI 1.0 Part 1 §5.2.2.2 and
    /// §5.2.2.3). PKCE makes them dispensable in FAPI 2.0.
    pub(crate) const fn requires_nonce_or_state(self) -> bool {
        match self {
            Self::Fapi2 => false,
            Self::Fapi1Advanced => true,
        }
    }

    /// The response types a client may be registered for (FAPI 2.0 Security Profile §5.3.2.2; FAPI 1.0 Part 2 §5.2.2 no. 2).
    pub(crate) const fn response_types(self) -> &'static [ResponseType] {
        match self {
            Self::Fapi2 => &[ResponseType::Code],
            Self::Fapi1Advanced => &[ResponseType::Code, ResponseType::CodeIdToken],
        }
    }

    /// How the response may travel. FAPI 1.0 wants it signed: as a JWT, or by the ID token in it (Part 2 §5.2.2 no. 2). What
    /// holds an ID token never travels in the query (OAuth 2.0 Multiple Response Type Encoding Practices §5, JARM §2.3.1).
    pub(crate) const fn response_modes(
        self,
        response_type: ResponseType,
    ) -> &'static [&'static str] {
        match (self, response_type) {
            (Self::Fapi2, ResponseType::Code) => &["query", "jwt", "query.jwt"],
            (Self::Fapi2, ResponseType::CodeIdToken) => &[],
            (Self::Fapi1Advanced, ResponseType::Code) => &["jwt", "query.jwt"],
            (Self::Fapi1Advanced, ResponseType::CodeIdToken) => {
                &["fragment", "jwt", "fragment.jwt"]
            }
        }
    }

    /// Whether request objects may come by value, through the browser (FAPI 1.0 Part 2 §5.2.2 no. 1; FAPI 2.0 Security
    /// Profile §5.3.2.2: only pushed ones).
    pub(crate) const fn may_send_request_by_value(self) -> bool {
        match self {
            Self::Fapi2 => false,
            Self::Fapi1Advanced => true,
        }
    }

    /// Whether a request without PKCE is refused (FAPI 2.0 Security Profile §5.3.2.2; FAPI 1.0 Part 2 §5.2.2 no. 18: if it is
    /// pushed). A challenge that is there counts, whoever sent it, and its method is S256.
    pub(crate) const fn requires_pkce(self, pushed: bool) -> bool {
        match self {
            Self::Fapi2 => true,
            Self::Fapi1Advanced => pushed,
        }
    }

    /// What access tokens may be bound to (FAPI 2.0 Security Profile §5.3.2.1; FAPI 1.0 Part 2 §5.2.2 nos. 5 and 6).
    const fn allows_binding(self, binding: Binding) -> bool {
        match (self, binding) {
            (Self::Fapi2, Binding::Dpop | Binding::Certificate)
            | (Self::Fapi1Advanced, Binding::Certificate) => true,
            (Self::Fapi1Advanced, Binding::Dpop) => false,
        }
    }

    /// What a client may sign with, and what may be signed with for it (FAPI 2.0 Security Profile §5.4.1; FAPI 1.0 Part 2
    /// §8.6).
    pub(crate) const fn algorithms(self) -> &'static [JwsAlgorithm] {
        match self {
            Self::Fapi2 => &JwsAlgorithm::ALL,
            Self::Fapi1Advanced => &[JwsAlgorithm::Ps256, JwsAlgorithm::Es256],
        }
    }

    pub(crate) fn allows_algorithm(self, algorithm: JwsAlgorithm) -> bool {
        self.algorithms().contains(&algorithm)
    }

    /// Whether a redirect URI may be that of a native application on the loopback interface (FAPI 2.0 Security Profile
    /// §5.3.2.2; FAPI 1.0 Part 1 §5.2.2.0 and §7.5: not even then).
    const fn may_return_to_loopback(self) -> bool {
        match self {
            Self::Fapi2 => true,
            Self::Fapi1Advanced => false,
        }
    }

    /// Refuses metadata that the profile has no place for. Each member is judged for itself elsewhere.
    pub(super) fn check(
        self,
        metadata: &ClientMetadata,
        binding: Binding,
    ) -> Result<(), ClientProblem> {
        let algorithms = [
            (
                "token_endpoint_auth_signing_alg",
                metadata.token_endpoint_auth_signing_alg,
            ),
            (
                "request_object_signing_alg",
                metadata.request_object_signing_alg,
            ),
            (
                "authorization_signed_response_alg",
                metadata.authorization_signed_response_alg,
            ),
            (
                "id_token_signed_response_alg",
                metadata.id_token_signed_response_alg,
            ),
            (
                "userinfo_signed_response_alg",
                metadata.userinfo_signed_response_alg,
            ),
        ];
        let other = |algorithm: Option<_>| algorithm.is_some_and(|it| !self.allows_algorithm(it));
        if let Some((name, _)) = algorithms.into_iter().find(|(_, it)| other(*it)) {
            return Err(ClientProblem::OutsideProfile(name));
        }
        let unsigned = metadata.require_signed_request_object == Some(false);
        if unsigned && self.requires_request_object() {
            return Err(ClientProblem::OutsideProfile(
                "require_signed_request_object",
            ));
        }
        if !self.allows_binding(binding) {
            return Err(ClientProblem::OutsideProfile("dpop_bound_access_tokens"));
        }
        let plain = |uri: &String| !uri.to_ascii_lowercase().starts_with("https:");
        if !self.may_return_to_loopback() && metadata.redirect_uris.iter().any(plain) {
            return Err(ClientProblem::OutsideProfile("redirect_uris"));
        }
        Ok(())
    }
}
