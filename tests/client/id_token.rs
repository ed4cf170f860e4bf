//! Who signed in: ID tokens, believed if they answer this client's own request (OpenID Connect Core §3.1.3.7, §12.2).

use std::time::Duration;

use serde_json::{Map, Value, json};
use tower_fapi::{
    client::{
        AuthorizationRequest, Client, ClientBuilder, ClientError, IdTokenError,
        PendingAuthorization, TokenSet, step,
    },
    jose::{
        JwsAlgorithm, JwsError, SigningKey,
        jwe::{DecryptionKey, DecryptionKeys, JweAlgorithm, JweError},
        token_hash,
    },
    time::Timestamp,
};

use crate::{
    seal::{encrypted, publish, signed, signing_server, with},
    server::{Reply, Server},
    support::{NOW, builder, honest, key, request},
};

pub const ES256: &str = r#"{"alg":"ES256"}"#;
const SECOND: i64 = 1;

pub fn bound(server: &Server) -> ClientBuilder<step::Bound> {
    builder(&server.url("")).private_key_jwt(key()).dpop(key())
}

pub fn sign_in() -> AuthorizationRequest {
    request().scope("openid accounts").unwrap()
}

/// What an honest server says of a sign-in a minute ago.
fn claims(server: &Server) -> Map<String, Value> {
    let pushed = server.seen("/par").pop().unwrap().form();
    let now = NOW.as_unix();
    let claims = json!({
        "iss": server.url(""), "sub": "alice", "aud": "app 1", "exp": now + 300, "iat": now,
        "auth_time": now - 60, "nonce": pushed["nonce"], "acr": "mfa", "amr": ["pwd", "otp"],
        "at_hash": token_hash(JwsAlgorithm::Es256, "at-1"), "email": "alice@example.com",
    });
    claims.as_object().unwrap().clone()
}

fn answer(server: &Server, id_token: &str) {
    let body = json!({
        "access_token": "at-1", "token_type": "DPoP", "expires_in": 300, "refresh_token": "rt-1",
        "id_token": id_token,
    });
    server.says("/token", [Reply::json(200, &body)]);
}

async fn complete(
    client: &Client,
    server: &Server,
    pending: &PendingAuthorization,
) -> Result<TokenSet, IdTokenError> {
    match client.complete(pending, &honest(pending, server)).await {
        Ok(tokens) => Ok(tokens),
        Err(ClientError::IdToken(error)) => Err(error),
        Err(other) => panic!("{other}"),
    }
}

/// What the client makes of an ID token that is sound but for what `change` does to it.
pub async fn verdict(
    client: &Client,
    server: &Server,
    request: &AuthorizationRequest,
    change: impl FnOnce(Map<String, Value>) -> String,
) -> Result<TokenSet, IdTokenError> {
    let pending = client.authorize(request).await.unwrap();
    answer(server, &change(claims(server)));
    complete(client, server, &pending).await
}

// OpenID Connect Core §2, §3.1.2.1, §3.1.3.3; FAPI 2.0 Security Profile §5.3.3.2: nonces of at most 64 characters.
#[tokio::test]
async fn a_sign_in_is_asked_for_and_believed() {
    for algorithm in JwsAlgorithm::ALL {
        let signer = SigningKey::generate(algorithm).unwrap();
        let server = signing_server(&signer).await;
        let client = bound(&server).build().unwrap();
        let pending = client.authorize(&sign_in()).await.unwrap();
        let nonce = server.only("/par").form()["nonce"].clone();
        assert!((43..=64).contains(&nonce.len()));
        let header = json!({"alg": algorithm, "kid": signer.kid(), "typ": "JWT"}).to_string();
        let hash = token_hash(algorithm, "at-1");
        let claims = with(claims(&server), "at_hash", &json!(hash));
        let text = signed(&signer, &header, &claims);
        answer(&server, &text);

        // As after a restart of the application.
        let pending = PendingAuthorization::from_secret_json(&pending.secret_json()).unwrap();
        let tokens = complete(&client, &server, &pending).await.unwrap();
        let tokens = TokenSet::from_secret_json(&tokens.secret_json()).unwrap();
        let token = tokens.id_token().unwrap();
        assert_eq!(
            (token.subject(), token.issuer()),
            ("alice", &*server.url(""))
        );
        assert_eq!(token.acr(), Some("mfa"));
        assert_eq!(token.amr(), ["pwd", "otp"]);
        let minute_ago = Timestamp::from_unix(NOW.as_unix() - 60);
        assert_eq!(token.auth_time(), Some(minute_ago));
        assert_eq!(token.claim("email"), Some(&json!("alice@example.com")));
        assert_eq!(token.text().secret(), text);
        let shown = format!("{tokens:?} {pending:?}");
        for secret in [&text, &nonce, "alice@example.com"] {
            assert!(!shown.contains(secret), "{secret}");
        }

        // Another request, another nonce.
        client.authorize(&sign_in()).await.unwrap();
        assert_ne!(server.seen("/par")[1].form()["nonce"], nonce);
    }
}

