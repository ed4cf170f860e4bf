//! Settings of a resource server.

use std::{
    fmt,
    sync::{Arc, atomic::AtomicI64},
    time::Duration,
};

#[cfg(feature = "discovery")]
use super::introspected::Introspectors;
#[cfg(feature = "authorization-server")]
use super::own_tokens::OwnTokens;
use super::{
    Binding, ConfigError, DangerousSettings, PathPrefix, Profile, PublicUrl, ResourceMetadata,
    ResourceServer, ServedHost, TrustedIssuer, TrustedProxies,
    encryption::TokenEncryption,
    metadata::{Described, PublishedMetadata},
    profile::Enforcement,
    server::Inner,
    token_cache::TokenCache,
    url::UrlRules,
};
use crate::{
    audit::AuditSink,
    dpop::{Nonces, ProofPolicy, ProofVerifier},
    jose::jwe::{AcceptedEncryption, DecryptionKeyRing},
    rejection::Challenges,
    replay::{MemoryReplayStore, ReplayStore},
    time::{Clock, SystemClock},
    token::RevocationCheck,
};

/// Settings of a resource server. Everything not set follows FAPI 2.0.
#[must_use]
pub struct ResourceServerBuilder {
    audiences: Vec<String>,
    issuers: Vec<TrustedIssuer>,
    profile: Profile,
    pub(super) enforcement: Enforcement,
    binding: Option<Binding>,
    metadata: Option<ResourceMetadata>,
    url: UrlRules,
    proxies: Option<TrustedProxies>,
    proofs: ProofPolicy,
    nonces: Option<Arc<Nonces>>,
    replay: Option<Arc<dyn ReplayStore>>,
    encryption: TokenEncryption,
    revocation: Option<Arc<dyn RevocationCheck>>,
    #[cfg(feature = "authorization-server")]
    own_tokens: Option<OwnTokens>,
    max_token_bytes: usize,
    token_cache_bytes: u64,
    clock_skew: Duration,
    json_bodies: bool,
    grpc_answers: bool,
    clock: Arc<dyn Clock>,
    audit: Option<Arc<dyn AuditSink>>,
}

