//! What servers say in the headers of their answers: nonces (RFC 9449 §8, §9) and challenges (RFC 9110 §11.6.1).

use http::{HeaderMap, HeaderName, header::WWW_AUTHENTICATE};

/// The header a nonce comes in.
pub(super) const DPOP_NONCE: HeaderName = HeaderName::from_static("dpop-nonce");

/// Longest nonce that is kept and sent back, in bytes.
const LIMIT: usize = 1024;

/// The nonce the server wants to see next, if it says one and only one that is well formed (RFC 9449 §8.1, §8.2).
pub(super) fn supplied_nonce(headers: &HeaderMap) -> Option<&str> {
    let mut supplied = headers.get_all(DPOP_NONCE).iter();
    let nonce = supplied.next()?.to_str().ok()?;
    let allowed = |byte: u8| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e);
    let one = supplied.next().is_none();
    let fits = !nonce.is_empty() && nonce.len() <= LIMIT && nonce.bytes().all(allowed);
    (one && fits).then_some(nonce)
}

/// Whether a resource server asks for a proof with a nonce: a `DPoP` challenge with `error="use_dpop_nonce"`.
pub(super) fn demands_nonce(headers: &HeaderMap) -> bool {
    challenges(headers).any(|challenge| {
        challenge.is_scheme("DPoP")
            && challenge
                .all("error")
                .any(|error| error == "use_dpop_nonce")
    })
}

/// All challenges of an answer, in whichever header lines they stand.
pub(super) fn challenges(headers: &HeaderMap) -> impl Iterator<Item = Challenge<'_>> {
    headers
        .get_all(WWW_AUTHENTICATE)
        .iter()
        .filter_map(|line| line.to_str().ok())
        .flat_map(read_line)
}

/// One challenge: a scheme and its parameters (RFC 9110 §11.3).
#[derive(Debug)]
pub(super) struct Challenge<'a> {
    scheme: &'a str,
    parameters: Vec<(&'a str, String)>,
}

impl Challenge<'_> {
    pub(super) fn is_scheme(&self, name: &str) -> bool {
        self.scheme.eq_ignore_ascii_case(name)
    }

    /// The value of a parameter that is there once; of two, nobody knows which counts.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let mut values = self.all(name);
        let value = values.next()?;
        values.next().is_none().then_some(value)
    }

    fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.parameters
            .iter()
            .filter(move |(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }
}

/// Reads a list of challenges (RFC 9110 §11.6.1), in which a comma may part two parameters or two challenges.
fn read_line(line: &str) -> Vec<Challenge<'_>> {
    let mut challenges: Vec<Challenge<'_>> = Vec::new();
    for element in split_outside_quotes(line) {
        let (word, rest) = leading_token(element.trim());
        let (name, value) = if let Some(value) = rest.strip_prefix('=') {
            (word, value)
        } else {
            challenges.push(Challenge {
                scheme: word,
                parameters: Vec::new(),
            });
            let (name, rest) = leading_token(rest);
            (name, rest.strip_prefix('=').unwrap_or_default())
        };
        if let Some(challenge) = challenges.last_mut()
            && !name.is_empty()
        {
            challenge.parameters.push((name, unquoted(value)));
        }
    }
    challenges
}

fn split_outside_quotes(line: &str) -> impl Iterator<Item = &str> {
    let (mut quoted, mut escaped) = (false, false);
    line.split(move |letter| {
        if escaped {
            escaped = false;
        } else if letter == '"' {
            quoted = !quoted;
        } else if letter == '\\' {
            escaped = quoted;
        }
        letter == ',' && !quoted
    })
}

/// The token at the start (RFC 9110 §5.6.2) and what follows it, white space in between dropped.
fn leading_token(text: &str) -> (&str, &str) {
    let end = text
        .find(|letter: char| !letter.is_ascii_alphanumeric() && !"!#$%&'*+-.^_`|~".contains(letter))
        .unwrap_or(text.len());
    let (token, rest) = text.split_at(end);
    (token, rest.trim_start())
}

