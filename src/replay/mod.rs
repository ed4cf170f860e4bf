//! Replay protection for DPoP proofs (RFC 9449 §11.1): each accepted proof is recorded once, and refused when it comes again.
//!
//! [`ReplayStore`] is the contract, [`MemoryReplayStore`] the store for a single process. Several instances that accept
//! the same tokens need one store between them: `RedisReplayStore` (feature `redis`), or one of your own, for which the rules
//! are at [`ReplayStore`].
//!
//! ```
//! use tower_fapi::{
//!     replay::{MemoryReplayStore, Recorded, ReplayKey, ReplayStore},
//!     time::Timestamp,
//! };
//!
//! # async fn example() -> Result<(), tower_fapi::replay::StoreError> {
//! let store = MemoryReplayStore::new(100_000);
//! let key = ReplayKey::new("https://as.example", &[7; 32], "e1j3V_bKic8-LAEB");
//! let now = Timestamp::from_unix(1_800_000_000);
//! let expires = Timestamp::from_unix(1_800_000_060);
//!
//! assert_eq!(store.record(key, expires, now).await?, Recorded::First);
//! assert_eq!(store.record(key, expires, now).await?, Recorded::Replayed);
//! # Ok(())
//! # }
//! ```

mod key;
mod memory;
mod recording;
#[cfg(feature = "redis")]
mod redis;
mod store;

#[cfg(feature = "redis")]
pub use self::redis::{
    DangerousRedisSettings, RedisConfigError, RedisReplayStore, RedisReplayStoreBuilder,
};
pub use key::ReplayKey;
pub use memory::MemoryReplayStore;
pub use recording::{Answer, PendingAnswer, Recording};
pub use store::{Recorded, ReplayStore, StoreError};
