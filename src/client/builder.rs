//! How a client comes to be: who it is, how it authenticates, what its tokens are bound to.

use std::{fmt, sync::Arc, time::Duration};

use super::{
    client::{Authentication, Binding, Client, Parts, Responses},
    introspection::IntrospectionSettings,
    jwt::IdTokenSettings,
    server_keys::ServerKeys,
    signed_request::Requests,
    user_info::UserInfoSettings,
};
use crate::{
    dpop::ProofSigner,
    issuer::{
        ClientCertificate, Directory, Fetcher, FetcherError, IssuerUrl, MetadataLocation,
        Transport, TransportSettings, TrustedRoots,
    },
    jose::{
        SigningKey,
        jwe::{ContentEncryption, DecryptionKeyRing, JweAlgorithm},
    },
    time::{Clock, SystemClock},
};

/// The steps of a [`ClientBuilder`], in the order in which they are taken.
pub mod step {
    use super::{Authentication, Binding, ClientCertificate};

    /// Nobody knows yet how the client authenticates.
    #[derive(Debug)]
    pub struct Unauthenticated;

    /// It authenticates with a signed assertion, over connections without a certificate of its own.
    #[derive(Debug)]
    pub struct Assertion(pub(in crate::client) Authentication);

    /// Its connections carry its certificate, whether or not it also authenticates with it.
    #[derive(Debug)]
    pub struct Certified(
        pub(in crate::client) Authentication,
        pub(in crate::client) ClientCertificate,
    );

    /// It is known what its tokens are bound to; nothing is missing.
    #[derive(Debug)]
    pub struct Bound {
        pub(in crate::client) authentication: Authentication,
        pub(in crate::client) certificate: Option<ClientCertificate>,
        pub(in crate::client) binding: Binding,
    }
}

/// Makes a [`Client`]. A client that cannot authenticate, or whose tokens anybody could use, cannot be built:
///
/// 1. [`private_key_jwt`](ClientBuilder::private_key_jwt) or [`mutual_tls`](ClientBuilder::mutual_tls),
/// 2. [`dpop`](ClientBuilder::dpop) or `certificate_bound` (which needs a certificate),
/// 3. [`build`](ClientBuilder::build).
///
/// ```compile_fail,E0599
/// # use tower_fapi::{client::Client, jose::{JwsAlgorithm, SigningKey}};
/// let key = SigningKey::generate(JwsAlgorithm::Es256)?;
/// // Bound to a certificate that it does not have.
/// Client::builder("https://as.example.com".parse()?, "app").private_key_jwt(key).certificate_bound();
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
///
/// ```compile_fail,E0599
/// # use tower_fapi::{client::Client, jose::{JwsAlgorithm, SigningKey}};
/// let key = SigningKey::generate(JwsAlgorithm::Es256)?;
/// // Bound to nothing.
/// Client::builder("https://as.example.com".parse()?, "app").private_key_jwt(key).build();
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[must_use = "nothing happens before `build`"]
pub struct ClientBuilder<Step> {
    pub(super) settings: Settings,
    step: Step,
}

pub(super) struct Settings {
    issuer: IssuerUrl,
    client_id: String,
    location: MetadataLocation,
    roots: Option<TrustedRoots>,
    timeout: Duration,
    response_limit: usize,
    clock: Arc<dyn Clock>,
    http_on_loopback: bool,
    requests: Requests,
    responses: Responses,
    pub(super) id_tokens: IdTokenSettings,
    pub(super) user_info: UserInfoSettings,
    pub(super) introspection: IntrospectionSettings,
}

