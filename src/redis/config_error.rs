//! Why settings cannot be used.

use std::time::Duration;

use thiserror::Error;

/// Why there can be no store with these settings.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq, Error)]
pub enum RedisConfigError {
    /// The URL is not one of a Redis server.
    #[error("not the URL of a Redis server: {0}")]
    Url(String),
    /// The prefix is too long for something that stands in every record.
    #[error("a key prefix of {0} bytes; it may have 64")]
    KeyPrefix(usize),
    /// The response time limit is too short to be kept, or so long that requests would pile up.
    #[error("a response time limit of {0:?}; it has to be 10 ms to 10 s")]
    ResponseTimeLimit(Duration),
    /// With none waiting no proof could be accepted, with more than a million nobody would get an answer.
    #[error("{0} waiting commands; it has to be 1 to 1 000 000")]
    MaxWaiting(usize),
    /// Proofs do not live that long.
    #[error("a proof lifetime of {0:?}; it may be an hour")]
    ProofLifetime(Duration),
    /// A root certificate cannot be read.
    #[error("root certificate: {0}")]
    Certificate(String),
    /// TLS settings were given, but the URL does not ask for TLS.
    #[error("TLS settings for a URL without TLS; that begins with rediss")]
    TlsWithoutUse,
    /// Root certificates were given beside TLS settings that have their own.
    #[error("root certificates and TLS settings of one's own exclude each other")]
    TlsTwice,
    /// The TLS library rejects a root certificate, or the system has none.
    #[error("TLS: {0}")]
    Tls(String),
}
