//! The name of an authorization server.

use std::{fmt, str::FromStr};

use url::{Host, Url};

/// An issuer identifier: the exact text that `iss` and the metadata's `issuer` are compared with (RFC 8414 §2).
///
/// It is an `https` URL without query or fragment. `http` parses too, so that tests can name a server on this machine; whoever
/// connects decides whether that is allowed. Two spellings of one URL are two issuers (RFC 8414 §3.3, RFC 3986 §6.2.1).
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct IssuerUrl {
    text: String,
    url: Url,
}

/// The text is no issuer identifier.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum InvalidIssuerUrl {
    /// It is not an absolute URL.
    #[error("not a URL")]
    Syntax,
    /// Its scheme is neither `https` nor `http`.
    #[error("scheme is not https")]
    Scheme,
    /// It has a query or a fragment.
    #[error("an issuer has neither query nor fragment")]
    QueryOrFragment,
    /// It holds a user name or a password.
    #[error("an issuer holds no user name or password")]
    UserInfo,
}

impl IssuerUrl {
    /// Somebody else whose keys are fetched like an issuer's, by a name for the log.
    #[cfg(all(feature = "authorization-server", feature = "discovery"))]
    pub(super) const fn named(text: String, url: Url) -> Self {
        Self { text, url }
    }

    /// The identifier as it was given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The identifier as a URL.
    #[must_use]
    pub const fn url(&self) -> &Url {
        &self.url
    }
}

impl FromStr for IssuerUrl {
    type Err = InvalidIssuerUrl;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // The URL parser trims and drops white space, which would leave us with a text that no token can carry.
        if text.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return Err(InvalidIssuerUrl::Syntax);
        }
        let url: Url = text.parse().map_err(|_| InvalidIssuerUrl::Syntax)?;
        if !matches!(url.scheme(), "https" | "http") {
            return Err(InvalidIssuerUrl::Scheme);
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(InvalidIssuerUrl::QueryOrFragment);
        }
        if has_user_info(&url) {
            return Err(InvalidIssuerUrl::UserInfo);
        }
        Ok(Self {
            text: text.to_owned(),
            url,
        })
    }
}

impl fmt::Display for IssuerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

pub(super) fn has_user_info(url: &Url) -> bool {
    !url.username().is_empty() || url.password().is_some()
}

/// Whether the URL leads to this machine and nowhere else.
#[cfg_attr(
    not(any(feature = "discovery", feature = "client")),
    allow(dead_code, reason = "only who fetches asks, and the tests here")
)]
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // RFC 8414 §2: "a URL that uses the "https" scheme and has no query or fragment components".
    #[test]
    fn an_issuer_is_a_plain_url() {
        for (text, expected) in [
            ("https://as.example", Ok(())),
            ("https://as.example/", Ok(())),
            ("https://as.example/tenant/a", Ok(())),
            ("https://as.example:8443/t", Ok(())),
            ("http://127.0.0.1:8080", Ok(())),
            ("", Err(InvalidIssuerUrl::Syntax)),
            ("as.example", Err(InvalidIssuerUrl::Syntax)),
            ("https://", Err(InvalidIssuerUrl::Syntax)),
            (" https://as.example", Err(InvalidIssuerUrl::Syntax)),
            ("https://as.example\n", Err(InvalidIssuerUrl::Syntax)),
            ("https://as.exa\tmple", Err(InvalidIssuerUrl::Syntax)),
            ("ftp://as.example", Err(InvalidIssuerUrl::Scheme)),
            ("file:///etc/keys", Err(InvalidIssuerUrl::Scheme)),
            (
                "https://as.example?t=a",
                Err(InvalidIssuerUrl::QueryOrFragment),
            ),
            (
                "https://as.example/?",
                Err(InvalidIssuerUrl::QueryOrFragment),
            ),
            (
                "https://as.example#",
                Err(InvalidIssuerUrl::QueryOrFragment),
            ),
            ("https://me@as.example", Err(InvalidIssuerUrl::UserInfo)),
            ("https://:pw@as.example", Err(InvalidIssuerUrl::UserInfo)),
        ] {
            assert_eq!(text.parse::<IssuerUrl>().map(drop), expected, "{text:?}");
        }
    }

    #[test]
    fn the_text_stays_as_it_was_given() {
        for text in [
            "https://AS.example",
            "https://as.example:443",
            "https://as.example/a/../b",
        ] {
            assert_eq!(text.parse::<IssuerUrl>().unwrap().as_str(), text);
        }
    }

    #[test]
    fn only_this_machine_is_loopback() {
        for (text, expected) in [
            ("http://localhost:1", true),
            ("http://LOCALHOST", true),
            ("http://127.0.0.1", true),
            ("http://127.9.9.9:80", true),
            ("http://[::1]:80", true),
            ("http://localhost.example", false),
            ("http://127.0.0.1.example", false),
            ("http://10.0.0.1", false),
            ("http://0.0.0.0", false),
            ("http://[::]", false),
            ("http://[::ffff:127.0.0.1]", false),
        ] {
            assert_eq!(is_loopback(&text.parse().unwrap()), expected, "{text}");
        }
    }
}
