//! Answers that need not be asked for again.

use std::time::Duration;

use moka::sync::Cache;

use super::introspector::Outcome;
use crate::{
    issuer::IntrospectionError,
    time::Timestamp,
    token::{AccessToken, Introspected, TokenError},
};

type Key = [u8; 32];

/// How long answers are remembered, and how many.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) active_for: Duration,
    pub(super) refused_for: Duration,
    pub(super) active_bytes: u64,
}

/// Good answers and bad ones, apart: whoever sends garbage pushes out garbage.
///
/// The tokens themselves are not in here, only their hashes.
#[derive(Debug)]
pub(super) struct Memory {
    limits: Limits,
    active: Cache<Key, Kept<AccessToken>>,
    refused: Cache<Key, Kept<Refused>>,
}

#[derive(Clone, Debug)]
struct Kept<T> {
    what: T,
    asked: Timestamp,
    weight: u32,
}

/// Why a token will not pass for the moment: the token's fault, or ours.
#[derive(Clone, Debug)]
enum Refused {
    Token(TokenError),
    Failed(IntrospectionError),
}

/// Each is smaller than 512 bytes.
const MOST_REFUSED: u64 = 16 * 1024;

/// What an entry costs beside the claims, and how much longer claims are in memory than on the wire: both generous.
const OVERHEAD: usize = 1024;
const EXPANSION: usize = 4;

impl Memory {
    pub(super) fn new(limits: Limits) -> Self {
        let active = Cache::builder()
            .max_capacity(limits.active_bytes)
            .weigher(|_, kept: &Kept<AccessToken>| kept.weight)
            .build();
        Self {
            limits,
            active,
            refused: Cache::builder().max_capacity(MOST_REFUSED).build(),
        }
    }

    /// What was answered lately.
    pub(super) fn recall(&self, key: Key, now: Timestamp) -> Option<Outcome> {
        if let Some(kept) = self.active.get(&key) {
            if is_fresh(kept.asked, self.limits.active_for, now) && now < kept.what.expires_at() {
                return Some(Ok(Introspected::Active(kept.what)));
            }
            self.active.invalidate(&key);
        }
        let kept = self.refused.get(&key)?;
        if is_fresh(kept.asked, self.limits.refused_for, now) {
            return Some(match kept.what {
                Refused::Token(error) => Ok(Introspected::Refused(error)),
                Refused::Failed(error) => Err(error),
            });
        }
        self.refused.invalidate(&key);
        None
    }

    /// Remembers what was answered to a question asked then. The answer had so many bytes.
    pub(super) fn keep(&self, key: Key, outcome: &Outcome, bytes: usize, asked: Timestamp) {
        let refused = |what| Kept {
            what,
            asked,
            weight: 1,
        };
        match outcome {
            Ok(Introspected::Active(token)) => {
                let weight = bytes.saturating_mul(EXPANSION).saturating_add(OVERHEAD);
                let kept = Kept {
                    what: token.clone(),
                    asked,
                    weight: u32::try_from(weight).unwrap_or(u32::MAX),
                };
                self.refused.invalidate(&key);
                self.active.insert(key, kept);
            }
            Ok(Introspected::Refused(error)) => {
                self.active.invalidate(&key);
                self.refused
                    .insert(key, refused(Refused::Token(error.clone())));
            }
            Err(error) => {
                let kept = refused(Refused::Failed(error.clone()));
                self.refused.insert(key, kept);
            }
        }
    }

    pub(super) fn forget(&self, key: Key) {
        self.active.invalidate(&key);
        self.refused.invalidate(&key);
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> u64 {
        self.active.run_pending_tasks();
        self.refused.run_pending_tasks();
        self.active.entry_count() + self.refused.entry_count()
    }
}

/// Either way round: a clock that was set back must not make an answer good for as long as that was.
fn is_fresh(asked: Timestamp, lifetime: Duration, now: Timestamp) -> bool {
    now.since(asked) < lifetime && asked.since(now) < lifetime
}
