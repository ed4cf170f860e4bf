//! Who signed in, and how: the ID token, once it has been checked.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{id_token_error::IdTokenError, secret::SecretText};
use crate::{
    jose::{CompactJws, json},
    time::Timestamp,
};

/// Who signed in, as the authorization server has signed it for this client (OpenID Connect Core §2).
///
/// A value of this type has been checked: signature, issuer, audience, times, and that it answers this client's own request
/// (§3.1.3.7). [`TokenSet::id_token`](super::TokenSet::id_token) has it, whenever the scope `openid` was asked for.
///
/// A person is known by [`issuer`](Self::issuer) and [`subject`](Self::subject) together, and by nothing else: names and
/// addresses change hands (§5.7). The end of the token is not the end of the session at this client.
pub struct IdToken {
    /// Signed, no longer encrypted.
    pub(super) text: SecretText,
    pub(super) claims: Map<String, Value>,
    pub(super) issuer: String,
    pub(super) subject: String,
    pub(super) audience: Vec<String>,
    pub(super) issued_at: Timestamp,
    pub(super) expires_at: Timestamp,
    pub(super) auth_time: Option<Timestamp>,
    pub(super) acr: Option<String>,
    pub(super) amr: Vec<String>,
    /// Of the sign-in; one that came with a refresh need not repeat it.
    pub(super) nonce: Option<String>,
}

impl IdToken {
    /// Reads what is signed, without believing it.
    pub(super) fn read(text: SecretText) -> Result<Self, IdTokenError> {
        let jws = CompactJws::parse(text.secret()).map_err(IdTokenError::Jwt)?;
        let payload = jws.payload().map_err(IdTokenError::Jwt)?;
        let claims = json::object(&payload).map_err(|error| IdTokenError::Jwt(error.into()))?;
        let required = |name| IdTokenError::Claim(name);
        Ok(Self {
            issuer: string(&claims, "iss")?.ok_or(required("iss"))?.to_owned(),
            subject: subject(&claims)?.to_owned(),
            audience: strings(&claims, "aud")?.ok_or(required("aud"))?,
            issued_at: date(&claims, "iat")?.ok_or(required("iat"))?,
            expires_at: date(&claims, "exp")?.ok_or(required("exp"))?,
            auth_time: date(&claims, "auth_time")?,
            acr: string(&claims, "acr")?.map(str::to_owned),
            amr: match claims.get("amr") {
                // One string is no list (OpenID Connect Core §2), unlike in `aud`.
                Some(Value::String(_)) => return Err(required("amr")),
                _ => strings(&claims, "amr")?.unwrap_or_default(),
            },
            nonce: string(&claims, "nonce")?.map(str::to_owned),
            claims,
            text,
        })
    }

    /// `sub`: who signed in, as this issuer calls them. Never given to anybody else.
    #[must_use]
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// `iss`: the authorization server where they signed in, which is the client's own.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// `auth_time`: when they signed in, if the authorization server says it. It does if
    /// [`max_age`](super::AuthorizationRequest::max_age) was asked for, and has been compared with that.
    #[must_use]
    pub const fn auth_time(&self) -> Option<Timestamp> {
        self.auth_time
    }

    /// `acr`: the authentication context class of the sign-in.
    ///
    /// What was asked for with [`acr_values`](super::AuthorizationRequest::acr_values) is a wish, and may not have been
    /// granted: compare. What was asked for with [`demand_acr`](super::AuthorizationRequest::demand_acr) has been compared.
    #[must_use]
    pub fn acr(&self) -> Option<&str> {
        self.acr.as_deref()
    }

    /// `amr`: how they signed in, such as `pwd` and `otp` (RFC 8176 §2).
    #[must_use]
    pub fn amr(&self) -> &[String] {
        &self.amr
    }

    /// `iat`: when the token was made.
    #[must_use]
    pub const fn issued_at(&self) -> Timestamp {
        self.issued_at
    }

    /// `exp`: until when the token could be accepted. It says nothing about the session.
    #[must_use]
    pub const fn expires_at(&self) -> Timestamp {
        self.expires_at
    }

