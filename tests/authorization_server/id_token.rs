//! ID tokens (OpenID Connect Core §2, §3.1.3.3 and §12.2), looked at with another library than the one that made them.

use std::time::Duration;

use aws_lc_rs::digest::{self, SHA256, SHA512};
use jsonwebtoken::{
    Algorithm, DecodingKey, crypto::aws_lc::DEFAULT_PROVIDER, dangerous::insecure_decode, jwk,
};
use serde_json::{Map, Value, json};
use tower_fapi::{
    authorization_server::{
        AuthorizationServerBuilder, ClientMetadata, ClientProblem, ConfigError, Lifetimes,
        ScopeDescription, SigningKeys,
    },
    jose::{
        JwkSet, JwsAlgorithm, PrivateJwk, SigningKey, VerifyingKeySet, base64url,
        jwe::{
            AcceptedEncryption, CompactJwe, DecryptionKey, DecryptionKeys, JweAlgorithm, decrypt,
        },
    },
    token::{Compatibility, TokenError, TokenRules, UnverifiedToken},
};

use crate::{
    browser::{Browser, answer},
    configuration::builder,
    world::{CALLBACK, ISSUER, PAR, Reply, TOKEN, World, changed, form, post, with_proof},
};

pub const PASSWORD_ACR: &str = "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport";

/// An OpenID provider with a client called `oidc`, of which `changes` say more.
pub fn provider(changes: &Value) -> World {
    provider_with(changes, |builder| builder)
}

pub fn provider_with(
    changes: &Value,
    change: impl FnOnce(AuthorizationServerBuilder) -> AuthorizationServerBuilder,
) -> World {
    let key = SigningKey::generate(JwsAlgorithm::Es256).unwrap();
    let client = client(&key, changes);
    let mut world = World::with(|builder| {
        let builder = builder.scope(ScopeDescription::openid());
        change(builder.client(client))
    });
    world.client_key = key;
    world
}

/// The metadata of a client with this key; what `more_keys` holds is published beside it.
pub fn client(key: &SigningKey, changes: &Value) -> ClientMetadata {
    let mut metadata = json!({
        "client_id": "oidc",
        "redirect_uris": [CALLBACK],
        "token_endpoint_auth_method": "private_key_jwt",
        "scope": "openid accounts",
        "grant_types": ["authorization_code", "refresh_token"],
        "dpop_bound_access_tokens": true,
        "jwks": { "keys": [Value::Object(key.public().to_members())] },
    });
    for (name, value) in changes.as_object().unwrap() {
        if name == "more_keys" {
            let keys = metadata["jwks"]["keys"].as_array_mut().unwrap();
            keys.extend(value.as_array().unwrap().clone());
        } else {
            metadata[name] = value.clone();
        }
    }
    serde_json::from_value(metadata).unwrap()
}

impl World {
    pub async fn redeem_as(&self, client_id: &str, code: &str) -> Reply {
        let request = post(TOKEN, &self.redemption(client_id, code));
        self.send(with_proof(request, &self.proof(TOKEN))).await
    }

    /// From the pushed request of the client `oidc` to its tokens.
    pub async fn openid(&self, changes: &[(&str, &str)]) -> Reply {
        let openid = [&[("scope", "openid accounts")], changes].concat();
        let code = self.code("oidc", &openid).await;
        self.redeem_as("oidc", &code).await
    }

    pub async fn refresh_openid(&self, token: &str, changes: &[(&str, &str)]) -> Reply {
        let mut parameters = self.authentication("oidc");
        parameters.extend(form([
            ("grant_type", "refresh_token"),
            ("refresh_token", token),
        ]));
        let request = post(TOKEN, &changed(parameters, changes));
        self.send(with_proof(request, &self.proof(TOKEN))).await
    }

    /// The claims of a JWT that verifies with a published key, found by its `kid`.
    pub fn verified(&self, token: &str) -> (Algorithm, Map<String, Value>) {
        let header = jsonwebtoken::decode_header(token).unwrap();
        assert_eq!(header.typ, None);
        let published: jwk::JwkSet =
            serde_json::from_value(self.keys.public_jwks(self.now())).unwrap();
        let key = published.find(header.kid.as_ref().unwrap()).unwrap();
        let key = DecodingKey::from_jwk(key).unwrap();
        let (signed, signature) = token.rsplit_once('.').unwrap();
        let verifier = (DEFAULT_PROVIDER.verifier_factory)(&header.alg, &key).unwrap();
        let signature = base64url::decode(signature).unwrap();
        verifier.verify(signed.as_bytes(), &signature).unwrap();
        (header.alg, insecure_decode(token).unwrap().claims)
    }
}

