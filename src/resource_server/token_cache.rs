//! Tokens whose signature need not be verified again.

use std::sync::{Arc, OnceLock};

use quick_cache::{
    Weighter,
    sync::{Cache, DefaultLifecycle},
};
use rapidhash::quality::RandomState;

use crate::{
    dpop::{ProofKey, VerifiedProof},
    jose::sha256,
    token::AccessToken,
};

/// SHA-256 of an access token: its name in the cache, and what `ath` of a proof has to be (RFC 9449 §4.2).
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(super) struct TokenHash(pub(super) [u8; 32]);

impl TokenHash {
    pub(super) fn of(token: &str) -> Self {
        Self(sha256(token.as_bytes()))
    }
}

/// A token that has been verified, and under what.
#[derive(Debug)]
pub(super) struct CachedToken {
    pub(super) token: AccessToken,
    /// Position of its issuer among those that are trusted.
    pub(super) issuer: usize,
    /// The issuer's keys at that time. Once they have changed, the token has to be verified anew: its key may be gone.
    pub(super) generation: u64,
    /// The key that its first accepted proof was signed with, and so, most likely, all that follow.
    proof_key: OnceLock<Arc<ProofKey>>,
}

impl CachedToken {
    pub(super) const fn new(token: AccessToken, issuer: usize, generation: u64) -> Self {
        Self {
            token,
            issuer,
            generation,
            proof_key: OnceLock::new(),
        }
    }

    pub(super) fn proof_key(&self) -> Option<&Arc<ProofKey>> {
        self.proof_key.get()
    }

    /// Keeps the key of an accepted proof that came with the token, unless there is one. Large keys are in one place only, where
    /// they are counted.
    pub(super) fn remember_key_of(&self, proof: &VerifiedProof) {
        if proof.key().is_small() {
            self.proof_key.get_or_init(|| proof.key().clone());
        }
    }
}

/// Verified tokens, at most so many bytes of them. Any of them may be forgotten at any time; those that are used again and
/// again stay when a multitude comes by once.
///
/// To find one writes to nothing but a part of the cache and the token itself: a cache with an exact account of what is used
/// when has every request of every thread write to the same place.
#[derive(Debug)]
pub(super) struct TokenCache(Cache<TokenHash, Entry, ByWeight, RandomState>);

#[derive(Clone, Debug)]
struct Entry {
    cached: Arc<CachedToken>,
    weight: u32,
}

#[derive(Clone, Debug)]
struct ByWeight;

impl Weighter<TokenHash, Entry> for ByWeight {
    fn weight(&self, _: &TokenHash, entry: &Entry) -> u64 {
        entry.weight.into()
    }
}

/// What an entry costs beside the claims, the key of its proofs with it, and how much longer claims are in memory than in the
/// token: both generous.
const OVERHEAD: usize = 2048;
const EXPANSION: usize = 4;

/// What most entries weigh, about: that of a token of 900 bytes.
const USUAL: u64 = 5_632;
/// Entries that are reckoned with at most: the number of parts depends on it, and how many are remembered by name after they
/// were pushed out.
const FORESEEN: u64 = 65_536;

impl TokenCache {
    pub(super) fn new(max_bytes: u64) -> Self {
        let foreseen = (max_bytes / USUAL).min(FORESEEN);
        Self(Cache::with(
            usize::try_from(foreseen).unwrap_or_default(),
            max_bytes,
            ByWeight,
            // A fast one: its input is a hash, and what is kept was signed by an issuer.
            RandomState::new(),
            DefaultLifecycle::default(),
        ))
    }

    pub(super) fn get(&self, hash: TokenHash) -> Option<Arc<CachedToken>> {
        self.0.get(&hash).map(|entry| entry.cached)
    }

    pub(super) fn insert(&self, hash: TokenHash, token_bytes: usize, cached: Arc<CachedToken>) {
        let weight = token_bytes
            .saturating_mul(EXPANSION)
            .saturating_add(OVERHEAD);
        let weight = u32::try_from(weight).unwrap_or(u32::MAX);
        self.0.insert(hash, Entry { cached, weight });
    }

    pub(super) fn remove(&self, hash: TokenHash) {
        self.0.remove(&hash);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        testing::TestIssuer,
        time::Timestamp,
        token::{Compatibility, TokenRules, UnverifiedToken},
    };

    fn token() -> AccessToken {
        let (now, api) = (
            Timestamp::from_unix(1_800_000_000),
            "https://api.example.com",
        );
        let issuer = TestIssuer::new("https://as.example.com", api);
        let rules = TokenRules {
            algorithms: &[crate::jose::JwsAlgorithm::Es256],
            audiences: &[api.to_owned()],
            compatibility: Compatibility::default(),
            clock_skew: std::time::Duration::from_secs(10),
        };
        let keys = crate::jose::VerifyingKeySet::new(&issuer.jwks());
        let token = issuer.token(now).mint();
        let unverified = UnverifiedToken::parse(&token).unwrap();
        unverified.verify(&rules, &keys, now).unwrap()
    }

    // However many tokens come, so many bytes of them are kept, and those that are used again and again are among them.
    #[test]
    fn a_flood_of_tokens_pushes_out_neither_the_busy_ones_nor_the_bound() {
        const BYTES: u64 = 1024 * 1024;
        const LENGTH: usize = 900;
        let (cache, token) = (TokenCache::new(BYTES), token());
        let hash = |number: u32| TokenHash::of(&number.to_string());
        let insert = |number| {
            let token = token.clone();
            let cached = Arc::new(CachedToken::new(token, 0, 1));
            cache.insert(hash(number), LENGTH, cached);
        };
        let busy = 0..20;
        busy.clone().for_each(insert);
        for number in 1000..11_000 {
            insert(number);
            if number % 50 == 0 {
                busy.clone().for_each(|busy| drop(cache.get(hash(busy))));
                assert!(cache.0.weight() <= BYTES, "after {number}");
            }
        }
        let each = (LENGTH * EXPANSION + OVERHEAD) as u64;
        let room = BYTES / each;
        assert!((room / 2..=room).contains(&(cache.0.len() as u64)));
        for busy in busy {
            assert!(cache.get(hash(busy)).is_some(), "{busy}");
        }
    }

    #[test]
    fn what_is_removed_or_too_large_is_not_kept() {
        let token = token();
        for (case, max_bytes, token_bytes, kept) in [
            ("usual", 64 * 1024 * 1024, 900, true),
            (
                "as long as tokens may be",
                64 * 1024 * 1024,
                16 * 1024,
                true,
            ),
            ("no bound", u64::MAX, 900, true),
            ("larger than all there is", 4096, 900, false),
            ("nothing is to be kept", 0, 900, false),
        ] {
            let cache = TokenCache::new(max_bytes);
            let hash = TokenHash::of(case);
            let cached = Arc::new(CachedToken::new(token.clone(), 0, 1));
            cache.insert(hash, token_bytes, cached);
            assert_eq!(cache.get(hash).is_some(), kept, "{case}");
            cache.remove(hash);
            assert!(cache.get(hash).is_none(), "{case}");
        }
    }
}
