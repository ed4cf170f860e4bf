//! How long things live.

use std::time::Duration;

use serde::Deserialize;
use thiserror::Error;

/// How long everything the server gives out can be used. Whole seconds.
///
/// In a configuration the names end in `_seconds`: `access_token_seconds = 300`. What is not there keeps its default.
///
/// ```
/// use std::time::Duration;
/// use tower_fapi::authorization_server::Lifetimes;
///
/// let mut lifetimes = Lifetimes::default();
/// lifetimes.access_token = Duration::from_secs(600);
/// ```
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub struct Lifetimes {
    /// Within this time a pushed request has to be opened in a browser: 60 s, at least 5 s and under 600 s
    /// (FAPI 2.0 Security Profile §5.3.2.2).
    #[serde(rename = "pushed_request_seconds", deserialize_with = "seconds")]
    pub pushed_request: Duration,
    /// From opening a request, a person has this time to sign in and decide: 10 min, 1 min to 1 h.
    #[serde(rename = "interaction_seconds", deserialize_with = "seconds")]
    pub interaction: Duration,
    /// A code has to be redeemed within this time: 60 s, which is the maximum (FAPI 2.0 Security Profile §5.3.2.1).
    #[serde(rename = "code_seconds", deserialize_with = "seconds")]
    pub code: Duration,
    /// Access tokens: 5 min, 10 s to 1 h.
    #[serde(rename = "access_token_seconds", deserialize_with = "seconds")]
    pub access_token: Duration,
    /// ID tokens: 5 min, 10 s to 1 h. A client looks at one when it comes, and keeps what it says.
    #[serde(rename = "id_token_seconds", deserialize_with = "seconds")]
    pub id_token: Duration,
    /// Refresh tokens, counted from the approval and not prolonged by use: 90 days, up to 10 years.
    #[serde(rename = "refresh_token_seconds", deserialize_with = "seconds")]
    pub refresh_token: Duration,
    /// A person stays signed in for this long: 30 min, 1 min to 24 h.
    #[serde(rename = "session_seconds", deserialize_with = "seconds")]
    pub session: Duration,
}

/// A lifetime is outside its limits.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("the lifetime of a {what} is {value:?}; it has to be {least:?} to {most:?}")]
pub struct InvalidLifetime {
    /// Which lifetime.
    pub what: &'static str,
    /// What it was set to.
    pub value: Duration,
    /// The least it can be.
    pub least: Duration,
    /// The most it can be.
    pub most: Duration,
}

impl Default for Lifetimes {
    fn default() -> Self {
        Self {
            pushed_request: Duration::from_secs(60),
            interaction: Duration::from_secs(10 * 60),
            code: Duration::from_secs(60),
            access_token: Duration::from_secs(5 * 60),
            id_token: Duration::from_secs(5 * 60),
            refresh_token: Duration::from_secs(90 * DAY),
            session: Duration::from_secs(30 * 60),
        }
    }
}

fn seconds<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    u64::deserialize(deserializer).map(Duration::from_secs)
}

const DAY: u64 = 24 * 60 * 60;

impl Lifetimes {
    pub(crate) fn check(&self) -> Result<(), InvalidLifetime> {
        for (what, value, least, most) in [
            ("pushed_request", self.pushed_request, 5, 599),
            ("interaction", self.interaction, 60, 3600),
            ("code", self.code, 1, 60),
            ("access_token", self.access_token, 10, 3600),
            ("id_token", self.id_token, 10, 3600),
            ("refresh_token", self.refresh_token, 60, 3660 * DAY),
            ("session", self.session, 60, DAY),
        ] {
            let (least, most) = (Duration::from_secs(least), Duration::from_secs(most));
            if value < least || value > most || value.subsec_nanos() > 0 {
                return Err(InvalidLifetime {
                    what,
                    value,
                    least,
                    most,
                });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_configuration_counts_in_seconds() {
        let read: Lifetimes = serde_json::from_str(r#"{"access_token_seconds": 60}"#).unwrap();
        let expected = Lifetimes {
            access_token: Duration::from_secs(60),
            ..Lifetimes::default()
        };
        assert_eq!(read, expected);
        for mistaken in [
            r#"{"access_token": 60}"#,
            r#"{"code_seconds": -1}"#,
            r#"{"code_seconds": "60"}"#,
        ] {
            assert!(
                serde_json::from_str::<Lifetimes>(mistaken).is_err(),
                "{mistaken}"
            );
        }
    }

    // FAPI 2.0 Security Profile §5.3.2.1 (codes) and §5.3.2.2 (request URIs).
    #[test]
    fn a_lifetime_outside_its_limits_is_refused() {
        assert_eq!(Lifetimes::default().check(), Ok(()));
        let refused = |change: fn(&mut Lifetimes)| {
            let mut lifetimes = Lifetimes::default();
            change(&mut lifetimes);
            lifetimes.check().unwrap_err().what
        };
        assert_eq!(
            refused(|l| l.pushed_request = Duration::from_secs(600)),
            "pushed_request"
        );
        assert_eq!(refused(|l| l.code = Duration::from_secs(61)), "code");
        assert_eq!(refused(|l| l.code = Duration::ZERO), "code");
        assert_eq!(
            refused(|l| l.access_token = Duration::from_secs(3601)),
            "access_token"
        );
        assert_eq!(refused(|l| l.id_token = Duration::from_secs(9)), "id_token");
        assert_eq!(
            refused(|l| l.session = Duration::from_millis(90_500)),
            "session"
        );
    }
}
