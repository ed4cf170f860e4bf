//! Scheme, host and path prefix, as the client saw them.

use std::{borrow::Cow, net::IpAddr};

use crate::dpop::{InvalidTargetUri, TargetUri};

/// All of a URL but what stands in the request's own path.
#[derive(Debug, Eq, PartialEq)]
pub(in crate::resource_server) struct Origin<'a> {
    pub(in crate::resource_server) https: bool,
    pub(in crate::resource_server) authority: Cow<'a, str>,
    /// Empty, or begins with `/` and does not end with one.
    pub(in crate::resource_server) prefix: Cow<'a, str>,
}

impl Origin<'_> {
    pub(in crate::resource_server) fn target(
        &self,
        path: &str,
    ) -> Result<TargetUri, InvalidTargetUri> {
        let scheme = if self.https { "https" } else { "http" };
        // What begins with no `/` (`OPTIONS *`) must not become one by what is put in front.
        let is_path = path.is_empty() || path.starts_with('/');
        if self.prefix.is_empty() || !is_path {
            TargetUri::from_parts(scheme, &self.authority, path)
        } else {
            let path = format!("{}{path}", self.prefix);
            TargetUri::from_parts(scheme, &self.authority, &path)
        }
    }
}

/// Whether a host without its port is this very machine.
pub(in crate::resource_server) fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || bare
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

/// Host and port of an authority. The port stands behind the last colon outside the brackets of an IPv6 address.
pub(super) fn split_port(authority: &str) -> (&str, Option<&str>) {
    match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        _ => (authority, None),
    }
}
