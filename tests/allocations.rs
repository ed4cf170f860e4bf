//! How often a protected request allocates, counted: what creeps in here costs every request of everybody.
#![cfg(feature = "testing")]
#![allow(clippy::panic, clippy::unwrap_used, missing_docs)]

use std::{
    convert::Infallible,
    pin::pin,
    task::{Context, Poll, Waker},
};

use allocation_counter::measure;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Empty;
use tower::{Layer as _, Service, service_fn};
use tower_fapi::{
    layer::FapiLayer,
    mtls::PeerCertificate,
    replay::MemoryReplayStore,
    resource_server::{RequestFacts, ResourceServer},
    testing::{DpopKey, TestIssuer},
    time::{ManualClock, Timestamp},
};

const NOW: Timestamp = Timestamp::from_unix(1_800_000_000);
const API: &str = "https://api.example.com";
const URL: &str = "https://api.example.com/accounts";

/// Requests before the one that is counted: caches are filled, and the replay store has grown.
const BEFORE: usize = 2000;

struct World {
    issuer: TestIssuer,
    key: DpopKey,
    certificate: PeerCertificate,
    server: ResourceServer,
}

impl World {
    fn new() -> Self {
        let issuer = TestIssuer::new("https://as.example.com", API);
        let server = ResourceServer::builder(API, issuer.trusted())
            .replay_store(MemoryReplayStore::new(1_000_000))
            .clock(ManualClock::at(NOW))
            .build()
            .unwrap();
        Self {
            issuer,
            key: DpopKey::generate(),
            certificate: PeerCertificate::new(*b"certificate", []),
            server,
        }
    }

    fn dpop_requests(&self) -> impl Iterator<Item = Request<()>> {
        let token = self.issuer.token(NOW).scope("accounts");
        let token = token.bound_to_key(self.key.thumbprint()).mint();
        std::iter::repeat_with(move || {
            let proof = self.key.proof("GET", URL, NOW).access_token(&token).sign();
            request()
                .header("authorization", format!("DPoP {token}"))
                .header("dpop", proof)
                .body(())
                .unwrap()
        })
    }

    fn certificate_requests(&self) -> impl Iterator<Item = Request<()>> {
        let token = self.issuer.token(NOW).scope("accounts");
        let token = token
            .bound_to_certificate(self.certificate.thumbprint())
            .mint();
        std::iter::repeat_with(move || {
            request()
                .header("authorization", format!("Bearer {token}"))
                .extension(self.certificate.clone())
                .body(())
                .unwrap()
        })
    }
}

fn request() -> http::request::Builder {
    Request::get("/accounts").header("host", "api.example.com")
}

/// The median of many: now and then a cache or the replay store tidies up.
fn allocations(
    requests: impl Iterator<Item = Request<()>>,
    mut handle: impl FnMut(Request<()>),
) -> u64 {
    let requests: Vec<_> = requests.take(BEFORE + 101).collect();
    let counted = requests.into_iter().map(|request| {
        let counted = measure(|| handle(request));
        counted.count_total
    });
    let mut counts: Vec<u64> = counted.skip(BEFORE).collect();
    counts.sort_unstable();
    counts.get(counts.len() / 2).copied().unwrap()
}

fn verdict(server: &ResourceServer) -> impl FnMut(Request<()>) {
    move |request| {
        now_or_never(server.verify(&RequestFacts::of(&request), NOW)).unwrap();
    }
}

fn layer(server: &ResourceServer) -> impl FnMut(Request<()>) {
    let empty = service_fn(|_: Request<()>| async {
        Ok::<_, Infallible>(Response::new(Empty::<Bytes>::new()))
    });
    let mut service = FapiLayer::new(server.clone()).layer(empty);
    move |request| {
        let response = now_or_never(service.call(request)).unwrap();
        assert!(response.status().is_success());
    }
}

fn now_or_never<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("everything is at hand"),
    }
}

#[test]
fn a_request_with_a_kept_token_and_key_allocates_no_more_than_it_must() {
    let world = World::new();
    let counted = [
        (
            "DPoP verdict",
            allocations(world.dpop_requests(), verdict(&world.server)),
        ),
        (
            "DPoP layer",
            allocations(world.dpop_requests(), layer(&world.server)),
        ),
        (
            "mTLS verdict",
            allocations(world.certificate_requests(), verdict(&world.server)),
        ),
        (
            "mTLS layer",
            allocations(world.certificate_requests(), layer(&world.server)),
        ),
    ];
    // Of a proof the URL it is compared with. In the layer besides: the interaction identifier and its header, and what is put
    // into the extensions of the request.
    assert_eq!(
        counted,
        [
            ("DPoP verdict", 1),
            ("DPoP layer", 10),
            ("mTLS verdict", 0),
            ("mTLS layer", 9),
        ]
    );
}
