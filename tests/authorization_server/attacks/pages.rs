//! Attacks on people and their browsers.

use std::collections::BTreeSet;

use axum::body::Body;
use http::{Method, Request, header};

use crate::{
    browser::{Browser, Page, answer, authorize, error_page, landed},
    second_factor::{code, people},
    world::{CALLBACK, ISSUER, Reply, World, form, post},
};

/// Every kind of answer that a browser can get, with a name.
async fn every_answer(world: &World) -> Vec<(&'static str, Reply)> {
    let mut answers = Vec::new();
    let mut browser = Browser::new(world);
    answers.push(("not pushed", browser.get("/authorize?client_id=dpop").await));
    let unknown = authorize("dpop", "urn:ietf:params:oauth:request_uri:x");
    answers.push(("unknown", browser.get(&unknown).await));
    answers.push(("lost", browser.get("/login?interaction=x").await));

    let request_uri = world.push(&[]).await.text("request_uri");
    let opened = browser.get(&authorize("dpop", &request_uri)).await;
    let login = browser.follow(opened).await;
    let fields = [("username", "alice"), ("password", "wrong")];
    answers.push((
        "wrong password",
        browser.submit(&login, &fields, "login").await,
    ));
    let no_form = Request::post(format!("{ISSUER}{}", login.action()))
        .body(Body::from("{}"))
        .unwrap();
    answers.push(("no form", browser.send(no_form).await));
    let signed_in = browser.sign_in_as("alice", &login).await;
    let second = browser.follow(signed_in).await;
    answers.push(("wrong code", browser.prove(&second, "x").await));
    let proved = browser.prove(&second, &code(world.now())).await;
    let consent = browser.follow(proved).await;
    let forged = form([("csrf", "x"), ("approve", "yes")]);
    let url = format!("{ISSUER}{}", consent.action());
    answers.push(("forged", browser.send(post(&url, &forged)).await));
    answers.push(("approved", browser.submit(&consent, &[], "approve").await));
    answers.push(("spent", browser.get(&consent.path).await));
    for page in [login, second, consent] {
        answers.push(("page", page.reply));
    }

    let request_uri = world.push(&[]).await.text("request_uri");
    let mut other = Browser::new(world);
    let page = other.open("dpop", &request_uri).await;
    let signed_in = other.sign_in_as("bob", &page).await;
    answers.push(("denied", other.submit(&page, &[], "deny").await));
    answers.push(("signed in", signed_in));
    answers
}

fn world() -> World {
    World::with(|builder| builder.authenticator(people()))
}

/// A1; RFC 9700 §4.16 (clickjacking), §4.2 (referrer) and §4.3 (history, caches).
///
/// No answer can be shown in a frame, none is kept, none tells the next site where the browser has been.
#[tokio::test]
async fn clickjacking_and_referrer_leaks_on_every_page() {
    let world = world();
    for (case, reply) in every_answer(&world).await {
        let header = |name: &str| {
            let values: Vec<_> = reply.headers.get_all(name).iter().collect();
            assert_eq!(values.len(), 1, "{case}: {name}");
            values[0].to_str().unwrap().to_owned()
        };
        let policy = header("content-security-policy");
        for rule in [
            "frame-ancestors 'none'",
            "default-src 'none'",
            "base-uri 'none'",
        ] {
            assert!(policy.contains(rule), "{case}: {policy}");
        }
        assert!(!policy.contains("unsafe"), "{case}: {policy}");
        assert_eq!(header("x-frame-options"), "DENY", "{case}");
        assert_eq!(header("referrer-policy"), "no-referrer", "{case}");
        assert_eq!(header("cache-control"), "no-store", "{case}");
        assert_eq!(header("x-content-type-options"), "nosniff", "{case}");
        assert_eq!(
            header("cross-origin-opener-policy"),
            "same-origin",
            "{case}"
        );
        assert!(
            header("strict-transport-security").contains("max-age="),
            "{case}"
        );
        assert!(
            !reply.headers.contains_key("access-control-allow-origin"),
            "{case}"
        );
        assert!(!reply.body.contains("<script"), "{case}");
    }
}

/// A1a, the client or the next server in the chain; RFC 9700 §4.12, FAPI 2.0 Security Profile §5.3.2.2.
///
/// No redirect makes a browser post what was typed to somebody else.
#[tokio::test]
async fn redirects_that_repeat_the_post() {
    let world = world();
    let mut seen = BTreeSet::new();
    for (case, reply) in every_answer(&world).await {
        let status = reply.status.as_u16();
        seen.insert(status);
        assert!(!(300..400).contains(&status) || status == 303, "{case}");
        assert_eq!(
            reply.headers.contains_key(header::LOCATION),
            status == 303,
            "{case}"
        );
        assert!(!reply.headers.contains_key("refresh"), "{case}");
    }
    assert!(seen.contains(&303));
}

