//! What looks odd and is meant: rules that a well-meaning change would break first.

use aws_lc_rs::{
    rand::SystemRandom,
    rsa::{KeyPair, KeyPairComponents, PublicKeyComponents},
    signature::{RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaEncoding},
};
use axum::body::Body;
use http::{Method, Request};
use serde_json::{Value, json};
use tower_fapi::jose::{JwsAlgorithm, PrivateJwk, base64url};

use crate::{
    assertion::{refused, with_assertion},
    browser::{Browser, answer, authorize, error_page},
    introspection::{INTROSPECT, api},
    world::{
        ISSUER, MTLS_PAR, MTLS_TOKEN, PAR, Parameters, Reply, TOKEN, World, changed, form, post,
        with_proof,
    },
};

/// An RSA key that can do what a server of FAPI 2.0 must not accept.
struct Rsa {
    members: Value,
    pair: KeyPair,
}

impl Rsa {
    fn new() -> Self {
        let key = PrivateJwk::generate(JwsAlgorithm::Ps256).unwrap();
        let members: Value = serde_json::from_str(&key.secret_json()).unwrap();
        let number = |name: &str| base64url::decode(members[name].as_str().unwrap()).unwrap();
        let pair = KeyPair::from_components(&KeyPairComponents {
            public_key: PublicKeyComponents {
                n: number("n"),
                e: number("e"),
            },
            d: number("d"),
            p: number("p"),
            q: number("q"),
            dP: number("dp"),
            dQ: number("dq"),
            qInv: number("qi"),
        });
        Self {
            members: Value::Object(key.public().to_members()),
            pair: pair.unwrap(),
        }
    }

    fn sign(&self, algorithm: &str, claims: &Value) -> String {
        let padding: &'static dyn RsaEncoding = match algorithm {
            "RS256" => &RSA_PKCS1_SHA256,
            _ => &RSA_PSS_SHA256,
        };
        let header = json!({ "alg": algorithm, "kid": self.members["kid"] }).to_string();
        let input = format!(
            "{}.{}",
            base64url::encode(header),
            base64url::encode(claims.to_string())
        );
        let mut signature = vec![0; self.pair.public_modulus_len()];
        let random = SystemRandom::new();
        let signed = self
            .pair
            .sign(padding, &random, input.as_bytes(), &mut signature);
        signed.unwrap();
        format!("{input}.{}", base64url::encode(signature))
    }
}

// FAPI 2.0 Security Profile §5.4.1: the signature is sound and the key the right one, but the algorithm is judged first.
#[tokio::test]
async fn rs256_is_refused_with_the_right_key_and_ps256_accepted() {
    let rsa = Rsa::new();
    for described in [true, false] {
        let mut key = rsa.members.clone();
        if !described {
            // As clients publish it whose library would rather use RS256.
            key.as_object_mut().unwrap().remove("alg");
        }
        let world = World::with(|builder| {
            let client = json!({
                "client_id": "rsa",
                "redirect_uris": [crate::world::CALLBACK],
                "token_endpoint_auth_method": "private_key_jwt",
                "jwks": { "keys": [key] },
                "scope": "accounts",
                "dpop_bound_access_tokens": true,
            });
            builder.client(serde_json::from_value(client).unwrap())
        });
        for (algorithm, accepted) in [("RS256", false), ("PS256", true)] {
            let claims = Value::Object(world.claims("rsa"));
            let assertion = rsa.sign(algorithm, &claims);
            let reply = world.send(post(PAR, &with_assertion(&assertion))).await;
            if accepted {
                assert_eq!(reply.status, 201, "{algorithm} {reply:?}");
            } else {
                assert_eq!(reply.refusal(), refused(), "{algorithm}");
            }
            let mut parameters =
                with_assertion(&rsa.sign("PS256", &Value::Object(world.claims("rsa"))));
            let object = rsa.sign(algorithm, &Value::Object(world.request_claims("rsa")));
            parameters.push(("request".to_owned(), object));
            let reply = world.send(post(PAR, &parameters)).await;
            if accepted {
                assert_eq!(reply.status, 201, "request object {algorithm} {reply:?}");
            } else {
                let expected = (400, "invalid_request_object".to_owned());
                assert_eq!(reply.refusal(), expected, "request object {algorithm}");
            }
        }
    }
}

