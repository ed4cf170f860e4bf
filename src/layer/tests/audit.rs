//! What the operator learns of each decision.

use std::sync::Mutex;

use http::Request;
use metrics_util::{
    MetricKind,
    debugging::{DebugValue, DebuggingRecorder},
};
use tower::layer::layer_fn;

use super::*;
use crate::{
    audit::{AuditEvent, AuditSink, Decision},
    jose::CertificateThumbprint,
    metrics,
    mtls::PeerCertificate,
    testing::ProofBuilder,
};

const ID: &str = "93bac548-d2de-4546-b106-880a5018460d";

/// Keeps what of an event outlives it.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<Line>>>);

#[derive(Clone, Debug, Default, Eq, PartialEq)]
struct Line {
    decision: &'static str,
    reason: &'static str,
    request: String,
    client: Option<String>,
    key: bool,
    certificate: bool,
}

impl AuditSink for Kept {
    fn record(&self, event: &AuditEvent<'_>) {
        assert_eq!((event.at, event.interaction_id), (NOW, Some(ID)));
        self.0.lock().unwrap().push(Line {
            decision: event.decision.as_str(),
            reason: event.reason(),
            request: format!("{} {}", event.method, event.route),
            client: event.token.map(|token| token.client_id().to_owned()),
            key: event.key.is_some(),
            certificate: event.certificate.is_some(),
        });
    }
}

fn world(kept: &Kept, settings: fn(ResourceServerBuilder) -> ResourceServerBuilder) -> World {
    World::with(|builder| settings(builder.audit(kept.clone())))
}

fn send(world: &World, mut request: Request<()>) {
    request
        .headers_mut()
        .insert("x-fapi-interaction-id", ID.parse().unwrap());
    let demand = RequireScope::all_of(["a"]).unwrap();
    world.send(
        layer_fn(|inner| FapiLayer::new(world.server.clone()).layer(demand.layer(inner))),
        request,
    );
}

#[test]
fn every_decision_is_taken_down_with_who_and_why() {
    let kept = Kept::default();
    let world = world(&kept, |builder| builder);
    let line = |decision, reason, known: bool| Line {
        decision,
        reason,
        request: "GET /a".to_owned(),
        client: known.then(|| "client".to_owned()),
        key: known,
        certificate: false,
    };
    let good = world.request("a");
    let copy = || {
        let mut copy = Request::get("/a?secret=1").body(()).unwrap();
        *copy.headers_mut() = good.headers().clone();
        copy
    };
    let mut thief = copy();
    let proof = |sign: fn(ProofBuilder) -> ProofBuilder| {
        let token = good.headers()["authorization"].to_str().unwrap();
        let token = token.strip_prefix("DPoP ").unwrap();
        let proof = DpopKey::generate().proof("GET", &format!("{API}/a"), NOW);
        sign(proof.access_token(token)).sign().parse().unwrap()
    };
    thief.headers_mut().insert("dpop", proof(|proof| proof));
    let expired = world.request_with(world.issuer.token(NOW).claim("exp", 1));
    for (request, expected) in [
        (copy(), vec![line("accepted", "none", true)]),
        (copy(), vec![line("refused", "replayed", true)]),
        (thief, vec![line("refused", "proof_key_mismatch", true)]),
        (expired, vec![line("refused", "token_expired", false)]),
        (
            Request::get("/a").body(()).unwrap(),
            vec![line("refused", "no_credentials", false)],
        ),
        (
            world.request("b"),
            vec![
                line("accepted", "none", true),
                line("refused", "scope", true),
            ],
        ),
    ] {
        send(&world, request);
        assert_eq!(std::mem::take(&mut *kept.0.lock().unwrap()), expected);
    }
}

#[test]
fn the_certificate_that_was_presented_is_named_also_where_it_is_the_wrong_one() {
    let kept = Kept::default();
    let world = world(&kept, |builder| builder);
    let token = world.issuer.token(NOW).scope("a");
    let token = token
        .bound_to_certificate(CertificateThumbprint::of_der(b"mine"))
        .mint();
    for (der, decision, reason) in [
        (&b"mine"[..], "accepted", "none"),
        (b"other", "refused", "certificate_mismatch"),
    ] {
        let request = Request::get("/a")
            .header("authorization", format!("Bearer {token}"))
            .extension(PeerCertificate::new(der, []));
        send(&world, request.body(()).unwrap());
        let lines = std::mem::take(&mut *kept.0.lock().unwrap());
        let [line] = &lines[..] else {
            panic!("{lines:?}")
        };
        assert_eq!((line.decision, line.reason), (decision, reason));
        assert!(line.certificate && !line.key);
    }
}

