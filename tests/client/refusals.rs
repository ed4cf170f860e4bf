//! Answers that are no success: refusals, redirects, floods, silence and nonsense.

use std::time::Duration;

use http::Request;
use serde_json::{Value, json};
use tower_fapi::client::{ClientError, Endpoint, TokenType, TransportError};

use crate::{
    server::{Reply, Server},
    support::{builder, client, honest, key, log_in, request, tokens, willing_server},
};

/// What the client makes of this answer of the token endpoint to a refresh.
async fn refresh(reply: Reply) -> ClientError {
    let server = willing_server().await;
    let client = client(&server);
    let tokens = log_in(&client, &server).await;
    server.says("/token", [reply]);
    let refused = client.refresh(&tokens).await.unwrap_err();
    assert_eq!(server.seen("/token").len(), 2);
    refused
}

/// What the client makes of this answer to a pushed request.
async fn push(reply: Reply) -> ClientError {
    let server = willing_server().await;
    server.says("/par", [reply]);
    client(&server).authorize(&request()).await.unwrap_err()
}

// RFC 6749 §5.2, RFC 9126 §2.3.
#[tokio::test]
async fn a_refusal_arrives_with_code_and_harmless_words() {
    let body = json!({"error": "invalid_client", "error_description": "no\n\u{1b}[2Jentry"});
    let refused = push(Reply::json(401, &body)).await;
    let ClientError::Refused {
        endpoint,
        status,
        error,
    } = &refused
    else {
        panic!("{refused:?}");
    };
    assert_eq!(
        (*endpoint, status.as_u16()),
        (Endpoint::PushedAuthorizationRequest, 401)
    );
    assert_eq!(error.code(), "invalid_client");
    assert_eq!(error.description(), Some("no\u{fffd}\u{fffd}[2Jentry"));
    let text = refused.to_string();
    let expected = "pushed authorization request endpoint refused with status 401: invalid_client";
    assert!(text.starts_with(expected), "{text}");

    let long = json!({"error": "x".repeat(9000), "error_description": "y".repeat(9000)});
    let refused = refresh(Reply::json(400, &long)).await;
    assert!(refused.to_string().len() < 1000);
}

#[tokio::test]
async fn what_is_neither_success_nor_refusal_is_unexpected() {
    let accepted = json!({"request_uri": "urn:x", "expires_in": 60});
    for (case, reply, status) in [
        ("a page", Reply::text(500, "<html>sorry</html>"), 500),
        (
            "an error without code",
            Reply::json(400, &json!({"message": "x"})),
            400,
        ),
        (
            "an error that is no text",
            Reply::json(400, &json!({"error": 5})),
            400,
        ),
        // RFC 9126 §2.2.
        ("200 at the PAR endpoint", Reply::json(200, &accepted), 200),
        (
            "an error with status 200",
            Reply::json(200, &json!({"error": "x"})),
            200,
        ),
    ] {
        let refused = push(reply).await;
        assert!(
            matches!(&refused, ClientError::UnexpectedStatus { status: it, .. } if it.as_u16() == status),
            "{case}: {refused:?}"
        );
    }
}

