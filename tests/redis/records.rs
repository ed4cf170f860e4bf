//! The records of an authorization server: that they keep the contract, what is in Redis, and what is answered when it is full,
//! gone, wrong, or has too few replicas.

use std::time::{Duration, Instant};

use redis::Value;
use tokio::time::sleep;
use tower_fapi::{
    authorization_server::store::{
        Record, RecordKey, RecordKind, RedisStore, Store as _, StoreError,
    },
    replay::{Recorded, RedisReplayStore, ReplayKey, ReplayStore as _},
    testing::{check_replay_store, check_store},
    time::Timestamp,
};

use crate::server::{RedisServer, free_port, now, patient};

const ISSUER: &str = "https://as.example";

fn store(address: &str) -> RedisStore {
    RedisStore::beside(&patient(address).build().unwrap(), ISSUER)
}

fn key(id: u8) -> RecordKey {
    RecordKey::new(RecordKind::Code, [id; 32])
}

fn record(value: &str, seconds: u64) -> Record {
    Record {
        value: value.into(),
        expires: now().plus(Duration::from_secs(seconds)),
    }
}

fn unavailable<T: std::fmt::Debug>(answer: Result<T, StoreError>) -> String {
    match answer {
        Err(StoreError::Unavailable(reason)) => reason,
        other => panic!("{other:?}"),
    }
}

fn text(value: Value) -> String {
    redis::from_redis_value(value).unwrap()
}

#[tokio::test]
async fn the_records_keep_the_contract() {
    let Some(server) = RedisServer::start(&[]) else {
        return;
    };
    for address in [server.url(), server.url() + "?protocol=resp3"] {
        let store = store(&address);
        store.ready().await.unwrap();
        check_store(&store, now()).await;
    }
}

#[tokio::test]
async fn a_record_ends_when_it_says_whatever_the_clocks_show() {
    let Some(server) = RedisServer::start(&[]) else {
        return;
    };
    let store = store(&server.url());
    // The instance's clock is an hour behind Redis', or ahead: what counts is how long the record has left.
    for (id, off) in [(1, -3600), (2, 0), (3, 3600)] {
        let now = Timestamp::from_unix(now().as_unix() + off);
        let of = |seconds| Record {
            value: b"x".to_vec(),
            expires: now.plus(Duration::from_secs(seconds)),
        };
        store.put(key(id), of(60), now).await.unwrap();
        let keys = server.keys().await;
        let [name] = &keys[..] else {
            panic!("{keys:?}")
        };
        let left = async || -> i64 {
            redis::from_redis_value(server.command(&["PTTL", name]).await).unwrap()
        };
        let first = left().await;
        assert!((55_000..=60_000).contains(&first), "{off}: {first} ms");
        // The new end is that of what replaced it.
        store.replace(key(id), of(600), now).await.unwrap();
        let then = left().await;
        assert!((595_000..=600_000).contains(&then), "{off}: {then} ms");
        store.put(key(id), of(30), now).await.unwrap();
        assert!(left().await <= 30_000, "{off}");
        store.take(key(id), now).await.unwrap();
        assert!(server.keys().await.is_empty(), "{off}");
    }
}

// RFC 6749 §10.3 and §10.4; nothing in a key can be redeemed, and no server finds what is another's.
#[tokio::test]
async fn servers_with_different_issuers_share_a_redis_and_nothing_in_it() {
    let Some(server) = RedisServer::start(&[]) else {
        return;
    };
    let replay = server.patient_store();
    let one = RedisStore::beside(&replay, ISSUER);
    let other = RedisStore::beside(&replay, "https://as.example/other");
    let code = RecordKey::of_secret(RecordKind::Code, "the code itself");
    one.put(code, record("one", 60), now()).await.unwrap();
    assert_eq!(other.get(code, now()).await, Ok(None));
    assert_eq!(other.take(code, now()).await, Ok(None));
    let replaced = other.replace(code, record("x", 60), now()).await;
    assert_eq!(replaced, Ok(None));
    other.put(code, record("other", 60), now()).await.unwrap();
    assert_eq!(one.get(code, now()).await, Ok(Some(b"one".to_vec())));

    let proof = ReplayKey::new(ISSUER, &[7; 32], "jti");
    let expires = now().plus(Duration::from_secs(120));
    let answer = replay.record(proof, expires, now()).await.unwrap();
    assert_eq!(answer, Recorded::First, "proofs are among them");
    let keys = server.keys().await;
    assert_eq!(keys.len(), 3, "{keys:?}");
    assert!(keys.iter().all(|key| !key.contains("the code itself")));
}

