//! Attacks on the authorization code and on what it is exchanged for.

use tower_fapi::testing::DpopKey;

use crate::{
    browser::{Browser, answer},
    world::{CHALLENGE, PAR, Reply, TOKEN, World, changed, claims_of, form, post, with_proof},
};

/// A verifier that belongs to another request than the usual one.
const OTHER_VERIFIER: &str = "an-other-verifier-that-is-long-enough-for-rfc-7636";

fn other_challenge() -> String {
    let hash = tower_fapi::jose::sha256(OTHER_VERIFIER.as_bytes());
    tower_fapi::jose::base64url::encode(hash)
}

fn invalid_grant() -> (u16, String) {
    (400, "invalid_grant".to_owned())
}

async fn redeem(world: &World, client_id: &str, code: &str, changes: &[(&str, &str)]) -> Reply {
    let parameters = changed(world.redemption(client_id, code), changes);
    let request = post(TOKEN, &parameters);
    world.send(with_proof(request, &world.proof(TOKEN))).await
}

/// A1 with a stolen authorization response; RFC 9700 §4.5, FAPI 2.0 Security Profile §5.3.2.2.
///
/// The attacker puts the victim's code into a flow of their own at the same client, which then sends it with the verifier of
/// that flow. The code is bound to the challenge of the victim's request.
#[tokio::test]
async fn code_injection_into_a_flow_of_the_attackers_own() {
    let world = World::new();
    let victims = world.code("dpop", &[]).await;
    let challenge = other_challenge();
    let attackers = world.code("dpop", &[("code_challenge", &challenge)]).await;
    let own = [("code_verifier", OTHER_VERIFIER)];
    let injected = redeem(&world, "dpop", &victims, &own).await;
    assert_eq!(injected.refusal(), invalid_grant());
    // The other way round: the victim's browser is made to bring the attacker's code to the client (login CSRF, RFC 9700
    // §4.7), which sends it with the verifier of the victim's flow.
    let swapped = redeem(&world, "dpop", &attackers, &[]).await;
    assert_eq!(swapped.refusal(), invalid_grant());
    // Neither attempt has taken anything from anybody.
    assert_eq!(redeem(&world, "dpop", &victims, &[]).await.status, 200);
    assert_eq!(redeem(&world, "dpop", &attackers, &own).await.status, 200);
}

/// A1 with a stolen authorization response; RFC 9449 §10.
///
/// Somebody who has client credentials and verifier too (a compromised back end, a confused client) still lacks the key
/// that the code was bound to when the request was pushed.
#[tokio::test]
async fn injection_of_a_code_that_is_bound_to_a_key() {
    let world = World::new();
    let jkt = world.dpop.thumbprint().to_string();
    let code = world.code("dpop", &[("dpop_jkt", &jkt)]).await;
    let thief = DpopKey::generate().proof("POST", TOKEN, world.now()).sign();
    let request = post(TOKEN, &world.redemption("dpop", &code));
    let stolen = world.send(with_proof(request, &thief)).await;
    assert_eq!(stolen.refusal(), invalid_grant());
    assert_eq!(world.redeem(&code).await.status, 200);
}

/// A1, a client that was compromised or is malicious itself; RFC 6749 §4.1.3, RFC 9700 §4.5.
///
/// A code that was issued to one client is nothing to another, whatever else it knows.
#[tokio::test]
async fn a_code_of_one_client_redeemed_by_another() {
    let world = World::new();
    let code = world.code("dpop", &[]).await;
    let stolen = redeem(&world, "other", &code, &[]).await;
    assert_eq!(stolen.refusal(), invalid_grant());
    assert_eq!(world.redeem(&code).await.status, 200);
}

/// A1; RFC 9700 §4.8, RFC 7636 §7.2.
///
/// A request without a challenge, or with one that is its own verifier, is not taken, so that there is no code without PKCE;
/// and of a code that has a challenge none is redeemed without.
#[tokio::test]
async fn pkce_downgrade() {
    let world = World::new();
    for changes in [
        &[("code_challenge", ""), ("code_challenge_method", "")][..],
        &[("code_challenge", "")],
        &[("code_challenge_method", "")],
        &[("code_challenge_method", "plain")],
        &[("code_challenge_method", "s256")],
        &[("code_challenge", ""), ("code_challenge_method", "plain")],
    ] {
        let pushed = world.push(changes).await;
        let refused = (400, "invalid_request".to_owned());
        assert_eq!(pushed.refusal(), refused, "{changes:?}");
    }
    let code = world.code("dpop", &[]).await;
    for verifier in ["", CHALLENGE] {
        let changes = [("code_verifier", verifier)];
        let redeemed = redeem(&world, "dpop", &code, &changes).await;
        assert_eq!(redeemed.refusal(), invalid_grant(), "{verifier}");
    }
}

