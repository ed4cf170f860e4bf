//! What clients may demand of a sign-in: `acr_values`, `max_age`, `prompt`, `login_hint` (OpenID Connect Core §3.1.2.1,
//! RFC 9470).

use crate::{
    browser::{Browser, Page, answer, attribute, authorize, landed},
    second_factor::{MULTI_FACTOR, PASSWORD, code, when_asked},
    world::{ISSUER, Reply, TOKEN, World, claims_of, form, post, with_proof},
};

async fn open(world: &World, browser: &mut Browser, changes: &[(&str, &str)]) -> Page {
    let pushed = world.push(changes).await;
    assert_eq!(pushed.status, 201, "{changes:?} {pushed:?}");
    browser.open("dpop", &pushed.text("request_uri")).await
}

async fn token(world: &World, browser: &mut Browser, consent: &Page) -> Reply {
    assert!(consent.path.starts_with("/consent?"), "{}", consent.path);
    let answer = answer(&landed(&browser.submit(consent, &[], "approve").await));
    world.redeem(&answer["code"]).await
}

fn acr(reply: &Reply) -> String {
    claims_of(&reply.text("access_token"))["acr"]
        .as_str()
        .unwrap()
        .to_owned()
}

async fn signed_in(world: &World, name: &str) -> Browser {
    let mut browser = Browser::new(world);
    let page = open(world, &mut browser, &[]).await;
    let reply = browser.sign_in_as(name, &page).await;
    let consent = browser.follow(reply).await;
    assert_eq!(acr(&token(world, &mut browser, &consent).await), PASSWORD);
    browser
}

// RFC 9470 §4 and §5: the whole point of a step-up.
#[tokio::test]
async fn a_session_that_is_too_weak_is_made_stronger() {
    let world = World::with(when_asked);
    let mut browser = signed_in(&world, "alice").await;
    let weak = browser.clone();
    let page = open(&world, &mut browser, &[("acr_values", MULTI_FACTOR)]).await;
    let consent = page.path.replacen("/second-factor", "/consent", 1);
    let reply = browser.get(&consent).await;
    assert!(
        reply
            .header("location")
            .unwrap()
            .starts_with("/second-factor?"),
        "no way around"
    );
    let forged = form([("csrf", &page.csrf()), ("approve", "yes")]);
    let reply = browser
        .send(post(&format!("{ISSUER}{consent}"), &forged))
        .await;
    assert!(
        reply
            .header("location")
            .unwrap()
            .starts_with("/second-factor?")
    );

    let reply = browser.prove(&page, &code(world.now())).await;
    let consent = browser.follow(reply).await;
    let reply = token(&world, &mut browser, &consent).await;
    assert_eq!(acr(&reply), MULTI_FACTOR);
    // The stronger session is asked for nothing more; the weaker one has ended with its identifier.
    let page = open(&world, &mut browser, &[("acr_values", MULTI_FACTOR)]).await;
    assert!(page.path.starts_with("/consent?"), "{}", page.path);
    let page = open(&world, &mut weak.clone(), &[]).await;
    assert!(page.path.starts_with("/login?"), "{}", page.path);
    // A client that asks for a password recognises what it asked for.
    let page = open(&world, &mut browser, &[("acr_values", PASSWORD)]).await;
    assert_eq!(acr(&token(&world, &mut browser, &page).await), PASSWORD);
    // RFC 9470 §6.1: "do not change on access token renewals".
    world.advance(120);
    let mut refreshing = world.authentication("dpop");
    refreshing.extend(form([
        ("grant_type", "refresh_token"),
        ("refresh_token", &reply.text("refresh_token")),
    ]));
    let renewed = world
        .send(with_proof(post(TOKEN, &refreshing), &world.proof(TOKEN)))
        .await;
    let [former, renewed] = [reply, renewed].map(|reply| claims_of(&reply.text("access_token")));
    assert_eq!(
        (&former["acr"], &former["auth_time"]),
        (&renewed["acr"], &renewed["auth_time"])
    );
}

