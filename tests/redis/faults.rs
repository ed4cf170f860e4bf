//! Whatever is wrong with Redis, no proof is called new, the answer comes in time, and service resumes by itself.

use std::{
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use tokio::{task::JoinSet, time::sleep};
use tower_fapi::{
    replay::{Recorded, RedisReplayStore, ReplayKey, ReplayStore as _, StoreError},
    time::Timestamp,
};

use crate::{
    contract::reason,
    fake_server::{Manner, counted_store, store},
    server::{RedisServer, free_port, now},
};

/// The promise, and something for a busy machine.
const LIMIT: Duration = Duration::from_millis(500);
const SLACK: Duration = Duration::from_millis(400);

fn key(jti: u64) -> ReplayKey {
    ReplayKey::new("https://as.example", &[7; 32], &jti.to_string())
}

async fn ask(store: &RedisReplayStore, jti: u64) -> Result<Recorded, StoreError> {
    let now = now();
    store
        .record(key(jti), now.plus(Duration::from_secs(60)), now)
        .await
}

/// Asks with new proofs until one is accepted; how long that took.
async fn resumes(store: &RedisReplayStore, mut jti: u64) -> Duration {
    let begun = Instant::now();
    while ask(store, jti).await.is_err() {
        assert!(begun.elapsed() < Duration::from_secs(10), "no service");
        sleep(Duration::from_millis(20)).await;
        jti += 1;
    }
    begun.elapsed()
}

#[tokio::test]
async fn while_there_is_no_server_answers_come_at_once() {
    let store = RedisReplayStore::new(&format!("redis://127.0.0.1:{}", free_port())).unwrap();
    let begun = Instant::now();
    for jti in 0..1_000 {
        assert!(reason(ask(&store, jti).await).contains("connect"), "{jti}");
    }
    assert!(
        begun.elapsed() < Duration::from_secs(2),
        "{:?}",
        begun.elapsed()
    );
    assert!(store.ready().await.is_err());
}

#[tokio::test]
async fn a_server_that_is_killed_and_returns_is_used_again_within_two_seconds() {
    let Some(mut server) = RedisServer::start(&[]) else {
        return;
    };
    let store = server.store();
    ask(&store, 1).await.unwrap();
    for round in 0..2 {
        server.kill();
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_millis(1200) {
            let asked = Instant::now();
            ask(&store, 2).await.unwrap_err();
            assert!(asked.elapsed() < LIMIT + SLACK);
            sleep(Duration::from_millis(5)).await;
        }
        server.run();
        let took = resumes(&store, 100 * (round + 1)).await;
        assert!(took < Duration::from_secs(2), "{took:?}");
    }
}

// What the server knew is gone with it. Proofs that it may have recorded were issued before it came back.
#[tokio::test]
async fn what_a_server_has_forgotten_is_not_accepted_again() {
    let Some(mut server) = RedisServer::start(&[]) else {
        return;
    };
    let (store, other) = (server.store(), server.store());
    let issued = now();
    let record = async |store: &RedisReplayStore, jti, issued: Timestamp| {
        store
            .record(key(jti), issued.plus(Duration::from_secs(60)), now())
            .await
    };
    for jti in 0..100 {
        let store = if jti % 2 == 0 { &store } else { &other };
        assert_eq!(record(store, jti, issued).await.unwrap(), Recorded::First);
    }
    server.kill();
    server.run();
    for store in [&store, &other] {
        resumes(store, 1_000).await;
        for jti in 0..100 {
            let answer = record(store, jti, issued).await;
            assert!(reason(answer).contains("started anew"), "{jti}");
        }
    }
    // Nor after another connection, which finds the same server.
    server
        .command(&["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"])
        .await;
    resumes(&store, 2_000).await;
    assert!(reason(record(&store, 1, issued).await).contains("started anew"));
    // A store that starts after the server did has not met the former one, but is told when the server was started.
    sleep(Duration::from_millis(1_100)).await;
    let newcomer = server.store();
    let before = issued.minus(Duration::from_secs(2));
    assert!(reason(record(&newcomer, 1, before).await).contains("started anew"));
    assert_eq!(
        record(&newcomer, 5_000, now()).await.unwrap(),
        Recorded::First
    );
}

// Service may resume, but not so that the old records count for nothing.
#[tokio::test]
async fn a_lost_connection_to_the_same_server_loses_no_record() {
    let Some(server) = RedisServer::start(&[]) else {
        return;
    };
    let store = server.store();
    assert_eq!(ask(&store, 1).await.unwrap(), Recorded::First);
    for _ in 0..3 {
        server
            .command(&["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"])
            .await;
        sleep(Duration::from_millis(50)).await;
        // The connection that was idle is replaced without anybody noticing.
        assert_eq!(ask(&store, 1).await.unwrap(), Recorded::Replayed);
    }
}

#[tokio::test]
async fn a_server_that_hangs_costs_the_time_limit_and_no_more() {
    let Some(server) = RedisServer::start(&[]) else {
        return;
    };
    let store = server.store();
    ask(&store, 1).await.unwrap();
    server.signal("-STOP");
    let begun = Instant::now();
    let mut tasks = JoinSet::new();
    for jti in 0..200 {
        let store = store.clone();
        tasks.spawn(async move {
            let asked = Instant::now();
            ask(&store, 10 + jti).await.unwrap_err();
            asked.elapsed()
        });
    }
    while let Some(took) = tasks.join_next().await {
        assert!(took.unwrap() < LIMIT + SLACK);
    }
    assert!(begun.elapsed() >= LIMIT);
    ask(&store, 1_000).await.unwrap_err();
    server.signal("-CONT");
    let took = resumes(&store, 2_000).await;
    assert!(took < Duration::from_secs(2), "{took:?}");
    assert_eq!(ask(&store, 1).await.unwrap(), Recorded::Replayed);
}

#[tokio::test]
async fn peers_that_are_no_redis_are_not_believed() {
    for (case, manner) in [
        ("silent", Manner::Silent),
        ("silent after connecting", Manner::SilentToSet),
        ("rude", Manner::Rude),
        (
            "another web server",
            Manner::Answers("HTTP/1.1 400 Bad Request\r\n\r\n"),
        ),
        ("an error", Manner::Answers("-ERR no\r\n")),
        (
            "a replica",
            Manner::Answers("-READONLY You can't write against a read only replica.\r\n"),
        ),
        (
            "a cluster",
            Manner::Answers("-MOVED 3999 127.0.0.1:6381\r\n"),
        ),
        (
            "loading",
            Manner::Answers("-LOADING Redis is loading the dataset in memory\r\n"),
        ),
        ("another status", Manner::Answers("+QUEUED\r\n")),
        ("a number", Manner::Answers(":1\r\n")),
        ("a text", Manner::Answers("$2\r\nOK\r\n")),
        ("an empty array", Manner::Answers("*0\r\n")),
        ("half an answer", Manner::Answers("+O")),
        ("a huge one", Manner::Answers("$2147483647\r\n")),
        ("true", Manner::Answers("#t\r\n")),
    ] {
        let store = store(manner).await;
        for jti in 0..3 {
            let asked = Instant::now();
            let said = reason(ask(&store, jti).await);
            assert!(
                asked.elapsed() < Duration::from_millis(150) + SLACK,
                "{case}: {said}"
            );
        }
    }
    for (answer, expected) in [
        ("+OK\r\n", Recorded::First),
        ("$-1\r\n", Recorded::Replayed),
    ] {
        let store = store(Manner::Answers(answer)).await;
        assert_eq!(ask(&store, 1).await.unwrap(), expected);
    }
    let oom = "-OOM command not allowed when used memory > 'maxmemory'.\r\n";
    let store = store(Manner::Answers(oom)).await;
    assert!(matches!(ask(&store, 1).await, Err(StoreError::Full)));
}

// However many requests come.
#[tokio::test]
async fn a_server_that_does_not_serve_is_not_overrun_with_connections() {
    for (case, manner) in [
        ("rude", Manner::Rude),
        ("silent", Manner::SilentToSet),
        ("erring", Manner::Answers("-ERR no\r\n")),
    ] {
        let (store, counts) = counted_store(manner).await;
        let begun = Instant::now();
        let mut tasks = JoinSet::new();
        for jti in 0..50 {
            let store = store.clone();
            tasks.spawn(async move {
                while begun.elapsed() < Duration::from_millis(2_200) {
                    ask(&store, jti).await.unwrap_err();
                    sleep(Duration::from_millis(1)).await;
                }
            });
        }
        tasks.join_all().await;
        let made = counts[0].load(Ordering::SeqCst);
        // Two at once, then after 100, 200 and each 400 ms.
        assert!((4..=10).contains(&made), "{case}: {made}");
        sleep(Duration::from_millis(300)).await;
        let open = counts[1].load(Ordering::SeqCst);
        assert!(open <= 1, "{case}: {open} are still open");
    }
}

#[tokio::test]
async fn users_without_password_or_permission_get_nothing() {
    let acl = "user api on >secret resetkeys ~tower-fapi:replay:* -@all +set +time";
    let Some(server) = RedisServer::start(&["--requirepass", "top"]) else {
        return;
    };
    let url = |user: &str| format!("redis://{user}127.0.0.1:{}", server.port());
    let store = |user: &str| RedisReplayStore::new(&url(user)).unwrap();
    let connect = redis::Client::open(url(":top@")).unwrap();
    let mut admin = connect.get_multiplexed_async_connection().await.unwrap();
    let mut command = redis::cmd("ACL");
    command.arg("SETUSER");
    for word in acl.split(' ').skip(1) {
        command.arg(word);
    }
    command.exec_async(&mut admin).await.unwrap();
    for user in ["", ":wrong@", "api:wrong@", "nobody:secret@"] {
        let said = reason(ask(&store(user), 1).await);
        assert!(!said.contains("secret") && !said.contains("top"), "{said}");
    }
    // Without INFO, which is a pity, but not needed.
    assert_eq!(
        ask(&store("api:secret@"), 1).await.unwrap(),
        Recorded::First
    );
    assert_eq!(ask(&store(":top@"), 1).await.unwrap(), Recorded::Replayed);
    let elsewhere = RedisReplayStore::builder(&url("api:secret@")).unwrap();
    let elsewhere = elsewhere.key_prefix("elsewhere:").unwrap().build().unwrap();
    assert!(reason(ask(&elsewhere, 1).await).contains("NoPerm"));
    // A password that is set right later is noticed.
    let late = store("api:other@");
    ask(&late, 5).await.unwrap_err();
    let mut command = redis::cmd("ACL");
    command.arg("SETUSER").arg("api").arg(">other");
    command.exec_async(&mut admin).await.unwrap();
    assert!(resumes(&late, 10).await < Duration::from_secs(2));
}

#[tokio::test]
async fn a_full_server_refuses_new_proofs_and_remembers_the_old_ones() {
    let Some(server) = RedisServer::start(&["--maxmemory", "3mb"]) else {
        return;
    };
    let store = server.patient_store();
    let mut accepted = 0;
    while let Ok(recorded) = ask(&store, accepted).await {
        assert_eq!(recorded, Recorded::First);
        accepted += 1;
        assert!(accepted < 100_000, "it is never full");
    }
    assert!(accepted > 10, "{accepted}");
    for jti in 0..accepted + 100 {
        assert!(
            matches!(ask(&store, jti).await, Err(StoreError::Full)),
            "{jti}"
        );
    }
    server
        .command(&["CONFIG", "SET", "maxmemory", "100mb"])
        .await;
    for jti in 0..accepted {
        assert_eq!(ask(&store, jti).await.unwrap(), Recorded::Replayed, "{jti}");
    }
    assert_eq!(ask(&store, accepted).await.unwrap(), Recorded::First);
}

#[tokio::test]
async fn a_server_that_evicts_is_refused_unless_that_was_asked_for() {
    for (policy, limit, refused) in [
        ("allkeys-lru", "100mb", true),
        ("volatile-ttl", "100mb", true),
        ("allkeys-lru", "0", false),
        ("noeviction", "100mb", false),
    ] {
        let Some(server) =
            RedisServer::start(&["--maxmemory-policy", policy, "--maxmemory", limit])
        else {
            return;
        };
        let answer = ask(&server.store(), 1).await;
        if refused {
            assert!(reason(answer).contains(policy));
            let builder = RedisReplayStore::builder(&server.url()).unwrap();
            let store = builder.dangerous().accept_eviction().build().unwrap();
            assert_eq!(ask(&store, 1).await.unwrap(), Recorded::First);
            let store = server.store();
            ask(&store, 2).await.unwrap_err();
            server
                .command(&["CONFIG", "SET", "maxmemory-policy", "noeviction"])
                .await;
            assert!(resumes(&store, 3).await < Duration::from_secs(2));
        } else {
            assert_eq!(answer.unwrap(), Recorded::First, "{policy} {limit}");
        }
    }
}

#[tokio::test]
async fn no_more_commands_wait_than_may() {
    let Some(server) = RedisServer::start(&[]) else {
        return;
    };
    let builder = RedisReplayStore::builder(&server.url()).unwrap();
    let store = builder.max_waiting(10).unwrap().build().unwrap();
    ask(&store, 1).await.unwrap();
    server.signal("-STOP");
    let mut tasks = JoinSet::new();
    for jti in 0..30 {
        let store = store.clone();
        tasks.spawn(async move { reason(ask(&store, 10 + jti).await) });
    }
    let mut turned_away = 0;
    while let Some(said) = tasks.join_next().await {
        turned_away += u32::from(said.unwrap().contains("waiting already"));
    }
    server.signal("-CONT");
    assert_eq!(turned_away, 20);
    resumes(&store, 100).await;
}

// Whoever turns to another page does not let others wait for an answer that is not theirs.
#[tokio::test]
async fn answers_are_not_mixed_up_when_requests_are_given_up() {
    let Some(server) = RedisServer::start(&[]) else {
        return;
    };
    let store = server.patient_store();
    ask(&store, 0).await.unwrap();
    let mut tasks = JoinSet::new();
    for jti in 0..2_000 {
        let store = store.clone();
        tasks.spawn(async move {
            if jti % 3 == 0 {
                tokio::time::timeout(Duration::from_micros(jti % 700), ask(&store, jti))
                    .await
                    .ok();
            }
            let first = ask(&store, 10_000 + jti).await.unwrap();
            let second = ask(&store, 10_000 + jti).await.unwrap();
            assert_eq!((first, second), (Recorded::First, Recorded::Replayed));
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
}
