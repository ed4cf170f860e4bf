//! Entries of `authorization_details` (RFC 9396).

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::TokenError;

/// One entry of `authorization_details` (RFC 9396 §2).
#[derive(Clone, Debug, PartialEq)]
pub struct AuthorizationDetail {
    kind: String,
    members: Map<String, Value>,
}

impl AuthorizationDetail {
    pub(super) fn read(claim: Option<&Value>) -> Result<Vec<Self>, TokenError> {
        const MALFORMED: TokenError = TokenError::MalformedClaim("authorization_details");
        let Some(claim) = claim else {
            return Ok(Vec::new());
        };
        let entries = claim.as_array().ok_or(MALFORMED)?.iter().map(|entry| {
            let members = entry.as_object()?.clone();
            let kind = members.get("type")?.as_str()?.to_owned();
            Some(Self { kind, members })
        });
        entries.collect::<Option<_>>().ok_or(MALFORMED)
    }

    /// `type`: what the other members mean.
    #[must_use]
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// `actions`, if it is a list of texts (RFC 9396 §2.2).
    #[must_use]
    pub fn actions(&self) -> Option<Vec<&str>> {
        self.texts("actions")
    }

    /// `locations`, if it is a list of texts (RFC 9396 §2.2).
    #[must_use]
    pub fn locations(&self) -> Option<Vec<&str>> {
        self.texts("locations")
    }

    /// The entry by type, `type` among its members.
    ///
    /// # Errors
    ///
    /// The entry does not fit the type.
    pub fn to<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        T::deserialize(Value::Object(self.members.clone()))
    }

    fn texts(&self, name: &str) -> Option<Vec<&str>> {
        let values = self.members.get(name)?.as_array()?;
        values.iter().map(Value::as_str).collect()
    }
}
