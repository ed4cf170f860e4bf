//! Serving over TLS, with client certificates asked for where the API wants them.
//!
//! [`Server`] answers a listener's connections with any Tower service, an axum `Router` for instance, over TLS 1.3 and
//! 1.2, HTTP/2 and HTTP/1.1. It puts two facts into each request's extensions, over anything that stood there:
//! [`PeerAddr`](crate::mtls::PeerAddr), and, when the client has proved to hold a certificate's key, a
//! [`PeerCertificate`](crate::mtls::PeerCertificate). A client without one is served all the same: what needs a
//! certificate refuses the request and not the connection, so that the client reads an answer it can act on.
//!
//! What FAPI 2.0 Security Profile §5.2 asks of the connection is not left to settings: TLS 1.2 at least (§5.2.1), and
//! of TLS 1.2 only the cipher suites that BCP 195 recommends (§5.2.2), which are the four of RFC 9325 §4.2. See
//! [`crypto_provider`].
//!
//! ```
//! use axum::{Extension, Router, routing::get};
//! use tower_fapi::{
//!     mtls::PeerCertificate,
//!     tls::{ClientCertificates, Server, ServerIdentity, ServerTls},
//! };
//!
//! async fn whoami(peer: Option<Extension<PeerCertificate>>) -> String {
//!     match peer {
//!         Some(Extension(certificate)) => certificate.thumbprint().to_string(),
//!         None => "nobody with a certificate".to_owned(),
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let own = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
//! # let (chain_pem, key_pem) = (own.cert.pem(), own.signing_key.serialize_pem());
//! let identity = ServerIdentity::from_pem(chain_pem.as_bytes(), key_pem.as_bytes())?;
//! let tls = ServerTls::new(&identity, &ClientCertificates::AnyRequested)?;
//!
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
//! // An axum router sets up its layers once, and not for each request, when it is told that all its state is there.
//! let api = Router::new().route("/whoami", get(whoami)).with_state(());
//!
//! # let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
//! # stop.send(()).ok();
//! # let ctrl_c = async { stopped.await.ok(); };
//! // Ends when the future does, after the requests in flight have been answered.
//! Server::https(tls.clone()).serve_until(listener, api, ctrl_c).await;
//!
//! // Meanwhile, elsewhere: the next connection sees the new certificate, those that are open go on.
//! # let (chain_pem, key_pem) = (own.cert.pem(), own.signing_key.serialize_pem());
//! let renewed = ServerIdentity::from_pem(chain_pem.as_bytes(), key_pem.as_bytes())?;
//! tls.reload(&renewed, &ClientCertificates::AnyRequested)?;
//! # Ok(())
//! # }
//! ```

mod activity;
mod clients;
mod config;
mod connection;
mod crypto;
mod error;
mod identity;
mod limits;
mod server;
mod sessions;
#[cfg(test)]
mod tests;

pub use clients::{ClientAuthorities, ClientCertificates};
pub use config::ServerTls;
pub use crypto::crypto_provider;
pub use error::TlsError;
pub use identity::ServerIdentity;
pub use server::Server;
