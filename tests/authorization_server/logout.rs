//! Signing out (OpenID Connect RP-Initiated Logout 1.0).

use axum::body::Body;
use http::{Request, StatusCode};
use scraper::{Html, Selector};
use serde_json::{Value, json};
use tower_fapi::{authorization_server::store::RecordKind, jose::base64url};

use crate::{
    browser::{Browser, Page, answer, error_page, landed},
    id_token::provider,
    introspection::api,
    world::{ISSUER, PAR, Reply, World, claims_of, encode, form, post},
};

pub const GOODBYE: &str = "https://client.example/bye";

/// A browser in which Alice has signed in and is asked to approve.
async fn signed_in(world: &World) -> (Browser, Page) {
    signed_in_for(world, "dpop").await
}

async fn signed_in_for(world: &World, client_id: &str) -> (Browser, Page) {
    let pushed = world.send(post(PAR, &world.pushed(client_id, &[]))).await;
    let mut browser = Browser::new(world);
    let page = browser.open(client_id, &pushed.text("request_uri")).await;
    let reply = browser.sign_in(&page).await;
    let consent = browser.follow(reply).await;
    assert!(consent.path.starts_with("/consent?"), "{}", consent.path);
    (browser, consent)
}

fn end_session(parameters: &[(&str, &str)]) -> String {
    let pairs: Vec<_> = parameters
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    format!("/end-session?{}", encode(&pairs))
}

/// The page that asks.
async fn asked(browser: &mut Browser, parameters: &[(&str, &str)]) -> Page {
    let reply = browser.get(&end_session(parameters)).await;
    let page = browser.follow(reply).await;
    assert!(page.path.starts_with("/logout"), "{}", page.path);
    page
}

#[track_caller]
fn heading(reply: &Reply) -> String {
    assert_eq!(
        reply.header("content-type"),
        Some("text/html; charset=utf-8"),
        "{reply:?}"
    );
    let html = Html::parse_document(&reply.body);
    let h1 = Selector::parse("h1").unwrap();
    html.select(&h1).next().unwrap().text().collect()
}

fn sessions(world: &World) -> usize {
    world.store.len(RecordKind::Session)
}

// §2: "At the Logout Endpoint, the OP SHOULD ask the End-User whether to log out of the OP as well." Always, here.
#[tokio::test]
async fn nobody_is_signed_out_without_being_asked() {
    let world = World::new();
    let (mut browser, consent) = signed_in(&world).await;
    for parameters in [
        &[][..],
        &[("client_id", "dpop")],
        &[("client_id", "dpop"), ("post_logout_redirect_uri", GOODBYE)],
        &[
            ("logout_hint", "alice"),
            ("ui_locales", "de fr"),
            ("unknown", "x"),
        ],
    ] {
        let page = asked(&mut browser, parameters).await;
        assert_eq!(heading(&page.reply), "Sign out of as.example?");
        assert!(page.text().contains("Alice"));
        let named = parameters.contains(&("client_id", "dpop"));
        assert_eq!(page.text().contains("The client dpop"), named);
        let policy = page.reply.header("content-security-policy").unwrap();
        let leaves = policy.contains("form-action 'self' https://client.example;");
        assert_eq!(
            leaves,
            parameters.contains(&("post_logout_redirect_uri", GOODBYE))
        );
        let stays = browser.submit(&page, &[], "deny").await;
        assert_eq!(heading(&stays), "You are still signed in");
        assert_eq!(sessions(&world), 1);
    }
    landed(&browser.submit(&consent, &[], "approve").await);
}

#[tokio::test]
async fn who_is_signed_out_has_no_session_and_no_open_pages_any_more() {
    let world = World::new();
    let (mut browser, consent) = signed_in(&world).await;
    let before = browser.clone();
    let page = asked(&mut browser, &[]).await;
    let reply = browser.submit(&page, &[], "logout").await;
    assert_eq!(heading(&reply), "You are signed out");
    assert_eq!(reply.header("cache-control"), Some("no-store"));
    assert_eq!(sessions(&world), 0);
    assert!(browser.cookies.is_empty(), "{:?}", browser.cookies);
    // Neither as the browser is now, nor with the cookies it had.
    let refused = browser.submit(&consent, &[], "approve").await;
    assert_eq!(error_page(&refused), (400, "invalid_request".to_owned()));
    let mut thief = before;
    let refused = thief.submit(&consent, &[], "approve").await;
    assert!(refused.header("location").unwrap().starts_with("/login?"));
    // Not even after somebody has signed in again.
    let (mut again, _) = signed_in(&world).await;
    let refused = again.submit(&consent, &[], "approve").await;
    assert_eq!(error_page(&refused), (400, "invalid_request".to_owned()));
    assert!(world.store.is_empty(RecordKind::Code));
    // Who is signed out already is told so, and the form of before does nothing.
    let once_more = asked(&mut browser, &[]).await;
    assert_eq!(heading(&once_more.reply), "You are signed out");
    let reply = again.submit(&page, &[], "logout").await;
    assert_eq!(error_page(&reply), (403, "invalid_request".to_owned()));
    assert_eq!(sessions(&world), 1);
}

