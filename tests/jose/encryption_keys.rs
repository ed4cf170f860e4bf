//! Keys for encryption: what they say they are for, which of them is taken, and what nobody gets to see.

use serde_json::{Value, json};
use tower_fapi::jose::{
    InvalidJwk, Jwk, JwkSet, JwsAlgorithm, PrivateJwk, SigningKey, UnfitKey, VerifyingKey,
    VerifyingKeySet, base64url,
    jwe::{
        AgreementCurve, CompactJwe, ContentEncryption, DecryptionKey, DecryptionKeyRing,
        DecryptionKeys, EncryptionKey, JweAlgorithm, JweError, JweKeyError, decrypt,
    },
};

use crate::{
    encryption::{decryption_key, everything, pairs, seal},
    support::{PRIVATE_MEMBERS, jwk, private_key, public, stored, text, with, without},
};

const GCM: ContentEncryption = ContentEncryption::A256Gcm;

/// A private key for this algorithm and, where it matters, on this curve.
fn written(algorithm: JweAlgorithm, crv: &str) -> Value {
    let mut all = pairs().iter();
    let found = all.find(|(written, key)| {
        key.algorithm() == algorithm && written.get("crv").is_none_or(|found| found == crv)
    });
    found.expect("a key").0.clone()
}

fn on_p256() -> Value {
    written(JweAlgorithm::EcdhEsA256Kw, "P-256")
}

const FIT: Result<(), JweKeyError> = Ok(());
const PURPOSE: Result<(), JweKeyError> = Err(JweKeyError::Purpose);
const ALGORITHM: Result<(), JweKeyError> = Err(JweKeyError::Algorithm);

// RFC 7517 §4.2 to §4.4.
#[test]
fn a_key_does_only_what_its_description_allows() {
    let ec = without(&on_p256(), &["alg", "use"]);
    let rsa = without(&written(JweAlgorithm::RsaOaep256, ""), &["alg", "use"]);
    for (key, description, decrypting, encrypting) in [
        (&ec, json!({}), FIT, FIT),
        (&ec, json!({"use": "enc"}), FIT, FIT),
        (&ec, json!({"use": "sig"}), PURPOSE, PURPOSE),
        (&ec, json!({"use": "ENC"}), PURPOSE, PURPOSE),
        (&ec, json!({"alg": "ECDH-ES"}), FIT, FIT),
        (&ec, json!({"alg": "ES256"}), ALGORITHM, ALGORITHM),
        (&ec, json!({"alg": "RSA-OAEP"}), ALGORITHM, ALGORITHM),
        (&ec, json!({"alg": "dir"}), ALGORITHM, ALGORITHM),
        (&ec, json!({"alg": "ECDH-ES+A192KW"}), ALGORITHM, ALGORITHM),
        (&ec, json!({"key_ops": ["deriveBits"]}), FIT, FIT),
        (&ec, json!({"key_ops": ["sign", "deriveKey"]}), FIT, FIT),
        (&ec, json!({"key_ops": []}), PURPOSE, FIT),
        (&ec, json!({"key_ops": ["sign"]}), PURPOSE, PURPOSE),
        (&rsa, json!({}), FIT, FIT),
        (&rsa, json!({"alg": "RSA1_5"}), ALGORITHM, ALGORITHM),
        (&rsa, json!({"alg": "PS256"}), ALGORITHM, ALGORITHM),
        (&rsa, json!({"key_ops": ["unwrapKey"]}), FIT, PURPOSE),
        (&rsa, json!({"key_ops": ["decrypt"]}), FIT, PURPOSE),
        (&rsa, json!({"key_ops": ["wrapKey"]}), PURPOSE, FIT),
        (
            &rsa,
            json!({"key_ops": ["encrypt", "verify"]}),
            PURPOSE,
            FIT,
        ),
        (
            &rsa,
            json!({"use": "enc", "key_ops": ["sign"]}),
            PURPOSE,
            PURPOSE,
        ),
    ] {
        let key = with(key, &description);
        assert_eq!(decryption_key(&key).map(drop), decrypting, "{description}");
        let encryption = EncryptionKey::new(&jwk(&public(&key)));
        assert_eq!(encryption.map(drop), encrypting, "{description}");
    }
}

