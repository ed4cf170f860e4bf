//! What a private key says of itself when it is printed, and what is said of one that could not be read.

use std::fmt::Write as _;

use serde_json::{Value, json};
use tower_fapi::jose::{Jwk, JwsAlgorithm, PrivateJwk, SigningKey, base64url};

use crate::support::{PRIVATE_MEMBERS, private_key, stored, with};

/// Everything a secret could look like in a text.
fn spellings(secret: &str) -> Vec<String> {
    use std::fmt::Write as _;
    let bytes = base64url::decode(secret).unwrap();
    let mut hex = String::new();
    for byte in &bytes[..8] {
        write!(hex, "{byte:02x}").unwrap();
    }
    vec![
        secret[..16].to_owned(),
        secret[secret.len() - 16..].to_owned(),
        hex.to_uppercase(),
        hex,
        format!("{:?}", &bytes[..8])
            .trim_matches(['[', ']'])
            .to_owned(),
        format!("{:#?}", &bytes[..4])
            .trim_matches(['[', ']', '\n'])
            .to_owned(),
        format!("{:x?}", &bytes[..8])
            .trim_matches(['[', ']'])
            .to_owned(),
    ]
}

fn assert_silent(text: &str, secrets: &Value, case: &str) {
    for name in PRIVATE_MEMBERS {
        let Some(secret) = secrets.get(name).and_then(Value::as_str) else {
            continue;
        };
        for spelling in spellings(secret) {
            assert!(!text.contains(&spelling), "{case} shows {name}");
        }
    }
}

#[test]
fn debug_shows_no_secret() {
    for algorithm in JwsAlgorithm::ALL {
        let key = private_key(algorithm);
        let secrets = stored(key);
        let signer = SigningKey::new(key).unwrap();
        for (case, text) in [
            ("PrivateJwk", format!("{key:?}")),
            ("PrivateJwk, pretty", format!("{key:#?}")),
            ("SigningKey", format!("{signer:?}")),
            ("SigningKey, pretty", format!("{signer:#?}")),
        ] {
            assert!(text.contains("public"), "{case} shows what may be seen");
            assert_silent(&text, &secrets, case);
        }
    }
}

// A mistake in a file of keys must not print the key.
#[test]
fn no_error_quotes_a_secret() {
    for algorithm in JwsAlgorithm::ALL {
        let secrets = stored(private_key(algorithm));
        let whole = secrets.to_string();
        let d = &secrets["d"];
        let padded = format!("{}=", d.as_str().unwrap());
        for (case, text) in [
            ("cut short", whole.trim_end_matches('}').to_owned()),
            ("a string", Value::String(whole.clone()).to_string()),
            ("only a secret", d.to_string()),
            ("in an array", json!([d]).to_string()),
            (
                "a type of its own",
                with(&secrets, &json!({"d": [d]})).to_string(),
            ),
            ("padded", with(&secrets, &json!({"d": padded})).to_string()),
            ("twice", whole.replacen('{', &format!("{{\"d\":{d},"), 1)),
            ("a name", whole.replacen('{', &format!("{{{d}:1,{d}:1,"), 1)),
        ] {
            let parsed = text.parse::<PrivateJwk>().unwrap_err();
            let deserialized = serde_json::from_str::<PrivateJwk>(&text).unwrap_err();
            let said = format!("{parsed:?} {parsed} {deserialized:?} {deserialized}");
            assert_silent(&said, &secrets, case);
        }
        let parsed = whole.parse::<Jwk>().unwrap_err();
        let deserialized = serde_json::from_str::<Jwk>(&whole).unwrap_err();
        let mut said = format!("{parsed:?} {parsed} ");
        write!(said, "{deserialized:?} {deserialized}").unwrap();
        assert_silent(&said, &secrets, "as a public key");
    }
}
