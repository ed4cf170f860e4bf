//! The FAPI 2.0 client: a person's authorization, who they are, and calls made with it.
//!
//! A [`Client`] is registered at one authorization server, authenticates with a key or a certificate, and has its tokens
//! bound to a key or a certificate; a client that lacks one of these does not compile.
//!
//! ```
//! use tower_fapi::{
//!     client::{AuthorizationRequest, AuthorizationResponse, Client, ClientError},
//!     jose::{JwsAlgorithm, SigningKey},
//! };
//!
//! # let made = rcgen::generate_simple_self_signed(["as.example.com".to_owned()])?;
//! # let roots = tower_fapi::client::TrustedRoots::from_pem(made.cert.pem().as_bytes())?;
//! let client = Client::builder("https://as.example.com".parse()?, "accounting-app")
//!     .private_key_jwt(SigningKey::generate(JwsAlgorithm::Es256)?)
//!     .dpop(SigningKey::generate(JwsAlgorithm::Es256)?)
//! #   .trusted_roots(roots)
//!     .build()?;
//!
//! // What a web application does when somebody wants to connect an account …
//! async fn connect(client: &Client) -> Result<String, Box<dyn std::error::Error>> {
//!     let request = AuthorizationRequest::new("https://app.example.com/callback")?.scope("openid accounts")?;
//!     let pending = client.authorize(&request).await?;
//!     // … keeps `pending.secret_json()` in that browser's session and sends the browser to `pending.url()` …
//! #   let callback_query = pending.url().query().unwrap_or_default();
//!     // … and when it comes back:
//!     let response = AuthorizationResponse::from_query(callback_query)?;
//!     let tokens = client.complete(&pending, &response).await?;
//!     let person = tokens.id_token().ok_or("nobody")?; // always there: `openid` was asked for
//!     println!("{} of {} has signed in", person.subject(), person.issuer());
//!     let accounts = client.get("https://api.example.com/accounts", &tokens).await?;
//!     Ok(String::from_utf8_lossy(accounts.body()).into_owned())
//! }
//! # let _ = connect(&client);
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```
//!
//! Later there are [`Client::refresh`], [`Client::userinfo`], [`Client::revoke`] and [`Client::log_out`]; for the client itself,
//! without anybody in front of a browser, [`Client::client_credentials`].
//!
//! # What the client is registered for
//!
//! | registered | built with |
//! |---|---|
//! | `token_endpoint_auth_method`: `private_key_jwt` | [`private_key_jwt`](ClientBuilder::private_key_jwt) |
//! | `tls_client_auth`, `self_signed_tls_client_auth` | [`mutual_tls`](ClientBuilder::mutual_tls) |
//! | `dpop_bound_access_tokens` | `dpop`, after either |
//! | `tls_client_certificate_bound_access_tokens` | [`certificate_bound`](ClientBuilder::certificate_bound), after `mutual_tls` or, with `private_key_jwt`, [`over_mutual_tls`](ClientBuilder::over_mutual_tls) |
//! | `request_object_signing_alg` | [`signed_requests`](ClientBuilder::signed_requests) |
//! | `request_object_encryption_alg` | [`encrypted_requests`](ClientBuilder::encrypted_requests) |
//! | `authorization_signed_response_alg` | [`signed_responses`](ClientBuilder::signed_responses) |
//! | `authorization_encrypted_response_alg` | [`encrypted_responses`](ClientBuilder::encrypted_responses) |
//! | `id_token_signed_response_alg` | [`id_token_algorithm`](ClientBuilder::id_token_algorithm) |
//! | `id_token_encrypted_response_alg` | [`encrypted_id_tokens`](ClientBuilder::encrypted_id_tokens) |
//! | `userinfo_signed_response_alg` | [`signed_userinfo`](ClientBuilder::signed_userinfo) |
//! | `userinfo_encrypted_response_alg` | [`encrypted_userinfo`](ClientBuilder::encrypted_userinfo) |
//! | `introspection_signed_response_alg` | [`signed_introspection`](ClientBuilder::signed_introspection) |
//! | `introspection_encrypted_response_alg` | [`encrypted_introspection`](ClientBuilder::encrypted_introspection) |
//!
//! What is demanded is refused when it comes in a weaker form. Everything is signed with PS256, ES256 or `EdDSA`.

mod back_channel;
mod builder;
mod challenge;
#[expect(
    clippy::module_inception,
    reason = "the room is named for what it holds"
)]
mod client;
mod client_credentials;
mod endpoints;
mod error;
mod grants;
mod id_token;
mod id_token_error;
mod introspection;
mod jwt;
mod logout;
mod nonces;
mod openid_request;
mod openid_settings;
mod pending;
mod pkce;
mod request;
mod resource;
mod response;
mod revocation;
mod secret;
mod server_keys;
mod server_text;
mod sign_in;
mod signed_request;
mod signed_response;
mod step_up;
mod token_response;
mod token_set;
mod user_info;

pub use self::{
    builder::{ClientBuilder, ClientConfigError, DangerousClientBuilder, step},
    client::Client,
    client_credentials::ClientCredentialsRequest,
    error::{AuthorizationServerError, ClientError, Endpoint},
    id_token::IdToken,
    id_token_error::IdTokenError,
    introspection::IntrospectedToken,
    logout::{LogoutRequest, LogoutReturnError, PendingLogout},
    openid_request::Prompt,
    pending::{AuthorizationCode, InvalidPending, PendingAuthorization},
    request::{AuthorizationRequest, InvalidRequest},
    response::{AuthorizationResponse, CallbackError},
    secret::{RandomFailure, SecretText},
    server_text::ServerText,
    step_up::StepUpChallenge,
    token_set::{InvalidTokenSet, TokenSet, TokenType},
    user_info::{UserInfo, UserInfoError},
};
pub use crate::issuer::{ClientCertificate, InvalidPem, TransportError, TrustedRoots};
