//! One connection to the server.

use std::{
    sync::atomic::{AtomicBool, AtomicI64, Ordering},
    time::{Duration, Instant},
};

use redis::{
    AsyncConnectionConfig, Cmd, FromRedisValue, Value, aio::MultiplexedConnection, cmd, pipe,
};
use tokio::task::AbortHandle;

use super::{address::Address, failure::Failure, server::ServerFacts};
use crate::time::Timestamp;

/// How many seconds the clock of an instance may be away from that of the server, either way.
pub(crate) const MAX_DIFFERENCE: i64 = 30;

/// A connection that many commands share, each waiting for its own answer.
pub(crate) struct Link {
    id: u64,
    connection: MultiplexedConnection,
    facts: ServerFacts,
    made: Instant,
    /// The server's clock in milliseconds when this link was made.
    server_clock: AtomicI64,
    served: AtomicBool,
    /// Reads and writes for all commands. Ends when the server closes the connection.
    driver: AbortHandle,
}

impl Link {
    /// Connects, signs in, and asks what has to be known of the server. `closed` is called when the connection ends.
    ///
    /// The crate's own `ConnectionManager` is not used: it stays dead when the server answers a new connection with an error,
    /// as one does that is loading its data, and it keeps a connection on which no answers come.
    pub(crate) async fn open(
        id: u64,
        address: &Address,
        max_waiting: usize,
        closed: impl FnOnce() + Send + 'static,
    ) -> Result<Self, Failure> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(None)
            .set_response_timeout(None)
            .set_pipeline_buffer_size(max_waiting);
        let stream = address.connect().await?;
        let (connection, driver) =
            MultiplexedConnection::new_with_config(address.settings(), stream, config).await?;
        let driver = tokio::spawn(async move {
            driver.await;
            closed();
        });
        let mut link = Self {
            id,
            connection,
            facts: ServerFacts::default(),
            made: Instant::now(),
            server_clock: AtomicI64::new(0),
            served: AtomicBool::new(false),
            driver: driver.abort_handle(),
        };
        link.ask_time().await?;
        link.facts = link.ask_facts().await?;
        Ok(link)
    }

    pub(crate) const fn id(&self) -> u64 {
        self.id
    }

    pub(crate) const fn facts(&self) -> &ServerFacts {
        &self.facts
    }

    /// Whether the connection has ended, or the runtime that served it.
    pub(crate) fn is_closed(&self) -> bool {
        self.driver.is_finished()
    }

    /// Notes that a command was answered; true for the first time.
    pub(crate) fn first_service(&self) -> bool {
        !self.served.load(Ordering::Relaxed) && !self.served.swap(true, Ordering::Relaxed)
    }

    /// One command and its answer.
    pub(crate) async fn ask(&self, command: &Cmd) -> Result<Value, Failure> {
        Ok(command.query_async(&mut self.connection.clone()).await?)
    }

    /// One command that writes and its answer, once so many replicas have what was written.
    pub(crate) async fn ask_replicated(
        &self,
        command: Cmd,
        replicas: u8,
        patience: Duration,
    ) -> Result<Value, Failure> {
        let milliseconds = u64::try_from(patience.as_millis()).unwrap_or(u64::MAX);
        let mut wait = cmd("WAIT");
        wait.arg(replicas).arg(milliseconds.max(1));
        let mut both = pipe();
        both.add_command(command).add_command(wait);
        let (answer, copies): (Value, Value) =
            both.query_async(&mut self.connection.clone()).await?;
        match copies {
            Value::Int(copies) if copies >= i64::from(replicas) => Ok(answer),
            Value::Int(_) => Err(Failure::NotReplicated(replicas, patience)),
            other => Err(Failure::unexpected(&other)),
        }
    }

    /// Looks at the server's clock.
    pub(crate) async fn ask_time(&self) -> Result<(), Failure> {
        let answer: Value = cmd("TIME")
            .query_async(&mut self.connection.clone())
            .await?;
        let (seconds, micros) =
            <(i64, i64)>::from_redis_value(answer).map_err(|_| Failure::Nonsense("no time"))?;
        let time = seconds.saturating_mul(1000).saturating_add(micros / 1000);
        self.server_clock
            .store(time.saturating_sub(self.age()), Ordering::Relaxed);
        Ok(())
    }

    /// Whether the clock that shows `now` and the server's are close enough.
    pub(crate) fn check_clock(&self, now: Timestamp) -> Result<(), Failure> {
        let server = self
            .server_clock
            .load(Ordering::Relaxed)
            .saturating_add(self.age());
        let ahead = now.as_unix().saturating_sub(server.div_euclid(1000));
        if ahead.saturating_abs() <= MAX_DIFFERENCE {
            Ok(())
        } else {
            Err(Failure::Clocks(ahead))
        }
    }

    fn age(&self) -> i64 {
        i64::try_from(self.made.elapsed().as_millis()).unwrap_or(i64::MAX)
    }

    /// What `INFO` says, or nothing if this user may not ask.
    async fn ask_facts(&self) -> Result<ServerFacts, Failure> {
        let mut text = String::new();
        for section in ["server", "memory"] {
            let answer = cmd("INFO")
                .arg(section)
                .query_async::<String>(&mut self.connection.clone())
                .await;
            match answer {
                Ok(part) => text.push_str(&part),
                Err(error) if matches!(error.code(), Some("NOPERM" | "ERR")) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(ServerFacts::read(&text))
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        // It would wait for answers that may never come.
        self.driver.abort();
    }
}
