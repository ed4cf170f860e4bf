//! The keys the server signs with.

mod file;

use std::{path::Path, str::FromStr, sync::Arc};

use serde_json::{Value, json};
use thiserror::Error;

pub use self::file::KeyFileError;
use crate::jose::{
    InvalidJwk, Jwk, JwkSet, JwsAlgorithm, PrivateJwk, SigningKey, SigningKeyError,
    VerifyingKeySet,
    json::{self, InvalidJson},
};

/// The keys of the server: the first signs, the public halves of all are published.
///
/// Each has a `kid`, its thumbprint if it came without one, and no two have the same (FAPI 2.0 Security Profile §5.4.3).
/// Cheap to clone.
#[derive(Clone, Debug)]
pub struct SigningKeys {
    first: Arc<SigningKey>,
    others: Arc<[SigningKey]>,
}

/// Why keys cannot be used.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum InvalidSigningKeys {
    /// It is not strict JSON.
    #[error(transparent)]
    Json(#[from] InvalidJson),
    /// There is no array `keys`, or it is empty.
    #[error("no array `keys` with at least one private key")]
    NoKeys,
    /// A key cannot be used.
    #[error("key {position}: {problem}")]
    Key {
        /// Which key, counted from 1.
        position: usize,
        /// What is wrong with it.
        problem: SigningKeyError,
    },
    /// Two keys have the same identifier.
    #[error("two keys have the kid {0:?}")]
    SameKid(String),
}

impl SigningKeys {
    /// One new key, which is lost when the process ends: tokens signed with it are worthless then.
    ///
    /// # Errors
    ///
    /// [`SigningKeyError`] if the system's generator fails.
    pub fn generate(algorithm: JwsAlgorithm) -> Result<Self, SigningKeyError> {
        Ok(Self {
            first: Arc::new(SigningKey::generate(algorithm)?),
            others: Arc::new([]),
        })
    }

    /// The keys in the file at `path`, a JWK set of private keys; if there is no file, it is made with one new key.
    ///
    /// The file is made so that only its owner can read it (mode 0600), it is complete from the moment it appears, and
    /// of two processes that start at once both use the same.
    ///
    /// # Errors
    ///
    /// [`KeyFileError`], with the path, if the file cannot be read or made, or holds keys that cannot be used.
    pub fn load_or_create(
        path: impl AsRef<Path>,
        algorithm: JwsAlgorithm,
    ) -> Result<Self, KeyFileError> {
        file::load_or_create(path.as_ref(), algorithm)
    }

    /// The key that signs.
    pub(crate) fn signing(&self) -> &SigningKey {
        &self.first
    }

    /// The first key of this algorithm; with none named, the key that signs.
    pub(crate) fn signing_with(&self, algorithm: Option<JwsAlgorithm>) -> Option<&SigningKey> {
        match algorithm {
            None => Some(self.signing()),
            Some(wanted) => self.iter().find(|key| key.algorithm() == wanted),
        }
    }

    /// What our own signatures are verified with, those of keys that have been replaced among them.
    pub(crate) fn verifying(&self) -> VerifyingKeySet {
        VerifyingKeySet::new(&JwkSet::new(self.iter().map(|key| key.public().clone())))
    }

    /// The public halves as a JWK set.
    #[must_use]
    pub fn public_jwks(&self) -> Value {
        let keys: Vec<Value> = self
            .iter()
            .map(|key| Value::Object(key.public().to_members()))
            .collect();
        json!({ "keys": keys })
    }

    /// The algorithms of the keys.
    pub(crate) fn algorithms(&self) -> Vec<JwsAlgorithm> {
        let mut algorithms: Vec<_> = self.iter().map(SigningKey::algorithm).collect();
        algorithms.sort_unstable();
        algorithms.dedup();
        algorithms
    }

    fn iter(&self) -> impl Iterator<Item = &SigningKey> {
        std::iter::once(self.first.as_ref()).chain(self.others.iter())
    }
}

/// Reads a JWK set of private keys.
impl FromStr for SigningKeys {
    type Err = InvalidSigningKeys;

