//! The two cookies: which browser this is, and who has signed in.

use http::{HeaderMap, HeaderValue, header};

use crate::{authorization_server::secret::Secret, jose::base64url};

/// Ties pages and forms to one browser. Says nothing about who sits in front of it.
pub(super) const BROWSER: &str = "__Host-browser";

/// The session of somebody who has signed in.
pub(super) const SESSION: &str = "__Host-session";

/// The value of a cookie, if it is there once and can be one of ours: 256 bits of base64url.
pub(super) fn read<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut values = headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .filter(|(known, _)| *known == name)
        .map(|(_, value)| value);
    let value = values.next()?;
    let alone = values.next().is_none();
    (alone && base64url::decode_array::<32>(value).is_ok()).then_some(value)
}

/// Sets a cookie until the browser is closed.
///
/// The prefix makes the browser insist that it comes from this very host over TLS, and scripts cannot read it. `Lax`
/// lets it come along when a client sends the browser here, which is what clients do.
pub(super) fn set(headers: &mut HeaderMap, name: &str, value: &Secret) {
    let cookie = format!(
        "{name}={}; Path=/; Secure; HttpOnly; SameSite=Lax",
        value.secret()
    );
    // All of it is ASCII; without the cookie the person would be asked again.
    if let Ok(cookie) = HeaderValue::try_from(cookie) {
        headers.append(header::SET_COOKIE, cookie);
    }
}

/// Makes the browser forget a cookie. Everything that names it is as where it was set, or it would be another.
pub(super) fn clear(headers: &mut HeaderMap, name: &str) {
    let cookie = format!("{name}=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0");
    if let Ok(cookie) = HeaderValue::try_from(cookie) {
        headers.append(header::SET_COOKIE, cookie);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[&str]) -> HeaderMap {
        lines
            .iter()
            .map(|line| (header::COOKIE, HeaderValue::from_str(line).unwrap()))
            .collect()
    }

    #[test]
    fn a_cookie_is_read_only_if_there_is_no_doubt() {
        let value = base64url::encode([7; 32]);
        let ours = format!("{SESSION}={value}");
        let among = format!("a=b; {ours};c=d");
        let twice = format!("{ours}; {ours}");
        let longer = format!("{SESSION}2={value}");
        for (case, lines, expected) in [
            ("alone", vec![ours.as_str()], true),
            ("among others", vec![&among], true),
            ("in a second header", vec!["a=b", &ours], true),
            ("none", vec![], false),
            ("twice", vec![&twice], false),
            ("twice, in two headers", vec![&ours, &ours], false),
            ("another name", vec![&longer], false),
            ("not ours", vec!["__Host-session=abc"], false),
            ("empty", vec!["__Host-session="], false),
        ] {
            let read = read(&headers(&lines), SESSION).map(str::to_owned);
            assert_eq!(
                read.as_deref(),
                expected.then_some(value.as_str()),
                "{case}"
            );
        }
    }
}
