//! Who is the client? (RFC 6749 §2.3, FAPI 2.0 Security Profile §5.3.2.1)

mod assertion;
mod certificate;
mod error;

use std::sync::Arc;

use http::{HeaderMap, header};

use self::assertion::Assertion;
pub(crate) use self::assertion::Audiences;
pub use self::certificate::{CertificateAuthorities, InvalidCertificateAuthority};
pub(crate) use self::error::ClientAuthenticationError;
use super::{
    clients::{Client, Clients, Credential},
    parameters::Parameters,
};
use crate::{
    issuer::{IssuerKeys, KeySnapshot, KeysUnavailable},
    jose::JwsError,
    mtls::PeerCertificate,
    time::Timestamp,
};

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

/// Why nobody is authenticated, or not yet.
#[derive(Debug)]
pub(crate) enum Unauthenticated {
    /// The client is not believed.
    Refused(ClientAuthenticationError),
    /// Its keys have to be fetched first. Authenticate again then.
    NeedsKeys(KeyWish),
}

impl From<ClientAuthenticationError> for Unauthenticated {
    fn from(error: ClientAuthenticationError) -> Self {
        Self::Refused(error)
    }
}

/// Keys of a client that are not at hand.
#[derive(Debug)]
pub(crate) struct KeyWish {
    keys: IssuerKeys,
    /// The generation in which the assertion's key was not found; `None` if there are no keys at all.
    unknown_in: Option<u64>,
}

impl KeyWish {
    pub(crate) async fn fulfil(&self, now: Timestamp) -> Result<KeySnapshot, KeysUnavailable> {
        match self.unknown_in {
            None => self.keys.obtain(now).await,
            Some(generation) => self.keys.refresh_for_unknown_key(generation, now).await,
        }
    }
}

/// What clients are authenticated against.
#[derive(Debug)]
pub(crate) struct ClientAuthenticator {
    clients: Clients,
    authorities: CertificateAuthorities,
    audiences: Audiences,
}

impl ClientAuthenticator {
    pub(crate) const fn new(
        clients: Clients,
        authorities: CertificateAuthorities,
        audiences: Audiences,
    ) -> Self {
        Self {
            clients,
            authorities,
            audiences,
        }
    }

    pub(crate) const fn clients(&self) -> &Clients {
        &self.clients
    }

    /// Whether any client could be identified by the subject of its certificate.
    pub(crate) fn has_authorities(&self) -> bool {
        !self.authorities.is_empty()
    }

    /// Finds the client and checks the one method that is registered for it. Changes nothing and waits for nothing.
    ///
    /// `fetched` are keys that have just been fetched for this request; a key that they lack does not exist.
    pub(crate) fn authenticate(
        &self,
        presented: Presented<'_>,
        fetched: Option<&KeySnapshot>,
        now: Timestamp,
    ) -> Result<AuthenticatedClient, Unauthenticated> {
        let (client, assertion) = self.identify(presented, fetched, now, |client_id| {
            let client = self.clients.get(client_id)?;
            Some((client, &client.credential))
        })?;
        Ok(AuthenticatedClient {
            client: client.clone(),
            assertion,
        })
    }

    /// As [`authenticate`](Self::authenticate), among whoever `find` knows by their identifier.
    pub(crate) fn identify<'c, C>(
        &self,
        presented: Presented<'_>,
        fetched: Option<&KeySnapshot>,
        now: Timestamp,
        find: impl FnOnce(&str) -> Option<(C, &'c Credential)>,
    ) -> Result<(C, Option<UsedAssertion>), Unauthenticated> {
        let parameters = presented.parameters;
        let assertion = Assertion::presented(parameters)?;
        let shared_secret = parameters.has("client_secret")
            || presented.headers.contains_key(header::AUTHORIZATION);
        match (&assertion, shared_secret) {
            (Some(_), true) => return Err(ClientAuthenticationError::SeveralMethods.into()),
            (None, true) => return Err(ClientAuthenticationError::SharedSecret.into()),
            (_, false) => {}
        }
        let client_id = match (&assertion, parameters.get("client_id")) {
            (Some(assertion), Some(named)) if assertion.subject() != named => {
                return Err(ClientAuthenticationError::OtherClient.into());
            }
            (_, Some(named)) => named,
            (Some(assertion), None) => assertion.subject(),
            (None, None) => return Err(ClientAuthenticationError::Anonymous.into()),
        };
        let (client, credential) =
            find(client_id).ok_or(ClientAuthenticationError::UnknownClient)?;
        let assertion = match (credential, assertion) {
            (
                Credential::Assertion {
                    keys,
                    algorithm,
                    profile,
                },
                Some(assertion),
            ) => {
                let wish = |unknown_in| KeyWish {
                    keys: keys.clone(),
                    unknown_in,
                };
                let Some(known) = fetched.cloned().or_else(|| keys.current(now)) else {
                    return Err(Unauthenticated::NeedsKeys(wish(None)));
                };
                match assertion.verify(&known.keys, *algorithm, *profile, &self.audiences, now) {
                    Err(ClientAuthenticationError::Signature(JwsError::NoKey))
                        if fetched.is_none() =>
                    {
                        return Err(Unauthenticated::NeedsKeys(wish(Some(known.generation))));
                    }
                    outcome => Some(outcome?),
                }
            }
            (Credential::Assertion { .. }, None) => {
                return Err(ClientAuthenticationError::NoAssertion.into());
            }
            (Credential::Subject(_) | Credential::Certificates(_), Some(_)) => {
                return Err(ClientAuthenticationError::OtherMethod.into());
            }
            (Credential::Subject(subject), None) => {
                let peer = presented
                    .certificate
                    .ok_or(ClientAuthenticationError::NoCertificate)?;
                self.authorities.verify(peer, now)?;
                if !subject.is_of(peer.leaf()) {
                    return Err(ClientAuthenticationError::OtherSubject.into());
                }
                None
            }
            (Credential::Certificates(registered), None) => {
                let peer = presented
                    .certificate
                    .ok_or(ClientAuthenticationError::NoCertificate)?;
                if !registered.contains(&peer.thumbprint()) {
                    return Err(ClientAuthenticationError::UnregisteredCertificate.into());
                }
                None
            }
        };
        Ok((client, assertion))
    }
}