#[tokio::test]
async fn a_malformed_success_is_no_success() {
    let pushed = |body: &str| Reply::text(201, body);
    for reply in [
        pushed(""),
        pushed("[]"),
        pushed(r#"{"request_uri":"urn:x"}"#),
        pushed(r#"{"expires_in":60}"#),
        pushed(r#"{"request_uri":"","expires_in":60}"#),
        pushed(r#"{"request_uri":"urn:x","expires_in":0}"#),
        pushed(r#"{"request_uri":"urn:x","expires_in":-1}"#),
        pushed(r#"{"request_uri":"urn:x","expires_in":"60"}"#),
        pushed(r#"{"request_uri":"urn:x","request_uri":"urn:y","expires_in":60}"#),
        pushed(r#"{"request_uri":"urn:x","expires_in":60}{}"#),
    ] {
        let refused = push(reply).await;
        assert!(
            matches!(refused, ClientError::Malformed { .. }),
            "{refused:?}"
        );
    }
    let twice = r#"{"access_token":"a","access_token":"b","token_type":"DPoP"}"#;
    let refused = refresh(Reply::text(200, twice)).await;
    assert!(
        matches!(refused, ClientError::Malformed { .. }),
        "{refused:?}"
    );
    // A token in the wrong place is a token nevertheless.
    let moved = r#"{"access_token":"a","token_type":"DPoP","expires_in":"hunter\"2"}"#;
    let refused = refresh(Reply::text(200, moved)).await;
    let told = format!("{refused} {refused:?}");
    assert!(told.contains("invalid type"), "{told}");
    assert!(!told.contains("hunter"), "{told}");
}

// FAPI 2.0 Security Profile §5.3.3.1: sender-constrained tokens only.
#[tokio::test]
async fn a_token_that_anybody_could_use_is_not_taken() {
    let server = willing_server().await;
    let client = client(&server);
    let pending = client.authorize(&request()).await.unwrap();
    server.says("/token", [tokens("Bearer")]);
    let refused = client.complete(&pending, &honest(&pending, &server)).await;
    assert!(
        matches!(
            &refused,
            Err(ClientError::TokenType { expected: TokenType::Dpop, found }) if found.as_str() == "Bearer"
        ),
        "{refused:?}"
    );
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let (server, thief) = (willing_server().await, Server::start().await);
    let client = client(&server);
    let tokens = log_in(&client, &server).await;
    for status in [301, 302, 303, 307, 308] {
        for path in ["/par", "/token", "/accounts"] {
            let redirect = Reply::text(status, "").header("location", thief.url("/here"));
            server.says(path, [redirect]);
        }
        let refused = client.authorize(&request()).await;
        assert!(
            matches!(refused, Err(ClientError::UnexpectedStatus { .. })),
            "{refused:?}"
        );
        let refused = client.refresh(&tokens).await;
        assert!(
            matches!(refused, Err(ClientError::UnexpectedStatus { .. })),
            "{refused:?}"
        );
        let answer = client.get(&server.url("/accounts"), &tokens).await.unwrap();
        assert_eq!(answer.status(), status);
    }
    assert_eq!(thief.seen("/here").len(), 0);
}

#[tokio::test]
async fn answers_are_bounded_in_size() {
    let too_large = |error: &ClientError, bound: usize| matches!(error, ClientError::Transport { source: TransportError::TooLarge(it), .. } if *it == bound);
    let flood = format!(r#"{{"error":"x","more":"{}"}}"#, "x".repeat(256 * 1024));
    for status in [200, 400] {
        let refused = refresh(Reply::text(status, flood.clone())).await;
        assert!(too_large(&refused, 256 * 1024), "{refused:?}");
    }

    let server = willing_server().await;
    let builder = builder(&server.url("")).response_limit(1000);
    let client = builder.private_key_jwt(key()).dpop(key()).build().unwrap();
    let tokens = log_in(&client, &server).await;
    server.says(
        "/accounts",
        [
            Reply::text(200, "x".repeat(1000)),
            Reply::text(200, "x".repeat(1001)),
        ],
    );
    assert!(client.get(&server.url("/accounts"), &tokens).await.is_ok());
    let refused = client
        .get(&server.url("/accounts"), &tokens)
        .await
        .unwrap_err();
    assert!(too_large(&refused, 1000), "{refused:?}");
}

#[tokio::test]
async fn a_server_that_says_nothing_is_not_waited_for() {
    let server = willing_server().await;
    server.says("/par", []);
    let builder = builder(&server.url(""));
    let builder = builder.timeout(Duration::from_millis(300)).unwrap();
    let client = builder.private_key_jwt(key()).dpop(key()).build().unwrap();
    let asked = request();
    let patience = tokio::time::timeout(Duration::from_secs(20), client.authorize(&asked));
    let refused = patience.await.expect("waited for").unwrap_err();
    assert_eq!(
        refused.to_string(),
        "pushed authorization request endpoint: timed out"
    );
}

#[tokio::test]
async fn a_token_leaves_encrypted_and_for_a_named_host() {
    let server = willing_server().await;
    let client = client(&server);
    let tokens = log_in(&client, &server).await;
    for url in [
        "http://api.example/accounts",
        "http://127.0.0.1.api.example/accounts",
        "https://me:pw@api.example/accounts",
        "ftp://api.example/accounts",
        "/accounts",
        "api.example",
        "",
    ] {
        let refused = client.get(url, &tokens).await;
        assert!(
            matches!(refused, Err(ClientError::ResourceUrl)),
            "{url}: {refused:?}"
        );
    }
    let relative = Request::get("/accounts").body("").unwrap();
    let refused = client.send(relative, &tokens).await;
    assert!(matches!(refused, Err(ClientError::ResourceUrl)));
}

#[tokio::test]
async fn without_a_refresh_token_nobody_is_asked() {
    let server = willing_server().await;
    let client = client(&server);
    let body: Value = json!({"access_token": "at-1", "token_type": "DPoP"});
    server.says("/token", [Reply::json(200, &body)]);
    let tokens = log_in(&client, &server).await;
    assert_eq!(tokens.expires_at(), None);
    let refused = client.refresh(&tokens).await;
    assert!(matches!(refused, Err(ClientError::NoRefreshToken)));
    assert_eq!(server.seen("/token").len(), 1);
}

#[tokio::test]
async fn what_a_resource_says_comes_back_as_it_is() {
    let server = willing_server().await;
    let client = client(&server);
    let tokens = log_in(&client, &server).await;
    for status in [201, 204, 403, 404, 500] {
        server.says("/accounts", [Reply::text(status, "").header("x-more", "y")]);
        let answer = client.get(&server.url("/accounts"), &tokens).await.unwrap();
        assert_eq!(answer.status(), status);
        assert_eq!(answer.headers()["x-more"], "y");
    }
}
