//! This crate and software that nobody here wrote, from npm, over TLS on loopback: `oauth4webapi` and `openid-client` are
//! clients of the authorization server and of the resource server, and the resource server enforces tokens of
//! `oidc-provider`, of which this crate's client is one.
//!
//! Each script prints a line for each thing that worked, and these tests know how many there have to be.
#![cfg(all(
    feature = "authorization-server",
    feature = "discovery",
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

mod api;
mod authority;
mod bank;
mod clients;
#[path = "../shared/emitted.rs"]
mod emitted;
#[path = "../shared/node.rs"]
mod node;
#[cfg(feature = "client")]
mod our_client;
mod provider;
mod registrations;
mod script;
mod world;
