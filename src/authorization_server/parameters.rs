//! The parameters of a request (RFC 6749 §3.1, §3.2 and Appendix B).

use std::{collections::HashSet, fmt};

use thiserror::Error;

/// The parameters of a request: form-encoded, UTF-8, none of them twice.
///
/// A parameter without a value is as if it had not been sent, and one that nobody knows is ignored (RFC 6749 §3.1).
#[derive(Clone, Default)]
pub(crate) struct Parameters(Vec<(String, String)>);

/// Why the parameters cannot be read.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub(crate) enum InvalidParameters {
    /// A parameter is there twice, so that two readers could take different ones for the real one (RFC 6749 §3.1).
    #[error("the parameter {0} is repeated")]
    Repeated(&'static str),
    /// A parameter whose name we do not use is there twice.
    #[error("a parameter is repeated")]
    RepeatedUnknown,
    /// Some bytes are not UTF-8 (RFC 6749 Appendix B), or `%` is not followed by two hexadecimal digits.
    #[error("the parameters are not form-encoded UTF-8")]
    Encoding,
}

/// What can be sent several times (RFC 8707 §2).
const REPEATABLE: &str = "resource";

/// The names that a description may repeat; any other text of the client's stays out of it.
const KNOWN: [&str; 29] = [
    "acr_values",
    "authorization_details",
    "claims",
    "client_assertion",
    "client_assertion_type",
    "client_id",
    "client_secret",
    "code",
    "code_challenge",
    "code_challenge_method",
    "code_verifier",
    "dpop_jkt",
    "grant_type",
    "id_token_hint",
    "login_hint",
    "max_age",
    "nonce",
    "prompt",
    "redirect_uri",
    "refresh_token",
    "request",
    "request_uri",
    "resource",
    "response_mode",
    "response_type",
    "scope",
    "state",
    "token",
    "token_type_hint",
];

impl Parameters {
    /// Parameters that came in another form, in which none can be there twice.
    pub(crate) const fn from_pairs(pairs: Vec<(String, String)>) -> Self {
        Self(pairs)
    }

    /// Whether anything here uses a parameter of this name.
    pub(crate) fn is_known(name: &str) -> bool {
        KNOWN.contains(&name)
    }

    /// Reads a query or a form.
    pub(crate) fn parse(encoded: &[u8]) -> Result<Self, InvalidParameters> {
        Self::parse_where(encoded, |_| true)
    }

    /// Reads the parameters with these names and none of the others.
    pub(crate) fn parse_only(encoded: &[u8], names: &[&str]) -> Result<Self, InvalidParameters> {
        Self::parse_where(encoded, |name| names.contains(&name))
    }

    fn parse_where(
        encoded: &[u8],
        wanted: impl Fn(&str) -> bool,
    ) -> Result<Self, InvalidParameters> {
        if !is_encoded_utf8(encoded) {
            return Err(InvalidParameters::Encoding);
        }
        let mut read: Vec<(String, String)> = Vec::new();
        // A set, because anybody may send tens of thousands of names.
        let mut names: HashSet<String> = HashSet::new();
        for (name, value) in form_urlencoded::parse(encoded) {
            if !wanted(&name) {
                continue;
            }
            let first = names.insert(name.clone().into_owned());
            if !first && name != REPEATABLE {
                return Err(repeated(&name));
            }
            read.push((name.into_owned(), value.into_owned()));
        }
        Ok(Self(read))
    }

    /// The value of a parameter, if it was sent and is not empty.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.get_all(name).next()
    }

    /// Every value of a parameter that may be repeated.
    pub(crate) fn get_all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0
            .iter()
            .filter(move |(known, value)| known == name && !value.is_empty())
            .map(|(_, value)| value.as_str())
    }

    /// Whether a parameter was sent with a value.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }
}

/// Values may be secrets.
impl fmt::Debug for Parameters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.0.iter().map(|(name, _)| name);
        f.debug_set().entries(names).finish()
    }
}

