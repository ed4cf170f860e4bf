//! Other sources of revocation than the issuer's introspection endpoint.

use std::{
    fmt,
    future::{Future, Ready, ready},
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use super::AccessToken;
use crate::time::Timestamp;

/// Somebody who knows which tokens were revoked before their time: a list that security events fill, a session store, the
/// customer's own "log me out everywhere".
///
/// Asked once for each request, after everything else about it was found good and before its proof is recorded. Whoever can
/// answer from memory answers at once, which costs the request no future.
///
/// ```
/// use std::{collections::HashSet, sync::RwLock};
/// use tower_fapi::{time::Timestamp, token::{AccessToken, Checking, RevocationCheck, RevocationUnavailable, Standing}};
///
/// /// Clients that were locked out.
/// struct LockedOut(RwLock<HashSet<String>>);
///
/// impl RevocationCheck for LockedOut {
///     fn check(&self, token: &AccessToken, _now: Timestamp) -> Checking {
///         let Ok(clients) = self.0.read() else {
///             return Checking::ready(Err(RevocationUnavailable::new("the list is broken")));
///         };
///         let revoked = clients.contains(token.client_id());
///         Checking::ready(Ok(if revoked { Standing::Revoked } else { Standing::Active }))
///     }
/// }
/// ```
pub trait RevocationCheck: Send + Sync + 'static {
    /// Whether this token, which is otherwise good, has been revoked.
    ///
    /// Names of tokens ([`AccessToken::id`]) are unique for their [`issuer`](AccessToken::issuer) only.
    fn check(&self, token: &AccessToken, now: Timestamp) -> Checking;
}

/// Whether a token may still be used.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[expect(clippy::exhaustive_enums, reason = "there is no third answer")]
pub enum Standing {
    /// It may.
    Active,
    /// It was revoked: 401 `invalid_token`.
    Revoked,
}

/// Whether the token was revoked cannot be said at present. Our own fault, never the client's: a 503.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{reason}")]
pub struct RevocationUnavailable {
    reason: String,
    retry_after: Duration,
}

/// The future of a [`check`](RevocationCheck::check): known already, or to be waited for.
#[must_use = "a token is not checked until the answer has been read"]
pub struct Checking(State);

/// An answer that must be waited for.
pub type PendingStanding =
    Pin<Box<dyn Future<Output = Result<Standing, RevocationUnavailable>> + Send>>;

enum State {
    Ready(Ready<Result<Standing, RevocationUnavailable>>),
    Pending(PendingStanding),
}

impl RevocationUnavailable {
    /// Says why, for the log. The client may try again after a second.
    pub fn new(reason: impl Into<String>) -> Self {
        Self {
            reason: reason.into(),
            retry_after: Duration::from_secs(1),
        }
    }

    /// Sets when the client may try again: whole seconds, at least one.
    #[must_use]
    pub fn retry_after(mut self, after: Duration) -> Self {
        self.retry_after = Duration::from_secs(after.as_secs().max(1));
        self
    }

    pub(crate) const fn patience(&self) -> Duration {
        self.retry_after
    }
}

impl Checking {
    /// An answer that is known already.
    pub fn ready(answer: Result<Standing, RevocationUnavailable>) -> Self {
        Self(State::Ready(ready(answer)))
    }

    /// An answer that must be waited for. Whoever gives it bounds the time it takes.
    pub fn pending(answer: PendingStanding) -> Self {
        Self(State::Pending(answer))
    }

    /// Takes the answer if it is known, without polling.
    ///
    /// # Errors
    ///
    /// The future to await, if the answer is still to come. It has not been polled.
    pub fn now_or_pending(
        self,
    ) -> Result<Result<Standing, RevocationUnavailable>, PendingStanding> {
        match self.0 {
            State::Ready(answer) => Ok(answer.into_inner()),
            State::Pending(answer) => Err(answer),
        }
    }
}

impl Future for Checking {
    type Output = Result<Standing, RevocationUnavailable>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.0 {
            State::Ready(answer) => Pin::new(answer).poll(cx),
            State::Pending(answer) => answer.as_mut().poll(cx),
        }
    }
}

impl fmt::Debug for Checking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Checking")
            .field(match &self.0 {
                State::Ready(answer) => answer,
                State::Pending(_) => &"pending",
            })
            .finish()
    }
}
