//! What an authorization server says about itself.

use serde::Deserialize;
use url::Url;

/// Authorization server metadata (RFC 8414 §2, OpenID Connect Discovery 1.0 §3, and the registrations of later documents).
///
/// Only `issuer` is always there. Members we do not know are ignored, a known member of the wrong type makes the document
/// malformed. An absent list is `None`, because absent and empty do not mean the same.
#[non_exhaustive]
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "the document's own members")]
pub struct AuthorizationServerMetadata {
    /// The issuer identifier, equal to what was asked for (RFC 8414 §3.3).
    pub issuer: String,
    /// Where the signing keys are.
    pub jwks_uri: Option<Url>,
    /// Where the user's browser goes.
    pub authorization_endpoint: Option<Url>,
    /// Where codes become tokens.
    pub token_endpoint: Option<Url>,
    /// Where authorization requests are pushed (RFC 9126 §5).
    pub pushed_authorization_request_endpoint: Option<Url>,
    /// Where tokens are looked up (RFC 7662).
    pub introspection_endpoint: Option<Url>,
    /// Where tokens are given back (RFC 7009).
    pub revocation_endpoint: Option<Url>,
    /// Claims about the user (OpenID Connect Core 1.0 §5.3).
    pub userinfo_endpoint: Option<Url>,
    /// Where the user logs out (OpenID Connect RP-Initiated Logout 1.0 §2.1).
    pub end_session_endpoint: Option<Url>,
    /// Where clients register (RFC 7591).
    pub registration_endpoint: Option<Url>,
    /// The same endpoints for connections with a client certificate (RFC 8705 §5).
    pub mtls_endpoint_aliases: Option<MtlsEndpointAliases>,

    /// Scopes that may be asked for.
    pub scopes_supported: Option<Vec<String>>,
    /// Values of `response_type`.
    pub response_types_supported: Option<Vec<String>>,
    /// Values of `response_mode`.
    pub response_modes_supported: Option<Vec<String>>,
    /// Values of `grant_type`.
    pub grant_types_supported: Option<Vec<String>>,
    /// Authentication context classes (OpenID Connect Discovery 1.0 §3).
    pub acr_values_supported: Option<Vec<String>>,
    /// PKCE methods (RFC 7636).
    pub code_challenge_methods_supported: Option<Vec<String>>,
    /// Types of `authorization_details` (RFC 9396 §10).
    pub authorization_details_types_supported: Option<Vec<String>>,
    /// How a client authenticates.
    pub token_endpoint_auth_methods_supported: Option<Vec<String>>,
    /// Algorithms of client assertions.
    pub token_endpoint_auth_signing_alg_values_supported: Option<Vec<String>>,
    /// How a resource server authenticates at the introspection endpoint.
    pub introspection_endpoint_auth_methods_supported: Option<Vec<String>>,
    /// Algorithms of signed introspection answers (RFC 9701 §7).
    pub introspection_signing_alg_values_supported: Option<Vec<String>>,
    /// Algorithms of DPoP proofs (RFC 9449 §5.1).
    pub dpop_signing_alg_values_supported: Option<Vec<String>>,
    /// Algorithms of ID tokens.
    pub id_token_signing_alg_values_supported: Option<Vec<String>>,
    /// Algorithms of request objects (RFC 9101 §10.5).
    pub request_object_signing_alg_values_supported: Option<Vec<String>>,
    /// Key management algorithms of encrypted request objects (OpenID Connect Discovery 1.0 §3).
    pub request_object_encryption_alg_values_supported: Option<Vec<String>>,
    /// Content encryption of encrypted request objects (OpenID Connect Discovery 1.0 §3).
    pub request_object_encryption_enc_values_supported: Option<Vec<String>>,
    /// Algorithms of JWT-secured authorization responses (JARM §4).
    pub authorization_signing_alg_values_supported: Option<Vec<String>>,

    /// Access tokens can be bound to the client's certificate (RFC 8705 §3.3).
    #[serde(default)]
    pub tls_client_certificate_bound_access_tokens: bool,
    /// Authorization responses carry `iss` (RFC 9207 §3).
    #[serde(default)]
    pub authorization_response_iss_parameter_supported: bool,
    /// Authorization requests must be pushed (RFC 9126 §5).
    #[serde(default)]
    pub require_pushed_authorization_requests: bool,
    /// Authorization requests must be signed (RFC 9101 §10.5).
    #[serde(default)]
    pub require_signed_request_object: bool,
}

