//! Redeeming codes (RFC 6749 §4.1.3, RFC 7636 §4.6, FAPI 2.0 Security Profile §5.3.2).

use tower_fapi::authorization_server::store::RecordKind;

use crate::world::{
    CALLBACK_WITH_QUERY, CHALLENGE, Reply, TOKEN, VERIFIER, World, changed, form, post, send,
    with_proof,
};

fn invalid_grant() -> (u16, String) {
    (400, "invalid_grant".to_owned())
}

impl World {
    async fn redeem_with(&self, client_id: &str, code: &str, changes: &[(&str, &str)]) -> Reply {
        let parameters = changed(self.redemption(client_id, code), changes);
        self.send(with_proof(post(TOKEN, &parameters), &self.proof(TOKEN)))
            .await
    }

    async fn refresh_once(&self, refresh_token: &str) -> Reply {
        let mut parameters = self.authentication("dpop");
        parameters.extend(form([
            ("grant_type", "refresh_token"),
            ("refresh_token", refresh_token),
        ]));
        self.send(with_proof(post(TOKEN, &parameters), &self.proof(TOKEN)))
            .await
    }
}

#[tokio::test]
async fn a_code_is_bound_to_everything_it_was_issued_for() {
    let world = World::new();
    let code = world.code("dpop", &[]).await;
    let short = VERIFIER.get(..42).unwrap();
    let long = "a".repeat(129);
    for (name, value, expected) in [
        ("code", "", (400, "invalid_request".to_owned())),
        ("code", "made-up", invalid_grant()),
        ("redirect_uri", "", (400, "invalid_request".to_owned())),
        ("redirect_uri", CALLBACK_WITH_QUERY, invalid_grant()),
        (
            "redirect_uri",
            "https://client.example/callback/",
            invalid_grant(),
        ),
        // RFC 7636 §4.6.
        ("code_verifier", "", invalid_grant()),
        ("code_verifier", short, invalid_grant()),
        ("code_verifier", long.as_str(), invalid_grant()),
        ("code_verifier", CHALLENGE, invalid_grant()),
        (
            "code_verifier",
            "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXK",
            invalid_grant(),
        ),
        (
            "code_verifier",
            "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjX ",
            invalid_grant(),
        ),
        (
            "resource",
            "https://other.example",
            (400, "invalid_target".to_owned()),
        ),
    ] {
        let reply = world.redeem_with("dpop", &code, &[(name, value)]).await;
        assert_eq!(reply.refusal(), expected, "{name}={value}");
    }
    let stolen = world.redeem_with("other", &code, &[]).await;
    assert_eq!(stolen.refusal(), invalid_grant(), "another client");
    // None of these attempts has used it up.
    assert_eq!(world.redeem(&code).await.status, 200);
}

// RFC 7636 §4.6: a challenge of an empty or different verifier.
#[tokio::test]
async fn a_verifier_has_to_be_one_even_if_its_hash_fits() {
    let world = World::new();
    let empty = tower_fapi::jose::base64url::encode(tower_fapi::jose::sha256(b""));
    let code = world.code("dpop", &[("code_challenge", &empty)]).await;
    let reply = world
        .redeem_with("dpop", &code, &[("code_verifier", "")])
        .await;
    assert_eq!(reply.refusal(), invalid_grant());
}

// FAPI 2.0 Security Profile §5.3.2.1: at most 60 seconds.
#[tokio::test]
async fn a_code_lives_for_a_minute() {
    let world = World::new();
    let (early, late) = (world.code("dpop", &[]).await, world.code("dpop", &[]).await);
    world.advance(59);
    assert_eq!(world.redeem(&early).await.status, 200);
    world.advance(1);
    assert_eq!(world.redeem(&late).await.refusal(), invalid_grant());
}

// RFC 6749 §4.1.2: "MUST deny the request and SHOULD revoke all tokens previously issued based on that code".
#[tokio::test]
async fn a_code_used_twice_ends_what_came_of_it() {
    let world = World::new();
    let code = world.code("dpop", &[]).await;
    let first = world.redeem(&code).await;
    let refresh_token = first.text("refresh_token");
    assert_eq!(world.refresh_once(&refresh_token).await.status, 200);

    // Neither a stranger nor a replayed request can end it.
    let stranger = world.redeem_with("other", &code, &[]).await;
    assert_eq!(stranger.refusal(), invalid_grant());
    assert_eq!(world.refresh_once(&refresh_token).await.status, 200);

    world.advance(120);
    assert_eq!(world.redeem(&code).await.refusal(), invalid_grant());
    assert_eq!(
        world.refresh_once(&refresh_token).await.refusal(),
        invalid_grant()
    );
    assert!(world.store.is_empty(RecordKind::Grant));
}

#[tokio::test]
async fn a_replayed_token_request_revokes_nothing() {
    let world = World::new();
    let code = world.code("dpop", &[]).await;
    let parameters = world.redemption("dpop", &code);
    let proof = world.proof(TOKEN);
    let first = world
        .send(with_proof(post(TOKEN, &parameters), &proof))
        .await;
    let replayed = world
        .send(with_proof(post(TOKEN, &parameters), &proof))
        .await;
    assert_eq!(replayed.refusal(), (401, "invalid_client".to_owned()));
    // With a fresh assertion but the old proof, neither.
    let parameters = world.redemption("dpop", &code);
    let replayed = world
        .send(with_proof(post(TOKEN, &parameters), &proof))
        .await;
    assert_eq!(replayed.refusal(), (400, "invalid_dpop_proof".to_owned()));
    assert_eq!(
        world
            .refresh_once(&first.text("refresh_token"))
            .await
            .status,
        200
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_who_redeem_a_code_at_once_one_succeeds() {
    let world = World::new();
    for round in 0..10 {
        let code = world.code("dpop", &[]).await;
        let attempts: Vec<_> = (0..4)
            .map(|_| {
                let request = post(TOKEN, &world.redemption("dpop", &code));
                let request = with_proof(request, &world.proof(TOKEN));
                tokio::spawn(send(world.router.clone(), request))
            })
            .collect();
        let mut granted = 0;
        for attempt in attempts {
            let reply = attempt.await.unwrap();
            match reply.status.as_u16() {
                200 => granted += 1,
                _ => assert_eq!(reply.refusal(), invalid_grant()),
            }
        }
        assert!(granted <= 1, "round {round}");
    }
}

// RFC 7591 §2: a client without the grant gets no refresh token.
#[tokio::test]
async fn a_client_that_may_not_refresh_gets_no_refresh_token() {
    let world = World::new();
    let code = world.code("no-refresh", &[]).await;
    let reply = world.redeem_with("no-refresh", &code, &[]).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    assert!(reply.json().get("refresh_token").is_none());
    assert!(world.store.is_empty(RecordKind::RefreshToken));
}

// FAPI 2.0 Security Profile §5.4.1, RFC 6749 §10.3 and §10.4: what the store holds opens nothing.
#[tokio::test]
async fn codes_and_tokens_are_long_and_never_the_same() {
    let world = World::new();
    let (one, other) = (world.code("dpop", &[]).await, world.code("dpop", &[]).await);
    assert!(one.len() >= 22 && one != other);
    let (one, other) = (world.redeem(&one).await, world.redeem(&other).await);
    assert_ne!(one.text("refresh_token"), other.text("refresh_token"));
    assert_ne!(one.text("access_token"), other.text("access_token"));
}
