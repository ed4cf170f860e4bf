//! Where in a shard's log a record may stand.

/// An open-addressing table from hashes to positions in a log. It is filled and cleared, but nothing is taken out of it.
///
/// A slot holds sixteen bits of the hash above a position plus one; zero is a free slot. Four bytes a slot, against
/// twenty-one a record: what a search reads of the main memory is one line, and of a million records often none.
#[derive(Debug, Default)]
pub(super) struct Index {
    slots: Box<[u32]>,
}

/// What a search came upon.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Found {
    /// The record is at this position of the log.
    At(usize),
    /// There is none, and this is where it goes.
    Free(Slot),
}

/// A slot of an [`Index`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Slot(usize);

const TAG: u32 = 0xffff_0000;

impl Index {
    /// More records than this have positions that do not fit a slot.
    pub(super) const MOST_RECORDS: usize = 0xffff;

    /// An index for this many records. Four sevenths of its slots are taken then, so that a search seldom leaves the line
    /// of cache it began in.
    pub(super) fn with_room_for(records: usize) -> Self {
        Self {
            slots: vec![0; records * 7 / 4 + 1].into_boxed_slice(),
        }
    }

    /// Looks for the record with this hash that `is_it` recognizes by its position.
    pub(super) fn find(&self, hash: u64, is_it: impl Fn(usize) -> bool) -> Found {
        let home = self.home(hash);
        let tag = tag(hash);
        let ahead = self.slots.iter().enumerate().skip(home);
        let around = self.slots.iter().enumerate().take(home);
        for (slot, &content) in ahead.chain(around) {
            if content == 0 {
                return Found::Free(Slot(slot));
            }
            if content & TAG == tag && is_it(position(content)) {
                return Found::At(position(content));
            }
        }
        // Not reached while the index holds no more than it was made for.
        Found::Free(Slot(usize::MAX))
    }

    /// Notes that the record with this hash is at this position.
    pub(super) fn fill(&mut self, slot: Slot, hash: u64, position: usize) {
        if let Some(content) = self.slots.get_mut(slot.0) {
            *content = tag(hash) | low_bits(position + 1);
        }
    }

    /// As [`fill`](Self::fill), for a record that is known not to be in the index.
    pub(super) fn add(&mut self, hash: u64, position: usize) {
        if let Found::Free(slot) = self.find(hash, |_| false) {
            self.fill(slot, hash, position);
        }
    }

    pub(super) fn clear(&mut self) {
        self.slots.fill(0);
    }

    pub(super) fn bytes(&self) -> usize {
        size_of_val(&*self.slots)
    }

    /// The low half of the hash, scaled to the number of slots.
    fn home(&self, hash: u64) -> usize {
        (((hash & 0xffff_ffff) * self.slots.len() as u64) >> 32) as usize
    }
}

/// The top sixteen bits of the hash, which nothing else is taken from.
fn tag(hash: u64) -> u32 {
    let [.., a, b] = hash.to_le_bytes();
    u32::from_le_bytes([0, 0, a, b])
}

fn position(content: u32) -> usize {
    (content & !TAG) as usize - 1
}

fn low_bits(position: usize) -> u32 {
    u32::from(u16::try_from(position).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    fn filled(hashes: &[u64]) -> Index {
        let mut index = Index::with_room_for(hashes.len());
        for (position, hash) in hashes.iter().enumerate() {
            index.add(*hash, position);
        }
        index
    }

    // The worst hashes: all at home in one slot, with one tag.
    #[test]
    fn records_with_one_hash_are_told_apart_by_their_positions() {
        for hash in [0, u64::MAX, 0xffff_ffff] {
            let index = filled(&[hash; 100]);
            for position in 0..100 {
                assert_eq!(index.find(hash, |it| it == position), Found::At(position));
            }
            assert!(matches!(index.find(hash, |_| false), Found::Free(_)));
        }
    }

    #[test]
    fn every_position_fits_and_few_are_asked_about_in_vain() {
        let hashes: Vec<_> = (0..Index::MOST_RECORDS as u64)
            .map(|n| n.wrapping_mul(0x9e37_79b9_7f4a_7c15))
            .collect();
        let index = filled(&hashes);
        let asked = Cell::new(0);
        for (position, hash) in hashes.iter().enumerate() {
            let is_it = |it| {
                asked.set(asked.get() + 1);
                it == position
            };
            assert_eq!(index.find(*hash, is_it), Found::At(position));
        }
        assert!(asked.get() < hashes.len() * 101 / 100);
    }

    #[test]
    fn a_cleared_index_holds_nothing() {
        let mut index = filled(&[1, 2, 3]);
        index.clear();
        for hash in [1, 2, 3] {
            assert!(matches!(index.find(hash, |_| true), Found::Free(_)));
        }
    }
}
