//! What a client sees of each refusal.

use http::{HeaderMap, StatusCode};

use super::{examples::refusals, *};
use crate::{
    dpop::ProofError,
    issuer::KeysUnavailable,
    jose::{JwkThumbprint, JwsAlgorithm},
    replay::StoreError,
    time::Timestamp,
    token::TokenError,
};

const KEY: JwkThumbprint = JwkThumbprint::from_bytes([1; 32]);

fn challenges(headers: &HeaderMap) -> Vec<&str> {
    let lines = headers.get_all("www-authenticate").iter();
    lines.map(|line| line.to_str().unwrap()).collect()
}

// RFC 6750 §3 and §3.1, RFC 9449 §7.1 and §7.2, RFC 9110 §11.6.1.
#[test]
fn each_refusal_has_its_status_and_challenge() {
    let both = Challenges::new(Some(&[JwsAlgorithm::Es256, JwsAlgorithm::EdDsa]), true);
    for (refusal, tried, status, expected) in [
        (
            Refusal::NoCredentials,
            None,
            StatusCode::UNAUTHORIZED,
            &[r#"DPoP algs="ES256 EdDSA""#, "Bearer"][..],
        ),
        (
            Refusal::TokenInQuery,
            None,
            StatusCode::BAD_REQUEST,
            &[
                r#"DPoP error="invalid_request", error_description="an access token must not stand in the query", algs="ES256 EdDSA""#,
                r#"Bearer error="invalid_request", error_description="an access token must not stand in the query""#,
            ],
        ),
        (
            TokenError::Expired(Timestamp::from_unix(0)).into(),
            Some(AuthScheme::Bearer),
            StatusCode::UNAUTHORIZED,
            &[
                r#"DPoP algs="ES256 EdDSA""#,
                r#"Bearer error="invalid_token", error_description="the access token has expired""#,
            ],
        ),
        (
            ProofError::Method.into(),
            Some(AuthScheme::Dpop),
            StatusCode::UNAUTHORIZED,
            &[
                r#"DPoP error="invalid_dpop_proof", error_description="htm of the DPoP proof is not the method of the request", algs="ES256 EdDSA""#,
                "Bearer",
            ],
        ),
        (
            ProofError::MissingNonce(KEY).into(),
            Some(AuthScheme::Dpop),
            StatusCode::UNAUTHORIZED,
            &[
                r#"DPoP error="use_dpop_nonce", error_description="the DPoP proof must hold the nonce given in the DPoP-Nonce header", algs="ES256 EdDSA""#,
                "Bearer",
            ],
        ),
        (
            Refusal::Scope("accounts payments".parse().unwrap()),
            Some(AuthScheme::Dpop),
            StatusCode::FORBIDDEN,
            &[
                r#"DPoP error="insufficient_scope", error_description="the access token lacks a required scope", scope="accounts payments", algs="ES256 EdDSA""#,
                "Bearer",
            ],
        ),
    ] {
        let answer = both.answer(refusal.clone().into(), tried, None);
        assert_eq!(answer.status(), status, "{refusal}");
        assert_eq!(challenges(answer.headers()), expected, "{refusal}");
        assert_eq!(answer.headers()["cache-control"], "no-store", "{refusal}");
        assert!(!answer.headers().contains_key("dpop-nonce"), "{refusal}");
        assert!(
            answer.extensions().get::<Rejection>().is_some(),
            "{refusal}"
        );
    }
}

#[test]
fn only_accepted_schemes_are_offered() {
    let lines = |challenges: &Challenges, refusal: Refusal| {
        let answer = challenges.answer(refusal.into(), None, None);
        answer
            .headers()
            .get_all("www-authenticate")
            .iter()
            .map(|line| line.to_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let dpop = Challenges::new(Some(&[JwsAlgorithm::Es256]), false);
    assert_eq!(
        lines(&dpop, Refusal::NoCredentials),
        [r#"DPoP algs="ES256""#]
    );
    let bearer = Challenges::new(None, true);
    assert_eq!(lines(&bearer, Refusal::NoCredentials), ["Bearer"]);
    // A client that tries DPoP here still learns what went wrong.
    let answer = bearer.answer(
        Refusal::Proof(ProofError::Missing).into(),
        Some(AuthScheme::Dpop),
        None,
    );
    let line = challenges(answer.headers());
    assert!(
        line[0].starts_with(r#"Bearer error="invalid_dpop_proof""#),
        "{line:?}"
    );
}

// RFC 9110 §11.1: scheme names are case-insensitive.
#[test]
fn the_scheme_that_was_tried_is_found() {
    for (values, expected) in [
        (&["dpop a.b.c"][..], Some(AuthScheme::Dpop)),
        (&["BEARER a.b.c"], Some(AuthScheme::Bearer)),
        (&["Bearer"], Some(AuthScheme::Bearer)),
        (&["Basic YTpi"], None),
        (&["DPoP a.b.c", "DPoP a.b.c"], None),
        (&[""], None),
        (&[], None),
    ] {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append("authorization", value.parse().unwrap());
        }
        assert_eq!(AuthScheme::tried_in(&headers), expected, "{values:?}");
    }
}

// RFC 9110 §10.2.3.
#[test]
fn a_client_is_told_when_keys_will_be_asked_for_again() {
    let challenges = Challenges::new(None, true);
    let stopped = Fault::from(KeysUnavailable::Stopped);
    let answer = challenges.answer(stopped.into(), None, None);
    assert_eq!(answer.headers()["retry-after"], "60");
}

#[test]
fn our_own_faults_answer_503_without_a_challenge() {
    let answer = Challenges::new(Some(&[JwsAlgorithm::Es256]), true).answer(
        Fault::from(StoreError::Full).into(),
        None,
        None,
    );
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.headers()["retry-after"], "1");
    assert_eq!(answer.headers()["cache-control"], "no-store");
    assert!(challenges(answer.headers()).is_empty());
    assert!(answer.body().is_empty());
}

// RFC 9449 §8: the nonce, once, never cached, and visible to scripts that may see it.
#[test]
fn a_nonce_goes_out_once_and_exposed() {
    let answer = Challenges::new(Some(&[JwsAlgorithm::Es256]), false).answer(
        Refusal::Proof(ProofError::Nonce(KEY)).into(),
        None,
        Some("abc"),
    );
    assert_eq!(answer.headers().get_all("dpop-nonce").iter().count(), 1);
    assert_eq!(answer.headers()["dpop-nonce"], "abc");
    assert_eq!(
        answer.headers()["access-control-expose-headers"],
        "DPoP-Nonce, WWW-Authenticate"
    );
    assert_eq!(answer.headers()["cache-control"], "no-store");
}

#[test]
fn the_body_repeats_the_challenge_and_can_be_left_out() {
    let challenges = Challenges::new(Some(&[JwsAlgorithm::Es256]), false);
    let body =
        |challenges: &Challenges, refusal: Refusal| challenges.answer(refusal.into(), None, None);
    let answer = body(&challenges, Refusal::Unbound);
    assert_eq!(answer.headers()["content-type"], "application/json");
    let json: serde_json::Value = serde_json::from_slice(answer.body()).unwrap();
    assert_eq!(json["error"], "invalid_token");
    assert_eq!(
        json["error_description"],
        "the access token is not sender-constrained"
    );
    assert!(body(&challenges, Refusal::NoCredentials).body().is_empty());
    let without = body(&challenges.without_json_bodies(), Refusal::Unbound);
    assert!(without.body().is_empty() && !without.headers().contains_key("content-type"));
}

// RFC 6750 §3: %x20-21 / %x23-5B / %x5D-7E. Nothing of what the client sent, nothing about keys.
#[test]
fn descriptions_keep_to_the_grammar_and_tell_nothing() {
    for refusal in refusals() {
        let text = refusal.description();
        assert!(
            text.bytes()
                .all(|byte| matches!(byte, 0x20 | 0x21 | 0x23..=0x5b | 0x5d..=0x7e)),
            "{text}"
        );
        assert!(
            !text.contains("evil") && !text.contains("internal"),
            "{text}"
        );
    }
    let same = |error: TokenError| Refusal::Token(error).description();
    assert_eq!(same(TokenError::UnknownKey), same(TokenError::Signature));
    assert_eq!(
        same(TokenError::Issuer("https://evil".into())),
        same(TokenError::Signature)
    );
}
