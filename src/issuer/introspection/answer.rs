//! The answer, plain (RFC 7662 §2.2) or signed (RFC 9701 §5), believed with keys that are kept fresh.

use serde_json::{Map, Value};

use super::signed_answer::AnswerRules;
use crate::{
    issuer::{IntrospectionError, IssuerKeys, KeySnapshot},
    jose::{CompactJws, JwsError, JwsHeader, json},
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
    pub(super) rules: AnswerRules,
    pub(super) keys: IssuerKeys,
}

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
        let answer = self.rules.open(body, now)?;
        self.verify(&answer.jws()?, &answer.header, now).await?;
        Ok(answer.members)
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
