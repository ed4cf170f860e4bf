//! Two requests in lockstep: both have read before either writes, as with instances that share a store.

use std::sync::Arc;

use tokio::task::yield_now;
use tower_fapi::{
    authorization_server::store::{MemoryStore, Record, RecordKey, RecordKind, Store, StoreFuture},
    time::Timestamp,
};

use crate::{
    browser::{Browser, Page, answer, error_page, landed},
    second_factor::{code, half_way, people},
    world::{TOKEN, World, form, post, with_proof},
};

/// A store whose every answer is on its way for a while, so that requests that run side by side take turns.
#[derive(Debug, Default)]
struct Lockstep(MemoryStore);

fn delayed<'a, T: Send + 'a>(answer: StoreFuture<'a, T>) -> StoreFuture<'a, T> {
    Box::pin(async {
        let answer = answer.await;
        yield_now().await;
        answer
    })
}

impl Store for Lockstep {
    fn put(&self, key: RecordKey, record: Record, now: Timestamp) -> StoreFuture<'_, ()> {
        delayed(self.0.put(key, record, now))
    }

    fn get(&self, key: RecordKey, now: Timestamp) -> StoreFuture<'_, Option<Vec<u8>>> {
        delayed(self.0.get(key, now))
    }

    fn replace(
        &self,
        key: RecordKey,
        record: Record,
        now: Timestamp,
    ) -> StoreFuture<'_, Option<Vec<u8>>> {
        delayed(self.0.replace(key, record, now))
    }

    fn take(&self, key: RecordKey, now: Timestamp) -> StoreFuture<'_, Option<Vec<u8>>> {
        delayed(self.0.take(key, now))
    }
}

fn world() -> World {
    World::with(|builder| builder.store(Arc::new(Lockstep::default())))
}

// RFC 6749 §4.1.2, FAPI 2.0 Security Profile §5.3.2.2.
#[tokio::test]
async fn a_code_that_two_have_seen_fresh_is_redeemed_by_one() {
    let world = world();
    let code = world.code("dpop", &[]).await;
    let (one, two) = tokio::join!(world.redeem(&code), world.redeem(&code));
    let (winner, loser) = if one.status == 200 {
        (one, two)
    } else {
        (two, one)
    };
    assert_eq!(winner.status, 200, "{winner:?}");
    let invalid_grant = (400, "invalid_grant".to_owned());
    assert_eq!(loser.refusal(), invalid_grant);
    // It was used twice, and that ends what came of it.
    let mut refresh = world.authentication("dpop");
    let token = winner.text("refresh_token");
    refresh.extend(form([
        ("grant_type", "refresh_token"),
        ("refresh_token", &token),
    ]));
    let reply = world
        .send(with_proof(post(TOKEN, &refresh), &world.proof(TOKEN)))
        .await;
    assert_eq!(reply.refusal(), invalid_grant);
}

async fn consent(world: &World) -> (Browser, Page) {
    let request_uri = world.push(&[]).await.text("request_uri");
    let mut browser = Browser::new(world);
    let page = browser.open("dpop", &request_uri).await;
    let reply = browser.sign_in(&page).await;
    let page = browser.follow(reply).await;
    (browser, page)
}

// RFC 9126 §4: a request_uri is good for one authorization.
#[tokio::test]
async fn a_request_that_two_windows_show_is_completed_by_one() {
    for (first, second) in [
        ("approve", "approve"),
        ("approve", "deny"),
        ("deny", "approve"),
    ] {
        let world = world();
        let (mut browser, page) = consent(&world).await;
        let mut other = browser.clone();
        let (one, two) = tokio::join!(
            browser.submit(&page, &[], first),
            other.submit(&page, &[], second)
        );
        let (winner, loser) = if one.status == 303 {
            (one, two)
        } else {
            (two, one)
        };
        let answer = answer(&landed(&winner));
        assert!(answer.contains_key("code") != answer.contains_key("error"));
        let expected = (400, "invalid_request_uri".to_owned());
        assert_eq!(error_page(&loser), expected, "{first} {second}");
    }
}

// RFC 7523 §3 rule 7, RFC 9449 §11.1.
#[tokio::test]
async fn of_two_copies_of_a_request_one_is_answered() {
    let world = world();
    let code = world.code("dpop", &[]).await;
    let token = world.redeem(&code).await.text("refresh_token");
    let mut parameters = world.authentication("dpop");
    parameters.extend(form([
        ("grant_type", "refresh_token"),
        ("refresh_token", &token),
    ]));
    let proof = world.proof(TOKEN);
    let copy = || world.send(with_proof(post(TOKEN, &parameters), &proof));
    let (one, two) = tokio::join!(copy(), copy());
    let (winner, loser) = if one.status == 200 {
        (one, two)
    } else {
        (two, one)
    };
    assert_eq!(winner.status, 200, "{winner:?}");
    assert_eq!(loser.refusal(), (401, "invalid_client".to_owned()));

    // Later as well, and with a fresh assertion but the old proof.
    assert_eq!(copy().await.refusal(), (401, "invalid_client".to_owned()));
    let mut fresh = world.authentication("dpop");
    fresh.extend(form([
        ("grant_type", "refresh_token"),
        ("refresh_token", &token),
    ]));
    let reply = world.send(with_proof(post(TOKEN, &fresh), &proof)).await;
    assert_eq!(reply.refusal(), (400, "invalid_dpop_proof".to_owned()));
}

// Whoever signs out in one window is not signed in again by the code that was typed in another.
#[tokio::test]
async fn a_session_that_ends_while_a_code_is_looked_at_has_ended() {
    let store = Arc::new(Lockstep::default());
    let shared = Arc::clone(&store);
    let world = World::with(|builder| builder.store(shared).authenticator(people()));
    let (mut browser, page) = half_way(&world).await;
    let logout = Page {
        reply: browser.get("/logout").await,
        path: "/logout".to_owned(),
    };
    let mut other = browser.clone();
    let right = code(world.now());
    // Both have read the session before either takes it.
    let (proved, signed_out) = tokio::join!(
        biased;
        browser.prove(&page, &right),
        other.submit(&logout, &[], "logout")
    );
    assert_eq!(signed_out.status, 200);
    assert_eq!(error_page(&proved), (400, "invalid_request".to_owned()));
    assert!(store.0.is_empty(RecordKind::Session));
}
