//! What is recorded, and for how long.

use std::{collections::HashSet, sync::Arc, time::Duration};

use tokio::task::JoinSet;
use tower_fapi::{
    replay::{Recorded, RedisReplayStore, ReplayKey, ReplayStore as _, StoreError},
    testing::check_replay_store,
    time::Timestamp,
};

use crate::server::{RedisServer, now};

fn key(jti: u64) -> ReplayKey {
    ReplayKey::new("https://as.example", &[7; 32], &jti.to_string())
}

fn later(seconds: i64) -> Timestamp {
    Timestamp::from_unix(now().as_unix() + seconds)
}

/// The reason of a store that cannot tell.
pub fn reason(answer: Result<Recorded, StoreError>) -> String {
    match answer {
        Err(StoreError::Unavailable(reason)) => reason.to_string(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn the_store_keeps_the_contract() {
    let Some(server) = RedisServer::start(&[]) else {
        return;
    };
    let socket = format!("unix://{}?db=1", server.socket().display());
    for (case, address) in [
        ("tcp", server.url()),
        ("socket", socket),
        ("RESP 3", server.url() + "?protocol=resp3"),
        ("another database", server.url() + "/2"),
    ] {
        let store = RedisServer::store_of_anything(&address);
        store.ready().await.unwrap();
        check_replay_store(&store, case, now()).await;
    }
}

// RFC 9449 §11.1: for the time window in which the proof would be accepted, by whoever's clock.
#[tokio::test]
async fn a_record_lives_a_minute_longer_than_its_proof() {
    let Some(server) = RedisServer::start(&[]) else {
        return;
    };
    let store = RedisServer::store_of_anything(&server.url());
    let (now, expires) = (now(), later(60));
    store.record(key(1), expires, now).await.unwrap();
    let keys = server.keys().await;
    let left = async || -> i64 {
        redis::from_redis_value(server.command(&["PTTL", &keys[0]]).await).unwrap()
    };
    let first = left().await;
    assert!((118_000..=122_000).contains(&first), "{first} ms");
    // Not even a call that gives another end changes it.
    for other in [later(0), later(200)] {
        let answer = store.record(key(1), other, now).await.unwrap();
        assert_eq!(answer, Recorded::Replayed);
    }
    assert!(left().await <= first);
}

// Nobody who reads the keys learns a jti, a client or an issuer.
#[tokio::test]
async fn keys_have_one_length_and_a_value_that_says_nothing() {
    let Some(server) = RedisServer::start(&[]) else {
        return;
    };
    let builder = RedisReplayStore::builder(&server.url()).unwrap();
    let other = builder.key_prefix("p:").unwrap().build().unwrap();
    let long = "j".repeat(256);
    for jti in ["a", &long] {
        let key = ReplayKey::new("https://as.example", &[7; 32], jti);
        for store in [server.store(), other.clone()] {
            assert_eq!(
                store.record(key, later(60), now()).await.unwrap(),
                Recorded::First
            );
        }
    }
    let keys = server.keys().await;
    let shapes: HashSet<_> = keys
        .iter()
        .map(|key| {
            let (prefix, hash) = key.rsplit_once(':').unwrap();
            (prefix, hash.len())
        })
        .collect();
    assert_eq!(keys.len(), 4);
    assert_eq!(
        shapes,
        HashSet::from([("tower-fapi:replay", 43), ("p", 43)])
    );
    let value = server.command(&["GET", &keys[0]]).await;
    assert_eq!(redis::from_redis_value::<String>(value).unwrap(), "1");
}

#[tokio::test]
async fn a_proof_accepted_through_one_store_is_a_replay_at_another() {
    let Some(server) = RedisServer::start(&[]) else {
        return;
    };
    let (one, two) = (server.patient_store(), server.patient_store());
    let mut tasks = JoinSet::new();
    for jti in 0..1_000 {
        for store in [&one, &two, &one, &two] {
            let store = store.clone();
            tasks.spawn(async move { (jti, store.record(key(jti), later(60), now()).await) });
        }
    }
    let mut accepted = HashSet::new();
    let mut refused = 0;
    while let Some(done) = tasks.join_next().await {
        match done.unwrap() {
            (jti, Ok(Recorded::First)) => assert!(accepted.insert(jti), "{jti} twice"),
            (_, Ok(Recorded::Replayed)) => refused += 1,
            (_, Err(error)) => panic!("{error}"),
        }
    }
    assert_eq!((accepted.len(), refused), (1_000, 3_000));
}

#[tokio::test]
async fn an_instance_whose_clock_is_far_off_accepts_nothing_until_it_is_set_right() {
    let Some(server) = RedisServer::start(&[]) else {
        return;
    };
    let store = server.store();
    for off in [-3600, -40, 40, 3600, i64::MAX / 2] {
        let now = later(off);
        let answer = store.record(key(1), now, now).await;
        assert!(reason(answer).contains("clock"), "{off}");
    }
    assert_eq!(server.keys().await.len(), 0);
    for (jti, off) in [(2, -25), (3, 25), (4, 0)] {
        let answer = store.record(key(jti), later(60), later(off)).await.unwrap();
        assert_eq!(answer, Recorded::First, "{off}");
    }
}

// A runtime takes its tasks along; the store must not depend on the one it was first used on.
#[test]
fn a_store_outlives_the_runtime_it_was_used_on() {
    let Some(server) = RedisServer::start(&[]) else {
        return;
    };
    let store = Arc::new(server.patient_store());
    for expected in [Recorded::First, Recorded::Replayed, Recorded::Replayed] {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let answer = runtime.block_on(store.record(key(1), later(60), now()));
        assert_eq!(answer.unwrap(), expected);
        runtime.shutdown_timeout(Duration::from_secs(1));
    }
}