    /// A claim of any name.
    #[must_use]
    pub fn claim(&self, name: &str) -> Option<&Value> {
        self.claims.get(name)
    }

    /// All claims.
    #[must_use]
    pub const fn claims(&self) -> &Map<String, Value> {
        &self.claims
    }

    /// The signed text, decrypted if it was encrypted; for whoever keeps it as evidence.
    ///
    /// As a hint it need not be taken out: see [`id_token_hint`](super::AuthorizationRequest::id_token_hint) and
    /// [`LogoutRequest::of`](super::LogoutRequest::of).
    #[must_use]
    pub const fn text(&self) -> &SecretText {
        &self.text
    }

    pub(super) fn stored(&self) -> StoredIdToken<&str> {
        StoredIdToken {
            jwt: self.text.secret(),
            nonce: self.nonce.as_deref(),
            auth_time: self.auth_time,
        }
    }

    /// Takes back what was verified before it was stored.
    pub(super) fn from_stored(stored: StoredIdToken<String>) -> Result<Self, IdTokenError> {
        let token = Self::read(SecretText::new(stored.jwt))?;
        Ok(Self {
            nonce: stored.nonce,
            auth_time: stored.auth_time,
            ..token
        })
    }

    /// What a refreshed token leaves out is still as it was at the sign-in (OpenID Connect Core §12.2).
    pub(super) fn after(self, former: &Self) -> Self {
        Self {
            nonce: former.nonce.clone(),
            auth_time: self.auth_time.or(former.auth_time),
            ..self
        }
    }

    pub(super) fn duplicate(&self) -> Self {
        Self {
            text: self.text.duplicate(),
            claims: self.claims.clone(),
            issuer: self.issuer.clone(),
            subject: self.subject.clone(),
            audience: self.audience.clone(),
            issued_at: self.issued_at,
            expires_at: self.expires_at,
            auth_time: self.auth_time,
            acr: self.acr.clone(),
            amr: self.amr.clone(),
            nonce: self.nonce.clone(),
        }
    }
}

/// An ID token in a store, with what it inherited from the one before.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StoredIdToken<Text> {
    jwt: Text,
    nonce: Option<Text>,
    auth_time: Option<Timestamp>,
}

/// Without what it says of a person beyond their identifier.
impl fmt::Debug for IdToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IdToken")
            .field("issuer", &self.issuer)
            .field("subject", &self.subject)
            .field("auth_time", &self.auth_time)
            .field("acr", &self.acr)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

/// 1 to 255 characters (OpenID Connect Core §2).
fn subject(claims: &Map<String, Value>) -> Result<&str, IdTokenError> {
    match string(claims, "sub")? {
        Some(subject) if (1..=255).contains(&subject.len()) => Ok(subject),
        Some(_) | None => Err(IdTokenError::Claim("sub")),
    }
}

pub(super) fn string<'a>(
    claims: &'a Map<String, Value>,
    name: &'static str,
) -> Result<Option<&'a str>, IdTokenError> {
    match claims.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(IdTokenError::Claim(name)),
    }
}

/// A string, or an array of strings that is not empty.
fn strings(
    claims: &Map<String, Value>,
    name: &'static str,
) -> Result<Option<Vec<String>>, IdTokenError> {
    let malformed = || IdTokenError::Claim(name);
    match claims.get(name) {
        None => Ok(None),
        Some(Value::String(one)) => Ok(Some(vec![one.clone()])),
        Some(Value::Array(several)) if !several.is_empty() => {
            let texts = several.iter().map(|one| one.as_str().map(str::to_owned));
            texts.collect::<Option<_>>().map(Some).ok_or_else(malformed)
        }
        Some(_) => Err(malformed()),
    }
}

pub(super) fn date(
    claims: &Map<String, Value>,
    name: &'static str,
) -> Result<Option<Timestamp>, IdTokenError> {
    let date = claims.get(name).map(Deserialize::deserialize);
    date.transpose()
        .map_err(|_: serde_json::Error| IdTokenError::Claim(name))
}
