//! Authentication schemes.

use http::{HeaderMap, header::AUTHORIZATION};

/// An authentication scheme under which access tokens come.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum AuthScheme {
    /// For DPoP-bound tokens, with a proof (RFC 9449 §7.1).
    Dpop,
    /// For certificate-bound tokens (RFC 6750 §2.1, RFC 8705 §3).
    Bearer,
}

impl AuthScheme {
    /// The scheme with this name, in any letter case (RFC 9110 §11.1).
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        if name.eq_ignore_ascii_case("DPoP") {
            Some(Self::Dpop)
        } else if name.eq_ignore_ascii_case("Bearer") {
            Some(Self::Bearer)
        } else {
            None
        }
    }

    /// The scheme a client has tried, if it was one of ours and the only one.
    #[must_use]
    pub fn tried_in(headers: &HeaderMap) -> Option<Self> {
        let mut values = headers.get_all(AUTHORIZATION).iter();
        let value = values.next()?.as_bytes();
        if values.next().is_some() {
            return None;
        }
        // What follows is a token, of which nothing is to be known here.
        let name = value.split(|byte| *byte == b' ').next()?;
        Self::from_name(str::from_utf8(name).ok()?)
    }
}
