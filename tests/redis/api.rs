//! The API that instances serve, and a client that calls it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{
    Json, Router,
    extract::State,
    routing::{get, post},
};
use tower_fapi::{
    dpop::{NonceSecret, Nonces},
    issuer::IssuerKeys,
    jose::JwkSet,
    layer::FapiLayer,
    replay::ReplayStore,
    resource_server::{ResourceServer, ResourceServerBuilder, TrustedIssuer},
    testing::{DpopKey, TestIssuer},
    time::Timestamp,
};

pub const API: &str = "https://api.example.com";
pub const ISSUER: &str = "https://as.example.com";

/// Secrets by a byte each: the current one and the others.
pub type Secrets = Vec<u8>;

pub fn nonces(secrets: &[u8], lifetime: Duration) -> Arc<Nonces> {
    let nonces = Nonces::new(&secret(secrets[0]), lifetime).unwrap();
    set_secrets(&nonces, secrets);
    Arc::new(nonces)
}

pub fn set_secrets(nonces: &Nonces, secrets: &[u8]) {
    let others: Vec<_> = secrets[1..].iter().copied().map(secret).collect();
    nonces.set_secrets(&secret(secrets[0]), &others).unwrap();
}

fn secret(byte: u8) -> NonceSecret {
    NonceSecret::from_bytes([byte; 32])
}

pub fn resource_server(keys: &JwkSet, store: impl ReplayStore) -> ResourceServerBuilder {
    let issuer = TrustedIssuer::new(ISSUER, IssuerKeys::fixed(keys).unwrap());
    ResourceServer::builder(API, issuer).replay_store(store)
}

/// `/accounts` is protected; `/served` tells how often it was reached, and `/secrets` takes new secrets for nonces.
pub fn router(server: ResourceServer, nonces: Option<Arc<Nonces>>) -> Router {
    let counter = Arc::new(AtomicUsize::new(0));
    let accounts = |State(served): State<Arc<AtomicUsize>>| async move {
        served.fetch_add(1, Ordering::SeqCst);
        "[]"
    };
    let count = |State(served): State<Arc<AtomicUsize>>| async move {
        served.load(Ordering::SeqCst).to_string()
    };
    let change = |Json(secrets): Json<Secrets>| async move {
        set_secrets(&nonces.expect("there are nonces"), &secrets);
    };
    Router::new()
        .route("/accounts", get(accounts))
        .layer(FapiLayer::new(server))
        .route("/served", get(count))
        .route("/secrets", post(change))
        .with_state(counter)
}

/// A client with a token.
pub struct Client {
    key: DpopKey,
    token: String,
}

impl Client {
    pub fn new(issuer: &TestIssuer, now: Timestamp) -> Self {
        crate::emitted::watch();
        let key = DpopKey::generate();
        let token = issuer.token(now).bound_to_key(key.thumbprint()).mint();
        Self { key, token }
    }

    /// Header lines with a new proof.
    pub fn headers(&self, now: Timestamp, nonce: Option<&str>) -> String {
        let proof = self.key.proof("GET", &format!("{API}/accounts"), now);
        let proof = proof.access_token(&self.token);
        let proof = match nonce {
            Some(nonce) => proof.nonce(nonce),
            None => proof,
        };
        format!(
            "authorization: DPoP {}\r\ndpop: {}\r\n",
            self.token,
            proof.sign()
        )
    }
}