fn unquoted(value: &str) -> String {
    let value = value.trim();
    let Some(inner) = value
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'))
    else {
        return value.to_owned();
    };
    let mut letters = inner.chars();
    let mut plain = String::with_capacity(inner.len());
    while let Some(letter) = letters.next() {
        plain.extend(if letter == '\\' {
            letters.next()
        } else {
            Some(letter)
        });
    }
    plain
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    fn line_demands_nonce(line: &str) -> bool {
        let mut headers = HeaderMap::new();
        headers.append(WWW_AUTHENTICATE, HeaderValue::from_str(line).unwrap());
        demands_nonce(&headers)
    }

    // RFC 9449 §9, RFC 9110 §11.6.1.
    #[test]
    fn a_demand_for_a_nonce_is_found_wherever_the_grammar_lets_it_stand() {
        for (line, expected) in [
            (r#"DPoP error="use_dpop_nonce""#, true),
            (r#"dpop ERROR="use_dpop_nonce""#, true),
            ("DPoP error=use_dpop_nonce", true),
            (r#"DPoP error = "use_dpop\_nonce""#, true),
            (
                r#"DPoP realm="a, Basic b", error_description="\"x\", y=z", error="use_dpop_nonce", algs="ES256""#,
                true,
            ),
            (r#"Bearer realm="x", DPoP error="use_dpop_nonce""#, true),
            (r#"DPoP algs="ES256", Bearer error="use_dpop_nonce""#, false),
            (r#"Bearer error="use_dpop_nonce""#, false),
            (r#"DPoP error="invalid_token""#, false),
            (r#"DPoP realm="error=\"use_dpop_nonce\"""#, false),
            (
                r#"DPoP error_description="use, error=use_dpop_nonce""#,
                false,
            ),
            ("DPoP", false),
            ("Negotiate abc==, DPoP", false),
            ("use_dpop_nonce", false),
            ("", false),
        ] {
            assert_eq!(line_demands_nonce(line), expected, "{line}");
        }
        let mut headers = HeaderMap::new();
        assert!(!demands_nonce(&headers));
        headers.append(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        let demand = HeaderValue::from_static("DPoP error=\"use_dpop_nonce\"");
        headers.append(WWW_AUTHENTICATE, demand);
        assert!(demands_nonce(&headers));
    }

    // RFC 9449 §8, §8.1: one header, NQCHAR only.
    #[test]
    fn only_one_well_formed_nonce_is_taken() {
        let read = |values: &[&str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(DPOP_NONCE, value.parse().unwrap());
            }
            supplied_nonce(&headers).map(str::to_owned)
        };
        assert_eq!(
            read(&["eyJ7S_zG.eyJH0-Z"]),
            Some("eyJ7S_zG.eyJH0-Z".to_owned())
        );
        let long = "x".repeat(LIMIT + 1);
        for values in [
            &[][..],
            &[""],
            &["a", "b"],
            &["a", "a"],
            &["a b"],
            &["a\"b"],
            &["a\\b"],
            &["é"],
            &[long.as_str()],
        ] {
            assert_eq!(read(values), None, "{values:?}");
        }
    }

    #[test]
    fn a_parameter_belongs_to_its_challenge_and_counts_if_it_is_there_once() {
        let line =
            r#"Bearer realm="a, b", DPoP algs="ES256 PS256", ERROR=x, error=y, max_age=5, Basic"#;
        let read = read_line(line);
        let schemes: Vec<_> = read.iter().map(|challenge| challenge.scheme).collect();
        assert_eq!(schemes, ["Bearer", "DPoP", "Basic"]);
        assert_eq!(read[0].get("realm"), Some("a, b"));
        assert_eq!(read[1].get("algs"), Some("ES256 PS256"));
        assert_eq!(read[1].get("Max_Age"), Some("5"));
        assert_eq!(read[1].get("error"), None, "twice");
        assert_eq!(read[2].get("max_age"), None);
    }

    proptest! {
        #[test]
        fn any_line_is_read_without_a_panic(line in r#"(DPoP|error|use_dpop_nonce|"|\\|=|,| |é){0,12}"#) {
            let _ = read_line(&line);
        }
    }
}
