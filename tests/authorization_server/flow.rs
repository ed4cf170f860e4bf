//! Whole flows, and what the tokens say at the end of them.

use std::time::Duration;

use serde_json::json;
use tower_fapi::{
    jose::{JwkSet, JwsAlgorithm, VerifyingKeySet},
    token::{AccessToken, Compatibility, TokenRules, UnverifiedToken},
};

use crate::{
    browser::{Browser, answer},
    world::{
        API, CALLBACK, ISSUER, MTLS_TOKEN, OTHER_API, PAR, Parameters, Reply, TOKEN, VERIFIER,
        World, claims_of, form, over, post, with_proof,
    },
};

impl World {
    /// A code for the client `dpop`, or another that authenticates by assertion.
    pub async fn code(&self, client_id: &str, changes: &[(&str, &str)]) -> String {
        let pushed = self.send(post(PAR, &self.pushed(client_id, changes))).await;
        let url = Browser::new(self)
            .approve(client_id, &pushed.text("request_uri"))
            .await;
        answer(&url)["code"].clone()
    }

    pub fn redemption(&self, client_id: &str, code: &str) -> Parameters {
        let mut parameters = self.authentication(client_id);
        parameters.extend(form([
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", CALLBACK),
            ("code_verifier", VERIFIER),
        ]));
        parameters
    }

    /// Redeems a code of the client `dpop`.
    pub async fn redeem(&self, code: &str) -> Reply {
        let request = post(TOKEN, &self.redemption("dpop", code));
        self.send(with_proof(request, &self.proof(TOKEN))).await
    }

    /// Judges an access token as a resource server does.
    pub fn judge(&self, token: &str, audience: &str) -> AccessToken {
        let keys: JwkSet = self
            .keys
            .public_jwks(self.now())
            .to_string()
            .parse()
            .unwrap();
        let rules = TokenRules {
            algorithms: &JwsAlgorithm::ALL,
            audiences: &[audience.to_owned()],
            compatibility: Compatibility::default(),
            clock_skew: Duration::from_secs(10),
        };
        let token = UnverifiedToken::parse(token).unwrap();
        token
            .verify(&rules, &VerifyingKeySet::new(&keys), self.now())
            .unwrap()
    }
}

// RFC 9449 §5 and §6, RFC 9068 §2, RFC 6749 §5.1.
#[tokio::test]
async fn a_dpop_client_gets_a_token_bound_to_its_key() {
    let world = World::new();
    let code = world
        .code("dpop", &[("scope", "payments accounts"), ("nonce", "n")])
        .await;
    world.advance(5);
    let reply = world.redeem(&code).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    assert_eq!(reply.header("cache-control"), Some("no-store"));
    let body = reply.json();
    assert_eq!(body["token_type"], "DPoP");
    assert_eq!(body["expires_in"], 300);
    assert_eq!(body["scope"], "accounts payments");
    assert!(body["refresh_token"].as_str().unwrap().len() >= 43);
    assert!(body.get("id_token").is_none());

    let token = reply.text("access_token");
    let judged = world.judge(&token, API);
    assert_eq!(
        (judged.issuer(), judged.subject(), judged.client_id()),
        (ISSUER, "subject-1", "dpop")
    );
    assert_eq!(judged.confirmation().jkt, Some(world.dpop.thumbprint()));
    assert_eq!(judged.confirmation().x5t_s256, None);
    assert_eq!(judged.issued_at(), world.now());
    assert_eq!(
        judged.expires_at(),
        world.now().plus(Duration::from_secs(300))
    );
    assert_eq!(
        judged.auth_time(),
        Some(world.now().minus(Duration::from_secs(5)))
    );
    let claims = claims_of(&token);
    assert_eq!(claims["aud"], API);
    assert_eq!(claims["scope"], "accounts payments");
    assert_eq!(claims["amr"], json!(["pwd"]));
    assert!(claims.get("nonce").is_none());
}

// RFC 8705 §3 and §5, RFC 6750 §4.
#[tokio::test]
async fn a_certificate_client_gets_a_token_bound_to_its_certificate() {
    let world = World::new();
    for (client_id, certificate) in [
        ("tls", &world.certificate),
        ("self-signed", &world.self_signed),
    ] {
        let mut parameters = form([("client_id", client_id)]);
        parameters.extend(crate::world::request());
        let pushed = world.send(over(post(PAR, &parameters), certificate)).await;
        let url = Browser::new(&world)
            .approve(client_id, &pushed.text("request_uri"))
            .await;
        let redemption = form([
            ("client_id", client_id),
            ("grant_type", "authorization_code"),
            ("code", &answer(&url)["code"]),
            ("redirect_uri", CALLBACK),
            ("code_verifier", VERIFIER),
        ]);
        let reply = world
            .send(over(post(MTLS_TOKEN, &redemption), certificate))
            .await;
        assert_eq!(reply.status, 200, "{reply:?}");
        assert_eq!(reply.json()["token_type"], "Bearer");
        let judged = world.judge(&reply.text("access_token"), API);
        assert_eq!(judged.client_id(), client_id);
        assert_eq!(judged.confirmation().jkt, None);
        let bound = judged.confirmation().x5t_s256.unwrap().to_string();
        assert_eq!(bound, certificate.thumbprint());
    }
}

