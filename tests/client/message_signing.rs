//! Requests that the client signs, and responses that the authorization server signs (FAPI 2.0 Message Signing §5.3.2 and
//! §5.4.2, RFC 9101, JARM).

use serde_json::{Map, Value, json};
use tower_fapi::{
    client::{
        AuthorizationResponse, CallbackError, Client, ClientBuilder, ClientError,
        PendingAuthorization, step,
    },
    jose::{
        CompactJws, JwkSet, JwsAlgorithm, JwsError, PrivateJwk, SigningKey, VerifyingKeySet,
        jwe::{
            AcceptedEncryption, ContentEncryption, DecryptionKey, DecryptionKeys, JweAlgorithm,
            decrypt,
        },
    },
};

use crate::{
    seal::{encrypted, signed as jwt, signing_server},
    server::{Reply, Server},
    support::{CALLBACK, METADATA, NOW, builder, honest, key, metadata, request, willing_server},
};

fn bound(server: &Server) -> ClientBuilder<step::Bound> {
    builder(&server.url("")).private_key_jwt(key()).dpop(key())
}

async fn pending(client: &Client) -> PendingAuthorization {
    client.authorize(&request()).await.unwrap()
}

/// What an honest server says in its response.
fn claims(server: &Server, pending: &PendingAuthorization) -> Map<String, Value> {
    let claims = json!({
        "iss": server.url(""), "aud": "app 1", "exp": NOW.as_unix() + 60,
        "code": "c-1", "state": pending.state(),
    });
    claims.as_object().unwrap().clone()
}

fn response(jwt: &str) -> AuthorizationResponse {
    AuthorizationResponse::from_query(&format!("tenant=7&response={jwt}")).unwrap()
}

async fn verdict(client: &Client, pending: &PendingAuthorization, jwt: &str) -> CallbackError {
    match client.complete(pending, &response(jwt)).await {
        Err(ClientError::Callback(error)) => error,
        other => panic!("{other:?}"),
    }
}

const ES256: &str = r#"{"alg":"ES256"}"#;

// FAPI 2.0 Message Signing §5.3.2; RFC 9126 §3: nothing beside it.
#[tokio::test]
async fn a_signed_request_holds_every_parameter_in_its_own_type() {
    let server = willing_server().await;
    for algorithm in JwsAlgorithm::ALL {
        let signer = SigningKey::generate(algorithm).unwrap();
        let keys = VerifyingKeySet::new(&JwkSet::new([signer.public().clone()]));
        let client = bound(&server).signed_requests(signer).build().unwrap();
        let details = json!({"type": "payment", "amount": "12.50"});
        let request = request()
            .authorization_details(std::slice::from_ref(&details))
            .unwrap()
            .max_age(std::time::Duration::from_secs(300))
            .resource("https://a.example")
            .unwrap()
            .resource("https://b.example")
            .unwrap()
            .parameter("login_hint", "300")
            .unwrap();
        let pending = client.authorize(&request).await.unwrap();
        let mut form = server.seen("/par").pop().unwrap().form();
        let object = form.remove("request").unwrap();
        let mut names: Vec<_> = form.into_keys().collect();
        names.sort();
        assert_eq!(
            names,
            ["client_assertion", "client_assertion_type", "client_id"]
        );

        let jws = CompactJws::parse(&object).unwrap();
        let header = jws.header().unwrap();
        assert_eq!(header.typ(), Some("oauth-authz-req+jwt"));
        assert!(header.kid().is_some());
        jws.verify_with(&header, &keys).unwrap();
        let mut claims = tower_fapi::jose::json::object(&jws.payload().unwrap()).unwrap();
        assert!(claims.remove("jti").unwrap().is_string());
        assert!(claims.remove("code_challenge").unwrap().is_string());
        let now = NOW.as_unix();
        let expected = json!({
            "iss": "app 1", "client_id": "app 1", "aud": server.url(""),
            "iat": now, "nbf": now, "exp": now + 300,
            "response_type": "code", "redirect_uri": CALLBACK, "scope": "accounts payments",
            "state": pending.state(), "code_challenge_method": "S256",
            "authorization_details": [details], "max_age": 300,
            "resource": ["https://a.example", "https://b.example"], "login_hint": "300",
        });
        assert_eq!(Value::Object(claims), expected);
    }
}

