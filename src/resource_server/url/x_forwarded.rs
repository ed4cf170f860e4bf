//! `X-Forwarded-Proto`, `-Host`, `-Port` and `-Prefix`: nobody's standard, everybody's habit.

use std::{borrow::Cow, num::NonZeroUsize};

use http::{HeaderMap, HeaderName};

use super::{family::entries, origin::split_port};
use crate::rejection::ForwardedError;

pub(super) const FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
pub(super) const PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const PORT: HeaderName = HeaderName::from_static("x-forwarded-port");
const PREFIX: HeaderName = HeaderName::from_static("x-forwarded-prefix");

/// Which of the `X-Forwarded-*` headers trusted proxies write: `-Proto` and `-Host` unless told otherwise.
///
/// A header that a proxy does not write itself it passes on as the client sent it. So nothing is read but what is named here,
/// and what is named here has to be in each request that comes from a trusted proxy.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct XForwarded {
    host: bool,
    port: bool,
    prefix: bool,
}

impl Default for XForwarded {
    fn default() -> Self {
        Self::new()
    }
}

impl XForwarded {
    /// `X-Forwarded-Proto` and `X-Forwarded-Host`.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            host: true,
            port: false,
            prefix: false,
        }
    }

    /// Without `X-Forwarded-Host`: the proxy leaves `Host` as it is.
    #[must_use]
    pub const fn without_host(mut self) -> Self {
        self.host = false;
        self
    }

    /// With `X-Forwarded-Port`, for proxies that leave the port out of the host.
    #[must_use]
    pub const fn with_port(mut self) -> Self {
        self.port = true;
        self
    }

    /// With `X-Forwarded-Prefix`: what the proxy has taken off the beginning of the path.
    #[must_use]
    pub const fn with_prefix(mut self) -> Self {
        self.prefix = true;
        self
    }

    /// Whether trusted proxies write the header of this name.
    pub(super) fn writes(self, name: &HeaderName) -> bool {
        *name == PROTO
            || self.host && *name == HOST
            || self.port && *name == PORT
            || self.prefix && *name == PREFIX
    }

    /// What they wrote.
    pub(super) fn told(
        self,
        headers: &HeaderMap,
        hops: NonZeroUsize,
    ) -> Result<XTold<'_>, ForwardedError> {
        let read = |name, wanted: bool| wanted.then(|| entry(headers, name, hops)).transpose();
        let host = read(HOST, self.host)?;
        let port = read(PORT, self.port)?;
        Ok(XTold {
            proto: entry(headers, PROTO, hops)?,
            authority: match (host, port) {
                (Some(host), Some(port)) => Some(with_port(host, port)?),
                (Some(host), None) => Some(host.into()),
                (None, _) => None,
            },
            port,
            prefix: read(PREFIX, self.prefix)?,
        })
    }
}

pub(super) struct XTold<'a> {
    pub(super) proto: &'a str,
    pub(super) authority: Option<Cow<'a, str>>,
    /// For the request's own host, where the proxy does not tell that.
    pub(super) port: Option<&'a str>,
    pub(super) prefix: Option<&'a str>,
}

/// A host with this port, which it may have already.
pub(super) fn with_port<'a>(host: &'a str, port: &str) -> Result<Cow<'a, str>, ForwardedError> {
    if port.is_empty() || !port.bytes().all(|digit| digit.is_ascii_digit()) {
        return Err(ForwardedError::Malformed(PORT));
    }
    match split_port(host) {
        (_, None) => Ok(format!("{host}:{port}").into()),
        (_, Some(own)) if own == port => Ok(host.into()),
        (_, Some(_)) => Err(ForwardedError::Contradiction),
    }
}

/// The entry that the first of the trusted proxies has made, counted from the right.
fn entry(
    headers: &HeaderMap,
    name: HeaderName,
    hops: NonZeroUsize,
) -> Result<&str, ForwardedError> {
    let entries: Vec<_> = entries(headers, &name)?
        .flat_map(|field| field.split(','))
        .collect();
    let found = entries.iter().rev().nth(hops.get() - 1);
    match found {
        Some(entry) => Ok(entry.trim_matches([' ', '\t'])),
        None if entries.is_empty() => Err(ForwardedError::Missing(name)),
        None => Err(ForwardedError::TooFew(name, entries.len())),
    }
}
