//! What every form has in common, and where its answer may send the browser.

use http::HeaderValue;
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
    /// Present when the person pressed the button that refuses: "Decline" on the consent page, "Cancel" at login.
    pub const DENY: &str = "deny";
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
/// follows (which the text of CSP Level 3 leaves open), so a page whose form may end at the client has to name the client's origin.
/// A client whose redirect URI sends the browser on to another origin needs that one named too: [`and`](Self::and).
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
    let source = match url.host().ok_or(InvalidReturnAddress)? {
        // The grammar of a host source has no place for an IPv6 literal: the scheme is the narrowest that is left.
        Host::Ipv6(_) => format!("{}:", url.scheme()),
        // A host may hold characters that end a source or a directive; a policy must not be written by a redirect URI.
        Host::Domain(name) if !name.bytes().all(is_host_char) => return Err(InvalidReturnAddress),
        Host::Domain(_) | Host::Ipv4(_) => url.origin().ascii_serialization(),
    };
    debug_assert!(HeaderValue::from_str(&source).is_ok());
    Ok(source)
}

fn is_host_char(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_')
}
