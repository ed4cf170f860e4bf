//! Revocation of tokens (RFC 7009).

use axum::body::Body;
use http::Request;
use serde_json::json;
use tower_fapi::{
    authorization_server::store::RecordKind,
    jose::{JwsAlgorithm, SigningKey},
    testing::Document,
};

use crate::{
    introspection::api,
    world::{
        API, OTHER_API, Reply, TOKEN, World, changed, claims_of, form, over, post, with_proof,
    },
};

pub const REVOKE: &str = "https://as.example/revoke";
const MTLS_REVOKE: &str = "https://mtls.as.example/revoke";

impl World {
    pub async fn revoke(&self, client_id: &str, token: &str, changes: &[(&str, &str)]) -> Reply {
        let mut parameters = self.authentication(client_id);
        parameters.extend(form([("token", token)]));
        self.send(post(REVOKE, &changed(parameters, changes))).await
    }

    pub async fn refreshed(&self, client_id: &str, refresh_token: &str) -> Reply {
        let mut parameters = self.authentication(client_id);
        parameters.extend(form([
            ("grant_type", "refresh_token"),
            ("refresh_token", refresh_token),
        ]));
        let request = post(TOKEN, &parameters);
        self.send(with_proof(request, &self.proof(TOKEN))).await
    }

    /// Access token and refresh token of the client `dpop`.
    pub async fn tokens(&self, changes: &[(&str, &str)]) -> [String; 2] {
        let reply = self.redeem(&self.code("dpop", changes).await).await;
        ["access_token", "refresh_token"].map(|name| reply.text(name))
    }
}

#[track_caller]
fn done(reply: &Reply) {
    assert_eq!((reply.status.as_u16(), reply.body.as_str()), (200, ""));
    assert_eq!(reply.header("cache-control"), Some("no-store"));
}

// RFC 7009 §2.1: "The invalidation takes place immediately".
#[tokio::test]
async fn a_revoked_access_token_ends_alone_and_at_once() {
    let (world, asking) = api(&json!({}));
    let [token, refresh_token] = world.tokens(&[]).await;
    let other = world.refreshed("dpop", &refresh_token).await;
    let other = other.text("access_token");
    assert!(asking.active(&world, &token).await);
    done(&world.revoke("dpop", &token, &[]).await);
    assert!(!asking.active(&world, &token).await);
    assert!(asking.active(&world, &other).await);
    assert_eq!(world.refreshed("dpop", &refresh_token).await.status, 200);
}

// RFC 7009 §2.1: "also invalidate all access tokens based on the same authorization grant".
#[tokio::test]
async fn with_a_refresh_token_all_that_came_of_its_grant_ends() {
    let (world, asking) = api(&json!({}));
    let [token, refresh_token] = world.tokens(&[]).await;
    let [stranger, others_refresh_token] = world.tokens(&[]).await;
    let second = world.refreshed("dpop", &refresh_token).await;
    let second = second.text("access_token");
    done(&world.revoke("dpop", &refresh_token, &[]).await);
    for token in [&token, &second] {
        assert!(!asking.active(&world, token).await);
    }
    let refused = world.refreshed("dpop", &refresh_token).await;
    assert_eq!(refused.refusal(), (400, "invalid_grant".to_owned()));
    assert!(asking.active(&world, &stranger).await, "another grant");
    assert_eq!(
        world.refreshed("dpop", &others_refresh_token).await.status,
        200
    );
}

// RFC 7009 §2.1: the hint is no more than that; §2.2: "An invalid token type hint value is ignored".
#[tokio::test]
async fn a_wrong_hint_does_not_hide_a_token() {
    let (world, asking) = api(&json!({}));
    for hint in ["access_token", "refresh_token", "id_token", "nonsense"] {
        let [token, refresh_token] = world.tokens(&[]).await;
        let hint = [("token_type_hint", hint)];
        done(&world.revoke("dpop", &token, &hint).await);
        assert!(!asking.active(&world, &token).await, "{hint:?}");
        done(&world.revoke("dpop", &refresh_token, &hint).await);
        assert_eq!(world.refreshed("dpop", &refresh_token).await.status, 400);
    }
}

// RFC 7009 §2.2: "or if the client submitted an invalid token".
#[tokio::test]
async fn what_is_no_token_or_none_any_more_is_no_error() {
    let world = World::new();
    let [token, refresh_token] = world.tokens(&[]).await;
    let forged = {
        let stranger = SigningKey::generate(JwsAlgorithm::Es256).unwrap();
        let kid = world.keys.public_jwks(world.now())["keys"][0]["kid"].clone();
        let header = json!({"alg": "ES256", "typ": "at+jwt", "kid": kid}).to_string();
        Document::sign_texts(&stranger, &header, &claims_of(&token).to_string())
    };
    for unknown in [
        "made-up",
        "a.b.c",
        "a.b.c.d.e",
        "ey.ey.ey",
        &forged,
        &forged[..40],
        &format!("{token}x"),
    ] {
        done(&world.revoke("dpop", unknown, &[]).await);
    }
    assert!(world.store.is_empty(RecordKind::RevokedToken));
    for _ in 0..2 {
        done(&world.revoke("dpop", &token, &[]).await);
        done(&world.revoke("dpop", &refresh_token, &[]).await);
    }
    assert_eq!(world.store.len(RecordKind::RevokedToken), 1);
    // Nobody is told whose a token was that has ended.
    done(&world.revoke("other", &token, &[]).await);
    done(&world.revoke("other", &refresh_token, &[]).await);
    let [token, _] = world.tokens(&[]).await;
    world.advance(300);
    done(&world.revoke("other", &token, &[]).await);
    done(&world.revoke("dpop", &token, &[]).await);
    // What has ended anyway is not remembered.
    assert_eq!(world.store.len(RecordKind::RevokedToken), 1);
}

