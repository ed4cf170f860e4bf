//! What the token endpoint hands out.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use zeroize::Zeroizing;

use super::{
    id_token::{IdToken, StoredIdToken},
    id_token_error::IdTokenError,
    secret::{SecretText, secret_json},
};
use crate::{
    jose::json::{self, InvalidJson},
    time::Timestamp,
};

/// How a token is bound to the client, and so how it is presented.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
pub enum TokenType {
    /// To a key, which signs a proof for each request (RFC 9449 §7.1).
    #[serde(rename = "DPoP")]
    Dpop,
    /// To a certificate, which the connection presents; named `Bearer` on the wire (RFC 8705 §3).
    Bearer,
}

impl TokenType {
    /// The name, which is also the scheme of the `Authorization` header.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Dpop => "DPoP",
            Self::Bearer => "Bearer",
        }
    }
}

impl fmt::Display for TokenType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An access token, and what came with it.
///
/// [`secret_json`](Self::secret_json) and [`from_secret_json`](Self::from_secret_json) carry it through a store; it is
/// good for nobody who has not the client's key or certificate, and still nothing to leave lying about.
pub struct TokenSet {
    pub(super) issuer: String,
    pub(super) client_id: String,
    pub(super) access_token: SecretText,
    pub(super) token_type: TokenType,
    pub(super) refresh_token: Option<SecretText>,
    pub(super) expires_at: Option<Timestamp>,
    pub(super) scope: Option<String>,
    pub(super) authorization_details: Option<Value>,
    pub(super) id_token: Option<IdToken>,
}

