//! What a protected request costs beside the one signature verification that it cannot do without.
//!
//! `cargo bench --features testing --bench verdict` measures each case with criterion, then all of them in turn, and prints
//! the second as ratios to the bare ES256 verification of the same rounds: a machine that drifts then drifts for all.
#![allow(
    clippy::cast_precision_loss,
    clippy::indexing_slicing,
    clippy::unreachable,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::unwrap_used,
    missing_docs
)]

use std::{
    convert::Infallible,
    hint::black_box,
    pin::pin,
    task::{Context, Poll, Waker},
    time::{Duration, Instant},
};

use bytes::Bytes;
use criterion::Criterion;
use http::{Request, Response};
use tower::{Layer, Service, service_fn};
use tower_fapi::{
    dpop::{ProofPolicy, ProofRequest, ProofVerifier, TargetUri},
    issuer::IssuerKeys,
    jose::{CompactJws, JwsAlgorithm, VerifyingKey, sha256},
    layer::{FapiLayer, ResponseBody},
    mtls::PeerCertificate,
    replay::MemoryReplayStore,
    resource_server::{RequestFacts, ResourceServer, TrustedIssuer},
    testing::{DpopKey, TestIssuer},
    time::{ManualClock, Timestamp},
};

const NOW: Timestamp = Timestamp::from_unix(1_800_000_000);
const API: &str = "https://api.example.com";
const URL: &str = "https://api.example.com/accounts";

