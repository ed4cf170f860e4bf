//! Tokens that are well signed and must be refused all the same, for what their header says.

use aws_lc_rs::hmac;
use serde_json::{Value, json};
use tower_fapi::jose::{
    CompactJws, JwsAlgorithm, JwsError, SigningHeader, SigningKey, base64url, sign,
};

use crate::support::{bare, key, open, ours, set, token};

/// What becomes of a token with this header, honestly signed with our key of this algorithm.
fn outcome(algorithm: JwsAlgorithm, header: &str) -> Result<Vec<u8>, JwsError> {
    open(&token(key(algorithm), header, "{}"), &ours())
}

fn refusal(header: &str) -> JwsError {
    outcome(JwsAlgorithm::Es256, header).expect_err(header)
}

#[test]
fn the_tokens_refused_below_are_good_ones_but_for_one_thing() {
    for algorithm in JwsAlgorithm::ALL {
        let kid = key(algorithm).kid().unwrap();
        for header in [
            json!({"alg": algorithm.as_str()}),
            json!({"alg": algorithm.as_str(), "kid": kid, "typ": "JWT", "cty": 5, "x5t": [], "ü": null}),
            json!({"alg": algorithm.as_str(), "b64": true}),
        ] {
            assert_eq!(
                outcome(algorithm, &header.to_string()),
                Ok(b"{}".to_vec()),
                "{header}"
            );
        }
        let spaced = format!("\r\n {{ \"alg\" :\t\"{algorithm}\" }} ");
        assert_eq!(outcome(algorithm, &spaced), Ok(b"{}".to_vec()));
    }
    // RFC 9864 §2.2.
    assert!(outcome(JwsAlgorithm::EdDsa, r#"{"alg":"Ed25519"}"#).is_ok());
}

// RFC 7515 §4.1.11 and RFC 7797 §6: extensions that are not understood, and some that could not even be.
#[test]
fn critical_headers_are_refused() {
    for extension in [
        json!({"crit": ["exp"], "exp": 1}),
        json!({"crit": ["b64"], "b64": false}),
        json!({"crit": ["b64"], "b64": true}),
        json!({"crit": ["alg"]}),
        json!({"crit": []}),
        json!({"crit": null}),
        json!({"crit": "alg"}),
        json!({"crit": {}}),
        json!({"b64": false}),
        json!({"b64": "true"}),
        json!({"b64": 1}),
        json!({"b64": null}),
    ] {
        let mut header = json!({"alg": "ES256"});
        header
            .as_object_mut()
            .unwrap()
            .extend(extension.as_object().unwrap().clone());
        assert_eq!(refusal(&header.to_string()), JwsError::Critical, "{header}");
    }
}

// RFC 8725 §3.1 and §3.2; FAPI 2.0 Security Profile §5.4.1.
#[test]
fn other_algorithms_are_refused() {
    for name in [
        "none",
        "None",
        "NONE",
        "nOnE",
        "",
        "HS256",
        "HS512",
        "RS256",
        "RS512",
        "PS384",
        "PS512",
        "ES384",
        "ES512",
        "ES256K",
        "Ed448",
        "es256",
        "ES256 ",
        "ES256\\u0020",
        "RSA-OAEP",
        "dir",
    ] {
        let header = format!(r#"{{"alg":"{name}"}}"#);
        assert_eq!(refusal(&header), JwsError::Algorithm, "{header}");
    }
    for header in ["{}", r#"{"ALG":"ES256"}"#] {
        assert_eq!(refusal(header), JwsError::Header("alg"), "{header}");
    }
}

// RFC 8725 §3.1: the signature is good, but the header gives it another name.
#[test]
fn a_key_is_not_used_for_another_algorithm_than_its_own() {
    for algorithm in JwsAlgorithm::ALL {
        for other in JwsAlgorithm::ALL {
            if algorithm == other {
                continue;
            }
            let only_this = set([key(algorithm).public().clone()]);
            let kid = key(algorithm).kid().unwrap();
            for header in [
                json!({"alg": other.as_str()}),
                json!({"alg": other.as_str(), "kid": kid}),
            ] {
                let token = token(key(algorithm), &header.to_string(), "{}");
                assert_eq!(open(&token, &only_this), Err(JwsError::NoKey), "{header}");
            }
        }
    }
}

// RFC 8725 §2.1: a public key is no shared secret, in whatever form the attacker guesses it was configured.
#[test]
fn a_mac_made_with_a_public_key_is_refused() {
    for algorithm in JwsAlgorithm::ALL {
        let public = serde_json::to_string(key(algorithm).public()).unwrap();
        let bare = bare(algorithm);
        let mut secrets = vec![public.clone().into_bytes(), bare.to_string().into_bytes()];
        for name in ["x", "y", "n"] {
            if let Some(text) = bare.get(name).and_then(Value::as_str) {
                secrets.push(text.as_bytes().to_vec());
                secrets.push(base64url::decode(text).unwrap());
            }
        }
        for secret in secrets {
            for name in ["HS256", algorithm.as_str()] {
                let header = json!({"alg": name, "kid": key(algorithm).kid()});
                let input = format!("{}.e30", base64url::encode(header.to_string()));
                let mac = hmac::sign(
                    &hmac::Key::new(hmac::HMAC_SHA256, &secret),
                    input.as_bytes(),
                );
                let token = format!("{input}.{}", base64url::encode(mac));
                assert!(open(&token, &ours()).is_err(), "{header}");
            }
        }
    }
}

// RFC 8725 §3.10: a token does not bring the key it is verified with.
#[test]
fn keys_and_places_of_keys_in_the_header_are_not_used() {
    let stranger = SigningKey::generate(JwsAlgorithm::Es256).unwrap();
    let kid = key(JwsAlgorithm::Es256).kid().unwrap();
    let own = serde_json::to_value(stranger.public()).unwrap();
    for header in [
        json!({"alg": "ES256", "jwk": own}),
        json!({"alg": "ES256", "jwk": own, "kid": kid}),
        json!({"alg": "ES256", "jku": "https://attacker.example/jwks", "kid": kid}),
        json!({"alg": "ES256", "x5u": "https://attacker.example/chain", "kid": kid}),
        json!({"alg": "ES256", "x5c": ["AAAA"], "kid": kid}),
    ] {
        let token = token(&stranger, &header.to_string(), "{}");
        assert!(
            matches!(open(&token, &ours()), Err(JwsError::Signature(_))),
            "{header}"
        );
    }
    // Our own `sign` puts a key there for DPoP proofs, and leaves `kid` out.
    let header = SigningHeader {
        typ: Some("dpop+jwt"),
        jwk: Some(stranger.public()),
    };
    let proof = sign(&stranger, header, b"{}").unwrap();
    let read = CompactJws::parse(&proof).unwrap().header().unwrap();
    assert_eq!(read.jwk().map(|jwk| Value::Object(jwk.clone())), Some(own));
    assert_eq!(read.kid(), None);
}

#[test]
fn headers_that_cannot_be_read_in_one_way_only_are_refused() {
    for header in [
        r#"{"alg":"ES256","alg":"ES256"}"#,
        r#"{"alg":"none","alg":"ES256"}"#,
        r#"{"alg":"ES256","\u0061lg":"none"}"#,
        r#"{"alg":"ES256","kid":"1","kid":"2"}"#,
        r#"{"alg":"ES256","jwk":{"x":{"a":1,"a":2}}}"#,
        r#"{"alg":"ES256","x":{"$serde_json::private::Number":"1"}}"#,
        r#"{"alg":"ES256"}{"#,
        r#"{"alg":"ES256"},"#,
        r#"{"alg":"ES256",}"#,
        r#"{"alg":"ES256"} {}"#,
        "{\"alg\":\"ES256\"}\0",
        r#"{"alg":"ES256","kid":"\u0000"}"#,
        r#"{"alg":"ES256","kid":"\ud800"}"#,
        "\u{feff}{\"alg\":\"ES256\"}",
        r"{'alg':'ES256'}",
        r#"["ES256"]"#,
        r#""ES256""#,
        "null",
        " ",
    ] {
        assert!(matches!(refusal(header), JwsError::Json(_)), "{header}");
    }
    for (member, value) in [
        ("alg", "null"),
        ("alg", "256"),
        ("alg", r#"["ES256"]"#),
        ("alg", r#"{"a":"ES256"}"#),
        ("kid", "5"),
        ("kid", "null"),
        ("kid", r#"["1"]"#),
        ("typ", "null"),
        ("typ", "1"),
        ("typ", r#"["JWT"]"#),
        ("jwk", "null"),
        ("jwk", r#""{}""#),
        ("jwk", "[]"),
        ("jwk", "true"),
    ] {
        let header = if member == "alg" {
            format!(r#"{{"alg":{value}}}"#)
        } else {
            format!(r#"{{"alg":"ES256","{member}":{value}}}"#)
        };
        assert_eq!(refusal(&header), JwsError::Header(member), "{header}");
    }
}

// RFC 7515 §4.1.9: compared without regard to case, with or without `application/`.
#[test]
fn typ_is_a_media_type() {
    for (typ, expected) in [
        ("at+jwt", true),
        ("AT+JWT", true),
        ("application/at+jwt", true),
        ("Application/At+Jwt", true),
        ("application/application/at+jwt", false),
        ("application/", false),
        ("at+jwt ", false),
        ("at+jwt; charset=utf-8", false),
        ("text/at+jwt", false),
        ("jwt", false),
        ("", false),
        ("applicatioñ/at+jwt", false),
    ] {
        let header = json!({"alg": "ES256", "typ": typ}).to_string();
        let token = token(key(JwsAlgorithm::Es256), &header, "{}");
        let header = CompactJws::parse(&token).unwrap().header().unwrap();
        assert_eq!(header.is_typ("at+jwt"), expected, "{typ}");
        assert_eq!(header.typ(), Some(typ));
    }
    let untyped = CompactJws::parse("eyJhbGciOiJFUzI1NiJ9..AA").unwrap();
    let untyped = untyped.header().unwrap();
    assert!(!untyped.is_typ("at+jwt") && !untyped.is_typ(""));
}
