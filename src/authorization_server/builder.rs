//! Putting a server together.

use std::{fmt, sync::Arc, time::Duration};

use axum::Router;

use super::{
    authentication::AuthenticationRules,
    authorization_details::{AuthorizationDetailsType, DetailsTypes},
    client_authentication::{Audiences, CertificateAuthorities, ClientAuthenticator},
    clients::{ClientAuthenticationMethod, ClientMetadata, Clients, Credential, KeySource},
    config_error::ConfigError,
    endpoints::Endpoints,
    keys::{EncryptionKeys, KeyFileError, KeyRotation, NextKey, SigningKeys},
    lifetimes::Lifetimes,
    pages::{Branding, Pages},
    people::Authenticator,
    resources::{ResourceMetadata, Resources},
    router::router,
    scope::{ScopeDescription, ScopeSet, is_scope_token},
    server::{Realms, Server},
    store::{MemoryStore, Records, Store},
    userinfo::{Gate, gate},
    without_person,
};
use crate::{
    dpop::{NonceSecret, Nonces, NoncesError, ProofPolicy, ProofVerifier},
    replay::{MemoryReplayStore, ReplayStore},
    time::{Clock, SystemClock, Timestamp},
};

/// An authorization server, ready to be mounted: see the [module](super).
///
/// Cheap to clone; clones share everything.
#[derive(Clone)]
pub struct AuthorizationServer {
    server: Arc<Server>,
    /// What stands before the userinfo endpoint, if there is one.
    userinfo: Option<Gate>,
}

impl AuthorizationServer {
    /// Begins a server whose issuer identifier is `issuer`: an `https` URL, which may have a path (RFC 8414 §2).
    pub fn builder(issuer: impl Into<String>) -> AuthorizationServerBuilder {
        AuthorizationServerBuilder {
            issuer: issuer.into(),
            mtls_base: None,
            clients: Vec::new(),
            authorities: CertificateAuthorities::default(),
            authenticator: None,
            authentication: AuthenticationRules::default(),
            keys: None,
            decryption: None,
            key_rotation: KeyRotation::default(),
            scopes: Vec::new(),
            details_types: Vec::new(),
            audience: None,
            resources: Vec::new(),
            lifetimes: Lifetimes::default(),
            clock: Arc::new(SystemClock),
            store: None,
            replay: None,
            branding: None,
            proofs: ProofPolicy::default(),
            nonces: NonceChoice::Off,
            #[cfg(feature = "discovery")]
            client_keys: None,
        }
    }

    /// The server as routes with absolute paths, to be merged into another router or served alone.
    ///
    /// The same router may be served by several listeners. The one behind the base URL for mutual TLS has to put a
    /// [`PeerCertificate`](crate::mtls::PeerCertificate) into each request's extensions.
    pub fn router(&self) -> Router {
        router(Arc::clone(&self.server), self.userinfo.as_ref())
    }

    /// Takes up what has changed in the files that the keys are from, and puts the next key into them where one has grown
    /// old ([`KeyRotation::every`]). To be called once a minute or so, and when somebody says that there is something new.
    ///
    /// # Rotation
    ///
    /// A key is replaced in three steps, none of which needs a restart. Only the first has to be asked for, with
    /// [`rotate_keys`](Self::rotate_keys) or by [`KeyRotation::every`]:
    ///
    /// 1. The next key is put into the file. All instances that read it take it up and publish it.
    /// 2. When its lead has passed the key signs. By then everybody has seen it who keeps the published keys no longer than
    ///    the lead. The one before it signs no more, and still verifies.
    /// 3. When the retention has passed as well, the old key is neither published nor used for anything.
    ///
    /// Keys to encrypt to go the same way, but the next one is published only from the second step on, and the old one
    /// no longer. Instances need the same file, or copies that are brought to all of them within the lead.
    ///
    /// A key that somebody else may know must not be kept so long. Take it out of the file and put another in, or remove the
    /// file and start all instances again: tokens that were signed with the old key are refused here at once, and elsewhere
    /// as soon as the keys are fetched again.
    ///
    /// This reads files and, rarely, makes a key; in an asynchronous program it belongs on a thread for blocking work.
    ///
    /// # Errors
    ///
    /// [`KeyFileError`] if a file cannot be used or changed. What is wrong is logged, and the former keys stay in use.
    pub fn maintain_keys(&self) -> Result<(), KeyFileError> {
        let (server, now) = (&self.server, self.server.clock.now());
        let signing = server.keys.maintain(&server.key_rotation, now);
        let decryption = server.decryption.as_ref();
        let decryption = decryption.map(|keys| keys.maintain(&server.key_rotation, now));
        signing.and(decryption.unwrap_or(Ok(())))
    }

