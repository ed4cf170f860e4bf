//! What the store promises, from outside.

use std::{collections::HashMap, panic, sync::Barrier, thread};

use proptest::prelude::*;

use super::*;

const NOW: i64 = 1_800_000_000;
const YEAR: i64 = 31_536_000;
/// As far as the store can count.
const LAST_SECOND: i64 = u32::MAX as i64;

/// [`Answer`], comparable.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Says {
    First,
    Replayed,
    Full,
    Unavailable,
}

impl MemoryReplayStore {
    fn says(&self, jti: u64, expires: i64, now: i64) -> Says {
        let answer = self
            .record(key(jti), at(expires), at(now))
            .now_or_pending()
            .ok()
            .expect("memory answers at once");
        match answer {
            Ok(Recorded::First) => Says::First,
            Ok(Recorded::Replayed) => Says::Replayed,
            Err(StoreError::Full) => Says::Full,
            Err(StoreError::Unavailable(_)) => Says::Unavailable,
        }
    }
}

fn key(jti: u64) -> ReplayKey {
    ReplayKey::new("https://as.example", &[7; 32], &jti.to_string())
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_unix(second)
}

// RFC 9449 §11.1: for the time window in which the proof would be accepted.
#[test]
fn a_proof_is_refused_until_the_last_second_it_could_be_accepted() {
    let store = MemoryReplayStore::new(10);
    assert_eq!(store.says(1, NOW + 60, NOW), Says::First);
    for (case, expires, now, expected) in [
        ("at once", NOW + 60, NOW, Says::Replayed),
        ("later", NOW + 60, NOW + 30, Says::Replayed),
        ("with a later expiry", NOW + 90, NOW + 30, Says::Replayed),
        ("with an earlier one", NOW + 31, NOW + 31, Says::Replayed),
        ("in the last second", NOW + 90, NOW + 60, Says::Replayed),
        (
            "other expiries did not prolong it",
            NOW + 90,
            NOW + 61,
            Says::First,
        ),
        ("and from then on anew", NOW + 90, NOW + 90, Says::Replayed),
        ("until", NOW + 91, NOW + 91, Says::First),
    ] {
        assert_eq!(store.says(1, expires, now), expected, "{case}");
    }
}

#[test]
fn proofs_with_other_keys_do_not_disturb_each_other() {
    let store = MemoryReplayStore::new(10_000);
    for expected in [Says::First, Says::Replayed] {
        for jti in 0..10_000 {
            assert_eq!(store.says(jti, NOW + 60, NOW), expected, "{jti}");
        }
    }
}

// Capacities between which the number of shards is decided anew.
#[test]
fn full_shards_hold_some_thousands() {
    for capacity in [1_000_000, 10_000_000, 100_000_000, 1_000_000_000] {
        let store = MemoryReplayStore::new(capacity);
        let each = capacity / store.shards.len();
        assert!((1_000..=16_384).contains(&each), "{capacity}: {each}");
    }
    for (capacity, shards) in [(0, 64), (1, 64), (usize::MAX, 65_536)] {
        assert_eq!(MemoryReplayStore::new(capacity).shards.len(), shards);
    }
}

#[test]
fn of_concurrent_records_with_one_key_one_is_first() {
    const THREADS: usize = 8;
    const ROUNDS: u64 = 500;
    let store = MemoryReplayStore::new(10_000);
    let barrier = Barrier::new(THREADS);
    let race = || {
        let mut won = 0;
        for jti in 0..ROUNDS {
            barrier.wait();
            won += u64::from(store.says(jti, NOW + 60, NOW) == Says::First);
        }
        won
    };
    let won: u64 = thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(race)).collect();
        threads.into_iter().map(|it| it.join().unwrap()).sum()
    });
    assert_eq!(won, ROUNDS);
    assert_eq!(store.len() as u64, ROUNDS);
}

