//! How long edits take to be where they should be.

use jiff::{SignedDuration, Timestamp};

/// What has just arrived, and how long it took; kept with the counters, in the transaction that stores what arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Propagated {
    /// When it was there.
    pub at: Timestamp,
    /// The age of the oldest of the vendor's edits that the platform took.
    pub inbound: Option<SignedDuration>,
    /// The age of the oldest of the platform's edits that the vendor took.
    pub outbound: Option<SignedDuration>,
    /// How many hundredths of its requests the vendor still takes, as it says itself.
    pub headroom: Option<u8>,
}

impl Propagated {
    /// Nothing that is measured.
    pub fn nothing(at: Timestamp) -> Self {
        Self {
            at,
            inbound: None,
            outbound: None,
            headroom: None,
        }
    }

    /// Since an edit. A vendor's clock may be ahead of ours.
    pub fn since(edited_at: Timestamp, now: Timestamp) -> SignedDuration {
        now.duration_since(edited_at).max(SignedDuration::ZERO)
    }
}

/// How long all took that arrived one way, since the integration was created. What a reconciliation brought is not among
/// it: how old that is says nothing of how long syncing takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Latencies {
    /// How many arrived: commits, each by its oldest edit, and notes.
    pub edits: u64,
    /// How many of them within each of [`Latencies::LIMITS`].
    pub within: [u64; 3],
    /// The last of them: when, and how long it took.
    pub latest: Option<(Timestamp, SignedDuration)>,
}

impl Latencies {
    /// What is told apart, in seconds. The product promises the second.
    pub const LIMITS: [i64; 3] = [1, 5, 60];

    /// What one that took so long adds to [`Latencies::within`].
    pub fn within(took: SignedDuration) -> [u64; 3] {
        Self::LIMITS.map(|limit| u64::from(took <= SignedDuration::from_secs(limit)))
    }

    /// Of two parts of the same count.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let mut within = self.within;
        for (sum, more) in within.iter_mut().zip(other.within) {
            *sum += more;
        }
        Self {
            edits: self.edits + other.edits,
            within,
            latest: self.latest.max(other.latest),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_limit_counts_what_took_no_longer() {
        for (milliseconds, within) in [
            (0, [1, 1, 1]),
            (1_000, [1, 1, 1]),
            (1_001, [0, 1, 1]),
            (5_001, [0, 0, 1]),
            (60_001, [0, 0, 0]),
        ] {
            let took = SignedDuration::from_millis(milliseconds);
            assert_eq!(Latencies::within(took), within, "{milliseconds} ms");
        }
    }

    #[test]
    fn parts_add_up_and_the_later_is_the_latest() {
        let at = |second| Timestamp::from_second(second).expect("a time");
        let part = |edits, second| Latencies {
            edits,
            within: [edits; 3],
            latest: Some((at(second), SignedDuration::from_secs(second))),
        };
        let sum = part(2, 9).and(part(3, 7)).and(Latencies::default());
        assert_eq!(
            sum,
            Latencies {
                edits: 5,
                within: [5; 3],
                ..part(2, 9)
            }
        );
    }

    #[test]
    fn an_edit_of_the_future_took_no_time() {
        let now = Timestamp::UNIX_EPOCH;
        let took = Propagated::since(now + SignedDuration::from_secs(3), now);
        assert_eq!(took, SignedDuration::ZERO);
    }
}
