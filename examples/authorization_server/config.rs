//! The configuration file, and where in it a mistake is.

#[path = "trial/mod.rs"]
pub mod trial;

use std::{
    fmt, fs,
    net::SocketAddr,
    ops::Range,
    path::{Path, PathBuf},
};

use serde::Deserialize;
use toml::Spanned;
#[cfg(feature = "redis")]
use tower_fapi::replay::RedisReplayStore;
use tower_fapi::{
    authorization_server::{
        AuthenticationRules, AuthorizationDetailsType, AuthorizationServer,
        AuthorizationServerBuilder, CertificateAuthorities, ClientAuthenticationMethod,
        ClientMetadata, ConfigError, EncryptionKeys, KeyRotation, Lifetimes, ResourceMetadata,
        ScopeDescription, SigningKeys,
        pages::Branding,
        people::{ConfiguredUsers, ConfiguredUsersError, Throttling, UserConfig},
    },
    jose::{JwsAlgorithm, jwe::JweAlgorithm},
};

use self::trial::{Trial, TrialKeys};

/// A configuration that has been read, with the file it is from.
#[derive(Debug)]
pub struct Config {
    pub settings: Settings,
    file: PathBuf,
    text: String,
}

/// What a file can say.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    pub issuer: Spanned<String>,
    pub listen: Listen,
    pub mtls: Option<Mtls>,
    audience: Spanned<String>,
    #[serde(default)]
    resources: Vec<Spanned<ResourceMetadata>>,
    signing_keys: Spanned<PathBuf>,
    #[serde(default = "es256")]
    signing_algorithm: JwsAlgorithm,
    encryption_keys: Option<Spanned<PathBuf>>,
    #[serde(default = "ecdh_es_a256kw")]
    encryption_algorithm: JweAlgorithm,
    #[serde(default)]
    dpop_nonces: bool,
    name: Option<String>,
    help: Option<String>,
    lifetimes: Option<Spanned<Lifetimes>>,
    key_rotation: Option<Spanned<KeyRotation>>,
    throttling: Option<Throttling>,
    store: Option<Store>,
    authentication: Option<Spanned<AuthenticationRules>>,
    #[serde(default)]
    scopes: Vec<Spanned<ScopeDescription>>,
    #[serde(default)]
    authorization_details_types: Vec<Spanned<AuthorizationDetailsType>>,
    #[serde(default)]
    users: Vec<Spanned<UserConfig>>,
    #[serde(default)]
    clients: Vec<Spanned<ClientMetadata>>,
    pub trial: Option<Spanned<Trial>>,
}

/// Where the server listens.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Listen {
    pub address: SocketAddr,
    /// PEM files: chain and key.
    pub certificate: Spanned<PathBuf>,
    pub key: Spanned<PathBuf>,
}

/// Where it listens for clients with certificates.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mtls {
    pub base_url: Spanned<String>,
    pub address: SocketAddr,
    /// PEM file with the authorities for `tls_client_auth`.
    client_authorities: Option<Spanned<PathBuf>>,
}

/// Where the server remembers what it has to: in memory unless this is there.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Store {
    redis: Spanned<String>,
    #[serde(default)]
    wait_for_replicas: u8,
}

/// Beside the configuration file.
const TRIAL_KEYS: &str = "trial-keys.json";

const fn es256() -> JwsAlgorithm {
    JwsAlgorithm::Es256
}

const fn ecdh_es_a256kw() -> JweAlgorithm {
    JweAlgorithm::EcdhEsA256Kw
}

/// Something in the file, and on which line.
#[derive(Debug)]
pub struct Mistake {
    file: PathBuf,
    line: Option<usize>,
    reason: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        write!(f, ": {}", self.reason)
    }
}

impl std::error::Error for Mistake {}

impl Config {
    pub fn from_file(file: impl AsRef<Path>) -> Result<Self, Mistake> {
        let file = file.as_ref();
        let text = fs::read_to_string(file).map_err(|error| Mistake {
            file: file.to_owned(),
            line: None,
            reason: error.to_string(),
        })?;
        Self::read(file, text)
    }

    pub fn read(file: &Path, text: String) -> Result<Self, Mistake> {
        match toml::from_str(&text) {
            Ok(settings) => Ok(Self {
                settings,
                file: file.to_owned(),
                text,
            }),
            Err(error) => Err(Mistake {
                file: file.to_owned(),
                line: error.span().map(|span| line(&text, &span)),
                reason: error.message().to_owned(),
            }),
        }
    }

    /// A path of the file, which is relative to where the file is.
    pub fn path(&self, path: &Path) -> PathBuf {
        self.file
            .parent()
            .map_or_else(|| path.to_owned(), |directory| directory.join(path))
    }

