//! One document at a time over HTTPS, under strict rules.

use std::time::Duration;

use http::{
    HeaderMap, StatusCode,
    header::{ACCEPT, CONTENT_TYPE},
};
use reqwest::Client;
use url::Url;

use super::{
    fetch_error::FetchError,
    fetcher_builder::FetcherBuilder,
    issuer_url::{has_user_info, is_loopback},
};
use crate::jose::JwkSet;

/// Fetches the public documents of authorization servers. Cheap to clone.
///
/// Only `https`, no redirects, at most [`MAX_BODY`](Self::MAX_BODY) octets whatever the server announces, and an answer within
/// the timeout or none.
#[derive(Clone, Debug)]
pub struct Fetcher {
    pub(super) http: Client,
    pub(super) timeout: Duration,
    pub(super) http_on_loopback: bool,
}

/// A document that came with status 200 and a media type that can be JSON.
#[derive(Debug)]
pub(super) struct Document {
    pub(super) body: Vec<u8>,
    #[expect(dead_code, reason = "for whoever keeps the document")]
    pub(super) headers: HeaderMap,
}

impl Fetcher {
    /// The largest document that is read, in octets: 256 KiB.
    pub const MAX_BODY: usize = 256 * 1024;

    /// Settings of a new fetcher.
    pub fn builder() -> FetcherBuilder {
        FetcherBuilder::default()
    }

    /// Fetches a key set (RFC 7517 §5). Keys we cannot use are left out, so that it may come out empty.
    ///
    /// # Errors
    ///
    /// [`FetchError`] if it cannot be had or is no key set.
    pub async fn key_set(&self, url: &Url) -> Result<JwkSet, FetchError> {
        let document = self.document(url).await?;
        read_key_set(&document.body)
    }

    /// Fetches whatever JSON lies at `url`.
    pub(super) async fn document(&self, url: &Url) -> Result<Document, FetchError> {
        if !self.permits(url) {
            return Err(FetchError::Insecure(url.to_string()));
        }
        let mut response = self
            .http
            .get(url.clone())
            // A total: connecting, waiting, and reading the last octet.
            .timeout(self.timeout)
            .header(ACCEPT, "application/json, application/jwk-set+json")
            .send()
            .await?;
        // A client that was handed to us may follow redirects; what another host says is not what we asked for.
        if response.url().origin() != url.origin() || response.status().is_redirection() {
            return Err(FetchError::Redirected);
        }
        if response.status() != StatusCode::OK {
            return Err(FetchError::Status(response.status()));
        }
        check_media_type(response.headers())?;
        let body = read_bounded(&mut response).await?;
        Ok(Document {
            body,
            headers: std::mem::take(response.headers_mut()),
        })
    }

    /// Whether a request may go to this URL.
    pub(super) fn permits(&self, url: &Url) -> bool {
        let transport = match url.scheme() {
            "https" => url.has_host(),
            "http" => self.http_on_loopback && is_loopback(url),
            _ => false,
        };
        transport && !has_user_info(url)
    }
}

pub(super) fn read_key_set(body: &[u8]) -> Result<JwkSet, FetchError> {
    let value = serde_json::Value::Object(
        crate::jose::json::object(body).map_err(crate::jose::InvalidJwkSet::from)?,
    );
    Ok(JwkSet::from_value(&value)?)
}

/// Reads the body piece by piece, because `Content-Length` may be absent or a lie.
async fn read_bounded(response: &mut reqwest::Response) -> Result<Vec<u8>, FetchError> {
    let announced = response.content_length().unwrap_or(0);
    if announced > Fetcher::MAX_BODY as u64 {
        return Err(FetchError::TooLarge);
    }
    let mut body = Vec::new();
    while let Some(piece) = response.chunk().await? {
        if body.len().saturating_add(piece.len()) > Fetcher::MAX_BODY {
            return Err(FetchError::TooLarge);
        }
        body.extend_from_slice(&piece);
    }
    Ok(body)
}