// RFC 7523 §3 rule 7: once, wherever it was used.
#[tokio::test]
async fn an_assertion_that_one_endpoint_has_seen_is_refused_by_the_others() {
    let (world, _) = api(&json!({}));
    let code = world.code("dpop", &[]).await;
    let assertion = world.assertion("dpop");
    let pushed = with_assertion(&assertion);
    assert_eq!(world.send(post(PAR, &pushed)).await.status, 201);
    let redemption = changed(
        world.redemption("dpop", &code),
        &[("client_assertion", &assertion)],
    );
    let reply = world
        .send(with_proof(post(TOKEN, &redemption), &world.proof(TOKEN)))
        .await;
    assert_eq!(reply.refusal(), refused());
    let reply = world
        .revoke("dpop", "anything", &[("client_assertion", &assertion)])
        .await;
    assert_eq!(reply.refusal(), refused());
    assert_eq!(world.redeem(&code).await.status, 200);
}

// FAPI 2.0 Security Profile §5.3.2.1: at every endpoint, of whichever name, the issuer and nothing else.
#[tokio::test]
async fn the_audience_is_the_issuer_at_every_endpoint() {
    let world = World::new();
    for (url, audience) in [
        (TOKEN, TOKEN),
        (MTLS_TOKEN, MTLS_TOKEN),
        (MTLS_PAR, MTLS_PAR),
        ("https://as.example/revoke", "https://as.example/revoke"),
    ] {
        let mut claims = world.claims("dpop");
        claims["aud"] = audience.into();
        let mut parameters = with_assertion(&world.sign(&claims));
        parameters.extend(form([
            ("grant_type", "refresh_token"),
            ("refresh_token", "x"),
            ("token", "x"),
        ]));
        let reply = world.send(post(url, &parameters)).await;
        assert_eq!(reply.refusal(), refused(), "{url}");
    }
}

// RFC 6749 §5.2, RFC 9449 §5: a request with everything wrong is mended one mistake at a time.
#[tokio::test]
async fn of_several_mistakes_the_first_in_order_is_told() {
    let world = World::new();
    let code = world.code("dpop", &[]).await;
    let good = |changes: &[(&str, &str)]| changed(world.redemption("dpop", &code), changes);
    let everything = [
        ("client_assertion", "x.y.z"),
        ("grant_type", "password"),
        ("code", "made-up"),
        ("redirect_uri", "https://evil.example/"),
        ("code_verifier", "short"),
    ];
    let late = world
        .dpop
        .proof("POST", TOKEN, world.now())
        .claim("iat", 1)
        .sign();
    let right = world.proof(TOKEN);
    let bad = Some(late.as_str());
    for (what, mended, proof, status, error) in [
        ("client", 0, bad, 401, "invalid_client"),
        ("client, without a proof", 0, None, 401, "invalid_client"),
        ("proof", 1, bad, 400, "invalid_dpop_proof"),
        ("grant type", 1, None, 400, "unsupported_grant_type"),
        (
            "a proof that is missing",
            2,
            None,
            400,
            "invalid_dpop_proof",
        ),
        ("code", 2, Some(&*right), 400, "invalid_grant"),
        ("redirect_uri", 3, Some(&*right), 400, "invalid_grant"),
        ("code_verifier", 4, Some(&*right), 400, "invalid_grant"),
    ] {
        let mut request = post(TOKEN, &good(&everything[mended..]));
        if let Some(proof) = proof {
            request = with_proof(request, proof);
        }
        let reply = world.send(request).await;
        assert_eq!(reply.refusal(), (status, error.to_owned()), "{what}");
    }
    // And before all of it, what cannot be read in one way.
    let mut twice = good(&everything);
    twice.push(("code".to_owned(), "another".to_owned()));
    let reply = world.send(post(TOKEN, &twice)).await;
    assert_eq!(reply.refusal(), (400, "invalid_request".to_owned()));
    assert_eq!(world.redeem(&code).await.status, 200, "nothing was used up");

    // Who may ask comes before what is asked at the other endpoints as well.
    let everything = [
        ("client_assertion", "x.y.z"),
        ("response_type", "token"),
        ("redirect_uri", "https://evil.example/"),
        ("scope", "admin"),
    ];
    for (mended, status, error) in [
        (0, 401, "invalid_client"),
        (1, 400, "unsupported_response_type"),
    ] {
        let reply = world.push(&everything[mended..]).await;
        assert_eq!(reply.refusal(), (status, error.to_owned()));
    }
    let parameters = world.pushed("dpop", &everything[1..]);
    let reply = world.send(with_proof(post(PAR, &parameters), &late)).await;
    assert_eq!(reply.refusal(), (400, "invalid_dpop_proof".to_owned()));
}

