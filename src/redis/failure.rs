//! Why Redis did not do what it was asked to.

use std::{io, sync::Arc, time::Duration};

use redis::{RedisError, Value};
use thiserror::Error;

/// For the operator: what is wrong. No key and no password.
#[derive(Clone, Debug, Error)]
pub(crate) enum Failure {
    #[error("there is no Tokio runtime here")]
    NoRuntime,
    #[error("{0} commands are waiting already")]
    TooManyWaiting(usize),
    #[error("no answer within {0:?}")]
    NoAnswer(Duration),
    #[error("cannot connect")]
    Connect(#[source] Arc<io::Error>),
    #[error("cannot connect within {0:?}")]
    ConnectTime(Duration),
    #[error("the connection was closed")]
    Closed,
    #[error("connecting was given up with the runtime that it ran on")]
    Abandoned,
    #[error("Redis says: {0}")]
    Redis(RedisError),
    #[error("Redis has no memory left: {0}")]
    OutOfMemory(RedisError),
    #[error("Redis gave an answer that the command does not have: {0}")]
    Nonsense(&'static str),
    #[error(
        "maxmemory-policy is {0}, by which Redis forgets records when it is full; it has to be noeviction"
    )]
    Evicts(String),
    #[error("the clock is {0} s away from that of Redis; one of them is wrong")]
    Clocks(i64),
    #[error("written, but no {0} replicas had it within {1:?}")]
    NotReplicated(u8, Duration),
    #[error(
        "this proof may have been recorded before Redis was started anew or replaced by another"
    )]
    MayBeForgotten,
}

impl Failure {
    /// Whether to go on with another connection.
    pub(crate) const fn condemns_connection(&self) -> bool {
        match self {
            Self::NoAnswer(_)
            | Self::Connect(_)
            | Self::ConnectTime(_)
            | Self::Closed
            | Self::Abandoned
            | Self::Redis(_)
            | Self::Nonsense(_)
            | Self::Evicts(_) => true,
            Self::NoRuntime
            | Self::TooManyWaiting(_)
            | Self::OutOfMemory(_)
            | Self::Clocks(_)
            | Self::NotReplicated(..)
            | Self::MayBeForgotten => false,
        }
    }

    /// An answer of another kind than the command has. What it says may be anything, so only its kind is told.
    pub(crate) const fn unexpected(answer: &Value) -> Self {
        Self::Nonsense(match answer {
            Value::Nil => "nil",
            Value::Int(_) => "an integer",
            Value::BulkString(_) | Value::SimpleString(_) | Value::VerbatimString { .. } => {
                "a text"
            }
            Value::Okay => "OK",
            _ => "something else",
        })
    }
}

impl From<RedisError> for Failure {
    fn from(error: RedisError) -> Self {
        if error.code() == Some("OOM") {
            Self::OutOfMemory(error)
        } else {
            Self::Redis(error)
        }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Connect(Arc::new(error))
    }
}
