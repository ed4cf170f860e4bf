//! Attacks on the authorization request.

use tower_fapi::authorization_server::store::{MemoryStore, RecordKind};

use crate::{
    browser::{Browser, answer, authorize, error_page, landed},
    world::{CALLBACK, PAR, World, changed, post},
};

fn unknown() -> (u16, String) {
    (400, "invalid_request_uri".to_owned())
}

/// A1, a malicious client; RFC 9126 §4 and §7.1.
///
/// A `request_uri` of one client is unknown when it comes with the name of another, and still good for the one it is of.
#[tokio::test]
async fn request_uri_of_another_client() {
    let world = World::new();
    let victims = world.push(&[]).await.text("request_uri");
    let mut browser = Browser::new(&world);
    let reply = browser.get(&authorize("other", &victims)).await;
    assert_eq!(error_page(&reply), unknown());
    let reply = browser.get(&authorize("nobody", &victims)).await;
    assert_eq!(error_page(&reply), unknown());
    browser.approve("dpop", &victims).await;
}

/// A1; RFC 9126 §7.5, FAPI 2.0 Security Profile §5.3.2.2.
///
/// The attacker swaps the `request_uri` in the link of a victim for one of their own, at the same client. The victim approves
/// the attacker's request, and the client gets a response with the attacker's state and a code that is bound to the attacker's
/// challenge. In the victim's session it fits neither; the client sees that by `state` or, at the latest, the server by the
/// verifier.
#[tokio::test]
async fn swapped_request_uri() {
    let world = World::new();
    let challenge = tower_fapi::jose::base64url::encode([7; 32]);
    let changes = [
        ("state", "the attacker's"),
        ("code_challenge", challenge.as_str()),
    ];
    let attackers = world.push(&changes).await.text("request_uri");
    let url = Browser::new(&world).approve("dpop", &attackers).await;
    let response = answer(&url);
    assert_eq!(response["state"], "the attacker's");
    let redeemed = world.redeem(&response["code"]).await;
    assert_eq!(redeemed.refusal(), (400, "invalid_grant".to_owned()));
}

/// A3a reads the authorization request; FAPI 2.0 Security Profile, "Authorization request leaks lead to CSRF".
///
/// Whoever reads the `request_uri` may sign in with it themselves and slip the victim the response. Each is good for one
/// authorization, so the victim who is first spoils it for the attacker, and an attacker who is first is noticed: the victim
/// is told that the request has been answered. It cannot be stopped that an attacker who is first and forces their response
/// on the victim's browser gets there; the code's minute is all the time they have.
#[tokio::test]
async fn a_request_uri_that_leaked_is_good_for_one_of_both() {
    let world = World::new();
    let request_uri = world.push(&[]).await.text("request_uri");
    let [mut first, mut second] = [(); 2].map(|()| Browser::new(&world));
    let page = second.open("dpop", &request_uri).await;
    let reply = second.sign_in(&page).await;
    let consent = second.follow(reply).await;
    first.approve("dpop", &request_uri).await;
    let late = second.submit(&consent, &[], "approve").await;
    assert_eq!(error_page(&late), unknown());
    let reopened = second.get(&authorize("dpop", &request_uri)).await;
    assert_eq!(error_page(&reopened), unknown());
}

/// A1; RFC 9126 §2.1 and §7.2, RFC 9101 §6.3.
///
/// Nothing that a browser brings changes what the client pushed.
#[tokio::test]
async fn parameters_added_in_the_front_channel() {
    let world = World::new();
    let request_uri = world.push(&[]).await.text("request_uri");
    let link = authorize("dpop", &request_uri);
    let more = "&redirect_uri=https%3A%2F%2Fevil.example%2F&scope=payments&state=evil&response_mode=fragment";
    let mut browser = Browser::new(&world);
    let reply = browser.get(&format!("{link}{more}")).await;
    let page = browser.follow(reply).await;
    let reply = browser.sign_in(&page).await;
    let consent = browser.follow(reply).await;
    assert!(!consent.text().contains("Make payments"));
    let url = landed(&browser.submit(&consent, &[], "approve").await);
    assert!(url.as_str().starts_with(CALLBACK), "{url}");
    assert_eq!(answer(&url)["state"], "the state");
}

/// A1; RFC 9126 §7.1.
///
/// A `request_uri` has 256 bits from the system's generator; those that are like a true one are as unknown as any.
#[tokio::test]
async fn guessing_a_request_uri() {
    let world = World::new();
    let true_one = world.push(&[]).await.text("request_uri");
    let mut browser = Browser::new(&world);
    let (start, last) = true_one.split_at(true_one.len() - 1);
    let other = if last == "A" { "B" } else { "A" };
    for guess in [
        format!("{start}{other}"),
        start.to_owned(),
        format!("{true_one}A"),
        true_one.to_uppercase(),
        true_one.replace("urn:", "URN:"),
    ] {
        let reply = browser.get(&authorize("dpop", &guess)).await;
        assert_eq!(error_page(&reply), unknown(), "{guess}");
    }
}

/// A1 without the key of any client; FAPI 2.0 Security Profile §5.3.2.2.
///
/// Who cannot authenticate fills nothing.
#[tokio::test]
async fn flooding_by_strangers_leaves_nothing_behind() {
    let world = World::new();
    for n in 0..200 {
        let assertion = world.assertion("dpop").replacen("ey", "eY", 1);
        let request = changed(
            world.pushed("dpop", &[]),
            &[("client_assertion", &format!("{assertion}{n}"))],
        );
        let reply = world.send(post(PAR, &request)).await;
        assert_eq!(reply.refusal().0, 401);
    }
    assert!(world.store.is_empty(RecordKind::PushedRequest));
}

/// A1, a registered client.
///
/// Pushed requests have a shelf of their own. A client that fills it gets 503, as all do who push meanwhile; whoever has a
/// grant goes on, nobody's request is dropped, and room comes back as requests expire.
#[tokio::test]
async fn flooding_by_a_client_takes_nothing_from_those_who_have_a_grant() {
    let store = std::sync::Arc::new(MemoryStore::new(64 * 1024));
    let kept = store.clone();
    let world = World::with(move |builder| builder.store(kept));
    let code = world.code("dpop", &[]).await;
    let waiting = world.push(&[]).await.text("request_uri");
    let state = "x".repeat(1000);
    let refused = loop {
        let pushed = world.push(&[("state", &state)]).await;
        if pushed.status != 201 {
            break pushed;
        }
        assert!(store.len(RecordKind::PushedRequest) < 1000, "bounded");
    };
    let full = (503, "temporarily_unavailable".to_owned());
    assert_eq!(refused.refusal(), full);
    assert!(refused.header("retry-after").is_some());

    let granted = world.redeem(&code).await;
    assert_eq!(granted.status, 200, "{granted:?}");
    let refresh_token = granted.text("refresh_token");
    assert_eq!(world.refreshed("dpop", &refresh_token).await.status, 200);
    Browser::new(&world).approve("dpop", &waiting).await;
    world.advance(3600);
    assert_eq!(world.push(&[]).await.status, 201);
}
