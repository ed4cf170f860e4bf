//! Where a browser may be sent with a code.

use thiserror::Error;
use url::{Host, Url};

use crate::authorization_server::pages::ReturnAddress;

/// A redirect URI that may be registered: `https`, or `http` to the loopback interface (FAPI 2.0 Security Profile
/// §5.3.2.2, RFC 8252 §7.3).
///
/// It is kept and compared as it was written (RFC 6749 §3.1.2.3, RFC 9700 §2.1).
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct RedirectUri(String);

/// Why a URI cannot be a redirect URI.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum InvalidRedirectUri {
    /// It is not an absolute URL, or holds characters that no URL has.
    #[error("it is not an absolute URL of printable ASCII characters")]
    Malformed,
    /// The response would travel in the clear, or to whichever application claims the scheme.
    #[error("only https is allowed, and http to 127.0.0.1, [::1] or localhost")]
    Scheme,
    /// RFC 6749 §3.1.2.
    #[error("it must not have a fragment")]
    Fragment,
    /// A name before the host is how one host is made to look like another.
    #[error("it must not hold a user name or password")]
    UserInfo,
    /// The client could not tell the parameter from the server's own.
    #[error("its query must not hold a parameter of an authorization response")]
    ResponseParameter,
}

/// What an authorization response adds (RFC 6749 §4.1.2, RFC 9207 §2, JARM §2.3.1, OpenID Connect Core §3.3.2.5).
const RESPONSE_PARAMETERS: [&str; 8] = [
    "id_token",
    "code",
    "state",
    "iss",
    "error",
    "error_description",
    "error_uri",
    "response",
];

impl RedirectUri {
    pub(crate) fn new(uri: &str) -> Result<Self, InvalidRedirectUri> {
        if !uri.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(InvalidRedirectUri::Malformed);
        }
        let url = Url::parse(uri).map_err(|_| InvalidRedirectUri::Malformed)?;
        let host = url.host().ok_or(InvalidRedirectUri::Scheme)?;
        match url.scheme() {
            "https" => {}
            "http" if is_loopback(&host) => {}
            _ => return Err(InvalidRedirectUri::Scheme),
        }
        if url.fragment().is_some() {
            return Err(InvalidRedirectUri::Fragment);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(InvalidRedirectUri::UserInfo);
        }
        if url
            .query_pairs()
            .any(|(name, _)| RESPONSE_PARAMETERS.contains(&name.as_ref()))
        {
            return Err(InvalidRedirectUri::ResponseParameter);
        }
        // The pages have to name it in their policy, or the browser would not go there.
        ReturnAddress::new(uri).map_err(|_| InvalidRedirectUri::Malformed)?;
        Ok(Self(uri.to_owned()))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// `uri` with these parameters added to its query, which is otherwise kept as it is (RFC 6749 §4.1.2).
pub(crate) fn with_parameters<'a>(
    uri: &str,
    parameters: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> String {
    let query = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(parameters)
        .finish();
    let separator = match uri.split_once('?') {
        None => "?",
        Some((_, "")) => "",
        Some((_, own)) if own.ends_with('&') => "",
        Some(_) => "&",
    };
    format!("{uri}{separator}{query}")
}

fn is_loopback(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => *name == "localhost",
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_registered_can_be_redirected_to(
            uri in "https://[a-z.]{1,8}(/[ -~é\n]{0,8})?(\\?[ -~]{0,8})?",
            state: String,
        ) {
            if RedirectUri::new(&uri).is_ok() {
                let answer = with_parameters(&uri, [("code", "c"), ("state", state.as_str())]);
                prop_assert!(HeaderValue::from_str(&answer).is_ok());
                let url = Url::parse(&answer).unwrap();
                let pairs: Vec<_> = url.query_pairs().into_owned().collect();
                let end: [_; 2] = [("code", "c"), ("state", &state)].map(|(n, v)| (n.to_owned(), v.to_owned()));
                prop_assert!(pairs.ends_with(&end), "{answer}");
            }
        }

        #[test]
        fn any_text_is_an_error_or_a_redirect_uri(text: String) {
            let _ = RedirectUri::new(&text);
        }
    }

    // FAPI 2.0 Security Profile §5.3.2.2, RFC 6749 §3.1.2, RFC 8252 §7.3.
    #[test]
    fn a_redirect_uri_is_https_or_loopback_and_nothing_odd() {
        use InvalidRedirectUri::{Fragment, Malformed, ResponseParameter, Scheme, UserInfo};
        for (uri, expected) in [
            ("https://client.example/cb", Ok(())),
            ("https://client.example/cb?tenant=1", Ok(())),
            ("https://client.example", Ok(())),
            ("http://127.0.0.1:4000/cb", Ok(())),
            ("http://[::1]/cb", Ok(())),
            ("http://localhost:8080/cb", Ok(())),
            ("http://client.example/cb", Err(Scheme)),
            ("http://localhost.example/cb", Err(Scheme)),
            ("http://127.0.0.1.example/cb", Err(Scheme)),
            ("http://0.0.0.0/cb", Err(Scheme)),
            ("com.example.app:/cb", Err(Scheme)),
            ("com.example.app://host/cb", Err(Scheme)),
            ("javascript:alert(1)", Err(Scheme)),
            ("data:text/html,x", Err(Scheme)),
            ("urn:ietf:wg:oauth:2.0:oob", Err(Scheme)),
            ("/cb", Err(Malformed)),
            ("", Err(Malformed)),
            ("https://", Err(Malformed)),
            ("https://client.example/c b", Err(Malformed)),
            (
                "https://client.example/cb\r\nSet-Cookie: a=b",
                Err(Malformed),
            ),
            ("https://client.example/é", Err(Malformed)),
            ("https://client.example/cb#", Err(Fragment)),
            ("https://client.example/cb#x", Err(Fragment)),
            ("https://bank.example@client.example/cb", Err(UserInfo)),
            ("https://:pw@client.example/cb", Err(UserInfo)),
            ("https://client'.example/cb", Err(Malformed)),
            ("https://client.example;/cb", Err(Malformed)),
            ("https://client.example/cb?code=1", Err(ResponseParameter)),
            (
                "https://client.example/cb?response=1",
                Err(ResponseParameter),
            ),
            (
                "https://client.example/cb?id_token=1",
                Err(ResponseParameter),
            ),
            ("https://client.example/cb?i%73s=1", Err(ResponseParameter)),
        ] {
            assert_eq!(RedirectUri::new(uri).map(|_| ()), expected, "{uri:?}");
        }
    }

    // RFC 6749 §3.1.2: the query of the redirect URI is retained.
    #[test]
    fn parameters_are_added_to_the_query_that_is_there() {
        let parameters = [("code", "a b&c"), ("iss", "https://as.example")];
        let query = "code=a+b%26c&iss=https%3A%2F%2Fas.example";
        for (uri, expected) in [
            (
                "https://c.example/cb",
                format!("https://c.example/cb?{query}"),
            ),
            (
                "https://c.example/cb?",
                format!("https://c.example/cb?{query}"),
            ),
            (
                "https://c.example/cb?t=%7e",
                format!("https://c.example/cb?t=%7e&{query}"),
            ),
            (
                "https://c.example/cb?t=1&",
                format!("https://c.example/cb?t=1&{query}"),
            ),
        ] {
            assert_eq!(with_parameters(uri, parameters), expected);
        }
    }
}
