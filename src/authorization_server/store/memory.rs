//! The store of a single process.

use std::{
    collections::{BTreeSet, HashMap},
    fmt,
    future::ready,
    sync::{Mutex, PoisonError},
};

use super::{Record, RecordKey, RecordKind, Store, StoreError, StoreFuture};
use crate::time::Timestamp;

/// Keeps records in memory, up to a limit for each [`RecordKind`].
///
/// The limits are apart so that a flood of one kind (pushed requests, say) does not keep those who already have a grant
/// from refreshing their tokens. Everything is lost when the process ends; access tokens stay valid for resource servers that
/// verify them, for they are signed, and whoever introspects them learns that their grants have ended.
pub struct MemoryStore {
    shelves: [Mutex<Shelf>; RecordKind::ALL.len()],
    limit: usize,
}

/// The records of one kind.
#[derive(Default)]
struct Shelf {
    records: HashMap<[u8; 32], Record>,
    by_expiry: BTreeSet<(Timestamp, [u8; 32])>,
    bytes: usize,
}

/// What a record takes beside its value: two keys, a date and the nodes they sit in, generously.
const OVERHEAD: usize = 256;

impl MemoryStore {
    /// The limit of [`default`](Self::default): 64 MiB for each kind of record.
    pub const DEFAULT_LIMIT: usize = 64 * 1024 * 1024;

    /// A store that takes at most about `bytes` of memory for each kind of record.
    #[must_use]
    pub fn new(bytes: usize) -> Self {
        Self {
            shelves: Default::default(),
            limit: bytes,
        }
    }

    /// How many records of a kind are held, expired ones that were not swept yet among them.
    #[must_use]
    pub fn len(&self, kind: RecordKind) -> usize {
        self.with(kind, |shelf| shelf.records.len())
    }

    /// Whether there is no record of this kind.
    #[must_use]
    pub fn is_empty(&self, kind: RecordKind) -> bool {
        self.len(kind) == 0
    }

    fn with<T>(&self, kind: RecordKind, act: impl FnOnce(&mut Shelf) -> T) -> T {
        let [
            requests,
            sessions,
            codes,
            grants,
            client_grants,
            refresh_tokens,
            revoked_tokens,
            encrypted_tokens,
        ] = &self.shelves;
        let locked = match kind {
            RecordKind::PushedRequest => requests,
            RecordKind::Session => sessions,
            RecordKind::Code => codes,
            RecordKind::Grant => grants,
            RecordKind::ClientGrant => client_grants,
            RecordKind::RefreshToken => refresh_tokens,
            RecordKind::RevokedToken => revoked_tokens,
            RecordKind::EncryptedToken => encrypted_tokens,
        };
        // Every change below leaves the shelf whole at each point where it could panic.
        act(&mut locked.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new(Self::DEFAULT_LIMIT)
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore")
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}

impl Store for MemoryStore {
    fn put(&self, key: RecordKey, record: Record, now: Timestamp) -> StoreFuture<'_, ()> {
        let outcome = self.with(key.kind(), |shelf| {
            shelf.sweep(now);
            let freed = shelf.records.get(key.id()).map_or(0, size);
            if shelf.bytes - freed + size(&record) > self.limit {
                return Err(StoreError::Full(key.kind()));
            }
            shelf.remove(key.id());
            shelf.insert(*key.id(), record);
            Ok(())
        });
        Box::pin(ready(outcome))
    }

    fn get(&self, key: RecordKey, now: Timestamp) -> StoreFuture<'_, Option<Vec<u8>>> {
        let found = self.with(key.kind(), |shelf| {
            let record = shelf.records.get(key.id())?;
            (record.expires > now).then(|| record.value.clone())
        });
        Box::pin(ready(Ok(found)))
    }

    fn replace(
        &self,
        key: RecordKey,
        record: Record,
        now: Timestamp,
    ) -> StoreFuture<'_, Option<Vec<u8>>> {
        let found = self.with(key.kind(), |shelf| {
            shelf.sweep(now);
            // The limit is not asked: what replaces a record takes about its room, and a code must never become one
            // that can be redeemed again because there was no room to say that it was.
            let former = shelf.remove(key.id())?;
            shelf.insert(*key.id(), record);
            Some(former.value)
        });
        Box::pin(ready(Ok(found)))
    }

    fn take(&self, key: RecordKey, now: Timestamp) -> StoreFuture<'_, Option<Vec<u8>>> {
        let found = self.with(key.kind(), |shelf| {
            shelf.sweep(now);
            Some(shelf.remove(key.id())?.value)
        });
        Box::pin(ready(Ok(found)))
    }
}

impl Shelf {
    fn insert(&mut self, id: [u8; 32], record: Record) {
        self.bytes += size(&record);
        self.by_expiry.insert((record.expires, id));
        self.records.insert(id, record);
    }