#[test]
fn a_full_store_refuses_and_forgets_nothing() {
    for capacity in [0, 1, 2, 100, 5_000] {
        let store = MemoryReplayStore::new(capacity);
        let capacity = capacity as u64;
        for jti in 0..capacity {
            assert_eq!(store.says(jti, NOW + 60, NOW), Says::First);
        }
        for jti in capacity..capacity + 20_000 {
            assert_eq!(store.says(jti, NOW + 90, NOW + 60), Says::Full);
        }
        for jti in 0..capacity {
            assert_eq!(store.says(jti, NOW + 90, NOW + 60), Says::Replayed);
        }
    }
}

#[test]
fn each_record_that_expires_makes_room_for_one() {
    let store = MemoryReplayStore::new(100);
    for jti in 0..100 {
        let expires = NOW + 60 + i64::try_from(jti).unwrap();
        assert_eq!(store.says(jti, expires, NOW), Says::First);
    }
    for jti in 0..100 {
        let now = NOW + 60 + i64::try_from(jti).unwrap();
        assert_eq!(store.says(1_000 + jti, now + 300, now), Says::Full);
        assert_eq!(store.says(2_000 + jti, now + 300, now + 1), Says::First);
        assert_eq!(store.says(3_000 + jti, now + 300, now + 1), Says::Full);
    }
}

// The expired records lie in other shards than those the new proofs go to, and nobody looks there otherwise.
#[test]
fn a_store_full_of_expired_records_takes_as_many_new_ones() {
    let store = MemoryReplayStore::with_shards(1_000, 1_024);
    for round in 0..5 {
        let now = NOW + 61 * i64::try_from(round).unwrap();
        for jti in 0..1_000 {
            assert_eq!(store.says(round * 1_000 + jti, now + 60, now), Says::First);
        }
        assert_eq!(store.says(u64::MAX, now + 60, now), Says::Full);
    }
}

#[test]
fn threads_together_do_not_exceed_the_capacity() {
    let store = MemoryReplayStore::with_shards(1_000, 16);
    for (round, now) in [(0, NOW), (1, NOW + 61), (2, NOW + 122)] {
        let fill = |thread: u64| {
            (0..2_000)
                .filter(|jti| {
                    let jti = (round * 4 + thread) * 2_000 + jti;
                    store.says(jti, now + 60, now) == Says::First
                })
                .count()
        };
        let fill = &fill;
        let first: usize = thread::scope(|scope| {
            let threads: Vec<_> = (0..4)
                .map(|thread| scope.spawn(move || fill(thread)))
                .collect();
            threads.into_iter().map(|it| it.join().unwrap()).sum()
        });
        assert_eq!(first, 1_000);
    }
}

#[test]
fn a_clock_set_back_does_not_make_a_dropped_proof_acceptable() {
    for (case, drop) in [
        ("by a sweep", 0),
        ("by new proofs", 5_000),
        ("or not at all", 1),
    ] {
        let store = MemoryReplayStore::with_shards(10_000, 2);
        for jti in 0..1_000 {
            assert_eq!(store.says(jti, NOW + 60, NOW), Says::First);
        }
        for jti in 0..drop {
            store.says(10_000 + jti, NOW + 200, NOW + 100);
        }
        if drop == 0 {
            store.sweep(at(NOW + 100));
            assert_eq!(store.len(), 0);
        }
        for jti in 0..1_000 {
            for now in [NOW, NOW + 60] {
                let says = store.says(jti, NOW + 60, now);
                assert!(
                    matches!(says, Says::Replayed | Says::Unavailable),
                    "{case}: {says:?}"
                );
            }
        }
    }
}

// The second record took the place of the first, and then was dropped itself.
#[test]
fn a_clock_set_back_does_not_bring_back_what_was_written_over() {
    let store = MemoryReplayStore::with_shards(10, 1);
    assert_eq!(store.says(1, NOW + 9, NOW), Says::First);
    assert_eq!(store.says(1, NOW + 10, NOW + 10), Says::First);
    store.sweep(at(NOW + 11));
    for expires in [NOW + 9, NOW + 10] {
        assert_eq!(store.says(1, expires, NOW), Says::Unavailable);
    }
}

