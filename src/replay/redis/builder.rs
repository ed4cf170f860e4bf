//! Settings of the Redis store.

use std::{fmt, sync::Arc, time::Duration};

use rustls::{
    ClientConfig,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, pem::PemObject as _},
};
use rustls_platform_verifier::Verifier;

use super::RedisReplayStore;
use crate::redis::{Client, Links, ParsedUrl, RedisConfigError};

/// Settings of a [`RedisReplayStore`], each with a default.
#[must_use = "there is no store before `build`"]
pub struct RedisReplayStoreBuilder {
    url: ParsedUrl,
    prefix: String,
    limit: Duration,
    max_waiting: usize,
    proof_lifetime: Duration,
    roots: Vec<CertificateDer<'static>>,
    tls: Option<Arc<ClientConfig>>,
    accept_eviction: bool,
    replicas: u8,
}

impl RedisReplayStoreBuilder {
    /// The most bytes of a key prefix.
    pub const MAX_KEY_PREFIX: usize = 64;

    pub(super) fn new(url: &str) -> Result<Self, RedisConfigError> {
        let url = ParsedUrl::parse(url)?;
        // Finds out early what `build` would.
        url.plain()?;
        Ok(Self {
            url,
            prefix: "tower-fapi:replay:".to_owned(),
            limit: Duration::from_millis(500),
            max_waiting: 10_000,
            proof_lifetime: Duration::from_secs(60),
            roots: Vec::new(),
            tls: None,
            accept_eviction: false,
            replicas: 0,
        })
    }

    /// Sets what the keys of all records begin with; `tower-fapi:replay:` unless set.
    ///
    /// Services that accept the same tokens share a prefix. For others it does not matter: proofs of different issuers
    /// and keys never meet.
    ///
    /// # Errors
    ///
    /// [`RedisConfigError::KeyPrefix`] if it has more than [`MAX_KEY_PREFIX`](Self::MAX_KEY_PREFIX) bytes.
    pub fn key_prefix(mut self, prefix: impl Into<String>) -> Result<Self, RedisConfigError> {
        self.prefix = prefix.into();
        if self.prefix.len() > Self::MAX_KEY_PREFIX {
            return Err(RedisConfigError::KeyPrefix(self.prefix.len()));
        }
        Ok(self)
    }

    /// Sets how long a request waits for Redis, connecting included, before it is answered 503; 500 ms unless set.
    ///
    /// # Errors
    ///
    /// [`RedisConfigError::ResponseTimeLimit`] if it is not 10 ms to 10 s.
    pub fn response_time_limit(mut self, limit: Duration) -> Result<Self, RedisConfigError> {
        if !(10..=10_000).contains(&limit.as_millis()) {
            return Err(RedisConfigError::ResponseTimeLimit(limit));
        }
        self.limit = limit;
        Ok(self)
    }

    /// Sets how many commands may wait for their answers at a time; 10 000 unless set. Further requests are answered 503 at
    /// once, so that a slow server does not fill the memory of this one.
    ///
    /// # Errors
    ///
    /// [`RedisConfigError::MaxWaiting`] if it is zero or more than a million.
    pub fn max_waiting(mut self, commands: usize) -> Result<Self, RedisConfigError> {
        if !(1..=1_000_000).contains(&commands) {
            return Err(RedisConfigError::MaxWaiting(commands));
        }
        self.max_waiting = commands;
        Ok(self)
    }

    /// Sets how old a proof may become, as the first of [`ProofWindow::new`](crate::dpop::ProofWindow::new) does; 60 s
    /// unless set, which is the default there.
    ///
    /// When Redis comes back as another process than before, the former's last records may be lost. Proofs that were issued
    /// before are then answered [`StoreError::Unavailable`](crate::replay::StoreError::Unavailable), and this tells them from those
    /// that were issued since. (A proof of a client whose clock is ahead can have been issued some seconds later by that
    /// clock; it is not told apart.) Too long a time costs honest clients that much longer an outage. Zero turns it off,
    /// for records that have nothing to do with proofs, and no common lifetime.
    ///
    /// # Errors
    ///
    /// [`RedisConfigError::ProofLifetime`] if it is more than an hour.
    pub fn proof_lifetime(mut self, lifetime: Duration) -> Result<Self, RedisConfigError> {
        if lifetime > Duration::from_secs(3600) {
            return Err(RedisConfigError::ProofLifetime(lifetime));
        }
        self.proof_lifetime = lifetime;
        Ok(self)
    }

