//! FAPI 2.0 for Tower: a request passes only if its access token is valid and its sender proves that the token is theirs.
//!
//! Start with [`layer::FapiLayer`] around your routes and [`resource_server::ResourceServer`] for what it enforces:
//!
//! ```no_run
//! # #[cfg(feature = "discovery")]
//! # fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use tower_fapi::{
//!     layer::FapiLayer,
//!     resource_server::{ResourceServer, TrustedIssuer},
//! };
//!
//! let issuer = TrustedIssuer::discover("https://as.example.com")?;
//! let server = ResourceServer::builder("https://api.example.com", issuer).build()?;
//! let layer = FapiLayer::new(server); // around a router of axum, tonic, or any `http` service
//! # let _ = layer; Ok(()) }
//! ```
//!
//! This runs on Tokio, where the issuer's keys are fetched in the background. A handler finds a [`token::AccessToken`] in the
//! request's extensions or, with the feature `axum`, takes it as an argument; [`layer::RequireScope`] demands more of single
//! routes. For the tests of an API the module `testing` (feature of that name) mints tokens and signs proofs.
//!
//! The [`guide`] is for those who build, operate, audit and call an API: behind a proxy, on several instances, migrating, what
//! each refusal means, other people's authorization servers, and the specifications clause by clause.
//!
//! The README has a whole axum API and the list of features; `examples/` has servers and a client to start at once.
//!
//! # Rooms
//!
//! Each module is a room, and each knows only rooms that stand before it in this list.
//!
//! | room | holds |
//! |---|---|
//! | [`metrics`] | the names of what is counted |
//! | [`time`] | points in time, and the clock that tests can hold still |
//! | [`jose`] | strict base64url and JSON, keys, signatures; knows nothing of OAuth |
//! | [`token`] | access tokens: what they must say, whether they were revoked, what a handler sees of them |
//! | [`dpop`] | proofs: the checks of RFC 9449 §4.3, nonces, and signing for clients |
//! | [`mtls`] | client certificates and their thumbprints |
//! | `redis` | one Redis server, for the stores that are kept in it |
//! | [`replay`] | the store that remembers accepted proofs |
//! | [`issuer`] | authorization servers as seen from here: metadata, keys, and what they say of tokens |
//! | [`rejection`] | why a request was not let through, and how that looks on the wire |
//! | [`audit`] | who asked for what, and what was decided |
//! | [`resource_server`] | the verdict: from request facts, policy and time to a token or a rejection |
//! | [`layer`] | Tower layers: they move bytes and await |
//! | `tls` | serving over rustls |
//! | `authorization_server`, `client`, `testing` | the other sides of the wire |
//!
//! # One request
//!
//! ```text
//! layer            takes method, URL, headers and certificate out of the request
//!   resource_server
//!     credentials  one Authorization header: scheme and token
//!     token        remembered, or parsed and verified with the issuer's keys
//!     binding      everything in cnf holds: certificate, key
//!     proof        the cheap checks first, the signature last
//!     replay       recorded, as the very last step
//! inner service    finds an AccessToken in the extensions
//! ```
//!
//! What can be decided without waiting is decided without a future. Cheap checks come before costly ones, and nothing is
//! consumed before everything else has passed.
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod audit;
pub mod dpop;
pub mod guide;
pub mod issuer;
pub mod jose;
pub mod layer;
pub mod metrics;
pub mod mtls;
pub mod rejection;
pub mod replay;
pub mod resource_server;
pub mod time;
pub mod token;

/// Ends a test run in whose log or figures there is token material.
#[cfg(test)]
#[path = "../tests/shared/emitted.rs"]
mod emitted;

#[cfg(feature = "authorization-server")]
pub mod authorization_server;
#[cfg(feature = "client")]
pub mod client;
#[cfg(feature = "redis")]
mod redis;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
#[cfg(feature = "tls")]
pub mod tls;

/// The README's examples, kept compiling.
#[cfg(all(doctest, feature = "axum", feature = "discovery"))]
#[doc = include_str!("../README.md")]
struct Readme;