    /// The server that is described.
    pub fn server(&self) -> Result<AuthorizationServer, Mistake> {
        let settings = &self.settings;
        self.check_certificates()?;
        let keys = self.path(settings.signing_keys.get_ref());
        let keys = SigningKeys::load_or_create(keys, settings.signing_algorithm)
            .map_err(|error| self.mistake(settings.signing_keys.span(), error))?;
        let mut builder = AuthorizationServer::builder(settings.issuer.get_ref())
            .audience(settings.audience.get_ref())
            .signing_keys(keys)
            .dpop_nonces(settings.dpop_nonces)
            .scopes(settings.scopes.iter().map(|scope| scope.get_ref().clone()))
            .clients(self.clients()?)
            .authenticator(self.users()?);
        if let Some(path) = &settings.encryption_keys {
            let keys = self.path(path.get_ref());
            let keys = EncryptionKeys::load_or_create(keys, settings.encryption_algorithm)
                .map_err(|error| self.mistake(path.span(), error))?;
            builder = builder.encryption_keys(keys);
        }
        for kind in &settings.authorization_details_types {
            builder = builder.authorization_details_type(kind.get_ref().clone());
        }
        for resource in &settings.resources {
            builder = builder.resource(resource.get_ref().clone());
        }
        if let Some(rules) = &settings.authentication {
            builder = builder.authentication_rules(rules.get_ref().clone());
        }
        if let Some(lifetimes) = &settings.lifetimes {
            builder = builder.lifetimes(*lifetimes.get_ref());
        }
        if let Some(store) = &settings.store {
            builder = self.shared(builder, store)?;
        }
        if let Some(rotation) = &settings.key_rotation {
            builder = builder.key_rotation(*rotation.get_ref());
        }
        if let Some(name) = &settings.name {
            let branding = Branding::new(name);
            builder = builder.branding(match &settings.help {
                Some(help) => branding.help(help),
                None => branding,
            });
        }
        if let Some(mtls) = &settings.mtls {
            builder = builder.mtls_base_url(mtls.base_url.get_ref());
            if let Some(path) = &mtls.client_authorities {
                let refused = |reason: String| self.mistake(path.span(), reason);
                let pem = fs::read(self.path(path.get_ref()))
                    .map_err(|error| refused(error.to_string()))?;
                let authorities = CertificateAuthorities::from_pem(&pem)
                    .map_err(|error| refused(error.to_string()))?;
                builder = builder.client_certificate_authorities(authorities);
            }
        }
        builder.build().map_err(|error| match self.place(&error) {
            Some(span) => self.mistake(span, error),
            None => Mistake {
                file: self.file.clone(),
                line: None,
                reason: error.to_string(),
            },
        })
    }

    /// Whether clients with certificates can show them: browsers, and whoever comes where they do, are not asked for any.
    fn check_certificates(&self) -> Result<(), Mistake> {
        if self.settings.mtls.is_some() {
            return Ok(());
        }
        let mut clients = self.settings.clients.iter();
        match clients.find(|client| shows_certificate(client.get_ref())) {
            None => Ok(()),
            Some(client) => {
                let id = &client.get_ref().client_id;
                let reason =
                    format!("client {id:?} has to show a certificate, and no [mtls] says where");
                Err(self.mistake(client.span(), reason))
            }
        }
    }

    #[cfg(feature = "redis")]
    fn shared(
        &self,
        builder: AuthorizationServerBuilder,
        store: &Store,
    ) -> Result<AuthorizationServerBuilder, Mistake> {
        let redis = RedisReplayStore::builder(store.redis.get_ref())
            .and_then(|redis| redis.wait_for_replicas(store.wait_for_replicas).build())
            .map_err(|error| self.mistake(store.redis.span(), error))?;
        Ok(builder.redis(&redis))
    }

    #[cfg(not(feature = "redis"))]
    fn shared(
        &self,
        _: AuthorizationServerBuilder,
        store: &Store,
    ) -> Result<AuthorizationServerBuilder, Mistake> {
        let reason = "this program was built without the feature redis";
        Err(self.mistake(store.redis.span(), reason))
    }

    /// The client that can be tried, as it is registered, with its keys.
    pub fn trial(&self) -> Result<Option<(&Trial, ClientMetadata, TrialKeys)>, Mistake> {
        let Some(section) = &self.settings.trial else {
            return Ok(None);
        };
        let trial = section.get_ref();
        let mut clients = self.settings.clients.iter().map(Spanned::get_ref);
        let client = clients.find(|client| client.client_id == trial.client_id);
        if let Some(problem) = trial.problem(client) {
            return Err(self.mistake(section.span(), problem));
        }
        let mut client = client.cloned().unwrap_or_default();
        let keys = TrialKeys::load_or_create(&self.path(Path::new(TRIAL_KEYS)))
            .and_then(|keys| keys.register(&mut client).map(|()| keys));
        let keys = keys.map_err(|error| self.mistake(section.span(), error))?;
        Ok(Some((trial, client, keys)))
    }