// RFC 8705 §3: authenticated by assertion, bound by certificate.
#[tokio::test]
async fn a_token_bound_to_a_certificate_needs_one() {
    let world = World::new();
    let code = world.code("certificate-bound", &[]).await;
    let redemption = || post(TOKEN, &world.redemption("certificate-bound", &code));
    let invalid_request = (400, "invalid_request".to_owned());
    assert_eq!(world.send(redemption()).await.refusal(), invalid_request);
    let with_dpop = with_proof(over(redemption(), &world.certificate), &world.proof(TOKEN));
    assert_eq!(world.send(with_dpop).await.refusal(), invalid_request);
    let reply = world.send(over(redemption(), &world.certificate)).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    let claims = claims_of(&reply.text("access_token"));
    assert_eq!(
        claims["cnf"],
        json!({"x5t#S256": world.certificate.thumbprint()})
    );
}

// RFC 8707 §2 and §2.2.
#[tokio::test]
async fn tokens_are_for_the_resources_that_were_asked_for() {
    let world = World::new();
    let audience = |reply: &Reply| claims_of(&reply.text("access_token"))["aud"].clone();
    let code = world.code("dpop", &[("resource", OTHER_API)]).await;
    assert_eq!(audience(&world.redeem(&code).await), OTHER_API);

    let mut parameters = world.pushed("dpop", &[]);
    parameters.extend(form([
        ("resource", OTHER_API),
        ("resource", API),
        ("resource", API),
    ]));
    let pushed = world.send(post(PAR, &parameters)).await.text("request_uri");
    let code = answer(&Browser::new(&world).approve("dpop", &pushed).await)["code"].clone();
    let redeem = async |resources: &[&str]| {
        let mut parameters = world.redemption("dpop", &code);
        parameters.extend(
            resources
                .iter()
                .map(|one| ("resource".to_owned(), (*one).to_owned())),
        );
        world
            .send(with_proof(post(TOKEN, &parameters), &world.proof(TOKEN)))
            .await
    };
    let refused = redeem(&[API, "https://other.example"]).await;
    assert_eq!(refused.refusal(), (400, "invalid_target".to_owned()));
    let reply = redeem(&[API]).await;
    assert_eq!(audience(&reply), API);

    let refresh = async |resource: &str| {
        let mut parameters = world.authentication("dpop");
        parameters.extend(form([
            ("grant_type", "refresh_token"),
            ("refresh_token", &reply.text("refresh_token")),
            ("resource", resource),
        ]));
        world
            .send(with_proof(post(TOKEN, &parameters), &world.proof(TOKEN)))
            .await
    };
    assert_eq!(
        audience(&refresh("").await),
        json!([OTHER_API, API]),
        "all that was granted"
    );
    assert_eq!(audience(&refresh(OTHER_API).await), OTHER_API);
    assert_eq!(
        refresh("https://x.example").await.refusal(),
        (400, "invalid_target".to_owned())
    );
}

// RFC 6749 §5.2; FAPI 2.0 Security Profile §5.3.2.1: no password grant.
#[tokio::test]
async fn other_grants_do_not_exist() {
    let world = World::new();
    for (grant, error) in [
        ("password", "unsupported_grant_type"),
        ("implicit", "unsupported_grant_type"),
        ("client_credentials", "unauthorized_client"),
        (
            "urn:ietf:params:oauth:grant-type:jwt-bearer",
            "unsupported_grant_type",
        ),
        (
            "urn:ietf:params:oauth:grant-type:token-exchange",
            "unsupported_grant_type",
        ),
        ("Authorization_Code", "unsupported_grant_type"),
        ("", "invalid_request"),
    ] {
        let mut parameters = world.authentication("dpop");
        parameters.extend(form([
            ("grant_type", grant),
            ("username", "alice"),
            ("password", "wonderland"),
        ]));
        let reply = world
            .send(with_proof(post(TOKEN, &parameters), &world.proof(TOKEN)))
            .await;
        assert_eq!(reply.refusal(), (400, error.to_owned()), "{grant}");
    }
}
