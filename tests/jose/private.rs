//! Private keys: stored and read back, held together with their public halves, and never shown.

use serde_json::{Value, json};
use tower_fapi::jose::{
    InvalidJwk, Jwk, JwsAlgorithm, PrivateJwk, SigningHeader, SigningKey, SigningKeyError,
    VerifyingKey, base64url, sign,
};

use crate::support::{
    PRIVATE_MEMBERS, jwk, key, members, open, private, private_key, public, set, stored, verifying,
    with, without,
};

fn fresh(algorithm: JwsAlgorithm) -> Value {
    stored(&PrivateJwk::generate(algorithm).unwrap())
}

#[test]
fn a_key_that_is_stored_and_read_back_is_the_same_key() {
    for algorithm in JwsAlgorithm::ALL {
        let key = private_key(algorithm);
        let json = key.secret_json();
        let read: PrivateJwk = json.parse().unwrap();
        let deserialized: PrivateJwk = serde_json::from_str(&json).unwrap();
        for again in [&read, &deserialized] {
            assert_eq!(again.public(), key.public(), "{algorithm}");
            assert_eq!(again.public().thumbprint(), key.public().thumbprint());
            assert_eq!(stored(again), stored(key));
        }
        // What the one signs, the other's public half verifies.
        let signature = SigningKey::new(&read).unwrap().sign(b"message").unwrap();
        let verifying = VerifyingKey::new(key.public()).unwrap();
        assert_eq!(verifying.verify(b"message", &signature), Ok(()));
        assert!(verifying.verify(b"", &signature).is_err());
    }
}

// A buffer that grew would have left pieces of the key behind in memory that nobody wipes.
#[test]
fn the_stored_form_is_written_in_one_piece() {
    for algorithm in JwsAlgorithm::ALL {
        let json = private_key(algorithm).secret_json();
        assert_eq!(json.capacity(), json.len(), "{algorithm}");
    }
}

#[test]
fn a_generated_key_signs_a_token_that_only_its_public_half_opens() {
    for algorithm in JwsAlgorithm::ALL {
        let signer = key(algorithm);
        let thumbprint = signer.thumbprint().to_string();
        assert_eq!(signer.kid(), Some(thumbprint.as_str()), "{algorithm}");
        let header = SigningHeader {
            typ: Some("at+jwt"),
            jwk: None,
        };
        let token = sign(signer, header, b"{}").unwrap();
        assert_eq!(
            open(&token, &set([signer.public().clone()])).unwrap(),
            b"{}"
        );
        for other in JwsAlgorithm::ALL {
            // Even under the right name, a stranger's key does not open it.
            let stranger = jwk(&public(&fresh(other))).with_kid(&thumbprint);
            assert!(open(&token, &set([stranger])).is_err(), "{other}");
        }
    }
}

// RFC 7517 §4.2, §4.4: what a JWKS publishes says what the key is for, and holds nothing else.
#[test]
fn what_is_published_is_public_and_says_what_it_is_for() {
    for algorithm in JwsAlgorithm::ALL {
        let unlabelled = without(&stored(private_key(algorithm)), &["use", "alg", "kid"]);
        let signing_only = with(&unlabelled, &json!({"key_ops": ["sign"]}));
        for (case, document) in [("bare", unlabelled), ("only to sign", signing_only)] {
            let signer = SigningKey::new(&private(&document)).unwrap();
            let published = serde_json::to_value(signer.public()).unwrap();
            assert_eq!(published["use"], "sig", "{algorithm}, {case}");
            assert_eq!(published["alg"], algorithm.as_str());
            assert_eq!(published.get("key_ops"), None);
            for name in PRIVATE_MEMBERS {
                assert_eq!(published.get(name), None, "{algorithm}, {case}");
            }
            assert!(VerifyingKey::new(signer.public()).is_ok());
        }
    }
}

// RFC 7517 §4.3: a key that is only for something else does not sign.
#[test]
fn a_key_for_another_purpose_does_not_sign() {
    for algorithm in JwsAlgorithm::ALL {
        let other = JwsAlgorithm::ALL[usize::from(algorithm == JwsAlgorithm::ALL[0])];
        for (case, description) in [
            ("for encryption", json!({"use": "enc"})),
            ("only to verify", json!({"key_ops": ["verify"]})),
            ("for nothing", json!({"key_ops": []})),
            ("another algorithm", json!({"alg": other.as_str()})),
            ("no algorithm of the profile", json!({"alg": "RS256"})),
        ] {
            let document = with(&stored(private_key(algorithm)), &description);
            let refused = SigningKey::new(&private(&document));
            assert!(
                matches!(refused, Err(SigningKeyError::Unfit(_))),
                "{algorithm}, {case}"
            );
        }
    }
}

