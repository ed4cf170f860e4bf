//! The userinfo endpoint (OpenID Connect Core §5.3), behind the layer that stands before every API.

use std::sync::Arc;

use axum::body::Body;
use http::{Request, header};
use serde_json::{Map, Value, json};
use tower_fapi::{
    authorization_server::{
        AuthorizationServerBuilder, ClientMetadata, ClientProblem, ConfigError, ScopeDescription,
        people::{
            Answer, Authenticated, AuthenticationFuture, Authenticator, AuthenticatorFault,
            ClaimsFuture, LoginAttempt,
        },
        store::RecordKind,
    },
    dpop::ProofPolicy,
    jose::{
        JwsAlgorithm, SigningKey,
        jwe::{AcceptedEncryption, DecryptionKey, DecryptionKeys, JweAlgorithm, decrypt},
    },
    replay::{MemoryReplayStore, ReplayStore as _},
    testing::DpopKey,
    time::Timestamp,
};

use crate::{
    browser::{Browser, answer},
    certificates::Certificate,
    configuration::builder,
    id_token::{client, provider, provider_with},
    world::{API, CALLBACK, ISSUER, MTLS_TOKEN, PAR, Reply, VERIFIER, World, form, over, post},
};

pub const USERINFO: &str = "https://as.example/userinfo";
pub const MTLS_USERINFO: &str = "https://mtls.as.example/userinfo";

/// Alice, about whom more is known, and somebody else.
#[derive(Debug)]
pub struct Known;

impl Authenticator for Known {
    fn authenticate(&self, attempt: LoginAttempt, now: Timestamp) -> AuthenticationFuture<'_> {
        let person =
            |subject, name| Answer::Authenticated(Authenticated::with_password(subject, name, now));
        let answer = match attempt.username.as_str() {
            "alice" => person("subject-1", "Alice"),
            "hatter" => person("subject-2", "Hatter"),
            // Of whom nothing can be learnt for a while.
            "rabbit" => person("subject-3", "Rabbit"),
            _ => Answer::Refused,
        };
        Box::pin(std::future::ready(Ok(answer)))
    }

    fn claims_supported(&self) -> Vec<String> {
        let names = [
            "name",
            "email",
            "email_verified",
            "address",
            "phone_number",
            "branch",
            "name#ja",
            "sub",
        ];
        names.map(str::to_owned).to_vec()
    }

    fn claims(&self, subject: &str) -> ClaimsFuture<'_> {
        let known = match subject {
            "subject-1" => Ok(json!({
                "name": "Alice Liddell",
                "email": "alice@example.com",
                "email_verified": true,
                "address": {"locality": "Oxford"},
                "phone_number": "+44 1865 276150",
                "branch": "North",
                "name#ja": "アリス",
                // Nothing, said in two ways (OpenID Connect Core §5.3.2).
                "nickname": null,
                "website": "",
                // What only the server can say.
                "sub": "subject-9",
                "iss": "https://evil.example",
                "aud": "evil",
                "acr": "evil",
                "nonce": "evil",
            })),
            "subject-3" => Err(AuthenticatorFault::Unavailable("late".to_owned())),
            _ => Ok(json!({})),
        };
        let known = known.map(|known| known.as_object().unwrap().clone());
        Box::pin(std::future::ready(known))
    }
}

/// Everything that there is a scope for, and people of whom something is known.
pub fn informed(builder: AuthorizationServerBuilder) -> AuthorizationServerBuilder {
    builder.authenticator(Known).scopes([
        ScopeDescription::profile(),
        ScopeDescription::email(),
        ScopeDescription::address(),
        ScopeDescription::phone(),
    ])
}

pub const ALL_SCOPES: &str = "openid accounts profile email address phone";

pub fn informed_provider(changes: &Value) -> World {
    let mut all = json!({"scope": ALL_SCOPES});
    let changes = changes.as_object().unwrap().clone();
    all.as_object_mut().unwrap().extend(changes);
    provider_with(&all, informed)
}

