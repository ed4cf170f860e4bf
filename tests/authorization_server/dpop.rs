//! DPoP at the authorization server (RFC 9449 §5, §8, §10).

use serde_json::{Value, json};
use tower_fapi::testing::DpopKey;

use crate::world::{
    MTLS_PAR, MTLS_TOKEN, PAR, Reply, TOKEN, World, changed, claims_of, post, with_proof,
};

fn invalid_proof() -> (u16, String) {
    (400, "invalid_dpop_proof".to_owned())
}

impl World {
    async fn redeem_proving(&self, code: &str, proof: &str) -> Reply {
        let request = post(TOKEN, &self.redemption("dpop", code));
        self.send(with_proof(request, proof)).await
    }
}

// RFC 9449 §4.3 and §5.
#[tokio::test]
async fn a_proof_that_is_missing_or_wrong_gets_no_token() {
    let world = World::new();
    let code = world.code("dpop", &[]).await;
    let now = world.now();
    let proof = || world.dpop.proof("POST", TOKEN, now);
    for (case, proof) in [
        ("another method", world.dpop.proof("GET", TOKEN, now).sign()),
        (
            "the other endpoint",
            world.dpop.proof("POST", PAR, now).sign(),
        ),
        (
            "another host",
            world
                .dpop
                .proof("POST", "https://api.example/token", now)
                .sign(),
        ),
        (
            "the issuer",
            world.dpop.proof("POST", "https://as.example", now).sign(),
        ),
        ("too old", proof().claim("iat", now.as_unix() - 61).sign()),
        (
            "from the future",
            proof().claim("iat", now.as_unix() + 61).sign(),
        ),
        (
            "another signature",
            proof().signed_by(&DpopKey::generate()).sign(),
        ),
        ("a private key in it", proof().with_private_key().sign()),
        ("another type", proof().header("typ", "JWT").sign()),
        ("alg none", proof().header("alg", "none").sign()),
        ("no jti", proof().without_claim("jti").sign()),
        ("no iat", proof().without_claim("iat").sign()),
        ("no htu", proof().without_claim("htu").sign()),
        ("no htm", proof().without_claim("htm").sign()),
        ("no JWT", "x".to_owned()),
        ("empty", String::new()),
    ] {
        let reply = world.redeem_proving(&code, &proof).await;
        assert_eq!(reply.refusal(), invalid_proof(), "{case}");
    }
    let missing = world
        .send(post(TOKEN, &world.redemption("dpop", &code)))
        .await;
    assert_eq!(missing.refusal(), invalid_proof());
    assert_eq!(missing.header("dpop-nonce"), None);
    let twice = with_proof(
        post(TOKEN, &world.redemption("dpop", &code)),
        &world.proof(TOKEN),
    );
    let reply = world.send(with_proof(twice, &world.proof(TOKEN))).await;
    assert_eq!(reply.refusal(), invalid_proof(), "two proofs");
    assert_eq!(
        world.redeem(&code).await.status,
        200,
        "the code is still good"
    );
}

// FAPI 2.0 Security Profile §5.3.2.1, Note 3; RFC 9449 §4.2: other claims are allowed.
#[tokio::test]
async fn clocks_that_differ_a_little_and_other_claims_are_forgiven() {
    let world = World::new();
    let now = world.now().as_unix();
    for iat in [now - 10, now, now + 8, now + 10] {
        let code = world.code("dpop", &[]).await;
        let proof = world.dpop.proof("POST", TOKEN, world.now());
        let proof = proof
            .claim("iat", iat)
            .claim("nbf", iat)
            .claim("exp", iat + 60)
            .claim("x", json!({}));
        assert_eq!(
            world.redeem_proving(&code, &proof.sign()).await.status,
            200,
            "{iat}"
        );
    }
}

// RFC 8705 §5: the endpoint really called, whichever of its two URLs.
#[tokio::test]
async fn a_proof_may_name_the_alias_of_the_endpoint() {
    let world = World::new();
    for (par, token) in [(PAR, TOKEN), (MTLS_PAR, MTLS_TOKEN)] {
        let pushed = with_proof(post(par, &world.pushed("dpop", &[])), &world.proof(par));
        let request_uri = world.send(pushed).await.text("request_uri");
        let url = crate::browser::Browser::new(&world)
            .approve("dpop", &request_uri)
            .await;
        let code = crate::browser::answer(&url)["code"].clone();
        assert_eq!(
            world
                .redeem_proving(&code, &world.proof(token))
                .await
                .status,
            200,
            "{token}"
        );
    }
    let code = world.code("dpop", &[]).await;
    let elsewhere = world.proof("https://mtls2.as.example/token");
    assert_eq!(
        world.redeem_proving(&code, &elsewhere).await.refusal(),
        invalid_proof()
    );
}

// RFC 9449 §11.1.
#[tokio::test]
async fn a_proof_is_used_once() {
    let world = World::new();
    let (one, other) = (world.code("dpop", &[]).await, world.code("dpop", &[]).await);
    let proof = world.proof(TOKEN);
    assert_eq!(world.redeem_proving(&one, &proof).await.status, 200);
    assert_eq!(
        world.redeem_proving(&other, &proof).await.refusal(),
        invalid_proof()
    );
    let pushed = world.proof(PAR);
    let push = || with_proof(post(PAR, &world.pushed("dpop", &[])), &pushed);
    assert_eq!(world.send(push()).await.status, 201);
    assert_eq!(world.send(push()).await.refusal(), invalid_proof());
    assert_eq!(world.redeem(&other).await.status, 200);
}