impl ResourceServerBuilder {
    pub(super) fn new(audience: String, issuer: TrustedIssuer) -> Self {
        Self {
            audiences: vec![audience],
            issuers: vec![issuer],
            profile: Profile::default(),
            enforcement: Enforcement::default(),
            binding: None,
            metadata: None,
            url: UrlRules::default(),
            proxies: None,
            proofs: ProofPolicy::default(),
            nonces: None,
            replay: None,
            encryption: TokenEncryption::default(),
            revocation: None,
            #[cfg(feature = "authorization-server")]
            own_tokens: None,
            max_token_bytes: 16 * 1024,
            token_cache_bytes: 64 * 1024 * 1024,
            clock_skew: Duration::from_secs(10),
            json_bodies: true,
            grpc_answers: true,
            clock: Arc::new(SystemClock),
            audit: None,
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

    /// Follows this profile; the FAPI 2.0 Security Profile unless set.
    pub fn profile(mut self, profile: Profile) -> Self {
        self.profile = profile;
        self
    }

    /// Demands one way of binding; what the profile allows unless set.
    pub fn binding(mut self, binding: Binding) -> Self {
        self.binding = Some(binding);
        self
    }

    /// Publishes metadata (RFC 9728): challenges say where it is, and
    /// [`ResourceMetadataService`](crate::layer::ResourceMetadataService) serves it. What it says of issuers and bindings
    /// follows from these settings; the first audience is its `resource`.
    pub fn metadata(mut self, metadata: ResourceMetadata) -> Self {
        self.metadata = Some(metadata);
        self
    }

    /// Tells where clients find this server, when a proxy in front changes host or path.
    ///
    /// Unless set, the URL of a request is what [trusted proxies](Self::trusted_proxies) tell, or else what the request says:
    /// `https`, its host, its path. The host is then the sender's word: whoever has got hold of a request to another server
    /// that accepts the same token, such as that server itself, can pass it on to this one under the other's name. Set this
    /// where clients know one URL, and [`hosts`](Self::hosts) where they know several.
    pub fn public_url(mut self, url: PublicUrl) -> Self {
        self.url.public_url = Some(url);
        self
    }

    /// Sets the hosts that clients may ask for; any unless set. A request that means another is refused.
    ///
    /// Whether it is the request that names the host or a trusted proxy, it is what the client has sent. See
    /// [`public_url`](Self::public_url) for what comes of believing it.
    pub fn hosts(mut self, hosts: impl IntoIterator<Item = ServedHost>) -> Self {
        self.url.hosts = hosts.into_iter().collect();
        self
    }

    /// Sets what a proxy puts in front of the path, and clients do not know of.
    ///
    /// It is taken off before what clients do see is put in front; a path without it is refused. What a proxy takes off the
    /// path is part of the [public URL](Self::public_url), or told by the proxy.
    pub fn internal_prefix(mut self, prefix: PathPrefix) -> Self {
        self.url.internal_prefix = Some(prefix);
        self
    }

    /// Trusts proxies in front to tell the client's certificate and the URL it meant; none unless set.
    ///
    /// [Behind a proxy](crate::guide::behind_a_proxy) has the settings for those in common use.
    pub fn trusted_proxies(mut self, proxies: TrustedProxies) -> Self {
        self.proxies = Some(proxies);
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

    /// Takes encrypted access tokens (JWE), decrypting them with these keys. Plain ones are taken as before, unless
    /// [`require_encryption`](Self::require_encryption) says otherwise.
    ///
    /// What is inside has to be a signed JWT that would be accepted in the clear; claims that nobody has signed are never
    /// believed. A proof's `ath` is over the token as it is sent. Give a [`DecryptionKeyRing`] to change the keys later, and
    /// publish them with a [`JwksService`](crate::layer::JwksService). A token that was accepted while its key was there stays
    /// accepted until its end or until it is forgotten: encryption keeps secrets, and who vouches for the token is its issuer.
    ///
    /// # Cost
    ///
    /// Decrypting under RSA takes about a millisecond of CPU, the others a quarter of that or less, and anybody can send
    /// garbage. So a token is decrypted only when all else holds: the proof of its sender is right in everything but whose key
    /// has to sign it, or the connection has a client certificate. What is left to a stranger is to sign a proof for each
    /// attempt. Prefer ECDH-ES where the authorization server offers it, and give every key a `kid`: without one, several
    /// keys may have to be tried. A token that has been accepted is remembered, and not decrypted again.
    ///
    /// ```
    /// use tower_fapi::{
    ///     issuer::IssuerKeys,
    ///     jose::{JwkSet, jwe::DecryptionKey},
    ///     resource_server::{ResourceServer, TrustedIssuer},
    /// };
    ///
    /// // Kept where only this server can read it; `PrivateJwk::generate_for_decryption` makes such keys.
    /// let stored = r#"{"kty":"EC","crv":"P-256","use":"enc","alg":"ECDH-ES+A256KW","kid":"2026-01",
    ///     "x":"weNJy2HscCSM6AEDTDg04biOvhFhyyWvOHQfeF_PxMQ",
    ///     "y":"e8lnCO-AlStT-NJVX-crhB7QRYhiix03illJOVAOyck",
    ///     "d":"VEmDZpDXXK8p8N0Cndsxs924q6nS1RXFASRl6BfUqdw"}"#;
    /// let key: DecryptionKey = stored.parse()?;
    ///
    /// # let issuer = TrustedIssuer::new("https://as.example.com", IssuerKeys::fixed(&JwkSet::new([
    /// #     tower_fapi::jose::SigningKey::generate(tower_fapi::jose::JwsAlgorithm::Es256)?.public().clone(),
    /// # ]))?);
    /// let server = ResourceServer::builder("https://api.example.com", issuer)
    ///     .decryption_keys(key)
    ///     .require_encryption()
    ///     .build()?;
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    pub fn decryption_keys(mut self, keys: impl Into<DecryptionKeyRing>) -> Self {
        self.encryption.keys = Some(keys.into());
        self
    }

    /// Sets how access tokens may be encrypted: with everything but `RSA-OAEP` with SHA-1 unless set.
    pub fn accepted_encryption(mut self, accepted: AcceptedEncryption) -> Self {
        self.encryption.accepted = accepted;
        self
    }

    /// Refuses access tokens that are JWTs in the clear.
    pub fn require_encryption(mut self) -> Self {
        self.encryption.required = true;
        self
    }

    /// Asks this, too, whether a token was revoked: for each request, after everything else was found good.
    ///
    /// Where the issuer knows, `TrustedIssuer::introspect` asks it.
    pub fn revocation_check(mut self, check: impl RevocationCheck) -> Self {
        self.revocation = Some(Arc::new(check));
        self
    }

    /// Asks the issuer, which is in this very process, about every token, and takes proofs for these URLs.
    #[cfg(feature = "authorization-server")]
    pub(crate) fn own_tokens(mut self, own: OwnTokens) -> Self {
        self.own_tokens = Some(own);
        self
    }

    /// Sets the clock that somebody else has, too.
    #[cfg(feature = "authorization-server")]
    pub(crate) fn shared_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Sets how many bytes of access token are read at all; 16 KiB unless set.
    pub fn max_token_bytes(mut self, bytes: usize) -> Self {
        self.max_token_bytes = bytes;
        self
    }

    /// Sets how many bytes verified tokens may occupy; 64 MiB unless set.
    ///
    /// Each counts for 2 KiB and four times its length, which is generous: 64 MiB hold 11 900 tokens of 900 bytes. Those that
    /// are used again and again stay when a multitude comes by once. One that is not kept is verified again: so let there be
    /// room for as many as are in use at a time, and a tenth more, because the room is divided among parts that are locked apart.
    /// A token that would take more than 170 KiB may not be kept. Zero keeps none.
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

    /// Sets who is told of every decision, beside the log.
    pub fn audit(mut self, sink: impl AuditSink) -> Self {
        self.audit = Some(Arc::new(sink));
        self
    }

    /// Puts the resource server together.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if the settings contradict each other or the profile.
    pub fn build(mut self) -> Result<ResourceServer, ConfigError> {
        let settings = self.profile.settings();
        let binding = self.binding.unwrap_or(settings.binding);
        self.check(binding)?;
        for issuer in &mut self.issuers {
            issuer
                .algorithms
                .retain(|algorithm| settings.algorithms.contains(algorithm));
        }
        #[cfg(feature = "discovery")]
        let introspectors = Introspectors::new(
            &self.issuers,
            &self.audiences,
            self.clock_skew,
            settings.signed_introspection,
        )?;
        let dpop = binding.accepts_dpop().then_some(&*self.proofs.algorithms);
        let bearer = binding.accepts_certificate() || self.enforcement.prefer_bound;
        let mut challenges = Challenges::new(dpop, bearer);
        let metadata = self
            .metadata
            .take()
            .map(|metadata| self.publish(metadata, binding));
        let metadata = metadata.transpose()?;
        if let Some(metadata) = &metadata {
            challenges = challenges.with_resource_metadata(&metadata.url);
        }
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
            binding,
            settings,
            enforcement: self.enforcement,
            metadata,
            url: self.url,
            proxies: self.proxies.unwrap_or_default(),
            proofs,
            tokens: TokenCache::new(self.token_cache_bytes),
            encryption: self.encryption,
            #[cfg(feature = "discovery")]
            introspectors,
            revocation: self.revocation,
            #[cfg(feature = "authorization-server")]
            own_tokens: self.own_tokens,
            replay: self.replay.unwrap_or_else(|| {
                Arc::new(MemoryReplayStore::new(MemoryReplayStore::DEFAULT_CAPACITY))
            }),
            max_token_bytes: self.max_token_bytes,
            clock_skew: self.clock_skew,
            challenges,
            grpc_answers: self.grpc_answers,
            clock: self.clock,
            audit: self.audit,
            gauges_set: AtomicI64::new(i64::MIN),
        })))
    }

    /// Opens the settings that weaken the profile, which are for the time in which a live API moves to it.
    pub const fn dangerous(self) -> DangerousSettings {
        DangerousSettings::new(self)
    }

    fn check(&self, binding: Binding) -> Result<(), ConfigError> {
        let (profile, settings) = (self.profile, self.profile.settings());
        if !settings.binding.includes(binding) {
            return Err(ConfigError::WiderThanProfile { profile, binding });
        }
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
            let accepted = |algorithm| settings.algorithms.contains(algorithm);
            if !issuer.algorithms.iter().any(accepted) {
                return Err(ConfigError::NoAlgorithm(issuer.issuer.clone()));
            }
        }
        if self.proofs.algorithms.is_empty() {
            return Err(ConfigError::NoAlgorithm("DPoP proofs".to_owned()));
        }
        if self.encryption.required && self.encryption.keys.is_none() {
            return Err(ConfigError::NoDecryptionKeys);
        }
        let accepted = &self.encryption.accepted;
        if accepted.algorithms().is_empty() || accepted.encryptions().is_empty() {
            return Err(ConfigError::NoEncryption);
        }
        if !(10..=60).contains(&self.clock_skew.as_secs()) {
            return Err(ConfigError::ClockSkew(self.clock_skew));
        }
        if let Some(proxies) = &self.proxies {
            proxies.check()?;
        }
        if self.url.public_url.is_some() {
            if self
                .proxies
                .as_ref()
                .is_some_and(TrustedProxies::tell_the_url)
            {
                return Err(ConfigError::UrlTwice);
            }
            if !self.url.hosts.is_empty() {
                return Err(ConfigError::HostsWithPublicUrl);
            }
        }
        Ok(())
    }

    fn publish(
        &self,
        metadata: ResourceMetadata,
        binding: Binding,
    ) -> Result<PublishedMetadata, ConfigError> {
        let issuers = self.issuers.iter();
        let described = Described {
            resource: self.audiences.first().map_or("", String::as_str),
            issuers: issuers.map(|issuer| &*issuer.issuer).collect(),
            binding,
            proof_algorithms: &self.proofs.algorithms,
        };
        PublishedMetadata::new(metadata, &described)
    }
}

impl fmt::Debug for ResourceServerBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResourceServerBuilder")
            .field("audiences", &self.audiences)
            .field("issuers", &self.issuers)
            .field("profile", &self.profile)
            .field("binding", &self.binding)
            .finish_non_exhaustive()
    }
}
