//! Request objects at the authorization endpoint (RFC 9101 §5.1, FAPI 1.0 Part 2 §5.2.2): of clients of FAPI 1.0, and of
//! nobody else.

use std::sync::Arc;

use serde_json::{Value, json};
use tower_fapi::{
    authorization_server::store::{MemoryStore, Record, RecordKey, RecordKind, Store, StoreFuture},
    jose::{JwsAlgorithm, SigningKey, base64url},
    testing::Document,
    time::Timestamp,
};
use url::Url;

use crate::{
    browser::{Browser, Page, answer, error_page, landed},
    fapi1::{FAPI1, FAPI2, metadata, world, world_with},
    world::{
        CALLBACK, CALLBACK_WITH_QUERY, ISSUER, MTLS_TOKEN, TOKEN, VERIFIER, World, changed,
        claims_of, encode, form, over, post,
    },
};

/// The path that brings a request object along.
fn path(client_id: &str, object: &str) -> String {
    beside(client_id, object, &[])
}

fn beside(client_id: &str, object: &str, more: &[(&str, &str)]) -> String {
    let parameters = form([("client_id", client_id), ("request", object)]);
    format!("/authorize?{}", encode(&changed(parameters, more)))
}

/// The claims of the signed answer at the end of a URL.
fn claims_at(url: &Url) -> Value {
    claims_of(&answer(url)["response"])
}

async fn consent(browser: &mut Browser, path: &str) -> Page {
    let reply = browser.get(path).await;
    let page = browser.follow(reply).await;
    let reply = browser.sign_in(&page).await;
    browser.follow(reply).await
}

impl World {
    /// Signs in and approves a request by value.
    async fn approve_by_value(&self, object: &str) -> Url {
        let mut browser = Browser::new(self);
        let page = consent(&mut browser, &path(FAPI1, object)).await;
        landed(&browser.submit(&page, &[], "approve").await)
    }
}

// FAPI 1.0 Part 2 §5.2.2 nos. 1, 2, 5 and 10.
#[tokio::test]
async fn the_whole_flow_begins_with_a_request_object() {
    let world = world();
    let object = world.fapi1_object(FAPI1, &json!({}));
    let url = world.approve_by_value(&object).await;
    assert!(url.as_str().starts_with(CALLBACK), "{url}");
    let claims = claims_at(&url);
    assert_eq!(
        (&claims["state"], &claims["aud"]),
        (&"the state".into(), &FAPI1.into())
    );
    let redemption = world.redemption(FAPI1, claims["code"].as_str().unwrap());
    let request = over(post(MTLS_TOKEN, &redemption), &world.certificate);
    assert_eq!(world.send(request).await.status, 200);
}

// FAPI 2.0 Security Profile §5.3.2.2, RFC 9126 §4: shown, sent nowhere, whatever is in it.
#[tokio::test]
async fn a_client_of_fapi_2_sends_none() {
    let world = world();
    let must_push = world_with(&json!({"require_pushed_authorization_requests": true}));
    for (case, world, client) in [
        ("FAPI 2.0", &world, FAPI2),
        ("FAPI 2.0, registered for signed requests", &world, "signer"),
        ("of DPoP", &world, "dpop"),
        ("nobody", &world, "unknown"),
        ("FAPI 1.0 that has to push", &must_push, FAPI1),
    ] {
        let object = world.fapi1_object(client, &json!({}));
        let openid = [("response_type", "code"), ("scope", "accounts")];
        for path in [path(client, &object), beside(client, &object, &openid)] {
            let reply = Browser::new(world).get(&path).await;
            assert_eq!(
                error_page(&reply),
                (400, "invalid_request".to_owned()),
                "{case}"
            );
            let (path, query) = path.split_once('?').unwrap();
            let request = http::Request::post(format!("{ISSUER}{path}"))
                .header("content-type", "application/x-www-form-urlencoded");
            let request = request.body(query.to_owned().into()).unwrap();
            let reply = world.send(request).await;
            assert_eq!(
                error_page(&reply),
                (400, "invalid_request".to_owned()),
                "{case}, posted"
            );
        }
    }
}

