//! Requests that clients make themselves: read, authenticated and, when everything is good, recorded.

use std::sync::Arc;

use http::{HeaderMap, HeaderValue, header, request::Parts};

use super::{
    client_authentication::{ClientAuthenticationError, Presented, Unauthenticated, UsedAssertion},
    clients::{Binding, Client},
    endpoints::Endpoint,
    parameters::Parameters,
    refusal::{ErrorCode, Failure, Refusal},
    server::Server,
};
use crate::{
    dpop::{ProofError, ProofRequest, VerifiedProof, proof_header},
    issuer::KeySnapshot,
    jose::sha256,
    mtls::{CertificateThumbprint, PeerCertificate},
    replay::{Recorded, ReplayKey},
    time::Timestamp,
};

/// A request from a client that is who it says. Nothing has been consumed: neither assertion nor proof.
#[derive(Debug)]
pub(crate) struct DirectRequest {
    pub(crate) parameters: Parameters,
    pub(crate) client: Arc<Client>,
    /// Its DPoP proof, which passed every check but that it is new.
    pub(crate) proof: Option<VerifiedProof>,
    pub(crate) certificate: Option<CertificateThumbprint>,
    assertion: Option<UsedAssertion>,
    /// When it was found to be good.
    pub(crate) now: Timestamp,
}

impl Server {
    /// Reads a form that was posted to an endpoint and finds out which client it is from.
    ///
    /// Waits only for keys of a client that are not at hand.
    pub(crate) async fn read(
        &self,
        endpoint: Endpoint,
        parts: &Parts,
        body: &[u8],
    ) -> Result<DirectRequest, Failure> {
        if !is_form(&parts.headers) {
            return Err(Refusal::invalid_request(
                "The request must be application/x-www-form-urlencoded",
            )
            .into());
        }
        let parameters = Parameters::parse(body).map_err(Refusal::from)?;
        let peer = parts.extensions.get::<PeerCertificate>();
        let presented = Presented {
            parameters: &parameters,
            headers: &parts.headers,
            certificate: peer,
        };
        let authenticated = self.authenticated(presented, |fetched, now| {
            self.clients.authenticate(presented, fetched, now)
        });
        let (authenticated, now) = authenticated.await?;
        let proof = self.check_proof(endpoint, parts, now)?;
        if proof.is_some() && authenticated.client.binding != Binding::Dpop {
            return Err(Refusal::invalid_request(
                "The tokens of this client are bound to its certificate: it must not send DPoP proofs",
            )
            .into());
        }
        Ok(DirectRequest {
            parameters,
            client: authenticated.client,
            proof,
            certificate: peer.map(PeerCertificate::thumbprint),
            assertion: authenticated.assertion,
            now,
        })
    }

    /// Authenticates, with keys that are fetched if they are not at hand. Returns when that was, too.
    pub(crate) async fn authenticated<T>(
        &self,
        presented: Presented<'_>,
        authenticate: impl Fn(Option<&KeySnapshot>, Timestamp) -> Result<T, Unauthenticated>,
    ) -> Result<(T, Timestamp), Failure> {
        let mut fetched = None;
        loop {
            // Asked for again after a wait: what was valid before it may not be any more.
            let now = self.clock.now();
            match authenticate(fetched.as_ref(), now) {
                Ok(authenticated) => return Ok((authenticated, now)),
                Err(Unauthenticated::NeedsKeys(wish)) => fetched = Some(wish.fulfil(now).await?),
                Err(Unauthenticated::Refused(error)) => {
                    let mut refusal = Refusal::from(error);
                    refusal.challenge = refusal.code == ErrorCode::InvalidClient
                        && presented.headers.contains_key(header::AUTHORIZATION);
                    return Err(refusal.into());
                }
            }
        }
    }

    /// Checks the proof of a request, if it has one (RFC 9449 §4.3) and the endpoint has a use for it.
    fn check_proof(
        &self,
        endpoint: Endpoint,
        parts: &Parts,
        now: Timestamp,
    ) -> Result<Option<VerifiedProof>, Failure> {
        let targets = self.endpoints.targets(endpoint);
        if targets.is_empty() {
            return Ok(None);
        }
        let text = match proof_header(&parts.headers) {
            Ok(None) => return Ok(None),
            Ok(Some(text)) => text,
            Err(error) => return Err(self.refuse_proof(&error, now)),
        };
        let mut outcome = Err(ProofError::Missing);
        for target in targets {
            let request = ProofRequest {
                method: parts.method.as_str(),
                target,
                access_token_hash: None,
                bound_to: None,
                now,
            };
            outcome = self.proofs.verify(text, &request);
            // Made for the endpoint's other URL, perhaps.
            if !matches!(outcome, Err(ProofError::Target { .. })) {
                break;
            }
        }
        outcome
            .map(Some)
            .map_err(|error| self.refuse_proof(&error, now))
    }

