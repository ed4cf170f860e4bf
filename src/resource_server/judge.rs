//! The verdict: from the facts of a request and the time to what is proven, or why not.

use super::{
    ResourceServer,
    credentials::Credentials,
    facts::{RequestFacts, target},
    token_cache::{CachedToken, TokenHash},
};
use crate::{
    dpop::{ProofError, ProofRequest, VerifiedProof, proof_header},
    issuer::{IssuerKeys, KeySnapshot, KeysUnavailable},
    rejection::{AuthScheme, Refusal},
    time::Timestamp,
    token::{AccessToken, TokenError, TokenRules, UnverifiedToken, check_time, shortened},
};

/// What can be said of a request without waiting for anything.
pub(crate) enum Judgement {
    /// Everything holds; only the proof, if there is one, has still to be recorded.
    Proven(Proven),
    /// It is refused.
    Refused(Refusal),
    /// Keys have to be fetched first. Judge again then.
    NeedsKeys(KeyWish),
}

/// A token that may be used by whoever sent it, and the proof that has to be recorded before it is.
pub(crate) struct Proven {
    pub(crate) token: AccessToken,
    pub(crate) proof: Option<VerifiedProof>,
}

/// Keys that are not at hand.
#[derive(Debug)]
pub(crate) struct KeyWish {
    keys: IssuerKeys,
    /// The generation in which the token's key was not found; `None` if there are no keys at all.
    unknown_in: Option<u64>,
}

impl KeyWish {
    pub(crate) async fn fulfil(&self, now: Timestamp) -> Result<KeySnapshot, KeysUnavailable> {
        match self.unknown_in {
            None => self.keys.obtain(now).await,
            Some(generation) => self.keys.refresh_for_unknown_key(generation, now).await,
        }
    }
}

/// Why judging stops.
enum Halt {
    Refused(Refusal),
    NeedsKeys(KeyWish),
}

impl<E: Into<Refusal>> From<E> for Halt {
    fn from(error: E) -> Self {
        Self::Refused(error.into())
    }
}

impl ResourceServer {
    /// Judges without waiting and without changing anything but the cache of verified tokens.
    ///
    /// `fetched` are keys that have just been fetched for this request; a key that they lack does not exist.
    pub(crate) fn judge(
        &self,
        facts: &RequestFacts<'_>,
        now: Timestamp,
        fetched: Option<&KeySnapshot>,
    ) -> Judgement {
        match self.prove(facts, now, fetched) {
            Ok(proven) => Judgement::Proven(proven),
            Err(Halt::Refused(refusal)) => Judgement::Refused(refusal),
            Err(Halt::NeedsKeys(wish)) => Judgement::NeedsKeys(wish),
        }
    }

    fn prove(
        &self,
        facts: &RequestFacts<'_>,
        now: Timestamp,
        fetched: Option<&KeySnapshot>,
    ) -> Result<Proven, Halt> {
        let credentials = Credentials::read(facts, self.0.max_token_bytes)?;
        let proof = match credentials.scheme {
            AuthScheme::Bearer => None,
            AuthScheme::Dpop => Some(proof_header(facts.headers)?.ok_or(ProofError::Missing)?),
        };
        let hash = TokenHash::of(credentials.token);
        let token = self.token(&credentials, hash, now, fetched)?;
        self.0
            .binding
            .check(token.confirmation(), credentials.scheme, facts.certificate)?;
        let proof = proof
            .map(|proof| self.proof(proof, facts, hash, &token, now))
            .transpose()?;
        Ok(Proven { token, proof })
    }

    fn proof(
        &self,
        proof: &str,
        facts: &RequestFacts<'_>,
        hash: TokenHash,
        token: &AccessToken,
        now: Timestamp,
    ) -> Result<VerifiedProof, Refusal> {
        let target = target(facts, self.0.public_url.as_ref()).map_err(|_| Refusal::Target)?;
        let request = ProofRequest {
            method: facts.method.as_str(),
            target: &target,
            access_token_hash: Some(&hash.0),
            bound_to: token.confirmation().jkt,
            now,
        };
        Ok(self.0.proofs.verify(proof, &request)?)
    }

    /// The verified token: remembered, or verified now.
    fn token(
        &self,
        credentials: &Credentials<'_>,
        hash: TokenHash,
        now: Timestamp,
        fetched: Option<&KeySnapshot>,
    ) -> Result<AccessToken, Halt> {
        if let Some(cached) = self.0.tokens.get(hash)
            && let Some(issuer) = self.0.issuers.get(cached.issuer)
            && issuer
                .keys
                .current(now)
                .is_some_and(|keys| keys.generation == cached.generation)
        {
            return match check_time(&cached.token, self.0.clock_skew, now) {
                Ok(()) => Ok(cached.token),
                Err(error) => {
                    self.0.tokens.remove(hash);
                    Err(error.into())
                }
            };
        }
        let unverified = UnverifiedToken::parse(credentials.token)?;
        let mut issuers = self.0.issuers.iter().enumerate();
        let (position, issuer) = issuers
            .find(|(_, trusted)| trusted.issuer == unverified.issuer())
            .ok_or_else(|| TokenError::Issuer(shortened(unverified.issuer())))?;
        let Some(snapshot) = fetched.cloned().or_else(|| issuer.keys.current(now)) else {
            return Err(Halt::NeedsKeys(KeyWish {
                keys: issuer.keys.clone(),
                unknown_in: None,
            }));
        };
        let rules = TokenRules {
            algorithms: &issuer.algorithms,
            audiences: &self.0.audiences,
            accept_plain_jwt_type: issuer.accept_plain_jwt_type,
            clock_skew: self.0.clock_skew,
        };
        let token = match unverified.verify(&rules, &snapshot.keys, now) {
            Err(TokenError::UnknownKey) if fetched.is_none() => {
                let unknown_in = Some(snapshot.generation);
                return Err(Halt::NeedsKeys(KeyWish {
                    keys: issuer.keys.clone(),
                    unknown_in,
                }));
            }
            outcome => outcome?,
        };
        let cached = CachedToken {
            token: token.clone(),
            issuer: position,
            generation: snapshot.generation,
        };
        self.0.tokens.insert(hash, credentials.token.len(), cached);
        Ok(token)
    }
}