impl World {
    /// Asks with a proof for `url`.
    pub async fn userinfo(&self, method: &str, url: &str, token: &str) -> Reply {
        let proof = self.dpop.proof(method, url, self.now()).access_token(token);
        self.send(asked(method, url, token, &proof.sign())).await
    }

    pub async fn told(&self, token: &str) -> Map<String, Value> {
        let reply = self.userinfo("GET", USERINFO, token).await;
        assert_eq!(reply.status, 200, "{reply:?}");
        reply.json().as_object().unwrap().clone()
    }
}

fn asked(method: &str, url: &str, token: &str, proof: &str) -> Request<Body> {
    Request::builder()
        .method(method)
        .uri(url)
        .header(header::AUTHORIZATION, format!("DPoP {token}"))
        .header("dpop", proof)
        .body(Body::empty())
        .unwrap()
}

/// Status, and the `error` of the challenges.
fn challenged(reply: &Reply) -> (u16, Option<String>) {
    let challenges = reply.headers.get_all(header::WWW_AUTHENTICATE).iter();
    let mut errors = challenges.filter_map(|challenge| {
        let rest = challenge.to_str().unwrap().split("error=\"").nth(1)?;
        Some(rest.split('"').next().unwrap().to_owned())
    });
    (reply.status.as_u16(), errors.next())
}

fn refused(status: u16, error: &str) -> (u16, Option<String>) {
    (status, Some(error.to_owned()))
}

// OpenID Connect Core §5.3.1 and §5.3.2, §5.4.
#[tokio::test]
async fn a_client_is_told_what_its_scope_stands_for() {
    let world = informed_provider(&json!({}));
    let sub = json!("subject-1");
    for (scope, expected) in [
        ("openid accounts", json!({"sub": sub})),
        (
            "openid profile",
            json!({"sub": sub, "name": "Alice Liddell", "name#ja": "アリス"}),
        ),
        (
            "openid email",
            json!({"sub": sub, "email": "alice@example.com", "email_verified": true}),
        ),
        (
            "openid address phone",
            json!({"sub": sub, "address": {"locality": "Oxford"}, "phone_number": "+44 1865 276150"}),
        ),
    ] {
        let reply = world.openid(&[("scope", scope)]).await;
        let (_, id_token) = world.verified(&reply.text("id_token"));
        assert_eq!(id_token["sub"], sub);
        assert!(
            !id_token.contains_key("email"),
            "told here, and not there (§5.4)"
        );
        let token = reply.text("access_token");
        for (method, url) in [
            ("GET", USERINFO),
            ("POST", USERINFO),
            ("GET", MTLS_USERINFO),
            ("POST", MTLS_USERINFO),
        ] {
            let told = world.userinfo(method, url, &token).await;
            assert_eq!(told.status, 200, "{told:?}");
            assert_eq!(told.header("cache-control"), Some("no-store"));
            assert_eq!(told.json(), expected, "{scope} {method} {url}");
        }
    }
}

// RFC 6749 §6: a token for less tells less.
#[tokio::test]
async fn a_token_for_less_tells_less() {
    let world = informed_provider(&json!({}));
    let reply = world.openid(&[("scope", "openid profile email")]).await;
    let refresh = reply.text("refresh_token");
    let less = world
        .refresh_openid(&refresh, &[("scope", "openid email")])
        .await;
    let told = world.told(&less.text("access_token")).await;
    assert!(told.contains_key("email") && !told.contains_key("name"));
    let none = world.refresh_openid(&refresh, &[("scope", "email")]).await;
    let reply = world
        .userinfo("GET", USERINFO, &none.text("access_token"))
        .await;
    assert_eq!(challenged(&reply), refused(403, "insufficient_scope"));
    let challenge = reply.header("www-authenticate").unwrap();
    assert!(challenge.contains("scope=\"openid\""), "{challenge}");
}

