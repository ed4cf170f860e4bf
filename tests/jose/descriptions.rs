//! What a public key says of itself: whom it serves, whom it does not, and what does not change its thumbprint.

use serde_json::json;
use tower_fapi::jose::{InvalidJwk, Jwk, JwsAlgorithm, UnfitKey};

use crate::support::{bare, fit, jwk, members, read_key, with};

// RFC 7517 §4.2, §4.3, §4.4.
#[test]
fn a_key_serves_only_for_what_it_says() {
    for algorithm in JwsAlgorithm::ALL {
        let bare = bare(algorithm);
        let name = algorithm.as_str();
        for description in [
            json!({}),
            json!({"use": "sig"}),
            json!({"key_ops": ["verify"]}),
            json!({"key_ops": ["sign", "verify"]}),
            json!({"key_ops": ["x", "verify"], "use": "sig", "alg": name}),
            json!({"x5c": ["AAAA"], "x5t": "", "unknown": {"kty": 5}}),
        ] {
            assert_eq!(
                fit(&with(&bare, &description)),
                Ok(algorithm),
                "{description}"
            );
        }
        for (description, expected) in [
            (json!({"use": "enc"}), UnfitKey::Purpose),
            (json!({"use": "SIG"}), UnfitKey::Purpose),
            (json!({"use": ""}), UnfitKey::Purpose),
            (json!({"use": "enc", "alg": name}), UnfitKey::Purpose),
            (json!({"key_ops": []}), UnfitKey::Purpose),
            (json!({"key_ops": ["sign"]}), UnfitKey::Purpose),
            (json!({"key_ops": ["Verify", "encrypt"]}), UnfitKey::Purpose),
            (
                json!({"key_ops": ["encrypt"], "use": "sig"}),
                UnfitKey::Purpose,
            ),
            (
                json!({"key_ops": ["verify"], "use": "enc"}),
                UnfitKey::Purpose,
            ),
            (json!({"alg": "none"}), UnfitKey::Algorithm),
            (json!({"alg": ""}), UnfitKey::Algorithm),
            (json!({"alg": name.to_lowercase()}), UnfitKey::Algorithm),
            (json!({"alg": "RS256"}), UnfitKey::Algorithm),
            (json!({"alg": "PS384"}), UnfitKey::Algorithm),
            (json!({"alg": "ES384"}), UnfitKey::Algorithm),
            (json!({"alg": "HS256"}), UnfitKey::Algorithm),
            (json!({"alg": "RSA-OAEP-256"}), UnfitKey::Algorithm),
        ] {
            assert_eq!(
                fit(&with(&bare, &description)),
                Err(expected),
                "{description}"
            );
        }
        for other in JwsAlgorithm::ALL {
            let outcome = fit(&with(&bare, &json!({"alg": other.as_str()})));
            assert_eq!(
                outcome.is_ok(),
                other == algorithm,
                "{other} for {algorithm}"
            );
        }
        // A description that cannot be read is no description that can be ignored.
        for (name, value) in [
            ("kid", json!(5)),
            ("kid", json!(null)),
            ("kid", json!(["1"])),
            ("use", json!(["sig"])),
            ("use", json!(null)),
            ("alg", json!(null)),
            ("alg", json!({})),
            ("key_ops", json!("verify")),
            ("key_ops", json!(null)),
            ("key_ops", json!(["verify", 5])),
        ] {
            let outcome = read_key(&with(&bare, &json!({name: value})));
            assert_eq!(outcome, Err(InvalidJwk::Member(name)), "{name}: {value}");
        }
    }
    // RFC 9864 §2.2: the fully specified name of the same algorithm.
    let named = with(&bare(JwsAlgorithm::EdDsa), &json!({"alg": "Ed25519"}));
    assert_eq!(fit(&named), Ok(JwsAlgorithm::EdDsa));
}

// RFC 7517 §4: member names are unique. Both doors see it.
#[test]
fn a_member_that_stands_twice_is_refused_in_text_and_through_serde() {
    for algorithm in JwsAlgorithm::ALL {
        let key = bare(algorithm);
        for (name, value) in members(&key) {
            let twice = key
                .to_string()
                .replacen('{', &format!("{{\"{name}\":{value},"), 1);
            assert!(
                matches!(twice.parse::<Jwk>(), Err(InvalidJwk::Json(_))),
                "{name}"
            );
            assert!(serde_json::from_str::<Jwk>(&twice).is_err(), "{name}");
        }
        let nested = key.to_string().replacen('{', r#"{"z":[{"a":1,"a":1}],"#, 1);
        assert!(serde_json::from_str::<Jwk>(&nested).is_err(), "nested");
    }
}

// RFC 7638 §3.2: only the required members count, in whatever order they came.
#[test]
fn the_thumbprint_knows_nothing_of_the_description() {
    for algorithm in JwsAlgorithm::ALL {
        let bare = bare(algorithm);
        let thumbprint = jwk(&bare).thumbprint();
        let described = with(
            &bare,
            &json!({"kid": "\"}", "use": "enc", "alg": "x", "a": 1}),
        );
        assert_eq!(jwk(&described).thumbprint(), thumbprint);
        let backwards: Vec<_> = members(&bare)
            .iter()
            .rev()
            .map(|(n, v)| format!("\"{n}\": {v}"))
            .collect();
        let backwards: Jwk = format!("\n{{ {} }}\t", backwards.join(" , "))
            .parse()
            .unwrap();
        assert_eq!(backwards.thumbprint(), thumbprint);
        assert_ne!(
            jwk(&crate::support::bare(other(algorithm))).thumbprint(),
            thumbprint
        );
    }
}

fn other(algorithm: JwsAlgorithm) -> JwsAlgorithm {
    JwsAlgorithm::ALL
        .into_iter()
        .find(|each| *each != algorithm)
        .unwrap()
}
