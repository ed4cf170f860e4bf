//! What RFC 9068 §4 demands of a token, each demand broken alone.
#![allow(clippy::too_many_lines, reason = "tables of cases are long")]

use std::{sync::LazyLock, time::Duration};

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::{
    jose::{CertificateThumbprint, JwkThumbprint, JwsAlgorithm, JwsError, VerifyingKeySet},
    testing::{Document, TestIssuer, TokenBuilder},
    time::Timestamp,
};

pub(super) const NOW: Timestamp = Timestamp::from_unix(1_800_000_000);
const API: &str = "https://api.example.com";

pub(super) fn issuer() -> TestIssuer {
    TestIssuer::new("https://as.example.com", API)
}

pub(super) fn rules() -> TokenRules<'static> {
    static AUDIENCES: LazyLock<Vec<String>> = LazyLock::new(|| vec![API.to_owned()]);
    TokenRules {
        algorithms: &JwsAlgorithm::ALL,
        audiences: &AUDIENCES,
        compatibility: Compatibility::default(),
        clock_skew: Duration::from_secs(10),
    }
}

pub(super) fn check(
    token: &str,
    issuer: &TestIssuer,
    rules: &TokenRules<'_>,
) -> Result<AccessToken, TokenError> {
    let keys = VerifyingKeySet::new(&issuer.jwks());
    UnverifiedToken::parse(token)?.verify(rules, &keys, NOW)
}

#[test]
fn a_right_token_is_read_whole_with_each_algorithm() {
    for algorithm in JwsAlgorithm::ALL {
        let issuer = TestIssuer::with_algorithm("https://as.example.com", API, algorithm);
        let jkt = JwkThumbprint::from_bytes([1; 32]);
        let x5t = CertificateThumbprint::from_bytes([2; 32]);
        let details = json!([{ "type": "payment", "amount": "10.00" }]);
        let token = issuer
            .token(NOW)
            .subject("alice")
            .client("tpp")
            .scope("accounts payments")
            .bound_to_key(jkt)
            .bound_to_certificate(x5t)
            .claim("acr", "urn:mfa")
            .claim("auth_time", NOW.as_unix() - 5)
            .claim("authorization_details", details)
            .claim("branch", 7)
            .mint();
        let token = check(&token, &issuer, &rules()).unwrap();
        assert_eq!(token.issuer(), "https://as.example.com");
        assert_eq!((token.subject(), token.client_id()), ("alice", "tpp"));
        assert_eq!(token.audience(), [API]);
        assert!(token.scope().contains("payments"));
        assert_eq!(token.expires_at(), NOW.plus(Duration::from_secs(300)));
        assert_eq!(token.issued_at(), NOW);
        assert_eq!(token.acr(), Some("urn:mfa"));
        assert_eq!(token.auth_time(), Some(NOW.minus(Duration::from_secs(5))));
        assert_eq!(
            *token.confirmation(),
            Confirmation {
                jkt: Some(jkt),
                x5t_s256: Some(x5t)
            }
        );
        assert_eq!(token.authorization_details()[0].kind(), "payment");
        let detail: Value = token.authorization_details()[0].to().unwrap();
        assert_eq!(detail["amount"], "10.00");
        assert_eq!(token.claim::<u8>("branch").unwrap(), Some(7));
        assert_eq!(token.claim::<u8>("absent").unwrap(), None);
        assert!(token.claim::<String>("branch").is_err());
        assert!(!token.id().is_empty());
        assert!(!format!("{token:?}").contains("alice"));
    }
}