// RFC 9449 §4.3, §7 and §11.1: the verdict is that of every API.
#[tokio::test]
async fn whoever_cannot_prove_that_the_token_is_theirs_is_told_nothing() {
    let world = informed_provider(&json!({}));
    let reply = world.openid(&[]).await;
    let (token, id_token) = (reply.text("access_token"), reply.text("id_token"));
    let now = world.now();
    let proof = |method, url: &str| world.dpop.proof(method, url, now).access_token(&token);
    let good = proof("GET", USERINFO).sign();
    let stranger = DpopKey::generate()
        .proof("GET", USERINFO, now)
        .access_token(&token);
    for (case, proof, error) in [
        ("another key", stranger.sign(), "invalid_token"),
        (
            "another URL",
            proof("GET", "https://as.example/token").sign(),
            "invalid_dpop_proof",
        ),
        (
            "another host",
            proof("GET", "https://evil.example/userinfo").sign(),
            "invalid_dpop_proof",
        ),
        (
            "another method",
            proof("POST", USERINFO).sign(),
            "invalid_dpop_proof",
        ),
        (
            "no token",
            world.dpop.proof("GET", USERINFO, now).sign(),
            "invalid_dpop_proof",
        ),
    ] {
        let reply = world.send(asked("GET", USERINFO, &token, &proof)).await;
        assert_eq!(challenged(&reply), refused(401, error), "{case}: {reply:?}");
    }
    let bearer = Request::get(USERINFO).header(header::AUTHORIZATION, format!("Bearer {token}"));
    let reply = world.send(bearer.body(Body::empty()).unwrap()).await;
    assert_eq!(reply.status, 401, "a bound token under Bearer");
    let nothing = world
        .send(Request::get(USERINFO).body(Body::empty()).unwrap())
        .await;
    assert_eq!(challenged(&nothing), (401, None));
    let in_query = Request::get(format!("{USERINFO}?access_token={token}"));
    let reply = world.send(in_query.body(Body::empty()).unwrap()).await;
    assert_eq!(challenged(&reply), refused(400, "invalid_request"));
    let in_body = form([("access_token", &token)]);
    assert_eq!(world.send(post(USERINFO, &in_body)).await.status, 401);
    let put = world.send(asked("PUT", USERINFO, &token, &good)).await;
    assert_eq!(challenged(&put), refused(401, "invalid_dpop_proof"));

    for (case, other) in [
        ("an ID token", id_token.as_str()),
        ("garbage", "garbage"),
        ("something that looks like a JWE", "a.b.c.d.e"),
        ("the token, signed by nobody", &token[..token.len() - 8]),
    ] {
        let proof = world
            .dpop
            .proof("GET", USERINFO, now)
            .access_token(other)
            .sign();
        let reply = world.send(asked("GET", USERINFO, other, &proof)).await;
        assert_eq!(
            challenged(&reply),
            refused(401, "invalid_token"),
            "{case}: {reply:?}"
        );
    }
    // All of that has cost the good proof nothing; it counts once.
    assert_eq!(
        world
            .send(asked("GET", USERINFO, &token, &good))
            .await
            .status,
        200
    );
    let again = world.send(asked("GET", USERINFO, &token, &good)).await;
    assert_eq!(challenged(&again), refused(401, "invalid_dpop_proof"));
}

