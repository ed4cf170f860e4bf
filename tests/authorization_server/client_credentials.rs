//! Tokens for a client on its own behalf (RFC 6749 §4.4).

use std::sync::Arc;

use serde_json::{Value, json};
use tower_fapi::{
    authorization_server::{
        AuthorizationDetailsType, AuthorizationServerBuilder, ConfigError, DetailMember,
        DetailValue, ScopeDescription,
        people::{ConfiguredUsers, UserConfig},
        store::{MemoryStore, RecordKind},
    },
    jose::{JwsAlgorithm, SigningKey},
};

use crate::{
    browser::{Browser, error_page},
    introspection::Asking,
    world::{
        API, MTLS_TOKEN, OTHER_API, PAR, Parameters, Reply, TOKEN, World, changed, claims_of, form,
        over, post, with_proof,
    },
};

const ALERTS: &str = r#"[{"type":"rate_alert","pair":"EURUSD"}]"#;
const PAYMENT: &str = r#"[{"type":"payment_initiation","instructedAmount":{"currency":"EUR","amount":"1.00"},"creditorName":"Bob","creditorAccount":{"iban":"DE02100100109307118603"}}]"#;

fn client(key: &SigningKey, id: &str, changes: &Value) -> Value {
    let mut metadata = json!({
        "client_id": id,
        "token_endpoint_auth_method": "private_key_jwt",
        "jwks": { "keys": [key.public().to_members()] },
        "scope": "rates accounts",
        "authorization_details_types": ["rate_alert", "payment_initiation"],
        "grant_types": ["client_credentials"],
        "dpop_bound_access_tokens": true,
    });
    for (name, value) in changes.as_object().unwrap() {
        metadata[name] = value.clone();
    }
    metadata
}

fn with_clients(
    builder: AuthorizationServerBuilder,
    clients: impl IntoIterator<Item = Value>,
) -> AuthorizationServerBuilder {
    let read = |client| serde_json::from_value(client).unwrap();
    builder
        .scope(ScopeDescription::new("rates", "See rates").without_person())
        .authorization_details_type(
            AuthorizationDetailsType::new("rate_alert", "Alert")
                .member(DetailMember::required("pair", "Pair", DetailValue::Text))
                .without_person(),
        )
        .clients(clients.into_iter().map(read))
}

/// A world with clients that get tokens on their own behalf, and a resource server that asks about those.
fn machines() -> (World, Asking) {
    machines_with(|builder| builder)
}

fn machines_with(
    change: impl FnOnce(AuthorizationServerBuilder) -> AuthorizationServerBuilder,
) -> (World, Asking) {
    let key = SigningKey::generate(JwsAlgorithm::Es256).unwrap();
    let asking = Asking::new("api");
    let mut world = World::with(|builder| {
        let clients = [
            client(&key, "machine", &json!({})),
            client(
                &key,
                "both",
                &json!({
                    "redirect_uris": [crate::world::CALLBACK],
                    "grant_types": ["authorization_code", "client_credentials", "refresh_token"],
                }),
            ),
            client(
                &key,
                "tls-machine",
                &json!({
                    "token_endpoint_auth_method": "tls_client_auth",
                    "tls_client_auth_subject_dn": "CN=tls-client,O=Example,C=DE",
                    "jwks": null,
                    "dpop_bound_access_tokens": false,
                    "tls_client_certificate_bound_access_tokens": true,
                }),
            ),
        ];
        let builder = with_clients(builder, clients).resource(asking.metadata(&json!({})));
        change(builder)
    });
    world.client_key = key;
    (world, asking)
}

fn asks(world: &World, client_id: &str, changes: &[(&str, &str)]) -> Parameters {
    let mut parameters = world.authentication(client_id);
    parameters.extend(form([
        ("grant_type", "client_credentials"),
        ("scope", "rates"),
    ]));
    changed(parameters, changes)
}

async fn ask(world: &World, client_id: &str, changes: &[(&str, &str)]) -> Reply {
    let request = post(TOKEN, &asks(world, client_id, changes));
    world.send(with_proof(request, &world.proof(TOKEN))).await
}

