//! The verdict without a web server: each check broken alone, and nothing consumed by a refusal.
#![allow(clippy::too_many_lines, reason = "tables of cases are long")]

use std::{
    future::Future,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, Waker},
    time::Duration,
};

use http::{Request, request};

use super::{judge::Judgement, token_cache::TokenHash, wish::Findings, *};
use crate::{
    dpop::{NonceSecret, Nonces, ProofError, ProofPolicy},
    issuer::IssuerKeys,
    jose::{JwkSet, JwsAlgorithm},
    mtls::PeerCertificate,
    rejection::{ErrorCode, Fault, Refusal, Rejection},
    replay::{MemoryReplayStore, Recording, ReplayKey, ReplayStore, StoreError},
    testing::{DpopKey, ProofBuilder, TestIssuer, TokenBuilder},
    time::Timestamp,
    token::TokenError,
};

const NOW: Timestamp = Timestamp::from_unix(1_800_000_000);
const API: &str = "https://api.example.com";
const URL: &str = "https://api.example.com/accounts";

/// Nothing here waits for anything, so one poll has to do.
fn now_or_never<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("the verdict waits for something"),
    }
}

struct World {
    issuer: TestIssuer,
    client: DpopKey,
    server: ResourceServer,
}

impl World {
    fn new() -> Self {
        Self::with(|builder| builder)
    }

    fn with(settings: impl FnOnce(ResourceServerBuilder) -> ResourceServerBuilder) -> Self {
        let issuer = TestIssuer::new("https://as.example.com", API);
        let builder = ResourceServer::builder(API, trusted(&issuer));
        let server = settings(builder).build().unwrap();
        Self {
            issuer,
            client: DpopKey::generate(),
            server,
        }
    }

    fn token(&self) -> TokenBuilder {
        self.issuer
            .token(NOW)
            .bound_to_key(self.client.thumbprint())
    }

    fn proof(&self, token: &str) -> ProofBuilder {
        self.client.proof("GET", URL, NOW).access_token(token)
    }

    /// A request that is right in everything.
    fn good(&self) -> request::Builder {
        let token = self.token().mint();
        dpop(&token, &self.proof(&token).sign())
    }

    fn verify(&self, request: request::Builder) -> Result<Accepted, Rejection> {
        self.verify_at(request, NOW)
    }

    fn verify_at(&self, request: request::Builder, now: Timestamp) -> Result<Accepted, Rejection> {
        let request = request.body(()).unwrap();
        now_or_never(self.server.verify(&RequestFacts::of(&request), now))
    }

    fn refusal(&self, request: request::Builder) -> Refusal {
        match self.verify(request) {
            Err(Rejection::Refused(refusal)) => refusal,
            other => panic!("{other:?}"),
        }
    }
}

fn trusted(issuer: &TestIssuer) -> TrustedIssuer {
    TrustedIssuer::new(issuer.issuer(), IssuerKeys::fixed(&issuer.jwks()).unwrap())
}

fn request() -> request::Builder {
    Request::get("/accounts").header("host", "api.example.com")
}

fn dpop(token: &str, proof: &str) -> request::Builder {
    request()
        .header("authorization", format!("DPoP {token}"))
        .header("dpop", proof)
}

fn bearer(token: &str) -> request::Builder {
    request().header("authorization", format!("Bearer {token}"))
}

fn certificate(der: &str) -> PeerCertificate {
    PeerCertificate::new(der.as_bytes(), [])
}

#[test]
fn a_right_request_passes_with_each_binding() {
    let world = World::new();
    assert_eq!(world.verify(world.good()).unwrap().token.subject(), "alice");

    let mine = certificate("mine");
    let token = world
        .issuer
        .token(NOW)
        .bound_to_certificate(mine.thumbprint())
        .mint();
    world
        .verify(bearer(&token).extension(mine.clone()))
        .unwrap();
    world
        .verify(bearer(&token).extension(mine.clone()))
        .unwrap();

    let both = world.token().bound_to_certificate(mine.thumbprint()).mint();
    let proof = world.proof(&both).sign();
    world.verify(dpop(&both, &proof).extension(mine)).unwrap();
}