// RFC 7009 §2.1, RFC 6749 §4.1.2: at once, and not when somebody has forgotten the token.
#[tokio::test]
async fn a_token_that_holds_no_more_tells_nothing_from_that_moment_on() {
    let world = informed_provider(&json!({}));
    let gone = refused(401, "invalid_token");
    let revoke = async |token: &str| {
        let mut parameters = world.authentication("oidc");
        parameters.extend(form([("token", token)]));
        let reply = world
            .send(post("https://as.example/revoke", &parameters))
            .await;
        assert_eq!(reply.status, 200);
    };
    for by_refresh_token in [false, true] {
        let reply = world.openid(&[]).await;
        let token = reply.text("access_token");
        world.told(&token).await;
        let which = if by_refresh_token {
            "refresh_token"
        } else {
            "access_token"
        };
        revoke(&reply.text(which)).await;
        let reply = world.userinfo("GET", USERINFO, &token).await;
        assert_eq!(challenged(&reply), gone, "{which}");
    }
    let code = world.code("oidc", &[("scope", "openid")]).await;
    let token = world.redeem_as("oidc", &code).await.text("access_token");
    world.told(&token).await;
    assert_eq!(
        world.redeem_as("oidc", &code).await.status,
        400,
        "used twice"
    );
    assert_eq!(
        challenged(&world.userinfo("GET", USERINFO, &token).await),
        gone
    );
    let token = world.openid(&[]).await.text("access_token");
    world.advance(300);
    assert_eq!(
        challenged(&world.userinfo("GET", USERINFO, &token).await),
        gone,
        "ended"
    );
}

// RFC 8705 §3: bound to a certificate, whoever else has a key.
#[tokio::test]
async fn a_token_that_is_bound_to_a_certificate_needs_it_here_too() {
    let key = SigningKey::generate(JwsAlgorithm::Es256).unwrap();
    let mut certificate = None;
    let world = World::with(|builder| {
        let own = Certificate::self_signed("tls-oidc");
        let mut jwk = own.jwk();
        jwk["x5c"] = json!([own.base64()]);
        let metadata = client(
            &key,
            &json!({
                "client_id": "tls-oidc",
                "token_endpoint_auth_method": "self_signed_tls_client_auth",
                "jwks": {"keys": [jwk]},
                "dpop_bound_access_tokens": false,
                "tls_client_certificate_bound_access_tokens": true,
            }),
        );
        certificate = Some(own);
        builder.scope(ScopeDescription::openid()).client(metadata)
    });
    let certificate = certificate.unwrap();
    let mut parameters = form([("client_id", "tls-oidc")]);
    parameters.extend(crate::world::changed(
        crate::world::request(),
        &[("scope", "openid")],
    ));
    let pushed = world.send(over(post(PAR, &parameters), &certificate)).await;
    let url = Browser::new(&world)
        .approve("tls-oidc", &pushed.text("request_uri"))
        .await;
    let redemption = form([
        ("client_id", "tls-oidc"),
        ("grant_type", "authorization_code"),
        ("code", &answer(&url)["code"]),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
    ]);
    let tokens = world
        .send(over(post(MTLS_TOKEN, &redemption), &certificate))
        .await;
    let token = tokens.text("access_token");
    let ask = |url: &str| {
        let request = Request::get(url).header(header::AUTHORIZATION, format!("Bearer {token}"));
        request.body(Body::empty()).unwrap()
    };
    for url in [USERINFO, MTLS_USERINFO] {
        let told = world.send(over(ask(url), &certificate)).await;
        assert_eq!(told.json(), json!({"sub": "subject-1"}), "{url}");
        let without = world.send(ask(url)).await;
        assert_eq!(challenged(&without), refused(401, "invalid_token"), "{url}");
        let with_another = world.send(over(ask(url), &world.certificate)).await;
        assert_eq!(
            challenged(&with_another),
            refused(401, "invalid_token"),
            "{url}"
        );
    }
}

