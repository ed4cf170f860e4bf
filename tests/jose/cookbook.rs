//! The examples of RFC 7520, as far as the profile has any use for them.

use serde_json::Value;
use tower_fapi::jose::{
    CompactJws, InvalidJwk, Jwk, JwsError, PrivateJwk, SigningKey, UnfitKey, VerifyingKey,
    base64url,
};

use crate::support::{document, jwk, members, open, private, public, set, text};

fn rfc7520(section: &str) -> Value {
    document(include_str!("data/rfc7520.json"), section)
}

// RFC 7520 §6: the signed half of the nested example is the cookbook's only signature the profile allows.
#[test]
fn the_cookbooks_ps256_signature_verifies() {
    let example = rfc7520("6");
    let keys = set([jwk(&public(&example["jwk"]))]);
    let token = text(&example["jws"]);
    assert_eq!(
        open(token, &keys).unwrap(),
        br#"{"iss":"hobbiton.example","exp":1300819380,"http://example.com/is_root":true}"#
    );
    assert!(
        CompactJws::parse(token)
            .unwrap()
            .header()
            .unwrap()
            .is_typ("JWT")
    );

    // Signing with it works as well; PSS is salted, so the signature is another one.
    let key = SigningKey::new(&private(&example["jwk"])).unwrap();
    let (input, _) = token.rsplit_once('.').unwrap();
    let signature = base64url::encode(key.sign(input.as_bytes()).unwrap());
    assert!(open(&format!("{input}.{signature}"), &keys).is_ok());
}

// RFC 7520 §4.1 to §4.4.
#[test]
fn the_cookbooks_other_signatures_are_refused_with_the_right_key_at_hand() {
    let keys = set([jwk(&public(&rfc7520("3.4")))]);
    assert_eq!(keys.keys().len(), 1);
    for (section, algorithm) in [
        ("4.1", "RS256"),
        ("4.2", "PS384"),
        ("4.3", "ES512"),
        ("4.4", "HS256"),
    ] {
        assert_eq!(
            open(text(&rfc7520(section)["jws"]), &keys),
            Err(JwsError::Algorithm),
            "{algorithm}"
        );
    }
}

// RFC 7520 §3.1, §3.2, §3.5 and §5.5.
#[test]
fn the_cookbooks_other_keys_are_refused() {
    let p521 = rfc7520("3.2");
    assert_eq!(
        Jwk::from_members(members(&public(&p521))),
        Err(InvalidJwk::Unsupported)
    );
    assert_eq!(
        PrivateJwk::from_members(members(&p521)).unwrap_err(),
        InvalidJwk::Unsupported
    );
    assert_eq!(
        Jwk::from_members(members(&rfc7520("4.4")["jwk"])),
        Err(InvalidJwk::NotPublic("k"))
    );
    let for_encryption = jwk(&public(&rfc7520("5.5")));
    assert_eq!(
        VerifyingKey::new(&for_encryption).unwrap_err(),
        UnfitKey::Purpose
    );
}
