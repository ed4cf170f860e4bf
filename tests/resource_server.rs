//! A resource server whose issuer is really asked for its keys, over loopback.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs
)]
#![cfg(all(feature = "discovery", feature = "testing"))]

#[path = "shared/emitted.rs"]
mod emitted;

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{Router, body::Body, http::StatusCode, response::IntoResponse, routing::get};
use http::{Request, Response};
use tokio::{net::TcpListener, sync::Semaphore};
use tower::{Layer, ServiceExt};
use tower_fapi::{
    dpop::ProofError,
    issuer::{Discovery, Fetcher},
    jose::JwkSet,
    layer::{FapiLayer, ResponseBody},
    rejection::{Refusal, Rejection},
    resource_server::{ResourceServer, TrustedIssuer},
    testing::{DpopKey, TestIssuer},
    time::{Clock, ManualClock, Timestamp},
    token::TokenError,
};

const API: &str = "https://api.example.com";

/// An issuer on loopback that serves whatever set it is told to, or fails.
#[derive(Clone, Default)]
struct Jwks {
    set: Arc<Mutex<Option<JwkSet>>>,
    fetches: Arc<AtomicUsize>,
    /// Answers wait for one permit each while there is such a gate.
    gate: Arc<Mutex<Option<Arc<Semaphore>>>>,
}

impl Jwks {
    async fn listen(&self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/jwks", listener.local_addr().unwrap());
        let jwks = self.clone();
        let answer = move || {
            jwks.fetches.fetch_add(1, Ordering::SeqCst);
            let set = jwks.set.lock().unwrap().clone();
            let gate = jwks.gate.lock().unwrap().clone();
            async move {
                if let Some(gate) = gate {
                    gate.acquire().await.unwrap().forget();
                }
                match set {
                    Some(set) => axum::Json(set).into_response(),
                    None => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
                }
            }
        };
        let router = Router::new().route("/jwks", get(answer));
        tokio::spawn(async move { axum::serve(listener, router).await });
        url
    }

    fn publish(&self, issuer: &TestIssuer) {
        *self.set.lock().unwrap() = Some(issuer.jwks());
    }

    fn fetches(&self) -> usize {
        self.fetches.load(Ordering::SeqCst)
    }
}

struct World {
    jwks: Jwks,
    server: ResourceServer,
    client: DpopKey,
    clock: ManualClock,
}

impl World {
    async fn new() -> Self {
        emitted::watch();
        let jwks = Jwks::default();
        let clock = ManualClock::at(Timestamp::from_unix(1_800_000_000));
        let fetcher = Fetcher::builder()
            .dangerous()
            .http_on_loopback()
            .build()
            .unwrap();
        let keys = Discovery::new("https://as.example.com".parse().unwrap())
            .jwks_uri(jwks.listen().await.parse().unwrap())
            .fetcher(fetcher)
            .clock(clock.clone())
            .start()
            .unwrap();
        let issuer = TrustedIssuer::new("https://as.example.com", keys);
        let server = ResourceServer::builder(API, issuer)
            .clock(clock.clone())
            .build()
            .unwrap();
        Self {
            jwks,
            server,
            client: DpopKey::generate(),
            clock,
        }
    }

    fn token(&self, issuer: &TestIssuer) -> String {
        issuer
            .token(self.clock.now())
            .bound_to_key(self.client.thumbprint())
            .mint()
    }

    async fn send(&self, token: &str) -> Response<ResponseBody<Body>> {
        self.send_with_proof(token, &self.proof(token)).await
    }

    fn proof(&self, token: &str) -> String {
        let url = format!("{API}/a");
        let proof = self.client.proof("GET", &url, self.clock.now());
        proof.access_token(token).sign()
    }

    async fn send_with_proof(&self, token: &str, proof: &str) -> Response<ResponseBody<Body>> {
        let request = Request::get("/a")
            .header("host", "api.example.com")
            .header("authorization", format!("DPoP {token}"))
            .header("dpop", proof)
            .body(Body::empty())
            .unwrap();
        let inner = tower::service_fn(|_: Request<Body>| async {
            Ok::<_, std::convert::Infallible>(Response::new(Body::empty()))
        });
        // Many requests, one layer: what is remembered is in the server.
        FapiLayer::new(self.server.clone())
            .layer(inner)
            .oneshot(request)
            .await
            .unwrap()
    }

    async fn status(&self, token: &str) -> u16 {
        self.send(token).await.status().as_u16()
    }
}

fn issuer() -> TestIssuer {
    TestIssuer::new("https://as.example.com", API)
}

#[tokio::test]
async fn a_key_that_is_new_at_the_issuer_is_fetched_and_one_that_is_gone_is_gone() {
    let world = World::new().await;
    let (old, new) = (issuer(), issuer());
    world.jwks.publish(&old);
    let before = world.token(&old);
    assert_eq!(world.status(&before).await, 200);
    assert_eq!(world.status(&before).await, 200);
    assert_eq!(world.jwks.fetches(), 1);

    world.jwks.publish(&new);
    assert_eq!(
        world.status(&before).await,
        200,
        "nobody has asked for other keys yet"
    );
    assert_eq!(world.status(&world.token(&new)).await, 200);
    assert_eq!(world.jwks.fetches(), 2);

    // The signature of the first token was verified once, but under a key that the issuer has withdrawn.
    let answer = world.send(&before).await;
    assert_eq!(answer.status(), 401);
    let rejection = answer.extensions().get();
    assert!(
        matches!(
            rejection,
            Some(Rejection::Refused(Refusal::Token(TokenError::UnknownKey)))
        ),
        "{rejection:?}"
    );
}

