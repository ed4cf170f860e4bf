//! Tokens whose signature need not be verified again.

use moka::sync::Cache;

use crate::{jose::sha256, token::AccessToken};

/// SHA-256 of an access token: its name in the cache, and what `ath` of a proof has to be (RFC 9449 §4.2).
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(super) struct TokenHash(pub(super) [u8; 32]);

impl TokenHash {
    pub(super) fn of(token: &str) -> Self {
        Self(sha256(token.as_bytes()))
    }
}

/// A token that has been verified, and under what.
#[derive(Clone, Debug)]
pub(super) struct CachedToken {
    pub(super) token: AccessToken,
    /// Position of its issuer among those that are trusted.
    pub(super) issuer: usize,
    /// The issuer's keys at that time. Once they have changed, the token has to be verified anew: its key may be gone.
    pub(super) generation: u64,
}

/// Verified tokens, at most so many bytes of them. Any of them may be forgotten at any time.
#[derive(Debug)]
pub(super) struct TokenCache(Cache<TokenHash, Entry>);

#[derive(Clone, Debug)]
struct Entry {
    cached: CachedToken,
    weight: u32,
}

/// What an entry costs beside the claims, and how much longer claims are in memory than in the token: both generous.
const OVERHEAD: usize = 1024;
const EXPANSION: usize = 4;

impl TokenCache {
    pub(super) fn new(max_bytes: u64) -> Self {
        let cache = Cache::builder()
            .max_capacity(max_bytes)
            .weigher(|_, entry: &Entry| entry.weight)
            .build();
        Self(cache)
    }

    pub(super) fn get(&self, hash: TokenHash) -> Option<CachedToken> {
        self.0.get(&hash).map(|entry| entry.cached)
    }

    pub(super) fn insert(&self, hash: TokenHash, token_bytes: usize, cached: CachedToken) {
        let weight = token_bytes
            .saturating_mul(EXPANSION)
            .saturating_add(OVERHEAD);
        let weight = u32::try_from(weight).unwrap_or(u32::MAX);
        self.0.insert(hash, Entry { cached, weight });
    }

    pub(super) fn remove(&self, hash: TokenHash) {
        self.0.invalidate(&hash);
    }
}
