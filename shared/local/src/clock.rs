//! A clock that runs faster, so that waits of minutes can be watched.

use std::{fs, time::Instant};

use anyhow::Context as _;
use im_engine::ports::Clock;
use jiff::{SignedDuration, Timestamp};

use crate::{DataFolder, private_file};

/// Starts at some time and runs `scale` times as fast.
#[derive(Debug, Clone, Copy)]
pub struct ScaledClock {
    started: Timestamp,
    since: Instant,
    scale: u32,
}

impl ScaledClock {
    /// A clock that starts now, at the present.
    pub fn new(scale: u32) -> Self {
        Self::starting_at(Timestamp::now(), scale)
    }

    /// A clock that starts now, at `started`.
    fn starting_at(started: Timestamp, scale: u32) -> Self {
        Self {
            started,
            since: Instant::now(),
            scale: scale.max(1),
        }
    }

    /// A clock that goes on where the one of the process before is by now, also if that one ran ahead: what is in the
    /// folder must not be of the future. Its pace and its beginning are kept in the folder.
    ///
    /// # Errors
    /// The file cannot be read or written.
    pub fn kept_in(folder: &DataFolder, scale: u32) -> anyhow::Result<Self> {
        let file = folder.path().join("clock.json");
        let now = Timestamp::now();
        let shown = match fs::read(&file) {
            Ok(bytes) => Pace::parse(&bytes)
                .with_context(|| format!("{} is not as im dev wrote it", file.display()))?
                .shown(now),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => now,
            Err(error) => return Err(error).with_context(|| file.display().to_string()),
        };
        let pace = Pace {
            real: now,
            shown,
            scale: scale.max(1),
        };
        private_file::replace(&file, pace.to_json().as_bytes())
            .with_context(|| format!("writing {}", file.display()))?;
        Ok(Self::starting_at(shown, scale))
    }

    fn read(&self) -> Timestamp {
        let elapsed = SignedDuration::try_from(self.since.elapsed()).unwrap_or(SignedDuration::MAX);
        later(self.started, elapsed, self.scale)
    }
}

fn scaled(span: SignedDuration, scale: u32) -> SignedDuration {
    let scale = i32::try_from(scale).unwrap_or(i32::MAX);
    span.checked_mul(scale).unwrap_or(SignedDuration::MAX)
}

/// `scale` times as much later.
fn later(start: Timestamp, elapsed: SignedDuration, scale: u32) -> Timestamp {
    let elapsed = scaled(elapsed, scale);
    start.saturating_add(elapsed).unwrap_or(Timestamp::MAX)
}

/// What a clock showed at a real moment, and how fast it ran from there.
struct Pace {
    real: Timestamp,
    shown: Timestamp,
    scale: u32,
}

impl Pace {
    /// No process shows more before `now`. A real clock that was set back stops it.
    fn shown(&self, now: Timestamp) -> Timestamp {
        let elapsed = now.duration_since(self.real).max(SignedDuration::ZERO);
        later(self.shown, elapsed, self.scale)
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let json: serde_json::Value = serde_json::from_slice(bytes).ok()?;
        Some(Self {
            real: json["real"].as_str()?.parse().ok()?,
            shown: json["shown"].as_str()?.parse().ok()?,
            scale: json["scale"].as_u64()?.try_into().ok()?,
        })
    }

    fn to_json(&self) -> String {
        let Self { real, shown, scale } = self;
        serde_json::json!({"real": real.to_string(), "shown": shown.to_string(), "scale": scale})
            .to_string()
    }
}

impl Clock for ScaledClock {
    fn now(&self) -> Timestamp {
        self.read()
    }

    fn during(&self, work: SignedDuration) -> SignedDuration {
        scaled(work, self.scale)
    }
}

impl im_sandbox::Clock for ScaledClock {
    fn now(&self) -> Timestamp {
        self.read()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a time")
    }

    #[test]
    fn time_never_goes_back_whatever_the_pace_becomes() {
        let fast = Pace {
            real: at("2026-01-02T00:00:00Z"),
            shown: at("2026-01-02T00:00:00Z"),
            scale: 60,
        };
        let killed = at("2026-01-02T00:01:00Z");
        let shown = fast.shown(killed);
        assert_eq!(shown, at("2026-01-02T01:00:00Z"));
        let slow = Pace {
            real: killed,
            shown,
            scale: 1,
        };
        let slow = Pace::parse(slow.to_json().as_bytes()).expect("what was written");
        assert_eq!(slow.shown(killed), shown);
        let later = at("2026-01-02T00:01:30Z");
        assert_eq!(slow.shown(later), at("2026-01-02T01:00:30Z"));
        // Somebody sets the machine's clock back.
        assert_eq!(slow.shown(at("2026-01-01T00:00:00Z")), shown);
    }
}
