//! One Redis or Valkey server, as the stores in it ask it.
//!
//! Nothing here knows what is stored. Commands follow each other over one connection; each is sent once, is answered within
//! a time or fails, and a connection that failed is replaced by whoever comes next.

mod address;
mod config_error;
mod failure;
mod link;
mod links;
mod server;

use std::{fmt, sync::Arc, time::Duration};

use redis::{Cmd, Value};
use tokio::{
    runtime::Handle,
    sync::{Semaphore, SemaphorePermit},
    time::{Instant, timeout_at},
};

pub use self::config_error::RedisConfigError;
use self::link::Link;
pub(crate) use self::{address::ParsedUrl, failure::Failure, link::MAX_DIFFERENCE, links::Links};
use crate::time::Timestamp;

/// A server, and how patiently it is asked.
pub(crate) struct Client {
    limit: Duration,
    max_waiting: usize,
    replicas: u8,
    places: Semaphore,
    links: Arc<Links>,
}

impl Client {
    pub(crate) fn new(links: Links, limit: Duration, max_waiting: usize, replicas: u8) -> Self {
        Self {
            limit,
            max_waiting,
            replicas,
            places: Semaphore::new(max_waiting),
            links: Arc::new(links),
        }
    }

    pub(crate) const fn limit(&self) -> Duration {
        self.limit
    }

    pub(crate) const fn max_waiting(&self) -> usize {
        self.max_waiting
    }

    /// The server without user and password.
    pub(crate) fn address(&self) -> &impl fmt::Debug {
        self.links.address()
    }

    /// Asks whether the server is there, connecting if need be.
    pub(crate) async fn ready(&self) -> Result<(), Failure> {
        let deadline = self.deadline()?;
        let link = self.link(deadline).await?;
        self.wait_for(&link, deadline, link.ask_time()).await
    }

    /// A connection, and the time from now on in which all that is asked over it has to be answered.
    pub(crate) async fn turn(&self) -> Result<Turn<'_>, Failure> {
        let deadline = self.deadline()?;
        let Ok(place) = self.places.try_acquire() else {
            return Err(Failure::TooManyWaiting(self.max_waiting));
        };
        Ok(Turn {
            link: self.link(deadline).await?,
            client: self,
            deadline,
            _place: place,
        })
    }

    fn deadline(&self) -> Result<Instant, Failure> {
        match Handle::try_current() {
            Ok(_) => Ok(Instant::now() + self.limit),
            Err(_) => Err(Failure::NoRuntime),
        }
    }

    async fn link(&self, deadline: Instant) -> Result<Arc<Link>, Failure> {
        let link = timeout_at(deadline, self.links.get()).await;
        link.unwrap_or(Err(Failure::NoAnswer(self.limit)))
    }

    /// Waits for the answer to a command, and gives up the connection if the answer says so, or did not come.
    async fn wait_for<T>(
        &self,
        link: &Arc<Link>,
        deadline: Instant,
        command: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        // Most of the time may have gone into connecting, which is not the connection's fault.
        let fair = deadline.duration_since(Instant::now()) > self.limit / 2;
        match timeout_at(deadline, command).await {
            Ok(Ok(answer)) => {
                self.links.served(link);
                Ok(answer)
            }
            Ok(Err(failure)) => {
                if failure.condemns_connection() {
                    self.links.lost(link.id(), &failure);
                }
                Err(failure)
            }
            Err(_) => {
                let failure = Failure::NoAnswer(self.limit);
                if fair {
                    self.links.lost(link.id(), &failure);
                }
                Err(failure)
            }
        }
    }
}

/// The right to ask, until it is dropped.
pub(crate) struct Turn<'a> {
    client: &'a Client,
    link: Arc<Link>,
    deadline: Instant,
    _place: SemaphorePermit<'a>,
}

impl Turn<'_> {
    /// Whether the clock that shows `now` and the server's are close enough.
    pub(crate) async fn check_clock(&self, now: Timestamp) -> Result<(), Failure> {
        if self.link.check_clock(now).is_err() {
            // What is known of Redis' clock may be old: this machine was asleep, or either clock has been set.
            let asking = self.link.ask_time();
            self.client
                .wait_for(&self.link, self.deadline, asking)
                .await?;
            self.link.check_clock(now)?;
        }
        Ok(())
    }

    /// Whether what is acceptable until `expires` can have been recorded only where it would be found.
    pub(crate) fn check_doubt(&self, expires: Timestamp) -> Result<(), Failure> {
        self.client.links.check_doubt(expires)
    }

    /// Asks something that changes nothing.
    pub(crate) async fn read(&self, command: &Cmd) -> Result<Value, Failure> {
        let asking = self.link.ask(command);
        self.client
            .wait_for(&self.link, self.deadline, asking)
            .await
    }

    /// Asks something that changes what is stored, on as many replicas as was set.
    pub(crate) async fn write(&self, command: Cmd) -> Result<Value, Failure> {
        let replicas = self.client.replicas;
        if replicas == 0 {
            return self.read(&command).await;
        }
        let patience = self.client.limit / 2;
        let asking = self.link.ask_replicated(command, replicas, patience);
        self.client
            .wait_for(&self.link, self.deadline, asking)
            .await
    }
}
