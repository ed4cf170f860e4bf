//! Settings of a resource server.

use std::{fmt, sync::Arc, time::Duration};

use super::{
    Binding, ConfigError, PublicUrl, ResourceServer, TrustedIssuer, server::Inner,
    token_cache::TokenCache,
};
use crate::{
    dpop::{Nonces, ProofPolicy, ProofVerifier},
    rejection::Challenges,
    replay::{MemoryReplayStore, ReplayStore},
    time::{Clock, SystemClock},
};

/// Settings of a resource server. Everything not set follows FAPI 2.0.
#[must_use]
pub struct ResourceServerBuilder {
    audiences: Vec<String>,
    issuers: Vec<TrustedIssuer>,
    binding: Binding,
    public_url: Option<PublicUrl>,
    proofs: ProofPolicy,
    nonces: Option<Arc<Nonces>>,
    replay: Option<Arc<dyn ReplayStore>>,
    max_token_bytes: usize,
    token_cache_bytes: u64,
    clock_skew: Duration,
    json_bodies: bool,
    grpc_answers: bool,
    clock: Arc<dyn Clock>,
}

impl ResourceServerBuilder {
    pub(super) fn new(audience: String, issuer: TrustedIssuer) -> Self {
        Self {
            audiences: vec![audience],
            issuers: vec![issuer],
            binding: Binding::default(),
            public_url: None,
            proofs: ProofPolicy::default(),
            nonces: None,
            replay: None,
            max_token_bytes: 16 * 1024,
            token_cache_bytes: 64 * 1024 * 1024,
            clock_skew: Duration::from_secs(10),
            json_bodies: true,
            grpc_answers: true,
            clock: Arc::new(SystemClock),
        }
    }

    /// Trusts another authorization server beside the first.
    pub fn issuer(mut self, issuer: TrustedIssuer) -> Self {
        self.issuers.push(issuer);
        self
    }

    /// Accepts tokens issued for this name, too.
    pub fn audience(mut self, audience: impl Into<String>) -> Self {
        self.audiences.push(audience.into());
        self
    }

    /// Demands one way of binding; either will do unless set.
    pub fn binding(mut self, binding: Binding) -> Self {
        self.binding = binding;
        self
    }

    /// Tells where clients find this server, when a proxy in front changes host or path.
    ///
    /// Unless set, the URL of a request is taken from the request: `https`, its host, its path. The host is then the
    /// sender's word: whoever has got hold of a request to another server that accepts the same token can pass it on to
    /// this one under the other's name. Set it where an audience has more than one host, or let nothing through whose
    /// `Host` is not yours.
    pub fn public_url(mut self, url: PublicUrl) -> Self {
        self.public_url = Some(url);
        self
    }

    /// Sets what is accepted as a DPoP proof.
    pub fn proofs(mut self, policy: ProofPolicy) -> Self {
        self.proofs = policy;
        self
    }

    /// Demands a nonce in every proof (RFC 9449 §9); none unless set.
    pub fn nonces(mut self, nonces: Arc<Nonces>) -> Self {
        self.nonces = Some(nonces);
        self
    }

    /// Sets where accepted proofs are recorded; in this process unless set.
    ///
    /// Several instances have to share one store, or a proof accepted by one can be replayed at another.
    pub fn replay_store(mut self, store: impl ReplayStore) -> Self {
        self.replay = Some(Arc::new(store));
        self
    }

    /// Sets how many bytes of access token are read at all; 16 KiB unless set.
    pub fn max_token_bytes(mut self, bytes: usize) -> Self {
        self.max_token_bytes = bytes;
        self
    }

    /// Sets how many bytes verified tokens may occupy, roughly; 64 MiB unless set.
    pub fn token_cache_bytes(mut self, bytes: u64) -> Self {
        self.token_cache_bytes = bytes;
        self
    }

    /// Sets how far ahead of this clock `iat` and `nbf` of a token may lie: whole seconds, 10 s unless set.
    pub fn clock_skew(mut self, skew: Duration) -> Self {
        self.clock_skew = skew;
        self
    }

    /// Leaves out the JSON bodies of refusals, which repeat what the challenge says.
    pub fn without_json_bodies(mut self) -> Self {
        self.json_bodies = false;
        self
    }

    /// Answers gRPC calls like all other requests, with the HTTP status of the refusal.
    ///
    /// Otherwise a refused gRPC call is answered as gRPC clients read it, with the status 200 and the refusal in
    /// `grpc-status`. That must not happen where the HTTP status is the verdict: when a proxy asks this server in a
    /// subrequest (forward authentication) and passes the method and the `Content-Type` of its client on.
    pub fn without_grpc_answers(mut self) -> Self {
        self.grpc_answers = false;
        self
    }

    /// Sets the clock; the system's unless set.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Puts the resource server together.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if the settings contradict each other or the profile.
    pub fn build(self) -> Result<ResourceServer, ConfigError> {
        self.check()?;
        let dpop = self
            .binding
            .accepts_dpop()
            .then_some(&*self.proofs.algorithms);
        let mut challenges = Challenges::new(dpop, self.binding.accepts_certificate());
        if !self.json_bodies {
            challenges = challenges.without_json_bodies();
        }
        let mut proofs = ProofVerifier::new(self.proofs);
        if let Some(nonces) = self.nonces {
            proofs = proofs.with_nonces(nonces);
        }
        Ok(ResourceServer(Arc::new(Inner {
            audiences: self.audiences,
            issuers: self.issuers,
            binding: self.binding,
            public_url: self.public_url,
            proofs,
            tokens: TokenCache::new(self.token_cache_bytes),
            replay: self.replay.unwrap_or_else(|| {
                Arc::new(MemoryReplayStore::new(MemoryReplayStore::DEFAULT_CAPACITY))
            }),
            max_token_bytes: self.max_token_bytes,
            clock_skew: self.clock_skew,
            challenges,
            grpc_answers: self.grpc_answers,
            clock: self.clock,
        })))
    }

    fn check(&self) -> Result<(), ConfigError> {
        if self.audiences.iter().any(String::is_empty) {
            return Err(ConfigError::EmptyAudience);
        }
        for (position, issuer) in self.issuers.iter().enumerate() {
            let before = self.issuers.iter().take(position);
            if before
                .into_iter()
                .any(|other| other.issuer == issuer.issuer)
            {
                return Err(ConfigError::DuplicateIssuer(issuer.issuer.clone()));
            }
            if issuer.algorithms.is_empty() {
                return Err(ConfigError::NoAlgorithm(issuer.issuer.clone()));
            }
        }
        if self.proofs.algorithms.is_empty() {
            return Err(ConfigError::NoAlgorithm("DPoP proofs".to_owned()));
        }
        if !(10..=60).contains(&self.clock_skew.as_secs()) {
            return Err(ConfigError::ClockSkew(self.clock_skew));
        }
        Ok(())
    }
}

impl fmt::Debug for ResourceServerBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResourceServerBuilder")
            .field("audiences", &self.audiences)
            .field("issuers", &self.issuers)
            .field("binding", &self.binding)
            .finish_non_exhaustive()
    }
}
