//! Nonces of several instances (RFC 9449 §8, §9): what one hands out the others accept.

use std::{sync::Arc, time::Duration};

use axum::body::Body;
use tower::ServiceExt as _;
use tower_fapi::{
    replay::MemoryReplayStore,
    testing::TestIssuer,
    time::{Clock as _, ManualClock},
};

use crate::{
    api::{self, API, Client, ISSUER},
    http::Connection,
    instance::Instance,
    server::{RedisServer, now},
};

// In every step each of two processes accepts what the other hands out, and nonces of before.
#[tokio::test]
async fn secrets_change_in_two_processes_without_a_client_being_refused() {
    let Some(redis) = RedisServer::start(&[]) else {
        return;
    };
    let issuer = TestIssuer::new(ISSUER, API);
    let instances = [(); 2].map(|()| Instance::start(&redis.url(), &issuer, Some(&[1])));
    let client = Client::new(&issuer, now());
    let mut connections = Vec::new();
    for instance in &instances {
        connections.push(Connection::open(instance.address).await);
    }
    let mut kept = Vec::new();
    // First everybody learns the new one, then it is used, then the old one goes.
    for (step, secrets) in ["[1]", "[1, 2]", "[2, 1]"].into_iter().enumerate() {
        for changed in 0..2 {
            let line = "content-type: application/json\r\n";
            let answer = connections[changed]
                .send("POST", "/secrets", line, secrets)
                .await;
            assert_eq!(answer.status, 200);
            for connection in &mut connections {
                let bare = client.headers(now(), None);
                let challenge = connection.send("GET", "/accounts", &bare, "").await;
                assert_eq!(challenge.status, 401);
                assert!(challenge.challenges_with("use_dpop_nonce"), "{challenge:?}");
                kept.push(challenge.header("dpop-nonce").unwrap().to_owned());
            }
            for nonce in &kept {
                for connection in &mut connections {
                    let headers = client.headers(now(), Some(nonce));
                    let answer = connection.send("GET", "/accounts", &headers, "").await;
                    assert_eq!(answer.status, 200, "{step} {changed}: {answer:?}");
                }
            }
        }
    }
    // Once the old secret is gone, its nonces are; the client is given another.
    let answer = connections[0]
        .send(
            "POST",
            "/secrets",
            "content-type: application/json\r\n",
            "[2]",
        )
        .await;
    assert_eq!(answer.status, 200);
    for (nonce, status) in [(&kept[0], 401), (kept.last().unwrap(), 200)] {
        let headers = client.headers(now(), Some(nonce));
        let answer = connections[0].send("GET", "/accounts", &headers, "").await;
        assert_eq!(answer.status, status);
    }
}

// RFC 9449 §8.2: a new one on a good answer, before the old one ends.
#[tokio::test]
async fn a_new_nonce_comes_early_and_every_instance_takes_it() {
    let clock = ManualClock::at(now());
    let issuer = TestIssuer::new(ISSUER, API);
    let records = Arc::new(MemoryReplayStore::new(1_000));
    let instance = || {
        let nonces = api::nonces(&[1], Duration::from_secs(60));
        let server = api::resource_server(&issuer.jwks(), Arc::clone(&records));
        let server = server.clock(clock.clone()).nonces(Arc::clone(&nonces));
        api::router(server.build().unwrap(), Some(nonces))
    };
    let (one, two) = (instance(), instance());
    let client = Client::new(&issuer, clock.now());
    let send = async |to: &axum::Router, nonce: Option<&str>| {
        let mut request = http::Request::get("/accounts").header("host", "api.example.com");
        for line in client.headers(clock.now(), nonce).lines() {
            let (name, value) = line.split_once(": ").unwrap();
            request = request.header(name, value);
        }
        let answer = to
            .clone()
            .oneshot(request.body(Body::empty()).unwrap())
            .await
            .unwrap();
        let nonces: Vec<_> = answer.headers().get_all("dpop-nonce").iter().collect();
        assert!(nonces.len() <= 1, "one at most");
        let nonce = nonces
            .first()
            .map(|value| value.to_str().unwrap().to_owned());
        (answer.status().as_u16(), nonce)
    };
    let (status, nonce) = send(&one, None).await;
    assert_eq!(status, 401);
    let mut nonce = nonce.unwrap();
    // Four lifetimes without a refusal, a request every ten seconds, at one instance and the other in turn.
    let mut renewals = 0;
    for tick in 0..24 {
        let instance = if tick % 2 == 0 { &two } else { &one };
        let (status, newer) = send(instance, Some(&nonce)).await;
        assert_eq!(status, 200, "{tick}");
        if let Some(newer) = newer {
            renewals += 1;
            nonce = newer;
        }
        clock.advance(Duration::from_secs(10));
    }
    assert_eq!(
        renewals, 5,
        "once in forty seconds: after the half, with the next request"
    );
}
