//! Where clients find a resource server, as its operator says.

use std::{fmt, str::FromStr};

use http::{Uri, uri::Authority};

use super::url::{Origin, is_loopback};
use crate::dpop::TargetUri;

/// Where clients find this resource server: the scheme, host and path prefix that a proxy in front took away.
///
/// ```
/// use tower_fapi::resource_server::PublicUrl;
///
/// let url: PublicUrl = "https://api.example.com/open-banking".parse()?;
/// assert!("http://api.example.com".parse::<PublicUrl>().is_err()); // plain http only on loopback
/// # Ok::<_, tower_fapi::resource_server::InvalidPublicUrl>(())
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PublicUrl {
    https: bool,
    authority: Authority,
    prefix: String,
}

/// The text is no base URL: not absolute, with a query or fragment, or plain `http` elsewhere than on loopback.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("not an absolute https base URL without query (plain http is for loopback only)")]
pub struct InvalidPublicUrl;

impl PublicUrl {
    pub(super) fn origin(&self) -> Origin<'_> {
        Origin {
            https: self.https,
            authority: self.authority.as_str().into(),
            prefix: self.prefix.as_str().into(),
        }
    }
}

impl FromStr for PublicUrl {
    type Err = InvalidPublicUrl;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let uri: Uri = text.parse().map_err(|_| InvalidPublicUrl)?;
        let authority = uri.authority().cloned().ok_or(InvalidPublicUrl)?;
        let https = match uri.scheme_str() {
            Some("https") => true,
            Some("http") if is_loopback(authority.host()) => false,
            _ => return Err(InvalidPublicUrl),
        };
        // What does not normalise now would make every proof fail later.
        let sound = text.parse::<TargetUri>().is_ok();
        if !sound || uri.query().is_some() || text.contains('#') {
            return Err(InvalidPublicUrl);
        }
        Ok(Self {
            https,
            authority,
            prefix: uri.path().trim_end_matches('/').to_owned(),
        })
    }
}

impl fmt::Display for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.https { "https" } else { "http" };
        write!(f, "{scheme}://{}{}", self.authority, self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_public_url_is_https_unless_on_loopback() {
        for (text, sound) in [
            ("https://api.example.com", true),
            ("https://api.example.com:8443/v1", true),
            ("http://localhost:3000", true),
            ("http://[::1]:3000", true),
            ("http://api.example.com", false),
            ("http://127.0.0.1.example.com", false),
            ("https://api.example.com/?x", false),
            ("https://api.example.com/#x", false),
            ("https://user@api.example.com/", false),
            ("/v1", false),
            ("api.example.com", false),
            ("", false),
        ] {
            assert_eq!(text.parse::<PublicUrl>().is_ok(), sound, "{text}");
        }
    }
}