// RFC 6749 §5.2: %x20-21 / %x23-5B / %x5D-7E, whatever the client has sent.
#[tokio::test]
async fn a_description_repeats_nothing_that_must_not_be_in_one() {
    let world = World::new();
    let evil = "é\"\\\u{7}\u{1F600}\r\n";
    for name in [
        "scope",
        "redirect_uri",
        "response_type",
        "resource",
        "acr_values",
        "prompt",
    ] {
        let reply = world.push(&[(name, evil)]).await;
        // The characters are checked there.
        assert!(reply.refusal().0 == 400 || reply.status == 201, "{name}");
    }
    let details = json!([{ "type": evil }]).to_string();
    for details in [
        details.as_str(),
        evil,
        r#"[{"type":"payment_initiation","é\"":1}]"#,
    ] {
        let reply = world.push(&[("authorization_details", details)]).await;
        assert_eq!(reply.refusal().1, "invalid_authorization_details");
    }
    let mut twice = world.pushed("dpop", &[(evil, "1")]);
    twice.push((evil.to_owned(), "2".to_owned()));
    assert_eq!(world.send(post(PAR, &twice)).await.refusal().0, 400);
    // In a redirect as well (RFC 6749 §4.1.2.1).
    let request_uri = world.push(&[("prompt", "none")]).await.text("request_uri");
    let reply = Browser::new(&world)
        .get(&authorize("dpop", &request_uri))
        .await;
    let description = answer(&crate::browser::landed(&reply))["error_description"].clone();
    let allowed = |byte| matches!(byte, 0x20 | 0x21 | 0x23..=0x5b | 0x5d..=0x7e);
    assert!(description.bytes().all(allowed), "{description}");
}

fn is_stored_nowhere(reply: &Reply) -> bool {
    reply.header("cache-control") == Some("no-store")
}

// RFC 6749 §5.1, RFC 9126 §2.2, RFC 7662 §2.2; a 404 or 405 could be kept by default (RFC 9110 §15.1).
#[tokio::test]
async fn no_answer_but_the_public_documents_is_kept() {
    let (world, _) = api(&json!({}));
    let public = [
        "/jwks",
        "/.well-known/oauth-authorization-server",
        "/.well-known/openid-configuration",
    ];
    let paths = [
        "/par",
        "/token",
        "/revoke",
        "/introspect",
        "/authorize",
        "/login",
        "/second-factor",
        "/consent",
        "/nowhere",
    ];
    for path in paths.into_iter().chain(public) {
        for method in [
            Method::GET,
            Method::HEAD,
            Method::POST,
            Method::PUT,
            Method::DELETE,
            Method::OPTIONS,
        ] {
            let request = Request::builder()
                .method(&method)
                .uri(format!("{ISSUER}{path}"));
            let reply = world.send(request.body(Body::empty()).unwrap()).await;
            let kept = public.contains(&path) && reply.status == 200;
            assert_eq!(
                !is_stored_nowhere(&reply),
                kept,
                "{method} {path} {reply:?}"
            );
        }
    }
    // Those that succeed.
    let request_uri = world.push(&[]).await;
    assert!(is_stored_nowhere(&request_uri));
    let mut browser = Browser::new(&world);
    let path = authorize("dpop", &request_uri.text("request_uri"));
    let opened = browser.get(&path).await;
    assert!(is_stored_nowhere(&opened), "{opened:?}");
    let page = browser.follow(opened).await;
    assert!(is_stored_nowhere(&page.reply));
    let signed_in = browser.sign_in(&page).await;
    assert!(is_stored_nowhere(&signed_in));
    let page = browser.follow(signed_in).await;
    let approved = browser.submit(&page, &[], "approve").await;
    assert!(is_stored_nowhere(&approved), "the code is in it");
    let code = answer(&crate::browser::landed(&approved))["code"].clone();
    let tokens = world.redeem(&code).await;
    assert!(is_stored_nowhere(&tokens));
    let revoked = world
        .revoke("dpop", &tokens.text("access_token"), &[])
        .await;
    assert!(is_stored_nowhere(&revoked), "{revoked:?}");
}