// RFC 9470 §5, OpenID Connect Core Error Code `unmet_authentication_requirements`.
#[tokio::test]
async fn what_nobody_can_meet_is_refused_when_it_is_pushed() {
    let world = World::with(when_asked);
    for values in [
        "urn:unknown",
        "urn:unknown other",
        "MFA",
        "https://refeds.org/profile/mfa/",
        "0",
    ] {
        let reply = world.push(&[("acr_values", values)]).await;
        let expected = (400, "unmet_authentication_requirements".to_owned());
        assert_eq!(reply.refusal(), expected, "{values}");
    }
    let some = format!("urn:unknown  {PASSWORD} {PASSWORD}");
    assert_eq!(world.push(&[("acr_values", &some)]).await.status, 201);
    let nobody_has_one = World::new();
    let reply = nobody_has_one.push(&[("acr_values", MULTI_FACTOR)]).await;
    assert_eq!(
        reply.refusal(),
        (400, "unmet_authentication_requirements".to_owned())
    );
}

#[tokio::test]
async fn what_this_person_cannot_meet_is_told_to_the_client() {
    let world = World::with(when_asked);
    let mut browser = signed_in(&world, "bob").await;
    // Bob cannot, but whoever comes next may: so somebody is asked to sign in, once.
    let page = open(&world, &mut browser, &[("acr_values", MULTI_FACTOR)]).await;
    assert!(page.path.starts_with("/login?"), "{}", page.path);
    let reply = browser.sign_in_as("bob", &page).await;
    let answer = answer(&landed(&reply));
    assert_eq!(answer["error"], "unmet_authentication_requirements");
    assert_eq!(
        (answer["state"].as_str(), answer["iss"].as_str()),
        ("the state", ISSUER)
    );
    assert!(!answer.contains_key("code"));
    // It is over.
    let again = browser.get(&page.path).await;
    assert_eq!(
        crate::browser::error_page(&again),
        (400, "invalid_request_uri".to_owned())
    );

    let page = open(&world, &mut browser, &[("acr_values", MULTI_FACTOR)]).await;
    let reply = browser.sign_in_as("alice", &page).await;
    let page = browser.follow(reply).await;
    let reply = browser.prove(&page, &code(world.now())).await;
    let consent = browser.follow(reply).await;
    assert_eq!(
        acr(&token(&world, &mut browser, &consent).await),
        MULTI_FACTOR
    );

    // Second best will do if the client says so.
    let mut browser = signed_in(&world, "bob").await;
    let both = format!("{MULTI_FACTOR} {PASSWORD}");
    let page = open(&world, &mut browser, &[("acr_values", &both)]).await;
    assert_eq!(acr(&token(&world, &mut browser, &page).await), PASSWORD);
}

// OpenID Connect Core §3.1.2.1, RFC 9470 §4.
#[tokio::test]
async fn a_session_that_is_too_old_signs_in_again() {
    let world = World::with(when_asked);
    let mut browser = signed_in(&world, "alice").await;
    world.advance(60);
    for (demand, first_page) in [
        (("max_age", "60"), "/consent?"),
        (("max_age", "3600"), "/consent?"),
        (("prompt", "consent"), "/consent?"),
        (("max_age", "59"), "/login?"),
        (("max_age", "0"), "/login?"),
        (("prompt", "login"), "/login?"),
        (("prompt", "select_account"), "/login?"),
        (("prompt", "consent login"), "/login?"),
    ] {
        let page = open(&world, &mut browser, &[demand]).await;
        assert!(
            page.path.starts_with(first_page),
            "{demand:?} {}",
            page.path
        );
        if first_page == "/login?" {
            let consent = page.path.replacen("/login", "/consent", 1);
            let reply = browser.get(&consent).await;
            assert!(
                reply.header("location").unwrap().starts_with("/login?"),
                "{demand:?}"
            );
        }
    }
    // Whoever takes a while to decide has signed in all the same, and the token says when.
    let page = open(&world, &mut browser, &[("max_age", "0")]).await;
    let reply = browser.sign_in_as("alice", &page).await;
    let signed_in = world.now();
    world.advance(20);
    let consent = browser.follow(reply).await;
    let reply = token(&world, &mut browser, &consent).await;
    let claims = claims_of(&reply.text("access_token"));
    assert_eq!(claims["auth_time"], signed_in.as_unix());
    // That was for that request.
    let page = open(&world, &mut browser, &[("prompt", "login")]).await;
    assert!(page.path.starts_with("/login?"), "{}", page.path);
}

