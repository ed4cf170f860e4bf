//! The verdict: may this request pass?
//!
//! [`ResourceServer::verify`] needs no web server, only the facts of a request and the time. The
//! [layers](crate::layer) move bytes around it.
//!
#![cfg_attr(feature = "testing", doc = "```")]
#![cfg_attr(not(feature = "testing"), doc = "```ignore")]
//! use http::Request;
//! use tower_fapi::{
//!     issuer::IssuerKeys,
//!     resource_server::{RequestFacts, ResourceServer, TrustedIssuer},
//!     testing::{DpopKey, TestIssuer},
//!     time::Timestamp,
//! };
//!
//! # tokio::runtime::Runtime::new()?.block_on(async {
//! let as_ = TestIssuer::new("https://as.example.com", "https://api.example.com");
//! let issuer = TrustedIssuer::new(as_.issuer(), IssuerKeys::fixed(&as_.jwks())?);
//! let server = ResourceServer::builder("https://api.example.com", issuer).build()?;
//!
//! let (client, now) = (DpopKey::generate(), Timestamp::from_unix(1_800_000_000));
//! let token = as_.token(now).bound_to_key(client.thumbprint()).mint();
//! let proof = client.proof("GET", "https://api.example.com/accounts", now).access_token(&token).sign();
//! let request = Request::get("/accounts")
//!     .header("host", "api.example.com")
//!     .header("authorization", format!("DPoP {token}"))
//!     .header("dpop", proof)
//!     .body(())?;
//!
//! let accepted = server.verify(&RequestFacts::of(&request), now).await?;
//! assert_eq!(accepted.token.subject(), "alice");
//! let again = server.verify(&RequestFacts::of(&request), now).await;
//! assert_eq!(again.unwrap_err().to_string(), "proof has been used before");
//! # Ok::<_, Box<dyn std::error::Error>>(()) }).unwrap();
//! # Ok::<_, std::io::Error>(())
//! ```

mod binding;
mod builder;
mod config_error;
mod credentials;
mod dangerous;
mod encryption;
mod facts;
mod fapi_headers;
#[cfg(feature = "discovery")]
mod introspected;
mod judge;
mod metadata;
#[cfg(feature = "authorization-server")]
mod own_tokens;
mod profile;
mod proxies;
mod public_url;
mod revocation;
mod server;
mod strangers;
#[cfg(test)]
mod tests;
mod token_cache;
mod trusted_issuer;
mod url;
mod wish;

#[cfg(feature = "authorization-server")]
pub(crate) use self::own_tokens::{OwnTokens, Vouch, Vouching};
#[cfg(feature = "discovery")]
pub use self::trusted_issuer::DiscoverError;
pub use self::{
    binding::Binding,
    builder::ResourceServerBuilder,
    config_error::ConfigError,
    dangerous::DangerousSettings,
    facts::RequestFacts,
    fapi_headers::{FapiHeaders, X_FAPI_AUTH_DATE, X_FAPI_CUSTOMER_IP_ADDRESS},
    metadata::ResourceMetadata,
    profile::{Profile, ProfileSettings},
    proxies::TrustedProxies,
    public_url::{InvalidPublicUrl, PublicUrl},
    server::{Accepted, ResourceServer},
    trusted_issuer::TrustedIssuer,
    url::{ForwardedUrl, InvalidHost, InvalidPathPrefix, PathPrefix, ServedHost, XForwarded},
};
pub(crate) use self::{
    judge::{Denied, Evidence, Judgement},
    wish::Findings,
};
/// A network of IPv4 or IPv6 addresses, from the crate `ipnet`.
pub use ipnet::IpNet;
