//! What the server tells the world about itself (RFC 8414, OpenID Connect Discovery, RFC 7517).

use std::sync::Arc;

use axum::extract::State;
use http::{HeaderValue, Response, header};
use serde_json::{Map, Value, json};

use super::{
    clients::{Binding, ClientAuthenticationMethod, Credential, FapiProfile},
    endpoints::Endpoint,
    keys::{EncryptionKeys, JWKS_MAX_AGE},
    response_type::ResponseType,
    sealing::has_public_key,
    server::Server,
    token::GRANT_TYPES,
};
use crate::{
    jose::{
        JwkSet, JwsAlgorithm,
        jwe::{ContentEncryption, JweAlgorithm},
    },
    time::Timestamp,
};

/// `GET` of the metadata document at either of its places.
pub(crate) async fn metadata(State(server): State<Arc<Server>>) -> Response<String> {
    public(&Value::Object(document(&server)), "application/json")
}

/// `GET` of the public keys.
pub(crate) async fn jwks(State(server): State<Arc<Server>>) -> Response<String> {
    let now = server.clock.now();
    let signing = server.keys.published(now);
    let encryption = server.decryption.as_ref().map(|keys| keys.published(now));
    let encryption = encryption.unwrap_or_default();
    let all = signing.keys().iter().chain(encryption.keys()).cloned();
    public(&json!(JwkSet::new(all)), "application/jwk-set+json")
}

fn document(server: &Server) -> Map<String, Value> {
    let endpoints = &server.endpoints;
    let algorithms = JwsAlgorithm::ALL.map(JwsAlgorithm::as_str);
    let signing: Vec<&str> = server
        .keys
        .algorithms(server.clock.now())
        .into_iter()
        .map(JwsAlgorithm::as_str)
        .collect();
    let scopes: Vec<&str> = server
        .scopes
        .iter()
        .map(|scope| scope.name.as_str())
        .collect();
    let mut document = Map::new();
    for (name, value) in [
        ("issuer", json!(endpoints.issuer())),
        (
            "authorization_endpoint",
            json!(endpoints.url(Endpoint::Authorization)),
        ),
        ("token_endpoint", json!(endpoints.url(Endpoint::Token))),
        (
            "pushed_authorization_request_endpoint",
            json!(endpoints.url(Endpoint::PushedRequests)),
        ),
        (
            "require_pushed_authorization_requests",
            json!(
                server
                    .clients
                    .clients()
                    .iter()
                    .all(|client| client.must_push)
            ),
        ),
        ("jwks_uri", json!(endpoints.url(Endpoint::Jwks))),
        ("scopes_supported", json!(scopes)),
        ("response_types_supported", json!(response_types(server))),
        ("response_modes_supported", json!(response_modes(server))),
        ("grant_types_supported", json!(GRANT_TYPES)),
        (
            "token_endpoint_auth_methods_supported",
            json!(methods(server)),
        ),
        (
            "token_endpoint_auth_signing_alg_values_supported",
            json!(algorithms),
        ),
        (
            "revocation_endpoint",
            json!(endpoints.url(Endpoint::Revocation)),
        ),
        (
            "revocation_endpoint_auth_methods_supported",
            json!(methods(server)),
        ),
        (
            "revocation_endpoint_auth_signing_alg_values_supported",
            json!(algorithms),
        ),
        (
            "end_session_endpoint",
            json!(endpoints.url(Endpoint::EndSession)),
        ),
        ("code_challenge_methods_supported", json!(["S256"])),
        (
            "authorization_response_iss_parameter_supported",
            json!(true),
        ),
        (
            "dpop_signing_alg_values_supported",
            json!(proof_algorithms(server)),
        ),
        (
            "tls_client_certificate_bound_access_tokens",
            json!(knows_certificates(server)),
        ),
        ("acr_values_supported", json!(server.acr_values())),
        (
            "prompt_values_supported",
            json!(["none", "login", "consent", "select_account"]),
        ),
        // Of OpenID Connect's own requests by reference; a `request_uri` that was pushed works (RFC 9126 §5).
        ("request_uri_parameter_supported", json!(false)),
        ("claims_parameter_supported", json!(server.offers_openid())),
        // Required by OpenID Connect Discovery §3 and true as far as they go: `sub` is the same for every client, and
        // everything that is signed is signed so. Where there are no ID tokens, the scope `openid` is missing.
        ("subject_types_supported", json!(["public"])),
        ("id_token_signing_alg_values_supported", json!(signing)),
    ] {
        document.insert(name.to_owned(), value);
    }
    document.extend(messages(server));
    document.extend(as_configured(server));
    // RFC 8414 §3.2: a list without elements is left out.
    document.retain(|_, value| value.as_array().is_none_or(|list| !list.is_empty()));
    document
}

