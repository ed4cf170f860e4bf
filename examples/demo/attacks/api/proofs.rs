//! The token is stolen, the key is not: what keeps DPoP-bound tokens from being used (RFC 9449).

use serde_json::json;

use super::{
    Row,
    call::{Call, Operation::Accounts, Operation::Pay, Shown},
    scene::BILL,
};
use crate::attacks::forgery::{symmetric, unsigned};

const BAD_PROOF: &str = "401 invalid_dpop_proof";
const BAD_TOKEN: &str = "401 invalid_token";

/// From the flow above: its key is in the client's hands, and nobody else's. A bearer token without any certificate would not even
/// be decrypted.
#[rustfmt::skip]
pub const STOLEN: &[Row] = &[
    ("the stolen token alone", "RFC 9449 §4.3 check 1", BAD_PROOF, "needs a proof", |s| Ok(Call::new(Accounts).authorization("DPoP", &s.stolen))),
    ("the stolen token as a bearer token", "RFC 9449 §7.2", BAD_TOKEN, "needs the DPoP scheme", |s| Ok(Call::new(Accounts).authorization("Bearer", &s.stolen).showing(Shown::Other))),
    ("the stolen token, proof by the thief's own key", "RFC 9449 §4.3 check 12", BAD_TOKEN, "another key", |s| {
        let proof = s.loot.thief.proof(s.carrier.method(Accounts).as_str(), &s.url(), s.now);
        Ok(Call::new(Accounts).authorization("DPoP", &s.stolen).proof(proof.access_token(&s.stolen).sign()))
    }),
];

/// Somebody has even got the key to sign something, each time something else than this request.
#[rustfmt::skip]
pub const MADE_FOR_ELSE: &[Row] = &[
    ("proof made for another method", "RFC 9449 §4.3 check 8", BAD_PROOF, "htm", |s| Ok(s.proving(&s.proof().claim("htm", "PUT")))),
    ("proof made for another URL of this API", "RFC 9449 §4.3 check 9", BAD_PROOF, "htu", |s| Ok(s.proving(&s.proof_for(&s.carrier.url(Pay(BILL)))))),
    ("proof that another API has passed on", "RFC 9449 §4.3 check 9", BAD_PROOF, "htu", |s| Ok(s.proving(&s.proof_for("https://api.evil.example/accounts")))),
    ("proof of 90 seconds ago", "RFC 9449 §4.3 check 11", BAD_PROOF, "past", |s| Ok(s.proving(&s.proof().claim("iat", s.now.as_unix() - 90)))),
    ("proof made in advance, dated a minute from now", "RFC 9449 §4.3 check 11", BAD_PROOF, "future", |s| Ok(s.proving(&s.proof().claim("iat", s.now.as_unix() + 60)))),
    ("proof made for another token", "RFC 9449 §4.3 check 12", BAD_PROOF, "ath", |s| Ok(s.proving(&s.proof().access_token(&s.stolen)))),
    ("proof made for no token", "RFC 9449 §4.3 check 12", BAD_PROOF, "ath", |s| Ok(s.proving(&s.proof().without_claim("ath")))),
    ("proof without jti, to be used twice", "RFC 9449 §4.3 check 3", BAD_PROOF, "jti", |s| Ok(s.proving(&s.proof().without_claim("jti")))),
    ("jti of a thousand letters, to fill the memory", "RFC 9449 §11.1", BAD_PROOF, "jti", |s| Ok(s.proving(&s.proof().claim("jti", "x".repeat(1000))))),
    ("proof signed by another key than the one in it", "RFC 9449 §4.3 check 6", BAD_PROOF, "signature", |s| Ok(s.proving(&s.proof().signed_by(&s.loot.thief)))),
    ("proof with the private key in jwk", "RFC 9449 §4.3 check 7", BAD_PROOF, "not a usable public key", |s| Ok(s.proving(&s.proof().with_private_key()))),
    ("proof without jwk", "RFC 9449 §4.3 check 3", BAD_PROOF, "no jwk", |s| Ok(s.proving(&s.proof().without_header("jwk")))),
    ("another sort of JWT as a proof", "RFC 9449 §4.3 check 4", BAD_PROOF, "typ", |s| Ok(s.proving(&s.proof().header("typ", "JWT")))),
    ("proof with a critical extension nobody knows", "RFC 7515 §4.1.11", BAD_PROOF, "malformed", |s| Ok(s.proving(&s.proof().header("crit", json!(["x"]))))),
    ("proof of nine kilobytes", "a limit of 8 KiB", BAD_PROOF, "too long", |s| Ok(s.proving(&s.proof().claim("padding", "x".repeat(9000))))),
    ("proof with alg none", "RFC 9449 §4.3 check 5", BAD_PROOF, "malformed", |s| Ok(s.proven(&[unsigned(&s.proof().sign())?]))),
    ("proof with HS256, the public key as the secret", "RFC 9449 §4.3 check 5", BAD_PROOF, "alg", |s| Ok(s.proven(&[symmetric(&s.proof().sign(), s.loot.key.signing_key().public())?]))),
    ("two DPoP headers, each with a proof that fits", "RFC 9449 §4.3 check 1", BAD_PROOF, "one DPoP header", |s| Ok(s.proven(&[s.proof().sign(), s.proof().sign()]))),
    ("the client itself, with a proof that fits", "", "200", "", |s| Ok(s.proving(&s.proof()))),
    ("the very same request again", "RFC 9449 §11.1", BAD_PROOF, "used before", |s| Ok(s.proving(&s.proof()).twice())),
];
