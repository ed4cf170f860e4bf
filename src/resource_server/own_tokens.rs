//! Tokens of this very process: an authorization server that protects an endpoint of its own asks itself.
//!
//! It knows all that can be known of its tokens, those among them that are encrypted to somebody else, and whether they
//! still hold. So nothing is read, verified or remembered here; everything else about a request is judged as ever.

use std::{fmt, future::Future, pin::Pin, sync::Arc};

use serde_json::{Map, Value};

use super::{
    RequestFacts, ResourceServer,
    judge::{Halt, Presented},
    wish::{Findings, Wish},
};
use crate::{
    dpop::{ProofError, TargetUri, VerifiedProof},
    time::Timestamp,
    token::{AccessToken, RevocationUnavailable, TokenError, check_time, of_issuer},
};

/// Whoever has issued the tokens.
pub(crate) trait Vouch: fmt::Debug + Send + Sync + 'static {
    /// The claims of a token that holds; `None` of anything else.
    fn vouch(&self, token: &str, now: Timestamp) -> Vouching;
}

/// What [`Vouch::vouch`] returns.
pub(crate) type Vouching =
    Pin<Box<dyn Future<Output = Result<Vouched, RevocationUnavailable>> + Send>>;

/// The claims of a token that holds.
pub(crate) type Vouched = Option<Map<String, Value>>;

/// Who is asked about every token, and where the tokens may be used.
#[derive(Debug)]
pub(crate) struct OwnTokens {
    pub(crate) issuer: Arc<dyn Vouch>,
    /// The URLs of the endpoint: what a proof is for is one of these, whatever the request says of its host.
    pub(crate) targets: Vec<TargetUri>,
}

impl OwnTokens {
    /// Checks a proof for any of the URLs.
    pub(super) fn proof(
        &self,
        verify: impl Fn(&TargetUri) -> Result<VerifiedProof, ProofError>,
    ) -> Result<VerifiedProof, ProofError> {
        let mut outcome = Err(ProofError::Missing);
        for target in &self.targets {
            outcome = verify(target);
            // Made for the endpoint's other URL, perhaps.
            if !matches!(outcome, Err(ProofError::Target { .. })) {
                break;
            }
        }
        outcome
    }
}

impl ResourceServer {
    /// A token as its issuer remembers it.
    pub(super) fn vouched(
        &self,
        own: &OwnTokens,
        presented: &Presented<'_>,
        facts: &RequestFacts<'_>,
        now: Timestamp,
        findings: &Findings,
    ) -> Result<AccessToken, Halt> {
        let Some(said) = &findings.vouched else {
            // Somebody else's storage is asked: not for whoever could not use the token anyhow.
            self.worth_the_cost(presented, facts, now)?;
            let answer = own.issuer.vouch(presented.credentials.token, now);
            return Err(Halt::Waits(Wish::Vouching(answer)));
        };
        let claims = said.clone().ok_or(TokenError::Inactive)?;
        let token = of_issuer(claims)?;
        check_time(&token, self.0.clock_skew, now)?;
        Ok(token)
    }
}
