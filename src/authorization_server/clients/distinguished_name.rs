//! Names of certificate subjects, written as RFC 4514 does and compared as RFC 4517 §4.2.15 does.

use std::str::FromStr;

use thiserror::Error;
use x509_parser::x509::X509Name;

/// A distinguished name, ready for comparison: letter case and repeated spaces do not count in a text, the order of
/// the parts does, the order within a part of several attributes does not.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct DistinguishedName(Vec<Vec<Attribute>>);

#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
struct Attribute {
    /// Dotted decimal.
    oid: String,
    value: Value,
}

#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Value {
    /// Lower case, single spaces.
    Text(String),
    /// Tag and content of a value that is no text.
    Other(u32, Vec<u8>),
}

/// The text is not a distinguished name in the form of RFC 4514.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("not a distinguished name as RFC 4514 writes them, such as `CN=client,O=Example,C=DE`")]
pub struct InvalidDistinguishedName;

/// Names of attribute types (RFC 4514 §3, and those that certificates of banks hold).
const NAMES: [(&str, &str); 26] = [
    ("CN", "2.5.4.3"),
    ("SN", "2.5.4.4"),
    ("SERIALNUMBER", "2.5.4.5"),
    ("C", "2.5.4.6"),
    ("L", "2.5.4.7"),
    ("ST", "2.5.4.8"),
    ("S", "2.5.4.8"),
    ("STREET", "2.5.4.9"),
    ("O", "2.5.4.10"),
    ("OU", "2.5.4.11"),
    ("T", "2.5.4.12"),
    ("TITLE", "2.5.4.12"),
    ("BUSINESSCATEGORY", "2.5.4.15"),
    ("POSTALCODE", "2.5.4.17"),
    ("GN", "2.5.4.42"),
    ("GIVENNAME", "2.5.4.42"),
    ("DNQUALIFIER", "2.5.4.46"),
    ("ORGANIZATIONIDENTIFIER", "2.5.4.97"),
    ("UID", "0.9.2342.19200300.100.1.1"),
    ("DC", "0.9.2342.19200300.100.1.25"),
    ("E", "1.2.840.113549.1.9.1"),
    ("EMAILADDRESS", "1.2.840.113549.1.9.1"),
    ("JURISDICTIONL", "1.3.6.1.4.1.311.60.2.1.1"),
    ("JURISDICTIONST", "1.3.6.1.4.1.311.60.2.1.2"),
    ("JURISDICTIONC", "1.3.6.1.4.1.311.60.2.1.3"),
    ("JURISDICTIONCOUNTRYNAME", "1.3.6.1.4.1.311.60.2.1.3"),
];

impl DistinguishedName {
    /// The name in a certificate.
    pub(crate) fn of_certificate(name: &X509Name<'_>) -> Self {
        let part = |attributes: &x509_parser::x509::RelativeDistinguishedName<'_>| {
            sorted(
                attributes
                    .iter()
                    .map(|attribute| Attribute {
                        oid: attribute.attr_type().to_id_string(),
                        value: Value::of_der(
                            attribute.attr_value().tag().0,
                            attribute.attr_value().data,
                        ),
                    })
                    .collect(),
            )
        };
        Self(name.iter().map(part).collect())
    }
}

impl FromStr for DistinguishedName {
    type Err = InvalidDistinguishedName;

    fn from_str(text: &str) -> Result<Self, InvalidDistinguishedName> {
        let mut rest = text;
        let (mut parts, mut part) = (Vec::new(), Vec::new());
        loop {
            let (name, after) = rest.split_once('=').ok_or(InvalidDistinguishedName)?;
            let end = value_end(after);
            let (value, after) = after
                .split_at_checked(end)
                .ok_or(InvalidDistinguishedName)?;
            part.push(Attribute {
                oid: attribute_type(name.trim())?,
                value: Value::read(value.trim_start_matches(' '))?,
            });
            let mut left = after.chars();
            match left.next() {
                Some('+') => {}
                separator => {
                    parts.push(sorted(std::mem::take(&mut part)));
                    if separator.is_none() {
                        break;
                    }
                }
            }
            rest = left.as_str();
        }
        // The text begins with what the certificate ends with (RFC 4514 §2.1).
        parts.reverse();
        Ok(Self(parts))
    }
}

impl Value {
    fn of_der(tag: u32, content: &[u8]) -> Self {
        match (tag, std::str::from_utf8(content)) {
            // UTF8String, PrintableString and IA5String; the others of X.520 are no longer issued (RFC 5280 §4.1.2.4).
            (12 | 19 | 22, Ok(text)) => Self::text(text),
            _ => Self::Other(tag, content.to_vec()),
        }
    }

    fn text(text: &str) -> Self {
        let words: Vec<String> = text.split_whitespace().map(str::to_lowercase).collect();
        Self::Text(words.join(" "))
    }