#[test]
fn a_certificate_is_named_beside_a_key_it_is_not_demanded_with() {
    let kept = Kept::default();
    let world = world(&kept, |builder| builder);
    let mut request = world.request("a");
    let certificate = PeerCertificate::new(*b"mine", []);
    request.extensions_mut().insert(certificate);
    send(&world, request);
    let lines = kept.0.lock().unwrap();
    assert!(lines[0].key && lines[0].certificate, "{lines:?}");
}

// What comes after the verdict is about the same request: a scope that is missing, a proof that was seen before.
#[test]
fn a_certificate_is_named_in_each_later_refusal() {
    let kept = Kept::default();
    let world = world(&kept, |builder| builder);
    let certificate = PeerCertificate::new(*b"mine", []);
    let mut first = world.request("a");
    first.extensions_mut().insert(certificate.clone());
    let mut again = Request::get("/a").extension(certificate.clone());
    *again.headers_mut().unwrap() = first.headers().clone();
    let token = world
        .issuer
        .token(NOW)
        .bound_to_certificate(certificate.thumbprint());
    let no_scope = Request::get("/a")
        .header("authorization", format!("Bearer {}", token.mint()))
        .extension(certificate);
    send(&world, first);
    send(&world, again.body(()).unwrap());
    send(&world, no_scope.body(()).unwrap());
    let lines = kept.0.lock().unwrap();
    let seen: Vec<_> = lines
        .iter()
        .map(|line| (line.reason, line.certificate))
        .collect();
    assert_eq!(
        seen,
        [
            ("none", true),
            ("replayed", true),
            ("none", true),
            ("scope", true)
        ]
    );
}

#[test]
fn a_decision_that_was_waited_for_has_the_time_at_which_it_was_made() {
    struct Times(Arc<Mutex<Vec<Timestamp>>>);
    impl AuditSink for Times {
        fn record(&self, event: &AuditEvent<'_>) {
            self.0.lock().unwrap().push(event.at);
        }
    }
    /// A store that takes a second, by this clock.
    struct Slow(ManualClock);
    impl ReplayStore for Slow {
        fn record(&self, _: ReplayKey, _: Timestamp, now: Timestamp) -> Recording {
            let clock = self.0.clone();
            Recording::pending(Box::pin(async move {
                clock.set(now.plus(Duration::from_secs(1)));
                Ok(crate::replay::Recorded::First)
            }))
        }
    }
    let (times, clock) = (Arc::default(), ManualClock::at(NOW));
    let sink = Times(Arc::clone(&times));
    let store = Slow(clock.clone());
    let world = World::with(|builder| builder.clock(clock).audit(sink).replay_store(store));
    let request = world.request("");
    world.send(FapiLayer::new(world.server.clone()), request);
    let bare = Request::get("/a").body(()).unwrap();
    world.send(FapiLayer::new(world.server.clone()), bare);
    let later = NOW.plus(Duration::from_secs(1));
    assert_eq!(*times.lock().unwrap(), [later, later]);
}

#[test]
fn what_is_only_reported_says_so() {
    let kept = Kept::default();
    let world = world(&kept, |builder| builder.dangerous().report_only());
    send(&world, world.request("b"));
    send(&world, Request::get("/a").body(()).unwrap());
    let lines = kept.0.lock().unwrap();
    let seen: Vec<_> = lines
        .iter()
        .map(|line| (line.decision, line.reason))
        .collect();
    assert_eq!(
        seen,
        [
            ("accepted", "none"),
            ("reported", "scope"),
            ("reported", "no_credentials")
        ]
    );
}

// A stranger's token is not worth a verification beside a proof that cannot pass; where nothing is refused, the record is
// all there is, and has to say whose proof it was.
#[test]
fn whose_proof_is_wrong_is_known_where_that_is_only_reported() {
    for (report_only, decision) in [(false, "refused"), (true, "reported")] {
        let kept = Kept::default();
        let world = if report_only {
            world(&kept, |builder| builder.dangerous().report_only())
        } else {
            world(&kept, |builder| builder)
        };
        let mut request = world.request("a");
        *request.method_mut() = http::Method::POST;
        send(&world, request);
        let lines = kept.0.lock().unwrap();
        assert_eq!(
            (lines[0].decision, lines[0].reason),
            (decision, "proof_method")
        );
        assert_eq!(lines[0].client.is_some(), report_only, "{lines:?}");
    }
}

