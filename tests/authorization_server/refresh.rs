//! Refresh tokens (RFC 6749 §6, FAPI 2.0 Security Profile §5.3.2.1, RFC 9449 §5).

use std::time::Duration;

use serde_json::json;
use tower_fapi::{
    authorization_server::store::{Record, RecordKey, RecordKind, Store as _},
    jose::base64url,
    testing::DpopKey,
};

use crate::world::{
    Parameters, Reply, TOKEN, World, changed, claims_of, form, over, post, with_proof,
};

fn invalid_grant() -> (u16, String) {
    (400, "invalid_grant".to_owned())
}

impl World {
    async fn granted(&self) -> String {
        let code = self.code("dpop", &[("scope", "accounts payments")]).await;
        self.redeem(&code).await.text("refresh_token")
    }

    fn refreshing(&self, client_id: &str, token: &str) -> Parameters {
        let mut parameters = self.authentication(client_id);
        parameters.extend(form([
            ("grant_type", "refresh_token"),
            ("refresh_token", token),
        ]));
        parameters
    }

    async fn refresh(&self, client_id: &str, token: &str, changes: &[(&str, &str)]) -> Reply {
        let parameters = changed(self.refreshing(client_id, token), changes);
        self.send(with_proof(post(TOKEN, &parameters), &self.proof(TOKEN)))
            .await
    }
}

// FAPI 2.0 Security Profile §5.3.2.1: no rotation.
#[tokio::test]
async fn a_refresh_token_is_used_again_and_again() {
    let world = World::new();
    let token = world.granted().await;
    let mut seen = Vec::new();
    for _ in 0..3 {
        world.advance(400);
        let reply = world.refresh("dpop", &token, &[]).await;
        assert_eq!(reply.status, 200, "{reply:?}");
        assert!(reply.json().get("refresh_token").is_none());
        let claims = claims_of(&reply.text("access_token"));
        assert_eq!(claims["sub"], "subject-1");
        assert_eq!(claims["iat"], world.now().as_unix());
        assert!(!seen.contains(&claims["jti"]));
        seen.push(claims["jti"].clone());
    }
    world.advance(90 * 24 * 3600);
    assert_eq!(
        world.refresh("dpop", &token, &[]).await.refusal(),
        invalid_grant(),
        "it ends"
    );
}

#[tokio::test]
async fn a_refresh_token_is_its_clients_alone() {
    let world = World::new();
    let token = world.granted().await;
    assert_eq!(
        world.refresh("other", &token, &[]).await.refusal(),
        invalid_grant()
    );
    for (value, expected) in [
        ("made-up", invalid_grant()),
        ("", (400, "invalid_request".to_owned())),
    ] {
        let reply = world
            .refresh("dpop", &token, &[("refresh_token", value)])
            .await;
        assert_eq!(reply.refusal(), expected, "{value:?}");
    }
    let reply = world.refresh("no-refresh", &token, &[]).await;
    assert_eq!(reply.refusal(), (400, "unauthorized_client".to_owned()));
    let nobody = form([
        ("grant_type", "refresh_token"),
        ("refresh_token", &token),
        ("client_id", "dpop"),
    ]);
    let reply = world
        .send(with_proof(post(TOKEN, &nobody), &world.proof(TOKEN)))
        .await;
    assert_eq!(reply.refusal(), (401, "invalid_client".to_owned()));
    assert_eq!(world.refresh("dpop", &token, &[]).await.status, 200);
}

