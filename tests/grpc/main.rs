//! gRPC calls through the layer: tonic's server and tonic's client, over TLS, and the bytes of a refusal.
#![cfg(all(feature = "testing", feature = "tls"))]
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    missing_docs,
    unreachable_pub
)]

#[path = "../../examples/tonic/bank.rs"]
mod bank;
#[path = "../../examples/tonic/dpop.rs"]
mod dpop;
#[path = "../shared/emitted.rs"]
mod emitted;
#[path = "../../examples/tonic/tonic_tls.rs"]
#[allow(dead_code, reason = "the example serves from files")]
mod tonic_tls;

mod calls;
mod certificates;
mod frames;
mod layouts;
mod nonces;
mod refusals;
mod wire;
mod world;

type Outcome<T = ()> = Result<T, Box<dyn std::error::Error + Send + Sync>>;
