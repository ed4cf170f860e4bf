//! Attacks with access tokens, at a resource server that trusts two authorization servers.

use axum::{Router, body::Body, routing::get};
use http::{Request, header};
use tower::ServiceExt as _;
use tower_fapi::{
    layer::FapiLayer,
    resource_server::ResourceServer,
    testing::{DpopKey, TestIssuer},
    time::ManualClock,
};

use crate::world::{API, ISSUER, World};

const OTHER: &str = "https://as.other.example";

/// An API, the honest server it trusts, another that it trusts as well, and a client with a key for each.
struct Scene {
    world: World,
    honest: TestIssuer,
    other: TestIssuer,
    api: Router,
    at_honest: DpopKey,
    at_other: DpopKey,
}

impl Scene {
    fn new() -> Self {
        let world = World::new();
        let [honest, other] = [ISSUER, OTHER].map(|issuer| TestIssuer::new(issuer, API));
        let server = ResourceServer::builder(API, honest.trusted())
            .issuer(other.trusted())
            .clock(ManualClock::at(world.now()))
            .build()
            .unwrap();
        let api = Router::new()
            .route("/accounts", get(|| async { "[]" }))
            .layer(FapiLayer::new(server));
        Self {
            world,
            honest,
            other,
            api,
            at_honest: DpopKey::generate(),
            at_other: DpopKey::generate(),
        }
    }

    async fn call(&self, token: &str, key: &DpopKey) -> (u16, String) {
        let url = format!("{API}/accounts");
        let proof = key.proof("GET", &url, self.world.now()).access_token(token);
        let request = Request::get("/accounts")
            .header(header::HOST, "api.example")
            .header(header::AUTHORIZATION, format!("DPoP {token}"))
            .header("dpop", proof.sign())
            .body(Body::empty())
            .unwrap();
        let response = self.api.clone().oneshot(request).await.unwrap();
        let challenge = response.headers().get(header::WWW_AUTHENTICATE);
        let challenge = challenge.map_or("", |value| value.to_str().unwrap());
        (response.status().as_u16(), challenge.to_owned())
    }
}

/// A1a and A7; FAPI 2.0 Security Profile, "Injection of stolen access tokens" (Cuckoo's token).
///
/// The attacker runs an authorization server that client and API trust too, has stolen a token of the honest one, and gives it to
/// the client as its own. The client proves its key at the API, and the thief sees the victim's data. It comes to nothing where
/// the client has another key for each server, as the profile recommends and as one `Client` of this crate for each server
/// does: the stolen token is bound to the key for the honest one.
#[tokio::test]
async fn cuckoos_token() {
    let scene = Scene::new();
    let now = scene.world.now();
    let stolen = scene.honest.token(now);
    let stolen = stolen.bound_to_key(scene.at_honest.thumbprint()).mint();
    assert_eq!(scene.call(&stolen, &scene.at_honest).await.0, 200);
    let (status, challenge) = scene.call(&stolen, &scene.at_other).await;
    assert_eq!(status, 401);
    assert!(challenge.contains("invalid_token"), "{challenge}");
}

/// A1a; RFC 9700 §4.10.2, RFC 9068 §4.
///
/// What one trusted server signs in the name of another is believed no more than a stranger's: only the keys of the issuer
/// that the token names are tried.
#[tokio::test]
async fn a_token_that_one_server_signs_in_the_name_of_another() {
    let scene = Scene::new();
    let now = scene.world.now();
    let key = &scene.at_other;
    for (issuer, claimed, status) in [
        (&scene.other, OTHER, 200),
        (&scene.other, ISSUER, 401),
        (&scene.honest, OTHER, 401),
        (&scene.other, "https://as.example/", 401),
        (&scene.other, "https://as.evil.example", 401),
    ] {
        let token = issuer.token(now).claim("iss", claimed);
        let token = token.bound_to_key(key.thumbprint()).mint();
        assert_eq!(scene.call(&token, key).await.0, status, "{claimed}");
    }
    let evil = TestIssuer::new("https://as.evil.example", API);
    let evil = evil.token(now).bound_to_key(key.thumbprint()).mint();
    assert_eq!(scene.call(&evil, key).await.0, 401);
}

/// A7, who reads requests at another resource server; RFC 9700 §4.9.1 and §4.10.
///
/// A token that was seen somewhere is bound to a key that was not, and is for that place alone.
#[tokio::test]
async fn a_stolen_token_at_this_api_or_another() {
    let scene = Scene::new();
    let now = scene.world.now();
    let thief = DpopKey::generate();
    let bound = |audience: &str| {
        let token = scene.honest.token(now).claim("aud", audience);
        token.bound_to_key(scene.at_honest.thumbprint()).mint()
    };
    assert_eq!(scene.call(&bound(API), &scene.at_honest).await.0, 200);
    assert_eq!(scene.call(&bound(API), &thief).await.0, 401);
    let elsewhere = bound("https://counterfeit.example");
    assert_eq!(scene.call(&elsewhere, &scene.at_honest).await.0, 401);
}
