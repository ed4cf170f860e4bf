//! The store that several instances share.

use std::{fmt, sync::Arc};

use redis::{Cmd, Value, cmd};

use super::{Record, RecordKey, RecordKind, Store, StoreError, StoreFuture};
use crate::{
    jose::{base64url, sha256},
    redis::{Client, Failure},
    replay::RedisReplayStore,
    time::Timestamp,
};

/// Keeps records in a Redis or Valkey server, for several instances of an authorization server, or one that is to lose
/// nothing when it is started anew.
///
/// [`AuthorizationServerBuilder::redis`](crate::authorization_server::AuthorizationServerBuilder::redis) sets it together
/// with the store for what may be used once, which is what most need. All settings are those of the
/// [`RedisReplayStoreBuilder`](crate::replay::RedisReplayStoreBuilder): address, TLS, patience, replicas to wait for.
///
/// # What is written
///
/// Each operation is one command, which Redis carries out as a whole:
///
/// | | |
/// |---|---|
/// | [`put`](Store::put) | `SET key value EX seconds` |
/// | [`get`](Store::get) | `GET key` |
/// | [`replace`](Store::replace) | `SET key value XX GET EX seconds` |
/// | [`take`](Store::take) | `GETDEL key` |
///
/// A key is `tower-fapi:as:`, a hash of the issuer, the kind of record and its identifier: servers with different issuers
/// may share a Redis, and none finds a session or token of another. Identifiers are hashes, so that nothing in a key can be
/// redeemed. Values are JSON in clear. They hold no token, code, cookie or password; but they say who has signed in, what they
/// approved for whom, and every payment on its way, and so do the files that Redis writes. Treat them as you treat a database
/// of customers: TLS, a user of its own, an encrypted disk.
///
/// Redis 6.2 or newer, or any Valkey. The user needs
/// `~tower-fapi:* -@all +set +get +getdel +time +info`, and `+wait` where replicas are waited for.
///
/// # Whose clock counts
///
/// Redis is told how many seconds a record has to live, as the instance that writes it counts them: it is the stopwatch of
/// all instances, and it does not matter what time it believes it is.
///
/// # When Redis cannot be asked
///
/// Then nothing is decided: [`StoreError`], which answers 503. A command is never sent twice. If its answer is lost, nobody
/// knows whether it was carried out; a code may have been spent by a request that got 503, and whoever comes again with it is
/// refused, never served on the strength of a guess. `OOM` is [`StoreError::Full`]: until there is room again, sessions and
/// refresh tokens can be ended, but nothing is approved or redeemed, and no single access token of a person is revoked.
/// A server that drops records when its memory is full is refused, see
/// [`accept_eviction`](crate::replay::DangerousRedisSettings::accept_eviction).
///
/// # When Redis forgets
///
/// What is lost in a restart or a failover is mostly harmless: a session, request or grant that is gone has to be made anew. But
/// a code that was spent in the very last moment may be fresh again, and a revoked grant alive. The code is still bound to
/// its client, to PKCE and to a DPoP key; who wants to exclude it nevertheless has Redis write to disk each time
/// (`appendfsync always`) and waits for its replicas
/// ([`wait_for_replicas`](crate::replay::RedisReplayStoreBuilder::wait_for_replicas)).
#[derive(Clone)]
pub struct RedisStore {
    prefix: Arc<str>,
    client: Arc<Client>,
}

impl RedisStore {
    /// A store for the server with this issuer, in the same Redis as these proofs and over the same connection.
    #[must_use]
    pub fn beside(replay: &RedisReplayStore, issuer: &str) -> Self {
        let issuer = base64url::encode(sha256(issuer.as_bytes()));
        // Enough to keep a few servers apart, and it stands in every key.
        let short: String = issuer.chars().take(22).collect();
        Self {
            prefix: format!("tower-fapi:as:{short}:").into(),
            client: Arc::clone(replay.client()),
        }
    }

    /// Asks the server whether it is there, connecting if need be: for health checks, and for a service that prefers not to
    /// start without it.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`], with the reason, no later than the response time limit.
    pub async fn ready(&self) -> Result<(), StoreError> {
        let answer = self.client.ready().await;
        answer.map_err(|failure| StoreError::Unavailable(failure.to_string()))
    }

    fn command(&self, name: &str, key: RecordKey) -> Cmd {
        let mut command = cmd(name);
        command.arg(format!("{}{key}", self.prefix));
        command
    }

    /// Writes, and reads what was there before.
    async fn write(&self, command: Cmd) -> Result<Value, Failure> {
        self.client.turn().await?.write(command).await
    }

