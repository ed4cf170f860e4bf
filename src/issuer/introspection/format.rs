//! The two forms of an answer: JSON and JWT.

use http::{HeaderMap, HeaderValue, header::CONTENT_TYPE};

use crate::issuer::IntrospectionError;

/// What is asked for, and demanded of the answer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Format {
    /// `application/json` (RFC 7662 §2.2).
    Json,
    /// `application/token-introspection+jwt` (RFC 9701 §4).
    Jwt,
}

impl Format {
    pub(crate) const fn media_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Jwt => "application/token-introspection+jwt",
        }
    }

    /// An answer of another type is none: plain JSON must not do where a signature was demanded (RFC 9701 §8.2).
    pub(crate) fn check(self, headers: &HeaderMap) -> Result<(), IntrospectionError> {
        let value = headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes);
        let text = String::from_utf8_lossy(value.unwrap_or_default());
        let essence = text.split(';').next().unwrap_or_default().trim();
        if essence.eq_ignore_ascii_case(self.media_type()) {
            Ok(())
        } else {
            let shortened = essence.chars().take(100).collect();
            Err(IntrospectionError::MediaType(shortened))
        }
    }
}