// FAPI 2.0 Security Profile §5.3.4; RFC 6750 §3.1; RFC 8705 §3; RFC 9449 §7.
#[test]
fn each_check_refuses_alone() {
    let world = World::new();
    let (other_client, other_issuer) = (
        DpopKey::generate(),
        TestIssuer::new("https://evil.example", API),
    );
    let token = world.token().mint();
    let proof = || world.proof(&token);
    let mine = certificate("mine");
    let bound = world
        .issuer
        .token(NOW)
        .bound_to_certificate(mine.thumbprint())
        .mint();
    let both = world.token().bound_to_certificate(mine.thumbprint()).mint();
    let unbound = world.issuer.token(NOW).mint();
    let ended = world.token().claim("exp", NOW.as_unix()).mint();
    let foreign = other_issuer
        .token(NOW)
        .bound_to_key(world.client.thumbprint())
        .mint();
    let forged = world
        .token()
        .signed_by(&other_issuer)
        .without_header("kid")
        .mint();
    let elsewhere = world
        .token()
        .claim("aud", "https://other.example.com")
        .mint();
    let with_proof = |token: &str| dpop(token, &world.proof(token).sign());
    let target = |claimed: &str| {
        Refusal::Proof(ProofError::Target {
            claimed: claimed.into(),
            asked: URL.into(),
        })
    };

    for (case, request, expected) in [
        ("nothing", request(), Refusal::NoCredentials),
        (
            "only a proof",
            request().header("dpop", proof().sign()),
            Refusal::NoCredentials,
        ),
        (
            "two headers",
            world.good().header("authorization", "DPoP a.b.c"),
            Refusal::SeveralAuthorizations(2),
        ),
        (
            "token in the query",
            world.good().uri("/accounts?access_token=x"),
            Refusal::TokenInQuery,
        ),
        (
            "another scheme",
            request().header("authorization", "Basic YTpi"),
            Refusal::Scheme,
        ),
        (
            "no proof",
            request().header("authorization", format!("DPoP {token}")),
            ProofError::Missing.into(),
        ),
        (
            "neither token nor proof",
            request().header("authorization", "DPoP"),
            Refusal::MalformedAuthorization,
        ),
        (
            "two tokens in one, with a proof",
            dpop("a.b.c, Bearer a.b.c", &proof().sign()),
            Refusal::MalformedAuthorization,
        ),
        (
            "two proofs",
            with_proof(&token).header("dpop", proof().sign()),
            ProofError::Several(2).into(),
        ),
        (
            "stolen, as Bearer",
            bearer(&token),
            Refusal::DpopTokenAsBearer,
        ),
        (
            "stolen, as Bearer with proof",
            bearer(&token).header("dpop", proof().sign()),
            Refusal::DpopTokenAsBearer,
        ),
        (
            "stolen, with another key",
            dpop(
                &token,
                &other_client
                    .proof("GET", URL, NOW)
                    .access_token(&token)
                    .sign(),
            ),
            ProofError::KeyMismatch.into(),
        ),
        (
            "other method",
            dpop(&token, &proof().claim("htm", "POST").sign()),
            ProofError::Method.into(),
        ),
        (
            "other URL",
            dpop(
                &token,
                &proof().claim("htu", "https://evil.example/").sign(),
            ),
            target("https://evil.example/"),
        ),
        (
            "other token's proof",
            dpop(&token, &world.proof(&both).sign()),
            ProofError::AccessTokenHash.into(),
        ),
        (
            "stale proof",
            dpop(&token, &proof().claim("iat", NOW.as_unix() - 61).sign()),
            ProofError::TooOld(Duration::from_secs(61)).into(),
        ),
        ("unbound, as Bearer", bearer(&unbound), Refusal::Unbound),
        (
            "unbound, as DPoP",
            with_proof(&unbound),
            Refusal::NotDpopBound,
        ),
        (
            "certificate-bound, as DPoP",
            with_proof(&bound).extension(mine.clone()),
            Refusal::NotDpopBound,
        ),
        ("no certificate", bearer(&bound), Refusal::NoCertificate),
        (
            "wrong certificate",
            bearer(&bound).extension(certificate("other")),
            Refusal::CertificateMismatch,
        ),
        (
            "both, proof only",
            with_proof(&both),
            Refusal::NoCertificate,
        ),
        (
            "both, wrong certificate",
            with_proof(&both).extension(certificate("other")),
            Refusal::CertificateMismatch,
        ),
        (
            "both, certificate only",
            bearer(&both).extension(mine.clone()),
            Refusal::DpopTokenAsBearer,
        ),
        (
            "expired",
            with_proof(&ended),
            TokenError::Expired(NOW).into(),
        ),
        (
            "unknown issuer",
            with_proof(&foreign),
            TokenError::Issuer("https://evil.example".into()).into(),
        ),
        ("forged", with_proof(&forged), TokenError::Signature.into()),
        (
            "other audience",
            with_proof(&elsewhere),
            TokenError::Audience("https://other.example.com".into()).into(),
        ),
        (
            "no host",
            Request::get("/accounts")
                .header("authorization", format!("DPoP {token}"))
                .header("dpop", proof().sign()),
            Refusal::Target,
        ),
    ] {
        assert_eq!(world.refusal(request), expected, "{case}");
    }
    let opaque = world.refusal(dpop("opaque", "a.b.c"));
    assert!(
        matches!(opaque, Refusal::Token(TokenError::Malformed(_))),
        "{opaque:?}"
    );
}