// FAPI 2.0 Message Signing §5.4.2, JARM §2.4.
#[tokio::test]
async fn a_signed_response_is_asked_for_and_believed() {
    let signer = key();
    let server = signing_server(&signer).await;
    let client = bound(&server).signed_responses().build().unwrap();
    let pending = pending(&client).await;
    assert_eq!(server.only("/par").form()["response_mode"], "jwt");
    let header = json!({"alg": "ES256", "kid": signer.kid()}).to_string();
    let sound = jwt(&signer, &header, &claims(&server, &pending));
    assert_eq!(response(&sound).state(), Some(pending.state()));
    assert!(!format!("{:?}", response(&sound)).contains(&sound));

    // As after a restart of the application.
    let pending = PendingAuthorization::from_secret_json(&pending.secret_json()).unwrap();
    let opened = client.open_response(&response(&sound)).await.unwrap();
    assert!(pending.verify(&opened).is_ok());
    assert_eq!(
        pending.verify(&response(&sound)).err(),
        Some(CallbackError::Unopened)
    );
    let tokens = client.complete(&pending, &response(&sound)).await.unwrap();
    assert_eq!(tokens.access_token().secret(), "at-1");
    server.only("/jwks");

    let mut several = claims(&server, &pending);
    several.insert("aud".to_owned(), json!(["other", "app 1"]));
    assert!(
        client
            .complete(&pending, &response(&jwt(&signer, ES256, &several)))
            .await
            .is_ok()
    );

    let mut refusal = claims(&server, &pending);
    refusal.remove("code");
    refusal.insert("error".to_owned(), "access_denied".into());
    let refused = verdict(&client, &pending, &jwt(&signer, ES256, &refusal)).await;
    assert!(matches!(refused, CallbackError::Refused(error) if error.code() == "access_denied"));
}

