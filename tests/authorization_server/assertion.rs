//! Clients that authenticate with `private_key_jwt` (FAPI 2.0 Security Profile §5.3.2.1, RFC 7523 §3).

use serde_json::{Map, Value, json};
use tower_fapi::{
    jose::{JwsAlgorithm, SigningKey, base64url},
    testing::Document,
};

use crate::world::{ISSUER, JWT_BEARER, PAR, Parameters, TOKEN, World, form, post, request};

pub fn refused() -> (u16, String) {
    (401, "invalid_client".to_owned())
}

/// A pushed request with this assertion and without `client_id`.
pub fn with_assertion(assertion: &str) -> Parameters {
    let mut parameters = form([
        ("client_assertion_type", JWT_BEARER),
        ("client_assertion", assertion),
    ]);
    parameters.extend(request());
    parameters
}

pub async fn push_claims(world: &World, claims: &Map<String, Value>) -> crate::world::Reply {
    world
        .send(post(PAR, &with_assertion(&world.sign(claims))))
        .await
}

#[tokio::test]
async fn the_client_is_found_from_the_assertion_alone() {
    let world = World::new();
    let reply = push_claims(&world, &world.claims("dpop")).await;
    assert_eq!(reply.status, 201, "{reply:?}");
}

// FAPI 2.0 Security Profile §5.3.2.1: "only accept its issuer identifier value as a string in the aud claim".
#[tokio::test]
async fn the_audience_is_the_issuer_as_one_string() {
    let world = World::new();
    for audience in [
        json!([ISSUER]),
        json!([ISSUER, TOKEN]),
        json!(TOKEN),
        json!(PAR),
        json!("https://as.example/"),
        json!("https://AS.example"),
        json!("https://other.example"),
        json!(""),
        json!(null),
        json!({"issuer": ISSUER}),
    ] {
        let mut claims = world.claims("dpop");
        claims["aud"] = audience.clone();
        assert_eq!(
            push_claims(&world, &claims).await.refusal(),
            refused(),
            "{audience}"
        );
    }
}

#[tokio::test]
async fn every_claim_has_to_be_there_and_right() {
    let world = World::new();
    let now = world.now().as_unix();
    for (name, value) in [
        ("iss", json!("other")),
        ("iss", json!(5)),
        ("iss", json!(["dpop"])),
        ("sub", json!("unknown")),
        ("sub", json!(null)),
        ("exp", json!(now)),
        ("exp", json!(now - 1)),
        ("exp", json!(i64::MIN)),
        ("exp", json!(i64::MAX)),
        ("exp", json!(now + 3601)),
        ("exp", json!(format!("{}", now + 60))),
        ("jti", json!("")),
        ("jti", json!("x".repeat(257))),
        ("jti", json!(7)),
        ("iat", json!(now + 61)),
        ("iat", json!(i64::MAX)),
        ("iat", json!("soon")),
        ("nbf", json!(now + 61)),
        ("nbf", json!([now])),
    ] {
        let mut claims = world.claims("dpop");
        claims.insert(name.to_owned(), value.clone());
        assert_eq!(
            push_claims(&world, &claims).await.refusal(),
            refused(),
            "{name} {value}"
        );
    }
    for name in ["iss", "sub", "aud", "exp", "jti"] {
        let mut claims = world.claims("dpop");
        claims.remove(name);
        assert_eq!(
            push_claims(&world, &claims).await.refusal(),
            refused(),
            "without {name}"
        );
    }
}

// FAPI 2.0 Security Profile §5.3.2.1, Note 3: up to 10 s ahead shall pass.
#[tokio::test]
async fn a_clock_that_is_a_little_fast_is_forgiven() {
    let world = World::new();
    let now = world.now().as_unix();
    for name in ["iat", "nbf"] {
        for ahead in [-3600, 0, 8, 10] {
            let mut claims = world.claims("dpop");
            claims.insert(name.to_owned(), (now + ahead).into());
            let reply = push_claims(&world, &claims).await;
            assert_eq!(reply.status, 201, "{name} {ahead} {reply:?}");
        }
    }
    let mut claims = world.claims("dpop");
    claims.remove("iat");
    assert_eq!(
        push_claims(&world, &claims).await.status,
        201,
        "iat is optional (RFC 7523 §3)"
    );
}