// RFC 9449 §11.1.
#[test]
fn a_proof_passes_once_and_a_new_one_passes_again() {
    let world = World::new();
    let token = world.token().mint();
    let proof = world.proof(&token).sign();
    world.verify(dpop(&token, &proof)).unwrap();
    assert_eq!(world.refusal(dpop(&token, &proof)), Refusal::Replayed);
    world
        .verify(dpop(&token, &world.proof(&token).sign()))
        .unwrap();

    // The same jti under another key is another proof; the same jti in a newer proof of the same key is not.
    let other = DpopKey::generate();
    let theirs = world
        .issuer
        .token(NOW)
        .bound_to_key(other.thumbprint())
        .mint();
    let with_jti = |key: &DpopKey, token: &str, now: Timestamp| {
        key.proof("GET", URL, now)
            .access_token(token)
            .claim("jti", "same")
            .sign()
    };
    world
        .verify(dpop(&token, &with_jti(&world.client, &token, NOW)))
        .unwrap();
    world
        .verify(dpop(&theirs, &with_jti(&other, &theirs, NOW)))
        .unwrap();
    let later = NOW.plus(Duration::from_secs(1));
    let again = dpop(&token, &with_jti(&world.client, &token, later));
    assert!(matches!(
        world.verify_at(again, later),
        Err(Rejection::Refused(Refusal::Replayed))
    ));
}

/// Counts what is recorded.
#[derive(Clone)]
struct Counting(Arc<AtomicUsize>, Arc<MemoryReplayStore>);

impl ReplayStore for Counting {
    fn record(&self, key: ReplayKey, expires: Timestamp, now: Timestamp) -> Recording {
        self.0.fetch_add(1, Ordering::SeqCst);
        self.1.record(key, expires, now)
    }
}

#[test]
fn a_refused_request_consumes_nothing() {
    let recorded = Arc::new(AtomicUsize::new(0));
    let store = Counting(recorded.clone(), Arc::new(MemoryReplayStore::new(100)));
    let world = World::with(|builder| builder.replay_store(store));
    let token = world.token().mint();
    let proof = world.proof(&token).sign();
    let host = "api.example.com";
    for bad in [
        dpop(&token, &proof).uri("/accounts?access_token=x"),
        dpop(&token, &proof).uri("/other"),
        dpop(&token, &proof).method("POST"),
        bearer(&token).header("dpop", &proof),
        dpop(&token, &proof).header("host", host),
        dpop(&world.token().claim("exp", 0).mint(), &proof),
    ] {
        assert!(world.verify(bad).is_err());
    }
    assert_eq!(recorded.load(Ordering::SeqCst), 0);
    world.verify(dpop(&token, &proof)).unwrap();
    assert_eq!(recorded.load(Ordering::SeqCst), 1);
}

/// A store that cannot say anything.
struct Broken(StoreError);

impl ReplayStore for Broken {
    fn record(&self, _: ReplayKey, _: Timestamp, _: Timestamp) -> Recording {
        Recording::ready(Err(self.0.clone()))
    }
}

#[test]
fn our_own_faults_are_not_the_clients() {
    for error in [StoreError::Full, StoreError::unavailable("down")] {
        let world = World::with(|builder| builder.replay_store(Broken(error)));
        let outcome = world.verify(world.good());
        assert!(
            matches!(outcome, Err(Rejection::Failed(Fault::Replay(_)))),
            "{outcome:?}"
        );
    }
}

