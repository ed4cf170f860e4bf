//! Encrypted documents: the specifications' examples, every algorithm both ways, and what must not be decrypted.

use std::sync::LazyLock;

use serde_json::{Value, json};
use tower_fapi::jose::{
    PrivateJwk, base64url,
    jwe::{
        AcceptedEncryption, AgreementCurve, ContentEncryption, DecryptionKey, DecryptionKeys,
        EncryptionHeader, EncryptionKey, JweAlgorithm, JweError, JweKeyError, decrypt, encrypt,
    },
};

use crate::support::{document, jwk, public, stored, text, with};

fn rfc7516(section: &str) -> Value {
    document(include_str!("data/rfc7516.json"), section)
}

fn rfc7520(section: &str) -> Value {
    document(include_str!("data/rfc7520_jwe.json"), section)
}

pub(crate) fn decryption_key(value: &Value) -> Result<DecryptionKey, JweKeyError> {
    value.to_string().parse()
}

pub(crate) fn keys(value: &Value) -> DecryptionKeys {
    DecryptionKeys::new([decryption_key(value).expect("a decryption key")])
}

pub(crate) fn everything() -> AcceptedEncryption {
    AcceptedEncryption::default().with_algorithms(JweAlgorithm::ALL)
}

// RFC 7516 A.1 and A.3, RFC 7520 §5.2, §5.4 to §5.8.
#[test]
fn the_examples_of_the_specifications_decrypt() {
    // A shared key has to name its algorithm, which that of the example does not.
    let mut aes = rfc7516("A.3");
    aes["jwk"] = with(&aes["jwk"], &json!({"alg": "A128KW"}));
    for (example, algorithm, encryption) in [
        (
            rfc7516("A.1"),
            JweAlgorithm::RsaOaep,
            ContentEncryption::A256Gcm,
        ),
        (aes, JweAlgorithm::A128Kw, ContentEncryption::A128CbcHs256),
        (
            rfc7520("5.2"),
            JweAlgorithm::RsaOaep,
            ContentEncryption::A256Gcm,
        ),
        (
            rfc7520("5.4"),
            JweAlgorithm::EcdhEsA128Kw,
            ContentEncryption::A128Gcm,
        ),
        (
            rfc7520("5.5"),
            JweAlgorithm::EcdhEs,
            ContentEncryption::A128CbcHs256,
        ),
        (
            rfc7520("5.6"),
            JweAlgorithm::Dir,
            ContentEncryption::A128Gcm,
        ),
        (
            rfc7520("5.7"),
            JweAlgorithm::A256GcmKw,
            ContentEncryption::A128CbcHs256,
        ),
        (
            rfc7520("5.8"),
            JweAlgorithm::A128Kw,
            ContentEncryption::A128Gcm,
        ),
    ] {
        let keys = keys(&example["jwk"]);
        let opened = decrypt(text(&example["jwe"]), &keys, &everything()).unwrap();
        assert_eq!(
            opened.plaintext[..],
            *text(&example["plaintext"]).as_bytes()
        );
        assert_eq!(opened.header.algorithm(), algorithm);
        assert_eq!(opened.header.encryption(), encryption);
    }
}

// RFC 7516 A.2, RFC 7520 §5.1, §5.3 and §5.9; RFC 8725 §3.2 and §3.6.
#[test]
fn the_examples_that_nobody_should_follow_are_refused_with_the_right_key_at_hand() {
    for (example, key, expected) in [
        (rfc7516("A.2"), rfc7516("A.2"), JweError::Algorithm),
        (rfc7520("5.1"), rfc7520("5.1"), JweError::Algorithm),
        (rfc7520("5.3"), rfc7520("5.8"), JweError::Algorithm),
        (rfc7520("5.9"), rfc7520("5.9"), JweError::Compressed),
    ] {
        let outcome = decrypt(text(&example["jwe"]), &keys(&key["jwk"]), &everything());
        assert_eq!(outcome.unwrap_err(), expected);
    }
}

