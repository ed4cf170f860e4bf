//! Why what a trusted proxy says of the URL was refused.

use std::net::IpAddr;

use http::HeaderName;

/// A trusted proxy does not say which URL the client meant, or not as it was configured to.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ForwardedError {
    /// The proxy writes this header into each request, and it is not there.
    #[error("no {0} from a trusted proxy")]
    Missing(HeaderName),
    /// The header is not what its grammar allows (RFC 7239 §4), or holds no host, port or path.
    #[error("malformed {0}")]
    Malformed(HeaderName),
    /// The header has this many bytes.
    #[error("{0} of {1} bytes")]
    TooLarge(HeaderName, usize),
    /// Only this many proxies have written into the header: the request did not come through all of them.
    #[error("{0} has only {1} entries")]
    TooFew(HeaderName, usize),
    /// One of the proxies was asked from this address, which is no proxy's: the request came past one of them.
    #[error("{0} is no trusted proxy, but a request came from there to one that is not the first")]
    Bypassed(IpAddr),
    /// The client's scheme is neither `https` nor `http`.
    #[error("unknown scheme in {0}")]
    Scheme(HeaderName),
    /// The client used plain `http` (FAPI 2.0 Security Profile §5.2.1); that is for loopback only.
    #[error("{0} says that the client used plain http")]
    PlainHttp(HeaderName),
    /// `X-Forwarded-Host` and `X-Forwarded-Port` name different ports.
    #[error("x-forwarded-host and x-forwarded-port contradict each other")]
    Contradiction,
}
