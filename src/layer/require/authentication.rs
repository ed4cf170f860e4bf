use std::{sync::Arc, time::Duration};

use super::Demand;
use crate::{rejection::Refusal, time::Timestamp, token::AccessToken};

/// Lets only tokens through whose user has signed in strongly and recently enough: step-up authentication (RFC 9470).
///
/// The others get 401 `insufficient_user_authentication`, with the `acr_values` and the `max_age` that the client has to
/// ask the authorization server for (RFC 9470 §3, §4).
///
/// ```
/// use std::time::Duration;
///
/// use axum::{Router, routing::post};
/// use tower_fapi::layer::{InvalidAuthentication, RequireAuthentication};
///
/// fn payments() -> Result<Router, InvalidAuthentication> {
///     let fresh = RequireAuthentication::acr(["urn:example:mfa"])?.within(Duration::from_secs(300));
///     Ok(Router::new().route("/payments", post(|| async { "paid" }).layer(fresh)))
/// }
/// ```
#[derive(Clone, Debug)]
pub struct RequireAuthentication {
    acr_values: Arc<[String]>,
    max_age: Option<Duration>,
}

/// No authentication context class is given, or one of them cannot stand in a list separated by spaces.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error(
    "not a list of authentication context class references: visible ASCII without quotes and backslashes"
)]
pub struct InvalidAuthentication;

/// By how much the clocks of two servers differ at most (FAPI 2.0 Security Profile §5.3.2.1).
const CLOCK_SKEW: Duration = Duration::from_secs(60);

impl RequireAuthentication {
    /// Accepts tokens whose `acr` is one of these, letter for letter; the first is what the client is to ask for most.
    ///
    /// # Errors
    ///
    /// [`InvalidAuthentication`] if there is none, or one of them is empty or has a space, a quote, a backslash, or
    /// anything that is not visible ASCII.
    pub fn acr<'a>(
        values: impl IntoIterator<Item = &'a str>,
    ) -> Result<Self, InvalidAuthentication> {
        let acr_values: Arc<[String]> = values.into_iter().map(str::to_owned).collect();
        let sound = |value: &String| {
            let visible = |byte| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e);
            !value.is_empty() && value.bytes().all(visible)
        };
        if acr_values.is_empty() || !acr_values.iter().all(sound) {
            return Err(InvalidAuthentication);
        }
        Ok(Self {
            acr_values,
            max_age: None,
        })
    }

    /// Accepts any strength, if the user has signed in no longer ago than this: whole seconds.
    #[must_use]
    pub fn max_age(max_age: Duration) -> Self {
        Self {
            acr_values: Arc::default(),
            max_age: Some(max_age),
        }
    }

    /// Demands as well that the user has signed in no longer ago than this: whole seconds.
    #[must_use]
    pub fn within(mut self, max_age: Duration) -> Self {
        self.max_age = Some(max_age);
        self
    }
}

impl Demand for RequireAuthentication {
    fn check(&self, token: &AccessToken, now: Timestamp) -> Result<(), Refusal> {
        let strong = self.acr_values.is_empty()
            || token
                .acr()
                .is_some_and(|acr| self.acr_values.iter().any(|value| value == acr));
        // A token that does not say when its user signed in has not shown that it was recently.
        let recent = self.max_age.is_none_or(|max_age| {
            token
                .auth_time()
                // One that claims a time to come, beyond what clocks differ by, has not shown it either.
                .is_some_and(|then| {
                    now.since(then).as_secs() <= max_age.as_secs() && then <= now.plus(CLOCK_SKEW)
                })
        });
        if strong && recent {
            Ok(())
        } else {
            Err(Refusal::Authentication {
                acr_values: Arc::clone(&self.acr_values),
                max_age: self.max_age,
            })
        }
    }
}