#[tokio::test]
async fn a_full_server_takes_nothing_more_and_lets_everything_be_revoked() {
    let Some(server) = RedisServer::start(&[]) else {
        return;
    };
    let store = store(&server.url());
    store.put(key(1), record("a", 60), now()).await.unwrap();
    store.put(key(2), record("b", 60), now()).await.unwrap();
    server
        .command(&["CONFIG", "SET", "maxmemory-policy", "noeviction"])
        .await;
    server.command(&["CONFIG", "SET", "maxmemory", "1"]).await;
    let full = Err(StoreError::Full(RecordKind::Code));
    let put = store.put(key(3), record("c", 60), now()).await;
    assert_eq!(put.map(|()| None), full);
    // A code that cannot be marked as spent stays fresh, and nobody was given anything for it.
    let spent = || record("spent", 600);
    assert_eq!(store.replace(key(1), spent(), now()).await, full);
    assert_eq!(store.get(key(1), now()).await, Ok(Some(b"a".to_vec())));
    assert_eq!(store.take(key(2), now()).await, Ok(Some(b"b".to_vec())));
    server.command(&["CONFIG", "SET", "maxmemory", "0"]).await;
    let replaced = store.replace(key(1), spent(), now()).await;
    assert_eq!(replaced, Ok(Some(b"a".to_vec())), "service resumes");
}

#[tokio::test]
async fn a_server_that_drops_records_is_refused() {
    let policy = ["--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru"];
    let Some(server) = RedisServer::start(&policy) else {
        return;
    };
    let reason = unavailable(store(&server.url()).get(key(1), now()).await);
    assert!(reason.contains("noeviction"), "{reason}");
}

#[tokio::test]
async fn while_there_is_no_server_everything_is_unavailable_at_once_and_then_works_again() {
    let Some(mut server) = RedisServer::start(&["--appendonly", "yes", "--appendfsync", "always"])
    else {
        return;
    };
    let replay = RedisReplayStore::new(&server.url()).unwrap();
    let store = RedisStore::beside(&replay, ISSUER);
    store.put(key(1), record("a", 60), now()).await.unwrap();
    server.kill();
    for _ in 0..20 {
        let asked = Instant::now();
        unavailable(store.get(key(1), now()).await);
        unavailable(store.put(key(2), record("b", 60), now()).await);
        unavailable(store.replace(key(1), record("x", 60), now()).await);
        unavailable(store.take(key(1), now()).await);
        assert!(asked.elapsed() < Duration::from_secs(3));
    }
    server.run();
    let begun = Instant::now();
    let found = loop {
        match store.get(key(1), now()).await {
            Ok(found) => break found,
            Err(_) => assert!(begun.elapsed() < Duration::from_secs(3), "no service"),
        }
        sleep(Duration::from_millis(20)).await;
    };
    assert_eq!(found, Some(b"a".to_vec()), "written to disk");
    assert_eq!(store.get(key(2), now()).await, Ok(None));
}

