//! The resource server: judge, record, answer.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use ::metrics::{counter, gauge};
use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, header::AUTHORIZATION};

#[cfg(feature = "discovery")]
use super::introspected::Introspectors;
#[cfg(feature = "authorization-server")]
use super::own_tokens::OwnTokens;
use super::{
    Binding, ProfileSettings, RequestFacts, ResourceServerBuilder, TrustedIssuer, TrustedProxies,
    encryption::TokenEncryption,
    facts::peer,
    judge::{Denied, Judgement, Proven},
    metadata::PublishedMetadata,
    profile::Enforcement,
    token_cache::{TokenCache, TokenHash},
    url::UrlRules,
    wish::{Findings, Wish},
};
use crate::{
    audit::{self, AuditEvent, AuditSink, Decision},
    dpop::{DPOP, ProofVerifier, VerifiedProof},
    metrics,
    mtls::PeerCertificate,
    rejection::{AnswerForm, AuthScheme, Challenges, Fault, Kind, Refusal, Rejection},
    replay::{Answer, Recorded, Recording, ReplayKey, ReplayStore},
    time::{Clock, Timestamp},
    token::{AccessToken, RevocationCheck},
};

/// Decides whether requests may pass. Cheap to clone; clones share caches and the replay store.
///
/// The layers use it; a server that is not built on Tower can ask [`verify`](Self::verify) itself.
#[derive(Clone)]
pub struct ResourceServer(pub(super) Arc<Inner>);

/// Aligned, so that the count of its owners, which each request changes, is not on the line of what each request reads.
#[repr(align(128))]
pub(super) struct Inner {
    pub(super) audiences: Vec<String>,
    pub(super) issuers: Vec<TrustedIssuer>,
    pub(super) binding: Binding,
    pub(super) settings: ProfileSettings,
    pub(super) enforcement: Enforcement,
    pub(super) metadata: Option<PublishedMetadata>,
    pub(super) url: UrlRules,
    pub(super) proxies: TrustedProxies,
    pub(super) proofs: ProofVerifier,
    pub(super) tokens: TokenCache,
    pub(super) encryption: TokenEncryption,
    #[cfg(feature = "discovery")]
    pub(super) introspectors: Introspectors,
    pub(super) revocation: Option<Arc<dyn RevocationCheck>>,
    /// Where the issuer is in this very process.
    #[cfg(feature = "authorization-server")]
    pub(super) own_tokens: Option<OwnTokens>,
    pub(super) replay: Arc<dyn ReplayStore>,
    pub(super) max_token_bytes: usize,
    pub(super) clock_skew: Duration,
    pub(super) challenges: Challenges,
    pub(super) grpc_answers: bool,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) audit: Option<Arc<dyn AuditSink>>,
    /// The second in which gauges were last set.
    pub(super) gauges_set: AtomicI64,
}

/// A request that may pass.
#[non_exhaustive]
#[derive(Clone, Debug)]
pub struct Accepted {
    /// The token it came with.
    pub token: AccessToken,
    /// The client's certificate: that of the connection, or the one that a trusted proxy passed on.
    pub certificate: Option<PeerCertificate>,
    /// A new nonce that belongs on the answer, since the client's nears its end (RFC 9449 §8.2).
    pub nonce: Option<String>,
}

impl ResourceServer {
    /// Starts with what has no safe default: the name tokens have to be issued for (`aud`, usually the URL of this API), and
    /// an authorization server whose tokens are accepted.
    pub fn builder(audience: impl Into<String>, issuer: TrustedIssuer) -> ResourceServerBuilder {
        ResourceServerBuilder::new(audience.into(), issuer)
    }

    /// Decides whether a request may pass, waiting where it must: for keys, for what the issuer or others say about the
    /// token, for the replay store.
    ///
    /// A request that is refused has consumed nothing: only an accepted proof is recorded, as the very last step.
    ///
    /// `now` is when the request came; time spent waiting before the proof is recorded, by this server's clock, is added to it.
    ///
    /// # Errors
    ///
    /// [`Rejection::Refused`] says what is wrong with the request, [`Rejection::Failed`] what we could not do.
    pub async fn verify(
        &self,
        facts: &RequestFacts<'_>,
        now: Timestamp,
    ) -> Result<Accepted, Rejection> {
        let verdict = match self.judge(facts, now, &Findings::default()) {
            Judgement::Proven(proven) => self.finish(proven, now).await,
            Judgement::Refused(denied) => Err(denied),
            Judgement::Waits(wish) => {
                let begun = self.now();
                let clock = || now.plus(self.now().since(begun));
                self.pursue(wish, facts, now, clock).await
            }
        };
        verdict.map_err(|denied| denied.rejection)
    }

