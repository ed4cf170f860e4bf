//! Hosts that a resource server answers for.

use std::{fmt, str::FromStr};

use super::origin::split_port;
use crate::dpop::TargetUri;

/// A host that clients may ask for: `api.example.com`, or with its port where that is not 443.
///
/// ```
/// use tower_fapi::resource_server::ServedHost;
///
/// let host: ServedHost = "API.example.com:443".parse()?;
/// assert_eq!(host.to_string(), "api.example.com");
/// # Ok::<_, tower_fapi::resource_server::InvalidHost>(())
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ServedHost(String);

/// The text is no host with or without a port.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("not a host, with or without a port")]
pub struct InvalidHost;

impl ServedHost {
    /// Whether an authority means this host.
    pub(super) fn is(&self, authority: &str) -> bool {
        self.0 == authority || normal(authority).as_ref() == Some(&self.0)
    }
}

impl FromStr for ServedHost {
    type Err = InvalidHost;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        normal(text).map(Self).ok_or(InvalidHost)
    }
}

impl fmt::Display for ServedHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Small letters, and no port where it is that of `https` (RFC 3986 §6.2.3).
fn normal(authority: &str) -> Option<String> {
    if split_port(authority).0.is_empty() {
        return None;
    }
    let url = TargetUri::from_parts("https", authority, "").ok()?;
    let authority = url.as_str().strip_prefix("https://")?;
    Some(authority.trim_end_matches('/').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_compared_as_urls_compare_them() {
        for (host, authority, same) in [
            ("api.example.com", "api.example.com", true),
            ("api.example.com", "API.Example.com:443", true),
            ("api.example.com:8443", "api.example.com:8443", true),
            ("[::1]:8443", "[::1]:8443", true),
            ("api.example.com", "api.example.com:8443", false),
            ("api.example.com:8443", "api.example.com", false),
            ("api.example.com", "evil.example", false),
            ("api.example.com", "api.example.com.evil.example", false),
            ("api.example.com", "x@api.example.com", false),
            ("api.example.com", "api.example.com/", false),
            ("api.example.com", "api.example.com.", false),
            ("api.example.com", "", false),
        ] {
            let host: ServedHost = host.parse().unwrap();
            assert_eq!(host.is(authority), same, "{host} {authority}");
        }
        for text in [
            "",
            "https://api.example.com",
            "a b",
            "*",
            "api.example.com/v1",
            ":443",
            "a:b",
        ] {
            assert!(text.parse::<ServedHost>().is_err(), "{text}");
        }
    }
}
