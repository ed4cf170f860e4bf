//! Encrypted documents that are malformed where anybody can see it.

use proptest::prelude::*;
use serde_json::{Value, json};
use tower_fapi::jose::{
    base64url,
    jwe::{
        AcceptedEncryption, CompactJwe, ContentEncryption, DecryptionKeys, JweAlgorithm, JweError,
        decrypt,
    },
};

use crate::{
    encryption::{everything, keys, pairs, seal},
    support::{with, without},
};

/// A document for this algorithm, and the keys that open it.
fn sound(algorithm: JweAlgorithm, encryption: ContentEncryption) -> (String, DecryptionKeys) {
    let mut pairs = pairs().iter();
    let fitting = pairs.find_map(|(written, key)| {
        let sealed = (key.algorithm() == algorithm).then(|| seal(key, encryption));
        Some((sealed?.ok()?, keys(written)))
    });
    let (sealed, keys) = fitting.expect("a key");
    assert!(decrypt(&sealed, &keys, &everything()).is_ok());
    (sealed, keys)
}

fn refusal(document: &str, keys: &DecryptionKeys) -> JweError {
    decrypt(document, keys, &everything()).unwrap_err()
}

fn with_segment(document: &str, place: usize, segment: &str) -> String {
    let mut segments: Vec<_> = document.split('.').collect();
    segments[place] = segment;
    segments.join(".")
}

fn header_of(document: &str) -> Value {
    let (header, _) = document.split_once('.').unwrap();
    serde_json::from_slice(&base64url::decode(header).unwrap()).unwrap()
}

fn with_header(document: &str, header: impl AsRef<str>) -> String {
    with_segment(document, 0, &base64url::encode(header.as_ref()))
}

// RFC 7516 §5.2 steps 1 and 2, §7.1.
#[test]
fn there_are_five_segments_of_canonical_base64url() {
    let (good, keys) = sound(JweAlgorithm::EcdhEsA256Kw, ContentEncryption::A256Gcm);
    for (case, document) in [
        ("nothing", String::new()),
        ("four", good.rsplit_once('.').unwrap().0.to_owned()),
        ("six", format!("{good}.AA")),
        ("a dot behind", format!("{good}.")),
        ("no header", with_segment(&good, 0, "")),
        ("no initialization vector", with_segment(&good, 2, "")),
        ("no tag", with_segment(&good, 4, "")),
        (
            "the JSON serialization",
            r#"{"protected":"e30","ciphertext":"AA"}"#.to_owned(),
        ),
    ] {
        assert_eq!(refusal(&document, &keys), JweError::Segments, "{case}");
    }
    for place in 0..5 {
        let segment = good.split('.').nth(place).unwrap();
        for (case, segment) in [
            ("padding", format!("{segment}=")),
            ("white space", format!("{segment} ")),
            ("line break", format!("\n{segment}")),
            ("NUL", format!("{segment}\0")),
            ("standard alphabet", format!("+/{segment}")),
            (
                "one character left over",
                format!("{}A", &segment[..segment.len() / 4 * 4]),
            ),
        ] {
            let outcome = refusal(&with_segment(&good, place, &segment), &keys);
            assert!(
                matches!(outcome, JweError::Base64Url(_)),
                "{case} in {place}: {outcome:?}"
            );
        }
    }
}

