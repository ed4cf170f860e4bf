//! Tokens that the issuer is asked about: what is asked when, and what becomes of each answer.
#![allow(clippy::too_many_lines, reason = "tables of cases are long")]

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use http::{Request, StatusCode, request};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::*;
use crate::{
    dpop::ProofError,
    issuer::{
        FetchError, IntrospectedTokens, Introspection, IntrospectionConfigError,
        IntrospectionError, IssuerKeys, KeysUnavailable, TransportError,
        introspection_fake::{FakeEndpoint, Reply},
    },
    jose::jwe::{
        ContentEncryption, DecryptionKey, EncryptionHeader, EncryptionKey, JweAlgorithm, encrypt,
    },
    mtls::PeerCertificate,
    rejection::{ErrorCode, Fault, Refusal, Rejection},
    replay::{MemoryReplayStore, Recording, ReplayKey, ReplayStore},
    resource_server::{Accepted, Profile, ResourceServerBuilder},
    testing::{AnswerBuilder, DpopKey, TestIssuer},
    time::Clock,
    token::{Checking, RevocationCheck, RevocationUnavailable, Standing, TokenError},
};

const NOW: Timestamp = Timestamp::from_unix(1_800_000_000);
const API: &str = "https://api.example.com";
const AS: &str = "https://as.example.com";
const URL: &str = "https://api.example.com/accounts";
const OPAQUE: &str = "2YotnFZFEjr1zCsicMWpAA";

const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// A clock that goes as fast as Tokio's, which stands still but for waiting.
#[derive(Clone)]
struct TokioClock(Instant);

impl Clock for TokioClock {
    fn now(&self) -> Timestamp {
        NOW.plus(self.0.elapsed())
    }
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

#[derive(Clone)]
struct World {
    issuer: TestIssuer,
    client: DpopKey,
    endpoint: FakeEndpoint,
    server: ResourceServer,
    recorded: Arc<AtomicUsize>,
    clock: TokioClock,
}

impl World {
    fn new() -> Self {
        Self::with(|introspection| introspection)
    }

    fn with(settings: impl FnOnce(Introspection) -> Introspection) -> Self {
        Self::build(settings, |builder| builder).unwrap()
    }

    fn build(
        settings: impl FnOnce(Introspection) -> Introspection,
        server: impl FnOnce(ResourceServerBuilder) -> ResourceServerBuilder,
    ) -> Result<Self, ConfigError> {
        let (issuer, endpoint) = (TestIssuer::new(AS, API), FakeEndpoint::default());
        let recorded = Arc::new(AtomicUsize::new(0));
        let store = Counting(recorded.clone(), Arc::new(MemoryReplayStore::new(10_000)));
        let clock = TokioClock(Instant::now());
        let trusted = trusted(&issuer).introspect(settings(endpoint.introspection()));
        let builder = ResourceServer::builder(API, trusted)
            .replay_store(store)
            .clock(clock.clone());
        Ok(Self {
            issuer,
            client: DpopKey::generate(),
            endpoint,
            server: server(builder).build()?,
            recorded,
            clock,
        })
    }

    /// What is said of a token that is right in everything.
    fn answer(&self) -> AnswerBuilder {
        let answer = self.issuer.introspection(NOW);
        answer.bound_to_key(self.client.thumbprint())
    }

    fn request(&self, token: &str) -> request::Builder {
        let proof = self.client.proof("GET", URL, self.clock.now());
        dpop(token, &proof.access_token(token).sign())
    }

    /// A new request with this token.
    async fn try_out(&self, token: &str) -> Result<Accepted, Rejection> {
        self.verify(self.request(token)).await
    }

    async fn verify(&self, request: request::Builder) -> Result<Accepted, Rejection> {
        let request = request.body(()).unwrap();
        let facts = RequestFacts::of(&request);
        self.server.verify(&facts, self.clock.now()).await
    }

    async fn refusal(&self, request: request::Builder) -> Refusal {
        refusal(self.verify(request).await)
    }

