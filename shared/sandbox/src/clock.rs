//! Time comes in from outside, so that a test decides it.

use std::sync::{Arc, Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};

/// Where a stand-in takes the time from.
pub trait Clock: Send + Sync {
    /// The present.
    fn now(&self) -> Timestamp;
}

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

/// A clock that stands still until it is moved; clones share one time.
#[derive(Clone, Debug)]
pub struct ManualClock(Arc<Mutex<Timestamp>>);

impl ManualClock {
    /// A clock that stands at `start`.
    pub fn new(start: Timestamp) -> Self {
        Self(Arc::new(Mutex::new(start)))
    }

    /// Moves to `time`, backwards too.
    pub fn set(&self, time: Timestamp) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = time;
    }

    /// Moves by `span`.
    pub fn advance(&self, span: SignedDuration) {
        let mut now = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *now = now.saturating_add(span).unwrap_or(*now);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A clock that goes wrong by a constant; clones share it.
#[derive(Clone)]
pub(crate) struct OffsetClock {
    inner: Arc<dyn Clock>,
    offset: Arc<Mutex<SignedDuration>>,
}

impl OffsetClock {
    /// A clock that is right as long as nobody sets it.
    pub(crate) fn new(inner: Arc<dyn Clock>) -> Self {
        let offset = Arc::default();
        Self { inner, offset }
    }

    /// How far it goes ahead; behind, if negative. The offset before is handed back.
    pub(crate) fn set_offset(&self, offset: SignedDuration) -> SignedDuration {
        let mut present = self.offset.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut *present, offset)
    }

    /// What signatures are dated with. Whoever signs for a vendor keeps its time to seconds, however wrong a record's is.
    pub(crate) fn signing_time(&self) -> Timestamp {
        self.inner.now()
    }
}

impl Clock for OffsetClock {
    fn now(&self) -> Timestamp {
        let offset = *self.offset.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.inner.now();
        now.saturating_add(offset).unwrap_or(now)
    }
}

/// `Sun, 06 Nov 1994 08:49:37 GMT`: as the `Date` header of an answer has it (RFC 9110, IMF-fixdate).
pub(crate) fn to_http_date(time: Timestamp) -> String {
    time.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

/// `2015-10-06T21:38:23Z`: rounded down, as the vendors' REST answers are.
pub(crate) fn to_seconds(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// `2015-10-06T21:38:23.169Z`.
pub(crate) fn to_milliseconds(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a panic is a failed test")]
mod tests {
    use super::*;

    #[test]
    fn both_forms_round_down_so_that_they_agree() {
        let time: Timestamp = "2026-01-02T03:04:05.9996Z".parse().unwrap();
        assert_eq!(to_seconds(time), "2026-01-02T03:04:05Z");
        assert_eq!(to_milliseconds(time), "2026-01-02T03:04:05.999Z");
        let whole: Timestamp = "2026-01-02T03:04:05Z".parse().unwrap();
        assert_eq!(to_milliseconds(whole), "2026-01-02T03:04:05.000Z");
        let example: Timestamp = "1994-11-06T08:49:37.9Z".parse().unwrap();
        assert_eq!(to_http_date(example), "Sun, 06 Nov 1994 08:49:37 GMT");
    }

    #[test]
    fn a_clock_goes_wrong_by_as_much_as_it_is_told() {
        let right = ManualClock::new("2026-01-02T03:04:05Z".parse().unwrap());
        let clock = OffsetClock::new(Arc::new(right.clone()));
        assert_eq!(clock.now(), right.now());
        clock.set_offset(SignedDuration::from_mins(-5));
        right.advance(SignedDuration::from_secs(1));
        assert_eq!(clock.now().to_string(), "2026-01-02T02:59:06Z");
    }
}
