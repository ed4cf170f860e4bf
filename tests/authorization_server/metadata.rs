//! What the server tells about itself (RFC 8414, OpenID Connect Discovery §3 and §4, RFC 8705 §5).

use axum::body::Body;
use http::Request;
use serde_json::{Map, Value, json};

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

// OpenID Connect Discovery §3, RFC 8705 §5: what an OpenID provider adds, and what becomes true then.
#[tokio::test]
async fn an_openid_provider_says_that_it_is_one() {
    let ask = async |world: &World| {
        let url = "https://as.example/.well-known/openid-configuration";
        let document = get(world, url).await.json();
        document.as_object().unwrap().clone()
    };
    let plain = ask(&World::new()).await;
    let provider = ask(&crate::userinfo::informed_provider(&json!({}))).await;
    let encryption = &plain["authorization_encryption_alg_values_supported"];
    let content = &plain["authorization_encryption_enc_values_supported"];
    let expected = json!({
        "scopes_supported":
            ["accounts", "payments", "admin", "openid", "profile", "email", "address", "phone"],
        "userinfo_endpoint": "https://as.example/userinfo",
        "userinfo_signing_alg_values_supported": ["ES256"],
        "userinfo_encryption_alg_values_supported": encryption,
        "userinfo_encryption_enc_values_supported": content,
        "id_token_encryption_alg_values_supported": encryption,
        "id_token_encryption_enc_values_supported": content,
        "claim_types_supported": ["normal"],
        "claims_parameter_supported": true,
        "claims_supported": [
            "iss", "sub", "aud", "exp", "iat", "auth_time", "acr",
            "name", "email", "email_verified", "address", "phone_number", "branch", "name#ja",
        ],
        "display_values_supported": ["page"],
    });
    for (name, value) in &provider {
        match expected.get(name) {
            Some(expected) => assert_eq!(value, expected, "{name}"),
            None if name == "mtls_endpoint_aliases" => {
                let alias = &value["userinfo_endpoint"];
                assert_eq!(alias, "https://mtls.as.example/userinfo");
            }
            None => assert_eq!(Some(value), plain.get(name), "{name}"),
        }
    }
    for name in expected.as_object().unwrap().keys() {
        assert!(provider.contains_key(name), "{name}");
    }
    for required in [
        "issuer",
        "authorization_endpoint",
        "token_endpoint",
        "jwks_uri",
        "response_types_supported",
        "subject_types_supported",
        "id_token_signing_alg_values_supported",
    ] {
        assert!(provider.contains_key(required), "{required}");
    }
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

/// What the specifications say of the members of a metadata document.
fn check_metadata(document: &Value) {
    let members = document.as_object().unwrap();
    let has = |name: &str| members.contains_key(name);
    // RFC 8414 §2, OpenID Connect Discovery §3, RFC 9126 §5, RFC 9207 §3, RFC 9101 §10.5.
    for required in [
        "issuer",
        "authorization_endpoint",
        "token_endpoint",
        "jwks_uri",
        "response_types_supported",
        "subject_types_supported",
        "id_token_signing_alg_values_supported",
        "pushed_authorization_request_endpoint",
    ] {
        assert!(has(required), "{required}");
    }
    for (name, value) in members {
        assert!(!value.is_null(), "{name}");
        if name.ends_with("_endpoint") || name.ends_with("_uri") || name == "issuer" {
            assert!(is_https(value), "{name} {value}");
        }
        if let Some(list) = value.as_array() {
            // RFC 8414 §3.2: "Claims with zero elements MUST be omitted".
            assert!(!list.is_empty(), "{name} is empty");
            let mut sorted: Vec<_> = list.iter().map(|item| item.as_str().unwrap()).collect();
            sorted.sort_unstable();
            sorted.dedup();
            assert_eq!(sorted.len(), list.len(), "{name} holds something twice");
        }
        if name.ends_with("_supported") {
            assert!(value.is_array() || value.is_boolean(), "{name}");
        }
        // FAPI 2.0 Security Profile §5.4.1; RFC 8414 §2: "none" MUST NOT be used.
        if name.ends_with("_alg_values_supported") && name.contains("sign") {
            for algorithm in texts(members, name) {
                assert!(
                    ["PS256", "ES256", "EdDSA"].contains(&algorithm),
                    "{name} {algorithm}"
                );
            }
        }
        if name.ends_with("encryption_alg_values_supported") {
            let enc = name.replace("_alg_", "_enc_");
            assert!(has(&enc), "{name} without {enc}");
            assert!(!texts(members, name).contains(&"RSA1_5"), "{name}");
        }
    }
    for boolean in [
        "require_pushed_authorization_requests",
        "authorization_response_iss_parameter_supported",
        "request_parameter_supported",
        "request_uri_parameter_supported",
        "claims_parameter_supported",
        "require_signed_request_object",
        "tls_client_certificate_bound_access_tokens",
    ] {
        assert!(members[boolean].is_boolean(), "{boolean}");
    }
    check_what_fapi_demands(members);
    check_authentication_methods(members);
    check_aliases(members);
}

fn texts<'a>(members: &'a Map<String, Value>, name: &str) -> Vec<&'a str> {
    let list = members[name].as_array().unwrap();
    list.iter().map(|text| text.as_str().unwrap()).collect()
}

fn is_https(value: &Value) -> bool {
    let url = url::Url::parse(value.as_str().unwrap()).unwrap();
    url.scheme() == "https" && url.fragment().is_none()
}