// RFC 7009 §2.1: "verifies whether the token was issued to the client making the revocation request".
#[tokio::test]
async fn nobody_revokes_the_tokens_of_another_client() {
    let (world, asking) = api(&json!({}));
    let [token, refresh_token] = world.tokens(&[]).await;
    for value in [&token, &refresh_token] {
        let reply = world.revoke("other", value, &[]).await;
        assert_eq!(reply.refusal(), (400, "invalid_request".to_owned()));
    }
    assert!(asking.active(&world, &token).await);
    assert_eq!(world.refreshed("dpop", &refresh_token).await.status, 200);
}

// RFC 7009 §2.2.1.
#[tokio::test]
async fn what_we_signed_for_something_else_cannot_be_revoked() {
    let (world, asking) = api(&json!({}));
    let [token, _] = world.tokens(&[]).await;
    let answer = asking.signed(&world, &token).await;
    let reply = world.revoke("dpop", &answer.body, &[]).await;
    assert_eq!(reply.refusal(), (400, "unsupported_token_type".to_owned()));
}

// RFC 7009 §2.1 and §5: "first validates the client credentials".
#[tokio::test]
async fn who_does_not_authenticate_revokes_nothing() {
    let (world, asking) = api(&json!({}));
    let [token, _] = world.tokens(&[]).await;
    let invalid_client = (401, "invalid_client".to_owned());
    let invalid_request = (400, "invalid_request".to_owned());
    for (changes, expected) in [
        (
            &[("client_assertion", ""), ("client_assertion_type", "")][..],
            &invalid_client,
        ),
        (&[("client_assertion", "x.y.z")], &invalid_client),
        (&[("client_id", "other")], &invalid_client),
        (&[("client_secret", "secret")], &invalid_request),
        (&[("token", "")], &invalid_request),
    ] {
        let reply = world.revoke("dpop", &token, changes).await;
        assert_eq!(reply.refusal(), *expected, "{changes:?}");
    }
    // A resource server is no client (RFC 9701 §3).
    let parameters = asking.parameters(&world, &token);
    let reply = world.send(post(REVOKE, &parameters)).await;
    assert_eq!(reply.refusal(), invalid_client);
    // An assertion is good for one request (RFC 7523 §3).
    let mut parameters = world.authentication("dpop");
    parameters.extend(form([("token", "made-up")]));
    done(&world.send(post(REVOKE, &parameters)).await);
    let parameters = changed(parameters, &[("token", &token)]);
    let again = world.send(post(REVOKE, &parameters)).await;
    assert_eq!(again.refusal(), invalid_client);
    assert!(asking.active(&world, &token).await);

    let query = format!("{REVOKE}?token={token}");
    let get = Request::get(query).body(Body::empty()).unwrap();
    assert_eq!(world.send(get).await.status, 405);
    let mut untyped = post(REVOKE, &world.authentication("dpop"));
    untyped.headers_mut().remove("content-type");
    assert_eq!(world.send(untyped).await.refusal(), invalid_request);
}

// RFC 8705 §2 and §5; a proof is of no use here, good or bad (RFC 9449 §5 has it at the token endpoint).
#[tokio::test]
async fn a_client_with_a_certificate_revokes_at_either_url() {
    let world = World::new();
    for (url, certificate, expected) in [
        (REVOKE, &world.certificate, 200),
        (MTLS_REVOKE, &world.certificate, 200),
        (MTLS_REVOKE, &world.self_signed, 401),
    ] {
        let parameters = form([("client_id", "tls"), ("token", "made-up")]);
        let reply = world.send(over(post(url, &parameters), certificate)).await;
        assert_eq!(reply.status, expected, "{url}");
    }
    let [token, _] = world.tokens(&[]).await;
    let mut parameters = world.authentication("dpop");
    parameters.extend(form([("token", &token)]));
    done(
        &world
            .send(with_proof(post(REVOKE, &parameters), "no proof"))
            .await,
    );
    assert_eq!(world.store.len(RecordKind::RevokedToken), 1);
}

// A token of the refresh token's last moment lives as long as any other.
#[tokio::test]
async fn a_grant_lives_as_long_as_its_last_token() {
    let (world, asking) = api(&json!({}));
    let [_, refresh_token] = world.tokens(&[("resource", API)]).await;
    world.advance(90 * 24 * 3600 - 1);
    let last = world.refreshed("dpop", &refresh_token).await;
    let last = last.text("access_token");
    world.advance(299);
    assert!(asking.active(&world, &last).await);
    world.advance(1);
    assert!(!asking.active(&world, &last).await);
}

// RFC 6749 §4.1.2: what came of a code that is used twice is revoked.
#[tokio::test]
async fn the_second_use_of_a_code_ends_its_tokens() {
    let (world, asking) = api(&json!({}));
    let code = world.code("dpop", &[]).await;
    let token = world.redeem(&code).await.text("access_token");
    assert!(asking.active(&world, &token).await);
    assert_eq!(world.redeem(&code).await.status, 400);
    assert!(!asking.active(&world, &token).await);
    let elsewhere = world.tokens(&[("resource", OTHER_API)]).await;
    assert!(!asking.active(&world, &elsewhere[0]).await, "for another");
}