// The year-ahead clock was believed long enough for records made then to be dropped too.
#[test]
fn service_resumes_after_a_clock_that_was_ahead() {
    let store = MemoryReplayStore::with_shards(1_000, 1);
    store.says(1, NOW + 60, NOW);
    store.says(2, NOW + YEAR + 60, NOW + YEAR);
    store.sweep(at(NOW + YEAR + 100));
    for (case, jti, expires, now, expected) in [
        ("may be the first", 1, NOW + 60, NOW + 1, Says::Unavailable),
        ("a fresh one", 3, NOW + 61, NOW + 1, Says::First),
        ("a fresh one again", 3, NOW + 61, NOW + 1, Says::Replayed),
        (
            "half a year on",
            4,
            NOW + YEAR / 2,
            NOW + YEAR / 2,
            Says::First,
        ),
        (
            "may be the second",
            2,
            NOW + YEAR + 60,
            NOW + YEAR,
            Says::Unavailable,
        ),
        (
            "after that",
            5,
            NOW + YEAR + 61,
            NOW + YEAR + 1,
            Says::First,
        ),
    ] {
        assert_eq!(store.says(jti, expires, now), expected, "{case}");
    }
}

#[test]
fn a_clock_that_jumps_ahead_only_lets_records_expire() {
    let store = MemoryReplayStore::new(3);
    for (jti, now) in [(1, NOW), (2, NOW + YEAR), (3, NOW + 2 * YEAR)] {
        assert_eq!(store.says(jti, now + 60, now), Says::First);
        assert_eq!(store.says(jti, now + 60, now), Says::Replayed);
    }
    assert_eq!(store.says(1, NOW + 3 * YEAR, NOW + 3 * YEAR), Says::First);
}

#[test]
fn a_proof_that_has_expired_already_is_not_called_new() {
    let store = MemoryReplayStore::new(10);
    for _ in 0..2 {
        assert_eq!(store.says(1, NOW - 1, NOW), Says::Unavailable);
    }
    assert!(store.is_empty());
}

#[test]
fn times_at_the_ends_of_their_range_are_no_way_around() {
    for (expires, now) in [
        (i64::MAX, i64::MAX),
        (i64::MAX, i64::MIN),
        (i64::MAX, NOW),
        (i64::MIN, i64::MIN),
        (-1, -60),
        (0, 0),
        (1, 1),
        (LAST_SECOND - 1, LAST_SECOND - 1),
        (LAST_SECOND, LAST_SECOND),
        (LAST_SECOND + 1, LAST_SECOND + 1),
    ] {
        let store = MemoryReplayStore::new(10);
        assert_eq!(store.says(1, expires, now), Says::First, "{expires} {now}");
        store.sweep(at(now));
        assert_eq!(
            store.says(1, expires, now),
            Says::Replayed,
            "{expires} {now}"
        );
        assert_eq!(
            store.says(1, expires, expires),
            Says::Replayed,
            "{expires} {now}"
        );
    }
}

#[test]
fn a_panic_under_a_lock_does_not_stop_the_store() {
    let store = MemoryReplayStore::with_shards(10, 1);
    assert_eq!(store.says(1, NOW + 60, NOW), Says::First);
    thread::scope(|scope| {
        let poison = || {
            let _guard = store.shards[0].lock();
            panic::resume_unwind(Box::new("poisoned"));
        };
        scope.spawn(poison).join().unwrap_err();
    });
    assert_eq!(store.says(1, NOW + 60, NOW), Says::Replayed);
    assert_eq!(store.says(2, NOW + 60, NOW), Says::First);
}

#[test]
fn debug_tells_the_figures_and_no_records() {
    let store = MemoryReplayStore::new(10);
    store.says(1, NOW + 60, NOW);
    assert_eq!(
        format!("{store:?}"),
        "MemoryReplayStore { len: 1, capacity: 10, .. }"
    );
}

