//! The task that fetches keys: on time, on request, and after a failure ever more patiently.

use std::{collections::HashSet, sync::Arc, time::Duration};

use ::metrics::counter;
use tokio::time::timeout;

use super::{
    fetch_error::FetchError,
    health::FailedFetch,
    keys::KeySnapshot,
    live::{Held, Shared},
    source::{Fetched, Source},
};
use crate::{
    jose::{VerifyingKeySet, jwe::EncryptionKey},
    metrics,
    time::Timestamp,
};

/// The first wait after a failure; each further one doubles it.
const FIRST_RETRY: Duration = Duration::from_secs(1);
/// The longest wait after a failure while older keys serve.
const PATIENT: Duration = Duration::from_mins(1);
/// The longest wait after a failure while nothing serves and requests are turned away.
const URGENT: Duration = Duration::from_secs(5);

/// Fetches for ever, one fetch at a time.
pub(super) fn run(
    shared: Arc<Shared>,
    source: impl Source,
) -> impl Future<Output = ()> + Send + 'static {
    // However the task ends, be it before it has begun, nobody goes on waiting for it.
    let farewell = Farewell(shared.clone());
    async move {
        let _farewell = farewell;
        fetch_for_ever(&shared, source).await;
    }
}

async fn fetch_for_ever(shared: &Shared, mut source: impl Source) {
    let mut desk = shared.desk.subscribe();
    let mut pause = Duration::ZERO;
    loop {
        let _ = timeout(pause, desk.wait_for(|desk| desk.wanted > desk.done)).await;
        // From here on whoever wants a fetch is answered by this one.
        shared.desk.send_if_modified(|desk| {
            desk.wanted = desk.done + 1;
            desk.next = None;
            false
        });
        let now = shared.clock.now();
        let fetched = timeout(shared.settings.timeout, source.fetch(now)).await;
        let result = fetched
            .unwrap_or(Err(FetchError::Timeout))
            .and_then(|fetched| shared.accept(&fetched, now));
        pause = shared.settle(result);
    }
}

struct Farewell(Arc<Shared>);

impl Drop for Farewell {
    fn drop(&mut self) {
        self.0.desk.send_modify(|desk| desk.stopped = true);
    }
}

impl Shared {
    /// Puts fetched keys in place. Gives the time until the next fetch.
    fn accept(&self, fetched: &Fetched, now: Timestamp) -> Result<Duration, FetchError> {
        let keys = VerifyingKeySet::new(&fetched.set);
        let is_usable = if self.settings.recipient {
            fetched
                .set
                .keys()
                .iter()
                .any(|key| EncryptionKey::new(key).is_ok())
        } else {
            !keys.keys().is_empty()
        };
        if !is_usable {
            // Most likely a mistake over there. Keys that are really withdrawn end with the maximum age.
            return Err(FetchError::NoUsableKey);
        }
        let held = self.held.load();
        let snapshot = match held.as_deref() {
            Some(held) if same_keys(&held.snapshot.keys, &keys) => KeySnapshot {
                set: Arc::new(fetched.set.clone()),
                ..held.snapshot.clone()
            },
            held => KeySnapshot {
                set: Arc::new(fetched.set.clone()),
                generation: held.map_or(0, |held| held.snapshot.generation) + 1,
                keys,
            },
        };
        if held
            .as_ref()
            .is_none_or(|held| held.snapshot.generation != snapshot.generation)
        {
            let (keys, generation) = (snapshot.keys.keys().len(), snapshot.generation);
            tracing::info!(issuer = self.name, keys, generation, "issuer keys obtained");
        }
        self.held.store(Some(Arc::new(Held {
            snapshot,
            confirmed: now,
        })));
        // Before the lifetime ends, and not in step with the other instances: between 80 and 90 % of it.
        Ok(fetched.lifetime / 10 * 8 + fetched.lifetime.mul_f64(0.1 * chance()))
    }

    /// Tells everybody how it went. Gives the time until the next fetch.
    fn settle(&self, result: Result<Duration, FetchError>) -> Duration {
        let now = self.clock.now();
        let serving = self.current(now).is_some();
        // Only this task changes it.
        let before = self.desk.borrow().failures;
        let (pause, failures, error) = match result {
            Ok(until_next) => (until_next, 0, None),
            Err(error) => {
                let pause = back_off(before, serving).mul_f64(0.5 + 0.5 * chance());
                (pause, before.saturating_add(1), Some(error))
            }
        };
        let outcome = if error.is_none() { "fetched" } else { "failed" };
        let issuer = self.name.clone();
        counter!(metrics::JWKS_FETCHES, "issuer" => issuer, "outcome" => outcome).increment(1);
        match &error {
            Some(error) => tracing::warn!(
                issuer = self.name, failures, serving, %error, "issuer keys not obtained"
            ),
            None if before > 0 => tracing::info!(issuer = self.name, "issuer keys obtained again"),
            None => {}
        }
        self.desk.send_modify(|desk| {
            desk.done = desk.wanted;
            desk.next = Some(now.plus(pause));
            desk.failures = failures;
            if let Some(error) = error {
                desk.last_failure = Some(FailedFetch { at: now, error });
            }
        });
        pause
    }
}