#[tokio::test]
async fn a_key_of_another_type_and_a_user_without_rights_are_faults_of_ours() {
    let Some(server) = RedisServer::start(&[]) else {
        return;
    };
    let store = store(&server.url());
    store.put(key(1), record("a", 60), now()).await.unwrap();
    let keys = server.keys().await;
    server.command(&["DEL", &keys[0]]).await;
    server.command(&["LPUSH", &keys[0], "x"]).await;
    for answer in [
        store.get(key(1), now()).await,
        store.take(key(1), now()).await,
        store.replace(key(1), record("b", 60), now()).await,
    ] {
        unavailable(answer);
    }

    let rules = ["on", ">secret", "resetkeys", "~tower-fapi:*", "-@all"];
    let allow = ["+set", "+get", "+getdel", "+time", "+info"];
    let setuser: Vec<_> = ["ACL", "SETUSER", "as"].into_iter().chain(rules).collect();
    let with_rights: Vec<_> = setuser.iter().copied().chain(allow).collect();
    server.command(&with_rights).await;
    let user = format!("redis://as:secret@127.0.0.1:{}", server.port());
    check_store(&self::store(&user), now()).await;
    server.command(&["ACL", "SETUSER", "as", "-getdel"]).await;
    let reason = unavailable(self::store(&user).take(key(9), now()).await);
    assert!(
        reason.contains("NOPERM") || reason.contains("permission"),
        "{reason}"
    );
}

#[tokio::test]
async fn an_answer_waits_until_a_replica_has_what_was_written() {
    let Some(primary) = RedisServer::start(&["--repl-diskless-sync-delay", "0"]) else {
        return;
    };
    let replicated = |limit: u64| {
        let builder = patient(&primary.url()).wait_for_replicas(1);
        let builder = builder.response_time_limit(Duration::from_millis(limit));
        let builder = builder.unwrap().proof_lifetime(Duration::ZERO).unwrap();
        builder.build().unwrap()
    };
    let alone = replicated(2_000);
    let store = RedisStore::beside(&alone, ISSUER);
    let reason = unavailable(store.put(key(1), record("a", 600), now()).await);
    assert!(reason.contains("no 1 replicas"), "{reason}");
    let proof = ReplayKey::new(ISSUER, &[7; 32], "jti");
    let expires = now().plus(Duration::from_secs(60));
    let proof_alone = alone.record(proof, expires, now()).await;
    assert!(proof_alone.is_err(), "proofs wait, too");
    // It was written nevertheless, and what is only read waits for nobody.
    assert_eq!(store.get(key(1), now()).await, Ok(Some(b"a".to_vec())));

    let port = primary.port().to_string();
    let replica = RedisServer::start(&["--replicaof", "127.0.0.1", &port]).unwrap();
    let begun = Instant::now();
    while !text(primary.command(&["INFO", "replication"]).await).contains("state=online") {
        assert!(begun.elapsed() < Duration::from_secs(30), "no replica");
        sleep(Duration::from_millis(50)).await;
    }
    let both = replicated(10_000);
    let store = RedisStore::beside(&both, ISSUER);
    for round in 0..50 {
        let spent = store
            .replace(key(1), record(&round.to_string(), 600), now())
            .await;
        spent.unwrap().unwrap();
        let keys = replica.keys().await;
        let name = keys.iter().find(|key| key.contains(":code:")).unwrap();
        let found = text(replica.command(&["GET", name]).await);
        assert_eq!(found, round.to_string(), "what was answered is there");
    }
    assert_eq!(store.take(key(1), now()).await, Ok(Some(b"49".to_vec())));
    let codes = async || {
        let keys = replica.keys().await;
        keys.iter().filter(|key| key.contains(":code:")).count()
    };
    assert_eq!(codes().await, 0, "what was taken is gone there, too");
    check_store(&store, now()).await;
    check_replay_store(&both, "replicated", now()).await;
}

#[tokio::test]
async fn a_server_that_was_never_there_is_reported_as_such() {
    let store = store(&format!("redis://127.0.0.1:{}", free_port()));
    assert!(unavailable(store.get(key(1), now()).await).contains("connect"));
    assert!(store.ready().await.is_err());
}
