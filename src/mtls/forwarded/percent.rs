//! Percent-encoding (RFC 3986 §2.1).

use super::Flaw;

/// Decodes; a `+` is a plus and never a space, as base64 needs it.
pub(super) fn decode(text: &str) -> Result<Vec<u8>, Flaw> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let high = rest.next().and_then(digit).ok_or(Flaw::Escape)?;
                let low = rest.next().and_then(digit).ok_or(Flaw::Escape)?;
                high << 4 | low
            }
            // Control characters and what is not ASCII have to be escaped; base64 and PEM delimiters need not be.
            0x20..0x7f => byte,
            _ => return Err(Flaw::Escape),
        });
    }
    Ok(bytes)
}

const fn digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}

/// Encodes everything but what `safe` allows, and letters, digits and `-._~` (RFC 3986 §2.3).
#[cfg(test)]
pub(super) fn encode(bytes: &[u8], safe: &str) -> String {
    let mut text = String::new();
    for &byte in bytes {
        let letter = char::from(byte);
        if byte.is_ascii_alphanumeric() || "-._~".contains(letter) || safe.contains(letter) {
            text.push(letter);
        } else {
            text.push('%');
            text.extend(
                [byte >> 4, byte & 15]
                    .map(|digit| char::from(b"0123456789ABCDEF"[usize::from(digit)])),
            );
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_escape_is_two_hexadecimal_digits_and_a_plus_is_a_plus() {
        assert_eq!(decode("a%2B+%2f%0A ="), Ok(b"a++/\n =".to_vec()));
        for text in ["%", "a%2", "%zz", "%+1", "%2 ", "\u{e9}", "a\tb"] {
            assert_eq!(decode(text), Err(Flaw::Escape), "{text:?}");
        }
    }
}