// RFC 8725 §3.1, RFC 7517 §4.2: keys for the one are no keys for the other.
#[test]
fn encryption_keys_verify_nothing_and_signature_keys_encrypt_nothing() {
    for (written, _) in pairs()
        .iter()
        .filter(|(written, _)| written["kty"] != "oct")
    {
        let key = jwk(&public(written));
        assert_eq!(key.to_members()["use"], "enc");
        assert_eq!(
            VerifyingKey::new(&key).unwrap_err(),
            UnfitKey::Purpose,
            "{written}"
        );
        let private = PrivateJwk::from_members(written.as_object().unwrap()).unwrap();
        assert!(SigningKey::new(&private).is_err());
        // Even if it did not say what it is for, its algorithm does.
        let bare = jwk(&without(&public(written), &["use"]));
        assert_eq!(
            VerifyingKey::new(&bare).unwrap_err(),
            UnfitKey::Algorithm,
            "{written}"
        );
    }
    for algorithm in JwsAlgorithm::ALL {
        let stored = stored(private_key(algorithm));
        assert!(decryption_key(&stored).is_err(), "{algorithm}");
        let set = JwkSet::new([jwk(&public(&stored))]);
        assert_eq!(
            EncryptionKey::from_set(&set, None).unwrap_err(),
            JweKeyError::NoKey
        );
    }
    let edwards = without(&stored(private_key(JwsAlgorithm::EdDsa)), &["use", "alg"]);
    assert_eq!(
        decryption_key(&edwards).unwrap_err(),
        JweKeyError::Algorithm
    );
    // One set for both: each side takes what is its own.
    let signing = jwk(&public(&stored(private_key(JwsAlgorithm::Es256))));
    let set = JwkSet::new([signing.clone(), jwk(&public(&on_p256()))]);
    let verifying = VerifyingKeySet::new(&set);
    assert_eq!(verifying.keys().len(), 1);
    assert_eq!(verifying.keys()[0].kid(), signing.kid());
    let encryption = EncryptionKey::from_set(&set, None).unwrap();
    assert_eq!(encryption.kid(), Some(text(&on_p256()["kid"])));
}

// RFC 7518 §6.2.2, §6.3.2, §6.4; RFC 8037 §2.
#[test]
fn members_of_a_key_belong_together() {
    let rsa = written(JweAlgorithm::RsaOaep256, "");
    let inconsistent = || JweKeyError::Invalid(InvalidJwk::Inconsistent);
    for crv in ["P-256", "P-384", "X25519"] {
        let key = written(JweAlgorithm::EcdhEs, crv);
        let other = stored(
            &PrivateJwk::generate_for_agreement(
                match crv {
                    "P-256" => AgreementCurve::P256,
                    "P-384" => AgreementCurve::P384,
                    _ => AgreementCurve::X25519,
                },
                JweAlgorithm::EcdhEs,
            )
            .unwrap(),
        );
        let mixed = with(&key, &json!({"d": other["d"]}));
        assert_eq!(decryption_key(&mixed).unwrap_err(), inconsistent(), "{crv}");
        for (value, expected) in [
            (json!(""), InvalidJwk::Member("d")),
            (json!("AA"), InvalidJwk::Member("d")),
            (json!(5), InvalidJwk::Member("d")),
        ] {
            let key = with(&key, &json!({"d": value}));
            assert_eq!(decryption_key(&key).unwrap_err(), expected.into(), "{crv}");
        }
        assert_eq!(
            decryption_key(&public(&key)).unwrap_err(),
            InvalidJwk::Member("d").into(),
            "{crv}"
        );
    }
    let zero = with(
        &written(JweAlgorithm::EcdhEs, "P-384"),
        &json!({"d": base64url::encode([0; 48])}),
    );
    assert_eq!(decryption_key(&zero).unwrap_err(), inconsistent());
    let swapped = with(&rsa, &json!({"p": rsa["q"], "q": rsa["p"], "d": rsa["dp"]}));
    assert_eq!(decryption_key(&swapped).unwrap_err(), inconsistent());
    let short = with(&rsa, &json!({"n": base64url::encode([0xff; 128])}));
    assert_eq!(
        decryption_key(&short).unwrap_err(),
        InvalidJwk::ModulusLength(1024).into()
    );
    // RFC 7518 §6.2.1.2: always the full octets, and on the curve.
    let p384 = public(&written(JweAlgorithm::EcdhEs, "P-384"));
    for (change, expected) in [
        (json!({"y": p384["x"]}), InvalidJwk::NotOnCurve),
        (
            json!({"x": base64url::encode([0; 48]), "y": base64url::encode([0; 48])}),
            InvalidJwk::NotOnCurve,
        ),
        (
            json!({"x": base64url::encode([0; 47])}),
            InvalidJwk::Member("x"),
        ),
        (
            json!({"x": base64url::encode([0; 32])}),
            InvalidJwk::Member("x"),
        ),
        (json!({"x": null}), InvalidJwk::Member("x")),
        (json!({"crv": "P-521"}), InvalidJwk::Unsupported),
    ] {
        assert_eq!(
            with(&p384, &change).to_string().parse::<Jwk>(),
            Err(expected),
            "{change}"
        );
    }
}

