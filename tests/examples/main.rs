//! The example `resource_server`: its sample starts, its settings do something, a mistake is named with its line, and a
//! certificate is made where there is none.
#![cfg(all(
    feature = "axum",
    feature = "discovery",
    feature = "redis",
    feature = "testing",
    feature = "tls"
))]
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    missing_docs,
    unreachable_pub
)]

#[allow(dead_code)]
#[path = "../../examples/shared/certificate.rs"]
mod certificate;
mod made_certificate;
mod mistakes;
mod routes;
mod sample;
mod settings;
#[path = "../../examples/resource_server/setup/mod.rs"]
mod setup;
mod support;
