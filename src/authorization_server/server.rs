//! Everything a request handler needs, put together once.

use std::{fmt, sync::Arc};

use super::{
    authentication::AuthenticationRules,
    authorization_details::DetailsTypes,
    client_authentication::ClientAuthenticator,
    endpoints::Endpoints,
    keys::{EncryptionKeys, KeyRotation, SigningKeys},
    lifetimes::Lifetimes,
    pages::Pages,
    people::Authenticator,
    resources::Resources,
    scope::ScopeDescription,
    store::Records,
};
use crate::{dpop::ProofVerifier, replay::ReplayStore, time::Clock};

/// The parts of a running server. What may be asked of it is in the files of the endpoints.
pub(crate) struct Server {
    pub(crate) endpoints: Endpoints,
    pub(crate) clients: ClientAuthenticator,
    pub(crate) scopes: Vec<ScopeDescription>,
    pub(crate) details_types: DetailsTypes,
    pub(crate) resources: Resources,
    pub(crate) lifetimes: Lifetimes,
    pub(crate) keys: SigningKeys,
    /// What request objects can be encrypted to, if they can.
    pub(crate) decryption: Option<EncryptionKeys>,
    pub(crate) key_rotation: KeyRotation,
    pub(crate) records: Records,
    pub(crate) proofs: ProofVerifier,
    pub(crate) replay: Arc<dyn ReplayStore>,
    pub(crate) realms: Realms,
    pub(crate) authenticator: Arc<dyn Authenticator>,
    pub(crate) authentication: AuthenticationRules,
    pub(crate) pages: Pages,
    pub(crate) clock: Arc<dyn Clock>,
}

/// Of no use in a log beyond which server it is.
impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("issuer", &self.endpoints.issuer())
            .finish_non_exhaustive()
    }
}

impl Server {
    /// The `acr_values` that somebody can meet.
    pub(crate) fn acr_values(&self) -> Vec<&str> {
        self.authentication
            .supported(self.authenticator.offers_second_factor())
    }

    /// Whether a client of this name gets tokens on its own behalf, with its name as their `sub`.
    pub(crate) fn acts_alone(&self, name: &str) -> bool {
        let client = self.clients.clients().get(name);
        client.is_some_and(|client| client.grants.client_credentials)
    }
}

/// What keeps the server's entries in a replay store apart from everybody else's, and from each other.
#[derive(Clone, Debug)]
pub(crate) struct Realms {
    pub(crate) assertions: String,
    pub(crate) proofs: String,
    pub(crate) codes: String,
    pub(crate) requests: String,
}

impl Realms {
    pub(crate) fn of(issuer: &str) -> Self {
        Self {
            assertions: format!("client assertions at {issuer}"),
            proofs: format!("proofs at {issuer}"),
            codes: format!("one-time codes at {issuer}"),
            requests: format!("requests by value at {issuer}"),
        }
    }
}
