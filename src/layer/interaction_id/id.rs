use std::fmt;

use http::{HeaderMap, HeaderName, HeaderValue};
use uuid::{Builder, Uuid};

/// The header that names a request, both ways.
pub const X_FAPI_INTERACTION_ID: HeaderName = HeaderName::from_static("x-fapi-interaction-id");

/// The name of a request: a UUID, the client's own where it sent one.
#[derive(Clone, Copy, Eq, PartialEq)]
pub struct InteractionId([u8; LENGTH]);

/// With hyphens; braces, URNs and bare hexadecimal digits are read by the library, too.
const LENGTH: usize = 36;

impl InteractionId {
    /// The client's, if it sent one UUID in its usual form (RFC 9562 §4); a new one otherwise.
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let mut values = headers.get_all(X_FAPI_INTERACTION_ID).iter();
        match (values.next(), values.next()) {
            (Some(value), None) => Self::read(value.as_bytes()).unwrap_or_else(Self::mint),
            _ => Self::mint(),
        }
    }

    fn read(text: &[u8]) -> Option<Self> {
        let text = <[u8; LENGTH]>::try_from(text).ok()?;
        Uuid::try_parse_ascii(&text).is_ok().then_some(Self(text))
    }

    fn mint() -> Self {
        let mut text = [0; LENGTH];
        // Drawn in this process: the system's generator would be asked once a request, and nothing here is secret.
        Builder::from_random_bytes(rand::random())
            .into_uuid()
            .hyphenated()
            .encode_lower(&mut text);
        Self(text)
    }

    /// The UUID as text, letter for letter as the client sent it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        // Hexadecimal digits and hyphens.
        str::from_utf8(&self.0).unwrap_or_default()
    }

    pub(super) fn header_value(&self) -> HeaderValue {
        HeaderValue::from_bytes(&self.0).unwrap_or(HeaderValue::from_static(""))
    }
}

impl fmt::Display for InteractionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for InteractionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("InteractionId")
            .field(&self.as_str())
            .finish()
    }
}