// RFC 9449 §10 and §10.1.
#[tokio::test]
async fn a_code_is_bound_to_the_key_that_was_named_or_proved() {
    let world = World::new();
    let named = world.dpop.thumbprint().to_string();
    let stranger = DpopKey::generate();
    let strangers = stranger.thumbprint().to_string();
    for (case, jkt, prove) in [
        ("named", named.as_str(), false),
        ("proved", "", true),
        ("both", &named, true),
    ] {
        let mut request = post(PAR, &world.pushed("dpop", &[("dpop_jkt", jkt)]));
        if prove {
            request = with_proof(request, &world.proof(PAR));
        }
        let request_uri = world.send(request).await.text("request_uri");
        let url = crate::browser::Browser::new(&world)
            .approve("dpop", &request_uri)
            .await;
        let code = crate::browser::answer(&url)["code"].clone();
        let other = stranger.proof("POST", TOKEN, world.now()).sign();
        let refused = world.redeem_proving(&code, &other).await;
        assert_eq!(
            refused.refusal(),
            (400, "invalid_grant".to_owned()),
            "{case}"
        );
        assert_eq!(world.redeem(&code).await.status, 200, "{case}");
    }
    let both = post(PAR, &world.pushed("dpop", &[("dpop_jkt", &strangers)]));
    let reply = world.send(with_proof(both, &world.proof(PAR))).await;
    assert_eq!(
        reply.refusal(),
        (400, "invalid_request".to_owned()),
        "they must agree"
    );
    // An unbound code takes any key.
    let code = world.code("dpop", &[]).await;
    let reply = world
        .redeem_proving(&code, &stranger.proof("POST", TOKEN, world.now()).sign())
        .await;
    assert_eq!(
        claims_of(&reply.text("access_token"))["cnf"]["jkt"],
        strangers
    );
}

// RFC 9449 §8: the challenge, and what it must not consume.
#[tokio::test]
async fn a_nonce_challenge_uses_nothing_up() {
    let world = World::with(|builder| builder.dpop_nonces(true));
    let code = world.code("dpop", &[]).await;
    let parameters = world.redemption("dpop", &code);
    let challenge = world
        .send(with_proof(post(TOKEN, &parameters), &world.proof(TOKEN)))
        .await;
    assert_eq!(challenge.refusal(), (400, "use_dpop_nonce".to_owned()));
    let nonce = challenge.header("dpop-nonce").unwrap().to_owned();
    assert_eq!(challenge.headers.get_all("dpop-nonce").iter().count(), 1);
    for wrong in ["", "x", &nonce[1..]] {
        let proof = world
            .dpop
            .proof("POST", TOKEN, world.now())
            .nonce(wrong)
            .sign();
        let reply = world
            .send(with_proof(post(TOKEN, &parameters), &proof))
            .await;
        assert_eq!(
            reply.refusal(),
            (400, "use_dpop_nonce".to_owned()),
            "{wrong:?}"
        );
    }
    // The very same assertion and code, in a proof with the nonce.
    let proof = world
        .dpop
        .proof("POST", TOKEN, world.now())
        .nonce(&nonce)
        .sign();
    let reply = world
        .send(with_proof(post(TOKEN, &parameters), &proof))
        .await;
    assert_eq!(reply.status, 200, "{reply:?}");
    assert_eq!(reply.header("dpop-nonce"), None, "the nonce is fresh");
}

#[tokio::test]
async fn a_missing_proof_is_no_nonce_challenge_but_brings_a_nonce() {
    let world = World::with(|builder| builder.dpop_nonces(true));
    let code = world.code("dpop", &[]).await;
    let reply = world
        .send(post(TOKEN, &world.redemption("dpop", &code)))
        .await;
    assert_eq!(reply.refusal(), invalid_proof());
    assert!(reply.header("dpop-nonce").is_some());
}

// RFC 9449 §8.2.
#[tokio::test]
async fn a_nonce_that_nears_its_end_is_followed_by_another() {
    let world = World::with(|builder| builder.dpop_nonces(true));
    let challenge = world
        .send(with_proof(
            post(PAR, &world.pushed("dpop", &[])),
            &world.proof(PAR),
        ))
        .await;
    assert_eq!(
        challenge.refusal(),
        (400, "use_dpop_nonce".to_owned()),
        "at this endpoint too"
    );
    let nonce = challenge.header("dpop-nonce").unwrap().to_owned();
    let push = async |nonce: &str| {
        let proof = world
            .dpop
            .proof("POST", PAR, world.now())
            .nonce(nonce)
            .sign();
        world
            .send(with_proof(post(PAR, &world.pushed("dpop", &[])), &proof))
            .await
    };
    assert_eq!(push(&nonce).await.header("dpop-nonce"), None);
    world.advance(200);
    let reply = push(&nonce).await;
    let next = reply.header("dpop-nonce").unwrap().to_owned();
    assert_eq!(reply.status, 201);
    world.advance(200);
    assert_eq!(
        push(&nonce).await.refusal(),
        (400, "use_dpop_nonce".to_owned()),
        "it has ended"
    );
    assert_eq!(push(&next).await.status, 201);
}

// RFC 9449 §5.1 and §5.2: the metadata says what is accepted.
#[tokio::test]
async fn every_algorithm_of_the_metadata_works() {
    let world = World::new();
    for algorithm in tower_fapi::jose::JwsAlgorithm::ALL {
        let key = DpopKey::generate_for(algorithm);
        let code = world.code("dpop", &[]).await;
        let reply = world
            .redeem_proving(&code, &key.proof("POST", TOKEN, world.now()).sign())
            .await;
        assert_eq!(
            reply.json()["token_type"],
            Value::from("DPoP"),
            "{algorithm}"
        );
    }
    let parameters = changed(world.pushed("dpop", &[]), &[("dpop_jkt", "")]);
    assert_eq!(
        world.send(post(PAR, &parameters)).await.status,
        201,
        "a proof is optional at PAR"
    );
}
