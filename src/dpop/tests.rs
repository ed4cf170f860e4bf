//! Every check of RFC 9449 §4.3, each broken alone.
#![allow(clippy::too_many_lines, reason = "tables of cases are long")]

use std::{sync::Arc, time::Duration};

use http::{HeaderMap, HeaderValue};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::{
    jose::{InvalidJwk, JwsAlgorithm, JwsError, UnfitKey, base64url, sha256},
    testing::{Document, DpopKey, ProofBuilder},
    time::Timestamp,
};

const NOW: Timestamp = Timestamp::from_unix(1_800_000_000);
const URL: &str = "https://api.example.com/accounts";
const TOKEN: &str = "the.access.token";

struct Server {
    verifier: ProofVerifier,
    target: TargetUri,
    hash: [u8; 32],
}

impl Server {
    fn new() -> Self {
        Self::with(ProofVerifier::new(ProofPolicy::default()))
    }

    fn with(verifier: ProofVerifier) -> Self {
        Self {
            verifier,
            target: URL.parse().unwrap(),
            hash: sha256(TOKEN.as_bytes()),
        }
    }

    fn check(&self, proof: &str, key: &DpopKey) -> Result<VerifiedProof, ProofError> {
        self.verifier.verify(proof, &self.request(key))
    }

    fn request(&self, key: &DpopKey) -> ProofRequest<'_> {
        ProofRequest {
            method: "GET",
            target: &self.target,
            access_token_hash: Some(&self.hash),
            bound_to: Some(key.thumbprint()),
            now: NOW,
        }
    }
}

fn good(key: &DpopKey) -> ProofBuilder {
    key.proof("GET", URL, NOW).access_token(TOKEN)
}

fn malformed(reason: JwsError) -> ProofError {
    ProofError::Malformed(reason)
}

#[test]
fn a_right_proof_passes_with_each_algorithm() {
    let server = Server::new();
    for algorithm in JwsAlgorithm::ALL {
        let key = DpopKey::generate_for(algorithm);
        let proof = good(&key).claim("jti", "unique").sign();
        let verified = server.check(&proof, &key).unwrap();
        assert_eq!(verified.thumbprint(), key.thumbprint());
        assert_eq!(verified.jti(), "unique");
        assert_eq!(verified.last_accepted(), NOW.plus(Duration::from_secs(60)));
        assert!(!verified.wants_new_nonce());
    }
}

