//! `code id_token` for clients of FAPI 1.0: an ID token as detached signature of the response (FAPI 1.0 Part 2 §5.2.2.1, OpenID
//! Connect Core §3.3).

use std::collections::BTreeMap;

use aws_lc_rs::digest::{SHA256, digest};
use serde_json::{Map, Value, json};
use tower_fapi::{
    authorization_server::{
        AuthorizationServerBuilder, ClientMetadata, ClientProblem, ConfigError, FapiProfile,
        ScopeDescription,
    },
    jose::{
        JwsAlgorithm, PrivateJwk, SigningKey, base64url,
        jwe::{AcceptedEncryption, DecryptionKey, DecryptionKeys, JweAlgorithm, decrypt},
    },
};
use url::Url;

use crate::{
    browser::{Browser, answer, error_page, landed},
    fapi1::{FAPI1, FAPI2, metadata},
    userinfo::{ALL_SCOPES, informed},
    world::{CALLBACK, ISSUER, MTLS_TOKEN, Reply, World, encode, form, over, post},
};

/// A world with a client of FAPI 1.0 that may ask for both response types, and its twin of FAPI 2.0.
fn world(changes: &Value) -> World {
    world_with(changes, |builder| builder)
}

fn world_with(
    changes: &Value,
    change: impl FnOnce(AuthorizationServerBuilder) -> AuthorizationServerBuilder,
) -> World {
    let key = PrivateJwk::generate(JwsAlgorithm::Es256).unwrap();
    let key = || SigningKey::new(&key).unwrap();
    let mut fapi1 = metadata(
        &key(),
        &json!({"scope": "openid accounts", "response_types": ["code", "code id_token"]}),
    );
    for (name, value) in changes.as_object().unwrap() {
        if name == "more_keys" {
            let keys = fapi1["jwks"]["keys"].as_array_mut().unwrap();
            keys.extend(value.as_array().unwrap().clone());
        } else {
            fapi1[name] = value.clone();
        }
    }
    let fapi1: ClientMetadata = serde_json::from_value(fapi1).unwrap();
    let mut fapi2 = fapi1.clone();
    FAPI2.clone_into(&mut fapi2.client_id);
    (fapi2.fapi_profile, fapi2.response_types) = (FapiProfile::Fapi2, None);
    let mut world = World::with(|builder| {
        let builder = builder.scope(ScopeDescription::openid());
        change(builder).client(fapi1).client(fapi2)
    });
    world.client_key = key();
    world
}

/// Claims of a request for `code id_token`, with members replaced or (with null) left out.
fn claims(world: &World, client: &str, changes: &Value) -> Map<String, Value> {
    let mut all = json!({
        "response_type": "code id_token",
        "response_mode": null,
        "scope": "openid accounts",
        "nonce": "the nonce",
    });
    for (name, value) in changes.as_object().unwrap() {
        all[name] = value.clone();
    }
    world.fapi1_claims(client, &all)
}

