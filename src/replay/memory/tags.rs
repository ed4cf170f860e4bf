//! Which hashes have been seen in a shard, or look as if they had.

/// How many tags half a line of cache holds.
const TAGS: usize = 16;

/// How many of them are taken when there are as many as were made room for: few buckets overflow then.
const TAKEN: usize = 10;

/// Sixteen bits of each hash, in buckets that other bits pick: a fresh hash is told from all that were added by reading one
/// line of cache, but for one in some thousands.
///
/// At three to four bytes a record this is the only thing whose size and number of records matter to what a record costs: of a
/// million, it fits the caches. A bucket is looked through without a branch that depends on what it holds, so that the
/// processor can go on to the next record while it waits for the memory.
#[derive(Debug, Default)]
pub(super) struct Tags(Box<[Bucket]>);

/// Filled from the front; zero is free. What finds its bucket full goes to the next.
#[derive(Clone, Copy, Debug, Default)]
#[repr(align(32))]
struct Bucket([u16; TAGS]);

impl Tags {
    pub(super) fn with_room_for(hashes: usize) -> Self {
        Self(vec![Bucket::default(); hashes / TAKEN + 1].into_boxed_slice())
    }

    /// False if this hash was not added. True if it was, or another with its tag.
    pub(super) fn may_hold(&self, hash: u64) -> bool {
        let (home, tag) = (self.home(hash), tag(hash));
        let Some(bucket) = self.0.get(home) else {
            return false;
        };
        bucket.holds(tag) || (bucket.is_full() && self.may_hold_beyond(home, tag))
    }

    #[cold]
    fn may_hold_beyond(&self, home: usize, tag: u16) -> bool {
        let (before, after) = self.0.split_at(home);
        for bucket in after.iter().chain(before) {
            if bucket.holds(tag) {
                return true;
            }
            if !bucket.is_full() {
                return false;
            }
        }
        false
    }

    /// Adds a hash. False if there is no room.
    pub(super) fn add(&mut self, hash: u64) -> bool {
        let (home, tag) = (self.home(hash), tag(hash));
        match self.0.get_mut(home) {
            Some(bucket) => bucket.add(tag) || self.add_beyond(home, tag),
            None => false,
        }
    }

    #[cold]
    fn add_beyond(&mut self, home: usize, tag: u16) -> bool {
        let (before, after) = self.0.split_at_mut(home);
        after.iter_mut().chain(before).any(|it| it.add(tag))
    }

    pub(super) fn clear(&mut self) {
        self.0.fill(Bucket::default());
    }

    pub(super) fn bytes(&self) -> usize {
        size_of_val(&*self.0)
    }

    /// The low half of the hash, scaled to the number of buckets.
    fn home(&self, hash: u64) -> usize {
        (((hash & 0xffff_ffff) * self.0.len() as u64) >> 32) as usize
    }
}

impl Bucket {
    fn holds(&self, tag: u16) -> bool {
        let same = self.0.iter().map(|other| u16::from(*other == tag));
        same.fold(0, |any, same| any | same) != 0
    }

    fn is_full(&self) -> bool {
        let [.., last] = self.0;
        last != 0
    }

    fn add(&mut self, tag: u16) -> bool {
        let taken: u16 = self.0.iter().map(|tag| u16::from(*tag != 0)).sum();
        match self.0.get_mut(usize::from(taken)) {
            Some(free) => {
                *free = tag;
                true
            }
            None => false,
        }
    }
}

/// The sixteen bits above those that pick the bucket.
fn tag(hash: u64) -> u16 {
    let [_, _, _, _, a, b, ..] = hash.to_le_bytes();
    u16::from_le_bytes([a, b]).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(hashes: &[u64]) -> Tags {
        let mut tags = Tags::with_room_for(hashes.len());
        for hash in hashes {
            assert!(tags.add(*hash));
        }
        tags
    }

    fn spread(numbers: std::ops::Range<u64>) -> Vec<u64> {
        let spread = |n: u64| n.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        numbers.map(|n| spread(n) ^ spread(n) >> 29).collect()
    }

    #[test]
    fn what_was_added_is_held_and_little_else() {
        let tags = filled(&spread(1..100_000));
        assert!(spread(1..100_000).iter().all(|it| tags.may_hold(*it)));
        let others = spread(100_000..200_000);
        let mistaken = others.iter().filter(|it| tags.may_hold(**it)).count();
        assert!(mistaken < 60, "{mistaken}");
    }

    // The worst hashes: all at home in one bucket, at an end of the table or in the middle.
    #[test]
    fn what_found_its_bucket_full_is_held_beyond_it() {
        for home in [0, 0xffff_ffff, 0x8000_0000] {
            let hashes: Vec<_> = (1..=100).map(|tag| tag << 32 | home).collect();
            let tags = filled(&hashes);
            assert!(hashes.iter().all(|it| tags.may_hold(*it)));
            assert!(!tags.may_hold(101 << 32 | home));
        }
    }

    #[test]
    fn a_tag_of_zero_is_held_too() {
        assert!(!filled(&[]).may_hold(0));
        assert!(filled(&[0]).may_hold(0));
    }

    #[test]
    fn without_room_nothing_is_added() {
        let mut none = Tags::default();
        assert!(!none.add(1) && !none.may_hold(1));
        let mut one = filled(&spread(0..9));
        assert!((9..16).all(|hash| one.add(hash)));
        assert!(!one.add(1 << 40) && !one.may_hold(1 << 40));
    }

    #[test]
    fn a_cleared_table_holds_nothing() {
        let mut tags = filled(&spread(1..100));
        tags.clear();
        assert!(!spread(1..100).iter().any(|it| tags.may_hold(*it)));
    }

    #[test]
    fn few_buckets_overflow() {
        let tags = filled(&spread(1..100_000));
        let full = tags.0.iter().filter(|it| it.is_full()).count();
        assert!(full * 10 < tags.0.len(), "{full}");
    }
}
