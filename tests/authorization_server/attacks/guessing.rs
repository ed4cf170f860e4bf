//! Guessing: passwords, codes, and who exists.

use tokio::task::JoinSet;
use tower_fapi::authorization_server::people::Throttling;

use crate::{
    browser::{Browser, Page},
    second_factor::{code, people},
    world::{Reply, World},
};

fn world() -> World {
    World::with(|builder| builder.authenticator(people()))
}

async fn login_page(world: &World) -> (Browser, Page) {
    let request_uri = world.push(&[]).await.text("request_uri");
    let mut browser = Browser::new(world);
    let page = browser.open("dpop", &request_uri).await;
    (browser, page)
}

async fn guess(world: &World, username: &str, password: &str) -> Reply {
    let (mut browser, page) = login_page(world).await;
    let fields = [("username", username), ("password", password)];
    browser.submit(&page, &fields, "login").await
}

/// A1; sign-in is outside the attacker model (its clause on system boundaries) and nevertheless where most attackers begin.
///
/// Attempts of many browsers at once count together, each new request and each cookie jar is the same guesser, and an attempt
/// that has to wait is not looked at, be it right.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn brute_force_in_parallel() {
    let world = world();
    let mut pages = Vec::new();
    for _ in 0..20 {
        pages.push(login_page(&world).await);
    }
    let mut guesses = JoinSet::new();
    for (n, (mut browser, page)) in pages.into_iter().enumerate() {
        guesses.spawn(async move {
            let password = format!("guess {n}");
            let fields = [("username", "alice"), ("password", password.as_str())];
            browser
                .submit(&page, &fields, "login")
                .await
                .status
                .as_u16()
        });
    }
    let statuses = guesses.join_all().await;
    let looked_at = statuses.iter().filter(|status| **status == 403).count();
    let turned_away = statuses.iter().filter(|status| **status == 429).count();
    assert_eq!((looked_at, turned_away), (6, 14), "{statuses:?}");
    let right = guess(&world, "alice", "wonderland").await;
    assert_eq!(right.status, 429, "not even looked at");
    assert_eq!(guess(&world, "bob", "wonderland").await.status, 303);
}

/// A1 who wants others to be locked out.
///
/// However long somebody goes on, the true user waits for a quarter of an hour at most, and what is tried meanwhile does not
/// prolong it.
#[tokio::test]
async fn locking_somebody_out_by_guessing() {
    let world = world();
    let mut longest = 0;
    for _ in 0..30 {
        let reply = guess(&world, "alice", "guess").await;
        if let Some(wait) = reply.header("retry-after") {
            let wait = wait.parse::<u64>().unwrap();
            longest = longest.max(wait);
            world.advance(wait / 2);
            assert_eq!(guess(&world, "alice", "guess").await.status, 429);
            world.advance(wait - wait / 2);
        }
    }
    assert_eq!(longest, 900);
    world.advance(900);
    assert_eq!(guess(&world, "alice", "wonderland").await.status, 303);
    assert_eq!(
        guess(&world, "alice", "a slip").await.status,
        403,
        "cleared"
    );
}

/// A1 who collects usernames.
///
/// A username that exists is answered like one that does not: the same words, status and headers, and the same wait. That both
/// cost one password hash is counted where the hashes are made (`people::configured`).
#[tokio::test]
async fn telling_users_from_strangers() {
    let world = world();
    for attempt in 0..9 {
        let of_user = guess(&world, "alice", "guess").await;
        let of_stranger = guess(&world, "nobody", "guess").await;
        assert_eq!(of_user.status, of_stranger.status, "{attempt}");
        let names = |reply: &Reply| -> Vec<String> {
            reply.headers.keys().map(ToString::to_string).collect()
        };
        assert_eq!(names(&of_user), names(&of_stranger), "{attempt}");
        let wait = |reply: &Reply| reply.header("retry-after").map(str::to_owned);
        assert_eq!(wait(&of_user), wait(&of_stranger), "{attempt}");
        let words = |reply: Reply, name: &str| {
            let page = Page {
                path: String::new(),
                reply,
            };
            page.text().replace(name, "NAME")
        };
        assert_eq!(words(of_user, "alice"), words(of_stranger, "nobody"));
    }
}

/// A1 who knows the password; RFC 4226 §7.3.
///
/// Codes of the second factor are guessed no faster for having many sessions, and signing in again clears nothing.
#[tokio::test]
async fn brute_force_on_the_second_factor_over_many_sessions() {
    let patient = Throttling {
        free_failures: 3,
        ..Throttling::default()
    };
    let world = World::with(|builder| builder.authenticator(people().throttling(patient)));
    let mut statuses = Vec::new();
    for n in 0..12 {
        let (mut browser, page) = login_page(&world).await;
        let reply = browser.sign_in_as("alice", &page).await;
        let page = browser.follow(reply).await;
        let reply = browser.prove(&page, &format!("{n:06}")).await;
        statuses.push(reply.status.as_u16());
    }
    assert_eq!(statuses[..4], [403; 4], "{statuses:?}");
    assert_eq!(statuses[4..], [429; 8], "{statuses:?}");
    // The true user is let in after the wait.
    world.advance(60);
    let (mut browser, page) = login_page(&world).await;
    let reply = browser.sign_in_as("alice", &page).await;
    let page = browser.follow(reply).await;
    let reply = browser.prove(&page, &code(world.now())).await;
    browser.follow(reply).await;
}