fn object(world: &World, client: &str, changes: &Value) -> String {
    world.request_object(r#"{"alg":"ES256"}"#, &claims(world, client, changes))
}

async fn push(world: &World, client: &str, changes: &Value) -> Reply {
    world
        .push_object(client, &object(world, client, changes))
        .await
}

/// The path of a request by value, with what OpenID Connect wants beside it.
fn by_value(object: &str, beside: &[(&str, &str)]) -> String {
    let mut query = form([("client_id", FAPI1), ("request", object)]);
    query.extend(
        beside
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
    );
    format!("/authorize?{}", encode(&query))
}

/// The parameters in the fragment, when there is nothing in the query.
#[track_caller]
fn fragment(url: &Url) -> BTreeMap<String, String> {
    assert!(url.as_str().starts_with(&format!("{CALLBACK}#")), "{url}");
    let inside = Url::parse(&format!("https://x/?{}", url.fragment().unwrap())).unwrap();
    answer(&inside)
}

/// The left half of the hash (OpenID Connect Core §3.3.2.11).
fn half(text: &str) -> String {
    base64url::encode(&digest(&SHA256, text.as_bytes()).as_ref()[..16])
}

// FAPI 1.0 Part 2 §5.1.2 and §5.2.2.1, OpenID Connect Core §3.3.2.11 and §3.3.3.6.
#[tokio::test]
async fn the_id_token_signs_code_and_state() {
    let world = world(&json!({}));
    for mode in [json!(null), json!("fragment")] {
        let pushed = push(&world, FAPI1, &json!({"response_mode": mode})).await;
        let url = Browser::new(&world)
            .approve(FAPI1, &pushed.text("request_uri"))
            .await;
        let parameters = fragment(&url);
        let names: Vec<_> = parameters.keys().map(String::as_str).collect();
        assert_eq!(names, ["code", "id_token", "iss", "state"], "{mode}");
        let (_, front) = world.verified(&parameters["id_token"]);
        for (name, value) in [
            ("iss", json!(ISSUER)),
            ("aud", json!(FAPI1)),
            ("sub", json!("subject-1")),
            ("nonce", json!("the nonce")),
            ("c_hash", json!(half(&parameters["code"]))),
            ("s_hash", json!(half("the state"))),
        ] {
            assert_eq!(front[name], value, "{name}");
        }
        assert!(
            !front.contains_key("at_hash"),
            "there is no access token yet"
        );

        let redemption = world.redemption(FAPI1, &parameters["code"]);
        let reply = world
            .send(over(post(MTLS_TOKEN, &redemption), &world.certificate))
            .await;
        let (_, back) = world.verified(&reply.text("id_token"));
        for name in ["iss", "sub", "aud", "nonce"] {
            assert_eq!(front[name], back[name], "{name}");
        }
        assert!(back.contains_key("at_hash"));
    }
    let pushed = push(&world, FAPI1, &json!({"state": null})).await;
    let url = Browser::new(&world)
        .approve(FAPI1, &pushed.text("request_uri"))
        .await;
    let (_, front) = world.verified(&fragment(&url)["id_token"]);
    assert!(
        !front.contains_key("s_hash"),
        "of no state there is no hash"
    );
}

// FAPI 1.0 Part 2 §5.2.2.1 no. 6, OpenID Connect Core §3.3.3.6.
#[tokio::test]
async fn what_is_known_of_the_person_does_not_go_through_the_browser() {
    let world = world_with(&json!({"scope": ALL_SCOPES}), informed);
    let wish = json!({"scope": "openid", "claims": {"id_token": {"name": {"essential": true}}}});
    let object = object(&world, FAPI1, &wish);
    let pushed = world.push_object(FAPI1, &object).await;
    let url = Browser::new(&world)
        .approve(FAPI1, &pushed.text("request_uri"))
        .await;
    let parameters = fragment(&url);
    let (_, front) = world.verified(&parameters["id_token"]);
    assert!(!front.contains_key("name"), "{front:?}");
    let redemption = world.redemption(FAPI1, &parameters["code"]);
    let reply = world
        .send(over(post(MTLS_TOKEN, &redemption), &world.certificate))
        .await;
    let (_, back) = world.verified(&reply.text("id_token"));
    assert_eq!(back["name"], "Alice Liddell");
}

// JARM §2.3.2 and §2.3.4; FAPI 1.0 Part 2 §5.2.2.1 no. 3.
#[tokio::test]
async fn the_response_can_be_a_jwt_and_the_id_token_encrypted() {
    let decryption = DecryptionKey::generate(JweAlgorithm::EcdhEsA256Kw).unwrap();
    let public = Value::Object(decryption.public().unwrap().to_members());
    let world = world(&json!({
        "id_token_encrypted_response_alg": "ECDH-ES+A256KW",
        "more_keys": [public],
    }));
    let keys = DecryptionKeys::new([decryption]);
    for mode in ["jwt", "fragment.jwt"] {
        let pushed = push(&world, FAPI1, &json!({"response_mode": mode})).await;
        let url = Browser::new(&world)
            .approve(FAPI1, &pushed.text("request_uri"))
            .await;
        let parameters = fragment(&url);
        assert_eq!(parameters.len(), 1, "everything is inside: {parameters:?}");
        let (_, response) = world.verified(&parameters["response"]);
        let sealed = response["id_token"].as_str().unwrap();
        let opened = decrypt(sealed, &keys, &AcceptedEncryption::default()).unwrap();
        let (_, front) = world.verified(std::str::from_utf8(&opened.plaintext).unwrap());
        assert_eq!(
            front["c_hash"],
            half(response["code"].as_str().unwrap()),
            "{mode}"
        );
    }
}

// OAuth 2.0 Multiple Response Type Encoding Practices §5, OpenID Connect Core §3.3.2.1 and §3.3.2.11, RFC 6749 §4.1.2.1.
#[tokio::test]
async fn what_a_hybrid_request_has_to_be_like() {
    let world = world(&json!({}));
    let invalid = "invalid_request";
    for (case, changes, code) in [
        ("in the query", json!({"response_mode": "query"}), invalid),
        (
            "a JWT in the query",
            json!({"response_mode": "query.jwt"}),
            invalid,
        ),
        ("a form", json!({"response_mode": "form_post"}), invalid),
        ("no nonce", json!({"nonce": null}), invalid),
        ("no openid", json!({"scope": "accounts"}), invalid),
        (
            "another type",
            json!({"response_type": "code token"}),
            "unsupported_response_type",
        ),
        (
            "with a token",
            json!({"response_type": "code id_token token"}),
            "unsupported_response_type",
        ),
        (
            "an ID token alone",
            json!({"response_type": "id_token"}),
            "unsupported_response_type",
        ),
        ("code, unsigned", json!({"response_type": "code"}), invalid),
        (
            "code, in the fragment",
            json!({"response_type": "code", "response_mode": "fragment"}),
            invalid,
        ),
        (
            "code, a JWT in the fragment",
            json!({"response_type": "code", "response_mode": "fragment.jwt"}),
            invalid,
        ),
    ] {
        let reply = push(&world, FAPI1, &changes).await;
        assert_eq!(reply.refusal(), (400, code.to_owned()), "{case}");
    }
    for changes in [
        json!({"response_type": "id_token code"}),
        json!({"response_type": "code", "response_mode": "jwt"}),
    ] {
        let reply = push(&world, FAPI1, &changes).await;
        assert_eq!(reply.status, 201, "{changes} {reply:?}");
    }
    for mode in [json!(null), json!("fragment"), json!("jwt"), json!("query")] {
        let reply = push(&world, FAPI2, &json!({"response_mode": mode})).await;
        let expected = (400, "unsupported_response_type".to_owned());
        assert_eq!(reply.refusal(), expected, "FAPI 2.0: {mode}");
    }
    let code_only = self::world(&json!({"response_types": ["code"]}));
    let reply = push(&code_only, FAPI1, &json!({})).await;
    assert_eq!(reply.refusal(), (400, "unauthorized_client".to_owned()));
}

// OAuth 2.0 Multiple Response Type Encoding Practices §5: errors, too.
#[tokio::test]
async fn errors_come_in_the_fragment() {
    let world = world(&json!({}));
    let beside = [
        ("response_type", "code id_token"),
        ("scope", "openid accounts"),
    ];
    for (case, changes, code) in [
        (
            "in the query",
            json!({"response_mode": "query"}),
            "invalid_request",
        ),
        ("no nonce", json!({"nonce": null}), "invalid_request"),
        ("expired", json!({"exp": 1}), "invalid_request_object"),
    ] {
        let path = by_value(&object(&world, FAPI1, &changes), &beside);
        let parameters = fragment(&landed(&Browser::new(&world).get(&path).await));
        assert_eq!(parameters["error"], code, "{case}");
        assert_eq!(
            (parameters["iss"].as_str(), parameters["state"].as_str()),
            (ISSUER, "the state")
        );
    }
    let pushed = push(&world, FAPI1, &json!({})).await;
    let mut browser = Browser::new(&world);
    let page = browser.open(FAPI1, &pushed.text("request_uri")).await;
    let parameters = fragment(&landed(&browser.submit(&page, &[], "deny").await));
    assert_eq!(parameters["error"], "access_denied");
    assert!(!parameters.contains_key("id_token"));

    let silent = push(
        &world,
        FAPI1,
        &json!({"prompt": "none", "response_mode": "jwt"}),
    )
    .await;
    let path = crate::browser::authorize(FAPI1, &silent.text("request_uri"));
    let parameters = fragment(&landed(&Browser::new(&world).get(&path).await));
    let (_, response) = world.verified(&parameters["response"]);
    assert_eq!(response["error"], "login_required");
}

// OpenID Connect Core §6.1, FAPI 1.0 Part 2 §5.2.3 no. 9.
#[tokio::test]
async fn openid_by_value_says_type_and_scope_beside_the_object() {
    let world = world(&json!({}));
    let object = object(&world, FAPI1, &json!({}));
    for (case, beside) in [
        ("nothing", &[][..]),
        ("no scope", &[("response_type", "code id_token")][..]),
        ("no type", &[("scope", "openid accounts")][..]),
        (
            "another type",
            &[("response_type", "code"), ("scope", "openid accounts")][..],
        ),
        (
            "less",
            &[("response_type", "code id_token"), ("scope", "openid")][..],
        ),
        (
            "more",
            &[
                ("response_type", "code id_token"),
                ("scope", "openid accounts payments"),
            ][..],
        ),
        (
            "an empty one",
            &[("response_type", ""), ("scope", "openid accounts")][..],
        ),
    ] {
        let reply = Browser::new(&world).get(&by_value(&object, beside)).await;
        assert_eq!(
            fragment(&landed(&reply))["error"],
            "invalid_request",
            "{case}"
        );
    }
    let twice = format!(
        "{}&scope=openid",
        by_value(&object, &[("scope", "openid accounts")])
    );
    let reply = Browser::new(&world).get(&twice).await;
    assert_eq!(
        error_page(&reply),
        (400, "invalid_request".to_owned()),
        "twice"
    );

    let beside = [
        ("response_type", "code id_token"),
        ("scope", "accounts openid"),
        ("nonce", "x"),
    ];
    let mut browser = Browser::new(&world);
    let reply = browser.get(&by_value(&object, &beside)).await;
    let page = browser.follow(reply).await;
    let reply = browser.sign_in(&page).await;
    let page = browser.follow(reply).await;
    let url = landed(&browser.submit(&page, &[], "approve").await);
    let (_, front) = world.verified(&fragment(&url)["id_token"]);
    assert_eq!(front["nonce"], "the nonce", "the one that was signed");
}

// RFC 8414 §2, OpenID Connect Discovery §3.
#[tokio::test]
async fn the_metadata_say_so_if_a_client_may() {
    let document = async |world: &World| {
        let url = "https://as.example/.well-known/openid-configuration";
        let request = http::Request::get(url)
            .body(axum::body::Body::empty())
            .unwrap();
        world.send(request).await.json()
    };
    let with = document(&world(&json!({}))).await;
    assert_eq!(
        with["response_types_supported"],
        json!(["code", "code id_token"])
    );
    let modes = json!(["query", "jwt", "query.jwt", "fragment", "fragment.jwt"]);
    assert_eq!(with["response_modes_supported"], modes);
    let without = document(&world(&json!({"response_types": ["code"]}))).await;
    assert_eq!(without["response_types_supported"], json!(["code"]));
    assert_eq!(
        without["response_modes_supported"],
        json!(["query", "jwt", "query.jwt"])
    );
}

#[test]
fn the_response_types_a_client_may_have() {
    let key = SigningKey::generate(JwsAlgorithm::Es256).unwrap();
    let keys =
        tower_fapi::authorization_server::SigningKeys::generate(JwsAlgorithm::Es256).unwrap();
    let register = |profile: &str, types: Value, scope: &str| {
        let changes = json!({"fapi_profile": profile, "response_types": types, "scope": scope});
        let client = serde_json::from_value(metadata(&key, &changes)).unwrap();
        let built = crate::configuration::builder_for(ISSUER)
            .signing_keys(keys.clone())
            .scope(ScopeDescription::openid())
            .client(client)
            .build();
        match built {
            Ok(_) => Ok(()),
            Err(ConfigError::Client(refused)) => Err(refused.problem),
            Err(other) => panic!("{types}: {other:?}", types = changes["response_types"]),
        }
    };
    let hybrid = json!(["code id_token"]);
    for (profile, types, scope, expected) in [
        ("fapi1_advanced", hybrid.clone(), "openid accounts", Ok(())),
        (
            "fapi1_advanced",
            json!(["code", "id_token code"]),
            "openid",
            Ok(()),
        ),
        (
            "fapi1_advanced",
            hybrid.clone(),
            "accounts",
            Err(ClientProblem::NoOpenId),
        ),
        (
            "fapi1_advanced",
            json!(["code token"]),
            "openid",
            Err(ClientProblem::ResponseTypes),
        ),
        (
            "fapi1_advanced",
            json!(["id_token"]),
            "openid",
            Err(ClientProblem::ResponseTypes),
        ),
        (
            "fapi1_advanced",
            json!([]),
            "openid",
            Err(ClientProblem::ResponseTypes),
        ),
        ("fapi2", hybrid, "openid", Err(ClientProblem::ResponseTypes)),
        ("fapi2", json!(["code"]), "openid", Ok(())),
    ] {
        assert_eq!(
            register(profile, types.clone(), scope),
            expected,
            "{profile} {types} {scope}"
        );
    }
}
