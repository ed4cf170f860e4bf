//! The second factor (RFC 6238): asked for after the password, right once, and not to be got around.

use std::sync::{Arc, LazyLock};

use serde_json::json;
use tower_fapi::{
    authorization_server::{
        AuthenticationRules, AuthorizationServerBuilder, SecondFactorUse,
        people::{
            ConfiguredUsers, Password, StandardClaims, Throttling, TotpSecret, UserConfig,
            hash_password,
        },
        store::RecordKind,
    },
    replay::MemoryReplayStore,
    time::Timestamp,
};

use crate::{
    browser::{Browser, Page, answer, error_page, landed},
    world::{ISSUER, Reply, World, claims_of, form, post},
};

pub const PASSWORD: &str = "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport";
pub const MULTI_FACTOR: &str = "https://refeds.org/profile/mfa";

const SECRET: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

/// Alice has a second factor, Bob has none.
pub fn people() -> ConfiguredUsers {
    static HASH: LazyLock<String> =
        LazyLock::new(|| hash_password(&Password::from("wonderland".to_owned())).unwrap());
    let user = |name: &str, secret: Option<&str>| UserConfig {
        username: name.to_owned(),
        subject: format!("subject of {name}"),
        display_name: format!("{name} Example"),
        password_hash: HASH.clone(),
        totp_secret: secret.map(|secret| secret.to_owned().into()),
        claims: StandardClaims::default(),
    };
    ConfiguredUsers::new([user("alice", Some(SECRET)), user("bob", None)]).unwrap()
}

pub fn when_asked(builder: AuthorizationServerBuilder) -> AuthorizationServerBuilder {
    let mut rules = AuthenticationRules::default();
    rules.second_factor = SecondFactorUse::WhenAsked;
    builder.authenticator(people()).authentication_rules(rules)
}

pub fn world() -> World {
    World::with(|builder| builder.authenticator(people()))
}

pub fn code(now: Timestamp) -> String {
    SECRET.parse::<TotpSecret>().unwrap().code(now)
}

impl Browser {
    /// Types the code into the page.
    pub async fn prove(&mut self, page: &Page, code: &str) -> Reply {
        assert!(page.path.starts_with("/second-factor?"), "{}", page.path);
        self.submit(page, &[("otp", code)], "verify").await
    }

    pub async fn sign_in_as(&mut self, name: &str, page: &Page) -> Reply {
        let fields = [("username", name), ("password", "wonderland")];
        self.submit(page, &fields, "login").await
    }
}

/// Alice's browser at the page that asks for her code.
pub async fn half_way(world: &World) -> (Browser, Page) {
    let request_uri = world.push(&[]).await.text("request_uri");
    let mut browser = Browser::new(world);
    let page = browser.open("dpop", &request_uri).await;
    let reply = browser.sign_in_as("alice", &page).await;
    let page = browser.follow(reply).await;
    (browser, page)
}

fn problem(reply: &Reply) -> String {
    let html = scraper::Html::parse_document(&reply.body);
    let selector = scraper::Selector::parse("#problem strong").unwrap();
    html.select(&selector)
        .next()
        .expect("a problem")
        .text()
        .collect()
}

// RFC 9068 §2.2.1, RFC 9470 §6.1, RFC 8176 §2.
#[tokio::test]
async fn the_token_says_that_there_were_two_factors() {
    let world = world();
    let (mut browser, page) = half_way(&world).await;
    assert_eq!(
        crate::browser::attribute(&page.html(), "#otp", "name"),
        "otp"
    );
    assert!(page.text().contains("alice Example"));
    let signed_in = world.now();
    world.advance(40);
    let reply = browser.prove(&page, &code(world.now())).await;
    let consent = browser.follow(reply).await;
    assert!(consent.path.starts_with("/consent?"), "{}", consent.path);
    let answer = answer(&landed(&browser.submit(&consent, &[], "approve").await));
    let reply = world.redeem(&answer["code"]).await;
    let claims = claims_of(&reply.text("access_token"));
    assert_eq!(claims["acr"], MULTI_FACTOR);
    assert_eq!(claims["amr"], json!(["pwd", "otp", "mfa"]));
    assert_eq!(
        claims["auth_time"],
        signed_in.as_unix(),
        "of the older factor"
    );
    assert_eq!(claims["sub"], "subject of alice");
}

