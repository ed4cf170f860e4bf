//! All that an API needs in one layer.

use tower::Layer;

use super::{InteractionIdLayer, InteractionIdService, Protect, ProtectLayer};
use crate::resource_server::ResourceServer;

/// The service that [`FapiLayer`] makes.
pub type Fapi<S> = InteractionIdService<Protect<S>>;

/// All that an API needs in one layer: the verdict, and `x-fapi-interaction-id` on every answer, refusals included.
///
#[cfg_attr(feature = "axum", doc = "```")]
#[cfg_attr(not(feature = "axum"), doc = "```ignore")]
/// use axum::{Router, routing::get};
/// use tower_fapi::{layer::FapiLayer, resource_server::ResourceServer, token::AccessToken};
///
/// fn app(server: ResourceServer) -> Router {
///     Router::new()
///         .route("/accounts", get(|token: AccessToken| async move { token.subject().to_owned() }))
///         .layer(FapiLayer::new(server))
/// }
/// ```
///
/// What a request claims of its client's certificate, address and URL (`Client-Cert`, `X-Forwarded-For` and their like) is
/// taken out of it, unless it comes from one of the
/// [trusted proxies](crate::resource_server::ResourceServerBuilder::trusted_proxies), which have to write over whatever of it
/// the application reads.
///
/// It belongs outside whatever rewrites the path (what nested axum routers take away is known with the feature `axum`), and
/// inside a layer for CORS, because a browser's preflight carries no token. Put it around a route once: a second one would
/// take the proof for a replay.
#[derive(Clone, Debug)]
pub struct FapiLayer(ProtectLayer);

impl FapiLayer {
    /// A layer that asks this resource server.
    #[must_use]
    pub const fn new(server: ResourceServer) -> Self {
        Self(ProtectLayer::new(server))
    }
}

impl<S> Layer<S> for FapiLayer {
    type Service = Fapi<S>;

    fn layer(&self, inner: S) -> Self::Service {
        InteractionIdLayer::new().layer(self.0.layer(inner))
    }
}
