//! Authorization responses that the authorization server signs (JARM §2.4, FAPI 2.0 Message Signing §5.4.2).

use serde_json::{Map, Value};

use super::{
    client::{Client, Responses},
    error::ClientError,
    jwt::decrypted,
    response::{AuthorizationResponse, CallbackError, Outcome},
    server_text::ServerText,
};
use crate::{
    jose::{CompactJws, JwsHeader, json},
    time::Timestamp,
};

impl Client {
    /// Opens a response that came as a JWT: decrypts it if the client was built for that, and checks issuer, audience,
    /// expiry and signature. Any other response is given back as it is.
    ///
    /// [`complete`](Self::complete) does this by itself; to be called by an application that needs the `state` of an
    /// encrypted response, or uses [`PendingAuthorization::verify`](super::PendingAuthorization::verify).
    ///
    /// # Errors
    ///
    /// [`ClientError::Callback`] if the JWT is not to be believed, [`ClientError::Metadata`] if the server's keys cannot
    /// be had.
    ///
    /// # Specification
    ///
    /// [JARM §2.4](https://openid.net/specs/oauth-v2-jarm-final.html)
    pub async fn open_response(
        &self,
        response: &AuthorizationResponse,
    ) -> Result<AuthorizationResponse, ClientError> {
        let Outcome::Jwt(sealed) = &response.outcome else {
            return Ok(response.duplicate());
        };
        let signed = match &self.parts.responses {
            Responses::Plain | Responses::Signed => sealed.duplicate(),
            Responses::Encrypted(keys) => {
                decrypted(sealed.secret(), keys).map_err(|_| CallbackError::Decryption)?
            }
        };
        let jws = CompactJws::parse(signed.secret()).map_err(CallbackError::Jwt)?;
        let header = jws.header().map_err(CallbackError::Jwt)?;
        let payload = jws.payload().map_err(CallbackError::Jwt)?;
        let claims = json::object(&payload).map_err(|error| CallbackError::Jwt(error.into()))?;
        let now = self.now();
        self.check_response(&header, &claims, now)?;
        let verdict = self.verify_signature(&jws, &header, now).await?;
        verdict.map_err(CallbackError::Jwt)?;
        Ok(AuthorizationResponse::from_claims(&claims)?)
    }

    fn check_response(
        &self,
        header: &JwsHeader,
        claims: &Map<String, Value>,
        now: Timestamp,
    ) -> Result<(), CallbackError> {
        // A token of the same server must not pass for a response (RFC 8725 §3.11).
        if header.typ().is_some() && !header.is_typ("JWT") {
            return Err(CallbackError::Claim("typ"));
        }
        let issuer = claims.get("iss").and_then(Value::as_str);
        let issuer = issuer.ok_or(CallbackError::MissingIssuer)?;
        if issuer != self.issuer() {
            return Err(CallbackError::WrongIssuer {
                expected: self.issuer().to_owned(),
                found: ServerText::new(issuer),
            });
        }
        let client_id = Some(self.parts.client_id.as_str());
        let is_for_us = match claims.get("aud") {
            Some(Value::Array(several)) => several.iter().any(|one| one.as_str() == client_id),
            Some(one) => one.as_str() == client_id,
            None => false,
        };
        if !is_for_us {
            return Err(CallbackError::Claim("aud"));
        }
        match claims.get("exp").and_then(Value::as_i64) {
            Some(expires) if now < Timestamp::from_unix(expires) => Ok(()),
            Some(_) | None => Err(CallbackError::Claim("exp")),
        }
    }
}
