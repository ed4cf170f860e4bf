//! Keys that are fetched: what callers see of them, and how they ask for more.

use std::{sync::Arc, time::Duration};

use arc_swap::ArcSwapOption;
use tokio::{sync::watch, task::AbortHandle};

use super::{
    health::{FailedFetch, IssuerHealth},
    keys::{KeySnapshot, KeysUnavailable},
    refresh,
    source::Source,
};
use crate::time::{Clock, Timestamp};

/// The handle that all clones of `IssuerKeys` share. The task that fetches ends with it.
#[derive(Debug)]
pub(super) struct Live {
    shared: Arc<Shared>,
    task: AbortHandle,
}

/// What the handle and the task have in common.
pub(super) struct Shared {
    pub(super) name: String,
    pub(super) settings: Settings,
    pub(super) clock: Arc<dyn Clock>,
    /// Read for every request, hence without a lock.
    pub(super) held: ArcSwapOption<Held>,
    /// Read only by those who need a fetch, and by the task.
    pub(super) desk: watch::Sender<Desk>,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Settings {
    /// How long keys serve that the issuer has not confirmed.
    pub(super) maximum_age: Duration,
    /// The least time between two fetches for keys that a token names and nobody knows.
    pub(super) cool_down: Duration,
    /// How long one fetch may take, metadata and keys together.
    pub(super) timeout: Duration,
    /// Whether the keys are those of somebody who is encrypted to, and need not verify anything.
    pub(super) recipient: bool,
}

/// Keys, and when the issuer last said that they are its own.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) snapshot: KeySnapshot,
    pub(super) confirmed: Timestamp,
}

/// Where callers leave their wishes and the task its results.
///
/// One fetch is under way at a time because one task makes them. `wanted` is `done` or one more: a wish that comes while
/// one is open, or while its fetch is under way, is the same wish.
#[derive(Debug, Default)]
pub(super) struct Desk {
    pub(super) wanted: u64,
    pub(super) done: u64,
    /// When a fetch was last made for an unknown key.
    pub(super) unknown_key: Option<Timestamp>,
    /// How many fetches have failed since the last success.
    pub(super) failures: u32,
    pub(super) last_failure: Option<FailedFetch>,
    pub(super) next: Option<Timestamp>,
    pub(super) stopped: bool,
}

/// What became of a wish.
enum Ask {
    /// The fetch of this number will answer it.
    Await(u64),
    /// There will be no fetch now.
    Settled,
}

impl Live {
    /// Starts the task, which makes the first fetch at once. Must be called on a runtime.
    pub(super) fn spawn(
        name: String,
        source: impl Source,
        settings: Settings,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let desk = Desk {
            wanted: 1,
            ..Desk::default()
        };
        let shared = Arc::new(Shared {
            name,
            settings,
            clock,
            held: ArcSwapOption::empty(),
            desk: watch::Sender::new(desk),
        });
        let task = tokio::spawn(refresh::run(shared.clone(), source)).abort_handle();
        Self { shared, task }
    }

    pub(super) fn current(&self, now: Timestamp) -> Option<KeySnapshot> {
        self.shared.current(now)
    }

    pub(super) fn generation(&self, now: Timestamp) -> Option<u64> {
        self.shared.look(now, |snapshot| snapshot.generation)
    }

    pub(super) async fn obtain(&self, now: Timestamp) -> Result<KeySnapshot, KeysUnavailable> {
        if let Some(snapshot) = self.current(now) {
            return Ok(snapshot);
        }
        match self.ask(|desk| desk.failures == 0) {
            Ask::Await(number) => self.outcome(number).await?,
            Ask::Settled => self.latest_failure(now)?,
        }
        // They have just been fetched, whatever the caller's clock says of their age.
        let held = self.shared.held.load();
        let held = held.as_ref().ok_or(KeysUnavailable::Stopped)?;
        Ok(held.snapshot.clone())
    }

    pub(super) async fn refresh_for_unknown_key(
        &self,
        seen: u64,
        now: Timestamp,
    ) -> Result<KeySnapshot, KeysUnavailable> {
        let cool_down = self.shared.settings.cool_down;
        // The fetch that is under way may have begun before the key was published; the one after it has not.
        for _ in 0..2 {
            if let Some(snapshot) = self.current(now)
                && snapshot.generation != seen
            {
                return Ok(snapshot);
            }
            let ask = self.ask(|desk| {
                let cooling = desk.unknown_key.is_some_and(|last| {
                    // Either way round: a clock that was set back must not stop us for as long as that was.
                    now.since(last) < cool_down && last.since(now) < cool_down
                });
                if !cooling {
                    desk.unknown_key = Some(now);
                }
                !cooling
            });
            match ask {
                Ask::Await(number) => self.outcome(number).await?,
                Ask::Settled => break,
            }
        }
        self.latest_failure(now)?;
        self.obtain(now).await
    }

    pub(super) fn health(&self, now: Timestamp) -> IssuerHealth {
        let held = self.shared.held.load();
        let desk = self.shared.desk.borrow();
        IssuerHealth {
            serving: self.current(now).is_some(),
            keys: held
                .as_ref()
                .map_or(0, |held| held.snapshot.keys.keys().len()),
            last_success: held.as_ref().map(|held| held.confirmed),
            age: held.as_ref().map(|held| now.since(held.confirmed)),
            failures: desk.failures,
            last_error: desk.last_failure.clone(),
            next_refresh: desk.next,
        }
    }

    /// Joins the fetch that is open or under way; if there is none, asks for one if `allowed` says so.
    fn ask(&self, allowed: impl FnOnce(&mut Desk) -> bool) -> Ask {
        let mut ask = Ask::Settled;
        self.shared.desk.send_if_modified(|desk| {
            if desk.stopped {
                return false;
            }
            let open = desk.wanted > desk.done;
            if open || allowed(desk) {
                desk.wanted = desk.done + 1;
                ask = Ask::Await(desk.wanted);
            }
            !open && matches!(ask, Ask::Await(_))
        });
        ask
    }

    /// Waits until the fetch of this number is done, and fails if it, or the latest since, has failed.
    async fn outcome(&self, number: u64) -> Result<(), KeysUnavailable> {
        let mut desk = self.shared.desk.subscribe();
        // The channel cannot close: we hold its sender.
        let _ = desk
            .wait_for(|desk| desk.done >= number || desk.stopped)
            .await;
        self.latest_failure(self.shared.clock.now())
    }

    /// The error if nothing can be learnt from the issuer at present.
    fn latest_failure(&self, now: Timestamp) -> Result<(), KeysUnavailable> {
        let desk = self.shared.desk.borrow();
        if desk.stopped {
            return Err(KeysUnavailable::Stopped);
        }
        match &desk.last_failure {
            Some(failure) if desk.failures > 0 => Err(KeysUnavailable::Fetch {
                error: failure.error.clone(),
                retry_after: desk.next.map_or(Duration::ZERO, |next| next.since(now)),
            }),
            _ => Ok(()),
        }
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Shared {
    pub(super) fn current(&self, now: Timestamp) -> Option<KeySnapshot> {
        self.look(now, KeySnapshot::clone)
    }

    /// Looks at the keys without taking them.
    fn look<T>(&self, now: Timestamp, at: impl FnOnce(&KeySnapshot) -> T) -> Option<T> {
        let held = self.held.load();
        let held = held.as_ref()?;
        let young = now.since(held.confirmed) <= self.settings.maximum_age;
        young.then(|| at(&held.snapshot))
    }
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared")
            .field("name", &self.name)
            .field("settings", &self.settings)
            .field("held", &self.held)
            .field("desk", &self.desk)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
