//! What the authorization response holds (RFC 6749 §3.1.1, OAuth 2.0 Multiple Response Type Encoding Practices).

use serde::{Deserialize, Serialize};

use super::{
    clients::Client,
    refusal::{ErrorCode, Refusal},
};

/// What the authorization response holds.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub(crate) enum ResponseType {
    /// A code.
    #[default]
    Code,
    /// A code, and an ID token that signs it (OpenID Connect Core §3.3, FAPI 1.0 Part 2 §5.2.2.1).
    CodeIdToken,
}

impl ResponseType {
    /// Its name. That of several values has no order (OAuth 2.0 Multiple Response Type Encoding Practices §3), but this one
    /// is registered.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Code => "code",
            Self::CodeIdToken => "code id_token",
        }
    }

    /// Whether an ID token comes with the response.
    pub(crate) const fn has_id_token(self) -> bool {
        match self {
            Self::Code => false,
            Self::CodeIdToken => true,
        }
    }

    /// The type of this name, if there is one here.
    pub(crate) fn named(name: &str) -> Option<Self> {
        match name {
            "code" => Some(Self::Code),
            "code id_token" | "id_token code" => Some(Self::CodeIdToken),
            _ => None,
        }
    }

    /// What is asked for, if the client may have it.
    pub(crate) fn read(asked: Option<&str>, client: &Client) -> Result<Self, Refusal> {
        let name = asked.ok_or_else(|| Refusal::invalid_request("response_type is missing"))?;
        let allowed = client.profile.response_types();
        match Self::named(name).filter(|it| allowed.contains(it)) {
            None => {
                let allowed: Vec<_> = allowed.iter().map(|it| it.as_str()).collect();
                let allowed = allowed.join(" or ");
                let description = format!("response_type must be {allowed}");
                Err(Refusal::new(
                    ErrorCode::UnsupportedResponseType,
                    description,
                ))
            }
            // RFC 6749 §4.1.2.1.
            Some(known) if !client.response_types.contains(&known) => Err(Refusal::new(
                ErrorCode::UnauthorizedClient,
                "response_type is not one that is registered for this client",
            )),
            Some(known) => Ok(known),
        }
    }

    /// The response mode of a request that names none (OAuth 2.0 Multiple Response Type Encoding Practices §2.1 and §5).
    pub(crate) const fn default_mode(self) -> &'static str {
        match self {
            Self::Code => "query",
            Self::CodeIdToken => "fragment",
        }
    }
}
