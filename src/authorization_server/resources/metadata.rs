//! Resource servers as they are written down.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use thiserror::Error;

use crate::{
    authorization_server::clients::{ClientAuthenticationMethod, ClientProblem},
    jose::{
        InvalidJwkSet, JwsAlgorithm,
        jwe::{ContentEncryption, JweAlgorithm},
    },
};

/// A resource server that tokens are issued for (RFC 8707), not judged yet.
///
/// A text is one that wants its tokens as they are. One that wants them encrypted gives its keys and the algorithm; the
/// names follow those for ID tokens (OpenID Connect Dynamic Client Registration §2), for no specification has any for access
/// tokens (RFC 9068 §6 leaves it to the two servers).
///
/// A token that is encrypted is for one resource server alone: who else is named in it could not read it. A client that may
/// use several asks for them one by one, with `resource` at the token endpoint.
///
/// One that asks about its tokens (RFC 7662) says in `token_endpoint_auth_method` how it authenticates, as a client would, and
/// learns of tokens that are for `resource` and of no others.
///
/// ```
/// use tower_fapi::{authorization_server::ResourceMetadata, jose::jwe::{DecryptionKey, DecryptionKeys, JweAlgorithm}};
///
/// let keys = DecryptionKeys::new([DecryptionKey::generate(JweAlgorithm::EcdhEsA256Kw)?]); // the resource server's
/// let resource: ResourceMetadata = serde_json::from_value(serde_json::json!({
///     "resource": "https://api.example/payments",
///     "jwks": keys.public(),
///     "access_token_encrypted_response_alg": "ECDH-ES+A256KW",
///     "access_token_encrypted_response_enc": "A256GCM",
/// }))?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[non_exhaustive]
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct ResourceMetadata {
    /// Its identifier, which is the `aud` of its tokens: an absolute URI without a fragment. Required.
    pub resource: String,
    /// Its public keys as a JWK set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jwks: Option<Value>,
    /// Where its public keys are fetched, instead of `jwks`; `https` only. Needs the feature `discovery`, and a Tokio runtime
    /// where the server is built.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jwks_uri: Option<String>,
    /// How the key of its tokens is encrypted (`alg`). Its tokens are encrypted if this is given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_token_encrypted_response_alg: Option<JweAlgorithm>,
    /// How its tokens are encrypted (`enc`); `A128CBC-HS256` unless given, as for ID tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_token_encrypted_response_enc: Option<ContentEncryption>,
    /// What it calls itself when it asks about tokens; `resource` unless given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// How it authenticates at the introspection endpoint, the only one it may use (RFC 9701 §3). It may not ask about
    /// tokens unless this is given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_endpoint_auth_method: Option<ClientAuthenticationMethod>,
    /// As [of a client](crate::authorization_server::ClientMetadata::token_endpoint_auth_signing_alg).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_endpoint_auth_signing_alg: Option<JwsAlgorithm>,
    /// As [of a client](crate::authorization_server::ClientMetadata::tls_client_auth_subject_dn).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_client_auth_subject_dn: Option<String>,
    /// As [of a client](crate::authorization_server::ClientMetadata::tls_client_auth_san_dns).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_client_auth_san_dns: Option<String>,
    /// As [of a client](crate::authorization_server::ClientMetadata::tls_client_auth_san_uri).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_client_auth_san_uri: Option<String>,
    /// As [of a client](crate::authorization_server::ClientMetadata::tls_client_auth_san_ip).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_client_auth_san_ip: Option<String>,
    /// As [of a client](crate::authorization_server::ClientMetadata::tls_client_auth_san_email).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_client_auth_san_email: Option<String>,
    /// The algorithm that answers are signed with, where it asks for signed ones (RFC 9701 §6); that of the server's first
    /// key unless given. The default of RFC 9701, RS256, is none of FAPI 2.0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub introspection_signed_response_alg: Option<JwsAlgorithm>,
    /// How the key of answers is encrypted (RFC 9701 §6). It gets encrypted answers and no others if this is given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub introspection_encrypted_response_alg: Option<JweAlgorithm>,
    /// How answers are encrypted; `A128CBC-HS256` unless given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub introspection_encrypted_response_enc: Option<ContentEncryption>,
}

impl From<String> for ResourceMetadata {
    fn from(resource: String) -> Self {
        Self {
            resource,
            ..Self::default()
        }
    }
}

impl From<&str> for ResourceMetadata {
    fn from(resource: &str) -> Self {
        resource.to_owned().into()
    }
}

impl From<&String> for ResourceMetadata {
    fn from(resource: &String) -> Self {
        resource.clone().into()
    }
}

/// A resource server of the configuration is refused.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[error("resource {resource:?}: {problem}")]
pub struct InvalidResource {
    /// Its identifier as configured.
    pub resource: String,
    /// What is wrong.
    pub problem: ResourceProblem,
}

/// What is wrong with a resource server.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum ResourceProblem {
    /// RFC 8707 §2.
    #[error("not an absolute URI without a fragment")]
    Identifier,
    /// Two registrations, and nobody knows which counts.
    #[error("it is there twice")]
    Duplicate,
    /// `enc` says nothing without `alg`: it would go out in the clear.
    #[error("an encrypted_response_enc needs its encrypted_response_alg")]
    EncryptionWithoutAlgorithm,
    /// There is nothing to encrypt to.
    #[error("an encrypted_response_alg needs jwks or jwks_uri")]
    NoKeys,
    /// Tokens are encrypted to public keys; a shared one would let the resource server make tokens of its own.
    #[error("an encrypted_response_alg must be an algorithm with a public key")]
    SharedKey,
    /// One of the two.
    #[error("jwks and jwks_uri exclude each other")]
    TwoKeySets,
    /// `jwks` is no key set.
    #[error("jwks: {0}")]
    Jwks(#[from] InvalidJwkSet),
    /// A private key has been given away: it must be replaced, not only taken out here.
    #[error("jwks holds a private or symmetric key; only public keys may be registered")]
    PrivateKey,
    /// No key of the set is one for the algorithm.
    #[error("jwks holds no key that can be encrypted to with the encrypted_response_alg")]
    NoUsableKey,
    /// Keys cannot be fetched from `jwks_uri`.
    #[error("jwks_uri: {0}")]
    KeySource(String),
    /// What is said about introspection is of no use to somebody who cannot authenticate (RFC 9701 §8.2).
    #[error("{0} needs token_endpoint_auth_method")]
    NoMethod(&'static str),
    /// How it authenticates is wrong in the same way as it could be for a client.
    #[error(transparent)]
    Authentication(#[from] ClientProblem),
    /// A client, or another resource server, has the identifier: nobody would know who asks.
    #[error("client_id {0:?} belongs to somebody else")]
    ClientIdTaken(String),
    /// Answers are to be signed with an algorithm that the server has no key for.
    #[error("the server has no key for the introspection_signed_response_alg {0}")]
    NoSigningKey(JwsAlgorithm),
}
