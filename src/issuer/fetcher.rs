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
    #[cfg_attr(
        not(feature = "discovery"),
        expect(dead_code, reason = "read by who keeps documents")
    )]
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
mod tests;
