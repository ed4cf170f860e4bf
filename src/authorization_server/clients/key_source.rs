//! Where the keys of clients with a `jwks_uri` come from (RFC 7591 §2).

use std::sync::Arc;

use super::error::ClientProblem;
#[cfg(feature = "discovery")]
use crate::issuer::{Discovery, Fetcher};
use crate::{issuer::IssuerKeys, time::Clock};

/// How keys are fetched, for all clients.
#[cfg_attr(
    not(feature = "discovery"),
    expect(dead_code, reason = "nothing is fetched")
)]
pub(crate) struct KeySource {
    pub(crate) clock: Arc<dyn Clock>,
    /// One with the roots of the system if not set.
    #[cfg(feature = "discovery")]
    pub(crate) fetcher: Option<Fetcher>,
}

impl KeySource {
    /// Begins to fetch the keys of a client and keeps them fresh. Waits for nothing: a client whose keys cannot be
    /// reached must not keep the server from starting.
    #[cfg(feature = "discovery")]
    pub(super) fn keys(&self, client_id: &str, url: &str) -> Result<IssuerKeys, ClientProblem> {
        let url = url
            .parse()
            .map_err(|_| ClientProblem::KeySource("not an absolute URL".to_owned()))?;
        let mut discovery = Discovery::of_client(client_id, url).shared_clock(self.clock.clone());
        if let Some(fetcher) = &self.fetcher {
            discovery = discovery.fetcher(fetcher.clone());
        }
        discovery
            .start()
            .map_err(|error| ClientProblem::KeySource(error.to_string()))
    }

    #[cfg(not(feature = "discovery"))]
    #[expect(clippy::unused_self, reason = "there is nothing to fetch with")]
    pub(super) const fn keys(&self, _: &str, _: &str) -> Result<IssuerKeys, ClientProblem> {
        Err(ClientProblem::JwksUri)
    }
}
