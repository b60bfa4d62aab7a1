//! How far a vendor's clock is ahead of ours, from the `Date` headers of its answers.

use http::{HeaderMap, header};
use jiff::{SignedDuration, Timestamp, civil, tz::TimeZone};

/// So much is explained by whole seconds and by the way of an answer; two samples this close agree.
pub(crate) const TOLERANCE: SignedDuration = SignedDuration::from_secs(2);
/// A vendor whose clock is known to be wrong is asked for so much more than the time in question: an answer that was
/// long on its way makes its clock look faster than it is.
pub(crate) const MARGIN: SignedDuration = SignedDuration::from_secs(3);
/// An estimate, and a sample that nothing has confirmed, is forgotten after this.
const KEEP: SignedDuration = SignedDuration::from_hours(1);

/// What the answers of one integration's vendor have said of its clock.
#[derive(Debug, Default)]
pub(crate) struct VendorClock {
    last: Option<Sample>,
    believed: Option<Sample>,
}

/// How far it seemed to be ahead in a call that began at a moment.
#[derive(Debug, Clone, Copy)]
struct Sample {
    began: Timestamp,
    ahead: SignedDuration,
}

impl Sample {
    fn is_fresh(&self, now: Timestamp) -> bool {
        now.duration_since(self.began).abs() < KEEP
    }

    fn agrees(&self, ahead: SignedDuration) -> bool {
        (ahead - self.ahead).abs() <= TOLERANCE
    }
}

impl VendorClock {
    /// Notes what an answer was dated, in a call that began at `began`. One sample alone is not believed. Of two that agree
    /// the smaller is: whatever holds an answer up adds to it.
    pub(crate) fn note(&mut self, dated: Timestamp, began: Timestamp) {
        let ahead = dated.duration_since(began);
        let Some(last) = self.last.filter(|last| last.is_fresh(began)) else {
            self.last = Some(Sample { began, ahead });
            return;
        };
        if last.agrees(ahead) {
            let ahead = ahead.min(last.ahead);
            self.last = Some(Sample { began, ahead });
            self.believe(Sample { began, ahead });
        } else if last.began != began || ahead < last.ahead {
            self.last = Some(Sample { began, ahead });
        }
        // Else it is a later request of the same call: what came before it took its time.
    }

    /// What agrees with the estimate confirms it, and does not move it: times that were told must not shift for nothing.
    fn believe(&mut self, sample: Sample) {
        let known = self.believed.filter(|known| known.is_fresh(sample.began));
        let ahead = match known {
            Some(known) if known.agrees(sample.ahead) => known.ahead,
            _ => sample.ahead,
        };
        self.believed = Some(Sample { ahead, ..sample });
    }

    /// How far it is ahead of ours, or behind if negative; zero where that is not known, or no more than explained. In
    /// whole seconds, so that what fell into one second there does so here; rounded up, for a date is rounded down.
    pub(crate) fn offset(&self, now: Timestamp) -> SignedDuration {
        let known = self.believed.filter(|known| known.is_fresh(now));
        let ahead = known.map_or(SignedDuration::ZERO, |known| known.ahead);
        if ahead.abs() <= TOLERANCE {
            return SignedDuration::ZERO;
        }
        let started = i64::from(ahead.subsec_nanos() > 0);
        SignedDuration::from_secs(ahead.as_secs() + started)
    }
}

