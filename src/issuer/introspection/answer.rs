//! The answer, plain (RFC 7662 §2.2) or signed (RFC 9701 §5).

use std::{borrow::Cow, time::Duration};

use serde_json::{Map, Value};

use crate::{
    issuer::{IntrospectionError, IssuerKeys, KeySnapshot},
    jose::{
        CompactJws, JwsAlgorithm, JwsError, JwsHeader, json,
        jwe::{AcceptedEncryption, DecryptionKeyRing, decrypt},
    },
    time::Timestamp,
};

/// How answers are read.
#[derive(Clone, Debug)]
pub(super) enum Reading {
    /// As JSON, believed because of the connection it came over.
    Plain,
    /// As a JWT, believed because of its signature; inside a JWE, where that is demanded.
    Signed(SignedRules),
}

/// What is demanded of a signed answer.
#[derive(Clone, Debug)]
pub(super) struct SignedRules {
    pub(super) issuer: String,
    /// Our names, one of which has to be in `aud`: our client identifier, and what tokens for us name.
    pub(super) names: Vec<String>,
    pub(super) keys: IssuerKeys,
    pub(super) algorithms: Vec<JwsAlgorithm>,
    pub(super) clock_skew: Duration,
    /// What answers have to be encrypted to, where that is demanded.
    pub(super) encryption: Option<DecryptionKeyRing>,
}

/// How old a signed answer may be. It says what was true when it was made, and it was made because we asked.
const MAX_AGE: Duration = Duration::from_mins(1);

impl Reading {
    /// The members of the answer, once it can be believed.
    pub(super) async fn read(
        &self,
        body: &[u8],
        now: Timestamp,
    ) -> Result<Map<String, Value>, IntrospectionError> {
        match self {
            Self::Plain => Ok(json::object(body)?),
            Self::Signed(rules) => rules.read(body, now).await,
        }
    }
}

impl SignedRules {
    async fn read(
        &self,
        body: &[u8],
        now: Timestamp,
    ) -> Result<Map<String, Value>, IntrospectionError> {
        let text = str::from_utf8(body).map_err(|_| JwsError::Segments)?;
        let text = self.opened(text.trim_ascii())?;
        let jws = CompactJws::parse(&text)?;
        let header = jws.header()?;
        if !header.is_typ("token-introspection+jwt") {
            return Err(IntrospectionError::Type);
        }
        if !self.algorithms.contains(&header.algorithm()) {
            return Err(JwsError::Algorithm.into());
        }
        let mut claims = json::object(&jws.payload()?).map_err(JwsError::from)?;
        self.check(&claims, now)?;
        self.verify(&jws, &header, now).await?;
        match claims.remove("token_introspection") {
            Some(Value::Object(members)) => Ok(members),
            Some(_) | None => Err(IntrospectionError::Claim("token_introspection")),
        }
    }

    /// The signed answer inside an encrypted one (RFC 9701 §5: a Nested JWT).
    fn opened<'a>(&self, text: &'a str) -> Result<Cow<'a, str>, IntrospectionError> {
        let Some(keys) = &self.encryption else {
            return Ok(Cow::Borrowed(text));
        };
        let opened = decrypt(text, &keys.current(), &AcceptedEncryption::default())?;
        let inside = str::from_utf8(&opened.plaintext).map_err(|_| JwsError::Segments)?;
        Ok(Cow::Owned(inside.to_owned()))
    }

    fn check(&self, claims: &Map<String, Value>, now: Timestamp) -> Result<(), IntrospectionError> {
        let wrong = |name| Err(IntrospectionError::Claim(name));
        if claims.get("iss").and_then(Value::as_str) != Some(&self.issuer) {
            return wrong("iss");
        }
        let ours = |name: &Value| {
            let name = name.as_str();
            name.is_some_and(|name| self.names.iter().any(|ours| ours == name))
        };
        let for_us = match claims.get("aud") {
            Some(Value::Array(names)) => {
                names.iter().all(Value::is_string) && names.iter().any(ours)
            }
            Some(name) => ours(name),
            None => false,
        };
        if !for_us {
            return wrong("aud");
        }
        let iat = date(claims, "iat")?.ok_or(IntrospectionError::Claim("iat"))?;
        if iat > now.plus(self.clock_skew) || iat < now.minus(MAX_AGE) {
            return wrong("iat");
        }
        // Not to be there, but if it is it means what it always means (RFC 7519 §4.1.4).
        if date(claims, "exp")?.is_some_and(|end| end <= now) {
            return wrong("exp");
        }
        Ok(())
    }

    /// Waits for the issuer's keys where it must, like the verdict does for tokens.
    async fn verify(
        &self,
        jws: &CompactJws<'_>,
        header: &JwsHeader,
        now: Timestamp,
    ) -> Result<(), IntrospectionError> {
        let KeySnapshot {
            keys, generation, ..
        } = match self.keys.current(now) {
            Some(snapshot) => snapshot,
            None => self.keys.obtain(now).await?,
        };
        match jws.verify_with(header, &keys) {
            Err(JwsError::NoKey) => {
                let newer = self.keys.refresh_for_unknown_key(generation, now).await?;
                Ok(jws.verify_with(header, &newer.keys)?)
            }
            outcome => Ok(outcome?),
        }
    }
}

fn date(
    claims: &Map<String, Value>,
    name: &'static str,
) -> Result<Option<Timestamp>, IntrospectionError> {
    let date = claims.get(name).map(serde::Deserialize::deserialize);
    date.transpose()
        .map_err(|_: serde_json::Error| IntrospectionError::Claim(name))
}
