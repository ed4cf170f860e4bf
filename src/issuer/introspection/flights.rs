//! One call for all who ask about the same token at the same time.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::watch;

type Key = [u8; 32];

/// The calls that are under way, by what they ask about.
#[derive(Debug)]
pub(super) struct Flights<V>(Mutex<Board<V>>);

#[derive(Debug)]
struct Board<V> {
    flying: HashMap<Key, Flight<V>>,
    next: u64,
}

#[derive(Debug)]
struct Flight<V> {
    number: u64,
    outcome: watch::Receiver<Option<V>>,
}

/// What somebody who asks has to do.
pub(super) enum Boarding<V, P> {
    /// Nothing: it is known by now.
    Known(V),
    /// Wait for the call that is under way.
    Wait(Waiting<V>),
    /// Make the call, with this permission, and wait like the others.
    Fly(Ticket<V>, P, Waiting<V>),
}

/// A seat on a flight.
pub(super) struct Waiting<V>(watch::Receiver<Option<V>>);

/// The one who makes the call holds it. However it is dropped, be it by a panic, nobody goes on waiting.
pub(super) struct Ticket<V> {
    flights: Arc<Flights<V>>,
    key: Key,
    number: u64,
    outcome: watch::Sender<Option<V>>,
}

impl<V: Clone> Flights<V> {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self(Mutex::new(Board {
            flying: HashMap::new(),
            next: 0,
        })))
    }

    /// Joins the call about `key`. If there is none, asks once more what is `known`, then for permission to make one.
    ///
    /// Neither closure may wait or come back here: the board is locked.
    ///
    /// # Errors
    ///
    /// There is no permission.
    pub(super) fn board<P, E>(
        self: &Arc<Self>,
        key: Key,
        known: impl FnOnce() -> Option<V>,
        permission: impl FnOnce() -> Result<P, E>,
    ) -> Result<Boarding<V, P>, E> {
        let mut board = self.lock();
        let number = board.next;
        let vacant = match board.flying.entry(key) {
            Entry::Occupied(flight) => {
                return Ok(Boarding::Wait(Waiting(flight.get().outcome.clone())));
            }
            Entry::Vacant(vacant) => vacant,
        };
        // A call may have come to its end since the caller looked.
        if let Some(outcome) = known() {
            return Ok(Boarding::Known(outcome));
        }
        let permission = permission()?;
        let (sender, receiver) = watch::channel(None);
        let outcome = receiver.clone();
        vacant.insert(Flight { number, outcome });
        board.next = number.wrapping_add(1);
        drop(board);
        let ticket = Ticket {
            flights: self.clone(),
            key,
            number,
            outcome: sender,
        };
        Ok(Boarding::Fly(ticket, permission, Waiting(receiver)))
    }

    /// Lets nobody join the call about `key` any more, nor its outcome be kept. Those who wait for it still get it.
    pub(super) fn call_off(&self, key: Key, forget: impl FnOnce()) {
        let mut board = self.lock();
        board.flying.remove(&key);
        forget();
    }

    #[cfg(test)]
    pub(super) fn flying(&self) -> usize {
        self.lock().flying.len()
    }
}

impl<V> Flights<V> {
    fn lock(&self) -> MutexGuard<'_, Board<V>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<V: Clone> Waiting<V> {
    /// The outcome; `None` if the call came to no end.
    pub(super) async fn outcome(mut self) -> Option<V> {
        let outcome = self.0.wait_for(Option::is_some).await.ok()?;
        outcome.clone()
    }
}

impl<V: Clone> Ticket<V> {
    /// Tells everybody who waits. Unless the call was called off, `keep` first keeps the outcome for those who come later.
    pub(super) fn land(self, outcome: V, keep: impl FnOnce(&V)) {
        {
            // Kept before the flight leaves the board, so that nobody finds neither.
            let mut board = self.flights.lock();
            if self.is_on(&board) {
                keep(&outcome);
                board.flying.remove(&self.key);
            }
        }
        self.outcome.send_replace(Some(outcome));
    }
}

impl<V> Ticket<V> {
    fn is_on(&self, board: &Board<V>) -> bool {
        let flight = board.flying.get(&self.key);
        flight.is_some_and(|flight| flight.number == self.number)
    }
}

impl<V> Drop for Ticket<V> {
    fn drop(&mut self) {
        let mut board = self.flights.lock();
        if self.is_on(&board) {
            board.flying.remove(&self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    const KEY: Key = [1; 32];

    fn board(flights: &Arc<Flights<u8>>, key: Key) -> Boarding<u8, ()> {
        let never = || Ok::<_, Infallible>(());
        match flights.board(key, || None, never) {
            Ok(boarding) => boarding,
            Err(never) => match never {},
        }
    }

    fn fly(flights: &Arc<Flights<u8>>) -> (Ticket<u8>, Waiting<u8>) {
        match board(flights, KEY) {
            Boarding::Fly(ticket, (), waiting) => (ticket, waiting),
            Boarding::Known(_) | Boarding::Wait(_) => panic!("not the first"),
        }
    }

    fn wait(flights: &Arc<Flights<u8>>) -> Waiting<u8> {
        match board(flights, KEY) {
            Boarding::Wait(waiting) => waiting,
            Boarding::Known(_) | Boarding::Fly(..) => panic!("nobody is flying"),
        }
    }

    #[tokio::test]
    async fn one_flies_and_all_get_the_outcome() {
        let flights = Flights::new();
        let (ticket, first) = fly(&flights);
        let others = [wait(&flights), wait(&flights)];
        assert!(
            matches!(board(&flights, [2; 32]), Boarding::Fly(..)),
            "another token"
        );
        let mut kept = 0;
        ticket.land(7, |outcome| kept = *outcome);
        assert_eq!(first.outcome().await, Some(7));
        for other in others {
            assert_eq!(other.outcome().await, Some(7));
        }
        assert_eq!((kept, flights.flying()), (7, 0));
    }

    #[tokio::test]
    async fn a_flight_that_ends_in_a_panic_holds_nobody() {
        let flights = Flights::new();
        let (ticket, first) = fly(&flights);
        let other = wait(&flights);
        let flown = tokio::spawn(async move {
            let _ticket = ticket;
            panic!("engine failure");
        });
        assert!(flown.await.is_err());
        assert_eq!((first.outcome().await, other.outcome().await), (None, None));
        assert_eq!(flights.flying(), 0);
        drop(fly(&flights));
    }

    #[tokio::test]
    async fn a_flight_that_was_called_off_is_not_kept_and_does_not_disturb_the_next() {
        let flights = Flights::new();
        let (ticket, first) = fly(&flights);
        flights.call_off(KEY, || {});
        let (next, second) = fly(&flights);
        ticket.land(1, |_| panic!("kept"));
        assert_eq!(first.outcome().await, Some(1));
        let third = wait(&flights);
        next.land(2, |_| {});
        assert_eq!(
            (second.outcome().await, third.outcome().await),
            (Some(2), Some(2))
        );
    }

    #[test]
    fn without_permission_nothing_is_left_on_the_board() {
        let flights = Flights::<u8>::new();
        let refused = flights.board(KEY, || None, || Err::<(), _>("busy"));
        assert!(matches!(refused, Err("busy")));
        let known = flights.board(KEY, || Some(3), || Err::<(), _>("busy"));
        assert!(matches!(known, Ok(Boarding::Known(3))), "needs none");
        assert_eq!(flights.flying(), 0);
    }
}
