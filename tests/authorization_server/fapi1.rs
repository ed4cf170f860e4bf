//! Clients of FAPI 1.0 Advanced: what is different for them, and for nobody else.

use std::time::Duration;

use serde_json::{Map, Value, json};
use tower_fapi::{
    authorization_server::{
        ClientMetadata, ClientProblem, ConfigError, FapiProfile, ScopeDescription, SigningKeys,
        store::{Record, RecordKey, RecordKind, Store as _},
    },
    jose::{CompactJws, JwsAlgorithm, PrivateJwk, SigningKey},
    testing::Document,
};

use crate::{
    certificates::Certificate,
    world::{
        CALLBACK, ISSUER, MTLS_PAR, MTLS_TOKEN, PAR, Reply, TOKEN, World, changed, form, over, post,
    },
};

/// The client under test, and one that is registered the same but for its profile.
pub const FAPI1: &str = "fapi1";
pub const FAPI2: &str = "twin";

/// Metadata of the client under test.
pub fn metadata(key: &SigningKey, changes: &Value) -> Value {
    let mut metadata = json!({
        "client_id": FAPI1,
        "fapi_profile": "fapi1_advanced",
        "redirect_uris": [CALLBACK],
        "token_endpoint_auth_method": "private_key_jwt",
        "jwks": { "keys": [key.public().to_members()] },
        "scope": "accounts payments",
        "grant_types": ["authorization_code", "refresh_token"],
        "tls_client_certificate_bound_access_tokens": true,
    });
    for (name, value) in changes.as_object().unwrap() {
        metadata[name] = value.clone();
    }
    metadata
}

/// A world with both clients, which sign with the same key.
pub fn world() -> World {
    world_with(&json!({}))
}

/// The same, with members of both clients' metadata replaced.
pub fn world_with(changes: &Value) -> World {
    let key = PrivateJwk::generate(JwsAlgorithm::Es256).unwrap();
    let key = || SigningKey::new(&key).unwrap();
    let fapi1: ClientMetadata = serde_json::from_value(metadata(&key(), changes)).unwrap();
    let mut fapi2 = fapi1.clone();
    FAPI2.clone_into(&mut fapi2.client_id);
    fapi2.fapi_profile = FapiProfile::Fapi2;
    fapi2.response_types = None;
    let mut world = World::with(|builder| builder.client(fapi1).client(fapi2));
    world.client_key = key();
    world
}

/// The claims of a request object.
pub fn claims_in(object: &str) -> Map<String, Value> {
    crate::world::claims_of(object).as_object().unwrap().clone()
}

impl World {
    /// Claims of a request object as a client of FAPI 1.0 sends it, with members replaced or (with null) left out.
    pub fn fapi1_claims(&self, client_id: &str, changes: &Value) -> Map<String, Value> {
        let mut claims = self.request_claims(client_id);
        claims.insert("response_mode".to_owned(), "jwt".into());
        for (name, value) in changes.as_object().unwrap() {
            match value {
                Value::Null => claims.remove(name),
                value => claims.insert(name.clone(), value.clone()),
            };
        }
        claims
    }

