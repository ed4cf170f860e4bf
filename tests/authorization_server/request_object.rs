//! Signed requests at the pushed authorization request endpoint (RFC 9101, RFC 9126 §3, FAPI 2.0 Message Signing §5.3.1).

use axum::body::Body;
use http::Request;
use serde_json::{Map, Value, json};
use tower_fapi::{
    authorization_server::{ClientProblem, ConfigError},
    jose::{
        JwsAlgorithm, SigningKey,
        jwe::{ContentEncryption, DecryptionKey, EncryptionHeader, EncryptionKey, JweAlgorithm},
    },
    testing::Document,
};

use crate::{
    browser::{Browser, answer, error_page},
    world::{
        CALLBACK_WITH_QUERY, ISSUER, OTHER_API, PAR, Parameters, Reply, World, changed, form, post,
        request,
    },
};

const TYPED: &str = r#"{"alg":"ES256","typ":"oauth-authz-req+jwt"}"#;

impl World {
    /// Claims of a request object that is right in everything.
    pub fn request_claims(&self, client_id: &str) -> Map<String, Value> {
        let now = self.now().as_unix();
        let mut claims = json!({
            "iss": client_id, "client_id": client_id, "aud": ISSUER,
            "nbf": now, "iat": now, "exp": now + 300, "jti": uuid::Uuid::new_v4().to_string(),
        });
        for (name, value) in request() {
            claims[name] = value.into();
        }
        claims.as_object().unwrap().clone()
    }

    pub fn request_object(&self, header: &str, claims: &Map<String, Value>) -> String {
        let claims = Value::Object(claims.clone()).to_string();
        Document::sign_texts(&self.client_key, header, &claims)
    }

    /// Pushes a request object, and nothing beside it but the client's authentication.
    pub async fn push_object(&self, client_id: &str, object: &str) -> Reply {
        self.push_beside(client_id, object, &[]).await
    }

    async fn push_beside(&self, client_id: &str, object: &str, more: &[(&str, &str)]) -> Reply {
        let mut parameters = self.authentication(client_id);
        parameters.extend(form([("request", object)]));
        self.send(post(PAR, &changed(parameters, more))).await
    }

    /// Pushes a request object with claims replaced or (with null) left out.
    async fn push_claims(&self, client_id: &str, changes: &Value) -> Reply {
        let mut claims = self.request_claims(client_id);
        for (name, value) in changes.as_object().unwrap() {
            match value {
                Value::Null => claims.remove(name),
                value => claims.insert(name.clone(), value.clone()),
            };
        }
        let object = self.request_object(TYPED, &claims);
        self.push_object(client_id, &object).await
    }
}

fn refused() -> (u16, String) {
    (400, "invalid_request_object".to_owned())
}

// RFC 9101 §6.3, RFC 9126 §3.
#[tokio::test]
async fn what_is_signed_counts_and_nothing_beside_it() {
    let world = World::new();
    let mut claims = world.request_claims("signer");
    for (name, value) in [
        ("redirect_uri", json!(CALLBACK_WITH_QUERY)),
        ("scope", json!("payments")),
        ("state", json!("signed")),
        ("resource", json!([OTHER_API])),
        ("max_age", json!(300)),
        ("unheard-of", json!({"a": [1, true]})),
    ] {
        claims.insert(name.to_owned(), value);
    }
    let object = world.request_object(TYPED, &claims);
    let beside = [
        ("response_type", "token"),
        ("redirect_uri", "https://evil.example/"),
        ("scope", "accounts admin"),
        ("state", "unsigned"),
        ("resource", "https://evil.example"),
        ("nonce", "unsigned"),
        ("prompt", "none"),
        ("authorization_details", "[]"),
        ("code_challenge", "x"),
        ("dpop_jkt", "x"),
    ];
    let reply = world.push_beside("signer", &object, &beside).await;
    assert_eq!(reply.status, 201, "{reply:?}");
    let mut browser = Browser::new(&world);
    let page = browser.open("signer", &reply.text("request_uri")).await;
    let reply = browser.sign_in(&page).await;
    let consent = browser.follow(reply).await;
    assert!(consent.text().contains("Make payments"));
    assert!(!consent.text().contains("See your accounts"));
    let url = crate::browser::landed(&browser.submit(&consent, &[], "deny").await);
    let answer = answer(&url);
    assert_eq!(answer["bank"], "one", "the signed redirect URI");
    assert_eq!(answer["state"], "signed");
}

