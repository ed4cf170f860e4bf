//! What every form has in common, and where its answer may send the browser.

use std::net::Ipv4Addr;

use thiserror::Error;
use url::{Host, Url};

/// Names of the form fields; each is also the id of its element.
pub mod field {
    /// Hidden in every form: the value that proves the form is ours.
    pub const CSRF: &str = "csrf";
    /// The name a person signs in with.
    pub const USERNAME: &str = "username";
    /// Their password.
    pub const PASSWORD: &str = "password";
    /// The code of a second factor.
    pub const OTP: &str = "otp";
    /// Present when the person pressed the button that approves.
    pub const APPROVE: &str = "approve";
    /// Present when the person pressed the button that refuses: "Decline" on the consent page, "Cancel" at
    /// login, "Stay signed in" on the page that asks whether to sign out.
    pub const DENY: &str = "deny";
    /// Present when the person on the consent page wants to sign in as somebody else.
    pub const SWITCH: &str = "switch";
    /// Present when the person pressed the button that signs them out.
    pub const LOGOUT: &str = "logout";
}

/// What every form needs.
#[derive(Clone, Copy, Debug)]
pub struct Form<'a> {
    /// Where the form is posted: a path on this server.
    pub action: &'a str,
    /// Value of the hidden field [`field::CSRF`].
    pub csrf: &'a str,
    /// Where the answer to the form may redirect to, if it may leave this server.
    pub returns_to: Option<&'a ReturnAddress>,
}

/// A place outside this server to which the answer to a form redirects the browser: the client's redirect URI.
///
/// Chromium applies the policy directive `form-action` not only to where a form is posted but to every redirect that
/// follows, so a page whose form may end at the client has to name the client's origin. A client whose redirect URI
/// sends the browser straight on to another origin needs that one named too: [`and`](Self::and).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ReturnAddress {
    host: String,
    sources: String,
}

impl ReturnAddress {
    /// The origin of `redirect_uri`.
    ///
    /// # Errors
    ///
    /// [`InvalidReturnAddress`] if it is not an absolute `http` or `https` URL with a host.
    pub fn new(redirect_uri: &str) -> Result<Self, InvalidReturnAddress> {
        let url = parse(redirect_uri)?;
        Ok(Self {
            host: host_text(&url)?,
            sources: source(&url)?,
        })
    }

    /// Also lets the redirects go on to the origin of `uri`. What the person is told does not change.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    pub fn and(mut self, uri: &str) -> Result<Self, InvalidReturnAddress> {
        let source = source(&parse(uri)?)?;
        if !self.sources.split(' ').any(|known| known == source) {
            self.sources.push(' ');
            self.sources.push_str(&source);
        }
        Ok(self)
    }

    /// The host a person is told they return to, in its ASCII form, with the port if it is not the usual one.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The origins as a CSP source list.
    pub(super) fn sources(&self) -> &str {
        &self.sources
    }
}

/// The address is no absolute `http` or `https` URL.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("not an absolute http or https URL with a host")]
pub struct InvalidReturnAddress;

fn parse(uri: &str) -> Result<Url, InvalidReturnAddress> {
    let url = Url::parse(uri).map_err(|_| InvalidReturnAddress)?;
    match url.scheme() {
        "http" | "https" if url.has_host() => Ok(url),
        _ => Err(InvalidReturnAddress),
    }
}

fn host_text(url: &Url) -> Result<String, InvalidReturnAddress> {
    let host = url.host_str().ok_or(InvalidReturnAddress)?;
    Ok(match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    })
}

/// One origin as a CSP source (CSP Level 3 §2.3.1).
fn source(url: &Url) -> Result<String, InvalidReturnAddress> {
    Ok(match url.host().ok_or(InvalidReturnAddress)? {
        // Of all literal addresses a host source matches 127.0.0.1 only (CSP Level 3 §6.7.2.7): for the others the
        // scheme is the narrowest that is left.
        Host::Ipv6(_) => format!("{}:", url.scheme()),
        Host::Ipv4(address) if address != Ipv4Addr::LOCALHOST => format!("{}:", url.scheme()),
        // A host may hold characters that end a source or a directive; a policy must not be written by a redirect URI.
        Host::Domain(name) if !name.bytes().all(is_host_char) => return Err(InvalidReturnAddress),
        Host::Domain(_) | Host::Ipv4(_) => url.origin().ascii_serialization(),
    })
}

fn is_host_char(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    // CSP Level 3 §2.3.1: scheme, host and port, and nothing of the path or of the query, which may be secret.
    #[test]
    fn a_return_address_allows_one_origin() {
        for (uri, sources, host) in [
            (
                "https://client.example/cb?x=1#f",
                "https://client.example",
                "client.example",
            ),
            (
                "https://CLIENT.example:443/cb",
                "https://client.example",
                "client.example",
            ),
            (
                "https://client.example:8443/cb",
                "https://client.example:8443",
                "client.example:8443",
            ),
            (
                "https://user:secret@client.example/",
                "https://client.example",
                "client.example",
            ),
            (
                "https://b\u{fc}cher.example/",
                "https://xn--bcher-kva.example",
                "xn--bcher-kva.example",
            ),
            (
                "http://127.0.0.1:49152/cb",
                "http://127.0.0.1:49152",
                "127.0.0.1:49152",
            ),
            (
                "http://localhost:3000/cb",
                "http://localhost:3000",
                "localhost:3000",
            ),
            ("http://[::1]:3000/cb", "http:", "[::1]:3000"),
            ("https://192.0.2.7/cb", "https:", "192.0.2.7"),
        ] {
            let address = ReturnAddress::new(uri).expect(uri);
            assert_eq!(
                (address.sources(), address.host()),
                (sources, host),
                "{uri}"
            );
        }
    }

    #[test]
    fn an_address_that_could_write_a_policy_of_its_own_is_refused() {
        for uri in [
            "",
            "/cb",
            "client.example",
            "//client.example/cb",
            "javascript:alert(1)",
            "data:text/html,x",
            "com.example.app:/cb",
            "ftp://client.example/",
            "https://",
            "https://a;script-src*.example/",
            "https://a,b.example/",
            "https://*.example/",
            "https://*/",
            "https://'unsafe-inline'/",
            "https://a b.example/",
            "https://a\u{0}.example/",
        ] {
            assert_eq!(ReturnAddress::new(uri), Err(InvalidReturnAddress), "{uri}");
            let good = ReturnAddress::new("https://client.example/cb").unwrap();
            assert_eq!(good.and(uri), Err(InvalidReturnAddress), "{uri}");
        }
    }

    #[test]
    fn further_origins_are_added_once_and_change_no_words() {
        let address = [
            "https://app.example/home",
            "https://client.example/x",
            "https://app.example/",
        ]
        .into_iter()
        .try_fold(
            ReturnAddress::new("https://client.example/cb").unwrap(),
            ReturnAddress::and,
        )
        .unwrap();
        assert_eq!(
            address.sources(),
            "https://client.example https://app.example"
        );
        assert_eq!(address.host(), "client.example");
    }
}