#[tokio::test]
async fn who_it_is_is_not_asked_without_openid() {
    let signer = key();
    let server = signing_server(&signer).await;
    let client = bound(&server).build().unwrap();
    let pending = client.authorize(&request()).await.unwrap();
    assert_eq!(server.only("/par").form().get("nonce"), None);
    answer(&server, "not even a JWT");
    let tokens = complete(&client, &server, &pending).await.unwrap();
    assert!(tokens.id_token().is_none());
    for request in [
        request().demand_acr(&["mfa"]).unwrap(),
        request()
            .claims(json!({"userinfo": {"email": null}}))
            .unwrap(),
    ] {
        let refused = client.authorize(&request).await;
        assert!(matches!(refused, Err(ClientError::WithoutOpenId)));
    }
}

// OpenID Connect Core §3.1.3.7, each rule; a claim of the wrong type is malformed, not absent.
#[tokio::test]
async fn an_id_token_with_a_claim_missing_or_wrong_is_refused() {
    use IdTokenError as E;
    let signer = key();
    let server = signing_server(&signer).await;
    let client = bound(&server).build().unwrap();
    let now = NOW.as_unix();
    let date = Timestamp::from_unix;
    let verdict = async |name: &str, value: &Value| {
        let change = |claims| signed(&signer, ES256, &with(claims, name, value));
        let verdict = verdict(&client, &server, &sign_in(), change).await;
        verdict.map(|_| ())
    };
    let long = json!("x".repeat(256));
    for (name, value, expected) in [
        ("iss", Value::Null, E::Claim("iss")),
        ("iss", json!([server.url("")]), E::Claim("iss")),
        ("sub", Value::Null, E::Claim("sub")),
        ("sub", json!(""), E::Claim("sub")),
        ("sub", json!(7), E::Claim("sub")),
        ("sub", long, E::Claim("sub")),
        ("aud", Value::Null, E::Claim("aud")),
        ("aud", json!([]), E::Claim("aud")),
        ("aud", json!(["app 1", 5]), E::Claim("aud")),
        ("aud", json!({"app 1": true}), E::Claim("aud")),
        ("azp", json!("app 2"), E::AuthorizedParty),
        ("azp", json!(""), E::AuthorizedParty),
        ("azp", json!(["app 1"]), E::Claim("azp")),
        ("exp", Value::Null, E::Claim("exp")),
        ("exp", json!((now + 300).to_string()), E::Claim("exp")),
        ("exp", json!(now), E::Expired(NOW)),
        ("exp", json!(0), E::Expired(date(0))),
        ("exp", json!(i64::MIN), E::Expired(date(i64::MIN))),
        ("iat", Value::Null, E::Claim("iat")),
        ("iat", json!("now"), E::Claim("iat")),
        ("iat", json!(now - 301), E::IssuedAt(date(now - 301))),
        ("iat", json!(now + 31), E::IssuedAt(date(now + 31))),
        ("iat", json!(i64::MIN), E::IssuedAt(date(i64::MIN))),
        ("nbf", json!(now + 31), E::NotYet(date(now + 31))),
        ("nbf", json!("now"), E::Claim("nbf")),
        ("nonce", Value::Null, E::Nonce),
        ("nonce", json!(""), E::Nonce),
        ("nonce", json!("another"), E::Nonce),
        ("nonce", json!(5), E::Claim("nonce")),
        ("auth_time", json!("now"), E::Claim("auth_time")),
        (
            "auth_time",
            json!(now + 31),
            E::AuthenticationAge(date(now + 31)),
        ),
        ("acr", json!(["mfa"]), E::Claim("acr")),
        ("amr", json!("pwd"), E::Claim("amr")),
        ("amr", json!([1]), E::Claim("amr")),
        (
            "at_hash",
            json!("AAAAAAAAAAAAAAAAAAAAAA"),
            E::Hash("at_hash"),
        ),
        ("at_hash", json!(""), E::Hash("at_hash")),
        ("at_hash", json!(true), E::Claim("at_hash")),
        ("c_hash", json!("AAAAAAAAAAAAAAAAAAAAAA"), E::Hash("c_hash")),
        ("s_hash", json!("AAAAAAAAAAAAAAAAAAAAAA"), E::Hash("s_hash")),
    ] {
        assert_eq!(
            verdict(name, &value).await,
            Err(expected),
            "{name}: {value}"
        );
    }
    for issuer in ["https://evil.example", "", &format!("{}/", server.url(""))] {
        let found = verdict("iss", &json!(issuer)).await;
        assert!(matches!(found, Err(E::WrongIssuer { .. })), "{issuer}");
    }
    for audience in [
        json!("app 2"),
        json!(["app 2"]),
        json!(["app 1", "app 2"]),
        json!("APP 1"),
        json!(""),
    ] {
        let found = verdict("aud", &audience).await;
        assert!(matches!(found, Err(E::Audience(_))), "{audience}");
    }
    let code = token_hash(JwsAlgorithm::Es256, "c-1");
    for (name, value) in [
        ("aud", json!(["app 1"])),
        ("azp", json!("app 1")),
        ("exp", json!(now + SECOND)),
        ("iat", json!(now - 300)),
        ("iat", json!(now + 30)),
        ("nbf", json!(now + 30)),
        ("iat", serde_json::from_str(&format!("{now}.5")).unwrap()),
        ("auth_time", Value::Null),
        ("acr", Value::Null),
        ("amr", Value::Null),
        ("at_hash", Value::Null),
        ("c_hash", json!(code)),
        ("sub", json!("x".repeat(255))),
    ] {
        assert_eq!(verdict(name, &value).await, Ok(()), "{name}: {value}");
    }
}

