//! An authorization server whose tokens are accepted.

use crate::{issuer::IssuerKeys, jose::JwsAlgorithm};

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
    pub(super) accept_plain_jwt_type: bool,
}

impl TrustedIssuer {
    /// Trusts tokens whose `iss` is exactly `issuer` and that one of these keys has signed.
    #[must_use]
    pub fn new(issuer: impl Into<String>, keys: IssuerKeys) -> Self {
        Self {
            issuer: issuer.into(),
            keys,
            algorithms: JwsAlgorithm::ALL.to_vec(),
            accept_plain_jwt_type: false,
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

    /// Compatibility: takes `typ` `JWT`, or none, for an access token.
    ///
    /// For authorization servers that do not follow RFC 9068 §2.1. Make sure that this issuer's ID tokens have another
    /// audience than this resource server.
    #[must_use]
    pub const fn accept_plain_jwt_type(mut self) -> Self {
        self.accept_plain_jwt_type = true;
        self
    }
}
