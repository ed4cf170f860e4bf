//! Serving over TLS, seen from real clients on real sockets.
#![cfg(feature = "tls")]
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    missing_docs,
    unreachable_pub
)]

mod certificates;
mod handshake;
mod pairs;
mod resumption;
mod serving;
mod support;