// RFC 9396 §2, OpenID Connect Core §6.1, RFC 8707 §2: parameters are of their JSON types.
#[tokio::test]
async fn parameters_keep_their_types() {
    let world = World::new();
    let details = json!([{"type": "account_information", "actions": ["list_accounts"]}]);
    for (name, value, status) in [
        ("max_age", json!(60), 201),
        ("authorization_details", details.clone(), 201),
        ("resource", json!(OTHER_API), 201),
        ("resource", json!([OTHER_API]), 201),
        ("claims", json!({"userinfo": {}}), 201),
        ("unknown", json!(1), 201),
        ("max_age", json!("60"), 400),
        ("max_age", json!(true), 400),
        ("max_age", json!([60]), 400),
        ("authorization_details", json!(details.to_string()), 400),
        ("authorization_details", details[0].clone(), 400),
        ("claims", json!("{}"), 400),
        ("resource", json!([OTHER_API, 1]), 400),
        ("resource", json!({}), 400),
        ("scope", json!(["accounts"]), 400),
        ("state", json!(1), 400),
        ("nonce", json!(false), 400),
        ("redirect_uri", json!({}), 400),
        ("response_type", json!(["code"]), 400),
        ("code_challenge", json!(7), 400),
    ] {
        let reply = world.push_claims("dpop", &json!({name: value})).await;
        assert_eq!(reply.status, status, "{name} {value} {reply:?}");
        if status == 400 {
            assert_eq!(reply.refusal(), refused(), "{name} {value}");
        }
    }
}

#[tokio::test]
async fn a_request_object_says_who_asks_whom_and_when() {
    let world = World::new();
    let now = world.now().as_unix();
    for (clause, claims) in [
        (
            "RFC 9126 §3: iss of another client",
            json!({"iss": "other"}),
        ),
        ("no text", json!({"iss": ["dpop"]})),
        ("RFC 9126 §3: client_id missing", json!({"client_id": null})),
        ("of another client", json!({"client_id": "other"})),
        (
            "Message Signing §5.3.1 no. 2: aud missing",
            json!({"aud": null}),
        ),
        ("no issuer", json!({"aud": "https://other.example"})),
        ("the endpoint", json!({"aud": PAR})),
        ("almost the issuer", json!({"aud": "https://as.example/"})),
        ("an array without", json!({"aud": [PAR, "dpop"]})),
        ("an empty array", json!({"aud": []})),
        ("an array with another type", json!({"aud": [ISSUER, 1]})),
        ("no text", json!({"aud": 1})),
        ("no. 3: nbf missing", json!({"nbf": null})),
        ("text", json!({"nbf": now.to_string()})),
        ("too old", json!({"nbf": now - 3601, "exp": now - 1})),
        (
            "too old, alive",
            json!({"nbf": now - 3601, "exp": now + 60}),
        ),
        ("in the future", json!({"nbf": now + 61, "exp": now + 90})),
        (
            "FAPI 2.0 §5.3.2.1 no. 13: issued in the future",
            json!({"iat": now + 61}),
        ),
        ("text", json!({"iat": now.to_string()})),
        ("no. 4: exp missing", json!({"exp": null})),
        ("text", json!({"exp": "soon"})),
        ("expired", json!({"nbf": now - 60, "exp": now})),
        ("living too long", json!({"exp": now + 3601})),
        (
            "living too long",
            json!({"nbf": now - 600, "exp": now + 3001}),
        ),
        ("RFC 9101 §4: request inside", json!({"request": "eyJ"})),
        ("request, of another type", json!({"request": 1})),
        ("request_uri inside", json!({"request_uri": "urn:x"})),
    ] {
        let reply = world.push_claims("dpop", &claims).await;
        assert_eq!(reply.refusal(), refused(), "{clause}: {claims}");
    }
    for claims in [
        json!({}),
        json!({"aud": [ISSUER]}),
        json!({"aud": ["https://other.example", ISSUER]}),
        json!({"nbf": now - 3599, "exp": now + 1}),
        json!({"exp": now + 3600}),
        json!({"nbf": now + 10, "iat": now + 10}),
        json!({"jti": null, "iat": null}),
        json!({"iss": null}),
    ] {
        let reply = world.push_claims("dpop", &claims).await;
        assert_eq!(reply.status, 201, "{claims} {reply:?}");
    }
}