// §3: redirected after the logout, with the `state`, and only then.
#[tokio::test]
async fn who_is_signed_out_goes_back_with_the_state() {
    let world = World::new();
    let state = "the state & more".repeat(64);
    for (target, state) in [
        (GOODBYE, Some("the state")),
        (GOODBYE, Some(state.as_str())),
        (GOODBYE, None),
        ("https://client.example/bye?from=bank", Some("x")),
    ] {
        let (mut browser, _) = signed_in(&world).await;
        let mut parameters = vec![("client_id", "dpop"), ("post_logout_redirect_uri", target)];
        parameters.extend(state.map(|state| ("state", state)));
        let page = asked(&mut browser, &parameters).await;
        assert!(page.text().contains("client.example"));
        let url = landed(&browser.submit(&page, &[], "logout").await);
        assert!(url.as_str().starts_with(target), "{url}");
        assert_eq!(answer(&url).get("state").map(String::as_str), state);
        assert_eq!(answer(&url).contains_key("from"), target.contains("from"));
        assert!(!browser.cookies.contains_key("__Host-session"));
        // A client may ask twice: that is no error (§2).
        let again = browser.get(&end_session(&parameters)).await;
        let again = again.header("location").unwrap().to_owned();
        assert_eq!(landed(&browser.get(&again).await), url);
    }
    assert_eq!(sessions(&world), 0);
}

// §3: "MUST NOT perform post-logout redirection if the value supplied does not exactly match one of the previously
// registered values"; §2, §4.
#[tokio::test]
async fn nobody_is_sent_where_the_client_has_not_registered() {
    let world = World::new();
    let (mut browser, _) = signed_in(&world).await;
    let target = "post_logout_redirect_uri";
    for parameters in [
        &[(target, GOODBYE)][..],
        &[(target, "https://evil.example/")],
        &[("client_id", "dpop"), (target, "https://evil.example/")],
        &[
            ("client_id", "dpop"),
            (target, "https://client.example/bye/"),
        ],
        &[
            ("client_id", "dpop"),
            (target, "https://client.example/bye?x=1"),
        ],
        &[
            ("client_id", "dpop"),
            (target, "https://client.example/BYE"),
        ],
        &[
            ("client_id", "dpop"),
            (target, "https://client.example:443/bye"),
        ],
        &[("client_id", "dpop"), (target, "//client.example/bye")],
        &[("client_id", "dpop"), (target, crate::world::CALLBACK)],
        &[("client_id", "other"), (target, GOODBYE)],
        &[("client_id", "nobody"), (target, GOODBYE)],
        &[("client_id", "nobody")],
        &[("client_id", "dpop"), ("client_id", "dpop")],
        &[("client_id", "dpop"), (target, GOODBYE), (target, GOODBYE)],
        &[("id_token_hint", "x.y.z")],
        &[
            ("client_id", "dpop"),
            ("id_token_hint", "x"),
            (target, GOODBYE),
        ],
    ] {
        for path in ["/end-session", "/logout"] {
            let url = end_session(parameters).replacen("/end-session", path, 1);
            let reply = browser.get(&url).await;
            let refused = error_page(&reply);
            assert_eq!(refused, (400, "invalid_request".to_owned()), "{url}");
        }
    }
    assert_eq!(sessions(&world), 1);
}

// An access token or a signed answer is no ID token (RFC 8725 §3.11).
#[tokio::test]
async fn only_an_id_token_is_a_hint() {
    let (world, asking) = api(&json!({}));
    let [token, _] = world.tokens(&[]).await;
    let answer = asking.signed(&world, &token).await.body;
    let mut browser = Browser::new(&world);
    for hint in [&token, &answer] {
        let reply = browser.get(&end_session(&[("id_token_hint", hint)])).await;
        assert_eq!(error_page(&reply), (400, "invalid_request".to_owned()));
    }
}

/// The world of an OpenID client, and an ID token of Alice's for it.
async fn with_id_token(changes: &Value) -> (World, String) {
    let mut metadata = json!({ "post_logout_redirect_uris": [GOODBYE] });
    let more = changes.as_object().unwrap().clone();
    metadata.as_object_mut().unwrap().extend(more);
    let world = provider(&metadata);
    let id_token = world.openid(&[]).await.text("id_token");
    (world, id_token)
}

