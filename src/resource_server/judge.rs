//! The verdict: from the facts of a request and the time to what is proven, or why not.

use ::metrics::counter;

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
    dpop::{ProofError, ProofRequest, VerifiedProof, proof_header},
    jose::CertificateThumbprint,
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
    pub(super) evidence: Evidence,
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

impl Evidence {
    /// What an accepted token says of itself: its sender has proved all of it.
    pub(crate) fn of(token: &AccessToken) -> Self {
        Self {
            token: Some(token.clone()),
            certificate: token.confirmation().x5t_s256,
        }
    }
}

impl<E: Into<Rejection>> From<E> for Denied {
    fn from(error: E) -> Self {
        Self {
            rejection: error.into(),
            evidence: Evidence::default(),
        }
    }
}

/// Why judging stops.
enum Halt {
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
            Ok((token, certificate, proof)) => Judgement::Proven(Proven {
                token,
                certificate,
                proof,
                evidence,
            }),
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
    ) -> Result<(AccessToken, ClientCertificate, Option<VerifiedProof>), Halt> {
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
            AuthScheme::Dpop => Some(proof_header(facts.headers)?.ok_or(ProofError::Missing)?),
        };
        let hash = TokenHash::of(credentials.token);
        let token = self.token(&credentials, hash, now, findings)?;
        evidence.token = Some(token.clone());
        let certificate = self.0.proxies.certificate(facts)?;
        evidence.certificate = certificate.thumbprint();
        self.0.binding.check(
            token.confirmation(),
            credentials.scheme,
            certificate.thumbprint(),
            self.0.enforcement.prefer_bound,
        )?;
        if proof.is_none() && self.0.url.always_count(facts, &self.0.proxies) {
            self.0.url.target(facts, &self.0.proxies)?;
        }
        let proof = proof
            .map(|proof| self.proof(proof, facts, hash, &token, now))
            .transpose()?;
        Ok((token, certificate, proof))
    }

    fn proof(
        &self,
        proof: &str,
        facts: &RequestFacts<'_>,
        hash: TokenHash,
        token: &AccessToken,
        now: Timestamp,
    ) -> Result<VerifiedProof, Refusal> {
        let target = self.0.url.target(facts, &self.0.proxies)?;
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
        findings: &Findings,
    ) -> Result<AccessToken, Halt> {
        let remembered = self.remembered(hash, now)?;
        let outcome = if remembered.is_some() { "hit" } else { "miss" };
        counter!(metrics::TOKEN_CACHE, "outcome" => outcome).increment(1);
        if let Some(token) = remembered {
            return Ok(token);
        }
        // The forms of tokens part here; whatever is not a signed JWT has to become claims to be believed in another way.
        let jwt = self.0.encryption.open(credentials.token)?;
        let cached = self.verified(&jwt, now, findings)?;
        let token = cached.token.clone();
        self.0.tokens.insert(hash, credentials.token.len(), cached);
        Ok(token)
    }

    /// A token that was verified before, if its issuer's keys are still those it was verified with.
    fn remembered(&self, hash: TokenHash, now: Timestamp) -> Result<Option<AccessToken>, Refusal> {
        let Some(cached) = self.0.tokens.get(hash) else {
            return Ok(None);
        };
        let issuer = self.0.issuers.get(cached.issuer);
        let current = issuer.and_then(|issuer| issuer.keys.current(now));
        if current.is_none_or(|keys| keys.generation != cached.generation) {
            return Ok(None);
        }
        match check_time(&cached.token, self.0.clock_skew, now) {
            Ok(()) => Ok(Some(cached.token)),
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
        now: Timestamp,
        findings: &Findings,
    ) -> Result<CachedToken, Halt> {
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
        let token = match unverified.verify(&rules, &snapshot.keys, now) {
            Err(TokenError::UnknownKey) if findings.keys.is_none() => {
                return Err(wish(Some(snapshot.generation)));
            }
            outcome => outcome?,
        };
        Ok(CachedToken {
            token,
            issuer: position,
            generation: snapshot.generation,
        })
    }
}