    fn recorded(&self) -> usize {
        self.recorded.load(Ordering::SeqCst)
    }
}

fn trusted(issuer: &TestIssuer) -> TrustedIssuer {
    TrustedIssuer::new(issuer.issuer(), IssuerKeys::fixed(&issuer.jwks()).unwrap())
}

fn dpop(token: &str, proof: &str) -> request::Builder {
    bare(&format!("DPoP {token}")).header("dpop", proof)
}

fn bare(authorization: &str) -> request::Builder {
    Request::get("/accounts")
        .header("host", "api.example.com")
        .header("authorization", authorization)
}

fn refusal(outcome: Result<Accepted, Rejection>) -> Refusal {
    match outcome {
        Err(Rejection::Refused(refusal)) => refusal,
        other => panic!("{other:?}"),
    }
}

fn fault(outcome: Result<Accepted, Rejection>) -> IntrospectionError {
    match outcome {
        Err(Rejection::Failed(Fault::Introspection(error))) => error,
        other => panic!("{other:?}"),
    }
}

// RFC 7519 §7.2, RFC 7516 §9.
#[test]
fn a_jwt_is_told_by_its_form() {
    for (text, expected) in [
        ("e30.e30.AA", true),
        ("eyJhbGciOiJub25lIn0.e30.", true),
        ("IHsg.x.y", true),
        ("e30.a.b.c.d", true),
        ("e30.!!.!!", true),
        ("", false),
        ("e30", false),
        ("e30.e30", false),
        ("e30.a.b.c", false),
        ("e30.a.b.c.d.e", false),
        (OPAQUE, false),
        ("a.b.c", false),
        ("v4.public.eyJ9", false),
        ("W10.e30.AA", false),
    ] {
        assert_eq!(is_jwt(text), expected, "{text}");
    }
}

// RFC 7662 §2.2, RFC 9449 §6.2, RFC 8705 §3.2, RFC 9396 §9.2, RFC 9470 §6.2.
#[tokio::test(start_paused = true)]
async fn an_opaque_token_is_what_its_issuer_says() {
    let world = World::new();
    let details = json!([{ "type": "payment", "amount": "10.00" }]);
    let answer = world
        .answer()
        .scope("accounts payments")
        .member("token_type", "DPoP")
        .member("jti", "t1")
        .member("nbf", NOW.as_unix() - 7)
        .member("acr", "urn:mfa")
        .member("auth_time", NOW.as_unix() - 5)
        .member("authorization_details", details)
        .member("branch", 7);
    world.endpoint.say(OPAQUE, answer.json());
    let token = world.try_out(OPAQUE).await.unwrap().token;
    assert_eq!((token.issuer(), token.subject()), (AS, "alice"));
    assert_eq!((token.client_id(), token.id()), ("client", "t1"));
    assert_eq!(token.audience(), [API]);
    assert!(token.scope().contains("payments"));
    assert_eq!(
        (token.issued_at(), token.expires_at()),
        (NOW, NOW.plus(secs(300)))
    );
    assert_eq!(
        (token.acr(), token.auth_time()),
        (Some("urn:mfa"), Some(NOW.minus(secs(5))))
    );
    assert_eq!(token.confirmation().jkt, Some(world.client.thumbprint()));
    assert_eq!(token.authorization_details().len(), 1);
    assert_eq!(token.claim::<u8>("branch").unwrap(), Some(7));
    assert_eq!(world.recorded(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_an_answer_leaves_out_has_a_stand_in_or_is_missed() {
    type Change = fn(AnswerBuilder) -> AnswerBuilder;
    let missing = |name| Some(Refusal::from(TokenError::MissingClaim(name)));
    let cases: [(&str, Change, Option<Refusal>); 16] = [
        ("iss", |a| a.without_member("iss"), None),
        ("iat", |a| a.without_member("iat"), None),
        ("token_type", |a| a.member("token_type", "dpop"), None),
        (
            "one of several",
            |a| a.member("aud", json!(["x", API])),
            None,
        ),
        ("sub", |a| a.without_member("sub"), missing("sub")),
        ("aud", |a| a.without_member("aud"), missing("aud")),
        ("exp", |a| a.without_member("exp"), missing("exp")),
        (
            "client_id",
            |a| a.without_member("client_id"),
            missing("client_id"),
        ),
        (
            "another issuer",
            |a| a.member("iss", "https://other.example"),
            Some(TokenError::Issuer("https://other.example".into()).into()),
        ),
        (
            "another audience",
            |a| a.member("aud", "https://other.example"),
            Some(TokenError::Audience("https://other.example".into()).into()),
        ),
        (
            "no audience in the list",
            |a| a.member("aud", json!([])),
            Some(TokenError::Audience(String::new()).into()),
        ),
        (
            "ended",
            |a| a.member("exp", NOW.as_unix()),
            Some(TokenError::Expired(NOW).into()),
        ),
        (
            "not yet",
            |a| a.member("nbf", NOW.as_unix() + 11),
            Some(TokenError::NotYetValid(NOW.plus(secs(11))).into()),
        ),
        (
            "from the future",
            |a| a.member("iat", NOW.as_unix() + 11),
            Some(TokenError::IssuedInFuture(NOW.plus(secs(11))).into()),
        ),
        (
            "a refresh token",
            |a| a.member("token_type", "refresh_token"),
            Some(TokenError::Type(Some("refresh_token".into())).into()),
        ),
        (
            "inactive, whatever else it says",
            |a| a.member("active", false),
            Some(TokenError::Inactive.into()),
        ),
    ];
    for (case, change, expected) in cases {
        let world = World::new();
        world.endpoint.say(OPAQUE, change(world.answer()).json());
        let outcome = world.try_out(OPAQUE).await;
        match expected {
            None => assert!(outcome.is_ok(), "{case}: {outcome:?}"),
            Some(expected) => {
                assert_eq!(refusal(outcome), expected, "{case}");
                assert_eq!(expected.code(), Some(ErrorCode::InvalidToken));
                assert_eq!(world.recorded(), 0, "{case}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn named_settings_do_without_audience_or_subject() {
    let world = World::with(|i| i.accept_missing_audience().accept_missing_subject());
    let answer = || world.answer().without_member("aud").without_member("sub");
    world
        .endpoint
        .say(OPAQUE, answer().without_member("iat").json());
    let token = world.try_out(OPAQUE).await.unwrap().token;
    assert_eq!((token.subject(), token.audience().len()), ("client", 0));
    // Without `jti`, the name of the token is that of its text: always the same, and no token.
    assert_eq!(token.id().len(), 43);
    assert_eq!(token.issued_at(), NOW);
    world
        .endpoint
        .say("other", answer().member("aud", "x").json());
    let outcome = refusal(world.try_out("other").await);
    assert_eq!(outcome, TokenError::Audience("x".into()).into());
}

// RFC 7662 §2.2 gives each member its type. What is malformed is the issuer's doing, not the client's.
#[tokio::test(start_paused = true)]
async fn a_malformed_answer_is_our_fault_and_consumes_nothing() {
    let with = |name: &str, value: Value| World::new().answer().member(name, value).json();
    for (case, body) in [
        ("empty", String::new()),
        ("no JSON", "active".into()),
        ("an array", "[]".into()),
        ("no active", "{}".into()),
        ("active as text", r#"{"active":"true"}"#.into()),
        ("active as number", r#"{"active":1}"#.into()),
        ("active null", r#"{"active":null}"#.into()),
        ("active twice", r#"{"active":false,"active":true}"#.into()),
        ("trailing", r#"{"active":true}{}"#.into()),
        ("iss", with("iss", json!(5))),
        ("sub", with("sub", json!(["alice"]))),
        ("empty sub", with("sub", json!(""))),
        ("sub null", with("sub", Value::Null)),
        ("client_id", with("client_id", json!(1))),
        ("aud", with("aud", json!(5))),
        ("aud, one of several", with("aud", json!([API, 5]))),
        ("exp", with("exp", json!("1800000300"))),
        ("iat", with("iat", json!(true))),
        ("nbf", with("nbf", json!({}))),
        ("scope", with("scope", json!(["a"]))),
        ("scope grammar", with("scope", json!("a  b"))),
        ("jti", with("jti", json!(5))),
        ("acr", with("acr", json!(1))),
        ("auth_time", with("auth_time", json!("x"))),
        (
            "authorization_details",
            with("authorization_details", json!("x")),
        ),
        ("token_type", with("token_type", json!(5))),
    ] {
        let world = World::new();
        world.endpoint.say(OPAQUE, body);
        let error = fault(world.try_out(OPAQUE).await);
        let malformed = matches!(
            error,
            IntrospectionError::Json(_) | IntrospectionError::Member(_)
        );
        assert!(malformed, "{case}: {error:?}");
        assert_eq!(world.recorded(), 0, "{case}");
    }
    for cnf in [
        json!(5),
        json!({ "jkt": 5 }),
        json!({ "jkt": "short" }),
        Value::Null,
    ] {
        let world = World::new();
        let answer = world.issuer.introspection(NOW).member("cnf", cnf.clone());
        world.endpoint.say(OPAQUE, answer.json());
        let error = fault(world.try_out(OPAQUE).await);
        assert!(matches!(error, IntrospectionError::Member(_)), "{cnf}");
    }
}

// RFC 9449 §6.2: an answer that says DPoP and leaves out the key must not make a bearer token of it.
#[tokio::test(start_paused = true)]
async fn an_answer_that_says_dpop_and_names_no_key_is_not_believed() {
    let world = World::new();
    let answer = world.issuer.introspection(NOW).member("token_type", "DPoP");
    world.endpoint.say(OPAQUE, answer.json());
    let expected = Refusal::from(TokenError::UnknownConfirmation);
    assert_eq!(refusal(world.try_out(OPAQUE).await), expected);
}

// RFC 9449 §7.1 and §7.2, RFC 8705 §3: the binding cannot be skipped, however the token became known.
#[tokio::test(start_paused = true)]
async fn what_the_answer_binds_the_token_to_has_to_hold() {
    let world = World::new();
    let mine = PeerCertificate::new(*b"mine", []);
    let other = PeerCertificate::new(*b"other", []);
    let unbound = || world.issuer.introspection(NOW);
    let by_certificate = || unbound().bound_to_certificate(mine.thumbprint());
    world.endpoint.say("key", world.answer().json());
    world.endpoint.say("certificate", by_certificate().json());
    world.endpoint.say(
        "both",
        by_certificate()
            .bound_to_key(world.client.thumbprint())
            .json(),
    );
    world.endpoint.say("nothing", unbound().json());

    world
        .verify(bare("Bearer certificate").extension(mine.clone()))
        .await
        .unwrap();
    world
        .verify(world.request("both").extension(mine.clone()))
        .await
        .unwrap();
    world.verify(world.request("key")).await.unwrap();
    let thief = DpopKey::generate()
        .proof("GET", URL, NOW)
        .access_token("key")
        .sign();
    for (case, request, expected) in [
        (
            "another certificate",
            bare("Bearer certificate").extension(other),
            Refusal::CertificateMismatch,
        ),
        (
            "another key",
            dpop("key", &thief),
            ProofError::KeyMismatch.into(),
        ),
        (
            "a key in place of a certificate",
            world.request("certificate"),
            Refusal::NotDpopBound,
        ),
        (
            "half of both",
            world.request("both"),
            Refusal::NoCertificate,
        ),
        (
            "the other half",
            bare("Bearer both").extension(mine.clone()),
            Refusal::DpopTokenAsBearer,
        ),
        (
            "bearer",
            bare("Bearer key").extension(mine.clone()),
            Refusal::DpopTokenAsBearer,
        ),
        (
            "unbound",
            bare("Bearer nothing").extension(mine),
            Refusal::Unbound,
        ),
        (
            "unbound, with a proof",
            world.request("nothing"),
            Refusal::NotDpopBound,
        ),
    ] {
        assert_eq!(world.refusal(request).await, expected, "{case}");
    }
}

// RFC 9449 §11.1.
#[tokio::test(start_paused = true)]
async fn a_proof_passes_once_whether_the_answer_is_remembered_or_not() {
    let world = World::new();
    world.endpoint.say(OPAQUE, world.answer().json());
    let request = world.request(OPAQUE);
    let request = request.body(()).unwrap();
    let facts = RequestFacts::of(&request);
    world.server.verify(&facts, NOW).await.unwrap();
    for _ in 0..2 {
        let replay = world.server.verify(&facts, world.clock.now()).await;
        assert_eq!(refusal(replay), Refusal::Replayed);
        world.server.forget(OPAQUE);
    }
    assert_eq!(world.endpoint.count(), 2);
}

#[tokio::test(start_paused = true)]
async fn nobody_is_asked_for_those_who_cannot_get_in() {
    let world = World::new();
    let proof = || world.client.proof("GET", URL, NOW).access_token(OPAQUE);
    let jwt = |issuer: &TestIssuer| issuer.token(NOW).bound_to_key(world.client.thumbprint());
    let unknown = TestIssuer::new(AS, API);
    let forged = jwt(&world.issuer)
        .signed_by(&unknown)
        .without_header("kid")
        .mint();
    let foreign = jwt(&TestIssuer::new("https://other.example", API)).mint();
    let ended = jwt(&world.issuer).claim("exp", NOW.as_unix()).mint();
    let stolen = world
        .issuer
        .token(NOW)
        .bound_to_key(DpopKey::generate().thumbprint())
        .mint();
    let malformed = "eyJhbGciOiJub25lIn0.e30.AA";
    for (case, request) in [
        ("no proof", bare(&format!("DPoP {OPAQUE}"))),
        ("no certificate", bare(&format!("Bearer {OPAQUE}"))),
        (
            "another token's proof",
            dpop(OPAQUE, &proof().access_token("x").sign()),
        ),
        (
            "another URL's proof",
            dpop(OPAQUE, &proof().claim("htu", "https://x.example/").sign()),
        ),
        (
            "an old proof",
            dpop(OPAQUE, &proof().claim("iat", NOW.as_unix() - 100).sign()),
        ),
        (
            "a proof that does not verify",
            dpop(OPAQUE, &proof().signed_by(&DpopKey::generate()).sign()),
        ),
        ("a long token", world.request(&"a".repeat(20_000))),
        (
            "a token in the query",
            world.request(OPAQUE).uri("/accounts?access_token=x"),
        ),
        ("a malformed JWT", world.request(malformed)),
        ("a JWT of nobody's", world.request(&forged)),
        ("a JWT of somebody else's", world.request(&foreign)),
        ("a JWT that has ended", world.request(&ended)),
        ("a JWT of another client's", world.request(&stolen)),
        (
            "a JWT without proof",
            bare(&format!("Bearer {}", jwt(&world.issuer).mint())),
        ),
    ] {
        let outcome = world.verify(request).await;
        assert!(
            matches!(outcome, Err(Rejection::Refused(_))),
            "{case}: {outcome:?}"
        );
        assert_eq!(world.endpoint.count(), 0, "{case}");
    }
    assert_eq!(world.recorded(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_jwt_is_verified_first_and_then_asked_about() {
    type Expected = Result<(), Option<Refusal>>;
    let world = World::new();
    let token = world
        .issuer
        .token(NOW)
        .bound_to_key(world.client.thumbprint())
        .claim("jti", "t1");
    let token = token.mint();
    let active = || world.issuer.inactive(NOW).member("active", true);
    let ended = Refusal::from(TokenError::Expired(NOW));
    let thumbprint = world.client.thumbprint().to_string();
    let cases: [(&str, AnswerBuilder, Expected); 14] = [
        ("active", active(), Ok(())),
        ("repeated", world.answer().member("jti", "t1"), Ok(())),
        (
            "its key",
            active().member("cnf", json!({ "jkt": thumbprint, "x": 1 })),
            Ok(()),
        ),
        (
            "inactive",
            world.issuer.inactive(NOW),
            Err(Some(TokenError::Inactive.into())),
        ),
        (
            "ended",
            active().member("exp", NOW.as_unix()),
            Err(Some(ended)),
        ),
        ("malformed", active().member("active", "true"), Err(None)),
        (
            "another issuer",
            active().member("iss", "https://other.example"),
            Err(None),
        ),
        (
            "another client",
            active().member("client_id", "other"),
            Err(None),
        ),
        ("another token", active().member("jti", "t2"), Err(None)),
        ("malformed jti", active().member("jti", 5), Err(None)),
        ("malformed exp", active().member("exp", "x"), Err(None)),
        ("no key", active().member("cnf", json!({})), Err(None)),
        (
            "a certificate",
            active().member("cnf", json!({ "x5t#S256": "x" })),
            Err(None),
        ),
        (
            "another key",
            active().bound_to_key(DpopKey::generate().thumbprint()),
            Err(None),
        ),
    ];
    for (case, answer, expected) in cases {
        world.server.forget(&token);
        world.endpoint.say(&token, answer.json());
        let before = world.endpoint.count();
        let outcome = world.try_out(&token).await;
        match expected {
            Ok(()) => assert_eq!(outcome.unwrap().token.id(), "t1", "{case}"),
            Err(Some(expected)) => assert_eq!(refusal(outcome), expected, "{case}"),
            Err(None) => {
                let error = fault(outcome);
                assert!(
                    matches!(error, IntrospectionError::Member(_)),
                    "{case}: {error}"
                );
            }
        }
        assert_eq!(world.endpoint.count(), before + 1, "{case}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_issuer_is_asked_about_the_tokens_it_was_chosen_for() {
    for (tokens, opaque, jwts) in [
        (IntrospectedTokens::All, 1, 1),
        (IntrospectedTokens::Opaque, 1, 0),
        (IntrospectedTokens::Jwts, 0, 1),
    ] {
        let world = World::with(|introspection| introspection.tokens(tokens));
        let token = world
            .issuer
            .token(NOW)
            .bound_to_key(world.client.thumbprint())
            .mint();
        world
            .endpoint
            .say_always(Some(world.answer().json().into()));
        let outcome = world.try_out(OPAQUE).await;
        assert_eq!(
            (outcome.is_ok(), world.endpoint.count()),
            (opaque == 1, opaque)
        );
        if opaque == 0 {
            let malformed = matches!(refusal(outcome), Refusal::Token(TokenError::Malformed(_)));
            assert!(malformed, "as a JWT");
        }
        world.try_out(&token).await.unwrap();
        assert_eq!(world.endpoint.count(), opaque + jwts);
    }
}

#[tokio::test(start_paused = true)]
async fn each_issuer_is_asked_about_its_own_jwts() {
    let (second, other) = (
        TestIssuer::new("https://second.example", API),
        FakeEndpoint::default(),
    );
    let introspection = other.introspection().tokens(IntrospectedTokens::Jwts);
    let third = TestIssuer::new("https://third.example", API);
    let world = World::build(
        |introspection| introspection,
        |builder| {
            let second = trusted(&second).introspect(introspection);
            builder.issuer(second).issuer(trusted(&third))
        },
    )
    .unwrap();
    let bound = |issuer: &TestIssuer| {
        let token = issuer.token(NOW).bound_to_key(world.client.thumbprint());
        token.mint()
    };
    let token = bound(&second);
    other.say(&token, second.inactive(NOW).member("active", true).json());
    world.try_out(&token).await.unwrap();
    world.try_out(&bound(&third)).await.unwrap();
    assert_eq!((world.endpoint.count(), other.count()), (0, 1));
}

#[test]
fn settings_that_make_no_sense_are_refused() {
    use IntrospectionConfigError as Error;
    let (first, second) = (
        TestIssuer::new(AS, API),
        TestIssuer::new("https://b.example", API),
    );
    let endpoint = FakeEndpoint::default();
    let asked = |issuer: &TestIssuer| trusted(issuer).introspect(endpoint.introspection());
    let both = ResourceServer::builder(API, asked(&first)).issuer(asked(&second));
    let several = ConfigError::SeveralOpaque(AS.into(), "https://b.example".into());
    assert_eq!(both.build().err(), Some(several));

    let error = |introspection: Introspection| {
        let issuer = trusted(&first).introspect(introspection);
        match ResourceServer::builder(API, issuer).build().err() {
            None => None,
            Some(ConfigError::Introspection { error, .. }) => Some(error),
            Some(other) => panic!("{other}"),
        }
    };
    let settings = || endpoint.introspection();
    let (hour, minute) = (secs(3600), secs(60));
    let (long, longer) = (secs(3601), secs(61));
    for (case, introspection, expected) in [
        ("as they are", settings(), None),
        (
            "longest",
            settings()
                .remember_active_for(hour)
                .remember_refused_for(minute),
            None,
        ),
        ("not at all", settings().remember_active_for(secs(0)), None),
        (
            "too long",
            settings().remember_active_for(long),
            Some(Error::Memory(long)),
        ),
        (
            "bad too long",
            settings().remember_refused_for(longer),
            Some(Error::Memory(longer)),
        ),
        (
            "no time",
            settings().timeout(secs(0)),
            Some(Error::Timeout(secs(0))),
        ),
        (
            "too much time",
            settings().timeout(secs(31)),
            Some(Error::Timeout(secs(31))),
        ),
        (
            "no questions",
            settings().questions_at_a_time(0),
            Some(Error::NoQuestions),
        ),
    ] {
        assert_eq!(error(introspection), expected, "{case}");
    }
}

// RFC 7662 §4: "the response MUST NOT be cached beyond the time indicated therein".
#[tokio::test(start_paused = true)]
async fn good_answers_are_remembered_for_a_while_and_never_beyond_the_end() {
    for (end, remembered) in [(300, 60), (30, 30)] {
        let world = World::new();
        let answer = world.answer().member("exp", NOW.as_unix() + end);
        world.endpoint.say(OPAQUE, answer.json());
        world.try_out(OPAQUE).await.unwrap();
        // The question itself took a millisecond.
        sleep(secs(remembered - 1) + Duration::from_millis(990)).await;
        world.try_out(OPAQUE).await.unwrap();
        assert_eq!(world.endpoint.count(), 1, "{remembered} s");
        sleep(Duration::from_millis(10)).await;
        let outcome = world.try_out(OPAQUE).await;
        assert_eq!(world.endpoint.count(), 2, "{remembered} s");
        assert_eq!(
            outcome.is_ok(),
            end > remembered.cast_signed(),
            "{outcome:?}"
        );
    }
}

// RFC 7662 §4, where the token itself is good for longer.
#[tokio::test(start_paused = true)]
async fn an_answer_about_a_signed_token_is_good_for_no_longer_than_it_says() {
    let world = World::with(|i| i.remember_active_for(secs(300)));
    let token = world
        .issuer
        .token(NOW)
        .bound_to_key(world.client.thumbprint());
    let token = token.mint();
    let answer = world.answer().without_member("jti");
    let answer = answer.member("exp", NOW.as_unix() + 30);
    world.endpoint.say(&token, answer.json());
    world.try_out(&token).await.unwrap();
    sleep(secs(29)).await;
    world.try_out(&token).await.unwrap();
    assert_eq!(world.endpoint.count(), 1);
    sleep(secs(1)).await;
    let outcome = refusal(world.try_out(&token).await);
    assert!(
        matches!(outcome, Refusal::Token(TokenError::Expired(_))),
        "{outcome:?}"
    );
    assert_eq!(world.endpoint.count(), 2, "asked anew");
}

#[tokio::test(start_paused = true)]
async fn revocation_is_seen_when_the_answer_has_grown_old() {
    for (lifetime, asked) in [(60, 2), (5, 2), (0, 3)] {
        let world = World::with(|i| i.remember_active_for(secs(lifetime)));
        world.endpoint.say(OPAQUE, world.answer().json());
        world.try_out(OPAQUE).await.unwrap();
        world.try_out(OPAQUE).await.unwrap();
        world
            .endpoint
            .say(OPAQUE, world.issuer.inactive(NOW).json());
        sleep(secs(lifetime)).await;
        let outcome = refusal(world.try_out(OPAQUE).await);
        assert_eq!(outcome, TokenError::Inactive.into());
        assert_eq!(world.endpoint.count(), asked, "{lifetime} s");
    }
}

#[tokio::test(start_paused = true)]
async fn bad_answers_are_remembered_briefly() {
    for (reply, ours) in [
        (Reply::Body(r#"{"active":false}"#.into()), false),
        (Reply::Body("nonsense".into()), true),
    ] {
        let world = World::new();
        world.endpoint.say_always(Some(reply));
        for _ in 0..3 {
            let outcome = world.try_out(OPAQUE).await;
            assert_eq!(matches!(outcome, Err(Rejection::Failed(_))), ours);
        }
        assert_eq!(world.endpoint.count(), 1);
        world
            .endpoint
            .say_always(Some(world.answer().json().into()));
        sleep(secs(6)).await;
        world.try_out(OPAQUE).await.unwrap();
        assert_eq!(world.endpoint.count(), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_was_set_back_does_not_prolong_an_answer() {
    let world = World::new();
    world.endpoint.say(OPAQUE, world.answer().json());
    world.try_out(OPAQUE).await.unwrap();
    let then = NOW.minus(secs(3600));
    let answer = world
        .issuer
        .introspection(then)
        .bound_to_key(world.client.thumbprint());
    world.endpoint.say(OPAQUE, answer.json());
    let proof = world
        .client
        .proof("GET", URL, then)
        .access_token(OPAQUE)
        .sign();
    let request = dpop(OPAQUE, &proof).body(()).unwrap();
    world
        .server
        .verify(&RequestFacts::of(&request), then)
        .await
        .unwrap();
    assert_eq!(world.endpoint.count(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_garbage_does_not_push_out_what_is_good() {
    let world = World::new();
    world.endpoint.say(OPAQUE, world.answer().json());
    world.try_out(OPAQUE).await.unwrap();
    // Straight to the memory: proofs for so many would only take time.
    let introspector = world.server.0.introspectors.opaque.as_ref().unwrap();
    introspector.flood(50_000, NOW);
    let asked = world.endpoint.count();
    world.try_out(OPAQUE).await.unwrap();
    assert_eq!(world.endpoint.count(), asked);
    assert!(
        introspector.remembered() <= 17 * 1024,
        "{}",
        introspector.remembered()
    );
}

#[tokio::test(start_paused = true)]
async fn all_who_ask_about_one_token_share_one_question() {
    let world = World::new();
    world.endpoint.say(OPAQUE, world.answer().json());
    world.endpoint.takes(secs(2));
    let first = tokio::spawn({
        let world = world.clone();
        async move { world.try_out(OPAQUE).await }
    });
    let others: Vec<_> = (0..100)
        .map(|_| {
            let world = world.clone();
            tokio::spawn(async move { world.try_out(OPAQUE).await })
        })
        .collect();
    sleep(secs(1)).await;
    // The one who began it goes away.
    first.abort();
    for other in others {
        other.await.unwrap().unwrap();
    }
    assert_eq!((world.endpoint.count(), world.recorded()), (1, 100));
}

#[tokio::test(start_paused = true)]
async fn a_question_that_ends_badly_holds_nobody() {
    for (reply, expected) in [
        (Reply::Panics, IntrospectionError::Stopped),
        (Reply::Hangs, IntrospectionError::Timeout),
    ] {
        let world = World::new();
        world.endpoint.say(OPAQUE, reply);
        let asking = (0..3).map(|_| {
            let world = world.clone();
            tokio::spawn(async move { world.try_out(OPAQUE).await })
        });
        for outcome in asking.collect::<Vec<_>>() {
            assert_eq!(fault(outcome.await.unwrap()), expected);
        }
        assert_eq!(world.endpoint.count(), 1);
        world.endpoint.say(OPAQUE, world.answer().json());
        world.try_out(OPAQUE).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn so_many_questions_are_under_way_and_no_more() {
    let world = World::with(|introspection| introspection.questions_at_a_time(2));
    world.endpoint.takes(secs(3));
    let jwt = world
        .issuer
        .token(NOW)
        .bound_to_key(world.client.thumbprint())
        .mint();
    world.endpoint.say(
        &jwt,
        world.issuer.inactive(NOW).member("active", true).json(),
    );
    for token in ["a", "b"] {
        let world = world.clone();
        tokio::spawn(async move { world.try_out(token).await });
    }
    sleep(secs(1)).await;
    let outcome = world.try_out("c").await;
    assert_eq!(fault(outcome), IntrospectionError::Busy);
    assert_eq!(world.endpoint.count(), 2);
    // Strangers do not take the places of those with a signed token.
    world.try_out(&jwt).await.unwrap();
    sleep(secs(5)).await;
    world.endpoint.say("c", world.answer().json());
    world.try_out("c").await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_that_is_down_is_left_alone_and_service_resumes_by_itself() {
    let down = IntrospectionError::from(TransportError::Unreachable("refused".into()));
    let world = World::new();
    world.endpoint.say_always(Some(Reply::Fails(down.clone())));
    assert_eq!(fault(world.try_out("a").await), down);
    assert_eq!(fault(world.try_out("b").await), down);
    for token in ["a", "b", "c"] {
        let outcome = world.try_out(token).await;
        let Err(Rejection::Failed(failed)) = &outcome else {
            panic!("{outcome:?}")
        };
        assert_eq!(failed.retry_after(), secs(1));
        assert!(matches!(fault(outcome), IntrospectionError::Paused(_)));
    }
    assert_eq!(world.endpoint.count(), 2);
    for second in 0..60 {
        let _ = world.try_out(&format!("t{second}")).await;
        sleep(secs(1)).await;
    }
    let asked = world.endpoint.count();
    assert!((8..=20).contains(&asked), "{asked}");
    world
        .endpoint
        .say_always(Some(world.answer().json().into()));
    sleep(secs(5)).await;
    world.try_out("a").await.unwrap();
    world.try_out("b").await.unwrap();
    assert_eq!(world.recorded(), 2);
}

// Nor what a firewall before the endpoint does to the connections of a stranger's questions.
#[tokio::test(start_paused = true)]
async fn strangers_cannot_make_signed_tokens_wait() {
    let down = IntrospectionError::from(TransportError::Unreachable("reset".into()));
    let world = World::new();
    let token = world
        .issuer
        .token(NOW)
        .bound_to_key(world.client.thumbprint());
    let jwt = token.mint();
    let active = world.issuer.inactive(NOW).member("active", true);
    world.endpoint.say(&jwt, active.json());
    for token in ["a", "b"] {
        world.endpoint.say(token, Reply::Fails(down.clone()));
        assert_eq!(fault(world.try_out(token).await), down);
    }
    let paused = fault(world.try_out("c").await);
    assert!(matches!(paused, IntrospectionError::Paused(_)), "{paused}");
    world.try_out(&jwt).await.unwrap();
}

// A stranger who finds a token that the endpoint cannot bear must not cut everybody off.
#[tokio::test(start_paused = true)]
async fn one_bad_token_stops_no_other() {
    let world = World::new();
    let error = IntrospectionError::Status(StatusCode::INTERNAL_SERVER_ERROR);
    world.endpoint.say_always(Some(Reply::Fails(error.clone())));
    for number in 0..10 {
        assert_eq!(fault(world.try_out(&format!("bad{number}")).await), error);
    }
    world
        .endpoint
        .say_always(Some(world.answer().json().into()));
    world.try_out(OPAQUE).await.unwrap();
    assert_eq!(fault(world.try_out("bad0").await), error, "for a while");
    assert_eq!(world.endpoint.count(), 11);
}

#[tokio::test(start_paused = true)]
async fn every_failure_is_a_503_with_a_time_to_come_back() {
    for error in [
        IntrospectionError::Metadata(FetchError::Timeout),
        IntrospectionError::NoEndpoint,
        TransportError::TooLarge(1).into(),
        IntrospectionError::Status(StatusCode::UNAUTHORIZED),
        IntrospectionError::MediaType("text/html".into()),
        KeysUnavailable::Stopped.into(),
    ] {
        let world = World::new();
        world.endpoint.say(OPAQUE, Reply::Fails(error.clone()));
        let request = world.request(OPAQUE).body(()).unwrap();
        let facts = RequestFacts::of(&request);
        let rejection = world.server.verify(&facts, NOW).await.unwrap_err();
        let answer = world.server.answer(rejection, &facts, NOW);
        assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE, "{error}");
        assert!(answer.headers().contains_key("retry-after"), "{error}");
        assert_eq!(world.recorded(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn what_has_ended_while_the_issuer_was_asked_has_ended() {
    let world = World::new();
    world.endpoint.takes(secs(4));
    world.endpoint.say(
        "short",
        world.answer().member("exp", NOW.as_unix() + 3).json(),
    );
    let outcome = refusal(world.try_out("short").await);
    assert_eq!(outcome, TokenError::Expired(NOW.plus(secs(3))).into());

    let old = world.clock.now().as_unix() - 58;
    let proof = world
        .client
        .proof("GET", URL, NOW)
        .access_token(OPAQUE)
        .claim("iat", old)
        .sign();
    world.endpoint.say(OPAQUE, world.answer().json());
    let outcome = world.refusal(dpop(OPAQUE, &proof)).await;
    assert!(
        matches!(outcome, Refusal::Proof(ProofError::TooOld(_))),
        "{outcome:?}"
    );
    assert_eq!(world.recorded(), 0);
}

#[tokio::test(start_paused = true)]
async fn what_was_forgotten_is_asked_again_even_if_the_question_was_under_way() {
    let world = World::new();
    world.endpoint.say(OPAQUE, world.answer().json());
    world.endpoint.takes(secs(2));
    let asking = tokio::spawn({
        let world = world.clone();
        async move { world.try_out(OPAQUE).await }
    });
    sleep(secs(1)).await;
    world.server.forget(OPAQUE);
    world
        .endpoint
        .say(OPAQUE, world.issuer.inactive(NOW).json());
    asking.await.unwrap().unwrap();
    for count in [2, 2] {
        let outcome = refusal(world.try_out(OPAQUE).await);
        assert_eq!(outcome, TokenError::Inactive.into());
        assert_eq!(world.endpoint.count(), count);
    }
}

// FAPI 2.0 Message Signing, "Signing introspection responses": what is not signed is not believed.
#[tokio::test(start_paused = true)]
async fn a_signed_answer_has_to_be_the_issuers_to_us_and_of_now() {
    type Change = fn(AnswerBuilder) -> AnswerBuilder;
    let claim = |name| Some(IntrospectionError::Claim(name));
    let cases: [(&str, Change, Option<IntrospectionError>); 26] = [
        ("right", |a| a, None),
        (
            "full type",
            |a| a.header("typ", "application/Token-Introspection+JWT"),
            None,
        ),
        ("our audience", |a| a.claim("aud", API), None),
        (
            "one of several",
            |a| a.claim("aud", json!(["x", "api"])),
            None,
        ),
        ("a minute old", |a| a.claim("iat", NOW.as_unix() - 60), None),
        ("a bit ahead", |a| a.claim("iat", NOW.as_unix() + 10), None),
        ("for another", |a| a.claim("aud", "other"), claim("aud")),
        (
            "for others",
            |a| a.claim("aud", json!(["x", "y"])),
            claim("aud"),
        ),
        (
            "for a number",
            |a| a.claim("aud", json!(["api", 5])),
            claim("aud"),
        ),
        ("for nobody", |a| a.without_claim("aud"), claim("aud")),
        (
            "by another",
            |a| a.claim("iss", "https://other.example"),
            claim("iss"),
        ),
        ("by several", |a| a.claim("iss", json!([AS])), claim("iss")),
        ("by nobody", |a| a.without_claim("iss"), claim("iss")),
        ("of no time", |a| a.without_claim("iat"), claim("iat")),
        ("of a text", |a| a.claim("iat", "now"), claim("iat")),
        ("old", |a| a.claim("iat", NOW.as_unix() - 61), claim("iat")),
        (
            "from the future",
            |a| a.claim("iat", NOW.as_unix() + 11),
            claim("iat"),
        ),
        (
            "from the beginning",
            |a| a.claim("iat", i64::MIN),
            claim("iat"),
        ),
        ("ended", |a| a.claim("exp", NOW.as_unix()), claim("exp")),
        (
            "no content",
            |a| a.without_claim("token_introspection"),
            claim("token_introspection"),
        ),
        (
            "a text",
            |a| a.claim("token_introspection", "x"),
            claim("token_introspection"),
        ),
        (
            "an access token",
            |a| a.header("typ", "at+jwt"),
            Some(IntrospectionError::Type),
        ),
        (
            "any JWT",
            |a| a.header("typ", "JWT"),
            Some(IntrospectionError::Type),
        ),
        (
            "no type",
            |a| a.without_header("typ"),
            Some(IntrospectionError::Type),
        ),
        (
            "unsigned",
            |a| a.header("alg", "none"),
            Some(crate::jose::JwsError::Algorithm.into()),
        ),
        (
            "another algorithm",
            |a| a.header("alg", "RS256"),
            Some(crate::jose::JwsError::Algorithm.into()),
        ),
    ];
    for (case, change, expected) in cases {
        let world = World::with(Introspection::signed_answers);
        world
            .endpoint
            .say(OPAQUE, change(world.answer()).jwt("api"));
        let outcome = world.try_out(OPAQUE).await;
        match expected {
            None => assert!(outcome.is_ok(), "{case}: {outcome:?}"),
            Some(expected) => assert_eq!(fault(outcome), expected, "{case}"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn where_signatures_are_demanded_nothing_else_is_believed() {
    let stranger = TestIssuer::new(AS, API);
    let signed: fn(Introspection) -> Introspection = Introspection::signed_answers;
    let plain: fn(Introspection) -> Introspection = |introspection| introspection;
    for (settings, profile) in [
        (signed, Profile::Fapi2Security),
        (plain, Profile::Fapi2MessageSigning),
    ] {
        let world = World::build(settings, |builder| builder.profile(profile)).unwrap();
        let answer = world.answer();
        let jwt = answer.jwt("api");
        let (unsigned, _) = jwt.rsplit_once('.').unwrap();
        for (case, body) in [
            ("plain", answer.json()),
            ("without signature", format!("{unsigned}.")),
            ("two segments", unsigned.to_owned()),
            (
                "by a stranger",
                answer.clone().signed_by(&stranger).jwt("api"),
            ),
            (
                "by a stranger without name",
                answer
                    .clone()
                    .signed_by(&stranger)
                    .without_header("kid")
                    .jwt("api"),
            ),
            ("quoted", format!("\"{jwt}\"")),
        ] {
            let token = case.replace(' ', "-");
            world.endpoint.say(&token, body);
            let error = fault(world.try_out(&token).await);
            assert!(
                matches!(error, IntrospectionError::Signature(_)),
                "{case}: {error:?}"
            );
        }
        world.endpoint.say(OPAQUE, jwt);
        world.try_out(OPAQUE).await.unwrap();
        // Inside, the rules are those of every answer.
        world
            .endpoint
            .say("inactive", world.issuer.inactive(NOW).jwt("api"));
        let outcome = refusal(world.try_out("inactive").await);
        assert_eq!(outcome, TokenError::Inactive.into());
    }
    // Who asks for plain answers gets no JWT either.
    let world = World::new();
    world.endpoint.say(OPAQUE, world.answer().jwt("api"));
    assert!(matches!(
        fault(world.try_out(OPAQUE).await),
        IntrospectionError::Json(_)
    ));
}

// RFC 9701 §5: "If the JWT is signed and encrypted, it MUST be a Nested JWT".
#[tokio::test(start_paused = true)]
async fn where_encryption_is_demanded_a_signed_answer_has_to_be_inside() {
    let own = DecryptionKey::generate(JweAlgorithm::EcdhEsA256Kw).unwrap();
    let key = EncryptionKey::new(own.public().unwrap()).unwrap();
    let other = DecryptionKey::generate(JweAlgorithm::EcdhEsA256Kw).unwrap();
    let other = EncryptionKey::new(other.public().unwrap()).unwrap();
    let world = World::with(|introspection| introspection.encrypted_answers(own));
    let answer = world.answer();
    let seal = |content: &str| {
        let header = EncryptionHeader::default();
        encrypt(&key, ContentEncryption::A256Gcm, header, content.as_bytes()).unwrap()
    };
    let (jwt, sealed) = (answer.jwt("api"), answer.encrypted_jwt("api", &key));
    for (case, body, encryption) in [
        ("plain", answer.json(), true),
        ("signed-only", jwt.clone(), true),
        ("for-another", answer.encrypted_jwt("api", &other), true),
        ("cut", sealed.chars().take(sealed.len() - 4).collect(), true),
        ("encrypted-only", seal(&answer.json()), false),
        ("encrypted-twice", seal(&sealed), false),
        (
            "unsigned",
            seal(&answer.clone().header("alg", "none").jwt("api")),
            false,
        ),
        (
            "stranger",
            answer
                .clone()
                .signed_by(&TestIssuer::new(AS, API))
                .encrypted_jwt("api", &key),
            false,
        ),
        (
            "typ",
            answer
                .clone()
                .header("typ", "JWT")
                .encrypted_jwt("api", &key),
            false,
        ),
        ("aud", answer.encrypted_jwt("other", &key), false),
    ] {
        world.endpoint.say(case, body);
        let error = fault(world.try_out(case).await);
        let undecryptable = matches!(error, IntrospectionError::Encryption(_));
        assert_eq!(undecryptable, encryption, "{case}: {error:?}");
    }
    world.endpoint.say(OPAQUE, sealed.clone());
    world.try_out(OPAQUE).await.unwrap();
    world.endpoint.say("without-cty", seal(&jwt));
    world.try_out("without-cty").await.unwrap();

    // Who has no keys for it cannot read it.
    let unprepared = World::with(Introspection::signed_answers);
    unprepared.endpoint.say(OPAQUE, sealed);
    let error = fault(unprepared.try_out(OPAQUE).await);
    assert!(
        matches!(error, IntrospectionError::Signature(_)),
        "{error:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn an_issuer_without_keys_is_believed_by_introspection_alone() {
    let (issuer, client, endpoint) = (
        TestIssuer::new(AS, API),
        DpopKey::generate(),
        FakeEndpoint::default(),
    );
    let build = |introspection| {
        let trusted = TrustedIssuer::introspected(AS, introspection);
        ResourceServer::builder(API, trusted).build()
    };
    let unsigned = build(endpoint.introspection().signed_answers());
    assert!(matches!(
        unsigned,
        Err(ConfigError::Introspection {
            error: IntrospectionConfigError::NoKeys,
            ..
        })
    ));
    let server = build(endpoint.introspection()).unwrap();
    let jwt = issuer.token(NOW).bound_to_key(client.thumbprint()).mint();
    endpoint.say_always(Some(
        issuer
            .introspection(NOW)
            .bound_to_key(client.thumbprint())
            .json()
            .into(),
    ));
    for (token, expected) in [(OPAQUE, None), (&jwt, Some(TokenError::UnknownKey))] {
        let proof = client.proof("GET", URL, NOW).access_token(token).sign();
        let request = dpop(token, &proof).body(()).unwrap();
        let outcome = server.verify(&RequestFacts::of(&request), NOW).await;
        match expected {
            None => drop(outcome.unwrap()),
            Some(expected) => assert_eq!(refusal(outcome), expected.into()),
        }
    }
    assert_eq!(endpoint.count(), 1);
}

/// Says what it is told to, at once or later, and notes whom it was asked about.
#[derive(Clone)]
struct Watch {
    answer: Result<Standing, RevocationUnavailable>,
    later: bool,
    asked: Arc<Mutex<Vec<String>>>,
}

impl RevocationCheck for Watch {
    fn check(&self, token: &AccessToken, _: Timestamp) -> Checking {
        self.asked.lock().unwrap().push(token.id().to_owned());
        let answer = self.answer.clone();
        if self.later {
            Checking::pending(Box::pin(async move {
                sleep(secs(1)).await;
                answer
            }))
        } else {
            Checking::ready(answer)
        }
    }
}

#[tokio::test(start_paused = true)]
async fn another_source_of_revocation_is_asked_last_and_once() {
    let down = RevocationUnavailable::new("down").retry_after(secs(7));
    for later in [false, true] {
        for answer in [
            Ok(Standing::Active),
            Ok(Standing::Revoked),
            Err(down.clone()),
        ] {
            let watch = Watch {
                answer: answer.clone(),
                later,
                asked: Arc::default(),
            };
            let world =
                World::build(|i| i, |builder| builder.revocation_check(watch.clone())).unwrap();
            let jwt = world
                .issuer
                .token(NOW)
                .bound_to_key(world.client.thumbprint());
            let jwt = jwt.claim("jti", "t1").mint();
            let refused = world.verify(bare(&format!("Bearer {jwt}"))).await;
            assert_eq!(refusal(refused), Refusal::DpopTokenAsBearer);
            assert_eq!(
                refusal(world.try_out(&jwt).await),
                TokenError::Inactive.into()
            );
            assert!(
                watch.asked.lock().unwrap().is_empty(),
                "not before all else is good"
            );

            let said = world.issuer.inactive(NOW).member("active", true).json();
            world.server.forget(&jwt);
            world.endpoint.say(&jwt, said);
            let outcome = world.try_out(&jwt).await;
            match answer {
                Ok(Standing::Active) => drop(outcome.unwrap()),
                Ok(Standing::Revoked) => {
                    assert_eq!(refusal(outcome), TokenError::Revoked.into());
                }
                Err(_) => {
                    let Err(Rejection::Failed(fault)) = outcome else {
                        panic!("{outcome:?}")
                    };
                    assert_eq!(fault.retry_after(), secs(7));
                }
            }
            assert_eq!(*watch.asked.lock().unwrap(), ["t1"]);
            assert_eq!(
                world.recorded(),
                usize::from(answer == Ok(Standing::Active))
            );
        }
    }
}
