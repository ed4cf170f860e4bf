//! Lets only requests with a verified, sender-constrained token through.
//!
//! Whatever gets to the inner service carries an [`AccessToken`](crate::token::AccessToken) in its extensions; whatever
//! does not is answered here, in the form of RFC 6750 §3 and RFC 9449 §7.1, with the
//! [`Rejection`](crate::rejection::Rejection) in the extensions of the answer.

mod future;
mod layer;
mod service;

pub use self::{future::ProtectFuture, layer::ProtectLayer, service::Protect};