// §2 and §4: "The OP SHOULD accept ID Tokens when the RP identified by the ID Token's `aud` claim and/or `sid` claim has a
// current session or had a recent session at the OP, even when the `exp` time has passed."
#[tokio::test]
async fn an_id_token_says_for_whom_even_when_it_has_expired() {
    let (world, hint) = with_id_token(&json!({})).await;
    for seconds in [0, 24 * 3600] {
        world.advance(seconds);
        let (mut browser, _) = signed_in_for(&world, "oidc").await;
        for client_id in ["oidc", ""] {
            let parameters = [
                ("id_token_hint", hint.as_str()),
                ("client_id", client_id),
                ("post_logout_redirect_uri", GOODBYE),
                ("state", "s"),
            ];
            let page = asked(&mut browser, &parameters).await;
            assert!(!page.path.contains(&hint), "not in the address bar");
            assert_eq!(heading(&page.reply), "Sign out of as.example?");
            if client_id.is_empty() {
                let url = landed(&browser.submit(&page, &[], "logout").await);
                assert_eq!(url.as_str(), "https://client.example/bye?state=s");
            }
        }
    }
}

// §2: "the OP MUST validate that it was the issuer of the ID Token", "MUST verify that the Client Identifier matches".
#[tokio::test]
async fn an_id_token_of_somebody_else_says_nothing() {
    let (world, hint) = with_id_token(&json!({})).await;
    let (_, of_another_server) = with_id_token(&json!({})).await;
    let (_, sealed) = with_id_token(&json!({
        "id_token_encrypted_response_alg": "ECDH-ES+A256KW",
        "more_keys": [crate::signed_response::response_key()],
    }))
    .await;
    let (signed, signature) = hint.rsplit_once('.').unwrap();
    let (header, _) = signed.split_once('.').unwrap();
    let mut claims = claims_of(&hint);
    claims["aud"] = "dpop".into();
    let bent = base64url::encode(claims.to_string());
    // A response to the authorization request is signed with the same key, and has no `typ` either (JARM §2.1).
    let pushed = world.pushed("oidc", &[("scope", "openid"), ("response_mode", "jwt")]);
    let uri = world.send(post(PAR, &pushed)).await;
    let mut browser = Browser::new(&world);
    let url = browser.approve("oidc", &uri.text("request_uri")).await;
    let response = answer(&url)["response"].clone();
    let token = world.openid(&[]).await.text("access_token");
    for (case, hint) in [
        ("another server's", of_another_server),
        ("encrypted to the client", sealed),
        ("bent", format!("{header}.{bent}.{signature}")),
        ("cut", format!("{signed}.")),
        ("no signature", format!("{signed}.{}", &signature[..40])),
        ("an authorization response", response),
        ("an access token", token),
    ] {
        let parameters = [
            ("id_token_hint", hint.as_str()),
            ("post_logout_redirect_uri", GOODBYE),
        ];
        let reply = browser.get(&end_session(&parameters)).await;
        let refused = error_page(&reply);
        assert_eq!(refused, (400, "invalid_request".to_owned()), "{case}");
    }
    for client_id in ["dpop", "other", "nobody"] {
        let parameters = [("id_token_hint", hint.as_str()), ("client_id", client_id)];
        let reply = browser.get(&end_session(&parameters)).await;
        let refused = error_page(&reply);
        assert_eq!(refused, (400, "invalid_request".to_owned()), "{client_id}");
    }
}

// §2: "OpenID Providers MUST support the use of the HTTP GET and POST methods". A form that another site posts comes without
// the session's cookie, which is `SameSite=Lax`: the page is asked for anew, and with it.
#[tokio::test]
async fn a_form_of_the_client_leads_to_the_page_too() {
    let world = World::new();
    let (mut browser, _) = signed_in(&world).await;
    let parameters = form([
        ("client_id", "dpop"),
        ("post_logout_redirect_uri", GOODBYE),
        ("state", "s"),
    ]);
    let url = format!("{ISSUER}/end-session");
    let reply = world.send(post(&url, &parameters)).await;
    let page = browser.follow(reply).await;
    assert_eq!(heading(&page.reply), "Sign out of as.example?");
    let done = landed(&browser.submit(&page, &[], "logout").await);
    assert_eq!(done.as_str(), "https://client.example/bye?state=s");

    let mut untyped = post(&url, &parameters);
    untyped.headers_mut().remove("content-type");
    assert_eq!(
        error_page(&world.send(untyped).await),
        (400, "invalid_request".to_owned())
    );
}

