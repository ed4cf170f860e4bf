//! From one key to the next.

use std::{sync::Arc, time::Duration};

use serde::Deserialize;
use serde_json::{Map, Value};
use thiserror::Error;

use super::set::{KeySet, ServerKey};
use crate::{jose::wipe, time::Timestamp};

/// For how long others may keep the published keys, as the JWKS endpoint tells them.
pub(crate) const JWKS_MAX_AGE: Duration = Duration::from_mins(5);

/// When keys change. Whole seconds; in a configuration the names are `lead_seconds`, `retention_seconds` and `every_days`.
///
/// The next key is put into the file some time before it is used, its *lead*; it may have to reach the other instances of the
/// server, and everybody who keeps the published keys for a while. The key that it replaces is kept for the *retention*
/// after that, until everything that was signed with it, or encrypted to it, has ended (OpenID Connect Core §10.1.1 and
/// §10.2.1).
///
/// ```
/// use std::{sync::Arc, time::Duration};
/// use tower_fapi::authorization_server::KeyRotation;
///
/// let mut rotation = KeyRotation::default();
/// rotation.every = Some(Duration::from_secs(90 * 24 * 60 * 60));
/// ```
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub struct KeyRotation {
    /// How long a key is known before it is used: 1 day, 10 min to 30 days. Others may keep the published keys for 5 min,
    /// and some keep them for longer than they may.
    #[serde(rename = "lead_seconds", deserialize_with = "seconds")]
    pub lead: Duration,
    /// How long a key is kept after it was replaced: 1 day, 65 min to 365 days. The least is more than any access token or
    /// ID token lives.
    #[serde(rename = "retention_seconds", deserialize_with = "seconds")]
    pub retention: Duration,
    /// After this time a key is replaced without anybody asking for it: never unless set, otherwise at least the time that
    /// lead and retention take together. A key that does not say when it began is taken for old. Only for
    /// instances that have the same file: each of several copies would get a next key of its own.
    #[serde(rename = "every_days", deserialize_with = "days")]
    pub every: Option<Duration>,
}

/// A time of [`KeyRotation`] is outside its limits.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("the {what} of keys is {value:?}; it has to be {least:?} to {most:?}")]
pub struct InvalidKeyRotation {
    /// Which time.
    pub what: &'static str,
    /// What it was set to.
    pub value: Duration,
    /// The least it can be.
    pub least: Duration,
    /// The most it can be.
    pub most: Duration,
}

/// A key that is to come.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NextKey {
    /// Its identifier.
    pub kid: String,
    /// From when on it is used.
    pub begins: Timestamp,
    /// Whether it is new; otherwise it had been there already, and nothing has changed.
    pub added: bool,
}

impl Default for KeyRotation {
    fn default() -> Self {
        Self {
            lead: DAY,
            retention: DAY,
            every: None,
        }
    }
}

const DAY: Duration = Duration::from_hours(24);

impl KeyRotation {
    pub(crate) fn check(&self) -> Result<(), InvalidKeyRotation> {
        let least_lead = JWKS_MAX_AGE.saturating_mul(2);
        // The longest life of a token, and what clocks differ by.
        let least_retention = Duration::from_mins(65);
        let turn = self.lead.saturating_add(self.retention);
        for (what, value, least, most) in [
            ("lead", self.lead, least_lead, DAY * 30),
            ("retention", self.retention, least_retention, DAY * 365),
            ("age", self.every.unwrap_or(turn), turn, DAY * 3660),
        ] {
            if value < least || value > most || value.subsec_nanos() > 0 {
                return Err(InvalidKeyRotation {
                    what,
                    value,
                    least,
                    most,
                });
            }
        }
        Ok(())
    }

    /// Whether a key that began then is to be replaced: early enough for the next one to have its lead.
    pub(super) fn is_due(&self, begun: Option<Timestamp>, now: Timestamp) -> bool {
        self.every.is_some_and(|every| {
            begun.is_none_or(|begun| begun.plus(every).minus(self.lead) <= now)
        })
    }