// FAPI 2.0 Security Profile §5.3.2.1 and §5.3.2.2.
fn check_what_fapi_demands(members: &Map<String, Value>) {
    assert_eq!(members["require_pushed_authorization_requests"], true);
    assert_eq!(
        members["authorization_response_iss_parameter_supported"],
        true
    );
    assert_eq!(texts(members, "code_challenge_methods_supported"), ["S256"]);
}

// RFC 8414 §2, RFC 7009 §1, RFC 7662 §1, RFC 9701 §7: how to authenticate where, and with which algorithms.
fn check_authentication_methods(members: &Map<String, Value>) {
    let has = |name: &str| members.contains_key(name);
    for endpoint in ["token", "revocation", "introspection"] {
        let methods = format!("{endpoint}_endpoint_auth_methods_supported");
        let algorithms = format!("{endpoint}_endpoint_auth_signing_alg_values_supported");
        assert_eq!(
            has(&format!("{endpoint}_endpoint")),
            has(&methods),
            "{methods}"
        );
        if has(&methods) {
            let methods = texts(members, &methods);
            assert_eq!(
                methods.contains(&"private_key_jwt"),
                has(&algorithms),
                "{algorithms}"
            );
            for secret in [
                "client_secret_basic",
                "client_secret_post",
                "client_secret_jwt",
                "none",
            ] {
                assert!(
                    !methods.contains(&secret),
                    "FAPI 2.0 Security Profile §5.3.2.1"
                );
            }
        }
    }
    // RFC 9701 §7: answers are described where there is an endpoint that gives them.
    assert_eq!(
        has("introspection_signing_alg_values_supported"),
        has("introspection_endpoint")
    );
}

// RFC 8705 §5.
fn check_aliases(members: &Map<String, Value>) {
    let has = |name: &str| members.contains_key(name);
    // Other places for endpoints that exist, and not for the one that browsers go to.
    if let Some(aliases) = members.get("mtls_endpoint_aliases") {
        let aliases = aliases.as_object().unwrap();
        assert!(!aliases.is_empty());
        for (name, alias) in aliases {
            assert!(name.ends_with("_endpoint") && has(name), "{name}");
            assert!(!["authorization_endpoint", "end_session_endpoint"].contains(&&**name));
            assert!(is_https(alias) && *alias != members[name], "{name}");
        }
        for name in [
            "token_endpoint",
            "pushed_authorization_request_endpoint",
            "revocation_endpoint",
            "introspection_endpoint",
        ] {
            assert_eq!(aliases.contains_key(name), has(name), "{name}");
        }
    }
}

// With whatever is configured, and left out.
#[tokio::test]
async fn the_documents_are_valid_for_every_configuration() {
    use crate::{configuration::builder, introspection::Asking};
    use tower_fapi::authorization_server::{AuthorizationServer, EncryptionKeys, SigningKeys};
    use tower_fapi::jose::{JwsAlgorithm, jwe::JweAlgorithm};

    let [kind, _] = crate::details::types();
    let details_only = AuthorizationServer::builder(ISSUER)
        .audience("https://api.example")
        .authorization_details_type(kind)
        .authenticator(crate::world::Alice)
        .signing_keys(SigningKeys::generate(JwsAlgorithm::EdDsa).unwrap());
    let encryption = EncryptionKeys::generate(JweAlgorithm::EcdhEs).unwrap();
    for (case, builder) in [
        ("little", builder()),
        ("no scopes", details_only),
        (
            "certificates",
            builder().mtls_base_url("https://mtls.as.example"),
        ),
        (
            "an API that asks",
            builder()
                .mtls_base_url("https://mtls.as.example")
                .resource(Asking::new("api").metadata(&json!({}))),
        ),
        ("encrypted requests", builder().encryption_keys(encryption)),
    ] {
        let router = builder.build().unwrap().router();
        let ask = async |url: String| {
            let request = Request::get(url).body(Body::empty()).unwrap();
            crate::world::send(router.clone(), request).await
        };
        let mut documents = Vec::new();
        for place in ["oauth-authorization-server", "openid-configuration"] {
            let reply = ask(format!("{ISSUER}/.well-known/{place}")).await;
            assert_eq!(reply.status, 200, "{case}");
            check_metadata(&reply.json());
            documents.push(reply.json());
        }
        assert_eq!(documents[0], documents[1], "{case}");
        // What is announced is there, and what is not is not.
        let document = documents[0].as_object().unwrap();
        let aliases = document
            .get("mtls_endpoint_aliases")
            .and_then(Value::as_object);
        let places = document.iter().chain(aliases.into_iter().flatten());
        for (name, url) in places {
            if name.ends_with("_endpoint") || name == "jwks_uri" {
                let reply = ask(url.as_str().unwrap().to_owned()).await;
                assert_ne!(reply.status, 404, "{case}: {name}");
            }
        }
        let introspects = document.contains_key("introspection_endpoint");
        let reply = ask(format!("{ISSUER}/introspect")).await;
        assert_eq!(reply.status == 404, !introspects, "{case}");
        // RFC 9101 §10.5, OpenID Connect Discovery §3: keys and what is said of them go together.
        let jwks: Value = serde_json::from_str(&ask(format!("{ISSUER}/jwks")).await.body).unwrap();
        let to_encrypt = |key: &Value| key["use"] == "enc";
        let published = jwks["keys"].as_array().unwrap().iter().any(to_encrypt);
        assert_eq!(published, case == "encrypted requests");
        let announced = document.contains_key("request_object_encryption_alg_values_supported");
        assert!(published || !announced, "{case}");
    }
}
