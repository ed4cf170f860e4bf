//! Demands scopes, route by route (RFC 6750 §3.1 `insufficient_scope`).
//!
//! Stands behind [`FapiLayer`](crate::layer::FapiLayer), so the proof of a request that is refused here has been recorded:
//! the next attempt needs a new one, as every request does (RFC 9449 §7.3). A request that gets here without a verified token is a mistake in
//! the wiring: it is answered with 500 and an error in the log, never let through.

mod future;
mod layer;
mod service;

pub use self::{future::RequireScopeFuture, layer::RequireScope, service::RequireScopeService};
