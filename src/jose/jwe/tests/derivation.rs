//! Key agreement and derivation.

use serde_json::json;
use zeroize::Zeroizing;

use crate::jose::{
    PrivateJwk, base64url,
    jwe::{
        ContentEncryption, JweAlgorithm,
        agreement::{self, Agreement},
        concat_kdf::{OtherInfo, derive},
        error::Failure,
    },
    material::Material,
};

fn private(value: &serde_json::Value) -> PrivateJwk {
    PrivateJwk::from_members(value.as_object().unwrap()).unwrap()
}

fn alice() -> PrivateJwk {
    private(&json!({
        "kty": "EC", "crv": "P-256",
        "x": "gI0GAILBdu7T53akrFmMyGcsF3n5dO7MmwNBHKW5SV0",
        "y": "SLW_xSffzlPWrHEVI30DHM_4egVwt3NQqeUD7nMFpps",
        "d": "0_NxaRPUMQoAJt50Gz8YiTr8gRTwyEaCumd-MToTmIo",
    }))
}

fn bob() -> PrivateJwk {
    private(&json!({
        "kty": "EC", "crv": "P-256",
        "x": "weNJy2HscCSM6AEDTDg04biOvhFhyyWvOHQfeF_PxMQ",
        "y": "e8lnCO-AlStT-NJVX-crhB7QRYhiix03illJOVAOyck",
        "d": "VEmDZpDXXK8p8N0Cndsxs924q6nS1RXFASRl6BfUqdw",
    }))
}

fn agreed(
    own: &PrivateJwk,
    other: &Material,
    algorithm: JweAlgorithm,
    parties: [&[u8]; 2],
) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let agreement = Agreement {
        algorithm,
        encryption: ContentEncryption::A128Gcm,
        party_u: parties[0],
        party_v: parties[1],
    };
    agreement::agreed_key(&agreement::private_key(own).unwrap(), other, &agreement)
}

// RFC 7518 Appendix C.
#[test]
fn the_example_of_the_specification_is_agreed_on_by_both_sides() {
    let expected = "VqqN6vgjbSBcIijNcacQGg";
    for (own, other) in [(alice(), bob()), (bob(), alice())] {
        let other = &other.public().material;
        let key = agreed(&own, other, JweAlgorithm::EcdhEs, [b"Alice", b"Bob"]).unwrap();
        assert_eq!(base64url::encode(&key), expected);
        // Whatever differs in what both sides put in, they do not agree.
        for (algorithm, parties) in [
            (JweAlgorithm::EcdhEsA128Kw, [&b"Alice"[..], &b"Bob"[..]]),
            (JweAlgorithm::EcdhEs, [b"Bob", b"Alice"]),
            (JweAlgorithm::EcdhEs, [b"AliceB", b"ob"]),
            (JweAlgorithm::EcdhEs, [b"", b""]),
        ] {
            let key = agreed(&own, other, algorithm, parties).unwrap();
            assert_eq!(key.len(), 16);
            assert_ne!(base64url::encode(&key), expected, "{algorithm} {parties:?}");
        }
    }
}

// RFC 8037 Appendix A.6: the shared secret, seen through a derivation of which we know that it is right.
#[test]
fn the_montgomery_example_of_the_specification_is_agreed_on() {
    let own = private(&json!({
        "kty": "OKP", "crv": "X25519",
        "x": "hSDwCYkwp1R0i33ctD73Wg2_Og0mOBr066SpjqqbTmo",
        "d": "dwdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25LCo",
    }));
    let x = base64url::decode_array("3p7bfXt9wbTTW2HC7OQ1Nz-DQ8hbeGdNrfx-FG-IK08").unwrap();
    let secret = base64url::decode("Sl2dW6TOLeFyjjv0gDUPJeB-IclH0Z4zdvCbPB4WF0I").unwrap();
    let info = OtherInfo {
        algorithm: "A128GCM",
        party_u: b"",
        party_v: b"",
    };
    assert_eq!(
        agreed(
            &own,
            &Material::X25519 { x },
            JweAlgorithm::EcdhEs,
            [b"", b""]
        )
        .unwrap(),
        derive(&secret, info, 16)
    );
}

// RFC 7518 §4.6.2: as many rounds as it takes, the length being part of what is hashed.
#[test]
fn a_longer_key_takes_more_rounds_and_is_no_prolonged_shorter_one() {
    let key = |length| {
        let info = OtherInfo {
            algorithm: "A256CBC-HS512",
            party_u: b"",
            party_v: b"",
        };
        derive(&[7; 32], info, length)
    };
    for length in [16, 32, 48, 64] {
        assert_eq!(key(length).len(), length);
    }
    assert_ne!(key(64)[..32], key(32)[..]);
    assert_ne!(key(64)[..32], key(64)[32..]);
}
