//! An API in two processes that share one Redis.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{join, task::JoinSet, time::sleep};
use tower_fapi::testing::TestIssuer;

use crate::{
    api::{API, Client, ISSUER},
    http::{Answer, Connection},
    instance::Instance,
    server::{RedisServer, now},
};

const PROOFS: usize = 10_000;
const WORKERS: usize = 20;

struct Pair {
    instances: [Instance; 2],
    client: Client,
}

impl Pair {
    fn start(redis: &RedisServer) -> Arc<Self> {
        let issuer = TestIssuer::new(ISSUER, API);
        let instances = [(); 2].map(|()| Instance::start(&redis.url(), &issuer, None));
        let client = Client::new(&issuer, now());
        Arc::new(Self { instances, client })
    }

    async fn connect(&self) -> (Connection, Connection) {
        let [one, two] = &self.instances;
        (
            Connection::open(one.address).await,
            Connection::open(two.address).await,
        )
    }

    /// How often the handlers of both have been reached.
    async fn served(&self) -> usize {
        let mut both = self.connect().await;
        let (one, two) = (count(&mut both.0).await, count(&mut both.1).await);
        one + two
    }
}

async fn count(connection: &mut Connection) -> usize {
    connection
        .send("GET", "/served", "", "")
        .await
        .body
        .parse()
        .unwrap()
}

/// One request, at both instances at the same time.
async fn send_to_both(both: &mut (Connection, Connection), headers: &str) -> [Answer; 2] {
    let one = both.0.send("GET", "/accounts", headers, "");
    let two = both.1.send("GET", "/accounts", headers, "");
    join!(one, two).into()
}

// RFC 9449 §11.1, for a service of several instances.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_accept_each_proof_once_and_none_while_redis_is_down() {
    let Some(mut redis) = RedisServer::start(&[]) else {
        return;
    };
    let pair = Pair::start(&redis);

    let begun = Instant::now();
    let mut workers = JoinSet::new();
    for _ in 0..WORKERS {
        workers.spawn(replay_everything(Arc::clone(&pair), PROOFS / WORKERS));
    }
    let used = workers.join_all().await.concat();
    println!("{PROOFS} proofs at both instances: {:?}", begun.elapsed());
    assert_eq!(pair.served().await, PROOFS);

    redis.kill();
    let mut workers = JoinSet::new();
    for _ in 0..WORKERS {
        workers.spawn(knock_in_vain(Arc::clone(&pair)));
    }
    workers.join_all().await;
    assert_eq!(pair.served().await, PROOFS, "nothing gets through");

    redis.run();
    let begun = Instant::now();
    let mut both = pair.connect().await;
    loop {
        // A proof for each, so that both have to say yes.
        let one = pair.client.headers(now(), None);
        let two = pair.client.headers(now(), None);
        let one = both.0.send("GET", "/accounts", &one, "");
        let two = both.1.send("GET", "/accounts", &two, "");
        let (one, two) = join!(one, two);
        if one.status == 200 && two.status == 200 {
            break;
        }
        assert!(begun.elapsed() < Duration::from_secs(2), "{one:?} {two:?}");
        sleep(Duration::from_millis(20)).await;
    }
    println!("back after {:?}", begun.elapsed());

    // Redis came back with nothing, and yet none of these is new.
    let before = pair.served().await;
    for headers in used.iter().rev().take(500) {
        for answer in send_to_both(&mut both, headers).await {
            assert!(matches!(answer.status, 401 | 503), "{answer:?}");
        }
    }
    assert_eq!(pair.served().await, before);
}

/// Sends proofs to both instances at once; returns them.
async fn replay_everything(pair: Arc<Pair>, proofs: usize) -> Vec<String> {
    let mut both = pair.connect().await;
    let mut used = Vec::new();
    for _ in 0..proofs {
        let headers = pair.client.headers(now(), None);
        let answers = send_to_both(&mut both, &headers).await;
        let mut statuses = answers.each_ref().map(|answer| answer.status);
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 401], "{answers:?}");
        let refused = answers.iter().find(|answer| answer.status == 401).unwrap();
        assert!(
            refused.challenges_with(r#"error="invalid_dpop_proof""#),
            "{refused:?}"
        );
        used.push(headers);
    }
    used
}

async fn knock_in_vain(pair: Arc<Pair>) {
    let mut both = pair.connect().await;
    for _ in 0..25 {
        let asked = Instant::now();
        for answer in send_to_both(&mut both, &pair.client.headers(now(), None)).await {
            assert_eq!(answer.status, 503, "{answer:?}");
            assert!(answer.header("retry-after").is_some());
        }
        assert!(asked.elapsed() < Duration::from_secs(2));
        sleep(Duration::from_millis(20)).await;
    }
}