    /// Reads `#` and hexadecimal DER, or a string with escapes (RFC 4514 §3).
    fn read(written: &str) -> Result<Self, InvalidDistinguishedName> {
        if let Some(digits) = written.strip_prefix('#') {
            let der = hex_bytes(digits.trim_end()).ok_or(InvalidDistinguishedName)?;
            return match der.as_slice() {
                // Values of a name are short: one byte of length, and it is that of the rest.
                [tag, length, content @ ..] if usize::from(*length) == content.len() => {
                    Ok(Self::of_der(u32::from(*tag), content))
                }
                _ => Err(InvalidDistinguishedName),
            };
        }
        let mut bytes = Vec::new();
        let mut rest = written.bytes();
        while let Some(byte) = rest.next() {
            // RFC 4514 §3 lets these stand escaped only. The quotes of RFC 2253 and OpenSSL would never match.
            if matches!(byte, b'"' | b'<' | b'>' | 0) {
                return Err(InvalidDistinguishedName);
            }
            if byte != b'\\' {
                bytes.push(byte);
                continue;
            }
            match rest.next().ok_or(InvalidDistinguishedName)? {
                special
                @ (b' ' | b'"' | b'#' | b'+' | b',' | b';' | b'<' | b'=' | b'>' | b'\\') => {
                    bytes.push(special);
                }
                high => {
                    let low = rest.next().ok_or(InvalidDistinguishedName)?;
                    bytes.push(hex_byte(high, low).ok_or(InvalidDistinguishedName)?);
                }
            }
        }
        String::from_utf8(bytes)
            .map(|text| Self::text(&text))
            .map_err(|_| InvalidDistinguishedName)
    }
}

/// Where a value ends: before the first separator that is not escaped.
fn value_end(text: &str) -> usize {
    let mut escaped = false;
    for (position, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            ',' | '+' | ';' => return position,
            _ => {}
        }
    }
    text.len()
}

fn attribute_type(name: &str) -> Result<String, InvalidDistinguishedName> {
    let name = name.strip_prefix("OID.").unwrap_or(name);
    let numeric = name.contains('.')
        && name
            .split('.')
            .all(|arc| !arc.is_empty() && arc.bytes().all(|digit| digit.is_ascii_digit()));
    if numeric {
        return Ok(name.to_owned());
    }
    NAMES
        .iter()
        .find(|(known, _)| known.eq_ignore_ascii_case(name))
        .map(|(_, oid)| (*oid).to_owned())
        .ok_or(InvalidDistinguishedName)
}

fn sorted(mut part: Vec<Attribute>) -> Vec<Attribute> {
    part.sort();
    part
}

fn hex_bytes(digits: &str) -> Option<Vec<u8>> {
    let (pairs, rest) = digits.as_bytes().as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    pairs
        .iter()
        .map(|[high, low]| hex_byte(*high, *low))
        .collect()
}

fn hex_byte(high: u8, low: u8) -> Option<u8> {
    let digit = |c: u8| char::from(c).to_digit(16);
    u8::try_from(digit(high)? << 4 | digit(low)?).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_text_is_an_error_or_a_name(text: String, alike in "(CN|O|=|,|\\+|\\\\|#|[0-9a-f]| ){0,16}") {
            let _ = text.parse::<DistinguishedName>();
            let _ = alike.parse::<DistinguishedName>();
        }
    }

    fn name(text: &str) -> DistinguishedName {
        text.parse().expect(text)
    }

    // RFC 4514 §2 and §4, RFC 4517 §4.2.15 and §4.2.11.
    #[test]
    fn spellings_of_one_name_are_equal() {
        for (one, other) in [
            ("CN=client,O=Bank,C=DE", "cn=Client, o=BANK, c=de"),
            ("CN=a  b", "CN= a b "),
            ("2.5.4.3=client", "CN=client"),
            ("OID.2.5.4.3=client", "CN=client"),
            ("CN=#0C06636C69656E74", "CN=client"),
            ("CN=#1306436c69656e74", "CN=client"),
            ("CN=a+UID=b,C=DE", "UID=b+CN=a,C=DE"),
            (r"O=Sue\, Grabbit and Runn", r"O=Sue\2C Grabbit and Runn"),
            (r"SN=Lu\C4\8Di\C4\87", "SN=Lučić"),
            (r"CN=\#x", r"CN=\23x"),
            (r#"CN=\"a\<b\>\""#, r"CN=\22a\3Cb\3E\22"),
        ] {
            assert_eq!(name(one), name(other), "{one} {other}");
        }
    }

    #[test]
    fn different_names_are_not_equal() {
        for (one, other) in [
            ("CN=client,O=Bank", "O=Bank,CN=client"),
            ("CN=client,O=Bank", "CN=client"),
            ("CN=client", "CN=client,O=Bank"),
            ("CN=client", "OU=client"),
            ("CN=client", "CN=client2"),
            ("CN=a,CN=b", "CN=a+CN=b"),
            (r"CN=a\,O=b", "CN=a,O=b"),
            ("CN=#0406636C69656E74", "CN=client"),
            ("CN=ab", "CN=a b"),
        ] {
            assert_ne!(name(one), name(other), "{one} {other}");
        }
    }

    #[test]
    fn what_is_no_name_is_refused() {
        for text in [
            "",
            "client",
            "CN",
            "XX=a",
            "CN=a,",
            ",CN=a",
            "CN=a,,O=b",
            "CN=a+",
            "CN=a\\",
            r"CN=\zz",
            r"CN=\4",
            r"CN=\ff",
            "CN=#0",
            "CN=#0C",
            "CN=#0C05636C69656E74",
            "CN=#xx",
            "1..2=a",
            "=a",
            r#"O="Example""#,
            "CN=a<b",
            "CN=a>b",
            "CN=a\0",
        ] {
            assert_eq!(
                text.parse::<DistinguishedName>(),
                Err(InvalidDistinguishedName),
                "{text:?}"
            );
        }
    }
}
