//! The replay store of a single process.

mod fingerprint;
mod forgotten;
mod places;
mod shard;
mod tags;
#[cfg(test)]
mod tests;

use std::{
    fmt,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
};

use thiserror::Error;

use self::{
    fingerprint::{Fingerprint, Seed},
    forgotten::Forgotten,
    places::Places,
    shard::{Outcome, Shard},
};
use super::{Answer, Recorded, Recording, ReplayKey, ReplayStore, StoreError};
use crate::time::Timestamp;

/// Remembers proofs in the memory of this process; enough wherever one process alone accepts a token.
///
/// Every answer is given at once, without waiting and without a background task. Telling a fresh proof from all that are on
/// record takes one look into a table of four bytes each, however many there are: it is the caches of the processor that make
/// more of them cost more. A replay is then looked for in a part of the records, which takes microseconds. Expired records are
/// cleaned up a few thousand at a time by the requests that come after.
///
/// # Capacity and memory
///
/// No more than [`capacity`](Self::capacity) records are held. Once that many are live, further proofs are answered
/// [`StoreError::Full`] until one expires; a live record is never given up, and no client has a share of its own. A service
/// that accepts `r` proofs a second holds `r` times the lifetime of a proof: with proofs that are accepted for 60 s, the
/// default of a million is enough for 16 000 a second.
///
/// A live record takes some 38 bytes, at most 56, and the empty store 5 to 70 KiB: some 40 MB for a million.
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
    due: Box<[AtomicU32]>,
    seed: Seed,
    capacity: usize,
    shared: Shared,
}

/// A line of cache for each, so that threads in neighbouring shards do not wait for each other.
#[repr(align(64))]
struct Slot(Mutex<Shard>);

/// What the shards have in common. It changes, and stays off the line of what every record reads.
#[repr(align(128))]
struct Shared {
    places: Places,
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
        // few enough that their ends of log stay in the cache. Past 1024 of them they grow.
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
            due: (0..shards).map(|_| AtomicU32::new(u32::MAX)).collect(),
            seed: Seed::new(),
            capacity,
            shared: Shared::new(capacity, shards),
        }
    }

    /// How many live records the store can hold.
    pub const fn capacity(&self) -> usize {
        self.capacity
    }

    /// How many records the store holds: the live ones, and expired ones that have not been cleaned up. Under steady
    /// traffic these are about half as many; after a burst they go as further proofs come, or with [`sweep`](Self::sweep).
    ///
    /// Looks at each shard in turn, under its lock: some tens of nanoseconds for each 4096 records of capacity.
    pub fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.lock().held()).sum()
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
        let fingerprint = self.seed.fingerprint(key);
        loop {
            match self.record_in_shard(fingerprint, expires, now) {
                Outcome::First => return Ok(Recorded::First),
                Outcome::Replayed => return Ok(Recorded::Replayed),
                Outcome::Forgotten => return Err(StoreError::unavailable(CannotTell)),
                Outcome::Full => {
                    if !self.make_room(now) {
                        return Err(StoreError::Full);
                    }
                }
            }
        }
    }

    #[expect(clippy::indexing_slicing, reason = "the number of a shard")]
    fn record_in_shard(&self, fingerprint: Fingerprint, expires: u32, now: u32) -> Outcome {
        let number = fingerprint.shard() & (self.shards.len() - 1);
        let (shard, due) = (&self.shards[number], &self.due[number]);
        shard
            .lock()
            .record(fingerprint, expires, now, due, &self.shared)
    }

    /// Makes room if some shard has places it does not use, or expired records. False if there are none.
    ///
    /// A refusal costs a look at each shard's due second and takes none of their locks.
    #[cold]
    fn make_room(&self, now: u32) -> bool {
        let release = || {
            for shard in &self.shards {
                shard.lock().release(&self.shared);
            }
        };
        let drop_expired = || {
            for (shard, due) in self.shards.iter().zip(&self.due) {
                if due.load(Ordering::Relaxed) < now {
                    shard.lock().collect(now, due, &self.shared);
                    // Whoever records there may have collected before, and used what was freed.
                    if self.shared.places.any_left() {
                        break;
                    }
                }
            }
        };
        self.shared.places.search(release, drop_expired)
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
    fn new(capacity: usize, shards: usize) -> Self {
        Self {
            places: Places::new(capacity, shards),
            forgotten: Mutex::default(),
        }
    }

    fn forgotten(&self) -> MutexGuard<'_, Forgotten> {
        lock(&self.forgotten)
    }
}

/// Whoever panicked with the lock in hand, the store must go on answering.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Times outside the range, which begins at 1 and ends in the year 2106, count as its ends; for a record that means it lives
/// longer, never shorter.
fn second(time: Timestamp) -> u32 {
    u32::try_from(time.as_unix().max(1)).unwrap_or(u32::MAX)
}
