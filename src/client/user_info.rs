//! What the authorization server tells of a person (OpenID Connect Core §5.3).

use std::fmt;

use bytes::Bytes;
use http::{
    HeaderMap, Request, Response, StatusCode,
    header::{ACCEPT, CONTENT_TYPE},
};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::{
    challenge::challenges,
    client::Client,
    endpoints,
    error::{AuthorizationServerError, ClientError, Endpoint},
    jwt::{decrypted, is_encrypted},
    secret::SecretText,
    server_text::ServerText,
    sign_in::TOLERANCE,
    token_set::TokenSet,
};
use crate::{
    jose::{
        CompactJws, JwsError,
        json::{self, InvalidJson},
        jwe::{DecryptionKeyRing, JweError},
    },
    time::Timestamp,
};

/// Claims about the person who signed in, as of now. `Debug` shows none of them.
pub struct UserInfo {
    subject: String,
    claims: Map<String, Value>,
}

/// What userinfo answers have to be.
#[derive(Debug, Default)]
pub(super) struct UserInfoSettings {
    pub(super) signed: bool,
    /// What they have to be encrypted to, if they are.
    pub(super) keys: Option<DecryptionKeyRing>,
}

/// Why an answer of the userinfo endpoint is not believed (OpenID Connect Core §5.3.2, §5.3.4).
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum UserInfoError {
    /// `sub` is missing or not that of the ID token: it is about somebody else, and nothing in it may be used.
    #[error("the userinfo answer is not about the person of the ID token")]
    WrongSubject,
    /// Neither JSON nor a JWT, by its media type.
    #[error(
        "the userinfo answer is of media type `{0}`: neither application/json nor application/jwt"
    )]
    MediaType(ServerText),
    /// Not JSON that can be read in one way only.
    #[error("the userinfo answer: {0}")]
    Json(#[from] InvalidJson),
    /// A plain answer, although this client was built for signed ones.
    #[error(
        "the userinfo answer is not signed: register the client with `userinfo_signed_response_alg`, or build it without `signed_userinfo`"
    )]
    NotSigned,
    /// A signed answer, although this client was built for encrypted ones.
    #[error(
        "the userinfo answer is not encrypted: register the client with `userinfo_encrypted_response_alg`, or build it without `encrypted_userinfo`"
    )]
    NotEncrypted,
    /// It is encrypted, and this client has no keys for it.
    #[error(
        "the userinfo answer is encrypted: build the client with `encrypted_userinfo` and the key that is registered for it"
    )]
    Encrypted,
    /// It cannot be decrypted with the keys of this client.
    #[error("the userinfo answer cannot be decrypted with the keys of this client: {0}")]
    Decryption(JweError),
    /// The JWT is malformed, or not signed by a key that the authorization server publishes.
    #[error("the signed userinfo answer: {0}")]
    Jwt(JwsError),
    /// The JWT is another issuer's, for another client, of another kind, or has ended.
    #[error("`{0}` of the signed userinfo answer is missing or wrong")]
    Claim(&'static str),
}

impl UserInfo {
    /// `sub`: the same as that of the ID token.
    #[must_use]
    pub fn subject(&self) -> &str {
        &self.subject
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

    /// All claims in a type of the application's own.
    ///
    /// # Errors
    ///
    /// [`UserInfoError::Json`] if they do not fit.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, UserInfoError> {
        let claims = Value::Object(self.claims.clone());
        let complaint = |error| InvalidJson::from(error).without_text();
        Ok(T::deserialize(claims).map_err(complaint)?)
    }
}

impl fmt::Debug for UserInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UserInfo")
            .field("subject", &self.subject)
            .finish_non_exhaustive()
    }
}

impl Client {
    /// Asks what the authorization server knows of the person who signed in, and may tell this client.
    ///
    /// # Errors
    ///
    /// [`ClientError::NoIdToken`] if the scope `openid` was not asked for, [`ClientError::UserInfo`] if the answer is about
    /// somebody else or cannot be believed, [`ClientError::Refused`] if the token is not good enough.
    ///
    /// # Specification
    ///
    /// [OpenID Connect Core §5.3](https://openid.net/specs/openid-connect-core-1_0.html#UserInfo)
    pub async fn userinfo(&self, tokens: &TokenSet) -> Result<UserInfo, ClientError> {
        let id_token = tokens.id_token().ok_or(ClientError::NoIdToken)?;
        let metadata = self.discover().await?;
        let url = endpoints::userinfo_endpoint(&metadata, self.parts.uses_aliases)?;
        let settings = &self.parts.user_info;
        let accept = if settings.signed {
            "application/jwt"
        } else {
            "application/json, application/jwt"
        };
        let request = Request::get(url.as_str())
            .header(ACCEPT, accept)
            .body(Bytes::new())
            .map_err(|_| ClientError::ResourceUrl)?;
        let answer = self.send_to(Endpoint::UserInfo, request, tokens).await?;
        if answer.status() != StatusCode::OK {
            return Err(refusal(&answer));
        }
        let essence = essence(answer.headers());
        let claims = if essence.eq_ignore_ascii_case("application/jwt") {
            self.open_user_info(answer.body()).await?
        } else if !essence.eq_ignore_ascii_case("application/json") {
            return Err(UserInfoError::MediaType(ServerText::new(&essence)).into());
        } else if settings.signed {
            return Err(UserInfoError::NotSigned.into());
        } else {
            json::object(answer.body()).map_err(UserInfoError::Json)?
        };
        match claims.get("sub") {
            Some(Value::String(subject)) if subject == id_token.subject() => Ok(UserInfo {
                subject: subject.clone(),
                claims,
            }),
            Some(_) | None => Err(UserInfoError::WrongSubject.into()),
        }
    }

