//! Introspection by resource servers (RFC 7662, RFC 9701).

use axum::body::Body;
use http::{Request, header};
use serde_json::{Value, json};
use tower_fapi::{
    authorization_server::{ConfigError, ResourceMetadata, ResourceProblem},
    jose::{
        CompactJws, JwkSet, JwsAlgorithm, SigningKey, VerifyingKeySet,
        jwe::{AcceptedEncryption, DecryptionKey, DecryptionKeys, JweAlgorithm, decrypt},
    },
    testing::Document,
};

use crate::{
    certificates::Certificate,
    configuration::builder,
    world::{
        API, ISSUER, JWT_BEARER, OTHER_API, Parameters, Reply, World, changed, claims_of, form,
        over, post,
    },
};

pub const INTROSPECT: &str = "https://as.example/introspect";
const MTLS_INTROSPECT: &str = "https://mtls.as.example/introspect";
pub const JWT: &str = "application/token-introspection+jwt";

/// A resource server that authenticates with a key.
pub struct Asking {
    pub key: SigningKey,
    pub id: &'static str,
}

/// A world whose usual resource server asks as `api`, with these members more or other.
pub fn api(changes: &Value) -> (World, Asking) {
    let asking = Asking::new("api");
    let metadata = asking.metadata(changes);
    (World::with(|builder| builder.resource(metadata)), asking)
}

impl Asking {
    pub fn new(id: &'static str) -> Self {
        let key = SigningKey::generate(JwsAlgorithm::Es256).unwrap();
        Self { key, id }
    }

    pub fn metadata(&self, changes: &Value) -> ResourceMetadata {
        let mut metadata = json!({
            "resource": API,
            "client_id": self.id,
            "token_endpoint_auth_method": "private_key_jwt",
            "jwks": { "keys": [self.key.public().to_members()] },
        });
        for (name, value) in changes.as_object().unwrap() {
            metadata[name] = value.clone();
        }
        serde_json::from_value(metadata).unwrap()
    }

