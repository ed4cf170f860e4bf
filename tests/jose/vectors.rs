//! The examples of the JOSE specifications.
//!
//! The documents under `data` are those of the appendices, line breaks removed. What the profile does not allow is there
//! to be refused.

use serde_json::{Value, json};
use tower_fapi::jose::{
    CompactJws, InvalidJwk, Jwk, JwkSet, JwsAlgorithm, JwsError, PrivateJwk, SigningKey,
    SigningKeyError, UnfitKey, VerifyingKey, VerifyingKeySet, base64url,
};

use crate::support::{
    document, jwk, members, open, private, public, set, text, verifying, without,
};

fn rfc7515(section: &str) -> Value {
    document(include_str!("data/rfc7515.json"), section)
}

fn rfc7517(section: &str) -> Value {
    document(include_str!("data/rfc7517.json"), section)
}

fn rfc8037(section: &str) -> Value {
    document(include_str!("data/rfc8037.json"), section)
}

const JOE: &str =
    "{\"iss\":\"joe\",\r\n \"exp\":1300819380,\r\n \"http://example.com/is_root\":true}";

// RFC 7515 Appendix A.3.
#[test]
fn the_es256_example_verifies_and_says_what_it_says() {
    let example = rfc7515("A.3");
    let token = text(&example["jws"]);
    let jws = CompactJws::parse(token).unwrap();
    let header = jws.header().unwrap();

    assert_eq!(header.algorithm(), JwsAlgorithm::Es256);
    assert_eq!((header.kid(), header.typ()), (None, None));
    assert_eq!(jws.header_segment(), "eyJhbGciOiJFUzI1NiJ9");
    let keys = set([jwk(&public(&example["jwk"]))]);
    assert_eq!(open(token, &keys).unwrap(), JOE.as_bytes());

    let stranger = set([SigningKey::generate(JwsAlgorithm::Es256)
        .unwrap()
        .public()
        .clone()]);
    assert!(matches!(
        open(token, &stranger),
        Err(JwsError::Signature(_))
    ));
}

// RFC 7515 Appendices A.1, A.2, A.4, A.5; FAPI 2.0 Security Profile §5.4.1.
#[test]
fn the_examples_with_other_algorithms_are_refused_even_with_their_own_keys() {
    // The RSA key of A.2 is a good one: nothing but the algorithm speaks against that example.
    assert_eq!(
        verifying(&rfc7515("A.2")["jwk"]).algorithm(),
        JwsAlgorithm::Ps256
    );
    for (section, algorithm, expected) in [
        ("A.1", "HS256", JwsError::Algorithm),
        ("A.2", "RS256", JwsError::Algorithm),
        ("A.4", "ES512", JwsError::Algorithm),
        ("A.5", "none", JwsError::Segments),
        ("E", "none, and an extension", JwsError::Segments),
    ] {
        let example = rfc7515(section);
        let own = example["jwk"]
            .as_object()
            .and_then(|key| Jwk::from_members(key).ok());
        let keys = set(own);
        assert_eq!(
            open(text(&example["jws"]), &keys),
            Err(expected),
            "{section}: {algorithm}"
        );
    }
}

// RFC 7515 Appendix A.5 and Appendix E: their headers are refused for what they say, not only for the missing signature.
#[test]
fn an_unsecured_header_is_refused_also_with_a_signature_behind_it() {
    for (section, expected) in [("A.5", JwsError::Algorithm), ("E", JwsError::Critical)] {
        let token = format!("{}AAAA", text(&rfc7515(section)["jws"]));
        let jws = CompactJws::parse(&token).unwrap();
        assert_eq!(jws.header().unwrap_err(), expected, "{section}");
    }
}

// RFC 7515 Appendices A.6 and A.7: only the compact serialization is read.
#[test]
fn the_json_serializations_are_refused() {
    let example = rfc7515("A.3");
    let segments: Vec<_> = text(&example["jws"]).split('.').collect();
    let flattened = json!({
        "payload": segments[1],
        "protected": segments[0],
        "header": {"kid": "e9bc097a-ce51-4036-9562-d2ade882db0d"},
        "signature": segments[2],
    });
    let general = json!({
        "payload": segments[1],
        "signatures": [{"protected": segments[0], "signature": segments[2]}],
    });
    for document in [flattened, general] {
        let token = document.to_string();
        assert_eq!(CompactJws::parse(&token).unwrap_err(), JwsError::Segments);
    }
}

// RFC 7517 Appendix A.1, RFC 7517 §4.2 and §4.4.
#[test]
fn the_public_keys_are_read_and_kept_from_what_they_are_not_for() {
    let document: JwkSet = rfc7517("A.1").to_string().parse().unwrap();
    let [encryption, rs256] = document.keys() else {
        panic!("two keys")
    };
    assert_eq!(encryption.kid(), Some("1"));
    assert_eq!(
        VerifyingKey::new(encryption).unwrap_err(),
        UnfitKey::Purpose
    );
    assert_eq!(rs256.kid(), Some("2011-04-29"));
    assert_eq!(VerifyingKey::new(rs256).unwrap_err(), UnfitKey::Algorithm);
    assert!(VerifyingKeySet::new(&document).keys().is_empty());
    // Nothing is lost on the way in and out.
    assert_eq!(serde_json::to_value(&document).unwrap(), rfc7517("A.1"));
}