    /// When the next key begins if it is made now.
    pub(super) fn next_begins(&self, now: Timestamp) -> Timestamp {
        now.plus(self.lead)
    }
}

/// Puts the next key into what a file holds: those that it replaces get an end, and those that have ended go.
///
/// It comes before the others of its algorithm, so that the first key of the file stays one of this algorithm if it was.
pub(super) fn put<K: ServerKey>(
    listed: &mut Vec<Value>,
    known: &KeySet<K>,
    mut next: Map<String, Value>,
    algorithm: K::Algorithm,
    rotation: &KeyRotation,
    now: Timestamp,
) {
    let begins = rotation.next_begins(now);
    let ends = begins.plus(rotation.retention);
    next.insert("nbf".to_owned(), begins.as_unix().into());
    let in_use = known.newest(Some(algorithm), now);
    let mut place = None;
    let mut kept = Vec::with_capacity(listed.len() + 1);
    for (mut member, key) in std::mem::take(listed).into_iter().zip(&known.keys) {
        if key.period.has_ended(now) {
            wipe(&mut member);
            continue;
        }
        if key.key.algorithm() == algorithm {
            place.get_or_insert(kept.len());
            // Whatever end the key in use was given: it stays until the next one has begun, and its retention after that.
            let is_in_use = in_use.is_some_and(|newest| Arc::ptr_eq(&newest.key, &key.key));
            if (is_in_use || key.period.ends.is_none())
                && let Some(members) = member.as_object_mut()
            {
                members.insert("exp".to_owned(), ends.as_unix().into());
            }
        }
        kept.push(member);
    }
    kept.insert(place.unwrap_or(kept.len()), Value::Object(next));
    *listed = kept;
}

fn seconds<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    u64::deserialize(deserializer).map(Duration::from_secs)
}