// §6: whoever else can make a browser send something signs nobody out.
#[tokio::test]
async fn a_form_that_is_not_ours_signs_nobody_out() {
    let world = World::new();
    let (mut browser, consent) = signed_in(&world).await;
    let page = asked(&mut browser, &[]).await;
    let (mut other, _) = signed_in(&world).await;
    let others = asked(&mut other, &[]).await;
    let url = format!("{ISSUER}/logout");
    for (case, csrf) in [
        ("none", String::new()),
        ("made up", "x".repeat(43)),
        ("of another browser", others.csrf()),
        ("of the consent form", consent.csrf()),
    ] {
        for button in ["logout", "deny"] {
            let fields = form([("csrf", &csrf), (button, "yes")]);
            let reply = browser.send(post(&url, &fields)).await;
            let refused = error_page(&reply);
            assert_eq!(refused, (403, "invalid_request".to_owned()), "{case}");
        }
    }
    for fields in [
        form([("csrf", page.csrf().as_str())]),
        form([("csrf", &page.csrf()), ("logout", "yes"), ("deny", "yes")]),
    ] {
        let reply = browser.send(post(&url, &fields)).await;
        assert_eq!(error_page(&reply), (400, "invalid_request".to_owned()));
    }
    // The session's cookie alone, in another browser, is nobody's.
    let mut stranger = browser.clone();
    let value = other.cookies["__Host-browser"].clone();
    stranger.cookies.insert("__Host-browser".to_owned(), value);
    let gone = asked(&mut stranger, &[]).await;
    assert_eq!(heading(&gone.reply), "You are signed out");
    stranger.submit(&page, &[], "logout").await;
    stranger.cookies.remove("__Host-browser");
    stranger.submit(&page, &[], "logout").await;
    assert_eq!(sessions(&world), 2);
    // Posted from another site, without cookies: nothing ends, no cookie is cleared, nobody is told they were signed out.
    let fields = form([("csrf", page.csrf().as_str()), ("logout", "yes")]);
    let reply = world.send(post(&url, &fields)).await;
    assert_eq!(reply.status, StatusCode::SEE_OTHER);
    assert_eq!(reply.header("location"), Some("/logout"));
    assert!(reply.headers.get("set-cookie").is_none());
    let bare = Request::get(&url).body(Body::empty()).unwrap();
    assert!(world.send(bare).await.headers.get("set-cookie").is_none());
    assert_eq!(sessions(&world), 2);
}

// What people have approved outlives their session.
#[tokio::test]
async fn signing_out_revokes_nothing() {
    let (world, asking) = api(&json!({}));
    let (mut browser, consent) = signed_in(&world).await;
    let code = answer(&landed(&browser.submit(&consent, &[], "approve").await))["code"].clone();
    let token = world.redeem(&code).await.text("access_token");
    let page = asked(&mut browser, &[]).await;
    browser.submit(&page, &[], "logout").await;
    assert_eq!(sessions(&world), 0);
    assert!(asking.active(&world, &token).await);
}

// A session that ends by itself leaves nobody to ask.
#[tokio::test]
async fn a_session_that_has_expired_is_none() {
    let world = World::new();
    let (mut browser, _) = signed_in(&world).await;
    let page = asked(&mut browser, &[]).await;
    world.advance(1800);
    let reply = browser.submit(&page, &[], "logout").await;
    let page = browser.follow(reply).await;
    assert_eq!(heading(&page.reply), "You are signed out");
}

#[tokio::test]
async fn who_is_somebody_else_signs_in_anew_for_the_same_request() {
    let world = World::new();
    let (mut browser, consent) = signed_in(&world).await;
    let forged = form([("csrf", "x"), ("switch", "yes")]);
    let url = format!("{ISSUER}{}", consent.action());
    let reply = browser.send(post(&url, &forged)).await;
    assert_eq!(error_page(&reply), (403, "invalid_request".to_owned()));
    for also in ["approve", "deny"] {
        let reply = browser.submit(&consent, &[(also, "yes")], "switch").await;
        assert_eq!(error_page(&reply), (400, "invalid_request".to_owned()));
    }
    assert_eq!(sessions(&world), 1);
    let reply = browser.submit(&consent, &[], "switch").await;
    assert_eq!(sessions(&world), 0);
    assert!(!browser.cookies.contains_key("__Host-session"));
    let login = browser.follow(reply).await;
    assert!(login.path.starts_with("/login?"), "{}", login.path);
    let refused = browser.submit(&consent, &[], "approve").await;
    assert!(refused.header("location").unwrap().starts_with("/login?"));
    let reply = browser.sign_in(&login).await;
    let fresh = browser.follow(reply).await;
    let stale = browser.submit(&consent, &[], "approve").await;
    assert_eq!(error_page(&stale), (403, "invalid_request".to_owned()));
    landed(&browser.submit(&fresh, &[], "approve").await);
}
