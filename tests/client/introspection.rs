//! The client as a resource server that asks about tokens (RFC 7662, RFC 9701).

use serde_json::{Map, Value, json};
use tower_fapi::{
    client::{Client, ClientBuilder, ClientError, Endpoint, IntrospectedToken, step},
    issuer::IntrospectionError,
    jose::{
        JwsError,
        jwe::{DecryptionKey, DecryptionKeys, JweAlgorithm},
    },
};

use crate::{
    seal::{encrypted, signed, signing_server, with},
    server::{Reply, Server},
    support::{NOW, builder, key},
};

const HEADER: &str = r#"{"alg":"ES256","typ":"token-introspection+jwt"}"#;

fn bound(server: &Server) -> ClientBuilder<step::Bound> {
    builder(&server.url("")).private_key_jwt(key()).dpop(key())
}

fn jwt(text: impl Into<Vec<u8>>) -> Reply {
    let kind = "application/token-introspection+jwt";
    Reply::text(200, text).header("content-type", kind)
}

fn claims(server: &Server) -> Map<String, Value> {
    let claims = json!({
        "iss": server.url(""), "aud": "app 1", "iat": NOW.as_unix(),
        "token_introspection": {"active": true, "scope": "accounts", "sub": "alice"},
    });
    claims.as_object().unwrap().clone()
}

async fn verdict(
    client: &Client,
    server: &Server,
    reply: Reply,
) -> Result<IntrospectedToken, IntrospectionError> {
    server.says("/introspect", [reply]);
    match client.introspect("at-9").await {
        Ok(token) => Ok(token),
        Err(ClientError::Introspection(error)) => Err(error),
        Err(other) => panic!("{other}"),
    }
}

