//! What single routes demand of a token beyond being valid.
//!
//! - [`RequireScope`]: scope (RFC 6750 §3.1);
//! - [`RequireAuthentication`]: how and how recently the user signed in (RFC 9470);
//! - [`RequireAuthorizationDetail`]: an entry of `authorization_details` that grants this very thing (RFC 9396).
//!
//! Each is a layer that stands behind [`FapiLayer`](crate::layer::FapiLayer), so the proof of a request that is refused
//! here has been recorded: the next attempt needs a new one, as every request does (RFC 9449 §7.3). What only a handler can
//! know, because it stands in the body, is demanded there, with [`Protection::demand`](crate::layer::Protection::demand)
//! and the same types. A request that gets here without a verified token is a mistake in the wiring: it is answered with
//! 500 and an error in the log, never let through.

mod authentication;
mod authorization_detail;
mod future;
mod scope;
mod service;
#[cfg(test)]
mod tests;

pub use self::{
    authentication::{InvalidAuthentication, RequireAuthentication},
    authorization_detail::RequireAuthorizationDetail,
    future::RequireFuture,
    scope::RequireScope,
    service::RequireService,
};

use crate::{rejection::Refusal, time::Timestamp, token::AccessToken};

/// What a route can demand of a token: implemented by the types of this module.
///
/// Sealed: what a refusal says on the wire is for the specifications to decide.
pub trait Demand: sealed::Sealed + Send + Sync + 'static {
    /// Whether this token, used now, suffices.
    ///
    /// # Errors
    ///
    /// The refusal to answer with.
    fn check(&self, token: &AccessToken, now: Timestamp) -> Result<(), Refusal>;
}

mod sealed {
    pub trait Sealed {}
}

/// A layer for each demand: they differ in what they check and in nothing else.
macro_rules! layer {
    ($($demand:ty),*) => {$(
        impl sealed::Sealed for $demand {}

        impl<S> tower::Layer<S> for $demand {
            type Service = RequireService<S>;

            fn layer(&self, inner: S) -> Self::Service {
                RequireService::new(inner, std::sync::Arc::new(self.clone()))
            }
        }
    )*};
}

layer!(
    RequireScope,
    RequireAuthentication,
    RequireAuthorizationDetail
);
