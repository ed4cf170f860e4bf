//! Which metadata becomes a client, and which does not.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{
    Binding, Client, ClientAuthenticationMethod, ClientMetadata, ClientProblem, InvalidRedirectUri,
    KeySource,
};
use crate::{
    authorization_server::authorization_details::{AuthorizationDetailsType, DetailsTypes},
    jose::{JwsAlgorithm, SigningKey},
    time::SystemClock,
};

fn jwks(algorithm: JwsAlgorithm) -> Value {
    let key = SigningKey::generate(algorithm).unwrap();
    json!({ "keys": [Value::Object(key.public().to_members())] })
}

fn good() -> Value {
    json!({
        "client_id": "client",
        "redirect_uris": ["https://client.example/cb"],
        "token_endpoint_auth_method": "private_key_jwt",
        "jwks": jwks(JwsAlgorithm::Es256),
        "scope": "accounts",
        "grant_types": ["authorization_code", "refresh_token"],
        "dpop_bound_access_tokens": true,
    })
}

fn register(metadata: Value) -> Result<Client, ClientProblem> {
    let known = ["accounts", "payments"].into_iter().collect();
    let types =
        DetailsTypes::new(vec![AuthorizationDetailsType::new("payment", "Payment")]).unwrap();
    let source = KeySource {
        clock: Arc::new(SystemClock),
        #[cfg(feature = "discovery")]
        fetcher: None,
    };
    Client::register(
        &serde_json::from_value(metadata).unwrap(),
        &known,
        &types,
        &source,
    )
}

/// The good client with members replaced; `null` takes one away.
fn with(changes: &Value) -> Value {
    let mut metadata = good();
    for (name, value) in changes.as_object().unwrap() {
        if value.is_null() {
            metadata.as_object_mut().unwrap().remove(name);
        } else {
            metadata[name] = value.clone();
        }
    }
    metadata
}

#[test]
fn a_sound_client_is_registered() {
    let client = register(good()).unwrap();
    assert_eq!(
        (client.name.as_str(), client.binding),
        ("client", Binding::Dpop)
    );
    assert!(client.grants.refresh_token && !client.grants.client_credentials);
    assert!(client.may_return_to("https://client.example/cb"));
    assert!(!client.may_return_to("https://client.example/cb/"));
    assert_eq!(client.method(), ClientAuthenticationMethod::PrivateKeyJwt);
    let quiet = register(with(&json!({"grant_types": null}))).unwrap();
    assert!(
        quiet.grants.authorization_code && !quiet.grants.refresh_token,
        "RFC 7591 §2: authorization_code is the default"
    );
    for types in [json!(null), json!([])] {
        let alone = json!({
            "grant_types": ["client_credentials"], "redirect_uris": null, "response_types": types,
        });
        let alone = register(with(&alone)).unwrap().grants;
        assert!(alone.client_credentials && !alone.authorization_code && !alone.refresh_token);
    }
}

// FAPI 2.0 Security Profile §5.2.2.1, RFC 7591 §2.
#[test]
fn what_is_only_the_clients_affair_is_recorded() {
    for changes in [
        json!({"use_mtls_endpoint_aliases": true}),
        json!({"use_mtls_endpoint_aliases": false}),
        json!({"client_uri": "https://client.example", "contacts": ["ops@client.example"]}),
    ] {
        assert!(register(with(&changes)).is_ok(), "{changes}");
    }
}

