//! The one connection there is at a time, and its successors.

use std::{
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::Duration,
};

use arc_swap::ArcSwapOption;
use tokio::{
    sync::watch,
    time::{Instant, timeout},
};

use super::{
    address::Address,
    failure::Failure,
    link::Link,
    server::{Memory, ServerFacts},
};
use crate::time::{Clock, SystemClock, Timestamp};

type Outcome = Result<Arc<Link>, Failure>;
type Attempt = watch::Receiver<Option<Outcome>>;

/// How long connecting may take, with TLS and all questions.
const ATTEMPT: Duration = Duration::from_millis(1500);
/// The longest time between two attempts. With the above, service is back within two seconds of the server's return.
const LONGEST_PAUSE: Duration = Duration::from_millis(400);

/// Hands out the current connection and makes a new one when it is asked for and there is none.
///
/// Requests drive it. There is no task that would try on its own, so an idle instance does not knock at a server that is
/// down, and nothing depends on the runtime on which a store was made.
pub(crate) struct Links {
    address: Address,
    max_waiting: usize,
    accept_eviction: bool,
    proof_lifetime: Duration,
    current: ArcSwapOption<Link>,
    /// Proofs that expire at this second or before may have been recorded where nobody knows of it any more.
    doubtful_until: AtomicI64,
    next_id: AtomicU64,
    state: Mutex<State>,
}

/// What is behind the lock, which is never held across an await.
struct State {
    attempt: Option<Attempt>,
    /// Connections and attempts that came to nothing since a command was last answered.
    failures: u32,
    not_before: Option<Instant>,
    reason: Failure,
    /// The server process of the latest connection, if there was one.
    server: Option<ServerFacts>,
}

impl Links {
    pub(crate) fn new(
        address: Address,
        max_waiting: usize,
        accept_eviction: bool,
        proof_lifetime: Duration,
    ) -> Self {
        Self {
            address,
            max_waiting,
            accept_eviction,
            proof_lifetime,
            current: ArcSwapOption::empty(),
            doubtful_until: AtomicI64::new(i64::MIN),
            next_id: AtomicU64::new(0),
            state: Mutex::new(State {
                attempt: None,
                failures: 0,
                not_before: None,
                reason: Failure::Closed,
                server: None,
            }),
        }
    }

    pub(crate) fn address(&self) -> &impl fmt::Debug {
        &self.address
    }

    /// The current connection, or the next.
    ///
    /// Waits for an attempt that is under way; between attempts that fail the answer comes at once.
    pub(crate) async fn get(self: &Arc<Self>) -> Outcome {
        if let Some(link) = self.current.load_full() {
            if !link.is_closed() {
                return Ok(link);
            }
            self.lost(link.id(), &Failure::Closed);
        }
        let mut attempt = self.join_attempt()?;
        let outcome = attempt.wait_for(Option::is_some).await;
        match outcome.as_deref() {
            Ok(Some(outcome)) => outcome.clone(),
            Ok(None) | Err(_) => Err(Failure::Abandoned),
        }
    }

    /// Notes that a command was answered over this connection.
    pub(crate) fn served(&self, link: &Link) {
        if link.first_service() {
            let mut state = self.lock();
            if state.failures > 0 {
                tracing::info!(address = ?self.address, "redis: service has resumed");
            }
            state.failures = 0;
        }
    }

    /// Gives up this connection, unless that has been done already. Commands that wait on it may still be answered.
    pub(crate) fn lost(&self, id: u64, reason: &Failure) {
        let mut state = self.lock();
        if self
            .current
            .load()
            .as_ref()
            .is_some_and(|link| link.id() == id)
        {
            self.current.store(None);
            self.failed(&mut state, reason);
        }
    }

    /// Whether a proof that expires then can have been recorded only where it would be found.
    pub(crate) fn check_doubt(&self, expires: Timestamp) -> Result<(), Failure> {
        if expires.as_unix() > self.doubtful_until.load(Ordering::Relaxed) {
            Ok(())
        } else {
            Err(Failure::MayBeForgotten)
        }
    }

