//! All the doors of the module at once, and what must hold for whatever gets in: written out again it is the same, it
//! holds no more than came in, and nobody's signature is anybody's.

use serde_json::{Map, Value};
use tower_fapi::jose::{
    CompactJws, Jwk, JwkSet, JwkThumbprint, JwsAlgorithm, PrivateJwk, SigningKey, VerifyingKey,
    VerifyingKeySet, base64url, json,
};

use crate::support::{PRIVATE_MEMBERS, key, ours};

/// Throws the same octets at every door of the module.
pub(crate) fn assail(bytes: &[u8]) {
    assail_base64url(bytes);
    if let Ok(members) = json::object(bytes) {
        assail_members(&members);
        // Nothing is read that other readers of JSON would not read, and read the same.
        let read: Value = serde_json::from_slice(bytes).expect("JSON");
        assert_eq!(Value::Object(members), read);
    }
    let _ = json::from_slice::<JwkSet>(bytes);
    let _ = serde_json::from_slice::<Jwk>(bytes);
    let _ = serde_json::from_slice::<PrivateJwk>(bytes);
    let _ = serde_json::from_slice::<JwkThumbprint>(bytes);
    let _ = serde_json::from_slice::<JwsAlgorithm>(bytes);
    if let Ok(text) = str::from_utf8(bytes) {
        assail_text(text);
    }
}

fn assail_base64url(bytes: &[u8]) {
    let mut buffer = b"old".to_vec();
    let decoded = base64url::decode(bytes);
    assert_eq!(
        base64url::decode_into(bytes, &mut buffer),
        decoded.clone().map(drop)
    );
    assert_eq!(
        base64url::decode_array::<32>(bytes).ok().map(Vec::from),
        decoded.clone().ok().filter(|bytes| bytes.len() == 32)
    );
    assert_eq!(
        base64url::decode_array::<64>(bytes).ok().map(Vec::from),
        decoded.clone().ok().filter(|bytes| bytes.len() == 64)
    );
    if let Ok(decoded) = decoded {
        assert_eq!(base64url::encode(&decoded).as_bytes(), bytes);
        assert_eq!(buffer, decoded);
        assert!(
            decoded.capacity() <= bytes.len() + 3,
            "{} octets for {}",
            decoded.capacity(),
            bytes.len()
        );
    }
}

fn assail_text(text: &str) {
    if let Ok(algorithm) = text.parse::<JwsAlgorithm>() {
        assert!([algorithm.as_str(), "Ed25519"].contains(&text));
    }
    if let Ok(thumbprint) = text.parse::<JwkThumbprint>() {
        assert_eq!(thumbprint.to_string(), text);
    }
    let public = text.parse::<Jwk>();
    let private = text.parse::<PrivateJwk>();
    assert!(
        public.is_err() || private.is_err(),
        "no key is both public and private"
    );
    if let Ok(set) = text.parse::<JwkSet>() {
        assail_set(&set);
    }
    if let Ok(jws) = CompactJws::parse(text) {
        assert_eq!(text.matches('.').count(), 2);
        assert!(text.starts_with(jws.header_segment()));
        let _ = jws.payload();
        let header = jws.header();
        for algorithm in JwsAlgorithm::ALL {
            let key = VerifyingKey::new(key(algorithm).public()).expect("a key");
            assert!(jws.verify(&key).is_err(), "nobody signed this");
        }
        if let Ok(header) = header {
            assert!(jws.verify_with(&header, &ours()).is_err());
            if let Some(jwk) = header.jwk() {
                assail_members(jwk);
            }
            let _ = (
                header.is_typ("at+jwt"),
                header.kid(),
                header.typ(),
                header.algorithm(),
            );
        }
    }
}

pub(crate) fn assail_members(members: &Map<String, Value>) {
    if let Ok(jwk) = Jwk::from_members(members) {
        let written = jwk.to_members();
        assert!(
            PRIVATE_MEMBERS
                .iter()
                .all(|name| !written.contains_key(*name))
        );
        let again = Jwk::from_members(&written).expect("what was written can be read");
        assert_eq!(again, jwk);
        assert_eq!(again.thumbprint(), jwk.thumbprint());
        if let Ok(key) = VerifyingKey::new(&jwk) {
            assert_eq!(key.thumbprint(), jwk.thumbprint());
            assert!(key.verify(b"", b"").is_err());
            assert!(key.verify(b"", &[1; 64]).is_err());
        }
    }
    if let Ok(private) = PrivateJwk::from_members(members) {
        let again: PrivateJwk = private.secret_json().parse().expect("what was written");
        assert_eq!(again.public(), private.public());
        assert_eq!(*again.secret_json(), *private.secret_json());
        if let Ok(signer) = SigningKey::new(&private) {
            let signature = signer.sign(b"message").expect("a signature");
            let key = VerifyingKey::new(signer.public()).expect("its public half");
            assert_eq!(key.verify(b"message", &signature), Ok(()));
        }
    }
    if let Ok(set) = JwkSet::from_value(&Value::Object(members.clone())) {
        assail_set(&set);
    }
}

fn assail_set(set: &JwkSet) {
    assert!(set.keys().len() <= JwkSet::MAX_KEYS);
    let written = serde_json::to_value(set).expect("JSON");
    assert_eq!(JwkSet::from_value(&written).as_ref(), Ok(set));
    for key in VerifyingKeySet::new(set).keys() {
        assert!(key.verify(b"", &[0; 64]).is_err());
    }
}