// RFC 6749 §6: not more than was granted.
#[tokio::test]
async fn the_scope_can_be_narrowed_and_not_widened() {
    let world = World::new();
    let token = world.granted().await;
    let reply = world
        .refresh("dpop", &token, &[("scope", "accounts")])
        .await;
    assert_eq!(reply.json()["scope"], "accounts");
    assert_eq!(claims_of(&reply.text("access_token"))["scope"], "accounts");
    let reply = world.refresh("dpop", &token, &[]).await;
    assert_eq!(
        reply.json()["scope"],
        "accounts payments",
        "narrowed for one token only"
    );
    for scope in ["admin", "accounts admin", "accounts  payments", "unknown"] {
        let reply = world.refresh("dpop", &token, &[("scope", scope)]).await;
        assert_eq!(
            reply.refusal(),
            (400, "invalid_scope".to_owned()),
            "{scope}"
        );
    }
}

// RFC 6749 §3.3: the answer says what the token is good for.
#[tokio::test]
async fn a_scope_that_was_taken_from_the_client_is_not_refreshed() {
    for (approved, left) in [
        ("accounts gone", Some("accounts")),
        ("gone accounts payments", Some("accounts payments")),
        ("gone", None),
    ] {
        let world = World::new();
        let token = world.granted().await;
        let reply = world.refresh("dpop", &token, &[]).await;
        let claims = claims_of(&reply.text("access_token"));
        let (grant, _) = claims["jti"].as_str().unwrap().split_once('.').unwrap();
        let key = RecordKey::new(RecordKind::Grant, base64url::decode_array(grant).unwrap());
        let stored = world.store.get(key, world.now()).await.unwrap().unwrap();
        let stored = String::from_utf8(stored).unwrap();
        let (was, is) = ("\"accounts payments\"", format!("\"{approved}\""));
        assert!(stored.contains(was), "{stored}");
        let record = Record {
            value: stored.replacen(was, &is, 1).into_bytes(),
            expires: world.now().plus(Duration::from_secs(600)),
        };
        world.store.put(key, record, world.now()).await.unwrap();

        let reply = world.refresh("dpop", &token, &[]).await;
        match left {
            Some(left) => {
                assert_eq!(reply.json()["scope"], left);
                assert_eq!(claims_of(&reply.text("access_token"))["scope"], left);
            }
            None => assert_eq!(reply.refusal(), (400, "invalid_scope".to_owned())),
        }
        let reply = world.refresh("dpop", &token, &[("scope", "gone")]).await;
        assert_eq!(reply.refusal(), (400, "invalid_scope".to_owned()));
    }
}

// RFC 9449 §5: the refresh token of a confidential client is bound to the client, not to a key.
#[tokio::test]
async fn a_client_may_change_its_key() {
    let world = World::new();
    let token = world.granted().await;
    let new = DpopKey::generate();
    let proof = new.proof("POST", TOKEN, world.now()).sign();
    let request = post(TOKEN, &world.refreshing("dpop", &token));
    let reply = world.send(with_proof(request, &proof)).await;
    let claims = claims_of(&reply.text("access_token"));
    assert_eq!(claims["cnf"], json!({"jkt": new.thumbprint().to_string()}));
    let reply = world
        .send(post(TOKEN, &world.refreshing("dpop", &token)))
        .await;
    assert_eq!(
        reply.refusal(),
        (400, "invalid_dpop_proof".to_owned()),
        "without a proof"
    );
}

// RFC 8705 §3: the certificate of this request.
#[tokio::test]
async fn a_client_may_change_its_certificate() {
    let world = World::new();
    let code = world.code("certificate-bound", &[]).await;
    let redemption = post(TOKEN, &world.redemption("certificate-bound", &code));
    let first = world.send(over(redemption, &world.certificate)).await;
    let token = first.text("refresh_token");
    let refreshing = || post(TOKEN, &world.refreshing("certificate-bound", &token));
    let reply = world.send(over(refreshing(), &world.self_signed)).await;
    let claims = claims_of(&reply.text("access_token"));
    assert_eq!(
        claims["cnf"],
        json!({"x5t#S256": world.self_signed.thumbprint()})
    );
    let reply = world.send(refreshing()).await;
    assert_eq!(
        reply.refusal(),
        (400, "invalid_request".to_owned()),
        "without a certificate"
    );
}
