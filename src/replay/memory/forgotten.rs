//! Which expiries have been forgotten, in case the clock goes back to them.

/// How many separate spans are kept. One, unless the clock has jumped or traffic is thin.
const SPANS: usize = 16;

/// The seconds at which dropped records expired, as spans that never leave one out.
///
/// As long as time goes forward nobody asks: a proof that expires at a second already past is refused long before. When
/// the clock goes back, proofs whose records are gone become acceptable once more, and this is what still stops them.
///
/// A single "latest second forgotten" would not do. A clock that was a year ahead for an hour would leave it a year ahead,
/// and the store would refuse everything until then; the gap between the spans is what lets service resume.
#[derive(Debug, Default)]
pub(super) struct Forgotten(Vec<Span>);

#[derive(Clone, Copy, Debug)]
struct Span {
    first: i64,
    last: i64,
}

impl Forgotten {
    /// Notes that records which expired from `first` to `last`, both included, are gone.
    pub(super) fn add(&mut self, first: i64, last: i64) {
        self.0.push(Span { first, last });
        self.0.sort_unstable_by_key(|span| span.first);
        self.0.dedup_by(|next, span| {
            let touch = next.first <= span.last.saturating_add(1);
            if touch {
                span.last = span.last.max(next.last);
            }
            touch
        });
        if self.0.len() > SPANS {
            self.close_narrowest_gap();
        }
    }

    /// Whether a record that expired at `second` may be gone.
    pub(super) fn covers(&self, second: i64) -> bool {
        self.0
            .iter()
            .any(|span| span.first <= second && second <= span.last)
    }

    /// Makes one span of the closest neighbours. The seconds between them count as forgotten from then on, which refuses too
    /// much rather than too little; the wide gap that a jump left is closed last.
    fn close_narrowest_gap(&mut self) {
        let gap = |before: &Span, after: &Span| after.first.saturating_sub(before.last);
        let neighbours = self.0.iter().zip(self.0.iter().skip(1));
        let narrowest = neighbours.map(|(before, after)| gap(before, after)).min();
        self.0.dedup_by(|after, before| {
            let close = Some(gap(before, after)) == narrowest;
            if close {
                before.last = after.last;
            }
            close
        });
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const YEAR: i64 = 31_536_000;

    fn forgotten(spans: &[(i64, i64)]) -> Forgotten {
        let mut forgotten = Forgotten::default();
        for &(first, last) in spans {
            forgotten.add(first, last);
        }
        forgotten
    }

    #[test]
    fn nothing_is_covered_before_something_was_dropped() {
        assert!(!Forgotten::default().covers(0));
    }

    #[test]
    fn both_ends_of_a_span_are_covered_and_their_neighbours_are_not() {
        let forgotten = forgotten(&[(100, 160)]);
        for (second, covered) in [(99, false), (100, true), (160, true), (161, false)] {
            assert_eq!(forgotten.covers(second), covered, "{second}");
        }
    }

    #[test]
    fn steady_traffic_keeps_one_span() {
        for length in [0, 1, 3] {
            let mut forgotten = Forgotten::default();
            for second in 0..1_000 {
                forgotten.add(second, second + length);
            }
            assert_eq!(forgotten.0.len(), 1);
        }
    }

    // A clock that was a year ahead for some minutes, and thin traffic ever since.
    #[test]
    fn the_gap_that_a_jump_left_outlasts_the_small_ones() {
        let mut forgotten = forgotten(&[(1_000, 1_070), (YEAR, YEAR + 500)]);
        for day in 1..300 {
            forgotten.add(day * 86_400, day * 86_400);
        }
        assert!(forgotten.0.len() <= SPANS);
        assert!(!forgotten.covers(300 * 86_400));
        assert!(!forgotten.covers(YEAR - 1));
        assert!(forgotten.covers(YEAR + 250));
    }

    proptest! {
        #[test]
        fn what_was_dropped_stays_covered(spans in prop::collection::vec((0..5_000i64, 0..40i64), 1..80)) {
            let mut forgotten = Forgotten::default();
            for (first, length) in &spans {
                forgotten.add(*first, first + length);
            }
            prop_assert!(forgotten.0.len() <= SPANS);
            for (first, length) in spans {
                for second in first..=first + length {
                    prop_assert!(forgotten.covers(second));
                }
            }
        }
    }
}
