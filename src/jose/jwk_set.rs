//! Sets of public keys (RFC 7517 §5), and the choice of the key that may have signed (FAPI 2.0 §5.4.3).

use std::{str::FromStr, sync::Arc};

use serde_json::Value;

use super::{
    algorithm::JwsAlgorithm,
    json::{self, InvalidJson},
    jwk::Jwk,
    verifying_key::VerifyingKey,
};

/// The keys of a JWKS document that we understand.
///
/// A key that cannot be used (another type, malformed, or publishing its private half) is left out and the others serve
/// (RFC 7517 §5).
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct JwkSet {
    keys: Vec<Jwk>,
}

/// Why a document is no key set.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum InvalidJwkSet {
    /// It is not strict JSON.
    #[error(transparent)]
    Json(#[from] InvalidJson),
    /// There is no array `keys`.
    #[error("no array `keys`")]
    NoKeys,
    /// It holds more keys than anybody needs.
    #[error("{0} keys, more than {max}", max = JwkSet::MAX_KEYS)]
    TooMany(usize),
}

impl JwkSet {
    /// How many keys a document may hold.
    pub const MAX_KEYS: usize = 100;

    /// A set of these keys.
    #[must_use]
    pub fn new(keys: impl IntoIterator<Item = Jwk>) -> Self {
        Self {
            keys: keys.into_iter().collect(),
        }
    }

    /// The keys, in the document's order.
    #[must_use]
    pub fn keys(&self) -> &[Jwk] {
        &self.keys
    }

    /// Reads the value of a member that holds a set, such as `jwks` of client metadata (RFC 7591 §2).
    ///
    /// # Errors
    ///
    /// [`InvalidJwkSet`] if it is not an object with an array `keys`, or holds too many of them.
    pub fn from_value(value: &Value) -> Result<Self, InvalidJwkSet> {
        let keys = value
            .get("keys")
            .and_then(Value::as_array)
            .ok_or(InvalidJwkSet::NoKeys)?;
        if keys.len() > Self::MAX_KEYS {
            return Err(InvalidJwkSet::TooMany(keys.len()));
        }
        let usable = keys
            .iter()
            .filter_map(|key| Jwk::from_members(key.as_object()?).ok());
        Ok(Self::new(usable))
    }
}

impl FromStr for JwkSet {
    type Err = InvalidJwkSet;

    fn from_str(json: &str) -> Result<Self, Self::Err> {
        Self::from_value(&Value::Object(json::object(json.as_bytes())?))
    }
}

impl serde::Serialize for JwkSet {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeMap as _;
        let mut map = serializer.serialize_map(Some(1))?;
        map.serialize_entry("keys", &self.keys)?;
        map.end()
    }
}

impl<'de> serde::Deserialize<'de> for JwkSet {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let document = Value::Object(json::deserialize(deserializer)?);
        Self::from_value(&document).map_err(serde::de::Error::custom)
    }
}

/// A set of prepared keys. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct VerifyingKeySet {
    keys: Arc<[Arc<VerifyingKey>]>,
}

impl VerifyingKeySet {
    /// How many keys are tried for a signature whose header names no key.
    ///
    /// Without `kid` every key of the algorithm may be the one; a stranger must not make us try a hundred.
    pub const MAX_CANDIDATES: usize = 8;

    /// Prepares every key of the set that is fit to verify signatures.
    #[must_use]
    pub fn new(set: &JwkSet) -> Self {
        let keys = set
            .keys
            .iter()
            .filter_map(|key| VerifyingKey::new(key).ok());
        Self {
            keys: keys.map(Arc::new).collect(),
        }
    }

    /// A set of keys that other sets hold as well.
    #[must_use]
    pub fn shared(keys: impl IntoIterator<Item = Arc<VerifyingKey>>) -> Self {
        Self {
            keys: keys.into_iter().collect(),
        }
    }

    /// The keys.
    #[must_use]
    pub fn keys(&self) -> &[Arc<VerifyingKey>] {
        &self.keys
    }

    /// The keys that may have made a signature with this algorithm and, if the header has one, this `kid`.
    pub fn candidates(
        &self,
        algorithm: JwsAlgorithm,
        kid: Option<&str>,
    ) -> impl Iterator<Item = &Arc<VerifyingKey>> {
        self.keys
            .iter()
            .filter(move |key| key.algorithm() == algorithm && (kid.is_none() || key.kid() == kid))
            .take(Self::MAX_CANDIDATES)
    }
}
