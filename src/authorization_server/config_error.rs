//! Why a server cannot be put together.

use thiserror::Error;

use super::{
    authorization_details::InvalidDetailsType, clients::InvalidClient, endpoints::InvalidIssuer,
    keys::InvalidKeyRotation, lifetimes::InvalidLifetime, resources::InvalidResource,
};
use crate::dpop::NoncesError;

/// What is still missing, or does not go together.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum ConfigError {
    /// The issuer cannot be used.
    #[error("issuer: {0}")]
    Issuer(InvalidIssuer),
    /// The base URL for mutual TLS cannot be used.
    #[error("base URL for mutual TLS: {0}")]
    MtlsBase(InvalidIssuer),
    /// Something without a default was not set.
    #[error("{0} was not set")]
    Missing(&'static str),
    /// A scope's name is not one, or there is nothing to call it on the consent page.
    #[error("scope {0:?} needs a name of printable ASCII without spaces, and a title")]
    Scope(String),
    /// Two scopes with one name.
    #[error("scope {0:?} is there twice")]
    RepeatedScope(String),
    /// A type of authorization details is refused.
    #[error(transparent)]
    DetailsType(#[from] InvalidDetailsType),
    /// A resource server is refused.
    #[error(transparent)]
    Resource(#[from] InvalidResource),
    /// A name for `acr` is none, or means two things.
    #[error("acr {0:?} is not printable ASCII without spaces, or there twice")]
    Acr(String),
    /// A lifetime is outside its limits.
    #[error(transparent)]
    Lifetime(#[from] InvalidLifetime),
    /// A client is refused.
    #[error(transparent)]
    Client(#[from] InvalidClient),
    /// What a scope says about a person cannot be had without one (OpenID Connect Core §5.4 and §11).
    #[error("scope {0:?} is about a person and cannot be without_person")]
    PersonalScope(String),
    /// A client is to get tokens on its own behalf, and there is nothing that could be in them.
    #[error(
        "client {0:?} is registered for client_credentials, but for no scope or type of authorization details that is \
         without_person"
    )]
    NothingAlone(String),
    /// A client that gets tokens on its own behalf is called what a person is (RFC 9068 §5).
    #[error(
        "client {0:?} is registered for client_credentials, and its client_id is the subject of a person"
    )]
    SharedSubject(String),
    /// A client wants what it is sent signed with an algorithm that the server has no key for, as this member says, or its
    /// profile.
    #[error("client {0:?} has a value of {1}, or a profile, that none of the signing keys is for")]
    NoKeyForResponses(String, &'static str),
    /// A client encrypts its request objects with an algorithm that the server has no key for.
    #[error(
        "client {0:?} has a request_object_encryption_alg that none of the encryption keys is for"
    )]
    NoKeyForRequestObjects(String),
    /// A time of the rotation of keys is outside its limits.
    #[error(transparent)]
    KeyRotation(#[from] InvalidKeyRotation),
    /// None of the signing keys is in use: each has ended or is still to begin.
    #[error("none of the signing keys is in use at this time")]
    NoSigningKey,
    /// A key to sign with and a key to encrypt to have the same identifier (FAPI 2.0 Security Profile §5.4.3).
    #[error("a signing key and an encryption key have the kid {0:?}")]
    SameKid(String),
    /// A client is to be identified by a certificate that nobody could have issued.
    #[error("client {0:?} uses tls_client_auth, but no certificate authority is set")]
    NoAuthority(String),
    /// What stands before the userinfo endpoint cannot be set up.
    #[error("userinfo endpoint: {0}")]
    UserInfo(#[from] crate::resource_server::ConfigError),
    /// The system's generator or the cryptographic library failed.
    #[error(transparent)]
    Nonces(#[from] NoncesError),
}
