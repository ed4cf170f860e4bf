//! The numbers of an RSA key out of the PKCS#8 document the cryptographic library makes (RFC 5958 §2, RFC 8017 A.1.2).
//!
//! Only for documents of our own making: it reads what is there and returns `None` for everything else.

/// `n`, `e`, `d`, `p`, `q`, `dp`, `dq`, `qi`, big-endian without leading zeros.
pub(super) fn rsa_integers(der: &[u8]) -> Option<[&[u8]; 8]> {
    const INTEGER: u8 = 0x02;
    const OCTETS: u8 = 0x04;
    const SEQUENCE: u8 = 0x30;
    let (info, _) = value(der, SEQUENCE)?;
    let (_version, info) = value(info, INTEGER)?;
    let (_algorithm, info) = value(info, SEQUENCE)?;
    let (key, _) = value(info, OCTETS)?;
    let (numbers, _) = value(key, SEQUENCE)?;
    let (_version, mut rest) = value(numbers, INTEGER)?;
    let mut integers = [&[][..]; 8];
    for integer in &mut integers {
        let (number, behind) = value(rest, INTEGER)?;
        // DER puts a zero before a number whose first bit is set.
        *integer = number.strip_prefix(&[0]).unwrap_or(number);
        rest = behind;
    }
    Some(integers)
}

/// The content of the value at the front, which must have this tag, and what follows it.
fn value(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (&[found, first], rest) = der.split_first_chunk::<2>()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        0x81 => rest
            .split_first()
            .map(|(low, rest)| (usize::from(*low), rest))?,
        0x82 => {
            let (bytes, rest) = rest.split_first_chunk::<2>()?;
            (usize::from(u16::from_be_bytes(*bytes)), rest)
        }
        _ => return None,
    };
    (found == tag).then(|| rest.split_at_checked(length))?
}