#[tokio::test]
async fn strangers_with_made_up_keys_cause_one_fetch_between_them() {
    let world = World::new().await;
    let known = issuer();
    world.jwks.publish(&known);
    assert_eq!(world.status(&world.token(&known)).await, 200);
    for _ in 0..20 {
        assert_eq!(world.status(&world.token(&issuer())).await, 401);
    }
    assert_eq!(world.jwks.fetches(), 2);
    world.clock.advance(Duration::from_secs(3600));
    assert_eq!(world.status(&world.token(&known)).await, 200);
}

// RFC 9449 §11.1. Were it judged by the time at which it came, its record would be taken for one of a proof that has ended.
#[tokio::test]
async fn a_proof_that_ends_while_keys_are_fetched_has_ended() {
    let world = World::new().await;
    let (known, new) = (issuer(), issuer());
    world.jwks.publish(&known);
    assert_eq!(world.status(&world.token(&known)).await, 200);

    let gate = Arc::new(Semaphore::new(0));
    *world.jwks.gate.lock().unwrap() = Some(gate.clone());
    world.jwks.publish(&new);
    let token = world.token(&new);
    let proof = world.proof(&token);
    let time_passes = async {
        while world.jwks.fetches() < 2 {
            tokio::task::yield_now().await;
        }
        world.clock.advance(Duration::from_secs(61));
        gate.add_permits(1);
    };
    let (answer, ()) = tokio::join!(world.send_with_proof(&token, &proof), time_passes);
    let rejection = answer.extensions().get();
    assert!(
        matches!(
            rejection,
            Some(Rejection::Refused(Refusal::Proof(ProofError::TooOld(_))))
        ),
        "{rejection:?}"
    );
}

#[tokio::test]
async fn an_issuer_that_is_down_is_our_fault() {
    let world = World::new().await;
    let issuer = issuer();
    let answer = world.send(&world.token(&issuer)).await;
    assert_eq!(answer.status(), 503);
    assert!(answer.headers().contains_key("retry-after"));
    assert!(!answer.headers().contains_key("www-authenticate"));
    assert!(answer.headers().contains_key("x-fapi-interaction-id"));
    assert!(matches!(
        answer.extensions().get(),
        Some(Rejection::Failed(_))
    ));
}

// RFC 9449 §4.3 check 9: `htu` is the whole URL, also where routers have shortened the path by the time the layer sees it.
#[cfg(feature = "axum")]
#[tokio::test]
async fn nested_routers_do_not_shorten_what_a_proof_is_made_for() {
    use tower_fapi::{issuer::IssuerKeys, token::AccessToken};

    let (issuer, client) = (issuer(), DpopKey::generate());
    let now = Timestamp::from_unix(1_800_000_000);
    let trusted = TrustedIssuer::new(issuer.issuer(), IssuerKeys::fixed(&issuer.jwks()).unwrap());
    let server = ResourceServer::builder(API, trusted)
        .clock(ManualClock::at(now))
        .build()
        .unwrap();
    let accounts = Router::new()
        .route(
            "/a/{id}",
            get(|token: AccessToken| async move { token.subject().to_owned() }),
        )
        .layer(FapiLayer::new(server));
    let app = Router::new().nest("/v1", Router::new().nest("/accounts", accounts));

    let token = issuer.token(now).bound_to_key(client.thumbprint()).mint();
    for (path, proof_for, status) in [
        ("/v1/accounts/a/1", "/v1/accounts/a/1", 200),
        ("/v1/accounts/a/1?page=2", "/v1/accounts/a/1", 200),
        ("/v1/accounts/a/%31", "/v1/accounts/a/1", 200),
        ("/v1/accounts/a/1", "/a/1", 401),
        ("/v1/accounts/a/1", "/accounts/a/1", 401),
        ("/v1/accounts/a/1", "/v1/accounts/a/2", 401),
        ("/v1/accounts/a/1?access_token=x", "/v1/accounts/a/1", 400),
    ] {
        // HTTP/1.1 has the authority in Host, HTTP/2 in the target.
        for uri in [path.to_owned(), format!("{API}{path}")] {
            let proof = client
                .proof("GET", &format!("{API}{proof_for}"), now)
                .access_token(&token)
                .sign();
            let request = Request::get(&uri)
                .header("host", "api.example.com")
                .header("authorization", format!("DPoP {token}"))
                .header("dpop", proof)
                .body(Body::empty())
                .unwrap();
            let answer = app.clone().oneshot(request).await.unwrap();
            assert_eq!(answer.status(), status, "{uri} {proof_for}");
        }
    }
}
