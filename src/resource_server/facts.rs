//! What the verdict needs to know of a request.

use std::{fmt, net::IpAddr, str::FromStr};

use http::{HeaderMap, Method, Request, Uri, header::HOST, uri::Authority};

use crate::{
    dpop::{InvalidTargetUri, TargetUri},
    mtls::PeerCertificate,
};

/// What the verdict needs to know of a request, borrowed from it.
///
/// `Debug` leaves out the headers and the query: tokens and proofs stand in the one, and should not in the other but may.
#[non_exhaustive]
#[derive(Clone, Copy)]
pub struct RequestFacts<'a> {
    /// The method.
    pub method: &'a Method,
    /// The request target as the client sent it: the path has to be whole, not what a router has left of it.
    pub uri: &'a Uri,
    /// The headers.
    pub headers: &'a HeaderMap,
    /// The client certificate that was proven on this request's connection, if there was one.
    pub certificate: Option<&'a PeerCertificate>,
}

impl<'a> RequestFacts<'a> {
    /// The facts of a request without a client certificate; where there is one, set
    /// [`certificate`](Self::certificate).
    #[must_use]
    pub const fn new(method: &'a Method, uri: &'a Uri, headers: &'a HeaderMap) -> Self {
        Self {
            method,
            uri,
            headers,
            certificate: None,
        }
    }

    /// Takes the facts from a request. The certificate is in its extensions, where whoever ended TLS has put it.
    #[must_use]
    pub fn of<B>(request: &'a Request<B>) -> Self {
        Self {
            certificate: request.extensions().get(),
            ..Self::new(request.method(), original_uri(request), request.headers())
        }
    }
}

impl fmt::Debug for RequestFacts<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestFacts")
            .field("method", self.method)
            .field("path", &self.uri.path())
            .field("certificate", &self.certificate)
            .finish_non_exhaustive()
    }
}

/// A nested axum router shortens the path; proofs are made for the whole.
fn original_uri<B>(request: &Request<B>) -> &Uri {
    #[cfg(feature = "axum")]
    if let Some(axum::extract::OriginalUri(uri)) = request.extensions().get() {
        return uri;
    }
    request.uri()
}

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
    fn target(&self, path: &str) -> Result<TargetUri, InvalidTargetUri> {
        let scheme = if self.https { "https" } else { "http" };
        // What begins with no `/` (`OPTIONS *`) must not become one by what is put in front.
        if self.prefix.is_empty() || !path.starts_with('/') {
            TargetUri::from_parts(scheme, self.authority.as_str(), path)
        } else {
            let path = format!("{}{path}", self.prefix);
            TargetUri::from_parts(scheme, self.authority.as_str(), &path)
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

fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || bare
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

/// The URL the client meant, as it would stand in `htu` (RFC 9449 §4.3 check 9).
///
/// Without a public URL it is taken from the request itself: `https`, for nothing else is offered (FAPI 2.0 Security Profile
/// §5.2.1), the authority of the request target or else the one `Host`, and the path.
pub(super) fn target(
    facts: &RequestFacts<'_>,
    public_url: Option<&PublicUrl>,
) -> Result<TargetUri, InvalidTargetUri> {
    if let Some(url) = public_url {
        return url.target(facts.uri.path());
    }
    let authority = match facts.uri.authority() {
        Some(authority) => authority.as_str(),
        None => host(facts.headers).ok_or(InvalidTargetUri)?,
    };
    TargetUri::from_parts("https", authority, facts.uri.path())
}

fn host(headers: &HeaderMap) -> Option<&str> {
    let mut hosts = headers.get_all(HOST).iter();
    let host = hosts.next()?;
    if hosts.next().is_some() {
        None
    } else {
        host.to_str().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(uri: &str, hosts: &[&str], public_url: Option<&str>) -> Option<String> {
        let mut request = Request::builder().uri(uri);
        for host in hosts {
            request = request.header(HOST, *host);
        }
        let request = request.body(()).unwrap();
        let public_url = public_url.map(|url| url.parse().unwrap());
        target(&RequestFacts::of(&request), public_url.as_ref())
            .ok()
            .map(|uri| uri.to_string())
    }

    #[test]
    fn logs_show_neither_token_nor_proof() {
        let request = Request::get("https://api.example.com/a?access_token=secret")
            .header("authorization", "DPoP secret")
            .header("dpop", "secret")
            .body(())
            .unwrap();
        let shown = format!("{:?}", RequestFacts::of(&request));
        assert!(
            shown.contains("GET") && shown.contains("/a") && !shown.contains("secret"),
            "{shown}"
        );
    }

    // RFC 9449 §4.3 check 9; RFC 9110 §7.1 for the reconstruction of the target URI.
    #[test]
    fn the_url_is_the_one_the_client_meant() {
        const API: &str = "https://api.example.com";
        for (case, uri, hosts, public_url, expected) in [
            (
                "origin form",
                "/a?b=c",
                &["api.example.com"][..],
                None,
                Some("https://api.example.com/a"),
            ),
            (
                "default port",
                "/a",
                &["API.example.com:443"],
                None,
                Some("https://api.example.com/a"),
            ),
            (
                "absolute form wins over Host",
                "https://api.example.com/a",
                &["evil.example"],
                None,
                Some("https://api.example.com/a"),
            ),
            (
                "h2c behind a proxy is https outside",
                "http://api.example.com/a",
                &[],
                None,
                Some("https://api.example.com/a"),
            ),
            ("no host", "/a", &[], None, None),
            (
                "two hosts",
                "/a",
                &["api.example.com", "evil.example"],
                None,
                None,
            ),
            ("host with user", "/a", &["x@api.example.com"], None, None),
            (
                "public URL",
                "/a",
                &["internal:8080"],
                Some(API),
                Some("https://api.example.com/a"),
            ),
            (
                "public URL without host",
                "/a",
                &[],
                Some(API),
                Some("https://api.example.com/a"),
            ),
            (
                "prefix",
                "/a",
                &["internal"],
                Some("https://api.example.com/v1/"),
                Some("https://api.example.com/v1/a"),
            ),
            (
                "prefix and root",
                "/",
                &["internal"],
                Some("https://api.example.com/v1"),
                Some("https://api.example.com/v1/"),
            ),
            ("asterisk", "*", &["api.example.com"], None, None),
            (
                "asterisk behind a prefix",
                "*",
                &["internal"],
                Some("https://api.example.com/v1"),
                None,
            ),
            (
                "loopback",
                "/a",
                &["x"],
                Some("http://127.0.0.1:3000"),
                Some("http://127.0.0.1:3000/a"),
            ),
        ] {
            assert_eq!(asked(uri, hosts, public_url).as_deref(), expected, "{case}");
        }
    }

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
