//! An authorization server whose tokens are accepted.

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
        }
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
