//! What the other modules share: documents, tokens put together by hand, and one key of each algorithm.

use std::sync::LazyLock;

use serde_json::{Map, Value};
use tower_fapi::jose::{
    CompactJws, InvalidJwk, Jwk, JwkSet, JwsAlgorithm, JwsError, PrivateJwk, SigningKey, UnfitKey,
    VerifyingKey, VerifyingKeySet, base64url,
};

/// One of the documents of a specification, by the number of its section.
pub(crate) fn document(text: &str, section: &str) -> Value {
    let sections: Value = serde_json::from_str(text).expect("JSON");
    sections[section].clone()
}

pub(crate) fn text(value: &Value) -> &str {
    value.as_str().expect("a string")
}

/// The members of an object.
pub(crate) fn members(value: &Value) -> &Map<String, Value> {
    value.as_object().expect("an object")
}

/// The object without some of its members.
pub(crate) fn without(value: &Value, names: &[&str]) -> Value {
    let mut members = members(value).clone();
    for name in names {
        members.remove(*name);
    }
    Value::Object(members)
}

/// The object with members added or replaced.
pub(crate) fn with(value: &Value, more: &Value) -> Value {
    let mut all = members(value).clone();
    all.extend(members(more).clone());
    Value::Object(all)
}

/// The members that only private keys have.
pub(crate) const PRIVATE_MEMBERS: [&str; 6] = ["d", "p", "q", "dp", "dq", "qi"];

/// The public half of a private key in JSON.
pub(crate) fn public(value: &Value) -> Value {
    without(value, &PRIVATE_MEMBERS)
}

/// A private key in JSON.
pub(crate) fn stored(key: &PrivateJwk) -> Value {
    serde_json::from_str(&key.secret_json()).expect("JSON")
}

pub(crate) fn jwk(value: &Value) -> Jwk {
    Jwk::from_members(members(value)).expect("a public key")
}

pub(crate) fn private(value: &Value) -> PrivateJwk {
    PrivateJwk::from_members(members(value)).expect("a private key")
}

pub(crate) fn verifying(value: &Value) -> VerifyingKey {
    VerifyingKey::new(&jwk(value)).expect("a key fit to verify")
}

/// Reads a token, finds its key in the set and gives back what it says: what every caller of the module does.
pub(crate) fn open(token: &str, keys: &VerifyingKeySet) -> Result<Vec<u8>, JwsError> {
    let jws = CompactJws::parse(token)?;
    let header = jws.header()?;
    jws.verify_with(&header, keys)?;
    jws.payload()
}

pub(crate) fn set(keys: impl IntoIterator<Item = Jwk>) -> VerifyingKeySet {
    VerifyingKeySet::new(&JwkSet::new(keys))
}

/// The public halves of all our keys.
pub(crate) fn ours() -> VerifyingKeySet {
    set(JwsAlgorithm::ALL.map(|algorithm| key(algorithm).public().clone()))
}

/// Signs a token whose header is whatever the case wants it to be.
pub(crate) fn token(key: &SigningKey, header: &str, payload: &str) -> String {
    let input = format!(
        "{}.{}",
        base64url::encode(header),
        base64url::encode(payload)
    );
    let signature = key.sign(input.as_bytes()).expect("a signature");
    format!("{input}.{}", base64url::encode(signature))
}

/// One key of each algorithm. Making an RSA key takes long, so they are made once.
pub(crate) fn key(algorithm: JwsAlgorithm) -> &'static SigningKey {
    static KEYS: LazyLock<[SigningKey; 3]> = LazyLock::new(|| {
        JwsAlgorithm::ALL.map(|algorithm| SigningKey::new(private_key(algorithm)).expect("a key"))
    });
    KEYS.iter()
        .find(|key| key.algorithm() == algorithm)
        .expect("one of each")
}

/// The same keys as they are stored.
pub(crate) fn private_key(algorithm: JwsAlgorithm) -> &'static PrivateJwk {
    static KEYS: LazyLock<[PrivateJwk; 3]> = LazyLock::new(|| {
        JwsAlgorithm::ALL.map(|algorithm| PrivateJwk::generate(algorithm).expect("a key"))
    });
    let place = JwsAlgorithm::ALL.iter().position(|each| *each == algorithm);
    &KEYS[place.expect("one of each")]
}

/// What a JWKS publishes of one of our keys, without its description.
pub(crate) fn bare(algorithm: JwsAlgorithm) -> Value {
    let published = serde_json::to_value(key(algorithm).public()).expect("JSON");
    without(&published, &["kid", "use", "alg"])
}

/// Reads a public key through all its doors, which must say the same.
pub(crate) fn read_key(value: &Value) -> Result<Jwk, InvalidJwk> {
    let outcome = Jwk::from_members(members(value));
    assert_eq!(value.to_string().parse::<Jwk>(), outcome);
    let deserialized = serde_json::from_value::<Jwk>(value.clone());
    assert_eq!(deserialized.ok(), outcome.clone().ok());
    outcome
}

/// What a key that can be read is fit for.
pub(crate) fn fit(value: &Value) -> Result<JwsAlgorithm, UnfitKey> {
    VerifyingKey::new(&jwk(value)).map(|key| key.algorithm())
}
