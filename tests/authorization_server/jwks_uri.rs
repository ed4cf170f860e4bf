//! Clients whose keys are fetched (RFC 7591 §2, `jwks_uri`).

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use axum::{Json, Router, response::IntoResponse as _, routing::get};
use http::StatusCode;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tower_fapi::{
    authorization_server::{ClientMetadata, ClientProblem, ConfigError, store::RecordKind},
    issuer::Fetcher,
    jose::{JwkSet, JwsAlgorithm, PrivateJwk, SigningKey},
    testing::Document,
};

use crate::{
    assertion::{refused, with_assertion},
    browser::{Browser, error_page},
    configuration::builder,
    world::{CALLBACK, JWT_BEARER, PAR, Reply, World, form, post},
};

/// Where the client publishes its keys; `None` is an outage.
#[derive(Clone, Default)]
pub struct Jwks {
    set: Arc<Mutex<Option<Value>>>,
    fetches: Arc<AtomicUsize>,
}

impl Jwks {
    pub async fn listen(&self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/jwks", listener.local_addr().unwrap());
        let jwks = self.clone();
        let answer = move || async move {
            jwks.fetches.fetch_add(1, Ordering::SeqCst);
            match jwks.set.lock().unwrap().clone() {
                Some(set) => Json(set).into_response(),
                None => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
            }
        };
        let router = Router::new().route("/jwks", get(answer));
        tokio::spawn(async move { axum::serve(listener, router).await });
        url
    }

    fn publish(&self, keys: &[&SigningKey]) {
        let keys: Vec<Value> = keys
            .iter()
            .map(|key| Value::Object(key.public().to_members()))
            .collect();
        *self.set.lock().unwrap() = Some(json!({ "keys": keys }));
    }

    pub fn publish_set(&self, set: &JwkSet) {
        *self.set.lock().unwrap() = Some(serde_json::to_value(set).unwrap());
    }

    fn fetches(&self) -> usize {
        self.fetches.load(Ordering::SeqCst)
    }

    async fn world(&self) -> World {
        let url = self.listen().await;
        let fetcher = Fetcher::builder()
            .dangerous()
            .http_on_loopback()
            .build()
            .unwrap();
        World::with(|builder| {
            let builder = builder.client_keys_fetcher(fetcher);
            builder.client(client(&json!({ "jwks_uri": url })))
        })
    }
}

fn client(changes: &Value) -> ClientMetadata {
    let mut metadata = json!({
        "client_id": "fetched",
        "redirect_uris": [CALLBACK],
        "token_endpoint_auth_method": "private_key_jwt",
        "scope": "accounts",
        "dpop_bound_access_tokens": true,
    });
    for (name, value) in changes.as_object().unwrap() {
        metadata[name] = value.clone();
    }
    serde_json::from_value(metadata).unwrap()
}

fn key(kid: &str) -> SigningKey {
    let made = PrivateJwk::generate(JwsAlgorithm::Es256).unwrap();
    let mut members: Value = serde_json::from_str(&made.secret_json()).unwrap();
    members["kid"] = kid.into();
    SigningKey::new(&PrivateJwk::from_members(members.as_object().unwrap()).unwrap()).unwrap()
}

async fn push(world: &World, key: &SigningKey) -> Reply {
    let header = json!({ "alg": "ES256", "kid": key.kid() }).to_string();
    let claims = Value::Object(world.claims("fetched")).to_string();
    let assertion = Document::sign_texts(key, &header, &claims);
    world.send(post(PAR, &with_assertion(&assertion))).await
}

