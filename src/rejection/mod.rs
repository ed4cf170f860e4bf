//! Refusals: why a request was not let through, and how that looks on the wire.
//!
//! What the client did wrong ([`Refusal`]) and what we could not do ([`Fault`]) are different types: the first becomes 400,
//! 401 or 403 with a challenge, the second 503. The precise reason is for logs, metrics and the answer's extensions; the
//! client gets the code of the RFC and a sentence that helps.

mod code;
mod reason;
mod response;
mod scheme;
#[cfg(test)]
mod tests;

pub(crate) use self::response::hand_out_nonce;
pub use self::{
    code::ErrorCode,
    reason::{Fault, Refusal, Rejection},
    response::{Challenges, DPOP_NONCE, status},
    scheme::AuthScheme,
};
