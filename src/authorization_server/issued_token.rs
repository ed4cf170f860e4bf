//! Access tokens that come back: what the server said in them, and whether that still holds.

use serde::Deserialize as _;
use serde_json::{Map, Value};

use super::{
    refusal::Failure,
    server::Server,
    store::{ClientGrant, EncryptedToken, Grant, RevokedToken},
};
use crate::{
    jose::{CompactJws, base64url, json, jwe::CompactJwe, sha256},
    time::Timestamp,
};

/// What a text is that somebody took for a token.
#[derive(Debug)]
pub(crate) enum Recognised {
    /// An access token of ours. Whether it still holds has to be asked.
    AccessToken(IssuedToken),
    /// Something else that we have signed.
    Other,
    /// Nothing that we made, or nothing that tells.
    Unknown,
}

/// An access token of ours.
#[derive(Debug)]
pub(crate) struct IssuedToken {
    /// As they were when it was issued.
    pub(crate) claims: Map<String, Value>,
    pub(crate) id: String,
    pub(crate) client_id: String,
    pub(crate) expires: Timestamp,
    /// The grant it came of, which its `jti` names.
    grant: [u8; 32],
    /// A client has it on its own behalf: nobody has signed in.
    is_nobodys: bool,
}

impl IssuedToken {
    fn read(claims: Map<String, Value>) -> Option<Self> {
        let text = |name: &str| Some(claims.get(name)?.as_str()?.to_owned());
        let id = text("jti")?;
        Some(Self {
            client_id: text("client_id")?,
            expires: Timestamp::deserialize(claims.get("exp")?).ok()?,
            grant: grant_of(&id)?,
            id,
            is_nobodys: !claims.contains_key("auth_time"),
            claims,
        })
    }

    /// Whether it is for this resource server.
    pub(crate) fn is_for(&self, resource: &str) -> bool {
        match self.claims.get("aud") {
            Some(Value::String(one)) => one == resource,
            Some(Value::Array(several)) => several.iter().any(|one| one == resource),
            Some(_) | None => false,
        }
    }
}

/// The grant that a `jti` of ours names.
pub(crate) fn grant_of(id: &str) -> Option<[u8; 32]> {
    let (grant, _) = id.split_once('.')?;
    base64url::decode_array(grant).ok()
}

impl Server {
    /// The access token of ours that a text is, if it is one and still holds.
    pub(crate) async fn active_token(
        &self,
        token: &str,
        now: Timestamp,
    ) -> Result<Option<IssuedToken>, Failure> {
        match self.recognise(token, now).await? {
            Recognised::AccessToken(token) if self.is_active(&token, now).await? => Ok(Some(token)),
            Recognised::AccessToken(_) | Recognised::Other | Recognised::Unknown => Ok(None),
        }
    }

    /// Finds out what a text is.
    pub(crate) async fn recognise(
        &self,
        token: &str,
        now: Timestamp,
    ) -> Result<Recognised, Failure> {
        if !CompactJwe::has_shape(token) {
            return Ok(self
                .recognise_signed(token, now)
                .unwrap_or(Recognised::Unknown));
        }
        let said: Option<EncryptedToken> = self.records.get(sha256(token.as_bytes()), now).await?;
        let token = said.and_then(|said| IssuedToken::read(said.claims));
        Ok(token.map_or(Recognised::Unknown, Recognised::AccessToken))
    }

    fn recognise_signed(&self, token: &str, now: Timestamp) -> Option<Recognised> {
        let jws = CompactJws::parse(token).ok()?;
        let header = jws.header().ok()?;
        jws.verify_with(&header, &self.keys.verifying(now)).ok()?;
        if !header.is_typ("at+jwt") {
            return Some(Recognised::Other);
        }
        let claims = json::object(&jws.payload().ok()?).ok()?;
        // Other issuers may share the keys.
        if claims.get("iss").and_then(Value::as_str) != Some(self.endpoints.issuer()) {
            return None;
        }
        IssuedToken::read(claims).map(Recognised::AccessToken)
    }

    /// Whether a token still holds: it has not ended, was not revoked, and neither was the grant that it came of.
    pub(crate) async fn is_active(
        &self,
        token: &IssuedToken,
        now: Timestamp,
    ) -> Result<bool, Failure> {
        if token.expires <= now {
            return Ok(false);
        }
        let revoked: Option<RevokedToken> =
            self.records.get(sha256(token.id.as_bytes()), now).await?;
        if revoked.is_some() {
            return Ok(false);
        }
        if token.is_nobodys {
            let grant: Option<ClientGrant> = self.records.get(token.grant, now).await?;
            return Ok(grant.is_some());
        }
        let grant: Option<Grant> = self.records.get(token.grant, now).await?;
        Ok(grant.is_some())
    }

    /// Ends a token before its time. Nothing else of its grant ends with it.
    pub(crate) async fn end(&self, token: &IssuedToken, now: Timestamp) -> Result<(), Failure> {
        if token.is_nobodys {
            // It is the only one of its grant, and needs no further record.
            let _: Option<ClientGrant> = self.records.take(token.grant, now).await?;
            return Ok(());
        }
        let id = sha256(token.id.as_bytes());
        let revoked = RevokedToken {};
        Ok(self.records.put(id, &revoked, token.expires, now).await?)
    }
}
