//! As much of DER as it takes to see where a certificate begins and ends (ITU-T X.690 §8, §10.1).

const SEQUENCE: u8 = 0x30;
const BIT_STRING: u8 = 0x03;

/// Whether these bytes are `Certificate ::= SEQUENCE { SEQUENCE, SEQUENCE, BIT STRING }` (RFC 5280 §4.1) and nothing more.
///
/// What is compared is the hash of the bytes, so that nothing inside needs to be understood. But two texts that mean the
/// same certificate must not have two hashes, and what is no certificate must have none.
pub(super) fn is_certificate(bytes: &[u8]) -> bool {
    let Some((content, [])) = value(bytes, SEQUENCE) else {
        return false;
    };
    let after_algorithm = value(content, SEQUENCE)
        .filter(|(to_be_signed, _)| !to_be_signed.is_empty())
        .and_then(|(_, rest)| value(rest, SEQUENCE))
        .map(|(_, rest)| rest);
    after_algorithm
        .and_then(|rest| value(rest, BIT_STRING))
        .is_some_and(|(signature, rest)| signature.len() > 1 && rest.is_empty())
}

/// Content and remainder of the first value, if it has this tag and a length in its one shortest form.
fn value(bytes: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (&found, rest) = bytes.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = if first < 0x80 {
        (usize::from(first), rest)
    } else {
        let (octets, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
        // No more than three: a header holds less than 16 MiB.
        if octets.is_empty() || octets.len() > 3 || octets.first() == Some(&0) {
            return None;
        }
        let length = octets
            .iter()
            .fold(0, |length, octet| (length << 8) | usize::from(*octet));
        if length < 0x80 {
            return None;
        }
        (length, rest)
    };
    if found == tag {
        rest.split_at_checked(length)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn der(tag: u8, content: &[u8]) -> Vec<u8> {
        let length = content.len();
        let head: Vec<u8> = match length {
            0..0x80 => vec![u8::try_from(length).unwrap()],
            0x80..0x100 => vec![0x81, u8::try_from(length).unwrap()],
            _ => [&[0x82][..], &u16::try_from(length).unwrap().to_be_bytes()].concat(),
        };
        [&[tag][..], &head, content].concat()
    }

    fn certificate(to_be_signed: &[u8]) -> Vec<u8> {
        let parts = [
            der(SEQUENCE, to_be_signed),
            der(SEQUENCE, b""),
            der(BIT_STRING, b"\0s"),
        ];
        der(SEQUENCE, &parts.concat())
    }

    // ITU-T X.690 §10.1: lengths are definite and as short as can be; RFC 5280 §4.1.
    #[test]
    fn a_certificate_is_three_values_in_one_and_nothing_more() {
        let made = rcgen::generate_simple_self_signed(["client".to_owned()]).unwrap();
        let real = made.cert.der();
        assert!(is_certificate(real));
        for size in [1, 100, 127, 128, 300] {
            assert!(is_certificate(&certificate(&vec![7; size])), "{size}");
        }
        let small = certificate(b"x");
        let with = |at: usize, bytes: &[u8]| [&small[..at], bytes, &small[at + 1..]].concat();
        for (case, bytes) in [
            ("nothing", vec![]),
            ("a tag alone", vec![SEQUENCE]),
            ("an empty sequence", vec![SEQUENCE, 0]),
            ("a byte behind", [real, &[0][..]].concat()),
            ("twice", [&real[..], real].concat()),
            ("a byte less", real[..real.len() - 1].to_vec()),
            ("another tag", with(0, &[0x31])),
            ("an indefinite length", with(1, &[0x80])),
            ("a long form of a short length", with(1, &[0x81, small[1]])),
            ("a leading zero", with(1, &[0x82, 0, small[1]])),
            (
                "a length beyond all",
                [&[SEQUENCE, 0x84, 1, 0, 0, 0][..], &small].concat(),
            ),
            ("a length of 126 octets", vec![SEQUENCE, 0xfe, 1]),
            ("nothing to be signed", certificate(b"")),
            ("one value", der(SEQUENCE, &der(SEQUENCE, b"x"))),
            ("a fourth", der(SEQUENCE, &[&small[2..], &[5, 0]].concat())),
            (
                "no signature",
                der(
                    SEQUENCE,
                    &[
                        der(SEQUENCE, b"x"),
                        der(SEQUENCE, b""),
                        der(BIT_STRING, b"\0"),
                    ]
                    .concat(),
                ),
            ),
        ] {
            assert!(!is_certificate(&bytes), "{case}");
        }
    }
}