#[tokio::test]
async fn a_new_key_is_fetched_once_and_a_strangers_no_more_often() {
    let (jwks, first, second, stranger) = (Jwks::default(), key("1"), key("2"), key("3"));
    jwks.publish(&[&first]);
    let world = jwks.world().await;
    assert_eq!(push(&world, &first).await.status, 201);
    assert_eq!(push(&world, &first).await.status, 201);
    assert_eq!(jwks.fetches(), 1);

    jwks.publish(&[&first, &second]);
    assert_eq!(push(&world, &second).await.status, 201, "rotated");
    assert_eq!(jwks.fetches(), 2);
    for _ in 0..3 {
        assert_eq!(push(&world, &stranger).await.refusal(), refused());
    }
    assert_eq!(jwks.fetches(), 2, "not before the cool-down is over");
    world.advance(30);
    for _ in 0..3 {
        assert_eq!(push(&world, &stranger).await.refusal(), refused());
    }
    assert_eq!(jwks.fetches(), 3);
    // Another's key under a name that is known is no question of keys.
    assert_eq!(push(&world, &key("1")).await.refusal(), refused());
    assert_eq!(jwks.fetches(), 3);
}

/// Pushes a request object signed with one key, authenticated with another.
async fn push_object(world: &World, assertion_key: &SigningKey, object_key: &SigningKey) -> Reply {
    let sign = |key: &SigningKey, claims| {
        let header = json!({ "alg": "ES256", "kid": key.kid() }).to_string();
        Document::sign_texts(key, &header, &Value::Object(claims).to_string())
    };
    let object = sign(object_key, world.request_claims("fetched"));
    let parameters = form([
        ("client_id", "fetched"),
        ("client_assertion_type", JWT_BEARER),
        (
            "client_assertion",
            &sign(assertion_key, world.claims("fetched")),
        ),
        ("request", &object),
    ]);
    world.send(post(PAR, &parameters)).await
}

// RFC 9101 §6.2, with keys from the client's `jwks_uri`.
#[tokio::test]
async fn a_new_key_may_sign_a_request_object_first() {
    let (jwks, first, second, stranger) = (Jwks::default(), key("1"), key("2"), key("3"));
    jwks.publish(&[&first]);
    let world = jwks.world().await;
    assert_eq!(push_object(&world, &first, &first).await.status, 201);
    jwks.publish(&[&first, &second]);
    assert_eq!(push_object(&world, &first, &second).await.status, 201);
    assert_eq!(jwks.fetches(), 2);
    let invalid = (400, "invalid_request_object".to_owned());
    for _ in 0..3 {
        let reply = push_object(&world, &first, &stranger).await;
        assert_eq!(reply.refusal(), invalid);
    }
    assert_eq!(jwks.fetches(), 2, "not before the cool-down is over");

    *jwks.set.lock().unwrap() = None;
    world.advance(30);
    let reply = push_object(&world, &first, &stranger).await;
    assert_eq!(reply.refusal(), (503, "temporarily_unavailable".to_owned()));
}

/// A client of FAPI 1.0 whose keys are fetched.
async fn by_value_world(jwks: &Jwks, changes: &Value) -> World {
    let url = jwks.listen().await;
    let mut metadata = json!({
        "jwks_uri": url,
        "fapi_profile": "fapi1_advanced",
        "dpop_bound_access_tokens": false,
        "tls_client_certificate_bound_access_tokens": true,
    });
    for (name, value) in changes.as_object().unwrap() {
        metadata[name] = value.clone();
    }
    let fetcher = Fetcher::builder()
        .dangerous()
        .http_on_loopback()
        .build()
        .unwrap();
    World::with(|builder| {
        let builder = builder.client_keys_fetcher(fetcher);
        builder.client(client(&metadata))
    })
}

async fn by_value(world: &World, key: &SigningKey) -> Reply {
    let header = json!({ "alg": "ES256", "kid": key.kid() }).to_string();
    let claims = world.fapi1_claims("fetched", &json!({}));
    let object = Document::sign_texts(key, &header, &Value::Object(claims).to_string());
    let query = crate::world::encode(&form([("client_id", "fetched"), ("request", &object)]));
    Browser::new(world)
        .get(&format!("/authorize?{query}"))
        .await
}