#[test]
fn a_shared_key_has_one_algorithm_and_its_length() {
    let key = |alg: Value, length: usize| json!({"kty": "oct", "alg": alg, "k": base64url::encode(vec![1; length])});
    for (alg, lengths) in [
        ("A128KW", &[16][..]),
        ("A256KW", &[32]),
        ("A256GCMKW", &[32]),
        ("dir", &[16, 32, 64]),
        ("A128GCM", &[16]),
        ("A256GCM", &[32]),
        ("A128CBC-HS256", &[32]),
        ("A256CBC-HS512", &[64]),
    ] {
        for length in [0, 8, 15, 16, 17, 24, 32, 48, 64, 128] {
            let outcome = decryption_key(&key(json!(alg), length)).map(drop);
            if lengths.contains(&length) {
                assert_eq!(outcome, Ok(()), "{alg} {length}");
            } else {
                assert_eq!(outcome, Err(JweKeyError::KeyLength(length)), "{alg}");
            }
            let encryption = EncryptionKey::shared(&vec![1; length], alg, None);
            assert_eq!(
                encryption.is_ok(),
                lengths.contains(&length),
                "{alg} {length}"
            );
        }
    }
    for alg in [
        "HS256",
        "RSA-OAEP-256",
        "ECDH-ES",
        "A192KW",
        "PBES2-HS256+A128KW",
        "none",
        "",
    ] {
        assert_eq!(
            decryption_key(&key(json!(alg), 32)).unwrap_err(),
            JweKeyError::Algorithm,
            "{alg}"
        );
    }
    let unnamed = without(&key(json!("dir"), 32), &["alg"]);
    assert_eq!(
        decryption_key(&unnamed).unwrap_err(),
        JweKeyError::Algorithm
    );
    for (change, expected) in [
        (json!({"use": "sig"}), JweKeyError::Purpose),
        (json!({"key_ops": ["encrypt"]}), JweKeyError::Purpose),
        (json!({"key_ops": 5}), InvalidJwk::Member("key_ops").into()),
        (json!({"k": "AA=="}), InvalidJwk::Member("k").into()),
        (json!({"k": null}), InvalidJwk::Member("k").into()),
        (json!({"kid": 1}), InvalidJwk::Member("kid").into()),
    ] {
        let key = with(&key(json!("dir"), 32), &change);
        assert_eq!(decryption_key(&key).unwrap_err(), expected, "{change}");
    }
    // A key for one content encryption is none for another of the same length.
    let gcm = DecryptionKeys::new([DecryptionKey::shared(&[1; 32], "A256GCM", None).unwrap()]);
    let any = EncryptionKey::shared(&[1; 32], "dir", None).unwrap();
    let cbc = ContentEncryption::A128CbcHs256;
    assert!(decrypt(&seal(&any, GCM).unwrap(), &gcm, &everything()).is_ok());
    let outcome = decrypt(&seal(&any, cbc).unwrap(), &gcm, &everything());
    assert_eq!(outcome.unwrap_err(), JweError::NoKey);
    let limited = EncryptionKey::shared(&[1; 32], "A256GCM", None).unwrap();
    assert_eq!(seal(&limited, cbc).unwrap_err(), JweKeyError::KeyLength(32));
}

/// A new key on P-256 with this identifier, or none.
fn named(kid: Option<&str>) -> Value {
    let key = PrivateJwk::generate_for_decryption(JweAlgorithm::EcdhEs).unwrap();
    match kid {
        Some(kid) => with(&stored(&key), &json!({"kid": kid})),
        None => without(&stored(&key), &["kid"]),
    }
}

