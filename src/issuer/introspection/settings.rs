//! How an issuer is asked about tokens: the settings.

use std::{fmt, sync::Arc, time::Duration};

use tokio::sync::Semaphore;
use url::Url;

use super::{
    answer::{Reading, SignedRules},
    flights::Flights,
    format::Format,
    introspector::{Gate, Inner, Introspector},
    memory::{Limits, Memory},
    request::{Ask, Authentication, HttpAsk, Place},
    signed_answer::AnswerRules,
};
use crate::{
    issuer::{
        ClientCertificate, Dangerous, Fetcher, IssuerKeys, IssuerUrl, MetadataLocation,
        TrustedRoots,
        directory::Directory,
        transport::{Transport, TransportSettings},
    },
    jose::{JwsAlgorithm, SigningKey, jwe::DecryptionKeyRing},
    token::{Compatibility, IntrospectionRules},
};

/// Which tokens an issuer is asked about.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum IntrospectedTokens {
    /// All of them: opaque ones, and JWTs once they are verified.
    #[default]
    All,
    /// Those that are no JWTs. Nothing else can be learnt of them.
    Opaque,
    /// JWTs, once they are verified: whether they are still active.
    Jwts,
}

impl IntrospectedTokens {
    pub(crate) const fn opaque(self) -> bool {
        matches!(self, Self::All | Self::Opaque)
    }

    pub(crate) const fn jwts(self) -> bool {
        matches!(self, Self::All | Self::Jwts)
    }
}

/// How an issuer is asked about tokens (RFC 7662), and what is demanded of its answers.
///
/// For [`TrustedIssuer::introspect`](crate::resource_server::TrustedIssuer::introspect). The endpoint is where the issuer's
/// metadata says. There is no shared secret to authenticate with: FAPI 2.0 knows none.
///
/// ```
/// use std::time::Duration;
/// use tower_fapi::{issuer::Introspection, jose::{JwsAlgorithm, SigningKey}};
///
/// let key = SigningKey::generate(JwsAlgorithm::Es256)?; // in earnest: the key registered with the issuer
/// let introspection = Introspection::private_key_jwt("api", key)
///     .signed_answers()
///     .remember_active_for(Duration::from_secs(10));
/// # let _ = introspection;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
///
/// # What an answer has to say
///
/// RFC 7662 §2.2 leaves nearly all members to the issuer. Of a token that says nothing itself, these are needed, each of the
/// type it has in RFC 7662: `active`, `client_id`, `exp`, and, unless a setting does without, `sub` and `aud`, which has to
/// name this resource server. `iss` has to be the issuer if it is there; `token_type` has to be `DPoP` or `Bearer`. Without
/// `jti` the token goes by the SHA-256 of its text, as base64url; without `iat` it was issued when it became valid, or when
/// it was first seen. `cnf`, `scope`, `authorization_details`, `acr`, `auth_time`, `nbf` and whatever else there is mean what
/// they mean in a JWT.
///
/// Of a JWT, which has been verified before anybody is asked, `active` is enough. What the answer repeats of `iss`,
/// `client_id`, `jti` and `cnf` has to be what the token says.
///
/// A token that is not active, or about which too little is said, is refused with 401. An answer that is malformed, or not
/// signed as demanded, is our fault and the issuer's: 503, and the log says why.
///
/// # What strangers can bring about
///
/// Before anybody is asked about a token that is no JWT, its sender has to have sent a proof that is right in everything but
/// the key (which only the answer tells), or a client certificate; where unbound tokens pass, as
/// [`prefer_bound`](crate::resource_server::DangerousSettings::prefer_bound) allows, there is nothing to ask of a stranger. Answers are remembered by the token's SHA-256, good ones
/// and bad ones apart, so that garbage does not push out what is good; and questions about tokens that anybody can make up
/// do not take the places of those about signed ones, nor can they make the others wait for an endpoint that fails.
#[derive(Clone)]
#[must_use = "nobody is asked before a trusted issuer has it"]
pub struct Introspection {
    client_id: String,
    authentication: Authentication,
    certificate: Option<ClientCertificate>,
    roots: Option<TrustedRoots>,
    endpoint: Option<Url>,
    location: MetadataLocation,
    pub(super) tokens: IntrospectedTokens,
    format: Format,
    encryption: Option<DecryptionKeyRing>,
    accept_missing_audience: bool,
    accept_missing_subject: bool,
    timeout: Duration,
    limits: Limits,
    questions: usize,
    http_on_loopback: bool,
    #[cfg(test)]
    pub(super) asker: Option<Arc<dyn Ask>>,
}