/// Prepares so many inputs, then times so many runs.
type Case = (&'static str, Box<dyn FnMut(u64) -> Duration>);

fn main() {
    let mut criterion = Criterion::default()
        .configure_from_args()
        .measurement_time(Duration::from_secs(3))
        .warm_up_time(Duration::from_millis(500));
    for (name, mut run) in cases() {
        criterion.bench_function(name, |bencher| bencher.iter_custom(&mut run));
    }
    criterion.final_summary();
    // `cargo test --benches` asks only whether everything runs.
    if std::env::args().any(|argument| argument == "--bench") {
        print_ratios(cases());
    }
}

fn cases() -> Vec<Case> {
    vec![
        bare("bare ES256 verification", JwsAlgorithm::Es256),
        bare("bare PS256 verification", JwsAlgorithm::Ps256),
        bare("bare Ed25519 verification", JwsAlgorithm::EdDsa),
        proof("DPoP proof, key kept"),
        verdict("DPoP verdict, cached token", 64 << 20),
        verdict("DPoP verdict, cold token", 0),
        certificate_verdict("mTLS verdict, cached token"),
        layer("DPoP layer around an empty service"),
    ]
}

/// Every signature is another one: a processor that has seen the same one many times over guesses its way through.
fn bare(name: &'static str, algorithm: JwsAlgorithm) -> Case {
    let key = DpopKey::generate_for(algorithm);
    let prepared = VerifyingKey::new(key.signing_key().public()).unwrap();
    let run = move |times| {
        let proofs = proofs(&key, times);
        timed(&proofs, |proof| {
            CompactJws::parse(proof).unwrap().verify(&prepared).unwrap();
        })
    };
    (name, Box::new(run))
}

fn proof(name: &'static str) -> Case {
    let key = DpopKey::generate();
    let verifier = ProofVerifier::new(ProofPolicy::default());
    let (target, hash): (TargetUri, _) = (URL.parse().unwrap(), sha256(b"token"));
    let run = move |times| {
        let request = ProofRequest {
            method: "GET",
            target: &target,
            access_token_hash: Some(&hash),
            bound_to: Some(key.thumbprint()),
            now: NOW,
        };
        let proofs = proofs(&key, times);
        timed(&proofs, |proof| {
            let accepted = verifier.verify(proof, &request).unwrap();
            verifier.remember(&accepted);
        })
    };
    (name, Box::new(run))
}

fn proofs(key: &DpopKey, times: u64) -> Vec<String> {
    let proof = |_| key.proof("GET", URL, NOW).access_token("token").sign();
    (0..times).map(proof).collect()
}

struct World {
    issuer: TestIssuer,
    client: DpopKey,
    token: String,
}

impl World {
    fn new() -> Self {
        let issuer = TestIssuer::new("https://as.example.com", API);
        let client = DpopKey::generate();
        // Longer than ours, as tokens with a few claims of the bank's own are: about 900 bytes.
        let token = issuer
            .token(NOW)
            .scope("accounts payments")
            .bound_to_key(client.thumbprint())
            .claim("branch", "x".repeat(270));
        Self {
            token: token.mint(),
            issuer,
            client,
        }
    }

    fn server(&self, token_cache_bytes: u64) -> ResourceServer {
        let keys = IssuerKeys::fixed(&self.issuer.jwks()).unwrap();
        ResourceServer::builder(API, TrustedIssuer::new(self.issuer.issuer(), keys))
            .token_cache_bytes(token_cache_bytes)
            .replay_store(MemoryReplayStore::new(2_000_000))
            .clock(ManualClock::at(NOW))
            .build()
            .unwrap()
    }

    /// Every request has a proof of its own.
    fn requests(&self, times: u64) -> Vec<Request<()>> {
        let request = |_| {
            let proof = self
                .client
                .proof("GET", URL, NOW)
                .access_token(&self.token)
                .sign();
            request()
                .header("authorization", format!("DPoP {}", self.token))
                .header("dpop", proof)
                .body(())
                .unwrap()
        };
        (0..times).map(request).collect()
    }
}

fn request() -> http::request::Builder {
    Request::get("/accounts").header("host", "api.example.com")
}

fn verdict(name: &'static str, token_cache_bytes: u64) -> Case {
    let world = World::new();
    let server = world.server(token_cache_bytes);
    let run = move |times| {
        let requests = world.requests(times);
        timed(requests, |request| {
            now_or_never(server.verify(&RequestFacts::of(&request), NOW)).unwrap()
        })
    };
    (name, Box::new(run))
}

fn certificate_verdict(name: &'static str) -> Case {
    let world = World::new();
    let server = world.server(64 << 20);
    let certificate = PeerCertificate::new(*b"certificate", []);
    let token = world
        .issuer
        .token(NOW)
        .bound_to_certificate(certificate.thumbprint())
        .mint();
    let request = request()
        .header("authorization", format!("Bearer {token}"))
        .extension(certificate)
        .body(())
        .unwrap();
    let run = move |times| {
        timed(0..times, |_| {
            now_or_never(server.verify(&RequestFacts::of(&request), NOW)).unwrap()
        })
    };
    (name, Box::new(run))
}

fn layer(name: &'static str) -> Case {
    let world = World::new();
    let empty = service_fn(|_: Request<()>| async {
        Ok::<_, Infallible>(Response::new(ResponseBody::<Empty>::default()))
    });
    let mut service = FapiLayer::new(world.server(64 << 20)).layer(empty);
    let run = move |times| {
        let requests = world.requests(times);
        timed(requests, |request| {
            let response = now_or_never(service.call(request)).unwrap();
            assert!(response.status().is_success());
            response
        })
    };
    (name, Box::new(run))
}

/// A body that never has anything.
struct Empty;

impl http_body::Body for Empty {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: std::pin::Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Bytes>, Infallible>>> {
        Poll::Ready(None)
    }
}

fn timed<I, O>(inputs: impl IntoIterator<Item = I>, mut run: impl FnMut(I) -> O) -> Duration {
    let start = Instant::now();
    for input in inputs {
        black_box(run(input));
    }
    start.elapsed()
}

fn now_or_never<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => unreachable!("everything is at hand"),
    }
}

/// All cases in turn, many short rounds, medians.
fn print_ratios(mut cases: Vec<Case>) {
    const ROUNDS: usize = 101;
    const RUNS: u64 = 40;
    let mut rounds: Vec<Vec<f64>> = vec![Vec::new(); cases.len()];
    for _ in 0..ROUNDS {
        for ((_, run), results) in cases.iter_mut().zip(&mut rounds) {
            results.push(run(RUNS).as_secs_f64() / RUNS as f64 * 1e6);
        }
    }
    let base = rounds[0].clone();
    println!("\n{:<38} {:>9} {:>9}", "case", "µs", "× ES256");
    for ((name, _), results) in cases.iter().zip(&rounds) {
        let ratios = results
            .iter()
            .zip(&base)
            .map(|(result, base)| result / base)
            .collect();
        println!(
            "{name:<38} {:>9.2} {:>9.3}",
            median(results.clone()),
            median(ratios)
        );
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