/// One key for each algorithm and curve: how it is written down, and how to encrypt to it.
pub(crate) fn pairs() -> &'static [(Value, EncryptionKey)] {
    static PAIRS: LazyLock<Vec<(Value, EncryptionKey)>> = LazyLock::new(|| {
        let rsa = stored(&PrivateJwk::generate_for_decryption(JweAlgorithm::RsaOaep256).unwrap());
        let curves = [
            AgreementCurve::P256,
            AgreementCurve::P384,
            AgreementCurve::X25519,
        ];
        let mut keys = Vec::new();
        for algorithm in JweAlgorithm::ALL {
            match algorithm {
                JweAlgorithm::RsaOaep
                | JweAlgorithm::RsaOaep256
                | JweAlgorithm::RsaOaep384
                | JweAlgorithm::RsaOaep512 => {
                    keys.push(with(&rsa, &json!({"alg": algorithm.as_str()})));
                }
                JweAlgorithm::EcdhEs | JweAlgorithm::EcdhEsA128Kw | JweAlgorithm::EcdhEsA256Kw => {
                    keys.extend(curves.map(|curve| {
                        stored(&PrivateJwk::generate_for_agreement(curve, algorithm).unwrap())
                    }));
                }
                JweAlgorithm::A128Kw => keys.push(shared(algorithm.as_str(), 16)),
                JweAlgorithm::A256Kw | JweAlgorithm::A256GcmKw => {
                    keys.push(shared(algorithm.as_str(), 32));
                }
                JweAlgorithm::Dir => {
                    keys.extend([16, 32, 64].map(|length| shared(algorithm.as_str(), length)));
                }
            }
        }
        keys.into_iter()
            .map(|key| {
                let encryption = encryption_key(&key);
                (key, encryption)
            })
            .collect()
    });
    &PAIRS
}

fn shared(alg: &str, length: usize) -> Value {
    let secret: Vec<u8> = (0..length).map(|byte| byte.try_into().unwrap()).collect();
    json!({"kty": "oct", "kid": format!("{alg} {length}"), "alg": alg, "k": base64url::encode(secret)})
}

fn encryption_key(key: &Value) -> EncryptionKey {
    if key["kty"] == "oct" {
        let secret = base64url::decode(text(&key["k"])).unwrap();
        let kid = text(&key["kid"]).to_owned();
        EncryptionKey::shared(&secret, text(&key["alg"]), Some(kid)).unwrap()
    } else {
        EncryptionKey::new(&jwk(&public(key))).unwrap()
    }
}

pub(crate) fn seal(
    key: &EncryptionKey,
    encryption: ContentEncryption,
) -> Result<String, JweKeyError> {
    let header = EncryptionHeader {
        cty: Some("JWT"),
        party_u: b"Alice",
        party_v: b"Bob",
        ..EncryptionHeader::default()
    };
    encrypt(key, encryption, header, CONTENT)
}

pub(crate) const CONTENT: &[u8] = b"not a multiple of sixteen bytes";

#[test]
fn what_is_encrypted_with_any_algorithms_decrypts_and_says_how() {
    let mut combinations = 0;
    for (written, key) in pairs() {
        let keys = keys(written);
        for encryption in ContentEncryption::ALL {
            let sealed = match seal(key, encryption) {
                Ok(sealed) => sealed,
                // A `dir` key is as long as one content encryption wants it.
                Err(error) => {
                    assert!(matches!(error, JweKeyError::KeyLength(_)), "{error}");
                    assert_eq!(key.algorithm(), JweAlgorithm::Dir);
                    continue;
                }
            };
            let opened = decrypt(&sealed, &keys, &everything()).unwrap();
            assert_eq!(&opened.plaintext[..], CONTENT);
            assert_eq!(opened.header.algorithm(), key.algorithm());
            assert_eq!(opened.header.encryption(), encryption);
            assert_eq!(opened.header.kid(), key.kid());
            assert!(opened.header.is_cty("JWT") && opened.header.is_cty("jwt"));
            combinations += 1;
        }
    }
    assert_eq!(combinations, (4 + 9 + 3) * 4 + 4);
}

// RFC 7516 §5.2 step 17, §11.4: whatever bit of whatever segment is changed, nothing comes out.
#[test]
fn a_changed_segment_never_decrypts() {
    for (written, key) in pairs() {
        let keys = keys(written);
        for encryption in ContentEncryption::ALL {
            let Ok(sealed) = seal(key, encryption) else {
                continue;
            };
            let segments: Vec<_> = sealed.split('.').collect();
            for place in 0..segments.len() {
                let mut bytes = base64url::decode(segments[place]).unwrap();
                let Some(last) = bytes.last_mut() else {
                    continue;
                };
                // In the header, white space changes nothing but what is authenticated.
                if place == 0 {
                    bytes.push(b' ');
                } else {
                    *last ^= 1;
                }
                let changed = base64url::encode(bytes);
                let mut segments = segments.clone();
                segments[place] = &changed;
                assert_eq!(
                    decrypt(&segments.join("."), &keys, &everything()).unwrap_err(),
                    JweError::Decryption,
                    "{} {encryption} segment {place}",
                    key.algorithm()
                );
            }
        }
    }
}
