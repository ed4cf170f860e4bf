//! Public keys that must not be read: private members, unknown types, numbers that make no key.

use serde_json::{Value, json};
use tower_fapi::jose::{InvalidJwk, JwsAlgorithm, base64url};

use crate::support::{bare, fit, read_key, with, without};

// RFC 7517 §9.2, RFC 9449 §4.3 check 7.
#[test]
fn no_private_or_symmetric_member_may_stand_in_a_public_key() {
    for algorithm in JwsAlgorithm::ALL {
        for name in ["d", "p", "q", "dp", "dq", "qi", "oth", "k"] {
            for value in [json!("AQ"), json!(""), json!(null), json!([]), json!({})] {
                let key = with(&bare(algorithm), &json!({name: value}));
                assert_eq!(read_key(&key), Err(InvalidJwk::NotPublic(name)), "{key}");
            }
        }
        assert!(read_key(&bare(algorithm)).is_ok());
    }
}

#[test]
fn other_types_and_curves_are_not_supported() {
    let bare = bare(JwsAlgorithm::Es256);
    for (kty, crv) in [
        ("EC", json!("P-521")),
        ("EC", json!("secp256k1")),
        ("EC", json!("Ed25519")),
        ("EC", json!("p-256")),
        ("EC", json!("P-256 ")),
        ("EC", json!("")),
        ("ec", json!("P-256")),
        ("OKP", json!("P-256")),
        ("OKP", json!("Ed448")),
        ("okp", json!("Ed25519")),
        ("oct", json!("P-256")),
        ("rsa", json!("P-256")),
        ("AKP", json!("P-256")),
        ("", json!("P-256")),
    ] {
        let key = with(&bare, &json!({"kty": kty, "crv": crv}));
        assert_eq!(read_key(&key), Err(InvalidJwk::Unsupported), "{kty} {crv}");
    }
    for (case, key, expected) in [
        (
            "no curve",
            without(&bare, &["crv"]),
            InvalidJwk::Unsupported,
        ),
        (
            "no type",
            without(&bare, &["kty"]),
            InvalidJwk::Member("kty"),
        ),
        (
            "type null",
            with(&bare, &json!({"kty": null})),
            InvalidJwk::Member("kty"),
        ),
        (
            "type array",
            with(&bare, &json!({"kty": ["EC"]})),
            InvalidJwk::Member("kty"),
        ),
        (
            "curve number",
            with(&bare, &json!({"crv": 256})),
            InvalidJwk::Member("crv"),
        ),
        ("nothing", json!({}), InvalidJwk::Member("kty")),
    ] {
        assert_eq!(read_key(&key), Err(expected), "{case}");
    }
}

// RFC 7518 §6.2.1.2: always the full 32 octets, whatever they are.
#[test]
fn coordinates_have_exactly_their_length() {
    let short_x = json!({"kty": "EC", "crv": "P-256",
        "x": "AFVDiUrz0A7X10Cr29dclrBod7eH219w7qeLkKjXwAo",
        "y": "u0yFo9jqKe-q-iRAaRLdhNWxTcMr9lbvbGvVil2UP5I"});
    let short_y = json!({"kty": "EC", "crv": "P-256",
        "x": "mGriUG8f8QTQQjCGHY9LSY9LxMbQCbMPdUTcEpuC0o0",
        "y": "ADzMwKZGDgrjKKTZfTx7YdhvxiicGJ8lJREMRBuwfpc"});
    assert!(read_key(&short_x).is_ok() && read_key(&short_y).is_ok());
    let ed25519 = bare(JwsAlgorithm::EdDsa);
    for (key, name) in [(short_x, "x"), (short_y, "y"), (ed25519, "x")] {
        let octets = base64url::decode(key[name].as_str().unwrap()).unwrap();
        for (case, value) in [
            (
                "first octet left out",
                json!(base64url::encode(&octets[1..])),
            ),
            (
                "last octet left out",
                json!(base64url::encode(&octets[..31])),
            ),
            (
                "zero put before",
                json!(base64url::encode([&[0], &octets[..]].concat())),
            ),
            (
                "zero put behind",
                json!(base64url::encode([&octets[..], &[0]].concat())),
            ),
            ("padded", json!(format!("{}=", base64url::encode(&octets)))),
            (
                "white space",
                json!(format!(" {}", base64url::encode(&octets))),
            ),
            ("hexadecimal", json!("00".repeat(32))),
            ("empty", json!("")),
            ("null", json!(null)),
            ("array", json!(octets)),
            ("number", json!(7)),
        ] {
            let outcome = read_key(&with(&key, &json!({name: value})));
            assert_eq!(outcome, Err(InvalidJwk::Member(name)), "{name}: {case}");
        }
        let outcome = read_key(&without(&key, &[name]));
        assert_eq!(outcome, Err(InvalidJwk::Member(name)), "no {name}");
    }
}

