//! The twelve checks of RFC 9449 §4.3.

use std::sync::Arc;

use http::{HeaderMap, HeaderName};
use moka::sync::Cache;
use rapidhash::quality::RandomState;

use super::{
    ProofError, ProofPolicy, TargetUri,
    claims::ProofClaims,
    jti::Jti,
    nonce::{NonceState, Nonces},
    proof_key::ProofKey,
};
use crate::{
    jose::{
        CompactJws, Jwk, JwkThumbprint, JwsError, VerifyingKey,
        base64url::{self, Room},
        hash::equal,
    },
    time::Timestamp,
};

/// The request header that carries a proof (RFC 9449 §4.1).
pub const DPOP: HeaderName = HeaderName::from_static("dpop");

/// The one proof of a request, or none.
///
/// # Errors
///
/// [`ProofError::Several`] if there is more than one header (check 1), [`ProofError::Malformed`] if it is not text.
pub fn proof_header(headers: &HeaderMap) -> Result<Option<&str>, ProofError> {
    let mut values = headers.get_all(DPOP).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    match values.count() {
        0 => str::from_utf8(value.as_bytes())
            .map(Some)
            .map_err(|_| ProofError::Malformed(JwsError::Segments)),
        more => Err(ProofError::Several(more + 1)),
    }
}

/// What a proof is checked against.
#[derive(Clone, Copy, Debug)]
pub struct ProofRequest<'a> {
    /// The request's method, as it stands: methods are case-sensitive (RFC 9110 §9.1).
    pub method: &'a str,
    /// The URL the request went to.
    pub target: &'a TargetUri,
    /// SHA-256 of the access token that came along; `None` where there is none, at an authorization server.
    pub access_token_hash: Option<&'a [u8; 32]>,
    /// The key the access token is bound to, where there is one.
    pub bound_to: Option<JwkThumbprint>,
    /// The present moment.
    pub now: Timestamp,
}

/// A proof that has passed every check but one: that it has not been seen before.
///
/// Record it in a replay store until [`last_accepted`](Self::last_accepted), after everything else about the request has
/// been found good.
#[derive(Clone, Debug)]
pub struct VerifiedProof {
    key: Arc<ProofKey>,
    /// Whether the key had to be made ready for this proof.
    is_new: bool,
    jti: Jti,
    last_accepted: Timestamp,
    nonce: Option<NonceState>,
}

impl VerifiedProof {
    /// Thumbprint of the key that signed the proof.
    #[must_use]
    pub fn thumbprint(&self) -> JwkThumbprint {
        self.key.key().thumbprint()
    }

    pub(crate) const fn key(&self) -> &Arc<ProofKey> {
        &self.key
    }

    /// The proof's identifier, unique for its key.
    #[must_use]
    pub fn jti(&self) -> &str {
        self.jti.as_str()
    }

    /// The last second at which this proof would be accepted.
    #[must_use]
    pub const fn last_accepted(&self) -> Timestamp {
        self.last_accepted
    }

    /// The same proof, if its key is the one that a token turns out to be bound to.
    pub(crate) fn bound_to(self, key: Option<JwkThumbprint>) -> Result<Self, ProofError> {
        if key.is_none_or(|key| key == self.thumbprint()) {
            Ok(self)
        } else {
            Err(ProofError::KeyMismatch)
        }
    }

    /// Whether the client's nonce nears its end and a new one belongs on the answer (RFC 9449 §8.2).
    #[must_use]
    pub fn wants_new_nonce(&self) -> bool {
        self.nonce == Some(NonceState::NearsItsEnd)
    }
}

/// A proof that has passed every check but those of its signature and of whether it has been seen before.
pub(crate) struct UnsignedProof<'a> {
    jws: CompactJws<'a>,
    claimed: VerifiedProof,
}

