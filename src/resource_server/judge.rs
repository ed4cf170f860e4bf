//! The verdict: from the facts of a request and the time to what is proven, or why not.

use std::{cell::Cell, sync::Arc};

use ::metrics::counter;

#[cfg(feature = "discovery")]
use super::introspected::is_jwt;
use super::{
    ResourceServer,
    credentials::Credentials,
    facts::RequestFacts,
    fapi_headers::FapiHeaders,
    profile::is_safe,
    proxies::ClientCertificate,
    token_cache::{CachedToken, TokenHash},
    wish::{Findings, KeyWish, Wish},
};
use crate::{
    dpop::{
        ProofError, ProofKey, ProofRequest, TargetUri, UnsignedProof, VerifiedProof, proof_header,
    },
    jose::{CertificateThumbprint, JwkThumbprint},
    metrics,
    rejection::{AuthScheme, Refusal, Rejection},
    time::Timestamp,
    token::{AccessToken, TokenError, TokenRules, UnverifiedToken, check_time, shortened},
};

/// What can be said of a request without waiting for anything.
pub(crate) enum Judgement {
    /// Everything holds; only the proof, if there is one, has still to be recorded.
    Proven(Proven),
    /// It is refused.
    Refused(Denied),
    /// Something has to be waited for first. Judge again then.
    Waits(Wish),
}

/// A token that may be used by whoever sent it, and the proof that has to be recorded before it is.
pub(crate) struct Proven {
    pub(crate) token: AccessToken,
    pub(crate) certificate: ClientCertificate,
    pub(crate) proof: Option<VerifiedProof>,
    /// The token where it is remembered, if it is.
    pub(super) cached: Option<Arc<CachedToken>>,
}

impl Proven {
    /// What may stand in the record if it is refused after all.
    pub(super) fn into_evidence(self) -> Evidence {
        Evidence {
            certificate: self.certificate.thumbprint(),
            token: Some(self.token),
        }
    }
}

/// A request that may not pass, and what is known of it.
pub(crate) struct Denied {
    pub(crate) rejection: Rejection,
    pub(crate) evidence: Evidence,
}

/// What of a request may stand in the record of its decision.
#[derive(Clone, Default)]
pub(crate) struct Evidence {
    /// The token, once it has been verified.
    pub(crate) token: Option<AccessToken>,
    /// The certificate that was presented.
    pub(crate) certificate: Option<CertificateThumbprint>,
}

impl<E: Into<Rejection>> From<E> for Denied {
    fn from(error: E) -> Self {
        Self {
            rejection: error.into(),
            evidence: Evidence::default(),
        }
    }
}

/// What the client sent to be let in.
pub(super) struct Presented<'a> {
    pub(super) credentials: Credentials<'a>,
    pub(super) hash: TokenHash,
    /// There is one if and only if the scheme wants one.
    pub(super) proof: Option<&'a str>,
    /// The proof, where it has been looked at before it was known whose it has to be.
    pub(super) unsigned: Cell<Option<UnsignedProof<'a>>>,
    /// The same, where even its signature had to be verified.
    pub(super) verified: Cell<Option<VerifiedProof>>,
}

/// A token that is good in itself. Whether its sender may use it is still to be seen.
pub(super) struct Candidate {
    pub(super) token: AccessToken,
    /// The same where it is remembered, if this server has verified it itself.
    cached: Option<Arc<CachedToken>>,
}

impl Candidate {
    /// Position of the issuer that has signed it; `None` if it has just said what the token is.
    #[cfg(feature = "discovery")]
    pub(super) fn signed_by(&self) -> Option<usize> {
        self.cached.as_ref().map(|cached| cached.issuer)
    }
}

impl From<Arc<CachedToken>> for Candidate {
    fn from(cached: Arc<CachedToken>) -> Self {
        Self {
            token: cached.token.clone(),
            cached: Some(cached),
        }
    }
}

/// A token that somebody else answers for, and remembers.
impl From<AccessToken> for Candidate {
    fn from(token: AccessToken) -> Self {
        let cached = None;
        Self { token, cached }
    }
}

/// Why judging stops.
pub(super) enum Halt {
    Refused(Refusal),
    Waits(Wish),
}

impl<E: Into<Refusal>> From<E> for Halt {
    fn from(error: E) -> Self {
        Self::Refused(error.into())
    }
}

