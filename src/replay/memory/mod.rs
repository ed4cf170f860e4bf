//! The replay store of a single process.

mod forgotten;
mod index;
mod shard;
#[cfg(test)]
mod tests;

use std::{
    fmt,
    hash::{BuildHasher, RandomState},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicI64, AtomicUsize, Ordering},
    },
};

use thiserror::Error;

use self::{
    forgotten::Forgotten,
    shard::{Fingerprint, LAST_SECOND, Outcome, Shard},
};
use super::{Answer, Recorded, Recording, ReplayKey, ReplayStore, StoreError};
use crate::time::Timestamp;

/// Remembers proofs in the memory of this process; enough wherever one process alone accepts a token.
///
/// Every answer is given at once, without waiting and without a background task. The cost of a record does not depend on
/// how many there are, and expired ones are cleaned up a few thousand at a time by the requests that come after.
///
/// # Capacity and memory
///
/// No more than [`capacity`](Self::capacity) records are held. Once that many are live, further proofs are answered
/// [`StoreError::Full`] until one expires; a live record is never given up, and no client has a share of its own. A service
/// that accepts `r` proofs a second holds `r` times the lifetime of a proof: with proofs that are accepted for 60 s, the
/// default of a million is enough for 16 000 a second.
///
/// A live record takes 42 bytes, at most 56, and the empty store 18 to 72 KiB: some 45 MB for a million.
///
/// # When the clock jumps
///
/// A proof whose record has been dropped is not accepted again when the clock goes back: the store answers
/// [`StoreError::Unavailable`] for any proof that expires within the time it has forgotten. A clock that was ahead and is set
/// right thus costs refusals for the lifetime of a proof, and again for as long as it had been ahead when that time comes
/// round. A clock that jumps ahead only makes records expire.
pub struct MemoryReplayStore {
    shards: Box<[Slot]>,
    /// For each shard, a second before which none of its records expires: tells without its lock whether to look there.
    due: Box<[AtomicI64]>,
    seed: RandomState,
    shared: Shared,
}

/// A line of cache for each, so that threads in neighbouring shards do not wait for each other.
#[repr(align(64))]
struct Slot(Mutex<Shard>);

/// What the shards have in common.
struct Shared {
    capacity: usize,
    taken: AtomicUsize,
    forgotten: Mutex<Forgotten>,
}

#[derive(Debug, Error)]
#[error("a record of this proof may have been dropped: it expired, or the clock went back")]
struct CannotTell;

impl MemoryReplayStore {
    /// A million records.
    pub const DEFAULT_CAPACITY: usize = 1_000_000;

