//! What routes demand, and what the handlers behind them tell.

use axum::{body::Body, http::Request};
use serde_json::json;
use tower_fapi::{mtls::PeerCertificate, testing::DpopKey};

use crate::{
    settings::BY_CERTIFICATE,
    support::{API, FILE, ISSUER, World, file_with, send, status_and_body},
};

// RFC 9470 §4, RFC 9396 §9: a token that meets every demand passes, and whoever misses one is told which.
#[tokio::test]
async fn a_route_can_demand_sign_in_and_authorization_details_at_once() {
    const DEMANDS: &str = "acr_values = [\"mfa\", \"phr\"]\nmax_age_seconds = 100\nauthorization_details_type = \"payment\"";
    let world = World::new();
    let setup = world.server(&file_with(15, DEMANDS));
    assert!(setup.summary.contains(
        "signed in as mfa or phr, signed in 100 s ago at most, with authorization details of type payment"
    ));
    let good = |world: &World| {
        let token = world.token("").claim("acr", "phr");
        let token = token.claim("auth_time", world.now.as_unix() - 50);
        token.claim("authorization_details", json!([{"type": "payment"}]))
    };
    for (case, token, status, told) in [
        ("all of it", good(&world), 200, ""),
        (
            "weaker",
            good(&world).claim("acr", "pwd"),
            401,
            r#"acr_values="mfa phr""#,
        ),
        (
            "longer ago",
            good(&world).claim("auth_time", world.now.as_unix() - 200),
            401,
            r#"max_age="100""#,
        ),
        (
            "another type",
            good(&world).claim("authorization_details", json!([{"type": "account"}])),
            403,
            "insufficient_scope",
        ),
        (
            "no details",
            good(&world).without_claim("authorization_details"),
            403,
            "insufficient_scope",
        ),
    ] {
        let answer = send(&setup, world.request("GET", "/accounts", &token)).await;
        assert_eq!(answer.status(), status, "{case}");
        let challenge = answer.headers().get("www-authenticate");
        let challenge = challenge.map_or("", |challenge| challenge.to_str().unwrap());
        assert!(challenge.contains(told), "{case}: {challenge}");
    }
}

#[tokio::test]
async fn a_handler_tells_what_it_sees() {
    const ID: &str = "93bac548-d2de-4546-b106-880a5018460d";
    let world = World::new();
    let setup = world.server(&file_with(13, r#"path = "/accounts/{account}""#));
    let token = world
        .token("accounts payments")
        .subject("bob")
        .client("planner");
    let token = token.claim(
        "authorization_details",
        serde_json::json!([{"type": "account"}]),
    );
    let mut request = world.request("GET", "/accounts/17", &token);
    request
        .headers_mut()
        .insert("x-fapi-interaction-id", ID.parse().unwrap());
    let answer = send(&setup, request).await;
    assert_eq!(answer.headers()["x-fapi-interaction-id"], ID);
    assert_eq!(answer.headers()["cache-control"], "no-store");
    let (status, seen) = status_and_body(answer).await;
    assert_eq!(status, 200);
    for (member, expected) in [
        ("/method", "GET".to_owned()),
        ("/path", "/accounts/17".to_owned()),
        ("/route", "/accounts/{account}".to_owned()),
        ("/interaction_id", ID.to_owned()),
        ("/issuer", ISSUER.to_owned()),
        ("/subject", "bob".to_owned()),
        ("/client_id", "planner".to_owned()),
        ("/audience/0", API.to_owned()),
        ("/scope/0", "accounts".to_owned()),
        ("/scope/1", "payments".to_owned()),
        ("/bound_to/dpop_key", world.client.thumbprint().to_string()),
        ("/authorization_details/0/type", "account".to_owned()),
    ] {
        let value = seen.pointer(member).and_then(|value| value.as_str());
        assert_eq!(value, Some(&*expected), "{member} of {seen}");
    }

    let answer = send(&world.server(FILE), BY_CERTIFICATE(&world).remove(0)).await;
    let (_, seen) = status_and_body(answer).await;
    let thumbprint = PeerCertificate::new(*b"certificate", []).thumbprint();
    assert_eq!(seen["bound_to"]["certificate"], thumbprint.to_string());
    assert!(seen["bound_to"].get("dpop_key").is_none());
}

// Whoever has no token is not told what there is.
#[tokio::test]
async fn only_those_with_a_token_learn_what_is_not_there() {
    let world = World::new();
    let setup = world.server(FILE);
    let stranger = DpopKey::generate();
    for (method, path, status) in [
        ("GET", "/nowhere", 404),
        ("POST", "/accounts", 405),
        ("GET", "/", 404),
    ] {
        let good = world.request(method, path, &world.token(""));
        let (found, body) = status_and_body(send(&setup, good).await).await;
        assert_eq!(found, status, "{method} {path}");
        assert_eq!(body["subject"], "alice");
        assert!(body["error"].is_string());
        let bare = Request::builder()
            .method(method)
            .uri(path)
            .header("host", "api.example.com");
        let bare = bare.body(Body::empty()).unwrap();
        let other = world
            .issuer
            .token(world.now)
            .bound_to_key(stranger.thumbprint());
        for request in [bare, world.request(method, path, &other)] {
            let answer = send(&setup, request).await;
            // Axum adds it where a path has other methods.
            assert!(!answer.headers().contains_key("allow"), "{method} {path}");
            let (found, body) = status_and_body(answer).await;
            assert_eq!(found, 401, "{method} {path}");
            assert!(body.get("subject").is_none());
        }
    }
}
