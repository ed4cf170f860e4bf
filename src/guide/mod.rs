//! How to run an API behind this crate: pages for those who build, operate, audit and call it.
//!
//! - [`behind_a_proxy`]: TLS ends elsewhere, the certificate and the URL come in headers.
//! - [`several_instances`]: one replay store and one set of nonce secrets for all, and the authorization server in several.
//! - [`migrating`]: from bearer tokens to sender-constrained ones, without a day on which clients break.
//! - [`errors`]: for client developers, every challenge that can come, why, and how to mend it.
//! - [`issuers`]: which settings the authorization servers of others need.
//! - [`performance`]: what a request costs, how large an installation has to be, and how to measure it again.
//! - [`clauses`]: every demand of the specifications on resource servers, where it is enforced and which test shows it.

#![cfg_attr(
    feature = "authorization-server",
    doc = "- [`server_clauses`]: the same of the bundled authorization server."
)]

#[cfg(test)]
mod clause_lists;
#[cfg(test)]
mod clauses_tests;

#[doc = include_str!("behind_a_proxy.md")]
pub mod behind_a_proxy {}
#[doc = include_str!("several_instances.md")]
pub mod several_instances {}
#[doc = include_str!("migrating.md")]
pub mod migrating {}
#[doc = include_str!("errors.md")]
pub mod errors {}
#[doc = include_str!("issuers.md")]
pub mod issuers {}
#[doc = include_str!("performance.md")]
pub mod performance {}
#[doc = include_str!("clauses.md")]
pub mod clauses {}
#[cfg(feature = "authorization-server")]
#[doc = include_str!("server_clauses.md")]
pub mod server_clauses {}