/// Whether two sets hold the same keys under the same names, in whatever order.
fn same_keys(a: &VerifyingKeySet, b: &VerifyingKeySet) -> bool {
    let content = |set: &VerifyingKeySet| -> HashSet<_> {
        let keys = set.keys().iter();
        keys.map(|key| (key.kid().map(str::to_owned), key.thumbprint()))
            .collect()
    };
    content(a) == content(b)
}

/// The longest wait after one more failure than `failures`.
fn back_off(failures: u32, serving: bool) -> Duration {
    let longest = if serving { PATIENT } else { URGENT };
    FIRST_RETRY
        .saturating_mul(2_u32.saturating_pow(failures))
        .min(longest)
}

/// A random number from 0 to 1. Without a generator there is no jitter, and nothing else suffers.
fn chance() -> f64 {
    let mut byte = [0];
    let _ = aws_lc_rs::rand::fill(&mut byte);
    f64::from(byte[0]) / 255.0
}

#[cfg(test)]
mod tests {
    use tokio::time::sleep;

    use super::*;
    use crate::issuer::fake_source::{Fake, LIFETIME, secs};

    #[tokio::test(start_paused = true)]
    async fn rotation_is_picked_up_in_the_background_before_the_lifetime_ends() {
        let fake = Fake::start(["a"]);
        let first = fake.settled().await;
        for (keys, generation) in [
            (&["a", "b"][..], first + 1),
            (&["b"], first + 2),
            (&["b", "c"], first + 3),
        ] {
            fake.publish(keys.iter().copied());
            sleep(LIFETIME / 10 * 7).await;
            assert_ne!(fake.generation(), Some(generation), "not before it is due");
            sleep(LIFETIME / 4).await;
            assert_eq!(fake.generation(), Some(generation));
            assert_eq!(fake.kids(), keys);
            fake.rest().await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_same_keys_are_the_same_generation() {
        let fake = Fake::start(["a", "b"]);
        let first = fake.settled().await;
        for keys in [["b", "a"], ["a", "b"]] {
            fake.publish(keys);
            sleep(LIFETIME).await;
            assert_eq!(fake.generation(), Some(first), "{keys:?}");
        }
        fake.publish(["a"]);
        sleep(LIFETIME).await;
        assert_eq!(fake.generation(), Some(first + 1), "a key less");
        fake.publish_renamed("a", "z");
        sleep(LIFETIME).await;
        assert_eq!(fake.generation(), Some(first + 2), "another name");
        assert!(fake.fetches() >= 5);
    }

    #[tokio::test(start_paused = true)]
    async fn no_usable_key_is_a_failure_and_replaces_nothing() {
        let fake = Fake::start(["a"]);
        let first = fake.settled().await;
        fake.publish([]);
        sleep(LIFETIME).await;
        assert_eq!(fake.generation(), Some(first));
        let health = fake.live.health(fake.now());
        assert!(health.failures > 0);
        assert_eq!(health.last_error.unwrap().error, FetchError::NoUsableKey);

        let fake = Fake::start([]);
        assert!(fake.live.obtain(fake.now()).await.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn failed_refreshes_are_repeated_ever_more_patiently() {
        let fake = Fake::start(["a"]);
        fake.settled().await;
        sleep(LIFETIME / 2).await;
        fake.fail(FetchError::Timeout);
        sleep(LIFETIME / 2 + secs(10)).await;
        let soon = fake.fetches();
        assert!((4..=12).contains(&soon), "{soon}");
        sleep(secs(1200)).await;
        let later = fake.fetches() - soon;
        assert!((20..=50).contains(&later), "{later}");
    }

    #[tokio::test(start_paused = true)]
    async fn instances_do_not_fetch_in_step() {
        for keys in [&["a"][..], &[]] {
            let mut due = HashSet::new();
            for _ in 0..50 {
                let fake = Fake::start(keys.iter().copied());
                // Failures come closer together: the third wait is the first of which whole seconds tell anything.
                sleep(secs(5)).await;
                due.insert(
                    fake.live
                        .health(fake.now())
                        .next_refresh
                        .map(|next| next.since(fake.now())),
                );
            }
            assert!(due.len() > 1, "{keys:?}: {due:?}");
        }
    }

    #[test]
    fn waits_double_up_to_a_bound() {
        for (failures, serving, urgent) in [
            (0, 1, 1),
            (1, 2, 2),
            (2, 4, 4),
            (3, 8, 5),
            (5, 32, 5),
            (6, 60, 5),
            (40, 60, 5),
            (u32::MAX, 60, 5),
        ] {
            assert_eq!(back_off(failures, true), secs(serving));
            assert_eq!(back_off(failures, false), secs(urgent));
        }
    }

    #[test]
    fn chance_differs_and_stays_in_bounds() {
        let drawn: Vec<f64> = (0..200).map(|_| chance()).collect();
        assert!(drawn.iter().all(|chance| (0.0..=1.0).contains(chance)));
        assert!(drawn.iter().any(|chance| *chance < 0.4));
        assert!(drawn.iter().any(|chance| *chance > 0.6));
    }
}
