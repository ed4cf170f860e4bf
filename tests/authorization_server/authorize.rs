//! The authorization endpoint (RFC 9126 §4, FAPI 2.0 Security Profile §5.3.2.2).

use std::time::Duration;

use axum::body::Body;
use http::Request;
use tower_fapi::authorization_server::store::{Record, RecordKey, RecordKind, Store as _};

use crate::{
    browser::{Browser, answer, authorize, error_page},
    world::{CALLBACK, CALLBACK_WITH_QUERY, CHALLENGE, ISSUER, World, encode, form, post, request},
};

// FAPI 2.0 Security Profile §5.3.2.2; RFC 6749 §4.1.2.1: shown here, sent nowhere.
#[tokio::test]
async fn what_was_not_pushed_is_an_error_page() {
    let world = World::new();
    let pushed = world.push(&[]).await.text("request_uri");
    let mut plain = form([("client_id", "dpop")]);
    plain.extend(request());
    let mut by_value = plain.clone();
    by_value.extend(form([("request", "eyJ.eyJ.sig")]));
    let ours = "urn:ietf:params:oauth:request_uri:";
    for (case, query, code) in [
        ("plain parameters", encode(&plain), "invalid_request"),
        ("a request object", encode(&by_value), "invalid_request"),
        ("nothing", String::new(), "invalid_request"),
        (
            "no client_id",
            encode(&form([("request_uri", &pushed)])),
            "invalid_request",
        ),
        (
            "no request_uri",
            encode(&form([("client_id", "dpop"), ("request_uri", "")])),
            "invalid_request",
        ),
        (
            "twice",
            format!("client_id=dpop&request_uri={pushed}&request_uri={pushed}"),
            "invalid_request",
        ),
        (
            "not UTF-8",
            format!("client_id=%ff&request_uri={pushed}"),
            "invalid_request",
        ),
        (
            "unknown",
            encode(&form([
                ("client_id", "dpop"),
                ("request_uri", &format!("{ours}abc")),
            ])),
            "invalid_request_uri",
        ),
        (
            "somewhere else",
            encode(&form([
                ("client_id", "dpop"),
                ("request_uri", "https://client.example/request"),
            ])),
            "invalid_request_uri",
        ),
        (
            "of another client",
            encode(&form([("client_id", "other"), ("request_uri", &pushed)])),
            "invalid_request_uri",
        ),
        (
            "of an unknown client",
            encode(&form([("client_id", "unknown"), ("request_uri", &pushed)])),
            "invalid_request_uri",
        ),
        (
            "with its prefix gone",
            encode(&form([
                ("client_id", "dpop"),
                ("request_uri", pushed.strip_prefix(ours).unwrap()),
            ])),
            "invalid_request_uri",
        ),
    ] {
        let reply = Browser::new(&world)
            .get(&format!("/authorize?{query}"))
            .await;
        assert_eq!(error_page(&reply), (400, code.to_owned()), "{case}");
    }
    assert_eq!(
        Browser::new(&world)
            .get(&authorize("dpop", &pushed))
            .await
            .status,
        303
    );
}

// FAPI 2.0 Security Profile §5.3.3.2 and RFC 9126 §4: only what was pushed counts.
#[tokio::test]
async fn parameters_beside_the_two_change_nothing() {
    let world = World::new();
    let request_uri = world.push(&[]).await.text("request_uri");
    let extra = encode(&form([
        ("redirect_uri", "https://evil.example/"),
        ("state", "evil"),
        ("state", "twice"),
        ("scope", "admin"),
        ("code_challenge", "evil"),
    ]));
    let mut browser = Browser::new(&world);
    let reply = browser
        .get(&format!("{}&{extra}", authorize("dpop", &request_uri)))
        .await;
    let page = browser.follow(reply).await;
    let reply = browser.sign_in(&page).await;
    let page = browser.follow(reply).await;
    assert!(page.text().contains("See your accounts") && !page.text().contains("Do anything"));
    let url = crate::browser::landed(&browser.submit(&page, &[], "approve").await);
    assert!(url.as_str().starts_with(&format!("{CALLBACK}?")), "{url}");
    assert_eq!(answer(&url)["state"], "the state");
}

// RFC 6749 §3.1: POST may be supported.
#[tokio::test]
async fn a_request_can_be_opened_by_post() {
    let world = World::new();
    let request_uri = world.push(&[]).await.text("request_uri");
    let form = form([("client_id", "dpop"), ("request_uri", &request_uri)]);
    let url = format!("{ISSUER}/authorize");
    let mut browser = Browser::new(&world);
    let reply = browser.send(post(&url, &form)).await;
    assert_eq!(browser.follow(reply).await.reply.status, 200);
    let json = Request::post(&url).header("content-type", "application/json");
    let reply = browser
        .send(json.body(Body::from(encode(&form))).unwrap())
        .await;
    assert_eq!(error_page(&reply), (400, "invalid_request".to_owned()));
}

