//! The keys the server signs with.

use std::{path::Path, str::FromStr, sync::Arc};

use serde_json::{Value, json};

use super::{
    InvalidKeys, KeyFileError, KeyProblem, KeyRotation, NextKey, NoSigningKey,
    live::Live,
    set::{KeySet, ServerKey},
};
use crate::{
    jose::{
        Jwk, JwkSet, JwsAlgorithm, PrivateJwk, SigningKey, SigningKeyError, VerifyingKey,
        VerifyingKeySet,
    },
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
pub struct SigningKeys(Live<OwnKey>);

/// A key that signs, with what verifies its signatures.
#[derive(Debug)]
pub(super) struct OwnKey {
    signing: Arc<SigningKey>,
    verifying: Arc<VerifyingKey>,
}

impl SigningKeys {
    /// One new key, which is lost when the process ends: tokens signed with it are worthless then.
    ///
    /// # Errors
    ///
    /// [`KeyProblem`] if the system's generator fails.
    pub fn generate(algorithm: JwsAlgorithm) -> Result<Self, KeyProblem> {
        KeySet::generate(algorithm).map(|keys| Self(keys.into()))
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
        Live::load_or_create(path.as_ref(), algorithm).map(Self)
    }

    /// Takes up what is in the file now, for clones as well. `false` if it has not changed, or the keys are from no file.
    ///
    /// Reads a file, and is meant to be called now and then, or when a signal comes. [`AuthorizationServer::maintain_keys`]
    /// does it for all keys of a server.
    ///
    /// # Errors
    ///
    /// [`KeyFileError`] if the file cannot be used, or lacks a key for an algorithm that had one. It is logged, and the
    /// former keys stay.
    ///
    /// [`AuthorizationServer::maintain_keys`]: crate::authorization_server::AuthorizationServer::maintain_keys
    pub fn reload(&self, now: Timestamp) -> Result<bool, KeyFileError> {
        self.0.reload(now)
    }

    /// Puts the next key of this algorithm into the file and takes it up, unless there is one to come already.
    ///
    /// It signs when its lead has passed; the one that it replaces then is published until
    /// its retention has passed, too.
    ///
    /// Several processes may do this at once: one of them adds a key, and the
    /// others find it. The file is exchanged as a whole and keeps its permissions, so its directory has to be writable; a
    /// file with `.lock` at the end of its name stays beside it.
    ///
    /// # Errors
    ///
    /// [`KeyFileError`], with the path, if the file cannot be read, used or exchanged, if the keys are from no file, or if the
    /// times of `rotation` are outside their limits.
    pub fn rotate(
        &self,
        algorithm: JwsAlgorithm,
        rotation: &KeyRotation,
        now: Timestamp,
    ) -> Result<NextKey, KeyFileError> {
        self.0.rotate(algorithm, rotation, now)
    }

    pub(crate) fn rotate_all(
        &self,
        rotation: &KeyRotation,
        now: Timestamp,
    ) -> Result<Vec<NextKey>, KeyFileError> {
        self.0.rotate_all(rotation, now)
    }

    pub(crate) fn maintain(
        &self,
        rotation: &KeyRotation,
        now: Timestamp,
    ) -> Result<(), KeyFileError> {
        self.0.maintain(rotation, now)
    }

    /// The public halves as a JWK set, of those keys that have not ended at `now`.
    #[must_use]
    pub fn public_jwks(&self, now: Timestamp) -> Value {
        json!(self.published(now))
    }

    pub(crate) fn published(&self, now: Timestamp) -> JwkSet {
        let keys = self.0.current();
        JwkSet::new(keys.lasting(now).map(|key| key.public().clone()))
    }

    /// The key of this algorithm that signs at `now`. With none named it is the algorithm of the first key in use.
    pub(crate) fn signing_with(
        &self,
        algorithm: Option<JwsAlgorithm>,
        now: Timestamp,
    ) -> Result<Arc<SigningKey>, NoSigningKey> {
        let keys = self.0.current();
        let newest = keys.newest(algorithm, now);
        let newest = newest.ok_or(NoSigningKey(algorithm))?;
        Ok(newest.key.signing.clone())
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
        let keys = self.0.current();
        VerifyingKeySet::shared(keys.lasting(now).map(|key| key.verifying.clone()))
    }

    /// The algorithms that something can be signed with at `now`.
    pub(crate) fn algorithms(&self, now: Timestamp) -> Vec<JwsAlgorithm> {
        self.0.current().algorithms(now)
    }

    /// The identifiers of all keys.
    pub(crate) fn kids(&self) -> Vec<String> {
        self.0.current().kids()
    }
}

/// Reads a JWK set of private keys.
impl FromStr for SigningKeys {
    type Err = InvalidKeys;

    fn from_str(jwks: &str) -> Result<Self, InvalidKeys> {
        KeySet::read(jwks).map(|keys| Self(keys.into()))
    }
}

impl ServerKey for OwnKey {
    type Algorithm = JwsAlgorithm;

    fn generate(algorithm: JwsAlgorithm) -> Result<PrivateJwk, KeyProblem> {
        Ok(PrivateJwk::generate(algorithm)?)
    }

    fn prepare(jwk: &PrivateJwk) -> Result<Self, KeyProblem> {
        let signing = SigningKey::new(jwk)?;
        let verifying = VerifyingKey::new(signing.public()).map_err(SigningKeyError::from)?;
        Ok(Self {
            signing: Arc::new(signing),
            verifying: Arc::new(verifying),
        })
    }

    fn algorithm(&self) -> JwsAlgorithm {
        self.signing.algorithm()
    }

    fn public(&self) -> &Jwk {
        self.signing.public()
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

    // Whoever edits the file by hand may put the next key at its end.
    #[test]
    fn the_newest_signs_wherever_it_stands() {
        let [old, mut newer, mut newest] = [(); 3].map(|()| private(JwsAlgorithm::Es256));
        newer["nbf"] = (NOW.as_unix() - 10).into();
        newest["nbf"] = (NOW.as_unix() + 10).into();
        for order in [
            [&old, &newer, &newest],
            [&newest, &old, &newer],
            [&newer, &newest, &old],
        ] {
            let keys: SigningKeys = json!({ "keys": order }).to_string().parse().unwrap();
            for (at, signer) in [(-11, &old), (-10, &newer), (9, &newer), (10, &newest)] {
                let now = Timestamp::from_unix(NOW.as_unix() + at);
                for algorithm in [None, Some(JwsAlgorithm::Es256)] {
                    let key = keys.signing_with(algorithm, now);
                    let expected = signer["kid"].as_str();
                    assert_eq!(key.unwrap().kid(), expected, "at {at}");
                }
            }
        }
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
