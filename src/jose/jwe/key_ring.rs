//! Decryption keys that change while a server runs.

use std::sync::Arc;

use arc_swap::ArcSwap;

use super::{DecryptionKey, DecryptionKeys};
use crate::jose::JwkSet;

/// Decryption keys that can be replaced while others use them. Cheap to clone; clones see the same keys.
///
/// # Rotation without an outage
///
/// Senders keep the published keys for as long as the answer that brought them may be cached, and what they have encrypted
/// lives on after that. So a key serves in three stages, one [`replace`](Self::replace) leading to the next:
///
/// 1. *To come*: all instances of the recipient can decrypt with it, and none publishes it. Skip this with one instance.
/// 2. *Published*: the new key alone is published, and the old one still decrypts.
/// 3. *Gone*: when the published keys' maximum age has passed, and after that the lifetime of the documents (of access
///    tokens, say), nothing encrypted to the old key is under way any more. It can be dropped.
///
/// ```
/// use std::sync::Arc;
/// use tower_fapi::jose::jwe::{DecryptionKey, DecryptionKeyRing, DecryptionKeys, JweAlgorithm};
///
/// let old = Arc::new(DecryptionKey::generate(JweAlgorithm::EcdhEsA256Kw)?);
/// let ring = DecryptionKeyRing::new(DecryptionKeys::shared([old.clone()]));
///
/// // 2: the new one is published, the old one decrypts.
/// let new = Arc::new(DecryptionKey::generate(JweAlgorithm::EcdhEsA256Kw)?);
/// ring.replace(DecryptionKeys::shared([new.clone()]).with_unpublished([old]));
/// assert_eq!(ring.public().keys()[0].kid(), new.kid());
/// assert_eq!(ring.current().keys().len(), 2);
///
/// // 3: after the maximum age of what was published and the lifetime of a token.
/// ring.replace(DecryptionKeys::shared([new]));
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct DecryptionKeyRing(Arc<ArcSwap<DecryptionKeys>>);

impl DecryptionKeyRing {
    /// Begins with these keys.
    #[must_use]
    pub fn new(keys: DecryptionKeys) -> Self {
        Self(Arc::new(ArcSwap::from_pointee(keys)))
    }

    /// Puts these keys in the place of all there were. Decryptions that have begun end with the old ones.
    pub fn replace(&self, keys: DecryptionKeys) {
        self.0.store(Arc::new(keys));
    }

    /// The keys at this moment.
    #[must_use]
    pub fn current(&self) -> DecryptionKeys {
        DecryptionKeys::clone(&self.0.load())
    }

    /// What is published at this moment: see [`DecryptionKeys::public`].
    #[must_use]
    pub fn public(&self) -> JwkSet {
        self.0.load().public()
    }
}

impl From<DecryptionKeys> for DecryptionKeyRing {
    fn from(keys: DecryptionKeys) -> Self {
        Self::new(keys)
    }
}

impl From<DecryptionKey> for DecryptionKeyRing {
    fn from(key: DecryptionKey) -> Self {
        Self::new(DecryptionKeys::new([key]))
    }
}
