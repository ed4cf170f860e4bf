//! At the token endpoint: codes and refresh tokens in the wrong hands, and the right ones twice.

use tower_fapi::{client::TokenSet, testing::DpopKey};

use super::{
    answer::Answer,
    form::Form,
    raw_client::{RawClient, unique},
    report::Report,
};
use crate::{Outcome, browser::Browser, world::World};

const BAD_GRANT: &str = "400 invalid_grant";
const BAD_PROOF: &str = "400 invalid_dpop_proof";

pub async fn run(
    world: &World,
    raw: &RawClient<'_>,
    by_key: &TokenSet,
    report: &mut Report,
) -> Outcome {
    let mut browser = Browser::new(world.http(None)?);
    let code = raw.code(&mut browser).await?;
    stolen(world, raw, &code, report).await?;
    twice(raw, &code, report).await?;

    let attack = (
        "a code a minute later",
        "FAPI 2.0 §5.3.2.1",
        BAD_GRANT,
        "expired",
    );
    let code = raw.code(&mut browser).await?;
    world.clock.put_forward(61);
    let answer = redeem(raw, &raw.redemption(&code)).await;
    world.clock.put_forward(0);
    report.attack(attack, &answer?);

    let token = by_key.refresh_token().ok_or("no refresh token")?.secret();
    refresh_tokens(world, raw, token, report).await
}

/// The code is redeemed, and comes again.
async fn twice(raw: &RawClient<'_>, code: &str, report: &mut Report) -> Outcome {
    // Nothing that was tried before has spent it.
    let redeemed = redeem(raw, &raw.redemption(code)).await?;
    report.control("the client itself redeems the code", "200", &redeemed);
    let refresh_token = redeemed.member("refresh_token")?;
    let refreshed = redeem(raw, &refresh(&refresh_token)).await?;
    report.control("the client itself refreshes", "200", &refreshed);

    let attack = (
        "the code a second time",
        "RFC 6749 §4.1.2",
        BAD_GRANT,
        "used before",
    );
    report.attack(attack, &redeem(raw, &raw.redemption(code)).await?);
    let what = "what came of the first time: all of it is revoked";
    let attack = (what, "RFC 6749 §4.1.2", BAD_GRANT, "revoked");
    report.attack(attack, &redeem(raw, &refresh(&refresh_token)).await?);
    Ok(())
}

/// A refresh token that is not where it ought to be.
async fn refresh_tokens(
    world: &World,
    raw: &RawClient<'_>,
    token: &str,
    report: &mut Report,
) -> Outcome {
    let attack = (
        "a refresh token by another client",
        "RFC 6749 §6",
        BAD_GRANT,
        "another client",
    );
    let rival = RawClient::new(world, &world.cast.rival)?;
    report.attack(attack, &redeem(&rival, &refresh(token)).await?);

    let attack = (
        "a refresh token without a proof",
        "RFC 9449 §5",
        BAD_PROOF,
        "required",
    );
    let form = raw.authenticated(refresh(token));
    report.attack(attack, &raw.post("/token", &form, &[]).await?);

    let what = "a refresh token for more than was approved";
    let attack = (what, "RFC 6749 §6", "400 invalid_scope", "not approved");
    let more = refresh(token).with("scope", "accounts payments");
    report.attack(attack, &redeem(raw, &more).await?);

    let answer = redeem(raw, &refresh(token)).await?;
    report.control(
        "the client itself refreshes, with a new key",
        "200",
        &answer,
    );
    Ok(())
}

fn refresh(token: &str) -> Form {
    Form::new([("grant_type", "refresh_token"), ("refresh_token", token)])
}

/// Posts to the token endpoint, with client authentication and a proof that nothing is wrong about.
async fn redeem(client: &RawClient<'_>, form: &Form) -> Outcome<Answer> {
    let (form, proof) = (
        client.authenticated(form.clone()),
        client.proof("/token").sign(),
    );
    client.post("/token", &form, &[proof]).await
}

/// A code that somebody has seen: in a log, in a browser's history, on its way.
async fn stolen(world: &World, raw: &RawClient<'_>, code: &str, report: &mut Report) -> Outcome {
    let rival = RawClient::new(world, &world.cast.rival)?;
    let right = || raw.redemption(code);
    let proof = || vec![raw.proof("/token").sign()];
    let url = format!("{}/token", world.issuer);
    let other_key = DpopKey::generate().proof("POST", &url, world.now()).sign();
    let password = Form::new([
        ("grant_type", "password"),
        ("username", "ada"),
        ("password", "x"),
    ]);
    #[rustfmt::skip]
    let cases = [
        (("the code without its verifier", "RFC 7636 §4.6", BAD_GRANT, "code_verifier"), raw.authenticated(right().without("code_verifier")), proof()),
        (("the code with another verifier", "RFC 7636 §4.6", BAD_GRANT, "code_verifier"), raw.authenticated(right().with("code_verifier", &unique())), proof()),
        (("the code with another redirect URI", "RFC 6749 §4.1.3", BAD_GRANT, "redirect_uri"), raw.authenticated(right().with("redirect_uri", "https://evil.example/")), proof()),
        (("the code by another client", "RFC 6749 §4.1.3", BAD_GRANT, "another client"), rival.authenticated(right()), vec![rival.proof("/token").sign()]),
        (("the code with another DPoP key than it is bound to", "RFC 9449 §10", BAD_GRANT, "another DPoP key"), raw.authenticated(right()), vec![other_key]),
        (("the code without a proof", "FAPI 2.0 §5.3.2.1", BAD_PROOF, "required"), raw.authenticated(right()), vec![]),
        (("the code with a proof for another endpoint", "RFC 9449 §4.3 check 9", BAD_PROOF, "htu"), raw.authenticated(right()), vec![raw.proof("/par").sign()]),
        (("the code without client authentication", "FAPI 2.0 §5.3.2.1", "401 invalid_client", "failed"), right().with("client_id", raw.who.id), proof()),
        (("a code that was made up", "RFC 6749 §5.2", BAD_GRANT, "not valid"), raw.authenticated(right().with("code", &unique())), proof()),
        (("the password grant", "FAPI 2.0 §5.3.2.1", "400 unsupported_grant_type", "grant_type"), raw.authenticated(password), proof()),
    ];
    for (attack, form, proofs) in cases {
        report.attack(attack, &raw.post("/token", &form, &proofs).await?);
    }
    Ok(())
}
