//! A clock that can be put forward.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use tower_fapi::time::{Clock, SystemClock, Timestamp};

/// The system's clock, put forward by some seconds: what ends after a minute can be shown without waiting for it.
#[derive(Clone, Default)]
pub struct ShiftableClock(Arc<AtomicI64>);

impl ShiftableClock {
    /// Puts the clock forward by so many seconds; 0 puts it right again.
    pub fn put_forward(&self, seconds: i64) {
        self.0.store(seconds, Ordering::SeqCst);
    }
}

impl Clock for ShiftableClock {
    fn now(&self) -> Timestamp {
        let ahead = self.0.load(Ordering::SeqCst);
        Timestamp::from_unix(SystemClock.now().as_unix().saturating_add(ahead))
    }
}
