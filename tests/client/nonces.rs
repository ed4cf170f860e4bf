//! Nonces that servers ask for: used, remembered, and never a reason to go on for ever.

use serde_json::{Value, json};
use tower_fapi::client::{Client, ClientError, TokenSet};

use crate::{
    server::{Reply, Server},
    support::{client, log_in, pushed, request, tokens, willing_server},
};

fn wants_nonce(nonce: &str) -> Reply {
    let body = json!({"error": "use_dpop_nonce", "error_description": "say it"});
    Reply::json(400, &body).header("dpop-nonce", nonce)
}

fn challenge(nonce: &str) -> Reply {
    Reply::text(401, "")
        .header(
            "www-authenticate",
            r#"DPoP error="use_dpop_nonce", algs="ES256""#,
        )
        .header("dpop-nonce", nonce)
}

/// The nonces of the proofs this path has seen.
fn nonces(server: &Server, path: &str, client: &Client, token: Option<&str>) -> Vec<Value> {
    let key = client.dpop_thumbprint().unwrap();
    let proof = |seen: crate::server::Seen| seen.proof(&server.url(path), token, key);
    let seen = server.seen(path).into_iter();
    seen.map(|seen| proof(seen).remove("nonce").unwrap_or_default())
        .collect()
}

// RFC 9449 §8.
#[tokio::test]
async fn the_authorization_server_gets_its_nonce_in_one_more_try() {
    let server = willing_server().await;
    let client = client(&server);
    server.says("/par", [wants_nonce("n-1"), pushed()]);
    client.authorize(&request()).await.unwrap();
    assert_eq!(
        nonces(&server, "/par", &client, None),
        [json!(null), json!("n-1")]
    );

    // Everything that is good once only is made anew; the request itself is the same.
    let [first, second] = server.seen("/par").try_into().unwrap();
    assert_ne!(first.header("dpop"), second.header("dpop"));
    assert_ne!(first.assertion()["jti"], second.assertion()["jti"]);
    assert_eq!(
        first.form()["code_challenge"],
        second.form()["code_challenge"]
    );
    assert_eq!(first.form()["state"], second.form()["state"]);
}

#[tokio::test]
async fn a_server_that_is_never_content_is_asked_twice() {
    let server = willing_server().await;
    let client = client(&server);
    let tokens = log_in(&client, &server).await;
    server.says("/par", [wants_nonce("n-1")]);
    let refused = client.authorize(&request()).await;
    assert!(
        matches!(&refused, Err(ClientError::Refused { error, .. }) if error.code() == "use_dpop_nonce"),
        "{refused:?}"
    );
    assert_eq!(server.seen("/par").len(), 1 + 2);

    server.says("/accounts", [challenge("n-2")]);
    let answer = client.get(&server.url("/accounts"), &tokens).await.unwrap();
    assert_eq!(answer.status(), 401);
    assert_eq!(server.seen("/accounts").len(), 2);
}

// RFC 9449 §8.2: the client uses the nonce it was given last until it is given another.
#[tokio::test]
async fn a_nonce_is_remembered_and_replaced_by_a_newer_one() {
    let server = willing_server().await;
    let client = client(&server);
    server.says(
        "/par",
        [
            wants_nonce("n-1"),
            pushed().header("dpop-nonce", "n-2"),
            pushed(),
        ],
    );
    server.says("/token", [tokens("DPoP").header("dpop-nonce", "n-3")]);
    client.authorize(&request()).await.unwrap();
    log_in(&client, &server).await;
    client.clone().authorize(&request()).await.unwrap();
    let expected = [json!(null), json!("n-1"), json!("n-2"), json!("n-3")];
    assert_eq!(nonces(&server, "/par", &client, None), expected);
    assert_eq!(nonces(&server, "/token", &client, None), [json!("n-2")]);
}

// RFC 9449 §9.
#[tokio::test]
async fn the_resource_server_gets_its_nonce_in_one_more_try_and_nobody_elses() {
    let (server, api) = (willing_server().await, Server::start().await);
    let client = client(&server);
    server.says("/token", [tokens("DPoP").header("dpop-nonce", "as-1")]);
    let tokens = log_in(&client, &server).await;
    let ok = Reply::text(200, "").header("dpop-nonce", "rs-2");
    api.says("/accounts", [challenge("rs-1"), ok]);
    for _ in 0..2 {
        let answer = client.get(&api.url("/accounts"), &tokens).await.unwrap();
        assert_eq!(answer.status(), 200);
    }
    let expected = [json!(null), json!("rs-1"), json!("rs-2")];
    assert_eq!(nonces(&api, "/accounts", &client, Some("at-1")), expected);

    client.refresh(&tokens).await.unwrap();
    let expected = [json!(null), json!("as-1")];
    assert_eq!(nonces(&server, "/token", &client, None), expected);
}

#[tokio::test]
async fn only_a_true_demand_is_answered_by_another_try() {
    let server = willing_server().await;
    let client = client(&server);
    let tokens: TokenSet = log_in(&client, &server).await;
    let error = |status, code| Reply::json(status, &json!({"error": code}));
    for (case, reply) in [
        ("no nonce", error(400, "use_dpop_nonce")),
        ("two nonces", wants_nonce("a").header("dpop-nonce", "b")),
        (
            "no nonce at all",
            error(400, "use_dpop_nonce").header("dpop-nonce", "a b"),
        ),
        (
            "another error",
            error(400, "invalid_grant").header("dpop-nonce", "n"),
        ),
        (
            "another status",
            error(401, "use_dpop_nonce").header("dpop-nonce", "n"),
        ),
        ("no error", Reply::text(400, "").header("dpop-nonce", "n")),
    ] {
        let before = server.seen("/token").len();
        server.says("/token", [reply]);
        assert!(client.refresh(&tokens).await.is_err(), "{case}");
        assert_eq!(server.seen("/token").len(), before + 1, "{case}");
    }
    let demand = r#"DPoP error="use_dpop_nonce""#;
    let nonce = |status, challenge: &str| {
        let reply = Reply::text(status, "").header("www-authenticate", challenge);
        reply.header("dpop-nonce", "n")
    };
    for (case, reply) in [
        (
            "another scheme",
            nonce(401, r#"Bearer error="use_dpop_nonce""#),
        ),
        ("another error", nonce(401, r#"DPoP error="invalid_token""#)),
        ("another status", nonce(400, demand)),
        (
            "no challenge",
            Reply::text(401, "").header("dpop-nonce", "n"),
        ),
        (
            "no nonce",
            Reply::text(401, "").header("www-authenticate", demand),
        ),
    ] {
        let before = server.seen("/accounts").len();
        server.says("/accounts", [reply]);
        client.get(&server.url("/accounts"), &tokens).await.unwrap();
        assert_eq!(server.seen("/accounts").len(), before + 1, "{case}");
    }
}