// Only accepted proofs earn their key a place.
#[test]
fn a_proof_that_is_not_recorded_leaves_its_key_nowhere() {
    let broken = World::with(|builder| builder.replay_store(Broken(StoreError::Full)));
    let honest = World::new();
    let token = honest.token().mint();
    let spent = honest.proof(&token).sign();
    honest.verify(dpop(&token, &spent)).unwrap();
    assert_eq!(honest.server.0.proofs.kept_keys(), 1);
    // As if the token had come for the first time.
    honest.server.forget(&token);
    assert_eq!(honest.refusal(dpop(&token, &spent)), Refusal::Replayed);
    let failing = broken.token().mint();
    let proof = broken.proof(&failing).sign();
    assert!(broken.verify(dpop(&failing, &proof)).is_err());
    assert_eq!(broken.server.0.proofs.kept_keys(), 0);
    for (world, token) in [(&honest, &token), (&broken, &failing)] {
        let cached = world.server.0.tokens.get(TokenHash::of(token)).unwrap();
        assert!(cached.proof_key().is_none());
    }
}

#[test]
fn a_remembered_token_still_ends() {
    let world = World::new();
    let token = world.token().claim("exp", NOW.as_unix() + 5).mint();
    let at = |seconds| {
        let now = NOW.plus(Duration::from_secs(seconds));
        let proof = world
            .client
            .proof("GET", URL, now)
            .access_token(&token)
            .sign();
        world.verify_at(dpop(&token, &proof), now)
    };
    at(0).unwrap();
    at(4).unwrap();
    let outcome = at(5);
    assert!(
        matches!(
            outcome,
            Err(Rejection::Refused(Refusal::Token(TokenError::Expired(_))))
        ),
        "{outcome:?}"
    );
}

// RFC 8725 §3.8, and what revoking a key has to mean: a token that is remembered rests on keys that are still the issuer's.
#[cfg(feature = "discovery")]
#[tokio::test(start_paused = true)]
async fn a_remembered_token_passes_no_longer_than_the_keys_it_was_verified_with() {
    use crate::issuer::fake_source::{Fake, MAXIMUM_AGE};
    let fake = Fake::start([]);
    let issuer = TestIssuer::new("https://as.example.com", API);
    fake.publish_set(issuer.jwks());
    fake.settled().await;
    let trusted = TrustedIssuer::new(issuer.issuer(), fake.keys());
    let server = ResourceServer::builder(API, trusted).build().unwrap();
    let certificate = certificate("mine");
    let token = issuer.token(fake.now()).claim("exp", i64::MAX);
    let token = token.bound_to_certificate(certificate.thumbprint()).mint();
    let request = bearer(&token).extension(certificate).body(()).unwrap();
    let verify = || async {
        let facts = RequestFacts::of(&request);
        server.verify(&facts, fake.now()).await
    };
    verify().await.unwrap();
    assert!(server.0.tokens.get(TokenHash::of(&token)).is_some());
    fake.fail(crate::issuer::FetchError::Timeout);
    tokio::time::sleep(MAXIMUM_AGE + Duration::from_secs(2)).await;
    let outcome = verify().await;
    assert!(
        matches!(outcome, Err(Rejection::Failed(Fault::Keys(_)))),
        "too old: {outcome:?}"
    );
    fake.publish_set(issuer.jwks());
    fake.rest().await;
    verify().await.unwrap();
    fake.publish(["another"]);
    fake.rest().await;
    let outcome = verify().await;
    assert!(
        matches!(
            outcome,
            Err(Rejection::Refused(Refusal::Token(TokenError::UnknownKey)))
        ),
        "withdrawn: {outcome:?}"
    );
}

#[test]
fn a_remembered_token_is_still_bound() {
    let world = World::new();
    let token = world.token().mint();
    world
        .verify(dpop(&token, &world.proof(&token).sign()))
        .unwrap();
    assert_eq!(world.refusal(bearer(&token)), Refusal::DpopTokenAsBearer);
    let thief = DpopKey::generate()
        .proof("GET", URL, NOW)
        .access_token(&token)
        .sign();
    assert_eq!(
        world.refusal(dpop(&token, &thief)),
        ProofError::KeyMismatch.into()
    );
}

