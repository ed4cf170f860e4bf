//! Claims that are asked for one by one (OpenID Connect Core §5.5), and who has to sign in (§3.1.2.1 and §3.1.2.2).

use std::time::Duration;

use serde_json::{Value, json};
use tower_fapi::{
    authorization_server::{
        SigningKeys,
        store::{Record, RecordKey, RecordKind, Store as _},
    },
    jose::{JwsAlgorithm, PrivateJwk, SigningKey},
    testing::Document,
};

use crate::{
    browser::{Browser, Page, answer, error_page, landed},
    id_token::{PASSWORD_ACR, provider, provider_with},
    userinfo::informed_provider,
    world::{PAR, Reply, World, claims_of, post},
};

const MULTI_FACTOR_ACR: &str = "https://refeds.org/profile/mfa";

impl World {
    async fn push_openid(&self, changes: &[(&str, &str)]) -> Reply {
        let changes = [&[("scope", "openid")], changes].concat();
        self.send(post(PAR, &self.pushed("oidc", &changes))).await
    }

    /// A page that a request leads to, in a browser where nobody has signed in yet.
    async fn open_openid(&self, changes: &[(&str, &str)]) -> (Browser, Page) {
        let request_uri = self.push_openid(changes).await.text("request_uri");
        let mut browser = Browser::new(self);
        let page = browser.open("oidc", &request_uri).await;
        (browser, page)
    }
}

fn invalid_request() -> (u16, String) {
    (400, "invalid_request".to_owned())
}

// OpenID Connect Core §5.5: for each place, what was asked for there.
#[tokio::test]
async fn a_client_is_told_what_it_asks_for_one_by_one() {
    let world = informed_provider(&json!({}));
    let claims = json!({
        "userinfo": {"email": {"essential": true}, "phone_number": null, "branch": null, "shoe_size": null},
        "id_token": {"name": null, "auth_time": {"essential": true}, "email_verified": {"value": true}},
        "elsewhere": 5,
    });
    let reply = world
        .openid(&[("scope", "openid"), ("claims", &claims.to_string())])
        .await;
    assert_eq!(reply.status, 200, "{reply:?}");
    let (_, id_token) = world.verified(&reply.text("id_token"));
    assert_eq!(id_token["name"], "Alice Liddell");
    assert_eq!(id_token["email_verified"], true);
    for absent in ["email", "phone_number", "branch", "shoe_size"] {
        assert!(!id_token.contains_key(absent), "{absent}");
    }
    let told = world.told(&reply.text("access_token")).await;
    let expected = json!({
        "sub": "subject-1", "email": "alice@example.com",
        "phone_number": "+44 1865 276150", "branch": "North",
    });
    assert_eq!(Value::Object(told), expected);
    // As it was approved, as long as it lasts (§12.2).
    let refreshed = world
        .refresh_openid(&reply.text("refresh_token"), &[])
        .await;
    let (_, again) = world.verified(&refreshed.text("id_token"));
    assert_eq!(again["name"], "Alice Liddell");
}

// OpenID Connect Core §5.5.1: another value is not what was asked for. And nobody speaks in the server's place.
#[tokio::test]
async fn what_only_the_server_says_is_said_by_nobody_else() {
    let world = informed_provider(&json!({}));
    let claims = json!({"id_token": {
        "iss": null, "aud": null, "acr": null, "nonce": null, "sub": null,
        "email": {"value": "other@example.com"},
        "phone_number": {"values": ["1", "+44 1865 276150"]},
    }});
    let reply = world.openid(&[("claims", &claims.to_string())]).await;
    let (_, id_token) = world.verified(&reply.text("id_token"));
    assert_eq!(id_token["iss"], crate::world::ISSUER);
    assert_eq!(
        (&id_token["aud"], &id_token["sub"]),
        (&json!("oidc"), &json!("subject-1"))
    );
    assert_eq!(id_token["acr"], PASSWORD_ACR);
    assert!(!id_token.contains_key("nonce") && !id_token.contains_key("email"));
    assert_eq!(id_token["phone_number"], "+44 1865 276150");
}

