//! How the keys of an issuer are found and kept fresh: the settings.

use std::{sync::Arc, time::Duration};

use tokio::runtime::Handle;
use url::Url;

use super::{
    fetcher::Fetcher,
    fetcher_builder::FetcherError,
    freshness::Bounds,
    issuer_url::IssuerUrl,
    keys::{IssuerKeys, KeysUnavailable},
    live::{Live, Settings},
    source::{HttpSource, Place},
    well_known::MetadataLocation,
};
use crate::time::{Clock, SystemClock};

/// Settings for fetching the keys of one issuer and keeping them fresh.
///
/// Keys are fetched again in the background when 80 to 90 % of the time has passed that their `Cache-Control` or `Expires`
/// allows (RFC 9111), but never more often than the [floor](Self::lifetime_between) nor more seldom than the ceiling. If that
/// fails, the old keys serve on up to the [maximum age](Self::maximum_age), and it is tried again after 1 s, 2 s, 4 s and so on
/// up to a minute; up to 5 s while there are no keys that could serve.
///
/// ```no_run
/// use tower_fapi::issuer::Discovery;
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let keys = Discovery::new("https://as.example".parse()?).start()?;
/// # Ok(()) }
/// ```
#[derive(Clone)]
#[must_use = "nothing is fetched before `start` or `connect`"]
pub struct Discovery {
    issuer: IssuerUrl,
    location: MetadataLocation,
    jwks_uri: Option<Url>,
    fetcher: Option<Fetcher>,
    bounds: Bounds,
    maximum_age: Duration,
    cool_down: Duration,
    clock: Arc<dyn Clock>,
    recipient: bool,
}

/// Why fetching could not be set up.
#[non_exhaustive]
#[derive(Debug, thiserror::Error)]
pub enum DiscoveryError {
    /// The HTTP client could not be made.
    #[error(transparent)]
    Fetcher(#[from] FetcherError),
    /// The issuer, or the URL of its keys, is not `https`.
    #[error("{0} is not an https URL")]
    Insecure(String),
    /// The lifetimes are not in order: one second ≤ floor ≤ ceiling ≤ maximum age.
    #[error(
        "lifetimes out of order: floor {floor:?}, ceiling {ceiling:?}, maximum age {maximum_age:?}"
    )]
    Lifetimes {
        /// The shortest time keys are kept.
        floor: Duration,
        /// The longest time keys are kept without asking again.
        ceiling: Duration,
        /// The longest time keys serve at all.
        maximum_age: Duration,
    },
    /// The cool-down is less than a second.
    #[error("cool-down of {0:?}")]
    CoolDown(Duration),
    /// There is no Tokio runtime here for the background task to run on.
    #[error(
        "no Tokio runtime here: keys are fetched in the background, so start this from within one"
    )]
    NoRuntime,
    /// There are no keys, and the caller wanted to start only with them.
    #[error(transparent)]
    Keys(#[from] KeysUnavailable),
}

impl Discovery {
    /// Fetches the keys of `issuer`, from where its metadata says.
    pub fn new(issuer: IssuerUrl) -> Self {
        Self {
            issuer,
            location: MetadataLocation::default(),
            jwks_uri: None,
            fetcher: None,
            bounds: Bounds {
                floor: Duration::from_mins(1),
                ceiling: Duration::from_hours(1),
            },
            maximum_age: Duration::from_hours(24),
            cool_down: Duration::from_secs(30),
            clock: Arc::new(SystemClock),
            recipient: false,
        }
    }

    /// Fetches the keys of a client from here: its `jwks_uri` (RFC 7591 §2). A client has no metadata to ask.
    #[cfg(feature = "authorization-server")]
    pub(crate) fn of_client(client_id: &str, jwks_uri: Url) -> Self {
        let name = format!("client {client_id}");
        let owner = IssuerUrl::named(name, jwks_uri.clone());
        Self::new(owner).jwks_uri(jwks_uri)
    }

    /// Fetches the keys that tokens for a resource server are encrypted to.
    #[cfg(feature = "authorization-server")]
    pub(crate) fn of_resource(resource: &str, jwks_uri: Url) -> Self {
        let name = format!("resource {resource}");
        let owner = IssuerUrl::named(name, jwks_uri.clone());
        Self {
            recipient: true,
            ..Self::new(owner).jwks_uri(jwks_uri)
        }
    }

