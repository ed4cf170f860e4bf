//! The document at `/.well-known/oauth-protected-resource` (RFC 9728).

use std::{
    convert::Infallible,
    future::{Ready, ready},
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{Method, Request, Response};
use http_body_util::Full;
use tower::Service;

use super::document;
use crate::resource_server::ResourceServer;

/// Serves a resource server's metadata, so that clients find out by themselves where to get tokens and how to bind them.
///
/// It needs no token, so it stands beside the protecting layer and not behind it:
///
/// ```
/// use axum::{Router, routing::get};
/// use tower_fapi::{
///     layer::{FapiLayer, ResourceMetadataService},
///     resource_server::{ResourceMetadata, ResourceServer, TrustedIssuer},
/// };
///
/// # fn example(issuer: TrustedIssuer) -> Result<(), Box<dyn std::error::Error>> {
/// let server = ResourceServer::builder("https://api.example.com", issuer)
///     .metadata(ResourceMetadata::new().scopes(["accounts", "payments"]))
///     .build()?;
/// let metadata = ResourceMetadataService::new(&server).ok_or("no metadata was set")?;
/// let app: Router = Router::new()
///     .route("/accounts", get(|| async { "your accounts" }))
///     .layer(FapiLayer::new(server))
///     .route_service(metadata.path(), metadata.clone());
/// # let _ = app; Ok(()) }
/// ```
///
/// Challenges then say where it is, in `resource_metadata` (RFC 9728 §5.1).
#[derive(Clone, Debug)]
pub struct ResourceMetadataService {
    path: String,
    document: Bytes,
}

impl ResourceMetadataService {
    /// The document of this resource server, signed at this moment if it is to be; `None` if it was built without
    /// [`metadata`](crate::resource_server::ResourceServerBuilder::metadata).
    #[must_use]
    pub fn new(server: &ResourceServer) -> Option<Self> {
        let metadata = server.metadata()?;
        Some(Self {
            path: metadata.url.path().to_owned(),
            document: metadata.document(server.now()).into(),
        })
    }

    /// The path where clients look for it, at the root of the host (RFC 9728 §3.1). A proxy in front must not put a prefix
    /// before it.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    fn answer(&self, method: &Method) -> Response<Full<Bytes>> {
        let document = self.document.clone();
        document::answer(method, "application/json", "max-age=3600", document)
    }
}

impl<B> Service<Request<B>> for ResourceMetadataService {
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
