//! An authorization server whose tokens are accepted.

#[cfg(feature = "discovery")]
use crate::issuer::Introspection;
use crate::{issuer::IssuerKeys, jose::JwsAlgorithm, token::Compatibility};

/// Why an issuer's keys cannot be looked for.
#[cfg(feature = "discovery")]
#[non_exhaustive]
#[derive(Debug, thiserror::Error)]
pub enum DiscoverError {
    /// The identifier is none.
    #[error(transparent)]
    Issuer(#[from] crate::issuer::InvalidIssuerUrl),
    /// Fetching could not be set up.
    #[error(transparent)]
    Discovery(#[from] crate::issuer::DiscoveryError),
}

/// An authorization server whose tokens are accepted, with its keys and its peculiarities.
#[derive(Clone, Debug)]
pub struct TrustedIssuer {
    pub(super) issuer: String,
    pub(super) keys: IssuerKeys,
    pub(super) algorithms: Vec<JwsAlgorithm>,
    pub(super) compatibility: Compatibility,
    #[cfg(feature = "discovery")]
    pub(super) introspection: Option<Introspection>,
}

impl TrustedIssuer {
    /// Trusts tokens whose `iss` is exactly `issuer` and that one of these keys has signed.
    #[must_use]
    pub fn new(issuer: impl Into<String>, keys: IssuerKeys) -> Self {
        Self {
            issuer: issuer.into(),
            keys,
            algorithms: JwsAlgorithm::ALL.to_vec(),
            compatibility: Compatibility::default(),
            #[cfg(feature = "discovery")]
            introspection: None,
        }
    }

    /// Trusts this issuer's tokens by what its introspection endpoint says of them, and by nothing else: it signs none.
    ///
    /// For issuers whose tokens are all opaque. There are no keys, so answers cannot be demanded to be signed; where they are
    /// (RFC 9701), begin with [`new`](Self::new) or [`discover`](Self::discover) and go on with
    /// [`introspect`](Self::introspect).
    #[cfg(feature = "discovery")]
    #[must_use]
    pub fn introspected(issuer: impl Into<String>, introspection: Introspection) -> Self {
        Self::new(issuer, IssuerKeys::none()).introspect(introspection)
    }

    /// Asks this issuer about its tokens (RFC 7662): about those that are no JWTs, because nothing else can be learnt of
    /// them, and about those that are, whether they are still active. [`Introspection::tokens`] chooses.
    ///
    /// A JWT is verified first, and its sender has to have proved that it is theirs; only then is the issuer asked. A token
    /// is a JWT if its text has the form of one: three segments (five, if encrypted), of which the first is a JSON object.
    /// Nothing says who has issued another, so only one of a resource server's issuers can be asked about those:
    /// [`ConfigError::SeveralOpaque`](super::ConfigError::SeveralOpaque) otherwise.
    ///
    /// ```no_run
    /// use tower_fapi::{issuer::Introspection, resource_server::{ResourceServer, TrustedIssuer}};
    /// # fn example(key: tower_fapi::jose::SigningKey) -> Result<(), Box<dyn std::error::Error>> {
    /// let issuer = TrustedIssuer::discover("https://as.example.com")?
    ///     .introspect(Introspection::private_key_jwt("api", key));
    /// let server = ResourceServer::builder("https://api.example.com", issuer).build()?;
    /// # Ok(()) }
    /// ```
    #[cfg(feature = "discovery")]
    #[must_use]
    pub fn introspect(mut self, introspection: Introspection) -> Self {
        self.introspection = Some(introspection);
        self
    }

    /// Trusts this issuer's tokens and keeps its keys fresh from its metadata, with the defaults of
    /// [`Discovery`](crate::issuer::Discovery). Returns at once, whether the issuer can be reached or not.
    ///
    /// # Errors
    ///
    /// [`DiscoverError`] if `issuer` is not an `https` URL, or there is no Tokio runtime here.
    #[cfg(feature = "discovery")]
    pub fn discover(issuer: &str) -> Result<Self, DiscoverError> {
        let url: crate::issuer::IssuerUrl = issuer.parse()?;
        Ok(Self::new(
            issuer,
            crate::issuer::Discovery::new(url).start()?,
        ))
    }

    /// Accepts only these signature algorithms of this issuer; all three of FAPI 2.0 unless set.
    #[must_use]
    pub fn algorithms(mut self, algorithms: impl IntoIterator<Item = JwsAlgorithm>) -> Self {
        self.algorithms = algorithms.into_iter().collect();
        self
    }

    /// Takes this issuer's tokens although they differ from RFC 9068 in these ways; in none unless set.
    ///
    /// ```
    /// # use tower_fapi::{issuer::IssuerKeys, resource_server::TrustedIssuer, token::Compatibility};
    /// # fn example(keys: IssuerKeys) {
    /// let keycloak = TrustedIssuer::new("https://sso.example.com/realms/bank", keys)
    ///     .compatibility(Compatibility::keycloak());
    /// # }
    /// ```
    #[must_use]
    pub const fn compatibility(mut self, compatibility: Compatibility) -> Self {
        self.compatibility = compatibility;
        self
    }

    /// Adds [`Compatibility::accept_plain_jwt_type`], with the risk that is described there.
    #[must_use]
    pub const fn accept_plain_jwt_type(mut self) -> Self {
        self.compatibility = self.compatibility.accept_plain_jwt_type();
        self
    }
}