// JARM §2.4: "the client MUST abort processing and refuse the response".
#[tokio::test]
async fn a_response_that_cannot_be_believed_is_refused() {
    use CallbackError as E;
    let (signer, stranger) = (key(), key());
    let server = signing_server(&signer).await;
    let client = bound(&server).signed_responses().build().unwrap();
    let pending = pending(&client).await;
    let sound = claims(&server, &pending);
    let wrong_issuer = |error: &E| matches!(error, E::WrongIssuer { .. });
    let now = NOW.as_unix();

    // Plain, as it is for whoever did not ask for a signature.
    let plain = client.complete(&pending, &honest(&pending, &server)).await;
    assert!(matches!(plain, Err(ClientError::Callback(E::Unsigned))));

    for (name, value, expected) in [
        ("iss", Value::Null, E::MissingIssuer),
        ("iss", json!([server.url("")]), E::MissingIssuer),
        ("aud", Value::Null, E::Claim("aud")),
        ("aud", json!("other"), E::Claim("aud")),
        ("aud", json!(["other"]), E::Claim("aud")),
        ("aud", json!([]), E::Claim("aud")),
        ("exp", Value::Null, E::Claim("exp")),
        ("exp", json!(now), E::Claim("exp")),
        ("exp", json!(now - 60), E::Claim("exp")),
        ("exp", json!("soon"), E::Claim("exp")),
        ("state", Value::Null, E::WrongState),
        ("state", json!("another"), E::WrongState),
        ("state", json!(1), E::Claim("state")),
        ("code", Value::Null, E::Empty),
        ("code", json!(["c-1"]), E::Claim("code")),
        ("code", json!("c\n1"), E::MalformedCode),
        ("error", json!("access_denied"), E::Contradictory),
    ] {
        let mut claims = sound.clone();
        match value.clone() {
            Value::Null => claims.remove(name),
            value => claims.insert(name.to_owned(), value),
        };
        let found = verdict(&client, &pending, &jwt(&signer, ES256, &claims)).await;
        assert_eq!(found, expected, "{name}: {value}");
    }
    for issuer in ["https://evil.example", "", &format!("{}/", server.url(""))] {
        let mut claims = sound.clone();
        claims.insert("iss".to_owned(), issuer.into());
        let found = verdict(&client, &pending, &jwt(&signer, ES256, &claims)).await;
        assert!(wrong_issuer(&found), "{issuer}: {found:?}");
    }
    let good = jwt(&signer, ES256, &sound);
    let unsigned = good.rsplit_once('.').unwrap().0;
    for (case, jwt, expected) in [
        ("no JWT", "x".to_owned(), E::Jwt(JwsError::Segments)),
        (
            "cut off",
            format!("{unsigned}."),
            E::Jwt(JwsError::Segments),
        ),
        (
            "alg none",
            jwt(&signer, r#"{"alg":"none"}"#, &sound),
            E::Jwt(JwsError::Algorithm),
        ),
        (
            "RS256",
            jwt(&signer, r#"{"alg":"RS256"}"#, &sound),
            E::Jwt(JwsError::Algorithm),
        ),
        (
            "HS256",
            jwt(&signer, r#"{"alg":"HS256"}"#, &sound),
            E::Jwt(JwsError::Algorithm),
        ),
        (
            "no such key",
            jwt(&signer, r#"{"alg":"EdDSA"}"#, &sound),
            E::Jwt(JwsError::NoKey),
        ),
        (
            "an access token",
            jwt(&signer, r#"{"alg":"ES256","typ":"at+jwt"}"#, &sound),
            E::Claim("typ"),
        ),
    ] {
        assert_eq!(verdict(&client, &pending, &jwt).await, expected, "{case}");
    }
    let forged = verdict(&client, &pending, &jwt(&stranger, ES256, &sound)).await;
    assert!(
        matches!(forged, E::Jwt(JwsError::Signature(_))),
        "{forged:?}"
    );
    let twice = AuthorizationResponse::from_query(&format!("response={good}&response={good}"));
    assert_eq!(twice.err(), Some(E::Repeated("response")));
    let both = AuthorizationResponse::from_query(&format!("response={good}&code=c-2"));
    assert_eq!(both.err(), Some(E::Contradictory));
    assert!(server.seen("/token").is_empty(), "no code was spent");
    assert!(client.complete(&pending, &response(&good)).await.is_ok());
}

// JARM §2.2 and §2.4, rule 1.
#[tokio::test]
async fn an_encrypted_response_is_decrypted_and_then_verified() {
    let (signer, stranger) = (key(), key());
    let server = signing_server(&signer).await;
    let ours = DecryptionKey::generate(JweAlgorithm::EcdhEsA256Kw).unwrap();
    let theirs = DecryptionKey::generate(JweAlgorithm::EcdhEsA256Kw).unwrap();
    let sealed_for = |key: &DecryptionKey, signer: &SigningKey, claims: &Map<String, Value>| {
        encrypted(key.public().unwrap(), &jwt(signer, ES256, claims))
    };
    let probe = bound(&server).signed_responses().build().unwrap();
    let pending = pending(&probe).await;
    let claims = claims(&server, &pending);
    let sound = sealed_for(&ours, &signer, &claims);
    let foreign = sealed_for(&theirs, &signer, &claims);
    let forged = sealed_for(&ours, &stranger, &claims);
    let plain = jwt(&signer, ES256, &claims);

    let keys = DecryptionKeys::new([ours]);
    let client = bound(&server).encrypted_responses(keys).build().unwrap();
    assert_eq!(response(&sound).state(), None);
    assert!(client.complete(&pending, &response(&sound)).await.is_ok());
    assert_eq!(
        verdict(&client, &pending, &foreign).await,
        CallbackError::Decryption
    );
    assert_eq!(
        verdict(&client, &pending, &plain).await,
        CallbackError::Decryption
    );
    let forged = verdict(&client, &pending, &forged).await;
    assert!(matches!(forged, CallbackError::Jwt(JwsError::Signature(_))));
    let undecrypted = verdict(&probe, &pending, &sound).await;
    assert_eq!(undecrypted, CallbackError::Jwt(JwsError::Segments));
}

// RFC 9101 §6.1, OpenID Connect Core §6.1: signed, then encrypted to the authorization server's key.
#[tokio::test]
async fn a_signed_request_is_encrypted_to_the_published_key() {
    let signer = PrivateJwk::generate(JwsAlgorithm::Es256).unwrap();
    let ours = key();
    let public = SigningKey::new(&signer).unwrap().public().clone();
    let verifying = VerifyingKeySet::new(&JwkSet::new([public]));
    let server = signing_server(&ours).await;
    let key_of = |algorithm| DecryptionKey::generate(algorithm).unwrap();
    let (ec, rsa) = (
        key_of(JweAlgorithm::EcdhEsA256Kw),
        key_of(JweAlgorithm::RsaOaep256),
    );
    let jwks = json!({"keys": [
        ours.public().to_members(), ec.public().unwrap().to_members(), rsa.public().unwrap().to_members(),
    ]});
    server.says("/jwks", [Reply::json(200, &jwks)]);
    let keys = DecryptionKeys::new([ec, rsa]);
    for (alg, enc, expected) in [
        (json!(null), json!(null), ("ECDH-ES+A256KW", "A256GCM")),
        (
            json!(["RSA-OAEP-256"]),
            json!(["A128CBC-HS256"]),
            ("RSA-OAEP-256", "A128CBC-HS256"),
        ),
        (
            json!(["RSA1_5", "RSA-OAEP", "RSA-OAEP-256"]),
            json!(["A192GCM", "A128GCM", "A256GCM"]),
            ("RSA-OAEP-256", "A256GCM"),
        ),
    ] {
        let more = json!({
            "jwks_uri": server.url("/jwks"),
            "request_object_encryption_alg_values_supported": alg,
            "request_object_encryption_enc_values_supported": enc,
        });
        server.says(METADATA, [metadata(&server, &more)]);
        let client = bound(&server).encrypted_requests(SigningKey::new(&signer).unwrap());
        let client = client.build().unwrap();
        client.authorize(&request()).await.unwrap();
        let form = server.seen("/par").pop().unwrap().form();
        assert_eq!(form.get("scope"), None);
        let opened = decrypt(&form["request"], &keys, &AcceptedEncryption::default()).unwrap();
        let header = &opened.header;
        let found = (header.algorithm().as_str(), header.encryption().as_str());
        assert_eq!(found, expected);
        assert!(header.is_cty("JWT"));
        let inside = std::str::from_utf8(&opened.plaintext).unwrap();
        let inside = CompactJws::parse(inside).unwrap();
        let header = inside.header().unwrap();
        inside.verify_with(&header, &verifying).unwrap();
    }
    // What is registered goes before what could be chosen.
    let (alg, enc) = (JweAlgorithm::RsaOaep256, ContentEncryption::A128CbcHs256);
    let client = bound(&server).encrypted_requests_with(key(), alg, enc);
    client.build().unwrap().authorize(&request()).await.unwrap();
    let form = server.seen("/par").pop().unwrap().form();
    let opened = decrypt(&form["request"], &keys, &AcceptedEncryption::default()).unwrap();
    let header = &opened.header;
    assert_eq!((header.algorithm(), header.encryption()), (alg, enc));
    let other = JweAlgorithm::EcdhEs;
    let client = bound(&server).encrypted_requests_with(key(), other, enc);
    let refused = client.build().unwrap().authorize(&request()).await;
    assert!(matches!(refused, Err(ClientError::NoEncryptionKey)));

    let pushed = server.seen("/par").len();
    for (alg, enc) in [
        (json!(["RSA1_5"]), json!(null)),
        (json!(["RSA-OAEP"]), json!(null)),
        (json!(["dir"]), json!(null)),
        (json!([]), json!(null)),
        (json!(null), json!(["A192GCM"])),
    ] {
        let more = json!({
            "jwks_uri": server.url("/jwks"),
            "request_object_encryption_alg_values_supported": alg,
            "request_object_encryption_enc_values_supported": enc,
        });
        server.says(METADATA, [metadata(&server, &more)]);
        let client = bound(&server).encrypted_requests(key()).build().unwrap();
        let refused = client.authorize(&request()).await;
        assert!(
            matches!(refused, Err(ClientError::NoEncryptionKey)),
            "{alg} {enc}"
        );
    }
    assert_eq!(
        server.seen("/par").len(),
        pushed,
        "nothing was sent in the clear"
    );
}