// What is told is what the person was shown, and what the client is registered for.
#[tokio::test]
async fn the_person_sees_what_is_asked_for_and_the_client_gets_no_more_than_it_is_registered_for() {
    let claims =
        json!({"userinfo": {"email": null, "address": null, "name#ja": null, "branch": null}})
            .to_string();
    let world = informed_provider(&json!({"scope": "openid email"}));
    let (mut browser, page) = world.open_openid(&[("claims", &claims)]).await;
    let reply = browser.sign_in(&page).await;
    let page = browser.follow(reply).await;
    let text = page.text();
    assert!(text.contains("See details about you"), "{text}");
    assert!(
        text.contains("your email address") && text.contains("branch"),
        "{text}"
    );
    assert!(
        !text.contains("postal") && !text.contains("your name") && !text.contains("name#"),
        "its registration has no scope for that, in any language: {text}"
    );
    let reply = browser.submit(&page, &[], "approve").await;
    let code = answer(&landed(&reply))["code"].clone();
    let token = world.redeem_as("oidc", &code).await.text("access_token");
    let told = world.told(&token).await;
    assert!(told.contains_key("email") && told.contains_key("branch"));
    assert!(!told.contains_key("address") && !told.contains_key("name#ja"));

    let covered = [
        ("scope", "openid email"),
        ("claims", r#"{"userinfo":{"email":null}}"#),
    ];
    let request_uri = world.push_openid(&covered).await.text("request_uri");
    let page = browser.open("oidc", &request_uri).await;
    assert!(
        !page.text().contains("See details about you"),
        "the scope says it"
    );
}

#[tokio::test]
async fn what_is_malformed_is_refused_and_means_nothing_without_openid() {
    let world = provider(&json!({}));
    for claims in [
        "x",
        "[]",
        r#"{"userinfo":5}"#,
        r#"{"id_token":{"sub":{"value":5}}}"#,
    ] {
        let reply = world.push_openid(&[("claims", claims)]).await;
        assert_eq!(reply.refusal(), invalid_request(), "{claims}");
        let plain = [("scope", "accounts"), ("claims", claims)];
        assert_eq!(world.push_openid(&plain).await.status, 201, "{claims}");
    }
    for ignored in [
        ("display", "popup"),
        ("ui_locales", "fr-CA"),
        ("claims_locales", "de"),
    ] {
        assert_eq!(
            world.push_openid(&[ignored]).await.status,
            201,
            "{ignored:?}"
        );
    }
}

// OpenID Connect Core §5.5.1.1.
#[tokio::test]
async fn an_essential_acr_is_a_condition() {
    let world = provider(&json!({}));
    let asked = |essential: bool, values: &[&str]| {
        json!({"id_token": {"acr": {"essential": essential, "values": values}}}).to_string()
    };
    let unmet = (400, "unmet_authentication_requirements".to_owned());
    let nobody_can = asked(true, &[MULTI_FACTOR_ACR, "silver"]);
    let reply = world.push_openid(&[("claims", &nobody_can)]).await;
    assert_eq!(reply.refusal(), unmet);
    // What is beside it can be met, and does not stand in for it.
    let beside = [("claims", &*nobody_can), ("acr_values", PASSWORD_ACR)];
    assert_eq!(world.push_openid(&beside).await.refusal(), unmet);
    for (claims, more) in [
        (asked(true, &["silver", PASSWORD_ACR]), ("max_age", "")),
        (asked(false, &["silver"]), ("max_age", "")),
        (
            r#"{"id_token":{"acr":{"essential":true}}}"#.to_owned(),
            ("max_age", ""),
        ),
        // Which of the two counts is not specified; the essential one says more.
        (asked(true, &[PASSWORD_ACR]), ("acr_values", PASSWORD_ACR)),
    ] {
        let reply = world.openid(&[("claims", &claims), more]).await;
        let (_, id_token) = world.verified(&reply.text("id_token"));
        assert_eq!(id_token["acr"], PASSWORD_ACR, "{claims}");
    }
}

// OpenID Connect Core §3.1.2.2 and §5.5.1: not about another person, even if they have signed in.
#[tokio::test]
async fn nobody_else_gets_through_where_one_person_is_asked_for() {
    let world = informed_provider(&json!({}));
    let id_token = world.openid(&[]).await.text("id_token");
    let by_claim = r#"{"id_token":{"sub":{"value":"subject-1"}}}"#;
    for asked in [("claims", by_claim), ("id_token_hint", id_token.as_str())] {
        // Somebody else signs in for it.
        let (mut browser, page) = world.open_openid(&[asked]).await;
        assert!(page.path.starts_with("/login"));
        let reply = browser
            .submit(&page, &[("username", "hatter")], "login")
            .await;
        let refused = answer(&landed(&reply));
        assert_eq!(refused["error"], "login_required", "{asked:?}");
        assert!(!refused.contains_key("code"));
        // They are signed in now, and that does not count.
        let request_uri = world.push_openid(&[asked]).await.text("request_uri");
        let page = browser.open("oidc", &request_uri).await;
        assert!(page.path.starts_with("/login"), "{}", page.path);
        let silent = [asked, ("prompt", "none")];
        let request_uri = world.push_openid(&silent).await.text("request_uri");
        let path = crate::browser::authorize("oidc", &request_uri);
        let silently = answer(&landed(&browser.get(&path).await));
        assert_eq!(silently["error"], "login_required", "{asked:?}");
        // The right one goes on from there.
        let reply = browser
            .submit(&page, &[("username", "alice")], "login")
            .await;
        let page = browser.follow(reply).await;
        assert!(page.path.starts_with("/consent"), "{}", page.path);
        let reply = browser.submit(&page, &[], "approve").await;
        let code = answer(&landed(&reply))["code"].clone();
        let reply = world.redeem_as("oidc", &code).await;
        let (_, claims) = world.verified(&reply.text("id_token"));
        assert_eq!(claims["sub"], "subject-1");
        // And with their session no page has to be shown for it to be found out.
        let request_uri = world.push_openid(&silent).await.text("request_uri");
        let path = crate::browser::authorize("oidc", &request_uri);
        let silently = answer(&landed(&browser.get(&path).await));
        assert_eq!(silently["error"], "consent_required", "{asked:?}");
    }
    let both = [
        ("claims", r#"{"id_token":{"sub":{"value":"subject-2"}}}"#),
        ("id_token_hint", &id_token),
    ];
    assert_eq!(world.push_openid(&both).await.refusal(), invalid_request());
}

// OpenID Connect Core §3.1.2.1: an ID token that this server gave to this client.
#[tokio::test]
async fn a_hint_is_an_id_token_of_ours_for_this_client() {
    let world = informed_provider(&json!({"userinfo_signed_response_alg": "ES256"}));
    let reply = world.openid(&[]).await;
    let id_token = reply.text("id_token");
    let access_token = reply.text("access_token");
    let userinfo = world
        .userinfo("GET", crate::userinfo::USERINFO, &access_token)
        .await
        .body;
    let response = {
        let signed = [("scope", "openid"), ("response_mode", "jwt")];
        let pushed = world.send(post(PAR, &world.pushed("oidc", &signed))).await;
        let url = Browser::new(&world)
            .approve("oidc", &pushed.text("request_uri"))
            .await;
        answer(&url)["response"].clone()
    };
    let other_key = SigningKey::generate(JwsAlgorithm::Es256);
    let forged = {
        let claims = claims_of(&id_token).to_string();
        let header = r#"{"alg":"ES256"}"#;
        Document::sign_texts(&other_key.unwrap(), header, &claims)
    };
    let (head, rest) = id_token.split_once('.').unwrap();
    for (case, hint) in [
        ("an access token", access_token.as_str()),
        ("signed userinfo", &userinfo),
        ("a signed response", &response),
        ("signed by somebody else", &forged),
        ("damaged", &format!("{head}.x{rest}")),
        (
            "unsigned",
            &format!("{}.", id_token.rsplit_once('.').unwrap().0),
        ),
        ("garbage", "garbage"),
    ] {
        let reply = world.push_openid(&[("id_token_hint", hint)]).await;
        assert_eq!(reply.refusal(), invalid_request(), "{case}");
    }
    world.advance(100_000);
    let reply = world.push_openid(&[("id_token_hint", &id_token)]).await;
    assert_eq!(
        reply.status, 201,
        "one that has ended hints, too: {reply:?}"
    );

    // Another client's, of the same server and the same keys.
    let other = provider_with(&json!({"client_id": "oidc-2"}), |builder| {
        builder.signing_keys(world.keys.clone())
    });
    let pushed = other.pushed(
        "oidc-2",
        &[("scope", "openid"), ("id_token_hint", &id_token)],
    );
    assert_eq!(
        other.send(post(PAR, &pushed)).await.refusal(),
        invalid_request()
    );
}

// OpenID Connect Core §3.1.2.1, RFC 8725 §3.11: whatever else the same key has signed.
#[tokio::test]
async fn a_hint_is_nothing_else_that_was_signed_with_our_key() {
    let key = PrivateJwk::generate(JwsAlgorithm::Es256).unwrap();
    let keys: SigningKeys = format!(r#"{{"keys":[{}]}}"#, *key.secret_json())
        .parse()
        .unwrap();
    let key = SigningKey::new(&key).unwrap();
    let world = provider_with(&json!({}), |builder| builder.signing_keys(keys));
    let claims = claims_of(&world.openid(&[]).await.text("id_token"));
    let (plain, client) = (json!({"alg": "ES256"}), json!("oidc"));
    let cases = [
        ("as it was", plain.clone(), json!({}), true),
        (
            "another kind of JWT",
            json!({"alg": "ES256", "typ": "at+jwt"}),
            json!({}),
            false,
        ),
        (
            "another issuer's",
            plain.clone(),
            json!({"iss": "https://other.example"}),
            false,
        ),
        ("of no issuer", plain.clone(), json!({"iss": null}), false),
        (
            "for another client",
            plain.clone(),
            json!({"aud": "dpop"}),
            false,
        ),
        (
            "for several",
            plain.clone(),
            json!({"aud": [client]}),
            false,
        ),
        ("about nobody", plain.clone(), json!({"sub": null}), false),
        ("without an end", plain.clone(), json!({"exp": null}), false),
        (
            "without a beginning",
            plain.clone(),
            json!({"iat": null}),
            false,
        ),
        (
            "of no sign-in",
            plain.clone(),
            json!({"auth_time": null}),
            false,
        ),
        (
            "of a sign-in in words",
            plain,
            json!({"auth_time": "1800000000"}),
            false,
        ),
    ];
    for (case, header, changes, accepted) in cases {
        let mut claims = claims.as_object().unwrap().clone();
        claims.extend(changes.as_object().unwrap().clone());
        claims.retain(|_, value| !value.is_null());
        let claims = Value::Object(claims).to_string();
        let hint = Document::sign_texts(&key, &header.to_string(), &claims);
        let reply = world.push_openid(&[("id_token_hint", &hint)]).await;
        assert_eq!(reply.status == 201, accepted, "{case}: {reply:?}");
    }
}

// RFC 9126 §7.4: what was asked for when its client was registered for more, or another page was shown.
#[tokio::test]
async fn what_a_client_may_no_longer_be_told_is_not_opened_and_not_approved() {
    let world = informed_provider(&json!({"scope": "openid email"}));
    for (place, now_asked, opened) in [
        ("userinfo", "address", false),
        ("id_token", "phone_number", false),
        ("userinfo", "email", true),
    ] {
        let claims = json!({place: {"branch": null}}).to_string();
        let request_uri = world.push_openid(&[("claims", &claims)]).await;
        let request_uri = request_uri.text("request_uri");
        let mut browser = Browser::new(&world);
        let page = browser.open("oidc", &request_uri).await;
        let reply = browser.sign_in(&page).await;
        let consent = browser.follow(reply).await;

        let secret = request_uri.rsplit(':').next().unwrap();
        let key = RecordKey::of_secret(RecordKind::PushedRequest, secret);
        let stored = world.store.get(key, world.now()).await.unwrap().unwrap();
        let stored = String::from_utf8(stored).unwrap();
        assert!(stored.contains("\"branch\""));
        let now_asked = format!("\"{now_asked}\"");
        let record = Record {
            value: stored.replacen("\"branch\"", &now_asked, 1).into_bytes(),
            expires: world.now().plus(Duration::from_secs(600)),
        };
        world.store.put(key, record, world.now()).await.unwrap();
        let reply = browser
            .get(&crate::browser::authorize("oidc", &request_uri))
            .await;
        let expected = if opened { 303 } else { 400 };
        assert_eq!(reply.status, expected, "{now_asked}");
        let approved = browser.submit(&consent, &[], "approve").await;
        let refused = (400, "invalid_request".to_owned());
        assert_eq!(error_page(&approved), refused, "{now_asked}");
        assert!(world.store.is_empty(RecordKind::Code), "{now_asked}");
    }
}
