//! Client metadata as it is written down (RFC 7591 §2, RFC 8705 §2.1.2, RFC 9126 §6, RFC 9101 §10.5,
//! RFC 9396 §10, RFC 9449 §5.2, JARM §3, FAPI 2.0 Message Signing §5.3.3, OpenID Connect Dynamic Client Registration §2).

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::profile::FapiProfile;
use crate::jose::{
    JwsAlgorithm,
    jwe::{ContentEncryption, JweAlgorithm},
};

/// A client in the names of RFC 7591, not judged yet.
///
/// Reads from JSON or TOML. A member that this server does not know is an error rather than ignored, so that a
/// mistyped name cannot loosen anything in silence. Keys are given as `jwks` or, with the feature `discovery`,
/// fetched from `jwks_uri`.
#[non_exhaustive]
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct ClientMetadata {
    /// The client's identifier. Required.
    pub client_id: String,
    /// What the consent page calls it; the identifier if not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_name: Option<String>,
    /// The profile it is held to: `fapi2`, which is the default, or `fapi1_advanced`. The one member that is not registered
    /// with IANA.
    pub fapi_profile: FapiProfile,
    /// Where authorization responses may go, compared character by character. Required for `authorization_code`.
    pub redirect_uris: Vec<String>,
    /// Where people may be sent when they have been signed out, compared likewise (OpenID Connect RP-Initiated Logout 1.0
    /// §3.1).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub post_logout_redirect_uris: Vec<String>,
    /// How it authenticates. Required: the default of RFC 7591 is a shared secret, and there are none here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_endpoint_auth_method: Option<ClientAuthenticationMethod>,
    /// The only algorithm its assertions may be signed with; any that fits its keys if not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_endpoint_auth_signing_alg: Option<JwsAlgorithm>,
    /// The subject of its certificate, as RFC 4514 writes it (RFC 8705 §2.1.2).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_client_auth_subject_dn: Option<String>,
    /// A DNS name among the subject alternative names of its certificate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_client_auth_san_dns: Option<String>,
    /// A URI among them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_client_auth_san_uri: Option<String>,
    /// An IP address among them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_client_auth_san_ip: Option<String>,
    /// A mail address among them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_client_auth_san_email: Option<String>,
    /// Its public keys as a JWK set: the keys it signs assertions with, or (as `x5c` or `x5t#S256` of a key) its
    /// self-signed certificates.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jwks: Option<Value>,
    /// Where the public keys it signs assertions with are fetched, instead of `jwks`; `https` only. Needs the feature
    /// `discovery`, and a Tokio runtime where the server is built.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jwks_uri: Option<String>,
    /// What it may ask for: names separated by spaces. Required, unless it has `authorization_details_types`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// The types of `authorization_details` it may ask for (RFC 9396 §10): none unless given.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub authorization_details_types: Vec<String>,
    /// The `acr_values` of its requests that name none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub default_acr_values: Vec<String>,
    /// The `max_age` of its requests that name none, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_max_age: Option<u64>,
    /// The grants it may use: `authorization_code`, which is the default, and with it `refresh_token`; and
    /// `client_credentials`, for tokens on its own behalf. Those hold its `client_id` as `sub`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grant_types: Option<Vec<String>>,
    /// `code`, which is the default and the only one but under `fapi1_advanced`, which has `code id_token`, too; empty for a client without `authorization_code`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_types: Option<Vec<String>>,
    /// The response modes it may ask for; any that the server supports if not given. With only `jwt` its responses are
    /// always signed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_modes: Option<Vec<String>>,
    /// Its requests must be signed request objects (RFC 9101 §10.5).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub require_signed_request_object: Option<bool>,
    /// The only algorithm its request objects may be signed with; any that fits its keys if not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_object_signing_alg: Option<JwsAlgorithm>,
    /// The only algorithm its request objects may be encrypted with: an algorithm the server has a key for. All of them must be
    /// encrypted then; if not given, each may be or not (OpenID Connect Dynamic Client Registration §2).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_object_encryption_alg: Option<JweAlgorithm>,
    /// What they are encrypted with: `A128CBC-HS256` if not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_object_encryption_enc: Option<ContentEncryption>,
    /// What its responses of mode `jwt` are signed with: an algorithm the server has a key for, and its first key's if not
    /// given (JARM §3).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authorization_signed_response_alg: Option<JwsAlgorithm>,
    /// How the key of such responses reaches it, if they are to be encrypted to a key of its `jwks` or `jwks_uri` (JARM §3).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authorization_encrypted_response_alg: Option<JweAlgorithm>,
    /// What they are encrypted with: `A128CBC-HS256` if not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authorization_encrypted_response_enc: Option<ContentEncryption>,
    /// What its ID tokens are signed with: an algorithm the server has a key for, and its first key's if not given
    /// (OpenID Connect Dynamic Client Registration §2; its default of `RS256` is not allowed here).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id_token_signed_response_alg: Option<JwsAlgorithm>,
    /// How the key of its ID tokens reaches it, if they are to be encrypted to a key of its `jwks` or `jwks_uri`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id_token_encrypted_response_alg: Option<JweAlgorithm>,
    /// What they are encrypted with: `A128CBC-HS256` if not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id_token_encrypted_response_enc: Option<ContentEncryption>,
    /// What it is told about people at the userinfo endpoint is a JWT, signed with this: an algorithm the server has a key for.
    /// It is JSON if not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub userinfo_signed_response_alg: Option<JwsAlgorithm>,
    /// How the key of that JWT reaches it, if it is to be encrypted, too, to a key of its `jwks` or `jwks_uri`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub userinfo_encrypted_response_alg: Option<JweAlgorithm>,
    /// What it is encrypted with: `A128CBC-HS256` if not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub userinfo_encrypted_response_enc: Option<ContentEncryption>,
    /// Its access tokens are bound to a DPoP key (RFC 9449 §5.2).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dpop_bound_access_tokens: Option<bool>,
    /// Its access tokens are bound to its certificate (RFC 8705 §3.4).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_client_certificate_bound_access_tokens: Option<bool>,
    /// Every request is pushed (RFC 9126 §6): may only say `true`, but under `fapi1_advanced`, where `false` is the default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub require_pushed_authorization_requests: Option<bool>,
    /// It goes to the endpoints for mutual TLS whenever there are any (FAPI 2.0 Security Profile §5.2.2.1). Recorded, not used: it
    /// is the client that has to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub use_mtls_endpoint_aliases: Option<bool>,
    /// The client's home page. Recorded, not used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_uri: Option<String>,
    /// Whom to ask about the client. Recorded, not used.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub contacts: Vec<String>,
}

impl ClientMetadata {
    /// A client of which nothing but its identifier is known yet.
    #[must_use]
    pub fn new(client_id: impl Into<String>) -> Self {
        Self {
            client_id: client_id.into(),
            ..Self::default()
        }
    }
}

/// How a client proves who it is: by a key that only it holds (FAPI 2.0 Security Profile §5.3.2.1).
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientAuthenticationMethod {
    /// A signed assertion (OpenID Connect Core §9, RFC 7523).
    PrivateKeyJwt,
    /// A certificate that an authority has issued to it (RFC 8705 §2.1).
    TlsClientAuth,
    /// A certificate that is registered itself (RFC 8705 §2.2).
    SelfSignedTlsClientAuth,
}

impl ClientAuthenticationMethod {
    /// All of them.
    pub const ALL: [Self; 3] = [
        Self::PrivateKeyJwt,
        Self::TlsClientAuth,
        Self::SelfSignedTlsClientAuth,
    ];

    /// The name as registered with IANA.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PrivateKeyJwt => "private_key_jwt",
            Self::TlsClientAuth => "tls_client_auth",
            Self::SelfSignedTlsClientAuth => "self_signed_tls_client_auth",
        }
    }
}
