//! What a handler sees of a token.

use std::{fmt, sync::Arc};

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::{AuthorizationDetail, Confirmation, Scope};
use crate::time::Timestamp;

/// A verified access token, whose sender has proved that it is theirs.
///
/// Stands in the request's extensions behind the protecting layer; but for the feature `testing`, there is no other way to
/// get one. Clones are cheap.
#[derive(Clone)]
pub struct AccessToken(Arc<Inner>);

#[cfg_attr(feature = "discovery", derive(Clone))]
pub(super) struct Inner {
    pub(super) issuer: String,
    pub(super) subject: String,
    pub(super) client_id: String,
    pub(super) audience: Vec<String>,
    pub(super) scope: Scope,
    pub(super) id: String,
    pub(super) issued_at: Timestamp,
    pub(super) expires_at: Timestamp,
    pub(super) not_before: Option<Timestamp>,
    pub(super) auth_time: Option<Timestamp>,
    pub(super) acr: Option<String>,
    pub(super) confirmation: Confirmation,
    pub(super) authorization_details: Vec<AuthorizationDetail>,
    pub(super) claims: Map<String, Value>,
}

impl AccessToken {
    pub(super) fn new(inner: Inner) -> Self {
        Self(Arc::new(inner))
    }

    /// The same token, ending no later than this.
    #[cfg(feature = "discovery")]
    pub(super) fn ending_by(&self, end: Timestamp) -> Self {
        if self.0.expires_at <= end {
            return self.clone();
        }
        Self::new(Inner {
            expires_at: end,
            ..Inner::clone(&self.0)
        })
    }

    /// `iss`: the authorization server that issued it.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.0.issuer
    }

    /// `sub`: who granted it, unique at the issuer; the client itself if nobody was asked.
    #[must_use]
    pub fn subject(&self) -> &str {
        &self.0.subject
    }

    /// `client_id`: who uses it.
    #[must_use]
    pub fn client_id(&self) -> &str {
        &self.0.client_id
    }

    /// `aud`: whom it is meant for, this resource server among them.
    #[must_use]
    pub fn audience(&self) -> &[String] {
        &self.0.audience
    }

    /// `scope`; empty if the token has none.
    #[must_use]
    pub fn scope(&self) -> &Scope {
        &self.0.scope
    }

    /// `jti`: the token's identifier.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.0.id
    }

    /// `iat`: when it was issued.
    #[must_use]
    pub fn issued_at(&self) -> Timestamp {
        self.0.issued_at
    }

    /// `exp`: the first second at which it is no longer valid.
    #[must_use]
    pub fn expires_at(&self) -> Timestamp {
        self.0.expires_at
    }

    pub(crate) fn not_before(&self) -> Option<Timestamp> {
        self.0.not_before
    }

    /// `auth_time`: when the subject last signed in (RFC 9068 §2.2.1).
    #[must_use]
    pub fn auth_time(&self) -> Option<Timestamp> {
        self.0.auth_time
    }

    /// `acr`: how strongly the subject signed in (RFC 9068 §2.2.1).
    #[must_use]
    pub fn acr(&self) -> Option<&str> {
        self.0.acr.as_deref()
    }

    /// `cnf`: what the token is bound to. Behind the protecting layer the sender has proved possession of all of it.
    #[must_use]
    pub fn confirmation(&self) -> &Confirmation {
        &self.0.confirmation
    }

    /// `authorization_details`: what exactly was granted (RFC 9396 §9.1).
    #[must_use]
    pub fn authorization_details(&self) -> &[AuthorizationDetail] {
        &self.0.authorization_details
    }

    /// Any other claim, by type; `None` if the token has no such claim.
    ///
    /// # Errors
    ///
    /// The claim is there and does not fit the type.
    pub fn claim<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, serde_json::Error> {
        self.0.claims.get(name).map(T::deserialize).transpose()
    }
}

/// Names the token without showing who uses it for what.
impl fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessToken")
            .field("issuer", &self.0.issuer)
            .field("client_id", &self.0.client_id)
            .field("scope", &self.0.scope.as_str())
            .field("expires_at", &self.0.expires_at)
            .finish_non_exhaustive()
    }
}
