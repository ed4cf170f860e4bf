//! What a key is known by within one store.

use std::hash::{BuildHasher, RandomState};

use crate::replay::ReplayKey;

/// Stands for a [`ReplayKey`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Fingerprint {
    /// Picks the shard.
    pub(super) shard: u32,
    /// What the record is found by there. The high half, of the hash, picks the line; the low half is of the key itself.
    pub(super) id: u64,
}

/// Makes fingerprints.
///
/// The bytes of a key are those of a SHA-256, but of text the client chose, who can try `jti`s until they agree in whatever
/// bits pick the shard and the line, and so crowd one line. Hence a hash with a seed nobody knows: the multilinear one of
/// Dietzfelbinger. Of any two keys that were chosen without knowing the seed it makes two independent, evenly spread
/// numbers; a cipher-like hash would promise no more and take longer than all the rest of a record.
///
/// With it 32 bits that are not hashed. Two keys are mistaken for each other only if they agree in those, in the shard and in
/// the line; of a million live records one does so with a new key in one of 10¹⁶ cases, and it cannot be brought about, since
/// nobody can tell which keys agree in the hash.
pub(super) struct Seed {
    first: u128,
    second: u128,
    sum: u128,
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
            shard: (hash >> 32) as u32,
            id: hash << 32 | word(2) & 0xffff_ffff,
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
        for part in [
            |it: &Fingerprint| u64::from(it.shard % 64),
            |it: &Fingerprint| u64::from(it.shard >> 26),
            |it: &Fingerprint| it.id >> 58,
            |it: &Fingerprint| (it.id >> 32) % 64,
        ] {
            let mut counts = [0; 64];
            for fingerprint in &fingerprints {
                counts[usize::try_from(part(fingerprint)).unwrap()] += 1;
            }
            // 156 on average, with a deviation of 12.
            assert!(
                counts.iter().all(|count| (70..250).contains(count)),
                "{counts:?}"
            );
        }
        let ids: HashSet<_> = fingerprints.iter().map(|it| it.id).collect();
        assert_eq!(ids.len(), fingerprints.len());
    }

    #[test]
    fn each_store_has_a_seed_of_its_own() {
        let (one, other) = (Seed::new(), Seed::new());
        let differ = |n| {
            let (a, b) = (one.fingerprint(&key(n)), other.fingerprint(&key(n)));
            assert_eq!(a, one.fingerprint(&key(n)));
            a.shard != b.shard && a.id >> 32 != b.id >> 32
        };
        assert!((0..100).all(differ));
    }
}