    /// Puts the next key into the files, one for each algorithm in use, and takes them up: the first step of a rotation, as
    /// [`maintain_keys`](Self::maintain_keys) tells it. Where there is a key to come already, that is the next one.
    ///
    /// # Errors
    ///
    /// [`KeyFileError`] if a file cannot be used or changed, or the signing keys are not from a file.
    pub fn rotate_keys(&self) -> Result<Vec<NextKey>, KeyFileError> {
        let (server, now) = (&self.server, self.server.clock.now());
        let mut next = server.keys.rotate_all(&server.key_rotation, now)?;
        if let Some(keys) = &server.decryption {
            next.extend(keys.rotate_all(&server.key_rotation, now)?);
        }
        Ok(next)
    }
}

impl fmt::Debug for AuthorizationServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthorizationServer")
            .field("issuer", &self.server.endpoints.issuer())
            .finish_non_exhaustive()
    }
}

/// Builds an [`AuthorizationServer`].
///
/// Authenticator, signing keys, audience and at least one scope or type of authorization details have to be set; everything
/// else has a default.
#[must_use = "nothing is served until the server is built"]
pub struct AuthorizationServerBuilder {
    issuer: String,
    mtls_base: Option<String>,
    clients: Vec<ClientMetadata>,
    authorities: CertificateAuthorities,
    authenticator: Option<Arc<dyn Authenticator>>,
    authentication: AuthenticationRules,
    keys: Option<SigningKeys>,
    decryption: Option<EncryptionKeys>,
    key_rotation: KeyRotation,
    scopes: Vec<ScopeDescription>,
    details_types: Vec<AuthorizationDetailsType>,
    audience: Option<ResourceMetadata>,
    resources: Vec<ResourceMetadata>,
    lifetimes: Lifetimes,
    clock: Arc<dyn Clock>,
    store: Option<Arc<dyn Store>>,
    replay: Option<Arc<dyn ReplayStore>>,
    branding: Option<Branding>,
    proofs: ProofPolicy,
    nonces: NonceChoice,
    #[cfg(feature = "discovery")]
    client_keys: Option<crate::issuer::Fetcher>,
}

/// Whether proofs need a nonce.
enum NonceChoice {
    Off,
    Own,
    Shared(Arc<Nonces>),
}

/// How long the nonces of a server that makes its own are accepted.
const NONCE_LIFETIME: Duration = Duration::from_secs(5 * 60);

/// How many assertions and proofs are remembered at once unless another replay store is set.
const REPLAY_ENTRIES: usize = 1_000_000;

impl AuthorizationServerBuilder {
    /// Registers a client. What is wrong with it is found when the server is built.
    pub fn client(mut self, client: ClientMetadata) -> Self {
        self.clients.push(client);
        self
    }

    /// Registers clients.
    pub fn clients(mut self, clients: impl IntoIterator<Item = ClientMetadata>) -> Self {
        self.clients.extend(clients);
        self
    }

    /// Sets whose client certificates are believed for `tls_client_auth`: nobody's unless set (RFC 8705 §2.1).
    pub fn client_certificate_authorities(mut self, authorities: CertificateAuthorities) -> Self {
        self.authorities = authorities;
        self
    }

    /// Fetches the keys of clients and resource servers with a `jwks_uri` with this: its roots, timeout and HTTP client. One with default
    /// settings unless set.
    #[cfg(feature = "discovery")]
    pub fn client_keys_fetcher(mut self, fetcher: crate::issuer::Fetcher) -> Self {
        self.client_keys = Some(fetcher);
        self
    }

    /// Sets who decides whether somebody is who they say. Required.
    pub fn authenticator(mut self, authenticator: impl Authenticator) -> Self {
        self.authenticator = Some(Arc::new(authenticator));
        self
    }

    /// Sets what the ways of signing in are called in `acr`, and who is asked for a second factor.
    pub fn authentication_rules(mut self, rules: AuthenticationRules) -> Self {
        self.authentication = rules;
        self
    }

    /// Sets the keys that sign tokens. Required.
    pub fn signing_keys(mut self, keys: SigningKeys) -> Self {
        self.keys = Some(keys);
        self
    }

    /// Publishes keys that clients may encrypt request objects to (RFC 9101 §6.1): none unless set.
    pub fn encryption_keys(mut self, keys: EncryptionKeys) -> Self {
        self.decryption = Some(keys);
        self
    }

    /// Sets when keys change: see [`AuthorizationServer::maintain_keys`].
    pub fn key_rotation(mut self, rotation: KeyRotation) -> Self {
        self.key_rotation = rotation;
        self
    }

    /// Adds a scope that clients may be registered for. At least one is required, or a type of authorization details.
    pub fn scope(mut self, scope: ScopeDescription) -> Self {
        self.scopes.push(scope);
        self
    }