// RFC 9068 §4, RFC 8725 §3, RFC 7519 §4.1, FAPI 2.0 Security Profile §5.3.4 and §5.4.1.
#[test]
fn each_demand_refuses_alone() {
    let (issuer, other) = (issuer(), TestIssuer::new("https://as.example.com", API));
    let good = || issuer.token(NOW);
    let claim = |name: &str, value: Value| good().claim(name, value);
    let header = |name: &str, value: Value| good().header(name, value);
    let missing = |name: &'static str| (good().without_claim(name), TokenError::MissingClaim(name));
    let malformed =
        |name: &'static str, value: Value| (claim(name, value), TokenError::MalformedClaim(name));
    let now = NOW.as_unix();
    let at = Timestamp::from_unix;
    let thumbprint = JwkThumbprint::from_bytes([1; 32]).to_string();

    for (case, (token, expected)) in [
        (
            "typ JWT",
            (
                header("typ", "JWT".into()),
                TokenError::Type(Some("JWT".into())),
            ),
        ),
        (
            "typ of an ID token",
            (
                header("typ", "id+jwt".into()),
                TokenError::Type(Some("id+jwt".into())),
            ),
        ),
        (
            "typ of a proof",
            (
                header("typ", "dpop+jwt".into()),
                TokenError::Type(Some("dpop+jwt".into())),
            ),
        ),
        (
            "no typ",
            (good().without_header("typ"), TokenError::Type(None)),
        ),
        (
            "alg none",
            (header("alg", "none".into()), TokenError::Algorithm),
        ),
        (
            "alg HS256",
            (header("alg", "HS256".into()), TokenError::Algorithm),
        ),
        (
            "alg RS256",
            (header("alg", "RS256".into()), TokenError::Algorithm),
        ),
        (
            "alg of another key",
            (header("alg", "PS256".into()), TokenError::UnknownKey),
        ),
        (
            "unknown crit",
            (
                header("crit", json!(["exp"])),
                TokenError::Malformed(JwsError::Critical),
            ),
        ),
        (
            "empty crit",
            (
                header("crit", json!([])),
                TokenError::Malformed(JwsError::Critical),
            ),
        ),
        (
            "kid of nobody",
            (header("kid", "nobody".into()), TokenError::UnknownKey),
        ),
        (
            "kid is a number",
            (
                header("kid", 5.into()),
                TokenError::Malformed(JwsError::Header("kid")),
            ),
        ),
        (
            "signed by another",
            (good().signed_by(&other), TokenError::Signature),
        ),
        ("no iss", missing("iss")),
        ("no sub", missing("sub")),
        ("no aud", missing("aud")),
        ("no client_id", missing("client_id")),
        ("no jti", missing("jti")),
        ("no iat", missing("iat")),
        ("no exp", missing("exp")),
        (
            "iss is an array",
            malformed("iss", json!(["https://as.example.com"])),
        ),
        ("sub is a number", malformed("sub", json!(5))),
        ("sub is empty", malformed("sub", json!(""))),
        ("sub is null", malformed("sub", json!(null))),
        ("aud is a number", malformed("aud", json!(5))),
        ("aud holds a number", malformed("aud", json!([API, 5]))),
        ("client_id is an object", malformed("client_id", json!({}))),
        ("jti is a number", malformed("jti", json!(1))),
        ("exp is a string", malformed("exp", json!("1900000000"))),
        ("exp out of range", malformed("exp", json!(1e300))),
        ("iat is null", malformed("iat", json!(null))),
        ("nbf is a string", malformed("nbf", json!("0"))),
        ("auth_time is a string", malformed("auth_time", json!("0"))),
        ("acr is a number", malformed("acr", json!(1))),
        ("scope is an array", malformed("scope", json!(["accounts"]))),
        ("scope with two spaces", malformed("scope", json!("a  b"))),
        ("cnf is a string", malformed("cnf", json!("x"))),
        (
            "cnf.jkt is padded",
            (
                claim("cnf", json!({ "jkt": format!("{thumbprint}=") })),
                TokenError::MalformedClaim("cnf.jkt"),
            ),
        ),
        (
            "cnf.jkt is null",
            (
                claim("cnf", json!({ "jkt": null })),
                TokenError::MalformedClaim("cnf.jkt"),
            ),
        ),
        (
            "one of two is bad",
            (
                claim("cnf", json!({ "jkt": thumbprint, "x5t#S256": 1 })),
                TokenError::MalformedClaim("cnf.x5t#S256"),
            ),
        ),
        (
            "cnf empty",
            (claim("cnf", json!({})), TokenError::UnknownConfirmation),
        ),
        (
            "cnf of unknown method",
            (
                claim("cnf", json!({ "jwk": {} })),
                TokenError::UnknownConfirmation,
            ),
        ),
        (
            "details no array",
            malformed("authorization_details", json!({ "type": "x" })),
        ),
        (
            "details without type",
            malformed("authorization_details", json!([{ "amount": 1 }])),
        ),
        (
            "other audience",
            (
                claim("aud", "https://other.example".into()),
                TokenError::Audience("https://other.example".into()),
            ),
        ),
        (
            "audience by prefix",
            (
                claim("aud", format!("{API}/").into()),
                TokenError::Audience(format!("{API}/")),
            ),
        ),
        (
            "audience in other case",
            (
                claim("aud", API.to_uppercase().into()),
                TokenError::Audience(API.to_uppercase()),
            ),
        ),
        (
            "no audience in the array",
            (claim("aud", json!([])), TokenError::Audience(String::new())),
        ),
        (
            "ends now",
            (claim("exp", now.into()), TokenError::Expired(NOW)),
        ),
        (
            "ended long ago",
            (claim("exp", 0.into()), TokenError::Expired(at(0))),
        ),
        (
            "exp at the beginning of time",
            (
                claim("exp", i64::MIN.into()),
                TokenError::Expired(at(i64::MIN)),
            ),
        ),
        (
            "not yet valid",
            (
                claim("nbf", (now + 11).into()),
                TokenError::NotYetValid(at(now + 11)),
            ),
        ),
        (
            "issued in the future",
            (
                claim("iat", (now + 11).into()),
                TokenError::IssuedInFuture(at(now + 11)),
            ),
        ),
        (
            "iat at the end of time",
            (
                claim("iat", i64::MAX.into()),
                TokenError::IssuedInFuture(at(i64::MAX)),
            ),
        ),
    ] {
        assert_eq!(
            check(&token.mint(), &issuer, &rules()).unwrap_err(),
            expected,
            "{case}"
        );
    }
}

