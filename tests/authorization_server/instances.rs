//! Two instances of the server that share a Redis, each request sent to the other one than the last.
//!
//! Without `redis-server` on the path these tests say that they were skipped; with `TOWER_FAPI_CI=1` they fail instead.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{Router, body::Body};
use http::Request;
use serde_json::json;
use tokio::task::JoinSet;
use tower::ServiceExt as _;
use tower_fapi::{
    authorization_server::AuthorizationServerBuilder,
    replay::RedisReplayStore,
    time::{Clock as _, SystemClock},
};

use crate::{
    browser::{Browser, answer, error_page, landed},
    introspection::Asking,
    redis_server::RedisServer,
    second_factor::{code, people},
    world::{TOKEN, World, claims_of, form, post, send, with_proof},
};

/// Two instances behind something that sends each request to the other one.
struct Pair {
    world: World,
    instances: [Router; 2],
    asking: Asking,
}

/// A connection of one instance's own. Nothing that ends soon is doubted because the server has just been started.
fn connect(redis: &RedisServer) -> RedisReplayStore {
    RedisServer::store_of_anything(&redis.url())
}

impl Pair {
    fn start(redis: &RedisServer) -> Self {
        let asking = Asking::new("api");
        let metadata = || asking.metadata(&json!({}));
        let instance = |builder: AuthorizationServerBuilder| {
            builder
                .redis(&connect(redis))
                .authenticator(people())
                .resource(metadata())
        };
        let mut world = World::with(instance);
        let instances = [world.router.clone(), world.twin(instance)];
        world.router = Router::new();
        let mut pair = Self {
            world,
            instances,
            asking,
        };
        pair.alternate(0, Duration::ZERO);
        pair
    }

    /// Sends the first request to this instance, the next to the other, and so on.
    ///
    /// Redis has no clock that could be moved by hand, so that ours follows the system's, so much ahead: also where the machine
    /// stops for half a minute.
    fn alternate(&mut self, first: usize, ahead: Duration) {
        let (instances, clock) = (self.instances.clone(), self.world.clock.clone());
        let now = move || SystemClock.now().plus(ahead);
        clock.set(now());
        let count = Arc::new(AtomicUsize::new(first));
        self.world.router = Router::new().fallback(move |request: Request<Body>| {
            clock.set(now());
            let turn = count.fetch_add(1, Ordering::SeqCst) % 2;
            instances[turn].clone().oneshot(request)
        });
    }
}

// RFC 9126 §4, RFC 6749 §4.1 and §6, RFC 7662, RFC 7009: nothing is remembered by one instance alone.
#[tokio::test]
async fn every_step_of_a_flow_may_be_taken_at_another_instance() {
    let Some(redis) = RedisServer::start(&[]) else {
        return;
    };
    let mut pair = Pair::start(&redis);
    for first in [0, 1] {
        // The code of the authenticator app is right once, so the second time is a step later.
        let step = Duration::from_secs(30) * u32::try_from(first).unwrap();
        pair.alternate(first, step);
        let world = &pair.world;
        let request_uri = world.push(&[]).await.text("request_uri");
        let mut browser = Browser::new(world);
        let page = browser.open("dpop", &request_uri).await;
        let reply = browser.sign_in_as("alice", &page).await;
        let page = browser.follow(reply).await;
        let reply = browser.prove(&page, &code(world.now())).await;
        let consent = browser.follow(reply).await;
        assert!(consent.path.starts_with("/consent?"), "{}", consent.path);
        let answer = answer(&landed(&browser.submit(&consent, &[], "approve").await));
        let again = browser.submit(&consent, &[], "approve").await;
        let spent = (400, "invalid_request_uri".to_owned());
        assert_eq!(error_page(&again), spent);

        let granted = world.redeem(&answer["code"]).await;
        assert_eq!(granted.status, 200, "{granted:?}");
        let token = granted.text("access_token");
        let refresh_token = granted.text("refresh_token");
        assert_eq!(claims_of(&token)["sub"], "subject of alice");
        let refreshed = world.refreshed("dpop", &refresh_token).await;
        let other = refreshed.text("access_token");
        for token in [&token, &other, &token, &other] {
            assert!(pair.asking.active(world, token).await);
        }
        assert_eq!(world.revoke("dpop", &other, &[]).await.status, 200);
        assert!(pair.asking.active(world, &token).await);
        assert!(!pair.asking.active(world, &other).await);
        assert!(!pair.asking.active(world, &other).await);
        let revoked = world.revoke("dpop", &refresh_token, &[]).await;
        assert_eq!(revoked.status, 200);
        assert!(!pair.asking.active(world, &token).await);
        let refused = world.refreshed("dpop", &refresh_token).await;
        assert_eq!(refused.refusal(), (400, "invalid_grant".to_owned()));

        // Who is signed in at one is signed in at the other.
        for _ in 0..2 {
            let request_uri = world.push(&[]).await.text("request_uri");
            let page = browser.open("dpop", &request_uri).await;
            assert!(page.path.starts_with("/consent?"), "{}", page.path);
        }
    }
}

