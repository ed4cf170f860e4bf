//! The replay store in Redis, against a real server on loopback: what it records, and what clients get when Redis is slow,
//! full, wrong, killed or started anew; and an API in two processes that share it. The records of an authorization server in
//! the same place; its flows over two instances are among its own tests.
//!
//! Without `redis-server` on the path these tests say that they were skipped; with `TOWER_FAPI_CI=1` they fail instead.
#![cfg(all(feature = "axum", feature = "redis", feature = "testing"))]
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::unwrap_used,
    missing_docs,
    unreachable_pub
)]

mod api;
mod contract;
#[path = "../shared/emitted.rs"]
mod emitted;
mod fake_server;
mod faults;
mod http;
mod instance;
mod nonces;
mod processes;
#[cfg(feature = "authorization-server")]
mod records;
mod server;
mod tls;
