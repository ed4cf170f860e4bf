//! Keys of one purpose, each with its time.

use std::{
    fmt::{Debug, Display},
    sync::Arc,
};

use serde::Deserialize as _;
use serde_json::{Map, Value};

use super::{InvalidKeys, KeyProblem, KeyRotation, NextKey};
use crate::{
    jose::{InvalidJwk, Jwk, PrivateJwk, json, sha256, wipe},
    time::Timestamp,
};

/// What the keys of a set do.
pub(super) trait ServerKey: Debug + Sized {
    type Algorithm: Copy + Debug + Display + Eq + Ord;

    /// Makes the private half of a new key.
    fn generate(algorithm: Self::Algorithm) -> Result<PrivateJwk, KeyProblem>;

    /// Prepares a key for its use.
    fn prepare(jwk: &PrivateJwk) -> Result<Self, KeyProblem>;

    fn algorithm(&self) -> Self::Algorithm;

    /// What is published of it.
    fn public(&self) -> &Jwk;
}

/// Keys in the order of their file: at least one, and no two with the same `kid`.
#[derive(Debug)]
pub(super) struct KeySet<K> {
    pub(super) keys: Vec<Scheduled<K>>,
    /// The hash of the text that they were read from.
    source: Option<[u8; 32]>,
}

/// A key and when it is used.
#[derive(Debug)]
pub(super) struct Scheduled<K> {
    pub(super) key: Arc<K>,
    pub(super) period: Period,
}

/// When a key is used: from `nbf` on, and until `exp`. A key without them was always and will always be.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Period {
    pub(super) begins: Option<Timestamp>,
    pub(super) ends: Option<Timestamp>,
}

impl Period {
    pub(super) fn read(members: &Map<String, Value>) -> Result<Self, KeyProblem> {
        let time = |name| match members.get(name) {
            None => Ok(None),
            Some(value) => Timestamp::deserialize(value)
                .map(Some)
                .map_err(|_| KeyProblem::Time(name)),
        };
        let (begins, ends) = (time("nbf")?, time("exp")?);
        if ends.is_some() && begins >= ends {
            return Err(KeyProblem::NeverUsed);
        }
        Ok(Self { begins, ends })
    }

    pub(super) fn has_begun(self, now: Timestamp) -> bool {
        self.begins.is_none_or(|begins| begins <= now)
    }

    pub(super) fn has_ended(self, now: Timestamp) -> bool {
        self.ends.is_some_and(|ends| ends <= now)
    }
}

impl<K: ServerKey> KeySet<K> {
    /// One new key, without an end.
    pub(super) fn generate(algorithm: K::Algorithm) -> Result<Self, KeyProblem> {
        let key = Scheduled {
            key: Arc::new(K::prepare(&K::generate(algorithm)?)?),
            period: Period::default(),
        };
        Ok(Self {
            keys: vec![key],
            source: None,
        })
    }

    /// Reads a JWK set of private keys.
    pub(super) fn read(jwks: &str) -> Result<Self, InvalidKeys> {
        let set = Wiped(json::object(jwks.as_bytes())?);
        let listed = set.0.get("keys").and_then(Value::as_array);
        let mut keys: Vec<Scheduled<K>> = Vec::new();
        for (index, key) in listed.into_iter().flatten().enumerate() {
            let key: Scheduled<K> = read(key).map_err(|problem| InvalidKeys::Key {
                position: index + 1,
                problem,
            })?;
            if keys.iter().any(|other| other.kid() == key.kid()) {
                return Err(InvalidKeys::SameKid(key.kid().to_owned()));
            }
            keys.push(key);
        }
        if keys.is_empty() {
            return Err(InvalidKeys::NoKeys);
        }
        Ok(Self {
            keys,
            source: Some(sha256(jwks.as_bytes())),
        })
    }

    /// The key that is used at `now`: of those of this algorithm that have begun and not ended the one that began last, and
    /// the first in the file of several that began together. With no algorithm named it is that of the first key in the file
    /// that is in use.
    pub(super) fn newest(
        &self,
        algorithm: Option<K::Algorithm>,
        now: Timestamp,
    ) -> Option<&Scheduled<K>> {
        let wanted = match algorithm {
            Some(named) => named,
            None => self.in_use(now).next()?.key.algorithm(),
        };
        let mut newest: Option<&Scheduled<K>> = None;
        for key in self.in_use(now).filter(|key| key.key.algorithm() == wanted) {
            if newest.is_none_or(|known| key.period.begins > known.period.begins) {
                newest = Some(key);
            }
        }
        newest
    }

