//! Each compatibility setting: its tokens pass with it, and do not pass with all the others.
#![allow(clippy::too_many_lines, reason = "tables of cases are long")]

use serde_json::json;

use super::{
    tests::{NOW, check, issuer, rules},
    *,
};
use crate::testing::TokenBuilder;

type Build = fn(TokenBuilder) -> TokenBuilder;
type Setting = fn(Compatibility) -> Compatibility;

const PLAIN: Setting = Compatibility::accept_plain_jwt_type;
const AZP: Setting = |settings| settings.accept_client_in(ClientClaim::Azp);
const CID: Setting = |settings| settings.accept_client_in(ClientClaim::Cid);
const APPID: Setting = |settings| settings.accept_client_in(ClientClaim::Appid);
const ARRAY: Setting = Compatibility::accept_scope_array;
const SCP: Setting = Compatibility::accept_scope_in_scp;

fn judged(build: Build, settings: &[Setting]) -> Result<AccessToken, TokenError> {
    let add = |sum, setting: &Setting| setting(sum);
    let rules = TokenRules {
        compatibility: settings.iter().fold(Compatibility::default(), add),
        ..rules()
    };
    let issuer = issuer();
    let token = issuer.token(NOW).client("tpp").scope("accounts payments");
    check(&build(token).mint(), &issuer, &rules)
}

/// Whoever names the client by this claim alone.
fn client_in(token: TokenBuilder, claim: &str) -> TokenBuilder {
    token.without_claim("client_id").claim(claim, "tpp")
}

// RFC 9068 §4, and what a named setting of one issuer takes instead.
#[test]
fn what_a_setting_accepts_is_refused_without_it() {
    let no_client = TokenError::MissingClaim("client_id");
    let no_array = TokenError::MalformedClaim("scope");
    let cases: [(&str, Build, Setting, &[Setting], TokenError); 9] = [
        (
            "typ JWT",
            |token| token.header("typ", "JWT"),
            PLAIN,
            &[AZP, ARRAY, SCP],
            TokenError::Type(Some("JWT".into())),
        ),
        (
            "typ jwt with prefix",
            |token| token.header("typ", "application/jwt"),
            PLAIN,
            &[AZP, ARRAY, SCP],
            TokenError::Type(Some("application/jwt".into())),
        ),
        (
            "no typ",
            |token| token.without_header("typ"),
            PLAIN,
            &[CID, ARRAY, SCP],
            TokenError::Type(None),
        ),
        (
            "typ JWT, claim typ DPoP",
            |token| token.header("typ", "JWT").claim("typ", "DPoP"),
            PLAIN,
            &[APPID, ARRAY, SCP],
            TokenError::Type(Some("JWT".into())),
        ),
        (
            "client in azp",
            |token| client_in(token, "azp"),
            AZP,
            &[PLAIN, CID, ARRAY, SCP],
            no_client.clone(),
        ),
        (
            "client in cid",
            |token| client_in(token, "cid"),
            CID,
            &[PLAIN, APPID, ARRAY, SCP],
            no_client.clone(),
        ),
        (
            "client in appid",
            |token| client_in(token, "appid"),
            APPID,
            &[PLAIN, AZP, ARRAY, SCP],
            no_client,
        ),
        (
            "client in both",
            |token| token.header("typ", "JWT").claim("azp", "tpp"),
            |settings| PLAIN(AZP(settings)),
            &[AZP, ARRAY, SCP],
            TokenError::Type(Some("JWT".into())),
        ),
        (
            "scope as an array",
            |token| token.claim("scope", json!(["accounts", "payments"])),
            ARRAY,
            &[PLAIN, AZP, SCP],
            no_array,
        ),
    ];
    for (case, build, setting, others, refused) in cases {
        let token = judged(build, &[setting]).expect(case);
        assert_eq!(token.client_id(), "tpp", "{case}");
        assert_eq!(token.scope().as_str(), "accounts payments", "{case}");
        for without in [&[], others] {
            assert_eq!(judged(build, without).unwrap_err(), refused, "{case}");
        }
    }
}