// FAPI 2.0 Security Profile §5.4.1; RFC 8725 §3.1: the algorithm is judged before the key.
#[tokio::test]
async fn other_algorithms_and_keys_are_refused() {
    let world = World::new();
    let claims = Value::Object(world.claims("dpop")).to_string();
    let stranger = SigningKey::generate(JwsAlgorithm::Es256).unwrap();
    let rsa = SigningKey::generate(JwsAlgorithm::Ps256).unwrap();
    let key = &world.client_key;
    let kid = key.kid().unwrap();
    let unsigned = format!(
        "{}.{}.",
        base64url::encode(r#"{"alg":"none"}"#),
        base64url::encode(&claims)
    );
    for (case, assertion) in [
        (
            "RS256",
            Document::sign_texts(&rsa, r#"{"alg":"RS256"}"#, &claims),
        ),
        (
            "HS256",
            Document::sign_texts(key, r#"{"alg":"HS256"}"#, &claims),
        ),
        (
            "none",
            Document::sign_texts(key, r#"{"alg":"none"}"#, &claims),
        ),
        ("none, without signature", unsigned),
        (
            "another algorithm than the key's",
            Document::sign_texts(key, r#"{"alg":"EdDSA"}"#, &claims),
        ),
        (
            "another key",
            Document::sign_texts(&stranger, r#"{"alg":"ES256"}"#, &claims),
        ),
        (
            "another key under a known kid",
            Document::sign_texts(
                &stranger,
                &json!({"alg": "ES256", "kid": kid}).to_string(),
                &claims,
            ),
        ),
        (
            "an unknown kid",
            Document::sign_texts(key, r#"{"alg":"ES256","kid":"x"}"#, &claims),
        ),
        (
            "a key it brings along",
            Document::sign_texts(
                &stranger,
                &json!({"alg": "ES256", "jwk": stranger.public().to_members()}).to_string(),
                &claims,
            ),
        ),
        (
            "an unknown crit",
            Document::sign_texts(key, r#"{"alg":"ES256","crit":["x"],"x":1}"#, &claims),
        ),
        (
            "an access token",
            Document::sign_texts(key, r#"{"alg":"ES256","typ":"at+jwt"}"#, &claims),
        ),
        (
            "a proof",
            Document::sign_texts(key, r#"{"alg":"ES256","typ":"dpop+jwt"}"#, &claims),
        ),
        (
            "claims that are no object",
            Document::sign_texts(key, r#"{"alg":"ES256"}"#, "[]"),
        ),
        (
            "a claim twice",
            Document::sign_texts(
                key,
                r#"{"alg":"ES256"}"#,
                &claims.replacen('{', r#"{"sub":"dpop","#, 1),
            ),
        ),
        ("no JWT", "abc".to_owned()),
        ("half a JWT", "abc.def".to_owned()),
        ("too long", {
            let padding = format!(r#"{{"x":"{}","#, "a".repeat(17_000));
            Document::sign_texts(
                key,
                r#"{"alg":"ES256"}"#,
                &claims.replacen('{', &padding, 1),
            )
        }),
    ] {
        let reply = world.send(post(PAR, &with_assertion(&assertion))).await;
        assert_eq!(reply.refusal(), refused(), "{case}");
    }
    for typ in ["JWT", "jwt", "application/jwt", "client-authentication+jwt"] {
        let claims = Value::Object(world.claims("dpop")).to_string();
        let header = json!({"alg": "ES256", "typ": typ, "kid": kid}).to_string();
        let assertion = Document::sign_texts(key, &header, &claims);
        let reply = world.send(post(PAR, &with_assertion(&assertion))).await;
        assert_eq!(reply.status, 201, "{typ} {reply:?}");
    }
}

// RFC 7591 §2: token_endpoint_auth_signing_alg is the algorithm the client must use.
#[tokio::test]
async fn an_algorithm_that_is_not_the_registered_one_is_refused() {
    let world = World::new();
    let reply = push_claims(&world, &world.claims("ps256")).await;
    assert_eq!(
        reply.refusal(),
        refused(),
        "the key is registered too, but not its algorithm"
    );
}