// FAPI 2.0 Security Profile §5.3.2.1 and §5.4.1, RFC 7591 §2, RFC 8705 §2.1.2, RFC 9126 §6.
#[test]
fn missing_contradictory_and_insecure_metadata_is_refused() {
    use ClientProblem as P;
    for (changes, expected) in [
        (json!({"client_id": ""}), P::ClientId),
        (json!({"client_name": "a\u{7}b"}), P::ClientName),
        (json!({"client_name": " "}), P::ClientName),
        (json!({"redirect_uris": []}), P::Missing("redirect_uris")),
        (
            json!({"redirect_uris": ["https://c.example/", "https://c.example/"]}),
            P::RepeatedRedirectUri("https://c.example/".to_owned()),
        ),
        (json!({"token_endpoint_auth_method": null}), P::NoMethod),
        (
            json!({"jwks_uri": "https://client.example/jwks"}),
            P::TwoKeySets,
        ),
        (json!({"jwks": null}), P::Missing("jwks")),
        (json!({"jwks": {"keys": []}}), P::NoUsableKey),
        (
            json!({"jwks": {"keys": [{"kty": "oct", "k": "AA"}]}}),
            P::PrivateKey,
        ),
        (
            json!({"jwks": {"keys": [{"kty": "EC", "d": "AA"}]}}),
            P::PrivateKey,
        ),
        (
            json!({"token_endpoint_auth_signing_alg": "PS256"}),
            P::NoKeyForAlgorithm,
        ),
        (
            json!({"tls_client_auth_san_dns": "c.example"}),
            P::DoesNotFitMethod("tls_client_auth_san_dns"),
        ),
        (
            json!({"token_endpoint_auth_method": "tls_client_auth"}),
            P::OneSubject,
        ),
        (
            json!({
                "token_endpoint_auth_method": "tls_client_auth",
                "tls_client_auth_san_dns": "c.example",
                "tls_client_auth_san_uri": "https://c.example",
            }),
            P::OneSubject,
        ),
        (
            json!({"token_endpoint_auth_method": "tls_client_auth", "tls_client_auth_san_ip": "1.2.3"}),
            P::SanIp,
        ),
        (
            json!({"token_endpoint_auth_method": "self_signed_tls_client_auth"}),
            P::NoCertificate,
        ),
        (
            json!({
                "token_endpoint_auth_method": "self_signed_tls_client_auth",
                "token_endpoint_auth_signing_alg": "ES256",
            }),
            P::DoesNotFitMethod("token_endpoint_auth_signing_alg"),
        ),
        (json!({"dpop_bound_access_tokens": null}), P::OneBinding),
        (json!({"dpop_bound_access_tokens": false}), P::OneBinding),
        (
            json!({"tls_client_certificate_bound_access_tokens": true}),
            P::OneBinding,
        ),
        (json!({"scope": null}), P::Missing("scope")),
        (
            json!({"scope": "accounts other"}),
            P::UnknownScope("other".to_owned()),
        ),
        (
            json!({"require_pushed_authorization_requests": false}),
            P::NotPushed,
        ),
    ] {
        let refused = register(with(&changes));
        assert_eq!(refused.unwrap_err(), expected, "{changes}");
    }
    let insecure = register(with(
        &json!({"redirect_uris": ["http://client.example/cb"]}),
    ));
    assert!(matches!(insecure, Err(P::RedirectUri { .. })));
}

// FAPI 2.0 Security Profile §5.3.2.1: no shared secrets, no public clients.
#[test]
fn what_cannot_be_read_is_no_client() {
    for changes in [
        json!({"token_endpoint_auth_method": "client_secret_basic"}),
        json!({"token_endpoint_auth_method": "none"}),
        json!({"token_endpoint_auth_signing_alg": "RS256"}),
        json!({"client_secret": "secret"}),
        json!({"redirect_uri": "https://client.example/cb"}),
    ] {
        let read = serde_json::from_value::<ClientMetadata>(with(&changes));
        assert!(read.is_err(), "{changes}");
    }
}

// RFC 9396 §10.
#[test]
fn the_types_a_client_may_ask_for_are_those_of_the_server() {
    let types = |types: Value| {
        let client = register(with(
            &json!({"scope": null, "authorization_details_types": types}),
        ));
        client.map(|client| client.details_types)
    };
    assert_eq!(types(json!(["payment"])), Ok(vec!["payment".to_owned()]));
    assert_eq!(types(json!([])), Err(ClientProblem::Missing("scope")));
    for unknown in ["Payment", "", "other"] {
        let expected = ClientProblem::UnknownDetailsType(unknown.to_owned());
        assert_eq!(types(json!(["payment", unknown])), Err(expected));
    }
}

// RFC 7591 §2 and §2.1, RFC 6749 §4.4.3.
#[test]
fn grants_that_do_not_go_together_are_refused() {
    use ClientProblem as P;
    for (changes, expected) in [
        (json!({"grant_types": ["refresh_token"]}), P::GrantTypes),
        (
            json!({"grant_types": ["authorization_code", "password"]}),
            P::GrantTypes,
        ),
        (json!({"grant_types": []}), P::GrantTypes),
        (
            json!({"grant_types": ["client_credentials", "refresh_token"]}),
            P::GrantTypes,
        ),
        (
            json!({"grant_types": ["client_credentials"], "response_types": ["code"]}),
            P::ResponseTypes,
        ),
        (
            json!({"grant_types": ["authorization_code", "client_credentials"], "redirect_uris": []}),
            P::Missing("redirect_uris"),
        ),
        (
            json!({"grant_types": ["client_credentials"], "redirect_uris": ["/cb"]}),
            P::RedirectUri {
                uri: "/cb".to_owned(),
                problem: InvalidRedirectUri::Malformed,
            },
        ),
        (
            json!({"response_types": ["code id_token"]}),
            P::ResponseTypes,
        ),
        (json!({"response_types": []}), P::ResponseTypes),
    ] {
        assert_eq!(register(with(&changes)).unwrap_err(), expected, "{changes}");
    }
}
