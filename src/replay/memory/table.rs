//! Where the records of a shard stand.

/// How many records fit a line.
pub(super) const SLOTS: usize = 5;

/// Records that belong here by their hash, and some that found no room in the lines before.
///
/// Looking through it takes no branch that depends on what it holds. The processor can thus go on to the next record while it
/// waits for the memory, and a record costs little more where the table is larger than every cache.
#[derive(Clone, Debug, Default)]
#[repr(align(64))]
struct Line {
    ids: [u64; SLOTS],
    /// The last seconds of the records; zero is a free slot.
    expires: [u32; SLOTS],
    /// The last second of whatever belongs here or before and went on to the next line.
    passed_by: u32,
}

/// An open-addressing table of lines.
#[derive(Debug, Default)]
pub(super) struct Table(Box<[Line]>);

/// What went when the expired records did.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Swept {
    pub(super) live: usize,
    /// When the first of the live records expires.
    pub(super) due: u32,
    /// When the first and the last of those that went had expired; none went if they are the wrong way round.
    pub(super) first: u32,
    pub(super) last: u32,
}

impl Table {
    fn new(lines: usize) -> Self {
        Self(vec![Line::default(); lines].into_boxed_slice())
    }

    /// How many records it may hold before it must be swept or grow: three to a line, so that few find theirs taken.
    pub(super) fn fill(&self) -> usize {
        self.0.len() * 3
    }

    pub(super) fn bytes(&self) -> usize {
        size_of_val(&*self.0)
    }

    /// Whether there is a record `id` that is live at `now`, which is not zero.
    pub(super) fn holds(&self, id: u64, now: u32) -> bool {
        let home = self.home(id);
        let Some(line) = self.0.get(home) else {
            return false;
        };
        line.holds(id, now) || (line.passed_by >= now && self.holds_beyond(home, id, now))
    }

    #[cold]
    fn holds_beyond(&self, home: usize, id: u64, now: u32) -> bool {
        for line in self.from(home).skip(1) {
            if line.holds(id, now) {
                return true;
            }
            if line.passed_by < now {
                return false;
            }
        }
        false
    }

    /// Writes the record down, beside whatever is there. False if there is no room.
    pub(super) fn add(&mut self, id: u64, expires: u32) -> bool {
        let home = self.home(id);
        match self.0.get_mut(home) {
            Some(line) => line.add(id, expires) || self.add_beyond(home, id, expires),
            None => false,
        }
    }

    #[cold]
    fn add_beyond(&mut self, home: usize, id: u64, expires: u32) -> bool {
        let (before, after) = self.0.split_at_mut(home);
        for line in after.iter_mut().chain(before) {
            if line.add(id, expires) {
                return true;
            }
            line.passed_by = line.passed_by.max(expires);
        }
        false
    }

    /// Frees the slots of what has expired.
    pub(super) fn sweep(&mut self, now: u32) -> Swept {
        let mut swept = Swept {
            live: 0,
            due: u32::MAX,
            first: u32::MAX,
            last: 0,
        };
        for expires in self.0.iter_mut().flat_map(|line| &mut line.expires) {
            let (live, gone) = (*expires >= now, *expires != 0 && *expires < now);
            swept.live += usize::from(live);
            swept.due = swept.due.min(if live { *expires } else { u32::MAX });
            swept.first = swept.first.min(if gone { *expires } else { u32::MAX });
            swept.last = swept.last.max(if gone { *expires } else { 0 });
            *expires = if live { *expires } else { 0 };
        }
        swept
    }

    /// Changes its size, unless it suits `held` records, which is how many there are.
    pub(super) fn fit(&mut self, held: usize) {
        // Above two to a line it would soon have to be swept again; near one, memory lies idle.
        let lines = self.0.len();
        if (held / 2 + 1..=held * 7 / 8 + 4).contains(&lines) {
            return;
        }
        // Homes keep their order, so both tables are gone through from end to end.
        let mut other = Self::new(held * 5 / 7 + 1);
        for line in &self.0 {
            for (id, expires) in line.ids.iter().zip(line.expires) {
                if expires != 0 {
                    other.add(*id, expires);
                }
            }
        }
        *self = other;
    }

    fn from(&self, home: usize) -> impl Iterator<Item = &Line> {
        let (before, after) = self.0.split_at(home);
        after.iter().chain(before)
    }