// The rules for what is pushed are those for any request (RFC 9126 §2.1).
#[tokio::test]
async fn what_is_signed_has_to_be_sound_all_the_same() {
    let world = World::new();
    for (claims, error) in [
        (json!({"response_type": null}), "invalid_request"),
        (
            json!({"response_type": "token"}),
            "unsupported_response_type",
        ),
        (json!({"redirect_uri": null}), "invalid_request"),
        (
            json!({"redirect_uri": "https://evil.example/"}),
            "invalid_request",
        ),
        (json!({"code_challenge": null}), "invalid_request"),
        (json!({"code_challenge_method": "plain"}), "invalid_request"),
        (json!({"scope": "admin"}), "invalid_scope"),
        (json!({"scope": null}), "invalid_scope"),
        (
            json!({"resource": "https://evil.example"}),
            "invalid_target",
        ),
        (json!({"max_age": -1}), "invalid_request"),
        (json!({"max_age": 1.5}), "invalid_request"),
        (
            json!({"authorization_details": [{"type": "x"}]}),
            "invalid_authorization_details",
        ),
        (json!({"dpop_jkt": "x"}), "invalid_request"),
        (json!({"response_mode": "fragment.jwt"}), "invalid_request"),
    ] {
        let reply = world.push_claims("dpop", &claims).await;
        assert_eq!(reply.refusal(), (400, error.to_owned()), "{claims}");
    }
}