/// A document for the key, whose header names it like this.
fn document_for(key: &Value, kid: Option<&str>) -> String {
    let renamed = match kid {
        Some(kid) => with(key, &json!({"kid": kid})),
        None => without(key, &["kid"]),
    };
    seal(&EncryptionKey::new(&jwk(&public(&renamed))).unwrap(), GCM).unwrap()
}

// RFC 7516 §4.1.6 and §6.
#[test]
fn the_key_that_was_meant_is_taken_and_no_other() {
    let (a, b, unnamed) = (named(Some("a")), named(Some("b")), named(None));
    let rsa = with(&written(JweAlgorithm::RsaOaep256, ""), &json!({"kid": "a"}));
    let all = [&rsa, &a, &b, &unnamed].map(|key| decryption_key(key).unwrap());
    let keys = DecryptionKeys::new(all);
    for (case, key, kid, expected) in [
        ("named", &a, Some("a"), Ok(())),
        ("the other", &b, Some("b"), Ok(())),
        ("the same name, another type", &rsa, Some("a"), Ok(())),
        (
            "under the name of the other",
            &a,
            Some("b"),
            Err(JweError::Decryption),
        ),
        ("not named", &b, None, Ok(())),
        ("not named, and the key neither", &unnamed, None, Ok(())),
        ("named, and the key is not", &unnamed, Some("c"), Ok(())),
        (
            "a name that nobody bears",
            &a,
            Some("c"),
            Err(JweError::Decryption),
        ),
        ("a stranger", &named(None), None, Err(JweError::Decryption)),
    ] {
        let outcome = decrypt(&document_for(key, kid), &keys, &everything());
        assert_eq!(outcome.map(drop), expected, "{case}");
    }
    let only = |key: &Value| DecryptionKeys::new([decryption_key(key).unwrap()]);
    for (case, keys, key) in [
        ("another name", only(&a), document_for(&a, Some("c"))),
        (
            "another curve",
            only(&without(&written(JweAlgorithm::EcdhEs, "P-384"), &["kid"])),
            document_for(&a, None),
        ),
        ("another type", only(&rsa), document_for(&a, Some("a"))),
        (
            "another algorithm",
            only(&with(&a, &json!({"alg": "ECDH-ES+A256KW"}))),
            document_for(&a, Some("a")),
        ),
        ("no keys", DecryptionKeys::default(), document_for(&a, None)),
    ] {
        let outcome = decrypt(&key, &keys, &everything());
        assert_eq!(outcome.unwrap_err(), JweError::NoKey, "{case}");
    }
}

// A stranger decides whether there is a `kid`, and must not make us try every key there is.
#[test]
fn only_so_many_keys_are_tried() {
    let keys: Vec<_> = (0..=DecryptionKeys::MAX_CANDIDATES)
        .map(|_| named(None))
        .collect();
    let ring = DecryptionKeys::new(keys.iter().map(|key| decryption_key(key).unwrap()));
    for (place, key) in keys.iter().enumerate() {
        let outcome = decrypt(&document_for(key, None), &ring, &everything());
        assert_eq!(
            outcome.is_ok(),
            place < DecryptionKeys::MAX_CANDIDATES,
            "{place}"
        );
    }
}

#[test]
fn a_sender_takes_the_key_that_is_published_for_encryption() {
    let bare = without(&named(Some("bare")), &["use", "alg"]);
    let p384 = with(
        &written(JweAlgorithm::EcdhEsA128Kw, "P-384"),
        &json!({"kid": "p384"}),
    );
    let rsa = with(
        &written(JweAlgorithm::RsaOaep512, ""),
        &json!({"kid": "rsa"}),
    );
    let signing = stored(private_key(JwsAlgorithm::Ps256));
    let set = JwkSet::new([&signing, &bare, &rsa, &p384].map(|key| jwk(&public(key))));
    for (wanted, expected) in [
        (None, Ok("rsa")),
        (Some(JweAlgorithm::RsaOaep512), Ok("rsa")),
        (Some(JweAlgorithm::RsaOaep256), Err(JweKeyError::NoKey)),
        (Some(JweAlgorithm::EcdhEsA128Kw), Ok("p384")),
        (Some(JweAlgorithm::EcdhEs), Ok("bare")),
        (Some(JweAlgorithm::Dir), Err(JweKeyError::NoKey)),
    ] {
        let key = EncryptionKey::from_set(&set, wanted);
        let kid = key.as_ref().map(|key| key.kid().unwrap());
        assert_eq!(kid, expected.as_ref().map(|kid| *kid), "{wanted:?}");
    }
    // What a key does not say is chosen soundly.
    for (key, expected) in [
        (&bare, JweAlgorithm::EcdhEsA256Kw),
        (&without(&rsa, &["alg"]), JweAlgorithm::RsaOaep256),
    ] {
        let key = EncryptionKey::new(&jwk(&public(key))).unwrap();
        assert_eq!(key.algorithm(), expected);
    }
}