// RFC 7516 §4, §5.2 steps 3 to 5; RFC 8725 §2.6.
#[test]
fn the_header_is_one_unambiguous_object() {
    let (good, keys) = sound(JweAlgorithm::Dir, ContentEncryption::A256Gcm);
    let header = r#"{"alg":"dir","enc":"A256GCM"}"#;
    for (case, text) in [
        ("duplicate", r#"{"alg":"dir","alg":"dir","enc":"A256GCM"}"#),
        (
            "duplicate by escape",
            r#"{"alg":"dir","\u0061lg":"dir","enc":"A256GCM"}"#,
        ),
        (
            "duplicate of what nobody reads",
            r#"{"alg":"dir","enc":"A256GCM","a":{"b":1,"b":1}}"#,
        ),
        ("trailing bytes", r#"{"alg":"dir","enc":"A256GCM"}{}"#),
        ("NUL", r#"{"alg":"dir","enc":"A256GCM","kid":"\u0000"}"#),
        (
            "lone surrogate",
            r#"{"alg":"dir","enc":"A256GCM","kid":"\ud800"}"#,
        ),
        ("array", "[]"),
        ("no JSON", "alg=dir"),
        ("empty", " "),
    ] {
        let outcome = refusal(&with_header(&good, text), &keys);
        assert!(matches!(outcome, JweError::Json(_)), "{case}: {outcome:?}");
    }
    // Sound, but another one than what was authenticated.
    assert_eq!(
        refusal(&with_header(&good, header), &keys),
        JweError::Decryption
    );
}

// RFC 7516 §4.1, RFC 7518 §4.6.1 and §4.7.1.
#[test]
fn each_parameter_has_its_type_and_meaning() {
    let gcm = ContentEncryption::A128Gcm;
    let (agreed, agreed_keys) = sound(JweAlgorithm::EcdhEs, gcm);
    let (wrapped, wrapped_keys) = sound(JweAlgorithm::A256GcmKw, gcm);
    let epk = &header_of(&agreed)["epk"];
    let rsa = json!({"kty": "RSA", "e": "AQAB", "n": base64url::encode([0xff; 256])});
    let edwards = json!({"kty": "OKP", "crv": "Ed25519",
        "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"});
    for (document, keys, changes) in [
        (
            &agreed,
            &agreed_keys,
            vec![
                (json!({"alg": "RSA1_5"}), JweError::Algorithm),
                (json!({"alg": "PBES2-HS256+A128KW"}), JweError::Algorithm),
                (json!({"alg": "none"}), JweError::Algorithm),
                (json!({"alg": "ecdh-es"}), JweError::Algorithm),
                (json!({"alg": 1}), JweError::Header("alg")),
                (json!({"alg": null}), JweError::Header("alg")),
                (json!({"alg": ["ECDH-ES"]}), JweError::Header("alg")),
                (json!({"enc": "A192GCM"}), JweError::Encryption),
                (json!({"enc": "none"}), JweError::Encryption),
                (json!({"enc": true}), JweError::Header("enc")),
                (json!({"zip": "DEF"}), JweError::Compressed),
                (json!({"zip": null}), JweError::Compressed),
                (json!({"crit": ["exp"]}), JweError::Critical),
                (json!({"crit": ["alg"]}), JweError::Critical),
                (json!({"crit": []}), JweError::Critical),
                (json!({"kid": 5}), JweError::Header("kid")),
                (json!({"typ": 5}), JweError::Header("typ")),
                (json!({"cty": ["JWT"]}), JweError::Header("cty")),
                (json!({"apu": "A"}), JweError::Header("apu")),
                (json!({"apu": "QWxpY2U="}), JweError::Header("apu")),
                (json!({"apv": 7}), JweError::Header("apv")),
                (json!({"epk": "key"}), JweError::Header("epk")),
                (json!({"epk": {}}), JweError::Header("epk")),
                (json!({"epk": rsa}), JweError::Header("epk")),
                (json!({"epk": edwards}), JweError::Header("epk")),
                (
                    json!({"epk": with(epk, &json!({"d": "AA"}))}),
                    JweError::Header("epk"),
                ),
                // A point beside the curve (RFC 8725 §2.5).
                (
                    json!({"epk": with(epk, &json!({"y": epk["x"]}))}),
                    JweError::Header("epk"),
                ),
                (
                    json!({"epk": with(epk, &json!({"crv": "P-521"}))}),
                    JweError::Header("epk"),
                ),
            ],
        ),
        (
            &wrapped,
            &wrapped_keys,
            vec![
                (json!({"iv": "AAAA"}), JweError::Header("iv")),
                (json!({"iv": 0}), JweError::Header("iv")),
                (json!({"tag": "AAAA"}), JweError::Header("tag")),
                (
                    json!({"tag": base64url::encode([0; 16])}),
                    JweError::Decryption,
                ),
                (
                    json!({"iv": base64url::encode([0; 12])}),
                    JweError::Decryption,
                ),
            ],
        ),
    ] {
        for (change, expected) in changes {
            let header = with(&header_of(document), &change);
            let outcome = refusal(&with_header(document, header.to_string()), keys);
            assert_eq!(outcome, expected, "{change}");
        }
    }
    for (document, keys, name) in [
        (&agreed, &agreed_keys, "alg"),
        (&agreed, &agreed_keys, "enc"),
        (&agreed, &agreed_keys, "epk"),
        (&wrapped, &wrapped_keys, "iv"),
        (&wrapped, &wrapped_keys, "tag"),
    ] {
        let header = without(&header_of(document), &[name]);
        let outcome = refusal(&with_header(document, header.to_string()), keys);
        assert_eq!(outcome, JweError::Header(name));
    }
}

// RFC 7516 §5.2 steps 10 and 11, RFC 7518 §5.2.2.2 and §5.3: a shorter tag is easier to guess.
#[test]
fn each_segment_has_the_length_of_its_algorithm() {
    const KEY: &str = "encrypted key";
    const VECTOR: &str = "initialization vector";
    const TAG: &str = "authentication tag";
    let gcm = ContentEncryption::A256Gcm;
    let cbc = ContentEncryption::A256CbcHs512;
    let wrapped = JweAlgorithm::EcdhEsA256Kw;
    for (algorithm, encryption, place, lengths, what) in [
        (JweAlgorithm::EcdhEs, gcm, 1, vec![1, 32, 40], KEY),
        (JweAlgorithm::Dir, gcm, 1, vec![1, 32], KEY),
        (wrapped, gcm, 1, vec![0], KEY),
        (JweAlgorithm::RsaOaep256, gcm, 1, vec![0], KEY),
        (wrapped, gcm, 2, vec![1, 11, 13, 16], VECTOR),
        (wrapped, cbc, 2, vec![1, 12, 15, 17, 32], VECTOR),
        (wrapped, gcm, 4, vec![1, 4, 8, 12, 15, 17, 32], TAG),
        (wrapped, cbc, 4, vec![1, 16, 31, 33, 64], TAG),
    ] {
        let (good, keys) = sound(algorithm, encryption);
        let segment = base64url::decode(good.split('.').nth(place).unwrap()).unwrap();
        for length in lengths {
            let mut other = segment.clone();
            other.resize(length, 0);
            let document = with_segment(&good, place, &base64url::encode(other));
            let outcome = refusal(&document, &keys);
            assert_eq!(outcome, JweError::Length(what), "{algorithm} {length}");
        }
    }
    // These lengths depend on the key, or on nothing that stands in the header.
    for (algorithm, place, lengths) in [
        (wrapped, 1, vec![1, 8, 24, 32, 48]),
        (JweAlgorithm::RsaOaep256, 1, vec![1, 255, 257, 512]),
        (wrapped, 3, vec![0, 1, 15, 16, 17]),
    ] {
        let (good, keys) = sound(algorithm, cbc);
        for length in lengths {
            let document = with_segment(&good, place, &base64url::encode(vec![1; length]));
            assert_eq!(refusal(&document, &keys), JweError::Decryption, "{length}");
        }
    }
}

#[test]
fn what_is_not_accepted_is_not_even_tried() {
    let (document, keys) = sound(JweAlgorithm::RsaOaep, ContentEncryption::A128Gcm);
    let accepted = AcceptedEncryption::default();
    assert!(!accepted.algorithms().contains(&JweAlgorithm::RsaOaep));
    assert_eq!(accepted.algorithms().len(), JweAlgorithm::ALL.len() - 1);
    assert_eq!(accepted.encryptions(), ContentEncryption::ALL);
    let outcome = decrypt(&document, &keys, &accepted).unwrap_err();
    assert_eq!(outcome, JweError::Algorithm);
    let other = everything().with_encryptions([ContentEncryption::A256Gcm]);
    assert_eq!(
        decrypt(&document, &keys, &other).unwrap_err(),
        JweError::Encryption
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_text_is_refused_without_a_panic(
        text in r"([A-Za-z0-9_-]{0,9}\.){0,6}[A-Za-z0-9_-]{0,9}", any in ".{0,40}",
    ) {
        let (_, keys) = sound(JweAlgorithm::Dir, ContentEncryption::A256Gcm);
        for text in [text, any] {
            prop_assert!(decrypt(&text, &keys, &everything()).is_err());
            let five = text.split('.').count() == 5;
            prop_assert_eq!(CompactJwe::has_shape(&text), five);
        }
    }
}
