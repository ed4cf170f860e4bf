//! Authorization servers as seen from here: their metadata, their keys, and what they say about tokens.
//!
//! Whatever goes wrong in this room is our own fault or the authorization server's, never that of the client whose request
//! is waiting: it becomes a 503, not a 401.
//!
//! [`IssuerKeys`] are either [fixed](IssuerKeys::fixed) or, with the feature `discovery`, fetched and kept fresh by a
//! `Discovery`. What a request needs it gets without waiting, as long as there are keys:
//!
//! ```
//! use tower_fapi::{issuer::IssuerKeys, jose::{JwkSet, JwsAlgorithm, SigningKey}, time::Timestamp};
//!
//! let key = SigningKey::generate(JwsAlgorithm::Es256)?;
//! let keys = IssuerKeys::fixed(&JwkSet::new([key.public().clone()]))?;
//! let snapshot = keys.current(Timestamp::from_unix(1_800_000_000)).ok_or("no keys yet")?;
//! assert_eq!(snapshot.keys.candidates(JwsAlgorithm::Es256, key.kid()).count(), 1);
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```

mod fetch_error;
mod health;
mod introspection_error;
mod issuer_url;
mod keys;
mod metadata;
mod transport_error;

#[cfg(feature = "discovery")]
mod discovery;
#[cfg(all(test, feature = "discovery"))]
pub(crate) mod fake_source;
#[cfg(feature = "discovery")]
mod freshness;
#[cfg(any(feature = "discovery", feature = "client"))]
mod introspection;
#[cfg(feature = "discovery")]
mod live;
#[cfg(feature = "discovery")]
mod refresh;
#[cfg(feature = "discovery")]
mod source;

#[cfg(any(feature = "discovery", feature = "client"))]
mod client_assertion;
#[cfg(any(feature = "discovery", feature = "client"))]
mod client_certificate;
#[cfg(any(feature = "discovery", feature = "client"))]
mod dangerous;
#[cfg(any(feature = "discovery", feature = "client"))]
mod directory;
#[cfg(any(feature = "discovery", feature = "client"))]
mod fetcher;
#[cfg(any(feature = "discovery", feature = "client"))]
mod fetcher_builder;
#[cfg(all(test, any(feature = "discovery", feature = "client")))]
mod test_server;
#[cfg(any(feature = "discovery", feature = "client"))]
mod transport;
#[cfg(any(feature = "discovery", feature = "client"))]
mod well_known;

#[cfg(all(test, feature = "discovery"))]
pub(crate) use self::introspection::fake as introspection_fake;
#[cfg(feature = "client")]
pub(crate) use self::introspection::{AnswerRules, Format as IntrospectionFormat};
#[cfg(feature = "discovery")]
pub(crate) use self::introspection::{Context as IntrospectionContext, Introspector, Question};
#[cfg(feature = "client")]
pub(crate) use self::{
    client_assertion::{ASSERTION_TYPE, client_assertion},
    directory::Directory,
    issuer_url::is_loopback,
    transport::{Outgoing, Transport, TransportSettings},
};
#[cfg(any(feature = "discovery", feature = "client"))]
pub use self::{
    client_certificate::{ClientCertificate, InvalidPem, TrustedRoots},
    dangerous::Dangerous,
    fetcher::Fetcher,
    fetcher_builder::{FetcherBuilder, FetcherError},
    well_known::MetadataLocation,
};
#[cfg(feature = "discovery")]
pub use self::{
    discovery::{Discovery, DiscoveryError},
    introspection::{IntrospectedTokens, Introspection, IntrospectionConfigError},
};
pub use self::{
    fetch_error::FetchError,
    health::{FailedFetch, IssuerHealth},
    introspection_error::IntrospectionError,
    issuer_url::{InvalidIssuerUrl, IssuerUrl},
    keys::{IssuerKeys, KeySnapshot, KeysUnavailable, NoUsableKey},
    metadata::{AuthorizationServerMetadata, MtlsEndpointAliases},
    transport_error::TransportError,
};
