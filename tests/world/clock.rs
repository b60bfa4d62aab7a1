//! A clock that only the test moves, and ids that repeat.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicU64, Ordering},
};

use im_engine::ports::{Clock, Ids};
use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

/// Stands still until it is moved; or goes with tokio's paused clock, which moves when nothing else is left to do.
#[derive(Debug, Clone)]
pub struct WorldClock {
    time: Arc<Mutex<Timestamp>>,
    since: Option<Instant>,
}

impl Default for WorldClock {
    fn default() -> Self {
        let start = Timestamp::from_millisecond(1_790_000_000_250).expect("a time");
        Self {
            time: Arc::new(Mutex::new(start)),
            since: None,
        }
    }
}

impl WorldClock {
    /// A clock that goes with tokio's. To be read within that runtime only.
    pub fn with_tokio() -> Self {
        Self {
            since: Some(Instant::now()),
            ..Self::default()
        }
    }

    /// True if it goes with tokio's.
    pub fn is_tokios(&self) -> bool {
        self.since.is_some()
    }

    /// What it shows.
    pub fn read(&self) -> Timestamp {
        let passed = self.since.map(|since| since.elapsed());
        let passed = SignedDuration::try_from(passed.unwrap_or_default()).expect("not that long");
        *self.time.lock().expect("not poisoned") + passed
    }

    /// Moves it forward.
    pub fn advance(&self, by: SignedDuration) {
        *self.time.lock().expect("not poisoned") += by;
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
