//! Documents that are long, wide or deep: a small text must not become a large task, nor a large one an endless one.

use std::time::Instant;

use tower_fapi::jose::{InvalidJwkSet, JwkSet, JwsAlgorithm};

use crate::{assail::assail, support::bare};

const LONG: usize = 1_000_000;

fn assert_answered_soon(case: &str, text: &str) {
    let started = Instant::now();
    assail(text.as_bytes());
    // Far from what it takes, which is well under a second, and far from what anything but linear work would take.
    assert!(started.elapsed().as_secs() < 20, "{case}");
}

/// A sound key with something behind its last member.
fn key_and(more: &str) -> String {
    let key = bare(JwsAlgorithm::Es256).to_string();
    format!("{},{more}}}", key.trim_end_matches('}'))
}

fn listed(count: usize, item: &str) -> String {
    vec![item; count].join(",")
}

/// So many members, each with a name of its own.
fn members(count: usize) -> String {
    let members = (0..count).map(|number| format!("\"{number}\":0"));
    members.collect::<Vec<_>>().join(",")
}

#[test]
fn deep_documents_end_the_reading_and_not_the_process() {
    let depth = |count: usize| "[".repeat(count) + &"]".repeat(count);
    for (case, text) in [
        ("arrays", "[".repeat(LONG)),
        ("objects", r#"{"a":"#.repeat(LONG)),
        ("both", r#"{"a":["#.repeat(LONG)),
        ("closed", format!(r#"{{"a":{}}}"#, depth(LONG))),
        ("in a key", key_and(&format!(r#""z":{}"#, depth(LONG)))),
        ("in a set", format!(r#"{{"keys":{}}}"#, depth(LONG))),
    ] {
        assert_answered_soon(case, &text);
    }
}

#[test]
fn long_texts_are_answered_like_short_ones() {
    let long = |item: &str| item.repeat(LONG);
    for (case, text) in [
        ("number", format!(r#"{{"a":{}}}"#, long("9"))),
        ("fraction", format!(r#"{{"a":0.{}}}"#, long("1"))),
        ("exponent", format!(r#"{{"a":1e{}}}"#, long("9"))),
        ("string", format!(r#"{{"kid":"{}"}}"#, long("a"))),
        ("escapes", format!(r#"{{"kid":"{}"}}"#, long(r"\n"))),
        ("name", format!(r#"{{"{}":1}}"#, long("a"))),
        ("kid", key_and(&format!(r#""kid":"{}""#, long("a")))),
        ("dots", long(".")),
        ("header", long("A") + ".e30.AAAA"),
        (
            "payload",
            format!("eyJhbGciOiJFUzI1NiJ9.{}.AAAA", long("A")),
        ),
        ("ES256", format!("eyJhbGciOiJFUzI1NiJ9.e30.{}", long("A"))),
        ("PS256", format!("eyJhbGciOiJQUzI1NiJ9.e30.{}", long("A"))),
        ("base64url", long("A")),
        ("no base64url", long("é")),
    ] {
        assert_answered_soon(case, &text);
    }
}

#[test]
fn great_numbers_are_refused_before_anything_is_computed_with_them() {
    let great = "_".repeat(LONG);
    for (case, text) in [
        (
            "coordinate",
            format!(r#"{{"kty":"EC","crv":"P-256","x":"{great}","y":"{great}"}}"#),
        ),
        (
            "Ed25519",
            format!(r#"{{"kty":"OKP","crv":"Ed25519","x":"{great}"}}"#),
        ),
        (
            "modulus",
            format!(r#"{{"kty":"RSA","n":"{great}","e":"AQAB"}}"#),
        ),
        (
            "exponent",
            format!(r#"{{"kty":"RSA","n":"{}","e":"{great}"}}"#, "_".repeat(512)),
        ),
        (
            "both",
            format!(r#"{{"kty":"RSA","n":"{great}","e":"{great}"}}"#),
        ),
    ] {
        assert_answered_soon(case, &text);
    }
}

#[test]
fn wide_documents_cost_what_they_weigh() {
    for (case, text) in [
        ("members", format!("{{{}}}", members(20_000))),
        ("members of a key", key_and(&members(20_000))),
        ("one member", format!("{{{}}}", listed(100_000, "\"a\":0"))),
        (
            "operations",
            key_and(&format!(r#""key_ops":[{}]"#, listed(100_000, "\"verify\""))),
        ),
    ] {
        assert_answered_soon(case, &text);
    }
    let key = bare(JwsAlgorithm::Es256).to_string();
    let set = format!(r#"{{"keys":[{}]}}"#, listed(20_000, &key));
    assert_eq!(set.parse::<JwkSet>(), Err(InvalidJwkSet::TooMany(20_000)));
}
