//! What clients tell of their customer in `x-fapi-*` headers.

use std::net::IpAddr;

use http::{HeaderMap, HeaderName};

use crate::time::Timestamp;

/// When the customer last signed in to the client (FAPI 1.0 Part 1 §6.2.2 no. 3).
pub const X_FAPI_AUTH_DATE: HeaderName = HeaderName::from_static("x-fapi-auth-date");

/// The customer's address, if the customer is there (FAPI 1.0 Part 1 §6.2.2 no. 4).
pub const X_FAPI_CUSTOMER_IP_ADDRESS: HeaderName =
    HeaderName::from_static("x-fapi-customer-ip-address");

/// What a client tells of its customer. With the feature `axum` a handler takes it as an argument.
///
/// It is the client's word: good for a log and for estimating risks, and proof of nothing. What is malformed counts as not
/// sent; under the profiles of FAPI 1.0 such a request does not get to the handler.
///
/// ```
/// use tower_fapi::resource_server::FapiHeaders;
///
/// let request = http::Request::get("/accounts")
///     .header("x-fapi-auth-date", "Tue, 11 Sep 2012 19:43:31 GMT")
///     .header("x-fapi-customer-ip-address", "2001:db8::1893:25c8:1946")
///     .body(())?;
/// let sent = FapiHeaders::of(request.headers());
/// assert_eq!(sent.auth_date.map(|date| date.as_unix()), Some(1_347_392_611));
/// assert!(sent.customer_ip_address.is_some_and(|address| address.is_ipv6()));
/// # Ok::<_, http::Error>(())
/// ```
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct FapiHeaders {
    /// `x-fapi-auth-date`: when the customer last signed in to the client.
    pub auth_date: Option<Timestamp>,
    /// `x-fapi-customer-ip-address`: where the customer is; absent if nobody sits in front of the client.
    pub customer_ip_address: Option<IpAddr>,
}

impl FapiHeaders {
    /// Reads them.
    #[must_use]
    pub fn of(headers: &HeaderMap) -> Self {
        Self {
            auth_date: read(headers, &X_FAPI_AUTH_DATE, date).unwrap_or_default(),
            customer_ip_address: read(headers, &X_FAPI_CUSTOMER_IP_ADDRESS, address)
                .unwrap_or_default(),
        }
    }

    /// The name of one that is there and malformed, if there is one.
    pub(super) fn malformed(headers: &HeaderMap) -> Option<&'static str> {
        if read(headers, &X_FAPI_AUTH_DATE, date).is_err() {
            Some("x-fapi-auth-date")
        } else if read(headers, &X_FAPI_CUSTOMER_IP_ADDRESS, address).is_err() {
            Some("x-fapi-customer-ip-address")
        } else {
            None
        }
    }
}

/// It is there and says nothing.
struct Malformed;

fn read<T>(
    headers: &HeaderMap,
    name: &HeaderName,
    parse: fn(&str) -> Option<T>,
) -> Result<Option<T>, Malformed> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    if values.next().is_some() {
        return Err(Malformed);
    }
    let value = value.to_str().ok().and_then(parse);
    value.map(Some).ok_or(Malformed)
}

/// IMF-fixdate: the one form of RFC 9110 §5.6.7 that may be sent.
fn date(text: &str) -> Option<Timestamp> {
    let date = httpdate::parse_http_date(text).ok()?;
    // The older forms have other lengths or no such ending.
    let seconds = date.duration_since(std::time::UNIX_EPOCH).ok()?.as_secs();
    let fixed = text.len() == 29 && text.ends_with(" GMT");
    let seconds = i64::try_from(seconds).ok().filter(|_| fixed)?;
    Some(Timestamp::from_unix(seconds))
}

fn address(text: &str) -> Option<IpAddr> {
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: &HeaderName, values: &[&str]) -> HeaderMap {
        let values = values.iter();
        values
            .map(|value| (name.clone(), value.parse().unwrap()))
            .collect()
    }

    // FAPI 1.0 Part 1 §6.2.2 no. 3 (with the example there) and no. 4.
    #[test]
    fn dates_and_addresses_are_read_strictly() {
        const AT: Option<i64> = Some(1_347_392_611);
        for (case, values, expected) in [
            (
                "as in the specification",
                &["Tue, 11 Sep 2012 19:43:31 GMT"][..],
                Ok(AT),
            ),
            ("not sent", &[], Ok(None)),
            ("sent twice", &["Tue, 11 Sep 2012 19:43:31 GMT"; 2], Err(())),
            ("RFC 850", &["Tuesday, 11-Sep-12 19:43:31 GMT"], Err(())),
            ("asctime", &["Tue Sep 11 19:43:31 2012"], Err(())),
            ("another zone", &["Tue, 11 Sep 2012 19:43:31 UTC"], Err(())),
            ("ISO 8601", &["2012-09-11T19:43:31Z"], Err(())),
            ("a number", &["1347392611"], Err(())),
            ("before 1970", &["Thu, 11 Sep 1969 19:43:31 GMT"], Err(())),
            ("nothing", &[""], Err(())),
        ] {
            let headers = headers(&X_FAPI_AUTH_DATE, values);
            let read = FapiHeaders::of(&headers).auth_date.map(Timestamp::as_unix);
            assert_eq!(read, expected.unwrap_or_default(), "{case}");
            let malformed = FapiHeaders::malformed(&headers);
            assert_eq!(malformed.is_some(), expected.is_err(), "{case}");
        }
        for (values, expected) in [
            (&["198.51.100.119"][..], Ok(Some("198.51.100.119"))),
            (
                &["2001:db8::1893:25c8:1946"],
                Ok(Some("2001:db8::1893:25c8:1946")),
            ),
            (&["::ffff:192.0.2.1"], Ok(Some("::ffff:192.0.2.1"))),
            (&[], Ok(None)),
            (&["198.51.100.119", "198.51.100.119"], Err(())),
            (&["198.51.100.119, 10.0.0.1"], Err(())),
            (&["198.51.100.119:443"], Err(())),
            (&["[2001:db8::1]"], Err(())),
            (&["198.51.100.256"], Err(())),
            (&["198.51.100.0/24"], Err(())),
            (&["localhost"], Err(())),
            (&[""], Err(())),
        ] {
            let headers = headers(&X_FAPI_CUSTOMER_IP_ADDRESS, values);
            let read = FapiHeaders::of(&headers).customer_ip_address;
            let expected_address = expected
                .unwrap_or_default()
                .map(|text| text.parse().unwrap());
            assert_eq!(read, expected_address, "{values:?}");
            let malformed = FapiHeaders::malformed(&headers);
            assert_eq!(malformed.is_some(), expected.is_err(), "{values:?}");
        }
    }
}