// RFC 9449 §4.3, checks 2 to 12; each case is right in everything but one thing.
#[test]
fn each_check_refuses_alone() {
    let (key, other) = (DpopKey::generate(), DpopKey::generate());
    let ed25519 = DpopKey::generate_for(JwsAlgorithm::EdDsa);
    let with = |name: &str, value: Value| good(&key).claim(name, value).sign();
    let header = |name: &str, value: Value| good(&key).header(name, value).sign();
    let iat = |iat: i64| with("iat", iat.into());
    let mut long = key.signing_key().public().bare().to_members();
    long.insert("use".to_owned(), "enc".into());
    let symmetric = json!({ "kty": "oct", "k": base64url::encode([1; 32]) });
    let target = |claimed: &str| ProofError::Target {
        claimed: claimed.into(),
        asked: URL.into(),
    };
    let now = NOW.as_unix();
    let secs = Duration::from_secs;

    for (case, proof, expected) in [
        (
            "2: two segments",
            "a.b".to_owned(),
            malformed(JwsError::Segments),
        ),
        ("2: empty", String::new(), malformed(JwsError::Segments)),
        (
            "2: critical extension",
            header("crit", json!(["exp"])),
            malformed(JwsError::Critical),
        ),
        (
            "2: unencoded payload",
            header("b64", json!(false)),
            malformed(JwsError::Critical),
        ),
        (
            "3: no jti",
            good(&key).without_claim("jti").sign(),
            ProofError::MissingClaim("jti"),
        ),
        (
            "3: no htm",
            good(&key).without_claim("htm").sign(),
            ProofError::MissingClaim("htm"),
        ),
        (
            "3: no htu",
            good(&key).without_claim("htu").sign(),
            ProofError::MissingClaim("htu"),
        ),
        (
            "3: no iat",
            good(&key).without_claim("iat").sign(),
            ProofError::MissingClaim("iat"),
        ),
        (
            "3: no ath",
            good(&key).without_claim("ath").sign(),
            ProofError::MissingClaim("ath"),
        ),
        (
            "3: no jwk",
            good(&key).without_header("jwk").sign(),
            ProofError::MissingKey,
        ),
        (
            "3: empty jti",
            with("jti", "".into()),
            ProofError::JtiLength(0),
        ),
        (
            "3: jti too long",
            with("jti", "x".repeat(257).into()),
            ProofError::JtiLength(257),
        ),
        (
            "4: other typ",
            header("typ", "JWT".into()),
            ProofError::Type,
        ),
        (
            "4: typ of a token",
            header("typ", "at+jwt".into()),
            ProofError::Type,
        ),
        (
            "4: no typ",
            good(&key).without_header("typ").sign(),
            ProofError::Type,
        ),
        (
            "5: none",
            header("alg", "none".into()),
            ProofError::Algorithm,
        ),
        (
            "5: HS256",
            header("alg", "HS256".into()),
            ProofError::Algorithm,
        ),
        (
            "5: RS256",
            header("alg", "RS256".into()),
            ProofError::Algorithm,
        ),
        (
            "5: not the key's",
            header("alg", "PS256".into()),
            ProofError::Algorithm,
        ),
        (
            "5: no alg",
            good(&key).without_header("alg").sign(),
            malformed(JwsError::Header("alg")),
        ),
        (
            "6: another key signed",
            good(&key).signed_by(&other).sign(),
            ProofError::Signature,
        ),
        (
            "7: private key",
            good(&key).with_private_key().sign(),
            InvalidJwk::NotPublic("d").into(),
        ),
        (
            "7: symmetric key",
            header("jwk", symmetric),
            InvalidJwk::NotPublic("k").into(),
        ),
        (
            "7: encryption key",
            header("jwk", long.into()),
            UnfitKey::Purpose.into(),
        ),
        (
            "7: jwk is a string",
            header("jwk", "x".into()),
            malformed(JwsError::Header("jwk")),
        ),
        (
            "8: other method",
            with("htm", "POST".into()),
            ProofError::Method,
        ),
        (
            "8: other letter case",
            with("htm", "get".into()),
            ProofError::Method,
        ),
        (
            "9: other path",
            with("htu", "https://api.example.com/a".into()),
            target("https://api.example.com/a"),
        ),
        (
            "9: other host",
            with("htu", "https://evil.example/accounts".into()),
            target("https://evil.example/accounts"),
        ),
        (
            "9: not a URL",
            with("htu", "/accounts".into()),
            target("/accounts"),
        ),
        ("11: too old", iat(now - 61), ProofError::TooOld(secs(61))),
        (
            "11: in the future",
            iat(now + 11),
            ProofError::InFuture(secs(11)),
        ),
        (
            "12: ath of another token",
            with("ath", base64url::encode(sha256(b"x")).into()),
            ProofError::AccessTokenHash,
        ),
        (
            "12: ath padded",
            with(
                "ath",
                format!("{}=", base64url::encode(sha256(TOKEN.as_bytes()))).into(),
            ),
            ProofError::AccessTokenHash,
        ),
        (
            "12: key of another client",
            good(&other).sign(),
            ProofError::KeyMismatch,
        ),
        (
            "12: key of another kind",
            good(&ed25519).sign(),
            ProofError::KeyMismatch,
        ),
    ] {
        assert_eq!(
            Server::new().check(&proof, &key).unwrap_err(),
            expected,
            "{case}"
        );
    }
}

#[test]
fn claims_of_the_wrong_type_are_malformed_and_not_absent() {
    let key = DpopKey::generate();
    for (name, value) in [
        ("jti", json!(5)),
        ("jti", json!(null)),
        ("htm", json!(["GET"])),
        ("htu", json!({})),
        ("iat", json!("1800000000")),
        ("iat", json!(null)),
        ("iat", json!(1e300)),
        ("ath", json!(1)),
        ("nonce", json!(false)),
    ] {
        let proof = good(&key).claim(name, value.clone()).sign();
        let outcome = Server::new().check(&proof, &key);
        assert!(
            matches!(outcome, Err(ProofError::MalformedClaims(_))),
            "{name} = {value}: {outcome:?}"
        );
    }
}

// RFC 9449 §4.2: further claims may be present. FAPI 2.0 clients are known to send `nbf` and `exp`.
#[test]
fn unknown_members_are_ignored_and_any_string_is_a_jti() {
    let key = DpopKey::generate();
    let proof = good(&key)
        .claim("nbf", 1)
        .claim("exp", 1)
        .claim("nested", json!({ "a": [{ "b": null }] }))
        .claim("jti", "ü\u{0}\u{1f600}\"\\")
        .header("kid", "ignored")
        .header("x5u", "https://evil.example/key")
        .sign();
    assert_eq!(
        Server::new().check(&proof, &key).unwrap().jti(),
        "ü\u{0}\u{1f600}\"\\"
    );
}

