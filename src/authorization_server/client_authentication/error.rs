//! Why a client was not believed.

use thiserror::Error;

use crate::{
    authorization_server::{
        clients::FapiProfile,
        refusal::{ErrorCode, Refusal},
    },
    jose::{JwsError, json::InvalidJson},
};

/// Why a client was not believed. `Display` is for the operator.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub(crate) enum ClientAuthenticationError {
    #[error("neither client_id nor an assertion")]
    Anonymous,
    #[error("no such client")]
    UnknownClient,
    /// RFC 6749 §2.3: not more than one method in a request.
    #[error("an assertion and a shared secret in one request")]
    SeveralMethods,
    #[error("a shared secret")]
    SharedSecret,
    /// RFC 7521 §4.2: `client_id` and the assertion have to name the same client.
    #[error("client_id is not the subject of the assertion")]
    OtherClient,
    #[error("the client is registered for another authentication method")]
    OtherMethod,
    #[error("no client assertion")]
    NoAssertion,
    #[error("client_assertion_type is missing, or not that of a JWT")]
    AssertionType,
    #[error("the assertion is malformed: {0}")]
    Malformed(JwsError),
    #[error("the assertion is longer than it can honestly be")]
    TooLarge,
    #[error("the claims of the assertion are malformed: {0}")]
    Claims(InvalidJson),
    /// RFC 8725 §3.11: a JWT made for something else.
    #[error("`typ` is that of another kind of JWT")]
    Type,
    #[error("the assertion is a request object")]
    RequestObject,
    #[error("the assertion is signed with another algorithm than the client is registered for")]
    Algorithm,
    #[error("the signature of the assertion: {0}")]
    Signature(JwsError),
    #[error("claim `{0}` is missing or malformed")]
    Claim(&'static str),
    #[error("`iss` and `sub` are not the same")]
    Issuer,
    /// What it would have to be is said by the client's profile.
    #[error("`aud` is not the issuer, or what else is allowed to this client")]
    Audience(FapiProfile),
    #[error("the assertion has expired")]
    Expired,
    #[error("`exp` is too far in the future")]
    ExpiresTooLate,
    #[error("`{0}` is in the future")]
    InFuture(&'static str),
    #[error("the assertion has been used before")]
    Replayed,
    #[error("no client certificate on this connection")]
    NoCertificate,
    #[error("the client certificate is not from one of the authorities: {0}")]
    Chain(String),
    #[error("the client certificate has another subject")]
    OtherSubject,
    #[error("the client certificate is not a registered one")]
    UnregisteredCertificate,
}

impl From<ClientAuthenticationError> for Refusal {
    fn from(error: ClientAuthenticationError) -> Self {
        use ClientAuthenticationError as E;
        tracing::info!(reason = %error, "client authentication failed");
        let description = match error {
            E::SeveralMethods => {
                // RFC 6749 §5.2 names this one among the causes of `invalid_request`.
                return Self::invalid_request(
                    "The request uses more than one client authentication method",
                );
            }
            E::Anonymous => "The request does not say which client it is from",
            E::SharedSecret => {
                "Shared secrets are not supported: use private_key_jwt or a client certificate"
            }
            E::OtherClient => "client_id is not the subject of the client assertion",
            E::AssertionType => {
                "client_assertion_type must be urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
            }
            E::Malformed(JwsError::Algorithm) | E::Algorithm => {
                "The client assertion must be signed with PS256, ES256 or EdDSA, as registered"
            }
            E::Malformed(_) | E::TooLarge | E::Claims(_) | E::Type | E::RequestObject => {
                "The client assertion is malformed"
            }
            E::Claim(_) => "The client assertion needs the claims iss, sub, aud, exp and jti",
            E::Issuer => "iss and sub of the client assertion must both be the client_id",
            E::Audience(FapiProfile::Fapi2) => {
                "aud of the client assertion must be the issuer identifier, as one string"
            }
            E::Audience(FapiProfile::Fapi1Advanced) => {
                "aud of the client assertion must be the issuer identifier, or the URL of the token endpoint or of the \
                 pushed authorization request endpoint, and no other"
            }
            E::Expired => "The client assertion has expired",
            E::ExpiresTooLate => "exp of the client assertion is too far in the future",
            E::InFuture(_) => "The client assertion is from the future: check the clock",
            E::Replayed => "The client assertion has been used before",
            E::NoCertificate => "The client must present its certificate on this connection",
            // What is registered, and which part of it did not fit, is nobody else's business.
            E::UnknownClient
            | E::OtherMethod
            | E::NoAssertion
            | E::Signature(_)
            | E::Chain(_)
            | E::OtherSubject
            | E::UnregisteredCertificate => "Client authentication failed",
        };
        Self::new(ErrorCode::InvalidClient, description)
    }
}
