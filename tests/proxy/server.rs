//! The API behind: this crate in front of a handler that tells what it sees.

use std::{collections::BTreeMap, net::SocketAddr};

use axum::{Extension, Json, Router, http::HeaderMap, routing::get};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tower_fapi::{
    issuer::IssuerKeys,
    layer::FapiLayer,
    mtls::PeerCertificate,
    resource_server::{ResourceServer, ResourceServerBuilder, TrustedIssuer},
    testing::{DpopKey, TestIssuer},
    time::{Clock as _, SystemClock, Timestamp},
    tls::Server,
};

use crate::client::{HOST, Pair};

pub struct Api {
    pub issuer: TestIssuer,
    pub key: DpopKey,
    /// The certificate of whatever stands in front.
    pub front: Pair,
    pub server: ResourceServer,
}

impl Api {
    pub fn new(set: impl FnOnce(ResourceServerBuilder) -> ResourceServerBuilder) -> Self {
        crate::emitted::watch();
        let issuer = TestIssuer::new("https://as.example.com", "https://api.example.com");
        let keys = IssuerKeys::fixed(&issuer.jwks()).unwrap();
        let trusted = TrustedIssuer::new(issuer.issuer(), keys);
        let builder = ResourceServer::builder("https://api.example.com", trusted);
        Self {
            issuer,
            key: DpopKey::generate(),
            front: Pair::new(HOST),
            server: set(builder).build().unwrap(),
        }
    }

    /// `/v1/accounts` is all there is.
    pub fn app(&self) -> Router {
        Router::new()
            .route("/v1/accounts", get(tell))
            .layer(FapiLayer::new(self.server.clone()))
    }

    /// Served by this crate in plain HTTP on loopback.
    pub async fn listen(&self) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(Server::plain_http().serve(listener, self.app()));
        address
    }

    /// A token for the holder of this certificate.
    pub fn token_for(&self, certificate: &Pair) -> String {
        let token = self.issuer.token(now());
        token.bound_to_certificate(certificate.thumbprint()).mint()
    }

    /// A token for the holder of the key, with a proof for this URL.
    pub fn token_and_proof(&self, url: &str) -> (String, String) {
        let token = self.issuer.token(now());
        let token = token.bound_to_key(self.key.thumbprint()).mint();
        let proof = self.key.proof("GET", url, now());
        let proof = proof.access_token(&token).sign();
        (token, proof)
    }
}

fn now() -> Timestamp {
    SystemClock.now()
}

async fn tell(certificate: Option<Extension<PeerCertificate>>, headers: HeaderMap) -> Json<Value> {
    let headers: BTreeMap<_, _> = headers
        .iter()
        .map(|(name, value)| (name.as_str(), String::from_utf8_lossy(value.as_bytes())))
        .collect();
    let certificate = certificate.map(|Extension(it)| it.thumbprint().to_string());
    Json(json!({ "certificate": certificate, "headers": headers }))
}