    /// The high half of the id, scaled to the number of lines.
    fn home(&self, id: u64) -> usize {
        (((id >> 32) * self.0.len() as u64) >> 32) as usize
    }
}

impl Line {
    #[inline]
    fn holds(&self, id: u64, now: u32) -> bool {
        let slots = self.ids.iter().zip(&self.expires);
        slots.fold(0, |held, (other, expires)| {
            held | u32::from(*other == id) & u32::from(*expires >= now)
        }) != 0
    }

    #[inline]
    fn add(&mut self, id: u64, expires: u32) -> bool {
        let free = self
            .expires
            .iter()
            .rev()
            .fold(0u32, |free, expires| free << 1 | u32::from(*expires == 0));
        let slot = free.trailing_zeros() as usize;
        match (self.ids.get_mut(slot), self.expires.get_mut(slot)) {
            (Some(id_there), Some(expires_there)) => {
                *id_there = id;
                *expires_there = expires;
                true
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(records: impl Iterator<Item = (u64, u32)>) -> Table {
        let mut table = Table::default();
        for (held, (id, expires)) in records.enumerate() {
            if held == table.fill() {
                table.fit(held);
            }
            assert!(table.add(id, expires));
        }
        table
    }

    fn spread(n: u64) -> u64 {
        n.wrapping_mul(0x9e37_79b9_7f4a_7c15)
    }

    // The worst ids: all at home in one line, at an end of the table or in the middle.
    #[test]
    fn records_of_one_line_are_told_apart() {
        for line in [0, u64::MAX << 32, 1 << 63] {
            let mut table = table((0..100).map(|n| (line + n, 60)));
            for n in 0..100 {
                assert!(table.holds(line + n, 60), "{line} {n}");
                assert!(!table.holds(line + n, 61), "{line} {n}");
            }
            assert!(!table.holds(line + 100, 1));
            assert_eq!(table.sweep(61).live, 0);
            assert!(!table.holds(line, 1));
        }
    }

    #[test]
    fn a_record_that_went_on_is_found_after_its_line_has_emptied() {
        let mut table = table((0..40).map(|n| (n, if n < 30 { 10 } else { 60 })));
        assert_eq!(table.sweep(11).live, 10);
        for n in 0..40 {
            assert_eq!(table.holds(n, 11), n >= 30, "{n}");
        }
        table.fit(10);
        for n in 0..40 {
            assert_eq!(table.holds(n, 11), n >= 30, "{n}");
        }
    }

    #[test]
    fn a_full_table_takes_nothing_and_an_empty_one_holds_nothing() {
        let mut table = Table::default();
        assert!(!table.add(1, 60) && !table.holds(1, 1));
        table.fit(0);
        for n in 0..SLOTS as u64 {
            assert!(table.add(n, 60));
        }
        assert!(!table.add(9, 60) && !table.holds(9, 1));
    }

    #[test]
    fn a_sweep_tells_what_is_left_and_what_went() {
        let mut table = table((0..1_000u32).map(|n| (spread(n.into()), 10 + n % 10)));
        let swept = |live, due, first, last| Swept {
            live,
            due,
            first,
            last,
        };
        assert_eq!(table.sweep(10), swept(1_000, 10, u32::MAX, 0));
        assert_eq!(table.sweep(15), swept(500, 15, 10, 14));
        assert_eq!(table.sweep(19), swept(100, 19, 15, 18));
        assert_eq!(table.sweep(20), swept(0, u32::MAX, 19, 19));
    }

    #[test]
    fn few_records_are_read_beyond_their_line() {
        let table = table((0..10_000).map(|n| (spread(n), 60)));
        let passed_by = table.0.iter().filter(|line| line.passed_by > 0).count();
        assert!(passed_by < table.0.len() / 8, "{passed_by}");
    }

    #[test]
    fn the_size_suits_what_is_held() {
        for held in [0, 1, 2, 10, 1_000, 100_000] {
            let mut table = Table::default();
            table.fit(held);
            assert!(held < table.fill());
            assert!(table.bytes() <= 48 * held + 64, "{held}");
            let bytes = table.bytes();
            table.fit(held);
            assert_eq!(table.bytes(), bytes);
        }
    }
}
