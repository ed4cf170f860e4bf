//! Whatever comes in, every parser answers with a value or an error, and what it takes it has understood: see `assail`.

use std::sync::LazyLock;

use proptest::{
    collection::vec,
    prelude::*,
    sample::{Index, select},
};
use serde_json::{Value, json};
use tower_fapi::jose::{JwsAlgorithm, SigningKey, base64url};

use crate::{
    assail::{assail, assail_members},
    support::{bare, key, private_key, stored, token},
};

/// Good documents, to be spoiled: keys, a set, a header, tokens.
fn documents() -> &'static [String] {
    static DOCUMENTS: LazyLock<Vec<String>> = LazyLock::new(|| {
        let mut documents = vec![
            json!({"keys": JwsAlgorithm::ALL.map(bare)}).to_string(),
            json!({"alg": "ES256", "typ": "dpop+jwt", "jwk": bare(JwsAlgorithm::Es256)})
                .to_string(),
            key(JwsAlgorithm::Es256).thumbprint().to_string(),
        ];
        for algorithm in JwsAlgorithm::ALL {
            documents.push(serde_json::to_string(key(algorithm).public()).unwrap());
            documents.push(stored(private_key(algorithm)).to_string());
            // Signed, but not by a key that `assail` tries.
            let stranger = SigningKey::generate(JwsAlgorithm::EdDsa).unwrap();
            let header = json!({"alg": algorithm.as_str(), "jwk": bare(algorithm)});
            documents.push(token(&stranger, &header.to_string(), "{}"));
        }
        documents
    });
    &DOCUMENTS
}

/// A value a member might have: mostly sound ones, of this key or of another.
fn value() -> impl Strategy<Value = Value> {
    const WORDS: [&str; 14] = [
        "EC", "RSA", "OKP", "P-256", "Ed25519", "sig", "enc", "verify", "ES256", "none", "AQAB",
        "AQ", "", "b64",
    ];
    let sound = JwsAlgorithm::ALL.map(|algorithm| stored(private_key(algorithm)));
    let sound: Vec<Value> = sound
        .iter()
        .flat_map(|key| key.as_object().unwrap().values().cloned())
        .collect();
    let leaf = prop_oneof![
        6 => select(sound),
        3 => select(&WORDS[..]).prop_map(Value::from),
        1 => any::<String>().prop_map(Value::from),
        1 => vec(any::<u8>(), 0..70).prop_map(|bytes| base64url::encode(bytes).into()),
        1 => any::<i64>().prop_map(Value::from),
        1 => any::<f64>().prop_map(Value::from),
        1 => any::<Option<bool>>().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 6, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..6).prop_map(Value::from),
            vec((name(), inner), 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

fn name() -> impl Strategy<Value = String> {
    const NAMES: [&str; 24] = [
        "kty",
        "crv",
        "x",
        "y",
        "n",
        "e",
        "d",
        "p",
        "q",
        "dp",
        "dq",
        "qi",
        "oth",
        "k",
        "kid",
        "use",
        "key_ops",
        "alg",
        "keys",
        "jwk",
        "typ",
        "crit",
        "b64",
        "$serde_json::private::Number",
    ];
    prop_oneof![12 => select(&NAMES[..]).prop_map(str::to_owned), 1 => any::<String>()]
}

/// A sound key with a few members put in, replaced or taken away.
fn near_miss() -> impl Strategy<Value = Value> {
    let change = (name(), proptest::option::weighted(0.8, value()));
    (
        select(&JwsAlgorithm::ALL[..]),
        any::<bool>(),
        vec(change, 0..4),
    )
        .prop_map(|(algorithm, secret, changes)| {
            let mut key = if secret {
                stored(private_key(algorithm))
            } else {
                bare(algorithm)
            };
            let members = key.as_object_mut().unwrap();
            for (name, value) in changes {
                match value {
                    Some(value) => drop(members.insert(name, value)),
                    None => drop(members.remove(&name)),
                }
            }
            key
        })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_octets(bytes in vec(any::<u8>(), 0..2_000)) {
        assail(&bytes);
    }

    #[test]
    fn any_text(text: String) {
        assail(text.as_bytes());
    }

    #[test]
    fn the_marks_of_json(text in r#"([{}\[\]:,."\\0-9eE+-]|null|true|"kty"|"keys"|"RSA"|\\u[dD][89][0-9a-f]{2}| ){0,30}"#) {
        assail(text.as_bytes());
    }

    #[test]
    fn the_marks_of_a_token(text in "[A-Za-z0-9_.=-]{0,200}") {
        assail(text.as_bytes());
    }

    #[test]
    fn good_documents_spoiled(
        which: Index,
        changes in vec((any::<Index>(), any::<u8>(), 0..4u8), 1..6),
    ) {
        let mut bytes = which.get(documents()).clone().into_bytes();
        for (at, byte, how) in changes {
            let at = at.index(bytes.len());
            match how {
                0 => bytes[at] = byte,
                1 => bytes[at] ^= 1 << (byte % 8),
                2 => bytes.insert(at, byte),
                _ => drop(bytes.remove(at)),
            }
        }
        assail(&bytes);
    }

    #[test]
    fn any_values_under_the_names_of_keys(members in vec((name(), value()), 0..12)) {
        let value = Value::Object(members.into_iter().collect());
        assail_members(value.as_object().unwrap());
        assail(value.to_string().as_bytes());
    }

    #[test]
    fn keys_that_are_almost_sound(key in near_miss(), payload in vec(any::<u8>(), 0..40), signature in vec(any::<u8>(), 0..300)) {
        assail_members(key.as_object().unwrap());
        assail(key.to_string().as_bytes());
        let set = json!({"keys": [key, 5, key]});
        assail(set.to_string().as_bytes());
        // As a header, and as what a header carries.
        for header in [&key, &json!({"alg": "ES256", "jwk": key})] {
            let parts = [header.to_string().as_bytes(), &payload, &signature].map(base64url::encode);
            assail(parts.join(".").as_bytes());
        }
    }
}