// OpenID Connect Core §3.1.3.7, rules 1, 6 and 7; FAPI 2.0 Security Profile §5.4.1; RFC 8725 §3.11.
#[tokio::test]
async fn an_id_token_that_nobody_can_vouch_for_is_refused() {
    use IdTokenError as E;
    let (signer, stranger) = (key(), key());
    let server = signing_server(&signer).await;
    let client = bound(&server).build().unwrap();
    let verdict = async |change: &dyn Fn(Map<String, Value>) -> String| {
        let verdict = verdict(&client, &server, &sign_in(), change).await;
        verdict.map(|_| ()).unwrap_err()
    };
    let no_algorithm = E::Algorithm { expected: None };
    for name in ["none", "HS256", "RS256", "ES384", "es256", ""] {
        let header = json!({"alg": name}).to_string();
        let found = verdict(&|claims| signed(&signer, &header, &claims)).await;
        assert_eq!(found, no_algorithm, "{name}");
        assert!(found.to_string().contains("id_token_signed_response_alg"));
    }
    for header in [r#"{"alg":"PS256"}"#, r#"{"alg":"ES256","kid":"other"}"#] {
        let found = verdict(&|claims| signed(&signer, header, &claims)).await;
        assert_eq!(found, E::Jwt(JwsError::NoKey), "{header}");
    }
    for typ in ["at+jwt", "logout+jwt", "oauth-authz-req+jwt"] {
        let header = json!({"alg": "ES256", "typ": typ}).to_string();
        let found = verdict(&|claims| signed(&signer, &header, &claims)).await;
        assert!(matches!(found, E::Type(_)), "{typ}: {found}");
    }
    let forged = verdict(&|claims| signed(&stranger, ES256, &claims)).await;
    assert!(matches!(forged, E::Jwt(JwsError::Signature(_))), "{forged}");
    // The signature of one, the claims of another.
    let mix = |claims: Map<String, Value>| {
        let other = signed(&signer, ES256, &with(claims.clone(), "sub", &json!("bob")));
        let own = signed(&signer, ES256, &claims);
        let (claimed, _) = other.rsplit_once('.').unwrap();
        let (_, signature) = own.rsplit_once('.').unwrap();
        format!("{claimed}.{signature}")
    };
    let mixed = verdict(&mix).await;
    assert!(matches!(mixed, E::Jwt(JwsError::Signature(_))), "{mixed}");
    let unsigned = |claims: Map<String, Value>| {
        let text = signed(&signer, ES256, &claims);
        format!("{}.", text.rsplit_once('.').unwrap().0)
    };
    assert_eq!(verdict(&unsigned).await, E::Jwt(JwsError::Segments));
    assert_eq!(
        verdict(&|_| "x".to_owned()).await,
        E::Jwt(JwsError::Segments)
    );
    assert_eq!(
        verdict(&|_| String::new()).await,
        E::Jwt(JwsError::Segments)
    );

    let pending = client.authorize(&sign_in()).await.unwrap();
    server.says("/token", [crate::support::tokens("DPoP")]);
    let missing = complete(&client, &server, &pending).await.err().unwrap();
    assert_eq!(missing, E::Missing);

    // OpenID Connect Core §15.5.2: that of one sign-in is none of another.
    let pending = client.authorize(&sign_in()).await.unwrap();
    let earlier = signed(&signer, ES256, &claims(&server));
    answer(&server, &earlier);
    assert!(complete(&client, &server, &pending).await.is_ok());
    let replayed = verdict(&|_| earlier.clone()).await;
    assert_eq!(replayed, E::Nonce);
}

