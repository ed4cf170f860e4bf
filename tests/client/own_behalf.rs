//! Tokens for the client itself (RFC 6749 §4.4), and tokens given back (RFC 7009).

use serde_json::json;
use tower_fapi::client::{ClientCredentialsRequest, ClientError, Endpoint, InvalidRequest};

use crate::{
    seal::signing_server,
    server::Reply,
    support::{builder, client, key, log_in, named_client, tokens, willing_server},
};

// RFC 6749 §4.4.2, RFC 9396 §6, RFC 8707 §2.2, RFC 9449 §5.
#[tokio::test]
async fn a_client_asks_for_a_token_of_its_own() {
    let server = willing_server().await;
    let body = json!({"access_token": "own", "token_type": "DPoP", "id_token": "nobody's"});
    server.says("/token", [Reply::json(200, &body)]);
    let client = client(&server);
    let request = ClientCredentialsRequest::new()
        .scope("rates")
        .unwrap()
        .authorization_details(&[json!({"type": "rates"})])
        .unwrap()
        .resource("https://api.example")
        .unwrap();
    let own = client.client_credentials(&request).await.unwrap();
    assert_eq!(own.access_token().secret(), "own");
    assert_eq!(own.scope(), Some("rates"));
    assert!(own.id_token().is_none());
    assert!(own.refresh_token().is_none());

    let seen = server.only("/token");
    let mut form = seen.form();
    assert!(form.remove("client_assertion").is_some());
    form.remove("client_assertion_type");
    let expected = [
        ("authorization_details", r#"[{"type":"rates"}]"#),
        ("client_id", "app 1"),
        ("grant_type", "client_credentials"),
        ("resource", "https://api.example"),
        ("scope", "rates"),
    ];
    let mut found: Vec<_> = form.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    found.sort_unstable();
    assert_eq!(found, expected);
    let key = client.dpop_thumbprint().unwrap();
    seen.proof(&server.url("/token"), None, key);

    client.get(&server.url("/accounts"), &own).await.unwrap();
    let called = server.only("/accounts");
    assert_eq!(called.header("authorization"), Some("DPoP own"));
}

#[tokio::test]
async fn what_the_client_asks_for_itself_is_judged_as_for_others() {
    let request = ClientCredentialsRequest::new;
    assert_eq!(request().scope("a  b").err(), Some(InvalidRequest::Scope));
    let nameless = [json!({"amount": 1})];
    let refused = request().authorization_details(&nameless).err();
    assert_eq!(refused, Some(InvalidRequest::AuthorizationDetails));
    let refused = request().resource("/api").err();
    assert_eq!(refused, Some(InvalidRequest::Resource));

    // FAPI 2.0 Security Profile §5.3.3.1: sender-constrained tokens only.
    let server = willing_server().await;
    server.says("/token", [tokens("Bearer")]);
    let refused = client(&server).client_credentials(&request()).await;
    assert!(matches!(refused, Err(ClientError::TokenType { .. })));
    assert_eq!(server.only("/token").form().get("scope"), None);
}

// RFC 7009 §2.1 and §2.2.
#[tokio::test]
async fn both_tokens_are_given_back_the_refresh_token_first() {
    let server = signing_server(&key()).await;
    server.says("/revoke", [Reply::text(200, "whatever")]);
    let client = client(&server);
    let set = log_in(&client, &server).await;
    client.revoke(&set).await.unwrap();
    let seen = server.seen("/revoke");
    let told: Vec<_> = seen
        .iter()
        .map(|seen| {
            (
                seen.form()["token"].clone(),
                seen.form()["token_type_hint"].clone(),
            )
        })
        .collect();
    let pair = |token: &str, kind: &str| (token.to_owned(), kind.to_owned());
    assert_eq!(
        told,
        [pair("rt-1", "refresh_token"), pair("at-1", "access_token")]
    );
    // The client is authenticated, and each assertion is new; nothing is bound, so there is no proof.
    assert_ne!(seen[0].assertion()["jti"], seen[1].assertion()["jti"]);
    assert!(seen.iter().all(|seen| seen.header("dpop").is_none()));
}

// RFC 7009 §2.2.1.
#[tokio::test]
async fn a_token_is_not_taken_for_revoked_when_it_is_not() {
    let server = signing_server(&key()).await;
    let client = client(&server);
    let set = log_in(&client, &server).await;
    let unsupported = || Reply::json(400, &json!({"error": "unsupported_token_type"}));
    let done = || Reply::text(200, "");

    server.says("/revoke", [done(), unsupported()]);
    client.revoke(&set).await.unwrap();
    for (case, replies) in [
        ("the refresh token stays", vec![unsupported(), done()]),
        ("down", vec![Reply::text(503, "")]),
        ("redirected", vec![Reply::text(303, "")]),
        (
            "not authenticated",
            vec![Reply::json(401, &json!({"error": "invalid_client"}))],
        ),
        (
            "the access token stays",
            vec![
                done(),
                Reply::json(400, &json!({"error": "invalid_request"})),
            ],
        ),
    ] {
        server.says("/revoke", replies);
        let refused = client.revoke(&set).await;
        assert!(
            matches!(
                refused,
                Err(ClientError::Refused {
                    endpoint: Endpoint::Revocation,
                    ..
                } | ClientError::UnexpectedStatus {
                    endpoint: Endpoint::Revocation,
                    ..
                })
            ),
            "{case}: {refused:?}"
        );
    }
    // Without a refresh token, nothing else has ended the grant.
    let body = json!({"access_token": "own", "token_type": "DPoP"});
    server.says("/token", [Reply::json(200, &body)]);
    let request = ClientCredentialsRequest::new();
    let own = client.client_credentials(&request).await.unwrap();
    server.says("/revoke", [unsupported()]);
    assert!(client.revoke(&own).await.is_err());
}

#[tokio::test]
async fn tokens_of_somebody_else_are_not_given_back() {
    let server = signing_server(&key()).await;
    let set = log_in(&client(&server), &server).await;
    let stranger = named_client(&server, "app 2");
    let refused = stranger.revoke(&set).await;
    assert!(matches!(refused, Err(ClientError::ForeignGrant)));
    assert_eq!(server.seen("/revoke").len(), 0);

    let plain = willing_server().await;
    let client = builder(&plain.url("")).private_key_jwt(key()).dpop(key());
    let client = client.build().unwrap();
    let set = log_in(&client, &plain).await;
    let refused = client.revoke(&set).await;
    assert!(matches!(
        refused,
        Err(ClientError::MissingEndpoint("revocation_endpoint"))
    ));
}
