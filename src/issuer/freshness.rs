//! How long a fetched document may be kept (RFC 9111 §4.2), within bounds of our own.

use std::time::Duration;

use http::{
    HeaderMap, HeaderName,
    header::{AGE, CACHE_CONTROL, DATE, EXPIRES},
};

use crate::time::Timestamp;

/// What is assumed of a document whose headers say nothing.
const UNSAID: Duration = Duration::from_mins(5);

/// How short and how long a document is kept, whatever its server says.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    pub(super) floor: Duration,
    pub(super) ceiling: Duration,
}

impl Bounds {
    /// How long a document with these headers, received at `now`, is kept.
    pub(super) fn lifetime(&self, headers: &HeaderMap, now: Timestamp) -> Duration {
        let said = said_lifetime(headers, now).unwrap_or(UNSAID);
        let age = seconds(headers, &AGE).unwrap_or_default();
        // Not `clamp`, which panics if the bounds are the wrong way round.
        said.saturating_sub(age).min(self.ceiling).max(self.floor)
    }
}

/// The lifetime that the headers state; zero if they forbid to keep the document or contradict themselves.
fn said_lifetime(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let mut max_age: Option<Duration> = None;
    for value in headers.get_all(CACHE_CONTROL) {
        for directive in value.to_str().unwrap_or("no-store").split(',') {
            let (name, argument) = directive.split_once('=').unwrap_or((directive, ""));
            match name.trim().to_ascii_lowercase().as_str() {
                "no-store" | "no-cache" => return Some(Duration::ZERO),
                // "Caches are encouraged to consider responses that have invalid freshness information to be stale."
                "max-age" => {
                    let age = delta_seconds(argument.trim().trim_matches('"')).unwrap_or_default();
                    max_age = Some(max_age.map_or(age, |other| other.min(age)));
                }
                // Among them `s-maxage`, which is for shared caches (RFC 9111 §5.2.2.10).
                _ => {}
            }
        }
    }
    if max_age.is_some() {
        return max_age;
    }
    // An invalid date, "0" above all, means already expired (RFC 9111 §5.3).
    headers.get(EXPIRES)?;
    let date = date(headers, &DATE).unwrap_or(now);
    Some(date_or_past(headers).since(date))
}

fn date_or_past(headers: &HeaderMap) -> Timestamp {
    date(headers, &EXPIRES).unwrap_or(Timestamp::from_unix(i64::MIN))
}

fn date(headers: &HeaderMap, name: &HeaderName) -> Option<Timestamp> {
    let text = headers.get(name)?.to_str().ok()?;
    httpdate::parse_http_date(text).ok().map(Timestamp::from)
}

fn seconds(headers: &HeaderMap, name: &HeaderName) -> Option<Duration> {
    delta_seconds(headers.get(name)?.to_str().ok()?)
}

/// Digits and nothing else; more of them than fit mean "very long" (RFC 9111 §1.2.2).
fn delta_seconds(text: &str) -> Option<Duration> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| Duration::from_secs(text.parse().unwrap_or(u64::MAX)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: Bounds = Bounds {
        floor: Duration::from_mins(1),
        ceiling: Duration::from_hours(1),
    };
    const EPOCH_PLUS_HOUR: &str = "Thu, 01 Jan 1970 01:00:00 GMT";

    // RFC 9111 §4.2.1 (order of precedence), §4.2.3 (Age), §5.2.2, §5.3.
    #[test]
    fn a_document_is_kept_as_long_as_its_headers_say_within_bounds() {
        let now = Timestamp::from_unix(3000);
        for (headers, expected) in [
            (&[][..], 300),
            (&[("cache-control", "max-age=600")], 600),
            (&[("cache-control", "public, Max-Age = 600")], 600),
            (&[("cache-control", "max-age=\"600\"")], 600),
            (
                &[
                    ("cache-control", "max-age=600"),
                    ("cache-control", "max-age=500"),
                ],
                500,
            ),
            (&[("cache-control", "max-age=10")], 60),
            (&[("cache-control", "max-age=86400")], 3600),
            (
                &[("cache-control", "max-age=99999999999999999999999")],
                3600,
            ),
            (&[("cache-control", "max-age=-1")], 60),
            (&[("cache-control", "max-age=1e9")], 60),
            (&[("cache-control", "max-age")], 60),
            (&[("cache-control", "s-maxage=600")], 300),
            (&[("cache-control", "private")], 300),
            (&[("cache-control", "no-store")], 60),
            (&[("cache-control", "NO-STORE, max-age=600")], 60),
            (
                &[
                    ("cache-control", "max-age=600"),
                    ("cache-control", "no-cache"),
                ],
                60,
            ),
            (&[("cache-control", "\u{fc}")], 60),
            (&[("cache-control", "max-age=600"), ("age", "200")], 400),
            (&[("cache-control", "max-age=600"), ("age", "700")], 60),
            (&[("cache-control", "max-age=600"), ("age", "-5")], 600),
            (&[("expires", EPOCH_PLUS_HOUR)], 600),
            (
                &[
                    ("expires", EPOCH_PLUS_HOUR),
                    ("date", "Thu, 01 Jan 1970 00:30:00 GMT"),
                ],
                1800,
            ),
            (
                &[
                    ("expires", EPOCH_PLUS_HOUR),
                    ("cache-control", "max-age=70"),
                ],
                70,
            ),
            (&[("expires", EPOCH_PLUS_HOUR), ("age", "100")], 500),
            (&[("expires", "Thu, 01 Jan 1970 00:00:00 GMT")], 60),
            (&[("expires", "0")], 60),
            (&[("expires", "-1")], 60),
            (&[("expires", "Fri, 31 Dec 9999 23:59:59 GMT")], 3600),
        ] {
            let mut map = HeaderMap::new();
            for (name, value) in headers {
                let value = http::HeaderValue::from_bytes(value.as_bytes()).unwrap();
                map.append(HeaderName::from_static(name), value);
            }
            let lifetime = BOUNDS.lifetime(&map, now);
            assert_eq!(lifetime, Duration::from_secs(expected), "{headers:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_header_leads_out_of_bounds(
            control in "[ -~]{0,40}|(max-age=\"?[0-9]{0,25}\"?,?|no-cache|,| |=){0,5}",
            expires in "[ -~]{0,40}",
            age in "[0-9+-]{0,25}",
            now: i64,
        ) {
            let mut map = HeaderMap::new();
            for (name, value) in [(CACHE_CONTROL, &control), (EXPIRES, &expires), (AGE, &age)] {
                map.insert(name, value.parse().unwrap());
            }
            let lifetime = BOUNDS.lifetime(&map, Timestamp::from_unix(now));
            proptest::prop_assert!((BOUNDS.floor..=BOUNDS.ceiling).contains(&lifetime));
        }
    }
}