impl ResourceServer {
    /// Judges without waiting and without changing anything but the cache of verified tokens.
    ///
    /// `findings` is what has been waited for on behalf of this request.
    pub(crate) fn judge(
        &self,
        facts: &RequestFacts<'_>,
        now: Timestamp,
        findings: &Findings,
    ) -> Judgement {
        let mut evidence = Evidence::default();
        match self.prove(facts, now, findings, &mut evidence) {
            Ok(proven) => Judgement::Proven(proven),
            Err(Halt::Refused(refusal)) => Judgement::Refused(Denied {
                rejection: refusal.into(),
                evidence,
            }),
            Err(Halt::Waits(wish)) => Judgement::Waits(wish),
        }
    }

    fn prove(
        &self,
        facts: &RequestFacts<'_>,
        now: Timestamp,
        findings: &Findings,
        evidence: &mut Evidence,
    ) -> Result<Proven, Halt> {
        let credentials = Credentials::read(facts, self.0.max_token_bytes)?;
        if self.0.settings.safe_methods_only && !is_safe(facts.method) {
            return Err(Refusal::Method.into());
        }
        if self.0.settings.strict_fapi_headers
            && let Some(name) = FapiHeaders::malformed(facts.headers)
        {
            return Err(Refusal::FapiHeader(name).into());
        }
        let proof = match credentials.scheme {
            AuthScheme::Bearer => None,
            AuthScheme::Dpop => Some(match proof_header(facts.headers)? {
                Some(proof) => proof,
                // Who has sent no token has not forgotten the proof alone.
                None => {
                    return Err(credentials
                        .check_syntax()
                        .map(|()| ProofError::Missing)?
                        .into());
                }
            }),
        };
        let presented = Presented {
            hash: TokenHash::of(credentials.token),
            credentials,
            proof,
            unsigned: Cell::default(),
            verified: Cell::default(),
        };
        let candidate = self.token(&presented, facts, now, findings)?;
        let seen = &mut evidence.certificate;
        match self.usable(&candidate, &presented, facts, now, findings, seen) {
            Ok((certificate, proof)) => Ok(Proven {
                token: candidate.token,
                cached: candidate.cached,
                certificate,
                proof,
            }),
            Err(halt) => {
                evidence.token = Some(candidate.token);
                Err(halt)
            }
        }
    }

    /// Checks that whoever sent a good token may use it. The certificate is noted as soon as it is known.
    fn usable(
        &self,
        candidate: &Candidate,
        presented: &Presented<'_>,
        facts: &RequestFacts<'_>,
        now: Timestamp,
        findings: &Findings,
        seen: &mut Option<CertificateThumbprint>,
    ) -> Result<(ClientCertificate, Option<VerifiedProof>), Halt> {
        let token = &candidate.token;
        let certificate = self.0.proxies.certificate(facts)?;
        *seen = certificate.thumbprint();
        self.0.binding.check(
            token.confirmation(),
            presented.credentials.scheme,
            certificate.thumbprint(),
            self.0.enforcement.prefer_bound,
        )?;
        if presented.proof.is_none() && self.0.url.always_count(facts, &self.0.proxies) {
            self.0.url.target(facts, &self.0.proxies)?;
        }
        let bound_to = token.confirmation().jkt;
        let cached = candidate.cached.as_deref();
        let known = cached.and_then(CachedToken::proof_key);
        let proof = self.proof(presented, facts, bound_to, known, now)?;
        // From here on somebody may have to be asked, so whoever gets here has shown that the token is theirs.
        #[cfg(feature = "discovery")]
        self.still_active(candidate, presented, now, findings)?;
        self.not_revoked(token, now, findings)?;
        Ok((certificate, proof))
    }

    /// Checks the proof, if there is one: everything about it but that it has not been seen before.
    pub(super) fn proof(
        &self,
        presented: &Presented<'_>,
        facts: &RequestFacts<'_>,
        bound_to: Option<JwkThumbprint>,
        known: Option<&Arc<ProofKey>>,
        now: Timestamp,
    ) -> Result<Option<VerifiedProof>, Refusal> {
        let Some(proof) = presented.proof else {
            return Ok(None);
        };
        if let Some(verified) = presented.verified.take() {
            return Ok(Some(verified.bound_to(bound_to)?));
        }
        if let Some(unsigned) = presented.unsigned.take() {
            return Ok(Some(unsigned.bound_to(bound_to)?.verify()?));
        }
        let verify = |target: &TargetUri| {
            let request = ProofRequest {
                method: facts.method.as_str(),
                target,
                access_token_hash: Some(&presented.hash.0),
                bound_to,
                now,
            };
            self.0.proofs.verify_knowing(known, proof, &request)
        };
        #[cfg(feature = "authorization-server")]
        if let Some(own) = &self.0.own_tokens {
            return Ok(Some(own.proof(verify)?));
        }
        let target = self.0.url.target(facts, &self.0.proxies)?;
        Ok(Some(verify(&target)?))
    }