// OpenID Connect Core §3.1.3.7, rules 3, 4 and 7.
#[tokio::test]
async fn what_the_client_was_registered_for_is_what_it_takes() {
    use IdTokenError as E;
    let signer = key();
    let server = signing_server(&signer).await;
    let expected = Some(JwsAlgorithm::Ps256);
    let client = bound(&server).id_token_algorithm(JwsAlgorithm::Ps256);
    let client = client.build().unwrap();
    let change = |claims: Map<String, Value>| signed(&signer, ES256, &claims);
    let found = verdict(&client, &server, &sign_in(), change).await;
    assert_eq!(found.map(|_| ()), Err(E::Algorithm { expected }));
    let client = bound(&server).id_token_algorithm(JwsAlgorithm::Es256);
    let client = client.trusted_audience("account").build().unwrap();
    let found = verdict(&client, &server, &sign_in(), change).await;
    assert!(found.is_ok());

    for (audience, azp, accepted) in [
        (json!(["app 1", "account"]), json!("app 1"), true),
        (json!(["account", "app 1"]), json!("app 1"), true),
        (json!(["app 1", "account"]), Value::Null, false),
        (json!(["app 1", "account"]), json!("account"), false),
        (json!(["account"]), json!("app 1"), false),
        (json!("account"), json!("app 1"), false),
        (json!(["app 1", "account", "x"]), json!("app 1"), false),
    ] {
        let change = |claims| {
            let claims = with(with(claims, "aud", &audience), "azp", &azp);
            signed(&signer, ES256, &claims)
        };
        let found = verdict(&client, &server, &sign_in(), change).await;
        assert_eq!(found.is_ok(), accepted, "{audience} {azp}");
    }
}

