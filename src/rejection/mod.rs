//! Refusals: why a request was not let through, and how that looks on the wire.
//!
//! What the client did wrong ([`Refusal`]) and what we could not do ([`Fault`]) are different types: the first becomes 400,
//! 401 or 403 with a challenge, the second 503. The precise reason is for logs, metrics and the answer's extensions; the
//! client gets the code of the RFC and a sentence that helps.

mod code;
#[cfg(test)]
pub(crate) mod examples;
mod forwarded;
mod grpc;
mod kind;
mod label;
#[cfg(test)]
mod page_tests;
mod reason;
mod response;
mod scheme;
#[cfg(test)]
mod tests;

pub use self::{
    code::ErrorCode,
    forwarded::ForwardedError,
    kind::status,
    reason::{Fault, Refusal, Rejection},
    response::{Challenges, DPOP_NONCE},
    scheme::AuthScheme,
};
pub(crate) use self::{grpc::AnswerForm, kind::Kind, response::hand_out_nonce};