// RFC 6749 §4.1.2, RFC 9207 §2; long values after FAPI 2.0 Security Profile §5.3.2.2, Note 4.
#[tokio::test]
async fn the_answer_has_code_issuer_and_state_as_it_was() {
    let world = World::new();
    let long = format!("{}é &=+%00#\"<>", "s".repeat(2000));
    for (state, redirect_uri) in [
        ("the state", CALLBACK),
        (long.as_str(), CALLBACK),
        ("", CALLBACK),
        ("x", CALLBACK_WITH_QUERY),
    ] {
        let nonce = "n".repeat(384);
        let changes = [
            ("state", state),
            ("nonce", &nonce),
            ("redirect_uri", redirect_uri),
        ];
        let request_uri = world.push(&changes).await.text("request_uri");
        let url = Browser::new(&world).approve("dpop", &request_uri).await;
        assert!(url.as_str().starts_with(redirect_uri), "{url}");
        let answer = answer(&url);
        assert_eq!(answer["iss"], ISSUER);
        assert!(answer["code"].len() >= 43);
        assert_eq!(
            answer.get("state").map(String::as_str),
            (!state.is_empty()).then_some(state)
        );
        assert_eq!(
            answer.contains_key("bank"),
            redirect_uri == CALLBACK_WITH_QUERY
        );
        assert!(!answer.contains_key("nonce") && !answer.contains_key("error"));
    }
}

// The pages of one browser are of no use to another, nor are damaged or old ones.
#[tokio::test]
async fn a_page_belongs_to_the_browser_that_opened_the_request() {
    let world = World::new();
    let request_uri = world.push(&[]).await.text("request_uri");
    let mut browser = Browser::new(&world);
    let page = browser.open("dpop", &request_uri).await;
    let mut other = Browser::new(&world);
    other.open("dpop", &request_uri).await;
    let lost = (400, "invalid_request".to_owned());

    assert_eq!(
        error_page(&other.get(&page.path).await),
        lost,
        "another browser"
    );
    assert_eq!(
        error_page(&Browser::new(&world).get(&page.path).await),
        lost,
        "no cookie"
    );
    assert_eq!(
        error_page(&other.sign_in(&page).await),
        lost,
        "the form elsewhere"
    );
    let (path, handle) = page.path.split_once("interaction=").unwrap();
    let flipped = format!(
        "{}{}",
        if handle.starts_with('A') { 'B' } else { 'A' },
        &handle[1..]
    );
    for damaged in ["", "x", &handle[1..], &flipped, CHALLENGE] {
        let reply = browser.get(&format!("{path}interaction={damaged}")).await;
        assert_eq!(error_page(&reply), lost, "{damaged}");
    }
    assert_eq!(error_page(&browser.get("/login").await), lost);
    assert_eq!(error_page(&browser.get("/consent").await), lost);

    // Another moment of opening would make it live longer.
    let mut bytes = tower_fapi::jose::base64url::decode(handle).unwrap();
    bytes[39] ^= 1;
    let later = tower_fapi::jose::base64url::encode(bytes);
    assert_eq!(
        error_page(&browser.get(&format!("{path}interaction={later}")).await),
        lost
    );

    world.advance(599);
    assert_eq!(browser.get(&page.path).await.status, 200);
    world.advance(1);
    assert_eq!(error_page(&browser.get(&page.path).await), lost, "too late");
}

// RFC 9126 §7.4: a server that was configured anew since the request was pushed.
#[tokio::test]
async fn what_a_client_may_no_longer_ask_for_is_not_opened_and_not_approved() {
    let world = World::new();
    for (was, is) in [
        (CALLBACK, "https://client.example/retired"),
        ("\"accounts\"", "\"admin\""),
    ] {
        let request_uri = world.push(&[]).await.text("request_uri");
        let mut browser = Browser::new(&world);
        let page = browser.open("dpop", &request_uri).await;
        let reply = browser.sign_in(&page).await;
        let consent = browser.follow(reply).await;

        // As if it had been accepted for a client that was registered otherwise.
        let secret = request_uri.rsplit(':').next().unwrap();
        let key = RecordKey::of_secret(RecordKind::PushedRequest, secret);
        let stored = world.store.get(key, world.now()).await.unwrap().unwrap();
        let stored = String::from_utf8(stored).unwrap();
        assert!(stored.contains(was));
        let record = Record {
            value: stored.replacen(was, is, 1).into_bytes(),
            expires: world.now().plus(Duration::from_secs(600)),
        };
        world.store.put(key, record, world.now()).await.unwrap();
        let refused = (400, "invalid_request".to_owned());
        let opened = browser.get(&authorize("dpop", &request_uri)).await;
        assert_eq!(error_page(&opened), refused, "{is}");
        let approved = browser.submit(&consent, &[], "approve").await;
        assert_eq!(error_page(&approved), refused, "{is}");
        assert!(world.store.is_empty(RecordKind::Code), "{is}");
    }
}