/// A1 with a stolen refresh token (a database, a log, a backup); RFC 9700 §4.14, RFC 6749 §10.4.
///
/// Refresh tokens are not rotated, but bound to the client: they are of no use without its key, and of none to another
/// client. What was refreshed under a new DPoP key is bound to that one.
#[tokio::test]
async fn a_stolen_refresh_token_without_the_clients_key() {
    let world = World::new();
    let code = world.code("dpop", &[]).await;
    let token = world.redeem(&code).await.text("refresh_token");
    let asked = [
        ("grant_type", "refresh_token"),
        ("refresh_token", token.as_str()),
    ];
    let thief = DpopKey::generate();
    let proof = || thief.proof("POST", TOKEN, world.now()).sign();

    let mut bare = form([("client_id", "dpop")]);
    bare.extend(form(asked));
    let alone = world.send(with_proof(post(TOKEN, &bare), &proof())).await;
    assert_eq!(alone.refusal(), (401, "invalid_client".to_owned()));

    let mut another = world.authentication("other");
    another.extend(form(asked));
    let elsewhere = world
        .send(with_proof(post(TOKEN, &another), &proof()))
        .await;
    assert_eq!(elsewhere.refusal(), invalid_grant());

    let mut unproved = world.authentication("dpop");
    unproved.extend(form(asked));
    let unproved = world.send(post(TOKEN, &unproved)).await;
    assert_eq!(unproved.refusal(), (400, "invalid_dpop_proof".to_owned()));
    assert_eq!(world.refreshed("dpop", &token).await.status, 200);
}

/// A5, a token endpoint that is not the true one; RFC 7523 §3, RFC 9449 §11.1.
///
/// What a client sent to it, whole, is of no use at the true one: assertion and proof are for one endpoint or one use, and
/// the attacker cannot make others. What they replay before the client itself arrives uses up the assertion, and gets a
/// token that is bound to the client's key.
#[tokio::test]
async fn a_token_request_replayed_by_somebody_who_saw_it() {
    let world = World::new();
    let code = world.code("dpop", &[]).await;
    let parameters = world.redemption("dpop", &code);
    let elsewhere = world.proof("https://as.evil.example/token");
    let request = with_proof(post(TOKEN, &parameters), &elsewhere);
    let wrong_place = world.send(request).await;
    let refused = (400, "invalid_dpop_proof".to_owned());
    assert_eq!(wrong_place.refusal(), refused);

    let proof = world.proof(TOKEN);
    let copy = || world.send(with_proof(post(TOKEN, &parameters), &proof));
    let first = copy().await;
    let bound = claims_of(&first.text("access_token"))["cnf"]["jkt"].clone();
    assert_eq!(bound, world.dpop.thumbprint().to_string());
    assert_eq!(copy().await.refusal(), (401, "invalid_client".to_owned()));
}

/// A3a or a browser that leaks its history; FAPI 2.0 Security Profile, "Browser-swapping attacks"; RFC 9700 §4.3.
///
/// The attacker starts a flow, lets the victim go through it, and brings the response to the client in their own browser.
/// Whoever gets hold of the response before it is used cannot be told from the one who began: that is what the profile says
/// cannot be stopped in a flow of redirects. What is stopped here: the response goes to a registered address only, once, within
/// a minute; the page cannot be moved to another browser half-way; and whoever comes second ends what the first has got.
#[tokio::test]
async fn browser_swapping_as_far_as_it_can_be_stopped() {
    let world = World::new();
    let request_uri = world.push(&[]).await.text("request_uri");
    let mut attacker = Browser::new(&world);
    attacker.open("dpop", &request_uri).await;
    let mut victim = Browser::new(&world);
    let page = victim.open("dpop", &request_uri).await;
    // Signed in by the victim, taken over by the attacker: the page belongs to the victim's browser.
    let reply = victim.sign_in(&page).await;
    let consent = victim.follow(reply).await;
    assert_eq!(attacker.get(&consent.path).await.status, 400);
    assert_eq!(attacker.submit(&consent, &[], "approve").await.status, 400);

    let response = answer(&crate::browser::landed(
        &victim.submit(&consent, &[], "approve").await,
    ));
    let code = &response["code"];
    let stolen = world.redeem(code).await;
    assert_eq!(stolen.status, 200, "not told apart");
    assert_eq!(world.redeem(code).await.refusal(), invalid_grant());
    let ended = world.refreshed("dpop", &stolen.text("refresh_token")).await;
    assert_eq!(ended.refusal(), invalid_grant(), "and ended by the second");
}

/// A1; RFC 9700 §4.6 (access token injection) and §2.1.2.
///
/// Clients believe no token that comes through a browser, because none does: the answer to an authorization request holds a
/// code and nothing that could be used by itself.
#[tokio::test]
async fn access_token_injection_through_the_front_channel() {
    let world = World::new();
    for response_type in ["token", "id_token token", "code token", "none"] {
        let pushed = world.push(&[("response_type", response_type)]).await;
        let (status, error) = pushed.refusal();
        let known = [
            "unsupported_response_type",
            "unauthorized_client",
            "invalid_request",
        ];
        assert!(status == 400 && known.contains(&error.as_str()), "{error}");
    }
    let request_uri = world.push(&[]).await.text("request_uri");
    let url = Browser::new(&world).approve("dpop", &request_uri).await;
    let names: Vec<_> = answer(&url).into_keys().collect();
    assert_eq!(names, ["code", "iss", "state"]);
    assert_eq!(url.fragment(), None);
}

/// A5; RFC 9449 §4.3, RFC 7523 §3.
///
/// A proof or an assertion that was made for one endpoint is not one for another.
#[tokio::test]
async fn a_proof_for_one_endpoint_used_at_another() {
    let world = World::new();
    let code = world.code("dpop", &[]).await;
    let pushed = with_proof(post(PAR, &world.pushed("dpop", &[])), &world.proof(TOKEN));
    let refused = (400, "invalid_dpop_proof".to_owned());
    assert_eq!(world.send(pushed).await.refusal(), refused);
    let redeemed = post(TOKEN, &world.redemption("dpop", &code));
    let redeemed = world.send(with_proof(redeemed, &world.proof(PAR))).await;
    assert_eq!(redeemed.refusal(), refused);
    assert_eq!(world.redeem(&code).await.status, 200);
}
