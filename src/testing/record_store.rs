//! What every store of an authorization server has to do.

use std::{future::poll_fn, task::Poll};

use crate::{
    authorization_server::store::{Record, RecordKey, RecordKind, Store, StoreError, StoreFuture},
    time::Timestamp,
};

/// Holds a store to its contract, as far as that can be seen without waiting and without breaking anything: see
/// [`Store`]. For whoever writes one.
///
/// `now` is the present; a store that keeps time itself needs the real one. The store has to have room for a thousand small
/// records of each kind. Their keys are drawn anew for each run, so that what is behind the store may have been used before.
///
/// Whether a record ends, survives a loss of connection or is kept in a full store is left to tests of the store itself.
///
/// # Panics
///
/// If the store breaks the contract, or cannot be asked.
pub async fn check_store(store: &impl Store, now: Timestamp) {
    for kind in RecordKind::ALL {
        check_operations(store, kind, now).await;
    }
    check_kinds(store, now).await;
    check_ends(store, now).await;
    check_bytes(store, now).await;
    for round in 0..20 {
        check_races(store, round, now).await;
    }
    check_many(store, now).await;
}

/// A key that nobody has used.
fn new_key(kind: RecordKind) -> RecordKey {
    RecordKey::of_secret(kind, &uuid::Uuid::new_v4().to_string())
}

fn record(value: impl Into<Vec<u8>>, now: Timestamp, seconds: i64) -> Record {
    Record {
        value: value.into(),
        expires: Timestamp::from_unix(now.as_unix() + seconds),
    }
}

async fn check_operations(store: &impl Store, kind: RecordKind, now: Timestamp) {
    let key = new_key(kind);
    let of = |value: &str| record(value, now, 60);
    says(store.get(key, now).await, None, "a key that was never used");
    says(store.take(key, now).await, None, "nothing to take");
    let replaced = store.replace(key, of("x"), now).await;
    says(replaced, None, "nothing to replace");
    says(store.get(key, now).await, None, "replacing creates nothing");

    done(store.put(key, of("a"), now).await, "put");
    says(store.get(key, now).await, Some(b"a"), "what was put");
    says(
        store.get(key, now).await,
        Some(b"a"),
        "reading takes nothing",
    );
    done(store.put(key, of("b"), now).await, "put over another");
    says(store.get(key, now).await, Some(b"b"), "the latter");
    let replaced = store.replace(key, of("c"), now).await;
    says(replaced, Some(b"b"), "what was replaced");
    says(store.get(key, now).await, Some(b"c"), "what replaced it");
    let taken = store.take(key, now).await;
    says(taken, Some(b"c"), "what was taken");
    says(store.take(key, now).await, None, "taken once");
    says(store.get(key, now).await, None, "and gone");
    let replaced = store.replace(key, of("d"), now).await;
    says(replaced, None, "nothing brings it back");
    says(store.get(key, now).await, None, "not even replacing it");
}

/// One identifier is another record in each kind.
async fn check_kinds(store: &impl Store, now: Timestamp) {
    let id = *new_key(RecordKind::Code).id();
    for kind in RecordKind::ALL {
        let key = RecordKey::new(kind, id);
        says(store.get(key, now).await, None, kind.as_str());
        done(
            store.put(key, record(kind.as_str(), now, 60), now).await,
            "put",
        );
    }
    for kind in RecordKind::ALL {
        let taken = store.take(RecordKey::new(kind, id), now).await;
        says(taken, Some(kind.as_str().as_bytes()), kind.as_str());
    }
}

/// What has expired is not there, whoever asks.
async fn check_ends(store: &impl Store, now: Timestamp) {
    for seconds in [0, -1, -86_400] {
        let expired = || record("expired", now, seconds);
        let key = new_key(RecordKind::Session);
        done(store.put(key, expired(), now).await, "put in the past");
        says(store.get(key, now).await, None, "expired from the start");

        let live = || record("live", now, 60);
        done(store.put(key, live(), now).await, "put");
        done(store.put(key, expired(), now).await, "put over it");
        says(store.get(key, now).await, None, "expired by what came over");

        done(store.put(key, live(), now).await, "put");
        let replaced = store.replace(key, expired(), now).await;
        says(replaced, Some(b"live"), "replaced by what has expired");
        says(store.get(key, now).await, None, "and is gone");
        says(store.take(key, now).await, None, "for good");
    }
}

/// The bytes mean nothing to the store.
async fn check_bytes(store: &impl Store, now: Timestamp) {
    let every: Vec<u8> = (0..=u8::MAX).collect();
    for value in [Vec::new(), every.clone(), every.repeat(256)] {
        let key = new_key(RecordKind::PushedRequest);
        done(
            store.put(key, record(value.clone(), now, 60), now).await,
            "put",
        );
        says(store.get(key, now).await, Some(&value), "all the bytes");
        says(store.take(key, now).await, Some(&value), "all the bytes");
    }
}

/// Of those who change a record at once, one sees it as it was (RFC 6749 §4.1.2).
async fn check_races(store: &impl Store, round: u32, now: Timestamp) {
    let spent = || record("spent", now, 600);
    let fresh = async || {
        let key = new_key(RecordKind::Code);
        done(store.put(key, record("fresh", now, 60), now).await, "put");
        key
    };
    let count = |answers: &[Result<Option<Vec<u8>>, StoreError>], expected: &[u8]| {
        let same = |answer: &&Result<Option<Vec<u8>>, StoreError>| matches!(answer, Ok(Some(value)) if value == expected);
        answers.iter().filter(same).count()
    };

    let key = fresh().await;
    let replacing = (0..16).map(|_| store.replace(key, spent(), now));
    let answers = all(replacing.collect()).await;
    assert_eq!(
        count(&answers, b"fresh"),
        1,
        "round {round}: of those who replace"
    );
    assert_eq!(count(&answers, b"spent"), 15, "and the others are told so");

    let key = fresh().await;
    let taking = (0..16).map(|_| store.take(key, now));
    let answers = all(taking.collect()).await;
    assert_eq!(
        count(&answers, b"fresh"),
        1,
        "round {round}: of those who take"
    );

    let key = fresh().await;
    let mixed = (0..16).map(|n| match n % 2 {
        0 => store.take(key, now),
        _ => store.replace(key, spent(), now),
    });
    let answers = all(mixed.collect()).await;
    assert_eq!(count(&answers, b"fresh"), 1, "round {round}: of both");
}

