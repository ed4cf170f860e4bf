//! One name for a request on both sides (FAPI implementation advice, `x-fapi-interaction-id`).
//!
//! The client's UUID is echoed, or one is minted where it sent none; it is on every answer, in the request's extensions
//! as [`InteractionId`], and in the tracing span around everything behind.

mod future;
mod id;
mod service;

pub use self::{
    future::InteractionIdFuture,
    id::{InteractionId, X_FAPI_INTERACTION_ID},
    service::{InteractionIdLayer, InteractionIdService},
};
