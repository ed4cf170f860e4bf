//! The pushed authorization request endpoint (RFC 9126, FAPI 2.0 Security Profile §5.3.2.2).

use axum::body::Body;
use http::Request;
use tower_fapi::authorization_server::store::RecordKind;

use crate::{
    browser::{Browser, error_page},
    world::{CHALLENGE, OTHER_API, PAR, World, encode, form, over, post},
};

// RFC 9126 §2.2, FAPI 2.0 Security Profile §5.3.2.2 (under 600 seconds) and §5.4.1 (128 bits).
#[tokio::test]
async fn a_sound_request_gets_a_request_uri() {
    let world = World::new();
    let (one, other) = (world.push(&[]).await, world.push(&[]).await);
    assert_eq!(one.status, 201);
    assert_eq!(one.header("cache-control"), Some("no-store"));
    assert_eq!(one.json()["expires_in"], 60);
    let (one, other) = (one.text("request_uri"), other.text("request_uri"));
    assert_ne!(one, other);
    let random = one
        .strip_prefix("urn:ietf:params:oauth:request_uri:")
        .unwrap();
    assert!(random.len() >= 22, "{random}");
}

#[tokio::test]
async fn what_is_asked_for_has_to_be_sound() {
    let world = World::new();
    let long = "x".repeat(44);
    for (name, value, error) in [
        // RFC 9126 §2.1.
        (
            "request_uri",
            "urn:ietf:params:oauth:request_uri:abc",
            "invalid_request",
        ),
        ("request", "eyJ.eyJ.sig", "invalid_request_object"),
        (
            "authorization_details",
            "[]",
            "invalid_authorization_details",
        ),
        // FAPI 2.0 Security Profile §5.3.2.2.
        ("response_type", "", "invalid_request"),
        ("response_type", "token", "unsupported_response_type"),
        (
            "response_type",
            "code id_token",
            "unsupported_response_type",
        ),
        ("response_type", "code token", "unsupported_response_type"),
        ("response_type", "CODE", "unsupported_response_type"),
        ("response_mode", "fragment", "invalid_request"),
        ("response_mode", "form_post", "invalid_request"),
        ("redirect_uri", "", "invalid_request"),
        (
            "redirect_uri",
            "https://evil.example/callback",
            "invalid_request",
        ),
        (
            "redirect_uri",
            "https://client.example/callback/",
            "invalid_request",
        ),
        (
            "redirect_uri",
            "https://client.example/Callback",
            "invalid_request",
        ),
        (
            "redirect_uri",
            "https://client.example/callback?x=1",
            "invalid_request",
        ),
        (
            "redirect_uri",
            "https://client.example:443/callback",
            "invalid_request",
        ),
        (
            "redirect_uri",
            "https://client.example/callback#",
            "invalid_request",
        ),
        (
            "redirect_uri",
            "https://client.example/callback?bank=one&x=~",
            "invalid_request",
        ),
        ("code_challenge", "", "invalid_request"),
        ("code_challenge", "short", "invalid_request"),
        ("code_challenge", &long, "invalid_request"),
        (
            "code_challenge",
            "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM=",
            "invalid_request",
        ),
        ("code_challenge_method", "", "invalid_request"),
        ("code_challenge_method", "plain", "invalid_request"),
        ("code_challenge_method", "s256", "invalid_request"),
        // RFC 6749 §3.3.
        ("scope", "", "invalid_scope"),
        ("scope", "accounts admin", "invalid_scope"),
        ("scope", "openid", "invalid_scope"),
        ("scope", "unknown", "invalid_scope"),
        ("scope", "accounts  payments", "invalid_scope"),
        ("scope", "Accounts", "invalid_scope"),
        // RFC 8707 §2.
        ("resource", "https://other.example", "invalid_target"),
        ("resource", "https://api.example/", "invalid_target"),
        ("resource", "api", "invalid_target"),
        // RFC 9449 §10.
        ("dpop_jkt", "abc", "invalid_request"),
        ("dpop_jkt", &long, "invalid_request"),
    ] {
        let reply = world.push(&[(name, value)]).await;
        assert_eq!(reply.refusal(), (400, error.to_owned()), "{name}={value}");
    }
    assert!(
        world.store.is_empty(RecordKind::PushedRequest),
        "nothing was kept"
    );
}

#[tokio::test]
async fn what_nobody_knows_is_ignored_and_what_may_repeat_may() {
    let world = World::new();
    for changes in [
        vec![("display", "popup"), ("x-custom", "é")],
        vec![("response_mode", "query")],
        vec![("scope", "payments accounts")],
        vec![("state", "")],
        vec![("nonce", "n")],
        vec![("dpop_jkt", CHALLENGE)],
    ] {
        let reply = world.push(&changes).await;
        assert_eq!(reply.status, 201, "{changes:?} {reply:?}");
    }
    let mut several = world.pushed("dpop", &[]);
    several.extend(form([
        ("resource", OTHER_API),
        ("resource", "https://api.example"),
    ]));
    assert_eq!(world.send(post(PAR, &several)).await.status, 201);
}