// OpenID Connect Core §3.1.3.7, rules 12 and 13; §5.5.1, §5.5.1.1.
#[tokio::test]
async fn a_sign_in_is_as_recent_and_as_strong_as_was_demanded() {
    use IdTokenError as E;
    let signer = key();
    let server = signing_server(&signer).await;
    let client = bound(&server).build().unwrap();
    let now = NOW.as_unix();
    let aged = sign_in().max_age(Duration::from_secs(300));
    let fresh = sign_in().max_age(Duration::ZERO);
    let strong = sign_in().demand_acr(&["mfa", "sca"]).unwrap();
    let wish = sign_in().acr_values(&["sca"]).unwrap();
    let dated = json!({"id_token": {"auth_time": {"essential": true}}});
    let dated = sign_in().claims(dated).unwrap();
    let alice = json!({"id_token": {"sub": {"value": "alice"}}});
    let alice = sign_in().claims(alice).unwrap();
    let too_old = |at| E::AuthenticationAge(Timestamp::from_unix(at));
    for (case, request, name, value, expected) in [
        ("recent", &aged, "auth_time", json!(now - 300), Ok(())),
        ("clocks", &aged, "auth_time", json!(now - 330), Ok(())),
        (
            "too old",
            &aged,
            "auth_time",
            json!(now - 331),
            Err(too_old(now - 331)),
        ),
        (
            "undated",
            &aged,
            "auth_time",
            Value::Null,
            Err(E::Claim("auth_time")),
        ),
        ("now", &fresh, "auth_time", json!(now), Ok(())),
        (
            "not now",
            &fresh,
            "auth_time",
            json!(now - 31),
            Err(too_old(now - 31)),
        ),
        ("dated", &dated, "auth_time", json!(0), Ok(())),
        (
            "essential date",
            &dated,
            "auth_time",
            Value::Null,
            Err(E::Claim("auth_time")),
        ),
        ("strong", &strong, "acr", json!("sca"), Ok(())),
        (
            "weak",
            &strong,
            "acr",
            json!("pwd"),
            Err(E::AuthenticationContext),
        ),
        (
            "of unknown strength",
            &strong,
            "acr",
            Value::Null,
            Err(E::AuthenticationContext),
        ),
        ("a wish only", &wish, "acr", json!("pwd"), Ok(())),
        ("who was asked for", &alice, "sub", json!("alice"), Ok(())),
        (
            "somebody else",
            &alice,
            "sub",
            json!("bob"),
            Err(E::WrongSubject),
        ),
    ] {
        let change = |claims| signed(&signer, ES256, &with(claims, name, &value));
        let found = verdict(&client, &server, request, change).await;
        assert_eq!(found.map(|_| ()), expected, "{case}");
    }
    let pushed = server.seen("/par").pop().unwrap().form();
    let expected = r#"{"id_token":{"sub":{"value":"alice"}}}"#;
    assert_eq!(pushed["claims"], expected);
}

// OpenID Connect Core §3.1.2.1: who takes their time to consent has not signed in too early.
#[tokio::test]
async fn the_age_of_a_sign_in_counts_from_the_request() {
    let signer = key();
    let server = signing_server(&signer).await;
    let clock = tower_fapi::time::ManualClock::at(NOW);
    let client = bound(&server).clock(clock.clone()).build().unwrap();
    let request = sign_in().max_age(Duration::from_secs(300));
    let pending = client.authorize(&request).await.unwrap();
    clock.advance(Duration::from_secs(200));
    let signed_in = json!(NOW.as_unix() - 300);
    let claims = with(claims(&server), "auth_time", &signed_in);
    answer(&server, &signed(&signer, ES256, &claims));
    assert!(complete(&client, &server, &pending).await.is_ok());
}

// OpenID Connect Core §3.1.2.1: the hint is the signed ID token, and somebody else is an error.
#[tokio::test]
async fn the_person_of_an_id_token_can_be_expected_again() {
    let signer = key();
    let server = signing_server(&signer).await;
    let client = bound(&server).build().unwrap();
    let sound = |claims: Map<String, Value>| signed(&signer, ES256, &claims);
    let tokens = verdict(&client, &server, &sign_in(), sound).await.unwrap();
    let before = tokens.id_token().unwrap();
    let again = sign_in().id_token_hint(before);
    assert!(!format!("{again:?}").contains(before.text().secret()));
    let found = verdict(&client, &server, &again, sound).await;
    assert!(found.is_ok());
    let hint = server.seen("/par").pop().unwrap().form()["id_token_hint"].clone();
    assert_eq!(hint, before.text().secret());
    let bob = |claims| signed(&signer, ES256, &with(claims, "sub", &json!("bob")));
    let found = verdict(&client, &server, &again, bob).await;
    assert_eq!(found.err(), Some(IdTokenError::WrongSubject));
}

