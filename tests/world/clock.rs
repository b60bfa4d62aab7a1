//! A clock that only the test moves, and ids that repeat.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicU64, Ordering},
};

use im_engine::ports::{Clock, Ids};
use jiff::{SignedDuration, Timestamp};

/// Stands still until it is moved.
#[derive(Debug, Clone)]
pub struct WorldClock(Arc<Mutex<Timestamp>>);

impl Default for WorldClock {
    fn default() -> Self {
        let start = Timestamp::from_millisecond(1_790_000_000_250).expect("a time");
        Self(Arc::new(Mutex::new(start)))
    }
}

impl WorldClock {
    /// What it shows.
    pub fn read(&self) -> Timestamp {
        *self.0.lock().expect("not poisoned")
    }

    /// Moves it forward.
    pub fn advance(&self, by: SignedDuration) {
        *self.0.lock().expect("not poisoned") += by;
    }
}

impl Clock for WorldClock {
    fn now(&self) -> Timestamp {
        self.read()
    }
}

impl im_sandbox::Clock for WorldClock {
    fn now(&self) -> Timestamp {
        self.read()
    }
}

/// Counts up from a seed.
#[derive(Debug)]
pub struct SeededIds(AtomicU64);

impl SeededIds {
    /// Ids of this seed.
    pub fn new(seed: u64) -> Self {
        Self(AtomicU64::new(seed << 32))
    }
}

impl Ids for SeededIds {
    fn ulid(&self, now: Timestamp) -> ulid::Ulid {
        let next = self.0.fetch_add(1, Ordering::Relaxed);
        ulid::Ulid::from_parts(now.as_millisecond().unsigned_abs(), u128::from(next))
    }
}
