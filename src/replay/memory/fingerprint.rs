//! What a key is known by within one store.

use std::hash::{BuildHasher, RandomState};

use crate::replay::ReplayKey;

/// 96 bits that stand for a [`ReplayKey`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Fingerprint {
    /// Keyed hash of the key.
    pub(super) hash: u64,
    /// A part of the key that was not hashed.
    pub(super) rest: u32,
}

/// Makes fingerprints.
///
/// The bytes of a key are those of a SHA-256, but of text the client chose, who can try `jti`s until they agree in whatever
/// bits pick the shard and the place in it, and so make one shard as long as the store, or have it searched for every record.
/// Hence a hash with a seed nobody knows: the multilinear one of Dietzfelbinger. Of any two keys that were chosen without
/// knowing the seed it makes two independent, evenly spread numbers. A hash like `SipHash` would take longer than all the rest
/// of a record.
///
/// With it 32 bits that are not hashed: a client would have to find the same there too in order to have somebody else's proof
/// refused.
pub(super) struct Seed {
    first: u128,
    second: u128,
    sum: u128,
}

impl Fingerprint {
    /// Picks the shard, of no more than 65 536: by the top of the hash, since tags take the rest.
    pub(super) const fn shard(&self) -> usize {
        (self.hash >> 48) as usize
    }
}

impl Seed {
    pub(super) fn new() -> Self {
        let random = RandomState::new();
        let wide = |n: u8| {
            u128::from(random.hash_one((n, 0u8))) << 64 | u128::from(random.hash_one((n, 1u8)))
        };
        Self {
            first: wide(1),
            second: wide(2),
            sum: wide(3),
        }
    }

    pub(super) fn fingerprint(&self, key: &ReplayKey) -> Fingerprint {
        let (words, _) = key.as_bytes().as_chunks();
        let word = |n: usize| u64::from_le_bytes(words.get(n).copied().unwrap_or_default());
        let sum = self
            .sum
            .wrapping_add(self.first.wrapping_mul(u128::from(word(0))))
            .wrapping_add(self.second.wrapping_mul(u128::from(word(1))));
        // The top half is the one that is evenly spread.
        let hash = (sum >> 64) as u64;
        Fingerprint {
            hash,
            rest: (word(2) & 0xffff_ffff) as u32,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn key(n: u32) -> ReplayKey {
        ReplayKey::new("https://as.example", &[7; 32], &n.to_string())
    }

    #[test]
    fn keys_are_spread_over_shards_and_lines() {
        let seed = Seed::new();
        let fingerprints: Vec<_> = (0..10_000).map(|n| seed.fingerprint(&key(n))).collect();
        // What picks the shard, tells tags apart, and picks the bucket.
        for part in [48, 58, 32, 42, 26] {
            let mut counts = [0; 64];
            for fingerprint in &fingerprints {
                counts[(fingerprint.hash >> part & 63) as usize] += 1;
            }
            // 156 on average, with a deviation of 12.
            assert!(
                counts.iter().all(|count| (70..250).contains(count)),
                "{counts:?}"
            );
        }
        let rests: HashSet<_> = fingerprints.iter().map(|it| it.rest).collect();
        assert!(rests.len() > 9_990);
    }

    #[test]
    fn each_store_has_a_seed_of_its_own() {
        let (one, other) = (Seed::new(), Seed::new());
        let differ = |n| {
            let (a, b) = (one.fingerprint(&key(n)), other.fingerprint(&key(n)));
            assert_eq!(a, one.fingerprint(&key(n)));
            a.hash != b.hash && a.rest == b.rest
        };
        assert!((0..100).all(differ));
    }
}
