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
        self.fetch(url, |url| Discovery::of_client(client_id, url))
            .map_err(ClientProblem::KeySource)
    }

    /// As [`keys`](Self::keys), the keys that the tokens of a resource server are encrypted to.
    #[cfg(feature = "discovery")]
    pub(crate) fn recipient_keys(&self, resource: &str, url: &str) -> Result<IssuerKeys, String> {
        self.fetch(url, |url| Discovery::of_resource(resource, url))
    }

    #[cfg(feature = "discovery")]
    fn fetch(
        &self,
        url: &str,
        discovery: impl FnOnce(url::Url) -> Discovery,
    ) -> Result<IssuerKeys, String> {
        let url = url.parse().map_err(|_| "not an absolute URL".to_owned())?;
        let mut discovery = discovery(url).shared_clock(self.clock.clone());
        if let Some(fetcher) = &self.fetcher {
            discovery = discovery.fetcher(fetcher.clone());
        }
        discovery.start().map_err(|error| error.to_string())
    }

    #[cfg(not(feature = "discovery"))]
    #[expect(clippy::unused_self, reason = "there is nothing to fetch with")]
    pub(super) const fn keys(&self, _: &str, _: &str) -> Result<IssuerKeys, ClientProblem> {
        Err(ClientProblem::JwksUri)
    }

    #[cfg(not(feature = "discovery"))]
    #[expect(clippy::unused_self, reason = "there is nothing to fetch with")]
    pub(crate) fn recipient_keys(&self, _: &str, _: &str) -> Result<IssuerKeys, String> {
        Err(
            "needs the feature `discovery` of tower-fapi: without it, give the keys as jwks"
                .to_owned(),
        )
    }
}
