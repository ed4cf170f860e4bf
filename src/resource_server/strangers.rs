//! What a request with something made up may cost.
//!
//! Anybody can send anything, so what is cheap is checked before what is dear. A token that has not been accepted before is
//! judged in this order:
//!
//! 1. what it says of itself: issuer, audience, times, `typ`, `alg`;
//! 2. everything about the proof that came with it, but the proof's signature and whose key it is;
//! 3. its signature, if its issuer has a key that fits;
//! 4. what it is bound to, and the proof's signature.
//!
//! So a made-up token causes one verification at the most, or one for each key of the issuer that may have been meant where
//! it names none. A genuine one is remembered, and whatever else is wrong with a request that has it causes one as well.
//!
//! What the token is bound to waits until the token is known to be genuine, although it could be compared before: a token
//! with somebody else's key has been stolen, and the record of the decision is to say from whom.
//!
//! For the same reason nothing but the token comes first where refusals are only reported: the record is all there is then.
//!
//! Where to open the token is itself dear, the proof's signature comes first: see [`ResourceServer::worth_the_cost`].

use super::{RequestFacts, ResourceServer, judge::Presented};
use crate::{dpop::ProofRequest, rejection::Refusal, time::Timestamp};

impl ResourceServer {
    /// Refuses whoever could not use a token even if its signature were good.
    pub(super) fn worth_a_verification(
        &self,
        presented: &Presented<'_>,
        facts: &RequestFacts<'_>,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let Some(proof) = presented.proof else {
            return Ok(());
        };
        if self.reports_only() {
            return Ok(());
        }
        if let Some(verified) = presented.verified.take() {
            presented.verified.set(Some(verified));
            return Ok(());
        }
        let target = self.0.url.target(facts, &self.0.proxies)?;
        let request = ProofRequest {
            method: facts.method.as_str(),
            target: &target,
            access_token_hash: Some(&presented.hash.0),
            bound_to: None,
            now,
        };
        let unsigned = self.0.proofs.check_unsigned(proof, &request)?;
        presented.unsigned.set(Some(unsigned));
        Ok(())
    }
}

#[cfg(test)]
mod tests;