    pub fn parameters(&self, world: &World, token: &str) -> Parameters {
        let claims = Value::Object(world.claims(self.id)).to_string();
        let assertion = Document::sign_texts(&self.key, r#"{"alg":"ES256"}"#, &claims);
        form([
            ("token", token),
            ("client_id", self.id),
            ("client_assertion_type", JWT_BEARER),
            ("client_assertion", &assertion),
        ])
    }

    pub async fn ask(&self, world: &World, token: &str) -> Reply {
        let request = post(INTROSPECT, &self.parameters(world, token));
        world.send(request).await
    }

    pub async fn signed(&self, world: &World, token: &str) -> Reply {
        let request = post(INTROSPECT, &self.parameters(world, token));
        world.send(accepting(request, JWT)).await
    }

    /// Whether the token is active; of one that is not, nothing else may be said (RFC 7662 §2.2).
    pub async fn active(&self, world: &World, token: &str) -> bool {
        let reply = self.ask(world, token).await;
        assert_eq!(reply.status, 200, "{reply:?}");
        assert_eq!(reply.header("cache-control"), Some("no-store"));
        let body = reply.json();
        let active = body["active"].as_bool().unwrap();
        assert!(active || body == json!({"active": false}), "{body}");
        active
    }
}

pub fn accepting(mut request: Request<Body>, accept: &str) -> Request<Body> {
    let value = accept.parse().unwrap();
    request.headers_mut().insert(header::ACCEPT, value);
    request
}

/// The claims of an answer that the server has signed (RFC 9701 §5).
fn verified(world: &World, jwt: &str) -> Value {
    let keys: JwkSet = world
        .keys
        .public_jwks(world.now())
        .to_string()
        .parse()
        .unwrap();
    let jws = CompactJws::parse(jwt).unwrap();
    let header = jws.header().unwrap();
    assert!(header.is_typ("token-introspection+jwt"));
    jws.verify_with(&header, &VerifyingKeySet::new(&keys))
        .unwrap();
    claims_of(jwt)
}

// RFC 7662 §2.2, RFC 9449 §6.2, RFC 9470 §6.2, RFC 9396 §9.2.
#[tokio::test]
async fn a_resource_server_learns_what_its_token_says() {
    let (world, asking) = api(&json!({}));
    let details = json!([{
        "type": "payment_initiation",
        "instructedAmount": {"currency": "EUR", "amount": "1.00"},
        "creditorName": "Bob",
        "creditorAccount": {"iban": "DE02100100109307118603"},
    }]);
    let [token, _] = world
        .tokens(&[("authorization_details", &details.to_string())])
        .await;
    let reply = asking.ask(&world, &token).await;
    assert_eq!(reply.header("cache-control"), Some("no-store"));
    let body = reply.json();
    let mut expected = claims_of(&token);
    expected["active"] = true.into();
    expected["token_type"] = "DPoP".into();
    assert_eq!(body, expected);
    for name in [
        "iss",
        "sub",
        "aud",
        "client_id",
        "iat",
        "exp",
        "jti",
        "scope",
        "acr",
        "auth_time",
    ] {
        assert!(body.get(name).is_some(), "{name}");
    }
    assert_eq!(body["cnf"]["jkt"], world.dpop.thumbprint().to_string());
    assert_eq!(body["authorization_details"][0]["creditorName"], "Bob");
}

// RFC 8705 §3.2.
#[tokio::test]
async fn a_token_bound_to_a_certificate_is_described_so() {
    let (world, asking) = api(&json!({}));
    let code = world.code("certificate-bound", &[]).await;
    let redemption = world.redemption("certificate-bound", &code);
    let request = post(crate::world::TOKEN, &redemption);
    let reply = world.send(over(request, &world.certificate)).await;
    let body = asking.ask(&world, &reply.text("access_token")).await.json();
    assert_eq!(body["token_type"], "Bearer");
    assert_eq!(
        body["cnf"],
        json!({"x5t#S256": world.certificate.thumbprint()})
    );
}

// RFC 7662 §2.2 and §4, RFC 9701 §5: expired, for somebody else, no access token, or not ours.
#[tokio::test]
async fn of_everything_else_it_learns_nothing() {
    let (world, asking) = api(&json!({}));
    let [token, refresh_token] = world.tokens(&[]).await;
    let [elsewhere, _] = world.tokens(&[("resource", OTHER_API)]).await;
    let stranger = SigningKey::generate(JwsAlgorithm::Es256).unwrap();
    let kid = world.keys.public_jwks(world.now())["keys"][0]["kid"].clone();
    let header = json!({"alg": "ES256", "typ": "at+jwt", "kid": kid}).to_string();
    let forged = Document::sign_texts(&stranger, &header, &claims_of(&token).to_string());
    let answer = asking.signed(&world, &token).await.body;
    let (signed, _) = token.rsplit_once('.').unwrap();
    for (case, text) in [
        ("for another resource server", elsewhere.as_str()),
        ("a refresh token", &refresh_token),
        ("forged", &forged),
        ("an answer of ours", &answer),
        ("without its signature", signed),
        ("an empty signature", &format!("{signed}.")),
        ("made up", "2YotnFZFEjr1zCsicMWpAA"),
        ("shaped like an encrypted one", "a.b.c.d.e"),
        ("no text of a token", "é\u{0}\"<>"),
    ] {
        assert!(!asking.active(&world, text).await, "{case}");
    }
    for hint in ["refresh_token", "nonsense"] {
        let parameters = asking.parameters(&world, &token);
        let parameters = changed(parameters, &[("token_type_hint", hint)]);
        let reply = world.send(post(INTROSPECT, &parameters)).await;
        assert_eq!(reply.json()["active"], true, "{hint}");
    }
    world.advance(299);
    assert!(asking.active(&world, &token).await);
    world.advance(1);
    assert!(!asking.active(&world, &token).await, "expired");
}

// RFC 7662 §2.1 and §2.3; RFC 9701 §5 (Note) and §8.2.
#[tokio::test]
async fn who_does_not_authenticate_as_a_resource_server_learns_nothing() {
    let (world, asking) = api(&json!({}));
    let [token, _] = world.tokens(&[]).await;
    let nothing = [("client_assertion", ""), ("client_assertion_type", "")];
    let unnamed = [nothing[0], nothing[1], ("client_id", "")];
    let stranger = Asking::new("api").parameters(&world, &token);
    let stolen = stranger.iter().find(|(name, _)| name == "client_assertion");
    let stolen = stolen.unwrap().1.as_str();
    for (changes, status, error) in [
        (&nothing[..], 400, "invalid_request"),
        (&unnamed, 400, "invalid_request"),
        (&[("client_assertion", stolen)], 401, "invalid_client"),
        (&[("client_assertion", "x.y.z")], 401, "invalid_client"),
        (&[("client_id", "dpop")], 401, "invalid_client"),
        (&[("client_secret", "s")], 400, "invalid_request"),
        (
            &[("client_secret", "s"), nothing[0], nothing[1]],
            401,
            "invalid_client",
        ),
        (&[("token", "")], 400, "invalid_request"),
    ] {
        let parameters = changed(asking.parameters(&world, &token), changes);
        let reply = world.send(post(INTROSPECT, &parameters)).await;
        assert_eq!(reply.refusal(), (status, error.to_owned()), "{changes:?}");
    }
    // A client is no resource server, not even for its own token.
    let mut parameters = world.authentication("dpop");
    parameters.extend(form([("token", &token)]));
    let reply = world.send(post(INTROSPECT, &parameters)).await;
    assert_eq!(reply.refusal(), (401, "invalid_client".to_owned()));
    // RFC 7523 §3: once.
    let parameters = asking.parameters(&world, &token);
    let again = async || world.send(post(INTROSPECT, &parameters)).await;
    assert_eq!(again().await.status, 200);
    assert_eq!(again().await.refusal(), (401, "invalid_client".to_owned()));
    // RFC 7662 §4: no GET, so that tokens stay out of logs.
    let url = format!("{INTROSPECT}?token={token}");
    let get = Request::get(url).body(Body::empty()).unwrap();
    assert_eq!(world.send(get).await.status, 405);
    // Nor can it push requests or get tokens (RFC 9701 §3).
    for url in [crate::world::PAR, crate::world::TOKEN] {
        let reply = world.send(post(url, &asking.parameters(&world, "x"))).await;
        assert_eq!(reply.refusal(), (401, "invalid_client".to_owned()), "{url}");
    }
}

// RFC 8705 §2.1, §2.2 and §5.
#[tokio::test]
async fn a_resource_server_can_come_with_a_certificate() {
    let registered = Certificate::self_signed("api");
    let mut jwk = registered.jwk();
    jwk["x5c"] = json!([registered.base64()]);
    let by_itself = json!({
        "token_endpoint_auth_method": "self_signed_tls_client_auth",
        "jwks": { "keys": [jwk] },
    });
    let by_subject = json!({
        "token_endpoint_auth_method": "tls_client_auth",
        "jwks": null,
        "tls_client_auth_subject_dn": "CN=api,O=Example,C=DE",
    });
    for (metadata, is_by_subject) in [(by_itself, false), (by_subject, true)] {
        let (world, _) = api(&metadata);
        let issued = world.authority.issue("api");
        let right = if is_by_subject { &issued } else { &registered };
        let [token, _] = world.tokens(&[]).await;
        let asked = form([("client_id", "api"), ("token", &token)]);
        for url in [INTROSPECT, MTLS_INTROSPECT] {
            let reply = world.send(over(post(url, &asked), right)).await;
            assert_eq!(reply.json()["active"], true, "{url}");
        }
        for wrong in [&world.certificate, &world.self_signed] {
            let reply = world.send(over(post(MTLS_INTROSPECT, &asked), wrong)).await;
            assert_eq!(reply.refusal(), (401, "invalid_client".to_owned()));
        }
        let without = world.send(post(MTLS_INTROSPECT, &asked)).await;
        assert_eq!(without.refusal(), (400, "invalid_request".to_owned()));
    }
}

// RFC 9701 §4 and §5.
#[tokio::test]
async fn an_answer_is_signed_where_that_is_asked_for() {
    let (world, asking) = api(&json!({"introspection_signed_response_alg": "ES256"}));
    let [token, _] = world.tokens(&[]).await;
    for (text, active) in [(token.as_str(), true), ("made-up", false)] {
        let reply = asking.signed(&world, text).await;
        assert_eq!(reply.status, 200, "{reply:?}");
        assert_eq!(reply.header("content-type"), Some(JWT));
        assert_eq!(reply.header("cache-control"), Some("no-store"));
        let claims = verified(&world, &reply.body);
        assert_eq!(claims["iss"], ISSUER);
        assert_eq!(claims["aud"], "api");
        assert_eq!(claims["iat"], world.now().as_unix());
        assert_eq!(claims["token_introspection"]["active"], active);
        // It must not do for an access token.
        for name in ["sub", "exp", "client_id", "scope", "cnf"] {
            assert!(claims.get(name).is_none(), "{name}");
        }
        if active {
            assert_eq!(claims["token_introspection"]["sub"], "subject-1");
        } else {
            assert_eq!(claims["token_introspection"], json!({"active": false}));
        }
    }
    for accept in ["*/*", "application/json", "application/jwt"] {
        let request = post(INTROSPECT, &asking.parameters(&world, &token));
        let reply = world.send(accepting(request, accept)).await;
        assert_eq!(reply.json()["active"], true, "{accept}");
    }
}

// RFC 9701 §5 and §6: a nested JWT, and nothing in the clear.
#[tokio::test]
async fn an_answer_is_encrypted_to_who_registered_for_it() {
    let keys = DecryptionKeys::new([DecryptionKey::generate(JweAlgorithm::EcdhEsA256Kw).unwrap()]);
    let asking = Asking::new("api");
    let mut set = serde_json::to_value(keys.public()).unwrap();
    let own = Value::Object(asking.key.public().to_members());
    set["keys"].as_array_mut().unwrap().push(own);
    let metadata = asking.metadata(&json!({
        "jwks": set,
        "introspection_encrypted_response_alg": "ECDH-ES+A256KW",
        "introspection_encrypted_response_enc": "A256GCM",
    }));
    let world = World::with(|builder| builder.resource(metadata));
    let [token, _] = world.tokens(&[]).await;
    for (text, active) in [(token.as_str(), true), ("made-up", false)] {
        let reply = asking.signed(&world, text).await;
        assert_eq!(reply.header("content-type"), Some(JWT));
        let opened = decrypt(&reply.body, &keys, &AcceptedEncryption::default()).unwrap();
        assert!(opened.header.is_cty("JWT"));
        assert_eq!(opened.header.encryption().as_str(), "A256GCM");
        let signed = String::from_utf8(opened.plaintext.to_vec()).unwrap();
        let claims = verified(&world, &signed);
        assert_eq!(claims["token_introspection"]["active"], active);
    }
    for accept in ["application/json", "*/*", ""] {
        let request = post(INTROSPECT, &asking.parameters(&world, &token));
        let reply = world.send(accepting(request, accept)).await;
        assert_eq!(reply.refusal(), (400, "invalid_request".to_owned()));
    }
}

// RFC 7662 §2.1, RFC 7009 §2.1: the server could not read such a token itself.
#[tokio::test]
async fn a_token_that_only_the_resource_server_can_read_is_known_all_the_same() {
    let keys = DecryptionKeys::new([DecryptionKey::generate(JweAlgorithm::EcdhEs).unwrap()]);
    let asking = Asking::new("api");
    let mut set = serde_json::to_value(keys.public()).unwrap();
    let own = Value::Object(asking.key.public().to_members());
    set["keys"].as_array_mut().unwrap().push(own);
    let metadata = asking.metadata(&json!({
        "jwks": set,
        "access_token_encrypted_response_alg": "ECDH-ES",
    }));
    let world = World::with(|builder| builder.resource(metadata));
    let [token, refresh_token] = world.tokens(&[]).await;
    let second = world.refreshed("dpop", &refresh_token).await;
    let second = second.text("access_token");
    let opened = decrypt(&token, &keys, &AcceptedEncryption::default()).unwrap();
    let inside = String::from_utf8(opened.plaintext.to_vec()).unwrap();
    let body = asking.ask(&world, &token).await.json();
    assert_eq!(body["jti"], claims_of(&inside)["jti"]);
    assert_eq!(body["active"], true);
    let mut altered = token.clone();
    altered.push('A');
    assert!(!asking.active(&world, &altered).await);
    assert_eq!(
        world.revoke("other", &token, &[]).await.refusal(),
        (400, "invalid_request".to_owned())
    );
    assert_eq!(world.revoke("dpop", &token, &[]).await.status, 200);
    // As it was sent, and as it was inside.
    assert!(!asking.active(&world, &token).await);
    assert!(!asking.active(&world, &inside).await);
    assert!(asking.active(&world, &second).await);
    world.advance(300);
    assert!(!asking.active(&world, &second).await);
}

// Without anybody who may ask there is nothing to ask at.
#[tokio::test]
async fn there_is_no_endpoint_without_somebody_who_may_ask() {
    let world = World::new();
    let [token, _] = world.tokens(&[]).await;
    let asking = Asking::new("api");
    assert_eq!(asking.ask(&world, &token).await.status, 404);
}

#[test]
fn a_resource_server_that_asks_is_registered_soundly() {
    let asking = Asking::new("api");
    let refused = |changes: Value| {
        let builder = builder().resource(asking.metadata(&changes));
        match builder.build().unwrap_err() {
            ConfigError::Resource(refused) => refused.problem,
            other => panic!("{other:?}"),
        }
    };
    let nobody = Value::Null;
    for name in [
        "introspection_signed_response_alg",
        "token_endpoint_auth_signing_alg",
    ] {
        let problem = refused(json!({
            "client_id": null, "token_endpoint_auth_method": nobody, name: "ES256",
        }));
        assert_eq!(problem, ResourceProblem::NoMethod(name));
    }
    let problem = refused(json!({"token_endpoint_auth_method": nobody}));
    assert_eq!(problem, ResourceProblem::NoMethod("client_id"));
    // RFC 9701 §6: `enc` "MUST NOT be specified without" `alg`.
    let problem = refused(json!({"introspection_encrypted_response_enc": "A256GCM"}));
    assert_eq!(problem, ResourceProblem::EncryptionWithoutAlgorithm);
    let problem = refused(json!({"introspection_encrypted_response_alg": "RSA-OAEP-256"}));
    assert_eq!(problem, ResourceProblem::NoUsableKey);
    let problem = refused(json!({"introspection_encrypted_response_alg": "dir"}));
    assert_eq!(problem, ResourceProblem::SharedKey);
    let problem = refused(json!({"introspection_signed_response_alg": "PS256"}));
    assert_eq!(problem, ResourceProblem::NoSigningKey(JwsAlgorithm::Ps256));
    for changes in [
        json!({"client_id": ""}),
        json!({"client_id": "é"}),
        json!({"jwks": null}),
        json!({"jwks": {"keys": []}}),
        json!({"token_endpoint_auth_signing_alg": "PS256"}),
        json!({"tls_client_auth_subject_dn": "CN=api"}),
        json!({"token_endpoint_auth_method": "self_signed_tls_client_auth"}),
    ] {
        let problem = refused(changes.clone());
        assert!(
            matches!(problem, ResourceProblem::Authentication(_)),
            "{changes}: {problem:?}"
        );
    }
    let twice = builder()
        .resource(asking.metadata(&json!({})))
        .resource(asking.metadata(&json!({"resource": OTHER_API})));
    let by_subject = builder().resource(asking.metadata(&json!({
        "token_endpoint_auth_method": "tls_client_auth",
        "tls_client_auth_subject_dn": "CN=api",
    })));
    assert!(matches!(
        twice.build(),
        Err(ConfigError::Resource(refused)) if refused.problem == ResourceProblem::ClientIdTaken("api".into())
    ));
    assert_eq!(
        by_subject.build().unwrap_err(),
        ConfigError::NoAuthority("api".to_owned())
    );
    for name in ["client_secret", "introspection_endpoint_auth_method"] {
        let read = serde_json::from_value::<ResourceMetadata>(json!({"resource": API, name: "x"}));
        assert!(read.is_err(), "{name}");
    }
}

// RFC 8414 §2, RFC 9701 §7, RFC 8705 §5.
#[tokio::test]
async fn the_metadata_say_how_to_ask() {
    let (world, _) = api(&json!({}));
    let url = "https://as.example/.well-known/oauth-authorization-server";
    let get = Request::get(url).body(Body::empty()).unwrap();
    let document = world.send(get).await.json();
    for (name, expected) in [
        ("introspection_endpoint", json!(INTROSPECT)),
        (
            "introspection_endpoint_auth_methods_supported",
            json!([
                "private_key_jwt",
                "tls_client_auth",
                "self_signed_tls_client_auth"
            ]),
        ),
        (
            "introspection_endpoint_auth_signing_alg_values_supported",
            json!(["PS256", "ES256", "EdDSA"]),
        ),
        (
            "introspection_signing_alg_values_supported",
            json!(["ES256"]),
        ),
        (
            "introspection_encryption_enc_values_supported",
            json!(["A128GCM", "A256GCM", "A128CBC-HS256", "A256CBC-HS512"]),
        ),
    ] {
        assert_eq!(document[name], expected, "{name}");
    }
    let algorithms = document["introspection_encryption_alg_values_supported"]
        .as_array()
        .unwrap();
    assert!(algorithms.contains(&json!("ECDH-ES+A256KW")));
    for shared in ["dir", "A128KW", "A256KW", "A256GCMKW", "RSA1_5"] {
        assert!(!algorithms.contains(&json!(shared)), "{shared}");
    }
    assert_eq!(
        document["mtls_endpoint_aliases"]["introspection_endpoint"],
        MTLS_INTROSPECT
    );
}
