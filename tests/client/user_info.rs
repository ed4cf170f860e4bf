//! What the userinfo endpoint tells, and when it is believed (OpenID Connect Core §5.3).

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::{Map, Value, json};
use tower_fapi::{
    client::{Client, ClientBuilder, ClientError, Endpoint, UserInfo, UserInfoError, step},
    jose::{
        JwsError, SigningKey,
        jwe::{DecryptionKey, DecryptionKeys, JweAlgorithm},
    },
};

use crate::{
    seal::{encrypted, signed, signed_in, signing_server, with},
    server::{Reply, Server},
    support::{NOW, builder, key, log_in},
};

const ES256: &str = r#"{"alg":"ES256"}"#;

fn bound(server: &Server) -> ClientBuilder<step::Bound> {
    builder(&server.url("")).private_key_jwt(key()).dpop(key())
}

fn jwt(text: impl Into<Vec<u8>>) -> Reply {
    Reply::text(200, text).header("content-type", "Application/JWT; charset=utf-8")
}

fn claims(server: &Server) -> Map<String, Value> {
    let claims = json!({
        "iss": server.url(""), "aud": "app 1", "sub": "alice", "email": "alice@example.com",
    });
    claims.as_object().unwrap().clone()
}

/// What a client that is signed in makes of this answer.
async fn verdict(
    client: &Client,
    server: &Server,
    signer: &SigningKey,
    reply: Reply,
) -> Result<UserInfo, UserInfoError> {
    let tokens = signed_in(client, server, signer).await;
    server.says("/userinfo", [reply]);
    match client.userinfo(&tokens).await {
        Ok(info) => Ok(info),
        Err(ClientError::UserInfo(error)) => Err(error),
        Err(other) => panic!("{other}"),
    }
}

// OpenID Connect Core §5.3.1 and §5.3.2.
#[tokio::test]
async fn the_person_of_the_id_token_is_told_of() {
    #[derive(Debug, Deserialize, PartialEq)]
    struct Person {
        email: String,
    }
    let signer = key();
    let server = signing_server(&signer).await;
    let client = bound(&server).build().unwrap();
    let plain = Reply::json(200, &json!({"sub": "alice", "email": "alice@example.com"}));
    let info = verdict(&client, &server, &signer, plain).await.unwrap();
    assert_eq!(info.subject(), "alice");
    assert_eq!(info.claim("email"), Some(&json!("alice@example.com")));
    let email = "alice@example.com".to_owned();
    assert_eq!(info.read(), Ok(Person { email }));
    assert!(info.read::<Vec<String>>().is_err());
    let unread = info.read::<HashMap<String, u64>>().unwrap_err();
    assert!(
        !format!("{unread} {unread:?}").contains("alice"),
        "{unread}"
    );
    assert!(!format!("{info:?}").contains("example.com"));

    let seen = server.only("/userinfo");
    assert_eq!(seen.method, "GET");
    assert_eq!(seen.header("authorization"), Some("DPoP at-1"));
    let accept = "application/json, application/jwt";
    assert_eq!(seen.header("accept"), Some(accept));
    let key = client.dpop_thumbprint().unwrap();
    seen.proof(&server.url("/userinfo"), Some("at-1"), key);

    // A signed answer is as good as a plain one, if nobody demands it.
    let text = signed(&signer, ES256, &claims(&server));
    let info = verdict(&client, &server, &signer, jwt(text)).await.unwrap();
    assert_eq!(info.claim("email"), Some(&json!("alice@example.com")));
}