// Anybody can send a browser there with anything.
#[tokio::test]
async fn a_stranger_at_the_authorization_endpoint_makes_nobody_fetch_without_end() {
    let (jwks, first, second) = (Jwks::default(), key("1"), key("2"));
    jwks.publish(&[&first]);
    let world = by_value_world(&jwks, &json!({})).await;
    assert_eq!(by_value(&world, &first).await.status, 303);
    assert_eq!(jwks.fetches(), 1);
    jwks.publish(&[&first, &second]);
    assert_eq!(by_value(&world, &second).await.status, 303, "rotated");
    assert_eq!(jwks.fetches(), 2);
    let invalid = (400, "invalid_request_object".to_owned());
    for number in 0..5 {
        let reply = by_value(&world, &key(&format!("made up {number}"))).await;
        assert_eq!(error_page(&reply), invalid);
    }
    assert_eq!(jwks.fetches(), 2, "not before the cool-down is over");
}

// It is known before a person signs in and decides, not after.
#[tokio::test]
async fn a_request_whose_answer_could_not_be_encrypted_is_not_opened() {
    let (jwks, first) = (Jwks::default(), key("1"));
    jwks.publish(&[&first]);
    let encrypted = json!({"authorization_encrypted_response_alg": "ECDH-ES"});
    let world = by_value_world(&jwks, &encrypted).await;
    let reply = by_value(&world, &first).await;
    let expected = (503, "temporarily_unavailable".to_owned());
    assert_eq!(error_page(&reply), expected);
    assert!(world.store.is_empty(RecordKind::PushedRequest));
}

// Whether the client is who it says is not known then, so it is not said to be somebody else.
#[tokio::test]
async fn keys_that_cannot_be_had_are_not_the_clients_fault() {
    let (jwks, first, second) = (Jwks::default(), key("1"), key("2"));
    let world = jwks.world().await;
    let unavailable = (503, "temporarily_unavailable".to_owned());
    let reply = push(&world, &first).await;
    assert_eq!(reply.refusal(), unavailable);
    assert!(reply.header("retry-after").is_some());
    assert_eq!(world.push(&[]).await.status, 201, "others go on");

    let jwks = Jwks::default();
    jwks.publish(&[&first]);
    let world = jwks.world().await;
    assert_eq!(push(&world, &first).await.status, 201);
    *jwks.set.lock().unwrap() = None;
    assert_eq!(push(&world, &first).await.status, 201, "known keys serve");
    assert_eq!(push(&world, &second).await.refusal(), unavailable);
}

#[tokio::test]
async fn a_place_that_cannot_be_trusted_is_refused_at_the_start() {
    use ClientProblem as P;
    let of_tls = json!({
        "token_endpoint_auth_method": "tls_client_auth",
        "tls_client_auth_san_dns": "client.example",
        "jwks_uri": "https://client.example/jwks",
    });
    let both = json!({ "jwks": { "keys": [] }, "jwks_uri": "https://client.example/jwks" });
    for (changes, expected) in [
        (json!({ "jwks_uri": "http://client.example/jwks" }), None),
        (json!({ "jwks_uri": "http://127.0.0.1/jwks" }), None),
        (json!({ "jwks_uri": "https://a@client.example/" }), None),
        (json!({ "jwks_uri": "file:///etc/passwd" }), None),
        (json!({ "jwks_uri": "/jwks" }), None),
        (both, Some(P::TwoKeySets)),
        (of_tls, Some(P::DoesNotFitMethod("jwks_uri"))),
    ] {
        let refused = builder().client(client(&changes)).build().unwrap_err();
        let ConfigError::Client(refused) = refused else {
            panic!("{changes}: {refused}")
        };
        match expected {
            Some(expected) => assert_eq!(refused.problem, expected, "{changes}"),
            None => assert!(matches!(refused.problem, P::KeySource(_)), "{changes}"),
        }
    }
}

#[test]
fn fetching_needs_a_runtime() {
    let client = client(&json!({ "jwks_uri": "https://client.example/jwks" }));
    let refused = builder().client(client).build().unwrap_err();
    assert!(refused.to_string().contains("runtime"), "{refused}");
}
