//! How many records there may be, over all shards.

use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

/// The most places that are handed out at a time.
const BATCH: usize = 32;

/// The places for records that no shard has yet.
///
/// Shards take some at a time, so that threads seldom meet here. Towards the end they are handed out singly, and those that
/// lie unused in some shard are called in before the store says that it is full.
#[derive(Debug)]
pub(super) struct Places {
    left: AtomicUsize,
    /// No more than one in this many of those left is handed out at a time.
    share: usize,
    /// Whether a shard may hold places it does not use.
    hoarded: AtomicBool,
    search: Mutex<()>,
}

impl Places {
    pub(super) fn new(capacity: usize, shards: usize) -> Self {
        Self {
            left: AtomicUsize::new(capacity),
            share: shards * 2,
            hoarded: AtomicBool::new(false),
            search: Mutex::new(()),
        }
    }

    /// Some places, or none if there are none left.
    #[cold]
    pub(super) fn take(&self) -> usize {
        let batch = |left: usize| left.min((left / self.share).clamp(1, BATCH));
        let taken = self
            .left
            .fetch_update(Ordering::Release, Ordering::Relaxed, |left| {
                let batch = batch(left);
                // Before they are taken: whoever finds none left has to know that a shard has some.
                if batch > 1 {
                    self.hoarded.store(true, Ordering::Relaxed);
                }
                Some(left - batch)
            });
        taken.map_or(0, batch)
    }

    pub(super) fn any_left(&self) -> bool {
        self.left.load(Ordering::Acquire) > 0
    }

    pub(super) fn give_back(&self, places: usize) {
        self.left.fetch_add(places, Ordering::Relaxed);
    }

    /// Finds places when there are none left: has the shards release those that they do not use, or else drops expired
    /// records. False if neither gave any.
    ///
    /// One thread searches, and the others wait for what it finds.
    pub(super) fn search(&self, release: impl FnOnce(), drop_expired: impl FnOnce()) -> bool {
        let _one = self.search.lock().unwrap_or_else(PoisonError::into_inner);
        let found = || self.any_left();
        if !found() && self.hoarded.swap(false, Ordering::Relaxed) {
            release();
        }
        if !found() {
            drop_expired();
        }
        found()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_handed_out_in_batches_and_singly_towards_the_end() {
        let places = Places::new(10_000, 4);
        assert_eq!(places.take(), BATCH);
        let mut taken = BATCH;
        let mut last = BATCH;
        loop {
            let batch = places.take();
            assert!(batch <= last, "{batch} after {last}");
            taken += batch;
            if batch == 0 {
                break;
            }
            last = batch;
        }
        assert_eq!((last, taken), (1, 10_000));
    }

    #[test]
    fn what_is_hoarded_is_called_in_before_records_are_dropped() {
        let places = Places::new(100, 4);
        while places.take() > 0 {}
        assert!(places.search(|| places.give_back(5), || panic!("nothing need be dropped")));
        for _ in 0..5 {
            assert_eq!(places.take(), 1);
        }
        let release = || panic!("nobody hoards any");
        assert!(!places.search(release, || ()));
        assert!(places.search(release, || places.give_back(1)));
        assert!(places.search(release, || panic!("there is one")));
    }
}