/// Why an issuer cannot be asked about tokens as the settings say.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum IntrospectionConfigError {
    /// The issuer identifier is no `https` URL, so its metadata cannot be found. Give the endpoint.
    #[error("its metadata cannot be found, since it is not an https URL")]
    Issuer,
    /// The endpoint is not `https`.
    #[error("{0} is not an https URL")]
    Endpoint(String),
    /// Our client identifier is empty.
    #[error("the client identifier is empty")]
    ClientId,
    /// The time for one question is not from 1 ms to 30 s.
    #[error("a time of {0:?} for one question; it has to be 1 ms to 30 s")]
    Timeout(Duration),
    /// Good answers would be remembered for more than an hour, or bad ones for more than a minute.
    #[error(
        "answers are remembered for {0:?}; good ones for at most an hour, bad ones for at most a minute"
    )]
    Memory(Duration),
    /// No question could be asked at all.
    #[error("no question may be under way")]
    NoQuestions,
    /// Signed answers are demanded of an issuer that has no keys here to verify them with (RFC 9701 §5).
    #[error("signed answers are demanded, and there are no keys to verify them with")]
    NoKeys,
    /// Certificate and key do not belong together, a root is malformed, or the system has no roots.
    #[error("TLS: {0}")]
    Tls(String),
}

impl Introspection {
    /// Authenticates with assertions signed by this key, for this issuer alone (RFC 7523 §2.2, FAPI 2.0 Security Profile
    /// §5.3.3.1). `client_id` is what this resource server is called at the issuer.
    pub fn private_key_jwt(client_id: impl Into<String>, key: SigningKey) -> Self {
        let authentication = Authentication::PrivateKeyJwt(Arc::new(key));
        Self::new(client_id.into(), authentication, None)
    }

    /// Authenticates with the certificate of its connections (RFC 8705 §2), at the endpoint's alias for mutual TLS if the
    /// metadata has one (§5).
    pub fn mutual_tls(client_id: impl Into<String>, certificate: ClientCertificate) -> Self {
        Self::new(
            client_id.into(),
            Authentication::MutualTls,
            Some(certificate),
        )
    }

    fn new(
        client_id: String,
        authentication: Authentication,
        certificate: Option<ClientCertificate>,
    ) -> Self {
        Self {
            client_id,
            authentication,
            certificate,
            roots: None,
            endpoint: None,
            location: MetadataLocation::default(),
            tokens: IntrospectedTokens::default(),
            format: Format::Json,
            encryption: None,
            accept_missing_audience: false,
            accept_missing_subject: false,
            timeout: Duration::from_secs(5),
            limits: Limits {
                active_for: Duration::from_mins(1),
                refused_for: Duration::from_secs(5),
                active_bytes: 32 * 1024 * 1024,
            },
            questions: 64,
            http_on_loopback: false,
            #[cfg(test)]
            asker: None,
        }
    }

    /// Sets which tokens the issuer is asked about; all of them unless set.
    pub fn tokens(mut self, tokens: IntrospectedTokens) -> Self {
        self.tokens = tokens;
        self
    }

    /// Asks here and does not look into the issuer's metadata.
    pub fn endpoint(mut self, url: Url) -> Self {
        self.endpoint = Some(url);
        self
    }

    /// Sets where the metadata lies; both places are tried unless this is set.
    pub fn metadata_location(mut self, location: MetadataLocation) -> Self {
        self.location = location;
        self
    }

    /// Demands answers that the issuer has signed with one of its keys (RFC 9701; FAPI 2.0 Message Signing, "Signing
    /// introspection responses"). Plain ones are refused then.
    ///
    /// Register this resource server with an `introspection_signed_response_alg` of PS256, ES256 or EdDSA: the default of
    /// RFC 9701 §6, RS256, is not accepted.
    pub fn signed_answers(mut self) -> Self {
        self.format = Format::Jwt;
        self
    }