    fn clients(&self) -> Result<Vec<ClientMetadata>, Mistake> {
        let clients = self.settings.clients.iter();
        let mut clients: Vec<_> = clients.map(|client| client.get_ref().clone()).collect();
        if let Some((_, tried, _)) = self.trial()? {
            for client in &mut clients {
                if client.client_id == tried.client_id {
                    client.clone_from(&tried);
                }
            }
        }
        Ok(clients)
    }

    fn users(&self) -> Result<ConfiguredUsers, Mistake> {
        let users = &self.settings.users;
        let configured = ConfiguredUsers::new(users.iter().map(|user| user.get_ref().clone()));
        let configured = configured.map_err(|error| {
            let span = match &error {
                ConfiguredUsersError::User(user) => span_of(users, user.position),
                _ => None,
            };
            self.mistake(span.unwrap_or_default(), error)
        })?;
        Ok(match self.settings.throttling {
            Some(throttling) => configured.throttling(throttling),
            None => configured,
        })
    }

    /// Where in the file an error of the builder comes from.
    fn place(&self, error: &ConfigError) -> Option<Range<usize>> {
        let settings = &self.settings;
        let scope = |name: &str, nth: usize| {
            let named = settings
                .scopes
                .iter()
                .filter(|scope| scope.get_ref().name == name);
            named.skip(nth).map(Spanned::span).next()
        };
        match error {
            ConfigError::NoSigningKey => Some(settings.signing_keys.span()),
            ConfigError::SameKid(_) => settings.encryption_keys.as_ref().map(Spanned::span),
            ConfigError::Issuer(_) => Some(settings.issuer.span()),
            ConfigError::MtlsBase(_) => settings.mtls.as_ref().map(|mtls| mtls.base_url.span()),
            ConfigError::Scope(name) | ConfigError::PersonalScope(name) => scope(name, 0),
            ConfigError::RepeatedScope(name) => scope(name, 1),
            ConfigError::Resource(refused) => settings
                .resources
                .iter()
                .rfind(|resource| resource.get_ref().resource == refused.resource)
                .map_or_else(
                    || Some(settings.audience.span()),
                    |found| Some(found.span()),
                ),
            ConfigError::DetailsType(kind) => {
                span_of(&settings.authorization_details_types, kind.position)
            }
            ConfigError::Acr(_) => settings.authentication.as_ref().map(Spanned::span),
            ConfigError::KeyRotation(_) => settings.key_rotation.as_ref().map(Spanned::span),
            ConfigError::Lifetime(_) => settings.lifetimes.as_ref().map(Spanned::span),
            ConfigError::Client(client) => span_of(&settings.clients, client.position),
            ConfigError::NothingAlone(id)
            | ConfigError::SharedSubject(id)
            | ConfigError::NoAuthority(id)
            | ConfigError::NoKeyForResponses(id, _)
            | ConfigError::NoKeyForRequestObjects(id) => settings
                .clients
                .iter()
                .find(|client| client.get_ref().client_id == *id)
                .map(Spanned::span)
                .or_else(|| {
                    let named = |resource: &&Spanned<ResourceMetadata>| {
                        let resource = resource.get_ref();
                        resource.client_id.as_ref().unwrap_or(&resource.resource) == id
                    };
                    settings.resources.iter().find(named).map(Spanned::span)
                }),
            _ => None,
        }
    }

    /// Something wrong at these bytes of the file.
    pub fn mistake(&self, span: Range<usize>, reason: impl fmt::Display) -> Mistake {
        Mistake {
            file: self.file.clone(),
            line: Some(line(&self.text, &span)),
            reason: reason.to_string(),
        }
    }
}

/// Whether a client cannot do without a certificate.
fn shows_certificate(client: &ClientMetadata) -> bool {
    let authenticates = matches!(
        client.token_endpoint_auth_method,
        Some(
            ClientAuthenticationMethod::TlsClientAuth
                | ClientAuthenticationMethod::SelfSignedTlsClientAuth
        )
    );
    authenticates || client.tls_client_certificate_bound_access_tokens == Some(true)
}

/// The span of an entry, counted from 1.
fn span_of<T>(entries: &[Spanned<T>], position: usize) -> Option<Range<usize>> {
    entries.get(position.checked_sub(1)?).map(Spanned::span)
}

/// The line on which a span begins, counted from 1.
fn line(text: &str, span: &Range<usize>) -> usize {
    let before = text.get(..span.start).unwrap_or_default();
    before.matches('\n').count() + 1
}