// RFC 7748 §6.1: with such a key everybody agrees on zero.
#[test]
fn nothing_is_encrypted_to_a_point_of_small_order() {
    let low = json!({"kty": "OKP", "crv": "X25519", "x": base64url::encode([0; 32])});
    let key = EncryptionKey::new(&jwk(&low)).unwrap();
    assert_eq!(seal(&key, GCM).unwrap_err(), JweKeyError::Library);
    let own = written(JweAlgorithm::EcdhEs, "X25519");
    let header = json!({"alg": "ECDH-ES", "enc": "A256GCM", "epk": low, "kid": own["kid"]});
    let (vector, tag) = (base64url::encode([0; 12]), base64url::encode([0; 16]));
    let document = format!(
        "{}..{vector}.AA.{tag}",
        base64url::encode(header.to_string())
    );
    let keys = DecryptionKeys::new([decryption_key(&own).unwrap()]);
    assert_eq!(
        decrypt(&document, &keys, &everything()).unwrap_err(),
        JweError::Decryption
    );
}

#[test]
fn keys_are_stored_and_read_back_in_one_piece() {
    for curve in [
        AgreementCurve::P256,
        AgreementCurve::P384,
        AgreementCurve::X25519,
    ] {
        let key = PrivateJwk::generate_for_agreement(curve, JweAlgorithm::EcdhEs).unwrap();
        let json = key.secret_json();
        assert_eq!(json.capacity(), json.len());
        let again: PrivateJwk = json.parse().unwrap();
        assert_eq!(again.public(), key.public());
        assert_eq!(stored(&again), stored(&key));
        let public = key.public();
        assert_eq!(public.kid(), Some(public.thumbprint().to_string().as_str()));
        assert_eq!(Jwk::from_members(&public.to_members()).as_ref(), Ok(public));
        let deserialized: DecryptionKey = serde_json::from_str(&json).unwrap();
        assert_eq!(deserialized.public(), Some(public));
    }
    for (algorithm, outcome) in [
        (JweAlgorithm::Dir, JweKeyError::Algorithm),
        (JweAlgorithm::A256Kw, JweKeyError::Algorithm),
    ] {
        assert_eq!(DecryptionKey::generate(algorithm).unwrap_err(), outcome);
    }
    let curve = AgreementCurve::P256;
    let wrong = PrivateJwk::generate_for_agreement(curve, JweAlgorithm::RsaOaep256);
    assert_eq!(wrong.unwrap_err(), JweKeyError::Algorithm);
}

#[test]
fn nobody_gets_to_see_a_secret() {
    for (written, encryption) in pairs() {
        let key = decryption_key(written).unwrap();
        let sealed = seal(encryption, GCM);
        let mut shown = vec![format!("{key:?} {encryption:?}")];
        let keys = DecryptionKeys::new([key]);
        shown.push(format!(
            "{keys:?} {:?}",
            DecryptionKeyRing::new(keys.clone())
        ));
        if let Ok(sealed) = &sealed {
            shown.push(format!("{:?}", CompactJwe::parse(sealed).unwrap()));
            shown.push(format!(
                "{:?}",
                decrypt(sealed, &keys, &everything()).unwrap()
            ));
            let content = sealed.split('.').nth(3).unwrap();
            assert!(shown.iter().all(|shown| !shown.contains(content)));
        }
        let published = serde_json::to_string(&keys.public()).unwrap();
        shown.push(published);
        for name in PRIVATE_MEMBERS.iter().chain(&["k"]) {
            if let Some(secret) = written.get(*name) {
                assert!(
                    shown.iter().all(|shown| !shown.contains(text(secret))),
                    "{name}"
                );
            }
        }
        assert!(
            shown
                .iter()
                .all(|shown| !shown.contains("multiple of sixteen"))
        );
    }
}