#[test]
fn ambiguous_documents_are_refused() {
    let key = DpopKey::generate();
    let jwk = Value::Object(key.signing_key().public().bare().to_members());
    let header = json!({ "typ": "dpop+jwt", "alg": "ES256", "jwk": jwk }).to_string();
    let ath = base64url::encode(sha256(TOKEN.as_bytes()));
    let claims = format!(r#""jti":"1","htm":"GET","htu":"{URL}","iat":{NOW},"ath":"{ath}""#);
    let check = |header: &str, claims: &str| {
        let proof = Document::sign_texts(key.signing_key(), header, claims);
        Server::new().check(&proof, &key)
    };
    check(&header, &format!("{{{claims}}}")).unwrap();
    for (case, claims) in [
        ("known member twice", format!(r#"{{{claims},"htm":"GET"}}"#)),
        (
            "twice by escape",
            format!(r#"{{{claims},"\u0068tm":"GET"}}"#),
        ),
        (
            "unknown member twice",
            format!(r#"{{{claims},"x":1,"x":1}}"#),
        ),
        (
            "nested member twice",
            format!(r#"{{{claims},"x":{{"y":1,"y":1}}}}"#),
        ),
        ("trailing bytes", format!("{{{claims}}} x")),
        ("an array", "[]".to_owned()),
        ("a string", "\"x\"".to_owned()),
        ("empty", String::new()),
    ] {
        let outcome = check(&header, &claims);
        assert!(
            matches!(outcome, Err(ProofError::MalformedClaims(_))),
            "{case}: {outcome:?}"
        );
    }
    let twice = header.replacen('{', r#"{"typ":"dpop+jwt","#, 1);
    let outcome = check(&twice, &format!("{{{claims}}}"));
    assert!(
        matches!(outcome, Err(ProofError::Malformed(JwsError::Json(_)))),
        "{outcome:?}"
    );
}

// RFC 9449 §4.3 check 5: only the algorithms this server supports.
#[test]
fn algorithms_can_be_narrowed() {
    let policy = ProofPolicy {
        algorithms: vec![JwsAlgorithm::EdDsa],
        ..Default::default()
    };
    let server = Server::with(ProofVerifier::new(policy));
    let (es256, ed25519) = (
        DpopKey::generate(),
        DpopKey::generate_for(JwsAlgorithm::EdDsa),
    );
    assert_eq!(
        server.check(&good(&es256).sign(), &es256).unwrap_err(),
        ProofError::Algorithm
    );
    server.check(&good(&ed25519).sign(), &ed25519).unwrap();
}

#[test]
fn the_size_is_judged_before_anything_is_decoded() {
    let key = DpopKey::generate();
    let outcome = Server::new().check(&"x".repeat(8 * 1024 + 1), &key);
    assert_eq!(outcome.unwrap_err(), ProofError::TooLarge(8 * 1024 + 1));
}

// RFC 9449 §8, §9, §4.3 check 10.
#[test]
fn a_demanded_nonce_has_to_be_ours_and_this_keys() {
    let nonces =
        Arc::new(Nonces::new(&NonceSecret::from_bytes([7; 32]), Duration::from_secs(60)).unwrap());
    let server =
        Server::with(ProofVerifier::new(ProofPolicy::default()).with_nonces(nonces.clone()));
    let key = DpopKey::generate();
    let check = |proof: ProofBuilder| server.check(&proof.sign(), &key);
    let nonce =
        |at: Timestamp, for_key: &DpopKey| nonces.issue(Some(for_key.thumbprint()), at).unwrap();

    assert_eq!(
        check(good(&key)).unwrap_err(),
        ProofError::MissingNonce(key.thumbprint())
    );
    assert_eq!(
        check(good(&key).nonce("made-up")).unwrap_err(),
        ProofError::Nonce(key.thumbprint())
    );
    assert_eq!(
        check(good(&key).nonce(&nonce(NOW, &DpopKey::generate()))).unwrap_err(),
        ProofError::Nonce(key.thumbprint())
    );
    assert!(
        !check(good(&key).nonce(&nonce(NOW, &key)))
            .unwrap()
            .wants_new_nonce()
    );
    let old = nonce(NOW.minus(Duration::from_secs(50)), &key);
    assert!(check(good(&key).nonce(&old)).unwrap().wants_new_nonce());
    let jkt = key.thumbprint();
    assert_eq!(ProofError::MissingNonce(jkt).wants_nonce(), Some(jkt));
    assert_eq!(ProofError::Nonce(jkt).wants_nonce(), Some(jkt));
    assert_eq!(ProofError::Signature.wants_nonce(), None);
}

// RFC 9449 §4.3 check 1.
#[test]
fn there_is_one_header_or_none() {
    let mut headers = HeaderMap::new();
    assert_eq!(proof_header(&headers), Ok(None));
    headers.append("DPoP", HeaderValue::from_static("a.b.c"));
    assert_eq!(proof_header(&headers), Ok(Some("a.b.c")));
    headers.append("dpop", HeaderValue::from_static("a.b.c"));
    assert_eq!(proof_header(&headers), Err(ProofError::Several(2)));
    let mut headers = HeaderMap::new();
    headers.append("dpop", HeaderValue::from_bytes(b"\xff").unwrap());
    assert!(proof_header(&headers).is_err());
}

#[test]
fn a_key_that_is_kept_is_checked_like_a_new_one() {
    let (key, other) = (DpopKey::generate(), DpopKey::generate());
    let server = Server::new();
    let proof = good(&key).sign();
    let verified = server.check(&proof, &key).unwrap();
    server.verifier.remember(&verified);
    server.check(&good(&key).sign(), &key).unwrap();
    assert_eq!(
        server
            .check(&good(&key).signed_by(&other).sign(), &key)
            .unwrap_err(),
        ProofError::Signature
    );
    assert_eq!(
        server.check(&good(&key).sign(), &other).unwrap_err(),
        ProofError::KeyMismatch
    );
    assert_eq!(
        server
            .check(&good(&key).claim("htm", "PUT").sign(), &key)
            .unwrap_err(),
        ProofError::Method
    );
}

// RFC 9449 §4.3 checks 4, 6 and 7: what is known of a client beforehand saves work and decides nothing.
#[test]
fn a_key_that_is_known_counts_for_proofs_with_its_own_first_segment_only() {
    let (key, other) = (DpopKey::generate(), DpopKey::generate());
    let server = Server::new();
    let known = server.check(&good(&key).sign(), &key).unwrap();
    let known = known.key();
    let check = |proof: &ProofBuilder, bound_to: &DpopKey| {
        let request = server.request(bound_to);
        server
            .verifier
            .verify_knowing(Some(known), &proof.sign(), &request)
    };
    let again = check(&good(&key), &key).unwrap();
    assert!(Arc::ptr_eq(again.key(), known), "made ready once");
    let spelt = check(&good(&key).header("x", 1), &key).unwrap();
    assert!(!Arc::ptr_eq(spelt.key(), known), "another first segment");
    let others = check(&good(&other), &other).unwrap();
    assert_eq!(others.thumbprint(), other.thumbprint());
    for (case, proof, bound_to, expected) in [
        (
            "for another key's token",
            good(&key),
            &other,
            ProofError::KeyMismatch,
        ),
        (
            "by another key",
            good(&other),
            &key,
            ProofError::KeyMismatch,
        ),
        (
            "forged",
            good(&key).signed_by(&other),
            &key,
            ProofError::Signature,
        ),
        (
            "another typ",
            good(&key).header("typ", "jwt"),
            &key,
            ProofError::Type,
        ),
    ] {
        assert_eq!(check(&proof, bound_to).unwrap_err(), expected, "{case}");
    }
}

#[test]
fn only_accepted_keys_of_sensible_size_are_kept() {
    let (key, server) = (DpopKey::generate(), Server::new());
    let kept = || server.verifier.kept_keys();
    let verified = server.check(&good(&key).sign(), &key).unwrap();
    assert_eq!(kept(), 0, "passing the checks is not being accepted");
    server.verifier.remember(&verified);
    assert_eq!(kept(), 1);
    let again = server.check(&good(&key).sign(), &key).unwrap();
    server.verifier.remember(&again);
    assert_eq!(kept(), 1, "one key, one place");
    let padded = good(&key).header("x", "x".repeat(2000)).sign();
    let long = server.check(&padded, &key).unwrap();
    server.verifier.remember(&long);
    assert_eq!(kept(), 1, "a long header is not worth its place");
}

/// As if each of them were another client: nobody knows that it is the same key before it has been parsed.
fn clients(key: &DpopKey) -> impl Iterator<Item = String> {
    (0..).map(|client| good(key).header("client", client).sign())
}

// However many clients come, so many of their keys are kept, and those that are used again and again are among them.
#[test]
fn a_flood_of_clients_pushes_out_neither_the_busy_ones_nor_the_bound() {
    const KEPT: u64 = 64;
    let policy = ProofPolicy {
        kept_keys: KEPT,
        ..ProofPolicy::default()
    };
    let (key, server) = (
        DpopKey::generate(),
        Server::with(ProofVerifier::new(policy)),
    );
    let accept = |proof: &str| {
        let verified = server.check(proof, &key).unwrap();
        server.verifier.remember(&verified);
    };
    let busy: Vec<_> = (0..8).map(|name| good(&key).header("busy", name)).collect();
    let work = || busy.iter().for_each(|client| accept(&client.sign()));
    for _ in 0..10 {
        work();
        assert!(server.verifier.kept_keys() <= KEPT);
    }
    for (number, proof) in clients(&key).take(1000).enumerate() {
        accept(&proof);
        if number % 50 == 0 {
            work();
            assert!(server.verifier.kept_keys() <= KEPT, "after {number}");
        }
    }
    assert!(server.verifier.kept_keys() > KEPT / 2, "none is wasted");
    for client in busy {
        assert!(server.verifier.keeps(&client.sign()));
    }
}

#[test]
fn strangers_make_nothing_be_kept() {
    let (key, other, server) = (DpopKey::generate(), DpopKey::generate(), Server::new());
    for proof in clients(&key).take(100) {
        server.check(&proof, &other).unwrap_err();
        let (signed, _) = proof.rsplit_once('.').unwrap();
        let forged = format!("{signed}.{}", base64url::encode([1; 64]));
        server.check(&forged, &key).unwrap_err();
    }
    assert_eq!(server.verifier.kept_keys(), 0);
}

#[test]
fn what_a_client_signs_the_server_accepts() {
    let key = DpopKey::generate();
    let signer = ProofSigner::new(crate::jose::SigningKey::generate(JwsAlgorithm::Es256).unwrap());
    let new = NewProof {
        method: "GET",
        url: "https://API.example.com/accounts?x=1",
        access_token: Some(TOKEN),
        nonce: None,
        now: NOW,
    };
    let (one, two) = (signer.sign(&new).unwrap(), signer.sign(&new).unwrap());
    assert_ne!(one, two, "each has its own jti");
    assert_eq!(
        Server::new().check(&one, &key).unwrap_err(),
        ProofError::KeyMismatch
    );
    let server = Server::new();
    let request = ProofRequest {
        method: "GET",
        target: &server.target,
        access_token_hash: Some(&server.hash),
        bound_to: Some(signer.thumbprint()),
        now: NOW,
    };
    server.verifier.verify(&one, &request).unwrap();
    assert!(
        signer
            .sign(&NewProof {
                url: "/relative",
                ..new
            })
            .is_err()
    );
    assert!(!format!("{signer:?}").contains("secret"));
}

proptest! {
    #[test]
    fn any_text_is_an_error_and_never_a_panic(text in "[ -~]{0,200}|[A-Za-z0-9_-]{0,40}\\.[A-Za-z0-9_-]{0,40}\\.[A-Za-z0-9_-]{0,90}") {
        let key = DpopKey::generate();
        prop_assert!(Server::new().check(&text, &key).is_err());
    }

    #[test]
    fn a_proof_with_one_character_changed_never_passes(position in 0_usize..1000, letter in "[A-Za-z0-9_-]") {
        let key = DpopKey::generate();
        let proof = good(&key).sign();
        let position = position % proof.len();
        let mut changed = proof.clone();
        changed.replace_range(position..=position, &letter);
        prop_assume!(changed != proof);
        prop_assert!(Server::new().check(&changed, &key).is_err());
    }
}

// An `htu` should have no query (RFC 9449 §4.2); where it has one, it is the query of the request, for no log to keep.
#[test]
fn reasons_repeat_little_of_what_was_sent() {
    let (server, key) = (Server::new(), DpopKey::generate());
    let url = "https://api.example.com/other";
    for end in ["?account=secret", "#secret"] {
        let proof = good(&key).claim("htu", format!("{url}{end}")).sign();
        let outcome = server.check(&proof, &key).unwrap_err();
        let claimed = url.to_owned();
        let asked = URL.to_owned();
        assert_eq!(outcome, ProofError::Target { claimed, asked });
    }
    let long = "x".repeat(4000);
    for proof in [
        good(&key).claim("iat", long.as_str()),
        good(&key).claim("htu", format!("{url}/{long}")),
    ] {
        let reason = server.check(&proof.sign(), &key).unwrap_err().to_string();
        assert!(reason.len() < 400, "{reason}");
    }
}

#[test]
fn debug_shows_no_token() {
    let proof = NewProof {
        method: "GET",
        url: "https://api.example.com/?q=secret",
        access_token: Some("secret"),
        nonce: None,
        now: NOW,
    };
    let shown = format!("{proof:?}");
    assert!(!shown.contains("secret"), "{shown}");
}