    async fn read(&self, command: &Cmd) -> Result<Value, Failure> {
        self.client.turn().await?.read(command).await
    }
}

impl Store for RedisStore {
    fn put(&self, key: RecordKey, record: Record, now: Timestamp) -> StoreFuture<'_, ()> {
        Box::pin(async move {
            // Redis refuses a time of zero; nobody would find such a record.
            let Some(seconds) = seconds_to_live(&record, now) else {
                return self.take(key, now).await.map(|_| ());
            };
            let mut command = self.command("SET", key);
            command.arg(record.value).arg("EX").arg(seconds);
            let answer = self.write(command).await.and_then(|answer| match answer {
                Value::Okay => Ok(()),
                other => Err(Failure::unexpected(&other)),
            });
            answer.map_err(|failure| error(failure, key.kind()))
        })
    }

    fn get(&self, key: RecordKey, _: Timestamp) -> StoreFuture<'_, Option<Vec<u8>>> {
        Box::pin(async move {
            let command = self.command("GET", key);
            let answer = self.read(&command).await.and_then(value);
            answer.map_err(|failure| error(failure, key.kind()))
        })
    }

    fn replace(
        &self,
        key: RecordKey,
        record: Record,
        now: Timestamp,
    ) -> StoreFuture<'_, Option<Vec<u8>>> {
        Box::pin(async move {
            let Some(seconds) = seconds_to_live(&record, now) else {
                return self.take(key, now).await;
            };
            let mut command = self.command("SET", key);
            command.arg(record.value).arg("XX").arg("GET");
            command.arg("EX").arg(seconds);
            let answer = self.write(command).await.and_then(value);
            answer.map_err(|failure| error(failure, key.kind()))
        })
    }

    fn take(&self, key: RecordKey, _: Timestamp) -> StoreFuture<'_, Option<Vec<u8>>> {
        Box::pin(async move {
            let command = self.command("GETDEL", key);
            let answer = self.write(command).await.and_then(value);
            answer.map_err(|failure| error(failure, key.kind()))
        })
    }
}

/// More seconds than this Redis does not count.
const FOREVER: i64 = 9_000_000_000_000;

fn seconds_to_live(record: &Record, now: Timestamp) -> Option<i64> {
    let left = record.expires.as_unix().saturating_sub(now.as_unix());
    (left > 0).then_some(left.min(FOREVER))
}

fn value(answer: Value) -> Result<Option<Vec<u8>>, Failure> {
    match answer {
        Value::Nil => Ok(None),
        Value::BulkString(value) => Ok(Some(value)),
        other => Err(Failure::unexpected(&other)),
    }
}

fn error(failure: Failure, kind: RecordKind) -> StoreError {
    match failure {
        Failure::OutOfMemory(_) => StoreError::Full(kind),
        other => StoreError::Unavailable(other.to_string()),
    }
}

impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStore")
            .field("address", self.client.address())
            .field("prefix", &self.prefix)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_unix(second)
    }

    #[test]
    fn a_record_lives_for_as_long_as_it_has_left() {
        for (expires, now, expected) in [
            (160, 100, Some(60)),
            (101, 100, Some(1)),
            (100, 100, None),
            (99, 100, None),
            (i64::MIN, i64::MAX, None),
            (i64::MAX, i64::MIN, Some(FOREVER)),
        ] {
            let (value, expires) = (Vec::new(), at(expires));
            let left = seconds_to_live(&Record { value, expires }, at(now));
            assert_eq!(left, expected, "{expires:?} {now}");
        }
    }

    // RFC 9700 §4.4: what one server issued means nothing to another.
    #[test]
    fn each_issuer_has_keys_of_its_own() {
        let replay = RedisReplayStore::new("redis://user:secret@127.0.0.1:1").unwrap();
        let stores = [
            "https://as.example",
            "https://as.example/",
            "https://b.example",
        ]
        .map(|issuer| RedisStore::beside(&replay, issuer));
        let key = RecordKey::of_secret(RecordKind::Code, "the code");
        let keys = stores
            .each_ref()
            .map(|store| format!("{}{key}", store.prefix));
        assert!(keys[0] != keys[1] && keys[1] != keys[2] && keys[0] != keys[2]);
        for key in keys {
            let parts: Vec<_> = key.split(':').collect();
            assert!(matches!(parts[..], ["tower-fapi", "as", issuer, "code", id]
                if issuer.len() == 22 && id.len() == 43));
        }
        assert!(!format!("{stores:?}").contains("secret"));
    }
}