// RFC 6749 §4.4.3, RFC 9068 §2.2, RFC 9449 §5.
#[tokio::test]
async fn a_client_gets_a_token_that_is_its_own_and_nobody_elses() {
    let (world, _) = machines();
    for id in ["machine", "both"] {
        let reply = ask(&world, id, &[]).await;
        assert_eq!(reply.header("cache-control"), Some("no-store"));
        let body = reply.json();
        let members: Vec<_> = body.as_object().unwrap().keys().collect();
        assert_eq!(
            members,
            ["access_token", "expires_in", "scope", "token_type"],
            "no refresh token, no ID token"
        );
        assert_eq!(
            (&body["token_type"], &body["scope"]),
            (&json!("DPoP"), &json!("rates"))
        );
        let token = reply.text("access_token");
        let claims = claims_of(&token);
        let names: Vec<_> = claims.as_object().unwrap().keys().collect();
        let expected = [
            "aud",
            "client_id",
            "cnf",
            "exp",
            "iat",
            "iss",
            "jti",
            "scope",
            "sub",
        ];
        assert_eq!(names, expected, "nothing about a sign-in");
        assert_eq!(
            (&claims["sub"], &claims["client_id"]),
            (&json!(id), &json!(id))
        );
        assert_eq!(claims["cnf"]["jkt"], json!(world.dpop.thumbprint()));
        assert_eq!(world.judge(&token, API).subject(), id);
    }
}

// RFC 8705 §3.1.
#[tokio::test]
async fn the_token_of_a_client_with_a_certificate_is_bound_to_it() {
    let (world, _) = machines();
    let parameters = changed(
        asks(&world, "tls-machine", &[]),
        &[("client_assertion", ""), ("client_assertion_type", "")],
    );
    let sent = over(post(MTLS_TOKEN, &parameters), &world.certificate);
    let token = world.send(sent).await.text("access_token");
    let confirmation = &claims_of(&token)["cnf"];
    assert!(confirmation["x5t#S256"].is_string(), "{confirmation}");
    let bare = world.send(post(TOKEN, &parameters)).await;
    assert_eq!(bare.refusal(), (401, "invalid_client".to_owned()));
}

// RFC 8707 §2, RFC 9396 §6.
#[tokio::test]
async fn resource_and_authorization_details_come_into_the_token() {
    let (world, _) = machines();
    for (changes, audience, scope, details) in [
        (vec![("resource", OTHER_API)], OTHER_API, json!("rates"), ""),
        (
            vec![("scope", ""), ("authorization_details", ALERTS)],
            API,
            Value::Null,
            ALERTS,
        ),
        (
            vec![("authorization_details", ALERTS)],
            API,
            json!("rates"),
            ALERTS,
        ),
    ] {
        let reply = ask(&world, "machine", &changes).await;
        let claims = claims_of(&reply.text("access_token"));
        assert_eq!(claims["aud"], audience);
        assert_eq!(claims["scope"], scope);
        let details = serde_json::from_str(details).unwrap_or(Value::Null);
        assert_eq!(claims["authorization_details"], details);
        assert_eq!(reply.json()["authorization_details"], details);
    }
}

