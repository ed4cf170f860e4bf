//! Request objects that are encrypted to the server (RFC 9101 §6.1), pushed and by value.

use std::sync::LazyLock;

use serde_json::{Value, json};
use tower_fapi::{
    authorization_server::{
        AuthorizationServerBuilder, ClientMetadata, ClientProblem, ConfigError, EncryptionKeys,
    },
    jose::{
        JwkSet, JwsAlgorithm, PrivateJwk, SigningKey,
        jwe::{
            ContentEncryption, DecryptionKey, EncryptionHeader, EncryptionKey, JweAlgorithm,
            encrypt,
        },
    },
};

use crate::{
    browser::{Browser, error_page},
    fapi1::metadata,
    world::{ISSUER, Reply, World, encode, form},
};

/// Keys of two algorithms, made once: RSA keys take long.
static KEYS: LazyLock<EncryptionKeys> = LazyLock::new(|| {
    let keys = [JweAlgorithm::EcdhEsA256Kw, JweAlgorithm::RsaOaep256].map(|algorithm| {
        let key = PrivateJwk::generate_for_decryption(algorithm).unwrap();
        serde_json::from_str::<Value>(&key.secret_json()).unwrap()
    });
    json!({ "keys": keys }).to_string().parse().unwrap()
});

const ECDH: JweAlgorithm = JweAlgorithm::EcdhEsA256Kw;
const RSA: JweAlgorithm = JweAlgorithm::RsaOaep256;
const GCM: ContentEncryption = ContentEncryption::A256Gcm;
const CBC: ContentEncryption = ContentEncryption::A128CbcHs256;

/// `free` may encrypt or not, `sealed` and `sealed-gcm` have to, and `by-value` is of FAPI 1.0.
fn world() -> World {
    let key = PrivateJwk::generate(JwsAlgorithm::Es256).unwrap();
    let key = || SigningKey::new(&key).unwrap();
    let client = |id: &str, changes: &Value| -> ClientMetadata {
        let mut client = metadata(&key(), changes);
        client["client_id"] = id.into();
        serde_json::from_value(client).unwrap()
    };
    let fapi2 = json!({"fapi_profile": "fapi2"});
    let sealed = json!({"fapi_profile": "fapi2", "request_object_encryption_alg": ECDH});
    let gcm = json!({
        "fapi_profile": "fapi2",
        "request_object_encryption_alg": RSA,
        "request_object_encryption_enc": GCM,
    });
    let mut world = World::with(|builder| {
        builder
            .encryption_keys(KEYS.clone())
            .client(client("free", &fapi2))
            .client(client("strict", &sealed))
            .client(client("strict-gcm", &gcm))
            .client(client("by-value", &json!({})))
            .client(client(
                "strict-by-value",
                &json!({"request_object_encryption_alg": ECDH}),
            ))
    });
    world.client_key = key();
    world
}

fn public_key(world: &World, algorithm: JweAlgorithm) -> EncryptionKey {
    let published = KEYS.public_jwks(world.now());
    EncryptionKey::from_set(&JwkSet::from_value(&published).unwrap(), Some(algorithm)).unwrap()
}

fn sealed_with(
    key: &EncryptionKey,
    content: ContentEncryption,
    cty: Option<&str>,
    text: &str,
) -> String {
    let header = EncryptionHeader {
        cty,
        ..EncryptionHeader::default()
    };
    encrypt(key, content, header, text.as_bytes()).unwrap()
}

impl World {
    fn sealed(&self, algorithm: JweAlgorithm, content: ContentEncryption, text: &str) -> String {
        sealed_with(&public_key(self, algorithm), content, Some("JWT"), text)
    }

    async fn by_value(&self, client: &str, object: &str) -> Reply {
        let query = encode(&form([("client_id", client), ("request", object)]));
        Browser::new(self).get(&format!("/authorize?{query}")).await
    }
}

const REFUSED: (u16, &str) = (400, "invalid_request_object");

fn refusal(reply: &Reply) -> (u16, String) {
    reply.refusal()
}

