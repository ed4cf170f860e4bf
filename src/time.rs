//! Points in time, and the one clock everything asks.
//!
//! Every rule that depends on time takes a [`Timestamp`] as an argument; only the outermost shell asks a [`Clock`].
//! Tests therefore never wait: they pass another `now`, or a [`ManualClock`].

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Visitor};

/// Whole seconds since 1970-01-01T00:00:00Z, as JOSE's `NumericDate` counts them (RFC 7519 §2).
///
/// Any `i64` is a valid value, `i64::MIN` included: arithmetic on it saturates, so a hostile `iat` cannot wrap around.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The point `seconds` after the epoch.
    #[must_use]
    pub const fn from_unix(seconds: i64) -> Self {
        Self(seconds)
    }

    /// Seconds since the epoch.
    #[must_use]
    pub const fn as_unix(self) -> i64 {
        self.0
    }

    /// This point moved later by the whole seconds of `by`, saturating.
    #[must_use]
    pub fn plus(self, by: Duration) -> Self {
        Self(self.0.saturating_add(whole_seconds(by)))
    }

    /// This point moved earlier by the whole seconds of `by`, saturating.
    #[must_use]
    pub fn minus(self, by: Duration) -> Self {
        Self(self.0.saturating_sub(whole_seconds(by)))
    }

    /// How long after `earlier` this point lies; zero if it does not.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        if self.0 <= earlier.0 {
            Duration::ZERO
        } else {
            Duration::from_secs(self.0.abs_diff(earlier.0))
        }
    }
}

fn whole_seconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_secs()).unwrap_or(i64::MAX)
}

impl From<SystemTime> for Timestamp {
    fn from(time: SystemTime) -> Self {
        match time.duration_since(UNIX_EPOCH) {
            Ok(after) => Self(whole_seconds(after)),
            Err(before) => Self(whole_seconds(before.duration()).saturating_neg()),
        }
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_i64(self.0)
    }
}

/// Reads a `NumericDate`: a JSON number, a fraction of a second being dropped (RFC 7519 §2).
impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NumericDate;
        impl Visitor<'_> for NumericDate {
            type Value = Timestamp;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number of seconds")
            }
            fn visit_i64<E>(self, seconds: i64) -> Result<Timestamp, E> {
                Ok(Timestamp(seconds))
            }
            fn visit_u64<E: serde::de::Error>(self, seconds: u64) -> Result<Timestamp, E> {
                i64::try_from(seconds)
                    .map(Timestamp)
                    .map_err(|_| E::custom("date out of range"))
            }
            fn visit_f64<E: serde::de::Error>(self, seconds: f64) -> Result<Timestamp, E> {
                // Beyond 2^53 a double no longer counts seconds one by one.
                if seconds.abs() > 9_007_199_254_740_992.0 {
                    return Err(E::custom("date out of range"));
                }
                #[expect(clippy::cast_possible_truncation, reason = "checked just above")]
                Ok(Timestamp(seconds.floor() as i64))
            }
        }
        deserializer.deserialize_f64(NumericDate)
    }
}

/// Where the shell gets `now` from.
pub trait Clock: Send + Sync + 'static {
    /// The present moment.
    fn now(&self) -> Timestamp;
}

/// The clock of the operating system.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        SystemTime::now().into()
    }
}

/// A clock that stands still until it is told to move. Clones share the same hand.
///
/// ```
/// use std::time::Duration;
/// use tower_fapi::time::{Clock, ManualClock, Timestamp};
///
/// let clock = ManualClock::at(Timestamp::from_unix(1_800_000_000));
/// clock.advance(Duration::from_secs(5));
/// assert_eq!(clock.now().as_unix(), 1_800_000_005);
/// ```
#[derive(Clone, Debug)]
pub struct ManualClock(Arc<AtomicI64>);

impl ManualClock {
    /// A clock that shows `now`.
    #[must_use]
    pub fn at(now: Timestamp) -> Self {
        Self(Arc::new(AtomicI64::new(now.as_unix())))
    }

    /// Moves the clock ahead by whole seconds.
    pub fn advance(&self, by: Duration) {
        self.set(self.now().plus(by));
    }

    /// Sets the clock, forwards or backwards.
    pub fn set(&self, now: Timestamp) {
        self.0.store(now.as_unix(), Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix(self.0.load(Ordering::SeqCst))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // RFC 7519 §2: a NumericDate is a JSON numeric value, non-integers included.
    #[test]
    fn a_numeric_date_is_a_number_in_range() {
        for (text, expected) in [
            ("1700000000", Some(1_700_000_000)),
            ("1700000000.9", Some(1_700_000_000)),
            ("1.7e9", Some(1_700_000_000)),
            ("-1", Some(-1)),
            ("-0.5", Some(-1)),
            ("-9223372036854775808", Some(i64::MIN)),
            ("9223372036854775808", None),
            ("1e300", None),
            ("\"1700000000\"", None),
            ("null", None),
            ("true", None),
            ("[1]", None),
        ] {
            let read: Result<Timestamp, _> = serde_json::from_str(text);
            assert_eq!(read.ok().map(Timestamp::as_unix), expected, "{text}");
        }
    }

    #[test]
    fn arithmetic_saturates_at_both_ends() {
        let day = Duration::from_hours(24);
        let (first, last) = (
            Timestamp::from_unix(i64::MIN),
            Timestamp::from_unix(i64::MAX),
        );
        assert_eq!(first.minus(day), first);
        assert_eq!(last.plus(day), last);
        assert_eq!(last.plus(Duration::MAX), last);
        assert_eq!(last.since(first), Duration::from_secs(u64::MAX));
        assert_eq!(first.since(last), Duration::ZERO);
    }
}