    /// Adds scopes. The consent page shows them in this order.
    pub fn scopes(mut self, scopes: impl IntoIterator<Item = ScopeDescription>) -> Self {
        self.scopes.extend(scopes);
        self
    }

    /// Adds a type of `authorization_details` that clients may be registered for (RFC 9396).
    pub fn authorization_details_type(mut self, kind: AuthorizationDetailsType) -> Self {
        self.details_types.push(kind);
        self
    }

    /// Sets the resource server that tokens are for when the client names none: their `aud` (RFC 9068 §3). Required.
    ///
    /// A text, or a [`ResourceMetadata`] if its tokens are to be encrypted.
    pub fn audience(mut self, audience: impl Into<ResourceMetadata>) -> Self {
        self.audience = Some(audience.into());
        self
    }

    /// Adds another resource server that clients may ask tokens for (RFC 8707); or says more about that of
    /// [`audience`](Self::audience).
    pub fn resource(mut self, resource: impl Into<ResourceMetadata>) -> Self {
        self.resources.push(resource.into());
        self
    }

    /// Sets how long things live.
    pub fn lifetimes(mut self, lifetimes: Lifetimes) -> Self {
        self.lifetimes = lifetimes;
        self
    }

    /// Sets the clock: that of the system unless set.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Sets where requests, codes, grants and sessions are remembered: a [`MemoryStore`] unless set.
    pub fn store(mut self, store: Arc<dyn Store>) -> Self {
        self.store = Some(store);
        self
    }

    /// Sets where used client assertions and DPoP proofs are remembered: in memory, a million of them, unless set.
    pub fn replay_store(mut self, store: Arc<dyn ReplayStore>) -> Self {
        self.replay = Some(store);
        self
    }

    /// Keeps everything that instances of the server have to share in this Redis: [`store`](Self::store) and
    /// [`replay_store`](Self::replay_store) in one. They share its connection and settings.
    ///
    /// What else instances need in common is in the [guide](crate::guide::several_instances).
    #[cfg(feature = "redis")]
    pub fn redis(self, redis: &crate::replay::RedisReplayStore) -> Self {
        let records = super::store::RedisStore::beside(redis, &self.issuer);
        self.store(Arc::new(records))
            .replay_store(Arc::new(redis.clone()))
    }

    /// Sets whose pages people see: the host of the issuer's unless set.
    pub fn branding(mut self, branding: Branding) -> Self {
        self.branding = Some(branding);
        self
    }

    /// Sets the base URL under which connections with a client certificate arrive. The metadata names aliases of the
    /// endpoints there (RFC 8705 §5). Its path is that of the issuer, or empty.
    pub fn mtls_base_url(mut self, base: impl Into<String>) -> Self {
        self.mtls_base = Some(base.into());
        self
    }

    /// Sets what is accepted as a DPoP proof.
    pub fn proof_policy(mut self, policy: ProofPolicy) -> Self {
        self.proofs = policy;
        self
    }

    /// Demands nonces in DPoP proofs (RFC 9449 §8), or does not, which is the default. The secret they are made with is
    /// new for every server: for several instances see [`shared_dpop_nonces`](Self::shared_dpop_nonces).
    pub fn dpop_nonces(mut self, demanded: bool) -> Self {
        self.nonces = if demanded {
            NonceChoice::Own
        } else {
            NonceChoice::Off
        };
        self
    }

    /// Demands nonces made with a secret that other instances of the server have too.
    pub fn shared_dpop_nonces(mut self, nonces: Arc<Nonces>) -> Self {
        self.nonces = NonceChoice::Shared(nonces);
        self
    }