/// A1; RFC 9700 §4.1 (redirect URIs), §4.11.2 (the server as open redirector).
///
/// The browser is sent to this server or to the address that the client pushed and that is registered, compared as text. Where
/// anything about the request is wrong it is sent nowhere, and a client cannot make it otherwise by pushing.
#[tokio::test]
async fn open_redirect() {
    let world = world();
    for evil in [
        "https://evil.example/",
        "https://client.example.evil.example/callback",
        "https://client.example/callback/../evil",
        "https://client.example/callback?next=https://evil.example",
        "https://client.example@evil.example/callback",
        "https://CLIENT.example/callback",
        "https://client.example:443/callback",
        "https://client.example/callback#x",
        "//evil.example/callback",
        "javascript:alert(1)",
    ] {
        let pushed = world.push(&[("redirect_uri", evil)]).await;
        let refused = (400, "invalid_request".to_owned());
        assert_eq!(pushed.refusal(), refused, "{evil}");
    }
    let mut browser = Browser::new(&world);
    for query in [
        "",
        "client_id=dpop&redirect_uri=https://evil.example/",
        "client_id=dpop&request_uri=https://evil.example/&redirect_uri=https://evil.example/",
        "client_id=dpop&request_uri=urn:x&error=access_denied&redirect_uri=https://evil.example/",
    ] {
        let reply = browser.get(&format!("/authorize?{query}")).await;
        assert_eq!(error_page(&reply).0, 400, "{query}");
        assert!(!reply.body.contains("evil.example"), "{query}");
    }
    for (case, reply) in every_answer(&world).await {
        if let Some(location) = reply.header("location") {
            let here = location.starts_with('/') && !location.starts_with("//");
            let client = location.starts_with(&format!("{CALLBACK}?"));
            assert!(here || client, "{case}: {location}");
        }
    }
}

/// A1; RFC 9700 §4.7 and §4.16, FAPI 2.0 Attacker Model, session integrity.
///
/// The attacker's page posts the forms of the victim's browser, with everything the attacker can know: the cookies come along
/// or not, but the value that proves a form is ours is made for one browser, one request, one page and one session.
#[tokio::test]
async fn csrf_on_login_second_factor_and_consent() {
    let world = world();
    let request_uri = world.push(&[]).await.text("request_uri");
    // The attacker has been through every page of the same request, in a browser of their own and as somebody else.
    let mut attacker = Browser::new(&world);
    let login = attacker.open("dpop", &request_uri).await;
    let reply = attacker.sign_in_as("bob", &login).await;
    let attackers = attacker.follow(reply).await;

    let mut victim = Browser::new(&world);
    let page = victim.open("dpop", &request_uri).await;
    let known = [login.csrf(), attackers.csrf(), String::new()];
    let forge = |page: &Page, csrf: &str, more: &[(&str, &str)]| {
        let mut fields = form([("csrf", csrf)]);
        fields.extend(
            more.iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
        );
        post(&format!("{ISSUER}{}", page.action()), &fields)
    };
    for csrf in &known {
        // Login CSRF: the victim would act as Bob from here on.
        let fields = [
            ("username", "bob"),
            ("password", "wonderland"),
            ("login", "yes"),
        ];
        let reply = victim.send(forge(&page, csrf, &fields)).await;
        assert_eq!(reply.status, 403);
        assert!(!victim.cookies.contains_key("__Host-session"));
    }
    let reply = victim.sign_in_as("alice", &page).await;
    let second = victim.follow(reply).await;
    let right = code(world.now());
    for csrf in known.iter().chain([&page.csrf()]) {
        let reply = victim.send(forge(&second, csrf, &[("otp", &right)])).await;
        assert_eq!(reply.status, 403);
    }
    let reply = victim.prove(&second, &right).await;
    let consent = victim.follow(reply).await;
    for csrf in known.iter().chain([&page.csrf(), &second.csrf()]) {
        for button in ["approve", "deny"] {
            let reply = victim.send(forge(&consent, csrf, &[(button, "yes")])).await;
            assert_eq!(error_page(&reply).0, 403, "{button}");
        }
    }
    // A link, or an image, approves nothing either.
    let link = format!("{}&approve=yes&csrf={}", consent.path, consent.csrf());
    assert!(
        victim
            .get(&link)
            .await
            .headers
            .get(header::LOCATION)
            .is_none()
    );
    for method in [Method::PUT, Method::DELETE, Method::PATCH, Method::HEAD] {
        let request = Request::builder()
            .method(&method)
            .uri(format!("{ISSUER}{link}"));
        let reply = victim.send(request.body(Body::empty()).unwrap()).await;
        assert!(reply.headers.get(header::LOCATION).is_none(), "{method}");
    }
    let url = landed(&victim.submit(&consent, &[], "approve").await);
    assert!(answer(&url).contains_key("code"));
}

/// A1; OWASP session fixation, FAPI 2.0 Attacker Model, authentication.
///
/// A session that the attacker has planted in the victim's browser is not the one that the victim signs in to: each sign-in, and
/// each second factor, begins a new one and ends the one before.
#[tokio::test]
async fn session_fixation() {
    let world = world();
    let request_uri = world.push(&[]).await.text("request_uri");
    let mut attacker = Browser::new(&world);
    let page = attacker.open("dpop", &request_uri).await;
    attacker.sign_in_as("alice", &page).await;
    let planted = attacker.cookies["__Host-session"].clone();

    // Half signed in, with the password alone: the victim finishes what the attacker has begun, elsewhere.
    let mut victim = Browser::new(&world);
    let page = victim.open("dpop", &request_uri).await;
    let mut seen = BTreeSet::from([planted.clone()]);
    victim
        .cookies
        .insert("__Host-session".to_owned(), planted.clone());
    let reply = victim.sign_in_as("alice", &page).await;
    assert!(seen.insert(victim.cookies["__Host-session"].clone()));
    let second = victim.follow(reply).await;
    let half = victim.cookies["__Host-session"].clone();
    let reply = victim.prove(&second, &code(world.now())).await;
    assert!(seen.insert(victim.cookies["__Host-session"].clone()));
    victim.follow(reply).await;

    for old in [planted, half] {
        attacker.cookies.insert("__Host-session".to_owned(), old);
        let other = world.push(&[]).await.text("request_uri");
        let page = attacker.open("dpop", &other).await;
        assert!(page.path.starts_with("/login?"), "{}", page.path);
    }
}
