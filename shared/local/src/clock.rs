//! A clock that runs faster, so that waits of minutes can be watched.

use std::time::Instant;

use im_engine::ports::Clock;
use jiff::{SignedDuration, Timestamp};

/// Starts at the present and runs `scale` times as fast.
#[derive(Debug, Clone, Copy)]
pub struct ScaledClock {
    started: Timestamp,
    since: Instant,
    scale: u32,
}

impl ScaledClock {
    /// A clock that starts now.
    pub fn new(scale: u32) -> Self {
        Self {
            started: Timestamp::now(),
            since: Instant::now(),
            scale: scale.max(1),
        }
    }

    fn read(&self) -> Timestamp {
        let elapsed = SignedDuration::try_from(self.since.elapsed()).unwrap_or(SignedDuration::MAX);
        let scale = i32::try_from(self.scale).unwrap_or(i32::MAX);
        self.started + elapsed * scale
    }
}

impl Clock for ScaledClock {
    fn now(&self) -> Timestamp {
        self.read()
    }
}

impl im_sandbox::Clock for ScaledClock {
    fn now(&self) -> Timestamp {
        self.read()
    }
}
