//! Asking about tokens: from memory, together, within bounds.

use std::{fmt, sync::Arc, time::Duration};

use ::metrics::counter;
use tokio::{
    runtime::Handle,
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, timeout},
};
use zeroize::Zeroizing;

use super::{
    answer::Reading,
    back_off::BackOff,
    flights::{Boarding, Flights, Ticket},
    memory::Memory,
    request::Ask,
};
use crate::{
    issuer::introspection_error::{IntrospectionError, Reach},
    metrics,
    time::Timestamp,
    token::{AccessToken, Introspected, IntrospectionRules, TokenError},
};

/// What became of a question.
pub(crate) type Outcome = Result<Introspected, IntrospectionError>;

/// Asks one issuer about tokens. Cheap to clone; clones share everything.
#[derive(Clone)]
pub(crate) struct Introspector(pub(super) Arc<Inner>);

pub(super) struct Inner {
    pub(super) rules: IntrospectionRules,
    pub(super) reading: Reading,
    pub(super) endpoint: Arc<dyn Ask>,
    pub(super) memory: Memory,
    pub(super) flights: Arc<Flights<Outcome>>,
    /// For questions about tokens that anybody can make up, and for those about tokens that the issuer signed: apart, so that
    /// strangers with garbage do not hold up those who have a token.
    pub(super) strangers: Gate,
    pub(super) signed: Gate,
    /// For one question, with all that it takes.
    pub(super) timeout: Duration,
}

/// What questions of one kind have to pass.
#[derive(Debug)]
pub(super) struct Gate {
    /// How many may be under way.
    seats: Arc<Semaphore>,
    back_off: BackOff,
}

impl Gate {
    pub(super) fn new(questions: usize) -> Self {
        Self {
            seats: Arc::new(Semaphore::new(questions)),
            back_off: BackOff::default(),
        }
    }
}

/// A question about one token.
pub(crate) struct Question {
    /// The token as it was sent.
    pub(crate) token: Zeroizing<String>,
    /// Its SHA-256.
    pub(crate) hash: [u8; 32],
    /// What has been verified of it; `None` if it says nothing itself.
    pub(crate) verified: Option<AccessToken>,
}

impl Introspector {
    /// What is known without asking.
    pub(crate) fn known(&self, hash: [u8; 32], now: Timestamp) -> Option<Introspected> {
        let known = self.0.memory.recall(hash, now)?.ok()?;
        self.0.count("remembered");
        Some(known)
    }

    /// Asks, unless it is known by now, together with all who ask about the same token.
    ///
    /// The question goes on when a caller stops waiting, so that those who joined it get their answer.
    ///
    /// # Errors
    ///
    /// [`IntrospectionError`] if there is no answer.
    pub(crate) async fn ask(&self, question: Question, now: Timestamp) -> Outcome {
        let inner = &self.0;
        let hash = question.hash;
        let known = || inner.memory.recall(hash, now);
        let permission = || inner.permission(question.verified.is_some());
        let waiting = match inner.flights.board(hash, known, permission)? {
            Boarding::Known(outcome) => return outcome,
            Boarding::Wait(waiting) => waiting,
            Boarding::Fly(ticket, (permit, runtime), waiting) => {
                let inner = inner.clone();
                runtime.spawn(async move {
                    inner.fly(ticket, question, now).await;
                    drop(permit);
                });
                waiting
            }
        };
        waiting
            .outcome()
            .await
            .unwrap_or(Err(IntrospectionError::Stopped))
    }

    /// Forgets what was answered about a token; a question that is under way will not be remembered.
    pub(crate) fn forget(&self, hash: [u8; 32]) {
        let forget = || self.0.memory.forget(hash);
        self.0.flights.call_off(hash, forget);
    }

    /// As if so many tokens had been asked about and refused.
    #[cfg(test)]
    pub(crate) fn flood(&self, tokens: u32, now: Timestamp) {
        for token in 0..tokens {
            let hash = crate::jose::sha256(&token.to_be_bytes());
            let refused = Ok(Introspected::Refused(TokenError::Inactive));
            self.0.memory.keep(hash, &refused, 16, now);
        }
    }

    /// How many answers are remembered.
    #[cfg(test)]
    pub(crate) fn remembered(&self) -> u64 {
        self.0.memory.len()
    }
}

impl Inner {
    fn permission(
        &self,
        signed: bool,
    ) -> Result<(OwnedSemaphorePermit, Handle), IntrospectionError> {
        let runtime = Handle::try_current().map_err(|_| IntrospectionError::Stopped)?;
        let gate = self.gate(signed);
        let permit = gate.seats.clone().try_acquire_owned();
        let permit = permit.map_err(|_| IntrospectionError::Busy)?;
        // Last: it may let one through alone, who then has to go.
        let permitted = gate.back_off.permit(Instant::now());
        permitted.map_err(IntrospectionError::Paused)?;
        Ok((permit, runtime))
    }

    const fn gate(&self, signed: bool) -> &Gate {
        if signed {
            &self.signed
        } else {
            &self.strangers
        }
    }

    async fn fly(&self, ticket: Ticket<Outcome>, question: Question, now: Timestamp) {
        let began = Instant::now();
        let mut bytes = 0;
        let asking = timeout(self.timeout, self.inquire(&question, now, &mut bytes));
        let outcome = asking.await.unwrap_or(Err(IntrospectionError::Timeout));
        let issuer = &self.rules.issuer;
        self.count(match &outcome {
            Ok(Introspected::Active(_)) => "active",
            Ok(Introspected::Refused(_)) => "refused",
            Err(_) => "failed",
        });
        let back_off = &self.gate(question.verified.is_some()).back_off;
        let lasting = match &outcome {
            Ok(_) => {
                back_off.succeeded();
                true
            }
            Err(error) => {
                tracing::warn!(%issuer, %error, "introspection failed");
                match error.reach() {
                    Reach::Endpoint => {
                        back_off.failed(began, Instant::now());
                        false
                    }
                    Reach::Token => {
                        back_off.succeeded();
                        true
                    }
                    Reach::Us => false,
                }
            }
        };
        ticket.land(outcome, |outcome| {
            if lasting {
                self.memory.keep(question.hash, outcome, bytes, now);
            }
        });
    }

    fn count(&self, outcome: &'static str) {
        let issuer = self.rules.issuer.clone();
        counter!(metrics::INTROSPECTIONS, "issuer" => issuer, "outcome" => outcome).increment(1);
    }

    async fn inquire(&self, question: &Question, now: Timestamp, bytes: &mut usize) -> Outcome {
        let began = Instant::now();
        let body = self.endpoint.ask(&question.token, now).await?;
        *bytes = body.len();
        let now = now.plus(began.elapsed());
        let members = self.reading.read(&body, now).await?;
        let read = match &question.verified {
            Some(token) => Introspected::of_verified(members, token, now),
            None => Introspected::of_opaque(members, &self.rules, &question.hash, now),
        };
        read.map_err(|error: TokenError| IntrospectionError::Member(error))
    }
}

impl fmt::Debug for Introspector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Introspector")
            .field("rules", &self.0.rules)
            .field("reading", &self.0.reading)
            .field("memory", &self.0.memory)
            .field("strangers", &self.0.strangers)
            .field("signed", &self.0.signed)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Question").finish_non_exhaustive()
    }
}