// RFC 9101 §6.1, OpenID Connect Dynamic Client Registration §2.
#[tokio::test]
async fn an_object_is_encrypted_as_registered_or_as_one_likes() {
    let world = world();
    for (client, algorithm, content, status) in [
        ("free", None, CBC, 201),
        ("free", Some(ECDH), CBC, 201),
        ("free", Some(ECDH), GCM, 201),
        ("free", Some(RSA), GCM, 201),
        ("strict", Some(ECDH), CBC, 201),
        ("strict-gcm", Some(RSA), GCM, 201),
        ("strict", None, CBC, 400),
        ("strict", Some(ECDH), GCM, 400),
        ("strict", Some(RSA), CBC, 400),
        ("strict-gcm", None, GCM, 400),
        ("strict-gcm", Some(RSA), CBC, 400),
        ("strict-gcm", Some(ECDH), GCM, 400),
        ("by-value", Some(ECDH), GCM, 201),
    ] {
        let signed = world.fapi1_object(client, &json!({}));
        let object = match algorithm {
            Some(algorithm) => world.sealed(algorithm, content, &signed),
            None => signed,
        };
        let reply = world.push_object(client, &object).await;
        assert_eq!(
            reply.status, status,
            "{client} {algorithm:?} {content:?} {reply:?}"
        );
        if status == 400 {
            assert_eq!(
                refusal(&reply).1,
                REFUSED.1,
                "{client} {algorithm:?} {content:?}"
            );
        }
    }
    let signed = world.fapi1_object("free", &json!({}));
    for cty in [
        None,
        Some("jwt"),
        Some("application/JWT"),
        Some("oauth-authz-req+jwt"),
    ] {
        let object = sealed_with(&public_key(&world, ECDH), GCM, cty, &signed);
        let reply = world.push_object("free", &object).await;
        assert_eq!(reply.status, 201, "{cty:?} {reply:?}");
    }
}