// RFC 9101 §10.2 and §10.8, RFC 8725 §3.1 and §3.11, FAPI 2.0 Security Profile §5.4.1.
#[tokio::test]
async fn a_request_object_is_signed_by_its_client_and_made_for_this() {
    let world = World::new();
    let claims = world.request_claims("dpop");
    let sound = world.request_object(TYPED, &claims);
    let payload = Value::Object(claims.clone()).to_string();
    let stranger = SigningKey::generate(JwsAlgorithm::Es256).unwrap();
    let encrypted = {
        let key = DecryptionKey::generate(JweAlgorithm::EcdhEs).unwrap();
        let key = EncryptionKey::new(key.public().unwrap()).unwrap();
        let header = EncryptionHeader::default();
        let encryption = ContentEncryption::A256Gcm;
        tower_fapi::jose::jwe::encrypt(&key, encryption, header, sound.as_bytes()).unwrap()
    };
    let (head, rest) = sound.split_once('.').unwrap();
    let unsigned = Document::sign_texts(&world.client_key, r#"{"alg":"none"}"#, &payload);
    let unsigned = unsigned.rsplit_once('.').unwrap().0.to_owned() + ".";
    let with = |header: &str| world.request_object(header, &claims);
    for (case, object) in [
        (
            "signed by somebody else",
            Document::sign_texts(&stranger, TYPED, &payload),
        ),
        ("tampered with", format!("{head}.{rest}A")),
        ("unsigned", unsigned),
        ("said to be unsigned", with(r#"{"alg":"none"}"#)),
        ("RS256", with(r#"{"alg":"RS256"}"#)),
        ("HS256", with(r#"{"alg":"HS256"}"#)),
        (
            "another algorithm than the key's",
            with(r#"{"alg":"EdDSA"}"#),
        ),
        (
            "a key of its own",
            with(r#"{"alg":"ES256","kid":"unknown"}"#),
        ),
        (
            "an unknown demand",
            with(r#"{"alg":"ES256","crit":["x"],"x":1}"#),
        ),
        (
            "a client assertion",
            with(r#"{"alg":"ES256","typ":"client-authentication+jwt"}"#),
        ),
        ("an access token", with(r#"{"alg":"ES256","typ":"at+jwt"}"#)),
        ("a proof", with(r#"{"alg":"ES256","typ":"dpop+jwt"}"#)),
        ("no JWT", "eyJ.eyJ.sig".to_owned()),
        ("no JWT at all", "x".to_owned()),
        ("encrypted", encrypted),
        (
            "an array",
            Document::sign_texts(&world.client_key, TYPED, "[]"),
        ),
        (
            "a claim twice",
            Document::sign_texts(
                &world.client_key,
                TYPED,
                &payload.replacen('{', r#"{"iss":"dpop","#, 1),
            ),
        ),
        (
            "the assertion of this very request",
            world.assertion("dpop"),
        ),
    ] {
        assert_eq!(
            world.push_object("dpop", &object).await.refusal(),
            refused(),
            "{case}"
        );
    }
    for header in [
        r#"{"alg":"ES256"}"#,
        TYPED,
        r#"{"alg":"ES256","typ":"OAuth-AuthZ-Req+JWT"}"#,
        r#"{"alg":"ES256","typ":"application/oauth-authz-req+jwt"}"#,
        r#"{"alg":"ES256","typ":"JWT"}"#,
    ] {
        let reply = world.push_object("dpop", &with(header)).await;
        assert_eq!(reply.status, 201, "{header} {reply:?}");
    }
}

// RFC 9101 §10.5: `require_signed_request_object`; RFC 9126 §2.1: no `request_uri`.
#[tokio::test]
async fn who_is_registered_for_signed_requests_sends_no_others() {
    let world = World::new();
    let invalid = (400, "invalid_request".to_owned());
    let plain: Parameters = world.pushed("signer", &[("response_mode", "jwt")]);
    assert_eq!(world.send(post(PAR, &plain)).await.refusal(), invalid);
    let empty = changed(plain.clone(), &[("request", "")]);
    assert_eq!(world.send(post(PAR, &empty)).await.refusal(), invalid);

    let object = world.request_object(TYPED, &world.request_claims("signer"));
    let uri = [("request_uri", "urn:ietf:params:oauth:request_uri:x")];
    let reply = world.push_beside("signer", &object, &uri).await;
    assert_eq!(reply.refusal(), invalid);
    let foreign = world.push_object("dpop", &object).await;
    assert_eq!(
        foreign.refusal(),
        refused(),
        "of another client with the same key"
    );
    // Registered for PS256, and the algorithm is judged before any key.
    let object = world.request_object(TYPED, &world.request_claims("pss-signer"));
    assert_eq!(
        world.push_object("pss-signer", &object).await.refusal(),
        refused()
    );
}

// By value it would travel through the browser (FAPI 2.0 Security Profile §5.3.2.2).
#[tokio::test]
async fn a_request_object_is_pushed_and_not_sent_by_value() {
    let world = World::new();
    let object = world.request_object(TYPED, &world.request_claims("signer"));
    let url = format!("{ISSUER}/authorize?client_id=signer&request={object}");
    let reply = world.send(Request::get(url).body(Body::empty()).unwrap());
    assert_eq!(
        error_page(&reply.await),
        (400, "invalid_request".to_owned())
    );
}

#[test]
fn a_client_is_registered_with_what_its_requests_and_responses_need() {
    use ClientProblem as P;
    let key = SigningKey::generate(JwsAlgorithm::Es256).unwrap();
    let register = |changes: &Value| {
        let mut metadata = json!({
            "client_id": "c",
            "redirect_uris": ["https://client.example/callback"],
            "token_endpoint_auth_method": "private_key_jwt",
            "jwks": { "keys": [key.public().to_members()] },
            "scope": "accounts",
            "dpop_bound_access_tokens": true,
        });
        for (name, value) in changes.as_object().unwrap() {
            metadata[name] = value.clone();
        }
        let client = serde_json::from_value(metadata).unwrap();
        crate::configuration::builder_for(ISSUER)
            .client(client)
            .build()
    };
    for (changes, problem) in [
        (
            json!({"request_object_signing_alg": "PS256"}),
            P::NoKeyForRequestObjects,
        ),
        (json!({"response_modes": []}), P::ResponseModes),
        (
            json!({"response_modes": ["jwt", "fragment"]}),
            P::ResponseModes,
        ),
        (
            json!({"response_modes": ["form_post.jwt"]}),
            P::ResponseModes,
        ),
        (
            json!({"authorization_encrypted_response_enc": "A256GCM"}),
            P::Missing("authorization_encrypted_response_alg"),
        ),
        (
            json!({"authorization_encrypted_response_alg": "ECDH-ES"}),
            P::NoKeyForResponses("authorization_encrypted_response_alg"),
        ),
        (
            json!({"authorization_encrypted_response_alg": "dir"}),
            P::NoKeyForResponses("authorization_encrypted_response_alg"),
        ),
    ] {
        match register(&changes) {
            Err(ConfigError::Client(refused)) => assert_eq!(refused.problem, problem, "{changes}"),
            other => panic!("{changes}: {other:?}"),
        }
    }
    let refused = register(&json!({"authorization_signed_response_alg": "PS256"}));
    assert_eq!(
        refused.err(),
        Some(ConfigError::NoKeyForResponses(
            "c".to_owned(),
            "authorization_signed_response_alg"
        ))
    );
    for changes in [
        json!({"require_signed_request_object": true, "request_object_signing_alg": "ES256"}),
        json!({"response_modes": ["query.jwt"], "authorization_signed_response_alg": "EdDSA"}),
    ] {
        assert!(register(&changes).is_ok(), "{changes}");
    }
}
