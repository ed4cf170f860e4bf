//! The signed answer (RFC 9701 §5), as far as it can be judged without the issuer's keys.

use std::{borrow::Cow, time::Duration};

use serde_json::{Map, Value};

use crate::{
    issuer::IntrospectionError,
    jose::{
        CompactJws, JwsAlgorithm, JwsError, JwsHeader, json,
        jwe::{AcceptedEncryption, DecryptionKeyRing, decrypt},
    },
    time::Timestamp,
};

/// What is demanded of a signed answer beside the signature.
#[derive(Clone, Debug)]
pub(crate) struct AnswerRules {
    pub(crate) issuer: String,
    /// Our names, one of which has to be in `aud`: our client identifier, and what tokens for us name.
    pub(crate) names: Vec<String>,
    pub(crate) algorithms: Vec<JwsAlgorithm>,
    pub(crate) clock_skew: Duration,
    /// What answers have to be encrypted to, where that is demanded.
    pub(crate) encryption: Option<DecryptionKeyRing>,
}

/// A signed answer in which everything is right but, perhaps, the signature.
pub(crate) struct OpenedAnswer {
    text: String,
    pub(crate) header: JwsHeader,
    /// What it says of the token.
    pub(crate) members: Map<String, Value>,
}

/// How old a signed answer may be. It says what was true when it was made, and it was made because we asked.
const MAX_AGE: Duration = Duration::from_mins(1);

impl OpenedAnswer {
    /// What has to be verified.
    pub(crate) fn jws(&self) -> Result<CompactJws<'_>, JwsError> {
        CompactJws::parse(&self.text)
    }
}

impl AnswerRules {
    /// Decrypts an answer where that is demanded, and judges everything but the signature.
    pub(crate) fn open(
        &self,
        body: &[u8],
        now: Timestamp,
    ) -> Result<OpenedAnswer, IntrospectionError> {
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
        match claims.remove("token_introspection") {
            Some(Value::Object(members)) => Ok(OpenedAnswer {
                text: text.into_owned(),
                header,
                members,
            }),
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
}

fn date(
    claims: &Map<String, Value>,
    name: &'static str,
) -> Result<Option<Timestamp>, IntrospectionError> {
    let date = claims.get(name).map(serde::Deserialize::deserialize);
    date.transpose()
        .map_err(|_: serde_json::Error| IntrospectionError::Claim(name))
}
