//! The replay store that several instances share.

mod builder;
#[cfg(test)]
mod tests;

use std::{fmt, sync::Arc};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use redis::{Value, cmd};
use thiserror::Error;

pub use self::builder::{DangerousRedisSettings, RedisReplayStoreBuilder};
use super::{Answer, Recorded, Recording, ReplayKey, ReplayStore, StoreError};
pub use crate::redis::RedisConfigError;
use crate::{
    redis::{Client, Failure, MAX_DIFFERENCE},
    time::Timestamp,
};

/// Remembers proofs in a Redis or Valkey server, for several instances that accept the same tokens.
///
/// ```
/// use tower_fapi::replay::RedisReplayStore;
///
/// # fn example() -> Result<(), tower_fapi::replay::RedisConfigError> {
/// let store = RedisReplayStore::new("rediss://api:secret@redis.example.com/0")?;
/// # Ok(()) }
/// ```
///
/// Nothing is connected before the first proof comes, or [`ready`](Self::ready) is asked, so a service starts while Redis
/// is down. It is asked on the Tokio runtime of the request, with I/O and time enabled. Cheap to clone; clones share one
/// connection, on which commands follow each other without waiting for answers.
///
/// # What is written
///
/// One atomic command for each proof, `SET prefix:hash 1 NX EX seconds`. Redis keeps a key by which nobody can tell the
/// proof, the client or the token: the [`ReplayKey`], 43 characters after the prefix.
///
/// A command is never sent twice. If its answer is lost, nobody knows whether the proof is on record, and the request is
/// answered 503; should the client send the very same proof again, it is refused as replayed or answered 503, never
/// accepted on the strength of a guess. A client that makes a new proof for each attempt, as it has to (RFC 9449 §4.2:
/// a `jti` is unique), notices nothing but the delay.
///
/// # When Redis cannot be asked
///
/// Then nothing is accepted. An answer that does not come within the
/// [response time limit](RedisReplayStoreBuilder::response_time_limit), an error, a replica that takes no writes, anything
/// but the two answers that the command has is [`StoreError::Unavailable`], and `OOM` is [`StoreError::Full`]. The
/// connection is then given up and another one made by the next request, at most one at a time and not more often than
/// every 400 ms as long as that fails; requests that come meanwhile are answered at once. Service is back within two
/// seconds of Redis' return.
///
/// # Whose clock counts
///
/// Redis is told how many seconds a record has to live, not when it ends, so that it does not matter what time it thinks
/// it is. To what is left of the proof's life a minute is added, since another instance with a slower clock
/// accepts the proof for longer. That a minute is enough is checked: an instance whose clock is more than 30 s away from
/// that of the Redis server gets [`StoreError::Unavailable`] until one of the clocks is set right.
///
/// # When Redis forgets
///
/// A server that was started anew may have lost its last records, or all; a replica that took over has not seen the last
/// ones. The store notices that it talks to another server process than before (`run_id`) and answers
/// [`StoreError::Unavailable`] for proofs that could have been recorded by the former: those that were issued
/// before. New ones pass. See [`proof_lifetime`](RedisReplayStoreBuilder::proof_lifetime).
///
/// A server that evicts records when its memory is full is refused, see
/// [`accept_eviction`](DangerousRedisSettings::accept_eviction).
///
/// # What the Redis user needs
///
/// The commands `SET` and `TIME`, and `INFO` for what the last two paragraphs say:
/// `user api on >secret resetkeys ~tower-fapi:replay:* -@all +set +time +info`. Redis 5 or newer, or Valkey. One primary
/// (or what stands for it under one address); Redis Cluster is not spoken, its redirections are errors.
#[derive(Clone)]
pub struct RedisReplayStore {
    prefix: Arc<str>,
    client: Arc<Client>,
}

/// There is nothing to ask Redis for such a proof.
#[derive(Debug, Error)]
#[error("the proof has expired")]
struct Expired;

impl RedisReplayStore {
    /// A store at this URL, with the defaults of [`RedisReplayStoreBuilder`].
    ///
    /// # Errors
    ///
    /// [`RedisConfigError`], see [`builder`](Self::builder).
    pub fn new(url: &str) -> Result<Self, RedisConfigError> {
        Self::builder(url)?.build()
    }

    /// Settings of a store at this URL: `redis://[user][:password@]host[:port][/database]`, the same with `rediss` for TLS,
    /// or `unix:///path[?db=…&user=…&pass=…]`. `valkey`, `valkeys` and `redis+unix` are the same.
    ///
    /// # Errors
    ///
    /// [`RedisConfigError::Url`] if it is none of these.
    pub fn builder(url: &str) -> Result<RedisReplayStoreBuilder, RedisConfigError> {
        RedisReplayStoreBuilder::new(url)
    }

    /// Asks the server whether it is there, connecting if need be: for health checks, and for a service that prefers not to
    /// start without it.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`], with the reason, no later than the response time limit.
    pub async fn ready(&self) -> Result<(), StoreError> {
        Ok(self.client.ready().await?)
    }

    /// The server behind it, for other stores in the same place.
    #[cfg(feature = "authorization-server")]
    pub(crate) const fn client(&self) -> &Arc<Client> {
        &self.client
    }
}

/// The one command: writes the record unless there is one.
async fn set_if_absent(
    client: &Client,
    key: &str,
    expires: Timestamp,
    now: Timestamp,
) -> Result<Recorded, Failure> {
    let turn = client.turn().await?;
    turn.check_clock(now).await?;
    turn.check_doubt(expires)?;
    let mut command = cmd("SET");
    // Redis keeps one object for all values that are small numbers.
    command.arg(key).arg("1").arg("NX");
    command.arg("EX").arg(seconds_to_live(expires, now));
    match turn.write(command).await? {
        Value::Okay => Ok(Recorded::First),
        Value::Nil => Ok(Recorded::Replayed),
        other => Err(Failure::unexpected(&other)),
    }
}

/// How much longer than its proof a record lives, in seconds: as far as the clocks of two instances may be apart.
const FOR_OTHER_CLOCKS: i64 = 2 * MAX_DIFFERENCE;

/// More seconds than this Redis does not count.
const FOREVER: i64 = 9_000_000_000_000;

/// How long a record has to live. It counts from when Redis gets the command, which is not before `now`.
fn seconds_to_live(expires: Timestamp, now: Timestamp) -> i64 {
    let left = expires.as_unix().saturating_sub(now.as_unix());
    // The last second belongs to it.
    left.saturating_add(1 + FOR_OTHER_CLOCKS).min(FOREVER)
}

impl ReplayStore for RedisReplayStore {
    fn record(&self, key: ReplayKey, expires: Timestamp, now: Timestamp) -> Recording {
        // Whether it was recorded before cannot be told: that record may be gone.
        if expires < now {
            return Recording::ready(Err(StoreError::unavailable(Expired)));
        }
        let client = Arc::clone(&self.client);
        let key = format!("{}{}", self.prefix, URL_SAFE_NO_PAD.encode(key.as_bytes()));
        Recording::pending(Box::pin(async move {
            let answer: Answer = Ok(set_if_absent(&client, &key, expires, now).await?);
            answer
        }))
    }
}

impl From<Failure> for StoreError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::OutOfMemory(_) => Self::Full,
            other => Self::unavailable(other),
        }
    }
}

impl fmt::Debug for RedisReplayStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisReplayStore")
            .field("address", self.client.address())
            .field("prefix", &self.prefix)
            .field("response_time_limit", &self.client.limit())
            .field("max_waiting", &self.client.max_waiting())
            .finish_non_exhaustive()
    }
}