/// Static hosting often names key sets `text/plain` or `application/octet-stream`, or says nothing. A page for people is
/// refused by its type, so that the operator reads "text/html" and not a complaint about JSON.
fn check_media_type(headers: &HeaderMap) -> Result<(), FetchError> {
    let Some(value) = headers.get(CONTENT_TYPE) else {
        return Ok(());
    };
    let text = String::from_utf8_lossy(value.as_bytes());
    let essence = text
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    let json = matches!(
        essence.as_str(),
        "application/json" | "text/json" | "text/plain" | "application/octet-stream"
    ) || (essence.starts_with("application/") && essence.ends_with("+json"));
    if json {
        Ok(())
    } else {
        Err(FetchError::MediaType(essence.chars().take(100).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        issuer::test_server::{Page, TestServer},
        jose::{InvalidJwkSet, JwsAlgorithm, PrivateJwk},
    };

    async fn fetch(page: Page) -> Result<usize, FetchError> {
        let server = TestServer::start().await;
        server.put("/jwks", page);
        fetch_at(&server.url("/jwks")).await
    }

    async fn fetch_at(url: &str) -> Result<usize, FetchError> {
        let fetcher = Fetcher::builder()
            .timeout(Duration::from_millis(300))
            .unwrap()
            .dangerous()
            .http_on_loopback()
            .build()
            .unwrap();
        let set = fetcher.key_set(&url.parse().unwrap()).await?;
        Ok(set.keys().len())
    }

    fn padded(len: usize) -> String {
        format!(r#"{{"keys":[],"pad":"{}"}}"#, "x".repeat(len - 20))
    }

    fn keys(count: usize) -> String {
        format!(r#"{{"keys":[{}]}}"#, vec!["{}"; count].join(","))
    }

    #[tokio::test]
    async fn plain_http_is_refused() {
        let server = TestServer::start().await;
        server.put("/jwks", Page::json(r#"{"keys":[]}"#));
        let strict = Fetcher::builder().build().unwrap();
        let insecure = |url: String| Err(FetchError::Insecure(url));
        let url = server.url("/jwks");
        assert_eq!(strict.key_set(&url.parse().unwrap()).await, insecure(url));
        for url in [
            "http://as.example/jwks",
            "http://10.0.0.1/jwks",
            "file:///etc/jwks",
            "https://me@as.example/jwks",
        ] {
            assert_eq!(
                fetch_at(url).await,
                insecure(url.to_owned()).map(|_: JwkSet| 0)
            );
        }
        assert!(server.requests().is_empty());
    }

    #[tokio::test]
    async fn only_a_200_is_an_answer() {
        for (status, code) in [
            ("204 No Content", 204),
            ("206 Partial Content", 206),
            ("404 Not Found", 404),
            ("500 Oops", 500),
        ] {
            let status = fetch(Page::with(status, "", "")).await;
            assert_eq!(
                status,
                Err(FetchError::Status(StatusCode::from_u16(code).unwrap()))
            );
        }
    }

    #[tokio::test]
    async fn redirects_are_not_followed() {
        let other = TestServer::start().await;
        other.put("/jwks", Page::json(r#"{"keys":[]}"#));
        for status in [
            "301 Moved",
            "302 Found",
            "303 See Other",
            "307 Temporary",
            "308 Permanent",
        ] {
            let location = format!("location: {}\r\n", other.url("/jwks"));
            let answer = fetch(Page::with(status, &location, r#"{"keys":[]}"#)).await;
            assert_eq!(answer, Err(FetchError::Redirected), "{status}");
        }
        assert!(other.requests().is_empty());
    }

    #[tokio::test]
    async fn a_client_that_follows_redirects_may_not_leave_the_host() {
        let (server, other) = (TestServer::start().await, TestServer::start().await);
        for server in [&server, &other] {
            server.put("/jwks", Page::json(r#"{"keys":[]}"#));
        }
        let to = |url: String| Page::with("302 Found", &format!("location: {url}\r\n"), "");
        server.put("/here", to(server.url("/jwks")));
        server.put("/away", to(other.url("/jwks")));
        let following = Fetcher::builder()
            .http_client(Client::new())
            .dangerous()
            .http_on_loopback()
            .build()
            .unwrap();
        let ask = async |path: &str| following.key_set(&server.url(path).parse().unwrap()).await;
        assert_eq!(ask("/here").await, Ok(JwkSet::default()));
        assert_eq!(ask("/away").await, Err(FetchError::Redirected));
    }

    #[tokio::test]
    async fn the_size_of_a_document_is_bounded_whatever_is_announced() {
        let max = Fetcher::MAX_BODY;
        let chunk = |len: usize| format!("{len:x}\r\n{}\r\n", "x".repeat(len));
        for (case, page, expected) in [
            ("at the limit", Page::json(padded(max)), Ok(0)),
            (
                "one more",
                Page::json(padded(max + 1)),
                Err(FetchError::TooLarge),
            ),
            (
                "announced, never sent",
                Page::raw("HTTP/1.1 200 OK\r\ncontent-length: 999999999\r\n\r\n").and_hang(),
                Err(FetchError::TooLarge),
            ),
            (
                "not announced, never ending",
                Page::raw(format!(
                    "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{}",
                    chunk(max / 2).repeat(3)
                ))
                .and_hang(),
                Err(FetchError::TooLarge),
            ),
            (
                "until the connection ends",
                Page::raw(format!("HTTP/1.1 200 OK\r\n\r\n{}", "x".repeat(max + 1))),
                Err(FetchError::TooLarge),
            ),
        ] {
            assert_eq!(fetch(page).await, expected, "{case}");
        }
    }

    #[tokio::test]
    async fn a_body_that_ends_early_is_no_document() {
        let page = Page::raw("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"keys\":[]}");
        let answer = fetch(page).await;
        assert!(
            matches!(answer, Err(FetchError::Unreachable(_))),
            "{answer:?}"
        );
    }

    #[tokio::test]
    async fn a_slow_answer_ends_with_the_timeout() {
        for (case, bytes) in [
            ("nothing at all", ""),
            ("half a head", "HTTP/1.1 200 OK\r\n"),
            (
                "half a body",
                "HTTP/1.1 200 OK\r\ncontent-length: 11\r\n\r\n{\"keys",
            ),
        ] {
            let answer = fetch(Page::raw(bytes).and_hang()).await;
            assert_eq!(answer, Err(FetchError::Timeout), "{case}");
        }
    }

    #[tokio::test]
    async fn nobody_listening_is_unreachable() {
        let url = TestServer::start().await.url("/jwks");
        let answer = fetch_at(&url).await;
        assert!(
            matches!(answer, Err(FetchError::Unreachable(_))),
            "{answer:?}"
        );
    }

    #[tokio::test]
    async fn media_types_of_json_and_of_careless_hosting_pass() {
        for (header, accepted) in [
            ("", true),
            ("content-type: application/json\r\n", true),
            ("content-type: APPLICATION/JSON; charset=utf-8\r\n", true),
            ("content-type: application/jwk-set+json\r\n", true),
            ("content-type: text/plain\r\n", true),
            ("content-type: application/octet-stream\r\n", true),
            ("content-type: text/html\r\n", false),
            ("content-type: application/xml\r\n", false),
            ("content-type: application/jwt\r\n", false),
            ("content-type: \r\n", false),
        ] {
            let answer = fetch(Page::with("200 OK", header, r#"{"keys":[]}"#)).await;
            let refused = matches!(answer, Err(FetchError::MediaType(_)));
            assert_eq!(
                (answer == Ok(0), refused),
                (accepted, !accepted),
                "{header}"
            );
        }
    }

    #[tokio::test]
    async fn a_key_set_is_strict_json_with_at_most_a_hundred_keys() {
        let garbage = [
            "",
            "[]",
            "nonsense",
            r#"{"keys":[],"keys":[]}"#,
            r#"{"keys":[]} x"#,
        ];
        for text in garbage {
            let answer = fetch(Page::json(text)).await;
            let expected = Err(FetchError::KeySet(InvalidJwkSet::NoKeys));
            assert!(matches!(answer, Err(FetchError::KeySet(_))), "{text}");
            assert_ne!(answer, expected, "{text}");
        }
        assert_eq!(
            fetch(Page::json(r#"{"keys":{}}"#)).await,
            Err(FetchError::KeySet(InvalidJwkSet::NoKeys))
        );
        assert_eq!(fetch(Page::json(keys(100))).await, Ok(0));
        assert_eq!(
            fetch(Page::json(keys(101))).await,
            Err(FetchError::KeySet(InvalidJwkSet::TooMany(101)))
        );
    }

    // RFC 7517 §5: "Implementations SHOULD ignore JWKs within a JWK Set that use "kty" values that are not understood".
    #[tokio::test]
    async fn a_key_that_cannot_be_used_does_not_spoil_the_rest() {
        let key = PrivateJwk::generate(JwsAlgorithm::Es256).unwrap();
        let key = serde_json::to_string(key.public()).unwrap();
        let text = format!(r#"{{"keys":[5,{{"kty":"oct","k":"AA"}},{key}]}}"#);
        assert_eq!(fetch(Page::json(text)).await, Ok(1));
    }
}