// RFC 9068 §6: the server cannot read it any more, and knows it all the same.
#[tokio::test]
async fn a_token_that_is_encrypted_to_an_api_tells_here_too() {
    let keys = DecryptionKeys::new([DecryptionKey::generate(JweAlgorithm::EcdhEs).unwrap()]);
    let resource = serde_json::from_value(json!({
        "resource": API,
        "jwks": keys.public(),
        "access_token_encrypted_response_alg": "ECDH-ES",
    }));
    let resource: tower_fapi::authorization_server::ResourceMetadata = resource.unwrap();
    let world = provider_with(&json!({}), |builder| builder.resource(resource));
    let reply = world.openid(&[]).await;
    let token = reply.text("access_token");
    assert_eq!(token.split('.').count(), 5);
    assert_eq!(
        Value::Object(world.told(&token).await),
        json!({"sub": "subject-1"})
    );
    // What is inside was never given to anybody, and encrypting it anew makes it another token.
    let opened = decrypt(&token, &keys, &AcceptedEncryption::default()).unwrap();
    assert!(!opened.plaintext.is_empty());
    let end = if token.ends_with('A') { "Q" } else { "A" };
    let other = format!("{}{end}", &token[..token.len() - 1]);
    let reply = world.userinfo("GET", USERINFO, &other).await;
    assert_eq!(challenged(&reply), refused(401, "invalid_token"));
}

// OpenID Connect Core §5.3.2: iss and aud in what is signed; Dynamic Client Registration §2.
#[tokio::test]
async fn what_is_told_is_signed_and_encrypted_as_registered() {
    let keys = DecryptionKeys::new([DecryptionKey::generate(JweAlgorithm::EcdhEs).unwrap()]);
    for encrypted in [false, true] {
        let mut wishes = json!({"userinfo_signed_response_alg": "ES256"});
        if encrypted {
            wishes["userinfo_encrypted_response_alg"] = "ECDH-ES".into();
            wishes["userinfo_encrypted_response_enc"] = "A256GCM".into();
            wishes["more_keys"] = json!(keys.public())["keys"].clone();
        }
        let world = informed_provider(&wishes);
        let token = world
            .openid(&[("scope", "openid email")])
            .await
            .text("access_token");
        let reply = world.userinfo("GET", USERINFO, &token).await;
        assert_eq!(reply.status, 200, "{reply:?}");
        assert_eq!(reply.header("content-type"), Some("application/jwt"));
        assert_eq!(reply.header("cache-control"), Some("no-store"));
        let signed = if encrypted {
            let opened = decrypt(&reply.body, &keys, &AcceptedEncryption::default()).unwrap();
            assert!(opened.header.is_cty("JWT"));
            String::from_utf8(opened.plaintext.to_vec()).unwrap()
        } else {
            reply.body
        };
        let (_, claims) = world.verified(&signed);
        let expected = json!({
            "iss": ISSUER, "aud": "oidc", "sub": "subject-1",
            "email": "alice@example.com", "email_verified": true,
        });
        assert_eq!(Value::Object(claims), expected);
    }
}

#[tokio::test]
async fn somebody_of_whom_nothing_is_known_now_is_asked_about_again() {
    let world = informed_provider(&json!({}));
    let pushed = world.pushed("oidc", &[("scope", "openid email")]);
    let request_uri = world.send(post(PAR, &pushed)).await.text("request_uri");
    let mut browser = Browser::new(&world);
    let page = browser.open("oidc", &request_uri).await;
    let reply = browser
        .submit(&page, &[("username", "rabbit")], "login")
        .await;
    let page = browser.follow(reply).await;
    let reply = browser.submit(&page, &[], "approve").await;
    let code = answer(&crate::browser::landed(&reply))["code"].clone();
    let token = world.redeem_as("oidc", &code).await.text("access_token");
    let reply = world.userinfo("GET", USERINFO, &token).await;
    assert_eq!(reply.refusal(), (503, "temporarily_unavailable".to_owned()));
    assert!(reply.header("retry-after").is_some());
}

