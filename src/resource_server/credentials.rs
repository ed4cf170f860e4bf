//! Where the token may stand (RFC 6750 §2.1, RFC 9449 §7.1).

use http::header::AUTHORIZATION;

use super::RequestFacts;
use crate::rejection::{AuthScheme, Refusal};

/// The scheme and the token as they stand in the one `Authorization` header. Without `Debug`: a token is for no log.
#[derive(Clone, Copy)]
pub(super) struct Credentials<'a> {
    pub(super) scheme: AuthScheme,
    pub(super) token: &'a str,
}

impl<'a> Credentials<'a> {
    /// Reads them, all but the letters of the token. The body is never looked at.
    pub(super) fn read(facts: &RequestFacts<'a>, max_token_bytes: usize) -> Result<Self, Refusal> {
        // FAPI 2.0 Security Profile §5.3.4: never in the query, also when a good header stands beside it.
        if facts.uri.query().is_some_and(has_access_token) {
            return Err(Refusal::TokenInQuery);
        }
        let mut values = facts.headers.get_all(AUTHORIZATION).iter();
        let value = values.next().ok_or(Refusal::NoCredentials)?;
        let more = values.count();
        if more > 0 {
            return Err(Refusal::SeveralAuthorizations(more + 1));
        }
        let value =
            str::from_utf8(value.as_bytes()).map_err(|_| Refusal::MalformedAuthorization)?;
        let (scheme, token) = value.split_once(' ').unwrap_or((value, ""));
        let scheme = AuthScheme::from_name(scheme).ok_or(Refusal::Scheme)?;
        let token = token.trim_start_matches(' ');
        if token.len() > max_token_bytes {
            return Err(Refusal::TokenTooLarge(token.len()));
        }
        Ok(Self { scheme, token })
    }

    /// Looks at the letters of the token. One that is remembered need not be looked at again.
    pub(super) fn check_syntax(&self) -> Result<(), Refusal> {
        if is_token68(self.token) {
            Ok(())
        } else {
            Err(Refusal::MalformedAuthorization)
        }
    }
}

/// Whether a query holds the parameter `access_token`, in whatever percent-encoding.
fn has_access_token(query: &str) -> bool {
    const NAME: &str = "access_token";
    query.split(['&', ';']).any(|pair| {
        let name = pair.split('=').next().unwrap_or(pair);
        name == NAME || (name.contains('%') && percent_decoded(name) == NAME.as_bytes())
    })
}

fn percent_decoded(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once('%') {
        bytes.extend_from_slice(before.as_bytes());
        let encoded = behind
            .split_at_checked(2)
            .and_then(|(hex, after)| u8::from_str_radix(hex, 16).ok().map(|byte| (byte, after)));
        let (byte, after) = encoded.unwrap_or((b'%', behind));
        bytes.push(byte);
        rest = after;
    }
    bytes.extend_from_slice(rest.as_bytes());
    bytes
}