// RFC 6749 §4.1.2.1: as long as nobody has signed where to, it is shown.
#[tokio::test]
async fn what_the_client_has_not_signed_is_an_error_page() {
    let world = world();
    let claims = world.fapi1_claims(FAPI1, &json!({}));
    let payload = Value::Object(claims.clone()).to_string();
    let sound = world.request_object(r#"{"alg":"ES256"}"#, &claims);
    let stranger = SigningKey::generate(JwsAlgorithm::Es256).unwrap();
    let eddsa = SigningKey::generate(JwsAlgorithm::EdDsa).unwrap();
    let invalid = "invalid_request";
    let invalid_object = "invalid_request_object";
    let (head, _) = sound.rsplit_once('.').unwrap();
    let mut plain = crate::world::request();
    plain.extend(form([("client_id", FAPI1)]));
    for (case, path, code) in [
        (
            "nothing signed",
            format!("/authorize?{}", encode(&plain)),
            invalid,
        ),
        ("an empty object", path(FAPI1, ""), invalid),
        (
            "no client_id",
            format!("/authorize?request={sound}"),
            invalid,
        ),
        ("of another client", path(FAPI2, &sound), invalid),
        (
            "twice",
            format!("{}&request={sound}", path(FAPI1, &sound)),
            invalid,
        ),
        ("no JWT", path(FAPI1, "x"), invalid_object),
        (
            "no signature",
            path(FAPI1, &format!("{head}.")),
            invalid_object,
        ),
        (
            "alg none",
            path(FAPI1, &world.request_object(r#"{"alg":"none"}"#, &claims)),
            invalid_object,
        ),
        (
            "signed by a stranger",
            path(
                FAPI1,
                &Document::sign_texts(&stranger, r#"{"alg":"ES256"}"#, &payload),
            ),
            invalid_object,
        ),
        (
            "EdDSA",
            path(
                FAPI1,
                &Document::sign_texts(&eddsa, r#"{"alg":"EdDSA"}"#, &payload),
            ),
            invalid_object,
        ),
        (
            "another kind of JWT",
            path(
                FAPI1,
                &world.request_object(r#"{"alg":"ES256","typ":"at+jwt"}"#, &claims),
            ),
            invalid_object,
        ),
    ] {
        let reply = Browser::new(&world).get(&path).await;
        assert_eq!(error_page(&reply), (400, code.to_owned()), "{case}");
        assert_eq!(
            stored(&world),
            0,
            "{case}: a stranger leaves nothing behind"
        );
    }
}

// RFC 6749 §4.1.2.1: no address, or none that is the client's.
#[tokio::test]
async fn what_is_signed_and_has_no_address_is_an_error_page() {
    let world = world();
    let invalid = "invalid_request";
    let invalid_object = "invalid_request_object";
    for (case, path, code) in [
        (
            "signed for another client with the same keys",
            path(FAPI1, &world.fapi1_object(FAPI2, &json!({}))),
            invalid_object,
        ),
        (
            "without client_id",
            path(
                FAPI1,
                &world.fapi1_object(FAPI1, &json!({"client_id": null})),
            ),
            invalid_object,
        ),
        (
            "without redirect_uri",
            path(
                FAPI1,
                &world.fapi1_object(FAPI1, &json!({"redirect_uri": null})),
            ),
            invalid,
        ),
        (
            "with another's redirect_uri",
            path(
                FAPI1,
                &world.fapi1_object(FAPI1, &json!({"redirect_uri": "https://evil.example/"})),
            ),
            invalid,
        ),
        (
            "wrong in something else, too",
            path(
                FAPI1,
                &world.fapi1_object(
                    FAPI1,
                    &json!({"redirect_uri": "https://evil.example/", "exp": 1}),
                ),
            ),
            invalid_object,
        ),
        (
            "a client assertion",
            path(FAPI1, &world.assertion(FAPI1)),
            invalid_object,
        ),
    ] {
        let reply = Browser::new(&world).get(&path).await;
        assert_eq!(error_page(&reply), (400, code.to_owned()), "{case}");
        assert_eq!(stored(&world), 0, "{case}");
    }
}

fn stored(world: &World) -> usize {
    world.store.len(RecordKind::PushedRequest)
}

// RFC 6749 §4.1.2.1, JARM §2.1, RFC 9207 §2: what the client has signed, it is told, signed.
#[tokio::test]
async fn the_client_hears_what_is_wrong_with_what_it_has_signed() {
    let world = world();
    let now = world.now().as_unix();
    let object = "invalid_request_object";
    let invalid = "invalid_request";
    for (case, changes, code) in [
        ("no. 13: no exp", json!({"exp": null}), object),
        ("living too long", json!({"exp": now + 3601}), object),
        ("expired", json!({"nbf": now - 60, "exp": now}), object),
        ("no. 17: no nbf", json!({"nbf": null}), object),
        (
            "too old",
            json!({"nbf": now - 3601, "exp": now + 60}),
            object,
        ),
        (
            "from the future",
            json!({"nbf": now + 61, "exp": now + 90}),
            object,
        ),
        ("no. 15: no aud", json!({"aud": null}), object),
        (
            "for somebody else",
            json!({"aud": "https://other.example"}),
            object,
        ),
        ("for an endpoint", json!({"aud": TOKEN}), object),
        ("another issuer", json!({"iss": FAPI2}), object),
        ("a request inside", json!({"request": "eyJ"}), object),
        (
            "a request_uri inside",
            json!({"request_uri": "urn:x"}),
            object,
        ),
        ("Part 1 §5.2.2.3: no state", json!({"state": null}), invalid),
        (
            "plain PKCE",
            json!({"code_challenge_method": "plain"}),
            invalid,
        ),
        ("no method", json!({"code_challenge_method": null}), invalid),
        (
            "a method of nothing",
            json!({"code_challenge": null}),
            invalid,
        ),
        ("no response_type", json!({"response_type": null}), invalid),
        (
            "implicit",
            json!({"response_type": "token"}),
            "unsupported_response_type",
        ),
        (
            "an unknown scope",
            json!({"scope": "admin"}),
            "invalid_scope",
        ),
        (
            "another resource",
            json!({"resource": "https://evil.example"}),
            "invalid_target",
        ),
        ("DPoP", json!({"dpop_jkt": "x"}), invalid),
    ] {
        let path = path(FAPI1, &world.fapi1_object(FAPI1, &changes));
        let url = landed(&Browser::new(&world).get(&path).await);
        assert!(
            url.as_str().starts_with(&format!("{CALLBACK}?response=")),
            "{case}: {url}"
        );
        let claims = claims_at(&url);
        assert_eq!(claims["error"], code, "{case}: {claims}");
        assert_eq!(
            (&claims["iss"], &claims["aud"]),
            (&ISSUER.into(), &FAPI1.into()),
            "{case}"
        );
        let state = changes
            .get("state")
            .map_or(json!("the state"), Value::clone);
        assert_eq!(claims["state"], state, "{case}");
        assert_eq!(stored(&world), 0, "{case}");
    }
    // No. 2: the answer cannot be signed if that is what is wrong.
    for mode in [
        json!("query"),
        json!(null),
        json!("fragment"),
        json!("form_post.jwt"),
    ] {
        let object = world.fapi1_object(FAPI1, &json!({"response_mode": mode}));
        let url = landed(&Browser::new(&world).get(&path(FAPI1, &object)).await);
        assert_eq!(answer(&url)["error"], invalid, "{mode}");
        assert_eq!(answer(&url)["iss"], ISSUER);
    }
}

// FAPI 1.0 Part 2 §5.2.2 no. 10, RFC 9101 §6.3.
#[tokio::test]
async fn nothing_beside_the_object_counts() {
    let world = world_with(&json!({"redirect_uris": [CALLBACK, CALLBACK_WITH_QUERY]}));
    let object = world.fapi1_object(
        FAPI1,
        &json!({"scope": "payments", "redirect_uri": CALLBACK_WITH_QUERY}),
    );
    let path = beside(
        FAPI1,
        &object,
        &[
            ("redirect_uri", "https://evil.example/"),
            ("state", "unsigned"),
            ("nonce", "unsigned"),
            ("scope", "accounts"),
            ("response_type", "token"),
            ("response_mode", "query"),
            ("code_challenge", "x"),
            ("prompt", "none"),
            ("resource", "https://evil.example"),
        ],
    );
    let mut browser = Browser::new(&world);
    let page = consent(&mut browser, &path).await;
    assert!(page.text().contains("Make payments") && !page.text().contains("See your accounts"));
    let url = landed(&browser.submit(&page, &[], "deny").await);
    assert_eq!(answer(&url)["bank"], "one");
    let claims = claims_at(&Url::parse(&url.as_str().replace("bank=one&x=%7e&", "")).unwrap());
    assert_eq!(
        (&claims["error"], &claims["state"]),
        (&"access_denied".into(), &"the state".into())
    );
}

// A link preview opens it, a person reloads it: it is spent by a decision, and then for good.
#[tokio::test]
async fn an_object_can_be_opened_often_and_decided_once() {
    let world = world();
    let object = world.fapi1_object(FAPI1, &json!({}));
    let path = path(FAPI1, &object);
    for _ in 0..3 {
        assert_eq!(Browser::new(&world).get(&path).await.status, 303);
    }
    assert_eq!(stored(&world), 1, "one record, however often it is opened");
    let mut other = Browser::new(&world);
    let open_elsewhere = consent(&mut other, &path).await;
    world.advance(30);
    let mut browser = Browser::new(&world);
    let page = consent(&mut browser, &path).await;
    let url = landed(&browser.submit(&page, &[], "approve").await);
    assert!(claims_at(&url)["code"].is_string());

    let spent = (400, "invalid_request_uri".to_owned());
    let again = browser.submit(&page, &[], "approve").await;
    assert_eq!(error_page(&again), spent, "the form again");
    let elsewhere = other.submit(&open_elsewhere, &[], "approve").await;
    assert_eq!(error_page(&elsewhere), spent, "another window");
    assert_eq!(
        error_page(&browser.get(&path).await),
        spent,
        "the object again"
    );
    let same = world.request_object(r#"{"alg":"ES256"}"#, &crate::fapi1::claims_in(&object));
    assert_ne!(same, object, "another signature of the same");
    let same = self::path(FAPI1, &same);
    assert_eq!(error_page(&browser.get(&same).await), spent);
    let same = self::path(FAPI1, &mirrored(&object));
    assert_eq!(
        error_page(&browser.get(&same).await),
        spent,
        "the other signature"
    );

    // Remembered for as long as it could be opened.
    world.advance(269);
    assert_eq!(error_page(&browser.get(&path).await), spent);
    world.advance(1);
    let url = landed(&browser.get(&path).await);
    assert_eq!(
        claims_at(&url)["error"],
        "invalid_request_object",
        "expired"
    );
    let mut fresh = crate::fapi1::claims_in(&object);
    fresh["jti"] = "another".into();
    fresh["exp"] = (world.now().as_unix() + 60).into();
    let fresh = world.request_object(r#"{"alg":"ES256"}"#, &fresh);
    assert_eq!(browser.get(&self::path(FAPI1, &fresh)).await.status, 303);
}

/// The same object with the other signature that anybody can make of one of ES256: (r, n - s).
fn mirrored(object: &str) -> String {
    const N: [u8; 32] = [
        0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc,
        0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
    ];
    let (signed, signature) = object.rsplit_once('.').unwrap();
    let mut signature = base64url::decode(signature).unwrap();
    let mut borrow = false;
    for (s, n) in signature[32..].iter_mut().zip(N).rev() {
        let (difference, first) = n.overflowing_sub(*s);
        let (difference, second) = difference.overflowing_sub(u8::from(borrow));
        (*s, borrow) = (difference, first || second);
    }
    format!("{signed}.{}", base64url::encode(signature))
}

/// A store that has not heard of authorization requests yet when it is asked for one, if it is told to.
#[derive(Debug, Default)]
struct Late(MemoryStore, std::sync::atomic::AtomicBool);

impl Store for Late {
    fn put(&self, key: RecordKey, record: Record, now: Timestamp) -> StoreFuture<'_, ()> {
        self.0.put(key, record, now)
    }

    fn get(&self, key: RecordKey, now: Timestamp) -> StoreFuture<'_, Option<Vec<u8>>> {
        if self.1.swap(false, std::sync::atomic::Ordering::SeqCst) {
            return Box::pin(std::future::ready(Ok(None)));
        }
        self.0.get(key, now)
    }

    fn replace(
        &self,
        key: RecordKey,
        record: Record,
        now: Timestamp,
    ) -> StoreFuture<'_, Option<Vec<u8>>> {
        self.0.replace(key, record, now)
    }

    fn take(&self, key: RecordKey, now: Timestamp) -> StoreFuture<'_, Option<Vec<u8>>> {
        self.0.take(key, now)
    }
}

// Two open it for the first time; one decides before the other's record is written, and it is still decided once.
#[tokio::test]
async fn a_spent_object_that_is_put_back_is_still_spent() {
    let store = Arc::new(Late::default());
    let key = tower_fapi::jose::PrivateJwk::generate(JwsAlgorithm::Es256).unwrap();
    let key = || SigningKey::new(&key).unwrap();
    let client = serde_json::from_value(metadata(&key(), &json!({}))).unwrap();
    let mut world = World::with(|builder| builder.client(client).store(store.clone()));
    world.client_key = key();
    let object = world.fapi1_object(FAPI1, &json!({}));
    let url = world.approve_by_value(&object).await;
    assert!(claims_at(&url)["code"].is_string());

    store.1.store(true, std::sync::atomic::Ordering::SeqCst);
    let mut browser = Browser::new(&world);
    let page = consent(&mut browser, &path(FAPI1, &object)).await;
    let reply = browser.submit(&page, &[], "approve").await;
    assert_eq!(error_page(&reply), (400, "invalid_request_uri".to_owned()));
}

// FAPI 1.0 Part 2 §5.2.2 no. 18 demands PKCE of pushed requests only; RFC 9700 §4.8.2 that nobody takes it away.
#[tokio::test]
async fn pkce_by_value_is_as_the_client_likes() {
    let world = world();
    let without = json!({"code_challenge": null, "code_challenge_method": null});
    let redeem = async |object: &str, verifier: &str| {
        let url = world.approve_by_value(object).await;
        let claims = claims_at(&url);
        let redemption = world.redemption(FAPI1, claims["code"].as_str().unwrap());
        let redemption = changed(redemption, &[("code_verifier", verifier)]);
        world
            .send(over(post(MTLS_TOKEN, &redemption), &world.certificate))
            .await
    };
    let invalid_grant = (400, "invalid_grant".to_owned());
    let with = |state: &str| world.fapi1_object(FAPI1, &json!({"state": state}));
    assert_eq!(redeem(&with("1"), VERIFIER).await.status, 200);
    assert_eq!(redeem(&with("2"), "").await.refusal(), invalid_grant);
    assert_eq!(
        redeem(&with("3"), &"x".repeat(43)).await.refusal(),
        invalid_grant
    );
    let none = |state: &str| {
        let mut changes = without.clone();
        changes["state"] = state.into();
        world.fapi1_object(FAPI1, &changes)
    };
    assert_eq!(redeem(&none("4"), "").await.status, 200);
    assert_eq!(redeem(&none("5"), VERIFIER).await.refusal(), invalid_grant);
}

// RFC 8414 §2, RFC 9126 §5: what is said of the server, with a client of FAPI 1.0 and without.
#[tokio::test]
async fn the_metadata_say_that_requests_may_come_by_value() {
    let document = async |world: &World| {
        let url = "https://as.example/.well-known/openid-configuration";
        let request = http::Request::get(url)
            .body(axum::body::Body::empty())
            .unwrap();
        world.send(request).await.json()
    };
    let required = "require_pushed_authorization_requests";
    assert_eq!(document(&World::new()).await[required], true);
    let with = document(&world()).await;
    assert_eq!(with[required], false);
    assert_eq!(with["request_parameter_supported"], true);
    let must_push = world_with(&json!({"require_pushed_authorization_requests": true}));
    assert_eq!(document(&must_push).await[required], true);
}

// OpenID Connect Core §3.1.2.1: who signed in for it long ago is asked again, though it is the same request.
#[tokio::test]
async fn a_request_that_is_opened_anew_wants_its_own_sign_in() {
    let world = world();
    let now = world.now().as_unix();
    for demand in [
        json!({"prompt": "login"}),
        json!({"max_age": 300}),
        json!({"max_age": 0}),
    ] {
        let mut changes = demand.clone();
        (changes["nbf"], changes["exp"]) = (world.now().as_unix().into(), (now + 3600).into());
        let object = world.fapi1_object(FAPI1, &changes);
        let mut browser = Browser::new(&world);
        let page = consent(&mut browser, &path(FAPI1, &object)).await;
        assert!(page.path.contains("/consent"), "{demand}: {}", page.path);
        world.advance(600);
        let reply = browser.get(&path(FAPI1, &object)).await;
        let page = browser.follow(reply).await;
        assert!(page.path.contains("/login"), "{demand}: {}", page.path);
        let reply = browser.sign_in(&page).await;
        let page = browser.follow(reply).await;
        assert!(page.path.contains("/consent"), "{demand}: {}", page.path);
    }
}

// RFC 9101 §10.8: whoever finds one in a browser's history must not be taken for the client.
#[tokio::test]
async fn a_request_object_is_no_assertion() {
    let world = world();
    for client in [FAPI1, FAPI2] {
        let object = world.fapi1_object(client, &json!({"sub": client}));
        let parameters = form([
            ("client_assertion_type", crate::world::JWT_BEARER),
            ("client_assertion", &object),
            ("request", &world.fapi1_object(client, &json!({}))),
        ]);
        let reply = world.send(post(crate::world::PAR, &parameters)).await;
        assert_eq!(
            reply.refusal(),
            (401, "invalid_client".to_owned()),
            "{client}"
        );
    }
}

// Who opens it at the last moment has the time to sign in and decide, and it is spent for as long as anybody has.
#[tokio::test]
async fn a_request_that_was_opened_in_time_can_be_decided_later() {
    let world = world();
    let object = world.fapi1_object(FAPI1, &json!({}));
    let path = path(FAPI1, &object);
    world.advance(299);
    let mut browser = Browser::new(&world);
    let page = consent(&mut browser, &path).await;
    let mut other = Browser::new(&world);
    let open_elsewhere = consent(&mut other, &path).await;
    world.advance(590);
    let url = landed(&browser.submit(&page, &[], "approve").await);
    assert!(claims_at(&url)["code"].is_string());
    let reply = other.submit(&open_elsewhere, &[], "approve").await;
    assert_eq!(error_page(&reply), (400, "invalid_request_uri".to_owned()));
}

// A request object may count for an hour, and is remembered as spent for as long.
#[tokio::test]
async fn what_was_decided_at_once_is_spent_for_the_whole_hour() {
    let world = world();
    let changes = json!({"exp": world.now().as_unix() + 3600});
    let object = world.fapi1_object(FAPI1, &changes);
    let url = world.approve_by_value(&object).await;
    assert!(claims_at(&url)["code"].is_string());
    let spent = (400, "invalid_request_uri".to_owned());
    for seconds in [601, 1200, 1798] {
        world.advance(seconds);
        let reply = Browser::new(&world).get(&path(FAPI1, &object)).await;
        assert_eq!(error_page(&reply), spent, "{seconds} s later");
    }
}
