//! Metadata: believed if it is that of the issuer, kept for an hour.

use std::time::Duration;

use serde_json::{Value, json};
use tower_fapi::{
    client::{Client, ClientConfigError, ClientError},
    issuer::{FetchError, MetadataLocation},
    time::ManualClock,
};

use crate::{
    server::{Reply, Server},
    support::{METADATA, NOW, builder, client, key, log_in, metadata, request, willing_server},
};

async fn refusal(more: Value) -> ClientError {
    let server = willing_server().await;
    server.says(METADATA, [metadata(&server, &more)]);
    let refused = client(&server).authorize(&request()).await.unwrap_err();
    assert_eq!(server.seen("/par").len(), 0, "{refused}");
    refused
}

// RFC 8414 §3.3, FAPI 2.0 Security Profile §5.2.1 and §5.3.3.1.
#[tokio::test]
async fn metadata_that_cannot_be_believed_is_not_acted_on() {
    let plain = json!("http://as.example/x");
    for (case, more, expected) in [
        (
            "issuer",
            json!({"issuer": "https://as.example"}),
            "https://as.example",
        ),
        (
            "PAR over http",
            json!({"pushed_authorization_request_endpoint": plain}),
            "https URL",
        ),
        (
            "token over http",
            json!({"token_endpoint": plain}),
            "https URL",
        ),
        (
            "authorization over http",
            json!({"authorization_endpoint": plain}),
            "https URL",
        ),
        (
            "alias over http",
            json!({"mtls_endpoint_aliases": {"token_endpoint": plain}}),
            "https URL",
        ),
        (
            "no PAR",
            json!({"pushed_authorization_request_endpoint": null}),
            "no `pushed",
        ),
        (
            "no authorization",
            json!({"authorization_endpoint": null}),
            "no `authorization_e",
        ),
        (
            "no PKCE",
            json!({"code_challenge_methods_supported": null}),
            "`S256`",
        ),
        (
            "plain PKCE",
            json!({"code_challenge_methods_supported": ["plain"]}),
            "`S256`",
        ),
    ] {
        let text = refusal(more).await.to_string();
        assert!(text.contains(expected), "{case}: {text}");
    }
    let mismatch = refusal(json!({"issuer": "https://as.example"})).await;
    let found = "https://as.example".to_owned();
    assert!(
        matches!(mismatch, ClientError::Metadata(FetchError::IssuerMismatch(it)) if it == found)
    );
}

#[test]
fn an_issuer_is_asked_over_https_and_only_by_a_named_client() {
    let build = |issuer: &str, id: &str| {
        let builder = Client::builder(issuer.parse().unwrap(), id);
        builder.private_key_jwt(key()).dpop(key()).build().err()
    };
    for issuer in [
        "http://127.0.0.1:8080",
        "http://localhost",
        "http://as.example",
    ] {
        let refused = build(issuer, "me");
        assert!(
            matches!(refused, Some(ClientConfigError::Issuer)),
            "{issuer}: {refused:?}"
        );
    }
    let far = builder("http://as.example");
    let refused = far.private_key_jwt(key()).dpop(key()).build().err();
    assert!(matches!(refused, Some(ClientConfigError::Issuer)));
    for id in ["", "a\nb", "é"] {
        let refused = build("https://as.example", id);
        assert!(
            matches!(refused, Some(ClientConfigError::ClientId)),
            "{id:?}"
        );
    }
    for timeout in [Duration::ZERO, Duration::from_secs(61)] {
        let refused = builder("https://as.example").timeout(timeout).err();
        assert!(matches!(refused, Some(ClientConfigError::Timeout(it)) if it == timeout));
    }
}

#[tokio::test]
async fn metadata_is_fetched_once_an_hour_and_outlives_an_outage_by_a_day() {
    let server = willing_server().await;
    let clock = ManualClock::at(NOW);
    let client = builder(&server.url(""))
        .clock(clock.clone())
        .metadata_location(MetadataLocation::OAuth)
        .private_key_jwt(key())
        .dpop(key())
        .build()
        .unwrap();
    let fetches = || server.seen(METADATA).len();
    let (one, other) = tokio::join!(client.discover(), client.discover());
    assert!(one.is_ok() && other.is_ok());
    log_in(&client, &server).await;
    assert_eq!(fetches(), 1);

    clock.advance(Duration::from_mins(59));
    client.discover().await.unwrap();
    assert_eq!(fetches(), 1);
    clock.advance(Duration::from_mins(1));
    let moved = json!({"token_endpoint": server.url("/token2")});
    server.says(METADATA, [metadata(&server, &moved)]);
    let found = client.discover().await.unwrap();
    assert_eq!(found.token_endpoint.as_ref().unwrap().path(), "/token2");
    assert_eq!(fetches(), 2);

    server.says(METADATA, [Reply::text(503, "")]);
    clock.advance(Duration::from_hours(1));
    for _ in 0..3 {
        client.discover().await.unwrap();
    }
    assert_eq!(fetches(), 3);
    clock.advance(Duration::from_mins(1));
    client.discover().await.unwrap();
    assert_eq!(fetches(), 4);
    clock.advance(Duration::from_hours(23));
    let refused = client.discover().await;
    assert!(matches!(
        refused,
        Err(ClientError::Metadata(FetchError::Status(_)))
    ));

    // A clock that jumps back does not keep old metadata alive.
    server.says(METADATA, [metadata(&server, &json!({}))]);
    client.discover().await.unwrap();
    let before = fetches();
    clock.set(NOW);
    client.discover().await.unwrap();
    assert_eq!(fetches(), before + 1);
}

#[tokio::test]
async fn openid_metadata_will_do() {
    let server = willing_server().await;
    server.says(METADATA, [Reply::text(404, "")]);
    let found = metadata(&server, &json!({}));
    server.says("/.well-known/openid-configuration", [found]);
    assert!(client(&server).authorize(&request()).await.is_ok());
}

#[tokio::test]
async fn a_server_that_is_not_there_is_an_error_and_then_no_more() {
    let server = Server::start().await;
    let client = client(&server);
    let refused = client.authorize(&request()).await;
    assert!(matches!(refused, Err(ClientError::Metadata(_))));
    server.says(METADATA, [metadata(&server, &json!({}))]);
    assert!(client.discover().await.is_ok());
}
