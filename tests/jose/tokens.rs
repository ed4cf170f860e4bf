//! Tokens that only look like tokens: cut, joined, dressed up, or with a signature of another shape.

use serde_json::json;
use tower_fapi::jose::{JwsAlgorithm, JwsError, SigningHeader, base64url, sign};

use crate::support::{key, open, ours, token};

// RFC 7515 §7.1.
#[test]
fn a_token_has_three_segments_and_nothing_around_them() {
    for algorithm in JwsAlgorithm::ALL {
        let good = token(
            key(algorithm),
            &json!({"alg": algorithm.as_str()}).to_string(),
            "{}",
        );
        assert!(open(&good, &ours()).is_ok());
        let segments: Vec<_> = good.split('.').collect();
        let (header, payload, signature) = (segments[0], segments[1], segments[2]);
        for wrong in [
            String::new(),
            ".".into(),
            "..".into(),
            "...".into(),
            header.into(),
            format!("{header}."),
            format!("{header}.{payload}"),
            format!("{header}.{payload}."),
            format!("{header}.."),
            format!(".{payload}.{signature}"),
            format!("{good}."),
            format!(".{good}"),
            format!("{good}.{signature}"),
            format!("{header}.{header}.{payload}.{signature}"),
            format!("{header}.{payload}..{signature}"),
            format!("{good}.e30.e30"),
        ] {
            assert_eq!(open(&wrong, &ours()), Err(JwsError::Segments), "{wrong}");
        }
        for space in [
            " ", "\t", "\n", "\r\n", "\0", "\u{a0}", "\u{feff}", "=", "+", "/", "%3D", "~",
        ] {
            for place in 0..=good.len() {
                if place % 7 == 0 || good[place..].starts_with('.') || good[..place].ends_with('.')
                {
                    let wrong = format!("{}{space}{}", &good[..place], &good[place..]);
                    assert!(open(&wrong, &ours()).is_err(), "{space:?} at {place}");
                }
            }
        }
        for wrong in [
            format!("{good}="),
            format!("{good}A"),
            format!("Bearer {good}"),
            format!("\"{good}\""),
        ] {
            assert!(open(&wrong, &ours()).is_err(), "{wrong}");
        }
    }
}

// RFC 4648 §3.5: the bits behind the last octet are zero. A token has one spelling, or a record of it is worth nothing.
#[test]
fn a_segment_has_no_second_spelling() {
    const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut respelled = 0;
    for algorithm in JwsAlgorithm::ALL {
        // Payloads of one, two and three octets, so that the segment ends in every way there is.
        for payload in ["1", "12", "123"] {
            let header = json!({"alg": algorithm.as_str()}).to_string();
            let good = token(key(algorithm), &header, payload);
            let segments: Vec<_> = good.split('.').map(str::to_owned).collect();
            for (place, segment) in segments.iter().enumerate() {
                let unused = [0, 0, 4, 2][segment.len() % 4];
                let last = ALPHABET.find(segment.chars().last().unwrap()).unwrap();
                for bits in 1..1 << unused {
                    let mut wrong = segments.clone();
                    wrong[place].pop();
                    wrong[place].push_str(&ALPHABET[last + bits..=last + bits]);
                    assert!(
                        open(&wrong.join("."), &ours()).is_err(),
                        "{algorithm}: {place}"
                    );
                    respelled += 1;
                }
            }
        }
    }
    assert!(respelled > 100);
}

// RFC 7515 §7.1: the payload may be any octets, and none at all.
#[test]
fn the_payload_is_any_octets_that_are_signed() {
    let signer = key(JwsAlgorithm::EdDsa);
    let long = vec![0; 100_000];
    for payload in [&b""[..], b"\0", b"\xff\xfe", b"not JSON", &long] {
        let token = sign(signer, SigningHeader::default(), payload).unwrap();
        assert_eq!(open(&token, &ours()).as_deref(), Ok(payload));
    }
}

// RFC 7518 §3.4 and §3.5, RFC 8032 §5.1.6: a signature has the length of its algorithm, and is no DER.
#[test]
fn signatures_have_their_length() {
    for algorithm in JwsAlgorithm::ALL {
        let good = token(
            key(algorithm),
            &json!({"alg": algorithm.as_str()}).to_string(),
            "{}",
        );
        let (input, signature) = good.rsplit_once('.').unwrap();
        let octets = base64url::decode(signature).unwrap();
        let der = [&[0x30, 0x44, 2, 32], &octets[..32], &[2, 32], &octets[32..]].concat();
        for (case, wrong) in [
            ("one octet", vec![0]),
            ("all zeros", vec![0; octets.len()]),
            ("all ones", vec![0xff; octets.len()]),
            ("one short", octets[1..].to_vec()),
            ("one cut off", octets[..octets.len() - 1].to_vec()),
            ("zero before", [&[0], &octets[..]].concat()),
            ("zero behind", [&octets[..], &[0]].concat()),
            ("twice", octets.repeat(2)),
            ("DER", der),
            ("very long", vec![1; 1_000_000]),
        ] {
            let token = format!("{input}.{}", base64url::encode(wrong));
            assert!(open(&token, &ours()).is_err(), "{algorithm}: {case}");
        }
    }
}
