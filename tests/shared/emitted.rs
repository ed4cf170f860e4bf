//! Reads everything this crate emits while tests run, and ends the run where token material is in it.
//!
//! What goes to the log or into a figure is read by people and programs that must not be able to use a token: nothing in
//! the form of a JWT, no secret key, no code. The first test that makes a world installs the watch for the whole process.
#![allow(
    dead_code,
    unreachable_pub,
    reason = "each test binary uses what it needs"
)]

use std::{
    fmt::Debug,
    sync::{
        Arc, Once,
        atomic::{AtomicU64, Ordering},
    },
};

use metrics::{Counter, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit};
use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id, Record},
};

/// Begins to read, once a process.
pub fn watch() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // A test binary that keeps a log of its own is watched in its figures alone.
        let _ = tracing::subscriber::set_global_default(Watch::default());
        let _ = metrics::set_global_recorder(Watch::default());
    });
}

/// Ends the run if there is token material in what is about to be shown.
///
/// A panic would end one test, or a task that nobody waits for; this ends all of them.
pub fn check(place: &str, text: &str) {
    if let Some(what) = material(text) {
        #[allow(clippy::print_stderr, reason = "the last words of a test run")]
        {
            eprintln!("{place} shows {what}: {text}");
        }
        std::process::abort();
    }
}

/// The header of every JWT begins like this, since it begins with `{"`. A hash may hold these letters by chance, but no dot
/// behind them, and it has an end.
const JWT: &str = "eyJ";

/// The length of a SHA-256 in base64url.
const HASH: usize = 43;

/// What of a token, a key or a code stands in a text.
fn material(text: &str) -> Option<&'static str> {
    let follows = |prefix: &str, length: usize| {
        text.match_indices(prefix).any(|(at, _)| {
            let rest = text.get(at + prefix.len()..).unwrap_or_default();
            let run = rest
                .bytes()
                .take_while(|byte| byte.is_ascii_alphanumeric() || b"-_%".contains(byte));
            let run = run.count();
            run >= length
                && (prefix != JWT || run > HASH || rest.as_bytes().get(run) == Some(&b'.'))
        })
    };
    [
        (JWT, 10, "a JWT"),
        ("access_token=", 8, "an access token"),
        ("refresh_token=", 8, "a refresh token"),
        ("client_assertion=", 8, "a client assertion"),
        ("code_verifier=", 8, "a code verifier"),
        ("code=", 8, "an authorization code"),
        ("\"d\":\"", 8, "a private key"),
        ("-----BEGIN PRIVATE KEY", 0, "a private key"),
    ]
    .into_iter()
    .find(|(prefix, length, _)| follows(prefix, *length))
    .map(|(_, _, what)| what)
}

#[derive(Debug, Default)]
struct Watch {
    spans: AtomicU64,
}

struct Reader(&'static str);

impl Visit for Reader {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        check(self.0, &format!("{field}: {value:?}"));
    }
}

fn ours(target: &str) -> bool {
    target.starts_with("tower_fapi")
}

impl Subscriber for Watch {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        ours(metadata.target())
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        span.record(&mut Reader("a span"));
        Id::from_u64(self.spans.fetch_add(1, Ordering::Relaxed) + 1)
    }

    fn record(&self, _: &Id, values: &Record<'_>) {
        values.record(&mut Reader("a span"));
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        event.record(&mut Reader("the log"));
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

impl Recorder for Watch {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        labels(key);
        Counter::from_arc(Arc::new(AtomicU64::new(0)))
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        labels(key);
        Gauge::from_arc(Arc::new(AtomicU64::new(0)))
    }

    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        labels(key);
        Histogram::noop()
    }
}

fn labels(key: &Key) {
    for label in key.labels() {
        check("a figure", label.value());
    }
}

#[test]
fn token_material_is_recognised() {
    for (text, expected) in [
        ("DPoP eyJhbGciOiJFUzI1NiJ9.e30.c2ln", true),
        (
            "https://api.example.com/a?access_token=2YotnFZFEjr1zCsicMWpAA",
            true,
        ),
        ("/callback?code=SplxlOBeZQQYbYS6WxSbIA&state=a", true),
        (
            r#"{"kty":"EC","d":"870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAE"}"#,
            true,
        ),
        ("-----BEGIN PRIVATE KEY-----", true),
        ("refused: proof has been used before", false),
        ("0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I", false),
        ("code=invalid", false),
        ("eyJ", false),
        ("0ZcOCeyJNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I", false),
        (
            "eyJhbGciOiJFUzI1NiIsInR5cCI6ImF0K2p3dCIsImtpZCI6IjEifQ eyJpc3MiO",
            true,
        ),
    ] {
        assert_eq!(material(text).is_some(), expected, "{text}");
    }
}
