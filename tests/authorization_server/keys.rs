//! The published keys: those that sign, and those that clients encrypt to.

use serde_json::{Value, json};
use tower_fapi::{
    authorization_server::{
        AuthorizationServer, AuthorizationServerBuilder, ConfigError, EncryptionKeys,
        ScopeDescription, SigningKeys,
    },
    jose::{
        JwkSet, JwsAlgorithm, PrivateJwk,
        jwe::{ContentEncryption, EncryptionHeader, EncryptionKey, JweAlgorithm, decrypt, encrypt},
    },
    time::{Clock as _, ManualClock, Timestamp},
};

use crate::world::{Alice, ISSUER, World};

const NOW: Timestamp = Timestamp::from_unix(1_800_000_000);

fn private(jwk: &PrivateJwk) -> Value {
    serde_json::from_str(&jwk.secret_json()).unwrap()
}

fn to_decrypt(algorithm: JweAlgorithm) -> Value {
    private(&PrivateJwk::generate_for_decryption(algorithm).unwrap())
}

fn to_sign(algorithm: JwsAlgorithm) -> Value {
    private(&PrivateJwk::generate(algorithm).unwrap())
}

/// The same key with these members.
fn with(mut key: Value, members: &[(&str, Value)]) -> Value {
    for (name, value) in members {
        key[*name] = value.clone();
    }
    key
}

fn without(mut key: Value, name: &str) -> Value {
    key.as_object_mut().unwrap().remove(name);
    key
}

fn encryption(keys: &[Value]) -> EncryptionKeys {
    json!({ "keys": keys }).to_string().parse().unwrap()
}

fn kids(jwks: &Value) -> Vec<&str> {
    let keys = jwks["keys"].as_array().unwrap();
    keys.iter()
        .map(|key| key["kid"].as_str().unwrap())
        .collect()
}

async fn published(world: &World) -> Value {
    let request = http::Request::get("https://as.example/jwks");
    let reply = world
        .send(request.body(axum::body::Body::empty()).unwrap())
        .await;
    assert_eq!(reply.status, 200);
    serde_json::from_str(&reply.body).unwrap()
}

// RFC 7517 §4.2, §4.4 and §4.5; OpenID Connect Core §10.2.
#[tokio::test]
async fn keys_to_encrypt_to_are_published_with_what_they_are_for() {
    let keys = EncryptionKeys::generate(JweAlgorithm::RsaOaep256).unwrap();
    let world = World::with(|builder| builder.encryption_keys(keys.clone()));
    let jwks = published(&world).await;
    assert_eq!(jwks["keys"].as_array().unwrap().len(), 2);
    let [signing, encryption] = [&jwks["keys"][0], &jwks["keys"][1]];
    assert_eq!(
        (&signing["use"], &signing["alg"]),
        (&json!("sig"), &json!("ES256"))
    );
    assert_eq!(
        (&encryption["use"], &encryption["alg"], &encryption["kty"]),
        (&json!("enc"), &json!("RSA-OAEP-256"), &json!("RSA"))
    );
    assert!(encryption["kid"].is_string());
    for secret in ["d", "p", "q", "dp", "dq", "qi"] {
        assert!(encryption.get(secret).is_none(), "{secret}");
    }
}

#[tokio::test]
async fn without_such_keys_none_is_published() {
    let jwks = published(&World::new()).await;
    assert_eq!(jwks["keys"].as_array().unwrap().len(), 1);
    assert_eq!(jwks["keys"][0]["use"], "sig");
}

// OpenID Connect Core §10.2.1: the old key is not published any more and still decrypts for a while.
#[test]
fn a_replaced_key_still_decrypts_and_one_to_come_does_already() {
    let algorithm = JweAlgorithm::EcdhEsA256Kw;
    let (old, new) = (to_decrypt(algorithm), to_decrypt(algorithm));
    let rsa = to_decrypt(JweAlgorithm::RsaOaep);
    let (begins, ends) = (NOW.as_unix() + 100, NOW.as_unix() + 200);
    let keys = encryption(&[
        with(new.clone(), &[("nbf", begins.into())]),
        with(old.clone(), &[("exp", ends.into())]),
        rsa.clone(),
    ]);
    let kid = |key: &Value| key["kid"].as_str().unwrap().to_owned();
    let [old, new, rsa] = [old, new, rsa].map(|key| kid(&key));
    for (at, shown, known) in [
        (0, vec![&old, &rsa], vec![&new, &old, &rsa]),
        (99, vec![&old, &rsa], vec![&new, &old, &rsa]),
        (100, vec![&new, &rsa], vec![&new, &old, &rsa]),
        (199, vec![&new, &rsa], vec![&new, &old, &rsa]),
        (200, vec![&new, &rsa], vec![&new, &rsa]),
    ] {
        let now = Timestamp::from_unix(NOW.as_unix() + at);
        assert_eq!(kids(&keys.public_jwks(now)), shown, "published at {at}");
        let decrypting = keys.decryption_keys(now);
        let ring: Vec<_> = decrypting
            .keys()
            .iter()
            .map(|key| key.kid().unwrap())
            .collect();
        assert_eq!(ring, known, "decrypting at {at}");
        assert_eq!(
            keys.algorithms(now),
            [JweAlgorithm::RsaOaep, JweAlgorithm::EcdhEsA256Kw]
        );
        // Even the algorithm that has to be asked for: the key asks for it.
        assert_eq!(keys.accepted(now).algorithms().len(), known.len());
    }
}