// RFC 8725 §3.4, RFC 7518 §6.2.1.
#[test]
fn points_that_are_not_on_p256_are_refused() {
    const ZERO: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    const PRIME: &str = "_____wAAAAEAAAAAAAAAAAAAAAD_______________8";
    // The points with x = 0 and x = 5, and the same x with the prime added: another spelling of the same number.
    const Y_OF_0: &str = "ZkhceA4vg9ckM71dhKBrtlQcKvMdrocXKL-FahdPk_Q";
    const FIVE: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAU";
    const Y_OF_5: &str = "RZJDuapYGAb-kTvOmYF63hHKUDxk2aPFM0FcCDJI-8w";
    const FIVE_AND_PRIME: &str = "_____wAAAAEAAAAAAAAAAAAAAAEAAAAAAAAAAAAAAAQ";
    let point = |x: &str, y: &str| read_key(&json!({"kty": "EC", "crv": "P-256", "x": x, "y": y}));
    assert!(point(ZERO, Y_OF_0).is_ok() && point(FIVE, Y_OF_5).is_ok());
    let good = bare(JwsAlgorithm::Es256);
    let (x, y) = (good["x"].as_str().unwrap(), good["y"].as_str().unwrap());
    let mut flipped = base64url::decode(y).unwrap();
    flipped[31] ^= 1;
    for (case, x, y) in [
        ("infinity", ZERO, ZERO),
        ("beside the curve", x, &*base64url::encode(flipped)),
        ("coordinates swapped", y, x),
        ("x is y", x, x),
        ("y is zero", x, ZERO),
        ("x of another point", FIVE, y),
        ("x is the prime", PRIME, Y_OF_0),
        ("x has the prime added", FIVE_AND_PRIME, Y_OF_5),
        ("all ones", "__________________________________________8", y),
    ] {
        assert_eq!(point(x, y), Err(InvalidJwk::NotOnCurve), "{case}");
    }
}

// FAPI 2.0 Security Profile §5.4.1: RSA keys of at least 2048 bits.
#[test]
fn rsa_moduli_have_2048_to_8192_bits() {
    let modulus = |bits: usize| {
        let mut octets = vec![0xff; bits.div_ceil(8)];
        octets[0] >>= (8 - bits % 8) % 8;
        json!({"kty": "RSA", "n": base64url::encode(octets), "e": "AQAB"})
    };
    for bits in [8, 512, 1024, 1536, 2040, 2047, 8193, 8200, 16384] {
        let outcome = read_key(&modulus(bits));
        assert_eq!(outcome, Err(InvalidJwk::ModulusLength(bits)), "{bits}");
    }
    for bits in [2048, 2049, 3072, 4096, 8191, 8192] {
        assert_eq!(fit(&modulus(bits)), Ok(JwsAlgorithm::Ps256), "{bits}");
    }
}