/// The left half of a hash (OpenID Connect Core §3.1.3.6).
fn half(algorithm: &'static digest::Algorithm, text: &str) -> String {
    let hash = digest::digest(algorithm, text.as_bytes());
    base64url::encode(&hash.as_ref()[..hash.as_ref().len() / 2])
}

// OpenID Connect Core §2, §3.1.3.3 and §3.1.3.6; FAPI 1.0 Part 2 §5.1.1 for `s_hash`.
#[tokio::test]
async fn a_client_that_asks_for_openid_is_told_who_signed_in() {
    let world = provider(&json!({}));
    let nonce = "n".repeat(400);
    let code = world
        .code("oidc", &[("scope", "openid accounts"), ("nonce", &nonce)])
        .await;
    world.advance(7);
    let reply = world.redeem_as("oidc", &code).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    assert_eq!(reply.json()["scope"], "accounts openid");
    let (algorithm, claims) = world.verified(&reply.text("id_token"));
    assert_eq!(algorithm, Algorithm::ES256);
    let now = world.now().as_unix();
    let expected = json!({
        "iss": ISSUER,
        "sub": "subject-1",
        "aud": "oidc",
        "iat": now,
        "exp": now + 300,
        "auth_time": now - 7,
        "acr": PASSWORD_ACR,
        "amr": ["pwd"],
        "nonce": nonce,
        "at_hash": half(&SHA256, &reply.text("access_token")),
        "s_hash": half(&SHA256, "the state"),
    });
    assert_eq!(Value::Object(claims), expected);
}

// OpenID Connect Core §2: `nonce` is what was sent, or is not there.
#[tokio::test]
async fn what_was_not_sent_does_not_come_back() {
    let world = provider(&json!({}));
    let reply = world.openid(&[("state", ""), ("nonce", "")]).await;
    let (_, claims) = world.verified(&reply.text("id_token"));
    for absent in ["nonce", "s_hash", "c_hash", "azp"] {
        assert!(!claims.contains_key(absent), "{absent}");
    }
}

// OpenID Connect Core §3.1.2.1: without `openid` it is no OpenID Connect request.
#[tokio::test]
async fn without_the_scope_there_is_no_id_token() {
    let world = provider(&json!({}));
    let code = world
        .code("oidc", &[("scope", "accounts"), ("nonce", "n")])
        .await;
    let reply = world.redeem_as("oidc", &code).await;
    assert!(reply.json().get("id_token").is_none(), "{reply:?}");
    let refreshed = world
        .refresh_openid(&reply.text("refresh_token"), &[("scope", "openid")])
        .await;
    assert_eq!(refreshed.refusal(), (400, "invalid_scope".to_owned()));

    // Neither for a client that is not registered for it, nor at a server that has not made it a scope.
    let other = World::new().push(&[("scope", "openid accounts")]).await;
    assert_eq!(other.refusal(), (400, "invalid_scope".to_owned()));
    let key = SigningKey::generate(JwsAlgorithm::Es256).unwrap();
    match builder().client(client(&key, &json!({}))).build() {
        Err(ConfigError::Client(refused)) => {
            let unknown = ClientProblem::UnknownScope("openid".to_owned());
            assert_eq!(refused.problem, unknown);
        }
        other => panic!("{other:?}"),
    }
}

// OpenID Connect Core §12.2.
#[tokio::test]
async fn a_refreshed_id_token_is_about_the_same_sign_in() {
    let world = provider(&json!({}));
    let reply = world.openid(&[("nonce", "n")]).await;
    let (_, first) = world.verified(&reply.text("id_token"));
    world.advance(1000);
    let token = reply.text("refresh_token");
    let refreshed = world.refresh_openid(&token, &[]).await;
    let (_, again) = world.verified(&refreshed.text("id_token"));
    for same in ["iss", "sub", "aud", "auth_time", "acr", "amr"] {
        assert_eq!(again[same], first[same], "{same}");
    }
    let now = world.now().as_unix();
    assert_eq!(
        (&again["iat"], &again["exp"]),
        (&json!(now), &json!(now + 300))
    );
    let at_hash = half(&SHA256, &refreshed.text("access_token"));
    assert_eq!(again["at_hash"], at_hash);
    for absent in ["nonce", "s_hash"] {
        assert!(!again.contains_key(absent), "{absent}");
    }
    let narrowed = world.refresh_openid(&token, &[("scope", "accounts")]).await;
    assert_eq!(narrowed.status, 200);
    assert!(narrowed.json().get("id_token").is_none(), "not asked for");
}