/// Why a client cannot be built.
#[non_exhaustive]
#[derive(Debug, thiserror::Error)]
pub enum ClientConfigError {
    /// The client identifier is empty or not printable ASCII (RFC 6749 Appendix A.1).
    #[error("the client identifier is empty or holds characters beyond printable ASCII")]
    ClientId,
    /// The issuer is plain http, and not on this machine or not allowed to be.
    #[error("the issuer is not an https URL")]
    Issuer,
    /// The timeout is zero or more than a minute.
    #[error("the timeout is zero or more than a minute: {0:?}")]
    Timeout(Duration),
    /// Certificate and key do not belong together, a root is malformed, or the system has no roots.
    #[error("TLS: {0}")]
    Tls(#[source] reqwest::Error),
    /// The part that fetches metadata cannot be built.
    #[error(transparent)]
    Fetcher(#[from] FetcherError),
}

impl ClientBuilder<step::Unauthenticated> {
    pub(super) fn new(issuer: IssuerUrl, client_id: String) -> Self {
        let settings = Settings {
            issuer,
            client_id,
            location: MetadataLocation::default(),
            roots: None,
            timeout: Duration::from_secs(10),
            response_limit: 4 * 1024 * 1024,
            clock: Arc::new(SystemClock),
            http_on_loopback: false,
            requests: Requests::Plain,
            responses: Responses::Plain,
            id_tokens: IdTokenSettings::default(),
            user_info: UserInfoSettings::default(),
            introspection: IntrospectionSettings::default(),
        };
        Self {
            settings,
            step: step::Unauthenticated,
        }
    }

    /// Authenticates with assertions signed by this key, whose public half the authorization server knows
    /// (`private_key_jwt`, OpenID Connect Core §9).
    pub fn private_key_jwt(self, key: SigningKey) -> ClientBuilder<step::Assertion> {
        self.step(|_| step::Assertion(Authentication::PrivateKeyJwt(Box::new(key))))
    }

    /// Authenticates with a certificate: `tls_client_auth` or `self_signed_tls_client_auth` (RFC 8705 §2).
    pub fn mutual_tls(self, certificate: ClientCertificate) -> ClientBuilder<step::Certified> {
        self.step(|_| step::Certified(Authentication::MutualTls, certificate))
    }
}

impl ClientBuilder<step::Assertion> {
    /// Presents a certificate on every connection nevertheless, and uses the authorization server's endpoints for such
    /// connections: for certificate-bound tokens, or where an ecosystem demands mutual TLS everywhere
    /// (`use_mtls_endpoint_aliases`, FAPI 2.0 Security Profile §5.2.2.1).
    #[doc(alias = "use_mtls_endpoint_aliases")]
    pub fn over_mutual_tls(self, certificate: ClientCertificate) -> ClientBuilder<step::Certified> {
        self.step(|step::Assertion(authentication)| step::Certified(authentication, certificate))
    }

    /// Binds tokens to this key, which signs a proof for each request (RFC 9449).
    ///
    /// Not the key that signs assertions: the two are for different eyes.
    pub fn dpop(self, key: SigningKey) -> ClientBuilder<step::Bound> {
        self.step(|step::Assertion(authentication)| step::Bound {
            authentication,
            certificate: None,
            binding: Binding::Dpop(Box::new(ProofSigner::new(key))),
        })
    }
}

impl ClientBuilder<step::Certified> {
    /// Binds tokens to this key, which signs a proof for each request (RFC 9449).
    pub fn dpop(self, key: SigningKey) -> ClientBuilder<step::Bound> {
        self.bind(Binding::Dpop(Box::new(ProofSigner::new(key))))
    }

    /// Binds tokens to the certificate of the connection (RFC 8705 §3).
    pub fn certificate_bound(self) -> ClientBuilder<step::Bound> {
        self.bind(Binding::Certificate)
    }

    fn bind(self, binding: Binding) -> ClientBuilder<step::Bound> {
        self.step(|step::Certified(authentication, certificate)| step::Bound {
            authentication,
            certificate: Some(certificate),
            binding,
        })
    }
}

impl ClientBuilder<step::Bound> {
    /// Makes the client. Nothing is sent yet.
    ///
    /// # Errors
    ///
    /// [`ClientConfigError`] if a setting is wrong or the TLS library takes exception to a certificate.
    pub fn build(self) -> Result<Client, ClientConfigError> {
        let (settings, step) = (self.settings, self.step);
        let printable = |byte: u8| (0x20..=0x7e).contains(&byte);
        if settings.client_id.is_empty() || !settings.client_id.bytes().all(printable) {
            return Err(ClientConfigError::ClientId);
        }
        // Some connections carry a certificate, so the endpoints for such connections are meant (RFC 8705 §5).
        let uses_aliases = step.certificate.is_some();
        let transport = Transport::new(TransportSettings {
            timeout: settings.timeout,
            roots: settings.roots,
            certificate: step.certificate,
            http_on_loopback: settings.http_on_loopback,
        })
        .map_err(ClientConfigError::Tls)?;
        if !transport.permits(settings.issuer.url()) {
            return Err(ClientConfigError::Issuer);
        }
        let mut fetcher = Fetcher::builder()
            .http_client(transport.http().clone())
            .timeout(settings.timeout)?;
        if settings.http_on_loopback {
            fetcher = fetcher.dangerous().http_on_loopback();
        }
        let fetcher = fetcher.build()?;
        Ok(Client::from_parts(Parts {
            server_keys: ServerKeys::new(fetcher.clone()),
            directory: Directory::new(fetcher, settings.issuer, settings.location),
            client_id: settings.client_id,
            authentication: step.authentication,
            binding: step.binding,
            uses_aliases,
            transport,
            response_limit: settings.response_limit,
            clock: settings.clock,
            requests: settings.requests,
            responses: settings.responses,
            id_tokens: settings.id_tokens,
            user_info: settings.user_info,
            introspection: settings.introspection,
        }))
    }
}

impl<Step> ClientBuilder<Step> {
    /// Sets where the metadata lies; both places are tried unless this is set.
    pub fn metadata_location(mut self, location: MetadataLocation) -> Self {
        self.settings.location = location;
        self
    }

    /// Trusts servers whose certificates lead to these roots, instead of those the system trusts.
    pub fn trusted_roots(mut self, roots: TrustedRoots) -> Self {
        self.settings.roots = Some(roots);
        self
    }

    /// Sets how long one request may take, from connecting to the last byte of the answer. 10 s unless set.
    ///
    /// # Errors
    ///
    /// [`ClientConfigError::Timeout`] if it is zero or more than a minute.
    pub fn timeout(mut self, timeout: Duration) -> Result<Self, ClientConfigError> {
        if timeout.is_zero() || timeout > Duration::from_mins(1) {
            return Err(ClientConfigError::Timeout(timeout));
        }
        self.settings.timeout = timeout;
        Ok(self)
    }

    /// Sets the largest body of a resource's answer that is read, in bytes. 4 MiB unless set.
    pub const fn response_limit(mut self, bytes: usize) -> Self {
        self.settings.response_limit = bytes;
        self
    }

    /// Sets the clock that assertions and proofs are dated by.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.settings.clock = Arc::new(clock);
        self
    }

    /// Signs authorization requests with this key, whose public half the authorization server knows: everything that is asked
    /// for travels in a request object (RFC 9101, FAPI 2.0 Message Signing §5.3.2).
    #[doc(alias = "JAR")]
    pub fn signed_requests(mut self, key: SigningKey) -> Self {
        self.settings.requests = Requests::Signed(Box::new(key));
        self
    }

    /// As [`signed_requests`](Self::signed_requests), and encrypts what was signed to the key that the authorization server
    /// publishes for that (RFC 9101 §6.1), with an algorithm of `request_object_encryption_alg_values_supported` of its
    /// metadata.
    ///
    /// A pushed request is seen by nobody but the authorization server, and by what ends its TLS connections: this is for
    /// requests that the latter must not read.
    pub fn encrypted_requests(mut self, key: SigningKey) -> Self {
        self.settings.requests = Requests::Encrypted(Box::new(key), None);
        self
    }

    /// As [`encrypted_requests`](Self::encrypted_requests), for a client whose registration says how: with
    /// `request_object_encryption_alg` and `request_object_encryption_enc`, which is `A128CBC-HS256` where it is left out
    /// (OpenID Connect Dynamic Client Registration §2).
    pub fn encrypted_requests_with(
        mut self,
        key: SigningKey,
        algorithm: JweAlgorithm,
        encryption: ContentEncryption,
    ) -> Self {
        let registered = Some((algorithm, encryption));
        self.settings.requests = Requests::Encrypted(Box::new(key), registered);
        self
    }

    /// Asks for signed authorization responses, and believes no others (JARM, FAPI 2.0 Message Signing §5.4.2).
    #[doc(alias = "JARM")]
    pub fn signed_responses(mut self) -> Self {
        self.settings.responses = Responses::Signed;
        self
    }

    /// As [`signed_responses`](Self::signed_responses), for a client that is registered with
    /// `authorization_encrypted_response_alg`: responses have to be encrypted to one of these keys, too (JARM §2.2).
    pub fn encrypted_responses(mut self, keys: impl Into<DecryptionKeyRing>) -> Self {
        self.settings.responses = Responses::Encrypted(keys.into());
        self
    }

    /// Settings that weaken the client.
    pub fn dangerous(self) -> DangerousClientBuilder<Step> {
        DangerousClientBuilder(self)
    }

    fn step<Next>(self, next: impl FnOnce(Step) -> Next) -> ClientBuilder<Next> {
        ClientBuilder {
            settings: self.settings,
            step: next(self.step),
        }
    }
}

/// The gate in front of the settings that weaken a client; one search for `dangerous` finds them all.
#[derive(Debug)]
#[must_use = "choose a setting, which gives the builder back"]
pub struct DangerousClientBuilder<Step>(ClientBuilder<Step>);

impl<Step> DangerousClientBuilder<Step> {
    /// Allows plain `http` to this machine (`localhost`, 127.0.0.0/8, `::1`), for tests and development. No proxy is used.
    pub fn http_on_loopback(self) -> ClientBuilder<Step> {
        let mut builder = self.0;
        builder.settings.http_on_loopback = true;
        builder
    }
}

impl<Step: fmt::Debug> fmt::Debug for ClientBuilder<Step> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientBuilder")
            .field("issuer", &self.settings.issuer)
            .field("client_id", &self.settings.client_id)
            .field("step", &self.step)
            .finish_non_exhaustive()
    }
}
