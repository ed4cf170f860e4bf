//! The flow as it should go, and every parameter of it on the wire.

use std::collections::HashMap;

use http::Request;
use serde_json::{Value, json};
use tower_fapi::{
    client::{SecretText, StepUpChallenge, TokenSet},
    jose::{CompactJws, JwkSet, VerifyingKeySet, base64url, sha256},
};

use crate::{
    server::{Reply, Seen},
    support::{CALLBACK, NOW, builder, client, honest, key, log_in, request, willing_server},
};

fn without_assertion(seen: &Seen) -> HashMap<String, String> {
    let mut form = seen.form();
    let kind = form.remove("client_assertion_type");
    let expected = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
    assert_eq!(kind.as_deref(), Some(expected));
    assert!(form.remove("client_assertion").is_some());
    form
}

fn pairs(pairs: &[(&str, &str)]) -> HashMap<String, String> {
    let owned = |&(name, value): &(&str, &str)| (name.to_owned(), value.to_owned());
    pairs.iter().map(owned).collect()
}

// FAPI 2.0 Security Profile §5.3.3.2, RFC 9126 §2.1, RFC 7636 §4.3, RFC 9449 §10.1.
#[tokio::test]
async fn a_pushed_request_holds_everything_and_the_browser_carries_nothing() {
    let server = willing_server().await;
    let client = client(&server);
    let request = request()
        .authorization_details(&[json!({"type": "payment", "amount": "12.50"})])
        .unwrap()
        .parameter("prompt", "login & consent")
        .unwrap();
    let pending = client.authorize(&request).await.unwrap();

    let seen = server.only("/par");
    let mut form = without_assertion(&seen);
    let challenge = form.remove("code_challenge").unwrap();
    assert!(base64url::decode_array::<32>(&challenge).is_ok());
    assert_eq!(
        form,
        pairs(&[
            ("client_id", "app 1"),
            ("response_type", "code"),
            ("redirect_uri", CALLBACK),
            ("scope", "accounts payments"),
            ("state", pending.state()),
            ("code_challenge_method", "S256"),
            ("prompt", "login & consent"),
            (
                "authorization_details",
                r#"[{"amount":"12.50","type":"payment"}]"#
            ),
        ])
    );
    let key = client.dpop_thumbprint().unwrap();
    let proof = seen.proof(&server.url("/par"), None, key);
    assert_eq!(proof.get("ath"), None);

    // The authorization endpoint's own query stays (RFC 6749 §3.1).
    let expected = "/authorize?lang=de&client_id=app+1&request_uri=urn%3Aietf%3Aparams%3Aoauth%3Arequest_uri%3A6esc";
    assert_eq!(pending.url().as_str(), server.url(expected));
    assert_eq!(pending.expires().as_unix(), NOW.as_unix() + 60);
    assert!(pending.state().len() >= 22, "128 bits");

    let next = client.authorize(&request).await.unwrap();
    assert_ne!(next.state(), pending.state());
    let second = server.seen("/par").remove(1);
    assert_ne!(second.form()["code_challenge"], challenge);
}

// RFC 6749 §4.1.3, RFC 7636 §4.5, RFC 9449 §5.
#[tokio::test]
async fn a_code_is_exchanged_with_its_verifier() {
    let server = willing_server().await;
    let client = client(&server);
    let pending = client.authorize(&request()).await.unwrap();
    let response = honest(&pending, &server);
    let tokens = client.complete(&pending, &response).await.unwrap();

    let seen = server.only("/token");
    let mut form = without_assertion(&seen);
    let verifier = form.remove("code_verifier").unwrap();
    let challenge = &server.only("/par").form()["code_challenge"];
    assert_eq!(*challenge, base64url::encode(sha256(verifier.as_bytes())));
    assert_eq!(
        form,
        pairs(&[
            ("client_id", "app 1"),
            ("grant_type", "authorization_code"),
            ("code", "c-1"),
            ("redirect_uri", CALLBACK),
        ])
    );
    seen.proof(
        &server.url("/token"),
        None,
        client.dpop_thumbprint().unwrap(),
    );

    assert_eq!(tokens.access_token().secret(), "at-1");
    assert_eq!(tokens.scope(), Some("accounts payments"));
    assert_eq!(tokens.issuer(), server.url(""));
    let expires = tokens.expires_at().unwrap().as_unix();
    assert_eq!(expires, NOW.as_unix() + 300);
}

// FAPI 2.0 Security Profile §5.3.3.1: `aud` is the issuer, as a string, at every endpoint.
#[tokio::test]
async fn assertions_are_signed_for_the_issuer_and_never_the_same() {
    let server = willing_server().await;
    let (signer, dpop) = (key(), key());
    let keys = VerifyingKeySet::new(&JwkSet::new([signer.public().clone()]));
    let client = builder(&server.url("")).private_key_jwt(signer).dpop(dpop);
    log_in(&client.build().unwrap(), &server).await;

    let mut unique = Vec::new();
    for path in ["/par", "/token"] {
        let seen = server.only(path);
        let form = seen.form();
        let jws = CompactJws::parse(&form["client_assertion"]).unwrap();
        jws.verify_with(&jws.header().unwrap(), &keys).unwrap();
        let claims = seen.assertion();
        assert_eq!(claims["aud"], Value::from(server.url("")), "{path}");
        assert_eq!(
            (&claims["iss"], &claims["sub"]),
            (&json!("app 1"), &json!("app 1"))
        );
        assert_eq!(claims["iat"], NOW.as_unix());
        assert_eq!(claims["exp"], NOW.as_unix() + 60);
        unique.push(claims["jti"].clone());
    }
    assert_ne!(unique[0], unique[1]);
}

