//! Access tokens that look right. Whoever presents them here has the key they are bound to, or forged them for his own.

use serde_json::json;

use super::{
    Row,
    call::{Call, Operation::Accounts, Operation::Pay, Shown},
    scene::BILL,
};
use crate::attacks::forgery::{changed, repeated, symmetric, tampered, unsigned};

const BAD_TOKEN: &str = "401 invalid_token";
const BAD_REQUEST: &str = "400 invalid_request";
/// The client has not even tried: it is told how, and no error code (RFC 6750 §3.1).
const UNAUTHORIZED: &str = "401";

/// Sender-constrained tokens, in the header: the resource server's clause.
const RESOURCE_SERVER: &str = "FAPI 2.0 §5.3.4";

/// Signed by somebody, or by nobody.
#[rustfmt::skip]
pub const WRONG: &[Row] = &[
    ("expired a minute ago", "RFC 9068 §4", BAD_TOKEN, "expired", |s| s.claim("exp", json!(s.now.as_unix() - 60))),
    ("not valid before tomorrow", "RFC 7519 §4.1.5", BAD_TOKEN, "not valid yet", |s| s.claim("nbf", json!(s.now.as_unix() + 86_400))),
    ("issued in the future", "FAPI 2.0 §5.3.2.1", BAD_TOKEN, "not valid yet", |s| s.claim("iat", json!(s.now.as_unix() + 3_600))),
    ("issued for another API", "RFC 9068 §4", BAD_TOKEN, "another resource", |s| s.claim("aud", json!("https://api.other.example"))),
    ("bound in a way this API cannot check", RESOURCE_SERVER, BAD_TOKEN, "not supported here", |s| s.claim("cnf", json!({ "kid": "x" }))),
    ("aud that is no text", "RFC 7519 §4.1.3", BAD_TOKEN, "malformed", |s| s.claim("aud", json!(5))),
    ("sub there twice, for two readers to differ about", "RFC 7519 §4", BAD_TOKEN, "malformed", |s| s.signed(&repeated(&s.loot.token, &s.world.signing_key)?)),
    ("another sort of JWT as an access token", "RFC 9068 §4", BAD_TOKEN, "not valid here", |s| s.head("typ", json!("JWT"))),
    ("critical extension nobody knows", "RFC 7515 §4.1.11", BAD_TOKEN, "malformed", |s| s.head("crit", json!(["x"]))),
    ("more scope written into it", "RFC 7515 §5.2", BAD_TOKEN, "not valid here", |s| s.signed(&tampered(&s.loot.token, "scope", "accounts payments")?)),
    ("the rightful issuer's name, a stranger's key", "RFC 9068 §4", BAD_TOKEN, "not valid here", |s| s.signed(&s.forged(&s.loot.stranger).mint())),
    ("a stranger's key under the right kid", "RFC 9068 §4", BAD_TOKEN, "not valid here", |s| s.signed(&s.forged(&s.loot.stranger).header("kid", s.world.signing_key.kid().unwrap_or_default()).mint())),
    ("the key to verify it brought along in jwk", "RFC 8725 §3.10", BAD_TOKEN, "not valid here", |s| s.signed(&s.forged(&s.loot.stranger).header("jwk", s.loot.stranger.signing_key().public().bare().to_members()).mint())),
    ("a place to fetch the key from in jku", "RFC 8725 §3.10", BAD_TOKEN, "not valid here", |s| s.signed(&s.forged(&s.loot.stranger).header("jku", "https://as.evil.example/jwks").mint())),
    ("from an authorization server nobody trusts", "RFC 9068 §4", BAD_TOKEN, "not valid here", |s| s.signed(&s.forged(&s.loot.evil).mint())),
    ("alg none", "FAPI 2.0 §5.4.1", BAD_TOKEN, "malformed", |s| s.signed(&unsigned(&s.loot.token)?)),
    ("HS256, the public key as the secret", "RFC 8725 §3.1", BAD_TOKEN, "not valid here", |s| s.signed(&symmetric(&s.loot.token, s.world.signing_key.public())?)),
    ("bound to nothing", RESOURCE_SERVER, BAD_TOKEN, "not sender-constrained", |s| {
        let unbound = changed(&s.loot.token, &s.world.signing_key, |_, claims| drop(claims.remove("cnf")))?;
        Ok(s.presenting(Accounts, "Bearer", &s.form.of(s.world, &unbound)?).showing(Shown::Other))
    }),
];