/// What there is only if the server is configured for it.
fn as_configured(server: &Server) -> Map<String, Value> {
    let mut document = Map::new();
    if server.offers_openid() {
        document.extend(about_openid(server));
    }
    if let Some(keys) = &server.decryption {
        document.extend(about_encrypted_requests(keys, server.clock.now()));
    }
    if !server.details_types.is_empty() {
        let types: Vec<&str> = server.details_types.names().collect();
        document.insert(
            "authorization_details_types_supported".to_owned(),
            json!(types),
        );
    }
    if introspects(server) {
        document.extend(about_introspection(server));
    }
    let aliases = aliases(server);
    if !aliases.is_empty() {
        document.insert("mtls_endpoint_aliases".to_owned(), aliases.into());
    }
    document
}

/// What OpenID Connect Discovery §3 adds for clients with the scope `openid`.
fn about_openid(server: &Server) -> [(String, Value); 9] {
    let signing = server.keys.algorithms(server.clock.now());
    let signing: Vec<&str> = signing.into_iter().map(JwsAlgorithm::as_str).collect();
    [
        (
            "userinfo_endpoint",
            json!(server.endpoints.url(Endpoint::UserInfo)),
        ),
        ("userinfo_signing_alg_values_supported", json!(signing)),
        (
            "userinfo_encryption_alg_values_supported",
            json!(encryption_algorithms()),
        ),
        (
            "userinfo_encryption_enc_values_supported",
            json!(ContentEncryption::ALL.map(ContentEncryption::as_str)),
        ),
        ("claim_types_supported", json!(["normal"])),
        ("claims_supported", json!(server.claims_supported())),
        ("display_values_supported", json!(["page"])),
        (
            "id_token_encryption_alg_values_supported",
            json!(encryption_algorithms()),
        ),
        (
            "id_token_encryption_enc_values_supported",
            json!(ContentEncryption::ALL.map(ContentEncryption::as_str)),
        ),
    ]
    .map(|(name, value)| (name.to_owned(), value))
}

/// The ways for a key to reach somebody who has published theirs.
fn encryption_algorithms() -> Vec<&'static str> {
    JweAlgorithm::ALL
        .into_iter()
        .filter(|algorithm| has_public_key(*algorithm))
        .map(JweAlgorithm::as_str)
        .collect()
}

/// What every client can be registered for, and what some are (RFC 8414 §2).
fn response_types(server: &Server) -> Vec<&'static str> {
    let clients = server.clients.clients().iter();
    let mut all = vec![ResponseType::Code];
    for response_type in clients.flat_map(|client| &client.response_types) {
        if !all.contains(response_type) {
            all.push(*response_type);
        }
    }
    all.into_iter().map(ResponseType::as_str).collect()
}

/// The modes that go with these.
fn response_modes(server: &Server) -> Vec<&'static str> {
    let clients = server.clients.clients().iter();
    let mut all = FapiProfile::default()
        .response_modes(ResponseType::Code)
        .to_vec();
    for client in clients {
        let modes = client.response_types.iter();
        for mode in modes.flat_map(|it| client.profile.response_modes(*it)) {
            if !all.contains(mode) {
                all.push(mode);
            }
        }
    }
    all
}

fn introspects(server: &Server) -> bool {
    server.resources.inquirers().next().is_some()
}

/// Where clients and resource servers with a certificate go instead (RFC 8705 §5).
fn aliases(server: &Server) -> Map<String, Value> {
    let mut aliases = Map::new();
    for (name, endpoint, exists) in [
        ("token_endpoint", Endpoint::Token, true),
        (
            "pushed_authorization_request_endpoint",
            Endpoint::PushedRequests,
            true,
        ),
        ("revocation_endpoint", Endpoint::Revocation, true),
        (
            "introspection_endpoint",
            Endpoint::Introspection,
            introspects(server),
        ),
        (
            "userinfo_endpoint",
            Endpoint::UserInfo,
            server.offers_openid(),
        ),
    ] {
        if let Some(alias) = server.endpoints.mtls_url(endpoint).filter(|_| exists) {
            aliases.insert(name.to_owned(), alias.into());
        }
    }
    aliases
}