// RFC 9110 §5.1 and §8.3.1: names of headers and media types in any case; RFC 6749 §3.1 and §3.2: of parameters in one.
#[tokio::test]
async fn case_counts_where_it_does_and_nowhere_else() {
    let world = World::new();
    let lines = |parameters: &Parameters| crate::world::encode(parameters);
    let code = world.code("dpop", &[]).await;
    let request = Request::post(TOKEN)
        .header("CONTENT-TYPE", "Application/x-www-FORM-urlencoded")
        .header("DPOP", world.proof(TOKEN))
        .body(Body::from(lines(&world.redemption("dpop", &code))))
        .unwrap();
    let reply = world.send(request).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    // What clients compare without regard to case is written as it is registered (RFC 9449 §7.1).
    assert_eq!(reply.text("token_type"), "DPoP");
    for (name, wrong) in [
        ("response_type", "Response_Type"),
        ("code_challenge", "CODE_CHALLENGE"),
    ] {
        let mut parameters = world.pushed("dpop", &[]);
        for (known, _) in &mut parameters {
            if known == name {
                wrong.clone_into(known);
            }
        }
        let reply = world.send(post(PAR, &parameters)).await;
        assert_eq!(
            reply.refusal(),
            (400, "invalid_request".to_owned()),
            "{wrong}"
        );
    }
    // Secrets of any scheme, in any case, are refused.
    for scheme in ["Basic", "BASIC", "basic", "Bearer"] {
        let mut request = post(PAR, &crate::world::request());
        let value = format!("{scheme} ZHBvcDpzZWNyZXQ=").parse().unwrap();
        request.headers_mut().insert("authorization", value);
        assert_eq!(world.send(request).await.refusal(), refused(), "{scheme}");
    }
}

// RFC 9126 §4, FAPI 2.0 Security Profile §5.3.2.2 Note 3: declining completes as well, and is remembered as long.
#[tokio::test]
async fn a_request_that_was_declined_is_spent_and_remembered() {
    let world = World::new();
    let request_uri = world.push(&[]).await.text("request_uri");
    let mut browser = Browser::new(&world);
    let page = browser.open("dpop", &request_uri).await;
    let reply = browser.sign_in(&page).await;
    let page = browser.follow(reply).await;
    assert_eq!(browser.submit(&page, &[], "deny").await.status, 303);
    let spent = (400, "invalid_request_uri".to_owned());
    for seconds in [0, 30, 29, 1, 500] {
        world.advance(seconds);
        let reply = Browser::new(&world)
            .get(&authorize("dpop", &request_uri))
            .await;
        assert_eq!(error_page(&reply), spent, "{seconds} s later");
        // Not forgotten, which would look much the same.
        assert!(reply.body.contains("This request has been answered"));
        assert!(!reply.headers.contains_key("location"));
    }
}

// FAPI 2.0 Security Profile §5.3.2.1: refresh tokens are not rotated, and the old one stays good.
#[tokio::test]
async fn a_refresh_never_brings_another_refresh_token() {
    let world = World::new();
    let [_, refresh_token] = world.tokens(&[]).await;
    for _ in 0..3 {
        let reply = world.refreshed("dpop", &refresh_token).await;
        assert_eq!(reply.status, 200, "{reply:?}");
        assert!(reply.json().get("refresh_token").is_none());
        world.advance(86_400);
    }
}

// RFC 7662 §2.1: only those who may ask; a client's token is no proof of who it is.
#[tokio::test]
async fn clients_do_not_introspect() {
    let (world, _) = api(&json!({}));
    let [token, _] = world.tokens(&[]).await;
    let mut parameters = world.authentication("dpop");
    parameters.extend(form([("token", &token)]));
    let reply = world.send(post(INTROSPECT, &parameters)).await;
    assert_eq!(reply.refusal(), refused());
    let mut request = post(INTROSPECT, &form([("token", &token)]));
    let value = format!("Bearer {token}").parse().unwrap();
    request.headers_mut().insert("authorization", value);
    assert_eq!(world.send(request).await.refusal(), refused());
}