    fn remove(&mut self, id: &[u8; 32]) -> Option<Record> {
        let record = self.records.remove(id)?;
        self.by_expiry.remove(&(record.expires, *id));
        self.bytes -= size(&record);
        Some(record)
    }

    /// Drops what has expired: each record is dropped once, so this costs what storing it cost.
    fn sweep(&mut self, now: Timestamp) {
        while let Some((expires, id)) = self.by_expiry.first().copied()
            && expires <= now
        {
            self.remove(&id);
        }
    }
}

fn size(record: &Record) -> usize {
    record.value.len() + OVERHEAD
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_unix(1_800_000_000);

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_unix(1_800_000_000 + seconds)
    }

    fn key(id: u8) -> RecordKey {
        RecordKey::new(RecordKind::Code, [id; 32])
    }

    fn record(value: &str, expires: i64) -> Record {
        Record {
            value: value.into(),
            expires: at(expires),
        }
    }

    /// The memory store answers at once.
    fn done<T>(future: StoreFuture<'_, T>) -> Result<T, StoreError> {
        use std::task::{Context, Poll, Waker};
        let mut future = future;
        match future
            .as_mut()
            .poll(&mut Context::from_waker(Waker::noop()))
        {
            Poll::Ready(outcome) => outcome,
            Poll::Pending => panic!("pending"),
        }
    }

    #[test]
    fn a_record_is_gone_from_the_moment_it_expires() {
        let store = MemoryStore::default();
        done(store.put(key(1), record("a", 60), NOW)).unwrap();
        assert_eq!(done(store.get(key(1), at(59))), Ok(Some(b"a".to_vec())));
        assert_eq!(done(store.get(key(1), at(60))), Ok(None));
        assert_eq!(
            done(store.replace(key(1), record("b", 90), at(60))),
            Ok(None)
        );
        assert_eq!(done(store.get(key(1), at(60))), Ok(None), "nothing revived");
        assert_eq!(done(store.take(key(1), at(60))), Ok(None));
        assert!(store.is_empty(RecordKind::Code), "swept");
    }

    #[test]
    fn a_record_is_taken_once() {
        let store = MemoryStore::default();
        done(store.put(key(1), record("a", 60), NOW)).unwrap();
        assert_eq!(done(store.take(key(1), NOW)), Ok(Some(b"a".to_vec())));
        assert_eq!(done(store.take(key(1), NOW)), Ok(None));
    }

    #[test]
    fn replacing_returns_what_was_there_and_creates_nothing() {
        let store = MemoryStore::default();
        assert_eq!(done(store.replace(key(1), record("x", 60), NOW)), Ok(None));
        assert_eq!(done(store.get(key(1), NOW)), Ok(None));
        done(store.put(key(1), record("a", 60), NOW)).unwrap();
        let former = done(store.replace(key(1), record("b", 90), NOW));
        assert_eq!(former, Ok(Some(b"a".to_vec())));
        assert_eq!(done(store.get(key(1), at(89))), Ok(Some(b"b".to_vec())));
        assert_eq!(done(store.get(key(1), at(90))), Ok(None));
    }

    #[test]
    fn a_full_store_refuses_and_forgets_nothing_that_lives() {
        let store = MemoryStore::new(2 * (OVERHEAD + 1));
        done(store.put(key(1), record("a", 60), NOW)).unwrap();
        done(store.put(key(2), record("b", 90), NOW)).unwrap();
        let full = Err(StoreError::Full(RecordKind::Code));
        assert_eq!(done(store.put(key(3), record("c", 90), NOW)), full);
        assert_eq!(done(store.get(key(1), NOW)), Ok(Some(b"a".to_vec())));
        // In the place of another of its size there is room, and in another kind too.
        assert_eq!(done(store.put(key(2), record("d", 90), NOW)), Ok(()));
        let grant = RecordKey::new(RecordKind::Grant, [3; 32]);
        assert_eq!(done(store.put(grant, record("c", 90), NOW)), Ok(()));
        // What has expired makes room.
        assert_eq!(done(store.put(key(3), record("c", 90), at(60))), Ok(()));
        assert_eq!(store.len(RecordKind::Code), 2);
    }

    #[test]
    fn of_many_who_take_or_replace_at_once_one_succeeds() {
        let store = MemoryStore::default();
        for round in 0..200 {
            done(store.put(key(1), record("a", 60), NOW)).unwrap();
            let winners: usize = std::thread::scope(|scope| {
                let threads: Vec<_> = (0..4)
                    .map(|_| scope.spawn(|| done(store.replace(key(1), record("spent", 60), NOW))))
                    .collect();
                threads
                    .into_iter()
                    .map(|thread| usize::from(thread.join().unwrap() == Ok(Some(b"a".to_vec()))))
                    .sum()
            });
            assert_eq!(winners, 1, "round {round}");
        }
    }
}
