//! What an authorization server says about itself, kept for those who call its endpoints.

use std::{sync::Arc, time::Duration};

use arc_swap::ArcSwapOption;
use tokio::sync::Mutex;

use super::{
    fetch_error::FetchError, fetcher::Fetcher, issuer_url::IssuerUrl,
    metadata::AuthorizationServerMetadata, well_known::MetadataLocation,
};
use crate::time::Timestamp;

/// How long metadata is used before it is fetched again.
const FRESH: Duration = Duration::from_hours(1);
/// How long to leave the server alone when fetching it again failed.
const PAUSE: Duration = Duration::from_mins(1);
/// How long metadata may still be used when it cannot be fetched again.
const MAXIMUM: Duration = Duration::from_hours(24);

/// The authorization server's metadata, fetched when it is first needed and kept for an hour.
pub(crate) struct Directory {
    fetcher: Fetcher,
    issuer: IssuerUrl,
    location: MetadataLocation,
    known: ArcSwapOption<Known>,
    /// Held while one caller fetches; the others wait for what it brings.
    fetching: Mutex<()>,
}

struct Known {
    metadata: Arc<AuthorizationServerMetadata>,
    fetched: Timestamp,
    fresh_until: Timestamp,
}

impl Directory {
    pub(crate) fn new(fetcher: Fetcher, issuer: IssuerUrl, location: MetadataLocation) -> Self {
        Self {
            fetcher,
            issuer,
            location,
            known: ArcSwapOption::empty(),
            fetching: Mutex::new(()),
        }
    }

    #[cfg(feature = "client")]
    pub(crate) const fn issuer(&self) -> &IssuerUrl {
        &self.issuer
    }

    /// The metadata, which is that of the very issuer (FAPI 2.0 Security Profile §5.3.3.1).
    pub(crate) async fn metadata(
        &self,
        now: Timestamp,
    ) -> Result<Arc<AuthorizationServerMetadata>, FetchError> {
        if let Some(metadata) = self.fresh(now) {
            return Ok(metadata);
        }
        let _fetching = self.fetching.lock().await;
        if let Some(metadata) = self.fresh(now) {
            return Ok(metadata);
        }
        match self.fetcher.metadata(&self.issuer, self.location).await {
            Ok(metadata) => Ok(self.keep(Arc::new(metadata), now, now.plus(FRESH))),
            Err(error) => match self.known.load_full() {
                Some(known) if now < known.fetched.plus(MAXIMUM) => {
                    Ok(self.keep(known.metadata.clone(), known.fetched, now.plus(PAUSE)))
                }
                Some(_) | None => Err(error),
            },
        }
    }

    fn fresh(&self, now: Timestamp) -> Option<Arc<AuthorizationServerMetadata>> {
        let known = self.known.load();
        let known = known.as_ref()?;
        // A clock that was set back does not make it fresh for longer.
        (known.fetched <= now && now < known.fresh_until).then(|| known.metadata.clone())
    }

    fn keep(
        &self,
        metadata: Arc<AuthorizationServerMetadata>,
        fetched: Timestamp,
        fresh_until: Timestamp,
    ) -> Arc<AuthorizationServerMetadata> {
        self.known.store(Some(Arc::new(Known {
            metadata: metadata.clone(),
            fetched,
            fresh_until,
        })));
        metadata
    }
}
