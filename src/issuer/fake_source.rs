//! An issuer made of memory, for tests that move time themselves.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::time::{Instant, sleep};

use super::{
    FetchError, IssuerKeys,
    live::{Live, Settings},
    source::{Fetched, Source},
};
use crate::{
    jose::{Jwk, JwkSet, JwsAlgorithm, PrivateJwk},
    time::{Clock, Timestamp},
};

pub(super) const LIFETIME: Duration = Duration::from_secs(600);
pub(crate) const MAXIMUM_AGE: Duration = Duration::from_hours(2);
pub(super) const COOL_DOWN: Duration = Duration::from_secs(30);
pub(super) const TIMEOUT: Duration = Duration::from_secs(10);

pub(super) const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Keys that are fetched from a [`World`].
pub(crate) struct Fake {
    pub(super) live: Arc<Live>,
    world: Arc<World>,
    clock: Arc<dyn Clock>,
}

/// What the issuer answers.
pub(super) struct World {
    answer: Mutex<Result<JwkSet, FetchError>>,
    takes: Mutex<Duration>,
    fetches: AtomicUsize,
    keys: Mutex<HashMap<String, Jwk>>,
}

struct FakeSource(Arc<World>);

impl Source for FakeSource {
    async fn fetch(&mut self, _now: Timestamp) -> Result<Fetched, FetchError> {
        self.0.fetches.fetch_add(1, Ordering::SeqCst);
        let answer = self.0.answer.lock().unwrap().clone();
        // A fetch that takes no time at all would hide what happens in between.
        let takes = *self.0.takes.lock().unwrap();
        sleep(takes + Duration::from_millis(1)).await;
        Ok(Fetched {
            set: answer?,
            lifetime: LIFETIME,
        })
    }
}

/// A clock that goes as fast as Tokio's.
struct TokioClock(Instant);

impl Clock for TokioClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix(1_800_000_000).plus(self.0.elapsed())
    }
}

impl World {
    /// The public key of this name: always the same one.
    fn key(&self, name: &str) -> Jwk {
        let mut keys = self.keys.lock().unwrap();
        let generate = || {
            let key = PrivateJwk::generate(JwsAlgorithm::Es256).unwrap();
            key.public().clone().with_kid(name)
        };
        keys.entry(name.to_owned()).or_insert_with(generate).clone()
    }

    /// Whether a task still fetches from here.
    pub(super) fn is_watched(self: &Arc<Self>) -> bool {
        Arc::strong_count(self) > 1
    }
}

impl Fake {
    pub(crate) fn start<'a>(keys: impl IntoIterator<Item = &'a str>) -> Self {
        Self::start_with(keys, TokioClock(Instant::now()))
    }

    pub(super) fn start_with<'a>(
        keys: impl IntoIterator<Item = &'a str>,
        clock: impl Clock,
    ) -> Self {
        let world = Arc::new(World {
            answer: Mutex::new(Err(FetchError::Timeout)),
            takes: Mutex::new(Duration::ZERO),
            fetches: AtomicUsize::new(0),
            keys: Mutex::default(),
        });
        let settings = Settings {
            maximum_age: MAXIMUM_AGE,
            cool_down: COOL_DOWN,
            timeout: TIMEOUT,
            recipient: false,
        };
        let clock: Arc<dyn Clock> = Arc::new(clock);
        let source = FakeSource(world.clone());
        let live = Live::spawn(
            "https://as.example".to_owned(),
            source,
            settings,
            clock.clone(),
        );
        let fake = Self {
            live: Arc::new(live),
            world,
            clock,
        };
        fake.publish(keys);
        fake
    }

    /// From now on these are the issuer's keys.
    pub(crate) fn publish<'a>(&self, keys: impl IntoIterator<Item = &'a str>) {
        let keys = keys.into_iter().map(|name| self.world.key(name));
        self.publish_set(JwkSet::new(keys));
    }

    /// The same, with keys from elsewhere.
    pub(crate) fn publish_set(&self, set: JwkSet) {
        *self.world.answer.lock().unwrap() = Ok(set);
    }

    pub(crate) fn keys(&self) -> IssuerKeys {
        IssuerKeys::live(self.live.clone())
    }

    /// From now on this key is the only one, and has another name.
    pub(super) fn publish_renamed(&self, key: &str, name: &str) {
        let key = self.world.key(key).with_kid(name);
        *self.world.answer.lock().unwrap() = Ok(JwkSet::new([key]));
    }

    pub(crate) fn fail(&self, error: FetchError) {
        *self.world.answer.lock().unwrap() = Err(error);
    }

    /// From now on a fetch takes this long.
    pub(super) fn takes(&self, time: Duration) {
        *self.world.takes.lock().unwrap() = time;
    }

    pub(super) fn fetches(&self) -> usize {
        self.world.fetches.load(Ordering::SeqCst)
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(super) fn generation(&self) -> Option<u64> {
        let current = self.live.current(self.now());
        let generation = self.live.generation(self.now());
        assert_eq!(
            generation,
            current.map(|snapshot| snapshot.generation),
            "of the same keys"
        );
        generation
    }

    /// The names of the current keys.
    pub(super) fn kids(&self) -> Vec<String> {
        let snapshot = self.live.current(self.now()).unwrap();
        let keys = snapshot.keys.keys().iter();
        keys.map(|key| key.kid().unwrap().to_owned()).collect()
    }

    /// Waits for the first keys and gives their generation.
    pub(crate) async fn settled(&self) -> u64 {
        self.live.obtain(self.now()).await.unwrap().generation
    }

    /// Waits until a refresh has just been made.
    pub(crate) async fn rest(&self) {
        let fetches = self.fetches();
        while self.fetches() == fetches {
            sleep(secs(1)).await;
        }
        sleep(secs(1)).await;
    }

    /// Lets go of the handle and keeps the world.
    pub(super) fn drop_handle(self) -> Arc<World> {
        self.world
    }
}
