//! The store in this process.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Mutex, PoisonError},
};

use super::{Recorded, Recording, ReplayKey, ReplayStore, StoreError};
use crate::time::Timestamp;

/// Remembers proofs in this process, at most so many at a time. Never forgets a live one.
#[derive(Debug)]
pub struct MemoryReplayStore {
    capacity: usize,
    records: Mutex<Records>,
}

#[derive(Debug, Default)]
struct Records {
    live: HashMap<[u8; 32], Timestamp>,
    by_expiry: BTreeMap<Timestamp, Vec<[u8; 32]>>,
}

impl MemoryReplayStore {
    /// How many live proofs are held unless said otherwise.
    pub const DEFAULT_CAPACITY: usize = 1_000_000;

    /// A store for this many live proofs.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self {
            capacity,
            records: Mutex::default(),
        }
    }
}

impl ReplayStore for MemoryReplayStore {
    fn record(&self, key: ReplayKey, expires: Timestamp, now: Timestamp) -> Recording {
        let mut records = self.records.lock().unwrap_or_else(PoisonError::into_inner);
        Recording::ready(records.record(*key.as_bytes(), expires, now, self.capacity))
    }
}

impl Records {
    fn record(
        &mut self,
        key: [u8; 32],
        expires: Timestamp,
        now: Timestamp,
        capacity: usize,
    ) -> Result<Recorded, StoreError> {
        while let Some(entry) = self
            .by_expiry
            .first_entry()
            .filter(|first| *first.key() < now)
        {
            for ended in entry.remove() {
                self.live.remove(&ended);
            }
        }
        if self.live.contains_key(&key) {
            return Ok(Recorded::Replayed);
        }
        if self.live.len() >= capacity {
            return Err(StoreError::Full);
        }
        self.live.insert(key, expires);
        self.by_expiry.entry(expires).or_default().push(key);
        Ok(Recorded::First)
    }
}