/// Proofs at a constant rate, each live for 60 s, for three minutes. At most `live` are live at a time.
fn steady_traffic(store: &MemoryReplayStore, live: u64) {
    for jti in 0..live * 3 {
        let now = NOW + i64::try_from(jti * 61 / live).unwrap();
        assert_eq!(store.says(jti, now + 60, now), Says::First);
    }
}

#[test]
fn a_live_record_takes_at_most_64_bytes() {
    for live in [5_000, 7_000, 10_000, 14_000] {
        let store = MemoryReplayStore::with_shards(live, 16);
        steady_traffic(&store, live as u64);
        let bytes = store.allocated_bytes();
        assert!(bytes <= 64 * live, "{} bytes each", bytes / live);
    }
}

#[test]
fn memory_is_given_back_after_a_burst() {
    let store = MemoryReplayStore::with_shards(100_000, 64);
    let empty = store.allocated_bytes();
    for jti in 0..100_000 {
        store.says(jti, NOW + 60, NOW);
    }
    for jti in 0..1_000 {
        store.says(200_000 + jti, NOW + 200, NOW + 140);
    }
    assert_eq!(store.len(), 1_000);
    assert!(store.allocated_bytes() - empty <= 64 * 1_000);
    store.sweep(at(NOW + 201));
    assert_eq!(store.len(), 0);
    assert!(store.allocated_bytes() - empty <= 64 * 160);
}

#[test]
fn expired_records_stay_fewer_than_the_live_ones() {
    let store = MemoryReplayStore::with_shards(100_000, 64);
    steady_traffic(&store, 10_000);
    assert!(store.len() <= 16_000, "{}", store.len());
}

/// One record: which key, how long it lives, and how far the clock moves before it.
fn records(clock: impl Strategy<Value = i64>) -> impl Strategy<Value = Vec<(u64, i64, i64)>> {
    prop::collection::vec((0..30u64, 0..20i64, clock), 0..400)
}

proptest! {
    #[test]
    fn the_store_agrees_with_a_plain_map(
        records in records(prop_oneof![6 => 0..2i64, 1 => 0..60i64]),
        capacity in 0..20usize,
        shards in prop::sample::select(vec![1, 2, 16]),
    ) {
        let store = MemoryReplayStore::with_shards(capacity, shards);
        let mut model = HashMap::new();
        let mut now = NOW;
        for (jti, lifetime, moved) in records {
            now += moved;
            model.retain(|_, expires| *expires >= now);
            let expected = if model.contains_key(&jti) {
                Says::Replayed
            } else if model.len() == capacity {
                Says::Full
            } else {
                model.insert(jti, now + lifetime);
                Says::First
            };
            prop_assert_eq!(store.says(jti, now + lifetime, now), expected);
            prop_assert!((model.len()..=capacity).contains(&store.len()));
        }
        store.sweep(at(now));
        prop_assert_eq!(store.len(), model.len());
    }

    #[test]
    fn no_clock_makes_a_recorded_proof_acceptable(
        records in records(prop_oneof![4 => 0..2i64, 1 => -60..60i64]),
        capacity in 1..20usize,
        shards in prop::sample::select(vec![1, 2, 16]),
    ) {
        let store = MemoryReplayStore::with_shards(capacity, shards);
        // Nothing is ever taken out of this one.
        let mut model: HashMap<u64, Vec<i64>> = HashMap::new();
        let mut now = NOW;
        for (jti, lifetime, moved) in records {
            now += moved;
            // Sometimes the very proof that was recorded before, as long as it is acceptable.
            let known = model.entry(jti).or_default();
            let again = known.iter().copied().find(|expires| *expires >= now);
            let says = store.says(jti, again.unwrap_or(now + lifetime), now);
            if again.is_some() {
                prop_assert_ne!(says, Says::First);
            } else if says == Says::First {
                known.push(now + lifetime);
            }
        }
    }
}
