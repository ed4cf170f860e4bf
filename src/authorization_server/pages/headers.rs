//! The security headers, set in one place.

use http::{HeaderMap, HeaderName, HeaderValue, header};

use super::{form::ReturnAddress, style};

/// Where the forms of a page may lead.
#[derive(Clone, Copy, Debug)]
pub(super) enum FormAction<'a> {
    /// The page has no form.
    Nowhere,
    /// To this server, and on to the client if the answer may redirect there.
    Here(Option<&'a ReturnAddress>),
}

/// Sets the headers of an answer to a person's browser that has no page in it, such as a redirect to the client.
///
/// Everything but `Content-Type`: the strictest policy, no framing, no caching, no `Referer` that could carry a code
/// to the next site (RFC 9700 §4.2.4). What is already there under these names is replaced.
pub fn secure(headers: &mut HeaderMap) {
    for (name, value) in EVERY_ANSWER {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(STRICTEST),
    );
}

/// Sets the headers of a page.
pub(super) fn secure_page(headers: &mut HeaderMap, forms: FormAction<'_>) {
    secure(headers);
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/html; charset=utf-8"),
    );
    // A return address holds header-safe characters only; were it not so, the page stays under the strictest policy.
    if let Ok(policy) = HeaderValue::try_from(policy(forms)) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
}

const STRICTEST: &str =
    "default-src 'none'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'";

const EVERY_ANSWER: [(HeaderName, &str); 9] = [
    (header::CACHE_CONTROL, "no-store"),
    (header::REFERRER_POLICY, "no-referrer"),
    // For browsers that do not know `frame-ancestors`.
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    // Two years. Not `includeSubDomains`: the server may be mounted on a host whose other names are not ours to judge.
    (header::STRICT_TRANSPORT_SECURITY, "max-age=63072000"),
    // Whoever opened this window can neither navigate it nor watch it.
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
    (HeaderName::from_static("permissions-policy"), PERMISSIONS),
    (
        HeaderName::from_static("x-permitted-cross-domain-policies"),
        "none",
    ),
];

const PERMISSIONS: &str = "accelerometer=(), autoplay=(), camera=(), display-capture=(), fullscreen=(), geolocation=(), \
     gyroscope=(), magnetometer=(), microphone=(), midi=(), payment=(), usb=()";

fn policy(forms: FormAction<'_>) -> String {
    let (here, client) = match forms {
        FormAction::Nowhere => ("'none'", ""),
        FormAction::Here(None) => ("'self'", ""),
        FormAction::Here(Some(address)) => ("'self' ", address.sources()),
    };
    format!(
        "default-src 'none'; style-src '{}'; form-action {here}{client}; frame-ancestors 'none'; base-uri 'none'",
        style::hash()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_without_a_page_gets_the_strictest_policy_and_keeps_its_own_headers() {
        let mut headers = HeaderMap::new();
        headers.insert(
            header::LOCATION,
            HeaderValue::from_static("https://client.example/cb"),
        );
        headers.append(header::CACHE_CONTROL, HeaderValue::from_static("public"));
        headers.append(
            header::CACHE_CONTROL,
            HeaderValue::from_static("max-age=60"),
        );
        secure(&mut headers);
        assert_eq!(headers[header::CONTENT_SECURITY_POLICY], STRICTEST);
        assert_eq!(headers[header::LOCATION], "https://client.example/cb");
        assert_eq!(
            headers
                .get_all(header::CACHE_CONTROL)
                .iter()
                .collect::<Vec<_>>(),
            ["no-store"]
        );
        assert!(!headers.contains_key(header::CONTENT_TYPE));
    }

    #[test]
    fn forms_lead_only_where_the_page_says() {
        let client = ReturnAddress::new("https://client.example/cb").unwrap();
        for (forms, expected) in [
            (FormAction::Nowhere, "form-action 'none';"),
            (FormAction::Here(None), "form-action 'self';"),
            (
                FormAction::Here(Some(&client)),
                "form-action 'self' https://client.example;",
            ),
        ] {
            assert!(
                policy(forms).contains(expected),
                "{forms:?}: {}",
                policy(forms)
            );
        }
    }
}