fn days<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    let days = u32::deserialize(deserializer)?;
    Ok(Some(DAY.saturating_mul(days)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::jose::{JwsAlgorithm, PrivateJwk};

    const NOW: Timestamp = Timestamp::from_unix(1_800_000_000);

    #[test]
    fn a_configuration_counts_in_seconds_and_days() {
        let read = |text| serde_json::from_str::<KeyRotation>(text);
        let rotation = read(r#"{"lead_seconds": 3600, "every_days": 90}"#).unwrap();
        assert_eq!(rotation.lead, Duration::from_hours(1));
        assert_eq!(rotation.retention, DAY);
        assert_eq!(rotation.every, Some(DAY * 90));
        for mistaken in [
            r#"{"lead": 3600}"#,
            r#"{"lead_seconds": -1}"#,
            r#"{"every_days": 0.5}"#,
            r#"{"every_days": "90"}"#,
        ] {
            assert!(read(mistaken).is_err(), "{mistaken}");
        }
    }

    // OpenID Connect Core §10.1.1: known long enough before, kept long enough after.
    #[test]
    fn times_outside_their_limits_are_refused() {
        assert_eq!(KeyRotation::default().check(), Ok(()));
        let outcome = |change: fn(&mut KeyRotation)| {
            let mut rotation = KeyRotation::default();
            change(&mut rotation);
            rotation.check().map_err(|refused| refused.what)
        };
        assert_eq!(outcome(|r| r.lead = JWKS_MAX_AGE * 2), Ok(()));
        assert_eq!(outcome(|r| r.lead = Duration::from_secs(599)), Err("lead"));
        assert_eq!(outcome(|r| r.lead = DAY * 31), Err("lead"));
        assert_eq!(outcome(|r| r.retention = Duration::from_secs(3900)), Ok(()));
        assert_eq!(
            outcome(|r| r.retention = Duration::from_secs(3899)),
            Err("retention")
        );
        assert_eq!(outcome(|r| r.retention = DAY * 366), Err("retention"));
        assert_eq!(outcome(|r| r.every = Some(DAY * 2)), Ok(()));
        assert_eq!(outcome(|r| r.every = Some(DAY)), Err("age"));
        assert_eq!(
            outcome(|r| r.lead = Duration::from_millis(600_500)),
            Err("lead")
        );
    }

    #[test]
    fn a_key_is_due_early_enough_for_the_next_one_to_be_known() {
        let mut rotation = KeyRotation::default();
        assert!(!rotation.is_due(None, NOW), "nobody asked for it");
        rotation.every = Some(DAY * 90);
        assert!(rotation.is_due(None, NOW), "of unknown age");
        for (days, due) in [(0, false), (88, false), (89, true), (90, true)] {
            assert_eq!(
                rotation.is_due(Some(NOW.minus(DAY * days)), NOW),
                due,
                "{days}"
            );
        }
        let almost = NOW.minus(DAY * 89).plus(Duration::from_secs(1));
        assert!(!rotation.is_due(Some(almost), NOW));
    }

    /// What a file holds, and the new file's `kid`, `nbf` and `exp` of each key.
    fn rotated(keys: &[(&str, JwsAlgorithm, Value)], algorithm: JwsAlgorithm) -> Vec<Value> {
        let mut listed: Vec<Value> = Vec::new();
        for (kid, algorithm, times) in keys {
            let key = PrivateJwk::generate(*algorithm).unwrap().with_kid(*kid);
            let mut key: Value = serde_json::from_str(&key.secret_json()).unwrap();
            for (name, time) in times.as_object().unwrap() {
                key[name] = time.clone();
            }
            listed.push(key);
        }
        let known: KeySet<crate::authorization_server::keys::signing::OwnKey> =
            KeySet::read(&json!({ "keys": listed }).to_string()).unwrap();
        let next = PrivateJwk::generate(algorithm).unwrap().with_kid("next");
        let Value::Object(next) = serde_json::from_str(&next.secret_json()).unwrap() else {
            panic!("a key is an object");
        };
        put(
            &mut listed,
            &known,
            next,
            algorithm,
            &KeyRotation::default(),
            NOW,
        );
        let said = listed
            .iter()
            .map(|key| json!([key["kid"], key["nbf"], key["exp"]]));
        said.collect()
    }

    #[test]
    fn the_next_key_comes_before_those_of_its_algorithm_and_ends_them() {
        use JwsAlgorithm::{EdDsa, Es256, Ps256};
        let now = NOW.as_unix();
        let begins = now + 86_400;
        let ends = begins + 86_400;
        let one = ("one", Es256, json!({}));
        let other = ("other", Ps256, json!({}));
        let next = json!(["next", begins, null]);
        assert_eq!(
            rotated(&[one.clone(), other.clone()], Es256),
            [
                next.clone(),
                json!(["one", null, ends]),
                json!(["other", null, null])
            ]
        );
        assert_eq!(
            rotated(&[one.clone(), other.clone()], Ps256),
            [
                json!(["one", null, null]),
                next.clone(),
                json!(["other", null, ends])
            ]
        );
        assert_eq!(
            rotated(&[one.clone(), other], EdDsa),
            [
                json!(["one", null, null]),
                json!(["other", null, null]),
                next.clone()
            ],
            "an algorithm there was none for does not become that of tokens"
        );
        let ended = ("ended", Es256, json!({ "exp": now }));
        let replaced = ("replaced", Es256, json!({ "exp": now + 5 }));
        let newest = ("newest", Es256, json!({ "nbf": now - 10, "exp": now + 60 }));
        assert_eq!(
            rotated(&[ended, newest, replaced, one], Es256),
            [
                next,
                json!(["newest", now - 10, ends]),
                json!(["replaced", null, now + 5]),
                json!(["one", null, ends]),
            ],
            "somebody signs until the next one does"
        );
    }
}