// RFC 9449 §9: where nonces are demanded, they are here too.
#[tokio::test]
async fn a_proof_needs_the_nonce_that_all_proofs_need() {
    let world = provider_with(&json!({}), |builder| builder.dpop_nonces(true));
    let reply = world.userinfo("GET", USERINFO, "token").await;
    assert_eq!(challenged(&reply), refused(401, "use_dpop_nonce"));
    let nonce = reply.header("dpop-nonce").unwrap();
    let proof = world.dpop.proof("GET", USERINFO, world.now());
    let proof = proof.access_token("token").nonce(nonce).sign();
    let reply = world.send(asked("GET", USERINFO, "token", &proof)).await;
    assert_eq!(challenged(&reply), refused(401, "invalid_token"));
}

// RFC 9449 §11.1: what was shown here is known wherever this memory of proofs is.
#[tokio::test]
async fn a_proof_is_remembered_where_all_proofs_are() {
    let recorded = Arc::new(MemoryReplayStore::new(100));
    let world = provider_with(&json!({}), |builder| builder.replay_store(recorded.clone()));
    let token = world.openid(&[]).await.text("access_token");
    let before = recorded.entries().unwrap();
    world.told(&token).await;
    assert_eq!(recorded.entries(), Some(before + 1));
}

// The rules for proofs are those of the other endpoints.
#[tokio::test]
async fn a_proof_is_signed_as_all_proofs_have_to_be() {
    let world = provider_with(&json!({}), |builder| {
        let mut policy = ProofPolicy::default();
        policy.algorithms = vec![JwsAlgorithm::Ps256];
        builder.proof_policy(policy)
    });
    let reply = world.userinfo("GET", USERINFO, "token").await;
    assert_eq!(challenged(&reply), refused(401, "invalid_dpop_proof"));
}

// OpenID Connect Core §3.1.2.1: without the scope there is none of it.
#[tokio::test]
async fn a_server_without_openid_has_no_such_endpoint() {
    let world = World::new();
    let code = world.code("dpop", &[]).await;
    let token = world.redeem(&code).await.text("access_token");
    assert_eq!(world.userinfo("GET", USERINFO, &token).await.status, 404);
    let world = provider(&json!({}));
    let code = world.code("oidc", &[("scope", "accounts")]).await;
    let token = world.redeem_as("oidc", &code).await.text("access_token");
    let reply = world.userinfo("GET", USERINFO, &token).await;
    assert_eq!(challenged(&reply), refused(403, "insufficient_scope"));
    assert!(!world.store.is_empty(RecordKind::Grant));
}

#[test]
fn what_nobody_could_believe_or_read_is_not_registered() {
    let key = SigningKey::generate(JwsAlgorithm::Es256).unwrap();
    let algorithm = "userinfo_encrypted_response_alg";
    let signed = "userinfo_signed_response_alg";
    for (changes, problem) in [
        (
            json!({algorithm: "ECDH-ES"}),
            ClientProblem::Missing(signed),
        ),
        (
            json!({"userinfo_encrypted_response_enc": "A256GCM"}),
            ClientProblem::Missing(signed),
        ),
        (
            json!({signed: "EdDSA", "userinfo_encrypted_response_enc": "A256GCM"}),
            ClientProblem::Missing(algorithm),
        ),
        (
            json!({signed: "EdDSA", algorithm: "RSA-OAEP-256"}),
            ClientProblem::NoKeyForResponses(algorithm),
        ),
    ] {
        let provider = builder().scope(ScopeDescription::openid());
        match provider.client(client(&key, &changes)).build() {
            Err(ConfigError::Client(refused)) => assert_eq!(refused.problem, problem, "{changes}"),
            other => panic!("{changes}: {other:?}"),
        }
    }
    let provider = builder().scope(ScopeDescription::openid());
    let refused = provider
        .client(client(&key, &json!({signed: "PS256"})))
        .build();
    let expected = ConfigError::NoKeyForResponses("oidc".to_owned(), signed);
    assert_eq!(refused.err(), Some(expected));
    let none: Result<ClientMetadata, _> =
        serde_json::from_value(json!({"client_id": "c", signed: "none"}));
    assert!(none.is_err());
}
