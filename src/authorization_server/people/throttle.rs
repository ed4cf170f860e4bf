//! Slowing down whoever guesses passwords.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use serde::Deserialize;

use crate::time::Timestamp;

/// How attempts to sign in under one username are slowed down.
///
/// The first failures cost nothing. From then on each failure makes the next attempt wait, twice as long each time, up
/// to a limit: guessing becomes hopeless, and nobody is locked out for ever. A success, or a quiet time, clears the
/// record.
///
/// An attempt made while it should have waited is not looked at and not counted, so it cannot prolong the wait.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub struct Throttling {
    /// Failures that cost nothing; 5 unless set.
    pub free_failures: u32,
    /// The first wait, in whole seconds; 2 s unless set, and at least 1 s.
    #[serde(rename = "first_wait_seconds", deserialize_with = "seconds")]
    pub first_wait: Duration,
    /// The longest wait, in whole seconds; 15 min unless set, which is under 100 guesses a day.
    #[serde(rename = "longest_wait_seconds", deserialize_with = "seconds")]
    pub longest_wait: Duration,
    /// How long after the last failure the record is cleared, in whole seconds; 24 h unless set, never less than the
    /// longest wait.
    #[serde(rename = "forgotten_after_seconds", deserialize_with = "seconds")]
    pub forgotten_after: Duration,
    /// How many names that belong to nobody are remembered; 10 000 unless set. Those of real users always are.
    pub strangers: usize,
}

fn seconds<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    u64::deserialize(deserializer).map(Duration::from_secs)
}

impl Default for Throttling {
    fn default() -> Self {
        Self {
            free_failures: 5,
            first_wait: Duration::from_secs(2),
            longest_wait: Duration::from_mins(15),
            forgotten_after: Duration::from_hours(24),
            strangers: 10_000,
        }
    }
}

impl Throttling {
    /// The wait that `failures` in a row have earned.
    fn wait_after(&self, failures: u32) -> Duration {
        let Some(beyond) = failures.checked_sub(self.free_failures.saturating_add(1)) else {
            return Duration::ZERO;
        };
        let first = self.first_wait.max(Duration::from_secs(1));
        let factor = 2_u32.checked_pow(beyond).unwrap_or(u32::MAX);
        first.saturating_mul(factor).min(self.longest_wait)
    }

    fn forgets(&self, record: Record, now: Timestamp) -> bool {
        now.since(record.last) >= self.forgotten_after.max(self.longest_wait)
    }
}

/// The failures of each username.
#[derive(Debug, Default)]
pub(super) struct Throttle {
    settings: Throttling,
    records: Mutex<Records>,
}

#[derive(Debug, Default)]
struct Records {
    /// Bounded by the number of users, hence never evicted: no flood of invented names frees a real one.
    users: HashMap<String, Record>,
    /// Names that belong to nobody wait just as long, or the wait would tell who exists. Bounded by the setting.
    strangers: HashMap<String, Record>,
}

#[derive(Clone, Copy, Debug)]
struct Record {
    failures: u32,
    last: Timestamp,
}

impl Throttle {
    pub(super) fn new(settings: Throttling) -> Self {
        Self {
            settings,
            records: Mutex::default(),
        }
    }

    /// Asks whether an attempt may be looked at, and counts it as failed until [`succeeded`](Self::succeeded) says
    /// otherwise: of many attempts made at once, each sees those before it.
    ///
    /// `name` is counted apart if it `belongs` to a user. Fails with the time that is left to wait.
    pub(super) fn admit(&self, name: &str, belongs: bool, now: Timestamp) -> Result<(), Duration> {
        let mut records = self.records.lock().unwrap_or_else(PoisonError::into_inner);
        let records = &mut *records;
        let group = if belongs {
            &mut records.users
        } else {
            &mut records.strangers
        };
        let failures = match group.get_mut(name) {
            Some(record) if !self.settings.forgets(*record, now) => {
                // A clock set back must not leave anybody waiting for it to catch up.
                record.last = record.last.min(now);
                let wait = self.settings.wait_after(record.failures);
                let left = wait.saturating_sub(now.since(record.last));
                if !left.is_zero() {
                    return Err(left);
                }
                record.failures.saturating_add(1)
            }
            Some(_) => 1,
            None => {
                if !belongs {
                    self.make_room(group, now);
                }
                1
            }
        };
        group.insert(
            name.to_owned(),
            Record {
                failures,
                last: now,
            },
        );
        Ok(())
    }

