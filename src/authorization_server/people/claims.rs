//! What is known of a person beside their name on pages (OpenID Connect Core §5.1).

use std::{fmt, future::Future, pin::Pin};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::AuthenticatorFault;

/// What [`Authenticator::claims`](super::Authenticator::claims) returns: claims by name.
pub type ClaimsFuture<'a> =
    Pin<Box<dyn Future<Output = Result<Map<String, Value>, AuthenticatorFault>> + Send + 'a>>;

/// The standard claims about a person (OpenID Connect Core §5.1): each is there or it is not, and none is empty.
#[non_exhaustive]
#[derive(Clone, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct StandardClaims {
    /// The whole name as it is shown; the name on pages unless set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// First name or names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub given_name: Option<String>,
    /// Surname or surnames.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub family_name: Option<String>,
    /// Middle name or names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub middle_name: Option<String>,
    /// What they are called by friends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nickname: Option<String>,
    /// What they would like to be called at the client. Not unique.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preferred_username: Option<String>,
    /// URL of a page about them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// URL of a picture of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub picture: Option<String>,
    /// URL of their own site.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub website: Option<String>,
    /// `female`, `male` or another word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gender: Option<String>,
    /// `YYYY-MM-DD`, or `YYYY`, or `0000-MM-DD`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub birthdate: Option<String>,
    /// Time zone, as in `Europe/Paris`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zoneinfo: Option<String>,
    /// Language and region, as in `fr-CA`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub locale: Option<String>,
    /// When any of this last changed, in seconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<i64>,
    /// Mail address. Not unique.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Whether it was shown to be theirs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email_verified: Option<bool>,
    /// Telephone number, in the form of E.164 at best: `+1 (425) 555-1212`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone_number: Option<String>,
    /// Whether it was shown to be theirs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone_number_verified: Option<bool>,
    /// Where they live.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<Address>,
}

/// A postal address (OpenID Connect Core §5.1.1).
#[non_exhaustive]
#[derive(Clone, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Address {
    /// As it would stand on a letter, with line breaks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub formatted: Option<String>,
    /// Street and number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub street_address: Option<String>,
    /// City.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub locality: Option<String>,
    /// State, province or the like.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// Postal code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub postal_code: Option<String>,
    /// Country.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
}

impl StandardClaims {
    /// The claims by name.
    pub(super) fn to_members(&self) -> Map<String, Value> {
        match serde_json::to_value(self) {
            Ok(Value::Object(members)) => members,
            // Texts, numbers and booleans can always be written.
            Ok(_) | Err(_) => Map::new(),
        }
    }

    /// The first claim that is there and empty (OpenID Connect Core §5.3.2).
    pub(super) fn empty(&self) -> Option<String> {
        let members = self.to_members();
        let is_empty = |value: &Value| match value {
            Value::String(text) => text.trim().is_empty(),
            Value::Object(parts) => {
                parts.is_empty()
                    || parts
                        .values()
                        .any(|part| part.as_str().is_none_or(|text| text.trim().is_empty()))
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => false,
        };
        let mut members = members.into_iter();
        members.find_map(|(name, value)| is_empty(&value).then_some(name))
    }
}

/// Of a person's affairs, a log needs the names only.
impl fmt::Debug for StandardClaims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.to_members().keys()).finish()
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Address").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // OpenID Connect Core §5.1 and §5.3.2.
    #[test]
    fn claims_are_read_from_the_configuration_and_none_is_empty() {
        let read: StandardClaims = toml::from_str(
            r#"
            email = "ada@example.com"
            email_verified = true
            updated_at = 1800000000
            address = { locality = "London", country = "UK" }
            "#,
        )
        .unwrap();
        let expected = serde_json::json!({
            "email": "ada@example.com",
            "email_verified": true,
            "updated_at": 1_800_000_000,
            "address": {"locality": "London", "country": "UK"},
        });
        assert_eq!(Value::Object(read.to_members()), expected);
        assert_eq!(read.empty(), None);
        assert!(!format!("{read:?}").contains("ada@"));
        for (text, name) in [
            ("nickname = \"\"", "nickname"),
            ("email = \" \"", "email"),
            ("address = {}", "address"),
            ("address = { region = \"\" }", "address"),
        ] {
            let read: StandardClaims = toml::from_str(text).unwrap();
            assert_eq!(read.empty().as_deref(), Some(name), "{text}");
        }
        for mistaken in [
            "e_mail = \"x\"",
            "email_verified = \"yes\"",
            "address = \"x\"",
        ] {
            assert!(
                toml::from_str::<StandardClaims>(mistaken).is_err(),
                "{mistaken}"
            );
        }
    }
}
