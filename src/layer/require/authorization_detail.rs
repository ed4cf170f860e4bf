use std::{fmt, sync::Arc};

use serde::de::DeserializeOwned;

use super::Demand;
use crate::{
    rejection::Refusal,
    time::Timestamp,
    token::{AccessToken, AuthorizationDetail},
};

type Predicate = dyn Fn(&AuthorizationDetail) -> bool + Send + Sync;

/// Lets only tokens through that hold an entry of `authorization_details` that grants what this route does (RFC 9396 §9);
/// the others get 403 `insufficient_scope`.
///
/// One entry has to satisfy the whole predicate: two that hold one half each grant nothing together. An entry whose
/// members do not fit the type is passed over.
///
/// ```
/// use axum::{Router, routing::get};
/// use serde::Deserialize;
/// use tower_fapi::layer::RequireAuthorizationDetail;
///
/// #[derive(Deserialize)]
/// struct AccountInformation {
///     actions: Vec<String>,
/// }
///
/// fn accounts() -> Router {
///     let balances = RequireAuthorizationDetail::of_type("account_information")
///         .satisfying(|entry: &AccountInformation| entry.actions.iter().any(|action| action == "read_balances"));
///     Router::new().route("/balances", get(|| async { "1,200.00" }).layer(balances))
/// }
/// ```
///
/// What depends on the request's body is demanded by the handler, see [`Protection`](crate::layer::Protection).
#[derive(Clone)]
pub struct RequireAuthorizationDetail {
    kind: Arc<str>,
    predicate: Arc<Predicate>,
}

impl RequireAuthorizationDetail {
    /// Demands an entry whose `type` is this, letter for letter, whatever else it says.
    #[must_use]
    pub fn of_type(kind: impl Into<Arc<str>>) -> Self {
        Self {
            kind: kind.into(),
            predicate: Arc::new(|_| true),
        }
    }

    /// Demands of the same entry that it fits this type and satisfies this predicate, beside what was demanded before.
    #[must_use]
    pub fn satisfying<T: DeserializeOwned>(
        mut self,
        predicate: impl Fn(&T) -> bool + Send + Sync + 'static,
    ) -> Self {
        let before = self.predicate;
        self.predicate = Arc::new(move |entry| {
            before(entry) && entry.to::<T>().is_ok_and(|entry| predicate(&entry))
        });
        self
    }

    /// Demands of the same entry that its `actions` hold this (RFC 9396 §2.2).
    #[must_use]
    pub fn action(self, action: impl Into<String>) -> Self {
        let action = action.into();
        self.listed(AuthorizationDetail::actions, action)
    }

    /// Demands of the same entry that its `locations` hold this (RFC 9396 §2.2).
    #[must_use]
    pub fn location(self, location: impl Into<String>) -> Self {
        let location = location.into();
        self.listed(AuthorizationDetail::locations, location)
    }

    fn listed(
        mut self,
        list: fn(&AuthorizationDetail) -> Option<Vec<&str>>,
        wanted: String,
    ) -> Self {
        let before = self.predicate;
        self.predicate = Arc::new(move |entry| {
            before(entry) && list(entry).is_some_and(|values| values.contains(&wanted.as_str()))
        });
        self
    }
}

impl Demand for RequireAuthorizationDetail {
    fn check(&self, token: &AccessToken, _now: Timestamp) -> Result<(), Refusal> {
        let granted = token
            .authorization_details()
            .iter()
            .any(|entry| entry.kind() == &*self.kind && (self.predicate)(entry));
        if granted {
            Ok(())
        } else {
            Err(Refusal::AuthorizationDetails(Arc::clone(&self.kind)))
        }
    }
}

impl fmt::Debug for RequireAuthorizationDetail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequireAuthorizationDetail")
            .field("type", &self.kind)
            .finish_non_exhaustive()
    }
}