    pub fn fapi1_object(&self, client_id: &str, changes: &Value) -> String {
        self.request_object(r#"{"alg":"ES256"}"#, &self.fapi1_claims(client_id, changes))
    }

    async fn push_changed(&self, client_id: &str, changes: &Value) -> Reply {
        self.push_object(client_id, &self.fapi1_object(client_id, changes))
            .await
    }
}

// OpenID Connect Core §9, RFC 9126 §2, RFC 8705 §5; FAPI 2.0 Security Profile §5.3.2.1 for the twin.
#[tokio::test]
async fn an_assertion_may_name_the_server_by_its_endpoints() {
    let world = world();
    let push = async |client: &str, audience: &Value| {
        let mut claims = world.claims(client);
        claims["aud"] = audience.clone();
        let assertion = world.sign(&claims);
        let object = world.fapi1_object(client, &json!({}));
        let parameters = form([
            ("client_assertion_type", crate::world::JWT_BEARER),
            ("client_assertion", &assertion),
            ("request", &object),
        ]);
        world.send(post(PAR, &parameters)).await
    };
    let refused = (401, "invalid_client".to_owned());
    for audience in [
        json!([ISSUER]),
        json!(TOKEN),
        json!(PAR),
        json!(MTLS_TOKEN),
        json!(MTLS_PAR),
        json!([TOKEN]),
        json!([PAR]),
        json!([ISSUER, TOKEN, PAR, MTLS_TOKEN, MTLS_PAR]),
    ] {
        let reply = push(FAPI1, &audience).await;
        assert_eq!(reply.status, 201, "{audience} {reply:?}");
        let reply = push(FAPI2, &audience).await;
        assert_eq!(reply.refusal(), refused, "FAPI 2.0: {audience}");
    }
    for client in [FAPI1, FAPI2] {
        assert_eq!(push(client, &json!(ISSUER)).await.status, 201, "{client}");
        for audience in [
            json!(null),
            json!(""),
            json!([]),
            json!({}),
            json!(1),
            json!("https://as.example/"),
            json!("https://as.example/token/"),
            json!("https://as.example/authorize"),
            json!("https://as.example/revoke"),
            json!("https://as.example/introspect"),
            json!("https://as.example/jwks"),
            json!("https://mtls.as.example"),
            json!("https://other.example/token"),
            json!([ISSUER, 1]),
            json!([ISSUER, "https://other.example"]),
            json!(["https://other.example/token", TOKEN]),
            json!([[ISSUER]]),
        ] {
            let reply = push(client, &audience).await;
            assert_eq!(reply.refusal(), refused, "{client}: {audience}");
        }
    }
}

// FAPI 1.0 Part 2 §5.2.2 nos. 1, 13, 15 and 17; RFC 9126 §2.3.
#[tokio::test]
async fn a_request_is_signed_though_nothing_says_so_in_its_registration() {
    let world = world();
    let mode = [("response_mode", "jwt")];
    let plain = |client| post(PAR, &world.pushed(client, &mode));
    let invalid = (400, "invalid_request".to_owned());
    assert_eq!(world.send(plain(FAPI1)).await.refusal(), invalid);
    assert_eq!(world.send(plain(FAPI2)).await.status, 201);

    let now = world.now().as_unix();
    for (case, changes) in [
        ("no. 13: no exp", json!({"exp": null})),
        ("exp too late", json!({"exp": now + 3601})),
        ("no. 15: no aud", json!({"aud": null})),
        (
            "aud of somebody else",
            json!({"aud": "https://other.example"}),
        ),
        ("an endpoint", json!({"aud": TOKEN})),
        ("an endpoint", json!({"aud": [PAR]})),
        ("no. 17: no nbf", json!({"nbf": null})),
        ("too old", json!({"nbf": now - 3601, "exp": now + 60})),
        ("expired", json!({"nbf": now - 3600, "exp": now})),
        ("of another client", json!({"client_id": FAPI2})),
        ("by another client", json!({"iss": FAPI2})),
    ] {
        let reply = world.push_changed(FAPI1, &changes).await;
        let expected = (400, "invalid_request_object".to_owned());
        assert_eq!(reply.refusal(), expected, "{case}");
    }
    for changes in [
        json!({}),
        json!({"aud": [ISSUER, "https://other.example"]}),
        json!({"iss": null}),
        json!({"nbf": now - 3590, "exp": now + 10}),
    ] {
        let reply = world.push_changed(FAPI1, &changes).await;
        assert_eq!(reply.status, 201, "{changes} {reply:?}");
    }
}

// FAPI 1.0 Part 2 §5.2.2 nos. 2 and 18, Part 1 §5.2.2.3.
#[tokio::test]
async fn what_a_pushed_request_may_ask_for() {
    let world = world();
    for (case, changes, for_fapi2) in [
        (
            "no. 2: no response_mode",
            json!({"response_mode": null}),
            201,
        ),
        ("unsigned", json!({"response_mode": "query"}), 201),
        ("in the fragment", json!({"response_mode": "fragment"}), 400),
        (
            "no. 18: no PKCE",
            json!({"code_challenge": null, "code_challenge_method": null}),
            400,
        ),
        ("plain PKCE", json!({"code_challenge_method": "plain"}), 400),
        (
            "PKCE of no method",
            json!({"code_challenge_method": null}),
            400,
        ),
        ("Part 1 §5.2.2.3: no state", json!({"state": null}), 201),
    ] {
        let reply = world.push_changed(FAPI1, &changes).await;
        assert_eq!(
            reply.refusal(),
            (400, "invalid_request".to_owned()),
            "{case}"
        );
        let reply = world.push_changed(FAPI2, &changes).await;
        assert_eq!(reply.status, for_fapi2, "FAPI 2.0: {case} {reply:?}");
    }
    for mode in ["jwt", "query.jwt"] {
        let reply = world
            .push_changed(FAPI1, &json!({"response_mode": mode}))
            .await;
        assert_eq!(reply.status, 201, "{mode} {reply:?}");
    }
}

// FAPI 1.0 Part 2 §5.2.2 nos. 5 and 6.
#[tokio::test]
async fn tokens_are_bound_to_the_certificate() {
    let world = world();
    let pushed = world.push_changed(FAPI1, &json!({})).await;
    let mut browser = crate::browser::Browser::new(&world);
    let url = browser.approve(FAPI1, &pushed.text("request_uri")).await;
    let response = &crate::browser::answer(&url)["response"];
    let claims = crate::world::claims_of(response);
    let redemption = world.redemption(FAPI1, claims["code"].as_str().unwrap());
    let request = || post(MTLS_TOKEN, &redemption);

    let unbound = world.send(request()).await;
    assert_eq!(unbound.refusal(), (400, "invalid_request".to_owned()));
    let fresh = changed(
        redemption.clone(),
        &[("client_assertion", &world.assertion(FAPI1))],
    );
    let proved = crate::world::with_proof(post(TOKEN, &fresh), &world.proof(TOKEN));
    let reply = world.send(over(proved, &world.certificate)).await;
    assert_eq!(
        reply.refusal(),
        (400, "invalid_request".to_owned()),
        "with DPoP"
    );
    let fresh = changed(
        redemption.clone(),
        &[("client_assertion", &world.assertion(FAPI1))],
    );
    let reply = world
        .send(over(post(MTLS_TOKEN, &fresh), &world.certificate))
        .await;
    assert_eq!(reply.status, 200, "{reply:?}");
    let token = crate::world::claims_of(&reply.text("access_token"));
    assert!(token["cnf"]["x5t#S256"].is_string());
}

// FAPI 1.0 Part 2 §8.6: EdDSA is not among them.
#[tokio::test]
async fn signatures_are_those_of_fapi_1() {
    let key = PrivateJwk::generate(JwsAlgorithm::EdDsa).unwrap();
    let key = || SigningKey::new(&key).unwrap();
    let es256 = SigningKey::generate(JwsAlgorithm::Es256).unwrap();
    let both = json!({"jwks": {"keys": [
        key().public().to_members(),
        es256.public().to_members(),
    ]}});
    let mut world = world_with(&both);
    let header = r#"{"alg":"EdDSA"}"#;
    for (client, (status, code)) in [(FAPI1, (401, "invalid_client")), (FAPI2, (201, ""))] {
        let claims = Value::Object(world.claims(client)).to_string();
        let assertion = Document::sign_texts(&key(), header, &claims);
        world.client_key = SigningKey::generate(JwsAlgorithm::Es256).unwrap();
        let object = Value::Object(world.fapi1_claims(client, &json!({}))).to_string();
        let object = Document::sign_texts(&key(), header, &object);
        let parameters = form([
            ("client_assertion_type", crate::world::JWT_BEARER),
            ("client_assertion", &assertion),
            ("request", &object),
        ]);
        let reply = world.send(post(PAR, &parameters)).await;
        assert_eq!(reply.status, status, "{client} {reply:?}");
        if status == 401 {
            assert_eq!(reply.refusal().1, code, "the assertion");
        }
    }
    let PreparedObject { world, object } = with_tls(&both, &key());
    let parameters = form([("client_id", FAPI1), ("request", &object)]);
    let reply = world
        .send(over(post(MTLS_PAR, &parameters), &world.self_signed))
        .await;
    let expected = (400, "invalid_request_object".to_owned());
    assert_eq!(reply.refusal(), expected, "the request object");
}

struct PreparedObject {
    world: World,
    object: String,
}

/// A client that authenticates with its certificate, and an object signed with this key of its own.
fn with_tls(jwks: &Value, key: &SigningKey) -> PreparedObject {
    let certificate = Certificate::self_signed("fapi1");
    let mut keys = jwks["jwks"]["keys"].as_array().unwrap().clone();
    let mut of_certificate = certificate.jwk();
    of_certificate["x5c"] = json!([certificate.base64()]);
    keys.push(of_certificate);
    let mut world = world_with(&json!({
        "token_endpoint_auth_method": "self_signed_tls_client_auth",
        "jwks": {"keys": keys},
    }));
    world.self_signed = certificate;
    let claims = Value::Object(world.fapi1_claims(FAPI1, &json!({}))).to_string();
    let object = Document::sign_texts(key, r#"{"alg":"EdDSA"}"#, &claims);
    PreparedObject { world, object }
}

#[test]
fn a_client_is_registered_as_its_profile_demands() {
    use ClientProblem as P;
    let [es256, eddsa] = [JwsAlgorithm::Es256, JwsAlgorithm::EdDsa]
        .map(|algorithm| SigningKey::generate(algorithm).unwrap());
    let both = json!({"keys": [es256.public().to_members(), eddsa.public().to_members()]});
    let keys = [JwsAlgorithm::Es256, JwsAlgorithm::EdDsa].map(|algorithm| {
        let key = PrivateJwk::generate(algorithm).unwrap();
        serde_json::from_str::<Value>(&key.secret_json()).unwrap()
    });
    let keys: SigningKeys = json!({ "keys": keys }).to_string().parse().unwrap();
    let register = |changes: &Value| {
        let mut metadata = metadata(&es256, changes);
        metadata["scope"] = "accounts".into();
        let client = serde_json::from_value(metadata).unwrap();
        let built = crate::configuration::builder_for(ISSUER)
            .signing_keys(keys.clone())
            .client(client)
            .build();
        match built {
            // Registered, at any rate: what there is for a client on its own behalf is another question.
            Ok(_) | Err(ConfigError::NothingAlone(_)) => Ok(()),
            Err(ConfigError::Client(refused)) => Err(refused.problem),
            Err(other) => panic!("{changes}: {other:?}"),
        }
    };
    let fapi2 = |mut changes: Value| {
        changes["fapi_profile"] = "fapi2".into();
        changes
    };
    for (changes, problem) in [
        (
            json!({"dpop_bound_access_tokens": true, "tls_client_certificate_bound_access_tokens": false}),
            P::OutsideProfile("dpop_bound_access_tokens"),
        ),
        (
            json!({"token_endpoint_auth_signing_alg": "EdDSA", "jwks": both}),
            P::OutsideProfile("token_endpoint_auth_signing_alg"),
        ),
        (
            json!({"request_object_signing_alg": "EdDSA", "jwks": both}),
            P::OutsideProfile("request_object_signing_alg"),
        ),
        (
            json!({"authorization_signed_response_alg": "EdDSA"}),
            P::OutsideProfile("authorization_signed_response_alg"),
        ),
        (
            json!({"id_token_signed_response_alg": "EdDSA"}),
            P::OutsideProfile("id_token_signed_response_alg"),
        ),
        (
            json!({"userinfo_signed_response_alg": "EdDSA"}),
            P::OutsideProfile("userinfo_signed_response_alg"),
        ),
        (
            json!({"redirect_uris": [CALLBACK, "http://127.0.0.1/callback"]}),
            P::OutsideProfile("redirect_uris"),
        ),
        (
            json!({"redirect_uris": ["HTTP://localhost/callback"]}),
            P::OutsideProfile("redirect_uris"),
        ),
    ] {
        assert_eq!(register(&changes), Err(problem), "{changes}");
        assert_eq!(
            register(&fapi2(changes.clone())),
            Ok(()),
            "FAPI 2.0: {changes}"
        );
    }
    for (changes, problem) in [
        (
            json!({"require_signed_request_object": false}),
            P::OutsideProfile("require_signed_request_object"),
        ),
        (
            json!({"jwks": {"keys": [eddsa.public().to_members()]}}),
            P::NoUsableKey,
        ),
    ] {
        assert_eq!(register(&changes), Err(problem), "{changes}");
        assert_eq!(
            register(&fapi2(changes.clone())),
            Ok(()),
            "FAPI 2.0: {changes}"
        );
    }
    assert_eq!(register(&json!({})), Ok(()));
    assert_eq!(register(&json!({"jwks": both})), Ok(()));
    // A certificate is enough for who makes no requests that would have to be signed.
    let certificate = Certificate::self_signed("fapi1");
    let mut jwk = certificate.jwk();
    (jwk["x5c"], jwk["use"]) = (json!([certificate.base64()]), json!("enc"));
    let tls = json!({
        "token_endpoint_auth_method": "self_signed_tls_client_auth",
        "jwks": {"keys": [jwk]},
    });
    assert_eq!(register(&tls), Err(P::NoKeyForRequestObjects));
    let mut alone = tls.clone();
    (alone["grant_types"], alone["redirect_uris"]) = (json!(["client_credentials"]), json!([]));
    assert_eq!(register(&alone), Ok(()));
    let unheard_of = metadata(&es256, &json!({"fapi_profile": "fapi1"}));
    assert!(serde_json::from_value::<ClientMetadata>(unheard_of).is_err());
}

// FAPI 1.0 Part 2 §8.6, of a client that authenticates with its certificate.
#[test]
fn a_key_of_another_algorithm_signs_no_requests() {
    let key = SigningKey::generate(JwsAlgorithm::EdDsa).unwrap();
    let certificate = Certificate::self_signed("fapi1");
    let mut jwk = certificate.jwk();
    (jwk["x5c"], jwk["use"]) = (json!([certificate.base64()]), json!("enc"));
    for (profile, registered) in [("fapi1_advanced", false), ("fapi2", true)] {
        let changes = json!({
            "fapi_profile": profile,
            "scope": "accounts",
            "token_endpoint_auth_method": "self_signed_tls_client_auth",
            "jwks": {"keys": [jwk, key.public().to_members()]},
        });
        let client = serde_json::from_value(metadata(&key, &changes)).unwrap();
        let built = crate::configuration::builder_for(ISSUER).client(client);
        match built.build() {
            Ok(_) => assert!(registered, "{profile}"),
            Err(ConfigError::Client(refused)) => {
                assert!(!registered, "{profile}");
                assert_eq!(refused.problem, ClientProblem::NoKeyForRequestObjects);
            }
            Err(other) => panic!("{other:?}"),
        }
    }
}

// A client that says nothing is held to FAPI 2.0.
#[test]
fn the_profile_is_fapi_2_unless_said() {
    let key = SigningKey::generate(JwsAlgorithm::Es256).unwrap();
    let mut silent = metadata(&key, &json!({}));
    silent.as_object_mut().unwrap().remove("fapi_profile");
    let read: ClientMetadata = serde_json::from_value(silent).unwrap();
    assert_eq!(read.fapi_profile, FapiProfile::Fapi2);
    assert_eq!(ClientMetadata::new("x").fapi_profile, FapiProfile::Fapi2);
}

// FAPI 1.0 Part 2 §8.6 of what the server signs: the first key that will do, and never another.
#[tokio::test]
async fn what_is_signed_for_the_client_is_signed_as_its_profile_allows() {
    let [eddsa, es256] = [JwsAlgorithm::EdDsa, JwsAlgorithm::Es256].map(|algorithm| {
        let key = PrivateJwk::generate(algorithm).unwrap();
        serde_json::from_str::<Value>(&key.secret_json()).unwrap()
    });
    let keys =
        |keys: &[&Value]| -> SigningKeys { json!({ "keys": keys }).to_string().parse().unwrap() };
    let client = |key: &SigningKey| {
        let client = metadata(key, &json!({}));
        serde_json::from_value::<ClientMetadata>(client).unwrap()
    };
    let private = PrivateJwk::generate(JwsAlgorithm::Es256).unwrap();
    let key = || SigningKey::new(&private).unwrap();
    let mut world = World::with(|builder| {
        let signing = keys(&[&eddsa, &es256]);
        builder.signing_keys(signing).client(client(&key()))
    });
    world.client_key = key();
    let pushed = world.push_changed(FAPI1, &json!({})).await;
    let mut browser = crate::browser::Browser::new(&world);
    let url = browser.approve(FAPI1, &pushed.text("request_uri")).await;
    let response = crate::browser::answer(&url)["response"].clone();
    let code = crate::world::claims_of(&response);
    let redemption = world.redemption(FAPI1, code["code"].as_str().unwrap());
    let redeemed = over(post(MTLS_TOKEN, &redemption), &world.certificate);
    let token = world.send(redeemed).await.text("access_token");
    for (case, jwt) in [("response", &response), ("token", &token)] {
        let header = CompactJws::parse(jwt).unwrap().header().unwrap();
        assert_eq!(header.algorithm(), JwsAlgorithm::Es256, "{case}");
    }

    let refused = crate::configuration::builder_for(ISSUER)
        .scope(ScopeDescription::new("payments", "Make payments"))
        .signing_keys(keys(&[&eddsa]))
        .client(client(&key()))
        .build();
    assert_eq!(
        refused.err(),
        Some(ConfigError::NoKeyForResponses(
            FAPI1.to_owned(),
            "authorization_signed_response_alg"
        ))
    );
}

// RFC 9126 §7.4: a client that was registered otherwise when its request was accepted, for another profile or other modes.
#[tokio::test]
async fn a_request_that_its_profile_does_not_allow_any_more_is_not_opened() {
    let jwt_only = world_with(&json!({"response_modes": ["jwt"]}));
    let world = world();
    for (case, world, client, changes) in [
        ("as it was", &world, FAPI1, json!({})),
        (
            "as it was, by value",
            &world,
            FAPI1,
            json!({"by_value": true}),
        ),
        (
            "by value without PKCE",
            &world,
            FAPI1,
            json!({"by_value": true, "code_challenge": null}),
        ),
        (
            "in the query",
            &world,
            FAPI2,
            json!({"response_mode": "Query"}),
        ),
        (
            "!a code in the query",
            &world,
            FAPI1,
            json!({"response_mode": "Query"}),
        ),
        (
            "!in the fragment",
            &world,
            FAPI2,
            json!({"response_mode": "Fragment"}),
        ),
        (
            "!not registered",
            &jwt_only,
            FAPI2,
            json!({"response_mode": "Query"}),
        ),
        ("!no PKCE", &world, FAPI2, json!({"code_challenge": null})),
        (
            "!no PKCE, pushed",
            &world,
            FAPI1,
            json!({"code_challenge": null}),
        ),
        ("!by value", &world, FAPI2, json!({"by_value": true})),
        (
            "!another response type",
            &world,
            FAPI1,
            json!({"response_type": "CodeIdToken", "response_mode": "Fragment"}),
        ),
    ] {
        let pushed = world.push_changed(client, &json!({})).await;
        let request_uri = pushed.text("request_uri");
        let secret = request_uri.rsplit(':').next().unwrap();
        let key = RecordKey::of_secret(RecordKind::PushedRequest, secret);
        let stored = world.store.get(key, world.now()).await.unwrap().unwrap();
        let mut stored: Value = serde_json::from_slice(&stored).unwrap();
        for (name, value) in changes.as_object().unwrap() {
            assert!(!stored["Waiting"][name].is_null(), "{stored}");
            stored["Waiting"][name] = value.clone();
        }
        let record = Record {
            value: stored.to_string().into_bytes(),
            expires: world.now().plus(Duration::from_secs(600)),
        };
        world.store.put(key, record, world.now()).await.unwrap();
        let path = crate::browser::authorize(client, &request_uri);
        let reply = crate::browser::Browser::new(world).get(&path).await;
        if case.starts_with('!') {
            let refused = (400, "invalid_request".to_owned());
            assert_eq!(crate::browser::error_page(&reply), refused, "{case}");
        } else {
            assert_eq!(reply.status, 303, "{case}");
        }
    }
}