// OpenID Connect Core §3.1.3.7, rule 1; §2: signed, then encrypted.
#[tokio::test]
async fn an_encrypted_id_token_is_decrypted_and_then_verified() {
    use IdTokenError as E;
    let (signer, stranger) = (key(), key());
    let server = signing_server(&signer).await;
    let ours = DecryptionKey::generate(JweAlgorithm::EcdhEsA256Kw).unwrap();
    let theirs = DecryptionKey::generate(JweAlgorithm::EcdhEsA256Kw).unwrap();
    let public = ours.public().unwrap().clone();
    let other = theirs.public().unwrap().clone();
    let ask = sign_in();
    let keys = DecryptionKeys::new([ours]);
    let client = bound(&server).encrypted_id_tokens(keys).build().unwrap();
    let plain_client = bound(&server).build().unwrap();

    let sealed = |claims| encrypted(&public, &signed(&signer, ES256, &claims));
    let tokens = verdict(&client, &server, &ask, sealed).await.unwrap();
    let token = tokens.id_token().unwrap();
    assert_eq!(token.subject(), "alice");
    assert_eq!(token.text().secret().split('.').count(), 3);

    let found = verdict(&client, &server, &ask, |claims| {
        signed(&signer, ES256, &claims)
    });
    assert_eq!(found.await.err(), Some(E::NotEncrypted));
    let found = verdict(&plain_client, &server, &ask, sealed).await;
    assert_eq!(found.err(), Some(E::Encrypted));
    let found = verdict(&client, &server, &ask, |claims| {
        encrypted(&other, &signed(&signer, ES256, &claims))
    });
    assert!(matches!(
        found.await.err(),
        Some(E::Decryption(JweError::NoKey | JweError::Decryption))
    ));
    let found = verdict(&client, &server, &ask, |claims| {
        encrypted(&public, &signed(&stranger, ES256, &claims))
    });
    assert!(matches!(
        found.await.err(),
        Some(E::Jwt(JwsError::Signature(_)))
    ));
    // Anybody can encrypt to a public key.
    let found = verdict(&client, &server, &ask, |claims| {
        encrypted(&public, &Value::Object(claims).to_string())
    });
    assert!(matches!(found.await.err(), Some(E::Jwt(_))));
}