// Without the setting `scp` is a claim like any other, and the token grants nothing.
#[test]
fn scp_grants_only_by_its_named_setting() {
    let text: Build = |token| {
        let token = token.without_claim("scope");
        token.claim("scp", "payments accounts")
    };
    let array: Build = |token| {
        let token = token.without_claim("scope");
        token.claim("scp", json!(["payments", "accounts"]))
    };
    let both: Build = |token| token.claim("scp", json!(["payments", "accounts"]));
    let granted = |build, settings: &[Setting]| {
        judged(build, settings).map(|token| token.scope().as_str().to_owned())
    };
    let none = Ok(String::new());
    let some = Ok("payments accounts".to_owned());
    let malformed = Err(TokenError::MalformedClaim("scp"));
    let accounts_first = Ok("accounts payments".to_owned());
    for (case, build, settings, expected) in [
        ("text, strict", text, &[] as &[Setting], &none),
        ("text, all but it", text, &[PLAIN, AZP, ARRAY], &none),
        ("text", text, &[SCP], &some),
        ("array, strict", array, &[], &none),
        ("array, no arrays", array, &[SCP], &malformed),
        ("array", array, &[SCP, ARRAY], &some),
        ("both, strict", both, &[], &accounts_first),
        ("both agree", both, &[SCP, ARRAY], &accounts_first),
    ] {
        assert_eq!(granted(build, settings), *expected, "{case}");
    }
}

// RFC 8725 §3.11 and §3.12; a setting is no reason to believe contradictions.
#[test]
fn with_every_setting_the_rest_is_refused() {
    let cases: [(&str, Build, TokenError); 20] = [
        (
            "typ of an ID token",
            |token| token.header("typ", "id+jwt"),
            TokenError::Type(Some("id+jwt".into())),
        ),
        (
            "typ of a logout token",
            |token| token.header("typ", "logout+jwt"),
            TokenError::Type(Some("logout+jwt".into())),
        ),
        (
            "typ of a proof",
            |token| token.header("typ", "dpop+jwt"),
            TokenError::Type(Some("dpop+jwt".into())),
        ),
        (
            "claim typ of Keycloak's ID tokens",
            |token| token.header("typ", "JWT").claim("typ", "ID"),
            TokenError::OtherKind("typ"),
        ),
        (
            "claim typ is a number",
            |token| token.without_header("typ").claim("typ", 1),
            TokenError::OtherKind("typ"),
        ),
        (
            "ID token from the token endpoint",
            |token| token.header("typ", "JWT").claim("at_hash", "x"),
            TokenError::OtherKind("at_hash"),
        ),
        (
            "ID token from the authorization endpoint",
            |token| token.header("typ", "JWT").claim("c_hash", "x"),
            TokenError::OtherKind("c_hash"),
        ),
        (
            "ID token as detached signature",
            |token| token.without_header("typ").claim("s_hash", "x"),
            TokenError::OtherKind("s_hash"),
        ),
        (
            "security event",
            |token| token.header("typ", "JWT").claim("events", json!({})),
            TokenError::OtherKind("events"),
        ),
        (
            "two clients",
            |token| token.claim("azp", "another"),
            TokenError::Contradiction("azp", "client_id"),
        ),
        (
            "client_id is a number",
            |token| token.claim("client_id", 5).claim("azp", "tpp"),
            TokenError::MalformedClaim("client_id"),
        ),
        (
            "azp is an array",
            |token| token.claim("azp", json!(["tpp"])),
            TokenError::MalformedClaim("azp"),
        ),
        (
            "azp is empty",
            |token| client_in(token, "azp").claim("azp", ""),
            TokenError::MalformedClaim("azp"),
        ),
        (
            "client nowhere",
            |token| token.without_claim("client_id"),
            TokenError::MissingClaim("client_id"),
        ),
        (
            "a space in an element",
            |token| token.claim("scope", json!(["accounts payments"])),
            TokenError::MalformedClaim("scope"),
        ),
        (
            "an empty element",
            |token| token.claim("scope", json!(["accounts", ""])),
            TokenError::MalformedClaim("scope"),
        ),
        (
            "a number among the elements",
            |token| token.claim("scope", json!(["accounts", 5])),
            TokenError::MalformedClaim("scope"),
        ),
        (
            "scope is an object",
            |token| token.claim("scope", json!({ "accounts": true })),
            TokenError::MalformedClaim("scope"),
        ),
        (
            "scp grants more",
            |token| token.claim("scp", json!(["accounts", "payments", "admin"])),
            TokenError::Contradiction("scp", "scope"),
        ),
        (
            "scp grants less",
            |token| token.claim("scp", "accounts"),
            TokenError::Contradiction("scp", "scope"),
        ),
    ];
    for (case, build, expected) in cases {
        let refused = judged(build, &[PLAIN, AZP, ARRAY, SCP]).unwrap_err();
        assert_eq!(refused, expected, "{case}");
    }
    // None of the claims that RFC 9068 §2.2 requires becomes dispensable.
    for name in ["iss", "sub", "aud", "exp", "iat", "jti"] {
        let issuer = issuer();
        let token = issuer.token(NOW).without_claim(name).claim("azp", "client");
        let rules = TokenRules {
            compatibility: Compatibility::keycloak().accept_scope_in_scp(),
            ..rules()
        };
        let refused = check(&token.mint(), &issuer, &rules).unwrap_err();
        assert_eq!(refused, TokenError::MissingClaim(name));
    }
}