/// Encrypted to the API, which anybody can do: that alone says nothing.
#[rustfmt::skip]
pub const ENCRYPTED: &[Row] = &[
    ("claims that nobody has signed, encrypted", "RFC 8725 §3.3", BAD_TOKEN, "not valid here", |s| {
        let claims = json!({ "iss": s.world.issuer, "sub": s.world.cast.ada.subject, "scope": "accounts" });
        Ok(s.presenting(Accounts, "DPoP", &s.encrypted().content(claims.to_string()).mint()))
    }),
    ("the token encrypted twice", "RFC 9068 §4", BAD_TOKEN, "not valid here", |s| Ok(s.presenting(Accounts, "DPoP", &s.encrypted().encrypted_again().mint()))),
    ("a letter of the encrypted text changed", "RFC 7516 §5.2", BAD_TOKEN, "not valid here", |s| {
        let token = s.encrypted().mint();
        let (rest, tag) = token.rsplit_once('.').ok_or("not a JWE")?;
        let first = if tag.starts_with('A') { 'B' } else { 'A' };
        let tag: String = std::iter::once(first).chain(tag.chars().skip(1)).collect();
        Ok(s.presenting(Accounts, "DPoP", &format!("{rest}.{tag}")))
    }),
    ("compressed, so says its header", "RFC 8725 §3.6", BAD_TOKEN, "the access token", |s| Ok(s.presenting(Accounts, "DPoP", &s.encrypted().outer_header("zip", "DEF").mint()))),
    ("RSA1_5, so says its header", "RFC 8725 §3.2", BAD_TOKEN, "the access token", |s| Ok(s.presenting(Accounts, "DPoP", &s.encrypted().outer_header("alg", "RSA1_5").mint()))),
    ("encrypted and right", "", "200", "", |s| Ok(s.presenting(Accounts, "DPoP", &s.encrypted().mint()))),
];

/// The token is right, but not where it stands.
#[rustfmt::skip]
pub const MISPLACED: &[Row] = &[
    ("in the query", RESOURCE_SERVER, BAD_REQUEST, "query", |s| Ok(Call::new(Accounts).in_query(&s.token))),
    ("in the query, beside a right header", RESOURCE_SERVER, BAD_REQUEST, "query", |s| Ok(s.proving(&s.proof()).in_query(&s.token))),
    ("in the body", RESOURCE_SERVER, UNAUTHORIZED, "", |s| Ok(Call::new(Pay(BILL)).body(format!("access_token={}", s.token)))),
    ("in two Authorization headers", "RFC 6750 §2", BAD_REQUEST, "one Authorization", |s| Ok(s.proving(&s.proof()).authorization("Bearer", &s.token))),
    ("without TLS", "FAPI 2.0 §5.2.1", "no answer", "", |s| Ok(s.proving(&s.proof()).without_tls())),
    ("nothing at all", "RFC 6750 §3.1", UNAUTHORIZED, "", |_| Ok(Call::new(Accounts))),
    ("a password instead", "RFC 6750 §3.1", UNAUTHORIZED, "", |_| Ok(Call::new(Accounts).authorization("Basic", "YWRhOng="))),
    ("17 kilobytes of anything", "a limit of 16 KiB", BAD_REQUEST, "too long", |s| Ok(s.presenting(Accounts, "DPoP", &"x".repeat(17 * 1024)))),
    ("the accounts with a token for something else", "RFC 6750 §3.1", "403 insufficient_scope", "lacks a required scope", |s| s.claim("scope", json!("payments"))),
    ("the token as it was issued, where it belongs", "", "200", "", |s| Ok(s.proving(&s.proof()))),
];
