//! The keys that clients encrypt to.

use std::{path::Path, str::FromStr, sync::Arc};

use serde_json::{Value, json};

use super::{
    InvalidKeys, KeyFileError, KeyProblem, KeyRotation, NextKey,
    live::Live,
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
pub struct EncryptionKeys(Live<RequestKey>);

/// A key that is for one algorithm.
#[derive(Debug)]
pub(super) struct RequestKey {
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
        KeySet::generate(algorithm).map(|keys| Self(keys.into()))
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
    /// It is published when its lead has passed; the one that it replaces then decrypts until
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
        algorithm: JweAlgorithm,
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

    /// The public halves as a JWK set, of those keys that clients are to use at `now`.
    #[must_use]
    pub fn public_jwks(&self, now: Timestamp) -> Value {
        json!(self.published(now))
    }

    /// The keys that decrypt at `now`.
    #[must_use]
    pub fn decryption_keys(&self, now: Timestamp) -> DecryptionKeys {
        let keys = self.0.current();
        DecryptionKeys::shared(keys.lasting(now).map(|key| key.key.clone()))
    }

    /// The algorithms that are decrypted at `now`: those that a key is for, with every content encryption.
    #[must_use]
    pub fn accepted(&self, now: Timestamp) -> AcceptedEncryption {
        let keys = self.0.current();
        let algorithms = keys.lasting(now).map(|key| key.algorithm);
        AcceptedEncryption::default().with_algorithms(algorithms)
    }

    /// The algorithms that clients can encrypt with at `now`: what `request_object_encryption_alg_values_supported` says.
    #[must_use]
    pub fn algorithms(&self, now: Timestamp) -> Vec<JweAlgorithm> {
        self.0.current().algorithms(now)
    }

    pub(crate) fn published(&self, now: Timestamp) -> JwkSet {
        let keys = self.0.current();
        JwkSet::new(keys.unreplaced(now).map(|key| key.public.clone()))
    }

    /// The identifiers of all keys.
    pub(crate) fn kids(&self) -> Vec<String> {
        self.0.current().kids()
    }
}

/// Reads a JWK set of private keys.
impl FromStr for EncryptionKeys {
    type Err = InvalidKeys;

    fn from_str(jwks: &str) -> Result<Self, InvalidKeys> {
        KeySet::read(jwks).map(|keys| Self(keys.into()))
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
