//! The URL a proof is made for, in the one form in which two of them are compared.

use std::{fmt, str::FromStr};

/// An `htu`: scheme, authority and path, normalised; query and fragment dropped (RFC 9449 §4.2, §4.3 check 9).
///
/// Normalised means what RFC 3986 §6.2.2 and §6.2.3 allow for every `http` URL: letter case of scheme, host and
/// percent-encodings, percent-encoding of unreserved characters, the default port, the empty path. Nothing else is
/// forgiven: the letter case of the path, `//`, dot segments and a trailing `/` tell two URLs apart, as they may for the
/// service behind.
///
/// ```
/// use tower_fapi::dpop::TargetUri;
///
/// let asked: TargetUri = "HTTPS://API.example.com:443/%7Ealice?page=2".parse()?;
/// assert_eq!(asked.to_string(), "https://api.example.com/~alice");
/// assert!(asked.matches("https://api.example.com/~alice#top"));
/// assert!(!asked.matches("https://api.example.com/~alice/"));
/// # Ok::<_, tower_fapi::dpop::InvalidTargetUri>(())
/// ```
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct TargetUri(String);

/// The text is not an absolute `http` or `https` URL with a host, without user information.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("not an absolute http or https URL")]
pub struct InvalidTargetUri;

impl TargetUri {
    /// Puts together what a request says of itself: scheme, authority (`Host`) and path.
    ///
    /// # Errors
    ///
    /// [`InvalidTargetUri`] if the parts make no `http` URL.
    pub fn from_parts(scheme: &str, authority: &str, path: &str) -> Result<Self, InvalidTargetUri> {
        let mut text = String::with_capacity(scheme.len() + authority.len() + path.len() + 4);
        if scheme.eq_ignore_ascii_case("https") {
            text.push_str("https://");
            push_authority(&mut text, authority, 443)?;
        } else if scheme.eq_ignore_ascii_case("http") {
            text.push_str("http://");
            push_authority(&mut text, authority, 80)?;
        } else {
            return Err(InvalidTargetUri);
        }
        push_path(&mut text, path)?;
        Ok(Self(text))
    }

    /// Whether a claim of a proof means this URL.
    #[must_use]
    pub fn matches(&self, htu: &str) -> bool {
        // Nearly every client sends the normal form, and a text that is equal to one needs no normalising.
        self.0 == htu || htu.parse().is_ok_and(|other: Self| *self == other)
    }

    /// The normal form.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for TargetUri {
    type Err = InvalidTargetUri;

    fn from_str(url: &str) -> Result<Self, Self::Err> {
        let (scheme, rest) = url.split_once("://").ok_or(InvalidTargetUri)?;
        let rest = rest.split(['?', '#']).next().unwrap_or(rest);
        let (authority, path) = match rest.find('/') {
            Some(slash) => rest.split_at(slash),
            None => (rest, ""),
        };
        Self::from_parts(scheme, authority, path)
    }
}

impl fmt::Display for TargetUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn push_authority(
    text: &mut String,
    authority: &str,
    default_port: u16,
) -> Result<(), InvalidTargetUri> {
    // The port stands behind the last colon outside the brackets of an IPv6 address.
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, port),
        _ => (authority, ""),
    };
    if !is_host(host) {
        return Err(InvalidTargetUri);
    }
    let begin = text.len();
    text.push_str(host);
    if let Some(host) = text.get_mut(begin..) {
        host.make_ascii_lowercase();
    }
    if !port.is_empty() {
        let digits = port.bytes().all(|digit| digit.is_ascii_digit());
        let number: u16 = port.parse().map_err(|_| InvalidTargetUri)?;
        if !digits {
            return Err(InvalidTargetUri);
        }
        if number != default_port {
            let significant = port.trim_start_matches('0');
            text.push(':');
            text.push_str(if significant.is_empty() {
                "0"
            } else {
                significant
            });
        }
    }
    Ok(())
}

fn is_host(host: &str) -> bool {
    let name = |name: &str, extra: &[u8]| {
        !name.is_empty()
            && name
                .bytes()
                .all(|byte| is_unreserved(byte) || extra.contains(&byte))
    };
    match host.strip_prefix('[') {
        Some(address) => address
            .strip_suffix(']')
            .is_some_and(|address| name(address, b":")),
        None => name(host, b""),
    }
}