// RFC 6749 §3.3 and §5.2, RFC 8707 §2, RFC 9396 §5, RFC 9449 §5. What is refused takes nothing with it.
#[tokio::test]
async fn what_a_client_may_not_have_by_itself_is_refused() {
    let (world, _) = machines();
    for (client, changes, error) in [
        ("machine", &[("scope", "")][..], "invalid_scope"),
        ("machine", &[("scope", "accounts")], "invalid_scope"),
        ("machine", &[("scope", "rates accounts")], "invalid_scope"),
        ("machine", &[("scope", "openid")], "invalid_scope"),
        ("machine", &[("scope", "rates openid")], "invalid_scope"),
        (
            "machine",
            &[("scope", "rates offline_access")],
            "invalid_scope",
        ),
        ("machine", &[("scope", "admin")], "invalid_scope"),
        ("machine", &[("scope", " rates")], "invalid_scope"),
        ("both", &[("scope", "accounts")], "invalid_scope"),
        (
            "machine",
            &[("authorization_details", PAYMENT)],
            "invalid_authorization_details",
        ),
        (
            "machine",
            &[("scope", ""), ("authorization_details", PAYMENT)],
            "invalid_authorization_details",
        ),
        (
            "machine",
            &[("authorization_details", r#"[{"type":"rate_alert"}]"#)],
            "invalid_authorization_details",
        ),
        (
            "machine",
            &[("authorization_details", "[]")],
            "invalid_authorization_details",
        ),
        (
            "machine",
            &[("resource", "https://x.example")],
            "invalid_target",
        ),
        ("dpop", &[("scope", "accounts")], "unauthorized_client"),
        (
            "machine",
            &[("grant_type", "authorization_code"), ("code", "x")],
            "unauthorized_client",
        ),
        (
            "machine",
            &[("grant_type", "refresh_token"), ("refresh_token", "x")],
            "unauthorized_client",
        ),
        ("machine", &[("grant_type", "")], "invalid_request"),
        ("machine", &[("client_secret", "secret")], "invalid_request"),
    ] {
        if client == "dpop" {
            // Its key is another.
            let (world, other) = (World::new(), "dpop");
            let reply = ask(&world, other, changes).await;
            assert_eq!(reply.refusal(), (400, error.to_owned()), "{changes:?}");
            continue;
        }
        let good = asks(&world, client, &[]);
        let proof = world.proof(TOKEN);
        let bad = changed(good.clone(), changes);
        let reply = world.send(with_proof(post(TOKEN, &bad), &proof)).await;
        assert_eq!(reply.refusal(), (400, error.to_owned()), "{changes:?}");
        let again = world.send(with_proof(post(TOKEN, &good), &proof)).await;
        assert_eq!(again.status, 200, "{changes:?}");
    }
    let unproved = world.send(post(TOKEN, &asks(&world, "machine", &[]))).await;
    assert_eq!(unproved.refusal(), (400, "invalid_dpop_proof".to_owned()));
    let good = asks(&world, "machine", &[]);
    for expected in [200, 401] {
        let request = with_proof(post(TOKEN, &good), &world.proof(TOKEN));
        assert_eq!(world.send(request).await.status, expected, "assertion used");
    }
    let proof = world.proof(TOKEN);
    for expected in [200, 400] {
        let request = post(TOKEN, &asks(&world, "machine", &[]));
        assert_eq!(
            world.send(with_proof(request, &proof)).await.status,
            expected
        );
    }
}

// RFC 6749 §5.2: who is not registered for people sends none.
#[tokio::test]
async fn a_client_without_people_pushes_no_request() {
    let (world, _) = machines();
    let pushed = world.pushed("machine", &[("scope", "rates")]);
    let reply = world.send(post(PAR, &pushed)).await;
    assert_eq!(reply.refusal(), (400, "unauthorized_client".to_owned()));
    let pushed = world.pushed("both", &[("scope", "rates")]);
    assert_eq!(world.send(post(PAR, &pushed)).await.status, 201);
}

// RFC 7009 §2.1, RFC 7662 §2.2.
#[tokio::test]
async fn such_a_token_holds_until_it_ends_or_is_revoked() {
    let (world, asking) = machines();
    let token = ask(&world, "machine", &[]).await.text("access_token");
    let other = ask(&world, "machine", &[]).await.text("access_token");
    assert!(asking.active(&world, &token).await);
    let said = asking.ask(&world, &token).await.json();
    assert_eq!(
        (&said["sub"], said.get("auth_time")),
        (&json!("machine"), None)
    );
    let foreign = world.revoke("both", &token, &[]).await;
    assert_eq!(foreign.refusal(), (400, "invalid_request".to_owned()));
    assert_eq!(world.revoke("machine", &token, &[]).await.status, 200);
    assert!(!asking.active(&world, &token).await);
    world.advance(299);
    assert!(asking.active(&world, &other).await, "another grant");
    world.advance(1);
    assert!(!asking.active(&world, &other).await);
}

// A token without its grant would be revoked from the beginning.
#[tokio::test]
async fn without_a_record_of_it_no_token_is_given() {
    let (world, _) = machines_with(|builder| builder.store(Arc::new(MemoryStore::new(16))));
    let reply = ask(&world, "machine", &[]).await;
    assert_eq!(reply.status, 503);
    assert!(!reply.body.contains("access_token"), "{reply:?}");
    assert!(world.store.is_empty(RecordKind::ClientGrant));
}

#[tokio::test]
async fn a_client_that_asks_too_often_keeps_no_person_out() {
    let store = Arc::new(MemoryStore::new(16 * 1024));
    let shared = Arc::clone(&store);
    let (world, asking) = machines_with(|builder| builder.store(shared));
    let mut tokens = Vec::new();
    let refused = loop {
        let reply = ask(&world, "machine", &[]).await;
        if reply.status != 200 {
            break reply;
        }
        tokens.push(reply.text("access_token"));
        assert!(tokens.len() < 100, "no end to it");
    };
    assert_eq!(refused.status, 503);
    let code = world.code("both", &[]).await;
    let request = post(TOKEN, &world.redemption("both", &code));
    let redeemed = world.send(with_proof(request, &world.proof(TOKEN))).await;
    assert_eq!(redeemed.status, 200, "{redeemed:?}");
    let persons = redeemed.text("access_token");
    assert!(claims_of(&persons)["auth_time"].is_number());
    // Whatever it gives back makes room, and leaves nothing behind.
    for token in &tokens {
        assert!(asking.active(&world, token).await);
        assert_eq!(world.revoke("machine", token, &[]).await.status, 200);
        assert!(!asking.active(&world, token).await);
    }
    for kind in [RecordKind::ClientGrant, RecordKind::RevokedToken] {
        assert!(store.is_empty(kind), "{kind}");
    }
    assert_eq!(ask(&world, "machine", &[]).await.status, 200);
}

// RFC 9068 §5: "a malicious client might select a client_id corresponding to the sub value of a high-privilege user".
#[tokio::test]
async fn nobody_is_called_what_a_client_is() {
    let key = SigningKey::generate(JwsAlgorithm::Es256).unwrap();
    let builder = crate::configuration::builder;
    let user: UserConfig = serde_json::from_value(json!({
        "username": "alice",
        "subject": "machine",
        "display_name": "Alice",
        "password_hash": "$argon2id$v=19$m=19456,t=2,p=1$nrX9hnWaxSLPCpqqL1GDgg$5X6cjtyfbISEVDVL4Oa7K7ceRZvE7rIaTG0tjz93l5k",
    }))
    .unwrap();
    let accounts = |id| client(&key, id, &json!({"authorization_details_types": []}));
    let refused = |id| {
        let users = ConfiguredUsers::new([user.clone()]).unwrap();
        let builder = builder().authenticator(users);
        with_clients(builder, [accounts(id)]).build()
    };
    assert_eq!(
        refused("machine").unwrap_err(),
        ConfigError::SharedSubject("machine".to_owned())
    );
    assert!(refused("another").is_ok());

    // An authenticator that cannot say beforehand whom it knows.
    let named = |builder| with_clients(builder, [accounts("subject-1")]);
    let world = World::with(named);
    let uri = world.push(&[]).await.text("request_uri");
    let mut browser = Browser::new(&world);
    let login = browser.open("dpop", &uri).await;
    let reply = browser.sign_in(&login).await;
    assert_eq!(
        error_page(&reply),
        (503, "temporarily_unavailable".to_owned())
    );
    assert!(world.store.is_empty(RecordKind::Session));
    // Somebody who signed in before there was such a client.
    let before = World::new();
    let [_, refresh_token] = before.tokens(&[]).await;
    let mut after = World::with(|builder| named(builder.store(before.store.clone())));
    after.clock.set(before.now());
    assert_eq!(after.refreshed("dpop", &refresh_token).await.status, 503);
    after = World::with(|builder| builder.store(before.store.clone()));
    assert_eq!(after.refreshed("dpop", &refresh_token).await.status, 200);
}

#[test]
fn what_is_about_a_person_is_not_had_without_one() {
    let builder = crate::configuration::builder;
    for name in [
        "openid",
        "profile",
        "email",
        "address",
        "phone",
        "offline_access",
    ] {
        let scope = ScopeDescription::new(name, "Title").without_person();
        let refused = builder().scope(scope).build().unwrap_err();
        assert_eq!(refused, ConfigError::PersonalScope(name.to_owned()));
    }
    let key = SigningKey::generate(JwsAlgorithm::Es256).unwrap();
    let nothing = json!({"scope": "accounts", "authorization_details_types": []});
    let builder = with_clients(builder(), [client(&key, "machine", &nothing)]);
    assert_eq!(
        builder.build().unwrap_err(),
        ConfigError::NothingAlone("machine".to_owned())
    );
}
