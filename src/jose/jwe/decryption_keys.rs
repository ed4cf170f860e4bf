//! Several decryption keys, and the choice of the one that was meant.

use std::sync::Arc;

use super::{DecryptionKey, JweHeader};
use crate::jose::JwkSet;

/// The keys of a recipient. Cheap to clone.
///
/// Which of them was meant is told by the header, and only keys that fit its `alg` and curve are tried:
///
/// | the header's `kid` | tried are |
/// |---|---|
/// | is that of some keys | those |
/// | is that of none | the keys that have no `kid` |
/// | is missing | all |
///
/// No more than [`MAX_CANDIDATES`](Self::MAX_CANDIDATES) are tried of one document.
///
/// Keys rotate without an outage if all instances know a key before one of them publishes it, and still know it when the
/// last document encrypted to it has ended: [`new`](Self::new) takes what is published,
/// [`with_unpublished`](Self::with_unpublished) what is not yet or no longer. [`DecryptionKeyRing`](super::DecryptionKeyRing)
/// tells the whole story.
#[derive(Clone, Debug, Default)]
pub struct DecryptionKeys {
    keys: Arc<[Arc<DecryptionKey>]>,
    published: usize,
}

impl DecryptionKeys {
    /// How many keys are tried for one document.
    ///
    /// A stranger decides what the header says, and must not make us try a dozen private keys.
    pub const MAX_CANDIDATES: usize = 4;

    /// Keys whose public halves are published, in this order.
    #[must_use]
    pub fn new(keys: impl IntoIterator<Item = DecryptionKey>) -> Self {
        Self::shared(keys.into_iter().map(Arc::new))
    }

    /// As [`new`](Self::new), with keys that other sets hold as well.
    #[must_use]
    pub fn shared(keys: impl IntoIterator<Item = Arc<DecryptionKey>>) -> Self {
        let keys: Arc<[_]> = keys.into_iter().collect();
        Self {
            published: keys.len(),
            keys,
        }
    }

    /// The same with further keys that decrypt but are not published: those that are to come, and those whose last documents
    /// are still under way.
    #[must_use]
    pub fn with_unpublished(self, keys: impl IntoIterator<Item = Arc<DecryptionKey>>) -> Self {
        Self {
            keys: self.keys.iter().cloned().chain(keys).collect(),
            published: self.published,
        }
    }

    /// All keys, the published ones first.
    #[must_use]
    pub fn keys(&self) -> &[Arc<DecryptionKey>] {
        &self.keys
    }

    /// What senders have to know: the public halves of the published keys. Shared keys have none.
    #[must_use]
    pub fn public(&self) -> JwkSet {
        let published = self.keys.iter().take(self.published);
        JwkSet::new(published.filter_map(|key| key.public().cloned()))
    }

    /// The keys that may have been meant.
    pub(super) fn candidates(&self, header: &JweHeader) -> impl Iterator<Item = &DecryptionKey> {
        let named = header.kid().filter(|kid| {
            let mut keys = self.keys.iter();
            keys.any(|key| key.kid() == Some(*kid))
        });
        let unnamed_only = named.is_none() && header.kid().is_some();
        self.keys
            .iter()
            .map(AsRef::as_ref)
            .filter(move |key: &&DecryptionKey| {
                if unnamed_only {
                    key.kid().is_none()
                } else {
                    named.is_none() || key.kid() == named
                }
            })
            .filter(move |key| key.fits(header))
            .take(Self::MAX_CANDIDATES)
    }
}
