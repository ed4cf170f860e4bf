//! Sets of keys, and which of them may have signed.

use serde_json::{Value, json};
use tower_fapi::jose::{
    InvalidJwkSet, Jwk, JwkSet, JwsAlgorithm, JwsError, SigningKey, VerifyingKeySet,
};

use crate::support::{bare, jwk, key, open, set, token, with};

/// `count` keys for ES256 that are nobody's.
fn strangers(count: usize) -> Vec<Jwk> {
    let make = || SigningKey::generate(JwsAlgorithm::Es256).unwrap();
    (0..count).map(|_| make().public().clone()).collect()
}

fn read(document: &Value) -> Result<JwkSet, InvalidJwkSet> {
    let outcome = JwkSet::from_value(document);
    let deserialized = serde_json::from_value::<JwkSet>(document.clone());
    assert_eq!(deserialized.ok(), outcome.clone().ok());
    outcome
}

#[test]
fn a_document_that_is_no_set_is_refused() {
    for document in [
        json!({}),
        json!({"keys": null}),
        json!({"keys": {}}),
        json!({"keys": "[]"}),
        json!({"KEYS": []}),
        json!([]),
        json!([bare(JwsAlgorithm::Es256)]),
        json!("keys"),
        json!(null),
        bare(JwsAlgorithm::Es256),
    ] {
        assert_eq!(read(&document), Err(InvalidJwkSet::NoKeys), "{document}");
    }
    let key = bare(JwsAlgorithm::Es256);
    for text in [
        format!(r#"{{"keys":[],"keys":[{key}]}}"#),
        format!(r#"{{"keys":[{key}],"a":{{"b":1,"b":1}}}}"#),
        format!(r#"{{"keys":[{{"kid":"1","kid":"2"}},{key}]}}"#),
        format!(r#"{{"keys":[{key}]}} x"#),
        format!(r#"{{"keys":[{key}"#),
        String::new(),
    ] {
        assert!(
            matches!(text.parse::<JwkSet>(), Err(InvalidJwkSet::Json(_))),
            "{text}"
        );
        assert!(serde_json::from_str::<JwkSet>(&text).is_err(), "{text}");
    }
}

// RFC 7517 §5: keys that are not understood are left out, the others serve, in their order.
#[test]
fn a_key_that_cannot_be_used_does_not_spoil_the_set() {
    let [ps256, es256, eddsa] = JwsAlgorithm::ALL.map(bare);
    let document = json!({"unknown": 1, "keys": [
        null, 5, "key", [], {}, {"kty": "oct", "k": "AQ"}, {"kty": "EC", "crv": "P-521"},
        with(&es256, &json!({"d": "AQ"})), with(&es256, &json!({"kid": 5})),
        es256, with(&ps256, &json!({"n": "AQ"})), eddsa, ps256, with(&eddsa, &json!({"use": "enc"})),
    ]});
    let read = read(&document).unwrap();
    assert_eq!(read.keys()[..3], [jwk(&es256), jwk(&eddsa), jwk(&ps256)]);
    assert_eq!(
        read.keys().len(),
        4,
        "the last one can be read, but does not verify"
    );
    let algorithms: Vec<_> = VerifyingKeySet::new(&read)
        .keys()
        .iter()
        .map(|key| key.algorithm())
        .collect();
    assert_eq!(
        algorithms,
        [
            JwsAlgorithm::Es256,
            JwsAlgorithm::EdDsa,
            JwsAlgorithm::Ps256
        ]
    );
}

#[test]
fn a_set_holds_at_most_a_hundred_keys_usable_or_not() {
    assert_eq!(JwkSet::MAX_KEYS, 100);
    for junk in [json!({}), json!(null), bare(JwsAlgorithm::EdDsa)] {
        let document = |count| json!({"keys": vec![junk.clone(); count]});
        assert!(read(&document(100)).is_ok());
        for count in [101, 5_000] {
            assert_eq!(read(&document(count)), Err(InvalidJwkSet::TooMany(count)));
            let text = document(count).to_string();
            assert_eq!(text.parse::<JwkSet>(), Err(InvalidJwkSet::TooMany(count)));
        }
    }
}

// RFC 7515 §4.1.4: the header names the key.
#[test]
fn a_kid_that_no_key_has_finds_no_key() {
    let signer = key(JwsAlgorithm::Es256);
    let header = |kid: &str| json!({"alg": "ES256", "kid": kid}).to_string();
    let keys = set([signer.public().clone().with_kid("1")]);
    for (kid, found) in [
        ("1", true),
        ("2", false),
        ("", false),
        ("1 ", false),
        ("01", false),
    ] {
        let outcome = open(&token(signer, &header(kid), "{}"), &keys);
        let expected = if found {
            Ok(b"{}".to_vec())
        } else {
            Err(JwsError::NoKey)
        };
        assert_eq!(outcome, expected, "{kid:?}");
    }
    let nameless = set([jwk(&bare(JwsAlgorithm::Es256))]);
    assert_eq!(
        open(&token(signer, &header("1"), "{}"), &nameless),
        Err(JwsError::NoKey)
    );
    assert_eq!(
        open(&token(signer, &header("1"), "{}"), &set([])),
        Err(JwsError::NoKey)
    );
    // Without a `kid` in the header, the key's own does not matter.
    assert!(open(&token(signer, r#"{"alg":"ES256"}"#, "{}"), &keys).is_ok());
}

// FAPI 2.0 Security Profile §5.4.3: of several keys with one `kid`, type, purpose and algorithm tell which it is.
#[test]
fn keys_that_share_a_kid_are_told_apart_by_what_else_they_say() {
    let shared = |algorithm| with(&bare(algorithm), &json!({"kid": "shared"}));
    let mut keys: Vec<_> = JwsAlgorithm::ALL
        .map(|algorithm| jwk(&shared(algorithm)))
        .into();
    // Before all of them stand others of each type, and one that is not for signing.
    keys.insert(
        0,
        jwk(&with(&shared(JwsAlgorithm::Es256), &json!({"use": "enc"}))),
    );
    keys.insert(0, strangers(1).remove(0).with_kid("shared"));
    let keys = set(keys);
    for algorithm in JwsAlgorithm::ALL {
        let header = json!({"alg": algorithm.as_str(), "kid": "shared"}).to_string();
        let good = token(key(algorithm), &header, "{}");
        assert_eq!(open(&good, &keys), Ok(b"{}".to_vec()), "{algorithm}");
    }
    let stranger = SigningKey::generate(JwsAlgorithm::Es256).unwrap();
    let forged = token(&stranger, r#"{"alg":"ES256","kid":"shared"}"#, "{}");
    assert!(matches!(open(&forged, &keys), Err(JwsError::Signature(_))));
}

#[test]
fn one_key_that_fits_is_enough_wherever_it_stands() {
    let good = token(key(JwsAlgorithm::Es256), r#"{"alg":"ES256"}"#, "{}");
    let ours = jwk(&bare(JwsAlgorithm::Es256));
    for place in 0..=2 {
        let mut keys = strangers(2);
        keys.insert(place, ours.clone());
        assert!(open(&good, &set(keys)).is_ok(), "{place}");
    }
    assert!(matches!(
        open(&good, &set(strangers(3))),
        Err(JwsError::Signature(_))
    ));
}

#[test]
fn a_token_makes_us_try_only_so_many_keys() {
    const MAX: usize = VerifyingKeySet::MAX_CANDIDATES;
    assert_eq!(MAX, 8);
    let signer = key(JwsAlgorithm::Es256);
    let ours = jwk(&bare(JwsAlgorithm::Es256)).with_kid("ours");
    let others: Vec<_> = strangers(MAX)
        .into_iter()
        .map(|key| key.with_kid("other"))
        .collect();
    let behind = |count: usize| set(others[..count].iter().cloned().chain([ours.clone()]));
    let nameless = token(signer, r#"{"alg":"ES256"}"#, "{}");
    let named = token(signer, r#"{"alg":"ES256","kid":"ours"}"#, "{}");

    assert!(
        open(&nameless, &behind(MAX - 1)).is_ok(),
        "the last that is tried"
    );
    assert!(
        matches!(open(&nameless, &behind(MAX)), Err(JwsError::Signature(_))),
        "one further"
    );
    assert!(open(&named, &behind(MAX)).is_ok(), "the header says which");

    // Keys of other algorithms are not tried, so they do not count.
    let rsa = jwk(&bare(JwsAlgorithm::Ps256));
    let many = set(std::iter::repeat_n(rsa, 50).chain([ours.clone()]));
    assert!(open(&nameless, &many).is_ok());
    assert_eq!(many.candidates(JwsAlgorithm::Ps256, None).count(), MAX);
    assert_eq!(many.candidates(JwsAlgorithm::Es256, None).count(), 1);
    assert_eq!(many.candidates(JwsAlgorithm::EdDsa, None).count(), 0);

    // A name that a hundred keys share is no way around the bound.
    let same = set(std::iter::repeat_n(ours, 100));
    assert_eq!(
        same.candidates(JwsAlgorithm::Es256, Some("ours")).count(),
        MAX
    );
}
