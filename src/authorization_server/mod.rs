//! The bundled authorization server: a small, whole issuer of sender-constrained tokens after the FAPI 2.0 Security
//! Profile.
//!
//! Requests are pushed (RFC 9126) by clients that authenticate with a key of their own, never with a shared secret; a
//! person signs in and approves; the code comes back with the issuer's name on it (RFC 9207) and is redeemed once, with
//! PKCE, for an access token (RFC 9068) that is bound to a DPoP key (RFC 9449) or a client certificate (RFC 8705).
//!
//! ```
//! use tower_fapi::{
//!     authorization_server::{
//!         AuthorizationServer, ClientMetadata, ScopeDescription, SigningKeys,
//!         people::{ConfiguredUsers, UserConfig},
//!     },
//!     jose::{JwsAlgorithm, SigningKey},
//! };
//!
//! # fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let client_key = SigningKey::generate(JwsAlgorithm::Es256)?;
//! let client: ClientMetadata = serde_json::from_value(serde_json::json!({
//!     "client_id": "budget-planner",
//!     "client_name": "Budget Planner",
//!     "redirect_uris": ["https://budget.example/callback"],
//!     "token_endpoint_auth_method": "private_key_jwt",
//!     "jwks": { "keys": [client_key.public().to_members()] },
//!     "scope": "accounts",
//!     "grant_types": ["authorization_code", "refresh_token"],
//!     "dpop_bound_access_tokens": true,
//! }))?;
//!
//! let users: Vec<UserConfig> = Vec::new(); // from your configuration, or put your own `Authenticator` in their place
//! let server = AuthorizationServer::builder("https://as.example")
//!     .audience("https://api.example")
//!     .scope(ScopeDescription::new("accounts", "See your accounts"))
//!     .client(client)
//!     .authenticator(ConfiguredUsers::new(users)?)
//!     .signing_keys(SigningKeys::load_or_create("signing-keys.json", JwsAlgorithm::Es256)?)
//!     .build()?;
//! let router: axum::Router = server.router();
//! # Ok(())
//! # }
//! ```
//!
//! Tokens can be encrypted to the resource server that they are for: see [`ResourceMetadata`].
//!
//! Beside scopes, or instead of them, clients may ask for exactly what they need in `authorization_details` (RFC 9396), of
//! [types](AuthorizationDetailsType) that the server knows and is able to show to a person: a payment with its amount and
//! recipient, say. What is approved is what was pushed, and what was pushed is what the token says.
//!
//! How somebody has to sign in can be demanded in `acr_values`, `max_age` and `prompt`: see [`AuthenticationRules`]. People may
//! have an authenticator app as a second factor: see [`people::TotpSecret`].
//!
//! People who have signed in stay so for a while, in their browser alone, until the session expires or they sign out. Clients
//! send them to the end session endpoint for that (OpenID Connect RP-Initiated Logout 1.0), where they are always asked. What
//! they have approved is not touched by it: a client keeps its tokens until they end or are revoked.
//!
//! Clients get tokens on their own behalf, too (RFC 6749 §4.4), if they are registered for `client_credentials`, and of
//! scopes and types that are marked as [needing no person](ScopeDescription::without_person): an exchange rate, say, and
//! never a payment. The `sub` of such a token is the client's identifier, and a server where that is a person's, too, is
//! not built.
//!
//! Requests may be signed by the client (RFC 9101), and responses by the server (JARM); what a client is registered for in
//! [`ClientMetadata`] it must use (FAPI 2.0 Message Signing §5.3 and §5.4).
//!
//! The keys that sign, and those that clients may encrypt request objects to, are in files that the server makes when it
//! starts for the first time. They are replaced while it runs: see [`AuthorizationServer::maintain_keys`].
//!
//! Requests, sessions, codes and grants are remembered in memory, which one instance alone has and which ends with it, or in a
//! [`store`] that several share: see the page on [several instances](crate::guide::several_instances).
//!
//! The router speaks HTTP; serve it over TLS, with the feature `tls` or otherwise. Clients with certificates connect at a
//! [base URL of their own](AuthorizationServerBuilder::mtls_base_url), where the router has to find their
//! [`PeerCertificate`](crate::mtls::PeerCertificate) in each request's extensions.
//!
//! Clients that were there before FAPI 2.0 may be held to FAPI 1.0 Advanced instead, each for itself: see [`FapiProfile`].
//!
//! Clients revoke their tokens (RFC 7009), and a refresh token takes its grant and everything else that came of it along.
//! Resource servers that are registered with a way to authenticate ask whether a token of theirs still holds (RFC 7662), and
//! get the answer as JSON, signed, or signed and encrypted (RFC 9701).
//!
//! # Who has signed in
//!
//! With the scope [`openid`](ScopeDescription::openid) the server is an OpenID provider; without it there is nothing of the
//! following. Clients that ask for `openid` get an ID token with their access tokens (OpenID Connect Core §2), signed and, for
//! those that want it so, encrypted; with `at_hash`, and `s_hash` where there was a `state`. At the userinfo endpoint, which
//! stands behind this crate's own [`FapiLayer`](crate::layer::FapiLayer), they are told what their scope stands for
//! ([`profile`](ScopeDescription::profile), [`email`](ScopeDescription::email), [`address`](ScopeDescription::address),
//! [`phone`](ScopeDescription::phone)) or what they have asked for one by one in `claims` (§5.5), as far as it is
//! [known](people::Authenticator::claims), they are registered for that scope, and the person was shown it.
//!
//! Where a client asks for somebody in particular, by `id_token_hint` or the claim `sub` with a value, nobody else gets
//! through (§3.1.2.2). An essential `acr` is as much of a condition as `acr_values` are. `display`, `ui_locales` and
//! `claims_locales` are ignored: there is one sort of pages, in one language.

mod authentication;
mod authorization_details;
mod builder;
mod claims;
mod client_authentication;
mod clients;
mod config_error;
mod direct;
mod endpoints;
mod id_token_hint;
mod interaction;
mod introspection;
mod issued_token;
mod keys;
mod lifetimes;
mod metadata;
pub mod pages;
mod parameters;
pub mod people;
mod pushed_request;
mod refusal;
mod request_object;
mod resources;
mod response_mode;
mod response_type;
mod revocation;
mod router;
mod scope;
mod sealing;
mod secret;
mod server;
pub mod store;
mod token;
mod userinfo;
mod without_person;

pub use self::{
    authentication::{AuthenticationRules, SecondFactorUse},
    authorization_details::{
        AuthorizationDetailsType, Choice, DetailMember, DetailValue, DetailsTypeProblem,
        InvalidDetailsType,
    },
    builder::{AuthorizationServer, AuthorizationServerBuilder},
    client_authentication::{CertificateAuthorities, InvalidCertificateAuthority},
    clients::{
        ClientAuthenticationMethod, ClientMetadata, ClientProblem, FapiProfile, InvalidClient,
        InvalidDistinguishedName, InvalidRedirectUri, InvalidRegisteredCertificate,
    },
    config_error::ConfigError,
    endpoints::InvalidIssuer,
    keys::{
        EncryptionKeys, InvalidKeyRotation, InvalidKeys, KeyFileError, KeyProblem, KeyRotation,
        NextKey, SigningKeys,
    },
    lifetimes::{InvalidLifetime, Lifetimes},
    resources::{InvalidResource, ResourceMetadata, ResourceProblem},
    scope::{InvalidScope, ScopeDescription},
};
