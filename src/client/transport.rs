//! Requests over HTTPS under strict rules: no redirects, bounded in time and size.

use std::{error::Error as _, time::Duration};

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Method, Response};
use reqwest::redirect;
use url::{Host, Url};

use super::certificate::{ClientCertificate, TrustedRoots};

/// Sends requests, with the client's certificate if it has one.
#[derive(Clone, Debug)]
pub(super) struct Transport {
    http: reqwest::Client,
    http_on_loopback: bool,
}

pub(super) struct TransportSettings {
    pub(super) timeout: Duration,
    pub(super) roots: Option<TrustedRoots>,
    pub(super) certificate: Option<ClientCertificate>,
    pub(super) http_on_loopback: bool,
}

/// A request as it goes out.
#[derive(Clone)]
pub(super) struct Outgoing {
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

/// Why no answer could be had.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum TransportError {
    /// The server could not be reached, its certificate or ours was not accepted, or the connection broke.
    #[error("unreachable: {0}")]
    Unreachable(String),
    /// The answer was not there in time.
    #[error("timed out")]
    Timeout,
    /// The body is larger than this many bytes.
    #[error("the answer is larger than {0} bytes")]
    TooLarge(usize),
}

impl Transport {
    pub(super) fn new(settings: TransportSettings) -> Result<Self, reqwest::Error> {
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("tower-fapi/", env!("CARGO_PKG_VERSION")))
            // Another crate of the build may have switched on another library.
            .tls_backend_rustls()
            .min_tls_version(reqwest::tls::Version::TLS_1_2)
            .https_only(!settings.http_on_loopback)
            // A redirect would carry tokens and codes to whom it pleases.
            .redirect(redirect::Policy::none())
            .referer(false)
            // A proof may be sent once only.
            .retry(reqwest::retry::never())
            .connect_timeout(settings.timeout)
            .timeout(settings.timeout);
        if settings.http_on_loopback {
            // A proxy would carry the plain request off this machine, as would a strange answer for the name.
            let loopback = [
                ([127, 0, 0, 1], 0).into(),
                ([0, 0, 0, 0, 0, 0, 0, 1], 0).into(),
            ];
            builder = builder.no_proxy().resolve_to_addrs("localhost", &loopback);
        }
        if let Some(TrustedRoots(roots)) = settings.roots {
            builder = builder.tls_certs_only(roots);
        }
        if let Some(ClientCertificate(identity)) = settings.certificate {
            builder = builder.identity(identity);
        }
        Ok(Self {
            http: builder.build()?,
            http_on_loopback: settings.http_on_loopback,
        })
    }

    /// The client underneath, for who fetches metadata.
    pub(super) const fn http(&self) -> &reqwest::Client {
        &self.http
    }

    /// Whether a request with secrets in it may go to this URL.
    pub(super) fn permits(&self, url: &Url) -> bool {
        let encrypted = url.scheme() == "https" && url.has_host();
        let local = self.http_on_loopback && url.scheme() == "http" && is_loopback(url);
        let names_nobody = url.username().is_empty() && url.password().is_none();
        (encrypted || local) && names_nobody
    }

    /// Sends a request and reads the whole answer, up to `limit` bytes of body.
    pub(super) async fn send(
        &self,
        outgoing: Outgoing,
        limit: usize,
    ) -> Result<Response<Bytes>, TransportError> {
        let mut request = reqwest::Request::new(outgoing.method, outgoing.url);
        *request.headers_mut() = outgoing.headers;
        *request.body_mut() = Some(outgoing.body.into());
        let mut response = self.http.execute(request).await?;
        let body = read_bounded(&mut response, limit).await?;
        let mut answer = Response::new(body);
        *answer.status_mut() = response.status();
        *answer.headers_mut() = std::mem::take(response.headers_mut());
        Ok(answer)
    }
}

/// Whether the URL leads to this machine and nowhere else.
pub(super) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// Reads the body piece by piece, because `Content-Length` may be absent or a lie.
async fn read_bounded(
    response: &mut reqwest::Response,
    limit: usize,
) -> Result<Bytes, TransportError> {
    let mut body = BytesMut::new();
    while let Some(piece) = response.chunk().await? {
        if body.len().saturating_add(piece.len()) > limit {
            return Err(TransportError::TooLarge(limit));
        }
        body.extend_from_slice(&piece);
    }
    Ok(body.freeze())
}

impl From<reqwest::Error> for TransportError {
    fn from(error: reqwest::Error) -> Self {
        if error.is_timeout() {
            return Self::Timeout;
        }
        // The cause that says something ("connection refused", "unknown issuer") is the innermost one.
        let error = error.without_url();
        let mut text = error.to_string();
        let mut cause = error.source();
        while let Some(inner) = cause {
            text = format!("{text}: {inner}");
            cause = inner.source();
        }
        Self::Unreachable(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn transport(http_on_loopback: bool) -> Transport {
        Transport {
            http: reqwest::Client::builder()
                .tls_certs_only([])
                .build()
                .unwrap(),
            http_on_loopback,
        }
    }

    // FAPI 2.0 Security Profile §5.2.1.
    #[test]
    fn secrets_leave_this_machine_encrypted_or_not_at_all() {
        for (url, always, in_tests) in [
            ("https://rs.example/accounts?x=1", true, true),
            ("https://127.0.0.1:8443/", true, true),
            ("http://127.0.0.1:8080/", false, true),
            ("http://[::1]/", false, true),
            ("http://localhost/", false, true),
            ("http://rs.example/", false, false),
            ("http://localhost.example/", false, false),
            ("http://10.0.0.1/", false, false),
            ("https://me@rs.example/", false, false),
            ("https://:pw@rs.example/", false, false),
            ("ftp://rs.example/", false, false),
            ("file:///etc/passwd", false, false),
            ("data:,x", false, false),
        ] {
            let url: Url = url.parse().unwrap();
            assert_eq!(transport(false).permits(&url), always, "{url}");
            assert_eq!(transport(true).permits(&url), in_tests, "{url}");
        }
    }
}
