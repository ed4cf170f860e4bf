//! Who is asking? Assertions that prove too little, or somebody else (RFC 7523, FAPI 2.0 Security Profile §5.3.2.1).

use aws_lc_rs::{
    rand::SystemRandom,
    rsa::{KeyPair, KeyPairComponents, PublicKeyComponents},
    signature::RSA_PKCS1_SHA256,
};
use serde_json::{Value, json};
use tower_fapi::jose::{PrivateJwk, base64url, json as strict_json};

use super::{
    forgery::{changed, unsigned},
    form::Form,
    raw_client::RawClient,
    report::Report,
};
use crate::{Outcome, world::World};

const BAD_CLIENT: &str = "401 invalid_client";

pub async fn run(
    world: &World,
    raw: &RawClient<'_>,
    access_token: &str,
    report: &mut Report,
) -> Outcome {
    let rival = RawClient::new(world, &world.cast.rival)?;
    let now = raw.now().as_unix();
    let right = raw.assertion();
    let own = |claim: &str, value: Value| {
        changed(&raw.assertion(), &raw.key, |_, claims| {
            claims.insert(claim.to_owned(), value);
        })
    };
    let without_jti = changed(&right, &raw.key, |_, claims| drop(claims.remove("jti")))?;
    let by_rival = rival.sign(&raw.assertion_claims());
    let token_endpoint = format!("{}/token", world.issuer);
    let several = json!([world.issuer, "https://as.evil.example"]);
    #[rustfmt::skip]
    let cases = [
        (("assertion made for another authorization server", "RFC 7523 §3 rule 3", BAD_CLIENT, "aud"), own("aud", json!("https://as.evil.example"))?),
        (("assertion for this one and another", "FAPI 2.0 §5.3.2.1", BAD_CLIENT, "aud"), own("aud", several)?),
        (("assertion for the token endpoint, not the issuer", "FAPI 2.0 §5.3.2.1", BAD_CLIENT, "aud"), own("aud", json!(token_endpoint))?),
        (("assertion that has expired", "RFC 7523 §3 rule 4", BAD_CLIENT, "expired"), own("exp", json!(now - 1))?),
        (("assertion that is good for a year", "RFC 7523 §3 rule 4", BAD_CLIENT, "too far"), own("exp", json!(now + 31_536_000))?),
        (("assertion from the future", "FAPI 2.0 §5.3.2.1", BAD_CLIENT, "future"), own("iat", json!(now + 120))?),
        (("assertion without jti, to be used again", "RFC 7523 §3 rule 7", BAD_CLIENT, "jti"), without_jti),
        (("assertion issued by another client", "OIDC Core §9", BAD_CLIENT, "iss and sub"), own("iss", json!(rival.who.id))?),
        (("assertion signed by another client's key", "RFC 7523 §3 rule 9", BAD_CLIENT, "failed"), by_rival),
        (("assertion with alg none", "FAPI 2.0 §5.4.1", BAD_CLIENT, "malformed"), unsigned(&right)?),
        (("an access token as an assertion", "RFC 8725 §3.11", BAD_CLIENT, "malformed"), access_token.to_owned()),
    ];
    for (attack, assertion) in cases {
        let form = raw.with_assertion(raw.request(), &assertion);
        report.attack(attack, &raw.post("/par", &form, &[]).await?);
    }

    let rs256 = rs256(rival.who.private_key(), &rival.assertion_claims().into())?;
    let secret = |form: Form| form.and("client_secret", "hunter2");
    #[rustfmt::skip]
    let cases = [
        (("assertion with RS256, by the right RSA key", "FAPI 2.0 §5.4.1", BAD_CLIENT, "PS256"), &rival, rival.with_assertion(rival.request(), &rs256)),
        (("one client's assertion, another's client_id", "RFC 7521 §4.2", BAD_CLIENT, "not the subject"), &rival, rival.authenticated(rival.request()).with("client_id", raw.who.id)),
        (("client_id and nothing to prove it", "FAPI 2.0 §5.3.2.2", BAD_CLIENT, "failed"), raw, raw.request().with("client_id", raw.who.id)),
        (("a shared secret", "FAPI 2.0 §5.3.2.1", BAD_CLIENT, "Shared secrets"), raw, secret(raw.request()).with("client_id", raw.who.id)),
        (("a shared secret beside an assertion", "RFC 6749 §2.3", "400 invalid_request", "more than one"), raw, secret(raw.authenticated(raw.request()))),
        (("a client that is not registered", "RFC 6749 §5.2", BAD_CLIENT, "failed"), raw, raw.request().with("client_id", "nobody")),
    ];
    for (attack, client, form) in cases {
        report.attack(attack, &client.post("/par", &form, &[]).await?);
    }

    let form = raw.with_assertion(raw.request(), &right);
    let answer = raw.post("/par", &form, &[]).await?;
    report.control("the client itself, with its assertion", "201", &answer);
    let attack = (
        "the same assertion again",
        "RFC 7523 §3 rule 7",
        BAD_CLIENT,
        "used before",
    );
    report.attack(attack, &raw.post("/par", &form, &[]).await?);
    Ok(())
}

/// Signs claims with an RSA key in the way FAPI 2.0 does not allow, which this crate has no code for.
fn rs256(key: &PrivateJwk, claims: &Value) -> Outcome<String> {
    let members = strict_json::object(key.secret_json().as_bytes())?;
    let number = |name: &str| -> Outcome<Vec<u8>> {
        let text = members
            .get(name)
            .and_then(Value::as_str)
            .unwrap_or_default();
        Ok(base64url::decode(text)?)
    };
    let key = KeyPair::from_components(&KeyPairComponents {
        public_key: PublicKeyComponents {
            n: number("n")?,
            e: number("e")?,
        },
        d: number("d")?,
        p: number("p")?,
        q: number("q")?,
        dP: number("dp")?,
        dQ: number("dq")?,
        qInv: number("qi")?,
    })?;
    let header = json!({ "alg": "RS256", "kid": members.get("kid") });
    let encode = |value: &Value| base64url::encode(value.to_string());
    let input = format!("{}.{}", encode(&header), encode(claims));
    let mut signature = vec![0; key.public_modulus_len()];
    key.sign(
        &RSA_PKCS1_SHA256,
        &SystemRandom::new(),
        input.as_bytes(),
        &mut signature,
    )?;
    Ok(format!("{input}.{}", base64url::encode(signature)))
}
