//! The layers around a small service.

mod audit;
mod encryption;
#[cfg(feature = "axum")]
mod extractors;
mod jwks;
mod metadata;
mod migration;
mod profiles;
mod proxied;
mod readiness;

use std::{
    convert::Infallible,
    future::Future,
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, Waker},
    time::Duration,
};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body::{Body, Frame};
use tower::{Layer, Service, layer::layer_fn, service_fn};

use super::*;
use crate::{
    dpop::{NonceSecret, Nonces},
    issuer::IssuerKeys,
    rejection::{Refusal, Rejection},
    replay::{MemoryReplayStore, Recording, ReplayKey, ReplayStore},
    resource_server::{ResourceServer, ResourceServerBuilder, TrustedIssuer},
    testing::{DpopKey, TestIssuer, TokenBuilder},
    time::{ManualClock, Timestamp},
    token::AccessToken,
};

pub(super) const NOW: Timestamp = Timestamp::from_unix(1_800_000_000);
pub(super) const API: &str = "https://api.example.com";

/// A body of one frame.
pub(super) struct OneFrame(pub(super) Option<Bytes>);

impl Body for OneFrame {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.take().map(Frame::data).map(Ok))
    }
}

pub(super) fn text<B: Body<Data = Bytes>>(body: B) -> String {
    let mut body = pin!(body);
    let mut bytes = Vec::new();
    while let Poll::Ready(Some(Ok(frame))) = body
        .as_mut()
        .poll_frame(&mut Context::from_waker(Waker::noop()))
    {
        bytes.extend_from_slice(&frame.into_data().unwrap());
    }
    String::from_utf8(bytes).unwrap()
}

pub(super) fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    for _ in 0..100 {
        if let Poll::Ready(output) = future
            .as_mut()
            .poll(&mut Context::from_waker(Waker::noop()))
        {
            return output;
        }
    }
    panic!("does not end");
}

pub(super) struct World {
    pub(super) issuer: TestIssuer,
    pub(super) client: DpopKey,
    pub(super) server: ResourceServer,
    pub(super) calls: Arc<AtomicUsize>,
}

impl World {
    pub(super) fn new() -> Self {
        Self::with(|builder| builder)
    }

    pub(super) fn with(
        settings: impl FnOnce(ResourceServerBuilder) -> ResourceServerBuilder,
    ) -> Self {
        let issuer = TestIssuer::new("https://as.example.com", API);
        let trusted =
            TrustedIssuer::new(issuer.issuer(), IssuerKeys::fixed(&issuer.jwks()).unwrap());
        let builder = ResourceServer::builder(API, trusted).clock(ManualClock::at(NOW));
        let server = settings(builder).build().unwrap();
        Self {
            issuer,
            client: DpopKey::generate(),
            server,
            calls: Arc::default(),
        }
    }

    /// A good request with these scopes.
    pub(super) fn request(&self, scope: &str) -> Request<()> {
        self.request_with(self.issuer.token(NOW).scope(scope))
    }

    /// A good request with this token, once it is bound.
    pub(super) fn request_with(&self, token: TokenBuilder) -> Request<()> {
        let token = token.bound_to_key(self.client.thumbprint()).mint();
        let proof = self
            .client
            .proof("GET", &format!("{API}/a"), NOW)
            .access_token(&token)
            .sign();
        Request::get("/a")
            .header("host", "api.example.com")
            .header("authorization", format!("DPoP {token}"))
            .header("dpop", proof)
            .body(())
            .unwrap()
    }

    /// Sends a request through these layers to a service that names the subject and counts its calls.
    pub(super) fn send(&self, layer: impl ServiceMaker, request: Request<()>) -> Response<String> {
        layer.send(Arc::clone(&self.calls), request)
    }
}

/// Layers that can stand around the service below, whatever their types.
pub(super) trait ServiceMaker {
    fn send(self, calls: Arc<AtomicUsize>, request: Request<()>) -> Response<String>;
}

pub(super) type Inner = tower::util::BoxCloneService<Request<()>, Response<OneFrame>, Infallible>;

