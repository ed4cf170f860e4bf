use std::sync::Arc;

use tower::Layer;

use super::RequireScopeService;
use crate::token::{InvalidScope, Scope};

/// Lets only tokens through that have the scope this route demands.
///
/// ```
/// use axum::{Router, routing::{get, post}};
/// use tower_fapi::{layer::{FapiLayer, RequireScope}, resource_server::ResourceServer};
///
/// fn app(server: ResourceServer) -> Result<Router, tower_fapi::token::InvalidScope> {
///     let read = RequireScope::all_of(["accounts"])?;
///     let pay = RequireScope::any_of(["payments", "payments:initiate"])?;
///     Ok(Router::new()
///         .route("/accounts", get(|| async { "your accounts" }).layer(read))
///         .route("/payments", post(|| async { "paid" }).layer(pay))
///         .layer(FapiLayer::new(server)))
/// }
/// ```
#[derive(Clone, Debug)]
pub struct RequireScope(pub(super) Arc<Demand>);

#[derive(Debug)]
pub(super) struct Demand {
    all: bool,
    values: Scope,
}

impl RequireScope {
    /// Demands every one of these values.
    ///
    /// # Errors
    ///
    /// [`InvalidScope`] if there is none, or one of them is no scope value (RFC 6749 §3.3).
    pub fn all_of<'a>(values: impl IntoIterator<Item = &'a str>) -> Result<Self, InvalidScope> {
        Self::new(true, values)
    }

    /// Demands at least one of these values.
    ///
    /// # Errors
    ///
    /// [`InvalidScope`] if there is none, or one of them is no scope value (RFC 6749 §3.3).
    pub fn any_of<'a>(values: impl IntoIterator<Item = &'a str>) -> Result<Self, InvalidScope> {
        Self::new(false, values)
    }

    fn new<'a>(all: bool, values: impl IntoIterator<Item = &'a str>) -> Result<Self, InvalidScope> {
        let values: Vec<_> = values.into_iter().collect();
        // An empty demand would let everybody through (all) or nobody (any), and is neither's intention.
        if values.is_empty()
            || values
                .iter()
                .any(|value| value.is_empty() || value.contains(' '))
        {
            return Err(InvalidScope);
        }
        let values = values.join(" ").parse()?;
        Ok(Self(Arc::new(Demand { all, values })))
    }
}

impl Demand {
    pub(super) fn is_met_by(&self, held: &Scope) -> bool {
        if self.all {
            self.values.iter().all(|value| held.contains(value))
        } else {
            self.values.iter().any(|value| held.contains(value))
        }
    }

    /// What would suffice, for the challenge.
    pub(super) const fn values(&self) -> &Scope {
        &self.values
    }
}

impl<S> Layer<S> for RequireScope {
    type Service = RequireScopeService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        RequireScopeService::new(inner, Arc::clone(&self.0))
    }
}
