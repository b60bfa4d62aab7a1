//! Windows of time, each of which is shown by pages as far as the vendor lets offsets reach.

use jiff::Timestamp;

use super::{PAGE, REACH, SECOND, SPAN, whole};

/// A page of a window whose rows come oldest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rising {
    pub(super) since: Timestamp,
    /// Not included.
    pub(super) until: Timestamp,
    pub(super) offset: usize,
    end: Timestamp,
}

impl Rising {
    /// The window that begins here, of a listing that ends there.
    pub(super) fn new(since: Timestamp, offset: usize, end: Timestamp) -> Self {
        Self {
            since,
            until: end.min(since + SPAN).max(since + SECOND),
            offset,
            end,
        }
    }

    /// The window that begins with the last second of these rows, of which all but one were shown: should the last one
    /// be gone by then, the next one takes its place.
    pub(super) fn from_last(rows: &[Timestamp], end: Timestamp) -> Option<Self> {
        let last = whole(*rows.last()?);
        let of_it = rows.iter().filter(|at| whole(**at) == last).count();
        Some(Self::new(last, of_it.saturating_sub(1), end))
    }

    /// Where the next page begins; `None` at the end. The rows are those of this page.
    pub(super) fn next(&self, rows: &[Timestamp], more: bool) -> Option<Self> {
        let shown = self.offset + rows.len();
        if !more {
            return (self.until < self.end).then(|| Self::new(self.until, 0, self.end));
        }
        if shown + PAGE <= REACH {
            return Some(Self {
                offset: shown,
                ..*self
            });
        }
        Self::from_last(rows, self.end)
    }
}

/// A page of a window whose rows come newest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Falling {
    pub(super) since: Timestamp,
    /// Not included.
    pub(super) before: Timestamp,
    pub(super) offset: usize,
    start: Timestamp,
}

impl Falling {
    /// The window that ends here, of a listing that begins there.
    pub(super) fn new(start: Timestamp, before: Timestamp, offset: usize) -> Self {
        Self {
            since: start.max(before - SPAN).min(before),
            before,
            offset,
            start,
        }
    }

    /// Where the next page begins; `None` at the end. The rows are those of this page.
    pub(super) fn next(&self, rows: &[Timestamp], more: bool) -> Option<Self> {
        let shown = self.offset + rows.len();
        if !more {
            let is_last = self.since <= self.start;
            return (!is_last).then(|| Self::new(self.start, self.since, 0));
        }
        if shown + PAGE <= REACH {
            return Some(Self {
                offset: shown,
                ..*self
            });
        }
        // The rows of that second come again.
        let last = whole(*rows.last()?) + SECOND;
        Some(Self::new(self.start, last, 0))
    }

    /// When the listing begins.
    pub(super) fn start(&self) -> Timestamp {
        self.start
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + second).expect("a time")
    }

    fn days(days: i64) -> SignedDuration {
        SignedDuration::from_hours(24 * days)
    }

    #[test]
    fn pages_follow_each_other_as_far_as_offsets_reach() {
        let rising = Rising::new(at(0), 9_800, at(1_000));
        let next = rising.next(&[at(5); PAGE], true).expect("a page");
        assert_eq!((next.since, next.offset), (at(0), 9_900));
        let rows = [[at(5); 97].as_slice(), &[at(6); 3]].concat();
        let next = next.next(&rows, true).expect("a window");
        assert_eq!((next.since, next.offset, next.until), (at(6), 2, at(1_000)));
        let falling = Falling::new(at(0), at(1_000), 9_900);
        let next = falling.next(&rows, true).expect("a window");
        assert_eq!((next.since, next.before, next.offset), (at(0), at(7), 0));
    }

    #[test]
    fn a_window_that_is_over_is_followed_by_the_next_without_a_gap() {
        let end = at(0) + days(400);
        let first = Rising::new(at(0), 0, end);
        let second = first.next(&[], false).expect("a window");
        assert_eq!((second.since, second.offset), (first.until, 0));
        let third = second.next(&[], false).expect("a window");
        assert_eq!(third.until, end);
        assert_eq!(third.next(&[end], false), None);
        let first = Falling::new(at(0), end, 0);
        let second = first.next(&[], false).expect("a window");
        assert_eq!((second.before, second.offset), (first.since, 0));
        let third = second.next(&[], false).expect("a window");
        assert_eq!((third.since, third.next(&[], false)), (at(0), None));
        for window in [first.before.duration_since(first.since), SPAN] {
            assert!(window <= days(180), "{window}");
        }
    }
}
