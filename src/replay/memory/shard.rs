//! One part of the store, as its lock guards it.

use std::sync::atomic::{AtomicU32, Ordering};

use super::{Shared, fingerprint::Fingerprint, tags::Tags};

/// For so many seconds, or the lifetime of a record if that is longer, it is not worth looking for what has expired.
const PATIENCE: u32 = 60;

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

/// Records in the order they came, and their tags.
///
/// A record whose tag is not there is new, and goes to the end of the log. If the tag is there the log is searched, which takes
/// microseconds, but hardly happens except for replays. Nothing is taken out of the middle: when the log is full or has long
/// held expired records, the live ones move together.
///
/// Seconds are not zero here.
#[derive(Debug)]
pub(super) struct Shard {
    log: Vec<Entry>,
    tags: Tags,
    /// How many records there may be before this shard must ask for more places.
    places: usize,
    /// None of the records expires before this second.
    due: u32,
    /// No record that was dropped here expired after this.
    forgotten: u32,
}

/// The parts of a fingerprint, which would take half as much again in one piece.
#[derive(Clone, Copy, Debug)]
struct Entry {
    hash: u64,
    rest: u32,
    expires: u32,
}

impl Shard {
    pub(super) fn new() -> Self {
        Self {
            log: Vec::new(),
            tags: Tags::default(),
            places: 0,
            due: u32::MAX,
            forgotten: 0,
        }
    }

    /// How many records there are, live and expired.
    pub(super) fn held(&self) -> usize {
        self.log.len()
    }

    pub(super) fn allocated_bytes(&self) -> usize {
        self.log.capacity() * size_of::<Entry>() + self.tags.bytes()
    }

    /// Records, unless there is a live record.
    ///
    /// `due` is a copy of this shard's, for those who have not the lock.
    pub(super) fn record(
        &mut self,
        of: Fingerprint,
        expires: u32,
        now: u32,
        due: &AtomicU32,
        shared: &Shared,
    ) -> Outcome {
        let expired_for = now.saturating_sub(self.due);
        if self.held() == self.log.capacity() || expired_for > PATIENCE.max(expires - now) {
            self.collect(now, due, shared);
        }
        if self.tags.may_hold(of.hash) && self.holds(of, now) {
            return Outcome::Replayed;
        }
        // As long as time goes forward, what is recorded expires after anything that was dropped.
        if expires <= self.forgotten && shared.forgotten().covers(expires.into()) {
            return Outcome::Forgotten;
        }
        if self.held() == self.places {
            self.places += shared.places.take();
        }
        if self.held() == self.places || !self.tags.add(of.hash) {
            return Outcome::Full;
        }
        let Fingerprint { hash, rest } = of;
        self.log.push(Entry {
            hash,
            rest,
            expires,
        });
        if expires < self.due {
            self.set_due(expires, due);
        }
        Outcome::First
    }

    #[cold]
    fn holds(&self, of: Fingerprint, now: u32) -> bool {
        self.log
            .iter()
            .any(|entry| entry.hash == of.hash && entry.rest == of.rest && entry.expires >= now)
    }

    /// Drops what has expired, makes room for at least one more record, and gives back the places that are not used.
    #[cold]
    pub(super) fn collect(&mut self, now: u32, due: &AtomicU32, shared: &Shared) {
        if self.due < now {
            self.drop_expired(now, due, shared);
        }
        let live = self.held();
        // With less than half as much to spare, the next time would come soon; with much more, memory lies idle.
        if (live + live / 2 + 1..=2 * live + live / 4 + 8).contains(&self.log.capacity()) {
            self.tags.clear();
        } else {
            self.log.reserve_exact(live + 8);
            self.log.shrink_to(2 * live + 8);
            self.tags = Tags::with_room_for(self.log.capacity());
        }
        for entry in &self.log {
            self.tags.add(entry.hash);
        }
        self.release(shared);
    }

    /// Gives back the places that are not used.
    pub(super) fn release(&mut self, shared: &Shared) {
        shared.places.give_back(self.places - self.held());
        self.places = self.held();
    }

    fn drop_expired(&mut self, now: u32, due: &AtomicU32, shared: &Shared) {
        let (mut first, mut last, mut earliest) = (u32::MAX, 0, u32::MAX);
        self.log.retain(|entry| {
            let live = entry.expires >= now;
            if live {
                earliest = earliest.min(entry.expires);
            } else {
                first = first.min(entry.expires);
                last = last.max(entry.expires);
            }
            live
        });
        self.set_due(earliest, due);
        // They are the wrong way round if nothing was dropped.
        if first <= last {
            self.forgotten = self.forgotten.max(last);
            shared.forgotten().add(first.into(), last.into());
        }
    }

    fn set_due(&mut self, second: u32, due: &AtomicU32) {
        self.due = second;
        due.store(second, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // The first three agree in their tag and bucket too.
    #[test]
    fn keys_that_agree_in_the_hash_or_in_the_rest_are_different_keys() {
        let (mut shard, store) = (Shard::new(), Shared::new(10, 1));
        let due = AtomicU32::new(u32::MAX);
        let fingerprints = [(1, 1), (1, 2), (1 | 1 << 60, 1), (2, 1), (2, 2)];
        for expected in [Outcome::First, Outcome::Replayed] {
            for (hash, rest) in fingerprints {
                let of = Fingerprint { hash, rest };
                assert_eq!(shard.record(of, 60, 1, &due, &store), expected);
            }
        }
    }
}