fn push_path(text: &mut String, path: &str) -> Result<(), InvalidTargetUri> {
    if path.is_empty() {
        text.push('/');
        return Ok(());
    }
    if !path.starts_with('/') || !path.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(InvalidTargetUri);
    }
    let mut rest = path;
    while let Some((before, behind)) = rest.split_once('%') {
        let (hex, after) = behind.split_at_checked(2).ok_or(InvalidTargetUri)?;
        let byte = octet(hex).ok_or(InvalidTargetUri)?;
        text.push_str(before);
        if is_unreserved(byte) {
            text.push(char::from(byte));
        } else {
            text.push('%');
            text.extend(hex.chars().map(|digit| digit.to_ascii_uppercase()));
        }
        rest = after;
    }
    text.push_str(rest);
    Ok(())
}

fn octet(hex: &str) -> Option<u8> {
    let digits = hex.bytes().all(|digit| digit.is_ascii_hexdigit());
    if digits {
        u8::from_str_radix(hex, 16).ok()
    } else {
        None
    }
}

/// RFC 3986 §2.3.
const fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn normal(url: &str) -> Option<String> {
        url.parse::<TargetUri>().ok().map(|uri| uri.0)
    }

    // RFC 9449 §4.3 check 9; RFC 3986 §6.2.2.1, §6.2.2.2, §6.2.3.
    #[test]
    fn spellings_that_mean_the_same_are_equal() {
        for (spelling, expected) in [
            ("https://api.example.com/pay", "https://api.example.com/pay"),
            ("HTTPS://API.Example.COM/pay", "https://api.example.com/pay"),
            (
                "https://api.example.com:443/pay",
                "https://api.example.com/pay",
            ),
            (
                "https://api.example.com:/pay",
                "https://api.example.com/pay",
            ),
            (
                "http://api.example.com:80/pay",
                "http://api.example.com/pay",
            ),
            (
                "https://api.example.com:8443/pay",
                "https://api.example.com:8443/pay",
            ),
            (
                "https://api.example.com:08443/pay",
                "https://api.example.com:8443/pay",
            ),
            ("https://api.example.com", "https://api.example.com/"),
            ("https://api.example.com?x=/y", "https://api.example.com/"),
            (
                "https://api.example.com/pay?x=1#y",
                "https://api.example.com/pay",
            ),
            (
                "https://api.example.com/%70a%79",
                "https://api.example.com/pay",
            ),
            (
                "https://api.example.com/a%2fb",
                "https://api.example.com/a%2Fb",
            ),
            (
                "https://api.example.com/%c3%a9",
                "https://api.example.com/%C3%A9",
            ),
            ("https://[2001:DB8::1]:443/pay", "https://[2001:db8::1]/pay"),
            ("https://[2001:db8::1]/pay", "https://[2001:db8::1]/pay"),
        ] {
            assert_eq!(normal(spelling).as_deref(), Some(expected), "{spelling}");
            assert!(
                expected.parse::<TargetUri>().unwrap().matches(spelling),
                "{spelling}"
            );
        }
    }

    #[test]
    fn nothing_else_is_forgiven() {
        let asked: TargetUri = "https://api.example.com/a/b".parse().unwrap();
        for other in [
            "https://api.example.com/a/B",
            "https://api.example.com/a/b/",
            "https://api.example.com/a//b",
            "https://api.example.com//a/b",
            "https://api.example.com/a/./b",
            "https://api.example.com/x/../a/b",
            "https://api.example.com/a%2Fb",
            "https://api.example.com:444/a/b",
            "https://api.example.com./a/b",
            "http://api.example.com/a/b",
            "https://example.com/a/b",
            "/a/b",
            "",
        ] {
            assert!(!asked.matches(other), "{other}");
        }
    }

    #[test]
    fn what_is_no_http_url_with_a_host_is_refused() {
        for url in [
            "ftp://api.example.com/",
            "https:///pay",
            "https://user@api.example.com/",
            "https://api.example.com\\@evil/",
            "https://api.example.com:port/",
            "https://api.example.com:+443/",
            "https://api.example.com:65536/",
            "https://[::1/",
            "https://::1/",
            "https://api.example.com/a b",
            "https://api.example.com/é",
            "https://api.example.com/%",
            "https://api.example.com/%zz",
            // Were the first `%` let through, normalising would make an encoding that was not there.
            "https://api.example.com/%%610",
            "https://bücher.example/",
            " https://api.example.com/",
            "https//api.example.com/",
        ] {
            assert_eq!(normal(url), None, "{url}");
        }
    }

    proptest! {
        #[test]
        fn normalising_twice_changes_nothing(url in "(https|HTTP)://[a-zA-Z0-9.]{1,8}(:[0-9]{0,5})?(/[%a-zA-Z0-9~/.]{0,12})?") {
            if let Some(once) = normal(&url) {
                prop_assert_eq!(normal(&once), Some(once));
            }
        }

        #[test]
        fn any_text_is_an_error_or_a_value_and_never_a_panic(text: String) {
            let _ = normal(&text);
        }
    }
}
