//! One part of the store, as its lock guards it.

use std::sync::atomic::{AtomicI64, Ordering};

use super::{
    Shared,
    index::{Found, Index},
};

/// Seconds are kept in five bytes, from 1970 to the year 36812.
pub(super) const LAST_SECOND: i64 = (1 << 40) - 1;

/// Expired records may lie about for this many seconds before it is worth looking for them.
const PATIENCE: i64 = 8;

/// 128 bits that stand for a [`ReplayKey`](crate::replay::ReplayKey) within one store.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fingerprint {
    /// Keyed hash of the key, which picks the shard and the place in its index.
    pub(super) hash: u64,
    /// A part of the key that was not hashed.
    pub(super) rest: u64,
}

/// One record, in byte arrays: aligned integers would make 24 bytes of these 21.
#[derive(Clone, Copy, Debug)]
struct Entry {
    hash: [u8; 8],
    rest: [u8; 8],
    expires: [u8; 5],
}

impl Entry {
    fn new(fingerprint: Fingerprint, expires: i64) -> Self {
        Self {
            hash: fingerprint.hash.to_le_bytes(),
            rest: fingerprint.rest.to_le_bytes(),
            expires: five_bytes(expires),
        }
    }

    fn is_of(&self, fingerprint: Fingerprint) -> bool {
        self.hash() == fingerprint.hash && u64::from_le_bytes(self.rest) == fingerprint.rest
    }

    fn hash(&self) -> u64 {
        u64::from_le_bytes(self.hash)
    }

    fn expires(&self) -> i64 {
        let mut second = [0; 8];
        let [low @ .., _, _, _] = &mut second;
        *low = self.expires;
        i64::from_le_bytes(second)
    }
}

fn five_bytes(second: i64) -> [u8; 5] {
    let [low @ .., _, _, _] = second.to_le_bytes();
    low
}

/// What became of a record.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Outcome {
    First,
    Replayed,
    /// There is no place left.
    Full,
    /// A record of this key may have been here and been dropped.
    Forgotten,
}

/// Records in the order they came, and an index into them.
///
/// New records go to the end of the log, whose line of cache is warm. Nothing is taken out of the middle: when the log is full
/// or has long held expired records, the live ones move together.
#[derive(Debug)]
pub(super) struct Shard {
    log: Vec<Entry>,
    index: Index,
    /// No record that was dropped here expired after this.
    forgotten: i64,
}

impl Shard {
    pub(super) fn new() -> Self {
        Self {
            log: Vec::new(),
            index: Index::default(),
            forgotten: -1,
        }
    }

    /// Records, unless there is a live record.
    ///
    /// `due` belongs to this shard and changes only under its lock: none of its records expires before that second.
    pub(super) fn record(
        &mut self,
        fingerprint: Fingerprint,
        expires: i64,
        now: i64,
        due: &AtomicI64,
        shared: &Shared,
    ) -> Outcome {
        let expired_for = now - due.load(Ordering::Relaxed);
        let held = self.log.len();
        let no_room =
            held == self.log.capacity() && (held < Index::MOST_RECORDS || expired_for > 0);
        if no_room || expired_for > PATIENCE.max(expires - now) {
            self.collect(now, due, shared);
        }
        let is_it = |position: usize| {
            let entry = self.log.get(position);
            entry.is_some_and(|entry| entry.is_of(fingerprint))
        };
        match self.index.find(fingerprint.hash, is_it) {
            Found::At(position) => {
                let Some(entry) = self.log.get_mut(position) else {
                    return Outcome::Forgotten;
                };
                let before = entry.expires();
                if before >= now {
                    return Outcome::Replayed;
                }
                entry.expires = five_bytes(expires);
                self.forget(before, before, shared);
            }
            Found::Free(slot) => {
                // As long as time goes forward, what is recorded expires after anything that was dropped.
                if expires <= self.forgotten && shared.forgotten().covers(expires) {
                    return Outcome::Forgotten;
                }
                if self.log.len() >= Index::MOST_RECORDS || !shared.take_place() {
                    return Outcome::Full;
                }
                self.index.fill(slot, fingerprint.hash, self.log.len());
                self.log.push(Entry::new(fingerprint, expires));
            }
        }
        if expires < due.load(Ordering::Relaxed) {
            due.store(expires, Ordering::Relaxed);
        }
        Outcome::First
    }

