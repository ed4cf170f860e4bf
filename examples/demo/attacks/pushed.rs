//! Requests that must not even be accepted for showing to somebody (RFC 9126 §2.1).

use tower_fapi::testing::DpopKey;

use super::{
    form::Form,
    raw_client::RawClient,
    report::{Attack, Report},
};
use crate::Outcome;

const BAD_REQUEST: &str = "400 invalid_request";
const BAD_PROOF: &str = "400 invalid_dpop_proof";

pub async fn run(raw: &RawClient<'_>, report: &mut Report) -> Outcome {
    let right = || raw.request();
    let longer = format!("{}/../evil", raw.who.redirect_uri);
    let with_query = format!("{}?next=https://evil.example", raw.who.redirect_uri);
    let other_key = DpopKey::generate().thumbprint().to_string();
    #[rustfmt::skip]
    let cases: [(Attack<'_>, Form); 12] = [
        (("redirect URI of an attacker", "RFC 9700 §2.1", BAD_REQUEST, "not registered"), right().with("redirect_uri", "https://evil.example/callback")),
        (("redirect URI with something added to its path", "RFC 9700 §2.1", BAD_REQUEST, "not registered"), right().with("redirect_uri", &longer)),
        (("redirect URI with something added to its query", "RFC 9700 §2.1", BAD_REQUEST, "not registered"), right().with("redirect_uri", &with_query)),
        (("no redirect URI", "FAPI 2.0 §5.3.2.2", BAD_REQUEST, "redirect_uri is missing"), right().without("redirect_uri")),
        (("two redirect URIs", "RFC 6749 §3.1", BAD_REQUEST, "repeated"), right().and("redirect_uri", "https://evil.example/")),
        (("no PKCE", "FAPI 2.0 §5.3.2.2", BAD_REQUEST, "code_challenge is missing"), right().without("code_challenge")),
        (("PKCE with method plain", "FAPI 2.0 §5.3.2.2", BAD_REQUEST, "S256"), right().with("code_challenge_method", "plain")),
        (("response_type token", "FAPI 2.0 §5.3.2.2", "400 unsupported_response_type", "code"), right().with("response_type", "token")),
        (("a request_uri in a pushed request", "RFC 9126 §2.1", BAD_REQUEST, "must not be pushed"), right().and("request_uri", "https://evil.example/request")),
        (("more scope than the client is registered for", "RFC 6749 §5.2", "400 invalid_scope", "not registered"), right().with("scope", "accounts payments")),
        (("a token for an API that nobody knows", "RFC 8707 §2", "400 invalid_target", "resource"), right().and("resource", "https://api.evil.example")),
        (("dpop_jkt of another key than the proof's", "RFC 9449 §10.1", BAD_REQUEST, "dpop_jkt"), right().and("dpop_jkt", &other_key)),
    ];
    for (attack, form) in cases {
        let (form, proof) = (raw.authenticated(form), raw.proof("/par").sign());
        report.attack(attack, &raw.post("/par", &form, &[proof]).await?);
    }

    let form = || raw.authenticated(right());
    let old = raw.proof("/par").claim("iat", raw.now().as_unix() - 90);
    #[rustfmt::skip]
    let cases = [
        (("proof made for another endpoint", "RFC 9449 §4.3 check 9", BAD_PROOF, "htu"), vec![raw.proof("/token").sign()]),
        (("proof of 90 seconds ago", "RFC 9449 §4.3 check 11", BAD_PROOF, "iat"), vec![old.sign()]),
        (("two DPoP headers", "RFC 9449 §4.3 check 1", BAD_PROOF, "one DPoP header"), vec![raw.proof("/par").sign(), raw.proof("/par").sign()]),
    ];
    for (attack, proofs) in cases {
        report.attack(attack, &raw.post("/par", &form(), &proofs).await?);
    }

    let proof = [raw.proof("/par").sign()];
    let answer = raw.post("/par", &form(), &proof).await?;
    report.control("the request as it ought to be", "201", &answer);
    let attack = (
        "another request with the same proof",
        "RFC 9449 §11.1",
        BAD_PROOF,
        "used before",
    );
    report.attack(attack, &raw.post("/par", &form(), &proof).await?);
    Ok(())
}
