//! An endpoint that does not answer is left alone for a while.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

/// The first pause; each further one doubles it.
const FIRST: Duration = Duration::from_secs(1);
/// The longest pause: so long at most is an endpoint back before anybody notices.
const LONGEST: Duration = Duration::from_secs(5);

/// Counts failures in a row, those of calls that were under way together as one.
///
/// One failure is an accident and has no consequence. After the second there is a pause, then one call to see how things
/// are, then the next and longer pause. Any success ends all that. Monotonic: no clock is set back under it.
#[derive(Debug, Default)]
pub(super) struct BackOff(Mutex<State>);

#[derive(Clone, Copy, Debug, Default)]
struct State {
    failures: u32,
    latest: Option<Instant>,
    until: Option<Instant>,
}

impl BackOff {
    /// Whether a call may be made.
    ///
    /// # Errors
    ///
    /// How long to wait, if not.
    pub(super) fn permit(&self, now: Instant) -> Result<(), Duration> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(until) = state.until else {
            return Ok(());
        };
        if now < until {
            return Err(until - now);
        }
        // This one goes ahead; whoever comes while it is under way waits, but not for ever.
        state.until = now.checked_add(pause(state.failures));
        Ok(())
    }

    /// A call got an answer, whatever it said.
    pub(super) fn succeeded(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = State::default();
    }

    /// A call that began then got none.
    pub(super) fn failed(&self, began: Instant, now: Instant) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if state.latest.is_some_and(|latest| began < latest) {
            return;
        }
        state.failures = state.failures.saturating_add(1);
        state.latest = Some(now);
        if state.failures > 1 {
            state.until = now.checked_add(pause(state.failures));
        }
    }
}

fn pause(failures: u32) -> Duration {
    let doublings = failures.saturating_sub(2);
    FIRST
        .saturating_mul(2_u32.saturating_pow(doublings))
        .min(LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn secs(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn pauses_grow_to_a_bound_and_one_call_at_a_time_ends_them() {
        let (back_off, mut now) = (BackOff::default(), Instant::now());
        back_off.failed(now, now);
        assert_eq!(back_off.permit(now), Ok(()), "one failure is an accident");
        for expected in [1, 2, 4, 5, 5] {
            back_off.failed(now, now);
            assert_eq!(back_off.permit(now), Err(secs(expected)));
            now += secs(expected);
            assert_eq!(back_off.permit(now), Ok(()), "one goes ahead");
            assert!(back_off.permit(now).is_err(), "the others wait");
        }
        back_off.succeeded();
        assert_eq!(back_off.permit(now), Ok(()));
        assert_eq!(back_off.permit(now), Ok(()));
        back_off.failed(now, now);
        assert_eq!(back_off.permit(now), Ok(()), "counting begins anew");
    }

    #[test]
    fn calls_that_fail_together_fail_once() {
        let (back_off, began) = (BackOff::default(), Instant::now());
        for later in 1..100 {
            back_off.failed(began, began + Duration::from_millis(later));
        }
        assert_eq!(back_off.permit(began + secs(1)), Ok(()));
    }

    #[test]
    fn a_call_that_never_ends_stops_nobody_for_ever() {
        let (back_off, now) = (BackOff::default(), Instant::now());
        for _ in 0..2 {
            back_off.failed(now, now);
        }
        assert_eq!(back_off.permit(now + secs(1)), Ok(()));
        assert_eq!(back_off.permit(now + secs(1)), Err(secs(1)));
        assert_eq!(back_off.permit(now + secs(2)), Ok(()));
    }
}
