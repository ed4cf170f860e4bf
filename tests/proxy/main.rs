//! Behind a real nginx on loopback: it ends TLS, passes the client's certificate on, takes a prefix off the path and tells the
//! URL; and whoever tries to say in its place who he is or where he asked is refused.
//!
//! Without `nginx` on the path these tests say that they were skipped; with `TOWER_FAPI_CI=1` they fail instead.
#![cfg(all(
    unix,
    feature = "axum",
    feature = "discovery",
    feature = "testing",
    feature = "tls"
))]
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    clippy::unwrap_used,
    missing_docs,
    unreachable_pub
)]

mod certificates;
mod client;
#[path = "../shared/emitted.rs"]
mod emitted;
mod nginx;
mod server;
mod sockets;
mod urls;