    /// The keys that no younger one of their algorithm has replaced, and that are in use.
    pub(super) fn unreplaced(&self, now: Timestamp) -> impl Iterator<Item = &Arc<K>> {
        let younger = move |key: &Scheduled<K>, other: &Scheduled<K>| {
            other.key.algorithm() == key.key.algorithm() && other.period.begins > key.period.begins
        };
        self.in_use(now)
            .filter(move |key| !self.in_use(now).any(|other| younger(key, other)))
            .map(|key| &key.key)
    }

    /// The keys that have not ended: those to come, those in use and those that were replaced.
    pub(super) fn lasting(&self, now: Timestamp) -> impl Iterator<Item = &Arc<K>> {
        self.keys
            .iter()
            .filter(move |key| !key.period.has_ended(now))
            .map(|key| &key.key)
    }

    /// The algorithms of keys in use.
    pub(super) fn algorithms(&self, now: Timestamp) -> Vec<K::Algorithm> {
        let mut algorithms: Vec<_> = self.in_use(now).map(|key| key.key.algorithm()).collect();
        algorithms.sort_unstable();
        algorithms.dedup();
        algorithms
    }

    /// The key of this algorithm that is to come next.
    pub(super) fn next(&self, algorithm: K::Algorithm, now: Timestamp) -> Option<NextKey> {
        let of_algorithm = self
            .keys
            .iter()
            .filter(|key| key.key.algorithm() == algorithm);
        let to_come = of_algorithm.filter(|key| !key.period.has_begun(now));
        let next = to_come.min_by_key(|key| key.period.begins)?;
        Some(NextKey {
            kid: next.kid().to_owned(),
            begins: next.period.begins?,
            added: false,
        })
    }

    /// The algorithms whose key has grown old, and for which there is no next one yet.
    pub(super) fn due(&self, rotation: &KeyRotation, now: Timestamp) -> Vec<K::Algorithm> {
        let mut algorithms = self.algorithms(now);
        algorithms.retain(|algorithm| {
            let newest = self.newest(Some(*algorithm), now);
            let old = newest.is_some_and(|key| rotation.is_due(key.period.begins, now));
            old && self.next(*algorithm, now).is_none()
        });
        algorithms
    }

    /// Whether this text is what they were read from.
    pub(super) fn is_from(&self, text: &str) -> bool {
        self.source == Some(sha256(text.as_bytes()))
    }

    /// Whether these can take the place of the former ones in a running server.
    pub(super) fn check_against(&self, former: &Self, now: Timestamp) -> Result<(), InvalidKeys> {
        for algorithm in former.algorithms(now) {
            if self.newest(Some(algorithm), now).is_none() {
                return Err(InvalidKeys::Lost(algorithm.to_string()));
            }
        }
        for key in &self.keys {
            if let Some(other) = former.named(key.kid())
                && other.key.public().thumbprint() != key.key.public().thumbprint()
            {
                return Err(InvalidKeys::OtherKey(key.kid().to_owned()));
            }
        }
        Ok(())
    }

    /// The keys that are used now, and that the former set did not hold.
    pub(super) fn unannounced<'a>(
        &'a self,
        former: &'a Self,
        now: Timestamp,
    ) -> impl Iterator<Item = &'a str> {
        let used = self.unreplaced(now).filter_map(|key| key.public().kid());
        used.filter(|kid| former.named(kid).is_none())
    }

    fn named(&self, kid: &str) -> Option<&Scheduled<K>> {
        self.keys.iter().find(|key| key.kid() == kid)
    }

    /// The identifiers of all keys.
    pub(super) fn kids(&self) -> Vec<String> {
        self.keys.iter().map(|key| key.kid().to_owned()).collect()
    }

    fn in_use(&self, now: Timestamp) -> impl Iterator<Item = &Scheduled<K>> {
        self.keys
            .iter()
            .filter(move |key| key.period.has_begun(now) && !key.period.has_ended(now))
    }
}

impl<K: ServerKey> Scheduled<K> {
    pub(super) fn kid(&self) -> &str {
        self.key.public().kid().unwrap_or_default()
    }
}

/// Members of private keys, overwritten when they are dropped.
pub(super) struct Wiped(pub(super) Map<String, Value>);

impl Drop for Wiped {
    fn drop(&mut self) {
        self.0.values_mut().for_each(wipe);
    }
}

/// One private key; its thumbprint becomes its `kid` if it has none.
fn read<K: ServerKey>(key: &Value) -> Result<Scheduled<K>, KeyProblem> {
    let members = key.as_object().ok_or(InvalidJwk::Member("kty"))?;
    let period = Period::read(members)?;
    let mut jwk = PrivateJwk::from_members(members)?;
    if jwk.public().kid().is_none() {
        let thumbprint = jwk.public().thumbprint().to_string();
        jwk = jwk.with_kid(thumbprint);
    }
    Ok(Scheduled {
        key: Arc::new(K::prepare(&jwk)?),
        period,
    })
}