    /// Demands answers that the issuer has signed and then encrypted to one of these keys (RFC 9701 §5, §6). Others are refused
    /// then.
    ///
    /// Register this resource server with an `introspection_encrypted_response_alg` of those that
    /// [`AcceptedEncryption`](crate::jose::jwe::AcceptedEncryption) takes by default, and publish the keys with a
    /// [`JwksService`](crate::layer::JwksService).
    pub fn encrypted_answers(mut self, keys: impl Into<DecryptionKeyRing>) -> Self {
        self.encryption = Some(keys.into());
        self.signed_answers()
    }

    /// Compatibility: does without `aud`, for issuers whose answers do not say whom a token is for. An `aud` that is there
    /// has to name this resource server all the same.
    ///
    /// Make sure that the issuer calls tokens for others inactive when this resource server asks (RFC 7662 §2.2, RFC 9701
    /// §5): otherwise whoever is sent a token can use it here.
    pub fn accept_missing_audience(mut self) -> Self {
        self.accept_missing_audience = true;
        self
    }

    /// Compatibility: takes the client for the subject of a token without `sub`, as RFC 9068 §2.2 does for clients on their
    /// own behalf.
    ///
    /// Make sure that no client can have the identifier of a user (RFC 9068 §5).
    pub fn accept_missing_subject(mut self) -> Self {
        self.accept_missing_subject = true;
        self
    }

    /// Sets how long a token that was active is taken for active without asking again: 60 s unless set, at most an hour.
    ///
    /// This is how long a token that was revoked can still be used. Zero: the issuer is asked for every request. An answer
    /// is never used beyond the token's `exp` (RFC 7662 §4).
    pub fn remember_active_for(mut self, lifetime: Duration) -> Self {
        self.limits.active_for = lifetime;
        self
    }

    /// Sets how long a token that was refused is refused without asking again: 5 s unless set, at most a minute.
    pub fn remember_refused_for(mut self, lifetime: Duration) -> Self {
        self.limits.refused_for = lifetime;
        self
    }

    /// Sets how many bytes the good answers that are remembered may occupy, roughly; 32 MiB unless set.
    pub fn memory_bytes(mut self, bytes: u64) -> Self {
        self.limits.active_bytes = bytes;
        self
    }

    /// Sets how many questions may be under way at a time about signed tokens, and as many about others; 64 unless set.
    ///
    /// Whoever comes with one more token is answered 503. Requests with the same token share one question.
    pub fn questions_at_a_time(mut self, questions: usize) -> Self {
        self.questions = questions;
        self
    }

    /// Sets how long one question may take, keys and metadata included: 5 s unless set, at most 30 s.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Trusts the certificates of these authorities instead of the system's.
    pub fn roots(mut self, roots: TrustedRoots) -> Self {
        self.roots = Some(roots);
        self
    }

    /// Settings that weaken it.
    pub fn dangerous(self) -> Dangerous<Self> {
        Dangerous(self)
    }

    /// Which tokens it is for.
    pub(crate) const fn is_for(&self) -> IntrospectedTokens {
        self.tokens
    }

    #[cfg(test)]
    pub(super) const fn is_mutual_tls(&self) -> bool {
        matches!(self.authentication, Authentication::MutualTls)
    }
}

impl Dangerous<Introspection> {
    /// Allows plain `http` to this machine (`localhost`, 127.0.0.0/8, `::1`), for tests and development. No proxy is used.
    pub fn http_on_loopback(self) -> Introspection {
        Introspection {
            http_on_loopback: true,
            ..self.0
        }
    }
}

/// What a resource server adds to the settings.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Context<'a> {
    pub(crate) issuer: &'a str,
    pub(crate) keys: &'a IssuerKeys,
    pub(crate) algorithms: &'a [JwsAlgorithm],
    pub(crate) audiences: &'a [String],
    pub(crate) compatibility: Compatibility,
    pub(crate) clock_skew: Duration,
    /// Whether the profile demands signed answers.
    pub(crate) signed: bool,
}