// RFC 6749 §6; FAPI 2.0 Security Profile §5.3.3.1: "shall support refresh tokens and their rotation".
#[tokio::test]
async fn a_refresh_token_is_used_and_replaced_when_the_server_replaces_it() {
    let server = willing_server().await;
    let client = client(&server);
    let first = log_in(&client, &server).await;
    let kept = json!({"access_token": "at-2", "token_type": "DPoP"});
    let replaced = json!({"access_token": "at-3", "token_type": "DPoP", "refresh_token": "rt-2"});
    server.says(
        "/token",
        [Reply::json(200, &kept), Reply::json(200, &replaced)],
    );

    // As after a restart of the application.
    let first = TokenSet::from_secret_json(&first.secret_json()).unwrap();
    let second = client.refresh(&first).await.unwrap();
    let third = client.refresh(&second).await.unwrap();
    let refresh_token = |set: &TokenSet| set.refresh_token().map(|text| text.secret().to_owned());
    assert_eq!(refresh_token(&second).as_deref(), Some("rt-1"));
    assert_eq!(refresh_token(&third).as_deref(), Some("rt-2"));
    assert_eq!(third.access_token().secret(), "at-3");
    assert_eq!(third.scope(), Some("accounts payments"));

    let seen = &server.seen("/token")[1];
    assert_eq!(
        without_assertion(seen),
        pairs(&[
            ("client_id", "app 1"),
            ("grant_type", "refresh_token"),
            ("refresh_token", "rt-1"),
        ])
    );
    seen.proof(
        &server.url("/token"),
        None,
        client.dpop_thumbprint().unwrap(),
    );
}

// RFC 9449 §7.1.
#[tokio::test]
async fn a_resource_gets_the_token_and_a_proof_for_this_very_request() {
    let server = willing_server().await;
    let client = client(&server);
    let tokens = log_in(&client, &server).await;
    let key = client.dpop_thumbprint().unwrap();
    let request = Request::put(server.url("/accounts?page=2"))
        .header("authorization", "Bearer smuggled")
        .header("dpop", "smuggled")
        .header(
            "x-fapi-interaction-id",
            "c770aef3-6784-41f7-8e0e-ff5f97bddb3a",
        )
        .body("hello")
        .unwrap();
    let answer = client.send(request, &tokens).await.unwrap();
    assert_eq!(
        (answer.status().as_u16(), &answer.body()[..]),
        (200, &b"[]"[..])
    );

    let seen = server.only("/accounts");
    assert_eq!(seen.method, "PUT");
    assert_eq!(seen.query.as_deref(), Some("page=2"));
    assert_eq!(seen.header("authorization"), Some("DPoP at-1"));
    assert_eq!(seen.body, "hello");
    assert!(seen.header("x-fapi-interaction-id").is_some());
    let proof = seen.proof(&server.url("/accounts"), Some("at-1"), key);
    assert_eq!(proof["htu"], server.url("/accounts"));
    assert_eq!(proof.get("nonce"), None);

    client.get(&server.url("/accounts"), &tokens).await.unwrap();
    let again = &server.seen("/accounts")[1];
    let next = again.proof(&server.url("/accounts"), Some("at-1"), key);
    assert_ne!(next["jti"], proof["jti"]);
}

#[tokio::test]
async fn nothing_that_is_shown_holds_a_secret() {
    let server = willing_server().await;
    let client = client(&server);
    let pending = client.authorize(&request()).await.unwrap();
    let response = honest(&pending, &server);
    let code = pending.verify(&response).unwrap();
    let shown = format!("{client:?} {pending:?} {response:?} {code:?}");
    let tokens = client.exchange(code).await.unwrap();
    let shown = format!("{shown} {tokens:?}");
    let verifier = server.only("/token").form()["code_verifier"].clone();
    let secrets = ["c-1", "at-1", "rt-1", verifier.as_str()];
    for secret in secrets {
        assert!(!shown.contains(secret), "{secret}");
    }
    let hidden: &SecretText = tokens.access_token();
    assert_eq!(format!("{hidden:?}"), "SecretText(…)");
}

// RFC 9470 §3 and §4: the token is not strong enough, so the person comes back.
#[tokio::test]
async fn what_a_resource_server_demands_goes_into_the_next_request() {
    let server = willing_server().await;
    let challenge =
        r#"DPoP error="insufficient_user_authentication", acr_values="mfa sca", max_age="300""#;
    server.says(
        "/payments",
        [Reply::text(401, "").header("www-authenticate", challenge)],
    );
    let client = client(&server);
    let tokens = log_in(&client, &server).await;
    let answer = client.get(&server.url("/payments"), &tokens).await.unwrap();
    let demanded = StepUpChallenge::from_response(&answer).unwrap();
    let request = request()
        .step_up(&demanded)
        .resource("https://payments.example")
        .unwrap();
    client.authorize(&request).await.unwrap();
    let form = without_assertion(&server.seen("/par")[1]);
    assert_eq!(form["acr_values"], "mfa sca");
    assert_eq!(form["max_age"], "300");
    assert_eq!(form["resource"], "https://payments.example");

    let answer = client.get(&server.url("/accounts"), &tokens).await.unwrap();
    assert_eq!(StepUpChallenge::from_response(&answer), None);
}
