//! Requests with secrets in them over HTTPS, under strict rules: no redirects, bounded in time and size.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Method, Response};
use reqwest::redirect;
use url::Url;

use super::{
    client_certificate::{ClientCertificate, TrustedRoots},
    issuer_url::{has_user_info, is_loopback},
    transport_error::TransportError,
};

/// Sends requests, with the client's certificate if it has one.
#[derive(Clone, Debug)]
pub(crate) struct Transport {
    http: reqwest::Client,
    http_on_loopback: bool,
}

pub(crate) struct TransportSettings {
    pub(crate) timeout: Duration,
    pub(crate) roots: Option<TrustedRoots>,
    pub(crate) certificate: Option<ClientCertificate>,
    pub(crate) http_on_loopback: bool,
}

/// A request as it goes out.
#[derive(Clone)]
pub(crate) struct Outgoing {
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Transport {
    pub(crate) fn new(settings: TransportSettings) -> Result<Self, reqwest::Error> {
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
    pub(crate) const fn http(&self) -> &reqwest::Client {
        &self.http
    }

    /// Whether a request with secrets in it may go to this URL.
    pub(crate) fn permits(&self, url: &Url) -> bool {
        let encrypted = url.scheme() == "https" && url.has_host();
        let local = self.http_on_loopback && url.scheme() == "http" && is_loopback(url);
        (encrypted || local) && !has_user_info(url)
    }

    /// Sends a request and reads the whole answer, up to `limit` bytes of body.
    pub(crate) async fn send(
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