// RFC 7662 §2.1 and §2.2.
#[tokio::test]
async fn a_token_is_active_or_it_is_not() {
    let server = signing_server(&key()).await;
    let client = bound(&server).build().unwrap();
    let body = json!({"active": true, "scope": "accounts", "cnf": {"jkt": "x"}});
    let found = verdict(&client, &server, Reply::json(200, &body)).await;
    let token = found.unwrap();
    assert!(token.is_active());
    assert_eq!(token.member("cnf"), Some(&json!({"jkt": "x"})));
    assert_eq!(token.member("active"), None);

    let seen = server.only("/introspect");
    let form = seen.form();
    assert_eq!(form["token"], "at-9");
    assert_eq!(form["token_type_hint"], "access_token");
    assert_eq!(seen.assertion()["aud"], json!(server.url("")));
    assert_eq!(seen.header("accept"), Some("application/json"));
    assert_eq!(seen.header("dpop"), None);

    // Whatever else is said of a token that is not active means nothing.
    let body = json!({"active": false, "scope": "accounts"});
    let found = verdict(&client, &server, Reply::json(200, &body)).await;
    let token = found.unwrap();
    assert!(!token.is_active());
    assert_eq!(token.member("scope"), None);

    for body in [
        json!({}),
        json!({"active": "true"}),
        json!({"active": 1}),
        json!({"active": null}),
    ] {
        let found = verdict(&client, &server, Reply::json(200, &body)).await;
        assert!(
            matches!(found, Err(IntrospectionError::Member(_))),
            "{body}"
        );
    }
    let twice = Reply::text(200, r#"{"active":false,"active":true}"#);
    let twice = twice.header("content-type", "application/json");
    let found = verdict(&client, &server, twice).await;
    assert!(matches!(found, Err(IntrospectionError::Json(_))));
    let page = Reply::text(200, r#"{"active":true}"#).header("content-type", "text/html");
    let found = verdict(&client, &server, page).await;
    assert!(matches!(found, Err(IntrospectionError::MediaType(_))));

    let padding = " ".repeat(256 * 1024);
    let flood = Reply::text(200, format!(r#"{{{padding}"active":true}}"#));
    server.says(
        "/introspect",
        [flood.header("content-type", "application/json")],
    );
    let refused = client.introspect("at-9").await;
    assert!(matches!(refused, Err(ClientError::Transport { .. })));

    // RFC 7662 §2.3.
    server.says(
        "/introspect",
        [Reply::json(401, &json!({"error": "invalid_client"}))],
    );
    let refused = client.introspect("at-9").await;
    assert!(matches!(
        refused,
        Err(ClientError::Refused {
            endpoint: Endpoint::Introspection,
            ..
        })
    ));
}

// RFC 9701 §5, §8.1, §8.2; FAPI 2.0 Message Signing, "Signing introspection responses".
#[tokio::test]
async fn a_signed_answer_is_demanded_and_verified() {
    use IntrospectionError as E;
    let (signer, stranger) = (key(), key());
    let server = signing_server(&signer).await;
    let client = bound(&server).signed_introspection().build().unwrap();
    let sound = signed(&signer, HEADER, &claims(&server));
    let found = verdict(&client, &server, jwt(sound)).await.unwrap();
    assert!(found.is_active());
    assert_eq!(found.member("sub"), Some(&json!("alice")));
    assert!(!format!("{found:?}").contains("alice"));
    let accept = server.only("/introspect");
    let expected = Some("application/token-introspection+jwt");
    assert_eq!(accept.header("accept"), expected);

    let plain = Reply::json(200, &json!({"active": true}));
    let found = verdict(&client, &server, plain).await;
    assert!(matches!(found, Err(E::MediaType(_))));
    let now = NOW.as_unix();
    for (name, value) in [
        ("iss", Value::Null),
        ("iss", json!("https://evil.example")),
        ("aud", Value::Null),
        ("aud", json!("app 2")),
        ("iat", Value::Null),
        ("iat", json!(now - 61)),
        ("iat", json!(now + 31)),
        ("exp", json!(now)),
        ("token_introspection", Value::Null),
        ("token_introspection", json!("active")),
    ] {
        let text = signed(&signer, HEADER, &with(claims(&server), name, &value));
        let found = verdict(&client, &server, jwt(text)).await;
        assert_eq!(found.err(), Some(E::Claim(name)), "{name}: {value}");
    }
    for (header, expected) in [
        (r#"{"alg":"ES256"}"#, E::Type),
        (r#"{"alg":"ES256","typ":"JWT"}"#, E::Type),
        (
            r#"{"alg":"none","typ":"token-introspection+jwt"}"#,
            E::Signature(JwsError::Algorithm),
        ),
        (
            r#"{"alg":"RS256","typ":"token-introspection+jwt"}"#,
            E::Signature(JwsError::Algorithm),
        ),
        (
            r#"{"alg":"EdDSA","typ":"token-introspection+jwt"}"#,
            E::Signature(JwsError::NoKey),
        ),
    ] {
        let text = signed(&signer, header, &claims(&server));
        let found = verdict(&client, &server, jwt(text)).await;
        assert_eq!(found.err(), Some(expected), "{header}");
    }
    let forged = signed(&stranger, HEADER, &claims(&server));
    let found = verdict(&client, &server, jwt(forged)).await;
    assert!(matches!(found, Err(E::Signature(JwsError::Signature(_)))));
}

// RFC 9701 §5: a nested JWT.
#[tokio::test]
async fn an_encrypted_answer_is_decrypted_and_then_verified() {
    use IntrospectionError as E;
    let (signer, stranger) = (key(), key());
    let server = signing_server(&signer).await;
    let ours = DecryptionKey::generate(JweAlgorithm::EcdhEsA256Kw).unwrap();
    let public = ours.public().unwrap().clone();
    let keys = DecryptionKeys::new([ours]);
    let client = bound(&server)
        .encrypted_introspection(keys)
        .build()
        .unwrap();
    let text = signed(&signer, HEADER, &claims(&server));
    let found = verdict(&client, &server, jwt(encrypted(&public, &text))).await;
    assert!(found.unwrap().is_active());
    let found = verdict(&client, &server, jwt(text)).await;
    assert!(matches!(found, Err(E::Encryption(_))));
    let forged = encrypted(&public, &signed(&stranger, HEADER, &claims(&server)));
    let found = verdict(&client, &server, jwt(forged)).await;
    assert!(matches!(found, Err(E::Signature(JwsError::Signature(_)))));
}
