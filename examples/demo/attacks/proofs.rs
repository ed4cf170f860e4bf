//! The token is stolen, the key is not: what keeps DPoP-bound tokens from being used (RFC 9449).

use http::header::AUTHORIZATION;
use serde_json::json;
use tower_fapi::{client::TokenSet, dpop::DPOP, testing::DpopKey};

use super::{
    Victim,
    answer::Answer,
    forgery::{symmetric, unsigned},
    report::Report,
};
use crate::{Outcome, world::World};

const BAD_PROOF: &str = "401 invalid_dpop_proof";
const BAD_TOKEN: &str = "401 invalid_token";

pub async fn run(
    world: &World,
    victim: &Victim,
    by_key: &TokenSet,
    report: &mut Report,
) -> Outcome {
    let (http, now) = (world.http(None)?, world.now());
    let url = format!("{}/accounts", world.api);
    let call = async |scheme: &str, token: &str, proofs: &[String]| {
        let authorization = format!("{scheme} {token}");
        let request = http.get(&url).header(AUTHORIZATION, authorization);
        let with = |request: reqwest::RequestBuilder, proof| request.header(DPOP, proof);
        Answer::to(proofs.iter().fold(request, with)).await
    };

    // From the flow above: its key is in the client's hands, and nobody else's.
    let stolen = by_key.access_token().secret();
    let thief = DpopKey::generate();
    let own_proof = thief.proof("GET", &url, now).access_token(stolen).sign();
    #[rustfmt::skip]
    let cases = [
        (("the stolen token alone", "RFC 9449 §4.3 check 1", BAD_PROOF, "needs a proof"), "DPoP", vec![]),
        (("the stolen token as a bearer token", "RFC 9449 §7.2", BAD_TOKEN, "needs the DPoP scheme"), "Bearer", vec![]),
        (("the stolen token, proof by the thief's own key", "RFC 9449 §4.3 check 12", BAD_TOKEN, "another key"), "DPoP", vec![own_proof]),
    ];
    for (attack, scheme, proofs) in cases {
        report.attack(attack, &call(scheme, stolen, &proofs).await?);
    }

    // From here on somebody has even got the key to sign something, each time something else than this request.
    let Victim { token, key } = victim;
    let proof = || key.proof("GET", &url, now).access_token(token);
    let made_for = |url: &str| key.proof("GET", url, now).access_token(token);
    let dated = |offset: i64| proof().claim("iat", now.as_unix() + offset);
    let payments = format!("{}/payments", world.api);
    #[rustfmt::skip]
    let cases = [
        (("proof made for another method", "RFC 9449 §4.3 check 8", BAD_PROOF, "htm"), proof().claim("htm", "POST")),
        (("proof made for another URL of this API", "RFC 9449 §4.3 check 9", BAD_PROOF, "htu"), made_for(&payments)),
        (("proof that another API has passed on", "RFC 9449 §4.3 check 9", BAD_PROOF, "htu"), made_for("https://api.evil.example/accounts")),
        (("proof of 90 seconds ago", "RFC 9449 §4.3 check 11", BAD_PROOF, "past"), dated(-90)),
        (("proof made in advance, dated a minute from now", "RFC 9449 §4.3 check 11", BAD_PROOF, "future"), dated(60)),
        (("proof made for another token", "RFC 9449 §4.3 check 12", BAD_PROOF, "ath"), proof().access_token(stolen)),
        (("proof made for no token", "RFC 9449 §4.3 check 12", BAD_PROOF, "ath"), proof().without_claim("ath")),
        (("proof without jti, to be used twice", "RFC 9449 §4.3 check 3", BAD_PROOF, "jti"), proof().without_claim("jti")),
        (("jti of a thousand letters, to fill the memory", "RFC 9449 §11.1", BAD_PROOF, "jti"), proof().claim("jti", "x".repeat(1000))),
        (("proof signed by another key than the one in it", "RFC 9449 §4.3 check 6", BAD_PROOF, "signature"), proof().signed_by(&thief)),
        (("proof with the private key in jwk", "RFC 9449 §4.3 check 7", BAD_PROOF, "not a usable public key"), proof().with_private_key()),
        (("proof without jwk", "RFC 9449 §4.3 check 3", BAD_PROOF, "no jwk"), proof().without_header("jwk")),
        (("another sort of JWT as a proof", "RFC 9449 §4.3 check 4", BAD_PROOF, "typ"), proof().header("typ", "JWT")),
        (("proof with a critical extension nobody knows", "RFC 7515 §4.1.11", BAD_PROOF, "malformed"), proof().header("crit", json!(["x"]))),
        (("proof of nine kilobytes", "a limit of 8 KiB", BAD_PROOF, "too long"), proof().claim("padding", "x".repeat(9000))),
    ];
    for (attack, proof) in cases {
        report.attack(attack, &call("DPoP", token, &[proof.sign()]).await?);
    }

    let none = unsigned(&proof().sign())?;
    let shared = symmetric(&proof().sign(), key.signing_key().public())?;
    #[rustfmt::skip]
    let cases = [
        (("proof with alg none", "RFC 9449 §4.3 check 5", BAD_PROOF, "malformed"), vec![none]),
        (("proof with HS256, the public key as the secret", "RFC 9449 §4.3 check 5", BAD_PROOF, "alg"), vec![shared]),
        (("two DPoP headers, each with a proof that fits", "RFC 9449 §4.3 check 1", BAD_PROOF, "one DPoP header"), vec![proof().sign(), proof().sign()]),
    ];
    for (attack, proofs) in cases {
        report.attack(attack, &call("DPoP", token, &proofs).await?);
    }

    let once = [proof().sign()];
    let answer = call("DPoP", token, &once).await?;
    report.control("the client itself, with a proof that fits", "200", &answer);
    let attack = (
        "the very same request again",
        "RFC 9449 §11.1",
        BAD_PROOF,
        "used before",
    );
    report.attack(attack, &call("DPoP", token, &once).await?);
    Ok(())
}