#[test]
fn the_key_of_the_first_accepted_proof_is_kept_beside_the_token() {
    let policy = ProofPolicy {
        kept_keys: 0,
        ..ProofPolicy::default()
    };
    let world = World::with(|builder| builder.proofs(policy));
    let token = world.token().mint();
    let kept = || {
        let cached = world.server.0.tokens.get(TokenHash::of(&token)).unwrap();
        cached.proof_key().cloned()
    };
    // The key that a request with this proof is judged with.
    let used = |proof: ProofBuilder| {
        let request = dpop(&token, &proof.sign()).body(()).unwrap();
        let facts = RequestFacts::of(&request);
        match world.server.judge(&facts, NOW, &Findings::default()) {
            Judgement::Proven(proven) => proven.proof.unwrap().key().clone(),
            Judgement::Refused(_) | Judgement::Waits(_) => panic!("not proven"),
        }
    };
    let good = || world.proof(&token);
    let accepted = good().header("spelt", "so").sign();
    let thief = DpopKey::generate();
    let stolen = thief.proof("GET", URL, NOW).access_token(&token).sign();
    let forged = good().signed_by(&thief).sign();
    world.refusal(dpop(&token, &stolen));
    world.refusal(dpop(&token, &forged));
    used(good());
    assert!(kept().is_none(), "nothing was accepted yet");

    world.verify(dpop(&token, &accepted)).unwrap();
    let first = kept().unwrap();
    assert_eq!(world.refusal(dpop(&token, &accepted)), Refusal::Replayed);
    assert!(Arc::ptr_eq(&used(good().header("spelt", "so")), &first));
    assert!(!Arc::ptr_eq(&used(good()), &first), "spelt otherwise");
    world.verify(dpop(&token, &good().sign())).unwrap();
    assert!(Arc::ptr_eq(&kept().unwrap(), &first), "it stays");
    for refused in [stolen, forged] {
        world.refusal(dpop(&token, &refused));
    }
}

#[test]
fn a_large_key_is_not_kept_beside_a_token() {
    let world = World::new();
    let rsa = DpopKey::generate_for(JwsAlgorithm::Ps256);
    for (case, key, padding, kept) in [
        ("usual", &world.client, 0, true),
        ("somewhat long", &world.client, 100, true),
        ("a long header", &world.client, 300, false),
        ("RSA", &rsa, 0, false),
    ] {
        let token = world.issuer.token(NOW).bound_to_key(key.thumbprint());
        let token = token.mint();
        let proof = key.proof("GET", URL, NOW).access_token(&token);
        let proof = proof.header("x", "x".repeat(padding)).sign();
        world.verify(dpop(&token, &proof)).unwrap();
        let cached = world.server.0.tokens.get(TokenHash::of(&token)).unwrap();
        assert_eq!(cached.proof_key().is_some(), kept, "{case}");
    }
}

// RFC 8725 §3.8: the keys of one issuer say nothing about another's tokens.
#[test]
fn each_issuer_is_judged_by_its_own_keys() {
    let second = TestIssuer::new("https://second.example", API);
    let world = World::with(|builder| builder.issuer(trusted(&second)));
    let token = second
        .token(NOW)
        .bound_to_key(world.client.thumbprint())
        .mint();
    world
        .verify(dpop(&token, &world.proof(&token).sign()))
        .unwrap();
    let crossed = world
        .token()
        .signed_by(&second)
        .without_header("kid")
        .mint();
    let crossed = dpop(&crossed, &world.proof(&crossed).sign());
    assert_eq!(world.refusal(crossed), TokenError::Signature.into());
}

// A certificate-bound request has no proof that would name the URL, and has to keep to the prefix all the same.
#[test]
fn a_path_without_the_internal_prefix_is_refused_with_or_without_a_proof() {
    let world = World::with(|builder| builder.internal_prefix("/internal".parse().unwrap()));
    let mine = certificate("mine");
    let token = world.issuer.token(NOW);
    let bound = token.clone().bound_to_certificate(mine.thumbprint()).mint();
    let inside = bearer(&bound)
        .uri("/internal/accounts")
        .extension(mine.clone());
    world.verify(inside).unwrap();
    assert_eq!(
        world.refusal(bearer(&bound).extension(mine)),
        Refusal::Target
    );
    assert_eq!(world.refusal(world.good()), Refusal::Target);
}