fn repeated(name: &str) -> InvalidParameters {
    KNOWN
        .iter()
        .find(|known| **known == name)
        .map_or(InvalidParameters::RepeatedUnknown, |known| {
            InvalidParameters::Repeated(known)
        })
}

/// Whether percent-decoding gives UTF-8. The separators are ASCII, so the whole can be judged at once.
fn is_encoded_utf8(encoded: &[u8]) -> bool {
    let mut decoded = Vec::with_capacity(encoded.len());
    let mut bytes = encoded.iter().copied();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            decoded.push(byte);
            continue;
        }
        match (bytes.next().and_then(hex), bytes.next().and_then(hex)) {
            (Some(high), Some(low)) => decoded.push(high << 4 | low),
            (Some(_) | None, _) => return false,
        }
    }
    std::str::from_utf8(&decoded).is_ok()
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit)
        .to_digit(16)
        .and_then(|value| value.try_into().ok())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_bytes_are_an_error_or_parameters_that_occur_once(bytes: Vec<u8>, text in "[a-c=&%0-9+]{0,24}") {
            for encoded in [bytes.as_slice(), text.as_bytes()] {
                if let Ok(read) = Parameters::parse(encoded) {
                    for (name, value) in form_urlencoded::parse(encoded) {
                        let expected = Some(value.as_ref()).filter(|value| !value.is_empty());
                        prop_assert_eq!(read.get(&name), expected);
                    }
                }
            }
        }
    }

    // RFC 6749 §3.1 and §3.2; RFC 8707 §2 for `resource`.
    #[test]
    fn a_parameter_is_there_once_or_not_at_all() {
        let read =
            Parameters::parse(b"scope=a+b&state=&resource=x&resource=y&other=%C3%A9%26").unwrap();
        assert_eq!(read.get("scope"), Some("a b"));
        assert_eq!(read.get("state"), None, "without a value: not sent");
        assert_eq!(read.get("nonce"), None);
        assert_eq!(read.get("other"), Some("é&"));
        assert_eq!(read.get_all("resource").collect::<Vec<_>>(), ["x", "y"]);

        for (case, encoded, expected) in [
            (
                "repeated",
                &b"code=1&code=1"[..],
                InvalidParameters::Repeated("code"),
            ),
            (
                "repeated, once empty",
                b"code=&code=1",
                InvalidParameters::Repeated("code"),
            ),
            (
                "repeated by escape",
                b"code=1&c%6fde=2",
                InvalidParameters::Repeated("code"),
            ),
            (
                "repeated, unknown",
                b"x=1&x=2",
                InvalidParameters::RepeatedUnknown,
            ),
            ("not UTF-8", b"state=%ff", InvalidParameters::Encoding),
            ("not UTF-8, raw", b"state=\xff", InvalidParameters::Encoding),
            ("half an escape", b"state=%4", InvalidParameters::Encoding),
            ("no escape", b"state=%zz", InvalidParameters::Encoding),
        ] {
            assert_eq!(Parameters::parse(encoded).unwrap_err(), expected, "{case}");
        }
    }

    // Comparing each name with every other would take seconds for a body of the size that is read.
    #[test]
    fn a_flood_of_names_costs_no_more_than_reading_it() {
        let flood: Vec<String> = (0..9000).map(|number| format!("{number:x}")).collect();
        let flood = flood.join("&");
        let began = std::time::Instant::now();
        for _ in 0..20 {
            assert!(Parameters::parse(flood.as_bytes()).is_ok());
        }
        assert!(began.elapsed() < std::time::Duration::from_secs(5));
    }

    #[test]
    fn values_are_not_shown() {
        let read = Parameters::parse(b"client_assertion=secret").unwrap();
        assert_eq!(format!("{read:?}"), r#"{"client_assertion"}"#);
    }
}