// RFC 9701 §8.1: what says that a token is good is not that token, whatever is accepted of the issuer.
#[test]
fn an_introspection_answer_is_no_access_token() {
    let refused = |typ| TokenError::Type(Some(typ));
    for (case, build, expected) in [
        (
            "with its type",
            (|token| token.header("typ", "token-introspection+jwt")) as Build,
            refused("token-introspection+jwt".to_owned()),
        ),
        (
            "with its whole type",
            |token| token.header("typ", "application/token-introspection+jwt"),
            refused("application/token-introspection+jwt".to_owned()),
        ),
        (
            "as a plain JWT",
            |token| {
                token
                    .header("typ", "JWT")
                    .claim("token_introspection", json!({}))
            },
            TokenError::OtherKind("token_introspection"),
        ),
    ] {
        let outcome = judged(build, &[PLAIN, AZP, ARRAY, SCP]).unwrap_err();
        assert_eq!(outcome, expected, "{case}");
    }
}

/// The marks of an access token of each vendor as its documentation shows them, which the page on issuers cites.
#[test]
fn tokens_of_the_vendors_shapes_pass_with_what_the_page_says() {
    let cases: [(&str, Build, &[Setting]); 7] = [
        (
            "Keycloak as delivered",
            |token| {
                let token = client_in(token, "azp").header("typ", "JWT");
                let token = token.claim("typ", "DPoP").claim("sid", "5f6a-1");
                token.claim("allowed-origins", json!(["https://tpp.example"]))
            },
            &[|_| Compatibility::keycloak()],
        ),
        (
            "Keycloak with at+jwt",
            |token| client_in(token, "azp").claim("typ", "DPoP"),
            &[AZP],
        ),
        (
            "Auth0, RFC 9068 profile",
            |token| {
                let userinfo = "https://bank.auth0.com/userinfo";
                token.claim("aud", json!(["https://api.example.com", userinfo]))
            },
            &[],
        ),
        (
            "Okta",
            |token| {
                let token = client_in(token, "cid").without_header("typ");
                let token = token.without_claim("scope").claim("ver", 1);
                token.claim("scp", json!(["accounts", "payments"]))
            },
            &[PLAIN, CID, ARRAY, SCP],
        ),
        (
            "Entra ID v2.0, with a jti that it does not write",
            |token| {
                let token = client_in(token, "azp").header("typ", "JWT");
                let token = token.without_claim("scope").claim("ver", "2.0");
                token.claim("scp", "accounts payments")
            },
            &[PLAIN, AZP, SCP],
        ),
        (
            "PingFederate without, Curity with its setting for arrays",
            |token| token.claim("scope", json!(["accounts", "payments"])),
            &[ARRAY],
        ),
        (
            "Curity, client_id mapped into the token",
            |token| {
                let token = token.without_header("typ");
                let token = token.claim("delegationId", "dda57127");
                token.claim("purpose", "access_token")
            },
            &[PLAIN],
        ),
    ];
    for (vendor, build, settings) in cases {
        let token = judged(build, settings).expect(vendor);
        assert_eq!(token.client_id(), "tpp", "{vendor}");
        assert!(token.scope().contains("payments"), "{vendor}");
        for position in 0..settings.len() {
            let (before, from) = settings.split_at(position);
            let without = [before, &from[1..]].concat();
            let granted = judged(build, &without).map(|token| token.scope().contains("payments"));
            assert_ne!(granted, Ok(true), "{vendor} needs each setting");
        }
    }
}