    /// A store for this many live records.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        // Some thousand records each when full: few enough that moving them is no pause (tens of microseconds), and shards
        // few enough that their ends of log stay in the cache. Past 1024 they grow, to a quarter of what they can hold.
        let shards = (capacity / 4096)
            .clamp(64, 1024)
            .max((capacity / 16_384).min(1 << 16))
            .next_power_of_two();
        Self::with_shards(capacity, shards)
    }

    /// `shards` is a power of two.
    fn with_shards(capacity: usize, shards: usize) -> Self {
        Self {
            shards: (0..shards)
                .map(|_| Slot(Mutex::new(Shard::new())))
                .collect(),
            due: (0..shards).map(|_| AtomicI64::new(i64::MAX)).collect(),
            seed: RandomState::new(),
            shared: Shared::new(capacity),
        }
    }

    /// How many live records the store can hold.
    pub const fn capacity(&self) -> usize {
        self.shared.capacity
    }

    /// How many records the store holds: the live ones, and expired ones that have not been cleaned up. Under steady
    /// traffic these are fewer than half as many; after a burst they go as further proofs come, or with
    /// [`sweep`](Self::sweep).
    pub fn len(&self) -> usize {
        self.shared.taken.load(Ordering::Relaxed)
    }

    /// Whether the store holds no record at all.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes the store has allocated.
    pub fn allocated_bytes(&self) -> usize {
        let records = self
            .shards
            .iter()
            .map(|shard| shard.lock().allocated_bytes());
        records.sum::<usize>() + size_of_val(&*self.shards) + size_of_val(&*self.due)
    }

    /// Drops every record that has expired. Nothing depends on its being called: it makes [`len`](Self::len) exact, and
    /// gives memory back when no more proofs come. Takes some nanoseconds for each record.
    pub fn sweep(&self, now: Timestamp) {
        let now = second(now);
        for (shard, due) in self.shards.iter().zip(&self.due) {
            if due.load(Ordering::Relaxed) < now {
                shard.lock().collect(now, due, &self.shared);
            }
        }
    }

    fn record_now(&self, key: &ReplayKey, expires: Timestamp, now: Timestamp) -> Answer {
        // Whether it was recorded before cannot be told: that record may be gone.
        if expires < now {
            return Err(StoreError::unavailable(CannotTell));
        }
        let (expires, now) = (second(expires), second(now));
        let fingerprint = self.fingerprint(key);
        let number = self.shard_of(fingerprint);
        loop {
            match self.record_in(number, fingerprint, expires, now) {
                Outcome::First => return Ok(Recorded::First),
                Outcome::Replayed => return Ok(Recorded::Replayed),
                Outcome::Forgotten => return Err(StoreError::unavailable(CannotTell)),
                Outcome::Full => {
                    if !self.reclaim(number, now) {
                        return Err(StoreError::Full);
                    }
                }
            }
        }
    }

    #[expect(clippy::indexing_slicing, reason = "the number of a shard")]
    fn record_in(&self, number: usize, key: Fingerprint, expires: i64, now: i64) -> Outcome {
        let (shard, due) = (&self.shards[number], &self.due[number]);
        shard.lock().record(key, expires, now, due, &self.shared)
    }

    /// Makes room by dropping what has expired in some shard. False if nothing has expired in any.
    ///
    /// A refusal costs a look at each shard's due second and takes no lock. Threads begin at different shards.
    #[cold]
    fn reclaim(&self, begin: usize, now: i64) -> bool {
        let shards = || self.shards.iter().zip(&self.due);
        let mut all = shards().skip(begin).chain(shards().take(begin));
        all.any(|(shard, due)| {
            due.load(Ordering::Relaxed) < now && shard.lock().collect(now, due, &self.shared) > 0
        })
    }

    /// What the key is known by in this store.
    ///
    /// Its bytes are those of a SHA-256, but of text the client chose, who can try `jti`s until they agree in whatever bits
    /// pick the shard and the slot, and so make one shard as long as the store. Hence a keyed hash (`SipHash`) with a seed
    /// nobody knows. With it 64 bits that are not hashed: a client would have to find the same there too in order to have
    /// somebody else's proof refused.
    fn fingerprint(&self, key: &ReplayKey) -> Fingerprint {
        let hashed = key
            .as_bytes()
            .first_chunk()
            .copied()
            .map(u128::from_le_bytes);
        let rest = key.as_bytes().last_chunk().copied().map(u64::from_le_bytes);
        Fingerprint {
            hash: self.seed.hash_one(hashed.unwrap_or_default()),
            rest: rest.unwrap_or_default(),
        }
    }

    /// By the middle of the hash: the index uses its ends.
    fn shard_of(&self, fingerprint: Fingerprint) -> usize {
        (fingerprint.hash >> 32) as usize & (self.shards.len() - 1)
    }
}

impl Default for MemoryReplayStore {
    fn default() -> Self {
        Self::new(Self::DEFAULT_CAPACITY)
    }
}

impl ReplayStore for MemoryReplayStore {
    fn record(&self, key: ReplayKey, expires: Timestamp, now: Timestamp) -> Recording {
        Recording::ready(self.record_now(&key, expires, now))
    }

    fn entries(&self) -> Option<usize> {
        Some(self.len())
    }
}

impl fmt::Debug for MemoryReplayStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryReplayStore")
            .field("len", &self.len())
            .field("capacity", &self.capacity())
            .finish_non_exhaustive()
    }
}

impl Slot {
    fn lock(&self) -> MutexGuard<'_, Shard> {
        lock(&self.0)
    }
}

impl Shared {
    fn new(capacity: usize) -> Self {
        Self {
            capacity,
            taken: AtomicUsize::new(0),
            forgotten: Mutex::default(),
        }
    }

    fn take_place(&self) -> bool {
        let one_more = |taken| (taken < self.capacity).then_some(taken + 1);
        self.taken
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more)
            .is_ok()
    }

    fn give_back(&self, places: usize) {
        self.taken.fetch_sub(places, Ordering::Relaxed);
    }

    fn forgotten(&self) -> MutexGuard<'_, Forgotten> {
        lock(&self.forgotten)
    }
}

/// Whoever panicked with the lock in hand, the store must go on answering.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Times outside the range count as its ends; for a record that means it lives longer, never shorter.
fn second(time: Timestamp) -> i64 {
    time.as_unix().clamp(0, LAST_SECOND)
}
