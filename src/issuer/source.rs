//! Where keys are fetched from.

use std::{future::Future, time::Duration};

use tokio::time::Instant;
use url::Url;

use super::{
    fetch_error::FetchError,
    fetcher::{Fetcher, read_key_set},
    freshness::Bounds,
    issuer_url::IssuerUrl,
    well_known::MetadataLocation,
};
use crate::{jose::JwkSet, time::Timestamp};

/// Something that keys can be fetched from, one fetch at a time. A fetch may be dropped half-way.
pub(super) trait Source: Send + 'static {
    /// Fetches the keys at `now`.
    fn fetch(&mut self, now: Timestamp)
    -> impl Future<Output = Result<Fetched, FetchError>> + Send;
}

/// A key set, and how long it may be kept.
#[derive(Clone, Debug)]
pub(super) struct Fetched {
    pub(super) set: JwkSet,
    pub(super) lifetime: Duration,
}

/// Keys over HTTPS.
#[derive(Debug)]
pub(super) struct HttpSource {
    fetcher: Fetcher,
    bounds: Bounds,
    place: Place,
}

/// How the URL of the keys is known.
#[derive(Debug)]
pub(super) enum Place {
    /// The operator gave it.
    Given(Url),
    /// The issuer's metadata says it.
    Metadata(IssuerUrl, MetadataLocation, Option<Told>),
}

/// What the metadata said, and until when that is taken for true. Monotonic: no clock is set back under it.
#[derive(Debug)]
pub(super) struct Told {
    jwks_uri: Url,
    until: Instant,
}

impl HttpSource {
    pub(super) fn new(fetcher: Fetcher, bounds: Bounds, place: Place) -> Self {
        Self {
            fetcher,
            bounds,
            place,
        }
    }
}

impl Source for HttpSource {
    async fn fetch(&mut self, now: Timestamp) -> Result<Fetched, FetchError> {
        let (fetcher, bounds) = (&self.fetcher, self.bounds);
        match &mut self.place {
            Place::Given(url) => keys_at(fetcher, bounds, url, now).await,
            Place::Metadata(issuer, location, told) => {
                // Taken out: unless the keys turn up where the metadata said, it is read again next time.
                let known = match told.take() {
                    Some(known) if Instant::now() < known.until => known,
                    _ => ask(fetcher, bounds, issuer, *location, now).await?,
                };
                let keys = keys_at(fetcher, bounds, &known.jwks_uri, now).await?;
                *told = Some(known);
                Ok(keys)
            }
        }
    }
}

async fn ask(
    fetcher: &Fetcher,
    bounds: Bounds,
    issuer: &IssuerUrl,
    location: MetadataLocation,
    now: Timestamp,
) -> Result<Told, FetchError> {
    let (metadata, document) = fetcher.metadata_document(issuer, location).await?;
    let (start, lifetime) = (Instant::now(), bounds.lifetime(&document.headers, now));
    Ok(Told {
        jwks_uri: metadata.jwks_uri.ok_or(FetchError::NoJwksUri)?,
        until: start.checked_add(lifetime).unwrap_or(start),
    })
}

async fn keys_at(
    fetcher: &Fetcher,
    bounds: Bounds,
    url: &Url,
    now: Timestamp,
) -> Result<Fetched, FetchError> {
    let document = fetcher.document(url).await?;
    Ok(Fetched {
        set: read_key_set(&document.body)?,
        lifetime: bounds.lifetime(&document.headers, now),
    })
}
