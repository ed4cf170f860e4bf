//! One part of the store, as its lock guards it.

use std::sync::atomic::{AtomicU32, Ordering};

use super::{
    Shared,
    table::{Swept, Table},
};

/// Expired records may lie about for this many seconds before it is worth looking for them.
const PATIENCE: u32 = 8;

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

/// A table of records, and when it is time to look after it.
///
/// Seconds are not zero here.
#[derive(Debug)]
pub(super) struct Shard {
    table: Table,
    /// How many records there are, live and expired.
    held: usize,
    /// How many there may be before this shard must ask for more places.
    places: usize,
    /// None of the records expires before this second.
    due: u32,
    /// No record that was dropped here expired after this.
    forgotten: u32,
}

impl Shard {
    pub(super) fn new() -> Self {
        Self {
            table: Table::default(),
            held: 0,
            places: 0,
            due: u32::MAX,
            forgotten: 0,
        }
    }

    pub(super) fn held(&self) -> usize {
        self.held
    }

    pub(super) fn allocated_bytes(&self) -> usize {
        self.table.bytes()
    }

    /// Records, unless there is a live record.
    ///
    /// `due` is a copy of this shard's, for those who have not the lock.
    pub(super) fn record(
        &mut self,
        id: u64,
        expires: u32,
        now: u32,
        due: &AtomicU32,
        shared: &Shared,
    ) -> Outcome {
        let expired_for = now.saturating_sub(self.due);
        if self.held >= self.table.fill() || expired_for > PATIENCE.max(expires - now) {
            self.collect(now, due, shared);
        }
        if self.table.holds(id, now) {
            return Outcome::Replayed;
        }
        // As long as time goes forward, what is recorded expires after anything that was dropped.
        if expires <= self.forgotten && shared.forgotten().covers(expires.into()) {
            return Outcome::Forgotten;
        }
        if self.held == self.places {
            self.places += shared.places.take();
        }
        if self.held == self.places || !self.table.add(id, expires) {
            return Outcome::Full;
        }
        self.held += 1;
        if expires < self.due {
            self.set_due(expires, due);
        }
        Outcome::First
    }

    /// Drops what has expired, makes room for at least one more record, and gives back the places that are not used.
    #[cold]
    pub(super) fn collect(&mut self, now: u32, due: &AtomicU32, shared: &Shared) {
        if self.due < now {
            let swept = self.table.sweep(now);
            self.held = swept.live;
            self.set_due(swept.due, due);
            self.forget(&swept, shared);
        }
        self.table.fit(self.held);
        self.release(shared);
    }

    /// Gives back the places that are not used.
    pub(super) fn release(&mut self, shared: &Shared) {
        shared.places.give_back(self.places - self.held);
        self.places = self.held;
    }

    fn set_due(&mut self, second: u32, due: &AtomicU32) {
        self.due = second;
        due.store(second, Ordering::Relaxed);
    }

    fn forget(&mut self, swept: &Swept, shared: &Shared) {
        if swept.first <= swept.last {
            self.forgotten = self.forgotten.max(swept.last);
            let (first, last) = (swept.first.into(), swept.last.into());
            shared.forgotten().add(first, last);
        }
    }
}