#[test]
fn halves_of_different_keys_do_not_make_a_key() {
    for algorithm in JwsAlgorithm::ALL {
        let (one, other) = (fresh(algorithm), fresh(algorithm));
        let mixed = with(&one, &public(&other));
        let refused = SigningKey::new(&private(&mixed)).unwrap_err();
        assert_eq!(
            refused,
            SigningKeyError::Invalid(InvalidJwk::Inconsistent),
            "{algorithm}"
        );
    }
}

#[test]
fn every_number_of_an_rsa_key_must_fit_the_others() {
    let (one, other) = (fresh(JwsAlgorithm::Ps256), fresh(JwsAlgorithm::Ps256));
    for name in PRIVATE_MEMBERS {
        let mixed = with(&one, &json!({name: other[name]}));
        let refused = SigningKey::new(&private(&mixed)).unwrap_err();
        assert_eq!(
            refused,
            SigningKeyError::Invalid(InvalidJwk::Inconsistent),
            "{name}"
        );
    }
    let swapped = with(&one, &json!({"p": one["q"], "q": one["p"]}));
    assert!(
        SigningKey::new(&private(&swapped)).is_err(),
        "p and q swapped"
    );
    for name in PRIVATE_MEMBERS {
        for (case, value) in [("one", "AQ"), ("zero", "AA"), ("empty", "")] {
            let mixed = with(&one, &json!({name: value}));
            let outcome = PrivateJwk::from_members(members(&mixed))
                .map_err(SigningKeyError::from)
                .and_then(|key| SigningKey::new(&key));
            assert!(outcome.is_err(), "{name} is {case}");
        }
    }
}

// RFC 7518 §6.2.2.1, RFC 8037 §2: exactly 32 octets, and for P-256 a number from 1 to the order less one.
#[test]
fn scalars_out_of_range_are_refused() {
    const ORDER: &str = "_____wAAAAD__________7zm-q2nF56E87nKwvxjJVE";
    for algorithm in [JwsAlgorithm::Es256, JwsAlgorithm::EdDsa] {
        let document = stored(private_key(algorithm));
        for (case, d) in [
            ("31 octets", base64url::encode([7; 31])),
            ("33 octets", base64url::encode([7; 33])),
            (
                "leading zero",
                base64url::encode([&[0], &[7; 32][..]].concat()),
            ),
            ("empty", String::new()),
            ("padded", format!("{}=", base64url::encode([7; 32]))),
        ] {
            let refused = PrivateJwk::from_members(members(&with(&document, &json!({"d": d}))));
            assert_eq!(refused.unwrap_err(), InvalidJwk::Member("d"), "{case}");
        }
    }
    let document = stored(private_key(JwsAlgorithm::Es256));
    for (case, d) in [
        ("zero", base64url::encode([0; 32])),
        ("the order", ORDER.to_owned()),
        ("beyond the order", base64url::encode([0xff; 32])),
    ] {
        let key = private(&with(&document, &json!({"d": d})));
        assert_eq!(
            SigningKey::new(&key).unwrap_err(),
            SigningKeyError::Invalid(InvalidJwk::Inconsistent),
            "{case}"
        );
    }
}

#[test]
fn a_private_key_needs_all_its_members() {
    for algorithm in JwsAlgorithm::ALL {
        let document = stored(private_key(algorithm));
        for name in members(&document).keys() {
            let less = without(&document, &[name]);
            let outcome = PrivateJwk::from_members(members(&less));
            let described = ["kid", "use", "alg"].contains(&name.as_str());
            assert_eq!(outcome.is_ok(), described, "{algorithm} without {name}");
        }
        for name in PRIVATE_MEMBERS {
            if document.get(name).is_some() {
                for value in [json!(null), json!(7), json!(["AQ"]), json!({})] {
                    let wrong = with(&document, &json!({name: value}));
                    assert!(PrivateJwk::from_members(members(&wrong)).is_err(), "{name}");
                }
            }
        }
        let multi_prime = with(&document, &json!({"oth": []}));
        assert_eq!(
            PrivateJwk::from_members(members(&multi_prime)).unwrap_err(),
            InvalidJwk::Unsupported
        );
        assert!(public(&document).to_string().parse::<PrivateJwk>().is_err());
        assert!(document.to_string().parse::<Jwk>().is_err());
    }
}

// A key of another type in place of the right one never panics, whatever is mixed.
#[test]
fn members_of_different_types_do_not_make_a_key() {
    for one in JwsAlgorithm::ALL {
        for other in JwsAlgorithm::ALL {
            if one == other {
                continue;
            }
            let mixed = with(
                &stored(private_key(one)),
                &public(&stored(private_key(other))),
            );
            let outcome = PrivateJwk::from_members(members(&mixed))
                .map_err(SigningKeyError::from)
                .and_then(|key| SigningKey::new(&key));
            assert!(outcome.is_err(), "{other} with the secrets of {one}");
        }
    }
    // The public halves are sound all the same.
    assert_eq!(
        verifying(&public(&stored(private_key(JwsAlgorithm::EdDsa)))).algorithm(),
        JwsAlgorithm::EdDsa
    );
}