async fn check_many(store: &impl Store, now: Timestamp) {
    let keys: Vec<_> = (0..500)
        .map(|n| (n, new_key(RecordKind::RefreshToken)))
        .collect();
    let value = |n: &i32| n.to_string().into_bytes();
    let putting = keys
        .iter()
        .map(|(n, key)| store.put(*key, record(value(n), now, 60), now));
    for answer in all(putting.collect()).await {
        done(answer, "many at a time");
    }
    let taking = keys.iter().map(|(_, key)| store.take(*key, now));
    for (answer, (n, _)) in all(taking.collect()).await.into_iter().zip(&keys) {
        says(answer, Some(&value(n)), "each has its own");
    }
}

#[track_caller]
fn says(answer: Result<Option<Vec<u8>>, StoreError>, expected: Option<&[u8]>, case: &str) {
    match answer {
        Ok(found) => assert_eq!(found.as_deref(), expected, "{case}"),
        Err(error) => panic!("{case}: {error}"),
    }
}

#[track_caller]
fn done(answer: Result<(), StoreError>, case: &str) {
    if let Err(error) = answer {
        panic!("{case}: {error}");
    }
}

/// Awaits all of them at once.
async fn all<T>(mut asked: Vec<StoreFuture<'_, T>>) -> Vec<Result<T, StoreError>> {
    let mut answers: Vec<_> = asked.iter().map(|_| None).collect();
    poll_fn(|cx| {
        for (asked, answer) in asked.iter_mut().zip(&mut answers) {
            if answer.is_none()
                && let Poll::Ready(ready) = asked.as_mut().poll(cx)
            {
                *answer = Some(ready);
            }
        }
        if answers.iter().all(Option::is_some) {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    })
    .await;
    answers.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::authorization_server::store::MemoryStore;

    const NOW: Timestamp = Timestamp::from_unix(1_800_000_000);

    #[tokio::test]
    async fn the_store_in_memory_passes() {
        check_store(&MemoryStore::default(), NOW).await;
    }

    /// In which way a store is wrong.
    #[derive(Clone, Copy, Debug, Eq, PartialEq)]
    enum Fault {
        None,
        ReplacingCreates,
        TakingLeaves,
        TakingAndReplacingRace,
        KindsMeet,
        ExpiredStay,
        TextOnly,
    }

    #[derive(Debug)]
    struct Wrong {
        inner: MemoryStore,
        fault: Fault,
    }

    impl Wrong {
        fn key(&self, key: RecordKey) -> RecordKey {
            match self.fault {
                Fault::KindsMeet => RecordKey::new(RecordKind::Code, *key.id()),
                _ => key,
            }
        }

        fn record(&self, mut record: Record, now: Timestamp) -> Record {
            match self.fault {
                Fault::ExpiredStay => {
                    let soon = now.plus(std::time::Duration::from_secs(1));
                    record.expires = record.expires.max(soon);
                }
                Fault::TextOnly => {
                    record.value = String::from_utf8_lossy(&record.value).into_owned().into();
                }
                _ => {}
            }
            record
        }
    }

    impl Store for Wrong {
        fn put(&self, key: RecordKey, record: Record, now: Timestamp) -> StoreFuture<'_, ()> {
            self.inner.put(self.key(key), self.record(record, now), now)
        }

        fn get(&self, key: RecordKey, now: Timestamp) -> StoreFuture<'_, Option<Vec<u8>>> {
            self.inner.get(self.key(key), now)
        }

        fn replace(
            &self,
            key: RecordKey,
            record: Record,
            now: Timestamp,
        ) -> StoreFuture<'_, Option<Vec<u8>>> {
            let (key, record) = (self.key(key), self.record(record, now));
            match self.fault {
                Fault::ReplacingCreates => Box::pin(async move {
                    let former = self.inner.take(key, now).await?;
                    self.inner.put(key, record, now).await?;
                    Ok(former)
                }),
                Fault::TakingAndReplacingRace => Box::pin(async move {
                    let former = self.inner.get(key, now).await?;
                    tokio::task::yield_now().await;
                    self.inner.replace(key, record, now).await?;
                    Ok(former)
                }),
                _ => self.inner.replace(key, record, now),
            }
        }

        fn take(&self, key: RecordKey, now: Timestamp) -> StoreFuture<'_, Option<Vec<u8>>> {
            match self.fault {
                Fault::TakingLeaves => self.inner.get(key, now),
                _ => self.inner.take(self.key(key), now),
            }
        }
    }

    #[tokio::test]
    async fn stores_that_break_the_contract_do_not() {
        for fault in [
            Fault::None,
            Fault::ReplacingCreates,
            Fault::TakingLeaves,
            Fault::TakingAndReplacingRace,
            Fault::KindsMeet,
            Fault::ExpiredStay,
            Fault::TextOnly,
        ] {
            let inner = MemoryStore::default();
            let store = Wrong { inner, fault };
            let check = async move { check_store(&store, NOW).await };
            let passes = tokio::spawn(check).await.is_ok();
            assert_eq!(passes, fault == Fault::None, "{fault:?}");
        }
    }
}
