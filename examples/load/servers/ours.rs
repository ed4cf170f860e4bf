//! An API behind the layer of this crate.

use std::time::Duration;

use axum::{Router, routing::get};
use tower_fapi::{
    dpop::{ProofPolicy, ProofWindow},
    issuer::IssuerKeys,
    jose::JwkSet,
    layer::FapiLayer,
    replay::MemoryReplayStore,
    resource_server::{ResourceServer, TrustedIssuer},
    token::AccessToken,
};

use crate::{
    Outcome,
    arguments::{Arguments, Binding},
    folder::Folder,
};

/// Proofs are made before they are sent, and a million of them take a while.
const AGE: Duration = Duration::from_secs(300);

pub fn router(arguments: &Arguments, folder: &Folder) -> Outcome<Router> {
    let keys = IssuerKeys::fixed(&JwkSet::from_value(&folder.jwks()?)?)?;
    let mut policy = ProofPolicy::default();
    policy.window = ProofWindow::new(AGE, Duration::from_secs(10))?;
    policy.kept_keys = arguments.number("key-cache", policy.kept_keys as usize)? as u64;
    let issuer = TrustedIssuer::new(&folder.issuer, keys);
    let mut server = ResourceServer::builder(&folder.audience, issuer)
        .proofs(policy)
        .replay_store(MemoryReplayStore::new(
            arguments.number("capacity", MemoryReplayStore::DEFAULT_CAPACITY)?,
        ));
    if arguments.text("token-cache").is_some() {
        server = server.token_cache_bytes(arguments.number("token-cache", 0)? as u64);
    }
    if arguments.binding()? == Binding::Bearer {
        server = server.dangerous().prefer_bound();
    }
    let router = Router::new()
        .route("/hello", get(hello))
        .layer(FapiLayer::new(server.build()?));
    // Puts the layer around the routes now, and not around each request's copy of them.
    Ok(router.with_state(()))
}

async fn hello(token: AccessToken) -> String {
    ["Hello, ", token.subject(), "!"].concat()
}
