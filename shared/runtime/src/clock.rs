//! The present and new ids, for production.

use im_engine::ports::{Clock, Ids};
use jiff::Timestamp;

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

/// Random ULIDs.
#[derive(Debug, Clone, Copy, Default)]
pub struct RandomIds;

impl Ids for RandomIds {
    fn ulid(&self, now: Timestamp) -> ulid::Ulid {
        // Before 1970 there is no ULID; the clock of a machine that thinks so sorts first.
        let milliseconds = u64::try_from(now.as_millisecond()).unwrap_or_default();
        ulid::Ulid::from_parts(milliseconds, ulid::Ulid::new().random())
    }
}
