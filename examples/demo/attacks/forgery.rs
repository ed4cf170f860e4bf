//! JWTs that were right until somebody changed them.

use aws_lc_rs::hmac;
use serde_json::{Map, Value};
use tower_fapi::{
    jose::{Jwk, SigningKey, base64url},
    testing::Document,
};

use crate::{Outcome, jwt::Decoded};

/// The JWT with its header and claims changed, and signed by this key.
pub fn changed(
    jwt: &str,
    key: &SigningKey,
    change: impl FnOnce(&mut Map<String, Value>, &mut Map<String, Value>),
) -> Outcome<String> {
    let Decoded {
        mut header,
        mut claims,
    } = Decoded::of(jwt)?;
    change(&mut header, &mut claims);
    let (header, claims) = (Value::Object(header), Value::Object(claims));
    let (header, claims) = (header.to_string(), claims.to_string());
    Ok(Document::sign_texts(key, &header, &claims))
}

/// The JWT with a second `sub` before its own, and signed by this key.
pub fn repeated(jwt: &str, key: &SigningKey) -> Outcome<String> {
    let Decoded { header, claims } = Decoded::of(jwt)?;
    let (header, claims) = (Value::Object(header), Value::Object(claims));
    let claims = claims.to_string().replacen('{', r#"{"sub":"mallory","#, 1);
    Ok(Document::sign_texts(key, &header.to_string(), &claims))
}

/// The claims as they are, under `alg` `none` and without a signature (RFC 7515 Appendix A.5).
pub fn unsigned(jwt: &str) -> Outcome<String> {
    Ok(format!("{}.", input(jwt, "none")?))
}

/// The claims as they are, under `HS256` with the public key as the secret: what a verifier is fooled by that lets the
/// header decide what its key is for (RFC 8725 §2.1).
pub fn symmetric(jwt: &str, public: &Jwk) -> Outcome<String> {
    let input = input(jwt, "HS256")?;
    let secret = serde_json::to_vec(public)?;
    let signature = hmac::sign(
        &hmac::Key::new(hmac::HMAC_SHA256, &secret),
        input.as_bytes(),
    );
    Ok(format!("{input}.{}", base64url::encode(signature)))
}

/// The claims changed, and the signature left as it was.
pub fn tampered(jwt: &str, claim: &str, value: &str) -> Outcome<String> {
    let mut claims = Decoded::of(jwt)?.claims;
    claims.insert(claim.to_owned(), value.into());
    let (header, rest) = jwt.split_once('.').ok_or("not a JWT")?;
    let (_, signature) = rest.split_once('.').ok_or("not a JWT")?;
    let claims = base64url::encode(Value::Object(claims).to_string());
    Ok(format!("{header}.{claims}.{signature}"))
}

/// What is signed, with another algorithm in its header.
fn input(jwt: &str, algorithm: &str) -> Outcome<String> {
    let Decoded { mut header, claims } = Decoded::of(jwt)?;
    header.insert("alg".to_owned(), algorithm.into());
    let encode = |members| base64url::encode(Value::Object(members).to_string());
    Ok(format!("{}.{}", encode(header), encode(claims)))
}