fn inner(calls: Arc<AtomicUsize>) -> Inner {
    tower::util::BoxCloneService::new(service_fn(move |request: Request<()>| {
        calls.fetch_add(1, Ordering::SeqCst);
        let subject = request
            .extensions()
            .get::<AccessToken>()
            .map(|token| token.subject().to_owned());
        let body = Bytes::from(subject.unwrap_or_default());
        async move { Ok::<_, Infallible>(Response::new(OneFrame(Some(body)))) }
    }))
}

impl<L, S, B> ServiceMaker for L
where
    L: Layer<Inner, Service = S>,
    S: Service<Request<()>, Response = Response<B>, Error = Infallible>,
    B: Body<Data = Bytes>,
{
    fn send(self, calls: Arc<AtomicUsize>, request: Request<()>) -> Response<String> {
        let response = block_on(self.layer(inner(calls)).call(request)).unwrap();
        response.map(text)
    }
}

#[test]
fn a_good_request_reaches_the_handler_with_its_token() {
    let world = World::new();
    let answer = world.send(FapiLayer::new(world.server.clone()), world.request(""));
    assert_eq!(
        (answer.status(), answer.body().as_str()),
        (StatusCode::OK, "alice")
    );
}

#[test]
fn nothing_behind_the_layer_runs_for_a_refused_request() {
    let world = World::new();
    let mut request = world.request("");
    request.headers_mut().remove("dpop");
    let answer = world.send(FapiLayer::new(world.server.clone()), request);
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    assert!(answer.body().contains("invalid_dpop_proof"));
    assert_eq!(world.calls.load(Ordering::SeqCst), 0);
    let rejection = answer.extensions().get::<Rejection>().unwrap();
    assert_eq!(rejection.to_string(), "no DPoP proof");
}

// `Future` allows any behaviour then. A default answer would be 200, and read as a yes.
#[test]
fn a_refusal_that_is_polled_again_does_not_turn_into_a_yes() {
    fn twice<F, B, E>(future: F) -> StatusCode
    where
        F: Future<Output = Result<Response<B>, E>>,
        E: std::fmt::Debug,
    {
        let mut future = pin!(future);
        let first = block_on(future.as_mut()).unwrap().status();
        assert!(first.is_client_error() || first.is_server_error());
        block_on(future).unwrap().status()
    }
    let world = World::new();
    let bare = || Request::get("/a").body(()).unwrap();
    let calls = || Arc::clone(&world.calls);
    let mut protect = ProtectLayer::new(world.server.clone()).layer(inner(calls()));
    assert!(twice(protect.call(bare())).is_server_error());
    let mut scope = RequireScope::all_of(["a"]).unwrap().layer(inner(calls()));
    assert!(twice(scope.call(bare())).is_server_error());
}

// A token that the outside put into the extensions is not there; one that a header forged is no token.
#[test]
fn a_second_request_on_the_same_service_is_judged_anew() {
    let world = World::new();
    let layer = || FapiLayer::new(world.server.clone());
    assert_eq!(
        world.send(layer(), world.request("")).status(),
        StatusCode::OK
    );
    let bare = Request::get("/a")
        .header("host", "api.example.com")
        .body(())
        .unwrap();
    assert_eq!(world.send(layer(), bare).status(), StatusCode::UNAUTHORIZED);
    assert_eq!(world.calls.load(Ordering::SeqCst), 1);
}

/// A store that has to be waited for.
struct Remote(MemoryReplayStore);