#[cfg(feature = "axum")]
struct Routes(Arc<Mutex<Vec<String>>>);

#[cfg(feature = "axum")]
impl AuditSink for Routes {
    fn record(&self, event: &AuditEvent<'_>) {
        self.0.lock().unwrap().push(event.route.to_owned());
    }
}

// The route is the application's own word where it is known: a path may name an account.
#[cfg(feature = "axum")]
#[tokio::test]
async fn the_route_is_the_template_and_not_the_path() {
    let routes = Arc::new(Mutex::new(Vec::new()));
    let world = World::with(|builder| builder.audit(Routes(Arc::clone(&routes))));
    let mut app = axum::Router::new()
        .route("/accounts/{id}", axum::routing::get(|| async {}))
        .layer(FapiLayer::new(world.server.clone()));
    let request = Request::get("/accounts/DE89370400440532013000?x=y");
    let request = request.body(axum::body::Body::empty()).unwrap();
    Service::<Request<axum::body::Body>>::call(&mut app, request)
        .await
        .unwrap();
    assert_eq!(*routes.lock().unwrap(), ["/accounts/{id}"]);
}

#[test]
fn figures_count_decisions_by_reason_and_cache_hits() {
    let recorder = DebuggingRecorder::new();
    let figures = recorder.snapshotter();
    let world = World::new();
    ::metrics::with_local_recorder(&recorder, || {
        metrics::describe();
        let first = world.request("");
        let token = first.headers()["authorization"].to_str().unwrap();
        let proof = world.client.proof("GET", &format!("{API}/a"), NOW);
        let proof = proof
            .access_token(token.strip_prefix("DPoP ").unwrap())
            .sign();
        let mut second = Request::get("/a").body(()).unwrap();
        *second.headers_mut() = first.headers().clone();
        second.headers_mut().insert("dpop", proof.parse().unwrap());
        for request in [first, second] {
            world.send(FapiLayer::new(world.server.clone()), request);
        }
        world.send(
            FapiLayer::new(world.server.clone()),
            Request::get("/a").body(()).unwrap(),
        );
    });
    let all: Vec<_> = figures.snapshot().into_vec();
    let find = |kind, name: &str, labels: &[(&str, &str)]| {
        all.iter().find_map(|(key, _, _, value)| {
            let has = |(name, value): &(&str, &str)| {
                key.key()
                    .labels()
                    .any(|label| label.key() == *name && label.value() == *value)
            };
            let found = key.kind() == kind && key.key().name() == name && labels.iter().all(has);
            found.then_some(value)
        })
    };
    for (name, labels, expected) in [
        (
            metrics::DECISIONS,
            &[("decision", "accepted"), ("reason", "none")][..],
            2,
        ),
        (
            metrics::DECISIONS,
            &[("decision", "refused"), ("reason", "no_credentials")],
            1,
        ),
        (metrics::TOKEN_CACHE, &[("outcome", "miss")], 1),
        (metrics::TOKEN_CACHE, &[("outcome", "hit")], 1),
    ] {
        let value = find(MetricKind::Counter, name, labels);
        assert!(
            matches!(value, Some(DebugValue::Counter(n)) if *n == expected),
            "{name} {labels:?} {value:?}"
        );
    }
    let Some(DebugValue::Histogram(times)) =
        find(MetricKind::Histogram, metrics::VERIFICATION_SECONDS, &[])
    else {
        panic!("no times")
    };
    assert_eq!(times.len(), 3);
    assert!(find(MetricKind::Gauge, metrics::REPLAY_ENTRIES, &[]).is_some());
}

#[test]
fn every_reason_is_a_word_fit_for_a_label() {
    let mut seen = std::collections::HashSet::new();
    for rejection in crate::rejection::examples::rejections() {
        let reason = rejection.reason();
        let word = |byte| matches!(byte, b'a'..=b'z' | b'_');
        assert!(reason.bytes().all(word), "{reason}");
        seen.insert(reason);
    }
    assert!(seen.len() > 50, "reasons are told apart: {}", seen.len());
    assert_eq!(Decision::Reported.to_string(), "reported");
}
