//! Authorization servers as seen from here: their metadata and their keys.
//!
//! Whatever goes wrong in this room is our own fault or the authorization server's, never that of the client whose request
//! is waiting: it becomes a 503, not a 401.

mod issuer_url;
mod metadata;

#[cfg(any(feature = "discovery", feature = "client"))]
mod dangerous;
#[cfg(any(feature = "discovery", feature = "client"))]
mod fetch_error;
#[cfg(any(feature = "discovery", feature = "client"))]
mod fetcher;
#[cfg(any(feature = "discovery", feature = "client"))]
mod fetcher_builder;
#[cfg(all(test, any(feature = "discovery", feature = "client")))]
mod test_server;
#[cfg(any(feature = "discovery", feature = "client"))]
mod well_known;

#[cfg(any(feature = "discovery", feature = "client"))]
pub use self::{
    dangerous::Dangerous,
    fetch_error::FetchError,
    fetcher::Fetcher,
    fetcher_builder::{FetcherBuilder, FetcherError},
    well_known::MetadataLocation,
};
pub use self::{
    issuer_url::{InvalidIssuerUrl, IssuerUrl},
    metadata::{AuthorizationServerMetadata, MtlsEndpointAliases},
};
