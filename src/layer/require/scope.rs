use std::sync::Arc;

use super::Demand;
use crate::{
    rejection::Refusal,
    time::Timestamp,
    token::{AccessToken, InvalidScope, Scope},
};

/// Lets only tokens through that have the scope this route demands; the others get 403 `insufficient_scope`.
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
pub struct RequireScope(Arc<Values>);

#[derive(Debug)]
struct Values {
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
        Ok(Self(Arc::new(Values { all, values })))
    }
}

impl Demand for RequireScope {
    fn check(&self, token: &AccessToken, _now: Timestamp) -> Result<(), Refusal> {
        let Values { all, values } = &*self.0;
        let holds = |value| token.scope().contains(value);
        let suffices = if *all {
            values.iter().all(holds)
        } else {
            values.iter().any(holds)
        };
        if suffices {
            Ok(())
        } else {
            Err(Refusal::Scope(values.clone()))
        }
    }
}