#[tokio::test]
async fn demands_that_cannot_be_read_are_refused() {
    let world = World::new();
    for (name, value) in [
        ("max_age", "-1"),
        ("max_age", "+1"),
        ("max_age", "1.5"),
        ("max_age", "soon"),
        ("max_age", "99999999999"),
        ("max_age", " 1"),
        ("prompt", "none login"),
        ("prompt", "login none"),
        ("prompt", "create"),
        ("prompt", "LOGIN"),
    ] {
        let reply = world.push(&[(name, value)]).await;
        assert_eq!(
            reply.refusal(),
            (400, "invalid_request".to_owned()),
            "{name}={value}"
        );
    }
}

// OpenID Connect Core §3.1.2.6.
#[tokio::test]
async fn a_client_that_wants_no_page_shown_is_told_why_there_would_be_one() {
    let world = World::with(when_asked);
    let mut signed_in = signed_in(&world, "alice").await;
    let silent = |acr: &'static str| [("prompt", "none"), ("acr_values", acr)];
    for (browser, changes, error) in [
        (
            &mut Browser::new(&world),
            silent(PASSWORD),
            "login_required",
        ),
        (
            &mut signed_in.clone(),
            silent(MULTI_FACTOR),
            "login_required",
        ),
        (&mut signed_in, silent(PASSWORD), "consent_required"),
    ] {
        let request_uri = world.push(&changes).await.text("request_uri");
        let reply = browser.get(&authorize("dpop", &request_uri)).await;
        let answer = answer(&landed(&reply));
        assert_eq!(answer["error"], error);
        assert_eq!(
            (answer["state"].as_str(), answer["iss"].as_str()),
            ("the state", ISSUER)
        );
        let reply = browser.get(&authorize("dpop", &request_uri)).await;
        let spent = (400, "invalid_request_uri".to_owned());
        assert_eq!(crate::browser::error_page(&reply), spent);
    }
}

#[tokio::test]
async fn a_hint_is_filled_in_and_no_more_than_a_hint() {
    let world = World::with(when_asked);
    let long = "x".repeat(257);
    for (hint, shown) in [
        ("alice", "alice"),
        (" bob ", "bob"),
        ("<b>\"", "<b>\""),
        ("a\nb", ""),
        (&long, ""),
    ] {
        let page = open(&world, &mut Browser::new(&world), &[("login_hint", hint)]).await;
        assert_eq!(
            attribute(&page.html(), "#username", "value"),
            shown,
            "{hint:?}"
        );
    }
    let mut browser = Browser::new(&world);
    let page = open(&world, &mut browser, &[("login_hint", "alice")]).await;
    let reply = browser.sign_in_as("bob", &page).await;
    assert!(reply.header("location").unwrap().starts_with("/consent?"));
}

// OpenID Connect Dynamic Client Registration §2: `default_max_age`, `default_acr_values`.
#[tokio::test]
async fn a_client_may_have_demanded_it_once_and_for_all() {
    let world = World::with(when_asked);
    let mut browser = signed_in(&world, "alice").await;
    let path = |reply: Reply| reply.header("location").unwrap().to_owned();
    for (seconds, changes, first_page) in [
        (0, vec![], "/second-factor?"),
        (0, vec![("acr_values", PASSWORD)], "/consent?"),
        (61, vec![("acr_values", PASSWORD)], "/login?"),
        (
            0,
            vec![("acr_values", PASSWORD), ("max_age", "600")],
            "/consent?",
        ),
    ] {
        world.advance(seconds);
        let pushed = world
            .send(post(
                crate::world::PAR,
                &world.pushed("demanding", &changes),
            ))
            .await;
        let request_uri = pushed.text("request_uri");
        let reply = browser.get(&authorize("demanding", &request_uri)).await;
        let path = path(reply);
        assert!(path.starts_with(first_page), "{changes:?} {path}");
    }
}