/// The members of RFC 8414 §2 and RFC 9701 §7 for resource servers that ask about tokens.
fn about_introspection(server: &Server) -> Map<String, Value> {
    let signing: Vec<&str> = server
        .keys
        .algorithms(server.clock.now())
        .into_iter()
        .map(JwsAlgorithm::as_str)
        .collect();
    let members = [
        (
            "introspection_endpoint",
            json!(server.endpoints.url(Endpoint::Introspection)),
        ),
        (
            "introspection_endpoint_auth_methods_supported",
            json!(methods(server)),
        ),
        (
            "introspection_endpoint_auth_signing_alg_values_supported",
            json!(JwsAlgorithm::ALL.map(JwsAlgorithm::as_str)),
        ),
        ("introspection_signing_alg_values_supported", json!(signing)),
        (
            "introspection_encryption_alg_values_supported",
            json!(encryption_algorithms()),
        ),
        (
            "introspection_encryption_enc_values_supported",
            json!(ContentEncryption::ALL.map(ContentEncryption::as_str)),
        ),
    ];
    members
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

/// The methods that clients can be registered with. Without a certificate authority none can be identified by the
/// subject of its certificate.
fn methods(server: &Server) -> Vec<&'static str> {
    ClientAuthenticationMethod::ALL
        .into_iter()
        .filter(|method| match method {
            ClientAuthenticationMethod::PrivateKeyJwt => true,
            ClientAuthenticationMethod::TlsClientAuth => server.clients.has_authorities(),
            ClientAuthenticationMethod::SelfSignedTlsClientAuth => knows_certificates(server),
        })
        .map(ClientAuthenticationMethod::as_str)
        .collect()
}

/// Whether client certificates reach the server, as far as it can know: it has a place or a use for them.
fn knows_certificates(server: &Server) -> bool {
    server.endpoints.mtls_url(Endpoint::Token).is_some()
        || server.clients.has_authorities()
        || server.clients.clients().iter().any(|client| {
            client.binding == Binding::Certificate
                || client.method() == ClientAuthenticationMethod::SelfSignedTlsClientAuth
        })
        || server
            .resources
            .inquirers()
            .any(|inquirer| !matches!(inquirer.credential, Credential::Assertion { .. }))
}

/// Signed requests and responses (RFC 9101 §10.5, JARM §4).
fn messages(server: &Server) -> [(String, Value); 6] {
    let signing = server.keys.algorithms(server.clock.now());
    let signing: Vec<&str> = signing.into_iter().map(JwsAlgorithm::as_str).collect();
    let encryptions = ContentEncryption::ALL.map(ContentEncryption::as_str);
    [
        ("request_parameter_supported", json!(true)),
        (
            "request_object_signing_alg_values_supported",
            json!(JwsAlgorithm::ALL.map(JwsAlgorithm::as_str)),
        ),
        (
            "require_signed_request_object",
            json!(requires_request_objects(server)),
        ),
        ("authorization_signing_alg_values_supported", json!(signing)),
        (
            "authorization_encryption_alg_values_supported",
            json!(encryption_algorithms()),
        ),
        (
            "authorization_encryption_enc_values_supported",
            json!(encryptions),
        ),
    ]
    .map(|(name, value)| (name.to_owned(), value))
}

/// What requests can be encrypted with (RFC 9101 §4, OpenID Connect Discovery §3).
fn about_encrypted_requests(keys: &EncryptionKeys, now: Timestamp) -> [(String, Value); 2] {
    let algorithms = keys.algorithms(now);
    let algorithms: Vec<_> = algorithms.into_iter().map(JweAlgorithm::as_str).collect();
    let encryptions = ContentEncryption::ALL.map(ContentEncryption::as_str);
    [
        (
            "request_object_encryption_alg_values_supported",
            json!(algorithms),
        ),
        (
            "request_object_encryption_enc_values_supported",
            json!(encryptions),
        ),
    ]
    .map(|(name, value)| (name.to_owned(), value))
}

/// Whether nobody may send a request that is not signed (RFC 9101 §10.5).
fn requires_request_objects(server: &Server) -> bool {
    let clients = server.clients.clients();
    let mut required = clients
        .iter()
        .map(|client| client.messages.request_object_required);
    clients.iter().next().is_some() && required.all(|required| required)
}

fn proof_algorithms(server: &Server) -> Vec<&'static str> {
    let accepted = &server.proofs.policy().algorithms;
    accepted
        .iter()
        .map(|algorithm| algorithm.as_str())
        .collect()
}

/// A document that anybody may read and keep for a while: shorter than a new key is known before it is used.
fn public(body: &Value, media_type: &'static str) -> Response<String> {
    let mut response = Response::new(body.to_string());
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    let caching = format!("public, max-age={}", JWKS_MAX_AGE.as_secs());
    if let Ok(caching) = HeaderValue::from_str(&caching) {
        headers.insert(header::CACHE_CONTROL, caching);
    }
    response
}