// RFC 6749 §4.1.2, FAPI 2.0 Security Profile §5.3.2.2.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_who_redeem_a_code_at_both_one_gets_tokens_and_then_the_grant_ends() {
    let Some(redis) = RedisServer::start(&[]) else {
        return;
    };
    let pair = Pair::start(&redis);
    let world = &pair.world;
    let invalid_grant = (400, "invalid_grant".to_owned());
    for round in 0..5 {
        let request_uri = world.push(&[]).await.text("request_uri");
        let mut browser = Browser::new(world);
        let page = browser.open("dpop", &request_uri).await;
        let reply = browser.sign_in_as("bob", &page).await;
        let consent = browser.follow(reply).await;
        let answer = answer(&landed(&browser.submit(&consent, &[], "approve").await));
        let mut attempts = JoinSet::new();
        for _ in 0..8 {
            let request = post(TOKEN, &world.redemption("dpop", &answer["code"]));
            let request = with_proof(request, &world.proof(TOKEN));
            attempts.spawn(send(world.router.clone(), request));
        }
        let replies = attempts.join_all().await;
        let granted: Vec<_> = replies.iter().filter(|reply| reply.status == 200).collect();
        assert_eq!(granted.len(), 1, "round {round}: {replies:?}");
        for refused in replies.iter().filter(|reply| reply.status != 200) {
            assert_eq!(refused.refusal(), invalid_grant, "round {round}");
        }
        for granted in granted {
            let refresh_token = granted.text("refresh_token");
            let refreshed = world.refreshed("dpop", &refresh_token).await;
            assert_eq!(refreshed.refusal(), invalid_grant, "used twice");
            let token = granted.text("access_token");
            assert!(!pair.asking.active(world, &token).await, "round {round}");
        }
    }
}

// RFC 9126 §4: a request_uri is good for one authorization.
#[tokio::test]
async fn a_request_that_two_windows_show_at_two_instances_is_completed_by_one() {
    let Some(redis) = RedisServer::start(&[]) else {
        return;
    };
    let pair = Pair::start(&redis);
    for (one, two) in [
        ("approve", "approve"),
        ("approve", "deny"),
        ("deny", "approve"),
    ] {
        let request_uri = pair.world.push(&[]).await.text("request_uri");
        let mut browser = Browser::new(&pair.world);
        let page = browser.open("dpop", &request_uri).await;
        let reply = browser.sign_in_as("bob", &page).await;
        let consent = browser.follow(reply).await;
        let mut other = browser.clone();
        let (first, second) = tokio::join!(
            browser.submit(&consent, &[], one),
            other.submit(&consent, &[], two)
        );
        let (winner, loser) = if first.status == 303 {
            (first, second)
        } else {
            (second, first)
        };
        landed(&winner);
        let spent = (400, "invalid_request_uri".to_owned());
        assert_eq!(error_page(&loser), spent, "{one} {two}");
    }
}

