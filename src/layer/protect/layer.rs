use tower::Layer;

use super::Protect;
use crate::resource_server::ResourceServer;

/// Puts a resource server's verdict in front of a service.
///
/// [`FapiLayer`](crate::layer::FapiLayer) is this and the FAPI headers in one.
#[derive(Clone, Debug)]
pub struct ProtectLayer {
    server: ResourceServer,
}

impl ProtectLayer {
    /// A layer that asks this resource server.
    #[must_use]
    pub const fn new(server: ResourceServer) -> Self {
        Self { server }
    }
}

impl<S> Layer<S> for ProtectLayer {
    type Service = Protect<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Protect::new(inner, self.server.clone())
    }
}
