//! The clients that are registered with the server under test.

use std::sync::LazyLock;

use serde_json::{Value, json};
use tower_fapi::{
    authorization_server::ClientMetadata,
    jose::{JwsAlgorithm, SigningKey},
};

use crate::{
    certificates::Certificate,
    logout::GOODBYE,
    world::{CALLBACK, CALLBACK_WITH_QUERY},
};

pub fn clients(key: &SigningKey, self_signed: &Certificate) -> Vec<ClientMetadata> {
    let jwks = json!({ "keys": [Value::Object(key.public().to_members())] });
    let with_key = |id: &str, changes: Value| {
        let mut metadata = json!({
            "client_id": id,
            "client_name": format!("The client {id}"),
            "redirect_uris": [CALLBACK, CALLBACK_WITH_QUERY],
            "token_endpoint_auth_method": "private_key_jwt",
            "jwks": jwks,
            "scope": "accounts payments",
            "grant_types": ["authorization_code", "refresh_token"],
        });
        for (name, value) in changes.as_object().unwrap() {
            metadata[name] = value.clone();
        }
        serde_json::from_value(metadata).unwrap()
    };
    let mut certificate = self_signed.jwk();
    certificate["x5c"] = json!([self_signed.base64()]);
    let mut clients = vec![
        with_key(
            "dpop",
            json!({
                "dpop_bound_access_tokens": true,
                "authorization_details_types": ["payment_initiation", "account_information"],
                "post_logout_redirect_uris": [GOODBYE, "https://client.example/bye?from=bank"],
            }),
        ),
        with_key(
            "payer",
            json!({
                "dpop_bound_access_tokens": true,
                "scope": null,
                "authorization_details_types": ["payment_initiation"],
            }),
        ),
        with_key(
            "demanding",
            json!({
                "dpop_bound_access_tokens": true,
                "default_acr_values": ["https://refeds.org/profile/mfa"],
                "default_max_age": 60,
            }),
        ),
        with_key(
            "other",
            json!({
                "dpop_bound_access_tokens": true,
                "post_logout_redirect_uris": ["https://other.example/bye"],
            }),
        ),
        with_key(
            "no-refresh",
            json!({"dpop_bound_access_tokens": true, "grant_types": ["authorization_code"]}),
        ),
        with_key(
            "ps256",
            json!({
                "dpop_bound_access_tokens": true,
                "token_endpoint_auth_signing_alg": "PS256",
                "jwks": { "keys": [
                    Value::Object(key.public().to_members()),
                    rsa_key(),
                ]},
            }),
        ),
        with_key(
            "certificate-bound",
            json!({"tls_client_certificate_bound_access_tokens": true}),
        ),
        with_key(
            "tls",
            json!({
                "token_endpoint_auth_method": "tls_client_auth",
                "tls_client_auth_subject_dn": "CN=tls-client,O=Example,C=DE",
                "tls_client_certificate_bound_access_tokens": true,
            }),
        ),
        with_key(
            "self-signed",
            json!({
                "token_endpoint_auth_method": "self_signed_tls_client_auth",
                "jwks": { "keys": [certificate] },
                "tls_client_certificate_bound_access_tokens": true,
            }),
        ),
    ];
    clients.extend(signers(key, with_key));
    clients
}

/// Those that sign their requests, or have their responses signed.
fn signers(
    key: &SigningKey,
    with_key: impl Fn(&str, Value) -> ClientMetadata,
) -> [ClientMetadata; 3] {
    [
        with_key(
            "signer",
            json!({
                "dpop_bound_access_tokens": true,
                "require_signed_request_object": true,
            }),
        ),
        with_key(
            "pss-signer",
            json!({
                "dpop_bound_access_tokens": true,
                "request_object_signing_alg": "PS256",
                "jwks": { "keys": [
                    Value::Object(key.public().to_members()),
                    rsa_key(),
                ]},
            }),
        ),
        with_key(
            "sealed",
            json!({
                "dpop_bound_access_tokens": true,
                "response_modes": ["jwt"],
                "authorization_encrypted_response_alg": "ECDH-ES+A256KW",
                "jwks": { "keys": [
                    Value::Object(key.public().to_members()),
                    crate::signed_response::response_key(),
                ]},
            }),
        ),
    ]
}

/// RSA keys take long to make: all worlds have the same.
fn rsa_key() -> Value {
    static KEY: LazyLock<Value> = LazyLock::new(|| {
        let key = SigningKey::generate(JwsAlgorithm::Ps256).unwrap();
        Value::Object(key.public().to_members())
    });
    KEY.clone()
}