// OpenID Connect Core §12.2.
#[tokio::test]
async fn a_refreshed_id_token_is_about_the_same_sign_in() {
    use IdTokenError as E;
    let signer = key();
    let server = signing_server(&signer).await;
    let client = bound(&server).build().unwrap();
    let sound = |claims: Map<String, Value>| signed(&signer, ES256, &claims);
    let first = verdict(&client, &server, &sign_in(), sound).await.unwrap();
    let original = with(claims(&server), "nonce", &Value::Null);
    let now = NOW.as_unix();
    let refreshed = async |tokens: &TokenSet, name: &str, value: &Value| {
        let text = signed(&signer, ES256, &with(original.clone(), name, value));
        answer(&server, &text);
        match client.refresh(tokens).await {
            Ok(tokens) => Ok(TokenSet::from_secret_json(&tokens.secret_json()).unwrap()),
            Err(ClientError::IdToken(error)) => Err(error),
            Err(other) => panic!("{other}"),
        }
    };
    let nonce = server.only("/par").form()["nonce"].clone();
    for (name, value, expected) in [
        ("sub", json!("bob"), E::Changed("sub")),
        ("auth_time", json!(now), E::Changed("auth_time")),
        ("nonce", json!("another"), E::Changed("nonce")),
        ("exp", json!(now), E::Expired(NOW)),
        (
            "iat",
            json!(now - 301),
            E::IssuedAt(Timestamp::from_unix(now - 301)),
        ),
        ("at_hash", json!("x"), E::Hash("at_hash")),
        ("azp", json!("app 1"), E::Changed("azp")),
    ] {
        let found = refreshed(&first, name, &value).await;
        assert_eq!(found.err(), Some(expected), "{name}");
    }
    let found = refreshed(&first, "aud", &json!("app 2")).await;
    assert!(matches!(found.err(), Some(E::Audience(_))));
    let found = refreshed(&first, "iss", &json!("https://evil.example")).await;
    assert!(matches!(found.err(), Some(E::WrongIssuer { .. })));

    // It may not be for others in addition, even if this client trusts them.
    let client = bound(&server).trusted_audience("account").build().unwrap();
    let both = with(original.clone(), "aud", &json!(["app 1", "account"]));
    answer(&server, &sound(with(both, "azp", &json!("app 1"))));
    let found = client.refresh(&first).await.unwrap_err();
    let changed = IdTokenError::Changed("aud");
    assert!(matches!(found, ClientError::IdToken(error) if error == changed));

    // What one leaves out holds nevertheless for the next.
    let second = refreshed(&first, "auth_time", &Value::Null).await.unwrap();
    let found = refreshed(&second, "auth_time", &json!(now)).await;
    assert_eq!(found.err(), Some(E::Changed("auth_time")));
    let found = refreshed(&second, "nonce", &json!("another")).await;
    assert_eq!(found.err(), Some(E::Changed("nonce")));
    let third = refreshed(&second, "nonce", &json!(nonce)).await.unwrap();
    assert_eq!(third.id_token().unwrap().subject(), "alice");

    // None at all: the first one stays.
    server.says("/token", [crate::support::tokens("DPoP")]);
    let fourth = client.refresh(&first).await.unwrap();
    assert_eq!(
        fourth.id_token().unwrap().text().secret(),
        first.id_token().unwrap().text().secret()
    );
}

// OpenID Connect Core §10.1.1.
#[tokio::test]
async fn a_new_key_of_the_server_is_fetched() {
    let (old, new) = (key(), key());
    let server = signing_server(&old).await;
    let clock = tower_fapi::time::ManualClock::at(NOW);
    let client = bound(&server).clock(clock.clone()).build().unwrap();
    let kid = |key: &SigningKey| json!({"alg": "ES256", "kid": key.kid()}).to_string();
    let first = |claims: Map<String, Value>| signed(&old, &kid(&old), &claims);
    assert!(verdict(&client, &server, &sign_in(), first).await.is_ok());
    publish(&server, &new);
    clock.advance(Duration::from_secs(61));
    let second = |claims: Map<String, Value>| signed(&new, &kid(&new), &claims);
    assert!(verdict(&client, &server, &sign_in(), second).await.is_ok());
    assert_eq!(server.seen("/jwks").len(), 2);

    // Whoever names keys that nobody publishes cannot have a server asked over and over that is in trouble.
    server.says("/jwks", [Reply::text(503, "")]);
    clock.advance(Duration::from_secs(61));
    let strange = r#"{"alg":"ES256","kid":"strange"}"#;
    let mut failures = Vec::new();
    for _ in 0..3 {
        let pending = client.authorize(&sign_in()).await.unwrap();
        answer(&server, &signed(&new, strange, &claims(&server)));
        let response = honest(&pending, &server);
        failures.push(client.complete(&pending, &response).await.unwrap_err());
    }
    assert!(matches!(failures[0], ClientError::Metadata(_)));
    for failure in &failures[1..] {
        let unknown = IdTokenError::Jwt(JwsError::NoKey);
        assert!(matches!(failure, ClientError::IdToken(error) if *error == unknown));
    }
    assert_eq!(server.seen("/jwks").len(), 3);
    assert!(verdict(&client, &server, &sign_in(), second).await.is_ok());

    // A clock that jumps back does not lengthen that.
    clock.set(NOW.plus(Duration::from_secs(61)));
    publish(&server, &new);
    let unknown = |claims: Map<String, Value>| signed(&new, strange, &claims);
    let found = verdict(&client, &server, &sign_in(), unknown).await;
    assert_eq!(found.err(), Some(IdTokenError::Jwt(JwsError::NoKey)));
    assert_eq!(server.seen("/jwks").len(), 4);
}