    fn from_str(jwks: &str) -> Result<Self, InvalidSigningKeys> {
        let set = json::object(jwks.as_bytes())?;
        let listed = set
            .get("keys")
            .and_then(Value::as_array)
            .ok_or(InvalidSigningKeys::NoKeys)?;
        let mut keys: Vec<SigningKey> = Vec::new();
        for (index, key) in listed.iter().enumerate() {
            let key = read(key).map_err(|problem| InvalidSigningKeys::Key {
                position: index + 1,
                problem,
            })?;
            let kid = key.kid().unwrap_or_default();
            if keys.iter().any(|other| other.kid() == Some(kid)) {
                return Err(InvalidSigningKeys::SameKid(kid.to_owned()));
            }
            keys.push(key);
        }
        let mut keys = keys.into_iter();
        Ok(Self {
            first: Arc::new(keys.next().ok_or(InvalidSigningKeys::NoKeys)?),
            others: keys.collect(),
        })
    }
}

/// One private key; its thumbprint becomes its `kid` if it has none.
fn read(key: &Value) -> Result<SigningKey, SigningKeyError> {
    let mut members = key
        .as_object()
        .ok_or(SigningKeyError::Invalid(InvalidJwk::Member("kty")))?
        .clone();
    if !members.contains_key("kid") {
        let public = PrivateJwk::from_members(&members)?;
        members.insert("kid".to_owned(), thumbprint(public.public()).into());
    }
    SigningKey::new(&PrivateJwk::from_members(&members)?)
}

fn thumbprint(key: &Jwk) -> String {
    key.thumbprint().to_string()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_text_is_an_error_or_keys(text: String) {
            prop_assert!(text.parse::<SigningKeys>().is_err());
        }
    }

    fn private(algorithm: JwsAlgorithm) -> Value {
        let key = PrivateJwk::generate(algorithm).unwrap();
        serde_json::from_str(&key.secret_json()).unwrap()
    }

    #[test]
    fn a_set_publishes_its_public_halves_only() {
        let (one, other) = (private(JwsAlgorithm::Es256), private(JwsAlgorithm::Ps256));
        let keys: SigningKeys = json!({ "keys": [one, other] }).to_string().parse().unwrap();
        let published = keys.public_jwks();
        assert_eq!(published["keys"].as_array().unwrap().len(), 2);
        for private in ["d", "p", "q", "dp", "dq", "qi"] {
            assert!(published["keys"][0].get(private).is_none(), "{private}");
            assert!(published["keys"][1].get(private).is_none(), "{private}");
        }
        assert_eq!(keys.signing().kid(), one["kid"].as_str());
        assert_eq!(
            keys.algorithms(),
            [JwsAlgorithm::Ps256, JwsAlgorithm::Es256]
        );
    }

    #[test]
    fn a_key_without_a_kid_is_named_by_its_thumbprint() {
        let mut key = private(JwsAlgorithm::EdDsa);
        let kid = key.as_object_mut().unwrap().remove("kid").unwrap();
        let keys: SigningKeys = json!({ "keys": [key] }).to_string().parse().unwrap();
        assert_eq!(keys.public_jwks()["keys"][0]["kid"], kid);
    }

    // FAPI 2.0 Security Profile §5.4.1 and §5.4.3.
    #[test]
    fn what_cannot_sign_is_refused() {
        let key = private(JwsAlgorithm::Es256);
        let mut public = key.clone();
        public.as_object_mut().unwrap().remove("d");
        let mut encryption = key.clone();
        encryption["use"] = "enc".into();
        let symmetric = json!({"kty": "oct", "k": "AAAA"});
        for (case, set) in [
            ("no set", json!([])),
            ("no keys", json!({})),
            ("empty", json!({"keys": []})),
            ("public", json!({"keys": [public]})),
            ("for encryption", json!({"keys": [encryption]})),
            ("symmetric", json!({"keys": [symmetric]})),
            ("same kid", json!({"keys": [key, key]})),
            ("no object", json!({"keys": ["key"]})),
        ] {
            assert!(set.to_string().parse::<SigningKeys>().is_err(), "{case}");
        }
    }
}