    /// Checks everything that can be checked before it is known what a token is bound to, where finding that out is dear: a
    /// question to its issuer, a private-key operation. A stranger with garbage has to make a proof for it, or a
    /// certificate's connection.
    pub(super) fn worth_the_cost(
        &self,
        presented: &Presented<'_>,
        facts: &RequestFacts<'_>,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let certificate = self.0.proxies.certificate(facts)?;
        self.0.binding.could_hold(
            presented.credentials.scheme,
            certificate.thumbprint(),
            self.0.enforcement.prefer_bound,
        )?;
        presented
            .verified
            .set(self.proof(presented, facts, None, None, now)?);
        Ok(())
    }

    /// The token, read and believed: remembered, verified now, or as its issuer describes it.
    fn token(
        &self,
        presented: &Presented<'_>,
        facts: &RequestFacts<'_>,
        now: Timestamp,
        findings: &Findings,
    ) -> Result<Candidate, Halt> {
        #[cfg(feature = "authorization-server")]
        if let Some(own) = &self.0.own_tokens {
            presented.credentials.check_syntax()?;
            let token = self.vouched(own, presented, facts, now, findings)?;
            return Ok(token.into());
        }
        // Each label in literals, which are not allocated.
        if let Some(cached) = self.remembered(presented.hash, now)? {
            counter!(metrics::TOKEN_CACHE, "outcome" => "hit").increment(1);
            return Ok(cached.into());
        }
        presented.credentials.check_syntax()?;
        let text = presented.credentials.token;
        // The forms of tokens part here; whatever is not a signed JWT has to become claims to be believed in another way.
        #[cfg(feature = "discovery")]
        if let Some(introspector) = &self.0.introspectors.opaque
            && !is_jwt(text)
        {
            let token = self.introspected(introspector, presented, facts, now, findings)?;
            return Ok(token.into());
        }
        counter!(metrics::TOKEN_CACHE, "outcome" => "miss").increment(1);
        if self.0.encryption.is_dear(text) {
            self.0.encryption.check(text)?;
            self.worth_the_cost(presented, facts, now)?;
        }
        let jwt = self.0.encryption.open(text)?;
        let cached = self.verified(&jwt, presented, facts, now, findings)?;
        let tokens = &self.0.tokens;
        tokens.insert(presented.hash, text.len(), cached.clone());
        Ok(cached.into())
    }

    /// A token that was verified before, if its issuer's keys are still those it was verified with.
    fn remembered(
        &self,
        hash: TokenHash,
        now: Timestamp,
    ) -> Result<Option<Arc<CachedToken>>, Refusal> {
        let Some(cached) = self.0.tokens.get(hash) else {
            return Ok(None);
        };
        let issuer = self.0.issuers.get(cached.issuer);
        let current = issuer.and_then(|issuer| issuer.keys.generation(now));
        if current != Some(cached.generation) {
            return Ok(None);
        }
        match check_time(&cached.token, self.0.clock_skew, now) {
            Ok(()) => Ok(Some(cached)),
            Err(error) => {
                self.0.tokens.remove(hash);
                Err(error.into())
            }
        }
    }

    /// A signed JWT, verified now with its issuer's keys.
    fn verified(
        &self,
        jwt: &str,
        presented: &Presented<'_>,
        facts: &RequestFacts<'_>,
        now: Timestamp,
        findings: &Findings,
    ) -> Result<Arc<CachedToken>, Halt> {
        let unverified = UnverifiedToken::parse(jwt)?;
        let mut issuers = self.0.issuers.iter().enumerate();
        let (position, issuer) = issuers
            .find(|(_, trusted)| trusted.issuer == unverified.issuer())
            .ok_or_else(|| TokenError::Issuer(shortened(unverified.issuer())))?;
        let wish = |unknown_in| {
            let keys = issuer.keys.clone();
            Halt::Waits(Wish::Keys(KeyWish { keys, unknown_in }))
        };
        let fetched = findings.keys.clone();
        let Some(snapshot) = fetched.or_else(|| issuer.keys.current(now)) else {
            return Err(wish(None));
        };
        let rules = TokenRules {
            algorithms: &issuer.algorithms,
            audiences: &self.0.audiences,
            compatibility: issuer.compatibility,
            clock_skew: self.0.clock_skew,
        };
        let unsigned = unverified.check(&rules, now)?;
        self.worth_a_verification(presented, facts, now)?;
        let token = match unsigned.verify(&snapshot.keys) {
            Err(TokenError::UnknownKey) if findings.keys.is_none() => {
                return Err(wish(Some(snapshot.generation)));
            }
            outcome => outcome?,
        };
        let cached = CachedToken::new(token, position, snapshot.generation);
        Ok(Arc::new(cached))
    }
}
