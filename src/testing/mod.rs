//! For the tests of an API: an issuer and client keys that live in the test's own process (feature `testing`).
//!
//! [`TestIssuer`] mints access tokens and answers introspection, and [`DpopKey`] signs proofs. Both start from what is right and let a test make
//! anything wrong on purpose. No network, no waiting: the time is an argument.
//!
//! ```
//! use tower_fapi::{testing::{DpopKey, TestIssuer}, time::Timestamp};
//!
//! let now = Timestamp::from_unix(1_800_000_000);
//! let issuer = TestIssuer::new("https://as.example.com", "https://api.example.com");
//! let client = DpopKey::generate();
//!
//! let token = issuer.token(now).scope("accounts").bound_to_key(client.thumbprint()).mint();
//! let proof = client.proof("GET", "https://api.example.com/accounts", now).access_token(&token).sign();
//! let expired = issuer.token(now).claim("exp", now.as_unix() - 1).mint();
//! # assert!(proof.len() > 100 && expired.len() > 100);
//! ```
//!
//! # Panics
//!
//! The functions here panic where the cryptographic library fails: that ends the test, as it should.
#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a broken helper has to end the test"
)]

mod document;
mod dpop_key;
mod encrypted;
mod introspection;
mod issuer;
mod replay_store;

pub use self::{
    document::Document,
    dpop_key::{DpopKey, ProofBuilder},
    encrypted::EncryptedTokenBuilder,
    introspection::AnswerBuilder,
    issuer::{TestIssuer, TokenBuilder},
    replay_store::check_replay_store,
};
