//! What the server tells about itself (RFC 8414, OpenID Connect Discovery §3 and §4, RFC 8705 §5).

use axum::body::Body;
use http::Request;
use serde_json::{Value, json};

use crate::world::{ISSUER, Reply, World};

async fn get(world: &World, url: &str) -> Reply {
    world
        .send(Request::get(url).body(Body::empty()).unwrap())
        .await
}

#[tokio::test]
async fn both_documents_say_what_is_supported_and_nothing_else() {
    let world = World::new();
    let oauth = get(
        &world,
        "https://as.example/.well-known/oauth-authorization-server",
    )
    .await;
    let openid = get(
        &world,
        "https://as.example/.well-known/openid-configuration",
    )
    .await;
    assert_eq!(oauth.body, openid.body);
    assert_eq!(oauth.header("cache-control"), Some("public, max-age=300"));
    let expected = json!({
        "issuer": ISSUER,
        "authorization_endpoint": "https://as.example/authorize",
        "token_endpoint": "https://as.example/token",
        "pushed_authorization_request_endpoint": "https://as.example/par",
        "require_pushed_authorization_requests": true,
        "jwks_uri": "https://as.example/jwks",
        "scopes_supported": ["accounts", "payments", "admin"],
        "authorization_details_types_supported": ["payment_initiation", "account_information"],
        "response_types_supported": ["code"],
        "response_modes_supported": ["query", "jwt", "query.jwt"],
        "grant_types_supported": ["authorization_code", "refresh_token", "client_credentials"],
        "token_endpoint_auth_methods_supported":
            ["private_key_jwt", "tls_client_auth", "self_signed_tls_client_auth"],
        "token_endpoint_auth_signing_alg_values_supported": ["PS256", "ES256", "EdDSA"],
        "revocation_endpoint": "https://as.example/revoke",
        "revocation_endpoint_auth_methods_supported":
            ["private_key_jwt", "tls_client_auth", "self_signed_tls_client_auth"],
        "revocation_endpoint_auth_signing_alg_values_supported": ["PS256", "ES256", "EdDSA"],
        "end_session_endpoint": "https://as.example/end-session",
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": true,
        "dpop_signing_alg_values_supported": ["ES256", "EdDSA", "PS256"],
        "tls_client_certificate_bound_access_tokens": true,
        "acr_values_supported": ["urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport"],
        "prompt_values_supported": ["none", "login", "consent", "select_account"],
        "request_parameter_supported": true,
        "request_object_signing_alg_values_supported": ["PS256", "ES256", "EdDSA"],
        "require_signed_request_object": false,
        "authorization_signing_alg_values_supported": ["ES256"],
        "authorization_encryption_alg_values_supported":
            ["RSA-OAEP", "RSA-OAEP-256", "RSA-OAEP-384", "RSA-OAEP-512", "ECDH-ES", "ECDH-ES+A128KW", "ECDH-ES+A256KW"],
        "authorization_encryption_enc_values_supported":
            ["A128GCM", "A256GCM", "A128CBC-HS256", "A256CBC-HS512"],
        "request_uri_parameter_supported": false,
        "claims_parameter_supported": false,
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256"],
        "mtls_endpoint_aliases": {
            "token_endpoint": "https://mtls.as.example/token",
            "pushed_authorization_request_endpoint": "https://mtls.as.example/par",
            "revocation_endpoint": "https://mtls.as.example/revoke",
        },
    });
    assert_eq!(oauth.json(), expected);
}

// RFC 8414 §3.1 and §5; OpenID Connect Discovery §4.1.
#[tokio::test]
async fn an_issuer_with_a_path_is_found_at_its_places() {
    let server = crate::configuration::builder_for("https://as.example/banks/one")
        .build()
        .unwrap();
    let router = server.router();
    let ask = async |path: &str| {
        let request = Request::get(format!("https://as.example{path}"))
            .body(Body::empty())
            .unwrap();
        crate::world::send(router.clone(), request).await
    };
    for path in [
        "/.well-known/oauth-authorization-server/banks/one",
        "/banks/one/.well-known/openid-configuration",
        "/.well-known/openid-configuration/banks/one",
    ] {
        let document = ask(path).await.json();
        assert_eq!(document["issuer"], "https://as.example/banks/one", "{path}");
        assert_eq!(
            document["token_endpoint"],
            "https://as.example/banks/one/token"
        );
        assert!(document.get("mtls_endpoint_aliases").is_none());
        assert_eq!(
            document["tls_client_certificate_bound_access_tokens"],
            false
        );
        assert_eq!(
            document["token_endpoint_auth_methods_supported"],
            json!(["private_key_jwt"])
        );
    }
    assert_eq!(ask("/banks/one/jwks").await.status, 200);
    for path in [
        "/jwks",
        "/token",
        "/.well-known/oauth-authorization-server",
        "/banks/two/jwks",
    ] {
        assert_eq!(ask(path).await.status, 404, "{path}");
    }
}

// RFC 7517 §5, FAPI 2.0 Security Profile §5.4.3.
#[tokio::test]
async fn the_public_keys_can_be_fetched_and_kept() {
    let world = World::new();
    let reply = get(&world, "https://as.example/jwks").await;
    assert_eq!(
        reply.header("content-type"),
        Some("application/jwk-set+json")
    );
    assert_eq!(reply.header("cache-control"), Some("public, max-age=300"));
    let keys: Value = serde_json::from_str(&reply.body).unwrap();
    assert_eq!(keys, world.keys.public_jwks(world.now()));
    let key = keys["keys"][0].as_object().unwrap();
    assert!(key.contains_key("kid") && !key.contains_key("d"));
    assert_eq!(
        (key["use"].as_str(), key["alg"].as_str()),
        (Some("sig"), Some("ES256"))
    );
}