#[tokio::test]
async fn who_has_no_second_factor_is_not_asked_for_one() {
    let world = world();
    let request_uri = world.push(&[]).await.text("request_uri");
    let mut browser = Browser::new(&world);
    let page = browser.open("dpop", &request_uri).await;
    let reply = browser.sign_in_as("bob", &page).await;
    let consent = browser.follow(reply).await;
    assert!(consent.path.starts_with("/consent?"), "{}", consent.path);
    let second = browser
        .get(&consent.path.replacen("/consent", "/second-factor", 1))
        .await;
    assert!(
        second.header("location").unwrap().starts_with("/consent?"),
        "{second:?}"
    );
    let answer = answer(&landed(&browser.submit(&consent, &[], "approve").await));
    let claims = claims_of(&world.redeem(&answer["code"]).await.text("access_token"));
    assert_eq!(claims["acr"], PASSWORD);
    assert_eq!(claims["amr"], json!(["pwd"]));
}

#[tokio::test]
async fn a_password_alone_leads_nowhere() {
    let world = world();
    let (mut browser, page) = half_way(&world).await;
    let consent = page.path.replacen("/second-factor", "/consent", 1);
    let url = format!("{ISSUER}{consent}");
    for csrf in [page.csrf(), String::new()] {
        let seen = browser.get(&consent).await;
        let forged = form([("csrf", &csrf), ("approve", "yes")]);
        let approved = browser.send(post(&url, &forged)).await;
        for reply in [seen, approved] {
            assert_eq!(reply.status, 303);
            assert!(
                reply
                    .header("location")
                    .unwrap()
                    .starts_with("/second-factor?")
            );
        }
    }
    // Nor with another request.
    let request_uri = world.push(&[]).await.text("request_uri");
    let other = browser.open("dpop", &request_uri).await;
    assert!(other.path.starts_with("/second-factor?"), "{}", other.path);
    // Nor without a session, or with one that was never given out.
    for session in [None, Some("x".repeat(43))] {
        let mut stranger = browser.clone();
        stranger.cookies.remove("__Host-session");
        stranger
            .cookies
            .extend(session.map(|value| ("__Host-session".to_owned(), value)));
        let fields = [("otp", code(world.now()))];
        let fields = [("otp", fields[0].1.as_str())];
        for reply in [
            stranger.get(&page.path).await,
            stranger.submit(&page, &fields, "verify").await,
        ] {
            assert!(
                reply.header("location").unwrap().starts_with("/login?"),
                "{reply:?}"
            );
        }
    }
    assert!(world.store.is_empty(RecordKind::Code));
}

#[tokio::test]
async fn what_is_not_the_code_does_not_pass_for_it() {
    let world = World::with(|builder| {
        let patient = Throttling {
            free_failures: 100,
            ..Throttling::default()
        };
        builder.authenticator(people().throttling(patient))
    });
    let (mut browser, page) = half_way(&world).await;
    let right = code(world.now());
    let wrong = if right == "000000" {
        "000001"
    } else {
        "000000"
    };
    let session = browser.cookies["__Host-session"].clone();
    for typed in [
        "",
        wrong,
        &right[..5],
        &format!("{right}0"),
        &format!("0{right}"),
        &code(Timestamp::from_unix(world.now().as_unix() - 90)),
        &code(Timestamp::from_unix(world.now().as_unix() + 90)),
        SECRET,
        "wonderland",
    ] {
        let reply = browser.prove(&page, typed).await;
        assert_eq!(reply.status, 403, "{typed}");
        assert_eq!(problem(&reply), "That code is not right.", "{typed}");
        assert!(!reply.body.contains(&right), "nothing is repeated");
    }
    assert_eq!(browser.cookies["__Host-session"], session);
    let reply = browser.prove(&page, &right).await;
    browser.follow(reply).await;
    assert_ne!(
        browser.cookies["__Host-session"], session,
        "a new session for more rights"
    );
}