    /// As [`clock`](Self::clock), with one that is shared already.
    #[cfg(feature = "authorization-server")]
    pub(crate) fn shared_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Sets where the metadata lies. [`MetadataLocation::Either`] unless set.
    pub fn metadata_location(mut self, location: MetadataLocation) -> Self {
        self.location = location;
        self
    }

    /// Fetches the keys from here and does not ask for metadata at all.
    pub fn jwks_uri(mut self, url: Url) -> Self {
        self.jwks_uri = Some(url);
        self
    }

    /// Fetches with this: with its HTTP client, roots and timeout, which here is that of metadata and keys together.
    ///
    /// One fetcher can serve any number of issuers. A [`Fetcher`] with default settings unless set.
    pub fn fetcher(mut self, fetcher: Fetcher) -> Self {
        self.fetcher = Some(fetcher);
        self
    }

    /// Sets how short and how long keys are kept, whatever their server says. From one minute to one hour unless set.
    ///
    /// The ceiling is how long a key that the issuer has withdrawn may still be believed.
    pub fn lifetime_between(mut self, floor: Duration, ceiling: Duration) -> Self {
        self.bounds = Bounds { floor, ceiling };
        self
    }

    /// Sets how long keys serve that the issuer has not confirmed, because it cannot be reached. 24 hours unless set.
    pub fn maximum_age(mut self, maximum_age: Duration) -> Self {
        self.maximum_age = maximum_age;
        self
    }

    /// Sets the least time between two fetches that unknown key identifiers cause, whoever sends them. 30 s unless set.
    pub fn cool_down(mut self, cool_down: Duration) -> Self {
        self.cool_down = cool_down;
        self
    }

    /// Asks this clock how old keys are. It must be the one that the arguments `now` of [`IssuerKeys`] come from.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Starts fetching in the background and returns at once, whether the issuer can be reached or not.
    ///
    /// The background task ends when the last clone of the keys is dropped.
    ///
    /// # Errors
    ///
    /// [`DiscoveryError`] if the settings are wrong, or there is no Tokio runtime here.
    pub fn start(self) -> Result<IssuerKeys, DiscoveryError> {
        let first = self.jwks_uri.as_ref().unwrap_or(self.issuer.url());
        let fetcher = match self.fetcher {
            Some(fetcher) => fetcher,
            None => Fetcher::builder().build()?,
        };
        if !fetcher.permits(first) {
            return Err(DiscoveryError::Insecure(first.to_string()));
        }
        let Bounds { floor, ceiling } = self.bounds;
        let second = Duration::from_secs(1);
        if floor < second || ceiling < floor || self.maximum_age < ceiling {
            return Err(DiscoveryError::Lifetimes {
                floor,
                ceiling,
                maximum_age: self.maximum_age,
            });
        }
        if self.cool_down < second {
            return Err(DiscoveryError::CoolDown(self.cool_down));
        }
        if Handle::try_current().is_err() {
            return Err(DiscoveryError::NoRuntime);
        }
        let settings = Settings {
            maximum_age: self.maximum_age,
            cool_down: self.cool_down,
            timeout: fetcher.timeout,
            recipient: self.recipient,
        };
        let name = self.issuer.to_string();
        let place = match self.jwks_uri {
            Some(url) => Place::Given(url),
            None => Place::Metadata(self.issuer, self.location, None),
        };
        let source = HttpSource::new(fetcher, self.bounds, place);
        Ok(IssuerKeys::live(Live::spawn(
            name, source, settings, self.clock,
        )))
    }

    /// Starts fetching and waits for the keys: fails at once if the issuer cannot be reached.
    ///
    /// # Errors
    ///
    /// [`DiscoveryError::Keys`] if the first fetch fails, otherwise as [`start`](Self::start).
    pub async fn connect(self) -> Result<IssuerKeys, DiscoveryError> {
        let clock = self.clock.clone();
        let keys = self.start()?;
        keys.obtain(clock.now()).await?;
        Ok(keys)
    }
}

impl std::fmt::Debug for Discovery {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Discovery")
            .field("issuer", &self.issuer)
            .field("location", &self.location)
            .field("jwks_uri", &self.jwks_uri)
            .field("bounds", &self.bounds)
            .field("maximum_age", &self.maximum_age)
            .field("cool_down", &self.cool_down)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
