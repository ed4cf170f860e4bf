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
//! A whole test of an axum API, its clock held still:
//!
#![cfg_attr(feature = "axum", doc = "```")]
#![cfg_attr(not(feature = "axum"), doc = "```ignore")]
//! use axum::{Router, body::Body, http::Request, routing::get};
//! use tower::ServiceExt;
//! use tower_fapi::{
//!     layer::{FapiLayer, RequireScope},
//!     resource_server::{ResourceServer, TrustedIssuer},
//!     testing::{DpopKey, TestIssuer},
//!     time::{ManualClock, Timestamp},
//! };
//!
//! # const API: &str = "https://api.example.com";
//! # tokio::runtime::Runtime::new()?.block_on(async {
//! /// The application under test, which takes the issuer it trusts as an argument.
//! fn app(issuer: TrustedIssuer, now: Timestamp) -> Router {
//!     let server = ResourceServer::builder(API, issuer).clock(ManualClock::at(now)).build().unwrap();
//!     let read = RequireScope::all_of(["accounts"]).unwrap();
//!     Router::new()
//!         .route("/accounts", get(|| async { "your accounts" }).layer(read))
//!         .layer(FapiLayer::new(server))
//! }
//!
//! let now = Timestamp::from_unix(1_800_000_000);
//! let (issuer, client) = (TestIssuer::new("https://as.example.com", API), DpopKey::generate());
//! for (scope, status) in [("accounts", 200), ("payments", 403)] {
//!     let token = issuer.token(now).scope(scope).bound_to_key(client.thumbprint()).mint();
//!     let proof = client.proof("GET", &format!("{API}/accounts"), now).access_token(&token).sign();
//!     let request = Request::get("/accounts")
//!         .header("host", "api.example.com") // the URL that the proof is for has it
//!         .header("authorization", format!("DPoP {token}"))
//!         .header("dpop", proof)
//!         .body(Body::empty())?;
//!     let answer = app(issuer.trusted(), now).oneshot(request).await?;
//!     assert_eq!(answer.status(), status);
//! }
//! # Ok::<_, Box<dyn std::error::Error>>(()) }).unwrap();
//! # Ok::<_, std::io::Error>(())
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
#[cfg(feature = "authorization-server")]
mod record_store;
mod replay_store;

#[cfg(feature = "authorization-server")]
pub use self::record_store::check_store;
pub use self::{
    document::Document,
    dpop_key::{DpopKey, ProofBuilder},
    encrypted::EncryptedTokenBuilder,
    introspection::AnswerBuilder,
    issuer::{TestIssuer, TokenBuilder},
    replay_store::check_replay_store,
};
