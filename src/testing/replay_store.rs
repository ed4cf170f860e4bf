//! What every replay store has to do.

use std::{
    future::{Future as _, poll_fn},
    pin::Pin,
    task::Poll,
};

use crate::{
    replay::{Answer, Recorded, Recording, ReplayKey, ReplayStore, StoreError},
    time::Timestamp,
};

/// Holds a replay store to its contract, as far as that can be seen without waiting and without breaking anything: see
/// [`ReplayStore`]. For whoever writes one.
///
/// `now` is the present; a store that keeps time itself needs the real one. The store has to have room for a
/// thousand records. They are made under a realm that starts with `name` and a number drawn for each run, so that the
/// server behind the store may be one that was used before.
///
/// Whether a record ends, survives a loss of connection or is kept in a full store is left to tests of the store itself.
///
/// # Panics
///
/// If the store breaks the contract, or cannot be asked.
pub async fn check_replay_store(store: &impl ReplayStore, name: &str, now: Timestamp) {
    let realm = format!("{name} {}", uuid::Uuid::new_v4());
    let key = |jti: &str| ReplayKey::new(&realm, &[7; 32], jti);
    let later = |seconds| Timestamp::from_unix(now.as_unix() + seconds);

    for (case, expires, expected) in [
        ("the first time", later(60), Recorded::First),
        ("again", later(60), Recorded::Replayed),
        ("with a later end", later(90), Recorded::Replayed),
        ("with an earlier end", later(30), Recorded::Replayed),
        ("with the earliest end", now, Recorded::Replayed),
    ] {
        assert_says(store.record(key("one"), expires, now).await, expected, case);
    }

    for expected in [Recorded::First, Recorded::Replayed] {
        let answer = store.record(key("in its last second"), now, now).await;
        assert_says(answer, expected, "a proof in its last second");
    }

    // Nobody is served by this, and the record may be gone already.
    let past = store.record(key("expired"), later(-1), now).await;
    assert!(
        !matches!(past, Ok(Recorded::First)),
        "a proof that has expired is not new"
    );

    let other_realm = ReplayKey::new(&format!("{realm}."), &[7; 32], "one");
    let other_client = ReplayKey::new(&realm, &[8; 32], "one");
    for (case, other) in [
        ("another jti", key("two")),
        ("another jti by its case", key("ONE")),
        ("another realm", other_realm),
        ("another client", other_client),
    ] {
        let answer = store.record(other, later(60), now).await;
        assert_says(answer, Recorded::First, case);
    }

    let dropped = store.record(key("never awaited"), later(60), now);
    drop(dropped);

    for round in 0..20 {
        let contested = key(&format!("contested {round}"));
        let recordings = (0..16).map(|_| store.record(contested, later(60), now));
        let answers = all(recordings.collect()).await;
        let first = answers
            .iter()
            .filter(|answer| matches!(answer, Ok(Recorded::First)));
        assert_eq!(first.count(), 1, "of concurrent calls one is first");
        let replayed = answers
            .iter()
            .filter(|answer| matches!(answer, Ok(Recorded::Replayed)));
        assert_eq!(replayed.count(), 15, "and the others are told so");
    }

    let many: Vec<_> = (0..500).map(|n| key(&format!("many {n}"))).collect();
    for expected in [Recorded::First, Recorded::Replayed] {
        let recordings = many.iter().map(|key| store.record(*key, later(60), now));
        for answer in all(recordings.collect()).await {
            assert_says(answer, expected, "many at a time");
        }
    }
}

fn assert_says(answer: Answer, expected: Recorded, case: &str) {
    match answer {
        Ok(recorded) => assert_eq!(recorded, expected, "{case}"),
        Err(StoreError::Full) => panic!("{case}: the store is full"),
        Err(StoreError::Unavailable(reason)) => panic!("{case}: unavailable: {reason}"),
    }
}

/// Awaits all of them at once.
async fn all(mut recordings: Vec<Recording>) -> Vec<Answer> {
    let mut answers: Vec<Option<Answer>> = recordings.iter().map(|_| None).collect();
    poll_fn(|cx| {
        for (recording, answer) in recordings.iter_mut().zip(&mut answers) {
            if answer.is_none()
                && let Poll::Ready(ready) = Pin::new(recording).poll(cx)
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
    use std::{collections::HashSet, sync::Mutex};

    use super::*;
    use crate::replay::MemoryReplayStore;

    const NOW: Timestamp = Timestamp::from_unix(1_800_000_000);

    #[tokio::test]
    async fn the_store_in_memory_passes() {
        check_replay_store(&MemoryReplayStore::new(1_000), "memory", NOW).await;
    }

    /// A store that is wrong in one way.
    struct Wrong {
        seen: Mutex<HashSet<(ReplayKey, Timestamp)>>,
        forgets: bool,
        takes_expired: bool,
        keys_by_end: bool,
    }

    impl ReplayStore for Wrong {
        fn record(&self, key: ReplayKey, expires: Timestamp, now: Timestamp) -> Recording {
            let late = expires < now && !self.takes_expired;
            let part = if self.keys_by_end { expires } else { now };
            let new = !late && self.seen.lock().unwrap().insert((key, part));
            Recording::ready(Ok(if new || (self.forgets && !late) {
                Recorded::First
            } else {
                Recorded::Replayed
            }))
        }
    }

    async fn passes(forgets: bool, takes_expired: bool, keys_by_end: bool) -> bool {
        let seen = Mutex::default();
        let store = Wrong {
            seen,
            forgets,
            takes_expired,
            keys_by_end,
        };
        let check = async move { check_replay_store(&store, "wrong", NOW).await };
        tokio::spawn(check).await.is_ok()
    }

    #[tokio::test]
    async fn stores_that_break_the_contract_do_not() {
        assert!(passes(false, false, false).await);
        assert!(!passes(true, false, false).await, "always first");
        assert!(!passes(false, true, false).await, "takes the expired");
        assert!(
            !passes(false, false, true).await,
            "other ends, other records"
        );
    }
}