// OpenID Connect Core §5.3.2: values about somebody else must not be used; §16.11.
#[tokio::test]
async fn an_answer_about_somebody_else_or_of_no_shape_is_refused() {
    use UserInfoError as E;
    let signer = key();
    let server = signing_server(&signer).await;
    let client = bound(&server).build().unwrap();
    for (case, body, expected) in [
        ("bob", json!({"sub": "bob"}), E::WrongSubject),
        ("nobody", json!({"email": "x"}), E::WrongSubject),
        ("another spelling", json!({"sub": "Alice"}), E::WrongSubject),
        ("no text", json!({"sub": ["alice"]}), E::WrongSubject),
        ("null", json!({"sub": null}), E::WrongSubject),
    ] {
        let found = verdict(&client, &server, &signer, Reply::json(200, &body)).await;
        assert_eq!(found.err(), Some(expected), "{case}");
    }
    let json_text = |text: &str| Reply::text(200, text).header("content-type", "application/json");
    for text in [
        "",
        "[]",
        r#"{"sub":"bob","sub":"alice"}"#,
        "{\"sub\":\"alice\"}x",
    ] {
        let found = verdict(&client, &server, &signer, json_text(text)).await;
        assert!(matches!(found, Err(E::Json(_))), "{text}");
    }
    for kind in ["text/html", "application/jose", ""] {
        let reply = Reply::text(200, r#"{"sub":"alice"}"#).header("content-type", kind);
        let found = verdict(&client, &server, &signer, reply).await;
        assert!(matches!(found, Err(E::MediaType(_))), "{kind}");
    }
}

// OpenID Connect Core §5.3.2 and §5.3.4; RFC 8725 §3.11.
#[tokio::test]
async fn a_signed_answer_that_cannot_be_believed_is_refused() {
    use UserInfoError as E;
    let (signer, stranger) = (key(), key());
    let server = signing_server(&signer).await;
    let client = bound(&server).signed_userinfo().build().unwrap();
    let now = NOW.as_unix();
    for (name, value, expected) in [
        ("iss", Value::Null, Err(E::Claim("iss"))),
        ("iss", json!("https://evil.example"), Err(E::Claim("iss"))),
        ("aud", Value::Null, Err(E::Claim("aud"))),
        ("aud", json!("app 2"), Err(E::Claim("aud"))),
        ("aud", json!([]), Err(E::Claim("aud"))),
        ("sub", json!("bob"), Err(E::WrongSubject)),
        ("exp", json!(now), Err(E::Claim("exp"))),
        ("exp", json!("soon"), Err(E::Claim("exp"))),
        ("exp", json!(now + 1), Ok(())),
        ("nbf", json!(now + 31), Err(E::Claim("nbf"))),
        ("nbf", json!("now"), Err(E::Claim("nbf"))),
        ("nbf", json!(now + 30), Ok(())),
        ("aud", json!(["other", "app 1"]), Ok(())),
    ] {
        let text = signed(&signer, ES256, &with(claims(&server), name, &value));
        let found = verdict(&client, &server, &signer, jwt(text)).await;
        assert_eq!(found.map(|_| ()), expected, "{name}: {value}");
    }
    let sound = claims(&server);
    for (case, text, expected) in [
        ("no JWT", "x".to_owned(), E::Jwt(JwsError::Segments)),
        (
            "RS256",
            signed(&signer, r#"{"alg":"RS256"}"#, &sound),
            E::Jwt(JwsError::Algorithm),
        ),
        (
            "none",
            signed(&signer, r#"{"alg":"none"}"#, &sound),
            E::Jwt(JwsError::Algorithm),
        ),
        (
            "an access token",
            signed(&signer, r#"{"alg":"ES256","typ":"at+jwt"}"#, &sound),
            E::Claim("typ"),
        ),
    ] {
        let found = verdict(&client, &server, &signer, jwt(text)).await;
        assert_eq!(found.err(), Some(expected), "{case}");
    }
    let forged = jwt(signed(&stranger, ES256, &sound));
    let found = verdict(&client, &server, &signer, forged).await;
    assert!(matches!(found, Err(E::Jwt(JwsError::Signature(_)))));

    let plain = Reply::json(200, &Value::Object(sound));
    let found = verdict(&client, &server, &signer, plain).await;
    assert_eq!(found.err(), Some(E::NotSigned));
    let accept = server.seen("/userinfo").pop().unwrap();
    assert_eq!(accept.header("accept"), Some("application/jwt"));
}

// OpenID Connect Core §5.3.2: signed, then encrypted.
#[tokio::test]
async fn an_encrypted_answer_is_decrypted_and_then_verified() {
    use UserInfoError as E;
    let (signer, stranger) = (key(), key());
    let server = signing_server(&signer).await;
    let ours = DecryptionKey::generate(JweAlgorithm::EcdhEsA256Kw).unwrap();
    let theirs = DecryptionKey::generate(JweAlgorithm::EcdhEsA256Kw).unwrap();
    let public = ours.public().unwrap().clone();
    let keys = DecryptionKeys::new([ours]);
    let client = bound(&server).encrypted_userinfo(keys).build().unwrap();
    let plain_client = bound(&server).build().unwrap();
    let text = signed(&signer, ES256, &claims(&server));
    let sealed = encrypted(&public, &text);

    let found = verdict(&client, &server, &signer, jwt(sealed.clone())).await;
    assert_eq!(found.unwrap().subject(), "alice");
    let found = verdict(&client, &server, &signer, jwt(text.clone())).await;
    assert_eq!(found.err(), Some(E::NotEncrypted));
    let found = verdict(&plain_client, &server, &signer, jwt(sealed)).await;
    assert_eq!(found.err(), Some(E::Encrypted));
    let foreign = jwt(encrypted(theirs.public().unwrap(), &text));
    let found = verdict(&client, &server, &signer, foreign).await;
    assert!(matches!(found, Err(E::Decryption(_))));
    // Anybody can encrypt to a public key.
    let forged = encrypted(&public, &signed(&stranger, ES256, &claims(&server)));
    let found = verdict(&client, &server, &signer, jwt(forged)).await;
    assert!(matches!(found, Err(E::Jwt(JwsError::Signature(_)))));
    let unsigned = encrypted(&public, &Value::Object(claims(&server)).to_string());
    let found = verdict(&client, &server, &signer, jwt(unsigned)).await;
    assert!(matches!(found, Err(E::Jwt(_))));
}

// OpenID Connect Core §5.3.3, RFC 9449 §9.
#[tokio::test]
async fn a_refusal_is_told_from_an_answer() {
    let signer = key();
    let server = signing_server(&signer).await;
    let client = bound(&server).build().unwrap();
    let tokens = signed_in(&client, &server, &signer).await;
    let challenge = r#"DPoP error="invalid_token", error_description="it has ended""#;
    let nonce = Reply::text(401, "")
        .header("www-authenticate", r#"DPoP error="use_dpop_nonce""#)
        .header("dpop-nonce", "n-1");
    let ended = Reply::text(401, "").header("www-authenticate", challenge);
    server.says("/userinfo", [nonce, ended]);
    let refused = client.userinfo(&tokens).await.unwrap_err();
    assert!(
        matches!(&refused, ClientError::Refused { endpoint: Endpoint::UserInfo, error, .. }
            if error.code() == "invalid_token" && error.description() == Some("it has ended")),
        "{refused}"
    );
    assert_eq!(server.seen("/userinfo").len(), 2);
    for status in [204, 303, 500] {
        server.says("/userinfo", [Reply::json(status, &json!({"sub": "alice"}))]);
        let refused = client.userinfo(&tokens).await.unwrap_err();
        assert!(
            matches!(refused, ClientError::UnexpectedStatus { .. }),
            "{status}"
        );
    }
    // Without an ID token there is nobody to compare with, and nobody is asked.
    let before = server.seen("/userinfo").len();
    server.says("/token", [crate::support::tokens("DPoP")]);
    let nameless = log_in(&client, &server).await;
    let refused = client.userinfo(&nameless).await;
    assert!(matches!(refused, Err(ClientError::NoIdToken)));
    assert_eq!(server.seen("/userinfo").len(), before);
}
