//! The keys of one issuer, as the verdict asks for them.

use std::{sync::Arc, time::Duration};

#[cfg(feature = "discovery")]
use super::live::Live;
use super::{fetch_error::FetchError, health::IssuerHealth};
use crate::{
    jose::{JwkSet, VerifyingKeySet},
    time::Timestamp,
};

/// The keys of one issuer, given once or fetched and kept fresh. Cheap to clone; clones share everything.
///
/// Whoever verifies a token asks [`current`](Self::current), which never waits. Only if that gives nothing, or not the key
/// that the token names, is there something to wait for.
#[derive(Clone, Debug)]
pub struct IssuerKeys(Source);

#[derive(Clone, Debug)]
enum Source {
    Fixed(KeySnapshot),
    #[cfg(feature = "discovery")]
    Live(Arc<Live>),
}

/// The keys at one moment. Cheap to clone.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct KeySnapshot {
    /// The keys that verify signatures: at least one, unless the keys of a recipient were asked for.
    pub keys: VerifyingKeySet,
    /// All keys that are published, those to encrypt to among them.
    pub set: Arc<JwkSet>,
    /// Changes whenever `keys` do, and only then: what was verified under one generation holds while it is the current one.
    pub generation: u64,
}

/// The issuer's keys cannot be had at present. Our own fault, never the client's: a 503.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum KeysUnavailable {
    /// The latest fetch failed.
    #[error("keys of the issuer cannot be fetched: {error}")]
    Fetch {
        /// Why.
        #[source]
        error: FetchError,
        /// How long until it is tried again.
        retry_after: Duration,
    },
    /// The background task has ended, with the runtime it was started on.
    #[error("the task that fetches the issuer's keys has ended")]
    Stopped,
}

/// A key set holds no key that can verify a signature.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("no usable key")]
pub struct NoUsableKey;

impl IssuerKeys {
    /// Uses these keys and never fetches any.
    ///
    /// # Errors
    ///
    /// [`NoUsableKey`] if none of them can verify a signature.
    pub fn fixed(set: &JwkSet) -> Result<Self, NoUsableKey> {
        let keys = VerifyingKeySet::new(set);
        if keys.keys().is_empty() {
            return Err(NoUsableKey);
        }
        Ok(Self(Source::Fixed(KeySnapshot {
            keys,
            set: Arc::new(set.clone()),
            generation: 1,
        })))
    }

    /// No keys and no way to any: of an issuer that signs nothing.
    #[cfg(any(feature = "discovery", feature = "authorization-server"))]
    pub(crate) fn none() -> Self {
        Self(Source::Fixed(KeySnapshot {
            keys: VerifyingKeySet::new(&JwkSet::default()),
            set: Arc::default(),
            generation: 0,
        }))
    }

    /// Whether there are no keys and never will be.
    #[cfg(feature = "discovery")]
    pub(crate) fn is_none(&self) -> bool {
        match &self.0 {
            Source::Fixed(snapshot) => snapshot.keys.keys().is_empty(),
            Source::Live(_) => false,
        }
    }

    #[cfg(feature = "discovery")]
    pub(super) fn live(live: impl Into<Arc<Live>>) -> Self {
        Self(Source::Live(live.into()))
    }

