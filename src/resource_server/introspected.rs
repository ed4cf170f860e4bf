//! What an issuer says about its tokens, and when it is asked.

use std::time::Duration;

use zeroize::Zeroizing;

use super::{
    ConfigError, RequestFacts, ResourceServer, TrustedIssuer,
    judge::{Candidate, Halt, Presented},
    token_cache::TokenHash,
    wish::{Findings, Wish},
};
use crate::{
    issuer::{IntrospectionContext, Introspector, Question},
    jose::base64url,
    time::Timestamp,
    token::{AccessToken, Introspected, check_time},
};

/// Whom to ask about tokens.
#[derive(Debug)]
pub(super) struct Introspectors {
    /// About those that are no JWTs.
    pub(super) opaque: Option<Introspector>,
    /// About those that the issuer at this position has signed.
    signed: Vec<Option<Introspector>>,
}

impl Introspectors {
    pub(super) fn new(
        issuers: &[TrustedIssuer],
        audiences: &[String],
        clock_skew: Duration,
        signed_answers: bool,
    ) -> Result<Self, ConfigError> {
        let (mut opaque, mut signed) = (None, Vec::new());
        for trusted in issuers {
            let Some(introspection) = &trusted.introspection else {
                signed.push(None);
                continue;
            };
            let context = IntrospectionContext {
                issuer: &trusted.issuer,
                keys: &trusted.keys,
                algorithms: &trusted.algorithms,
                audiences,
                compatibility: trusted.compatibility,
                clock_skew,
                signed: signed_answers,
            };
            let introspector = introspection.introspector(context).map_err(|error| {
                let issuer = trusted.issuer.clone();
                ConfigError::Introspection { issuer, error }
            })?;
            let tokens = introspection.is_for();
            signed.push(tokens.jwts().then(|| introspector.clone()));
            if tokens.opaque() {
                let issuer = &trusted.issuer;
                if let Some((other, _)) = opaque.replace((issuer, introspector)) {
                    return Err(ConfigError::SeveralOpaque(other.clone(), issuer.clone()));
                }
            }
        }
        Ok(Self {
            opaque: opaque.map(|(_, introspector)| introspector),
            signed,
        })
    }

    pub(super) fn forget(&self, hash: TokenHash) {
        let signed = self.signed.iter().flatten();
        for introspector in signed.chain(&self.opaque) {
            introspector.forget(hash.0);
        }
    }
}

impl ResourceServer {
    /// A token that says nothing itself, as its issuer describes it.
    pub(super) fn introspected(
        &self,
        introspector: &Introspector,
        presented: &Presented<'_>,
        facts: &RequestFacts<'_>,
        now: Timestamp,
        findings: &Findings,
    ) -> Result<AccessToken, Halt> {
        let hash = presented.hash.0;
        let said = findings.introspected.clone();
        let Some(said) = said.or_else(|| introspector.known(hash, now)) else {
            self.worth_the_cost(presented, facts, now)?;
            return Err(ask(introspector, presented, None));
        };
        let token = believe(said)?;
        check_time(&token, self.0.clock_skew, now)?;
        Ok(token)
    }

    /// Checks that the issuer of a signed token still takes it for active, where it is asked.
    pub(super) fn still_active(
        &self,
        candidate: &Candidate,
        presented: &Presented<'_>,
        now: Timestamp,
        findings: &Findings,
    ) -> Result<(), Halt> {
        let signed = &self.0.introspectors.signed;
        let position = candidate.signed_by();
        let Some(introspector) = position.and_then(|position| signed.get(position)?.as_ref())
        else {
            return Ok(());
        };
        let said = findings.introspected.clone();
        match said.or_else(|| introspector.known(presented.hash.0, now)) {
            Some(said) => believe(said).map(drop),
            None => Err(ask(introspector, presented, Some(candidate.token.clone()))),
        }
    }
}

fn believe(said: Introspected) -> Result<AccessToken, Halt> {
    match said {
        Introspected::Active(token) => Ok(token),
        Introspected::Refused(error) => Err(error.into()),
    }
}

fn ask(
    introspector: &Introspector,
    presented: &Presented<'_>,
    verified: Option<AccessToken>,
) -> Halt {
    let question = Question {
        token: Zeroizing::new(presented.credentials.token.to_owned()),
        hash: presented.hash.0,
        verified,
    };
    Halt::Waits(Wish::Introspection(introspector.clone(), question))
}

/// Whether the text has the form of a JWT (RFC 7519 §7.2): signed with three segments or encrypted with five, of which
/// the first is a JSON object. One that has it and is malformed otherwise is a malformed JWT, about which nobody is asked.
pub(super) fn is_jwt(text: &str) -> bool {
    let Some((header, rest)) = text.split_once('.') else {
        return false;
    };
    let dots = rest.bytes().filter(|byte| *byte == b'.').count();
    matches!(dots, 1 | 3)
        && base64url::decode(header).is_ok_and(|header| header.trim_ascii().starts_with(b"{"))
}

#[cfg(test)]
mod tests;