impl UnsignedProof<'_> {
    /// Checks that the key is the one that a token turns out to be bound to.
    pub(crate) fn bound_to(self, key: Option<JwkThumbprint>) -> Result<Self, ProofError> {
        let claimed = self.claimed.bound_to(key)?;
        Ok(Self { claimed, ..self })
    }

    /// Checks the signature.
    pub(crate) fn verify(self) -> Result<VerifiedProof, ProofError> {
        let Self { jws, claimed } = self;
        jws.verify(claimed.key.key()).map_err(|error| match error {
            JwsError::Signature(_) => ProofError::Signature,
            other => ProofError::Malformed(other),
        })?;
        Ok(claimed)
    }
}

/// Checks proofs, and keeps the keys of those that were accepted ready for the next one.
#[derive(Debug)]
pub struct ProofVerifier {
    policy: ProofPolicy,
    nonces: Option<Arc<Nonces>>,
    /// By the first segment of a proof: it is the same text in every proof of one key, so its parse, thumbprint and
    /// prepared key need making only once.
    keys: Cache<Arc<str>, Arc<ProofKey>, RandomState>,
}

impl ProofVerifier {
    /// A verifier that demands no nonces.
    #[must_use]
    pub fn new(policy: ProofPolicy) -> Self {
        let keys = Cache::builder()
            .max_capacity(policy.kept_keys)
            // A fast one: what is kept has come with an accepted token, so nobody can try out what collides.
            .build_with_hasher(RandomState::new());
        Self {
            policy,
            nonces: None,
            keys,
        }
    }

    /// Demands a nonce of these in every proof (RFC 9449 §8, §9).
    #[must_use]
    pub fn with_nonces(mut self, nonces: Arc<Nonces>) -> Self {
        self.nonces = Some(nonces);
        self
    }

    /// The nonces that are demanded, if they are.
    #[must_use]
    pub const fn nonces(&self) -> Option<&Arc<Nonces>> {
        self.nonces.as_ref()
    }

    /// What is accepted.
    #[must_use]
    pub const fn policy(&self) -> &ProofPolicy {
        &self.policy
    }

    /// Checks a proof, the cheap checks first and the signature last.
    ///
    /// Changes nothing: a proof that passes has neither been recorded nor had its key kept. See [`Self::remember`].
    ///
    /// # Errors
    ///
    /// The first check that failed.
    pub fn verify(
        &self,
        proof: &str,
        request: &ProofRequest<'_>,
    ) -> Result<VerifiedProof, ProofError> {
        self.verify_knowing(None, proof, request)
    }

    /// The same, for somebody whose proofs are most likely signed by a certain key.
    pub(crate) fn verify_knowing(
        &self,
        key: Option<&Arc<ProofKey>>,
        proof: &str,
        request: &ProofRequest<'_>,
    ) -> Result<VerifiedProof, ProofError> {
        self.check(key, proof, request)?.verify()
    }

