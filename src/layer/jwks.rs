//! Public keys for whoever encrypts to this resource server (RFC 7517 §5).

use std::{
    convert::Infallible,
    future::{Ready, ready},
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http::{Method, Request, Response};
use http_body_util::Full;
use tower::Service;

use super::{document, internal_error};
use crate::jose::{JwkSet, jwe::DecryptionKeyRing};

/// Serves the public halves of decryption keys, so that an authorization server can fetch what to encrypt tokens to.
///
/// It needs no token, so it stands beside the protecting layer and not behind it. What is served follows the
/// [`DecryptionKeyRing`] at once; how keys rotate is told there.
///
/// ```
/// use std::time::Duration;
/// use axum::{Router, routing::get};
/// use tower_fapi::{
///     jose::jwe::{DecryptionKey, DecryptionKeyRing, JweAlgorithm},
///     layer::{FapiLayer, JwksService},
///     resource_server::{ResourceServer, TrustedIssuer},
/// };
///
/// # fn example(issuer: TrustedIssuer) -> Result<(), Box<dyn std::error::Error>> {
/// let keys = DecryptionKeyRing::from(DecryptionKey::generate(JweAlgorithm::EcdhEsA256Kw)?);
/// let server = ResourceServer::builder("https://api.example.com", issuer)
///     .decryption_keys(keys.clone())
///     .build()?;
/// let app: Router = Router::new()
///     .route("/accounts", get(|| async { "your accounts" }))
///     .layer(FapiLayer::new(server))
///     .route_service("/jwks.json", JwksService::new(keys).max_age(Duration::from_secs(600)));
/// # let _ = app; Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct JwksService {
    keys: DecryptionKeyRing,
    more: JwkSet,
    max_age: Duration,
}

impl JwksService {
    /// Serves what these keys publish. Answers may be cached for 15 minutes.
    #[must_use]
    pub fn new(keys: impl Into<DecryptionKeyRing>) -> Self {
        Self {
            keys: keys.into(),
            more: JwkSet::default(),
            max_age: Duration::from_secs(900),
        }
    }

    /// Serves these public keys as well: those that answers or metadata are signed with, say (RFC 9728 §2, `jwks_uri`).
    #[must_use]
    pub fn with_keys(mut self, keys: JwkSet) -> Self {
        self.more = keys;
        self
    }

    /// Sets how long answers may be cached, in whole seconds. That is how long a key that is no longer published goes on
    /// being used by senders.
    #[must_use]
    pub const fn max_age(mut self, max_age: Duration) -> Self {
        self.max_age = max_age;
        self
    }

    fn answer(&self, method: &Method) -> Response<Full<Bytes>> {
        let Ok(document) = self.document() else {
            return internal_error().map(Full::new);
        };
        let caching = format!("public, max-age={}", self.max_age.as_secs());
        // RFC 7517 §8.5.2.
        document::answer(
            method,
            "application/jwk-set+json",
            &caching,
            document.into(),
        )
    }

    fn document(&self) -> Result<Vec<u8>, serde_json::Error> {
        let published = self.keys.public();
        let all = published.keys().iter().chain(self.more.keys()).cloned();
        serde_json::to_vec(&JwkSet::new(all))
    }
}

impl<B> Service<Request<B>> for JwksService {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        ready(Ok(self.answer(request.method())))
    }
}
