//! The sample file, nearly as it stands, against an authorization server that only has keys.

use axum::{Json, Router, http::StatusCode, routing::get};
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::oneshot};
use tower_fapi::{
    testing::TestIssuer,
    tls::{ClientCertificates, Server, ServerIdentity, ServerTls},
};

use crate::support::World;

const SAMPLE: &str = include_str!("../../examples/resource_server/resource_server.toml");

/// Metadata and keys over HTTPS, and the directory that the sample expects.
async fn world() -> World {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!(
        "https://localhost:{}",
        listener.local_addr().unwrap().port()
    );
    World::of(|chain, key| {
        let issuer = TestIssuer::new(&url, "https://localhost:9443");
        let metadata = json!({
            "issuer": url,
            "jwks_uri": format!("{url}/jwks"),
            "authorization_endpoint": format!("{url}/authorize"),
            "token_endpoint": format!("{url}/token"),
            "response_types_supported": ["code"],
        });
        let jwks = serde_json::to_value(issuer.jwks()).unwrap();
        let app = Router::new()
            .route(
                "/.well-known/oauth-authorization-server",
                get(async || Json(metadata)),
            )
            .route("/jwks", get(async || Json(jwks)));
        let identity = ServerIdentity::from_pem(chain.as_bytes(), key.as_bytes()).unwrap();
        let tls = ServerTls::new(&identity, &ClientCertificates::NotRequested).unwrap();
        tokio::spawn(Server::https(tls).serve(listener, app));
        issuer
    })
}

// The test that the sample means what it says: keys by discovery, TLS, routes.
#[tokio::test]
async fn the_sample_serves_clients_of_its_authorization_server() {
    let world = world().await;
    let text = SAMPLE
        .replace("https://localhost:8443", world.issuer.issuer())
        .replace("127.0.0.1:9443", "127.0.0.1:0");
    let setup = world.server(&text);
    let listener = TcpListener::bind(setup.listen).await.unwrap();
    let url = format!(
        "https://localhost:{}",
        listener.local_addr().unwrap().port()
    );
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = tokio::spawn(setup.server.serve_until(listener, setup.app, async {
        stopped.await.ok();
    }));

    let root = reqwest::Certificate::from_pem(world.chain.as_bytes()).unwrap();
    let client = reqwest::Client::builder()
        .tls_certs_only([root])
        .build()
        .unwrap();
    for (method, path, scope, status) in [
        ("GET", "/accounts", "accounts", 200),
        ("GET", "/accounts", "payments", 403),
        ("POST", "/accounts", "accounts", 405),
        ("GET", "/accounts/17/balances", "accounts payments", 200),
        ("GET", "/accounts/17/balances", "", 403),
        ("GET", "/accounts/17", "accounts", 404),
        ("GET", "/accounts/17/18/balances", "accounts", 404),
        ("POST", "/payments", "payments", 200),
        ("POST", "/payments", "payments:initiate", 200),
        ("POST", "/payments", "accounts", 403),
        ("GET", "/me", "", 200),
        ("POST", "/me", "", 200),
        ("DELETE", "/me", "", 405),
    ] {
        let token = match path {
            // Whoever names one of the sample's resources gets a token for that alone (RFC 8707).
            "/payments" => world
                .token(scope)
                .claim("aud", "https://localhost:9443/payments"),
            _ => world.token(scope),
        };
        let token = token.mint();
        let proof = world
            .client
            .proof(method, &format!("{url}{path}"), world.now);
        let answer = client
            .request(method.parse().unwrap(), format!("{url}{path}"))
            .header("authorization", format!("DPoP {token}"))
            .header("dpop", proof.access_token(&token).sign())
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status().as_u16(), status, "{method} {path} {scope}");
        if answer.status() == StatusCode::OK {
            let body: Value = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
            assert_eq!(body["path"], path);
        }
    }

    stop.send(()).unwrap();
    drop(client);
    serving.await.unwrap();
}

#[tokio::test]
async fn what_is_enforced_is_told() {
    let world = world().await;
    let summary = world.server(SAMPLE).summary;
    for told in [
        "TLS 1.3 or 1.2",
        "https://localhost:9443",
        "https://localhost:8443, keys from where its metadata says; PS256, ES256, EdDSA",
        "by DPoP or by certificate",
        "ES256, EdDSA, PS256; 60 s old at most, 10 s ahead at most",
        "no nonce is demanded",
        "GET /accounts, with scope accounts",
        "POST /payments, with scope payments or payments:initiate",
        "GET, POST /me, whatever the scope",
        "404",
    ] {
        assert!(summary.contains(told), "{told}\n{summary}");
    }
}

// Everything in a comment that looks like a setting is one.
#[tokio::test]
async fn what_the_sample_leaves_out_can_be_put_in() {
    let world = world().await;
    for (setting, instead_of) in [
        (r#"public_url = "https://api.example.com/open-banking""#, ""),
        (r#"client_authorities = "client-authorities.pem""#, ""),
        (r#"jwks_uri = "https://localhost:8443/jwks""#, ""),
        (
            r#"jwks_file = "keys.json""#,
            r#"root_certificates = "../authorization_server/server-chain.pem""#,
        ),
        ("dangerous_http_on_loopback = true", ""),
        (r#"compatibility = "keycloak""#, ""),
        (r#"accept_client_in = "azp""#, ""),
        (r#"acr_values = ["https://refeds.org/profile/mfa"]"#, ""),
        ("max_age_seconds = 300", ""),
        (r#"authorization_details_type = "payment_initiation""#, ""),
    ] {
        let comment = format!("# {setting}\n");
        assert!(SAMPLE.contains(&comment), "{setting}");
        let text = SAMPLE
            .replace(&comment, &format!("{setting}\n"))
            .replace("client-authorities.pem", "chain.pem");
        let text = if instead_of.is_empty() {
            text
        } else {
            text.replace(instead_of, "")
        };
        world.server(&text);
    }
}
