//! The keys the server signs with.

use std::{path::Path, str::FromStr, sync::Arc};

use serde_json::{Value, json};

use super::{
    InvalidKeys, KeyFileError, KeyProblem, NoSigningKey, file,
    set::{KeySet, ServerKey},
};
use crate::{
    jose::{Jwk, JwkSet, JwsAlgorithm, PrivateJwk, SigningKey, VerifyingKeySet},
    time::Timestamp,
};

/// The keys that the server signs with: one signs, the public halves of all are published.
///
/// Each has a `kid`, its thumbprint if it came without one, and no two have the same (FAPI 2.0 Security Profile §5.4.3).
/// Cheap to clone.
///
/// A key may say in its JWK from when on it signs, `nbf`, and until when it is published, `exp`, both in seconds since 1970.
/// Of the keys of an algorithm the one that began last signs. Those to come and those that it has replaced are published
/// with it, so that everybody knows a key before it signs, and until the last token that it has signed has ended.
#[derive(Clone, Debug)]
pub struct SigningKeys(Arc<KeySet<SigningKey>>);

impl SigningKeys {
    /// One new key, which is lost when the process ends: tokens signed with it are worthless then.
    ///
    /// # Errors
    ///
    /// [`KeyProblem`] if the system's generator fails.
    pub fn generate(algorithm: JwsAlgorithm) -> Result<Self, KeyProblem> {
        KeySet::generate(algorithm).map(Self::of)
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
        file::load_or_create(path.as_ref(), algorithm).map(Self::of)
    }

    /// The public halves as a JWK set, of those keys that have not ended at `now`.
    #[must_use]
    pub fn public_jwks(&self, now: Timestamp) -> Value {
        json!(self.published(now))
    }

    pub(crate) fn published(&self, now: Timestamp) -> JwkSet {
        JwkSet::new(self.0.lasting(now).map(|key| key.public().clone()))
    }

    /// The key of this algorithm that signs at `now`. With none named it is the algorithm of the first key in use.
    pub(crate) fn signing_with(
        &self,
        algorithm: Option<JwsAlgorithm>,
        now: Timestamp,
    ) -> Result<Arc<SigningKey>, NoSigningKey> {
        let key = self.0.newest(algorithm, now).cloned();
        key.ok_or(NoSigningKey(algorithm))
    }

    /// As [`signing_with`](Self::signing_with); with none named it is the algorithm of the first key in use that is among the
    /// `allowed` ones.
    pub(crate) fn signing_among(
        &self,
        algorithm: Option<JwsAlgorithm>,
        allowed: &[JwsAlgorithm],
        now: Timestamp,
    ) -> Result<Arc<SigningKey>, NoSigningKey> {
        let key = self.signing_with(algorithm, now)?;
        if algorithm.is_some() || allowed.contains(&key.algorithm()) {
            return Ok(key);
        }
        let mut others = allowed.iter();
        let other = others.find_map(|other| self.signing_with(Some(*other), now).ok());
        other.ok_or(NoSigningKey(None))
    }

    /// What our own signatures are verified with at `now`, those of keys that have been replaced among them.
    pub(crate) fn verifying(&self, now: Timestamp) -> VerifyingKeySet {
        VerifyingKeySet::new(&self.published(now))
    }

    /// The algorithms that something can be signed with at `now`.
    pub(crate) fn algorithms(&self, now: Timestamp) -> Vec<JwsAlgorithm> {
        let mut algorithms: Vec<_> = self.0.unreplaced(now).map(|key| key.algorithm()).collect();
        algorithms.sort_unstable();
        algorithms.dedup();
        algorithms
    }

    /// The identifiers of all keys.
    pub(crate) fn kids(&self) -> Vec<String> {
        self.0.kids()
    }

    fn of(keys: KeySet<SigningKey>) -> Self {
        Self(Arc::new(keys))
    }
}

/// Reads a JWK set of private keys.
impl FromStr for SigningKeys {
    type Err = InvalidKeys;

    fn from_str(jwks: &str) -> Result<Self, InvalidKeys> {
        KeySet::read(jwks).map(Self::of)
    }
}

impl ServerKey for SigningKey {
    type Algorithm = JwsAlgorithm;

    fn generate(algorithm: JwsAlgorithm) -> Result<PrivateJwk, KeyProblem> {
        Ok(PrivateJwk::generate(algorithm)?)
    }

    fn prepare(jwk: &PrivateJwk) -> Result<Self, KeyProblem> {
        Ok(Self::new(jwk)?)
    }

    fn algorithm(&self) -> JwsAlgorithm {
        Self::algorithm(self)
    }

    fn public(&self) -> &Jwk {
        Self::public(self)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: Timestamp = Timestamp::from_unix(1_800_000_000);

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
        let published = keys.public_jwks(NOW);
        assert_eq!(published["keys"].as_array().unwrap().len(), 2);
        for private in ["d", "p", "q", "dp", "dq", "qi"] {
            assert!(published["keys"][0].get(private).is_none(), "{private}");
            assert!(published["keys"][1].get(private).is_none(), "{private}");
        }
        assert_eq!(
            keys.signing_with(None, NOW).unwrap().kid(),
            one["kid"].as_str()
        );
        assert_eq!(
            keys.algorithms(NOW),
            [JwsAlgorithm::Ps256, JwsAlgorithm::Es256]
        );
    }

    #[test]
    fn a_key_without_a_kid_is_named_by_its_thumbprint() {
        let mut key = private(JwsAlgorithm::EdDsa);
        let kid = key.as_object_mut().unwrap().remove("kid").unwrap();
        let keys: SigningKeys = json!({ "keys": [key] }).to_string().parse().unwrap();
        assert_eq!(keys.public_jwks(NOW)["keys"][0]["kid"], kid);
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