/// One key for each algorithm.
fn three_keys() -> SigningKeys {
    let keys: Vec<String> = [
        JwsAlgorithm::EdDsa,
        JwsAlgorithm::Ps256,
        JwsAlgorithm::Es256,
    ]
    .map(|algorithm| {
        PrivateJwk::generate(algorithm)
            .unwrap()
            .secret_json()
            .to_string()
    })
    .to_vec();
    format!(r#"{{"keys":[{}]}}"#, keys.join(","))
        .parse()
        .unwrap()
}

// OpenID Connect Dynamic Client Registration §2, FAPI 2.0 Security Profile §5.4.1; the hash is that of the algorithm.
#[tokio::test]
async fn an_id_token_is_signed_with_what_the_client_registered() {
    let keys = three_keys();
    for (registered, expected, hash) in [
        (Value::Null, Algorithm::EdDSA, &SHA512),
        (json!("EdDSA"), Algorithm::EdDSA, &SHA512),
        (json!("PS256"), Algorithm::PS256, &SHA256),
        (json!("ES256"), Algorithm::ES256, &SHA256),
    ] {
        let mut world = provider_with(
            &json!({"id_token_signed_response_alg": registered}),
            |builder| builder.signing_keys(keys.clone()),
        );
        world.keys = keys.clone();
        let reply = world.openid(&[]).await;
        let (algorithm, claims) = world.verified(&reply.text("id_token"));
        assert_eq!(algorithm, expected);
        assert_eq!(claims["at_hash"], half(hash, &reply.text("access_token")));
        assert_eq!(claims["s_hash"], half(hash, "the state"));
        let header = jsonwebtoken::decode_header(reply.text("access_token")).unwrap();
        assert_eq!(
            header.alg,
            Algorithm::EdDSA,
            "access tokens are not the client's"
        );
    }
}

// OpenID Connect Core §2: signed, then encrypted. RFC 7519 §5.2 for `cty`.
#[tokio::test]
async fn an_id_token_is_encrypted_to_the_client_that_wants_it_so() {
    for (algorithm, encryption) in [
        (JweAlgorithm::EcdhEsA256Kw, Some("A256GCM")),
        (JweAlgorithm::RsaOaep256, None),
    ] {
        let keys = DecryptionKeys::new([DecryptionKey::generate(algorithm).unwrap()]);
        let mut wishes = json!({
            "id_token_encrypted_response_alg": algorithm,
            "more_keys": json!(keys.public())["keys"],
        });
        if let Some(encryption) = encryption {
            wishes["id_token_encrypted_response_enc"] = encryption.into();
        }
        let world = provider(&wishes);
        let reply = world.openid(&[]).await;
        let refreshed = world
            .refresh_openid(&reply.text("refresh_token"), &[])
            .await;
        for reply in [reply, refreshed] {
            let sealed = reply.text("id_token");
            let header = CompactJwe::parse(&sealed).unwrap().header().unwrap();
            assert_eq!(header.algorithm(), algorithm);
            let expected = encryption.unwrap_or("A128CBC-HS256");
            assert_eq!(header.encryption().as_str(), expected);
            assert!(header.is_cty("JWT"));
            let opened = decrypt(&sealed, &keys, &AcceptedEncryption::default()).unwrap();
            let (_, claims) = world.verified(std::str::from_utf8(&opened.plaintext).unwrap());
            assert_eq!(claims["aud"], "oidc");
        }
    }
}

/// Its keys are fetched, and the one to encrypt to is gone for a while.
#[cfg(feature = "discovery")]
#[tokio::test]
async fn what_cannot_be_encrypted_costs_no_code_and_does_not_go_out_in_the_clear() {
    let decryption = DecryptionKeys::new([DecryptionKey::generate(JweAlgorithm::EcdhEs).unwrap()]);
    let jwks = crate::jwks_uri::Jwks::default();
    let signing = SigningKey::generate(JwsAlgorithm::Es256).unwrap();
    let public = signing.public().clone();
    let publish = |with_encryption: bool| {
        let mut keys = vec![public.clone()];
        if with_encryption {
            keys.extend(decryption.public().keys().iter().cloned());
        }
        jwks.publish_set(&JwkSet::new(keys));
    };
    publish(false);
    let url = jwks.listen().await;
    let fetcher = tower_fapi::issuer::Fetcher::builder()
        .dangerous()
        .http_on_loopback()
        .build()
        .unwrap();
    let wishes = json!({
        "client_id": "oidc", "jwks": null, "jwks_uri": url, "id_token_encrypted_response_alg": "ECDH-ES",
    });
    let client = client(&signing, &wishes);
    let mut world = World::with(|builder| {
        let builder = builder.scope(ScopeDescription::openid());
        builder.client_keys_fetcher(fetcher).client(client)
    });
    world.client_key = signing;
    let code = world.code("oidc", &[("scope", "openid accounts")]).await;
    let reply = world.redeem_as("oidc", &code).await;
    let unavailable = (503, "temporarily_unavailable".to_owned());
    assert_eq!(reply.refusal(), unavailable);

    publish(true);
    // Somebody asks with a key that is not known, and so the set is fetched anew.
    world.advance(30);
    let header = r#"{"alg":"ES256","kid":"unknown"}"#;
    let claims = Value::Object(world.claims("oidc")).to_string();
    let stranger = SigningKey::generate(JwsAlgorithm::Es256).unwrap();
    let assertion = tower_fapi::testing::Document::sign_texts(&stranger, header, &claims);
    let asked = world.send(post(PAR, &crate::assertion::with_assertion(&assertion)));
    assert_eq!(asked.await.status, 401);
    let reply = world.redeem_as("oidc", &code).await;
    assert_eq!(reply.status, 200, "the code was not spent: {reply:?}");
    assert_eq!(reply.text("id_token").split('.').count(), 5);
}

#[tokio::test]
async fn an_id_token_lives_as_long_as_is_configured() {
    let mut lifetimes = Lifetimes::default();
    lifetimes.id_token = Duration::from_secs(60);
    let world = provider_with(&json!({}), |builder| builder.lifetimes(lifetimes));
    let reply = world.openid(&[]).await;
    let (_, claims) = world.verified(&reply.text("id_token"));
    assert_eq!(claims["exp"], world.now().as_unix() + 60);
}

// RFC 9068 §2.1, RFC 8725 §3.11: it opens nothing.
#[tokio::test]
async fn an_id_token_is_no_access_token() {
    let world = provider(&json!({}));
    let reply = world.openid(&[]).await;
    let id_token = reply.text("id_token");
    let keys: JwkSet = world
        .keys
        .public_jwks(world.now())
        .to_string()
        .parse()
        .unwrap();
    let rules = TokenRules {
        algorithms: &JwsAlgorithm::ALL,
        audiences: &["oidc".to_owned()],
        compatibility: Compatibility::default(),
        clock_skew: Duration::from_secs(10),
    };
    let judged = UnverifiedToken::parse(&id_token)
        .and_then(|token| token.verify(&rules, &VerifyingKeySet::new(&keys), world.now()));
    assert_eq!(judged.err(), Some(TokenError::Type(None)));
    let mut parameters = world.authentication("oidc");
    parameters.extend(form([("token", &id_token)]));
    let revoked = world
        .send(post("https://as.example/revoke", &parameters))
        .await;
    assert_eq!(
        revoked.refusal(),
        (400, "unsupported_token_type".to_owned())
    );
    let refreshed = world.refresh_openid(&id_token, &[]).await;
    assert_eq!(refreshed.refusal(), (400, "invalid_grant".to_owned()));
}

// What cannot be shown cannot be approved: the scope has words of its own.
#[tokio::test]
async fn the_consent_page_says_that_the_person_is_recognised() {
    let world = provider(&json!({}));
    let pushed = world.pushed("oidc", &[("scope", "openid accounts")]);
    let request_uri = world.send(post(PAR, &pushed)).await.text("request_uri");
    let mut browser = Browser::new(&world);
    let page = browser.open("oidc", &request_uri).await;
    let reply = browser.sign_in(&page).await;
    let page = browser.follow(reply).await;
    assert!(page.text().contains("Recognise you"));
    let reply = browser.submit(&page, &[], "approve").await;
    let url = crate::browser::landed(&reply);
    assert!(
        !answer(&url).contains_key("id_token"),
        "the code flow has none"
    );
}

#[test]
fn what_cannot_be_signed_or_encrypted_is_not_registered() {
    let key = SigningKey::generate(JwsAlgorithm::Es256).unwrap();
    let provider = || builder().scope(ScopeDescription::openid());
    let algorithm = "id_token_encrypted_response_alg";
    for (changes, problem) in [
        (
            json!({"id_token_encrypted_response_enc": "A256GCM"}),
            ClientProblem::Missing(algorithm),
        ),
        (
            json!({algorithm: "RSA-OAEP-256"}),
            ClientProblem::NoKeyForResponses(algorithm),
        ),
        (
            json!({algorithm: "A256KW"}),
            ClientProblem::NoKeyForResponses(algorithm),
        ),
    ] {
        match provider().client(client(&key, &changes)).build() {
            Err(ConfigError::Client(refused)) => assert_eq!(refused.problem, problem, "{changes}"),
            other => panic!("{changes}: {other:?}"),
        }
    }
    // The server of this builder has a key for EdDSA alone.
    let unsigned = json!({"id_token_signed_response_alg": "PS256"});
    let refused = provider().client(client(&key, &unsigned)).build();
    let expected =
        ConfigError::NoKeyForResponses("oidc".to_owned(), "id_token_signed_response_alg");
    assert_eq!(refused.err(), Some(expected));
    for name in ["RS256", "none", "HS256"] {
        let read: Result<ClientMetadata, _> =
            serde_json::from_value(json!({"client_id": "c", "id_token_signed_response_alg": name}));
        assert!(read.is_err(), "{name}");
    }
}
