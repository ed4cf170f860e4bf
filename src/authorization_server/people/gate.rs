//! How many passwords are checked at the same time.

use std::{num::NonZeroUsize, sync::Arc};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::AuthenticatorFault;

/// Lets a few in at a time, some more wait, and turns the rest away: memory stays bounded, and so does the wait.
#[derive(Debug)]
pub(super) struct Gate {
    /// For whoever has a turn or waits for one.
    places: Arc<Semaphore>,
    turns: Arc<Semaphore>,
}

/// How many may wait; with a hash taking tens of milliseconds, the last of them waits a few seconds.
pub(super) const WAITING: usize = 64;

impl Gate {
    pub(super) fn new(turns: NonZeroUsize) -> Self {
        let turns = turns
            .get()
            .min(Semaphore::MAX_PERMITS.saturating_sub(WAITING));
        Self {
            places: Arc::new(Semaphore::new(turns.saturating_add(WAITING))),
            turns: Arc::new(Semaphore::new(turns)),
        }
    }

    /// A place to wait at, at once or not at all.
    pub(super) fn enter(&self) -> Result<Place, AuthenticatorFault> {
        let place = Arc::clone(&self.places)
            .try_acquire_owned()
            .map_err(|_| AuthenticatorFault::Busy)?;
        Ok(Place {
            place,
            turns: Arc::clone(&self.turns),
        })
    }
}

/// Somebody's place in the queue.
#[derive(Debug)]
pub(super) struct Place {
    place: OwnedSemaphorePermit,
    turns: Arc<Semaphore>,
}

impl Place {
    /// Waits for a turn. Whoever drops the turn lets the next one in.
    pub(super) async fn turn(self) -> Result<Turn, AuthenticatorFault> {
        // Only a closed semaphore fails, and nobody closes it.
        let turn = self
            .turns
            .acquire_owned()
            .await
            .map_err(|_| AuthenticatorFault::Busy)?;
        Ok(Turn {
            _turn: turn,
            _place: self.place,
        })
    }
}

/// The right to check one password.
#[derive(Debug)]
pub(super) struct Turn {
    _turn: OwnedSemaphorePermit,
    _place: OwnedSemaphorePermit,
}

#[cfg(test)]
impl Gate {
    /// How many turns nobody has.
    pub(super) fn free_turns(&self) -> usize {
        self.turns.available_permits()
    }
}
