use std::fmt;

use http::{HeaderMap, HeaderName, HeaderValue};
use uuid::Uuid;

/// The header that names a request, both ways.
pub const X_FAPI_INTERACTION_ID: HeaderName = HeaderName::from_static("x-fapi-interaction-id");

/// The name of a request: a UUID, the client's own where it sent one.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct InteractionId(HeaderValue);

impl InteractionId {
    /// The client's, if it sent one UUID in its usual form (RFC 9562 §4); a new one otherwise.
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let mut values = headers.get_all(X_FAPI_INTERACTION_ID).iter();
        match (values.next(), values.next()) {
            (Some(value), None) if is_uuid(value) => Self(value.clone()),
            _ => Self::mint(),
        }
    }

    fn mint() -> Self {
        let text = Uuid::new_v4().to_string();
        // A UUID is always a valid header value.
        Self(HeaderValue::try_from(text).unwrap_or_else(|_| HeaderValue::from_static("")))
    }

    /// The UUID as text, letter for letter as the client sent it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.to_str().unwrap_or_default()
    }

    pub(super) const fn header_value(&self) -> &HeaderValue {
        &self.0
    }
}

impl fmt::Display for InteractionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

fn is_uuid(value: &HeaderValue) -> bool {
    // With hyphens; braces, URNs and bare hexadecimal digits are read by the library, too.
    value.len() == 36 && Uuid::try_parse_ascii(value.as_bytes()).is_ok()
}