    /// The attempt that is under way, or a new one if it is time for that.
    fn join_attempt(self: &Arc<Self>) -> Result<Attempt, Failure> {
        let mut state = self.lock();
        if let Some(link) = self.current.load_full() {
            return Ok(watch::channel(Some(Ok(link))).1);
        }
        // The other end is gone if its runtime is.
        let under_way = state.attempt.as_ref();
        if let Some(attempt) = under_way.filter(|attempt| attempt.has_changed().is_ok()) {
            return Ok(attempt.clone());
        }
        if state.not_before.is_some_and(|time| Instant::now() < time) {
            return Err(state.reason.clone());
        }
        let (tell, attempt) = watch::channel(None);
        state.attempt = Some(attempt.clone());
        let links = Arc::clone(self);
        tokio::spawn(async move {
            let outcome = links.connect().await;
            tell.send_replace(Some(links.settle(outcome)));
        });
        Ok(attempt)
    }

    async fn connect(self: &Arc<Self>) -> Result<Link, Failure> {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let links = Arc::downgrade(self);
        let closed = move || {
            if let Some(links) = links.upgrade() {
                links.lost(id, &Failure::Closed);
            }
        };
        let opening = Link::open(id, &self.address, self.max_waiting, closed);
        let link = timeout(ATTEMPT, opening)
            .await
            .unwrap_or(Err(Failure::ConnectTime(ATTEMPT)))?;
        match &link.facts().memory {
            Memory::Evicts(policy) if !self.accept_eviction => Err(Failure::Evicts(policy.clone())),
            _ => Ok(link),
        }
    }

    /// Puts the new connection in place, or notes why there is none.
    fn settle(&self, outcome: Result<Link, Failure>) -> Outcome {
        let mut state = self.lock();
        state.attempt = None;
        match outcome {
            Ok(link) => {
                let link = Arc::new(link);
                self.met(&mut state, link.facts());
                self.current.store(Some(Arc::clone(&link)));
                Ok(link)
            }
            Err(reason) => {
                self.failed(&mut state, &reason);
                Err(reason)
            }
        }
    }

    /// Compares the server with the one before. What the former knew, the new one may not know.
    fn met(&self, state: &mut State, facts: &ServerFacts) {
        let now = SystemClock.now();
        let changed = match &state.server {
            None => facts.uptime.map(|uptime| {
                let started = now.as_unix().saturating_sub(uptime);
                // `uptime` leaves out the fraction; a proof of the very second of the start is not doubted.
                Timestamp::from_unix(started.saturating_sub(1))
            }),
            Some(former) if former.run_id.is_some() && former.run_id == facts.run_id => None,
            Some(_) => {
                tracing::warn!(
                    address = ?self.address,
                    "redis: another server process; its last records may be missing, and proofs issued before are not accepted"
                );
                Some(now)
            }
        };
        if let Some(time) = changed.filter(|_| !self.proof_lifetime.is_zero()) {
            let until = time.plus(self.proof_lifetime).as_unix();
            self.doubtful_until.fetch_max(until, Ordering::Relaxed);
        }
        if state.server.as_ref().map(|former| &former.memory) != Some(&facts.memory) {
            self.tell_memory(&facts.memory);
        }
        state.server = Some(facts.clone());
    }

    fn tell_memory(&self, memory: &Memory) {
        let address = &self.address;
        match memory {
            Memory::Refuses => {}
            Memory::Evicts(policy) => tracing::warn!(
                ?address,
                policy,
                "redis: Redis forgets records when it is full; maxmemory-policy has to be noeviction"
            ),
            Memory::Unknown => tracing::warn!(
                ?address,
                "redis: cannot tell maxmemory-policy, which has to be noeviction, since INFO is not permitted"
            ),
        }
    }

    fn failed(&self, state: &mut State, reason: &Failure) {
        state.failures = state.failures.saturating_add(1);
        state.not_before = Some(Instant::now() + pause_after(state.failures));
        if state.failures == 1 || state.reason.to_string() != reason.to_string() {
            let cause = std::error::Error::source(reason).map(ToString::to_string);
            tracing::warn!(address = ?self.address, %reason, cause, "redis: connection lost");
        }
        state.reason = reason.clone();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Whoever panicked with the lock in hand, the stores must go on answering.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How long to wait before the next attempt. The first comes at once: the server may just have closed an idle connection.
fn pause_after(failures: u32) -> Duration {
    match failures {
        0 | 1 => Duration::ZERO,
        2 => LONGEST_PAUSE / 4,
        3 => LONGEST_PAUSE / 2,
        _ => LONGEST_PAUSE,
    }
}
