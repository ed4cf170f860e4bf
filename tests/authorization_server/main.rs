//! The authorization server, asked through its router: every request a client or browser could make, and many that none
//! should.
#![cfg(all(feature = "authorization-server", feature = "testing"))]
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used,
    missing_docs,
    unreachable_pub
)]

mod anything;
#[cfg(feature = "discovery")]
mod asked_by_our_own;
mod assertion;
mod assertion_use;
mod attacks;
mod authorize;
mod browser;
mod by_value;
mod certificates;
mod claims;
mod client_credentials;
mod clients;
mod code;
mod configuration;
mod consent;
mod details;
mod dpop;
#[path = "../shared/emitted.rs"]
mod emitted;
mod encrypted_request;
mod fapi1;
mod faults;
mod flow;
mod hybrid;
mod id_token;
#[cfg(feature = "redis")]
mod instances;
mod introspection;
#[cfg(feature = "discovery")]
mod jwks_uri;
mod keys;
mod login;
mod logout;
mod metadata;
mod oddities;
#[cfg(all(feature = "client", feature = "tls"))]
mod openid_flow;
mod patience;
mod pushed_request;
mod races;
#[cfg(feature = "redis")]
#[allow(clippy::print_stderr, dead_code)]
#[path = "../redis/server.rs"]
mod redis_server;
mod refresh;
mod request_object;
mod resources;
mod revocation;
mod rotation;
#[cfg(feature = "client")]
mod sample;
mod second_factor;
mod sign_in_demands;
#[cfg(all(feature = "client", feature = "tls"))]
mod signed_flow;
mod signed_response;
#[cfg(all(feature = "client", feature = "tls"))]
mod trial;
mod userinfo;
mod world;