/// When an answer was made, as it says itself: a fixed form of text (RFC 9110, IMF-fixdate). `None` if it does not say
/// so, or was kept on its way (RFC 9111, `Age`).
pub(crate) fn dated(headers: &HeaderMap) -> Option<Timestamp> {
    if headers.contains_key(header::AGE) {
        return None;
    }
    let text = headers.get(header::DATE)?.to_str().ok()?;
    let at = civil::DateTime::strptime("%a, %d %b %Y %H:%M:%S GMT", text).ok()?;
    at.to_zoned(TimeZone::UTC).ok().map(|at| at.timestamp())
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_767_323_045 + second).expect("a time")
    }

    const fn seconds(seconds: i64) -> SignedDuration {
        SignedDuration::from_secs(seconds)
    }

    /// Each sample: when the call began, and how far the answer's date was ahead of that.
    fn after(samples: &[(i64, i64)]) -> VendorClock {
        let mut clock = VendorClock::default();
        for (began, ahead) in samples {
            clock.note(at(began + ahead), at(*began));
        }
        clock
    }

    fn offset(samples: &[(i64, i64)]) -> i64 {
        let last = samples.last().map_or(0, |(began, _)| *began);
        after(samples).offset(at(last)).as_secs()
    }

    #[test]
    fn two_answers_that_agree_are_believed_and_one_is_not() {
        assert_eq!(offset(&[]), 0);
        assert_eq!(offset(&[(0, 300)]), 0);
        assert_eq!(offset(&[(0, 300), (9, 301)]), 300);
        assert_eq!(offset(&[(0, -300), (9, -302)]), -302);
        assert_eq!(offset(&[(0, 300), (9, 303)]), 0, "they do not agree");
        assert_eq!(offset(&[(0, 300), (9, 303), (20, 302)]), 302);
    }

    #[test]
    fn an_offset_has_whole_seconds() {
        for offset in [300, -300] {
            let mut clock = VendorClock::default();
            for began in [at(0), at(9)] {
                let began = began + SignedDuration::from_millis(678);
                let theirs = began + seconds(offset);
                let dated = Timestamp::from_second(theirs.as_second()).expect("a time");
                clock.note(dated, began);
            }
            assert_eq!(clock.offset(at(9)), seconds(offset));
        }
    }

    #[test]
    fn what_whole_seconds_and_the_way_explain_is_nothing() {
        for ahead in [-2, -1, 0, 1, 2] {
            assert_eq!(offset(&[(0, ahead), (9, ahead)]), 0, "{ahead}");
        }
        assert_eq!(offset(&[(0, -3), (9, -3)]), -3);
    }

    #[test]
    fn one_bad_sample_changes_nothing_and_two_good_ones_do() {
        let steady = [(0, 300), (9, 300), (20, 0)];
        assert_eq!(offset(&steady), 300);
        assert_eq!(offset(&[&steady[..], &[(30, 300)]].concat()), 300);
        // Somebody has set the clock right.
        assert_eq!(offset(&[&steady[..], &[(30, 1)]].concat()), 0);
    }

    #[test]
    fn an_estimate_stays_put_while_it_is_confirmed() {
        assert_eq!(offset(&[(0, 300), (9, 300), (20, 302), (30, 302)]), 300);
        assert_eq!(offset(&[(0, 300), (9, 300), (20, 303), (30, 303)]), 303);
    }

    #[test]
    fn later_requests_of_one_call_do_not_make_a_clock_fast() {
        let call = [(0, 0), (0, 2), (0, 4), (0, 6), (0, 6)];
        assert_eq!(offset(&call), 0);
        let fast = [(0, 300), (0, 302), (0, 304), (0, 306), (0, 306)];
        assert_eq!(offset(&fast), 300);
        assert_eq!(offset(&[&fast[..], &[(9, 301)]].concat()), 300);
    }

    #[test]
    fn an_estimate_is_kept_for_an_hour() {
        let clock = after(&[(0, 300), (9, 300)]);
        assert_eq!(clock.offset(at(9 + 3599)), seconds(300));
        assert_eq!(clock.offset(at(9 + 3600)), SignedDuration::ZERO);
        assert_eq!(offset(&[(0, 300), (3600, 300)]), 0, "nor is a sample");
    }

    #[test]
    fn a_date_has_one_form_and_garbage_is_none() {
        let read = |text: &[u8]| {
            let value = HeaderValue::from_bytes(text).expect("a header");
            dated(&HeaderMap::from_iter([(header::DATE, value)]))
        };
        let expected: Timestamp = "1994-11-06T08:49:37Z".parse().expect("a time");
        assert_eq!(read(b"Sun, 06 Nov 1994 08:49:37 GMT"), Some(expected));
        for garbage in [
            &b"Sunday, 06-Nov-94 08:49:37 GMT"[..],
            b"Mon, 06 Nov 1994 08:49:37 GMT",
            b"Sun, 06 Nov 1994 08:49:37 +0100",
            b"Sun, 06 Nov 1994 25:49:37 GMT",
            b"784111777",
            b"\xff",
            b"",
        ] {
            assert_eq!(read(garbage), None, "{garbage:?}");
        }
        assert_eq!(dated(&HeaderMap::new()), None);
        let kept = HeaderMap::from_iter([
            (
                header::DATE,
                HeaderValue::from_static("Sun, 06 Nov 1994 08:49:37 GMT"),
            ),
            (header::AGE, HeaderValue::from_static("60")),
        ]);
        assert_eq!(dated(&kept), None);
    }
}
