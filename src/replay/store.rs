//! The contract between the verdict and whatever remembers proofs.

use std::{error::Error, sync::Arc};

use thiserror::Error;

use super::{Recording, ReplayKey};
use crate::time::Timestamp;

/// Remembers which proofs have been accepted (RFC 9449 §11.1).
///
/// # For implementers
///
/// The caller asks once a proof has passed every other check, and lets the request through on
/// `Ok(`[`Recorded::First`]`)` alone. An implementation must therefore hold to this:
///
/// - **Atomic.** Looking and writing are one step. Of any number of concurrent calls with one key, whatever instances
///   they come from, exactly one is answered [`First`](Recorded::First).
/// - **Until `expires`, inclusive.** A record is live for as long as `now <= expires`. While it is live, every call with its
///   key is answered [`Replayed`](Recorded::Replayed), also one that gives another `expires`, and it does not change the
///   record. From the next second on the key may be recorded again.
/// - **Never evicted.** A live record is not dropped to make room, neither by a bound on entries nor by a cache's policy. A
///   store without room answers [`StoreError::Full`].
/// - **Fail closed.** A store that cannot tell whether a proof is new (its server is not reachable, a time ran out, records
///   were lost) answers [`StoreError::Unavailable`], never `First`. It must recover by itself.
/// - **Quick.** `record` itself does not block; what must be waited for goes into the [`Recording`].
pub trait ReplayStore: Send + Sync + 'static {
    /// Records a proof, unless a live record of `key` exists.
    ///
    /// `expires` is the last second at which the proof could still be accepted, and not before `now`.
    fn record(&self, key: ReplayKey, expires: Timestamp, now: Timestamp) -> Recording;

    /// How many proofs are on record, for a figure on an operator's screen; `None` from a store that would have to ask.
    fn entries(&self) -> Option<usize> {
        None
    }
}

impl<S: ReplayStore + ?Sized> ReplayStore for Arc<S> {
    fn record(&self, key: ReplayKey, expires: Timestamp, now: Timestamp) -> Recording {
        (**self).record(key, expires, now)
    }

    fn entries(&self) -> Option<usize> {
        (**self).entries()
    }
}

/// Whether a proof was seen before.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Recorded {
    /// It was not, and is on record now.
    First,
    /// It was: the request must be refused.
    Replayed,
}

/// Why a store could not tell whether a proof is new. Our own fault, never the client's.
#[non_exhaustive]
#[derive(Clone, Debug, Error)]
pub enum StoreError {
    /// There are as many live records as the store may hold. The proof is not on record.
    #[error("the replay store is full")]
    Full,
    /// The store cannot be asked, or no longer knows. Whether the proof is on record is not known either.
    #[error("the replay store is unavailable: {0}")]
    Unavailable(#[source] Arc<dyn Error + Send + Sync>),
}

impl StoreError {
    /// [`Unavailable`](Self::Unavailable), for this reason.
    pub fn unavailable(reason: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Unavailable(reason.into().into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replay::MemoryReplayStore;

    // One store behind several layers: a proof accepted by one is a replay at the other.
    #[test]
    fn clones_of_an_arc_share_their_records() {
        let store: Arc<dyn ReplayStore> = Arc::new(MemoryReplayStore::new(10));
        let (one, other) = (Arc::clone(&store), store);
        let key = ReplayKey::new("https://as.example", &[1; 32], "a");
        let now = Timestamp::from_unix(100);
        for (store, expected) in [(one, Recorded::First), (other, Recorded::Replayed)] {
            let answer = ReplayStore::record(&store, key, now, now)
                .now_or_pending()
                .ok()
                .expect("memory answers at once");
            assert_eq!(answer.unwrap(), expected);
        }
    }

    #[test]
    fn the_reason_for_being_unavailable_is_kept() {
        let error = StoreError::unavailable("connection refused");
        assert_eq!(error.source().unwrap().to_string(), "connection refused");
    }
}
