//! The client against scripted servers on real sockets: what it sends, and what it does not put up with.
#![cfg(all(feature = "client", feature = "tls"))]
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    missing_docs,
    unreachable_pub
)]

mod callback;
#[path = "../shared/emitted.rs"]
mod emitted;
mod flow;
#[cfg(feature = "testing")]
mod id_token;
#[cfg(feature = "testing")]
mod introspection;
#[cfg(feature = "testing")]
mod logout;
#[cfg(feature = "testing")]
mod message_signing;
mod metadata;
mod mutual_tls;
mod nonces;
#[cfg(feature = "testing")]
mod own_behalf;
mod refusals;
#[cfg(feature = "testing")]
mod seal;
mod server;
#[cfg(feature = "testing")]
mod server_keys;
mod support;
#[cfg(feature = "testing")]
mod user_info;