#[test]
fn what_may_differ_passes() {
    let issuer = issuer();
    let now = NOW.as_unix();
    let jkt = JwkThumbprint::from_bytes([1; 32]).to_string();
    let good = || issuer.token(NOW);
    let tokens: [(&str, TokenBuilder); 10] = [
        (
            "typ with prefix",
            good().header("typ", "application/at+jwt"),
        ),
        (
            "typ in other case",
            good().header("typ", "Application/AT+JWT"),
        ),
        (
            "several audiences",
            good().claim("aud", json!(["https://other.example", API])),
        ),
        ("nbf 10 s ahead", good().claim("nbf", now + 10)),
        ("iat 10 s ahead", good().claim("iat", now + 10)),
        (
            "fractions of a second",
            good().claim("iat", f64::from(1_700_000_000) + 0.5),
        ),
        ("ends in one second", good().claim("exp", now + 1)),
        (
            "cnf with a stranger beside",
            good().claim("cnf", json!({ "jkt": jkt, "kc-jkt-type": "x" })),
        ),
        (
            "header points elsewhere",
            good()
                .header("jku", "https://evil.example")
                .header("x5c", json!(["x"])),
        ),
        ("no kid", good().without_header("kid")),
    ];
    for (case, token) in tokens {
        assert!(check(&token.mint(), &issuer, &rules()).is_ok(), "{case}");
    }
}

#[test]
fn algorithms_can_be_narrowed() {
    let issuer = issuer();
    let narrow = TokenRules {
        algorithms: &[JwsAlgorithm::Ps256],
        ..rules()
    };
    assert_eq!(
        check(&issuer.token(NOW).mint(), &issuer, &narrow).unwrap_err(),
        TokenError::Algorithm
    );
}

#[test]
fn ambiguous_claims_are_refused() {
    let issuer = issuer();
    let header = r#"{"alg":"ES256","typ":"at+jwt"}"#;
    let now = NOW.as_unix();
    let claims = format!(
        r#""iss":"https://as.example.com","aud":"{API}","sub":"a","client_id":"c","jti":"1","iat":{now},"exp":{}"#,
        now + 60
    );
    let check_text = |header: &str, claims: &str| {
        check(
            &Document::sign_texts(issuer.signing_key(), header, claims),
            &issuer,
            &rules(),
        )
    };
    check_text(header, &format!("{{{claims}}}")).unwrap();
    for (case, claims) in [
        ("claim twice", format!(r#"{{{claims},"sub":"b"}}"#)),
        (
            "nested member twice",
            format!(r#"{{{claims},"cnf":{{"jkt":"a","jkt":"b"}}}}"#),
        ),
        ("trailing bytes", format!("{{{claims}}}x")),
        ("NUL in a value", format!(r#"{{{claims},"x":"\u0000"}}"#)),
        ("lone surrogate", format!(r#"{{{claims},"x":"\ud800"}}"#)),
        ("an array", format!("[{{{claims}}}]")),
    ] {
        let outcome = check_text(header, &claims);
        assert!(
            matches!(outcome, Err(TokenError::Malformed(JwsError::Json(_)))),
            "{case}: {outcome:?}"
        );
    }
    let twice = r#"{"alg":"ES256","alg":"ES256","typ":"at+jwt"}"#;
    assert!(check_text(twice, &format!("{{{claims}}}")).is_err());
}

proptest! {
    #[test]
    fn any_text_is_an_error_and_never_a_panic(text in "\\PC{0,100}|[A-Za-z0-9_-]{0,60}\\.[A-Za-z0-9_-]{0,60}\\.[A-Za-z0-9_-]{0,90}") {
        prop_assert!(UnverifiedToken::parse(&text).is_err());
    }

    #[test]
    fn a_token_with_one_character_changed_never_passes(position in 0_usize..1000, letter in "[A-Za-z0-9_-]") {
        let issuer = issuer();
        let mut token = issuer.token(NOW).mint();
        let (position, before) = (position % token.len(), token.clone());
        token.replace_range(position..=position, &letter);
        prop_assume!(token != before);
        prop_assert!(check(&token, &issuer, &rules()).is_err());
    }
}

// A line break in what a stranger wrote must not begin a line of its own in the log.
#[test]
fn reasons_quote_what_was_sent() {
    for error in [
        TokenError::Type(Some("x\nrequest accepted".into())),
        TokenError::Issuer("x\nrequest accepted".into()),
        TokenError::Audience("x\nrequest accepted".into()),
    ] {
        assert!(!error.to_string().contains('\n'), "{error}");
    }
}

#[test]
fn debug_shows_no_token() {
    let token = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJoIiwic3ViIjoiYWxpY2UifQ.c2lnbmF0dXJl";
    let shown = format!("{:?}", UnverifiedToken::parse(token).unwrap());
    for secret in ["eyJpc3M", "c2lnbmF0dXJl", "alice"] {
        assert!(!shown.contains(secret), "{shown}");
    }
    let shown = format!("{:?}", crate::jose::CompactJws::parse(token).unwrap());
    assert!(
        !shown.contains("c2lnbmF0dXJl") && !shown.contains("eyJpc3M"),
        "{shown}"
    );
}