// RFC 7517 Appendix A.2 and §9.2: a private key is never taken for a public one.
#[test]
fn the_private_keys_are_not_public_keys() {
    let document = rfc7517("A.2");
    let published: JwkSet = document.to_string().parse().unwrap();
    assert!(
        published.keys().is_empty(),
        "a key that publishes its private half is left out"
    );

    for (private_half, public_half) in document["keys"]
        .as_array()
        .unwrap()
        .iter()
        .zip(rfc7517("A.1")["keys"].as_array().unwrap())
    {
        assert_eq!(
            Jwk::from_members(members(private_half)),
            Err(InvalidJwk::NotPublic("d"))
        );
        let refused: Result<Jwk, _> = serde_json::from_value(private_half.clone());
        assert!(refused.is_err());

        let key = private(private_half);
        assert_eq!(key.public(), &jwk(public_half));
        let written: Value = serde_json::from_str(&key.secret_json()).unwrap();
        assert_eq!(&written, private_half, "what is stored is what was read");
    }
}

// RFC 7517 Appendix A.2: the numbers are good, once nothing says that they are for something else.
#[test]
fn the_private_keys_sign_for_the_public_ones() {
    let private_keys = rfc7517("A.2");
    let public_keys = rfc7517("A.1");
    for (place, expected) in [
        (0, UnfitKey::Purpose),   // `use` is `enc`
        (1, UnfitKey::Algorithm), // `alg` is `RS256`
    ] {
        let key = &private_keys["keys"][place];
        assert_eq!(
            SigningKey::new(&private(key)).unwrap_err(),
            SigningKeyError::Unfit(expected)
        );
        let signing = SigningKey::new(&private(&without(key, &["use", "alg"]))).unwrap();
        let verifying = verifying(&without(&public_keys["keys"][place], &["use", "alg"]));
        let signature = signing.sign(b"message").unwrap();
        assert_eq!(verifying.verify(b"message", &signature), Ok(()));
        assert!(verifying.verify(b"massage", &signature).is_err());
    }
}

// RFC 7517 Appendix A.3.
#[test]
fn the_symmetric_keys_are_no_keys_here() {
    for key in rfc7517("A.3")["keys"].as_array().unwrap() {
        assert_eq!(
            Jwk::from_members(members(key)),
            Err(InvalidJwk::NotPublic("k"))
        );
        assert_eq!(
            PrivateJwk::from_members(members(key)).unwrap_err(),
            InvalidJwk::Unsupported
        );
    }
}

// RFC 7638 §3.1 and §3.2.1.
#[test]
fn the_thumbprint_is_that_of_the_required_members() {
    let expected = "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs";
    let described = &rfc7517("A.1")["keys"][1];
    let bare = without(described, &["alg", "kid"]);
    for (case, key) in [("as printed", described), ("required members only", &bare)] {
        assert_eq!(jwk(key).thumbprint().to_string(), expected, "{case}");
    }
    let of_private = private(&rfc7517("A.2")["keys"][1]).public().thumbprint();
    assert_eq!(of_private.to_string(), expected, "of the private key");
    assert_eq!(verifying(&bare).thumbprint(), of_private);
}

// RFC 8037 Appendix A.1 to A.3.
#[test]
fn the_ed25519_key_is_read_and_has_its_thumbprint() {
    let key = private(&rfc8037("A.1"));
    assert_eq!(
        key.public().thumbprint().to_string(),
        "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
    );
    assert_eq!(key.public(), &jwk(&public(&rfc8037("A.1"))));
    assert_eq!(
        Jwk::from_members(members(&rfc8037("A.1"))),
        Err(InvalidJwk::NotPublic("d"))
    );
}

// RFC 8037 Appendix A.4 and A.5. Ed25519 is deterministic, so the signature must be the very same.
#[test]
fn the_ed25519_example_is_signed_and_verified_to_the_bit() {
    let key = SigningKey::new(&private(&rfc8037("A.1"))).unwrap();
    let example = rfc8037("A.4");
    let token = text(&example["jws"]);
    let (input, signature) = token.rsplit_once('.').unwrap();
    assert_eq!(
        base64url::encode(key.sign(input.as_bytes()).unwrap()),
        signature
    );
    let keys = set([jwk(&public(&rfc8037("A.1")))]);
    assert_eq!(open(token, &keys).unwrap(), b"Example of Ed25519 signing");
}

// RFC 8037 §3.2 and Appendix A.6: a key for key agreement must not be used for signing.
#[test]
fn an_x25519_key_is_read_and_verifies_nothing() {
    let key = Jwk::from_members(members(&rfc8037("A.6"))).unwrap();
    assert_eq!(VerifyingKey::new(&key).unwrap_err(), UnfitKey::Algorithm);
    assert!(set([key]).keys().is_empty());
}