/// Endpoints for connections with a client certificate (RFC 8705 §5). One that is absent has no alias.
#[non_exhaustive]
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq)]
pub struct MtlsEndpointAliases {
    /// Alias of the token endpoint.
    pub token_endpoint: Option<Url>,
    /// Alias of the pushed authorization request endpoint.
    pub pushed_authorization_request_endpoint: Option<Url>,
    /// Alias of the introspection endpoint.
    pub introspection_endpoint: Option<Url>,
    /// Alias of the revocation endpoint.
    pub revocation_endpoint: Option<Url>,
    /// Alias of the userinfo endpoint.
    pub userinfo_endpoint: Option<Url>,
}

impl AuthorizationServerMetadata {
    /// Every endpoint of the document by the name of its member; an alias carries the name of what it stands for.
    pub fn endpoints(&self) -> impl Iterator<Item = (&'static str, &Url)> {
        let endpoints = [
            ("jwks_uri", &self.jwks_uri),
            ("authorization_endpoint", &self.authorization_endpoint),
            ("token_endpoint", &self.token_endpoint),
            (
                "pushed_authorization_request_endpoint",
                &self.pushed_authorization_request_endpoint,
            ),
            ("introspection_endpoint", &self.introspection_endpoint),
            ("revocation_endpoint", &self.revocation_endpoint),
            ("userinfo_endpoint", &self.userinfo_endpoint),
            ("end_session_endpoint", &self.end_session_endpoint),
            ("registration_endpoint", &self.registration_endpoint),
        ];
        let aliases = self.mtls_endpoint_aliases.iter().flat_map(|aliases| {
            [
                ("token_endpoint", &aliases.token_endpoint),
                (
                    "pushed_authorization_request_endpoint",
                    &aliases.pushed_authorization_request_endpoint,
                ),
                ("introspection_endpoint", &aliases.introspection_endpoint),
                ("revocation_endpoint", &aliases.revocation_endpoint),
                ("userinfo_endpoint", &aliases.userinfo_endpoint),
            ]
        });
        endpoints
            .into_iter()
            .chain(aliases)
            .filter_map(|(name, url)| Some((name, url.as_ref()?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jose::json;

    fn read(json: &str) -> Option<AuthorizationServerMetadata> {
        json::from_slice(json.as_bytes()).ok()
    }

    #[test]
    fn only_the_issuer_is_required_and_unknown_members_are_ignored() {
        let metadata = read(r#"{"issuer":"https://as.example","x":{"y":[1]}}"#).unwrap();
        assert_eq!(metadata.issuer, "https://as.example");
        assert_eq!(metadata.endpoints().count(), 0);
        assert_eq!(metadata.scopes_supported, None);
        assert!(!metadata.require_pushed_authorization_requests);
    }

    // RFC 8414 §2 gives each member its type.
    #[test]
    fn a_known_member_of_the_wrong_type_is_malformed() {
        for members in [
            r#""issuer":5"#,
            r#""issuer":null"#,
            r#""jwks_uri":"https://as.example/jwks""#,
            r#""issuer":"https://as.example","jwks_uri":5"#,
            r#""issuer":"https://as.example","jwks_uri":"/jwks""#,
            r#""issuer":"https://as.example","jwks_uri":["https://as.example/jwks"]"#,
            r#""issuer":"https://as.example","scopes_supported":"openid""#,
            r#""issuer":"https://as.example","require_pushed_authorization_requests":"true""#,
            r#""issuer":"https://as.example","mtls_endpoint_aliases":{"token_endpoint":1}"#,
            r#""issuer":"https://as.example","issuer":"https://as.example""#,
        ] {
            assert_eq!(read(&format!("{{{members}}}")), None, "{members}");
        }
    }

    // RFC 8705 §5.
    #[test]
    fn aliases_are_endpoints_too() {
        let metadata = read(
            r#"{"issuer":"https://as.example","token_endpoint":"https://as.example/token",
                "mtls_endpoint_aliases":{"token_endpoint":"https://mtls.as.example/token"}}"#,
        )
        .unwrap();
        let endpoints: Vec<_> = metadata
            .endpoints()
            .map(|(name, url)| (name, url.as_str()))
            .collect();
        assert_eq!(
            endpoints,
            [
                ("token_endpoint", "https://as.example/token"),
                ("token_endpoint", "https://mtls.as.example/token")
            ]
        );
    }
}
