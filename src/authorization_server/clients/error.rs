//! Why a client cannot be registered.

use thiserror::Error;

use super::{
    certificates::InvalidRegisteredCertificate, distinguished_name::InvalidDistinguishedName,
    redirect_uri::InvalidRedirectUri,
};
use crate::{authorization_server::scope::InvalidScope, jose::InvalidJwkSet};

/// A client of the configuration is refused.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[error("client {position} ({client_id:?}): {problem}")]
pub struct InvalidClient {
    /// Which of the clients, counted from 1.
    pub position: usize,
    /// The identifier as configured.
    pub client_id: String,
    /// What is wrong.
    pub problem: ClientProblem,
}

/// What is wrong with the metadata of a client: something is missing, contradicts itself, or would be insecure.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum ClientProblem {
    /// RFC 6749 Appendix A.1.
    #[error("client_id must have 1 to 256 printable ASCII characters")]
    ClientId,
    /// Two clients cannot share an identifier.
    #[error("another client has the same client_id")]
    Duplicate,
    /// There is nothing to call it on a page.
    #[error("client_name must have 1 to 256 bytes and no control characters")]
    ClientName,
    /// A required member is not there.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// Without a method named, RFC 7591 says `client_secret_basic`.
    #[error(
        "token_endpoint_auth_method is missing: say private_key_jwt, tls_client_auth or self_signed_tls_client_auth"
    )]
    NoMethod,
    /// A redirect URI would be insecure.
    #[error("redirect URI {uri:?}: {problem}")]
    RedirectUri {
        /// The URI as configured.
        uri: String,
        /// What is wrong with it.
        problem: InvalidRedirectUri,
    },
    /// A place to go after a logout would be insecure.
    #[error("post-logout redirect URI {uri:?}: {problem}")]
    PostLogoutRedirectUri {
        /// The URI as configured.
        uri: String,
        /// What is wrong with it.
        problem: InvalidRedirectUri,
    },
    /// The same redirect URI twice is a mistake somewhere.
    #[error("redirect URI {0:?} is there twice")]
    RepeatedRedirectUri(String),
    /// Fetching keys needs the feature `discovery`.
    #[error(
        "jwks_uri needs the feature `discovery` of tower-fapi: without it, give the keys as jwks"
    )]
    JwksUri,
    /// RFC 7591 §2: `jwks_uri` and `jwks` "MUST NOT both be present in the same request or response".
    #[error("jwks and jwks_uri exclude each other")]
    TwoKeySets,
    /// Keys cannot be fetched from `jwks_uri`.
    #[error("jwks_uri: {0}")]
    KeySource(String),
    /// `jwks` is no key set.
    #[error("jwks: {0}")]
    Jwks(#[from] InvalidJwkSet),
    /// A private key has been given away: it must be replaced, not only taken out here.
    #[error("jwks holds a private or symmetric key; only public keys may be registered")]
    PrivateKey,
    /// No key of the set can verify an assertion.
    #[error(
        "jwks holds no key that can verify PS256, ES256 or EdDSA signatures, the last of which FAPI 1.0 does not allow"
    )]
    NoUsableKey,
    /// No key of the set fits `token_endpoint_auth_signing_alg`.
    #[error("jwks holds no key for the algorithm in token_endpoint_auth_signing_alg")]
    NoKeyForAlgorithm,
    /// A member belongs to another authentication method than the one that is registered.
    #[error("{0} does not go with this token_endpoint_auth_method")]
    DoesNotFitMethod(&'static str),
    /// RFC 8705 §2.1.2.
    #[error(
        "tls_client_auth needs exactly one of tls_client_auth_subject_dn, tls_client_auth_san_dns, \
         tls_client_auth_san_uri, tls_client_auth_san_ip and tls_client_auth_san_email"
    )]
    OneSubject,
    /// The name of the subject cannot be read.
    #[error("tls_client_auth_subject_dn: {0}")]
    SubjectDn(#[from] InvalidDistinguishedName),
    /// The address cannot be read.
    #[error("tls_client_auth_san_ip is not an IP address")]
    SanIp,
    /// A certificate of the set cannot be read.
    #[error("jwks: {0}")]
    Certificate(#[from] InvalidRegisteredCertificate),
    /// Nothing the client could authenticate with.
    #[error("self_signed_tls_client_auth needs a key in jwks with x5c or x5t#S256")]
    NoCertificate,
    /// Every access token is bound, and in one way (FAPI 2.0 Security Profile §5.3.2.1).
    #[error(
        "exactly one of dpop_bound_access_tokens and tls_client_certificate_bound_access_tokens must be true"
    )]
    OneBinding,
    /// RFC 6749 §3.3.
    #[error("scope: {0}")]
    Scope(#[from] InvalidScope),
    /// A scope that the server does not have.
    #[error("scope {0:?} is not one of the server's")]
    UnknownScope(String),
    /// A type of authorization details that the server does not have.
    #[error("authorization_details_types: {0:?} is not one of the server's")]
    UnknownDetailsType(String),
    /// A grant that is not supported, none at all, or `refresh_token` with nothing to refresh.
    #[error(
        "grant_types must hold authorization_code or client_credentials, or both, and with authorization_code may hold \
         refresh_token"
    )]
    GrantTypes,
    /// A response type that is not supported, or does not go with the grants.
    #[error(
        "response_types may only hold code and, under fapi1_advanced, code id_token; nothing without the grant \
         authorization_code, and something with it"
    )]
    ResponseTypes,
    /// An ID token is part of its responses, and nothing of OpenID Connect of what it may ask for.
    #[error("response_types has code id_token, and scope lacks openid")]
    NoOpenId,
    /// It is to sign its requests, and nothing could verify them.
    #[error("jwks holds no key to verify request objects with, as registered")]
    NoKeyForRequestObjects,
    /// What it is sent is to be encrypted, as this member says, and it has no public key for that.
    #[error("jwks holds no public key for {0}")]
    NoKeyForResponses(&'static str),
    /// A response mode that is not supported, or none at all.
    #[error(
        "response_modes may hold query, jwt and query.jwt, or what goes with the client's profile, and must not be empty"
    )]
    ResponseModes,
    /// Requests are always pushed (FAPI 2.0 Security Profile §5.3.2.2).
    #[error(
        "require_pushed_authorization_requests cannot be false: every request has to be pushed, but under fapi1_advanced"
    )]
    NotPushed,
    /// A member says what the client's profile has no place for: see [`FapiProfile`](super::FapiProfile).
    #[error("{0} is not as the client's fapi_profile demands")]
    OutsideProfile(&'static str),
}