impl ReplayStore for Remote {
    fn record(&self, key: ReplayKey, expires: Timestamp, now: Timestamp) -> Recording {
        let answer = self.0.record(key, expires, now);
        let mut waited = false;
        let delay = std::future::poll_fn(move |cx| {
            cx.waker().wake_by_ref();
            if std::mem::replace(&mut waited, true) {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        });
        Recording::pending(Box::pin(async move {
            delay.await;
            answer.await
        }))
    }
}

#[test]
fn a_store_that_has_to_be_waited_for_decides_the_same() {
    let world = World::with(|builder| builder.replay_store(Remote(MemoryReplayStore::new(10))));
    let request = world.request("");
    let layer = || FapiLayer::new(world.server.clone());
    let copy = Request::get("/a").body(()).map(|mut copy| {
        *copy.headers_mut() = request.headers().clone();
        copy
    });
    assert_eq!(world.send(layer(), request).status(), StatusCode::OK);
    let answer = world.send(layer(), copy.unwrap());
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    assert!(matches!(
        answer.extensions().get(),
        Some(Rejection::Refused(Refusal::Replayed))
    ));
}

// RFC 9449 §8 and §8.2, whatever the service behind says of caching and CORS.
#[test]
fn a_new_nonce_on_a_success_is_one_uncached_and_exposed() {
    let nonces = Nonces::new(&NonceSecret::from_bytes([1; 32]), Duration::from_secs(60)).unwrap();
    let nonces = Arc::new(nonces);
    let world = World::with(|builder| builder.nonces(nonces.clone()));
    let answer_at_age = |age: u64| {
        let issued = NOW.minus(Duration::from_secs(age));
        let nonce = nonces.issue(None, issued).unwrap();
        let token = world
            .issuer
            .token(NOW)
            .bound_to_key(world.client.thumbprint())
            .mint();
        let proof = world.client.proof("GET", &format!("{API}/a"), NOW);
        let proof = proof.access_token(&token).nonce(&nonce).sign();
        let mut request = world.request("");
        let headers = request.headers_mut();
        headers.insert("authorization", format!("DPoP {token}").parse().unwrap());
        headers.insert("dpop", proof.parse().unwrap());
        let service = service_fn(|_: Request<()>| async {
            let response = Response::builder()
                .header("cache-control", "max-age=60")
                .header("access-control-expose-headers", "x-mine")
                .header("dpop-nonce", "from-behind");
            Ok::<_, Infallible>(response.body(OneFrame(None)).unwrap())
        });
        let mut service = FapiLayer::new(world.server.clone()).layer(service);
        block_on(service.call(request)).unwrap()
    };
    let all = |answer: &Response<_>, name: &str| -> Vec<String> {
        let values = answer.headers().get_all(name).iter();
        values
            .map(|value| value.to_str().unwrap().to_owned())
            .collect()
    };
    let fresh = answer_at_age(0);
    assert_eq!(fresh.headers()["cache-control"], "max-age=60");
    let renewed = answer_at_age(31);
    assert_eq!(renewed.status(), StatusCode::OK);
    let [nonce] = &all(&renewed, "dpop-nonce")[..] else {
        panic!("{:?}", renewed.headers())
    };
    assert!(nonces.check(nonce, world.client.thumbprint(), NOW).is_ok());
    assert_eq!(all(&renewed, "cache-control"), ["no-store"]);
    assert_eq!(
        all(&renewed, "access-control-expose-headers"),
        ["x-mine", "DPoP-Nonce, WWW-Authenticate"]
    );
}

// RFC 6750 §3.1.
#[test]
fn a_route_demands_its_scopes() {
    let world = World::new();
    let (all, any) = (
        RequireScope::all_of(["a", "b"]).unwrap(),
        RequireScope::any_of(["a", "b"]).unwrap(),
    );
    for (demand, held, status) in [
        (&all, "a b", StatusCode::OK),
        (&all, "c b a", StatusCode::OK),
        (&all, "a", StatusCode::FORBIDDEN),
        (&all, "", StatusCode::FORBIDDEN),
        (&all, "A B", StatusCode::FORBIDDEN),
        (&any, "b", StatusCode::OK),
        (&any, "c", StatusCode::FORBIDDEN),
        (&any, "", StatusCode::FORBIDDEN),
    ] {
        let layers =
            layer_fn(|inner| FapiLayer::new(world.server.clone()).layer(demand.layer(inner)));
        let answer = world.send(layers, world.request(held));
        assert_eq!(answer.status(), status, "{held}");
        if status == StatusCode::FORBIDDEN {
            let challenge = answer.headers()["www-authenticate"].to_str().unwrap();
            assert!(
                challenge.contains(r#"error="insufficient_scope""#)
                    && challenge.contains(r#"scope="a b""#)
            );
            assert!(answer.headers().contains_key("x-fapi-interaction-id"));
        }
    }
}

#[test]
fn a_route_layer_without_protection_lets_nobody_through() {
    let world = World::new();
    let answer = world.send(RequireScope::all_of(["a"]).unwrap(), world.request("a"));
    assert_eq!(answer.status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(world.calls.load(Ordering::SeqCst), 0);
}

/// The request as a gRPC call, whose proof is then for another method.
fn as_grpc(mut request: Request<()>) -> Request<()> {
    *request.method_mut() = http::Method::POST;
    let headers = request.headers_mut();
    headers.insert("content-type", "application/grpc+proto".parse().unwrap());
    request
}

// gRPC over HTTP/2, "Responses": Trailers-Only.
#[test]
fn a_grpc_call_is_refused_as_its_client_reads_it() {
    let world = World::new();
    let answer = world.send(
        FapiLayer::new(world.server.clone()),
        as_grpc(world.request("")),
    );
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(answer.headers()["content-type"], "application/grpc");
    assert_eq!(answer.headers()["grpc-status"], "16");
    assert_eq!(
        answer.headers()["grpc-message"],
        "htm of the DPoP proof is not the method of the request"
    );
    let challenge = answer.headers()["www-authenticate"].to_str().unwrap();
    assert!(challenge.contains(r#"error="invalid_dpop_proof""#));
    assert_eq!(answer.headers()["cache-control"], "no-store");
    assert!(answer.headers().contains_key("x-fapi-interaction-id"));
    assert!(answer.body().is_empty());
    assert!(answer.extensions().get::<Rejection>().is_some());

    let unwired = RequireScope::all_of(["a"]).unwrap();
    let answer = world.send(unwired, as_grpc(world.request("a")));
    assert_eq!(answer.status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert!(!answer.headers().contains_key("grpc-status"));
    assert_eq!(world.calls.load(Ordering::SeqCst), 0);
}

// Whoever takes the status for the verdict must never see 200, whatever content type the client has sent.
#[test]
fn the_grpc_form_can_be_switched_off() {
    let world = World::with(ResourceServerBuilder::without_grpc_answers);
    let answer = world.send(
        FapiLayer::new(world.server.clone()),
        as_grpc(world.request("")),
    );
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    assert!(!answer.headers().contains_key("grpc-status"));
}

#[test]
fn a_demand_that_is_empty_or_no_scope_cannot_be_made() {
    for values in [&[][..], &[""], &["a b"], &["a", ""], &["a\""], &["é"]] {
        assert!(
            RequireScope::all_of(values.iter().copied()).is_err(),
            "{values:?}"
        );
        assert!(
            RequireScope::any_of(values.iter().copied()).is_err(),
            "{values:?}"
        );
    }
}

// FAPI implementation advice: the client's UUID is echoed, on refusals as well, and minted where there is none.
#[test]
fn every_answer_names_its_request() {
    const ID: &str = "93BAC548-d2de-4546-b106-880a5018460d";
    let world = World::new();
    let answer_to = |ids: &[&str]| {
        let mut request = world.request("");
        for id in ids {
            request
                .headers_mut()
                .append("x-fapi-interaction-id", id.parse().unwrap());
        }
        let answer = world.send(FapiLayer::new(world.server.clone()), request);
        assert_eq!(
            answer
                .headers()
                .get_all("x-fapi-interaction-id")
                .iter()
                .count(),
            1
        );
        answer.headers()["x-fapi-interaction-id"]
            .to_str()
            .unwrap()
            .to_owned()
    };
    assert_eq!(answer_to(&[ID]), ID);
    for ids in [
        &[][..],
        &["x"],
        &[""],
        &["{93bac548-d2de-4546-b106-880a5018460d}"],
        &["93bac548d2de4546b106880a5018460d"],
        &[ID, ID],
    ] {
        let minted = answer_to(ids);
        assert!(
            uuid::Uuid::parse_str(&minted).is_ok() && minted != ID,
            "{minted}"
        );
    }
    assert_ne!(answer_to(&[]), answer_to(&[]));
}