    /// Goes on where judging had to stop at `now`: waits, asks for the time, judges again. What has ended meanwhile has
    /// ended, and the replay store may have forgotten proofs that were still good when the request came.
    pub(crate) async fn pursue(
        &self,
        mut wish: Wish,
        facts: &RequestFacts<'_>,
        mut now: Timestamp,
        clock: impl Fn() -> Timestamp,
    ) -> Result<Accepted, Denied> {
        let mut findings = Findings::default();
        for _ in 0..Wish::KINDS {
            wish.fulfil(now, &mut findings).await?;
            now = clock();
            match self.judge(facts, now, &findings) {
                Judgement::Proven(proven) => return self.finish(proven, now).await,
                Judgement::Refused(denied) => return Err(denied),
                Judgement::Waits(next) => wish = next,
            }
        }
        Err(Fault::Undecided.into())
    }

    /// Records the proof, if there is one, and concludes.
    async fn finish(&self, proven: Proven, now: Timestamp) -> Result<Accepted, Denied> {
        let answer = match self.record(&proven, now) {
            None => None,
            Some(recording) => Some(recording.await),
        };
        self.conclude(proven, answer, now)
    }

    /// Begins to record the proof, if there is one. Nothing may come after that could still refuse the request.
    pub(crate) fn record(&self, proven: &Proven, now: Timestamp) -> Option<Recording> {
        let proof = proven.proof.as_ref()?;
        let thumbprint = proof.thumbprint();
        let key = ReplayKey::new(proven.token.issuer(), thumbprint.as_bytes(), proof.jti());
        Some(self.0.replay.record(key, proof.last_accepted(), now))
    }

    /// What the replay store's answer makes of a proven request.
    pub(crate) fn conclude(
        &self,
        proven: Proven,
        answer: Option<Answer>,
        now: Timestamp,
    ) -> Result<Accepted, Denied> {
        let rejection = match answer.transpose() {
            Ok(Some(Recorded::First) | None) => None,
            Ok(Some(Recorded::Replayed)) => Some(Refusal::Replayed.into()),
            Err(error) => Some(Fault::from(error).into()),
        };
        if let Some(rejection) = rejection {
            return Err(Denied {
                rejection,
                evidence: proven.into_evidence(),
            });
        }
        let mut nonce = None;
        if let Some(proof) = &proven.proof {
            self.0.proofs.remember(proof);
            if let Some(cached) = &proven.cached {
                cached.remember_key_of(proof);
            }
            nonce = self.new_nonce(proof, now);
        }
        Ok(Accepted {
            token: proven.token,
            certificate: proven.certificate.into_certificate(),
            nonce,
        })
    }

    /// The answer to a request with these facts that was not let through.
    ///
    /// To a gRPC call the answer is gRPC's: a status of 200, and the refusal in `grpc-status`. Where the status alone is read
    /// as the verdict, as by a proxy that asks in a subrequest, switch that off with
    /// [`without_grpc_answers`](ResourceServerBuilder::without_grpc_answers).
    #[must_use]
    pub fn answer(
        &self,
        rejection: Rejection,
        facts: &RequestFacts<'_>,
        now: Timestamp,
    ) -> Response<Bytes> {
        let mut nonce = None;
        if Kind::of(&rejection) == Kind::Unauthenticated
            && let Some(nonces) = self.0.proofs.nonces()
        {
            let key = match &rejection {
                Rejection::Refused(Refusal::Proof(error)) => error.wants_nonce(),
                _ => None,
            };
            nonce = nonces.issue(key, now).ok();
        }
        let tried = AuthScheme::tried_in(facts.headers);
        let answer = self.0.challenges.answer(rejection, tried, nonce.as_deref());
        self.answer_form(facts.method, facts.headers)
            .applied_to(answer)
    }

    /// The form in which such a request is answered here.
    pub(crate) fn answer_form(&self, method: &Method, headers: &HeaderMap) -> AnswerForm {
        if self.0.grpc_answers {
            AnswerForm::of(method, headers)
        } else {
            AnswerForm::Http
        }
    }

