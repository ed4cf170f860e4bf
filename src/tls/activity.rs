//! Whether a connection is doing anything.
//!
//! Hyper bounds how long an HTTP/1.1 client may take for the head of a request, and nothing of the kind for HTTP/2: not
//! the preface, not a header block that never ends, not a connection without streams. So silence is measured here, in the
//! same way for both: the time since the last request was answered, or since the beginning.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use tokio::time::{Instant, sleep_until};

/// One connection's count of requests in flight. Clones share it.
#[derive(Clone, Debug)]
pub(super) struct Activity(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    began: Instant,
    in_flight: AtomicUsize,
    /// When the last request ended, in milliseconds since `began`.
    last_end: AtomicU64,
}

impl Activity {
    pub(super) fn new() -> Self {
        Self(Arc::new(Inner {
            began: Instant::now(),
            in_flight: AtomicUsize::new(0),
            last_end: AtomicU64::new(0),
        }))
    }

    /// A request is in flight until the value is dropped.
    pub(super) fn begin(&self) -> InFlight {
        self.0.in_flight.fetch_add(1, Ordering::AcqRel);
        InFlight(self.clone())
    }

    /// Ends when no request has been in flight for `limit`, which begins now.
    pub(super) async fn silence(&self, limit: Duration) {
        let mut wake = after(Instant::now(), limit);
        loop {
            sleep_until(wake).await;
            let now = Instant::now();
            if self.0.in_flight.load(Ordering::Acquire) > 0 {
                wake = after(now, limit);
                continue;
            }
            let last_end = Duration::from_millis(self.0.last_end.load(Ordering::Acquire));
            wake = after(self.0.began + last_end, limit);
            if wake <= now {
                return;
            }
        }
    }
}

fn after(instant: Instant, duration: Duration) -> Instant {
    // The largest durations mean "never", and ten years are never.
    const NEVER: Duration = Duration::from_hours(10 * 365 * 24);
    instant + duration.min(NEVER)
}

/// A request that has not been answered to its end.
#[derive(Debug)]
pub(super) struct InFlight(Activity);

impl Drop for InFlight {
    fn drop(&mut self) {
        let inner = &self.0.0;
        let now = u64::try_from(inner.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        inner.last_end.store(now, Ordering::Release);
        inner.in_flight.fetch_sub(1, Ordering::AcqRel);
    }
}

pin_project! {
    /// A response body that keeps its request in flight.
    #[derive(Debug)]
    pub(super) struct Tracked<B> {
        #[pin]
        body: B,
        in_flight: Option<InFlight>,
    }
}

impl<B> Tracked<B> {
    pub(super) fn new(body: B, in_flight: Option<InFlight>) -> Self {
        Self { body, in_flight }
    }
}

impl<B: Body> Body for Tracked<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        self.project().body.poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::{sleep, timeout};

    use super::*;

    const LIMIT: Duration = Duration::from_mins(1);

    fn seconds(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    #[tokio::test(start_paused = true)]
    async fn silence_is_counted_from_the_end_of_the_last_request() {
        let activity = Activity::new();
        let start = Instant::now();
        let other = activity.clone();
        tokio::spawn(async move {
            sleep(seconds(10)).await;
            let long = other.begin();
            sleep(seconds(20)).await;
            drop(other.begin());
            sleep(seconds(70)).await;
            drop(long); // at 100 s
        });
        activity.silence(LIMIT).await;
        assert_eq!(start.elapsed().as_secs(), 160);
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_that_never_sends_a_request_is_silent() {
        let activity = Activity::new();
        let start = Instant::now();
        activity.silence(LIMIT).await;
        assert_eq!(start.elapsed().as_secs(), 60);
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_in_flight_is_never_silence() {
        let activity = Activity::new();
        let _in_flight = activity.begin();
        assert!(
            timeout(1000 * LIMIT, activity.silence(LIMIT))
                .await
                .is_err()
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_later_question_is_not_answered_from_the_past() {
        let activity = Activity::new();
        sleep(10 * LIMIT).await;
        let start = Instant::now();
        activity.silence(seconds(5)).await;
        assert_eq!(start.elapsed().as_secs(), 5);
    }

    #[tokio::test(start_paused = true)]
    async fn the_longest_limit_is_no_overflow() {
        let activity = Activity::new();
        let silence = activity.silence(Duration::MAX);
        assert!(timeout(1000 * LIMIT, silence).await.is_err());
    }
}
