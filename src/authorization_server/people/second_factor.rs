//! Second factors: what comes after the password.

use std::{
    collections::HashMap,
    future::Future,
    pin::Pin,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use super::{AuthenticatorFault, Password};
use crate::time::Timestamp;

/// What [`Authenticator::second_factor`](super::Authenticator::second_factor) returns.
pub type SecondFactorFuture<'a> =
    Pin<Box<dyn Future<Output = Result<SecondFactorAnswer, AuthenticatorFault>> + Send + 'a>>;

/// What somebody who has proved their password typed as the code of their second factor.
#[non_exhaustive]
#[derive(Debug)]
pub struct SecondFactorAttempt {
    /// Whose password was proved.
    pub subject: String,
    /// The code as typed.
    pub code: Password,
}

impl SecondFactorAttempt {
    /// An attempt of this person, with what was typed.
    #[must_use]
    pub fn new(subject: impl Into<String>, code: Password) -> Self {
        Self {
            subject: subject.into(),
            code,
        }
    }
}

/// What an [`Authenticator`](super::Authenticator) decided about a second factor.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum SecondFactorAnswer {
    /// The code is right.
    Accepted(UsedCode),
    /// The code is wrong, too old or was used before, or the person has no second factor; nobody is told which.
    Refused,
    /// There were too many attempts of this person. This one was not looked at.
    Throttled {
        /// How long until the next one will be.
        retry_after: Duration,
    },
}

/// A code that was right: the server remembers it, so that it is right once (RFC 6238 §5.2), with all its instances if
/// they share a replay store.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct UsedCode {
    /// What tells it from the other codes of this person. Not the code itself.
    pub id: String,
    /// Until when it would be right again.
    pub until: Timestamp,
}

/// The last step of which each person has used the code. Bounded by the number of people.
#[derive(Debug, Default)]
pub(super) struct UsedSteps(Mutex<HashMap<String, i64>>);

impl UsedSteps {
    /// Whether the code of this step was not used before, nor one after it, and is now.
    pub(super) fn take(&self, subject: &str, step: i64) -> bool {
        let mut used = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if used.get(subject).is_some_and(|last| step <= *last) {
            return false;
        }
        used.insert(subject.to_owned(), step);
        true
    }
}
