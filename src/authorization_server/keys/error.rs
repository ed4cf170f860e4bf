//! Why keys, or the file they are in, cannot be used.

use std::{io, path::PathBuf};

use thiserror::Error;

use super::InvalidKeyRotation;
use crate::jose::{InvalidJwk, JwsAlgorithm, SigningKeyError, json::InvalidJson, jwe::JweKeyError};

/// Why keys cannot be used.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum InvalidKeys {
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
        problem: KeyProblem,
    },
    /// Two keys have the same identifier.
    #[error("two keys have the kid {0:?}")]
    SameKid(String),
    /// There was a key for this algorithm, and the server relies on it until it is started again.
    #[error("no key for {0} is in use any more")]
    Lost(String),
    /// A key goes by the identifier of another, which others know by it.
    #[error("another key had the kid {0:?}")]
    OtherKey(String),
}

/// Why a key cannot be used.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum KeyProblem {
    /// It is no private key.
    #[error(transparent)]
    Invalid(#[from] InvalidJwk),
    /// It cannot sign.
    #[error(transparent)]
    Signing(#[from] SigningKeyError),
    /// It cannot decrypt.
    #[error(transparent)]
    Decryption(#[from] JweKeyError),
    /// It is published, but does not say in `alg` how to encrypt to it.
    #[error("member `alg` is missing")]
    NoAlgorithm,
    /// `nbf` or `exp` is no number of seconds.
    #[error("member `{0}` is no number of seconds since 1970")]
    Time(&'static str),
    /// It would end before it begins.
    #[error("`exp` is not after `nbf`")]
    NeverUsed,
}

/// The key file cannot be used.
#[non_exhaustive]
#[derive(Debug, Error)]
pub enum KeyFileError {
    /// It cannot be read.
    #[error("key file {path}: {source}", path = .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It cannot be made.
    #[error("key file {path} cannot be made: {source}", path = .path.display())]
    Create {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It cannot be changed.
    #[error("key file {path} cannot be changed: {source}", path = .path.display())]
    Change {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It holds no usable keys.
    #[error("key file {path}: {problem}", path = .path.display())]
    Keys {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: InvalidKeys,
    },
    /// The keys are from no file, so there is nowhere to put the next one.
    #[error("the keys are not from a file")]
    NoFile,
    /// The times of a rotation cannot be.
    #[error(transparent)]
    Rotation(#[from] InvalidKeyRotation),
    /// No key could be generated.
    #[error(transparent)]
    Generate(#[from] KeyProblem),
    /// Other users of the machine can read it, or even write to it.
    #[error("key file {path} is open to other users (mode {mode:o}); make it 0600", path = .path.display())]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
}

/// There is nothing to sign with at this time: all keys of the algorithm have ended, or none has begun.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("no signing key{} is in use at this time", .0.map(|algorithm| format!(" for {algorithm}")).unwrap_or_default())]
pub(crate) struct NoSigningKey(pub(crate) Option<JwsAlgorithm>);