/// `token68` of RFC 9110 §11.2.
fn is_token68(token: &str) -> bool {
    let letters = token.trim_end_matches('=');
    // Every letter is looked at, in few comparisons and without a branch: a token has a thousand of them, and the compiler
    // takes many at a time.
    #[expect(
        clippy::needless_bitwise_bool,
        reason = "a branch for each letter costs more"
    )]
    let allowed = |byte: u8| {
        let letter = (byte | 0x20).wrapping_sub(b'a') <= b'z' - b'a';
        // `-`, `.`, `/` and the digits stand in a row.
        let digit = byte.wrapping_sub(b'-') <= b'9' - b'-';
        letter | digit | (byte == b'_') | (byte == b'~') | (byte == b'+')
    };
    !letters.is_empty() && letters.bytes().fold(true, |all, byte| all & allowed(byte))
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn read(uri: &str, headers: &[&[u8]]) -> Result<(AuthScheme, String), Refusal> {
        let mut request = Request::builder().uri(uri);
        for value in headers {
            request = request.header(AUTHORIZATION, *value);
        }
        let request = request.body(()).unwrap();
        let credentials = Credentials::read(&RequestFacts::of(&request), 100)?;
        credentials.check_syntax()?;
        Ok((credentials.scheme, credentials.token.to_owned()))
    }

    // RFC 6750 §2, §2.1, §3.1; RFC 9449 §7.1; FAPI 2.0 Security Profile §5.3.4.
    #[test]
    fn the_token_stands_in_one_authorization_header() {
        let long = format!("DPoP {}", "a".repeat(101));
        let longest = "a".repeat(100);
        let most = format!("DPoP {longest}");
        for (case, headers, expected) in [
            (
                "dpop",
                &[&b"DPoP a.b.c"[..]][..],
                Ok((AuthScheme::Dpop, "a.b.c")),
            ),
            (
                "any letter case",
                &[b"dPOP a.b.c"],
                Ok((AuthScheme::Dpop, "a.b.c")),
            ),
            (
                "bearer",
                &[b"bearer a.b.c"],
                Ok((AuthScheme::Bearer, "a.b.c")),
            ),
            (
                "several spaces",
                &[b"Bearer   a.b.c"],
                Ok((AuthScheme::Bearer, "a.b.c")),
            ),
            (
                "as long as it may be",
                &[most.as_bytes()],
                Ok((AuthScheme::Dpop, &longest)),
            ),
            ("none", &[], Err(Refusal::NoCredentials)),
            (
                "two",
                &[b"DPoP a.b.c", b"DPoP a.b.c"],
                Err(Refusal::SeveralAuthorizations(2)),
            ),
            (
                "two of two schemes",
                &[b"Basic x", b"DPoP a.b.c"],
                Err(Refusal::SeveralAuthorizations(2)),
            ),
            ("another scheme", &[b"Basic YTpi"], Err(Refusal::Scheme)),
            ("empty", &[b""], Err(Refusal::Scheme)),
            ("no token", &[b"DPoP"], Err(Refusal::MalformedAuthorization)),
            (
                "only spaces",
                &[b"DPoP   "],
                Err(Refusal::MalformedAuthorization),
            ),
            (
                "two in one",
                &[b"DPoP a.b.c, Bearer a.b.c"],
                Err(Refusal::MalformedAuthorization),
            ),
            (
                "a tab",
                &[b"DPoP a.b.c\tx"],
                Err(Refusal::MalformedAuthorization),
            ),
            (
                "padding alone",
                &[b"DPoP ="],
                Err(Refusal::MalformedAuthorization),
            ),
            (
                "beyond ASCII",
                &[b"DPoP \xff"],
                Err(Refusal::MalformedAuthorization),
            ),
            (
                "too long",
                &[long.as_bytes()],
                Err(Refusal::TokenTooLarge(101)),
            ),
        ] {
            let expected = expected.map(|(scheme, token)| (scheme, token.to_owned()));
            assert_eq!(read("/", headers), expected, "{case}");
        }
    }

    // RFC 9110 §11.2.
    #[test]
    fn a_token_consists_of_these_letters() {
        for letter in '\0'..='\u{ff}' {
            let allowed = letter.is_ascii_alphanumeric() || "-._~+/".contains(letter);
            for token in [
                format!("{letter}"),
                format!("a{letter}b"),
                format!("{letter}=="),
            ] {
                assert_eq!(is_token68(&token), allowed, "{token:?}");
            }
        }
        assert!(is_token68("a=") && !is_token68("=") && !is_token68("a=b"));
    }

    // FAPI 2.0 Security Profile §5.3.4; RFC 6750 §2.3.
    #[test]
    fn a_token_in_the_query_is_refused_beside_a_good_header() {
        for (uri, refused) in [
            ("/?access_token=x", true),
            ("/?a=b&access_token=x", true),
            ("/?access_token", true),
            ("/?a=b;access_token=x", true),
            ("/?%61ccess_toke%6E=x", true),
            ("/?access_token_hint=x", false),
            ("/?a=access_token", false),
            ("/?%zz=1", false),
            ("/access_token=x", false),
        ] {
            let outcome = read(uri, &[b"DPoP a.b.c"]);
            assert_eq!(outcome == Err(Refusal::TokenInQuery), refused, "{uri}");
        }
    }
}