impl Introspection {
    /// Gets ready to ask.
    pub(crate) fn introspector(
        &self,
        context: Context<'_>,
    ) -> Result<Introspector, IntrospectionConfigError> {
        self.check()?;
        let format = if context.signed {
            Format::Jwt
        } else {
            self.format
        };
        let reading = match format {
            Format::Json => Reading::Plain,
            Format::Jwt if context.keys.is_none() => return Err(IntrospectionConfigError::NoKeys),
            Format::Jwt => {
                let mut names = context.audiences.to_vec();
                names.push(self.client_id.clone());
                Reading::Signed(SignedRules {
                    rules: AnswerRules {
                        issuer: context.issuer.to_owned(),
                        names,
                        algorithms: context.algorithms.to_vec(),
                        clock_skew: context.clock_skew,
                        encryption: self.encryption.clone(),
                    },
                    keys: context.keys.clone(),
                })
            }
        };
        Ok(Introspector(Arc::new(Inner {
            rules: IntrospectionRules {
                issuer: context.issuer.to_owned(),
                audiences: context.audiences.to_vec(),
                clock_skew: context.clock_skew,
                compatibility: context.compatibility,
                accept_missing_audience: self.accept_missing_audience,
                accept_missing_subject: self.accept_missing_subject,
            },
            reading,
            endpoint: self.asker(context.issuer, format)?,
            memory: Memory::new(self.limits),
            flights: Flights::new(),
            strangers: Gate::new(self.questions),
            signed: Gate::new(self.questions),
            timeout: self.timeout,
        })))
    }

    fn check(&self) -> Result<(), IntrospectionConfigError> {
        use IntrospectionConfigError as Error;
        if self.client_id.is_empty() {
            return Err(Error::ClientId);
        }
        let bounds = Duration::from_millis(1)..=Duration::from_secs(30);
        if !bounds.contains(&self.timeout) {
            return Err(Error::Timeout(self.timeout));
        }
        for (lifetime, longest) in [
            (self.limits.active_for, Duration::from_hours(1)),
            (self.limits.refused_for, Duration::from_mins(1)),
        ] {
            if lifetime > longest {
                return Err(Error::Memory(lifetime));
            }
        }
        if self.questions == 0 || self.questions > Semaphore::MAX_PERMITS {
            return Err(Error::NoQuestions);
        }
        Ok(())
    }

    fn asker(
        &self,
        issuer: &str,
        format: Format,
    ) -> Result<Arc<dyn Ask>, IntrospectionConfigError> {
        use IntrospectionConfigError as Error;
        #[cfg(test)]
        if let Some(asker) = &self.asker {
            return Ok(asker.clone());
        }
        let transport = Transport::new(TransportSettings {
            timeout: self.timeout,
            roots: self.roots.clone(),
            certificate: self.certificate.clone(),
            http_on_loopback: self.http_on_loopback,
        })
        .map_err(|error| Error::Tls(error.to_string()))?;
        let place = match &self.endpoint {
            Some(url) if !transport.permits(url) => return Err(Error::Endpoint(url.to_string())),
            Some(url) => Place::Given(url.clone()),
            None => {
                let name: IssuerUrl = issuer.parse().map_err(|_| Error::Issuer)?;
                if !transport.permits(name.url()) {
                    return Err(Error::Issuer);
                }
                let mut fetcher = Fetcher::builder().http_client(transport.http().clone());
                if self.http_on_loopback {
                    fetcher = fetcher.dangerous().http_on_loopback();
                }
                let fetcher = fetcher
                    .build()
                    .map_err(|error| Error::Tls(error.to_string()))?;
                Place::Metadata(Directory::new(fetcher, name, self.location))
            }
        };
        Ok(Arc::new(HttpAsk {
            transport,
            place,
            issuer: issuer.to_owned(),
            client_id: self.client_id.clone(),
            authentication: self.authentication.clone(),
            format,
        }))
    }
}

/// Without keys and certificates.
impl fmt::Debug for Introspection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Introspection")
            .field("client_id", &self.client_id)
            .field("endpoint", &self.endpoint.as_ref().map(Url::as_str))
            .field("tokens", &self.tokens)
            .field("format", &self.format)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}
