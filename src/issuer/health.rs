//! How an issuer is doing, for whoever operates the service.

use std::time::Duration;

use super::fetch_error::FetchError;
use crate::time::Timestamp;

/// How things stand with the keys of one issuer.
#[non_exhaustive]
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct IssuerHealth {
    /// Whether tokens of this issuer can be verified right now.
    pub serving: bool,
    /// How many keys are held, be they too old or not.
    pub keys: usize,
    /// When the issuer last confirmed them. `None` before the first success and for fixed keys.
    pub last_success: Option<Timestamp>,
    /// How long ago that was.
    pub age: Option<Duration>,
    /// How many fetches have failed since.
    pub failures: u32,
    /// The latest failure, be it overcome or not.
    pub last_error: Option<FailedFetch>,
    /// When the next fetch is due. `None` while one is under way and for fixed keys.
    pub next_refresh: Option<Timestamp>,
}

/// A fetch that failed.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct FailedFetch {
    /// When it failed.
    pub at: Timestamp,
    /// Why.
    pub error: FetchError,
}