    async fn open_user_info(&self, body: &[u8]) -> Result<Map<String, Value>, ClientError> {
        let malformed = |_| UserInfoError::Jwt(JwsError::Segments);
        let text = std::str::from_utf8(body).map_err(malformed)?.trim_ascii();
        let text = match (&self.parts.user_info.keys, is_encrypted(text)) {
            (Some(keys), true) => decrypted(text, keys).map_err(UserInfoError::Decryption)?,
            (Some(_), false) => return Err(UserInfoError::NotEncrypted.into()),
            (None, true) => return Err(UserInfoError::Encrypted.into()),
            (None, false) => SecretText::new(text),
        };
        let jws = CompactJws::parse(text.secret()).map_err(UserInfoError::Jwt)?;
        let header = jws.header().map_err(UserInfoError::Jwt)?;
        // Another JWT of the same server must not pass for this (RFC 8725 §3.11).
        if header.typ().is_some() && !header.is_typ("JWT") {
            return Err(UserInfoError::Claim("typ").into());
        }
        let payload = jws.payload().map_err(UserInfoError::Jwt)?;
        let claims = json::object(&payload).map_err(UserInfoError::Json)?;
        let now = self.now();
        self.check_user_info(&claims, now)?;
        let verdict = self.verify_signature(&jws, &header, now).await?;
        verdict.map_err(UserInfoError::Jwt)?;
        Ok(claims)
    }

    /// `iss` and `aud` are there and ours (§5.3.2); `exp` and `nbf` need not be there, but if they are they mean what they
    /// always mean (RFC 7519 §4.1.4, §4.1.5).
    fn check_user_info(
        &self,
        claims: &Map<String, Value>,
        now: Timestamp,
    ) -> Result<(), UserInfoError> {
        if claims.get("iss").and_then(Value::as_str) != Some(self.issuer()) {
            return Err(UserInfoError::Claim("iss"));
        }
        let client_id = Some(self.parts.client_id.as_str());
        let is_for_us = match claims.get("aud") {
            Some(Value::Array(several)) => several.iter().any(|one| one.as_str() == client_id),
            Some(one) => one.as_str() == client_id,
            None => false,
        };
        if !is_for_us {
            return Err(UserInfoError::Claim("aud"));
        }
        if date(claims, "exp")?.is_some_and(|end| now >= end) {
            return Err(UserInfoError::Claim("exp"));
        }
        if date(claims, "nbf")?.is_some_and(|from| from > now.plus(TOLERANCE)) {
            return Err(UserInfoError::Claim("nbf"));
        }
        Ok(())
    }
}

fn date(
    claims: &Map<String, Value>,
    name: &'static str,
) -> Result<Option<Timestamp>, UserInfoError> {
    let date = claims.get(name).map(serde::Deserialize::deserialize);
    date.transpose()
        .map_err(|_: serde_json::Error| UserInfoError::Claim(name))
}

/// What the challenge says (OpenID Connect Core §5.3.3, RFC 6750 §3).
fn refusal(answer: &Response<Bytes>) -> ClientError {
    let (endpoint, status) = (Endpoint::UserInfo, answer.status());
    let found = challenges(answer.headers())
        .filter(|challenge| challenge.is_scheme("DPoP") || challenge.is_scheme("Bearer"))
        .find_map(|challenge| {
            let description = challenge.get("error_description");
            let code = challenge.get("error")?;
            Some(AuthorizationServerError::new(code, description))
        });
    match found {
        Some(error) => ClientError::Refused {
            endpoint,
            status,
            error,
        },
        None => ClientError::UnexpectedStatus { endpoint, status },
    }
}

/// The media type without its parameters.
pub(super) fn essence(headers: &HeaderMap) -> String {
    let value = headers.get(CONTENT_TYPE).map(http::HeaderValue::as_bytes);
    let text = String::from_utf8_lossy(value.unwrap_or_default());
    let essence = text.split(';').next().unwrap_or_default();
    essence.trim().to_owned()
}
