//! Who is the client? (RFC 6749 §2.3, FAPI 2.0 Security Profile §5.3.2.1)

mod assertion;
mod certificate;
mod error;

use std::sync::Arc;

use http::{HeaderMap, header};

use self::assertion::Assertion;
pub use self::certificate::{CertificateAuthorities, InvalidCertificateAuthority};
pub(crate) use self::error::ClientAuthenticationError;
use super::{
    clients::{Client, Clients, Credential},
    parameters::Parameters,
};
use crate::{mtls::PeerCertificate, time::Timestamp};

/// What a request brings along to prove who sent it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Presented<'a> {
    pub(crate) parameters: &'a Parameters,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) certificate: Option<&'a PeerCertificate>,
}

/// A client that is who it says, but for one thing: that its assertion has not been used before.
#[derive(Clone, Debug)]
pub(crate) struct AuthenticatedClient {
    pub(crate) client: Arc<Client>,
    /// To be recorded when everything else about the request has been found good.
    pub(crate) assertion: Option<UsedAssertion>,
}

/// What has to be remembered of an assertion so that it is not accepted again (RFC 7523 §3 rule 7).
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct UsedAssertion {
    pub(crate) jti: String,
    pub(crate) expires: Timestamp,
}

/// What clients are authenticated against.
#[derive(Debug)]
pub(crate) struct ClientAuthenticator {
    clients: Clients,
    authorities: CertificateAuthorities,
    issuer: String,
}

impl ClientAuthenticator {
    pub(crate) const fn new(
        clients: Clients,
        authorities: CertificateAuthorities,
        issuer: String,
    ) -> Self {
        Self {
            clients,
            authorities,
            issuer,
        }
    }

    pub(crate) const fn clients(&self) -> &Clients {
        &self.clients
    }

    /// Whether any client could be identified by the subject of its certificate.
    pub(crate) fn has_authorities(&self) -> bool {
        !self.authorities.is_empty()
    }

    /// Finds the client and checks the one method that is registered for it. Changes nothing.
    pub(crate) fn authenticate(
        &self,
        presented: Presented<'_>,
        now: Timestamp,
    ) -> Result<AuthenticatedClient, ClientAuthenticationError> {
        let parameters = presented.parameters;
        let assertion = Assertion::presented(parameters)?;
        let shared_secret = parameters.has("client_secret")
            || presented.headers.contains_key(header::AUTHORIZATION);
        match (&assertion, shared_secret) {
            (Some(_), true) => return Err(ClientAuthenticationError::SeveralMethods),
            (None, true) => return Err(ClientAuthenticationError::SharedSecret),
            (_, false) => {}
        }
        let client_id = match (&assertion, parameters.get("client_id")) {
            (Some(assertion), Some(named)) if assertion.subject() != named => {
                return Err(ClientAuthenticationError::OtherClient);
            }
            (_, Some(named)) => named,
            (Some(assertion), None) => assertion.subject(),
            (None, None) => return Err(ClientAuthenticationError::Anonymous),
        };
        let client = self
            .clients
            .get(client_id)
            .ok_or(ClientAuthenticationError::UnknownClient)?;
        let assertion = match (&client.credential, assertion) {
            (Credential::Assertion { keys, algorithm }, Some(assertion)) => {
                Some(assertion.verify(keys, *algorithm, &self.issuer, now)?)
            }
            (Credential::Assertion { .. }, None) => {
                return Err(ClientAuthenticationError::NoAssertion);
            }
            (Credential::Subject(_) | Credential::Certificates(_), Some(_)) => {
                return Err(ClientAuthenticationError::OtherMethod);
            }
            (Credential::Subject(subject), None) => {
                let peer = presented
                    .certificate
                    .ok_or(ClientAuthenticationError::NoCertificate)?;
                self.authorities.verify(peer, now)?;
                if !subject.is_of(peer.leaf()) {
                    return Err(ClientAuthenticationError::OtherSubject);
                }
                None
            }
            (Credential::Certificates(registered), None) => {
                let peer = presented
                    .certificate
                    .ok_or(ClientAuthenticationError::NoCertificate)?;
                if !registered.contains(&peer.thumbprint()) {
                    return Err(ClientAuthenticationError::UnregisteredCertificate);
                }
                None
            }
        };
        Ok(AuthenticatedClient {
            client: client.clone(),
            assertion,
        })
    }
}
