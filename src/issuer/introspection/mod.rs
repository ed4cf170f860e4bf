//! Asking an issuer about tokens: the introspection client (RFC 7662, RFC 9701).
//!
//! What is asked, and what becomes of it, on the way through:
//!
//! - `memory`: an answer that is young enough makes the question needless,
//! - `flights`: one question at a time about one token, however many want to know,
//! - `back_off`: an endpoint that is down is left alone for a while,
//! - `request`: the question, as it goes out,
//! - `answer`: what came back, believed or not.

mod answer;
mod back_off;
#[cfg(test)]
pub(crate) mod fake;
mod flights;
mod introspector;
mod memory;
mod request;
mod settings;

pub use self::settings::{IntrospectedTokens, Introspection, IntrospectionConfigError};
pub(crate) use self::{
    introspector::{Introspector, Question},
    settings::Context,
};