    /// The answer to a proof that is missing or not good enough, with a nonce if nonces are demanded (RFC 9449 §5, §8).
    pub(crate) fn refuse_proof(&self, error: &ProofError, now: Timestamp) -> Failure {
        tracing::info!(reason = %error, "DPoP proof refused");
        // Where the key is known the nonce is made for it, otherwise for any.
        let key = error.wants_nonce();
        let code = match key {
            Some(_) => ErrorCode::UseDpopNonce,
            None => ErrorCode::InvalidDpopProof,
        };
        let mut refusal = Refusal::new(code, description(error));
        match self.proofs.nonces().map(|nonces| nonces.issue(key, now)) {
            Some(Ok(nonce)) => refusal.nonce = Some(nonce),
            Some(Err(error)) => return error.into(),
            None => {}
        }
        refusal.into()
    }

    /// Makes assertion and proof unusable from now on: the last check of a request, when nothing else can refuse it.
    pub(crate) async fn record(
        &self,
        request: &DirectRequest,
        now: Timestamp,
    ) -> Result<(), Failure> {
        if let Some(assertion) = &request.assertion {
            self.record_assertion(&request.client.id, assertion, now)
                .await?;
        }
        if let Some(proof) = &request.proof {
            let thumbprint = proof.thumbprint();
            let key = ReplayKey::new(&self.realms.proofs, thumbprint.as_bytes(), proof.jti());
            match self.replay.record(key, proof.last_accepted(), now).await? {
                Recorded::First => self.proofs.remember(proof),
                Recorded::Replayed => {
                    return Err(Refusal::new(
                        ErrorCode::InvalidDpopProof,
                        "The DPoP proof has been used before",
                    )
                    .into());
                }
            }
        }
        Ok(())
    }

    /// Makes an assertion unusable from now on (RFC 7523 §3 rule 7).
    pub(crate) async fn record_assertion(
        &self,
        client_id: &str,
        assertion: &UsedAssertion,
        now: Timestamp,
    ) -> Result<(), Failure> {
        let client = sha256(client_id.as_bytes());
        let key = ReplayKey::new(&self.realms.assertions, &client, &assertion.jti);
        match self.replay.record(key, assertion.expires, now).await? {
            Recorded::First => Ok(()),
            Recorded::Replayed => Err(Refusal::from(ClientAuthenticationError::Replayed).into()),
        }
    }

    /// The nonce that belongs on a success because the client's own nears its end (RFC 9449 §8.2).
    pub(crate) fn next_nonce(
        &self,
        request: &DirectRequest,
        now: Timestamp,
    ) -> Result<Option<String>, Failure> {
        let proof = request
            .proof
            .as_ref()
            .filter(|proof| proof.wants_new_nonce());
        match (proof, self.proofs.nonces()) {
            (Some(proof), Some(nonces)) => Ok(Some(nonces.issue(Some(proof.thumbprint()), now)?)),
            (Some(_) | None, _) => Ok(None),
        }
    }
}

/// Whether the body says it is a form (RFC 6749 §3.2).
pub(crate) fn is_form(headers: &HeaderMap) -> bool {
    let media_type = headers
        .get(header::CONTENT_TYPE)
        .map(HeaderValue::as_bytes)
        .and_then(|value| value.split(|byte| *byte == b';').next());
    media_type.is_some_and(|value| {
        value
            .trim_ascii()
            .eq_ignore_ascii_case(b"application/x-www-form-urlencoded")
    })
}

/// What the developer of a client needs to hear.
const fn description(error: &ProofError) -> &'static str {
    match error {
        ProofError::Missing => "A DPoP proof is required",
        ProofError::Several(_) => "There must be exactly one DPoP header",
        ProofError::MissingNonce(_) | ProofError::Nonce(_) => {
            "The DPoP proof must hold the nonce from the DPoP-Nonce header"
        }
        ProofError::Method => "htm of the DPoP proof is not the method of the request",
        ProofError::Target { .. } => "htu of the DPoP proof is not the URL of the endpoint",
        ProofError::TooOld(_) | ProofError::InFuture(_) => {
            "iat of the DPoP proof is too far from the clock of the server"
        }
        ProofError::Algorithm => {
            "The algorithm of the DPoP proof is not supported, or does not fit its key"
        }
        ProofError::TooLarge(_)
        | ProofError::Malformed(_)
        | ProofError::MalformedClaims(_)
        | ProofError::MissingClaim(_)
        | ProofError::JtiLength(_)
        | ProofError::Type
        | ProofError::Signature
        | ProofError::MissingKey
        | ProofError::Key(_)
        | ProofError::UnfitKey(_)
        | ProofError::AccessTokenHash
        | ProofError::KeyMismatch => "The DPoP proof is not valid",
    }
}
