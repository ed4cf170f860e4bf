//! What comes back through the browser, which anybody can forge.

use tower_fapi::client::{AuthorizationResponse, CallbackError, ClientError, PendingAuthorization};

use crate::support::{self, client, honest, log_in, named_client, request, willing_server};

// RFC 9207 §2.4, RFC 6749 §4.1.2, §10.12.
#[tokio::test]
async fn a_response_of_somebody_else_reaches_no_token_endpoint() {
    let server = willing_server().await;
    let client = client(&server);
    let pending = client.authorize(&request()).await.unwrap();
    let (state, issuer) = (pending.state(), server.url(""));
    for (query, expected) in [
        (format!("code=c&state={state}"), "has no `iss`"),
        (
            format!("code=c&state={state}&iss={issuer}/"),
            "comes from `http://127.0.0.1",
        ),
        (
            format!("code=c&state={state}&iss=https://evil.example"),
            "comes from `https://evil.example`",
        ),
        (
            format!("error=access_denied&state={state}&iss=https://evil.example"),
            "comes from `https://evil.example`",
        ),
        (format!("code=c&iss={issuer}"), "`state` is not"),
        (format!("code=c&state=x&iss={issuer}"), "`state` is not"),
        (
            format!("error=access_denied&error_description=no&state={state}&iss={issuer}"),
            "refused: access_denied (no)",
        ),
    ] {
        let response = AuthorizationResponse::from_query(&query).unwrap();
        let refused = client.complete(&pending, &response).await.unwrap_err();
        assert!(matches!(refused, ClientError::Callback(_)), "{query}");
        let text = refused.to_string();
        assert!(text.contains(expected), "{query}: {text}");
    }
    for query in [
        format!("code=c&code=d&state={state}&iss={issuer}"),
        format!("code=c&state={state}&state={state}&iss={issuer}"),
        format!("code=c&state={state}&iss=https://evil.example&iss={issuer}"),
    ] {
        let read = AuthorizationResponse::from_query(&query);
        assert!(matches!(read, Err(CallbackError::Repeated(_))), "{query}");
    }
    assert_eq!(server.seen("/token").len(), 0);

    // None of the forgeries has ended the request.
    let response = honest(&pending, &server);
    assert!(client.complete(&pending, &response).await.is_ok());
}

#[tokio::test]
async fn a_request_may_wait_in_a_session_store() {
    let server = willing_server().await;
    let client = client(&server);
    let state = "x".repeat(1500);
    let asked = request().state(&state).unwrap();
    let stored = client.authorize(&asked).await.unwrap().secret_json();
    assert_eq!(server.only("/par").form()["state"], state);

    let pending = PendingAuthorization::from_secret_json(&stored).unwrap();
    let response = honest(&pending, &server);
    assert_eq!(response.state(), Some(state.as_str()));
    assert!(client.complete(&pending, &response).await.is_ok());
}

// RFC 9700 §4.4: what one authorization server gave to one client is shown to no other.
#[tokio::test]
async fn codes_and_tokens_of_somebody_else_are_sent_nowhere() {
    let (one, other) = (willing_server().await, willing_server().await);
    let client = client(&one);
    for (stranger, server) in [
        (support::client(&other), &other),
        (named_client(&one, "app 2"), &one),
    ] {
        let pending = client.authorize(&request()).await.unwrap();
        let code = pending.verify(&honest(&pending, &one)).unwrap();
        let tokens = log_in(&client, &one).await;
        let before = server.seen("/token").len();

        let refused = stranger.exchange(code).await;
        assert!(matches!(refused, Err(ClientError::ForeignGrant)));
        let refused = stranger.refresh(&tokens).await;
        assert!(matches!(refused, Err(ClientError::ForeignGrant)));
        let refused = stranger.get(&server.url("/accounts"), &tokens).await;
        assert!(matches!(refused, Err(ClientError::ForeignGrant)));
        assert_eq!(server.seen("/token").len(), before);
        assert_eq!(server.seen("/accounts").len(), 0);
    }
}