// RFC 7516 §11.5, RFC 9101 §6.1: one answer, to the letter, from which nothing is learned.
#[tokio::test]
async fn whatever_cannot_be_decrypted_gets_the_same_answer() {
    let world = world();
    let signed = world.fapi1_object("free", &json!({}));
    let sound = world.sealed(ECDH, GCM, &signed);
    let stranger = DecryptionKey::generate(ECDH).unwrap();
    let stranger = EncryptionKey::new(stranger.public().unwrap()).unwrap();
    let segments: Vec<&str> = sound.split('.').collect();
    let with = |index: usize, segment: &str| {
        let mut changed = segments.clone();
        changed[index] = segment;
        changed.join(".")
    };
    let header = |header: &str| with(0, &tower_fapi::jose::base64url::encode(header));
    let flipped = |index: usize| {
        let mut bytes = tower_fapi::jose::base64url::decode(segments[index]).unwrap();
        bytes[0] ^= 1;
        with(index, &tower_fapi::jose::base64url::encode(bytes))
    };
    let cases = [
        (
            "to somebody else",
            sealed_with(&stranger, GCM, Some("JWT"), &signed),
        ),
        ("another key wrapped", flipped(1)),
        ("another IV", flipped(2)),
        ("another ciphertext", flipped(3)),
        ("another tag", flipped(4)),
        ("no key", with(1, "")),
        ("RSA1_5", header(r#"{"alg":"RSA1_5","enc":"A256GCM"}"#)),
        ("dir", header(r#"{"alg":"dir","enc":"A256GCM"}"#)),
        (
            "an algorithm without a key",
            header(r#"{"alg":"ECDH-ES","enc":"A256GCM"}"#),
        ),
        ("no algorithm", header(r#"{"enc":"A256GCM"}"#)),
        (
            "compressed",
            header(r#"{"alg":"ECDH-ES+A256KW","enc":"A256GCM","zip":"DEF"}"#),
        ),
        ("no JSON", header("x")),
        ("no base64url", with(3, "=")),
        (
            "not as a JWT",
            sealed_with(&public_key(&world, ECDH), GCM, Some("text"), &signed),
        ),
    ];
    let mut answers = Vec::new();
    for (case, object) in &cases {
        let reply = world.push_object("free", object).await;
        assert_eq!(refusal(&reply), (REFUSED.0, REFUSED.1.to_owned()), "{case}");
        answers.push(reply.body);
        let reply = world.by_value("by-value", object).await;
        assert_eq!(
            error_page(&reply),
            (REFUSED.0, REFUSED.1.to_owned()),
            "{case}"
        );
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "{answers:?}");

    // Encrypted is not signed: anybody can encrypt.
    for inside in ["x", "{}", &sound, &signed[1..]] {
        let reply = world
            .push_object("free", &world.sealed(ECDH, GCM, inside))
            .await;
        assert_eq!(
            refusal(&reply),
            (REFUSED.0, REFUSED.1.to_owned()),
            "{inside}"
        );
    }
    let claims = Value::Object(world.fapi1_claims("free", &json!({}))).to_string();
    let reply = world
        .push_object("free", &world.sealed(ECDH, GCM, &claims))
        .await;
    assert_eq!(
        refusal(&reply),
        (REFUSED.0, REFUSED.1.to_owned()),
        "claims alone"
    );
    // A server without keys decrypts nothing.
    let reply = World::new().push_object("dpop", &sound).await;
    assert_eq!(refusal(&reply), (REFUSED.0, REFUSED.1.to_owned()));
}

// RFC 9101 §5.1; what was encrypted in two ways is one request.
#[tokio::test]
async fn an_encrypted_object_can_come_by_value() {
    let world = world();
    let signed = world.fapi1_object("by-value", &json!({}));
    for object in [
        &signed,
        &world.sealed(ECDH, GCM, &signed),
        &world.sealed(RSA, CBC, &signed),
    ] {
        assert_eq!(world.by_value("by-value", object).await.status, 303);
    }
    let kind = tower_fapi::authorization_server::store::RecordKind::PushedRequest;
    assert_eq!(world.store.len(kind), 1);

    let signed = world.fapi1_object("strict-by-value", &json!({}));
    let reply = world.by_value("strict-by-value", &signed).await;
    assert_eq!(
        error_page(&reply),
        (REFUSED.0, REFUSED.1.to_owned()),
        "not encrypted"
    );
    let sealed = world.sealed(ECDH, CBC, &signed);
    assert_eq!(world.by_value("strict-by-value", &sealed).await.status, 303);

    let fapi2 = world.sealed(ECDH, GCM, &world.fapi1_object("free", &json!({})));
    let reply = world.by_value("free", &fapi2).await;
    assert_eq!(
        error_page(&reply),
        (400, "invalid_request".to_owned()),
        "FAPI 2.0"
    );
}

// RFC 9101 §4, OpenID Connect Discovery §3.
#[tokio::test]
async fn the_metadata_say_what_can_be_encrypted_with() {
    let document = async |world: &World| {
        let url = "https://as.example/.well-known/oauth-authorization-server";
        let request = http::Request::get(url)
            .body(axum::body::Body::empty())
            .unwrap();
        world.send(request).await.json()
    };
    let [alg, enc] =
        ["alg", "enc"].map(|it| format!("request_object_encryption_{it}_values_supported"));
    let with = document(&world()).await;
    let mut algorithms: Vec<&str> = with[&alg]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it.as_str().unwrap())
        .collect();
    algorithms.sort_unstable();
    assert_eq!(algorithms, ["ECDH-ES+A256KW", "RSA-OAEP-256"]);
    let encryptions = json!(["A128GCM", "A256GCM", "A128CBC-HS256", "A256CBC-HS512"]);
    assert_eq!(with[&enc], encryptions);
    let without = document(&World::new()).await;
    assert!(without.get(&alg).is_none() && without.get(&enc).is_none());
}

#[test]
fn a_client_encrypts_with_what_the_server_has_a_key_for() {
    let key = SigningKey::generate(JwsAlgorithm::Es256).unwrap();
    let build =
        |changes: &Value, change: fn(AuthorizationServerBuilder) -> AuthorizationServerBuilder| {
            let mut client = metadata(&key, changes);
            client["scope"] = "accounts".into();
            client["fapi_profile"] = "fapi2".into();
            let client = serde_json::from_value(client).unwrap();
            let builder = crate::configuration::builder_for(ISSUER).client(client);
            change(builder).build().map(drop)
        };
    let with_keys = |builder: AuthorizationServerBuilder| builder.encryption_keys(KEYS.clone());
    let without = |builder| builder;
    let alg = "request_object_encryption_alg";
    let no_key = Err(ConfigError::NoKeyForRequestObjects("fapi1".to_owned()));
    assert_eq!(build(&json!({alg: "ECDH-ES+A256KW"}), with_keys), Ok(()));
    assert_eq!(build(&json!({alg: "ECDH-ES+A256KW"}), without), no_key);
    assert_eq!(build(&json!({alg: "RSA-OAEP"}), with_keys), no_key);
    assert_eq!(build(&json!({alg: "dir"}), with_keys), no_key);
    match build(
        &json!({"request_object_encryption_enc": "A256GCM"}),
        with_keys,
    ) {
        Err(ConfigError::Client(refused)) => {
            assert_eq!(refused.problem, ClientProblem::Missing(alg));
        }
        other => panic!("{other:?}"),
    }
    let unheard_of = metadata(&key, &json!({alg: "RSA1_5"}));
    assert!(serde_json::from_value::<ClientMetadata>(unheard_of).is_err());
}