    /// Waits after each record until so many replicas have it, too (`WAIT`); none unless set.
    ///
    /// A replica that takes over then knows of every answer that was given. Where fewer confirm within half of the response
    /// time limit, the request is answered 503, and the record is there nevertheless: what it was for is used up. The
    /// connection waits along, so that each record costs the way to the replicas and back for all that come after it.
    pub const fn wait_for_replicas(mut self, replicas: u8) -> Self {
        self.replicas = replicas;
        self
    }

    /// Trusts these roots (one or more PEM certificates) beside those of the system, with a `rediss` URL.
    ///
    /// # Errors
    ///
    /// [`RedisConfigError::Certificate`] if the text holds no certificate or a broken one.
    pub fn root_certificates_pem(mut self, pem: &[u8]) -> Result<Self, RedisConfigError> {
        let wrong = |reason: String| RedisConfigError::Certificate(reason);
        let roots: Vec<_> = CertificateDer::pem_slice_iter(pem)
            .collect::<Result<_, _>>()
            .map_err(|error| wrong(error.to_string()))?;
        if roots.is_empty() {
            return Err(wrong("none found".to_owned()));
        }
        self.roots.extend(roots);
        Ok(self)
    }

    /// Uses these TLS settings with a `rediss` URL, for a server that wants a certificate of its clients, or roots that
    /// are trusted alone.
    pub fn tls(mut self, config: Arc<ClientConfig>) -> Self {
        self.tls = Some(config);
        self
    }

    /// Settings that weaken the store.
    pub const fn dangerous(self) -> DangerousRedisSettings {
        DangerousRedisSettings(self)
    }

    /// Makes the store. Nothing is connected yet.
    ///
    /// # Errors
    ///
    /// [`RedisConfigError`] if TLS settings contradict each other or the URL, or the TLS library rejects a root.
    pub fn build(self) -> Result<RedisReplayStore, RedisConfigError> {
        let address = if self.url.wants_tls() {
            let tls = match self.tls {
                Some(_) if !self.roots.is_empty() => return Err(RedisConfigError::TlsTwice),
                Some(config) => config,
                None => Arc::new(system_tls(self.roots)?),
            };
            self.url.with_tls(tls)?
        } else if self.tls.is_some() || !self.roots.is_empty() {
            return Err(RedisConfigError::TlsWithoutUse);
        } else {
            self.url.plain()?
        };
        let links = Links::new(
            address,
            self.max_waiting,
            self.accept_eviction,
            self.proof_lifetime,
        );
        let client = Client::new(links, self.limit, self.max_waiting, self.replicas);
        Ok(RedisReplayStore {
            prefix: self.prefix.into(),
            client: Arc::new(client),
        })
    }
}

/// TLS that trusts what the system trusts, and these. The cryptography is given by value: another crate in the program may
/// have made another choice for the process.
fn system_tls(roots: Vec<CertificateDer<'static>>) -> Result<ClientConfig, RedisConfigError> {
    let wrong = |error: rustls::Error| RedisConfigError::Tls(error.to_string());
    let provider = Arc::new(aws_lc_rs::default_provider());
    let verifier = Verifier::new_with_extra_roots(roots, Arc::clone(&provider)).map_err(wrong)?;
    Ok(ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(wrong)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth())
}

/// Settings that no production system should need.
///
/// They are reached only through `.dangerous()`, so that one search over a code base finds every use.
#[derive(Debug)]
#[must_use = "choose a setting, which gives the builder back"]
pub struct DangerousRedisSettings(RedisReplayStoreBuilder);

impl DangerousRedisSettings {
    /// Takes a server that forgets records when its memory is full: one with a limit (`maxmemory`) and another policy
    /// than `noeviction`. It is refused otherwise, as far as `INFO` is permitted and tells.
    ///
    /// All such policies may drop a record before its time, and its proof can then be replayed.
    pub fn accept_eviction(mut self) -> RedisReplayStoreBuilder {
        self.0.accept_eviction = true;
        self.0
    }
}

/// Without the URL, which may hold a password.
impl fmt::Debug for RedisReplayStoreBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisReplayStoreBuilder")
            .field("key_prefix", &self.prefix)
            .field("response_time_limit", &self.limit)
            .field("max_waiting", &self.max_waiting)
            .field("proof_lifetime", &self.proof_lifetime)
            .field("wait_for_replicas", &self.replicas)
            .finish_non_exhaustive()
    }
}
