//! The keys that clients encrypt to.

use std::{path::Path, str::FromStr, sync::Arc};

use serde_json::{Value, json};

use super::{
    InvalidKeys, KeyFileError, KeyProblem, file,
    set::{KeySet, ServerKey},
};
use crate::{
    jose::{
        Jwk, JwkSet, PrivateJwk,
        jwe::{AcceptedEncryption, DecryptionKey, DecryptionKeys, JweAlgorithm},
    },
    time::Timestamp,
};

/// The keys that clients encrypt request objects to (RFC 9101 §6.1), published beside those that sign.
///
/// Each is for one algorithm, which it names in `alg`, and has a `kid`, its thumbprint if it came without one. Cheap to clone.
///
/// ```
/// use tower_fapi::{authorization_server::EncryptionKeys, jose::jwe::JweAlgorithm, time::Timestamp};
///
/// let keys = EncryptionKeys::generate(JweAlgorithm::EcdhEsA256Kw)?;
/// let published = &keys.public_jwks(Timestamp::from_unix(1_800_000_000))["keys"][0];
/// assert_eq!((&published["use"], &published["alg"]), (&"enc".into(), &"ECDH-ES+A256KW".into()));
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
///
/// A key may say in its JWK from when on it is published, `nbf`, and until when it decrypts, `exp`, both in seconds since
/// 1970. Of the keys of an algorithm the one that began last is published, and every one that has not ended decrypts: one to
/// come, because another instance may publish it a moment earlier, and one that was replaced, because clients have kept it
/// (OpenID Connect Core §10.2.1).
#[derive(Clone, Debug)]
pub struct EncryptionKeys(Arc<KeySet<RequestKey>>);

/// A key that is for one algorithm.
#[derive(Debug)]
struct RequestKey {
    key: Arc<DecryptionKey>,
    algorithm: JweAlgorithm,
    public: Jwk,
}

impl EncryptionKeys {
    /// One new key for this algorithm, which is lost when the process ends.
    ///
    /// # Errors
    ///
    /// [`KeyProblem`] for an algorithm of shared keys, or if the system's generator fails.
    pub fn generate(algorithm: JweAlgorithm) -> Result<Self, KeyProblem> {
        KeySet::generate(algorithm).map(Self::of)
    }

    /// The keys in the file at `path`, a JWK set of private keys; if there is no file, it is made with one new key, as
    /// [`SigningKeys::load_or_create`](super::SigningKeys::load_or_create) does it. The two have a file each.
    ///
    /// # Errors
    ///
    /// [`KeyFileError`], with the path, if the file cannot be read or made, or holds keys that cannot be used; for an
    /// algorithm of shared keys, too, if a key has to be made.
    pub fn load_or_create(
        path: impl AsRef<Path>,
        algorithm: JweAlgorithm,
    ) -> Result<Self, KeyFileError> {
        file::load_or_create(path.as_ref(), algorithm).map(Self::of)
    }

    /// The public halves as a JWK set, of those keys that clients are to use at `now`.
    #[must_use]
    pub fn public_jwks(&self, now: Timestamp) -> Value {
        json!(self.published(now))
    }

    /// The keys that decrypt at `now`.
    #[must_use]
    pub fn decryption_keys(&self, now: Timestamp) -> DecryptionKeys {
        DecryptionKeys::shared(self.0.lasting(now).map(|key| key.key.clone()))
    }

    /// The algorithms that are decrypted at `now`: those that a key is for, with every content encryption.
    #[must_use]
    pub fn accepted(&self, now: Timestamp) -> AcceptedEncryption {
        let algorithms = self.0.lasting(now).map(|key| key.algorithm);
        AcceptedEncryption::default().with_algorithms(algorithms)
    }

    /// The algorithms that clients can encrypt with at `now`: what `request_object_encryption_alg_values_supported` says.
    #[must_use]
    pub fn algorithms(&self, now: Timestamp) -> Vec<JweAlgorithm> {
        let mut algorithms: Vec<_> = self.0.unreplaced(now).map(|key| key.algorithm).collect();
        algorithms.sort_unstable();
        algorithms.dedup();
        algorithms
    }

    pub(crate) fn published(&self, now: Timestamp) -> JwkSet {
        JwkSet::new(self.0.unreplaced(now).map(|key| key.public.clone()))
    }

    /// The identifiers of all keys.
    pub(crate) fn kids(&self) -> Vec<String> {
        self.0.kids()
    }

    fn of(keys: KeySet<RequestKey>) -> Self {
        Self(Arc::new(keys))
    }
}

/// Reads a JWK set of private keys.
impl FromStr for EncryptionKeys {
    type Err = InvalidKeys;

    fn from_str(jwks: &str) -> Result<Self, InvalidKeys> {
        KeySet::read(jwks).map(Self::of)
    }
}

impl ServerKey for RequestKey {
    type Algorithm = JweAlgorithm;

    fn generate(algorithm: JweAlgorithm) -> Result<PrivateJwk, KeyProblem> {
        Ok(PrivateJwk::generate_for_decryption(algorithm)?)
    }

    fn prepare(jwk: &PrivateJwk) -> Result<Self, KeyProblem> {
        let key = DecryptionKey::new(jwk)?;
        Ok(Self {
            algorithm: key.algorithm().ok_or(KeyProblem::NoAlgorithm)?,
            public: key.public().ok_or(KeyProblem::NoAlgorithm)?.clone(),
            key: Arc::new(key),
        })
    }

    fn algorithm(&self) -> JweAlgorithm {
        self.algorithm
    }

    fn public(&self) -> &Jwk {
        &self.public
    }
}