// RFC 7518 §6.3.1 with §2 (`Base64urlUInt`): one spelling for a number. FIPS 186-5 §5.1: an odd exponent.
#[test]
fn rsa_numbers_are_canonical_and_can_work() {
    let good = bare(JwsAlgorithm::Ps256);
    let octets = base64url::decode(good["n"].as_str().unwrap()).unwrap();
    let (modulus, exponent) = (InvalidJwk::Member("n"), InvalidJwk::Member("e"));
    for (case, change, expected) in [
        (
            "leading zero in the modulus",
            json!({"n": base64url::encode([&[0], &octets[..]].concat())}),
            &modulus,
        ),
        ("empty modulus", json!({"n": ""}), &modulus),
        ("zero modulus", json!({"n": "AA"}), &modulus),
        ("modulus is a number", json!({"n": 7}), &modulus),
        (
            "padded modulus",
            json!({"n": format!("{}=", good["n"].as_str().unwrap())}),
            &modulus,
        ),
        (
            "leading zero in the exponent",
            json!({"e": "AAEAAQ"}),
            &exponent,
        ),
        ("empty exponent", json!({"e": ""}), &exponent),
        ("exponent 0", json!({"e": "AA"}), &exponent),
        ("exponent 1", json!({"e": "AQ"}), &exponent),
        ("exponent 2", json!({"e": "Ag"}), &exponent),
        ("exponent 65536", json!({"e": "AQAA"}), &exponent),
        ("exponent of 34 bits", json!({"e": "AgAAAAE"}), &exponent),
        (
            "exponent as long as the modulus",
            json!({"e": good["n"]}),
            &exponent,
        ),
        ("exponent is a number", json!({"e": 65537}), &exponent),
    ] {
        assert_eq!(
            read_key(&with(&good, &change)).as_ref(),
            Err(expected),
            "{case}"
        );
    }
    for name in ["n", "e"] {
        assert_eq!(
            read_key(&without(&good, &[name])),
            Err(InvalidJwk::Member(name))
        );
    }
    // FIPS 186-5 §5.1: a product of two odd primes.
    let mut even = octets;
    *even.last_mut().unwrap() &= 0xfe;
    let key = with(&good, &json!({"n": base64url::encode(even)}));
    assert_eq!(read_key(&key), Err(modulus), "even modulus");
}

// RFC 8032 §5.1.3: no second spelling of a coordinate. RFC 8725 §3.4: no point of small order; under the first of them
// the neutral element with a zero behind it is a signature of every message, under the others of one message in a few.
#[test]
fn ed25519_keys_that_bind_nobody_are_refused() {
    let (zeros, ones) = ("00".repeat(30), "ff".repeat(30));
    for (case, x) in [
        ("order 1", format!("01{zeros}00")),
        ("order 1, sign set", format!("01{zeros}80")),
        ("order 2", format!("ec{ones}7f")),
        ("order 2, sign set", format!("ec{ones}ff")),
        ("order 4", format!("00{zeros}00")),
        ("order 4, negative", format!("00{zeros}80")),
        ("order 8", ORDER_8[0].to_owned() + "05"),
        ("order 8, negative", ORDER_8[0].to_owned() + "85"),
        ("order 8, other", ORDER_8[1].to_owned() + "7a"),
        ("order 8, other, negative", ORDER_8[1].to_owned() + "fa"),
        ("order 4, prime added", format!("ed{ones}7f")),
        ("order 4, prime added, negative", format!("ed{ones}ff")),
        ("order 1, prime added", format!("ee{ones}7f")),
        ("order 1, prime added, sign set", format!("ee{ones}ff")),
        ("not reduced", format!("f0{ones}7f")),
        ("all ones", format!("ff{ones}ff")),
    ] {
        assert_eq!(
            read_key(&ed25519(&x)),
            Err(InvalidJwk::NotOnCurve),
            "{case}"
        );
    }
    // One below and one above the points of order 2 and 1 there is nothing wrong.
    assert!(read_key(&ed25519(&format!("eb{ones}7f"))).is_ok());
    assert!(read_key(&ed25519(&format!("02{zeros}00"))).is_ok());
}

/// All but the last octet of the points of order 8.
const ORDER_8: [&str; 2] = [
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03",
];

fn ed25519(hexadecimal: &str) -> Value {
    let digits = hexadecimal.as_bytes().chunks(2);
    let octets = digits.map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap());
    let x = base64url::encode(octets.collect::<Vec<_>>());
    json!({"kty": "OKP", "crv": "Ed25519", "x": x})
}
