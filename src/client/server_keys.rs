//! The authorization server's keys, as far as the client has to verify what it signed.

use std::time::Duration;

use tokio::sync::Mutex;
use url::Url;

use crate::{
    issuer::{FetchError, Fetcher},
    jose::{CompactJws, JwkSet, JwsError, JwsHeader, VerifyingKeySet},
    time::Timestamp,
};

/// How long keys are used before they are fetched again.
const FRESH: Duration = Duration::from_hours(1);
/// How long to leave the server alone when somebody comes with a key that it does not publish.
const PAUSE: Duration = Duration::from_mins(1);

/// The keys, fetched when they are first needed and kept for an hour.
pub(super) struct ServerKeys {
    fetcher: Fetcher,
    /// Held while one caller fetches; the others wait for what it brings.
    known: Mutex<Option<Known>>,
}

struct Known {
    url: Url,
    set: JwkSet,
    keys: VerifyingKeySet,
    fetched: Timestamp,
    /// When the server was asked last, in vain or not.
    asked: Timestamp,
}

impl ServerKeys {
    pub(super) fn new(fetcher: Fetcher) -> Self {
        Self {
            fetcher,
            known: Mutex::new(None),
        }
    }

    /// Verifies a signature with whichever of the keys at `url` fits.
    pub(super) async fn verify(
        &self,
        url: &Url,
        jws: &CompactJws<'_>,
        header: &JwsHeader,
        now: Timestamp,
    ) -> Result<Result<(), JwsError>, FetchError> {
        let mut known = self.known.lock().await;
        if let Some(known) = known.as_ref()
            && known.is_younger(FRESH, url, now)
        {
            let verdict = jws.verify_with(header, &known.keys);
            // The server may have begun to use a new key.
            if verdict != Err(JwsError::NoKey) || known.was_just_asked(now) {
                return Ok(verdict);
            }
        }
        let newer = match self.fetch(url, now).await {
            Ok(newer) => newer,
            Err(error) => {
                if let Some(known) = known.as_mut() {
                    known.asked = now;
                }
                return Err(error);
            }
        };
        let verdict = jws.verify_with(header, &newer.keys);
        *known = Some(newer);
        Ok(verdict)
    }

    /// Everything that is published at `url`.
    pub(super) async fn published(&self, url: &Url, now: Timestamp) -> Result<JwkSet, FetchError> {
        let mut known = self.known.lock().await;
        if let Some(known) = known.as_ref()
            && known.is_younger(FRESH, url, now)
        {
            return Ok(known.set.clone());
        }
        let newer = self.fetch(url, now).await?;
        let set = newer.set.clone();
        *known = Some(newer);
        Ok(set)
    }

    async fn fetch(&self, url: &Url, now: Timestamp) -> Result<Known, FetchError> {
        let set = self.fetcher.key_set(url).await?;
        Ok(Known {
            url: url.clone(),
            keys: VerifyingKeySet::new(&set),
            set,
            fetched: now,
            asked: now,
        })
    }
}

impl Known {
    fn is_younger(&self, age: Duration, url: &Url, now: Timestamp) -> bool {
        // A clock that was set back does not make them fresh for longer.
        self.url == *url && self.fetched <= now && now < self.fetched.plus(age)
    }

    fn was_just_asked(&self, now: Timestamp) -> bool {
        self.asked <= now && now < self.asked.plus(PAUSE)
    }
}