    /// Checks everything and puts the server together.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] for the first thing that is missing, contradicts another, or would be insecure.
    pub fn build(self) -> Result<AuthorizationServer, ConfigError> {
        let mut endpoints = Endpoints::new(&self.issuer).map_err(ConfigError::Issuer)?;
        if let Some(base) = &self.mtls_base {
            endpoints = endpoints.with_mtls(base).map_err(ConfigError::MtlsBase)?;
        }
        self.lifetimes.check()?;
        self.key_rotation.check()?;
        self.authentication.check().map_err(ConfigError::Acr)?;
        let source = KeySource {
            clock: self.clock.clone(),
            #[cfg(feature = "discovery")]
            fetcher: self.client_keys,
        };
        let audience = self.audience.ok_or(ConfigError::Missing("audience"))?;
        let resources = Resources::new(audience, self.resources, &source)?;
        let scopes = check_scopes(&self.scopes)?;
        let details_types = DetailsTypes::new(self.details_types)?;
        if self.scopes.is_empty() && details_types.is_empty() {
            return Err(ConfigError::Missing("scope"));
        }
        let clients = Clients::new(self.clients, &scopes, &details_types, &source)?;
        let by_subject = clients
            .iter()
            .find(|client| client.method() == ClientAuthenticationMethod::TlsClientAuth);
        if let Some(client) = by_subject
            && self.authorities.is_empty()
        {
            return Err(ConfigError::NoAuthority(client.id.clone()));
        }
        let keys = self.keys.ok_or(ConfigError::Missing("signing_keys"))?;
        let now = self.clock.now();
        check_keys(&keys, self.decryption.as_ref(), now)?;
        for client in clients.iter() {
            for (protection, name) in client.messages.signed() {
                if protection.key(&keys, now).is_err() {
                    return Err(ConfigError::NoKeyForResponses(client.id.clone(), name));
                }
            }
        }
        let decrypting = self.decryption.as_ref().map(|keys| keys.algorithms(now));
        let decrypting = decrypting.unwrap_or_default();
        let undecipherable = clients.iter().find(|client| {
            let rule = client.messages.request_object_encryption;
            rule.is_some_and(|rule| !decrypting.contains(&rule.algorithm))
        });
        if let Some(client) = undecipherable {
            return Err(ConfigError::NoKeyForRequestObjects(client.id.clone()));
        }
        resources.check_inquirers(&clients, &keys, now)?;
        let authenticator = self
            .authenticator
            .ok_or(ConfigError::Missing("authenticator"))?;
        without_person::check(&clients, &self.scopes, &details_types, &*authenticator)?;
        let by_subject = resources
            .inquirers()
            .find(|inquirer| matches!(inquirer.credential, Credential::Subject(_)));
        if let Some(inquirer) = by_subject
            && self.authorities.is_empty()
        {
            return Err(ConfigError::NoAuthority(inquirer.client_id.clone()));
        }
        let branding = self
            .branding
            .unwrap_or_else(|| Branding::new(endpoints.host()));
        let server = Server {
            realms: Realms::of(&self.issuer),
            clients: ClientAuthenticator::new(clients, self.authorities, Audiences::of(&endpoints)),
            scopes: self.scopes,
            details_types,
            resources,
            lifetimes: self.lifetimes,
            keys,
            decryption: self.decryption,
            key_rotation: self.key_rotation,
            records: Records::new(
                self.store
                    .unwrap_or_else(|| Arc::new(MemoryStore::default())),
            ),
            proofs: proof_verifier(self.proofs, self.nonces)?,
            replay: self
                .replay
                .unwrap_or_else(|| Arc::new(MemoryReplayStore::new(REPLAY_ENTRIES))),
            authenticator,
            authentication: self.authentication,
            pages: Pages::new(branding),
            clock: self.clock,
            endpoints,
        };
        let server = Arc::new(server);
        Ok(AuthorizationServer {
            userinfo: gate(&server)?,
            server,
        })
    }
}

impl fmt::Debug for AuthorizationServerBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthorizationServerBuilder")
            .field("issuer", &self.issuer)
            .finish_non_exhaustive()
    }
}

/// There is something to sign with, and every key of the published set has an identifier of its own (FAPI 2.0 Security
/// Profile §5.4.3).
fn check_keys(
    signing: &SigningKeys,
    decryption: Option<&EncryptionKeys>,
    now: Timestamp,
) -> Result<(), ConfigError> {
    if signing.signing_with(None, now).is_err() {
        return Err(ConfigError::NoSigningKey);
    }
    let kids = signing.kids();
    let decrypting = decryption.map(EncryptionKeys::kids).unwrap_or_default();
    match decrypting.into_iter().find(|kid| kids.contains(kid)) {
        Some(kid) => Err(ConfigError::SameKid(kid)),
        None => Ok(()),
    }
}

fn check_scopes(scopes: &[ScopeDescription]) -> Result<ScopeSet, ConfigError> {
    for (index, scope) in scopes.iter().enumerate() {
        if !is_scope_token(&scope.name) || scope.title.trim().is_empty() {
            return Err(ConfigError::Scope(scope.name.clone()));
        }
        if scopes
            .iter()
            .take(index)
            .any(|other| other.name == scope.name)
        {
            return Err(ConfigError::RepeatedScope(scope.name.clone()));
        }
    }
    Ok(scopes.iter().map(|scope| scope.name.as_str()).collect())
}

fn proof_verifier(policy: ProofPolicy, nonces: NonceChoice) -> Result<ProofVerifier, NoncesError> {
    let verifier = ProofVerifier::new(policy);
    Ok(match nonces {
        NonceChoice::Off => verifier,
        NonceChoice::Own => {
            let nonces = Nonces::new(&NonceSecret::generate()?, NONCE_LIFETIME)?;
            verifier.with_nonces(Arc::new(nonces))
        }
        NonceChoice::Shared(nonces) => verifier.with_nonces(nonces),
    })
}