    /// Drops what has expired, makes room for at least one more record, and returns how many records were dropped.
    #[cold]
    pub(super) fn collect(&mut self, now: i64, due: &AtomicI64, shared: &Shared) -> usize {
        let before = self.log.len();
        if due.load(Ordering::Relaxed) < now {
            self.drop_expired(now, due, shared);
        }
        let live = self.log.len();
        // With less than a quarter to spare, the next time would come soon; with more than as much again, memory lies idle.
        if (live + live / 4 + 1..=2 * live + 8).contains(&self.log.capacity()) {
            self.index.clear();
        } else {
            let room = (live + live / 2 + 4).min(Index::MOST_RECORDS);
            self.log.reserve_exact(room.saturating_sub(live));
            self.log.shrink_to(room);
            self.index = Index::with_room_for(self.log.capacity());
        }
        for (position, entry) in self.log.iter().enumerate() {
            self.index.add(entry.hash(), position);
        }
        shared.give_back(before - live);
        before - live
    }

    fn drop_expired(&mut self, now: i64, due: &AtomicI64, shared: &Shared) {
        let (mut first, mut last, mut earliest) = (i64::MAX, i64::MIN, i64::MAX);
        self.log.retain(|entry| {
            let expires = entry.expires();
            let live = expires >= now;
            if live {
                earliest = earliest.min(expires);
            } else {
                first = first.min(expires);
                last = last.max(expires);
            }
            live
        });
        due.store(earliest, Ordering::Relaxed);
        if first <= last {
            self.forget(first, last, shared);
        }
    }

    /// Remembers that there were records which expired from `first` to `last`.
    fn forget(&mut self, first: i64, last: i64, shared: &Shared) {
        self.forgotten = self.forgotten.max(last);
        shared.forgotten().add(first, last);
    }

    pub(super) fn allocated_bytes(&self) -> usize {
        self.log.capacity() * size_of::<Entry>() + self.index.bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_that_agree_in_the_hash_or_in_the_rest_are_different_keys() {
        let (mut shard, due, store) = (Shard::new(), AtomicI64::new(i64::MAX), Shared::new(10));
        let fingerprints = [(1, 1), (1, 2), (2, 1), (2, 2)];
        for expected in [Outcome::First, Outcome::Replayed] {
            for (hash, rest) in fingerprints {
                let outcome = shard.record(Fingerprint { hash, rest }, 60, 0, &due, &store);
                assert_eq!(outcome, expected);
            }
        }
    }

    // Not what a store of many shards comes to, but it must not write over anything then.
    #[test]
    fn a_shard_with_more_records_than_its_index_can_hold_is_full() {
        let (mut shard, due) = (Shard::new(), AtomicI64::new(i64::MAX));
        let store = Shared::new(usize::MAX);
        let mut record = |n: u64, now| {
            let hash = n.wrapping_mul(0x9e37_79b9_7f4a_7c15);
            shard.record(Fingerprint { hash, rest: n }, now + 60, now, &due, &store)
        };
        for (range, now, expected) in [
            (0..65_535, 0, Outcome::First),
            (65_535..65_538, 0, Outcome::Full),
            (0..65_535, 60, Outcome::Replayed),
            (65_535..131_070, 61, Outcome::First),
        ] {
            for n in range {
                assert_eq!(record(n, now), expected, "{n}");
            }
        }
    }

    #[test]
    fn an_expiry_survives_its_five_bytes() {
        for second in [0, 1, 255, 256, 1_800_000_000, LAST_SECOND - 1, LAST_SECOND] {
            let entry = Entry::new(Fingerprint { hash: 0, rest: 0 }, second);
            assert_eq!(entry.expires(), second);
        }
    }
}