#[test]
fn settings_narrow_what_is_accepted() {
    let dpop_only = World::with(|builder| builder.binding(Binding::Dpop));
    let mine = certificate("mine");
    let token = dpop_only
        .issuer
        .token(NOW)
        .bound_to_certificate(mine.thumbprint())
        .mint();
    assert_eq!(
        dpop_only.refusal(bearer(&token).extension(mine)),
        Refusal::Binding
    );

    let certificate_only = World::with(|builder| builder.binding(Binding::Certificate));
    assert_eq!(
        certificate_only.refusal(certificate_only.good()),
        Refusal::Binding
    );

    let small = World::with(|builder| builder.max_token_bytes(100));
    assert!(matches!(
        small.refusal(small.good()),
        Refusal::TokenTooLarge(_)
    ));

    let prefixed =
        World::with(|builder| builder.public_url("https://bank.example/api".parse().unwrap()));
    let token = prefixed.token().mint();
    let outside = "https://bank.example/api/accounts";
    let proof = prefixed
        .client
        .proof("GET", outside, NOW)
        .access_token(&token)
        .sign();
    prefixed.verify(dpop(&token, &proof)).unwrap();
    assert!(matches!(
        prefixed.refusal(prefixed.good()),
        Refusal::Proof(ProofError::Target { .. })
    ));

    let also = World::with(|builder| builder.audience("urn:second"));
    let token = also.token().claim("aud", "urn:second").mint();
    also.verify(dpop(&token, &also.proof(&token).sign()))
        .unwrap();
}

// RFC 9449 §9.
#[test]
fn a_demanded_nonce_is_handed_out_and_renewed() {
    let nonces =
        Arc::new(Nonces::new(&NonceSecret::from_bytes([1; 32]), Duration::from_secs(100)).unwrap());
    let world = World::with(|builder| builder.nonces(nonces.clone()));
    let rejection = world.verify(world.good()).unwrap_err();
    let Rejection::Refused(refusal) = &rejection else {
        panic!("{rejection}")
    };
    assert_eq!(refusal.code(), Some(ErrorCode::UseDpopNonce));
    let request = Request::new(());
    let facts = RequestFacts::of(&request);
    let answer = world.server.answer(rejection, &facts, NOW);
    let nonce = answer.headers()["dpop-nonce"].to_str().unwrap().to_owned();

    // Only where it helps: a malformed request is not mended by a nonce.
    let malformed = world
        .server
        .answer(Refusal::TokenInQuery.into(), &facts, NOW);
    assert!(!malformed.headers().contains_key("dpop-nonce"));

    let token = world.token().mint();
    let at = |seconds| {
        let now = NOW.plus(Duration::from_secs(seconds));
        let proof = world
            .client
            .proof("GET", URL, now)
            .access_token(&token)
            .nonce(&nonce)
            .sign();
        world.verify_at(dpop(&token, &proof), now)
    };
    assert_eq!(at(0).unwrap().nonce, None);
    let renewed = at(60).unwrap().nonce.unwrap();
    assert!(
        nonces
            .check(
                &renewed,
                world.client.thumbprint(),
                NOW.plus(Duration::from_secs(60))
            )
            .is_ok()
    );
    assert!(at(101).is_err());
}

#[test]
fn settings_that_make_no_sense_are_refused() {
    let issuer = TestIssuer::new("https://as.example.com", API);
    let build = |settings: fn(ResourceServerBuilder) -> ResourceServerBuilder,
                 audience: &str,
                 first: TrustedIssuer| {
        settings(ResourceServer::builder(audience, first))
            .build()
            .err()
    };
    let none = |builder| builder;
    assert_eq!(build(none, API, trusted(&issuer)), None);
    assert_eq!(
        build(none, "", trusted(&issuer)),
        Some(ConfigError::EmptyAudience)
    );
    assert_eq!(
        build(|b| b.audience(""), API, trusted(&issuer)),
        Some(ConfigError::EmptyAudience)
    );
    let skew = |seconds| Some(ConfigError::ClockSkew(Duration::from_secs(seconds)));
    assert_eq!(
        build(
            |b| b.clock_skew(Duration::from_secs(9)),
            API,
            trusted(&issuer)
        ),
        skew(9)
    );
    assert_eq!(
        build(
            |b| b.clock_skew(Duration::from_secs(61)),
            API,
            trusted(&issuer)
        ),
        skew(61)
    );
    let mute = trusted(&issuer).algorithms([]);
    assert_eq!(
        build(none, API, mute),
        Some(ConfigError::NoAlgorithm("https://as.example.com".into()))
    );
    let twice = ResourceServer::builder(API, trusted(&issuer))
        .issuer(trusted(&issuer))
        .build();
    assert!(matches!(twice, Err(ConfigError::DuplicateIssuer(_))));
    assert!(
        IssuerKeys::fixed(&JwkSet::default()).is_err(),
        "no key, no issuer"
    );
    let narrow = World::with(|builder| {
        builder.proofs(ProofPolicy {
            algorithms: vec![JwsAlgorithm::Ps256],
            ..Default::default()
        })
    });
    assert_eq!(narrow.refusal(narrow.good()), ProofError::Algorithm.into());
}