/// A stored text is not what [`TokenSet::secret_json`] wrote.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum InvalidTokenSet {
    /// Not the JSON it was.
    #[error("not a stored token set: {0}")]
    Json(#[from] InvalidJson),
    /// A token is empty or holds characters that no token holds.
    #[error("not a stored token set: no token")]
    Token,
    /// The ID token is not what it was.
    #[error("not a stored token set: {0}")]
    IdToken(#[from] IdTokenError),
}

impl TokenSet {
    /// The access token. [`Client::send`](super::Client::send) presents it as it must be presented.
    #[must_use]
    pub const fn access_token(&self) -> &SecretText {
        &self.access_token
    }

    /// How the access token is bound.
    #[must_use]
    pub const fn token_type(&self) -> TokenType {
        self.token_type
    }

    /// The refresh token, if one was given.
    #[must_use]
    pub const fn refresh_token(&self) -> Option<&SecretText> {
        self.refresh_token.as_ref()
    }

    /// When the access token ends, if the authorization server says it.
    #[must_use]
    pub const fn expires_at(&self) -> Option<Timestamp> {
        self.expires_at
    }

    /// The scope that was granted, which may be less than was asked for.
    #[must_use]
    pub fn scope(&self) -> Option<&str> {
        self.scope.as_deref()
    }

    /// The authorization details that were granted (RFC 9396 §7).
    #[must_use]
    pub const fn authorization_details(&self) -> Option<&Value> {
        self.authorization_details.as_ref()
    }

    /// Who signed in: there whenever the scope `openid` was asked for (OpenID Connect Core §3.1.3.3). It stays the one of the
    /// sign-in until a refresh brings a newer one about the same.
    #[must_use]
    pub const fn id_token(&self) -> Option<&IdToken> {
        self.id_token.as_ref()
    }

    /// The authorization server that gave the tokens.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Whether this client of this authorization server is the one the tokens were given to.
    pub(super) fn belongs_to(&self, issuer: &str, client_id: &str) -> bool {
        self.issuer == issuer && self.client_id == client_id
    }

    /// The whole, tokens included, to be kept where only this application can read it.
    #[must_use]
    pub fn secret_json(&self) -> Zeroizing<String> {
        secret_json(&Stored {
            issuer: self.issuer.as_str(),
            client_id: &self.client_id,
            access_token: self.access_token.secret(),
            token_type: self.token_type,
            refresh_token: self.refresh_token.as_ref().map(SecretText::secret),
            expires_at: self.expires_at,
            scope: self.scope.as_deref(),
            authorization_details: self.authorization_details.clone(),
            id_token: self.id_token.as_ref().map(IdToken::stored),
        })
    }

    /// Takes back what [`secret_json`](Self::secret_json) wrote.
    ///
    /// # Errors
    ///
    /// [`InvalidTokenSet`] if the text is anything else.
    pub fn from_secret_json(text: &str) -> Result<Self, InvalidTokenSet> {
        let stored: Stored<String> =
            json::from_slice(text.as_bytes()).map_err(InvalidJson::without_text)?;
        Ok(Self {
            issuer: stored.issuer,
            client_id: stored.client_id,
            access_token: token(stored.access_token).ok_or(InvalidTokenSet::Token)?,
            token_type: stored.token_type,
            refresh_token: match stored.refresh_token {
                Some(refresh_token) => Some(token(refresh_token).ok_or(InvalidTokenSet::Token)?),
                None => None,
            },
            expires_at: stored.expires_at,
            scope: stored.scope,
            authorization_details: stored.authorization_details,
            id_token: stored.id_token.map(IdToken::from_stored).transpose()?,
        })
    }
}

/// A token that can stand in a header (RFC 6749 Appendix A.12 and A.17, less the space).
pub(super) fn token(text: String) -> Option<SecretText> {
    let token = SecretText::new(text);
    let fits =
        !token.secret().is_empty() && token.secret().bytes().all(|byte| byte.is_ascii_graphic());
    fits.then_some(token)
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Stored<Text> {
    issuer: Text,
    client_id: Text,
    access_token: Text,
    token_type: TokenType,
    refresh_token: Option<Text>,
    expires_at: Option<Timestamp>,
    scope: Option<Text>,
    authorization_details: Option<Value>,
    #[serde(default = "Option::default")]
    id_token: Option<StoredIdToken<Text>>,
}

impl fmt::Debug for TokenSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenSet")
            .field("issuer", &self.issuer)
            .field("client_id", &self.client_id)
            .field("token_type", &self.token_type)
            .field("expires_at", &self.expires_at)
            .field("scope", &self.scope)
            .field("refreshable", &self.refresh_token.is_some())
            .field("id_token", &self.id_token)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn set() -> TokenSet {
        TokenSet {
            issuer: "https://as.example".to_owned(),
            client_id: "me".to_owned(),
            access_token: SecretText::new("hunter2"),
            token_type: TokenType::Dpop,
            refresh_token: Some(SecretText::new("hunter3")),
            expires_at: Some(Timestamp::from_unix(1_800_000_000)),
            scope: Some("accounts".to_owned()),
            authorization_details: Some(json!([{"type": "payment"}])),
            id_token: None,
        }
    }

    #[test]
    fn a_set_survives_storage() {
        let stored = set().secret_json();
        let again = TokenSet::from_secret_json(&stored).unwrap();
        assert_eq!(*again.secret_json(), *stored);
        assert_eq!(again.access_token().secret(), "hunter2");
        assert_eq!(
            again.authorization_details(),
            Some(&json!([{"type": "payment"}]))
        );
    }

    #[test]
    fn a_set_belongs_to_one_client_of_one_issuer() {
        assert!(set().belongs_to("https://as.example", "me"));
        assert!(!set().belongs_to("https://as.example", "you"));
        assert!(!set().belongs_to("https://other.example", "me"));
    }

    #[test]
    fn what_was_not_stored_is_not_taken_back() {
        let stored = set().secret_json();
        for (case, text) in [
            ("empty", "{}".to_owned()),
            ("other member", stored.replacen('{', "{\"more\":1,", 1)),
            ("other type", stored.replace("DPoP", "mac")),
            ("no token", stored.replace("hunter2", "")),
            ("a header more", stored.replace("hunter2", "a\\r\\nX: y")),
            ("no refresh token", stored.replace("hunter3", "")),
        ] {
            assert_ne!(text, *stored, "{case}");
            assert!(TokenSet::from_secret_json(&text).is_err(), "{case}");
        }
        let moved = stored.replace("1800000000", "\"hunter2\"");
        let told = TokenSet::from_secret_json(&moved).unwrap_err();
        assert!(!format!("{told} {told:?}").contains("hunter2"), "{told}");
    }

    #[test]
    fn tokens_are_not_shown() {
        assert!(!format!("{:?}", set()).contains("hunter"));
    }
}
