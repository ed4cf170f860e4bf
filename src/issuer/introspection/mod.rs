//! Asking an issuer about tokens: the introspection client (RFC 7662, RFC 9701).
//!
//! What is asked, and what becomes of it, on the way through:
//!
//! - `memory`: an answer that is young enough makes the question needless,
//! - `flights`: one question at a time about one token, however many want to know,
//! - `back_off`: an endpoint that is down is left alone for a while,
//! - `request`: the question, as it goes out,
//! - `answer`, `signed_answer`: what came back, believed or not.
//!
//! `format` and `signed_answer` serve the client as well, which asks for itself.

#[cfg(feature = "discovery")]
mod answer;
#[cfg(feature = "discovery")]
mod back_off;
#[cfg(all(test, feature = "discovery"))]
pub(crate) mod fake;
#[cfg(feature = "discovery")]
mod flights;
mod format;
#[cfg(feature = "discovery")]
mod introspector;
#[cfg(feature = "discovery")]
mod memory;
#[cfg(feature = "discovery")]
mod request;
#[cfg(feature = "discovery")]
mod settings;
mod signed_answer;

#[cfg(feature = "discovery")]
pub use self::settings::{IntrospectedTokens, Introspection, IntrospectionConfigError};
#[cfg(feature = "client")]
pub(crate) use self::{format::Format, signed_answer::AnswerRules};
#[cfg(feature = "discovery")]
pub(crate) use self::{
    introspector::{Introspector, Question},
    settings::Context,
};
