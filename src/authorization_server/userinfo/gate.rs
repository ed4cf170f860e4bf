//! What stands before the userinfo endpoint: the same layer that stands before every API.

use std::sync::Arc;

use zeroize::Zeroizing;

use crate::{
    authorization_server::{endpoints::Endpoint, scope::OPENID, server::Server},
    issuer::IssuerKeys,
    layer::{FapiLayer, RequireScope},
    resource_server::{ConfigError, OwnTokens, ResourceServer, TrustedIssuer, Vouch, Vouching},
    time::Timestamp,
    token::RevocationUnavailable,
};

/// What stands before the endpoint.
#[derive(Clone)]
pub(crate) struct Gate {
    pub(crate) layer: FapiLayer,
    pub(crate) scope: RequireScope,
}

/// The layers: binding, proof, nonce and replay are judged as in front of any API, and the server itself says which tokens
/// hold. What they are for (`aud`) is not asked: whoever else takes them, the person's own issuer may.
///
/// `None` where there is nothing of OpenID Connect.
pub(crate) fn gate(server: &Arc<Server>) -> Result<Option<Gate>, ConfigError> {
    let Ok(scope) = RequireScope::all_of([OPENID]) else {
        return Ok(None);
    };
    if !server.offers_openid() {
        return Ok(None);
    }
    let issuer = server.endpoints.issuer();
    let own = OwnTokens {
        issuer: Arc::new(Issuer(Arc::clone(server))),
        targets: server.endpoints.targets(Endpoint::UserInfo).to_vec(),
    };
    let trusted = TrustedIssuer::new(issuer, IssuerKeys::none());
    let mut judge = ResourceServer::builder(issuer, trusted)
        .own_tokens(own)
        .proofs(server.proofs.policy().clone())
        .replay_store(Arc::clone(&server.replay))
        .shared_clock(Arc::clone(&server.clock))
        .token_cache_bytes(0)
        .without_grpc_answers();
    if let Some(nonces) = server.proofs.nonces() {
        judge = judge.nonces(Arc::clone(nonces));
    }
    let layer = FapiLayer::new(judge.build()?);
    Ok(Some(Gate { layer, scope }))
}

/// The server, as somebody who knows its tokens.
#[derive(Debug)]
struct Issuer(Arc<Server>);

impl Vouch for Issuer {
    fn vouch(&self, token: &str, now: Timestamp) -> Vouching {
        let server = Arc::clone(&self.0);
        let token = Zeroizing::new(token.to_owned());
        Box::pin(async move {
            let active = server.active_token(&token, now).await;
            let active = active.map_err(|fault| RevocationUnavailable::new(fault.to_string()))?;
            Ok(active.map(|token| token.claims))
        })
    }
}
