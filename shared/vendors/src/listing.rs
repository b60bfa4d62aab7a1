//! What a listing of a vendor's records asks for and answers: many records with each request.

use std::collections::BTreeSet;

use im_model::{ExternalId, ExternalRecord};
use jiff::{SignedDuration, Timestamp};

/// What a listing is about. The same for all its pages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListQuery {
    /// Records that changed at this moment or later; all that the integration's scope has if `None`. Older ones may come
    /// along.
    pub since: Option<Timestamp>,
    /// Records that somebody wrote a note on at this moment or later are named in [`Listing::noted`]; all that ever got one
    /// if `None`.
    pub noted_since: Option<Timestamp>,
    /// When the listing began. What changes later need not be in it.
    pub until: Timestamp,
}

/// One page, of one request to the vendor or a few.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Listing {
    /// Records as a page of many shows them. None that the query did not ask for but for older ones; one may come twice.
    pub records: Vec<ExternalRecord>,
    /// Records that have changed, and are not shown.
    pub changed: BTreeSet<ExternalId>,
    /// Records with notes that the query asks for.
    pub noted: BTreeSet<ExternalId>,
    /// Where the next page starts, if there is one. Opaque, and good for the same query only.
    pub next: Option<String>,
}

/// A vendor whose clock is not known yet may be wrong by this much.
const CLOCKS_APART: SignedDuration = SignedDuration::from_mins(15);

/// What is older than this was not asked for, whatever the vendor's clock says.
pub(crate) fn earliest(since: Timestamp) -> Timestamp {
    since.saturating_sub(CLOCKS_APART).unwrap_or(since)
}

/// The least whole number of minutes that reaches back from the present to a moment, and one more: the vendor's present
/// is a little later.
pub(crate) fn minutes_back(now: Timestamp, to: Timestamp) -> i64 {
    let seconds = now.duration_since(to).as_secs().max(0);
    seconds / 60 + 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn minutes_reach_back_far_enough() {
        let now: Timestamp = "2026-01-02T03:04:05.5Z".parse().expect("a time");
        for (to, expected) in [
            ("2026-01-02T03:04:05.5Z", 2),
            ("2026-01-02T03:03:06Z", 2),
            ("2026-01-02T03:03:05Z", 3),
            ("2026-01-02T02:04:05Z", 62),
            ("2026-01-02T04:00:00Z", 2),
        ] {
            let to: Timestamp = to.parse().expect("a time");
            assert_eq!(minutes_back(now, to), expected, "{to}");
            let from = now - SignedDuration::from_mins(expected);
            assert!(
                from <= to - SignedDuration::from_secs(59) || to > now,
                "{to}"
            );
        }
    }
}