#[test]
fn what_is_encrypted_to_a_published_key_can_be_read() {
    for algorithm in [
        JweAlgorithm::EcdhEs,
        JweAlgorithm::EcdhEsA128Kw,
        JweAlgorithm::RsaOaep256,
        JweAlgorithm::RsaOaep,
    ] {
        let keys = EncryptionKeys::generate(algorithm).unwrap();
        let jwks: JwkSet = keys.public_jwks(NOW).to_string().parse().unwrap();
        let key = EncryptionKey::from_set(&jwks, Some(algorithm)).unwrap();
        let header = EncryptionHeader::default();
        let sealed = encrypt(&key, ContentEncryption::A256Gcm, header, b"a request").unwrap();
        let opened = decrypt(&sealed, &keys.decryption_keys(NOW), &keys.accepted(NOW)).unwrap();
        assert_eq!(&opened.plaintext[..], b"a request", "{algorithm}");
    }
}

#[test]
fn keys_that_cannot_be_published_to_encrypt_to_are_refused() {
    let key = to_decrypt(JweAlgorithm::EcdhEsA256Kw);
    for (case, key, reason) in [
        ("no algorithm", without(key.clone(), "alg"), "`alg`"),
        ("public", without(key.clone(), "d"), "`d`"),
        (
            "to sign",
            to_sign(JwsAlgorithm::Es256),
            "not meant for encryption",
        ),
        (
            "RSA1_5",
            with(
                to_decrypt(JweAlgorithm::RsaOaep),
                &[("alg", "RSA1_5".into())],
            ),
            "algorithm",
        ),
        (
            "symmetric",
            json!({"kty": "oct", "k": "AAAA", "alg": "A128KW"}),
            "not supported",
        ),
        (
            "no times",
            with(key.clone(), &[("nbf", "soon".into())]),
            "`nbf`",
        ),
        (
            "never",
            with(key.clone(), &[("nbf", 5.into()), ("exp", 5.into())]),
            "not after",
        ),
        ("null", with(key, &[("exp", Value::Null)]), "`exp`"),
    ] {
        let jwks = json!({ "keys": [key] }).to_string();
        let refused = jwks.parse::<EncryptionKeys>().unwrap_err().to_string();
        assert!(
            refused.starts_with("key 1: ") && refused.contains(reason),
            "{case}: {refused}"
        );
    }
    let key = to_decrypt(JweAlgorithm::EcdhEs);
    let twice = json!({ "keys": [key.clone(), key] }).to_string();
    assert!(twice.parse::<EncryptionKeys>().is_err());
}

fn builder(keys: SigningKeys, clock: ManualClock) -> AuthorizationServerBuilder {
    AuthorizationServer::builder(ISSUER)
        .audience("https://api.example")
        .scope(ScopeDescription::new("accounts", "See your accounts"))
        .authenticator(Alice)
        .signing_keys(keys)
        .clock(clock)
}

// FAPI 2.0 Security Profile §5.4.3: no two keys of the published set have the same `kid`.
#[test]
fn no_identifier_is_published_twice() {
    let named = |key| with(key, &[("kid", "one".into())]);
    let signing = named(to_sign(JwsAlgorithm::Es256));
    let signing: SigningKeys = json!({ "keys": [signing] }).to_string().parse().unwrap();
    let server = builder(signing, ManualClock::at(NOW))
        .encryption_keys(encryption(&[named(to_decrypt(JweAlgorithm::EcdhEs))]));
    assert_eq!(
        server.build().unwrap_err(),
        ConfigError::SameKid("one".to_owned())
    );
}

#[test]
fn a_server_without_a_key_in_use_does_not_start() {
    let clock = ManualClock::at(NOW);
    let now = clock.now().as_unix();
    for (case, members, starts) in [
        ("to come", vec![("nbf", now + 1)], false),
        ("ended", vec![("exp", now)], false),
        ("begun", vec![("nbf", now), ("exp", now + 1)], true),
    ] {
        let members: Vec<_> = members
            .into_iter()
            .map(|(name, at)| (name, at.into()))
            .collect();
        let key = with(to_sign(JwsAlgorithm::Es256), &members);
        let keys: SigningKeys = json!({ "keys": [key] }).to_string().parse().unwrap();
        let built = builder(keys, clock.clone()).build();
        assert_eq!(built.is_ok(), starts, "{case}");
        if let Err(error) = built {
            assert_eq!(error, ConfigError::NoSigningKey, "{case}");
        }
    }
}
