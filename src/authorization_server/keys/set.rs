//! Keys of one purpose, each with its time.

use std::{fmt::Debug, sync::Arc};

use serde::Deserialize as _;
use serde_json::{Map, Value};

use super::{InvalidKeys, KeyProblem};
use crate::{
    jose::{InvalidJwk, Jwk, PrivateJwk, json, wipe},
    time::Timestamp,
};

/// What the keys of a set do.
pub(super) trait ServerKey: Debug + Sized {
    type Algorithm: Copy + Debug + Eq + Ord;

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
    keys: Vec<Scheduled<K>>,
}

/// A key and when it is used.
#[derive(Debug)]
struct Scheduled<K> {
    key: Arc<K>,
    period: Period,
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
        Ok(Self { keys: vec![key] })
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
            let kid = key.key.public().kid();
            if keys.iter().any(|other| other.key.public().kid() == kid) {
                let kid = kid.unwrap_or_default().to_owned();
                return Err(InvalidKeys::SameKid(kid));
            }
            keys.push(key);
        }
        if keys.is_empty() {
            return Err(InvalidKeys::NoKeys);
        }
        Ok(Self { keys })
    }

    /// The key that is used at `now`: of those of this algorithm that have begun and not ended the one that began last, and
    /// the first in the file of several that began together. With no algorithm named it is that of the first key in the file
    /// that is in use.
    pub(super) fn newest(
        &self,
        algorithm: Option<K::Algorithm>,
        now: Timestamp,
    ) -> Option<&Arc<K>> {
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
        newest.map(|newest| &newest.key)
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

    /// The identifiers of all keys.
    pub(super) fn kids(&self) -> Vec<String> {
        let kids = self.keys.iter().filter_map(|key| key.key.public().kid());
        kids.map(str::to_owned).collect()
    }

    fn in_use(&self, now: Timestamp) -> impl Iterator<Item = &Scheduled<K>> {
        self.keys
            .iter()
            .filter(move |key| key.period.has_begun(now) && !key.period.has_ended(now))
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