#[tokio::test]
async fn a_form_that_is_not_ours_proves_nothing() {
    let world = world();
    let (mut browser, page) = half_way(&world).await;
    let (_, others) = half_way(&world).await;
    let login = page.path.replacen("/second-factor", "/login", 1);
    let login = Page {
        reply: browser.get(&login).await,
        path: login,
    };
    let url = format!("{ISSUER}{}", page.action());
    let right = code(world.now());
    for (case, csrf) in [
        ("none", String::new()),
        ("made up", "x".repeat(43)),
        ("of another browser", others.csrf()),
        ("of the login form", login.csrf()),
    ] {
        for button in ["verify", "deny"] {
            let fields = form([("csrf", &csrf), ("otp", &right), (button, "yes")]);
            let reply = browser.send(post(&url, &fields)).await;
            assert_eq!(reply.status, 403, "{case} {button}");
            assert_eq!(
                problem(&reply),
                "This page was open for too long.",
                "{case} {button}"
            );
        }
    }
    let twice = form([("csrf", &page.csrf()), ("otp", &right), ("otp", &right)]);
    let reply = browser.send(post(&url, &twice)).await;
    assert_eq!(error_page(&reply), (400, "invalid_request".to_owned()));
    let reply = browser.prove(&page, &right).await;
    browser.follow(reply).await;
}

// Whoever types the code is who was shown the page.
#[tokio::test]
async fn the_page_of_another_session_proves_nothing() {
    let world = world();
    let (mut browser, stale) = half_way(&world).await;
    let login = stale.path.replacen("/second-factor", "/login", 1);
    let login = Page {
        reply: browser.get(&login).await,
        path: login,
    };
    let reply = browser.sign_in_as("alice", &login).await;
    let page = browser.follow(reply).await;
    let right = code(world.now());
    let reply = browser.prove(&stale, &right).await;
    assert_eq!(
        (reply.status.as_u16(), problem(&reply).as_str()),
        (403, "This page was open for too long.")
    );
    let reply = browser.prove(&page, &right).await;
    browser.follow(reply).await;
}

// A session lasts for as long as it was given when the password was typed.
#[tokio::test]
async fn a_second_factor_prolongs_no_session() {
    let world = world();
    let (mut browser, page) = half_way(&world).await;
    world.advance(590);
    let reply = browser.prove(&page, &code(world.now())).await;
    browser.follow(reply).await;
    for (passes, expected) in [(1209, "/consent?"), (1, "/login?")] {
        world.advance(passes);
        let request_uri = world.push(&[]).await.text("request_uri");
        let page = browser.open("dpop", &request_uri).await;
        assert!(page.path.starts_with(expected), "{}", page.path);
    }
}

// RFC 6238 §5.2: "The verifier MUST NOT accept the second attempt of the OTP".
#[tokio::test]
async fn a_code_is_right_once() {
    let world = world();
    let (mut one, page_of_one) = half_way(&world).await;
    let (mut other, page_of_other) = half_way(&world).await;
    let used = code(world.now());
    let reply = one.prove(&page_of_one, &used).await;
    one.follow(reply).await;
    for seconds in [0, 29, 30] {
        world.advance(seconds);
        let reply = other.prove(&page_of_other, &used).await;
        assert_eq!(
            (reply.status.as_u16(), problem(&reply).as_str()),
            (403, "That code is not right.")
        );
    }
    let reply = other.prove(&page_of_other, &code(world.now())).await;
    other.follow(reply).await;
    // One that is older than the last that was used.
    let (mut third, page) = half_way(&world).await;
    let older = code(Timestamp::from_unix(world.now().as_unix() - 30));
    assert_eq!(third.prove(&page, &older).await.status, 403);
}