    /// Checks everything but the signature: what fails here need not be looked at any closer, nor what came along with it.
    ///
    /// # Errors
    ///
    /// The first check that failed.
    pub(crate) fn check_unsigned<'a>(
        &self,
        proof: &'a str,
        request: &ProofRequest<'_>,
    ) -> Result<UnsignedProof<'a>, ProofError> {
        self.check(None, proof, request)
    }

    fn check<'a>(
        &self,
        known: Option<&Arc<ProofKey>>,
        proof: &'a str,
        request: &ProofRequest<'_>,
    ) -> Result<UnsignedProof<'a>, ProofError> {
        if proof.len() > self.policy.max_bytes {
            return Err(ProofError::TooLarge(proof.len()));
        }
        let jws = CompactJws::parse(proof)?;
        let segment = jws.header_segment();
        let known = known.filter(|known| **known.segment() == *segment);
        let (key, is_new) = match known.cloned().or_else(|| self.keys.get(segment)) {
            Some(key) => (key, false),
            None => (
                Arc::new(ProofKey::new(segment, self.proof_key(&jws)?)),
                true,
            ),
        };
        let thumbprint = key.key().thumbprint();
        if request.bound_to.is_some_and(|bound| bound != thumbprint) {
            return Err(ProofError::KeyMismatch);
        }

        let mut room = Room::new();
        let claims = ProofClaims::read(jws.payload_in(&mut room)?)?;
        if claims.htm != request.method {
            return Err(ProofError::Method);
        }
        if !request.target.matches(&claims.htu) {
            return Err(ProofError::Target {
                claimed: loggable(&claims.htu),
                asked: request.target.to_string(),
            });
        }
        self.policy.window.check(claims.iat, request.now)?;
        if let Some(hash) = request.access_token_hash {
            let ath = claims
                .ath
                .as_deref()
                .ok_or(ProofError::MissingClaim("ath"))?;
            check_access_token_hash(ath, hash)?;
        }
        let nonce = self.check_nonce(claims.nonce.as_deref(), thumbprint, request.now)?;

        let claimed = VerifiedProof {
            key,
            is_new,
            jti: Jti::new(&claims.jti),
            last_accepted: self.policy.window.last_accepted(claims.iat),
            nonce,
        };
        Ok(UnsignedProof { jws, claimed })
    }

    /// Keeps the key of a proof that has been accepted in the end, so that its next proof costs little but a signature.
    ///
    /// Only accepted proofs earn that: a stranger who makes up keys cannot push out those of clients.
    pub fn remember(&self, accepted: &VerifiedProof) {
        let key = &accepted.key;
        if accepted.is_new && key.is_worth_keeping() {
            self.keys.insert(key.segment().clone(), key.clone());
        }
    }

    /// Whether the key of this proof is kept.
    #[cfg(test)]
    pub(super) fn keeps(&self, proof: &str) -> bool {
        let jws = CompactJws::parse(proof).unwrap();
        self.keys.contains_key(jws.header_segment())
    }

    #[cfg(test)]
    pub(crate) fn kept_keys(&self) -> u64 {
        self.keys.run_pending_tasks();
        self.keys.entry_count()
    }

    fn proof_key(&self, jws: &CompactJws<'_>) -> Result<VerifyingKey, ProofError> {
        let header = jws.header().map_err(|error| match error {
            JwsError::Algorithm => ProofError::Algorithm,
            other => ProofError::Malformed(other),
        })?;
        if header.typ() != Some("dpop+jwt") {
            return Err(ProofError::Type);
        }
        if !self.policy.algorithms.contains(&header.algorithm()) {
            return Err(ProofError::Algorithm);
        }
        let jwk = Jwk::from_members(header.jwk().ok_or(ProofError::MissingKey)?)?;
        let key = VerifyingKey::new(&jwk)?;
        if key.algorithm() != header.algorithm() {
            return Err(ProofError::Algorithm);
        }
        Ok(key)
    }

    fn check_nonce(
        &self,
        nonce: Option<&str>,
        key: JwkThumbprint,
        now: Timestamp,
    ) -> Result<Option<NonceState>, ProofError> {
        let Some(nonces) = &self.nonces else {
            return Ok(None);
        };
        let nonce = nonce.ok_or(ProofError::MissingNonce(key))?;
        nonces
            .check(nonce, key, now)
            .map(Some)
            .map_err(|_| ProofError::Nonce(key))
    }
}

/// As much of an `htu` as a log can bear. The query does not count in the comparison and may hold anything.
fn loggable(htu: &str) -> String {
    let url = htu.split(['?', '#']).next().unwrap_or_default();
    url.chars().take(256).collect()
}

fn check_access_token_hash(ath: &str, hash: &[u8; 32]) -> Result<(), ProofError> {
    // A hash has one spelling only, so it is the texts that are compared.
    if equal(ath.as_bytes(), &base64url::encode_hash(hash)) {
        Ok(())
    } else {
        Err(ProofError::AccessTokenHash)
    }
}
