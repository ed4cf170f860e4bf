//! Keys of proofs, made ready.

use std::sync::Arc;

use crate::jose::{JwsAlgorithm, VerifyingKey};

/// A key that has been made ready, and the first segment of the proofs it signs: the same text in all of them, by which the
/// key is known again without being parsed or hashed.
#[derive(Debug)]
pub(crate) struct ProofKey {
    segment: Arc<str>,
    key: VerifyingKey,
}

/// A longer first segment is not worth keeping: an RSA key of 4096 bits needs about 1000 characters.
const LONGEST: usize = 2048;

/// The first segment of a key on a curve takes some 250 characters.
const SHORT: usize = 512;

impl ProofKey {
    pub(super) fn new(segment: &str, key: VerifyingKey) -> Self {
        let segment = segment.into();
        Self { segment, key }
    }

    pub(super) const fn segment(&self) -> &Arc<str> {
        &self.segment
    }

    pub(super) const fn key(&self) -> &VerifyingKey {
        &self.key
    }

    pub(super) fn is_worth_keeping(&self) -> bool {
        self.segment.len() <= LONGEST
    }

    /// Whether it takes less than 1.5 KiB: a key on a curve, in a header of the usual size.
    pub(crate) fn is_small(&self) -> bool {
        match self.key.algorithm() {
            JwsAlgorithm::Es256 | JwsAlgorithm::EdDsa => self.segment.len() <= SHORT,
            JwsAlgorithm::Ps256 => false,
        }
    }
}
