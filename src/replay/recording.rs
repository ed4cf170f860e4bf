//! The answer of a replay store, now or later.

use std::{
    fmt,
    future::{Future, Ready, ready},
    pin::Pin,
    task::{Context, Poll},
};

use super::{Recorded, StoreError};

/// What a replay store says about a proof.
pub type Answer = Result<Recorded, StoreError>;

/// An [`Answer`] that must be waited for.
pub type PendingAnswer = Pin<Box<dyn Future<Output = Answer> + Send>>;

/// The future of a [`record`](super::ReplayStore::record): already answered for a store in memory, which then costs
/// neither an allocation nor a poll, and boxed for a store that is asked over the network.
#[must_use = "a proof is not checked until the answer has been read"]
pub struct Recording(State);

enum State {
    Ready(Ready<Answer>),
    Pending(PendingAnswer),
}

impl Recording {
    /// An answer that is known already.
    pub fn ready(answer: Answer) -> Self {
        Self(State::Ready(ready(answer)))
    }

    /// An answer that must be waited for.
    pub fn pending(answer: PendingAnswer) -> Self {
        Self(State::Pending(answer))
    }

    /// Takes the answer if it is known, without polling.
    ///
    /// # Errors
    ///
    /// The future to await, if the answer is still to come. It has not been polled.
    pub fn now_or_pending(self) -> Result<Answer, PendingAnswer> {
        match self.0 {
            State::Ready(answer) => Ok(answer.into_inner()),
            State::Pending(answer) => Err(answer),
        }
    }
}

impl Future for Recording {
    type Output = Answer;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Answer> {
        match &mut self.0 {
            State::Ready(answer) => Pin::new(answer).poll(cx),
            State::Pending(answer) => answer.as_mut().poll(cx),
        }
    }
}

impl fmt::Debug for Recording {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Recording")
            .field(match &self.0 {
                State::Ready(answer) => answer,
                State::Pending(_) => &"pending",
            })
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use super::*;

    fn poll(mut recording: Recording) -> Poll<Answer> {
        Pin::new(&mut recording).poll(&mut Context::from_waker(Waker::noop()))
    }

    #[test]
    fn a_known_answer_is_taken_with_or_without_polling() {
        let known = || Recording::ready(Ok(Recorded::Replayed));
        assert!(matches!(
            known().now_or_pending(),
            Ok(Ok(Recorded::Replayed))
        ));
        assert!(matches!(poll(known()), Poll::Ready(Ok(Recorded::Replayed))));
    }

    #[test]
    fn an_answer_to_come_is_handed_back_for_waiting() {
        let later = || Recording::pending(Box::pin(async { Err(StoreError::Full) }));
        let pending = later().now_or_pending().expect_err("not known yet");
        assert!(matches!(
            poll(Recording::pending(pending)),
            Poll::Ready(Err(StoreError::Full))
        ));
        assert!(matches!(
            poll(Recording::pending(Box::pin(std::future::pending()))),
            Poll::Pending
        ));
    }
}
