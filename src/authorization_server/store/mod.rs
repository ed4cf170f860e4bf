//! What the server has to remember between two requests, and the contract of whoever remembers it.
//!
//! [`Store`] is deliberately small: four operations on bytes under a key, each of them one command of Redis or one
//! statement of SQL. What is in the bytes is the server's affair. Several instances of a server need one store between
//! them: `RedisStore` (feature `redis`), or one of your own. [`MemoryStore`] serves a single process.

mod key;
mod memory;
mod records;
#[cfg(feature = "redis")]
mod redis;

use std::{fmt, future::Future, pin::Pin};

use thiserror::Error;

use crate::time::Timestamp;

pub(crate) use self::records::{
    Approval, ClientGrant, Code, CodeRequest, EncryptedToken, Grant, Pushed, PushedRequest,
    Records, RefreshToken, RevokedToken, Session,
};
#[cfg(feature = "redis")]
pub use self::redis::RedisStore;
pub use self::{
    key::{RecordKey, RecordKind},
    memory::MemoryStore,
};

/// Remembers records until they expire.
///
/// The rules an implementation keeps; `check_store` in the module `testing` (feature of that name) holds it to them, as far
/// as that can be done from outside:
///
/// - Each operation is atomic: of two that replace or take the same record at the same moment, exactly one sees the
///   record as it was before. A code that is redeemed once, whatever races, rests on this (RFC 6749 §4.1.2).
/// - A record whose `expires` is not later than `now` is as if it were not there. A store with a clock of its own may
///   ignore `now` but for how long a record has to live.
/// - A record that has not expired is never dropped to make room: a store that is full answers [`StoreError::Full`].
pub trait Store: fmt::Debug + Send + Sync + 'static {
    /// Stores a record, whether or not there is one under this key.
    fn put(&self, key: RecordKey, record: Record, now: Timestamp) -> StoreFuture<'_, ()>;

    /// Reads a record.
    fn get(&self, key: RecordKey, now: Timestamp) -> StoreFuture<'_, Option<Vec<u8>>>;

    /// Puts `record` in the place of the one that is there, and returns that. Does nothing if there is none.
    fn replace(
        &self,
        key: RecordKey,
        record: Record,
        now: Timestamp,
    ) -> StoreFuture<'_, Option<Vec<u8>>>;

    /// Removes a record and returns it.
    fn take(&self, key: RecordKey, now: Timestamp) -> StoreFuture<'_, Option<Vec<u8>>>;
}

/// What a [`Store`] returns.
pub type StoreFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// What is stored, and until when.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Record {
    /// The bytes, which mean nothing to the store.
    pub value: Vec<u8>,
    /// From this moment on the record is gone.
    pub expires: Timestamp,
}

/// The store could not do what it was asked to. Never the fault of who made the request: answers 503.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum StoreError {
    /// There is no room for another record of this kind.
    #[error("no room for another {0}")]
    Full(RecordKind),
    /// Whatever the records are kept in does not work. The text is for the log.
    #[error("the store does not work: {0}")]
    Unavailable(String),
}