// RFC 6749 §3.1 and §3.2, Appendix B.
#[tokio::test]
async fn a_request_that_can_be_read_in_two_ways_is_refused() {
    let world = World::new();
    for name in [
        "scope",
        "state",
        "client_id",
        "client_assertion",
        "redirect_uri",
        "custom",
    ] {
        let mut parameters = world.pushed("dpop", &[("custom", "1")]);
        let value = parameters
            .iter()
            .find(|(known, _)| known == name)
            .unwrap()
            .1
            .clone();
        parameters.push((name.to_owned(), value));
        let reply = world.send(post(PAR, &parameters)).await;
        assert_eq!(
            reply.refusal(),
            (400, "invalid_request".to_owned()),
            "{name}"
        );
    }
    let parameters = world.pushed("dpop", &[]);
    let body = encode(&parameters);
    for (case, content_type, body) in [
        ("JSON", Some("application/json"), body.clone()),
        ("text", Some("text/plain"), body.clone()),
        (
            "multipart",
            Some("multipart/form-data; boundary=x"),
            body.clone(),
        ),
        ("no type", None, body.clone()),
        (
            "not UTF-8",
            Some("application/x-www-form-urlencoded"),
            format!("{body}&nonce=%ff"),
        ),
    ] {
        let mut request = Request::post(PAR);
        if let Some(content_type) = content_type {
            request = request.header("content-type", content_type);
        }
        let reply = world.send(request.body(Body::from(body)).unwrap()).await;
        assert_eq!(
            reply.refusal(),
            (400, "invalid_request".to_owned()),
            "{case}"
        );
    }
    let request = Request::post(PAR)
        .header(
            "content-type",
            "Application/X-WWW-Form-Urlencoded; charset=UTF-8",
        )
        .body(Body::from(body))
        .unwrap();
    assert_eq!(world.send(request).await.status, 201);
    let padded = world.pushed("dpop", &[("nonce", &"x".repeat(70_000))]);
    let reply = world.send(post(PAR, &padded)).await;
    let expected = (413, "invalid_request".to_owned());
    assert_eq!(reply.refusal(), expected, "RFC 9126 §2.3");
    let query = Request::get(format!("{PAR}?{}", encode(&world.pushed("dpop", &[]))));
    let reply = world.send(query.body(Body::empty()).unwrap()).await;
    assert_eq!(reply.status, 405, "RFC 9126 §2: POST only");
}

// FAPI 2.0 Security Profile §5.3.2.2, Note 3: opening is not completing.
#[tokio::test]
async fn a_request_can_be_opened_often_and_completed_once() {
    let world = World::new();
    let request_uri = world.push(&[]).await.text("request_uri");
    let mut browsers = [
        Browser::new(&world),
        Browser::new(&world),
        Browser::new(&world),
    ];
    for browser in &mut browsers {
        let page = browser.open("dpop", &request_uri).await;
        assert_eq!(page.reply.status, 200);
    }
    let [first, second, third] = &mut browsers;
    let slow = second.open("dpop", &request_uri).await;
    first.approve("dpop", &request_uri).await;

    let spent = (400, "invalid_request_uri".to_owned());
    let path = crate::browser::authorize("dpop", &request_uri);
    assert_eq!(error_page(&third.get(&path).await), spent, "opened again");
    let reply = second.sign_in(&slow).await;
    assert_eq!(error_page(&reply), spent, "completed again");
    // Long after its lifetime it is still known to be spent.
    world.advance(600);
    assert_eq!(error_page(&third.get(&path).await), spent);
}

#[tokio::test]
async fn of_two_windows_at_the_consent_page_one_completes() {
    let world = World::new();
    let request_uri = world.push(&[]).await.text("request_uri");
    let mut browser = Browser::new(&world);
    let page = browser.open("dpop", &request_uri).await;
    let reply = browser.sign_in(&page).await;
    let consent = browser.follow(reply).await;
    let mut other = browser.clone();
    let (one, two) = tokio::join!(
        browser.submit(&consent, &[], "approve"),
        other.submit(&consent, &[], "deny")
    );
    let completed = [&one, &two]
        .iter()
        .filter(|reply| reply.status == 303)
        .count();
    assert_eq!(completed, 1, "{one:?} {two:?}");
}

// FAPI 2.0 Security Profile §5.3.2.2, Note 2: the lifetime is that of opening it.
#[tokio::test]
async fn a_request_has_to_be_opened_in_time() {
    let world = World::new();
    let request_uri = world.push(&[]).await.text("request_uri");
    let mut early = Browser::new(&world);
    world.advance(59);
    early.open("dpop", &request_uri).await;
    world.advance(1);
    let path = crate::browser::authorize("dpop", &request_uri);
    let late = Browser::new(&world).get(&path).await;
    assert_eq!(error_page(&late), (400, "invalid_request_uri".to_owned()));
}

// Who pushes but cannot authenticate fills nothing and learns nothing (FAPI 2.0 Security Profile §5.3.2.2).
#[tokio::test]
async fn a_client_bound_by_certificate_does_not_mix_in_dpop() {
    let world = World::new();
    let parameters = world.pushed("certificate-bound", &[("dpop_jkt", CHALLENGE)]);
    let reply = world
        .send(over(post(PAR, &parameters), &world.certificate))
        .await;
    assert_eq!(reply.refusal(), (400, "invalid_request".to_owned()));
    let parameters = world.pushed("certificate-bound", &[]);
    let request = crate::world::with_proof(post(PAR, &parameters), &world.proof(PAR));
    assert_eq!(
        world.send(request).await.refusal(),
        (400, "invalid_request".to_owned())
    );
    // The certificate binds tokens, not requests: it is not needed here.
    let parameters = world.pushed("certificate-bound", &[]);
    assert_eq!(world.send(post(PAR, &parameters)).await.status, 201);
}