    /// The keys at `now`, without waiting and without a lock.
    ///
    /// `None` if none have been obtained yet, or the issuer has not confirmed them within the maximum age.
    #[cfg_attr(
        not(feature = "discovery"),
        expect(unused_variables, reason = "fixed keys have no age")
    )]
    pub fn current(&self, now: Timestamp) -> Option<KeySnapshot> {
        match &self.0 {
            Source::Fixed(snapshot) => Some(snapshot.clone()),
            #[cfg(feature = "discovery")]
            Source::Live(live) => live.current(now),
        }
    }

    /// The generation of what [`current`](Self::current) would give.
    ///
    /// Every request with a known token asks for it. Taking the keys for that would count one more owner of them, in a line of
    /// cache that all threads then write to in turn.
    #[cfg_attr(
        not(feature = "discovery"),
        expect(
            unused_variables,
            clippy::unnecessary_wraps,
            reason = "fixed keys have no age"
        )
    )]
    pub(crate) fn generation(&self, now: Timestamp) -> Option<u64> {
        match &self.0 {
            Source::Fixed(snapshot) => Some(snapshot.generation),
            #[cfg(feature = "discovery")]
            Source::Live(live) => live.generation(now),
        }
    }

    /// The keys at `now`; if there are none, waits for one fetch, which all who wait share.
    ///
    /// The fetch goes on when a caller stops waiting. After a failed one the answer is an error at once until the next is due.
    ///
    /// # Errors
    ///
    /// [`KeysUnavailable`] if the fetch fails.
    #[cfg_attr(
        not(feature = "discovery"),
        expect(
            unused_variables,
            clippy::unused_async,
            reason = "fixed keys are always there"
        )
    )]
    pub async fn obtain(&self, now: Timestamp) -> Result<KeySnapshot, KeysUnavailable> {
        match &self.0 {
            Source::Fixed(snapshot) => Ok(snapshot.clone()),
            #[cfg(feature = "discovery")]
            Source::Live(live) => live.obtain(now).await,
        }
    }

    /// Newer keys than those of generation `seen`, in which a key that a token names was not found.
    ///
    /// All callers together cause at most one fetch per cool-down. Whoever comes in between gets what there is: the keys, or
    /// the error if the latest fetch failed, because then nobody knows whether the key exists.
    ///
    /// # Errors
    ///
    /// [`KeysUnavailable`] if the fetch fails.
    #[cfg_attr(
        not(feature = "discovery"),
        expect(
            unused_variables,
            clippy::unused_async,
            reason = "fixed keys never change"
        )
    )]
    pub async fn refresh_for_unknown_key(
        &self,
        seen: u64,
        now: Timestamp,
    ) -> Result<KeySnapshot, KeysUnavailable> {
        match &self.0 {
            Source::Fixed(snapshot) => Ok(snapshot.clone()),
            #[cfg(feature = "discovery")]
            Source::Live(live) => live.refresh_for_unknown_key(seen, now).await,
        }
    }

    /// How things stand at `now`.
    #[cfg_attr(
        not(feature = "discovery"),
        expect(unused_variables, reason = "fixed keys have no age")
    )]
    pub fn health(&self, now: Timestamp) -> IssuerHealth {
        match &self.0 {
            Source::Fixed(snapshot) => IssuerHealth {
                serving: true,
                keys: snapshot.keys.keys().len(),
                ..IssuerHealth::default()
            },
            #[cfg(feature = "discovery")]
            Source::Live(live) => live.health(now),
        }
    }
}

impl KeysUnavailable {
    /// When a client may try again: whole seconds, at least one (RFC 9110 §10.2.3).
    #[must_use]
    pub fn retry_after(&self) -> Duration {
        match self {
            Self::Fetch { retry_after, .. } => {
                Duration::from_secs(retry_after.as_secs()).max(Duration::from_secs(1))
            }
            // Nothing but a restart helps.
            Self::Stopped => Duration::from_mins(1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jose::{JwsAlgorithm, PrivateJwk};

    const NOW: Timestamp = Timestamp::from_unix(1_800_000_000);

    #[test]
    fn fixed_keys_are_always_there() {
        let key = PrivateJwk::generate(JwsAlgorithm::Es256).unwrap();
        let keys = IssuerKeys::fixed(&JwkSet::new([key.public().clone()])).unwrap();
        for now in [i64::MIN, 0, i64::MAX].map(Timestamp::from_unix) {
            assert_eq!(keys.current(now).unwrap().keys.keys().len(), 1);
        }
        let health = keys.health(NOW);
        assert!(health.serving);
        assert_eq!((health.keys, health.age), (1, None));
    }

    #[test]
    fn fixed_keys_without_a_usable_one_are_a_mistake() {
        let encryption = r#"{"keys":[{"kty":"OKP","crv":"Ed25519","use":"enc",
            "x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;
        for set in [JwkSet::default(), encryption.parse().unwrap()] {
            assert_eq!(IssuerKeys::fixed(&set).map(drop), Err(NoUsableKey));
        }
    }

    #[test]
    fn a_client_is_never_told_to_come_back_at_once() {
        for (millis, expected) in [(0, 1), (999, 1), (1500, 1), (5000, 5)] {
            let error = KeysUnavailable::Fetch {
                error: FetchError::Timeout,
                retry_after: Duration::from_millis(millis),
            };
            assert_eq!(error.retry_after(), Duration::from_secs(expected));
        }
        assert!(!KeysUnavailable::Stopped.retry_after().is_zero());
    }
}
