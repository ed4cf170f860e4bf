//! Keys that change while a server runs.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use arc_swap::ArcSwap;

use super::{
    KeyFileError, KeyRotation, NextKey, file,
    set::{KeySet, ServerKey},
};
use crate::time::Timestamp;

/// Keys that can be replaced while others use them. Clones see the same keys.
#[derive(Debug)]
pub(super) struct Live<K>(Arc<Inner<K>>);

#[derive(Debug)]
struct Inner<K> {
    current: ArcSwap<KeySet<K>>,
    /// Where they are from, and newer ones may be.
    file: Option<PathBuf>,
}

impl<K> Clone for Live<K> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<K> From<KeySet<K>> for Live<K> {
    fn from(keys: KeySet<K>) -> Self {
        Self::new(keys, None)
    }
}

impl<K> Live<K> {
    fn new(keys: KeySet<K>, file: Option<PathBuf>) -> Self {
        let current = ArcSwap::from_pointee(keys);
        Self(Arc::new(Inner { current, file }))
    }

    pub(super) fn current(&self) -> Arc<KeySet<K>> {
        self.0.current.load_full()
    }
}

impl<K: ServerKey> Live<K> {
    pub(super) fn load_or_create(
        path: &Path,
        algorithm: K::Algorithm,
    ) -> Result<Self, KeyFileError> {
        let keys = file::load_or_create(path, algorithm)?;
        Ok(Self::new(keys, Some(path.to_owned())))
    }

    /// Takes up what is in the file now. `false` if it has not changed; the former keys stay if it cannot be used.
    pub(super) fn reload(&self, now: Timestamp) -> Result<bool, KeyFileError> {
        let Some(path) = &self.0.file else {
            return Ok(false);
        };
        let outcome = self.take_up(path, now);
        if let Err(error) = &outcome {
            tracing::error!(%error, "the former keys stay in use");
        }
        outcome
    }

    fn take_up(&self, path: &Path, now: Timestamp) -> Result<bool, KeyFileError> {
        let former = self.current();
        let text = file::read(path)?;
        if former.is_from(&text) {
            return Ok(false);
        }
        let keys = KeySet::<K>::read(&text).and_then(|keys| {
            keys.check_against(&former, now)?;
            Ok(keys)
        });
        let keys = keys.map_err(|problem| KeyFileError::Keys {
            path: path.to_owned(),
            problem,
        })?;
        for kid in keys.unannounced(&former, now) {
            tracing::warn!(kid, "a key is used that nobody could know before");
        }
        tracing::info!(file = %path.display(), "took up the keys of the file");
        self.0.current.store(Arc::new(keys));
        Ok(true)
    }

    /// Puts the next key of this algorithm into the file and takes it up.
    pub(super) fn rotate(
        &self,
        algorithm: K::Algorithm,
        rotation: &KeyRotation,
        now: Timestamp,
    ) -> Result<NextKey, KeyFileError> {
        rotation.check()?;
        let path = self.0.file.as_deref().ok_or(KeyFileError::NoFile)?;
        let next = file::add_next::<K>(path, algorithm, rotation, now)?;
        self.reload(now)?;
        Ok(next)
    }

    /// Does so for every algorithm in use.
    pub(super) fn rotate_all(
        &self,
        rotation: &KeyRotation,
        now: Timestamp,
    ) -> Result<Vec<NextKey>, KeyFileError> {
        let algorithms = self.current().algorithms(now);
        let next = algorithms.into_iter();
        next.map(|algorithm| self.rotate(algorithm, rotation, now))
            .collect()
    }

    /// Takes up what is in the file, and adds to it where a key has grown old.
    pub(super) fn maintain(
        &self,
        rotation: &KeyRotation,
        now: Timestamp,
    ) -> Result<(), KeyFileError> {
        self.reload(now)?;
        if self.0.file.is_some() {
            for algorithm in self.current().due(rotation, now) {
                let next = self
                    .rotate(algorithm, rotation, now)
                    .inspect_err(|error| tracing::error!(%error, "the next key cannot be added"))?;
                tracing::info!(kid = next.kid, begins = %next.begins, "the next key is published");
            }
        }
        Ok(())
    }
}