#[tokio::test]
async fn a_code_is_right_once_at_all_instances_together() {
    let recorded = Arc::new(MemoryReplayStore::new(100));
    let share = |builder: AuthorizationServerBuilder| {
        builder
            .authenticator(people())
            .replay_store(recorded.clone())
    };
    let (here, there) = (World::with(share), World::with(share));
    let used = code(here.now());
    let (mut browser, page) = half_way(&here).await;
    let reply = browser.prove(&page, &used).await;
    browser.follow(reply).await;
    let (mut browser, page) = half_way(&there).await;
    let reply = browser.prove(&page, &used).await;
    assert_eq!(
        (reply.status.as_u16(), problem(&reply).as_str()),
        (403, "That code is not right.")
    );
}

// Whoever has seen a code typed could otherwise go on guessing at another instance.
#[tokio::test]
async fn a_code_that_was_used_elsewhere_clears_no_failures() {
    let recorded = Arc::new(MemoryReplayStore::new(100));
    let share = |builder: AuthorizationServerBuilder| {
        builder
            .authenticator(people())
            .replay_store(recorded.clone())
    };
    let (here, there) = (World::with(share), World::with(share));
    let used = code(here.now());
    let (mut browser, page) = half_way(&here).await;
    let reply = browser.prove(&page, &used).await;
    browser.follow(reply).await;
    let (mut browser, page) = half_way(&there).await;
    for guess in ["1", "2", "3", "4", "5", &used] {
        assert_eq!(browser.prove(&page, guess).await.status, 403, "{guess}");
    }
    assert_eq!(browser.prove(&page, "6").await.status, 429);
}

#[tokio::test]
async fn guessing_codes_is_slowed_down_and_the_password_does_not_help() {
    let world = world();
    for failure in 0..6 {
        let (mut browser, page) = half_way(&world).await;
        assert_eq!(
            browser.prove(&page, "nothing").await.status,
            403,
            "{failure}"
        );
    }
    let (mut browser, page) = half_way(&world).await;
    let reply = browser.prove(&page, &code(world.now())).await;
    assert_eq!(reply.status, 429);
    assert_eq!(reply.header("retry-after"), Some("2"));
    world.advance(2);
    let reply = browser.prove(&page, &code(world.now())).await;
    browser.follow(reply).await;
}

// A replay store that is full, or down, is our fault: nobody gets in unrecorded, nobody is told the code is wrong.
#[tokio::test]
async fn a_code_that_cannot_be_recorded_is_not_accepted() {
    let recorded = Arc::new(MemoryReplayStore::new(1));
    let world = World::with(|builder| {
        builder
            .authenticator(people())
            .replay_store(recorded.clone())
    });
    // The assertion of the pushed request takes the only place.
    let (mut browser, page) = half_way(&world).await;
    let reply = browser.prove(&page, &code(world.now())).await;
    assert_eq!(reply.status, 503);
    assert!(problem(&reply).contains("could not check"));
}

#[tokio::test]
async fn who_cancels_goes_back_and_somebody_else_can_begin() {
    let world = world();
    let (mut browser, page) = half_way(&world).await;
    let answer = answer(&landed(&browser.submit(&page, &[], "deny").await));
    assert_eq!(answer["error"], "access_denied");
    assert!(
        world.store.is_empty(RecordKind::Session),
        "half a sign-in is none"
    );
    let request_uri = world.push(&[]).await.text("request_uri");
    let page = browser.open("dpop", &request_uri).await;
    assert!(page.path.starts_with("/login?"), "{}", page.path);
}