    /// The attempt was the right person: the record is cleared.
    pub(super) fn succeeded(&self, name: &str) {
        let mut records = self.records.lock().unwrap_or_else(PoisonError::into_inner);
        records.users.remove(name);
    }

    /// Every attempt admitted costs a password hash, so a scan of the strangers is nothing beside it.
    fn make_room(&self, strangers: &mut HashMap<String, Record>, now: Timestamp) {
        let limit = self.settings.strangers.max(1);
        if strangers.len() < limit {
            return;
        }
        strangers.retain(|_, record| !self.settings.forgets(*record, now));
        while strangers.len() >= limit {
            let Some(oldest) = strangers
                .iter()
                .min_by_key(|(_, record)| record.last)
                .map(|(name, _)| name.clone())
            else {
                return;
            };
            strangers.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Timestamp = Timestamp::from_unix(1_800_000_000);

    fn secs(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    fn throttle() -> Throttle {
        Throttle::new(Throttling {
            free_failures: 2,
            first_wait: secs(2),
            longest_wait: secs(60),
            forgotten_after: secs(600),
            strangers: 4,
        })
    }

    /// Fails as soon as each wait is over, `times` times; returns the moment of the last failure.
    fn fail(throttle: &Throttle, name: &str, belongs: bool, times: u32) -> Timestamp {
        let mut now = START;
        for _ in 0..times {
            if let Err(wait) = throttle.admit(name, belongs, now) {
                now = now.plus(wait);
                throttle
                    .admit(name, belongs, now)
                    .expect("the wait is over");
            }
        }
        now
    }

    #[test]
    fn each_failure_doubles_the_wait_up_to_the_limit() {
        for (failures, expected) in [
            (1, None),
            (2, None),
            (3, Some(2)),
            (4, Some(4)),
            (5, Some(8)),
            (7, Some(32)),
            (8, Some(60)),
            (9, Some(60)),
            (200, Some(60)),
        ] {
            for belongs in [true, false] {
                let throttle = throttle();
                let now = fail(&throttle, "ada", belongs, failures);
                let expected = expected.map_or(Ok(()), |wait| Err(secs(wait)));
                assert_eq!(
                    throttle.admit("ada", belongs, now),
                    expected,
                    "{failures} failures, user: {belongs}"
                );
            }
        }
    }

    #[test]
    fn attempts_made_while_waiting_do_not_prolong_the_wait() {
        let throttle = throttle();
        let now = fail(&throttle, "ada", true, 6);
        for passed in 0..16 {
            assert_eq!(
                throttle.admit("ada", true, now.plus(secs(passed))),
                Err(secs(16 - passed))
            );
        }
        assert_eq!(throttle.admit("ada", true, now.plus(secs(16))), Ok(()));
    }

    #[test]
    fn attempts_made_at_once_count_before_they_are_decided() {
        let throttle = throttle();
        let admitted = (0..50)
            .filter(|_| throttle.admit("ada", true, START).is_ok())
            .count();
        assert_eq!(admitted, 3);
    }

    #[test]
    fn a_success_clears_the_record() {
        let throttle = throttle();
        let now = fail(&throttle, "ada", true, 7);
        throttle.succeeded("ada");
        for _ in 0..3 {
            assert_eq!(throttle.admit("ada", true, now), Ok(()));
        }
    }

    #[test]
    fn the_record_is_forgotten_after_a_quiet_time_and_not_before() {
        for (quiet, free_again) in [(599, false), (600, true)] {
            let throttle = throttle();
            let now = fail(&throttle, "ada", true, 7).plus(secs(quiet));
            assert_eq!(
                throttle.admit("ada", true, now),
                Ok(()),
                "the wait itself is over"
            );
            assert_eq!(
                throttle.admit("ada", true, now).is_ok(),
                free_again,
                "{quiet} s"
            );
        }
    }

    #[test]
    fn a_quiet_time_shorter_than_the_wait_does_not_cut_it_short() {
        let throttle = Throttle::new(Throttling {
            free_failures: 0,
            forgotten_after: secs(1),
            ..Throttling::default()
        });
        let now = fail(&throttle, "ada", true, 9);
        assert_eq!(
            throttle.admit("ada", true, now.plus(secs(30))),
            Err(secs(512 - 30))
        );
    }

    #[test]
    fn one_name_does_not_slow_another() {
        let throttle = throttle();
        fail(&throttle, "ada", true, 8);
        assert_eq!(throttle.admit("bob", true, START), Ok(()));
    }

    #[test]
    fn a_clock_set_back_prolongs_nothing() {
        let throttle = throttle();
        let now = fail(&throttle, "ada", true, 5);
        let earlier = now.minus(Duration::from_hours(5));
        assert_eq!(throttle.admit("ada", true, earlier), Err(secs(8)));
        assert_eq!(throttle.admit("ada", true, earlier.plus(secs(8))), Ok(()));
    }

    #[test]
    fn a_flood_of_invented_names_is_bounded_and_frees_no_user() {
        let throttle = throttle();
        let now = fail(&throttle, "ada", true, 5);
        for n in 0..1000 {
            assert_eq!(throttle.admit(&format!("nobody{n}"), false, now), Ok(()));
        }
        assert_eq!(throttle.records.lock().unwrap().strangers.len(), 4);
        assert_eq!(throttle.admit("ada", true, now), Err(secs(8)));
    }

    #[test]
    fn the_stranger_seen_longest_ago_makes_room() {
        let throttle = Throttle::new(Throttling {
            free_failures: 0,
            first_wait: secs(60),
            strangers: 3,
            ..Throttling::default()
        });
        for (name, now) in [("b", 1), ("a", 0), ("c", 2), ("d", 3)] {
            let admitted = throttle.admit(name, false, START.plus(secs(now)));
            assert_eq!(admitted, Ok(()), "{name}");
        }
        let now = START.plus(secs(4));
        for (name, left) in [("b", 57), ("c", 58), ("d", 59)] {
            assert_eq!(throttle.admit(name, false, now), Err(secs(left)), "{name}");
        }
        assert_eq!(throttle.admit("a", false, now), Ok(()), "forgotten");
    }

    #[test]
    fn without_a_first_wait_guessing_is_still_slowed() {
        let throttle = Throttle::new(Throttling {
            free_failures: 0,
            first_wait: Duration::ZERO,
            strangers: 0,
            ..Throttling::default()
        });
        let now = fail(&throttle, "x", false, 4);
        assert_eq!(throttle.admit("x", false, now), Err(secs(8)));
    }

    #[test]
    fn settings_are_read_in_seconds_and_left_out_ones_keep_their_default() {
        let read: Throttling =
            toml::from_str("free_failures = 3\nlongest_wait_seconds = 60").unwrap();
        let expected = Throttling {
            free_failures: 3,
            longest_wait: secs(60),
            ..Throttling::default()
        };
        assert_eq!(read, expected);
        for wrong in [
            "longest_wait = 60",
            "free_failures = -1",
            "first_wait_seconds = \"2 s\"",
        ] {
            assert!(toml::from_str::<Throttling>(wrong).is_err(), "{wrong}");
        }
    }
}