// RFC 6238 §5.2, RFC 7523 §3 rule 7, RFC 9449 §11.1: what may be used once may be used once at all of them.
#[tokio::test]
async fn what_one_instance_has_seen_used_is_used_at_the_other() {
    let Some(redis) = RedisServer::start(&[]) else {
        return;
    };
    let pair = Pair::start(&redis);
    let world = &pair.world;
    let parameters = world.pushed("dpop", &[]);
    let replies = [
        world.send(post(crate::world::PAR, &parameters)).await,
        world.send(post(crate::world::PAR, &parameters)).await,
    ];
    assert_eq!(replies[0].status, 201);
    let refused = (401, "invalid_client".to_owned());
    assert_eq!(replies[1].refusal(), refused);

    let used = code(world.now());
    for status in [303, 403] {
        let request_uri = world.push(&[]).await.text("request_uri");
        let mut browser = Browser::new(world);
        let page = browser.open("dpop", &request_uri).await;
        let reply = browser.sign_in_as("alice", &page).await;
        let page = browser.follow(reply).await;
        // Each at an instance of its own, which alone has never seen this code.
        let at = usize::from(status == 403);
        let fields = form([("csrf", &page.csrf()), ("otp", &used), ("verify", "yes")]);
        let url = format!("{}{}", crate::world::ISSUER, page.action());
        let reply = browser
            .at(&pair.instances[at])
            .send(post(&url, &fields))
            .await;
        assert_eq!(reply.status, status);
    }
}

#[tokio::test]
async fn while_redis_is_down_nothing_is_consumed_and_then_everything_goes_on() {
    let durable = ["--appendonly", "yes", "--appendfsync", "always"];
    let Some(mut redis) = RedisServer::start(&durable) else {
        return;
    };
    let pair = Pair::start(&redis);
    let world = &pair.world;
    let request_uri = world.push(&[]).await.text("request_uri");
    let mut browser = Browser::new(world);
    let page = browser.open("dpop", &request_uri).await;
    let reply = browser.sign_in_as("bob", &page).await;
    let consent = browser.follow(reply).await;
    let code = {
        let request_uri = world.push(&[]).await.text("request_uri");
        let page = browser.open("dpop", &request_uri).await;
        answer(&landed(&browser.submit(&page, &[], "approve").await))["code"].clone()
    };
    redis.kill();
    let unavailable = (503, "temporarily_unavailable".to_owned());
    for _ in 0..2 {
        let pushed = world.push(&[]).await;
        assert_eq!(pushed.refusal(), unavailable);
        assert!(pushed.header("retry-after").is_some());
        let approved = browser.submit(&consent, &[], "approve").await;
        assert_eq!(error_page(&approved), unavailable);
        assert_eq!(world.redeem(&code).await.refusal(), unavailable);
    }
    redis.run();
    let mut granted = world.redeem(&code).await;
    for _ in 0..200 {
        if granted.status != 503 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
        granted = world.redeem(&code).await;
    }
    assert_eq!(granted.status, 200, "{granted:?}");
    // The other instance finds out by itself, too.
    let mut pushed = world.push(&[]).await;
    for _ in 0..200 {
        if pushed.status != 503 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
        pushed = world.push(&[]).await;
    }
    let mut approved = browser.submit(&consent, &[], "approve").await;
    if approved.status == 503 {
        approved = browser.submit(&consent, &[], "approve").await;
    }
    landed(&approved);
}

#[tokio::test]
async fn an_instance_that_is_started_anew_has_lost_nothing() {
    let Some(redis) = RedisServer::start(&[]) else {
        return;
    };
    let mut pair = Pair::start(&redis);
    let request_uri = pair.world.push(&[]).await.text("request_uri");
    let mut browser = Browser::new(&pair.world);
    let page = browser.open("dpop", &request_uri).await;
    let reply = browser.sign_in_as("bob", &page).await;
    let consent = browser.follow(reply).await;

    let asking = &pair.asking;
    let new = |builder: AuthorizationServerBuilder| {
        builder
            .redis(&connect(&redis))
            .authenticator(people())
            .resource(asking.metadata(&json!({})))
    };
    pair.world.router = pair.world.twin(new);
    let mut browser = browser.at(&pair.world.router);
    let answer = answer(&landed(&browser.submit(&consent, &[], "approve").await));
    pair.world.router = pair.world.twin(new);
    let granted = pair.world.redeem(&answer["code"]).await;
    pair.world.router = pair.world.twin(new);
    let token = granted.text("access_token");
    assert!(pair.asking.active(&pair.world, &token).await);
    let refresh_token = granted.text("refresh_token");
    let refreshed = pair.world.refreshed("dpop", &refresh_token).await;
    assert_eq!(refreshed.status, 200, "{refreshed:?}");
    let again = pair.world.redeem(&answer["code"]).await;
    assert_eq!(again.refusal(), (400, "invalid_grant".to_owned()));
}