    /// The client's certificate, as far as one can be read.
    pub(crate) fn client_certificate(&self, facts: &RequestFacts<'_>) -> Option<PeerCertificate> {
        let certificate = self.0.proxies.certificate(facts).ok()?;
        certificate.into_certificate()
    }

    /// Makes a request ready for the service behind: takes from it what nobody vouches for, puts the client's own
    /// certificate into its extensions, in place of a proxy's, and marks the credentials, so that whoever prints the headers
    /// does not print them.
    pub(crate) fn prepare<B>(&self, request: &mut Request<B>, client: Option<PeerCertificate>) {
        let trusted = self.0.proxies.trust(peer(request));
        let mut distrusted = Vec::new();
        for (name, value) in request.headers_mut() {
            if *name == AUTHORIZATION || *name == DPOP {
                value.set_sensitive(true);
            } else if self.0.proxies.distrust(name, trusted) {
                distrusted.push(name.clone());
            }
        }
        for name in distrusted {
            request.headers_mut().remove(name);
        }
        match client {
            Some(certificate) => request.extensions_mut().insert(certificate),
            None => request.extensions_mut().remove(),
        };
    }

    /// Forgets what is remembered about a token, so that the next request with it is judged from scratch: the issuer is
    /// asked again, where it is asked at all.
    ///
    /// For whoever is told of a revocation that introspection would show later. It revokes nothing: a signed token of an
    /// issuer that is not asked stays good. There a [`RevocationCheck`] helps.
    pub fn forget(&self, token: &str) {
        let hash = TokenHash::of(token);
        self.0.tokens.remove(hash);
        #[cfg(feature = "discovery")]
        self.0.introspectors.forget(hash);
    }

    /// What challenges of this resource server say.
    #[must_use]
    pub fn challenges(&self) -> &Challenges {
        &self.0.challenges
    }

    /// Takes down what was decided: in the log, in the figures, and where the application wants it.
    pub(crate) fn note(&self, event: &AuditEvent<'_>) {
        audit::log(event);
        match event.decision {
            // In literals: labels that are known beforehand are not allocated, and nearly every request comes this way.
            Decision::Accepted => {
                counter!(metrics::DECISIONS, "decision" => "accepted", "reason" => "none")
            }
            Decision::Refused | Decision::Failed | Decision::Reported => {
                let (decision, reason) = (event.decision.as_str(), event.reason());
                counter!(metrics::DECISIONS, "decision" => decision, "reason" => reason)
            }
        }
        .increment(1);
        if let Some(sink) = &self.0.audit {
            sink.record(event);
        }
        self.set_gauges(event.at);
    }

    /// Once a second at most: nobody looks more often.
    fn set_gauges(&self, now: Timestamp) {
        let now_unix = now.as_unix();
        let set = &self.0.gauges_set;
        // Read first: a line of cache that each request writes to is one that all threads wait for.
        if set.load(Ordering::Relaxed) == now_unix
            || set.swap(now_unix, Ordering::Relaxed) == now_unix
        {
            return;
        }
        if let Some(entries) = self.0.replay.entries() {
            #[expect(clippy::cast_precision_loss, reason = "a figure on a screen")]
            gauge!(metrics::REPLAY_ENTRIES).set(entries as f64);
        }
        for issuer in &self.0.issuers {
            if let Some(age) = issuer.keys.health(now).age {
                let name = issuer.issuer.clone();
                gauge!(metrics::JWKS_AGE_SECONDS, "issuer" => name).set(age.as_secs_f64());
            }
        }
    }

    /// What is published about it, if something is.
    pub(crate) fn metadata(&self) -> Option<&PublishedMetadata> {
        self.0.metadata.as_ref()
    }

    /// Whether requests that would be refused are let through and reported.
    pub(crate) fn reports_only(&self) -> bool {
        self.0.enforcement.report_only
    }

    /// The clock that the layers ask.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.0.clock.now()
    }

    fn new_nonce(&self, proof: &VerifiedProof, now: Timestamp) -> Option<String> {
        let nonces = self.0.proofs.nonces().filter(|_| proof.wants_new_nonce())?;
        nonces.issue(Some(proof.thumbprint()), now).ok()
    }
}

impl fmt::Debug for ResourceServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResourceServer")
            .field("audiences", &self.0.audiences)
            .field("issuers", &self.0.issuers)
            .field("binding", &self.0.binding)
            .field("url", &self.0.url)
            .field("proxies", &self.0.proxies)
            .finish_non_exhaustive()
    }
}
