//! What needs no server.

use std::{sync::Arc, time::Duration};

use super::*;

const URL: &str = "redis://user:secret@127.0.0.1:1/3";

fn at(second: i64) -> Timestamp {
    Timestamp::from_unix(second)
}

// RFC 9449 §11.1: the whole time in which the proof could be accepted, by the slowest of the clocks.
#[test]
fn a_record_outlives_its_proof_by_as_much_as_clocks_may_differ() {
    for (expires, now, expected) in [
        (100, 100, 61),
        (160, 100, 121),
        (i64::MAX, i64::MIN, FOREVER),
        (i64::MAX, 0, FOREVER),
        (i64::MIN, i64::MIN, 61),
    ] {
        assert_eq!(seconds_to_live(at(expires), at(now)), expected, "{expires}");
    }
}

#[test]
fn urls_that_lead_to_no_server_are_refused() {
    for url in [
        "",
        "redis",
        "http://localhost/",
        "redis://",
        "redis://localhost/database",
        "redis://localhost:99999",
        "redis://0.0.0.0/",
        "rediss://localhost/#insecure",
        "redis://localhost/#x",
        "unix:",
    ] {
        assert!(
            matches!(RedisReplayStore::new(url), Err(RedisConfigError::Url(_))),
            "{url}"
        );
    }
}

#[test]
fn the_forms_of_a_url_lead_where_they_say() {
    for (url, expected) in [
        (URL, "redis://127.0.0.1:1"),
        ("valkey://localhost", "redis://localhost:6379"),
        (
            "rediss://user:secret@redis.example.com",
            "rediss://redis.example.com:6379",
        ),
        ("valkeys://[::1]:7000/0", "rediss://::1:7000"),
        (
            "unix:///run/redis.sock?pass=secret",
            "unix:///run/redis.sock",
        ),
    ] {
        let debug = format!("{:?}", RedisReplayStore::new(url).unwrap());
        assert!(debug.contains(expected), "{debug}");
        assert!(!debug.contains("secret"), "{debug}");
    }
}

#[test]
fn settings_out_of_range_are_refused() {
    let builder = || RedisReplayStore::builder(URL).unwrap();
    let millis = Duration::from_millis;
    for (limit, good) in [(9, false), (10, true), (10_000, true), (10_001, false)] {
        assert_eq!(builder().response_time_limit(millis(limit)).is_ok(), good);
    }
    for (waiting, good) in [(0, false), (1, true), (1_000_000, true), (1_000_001, false)] {
        assert_eq!(builder().max_waiting(waiting).is_ok(), good);
    }
    for (length, good) in [(0, true), (64, true), (65, false)] {
        assert_eq!(builder().key_prefix("x".repeat(length)).is_ok(), good);
    }
    for (seconds, good) in [(0, true), (3600, true), (3601, false)] {
        assert_eq!(
            builder()
                .proof_lifetime(Duration::from_secs(seconds))
                .is_ok(),
            good
        );
    }
    assert!(!format!("{:?}", builder()).contains("secret"));
}

#[test]
fn tls_settings_have_to_be_of_use() {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let pem = made.cert.pem();
    let config = {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = rustls::ClientConfig::builder_with_provider(provider);
        let builder = builder.with_safe_default_protocol_versions().unwrap();
        let roots = rustls::RootCertStore::empty();
        Arc::new(builder.with_root_certificates(roots).with_no_client_auth())
    };
    let builder = |url| RedisReplayStore::builder(url).unwrap();
    let with_roots = |url| builder(url).root_certificates_pem(pem.as_bytes()).unwrap();
    let error = |builder: RedisReplayStoreBuilder| builder.build().unwrap_err();
    assert_eq!(error(with_roots(URL)), RedisConfigError::TlsWithoutUse);
    assert_eq!(
        error(builder(URL).tls(Arc::clone(&config))),
        RedisConfigError::TlsWithoutUse
    );
    let tls = "rediss://localhost";
    assert_eq!(
        error(with_roots(tls).tls(Arc::clone(&config))),
        RedisConfigError::TlsTwice
    );
    with_roots(tls).build().unwrap();
    builder(tls).tls(config).build().unwrap();
    for text in ["", "x", "-----BEGIN CERTIFICATE-----\nAA"] {
        assert!(
            builder(tls).root_certificates_pem(text.as_bytes()).is_err(),
            "{text}"
        );
    }
}

fn unavailable(answer: Answer) -> String {
    match answer {
        Err(StoreError::Unavailable(reason)) => reason.to_string(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn nothing_is_asked_for_a_proof_that_has_expired_or_without_a_runtime() {
    use std::task::{Context, Poll, Waker};
    let store = RedisReplayStore::new(URL).unwrap();
    let key = ReplayKey::new("https://as.example", &[7; 32], "1");
    let answer = store.record(key, at(9), at(10)).now_or_pending().ok();
    assert_eq!(unavailable(answer.unwrap()), Expired.to_string());
    let mut pending = store
        .record(key, at(10), at(10))
        .now_or_pending()
        .unwrap_err();
    let Poll::Ready(answer) = pending
        .as_mut()
        .poll(&mut Context::from_waker(Waker::noop()))
    else {
        panic!("it waits");
    };
    assert_eq!(unavailable(answer), Failure::NoRuntime.to_string());
}
