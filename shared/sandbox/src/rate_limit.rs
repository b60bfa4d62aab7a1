//! A fixed window of time per caller.

use std::collections::HashMap;

use jiff::Timestamp;

/// Where a caller stands after a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) limit: u32,
    pub(crate) remaining: u32,
    pub(crate) reset_seconds: i64,
    pub(crate) exceeded: bool,
}

#[derive(Debug)]
pub(crate) struct RateLimit {
    limit: u32,
    window_seconds: i64,
    windows: HashMap<String, (Timestamp, u32)>,
}

impl RateLimit {
    pub(crate) fn per_minute(limit: u32) -> Self {
        Self::new(limit, 60)
    }

    pub(crate) fn new(limit: u32, window_seconds: i64) -> Self {
        Self {
            limit,
            window_seconds,
            windows: HashMap::new(),
        }
    }

    /// From now on; what was counted stays.
    pub(crate) fn set_limit(&mut self, limit: u32) {
        self.limit = limit;
    }

    pub(crate) fn count(&mut self, caller: &str, now: Timestamp) -> Standing {
        let (start, used) = self.windows.entry(caller.to_owned()).or_insert((now, 0));
        let elapsed = now.as_second() - start.as_second();
        if !(0..self.window_seconds).contains(&elapsed) {
            (*start, *used) = (now, 0);
        }
        let exceeded = *used >= self.limit;
        if !exceeded {
            *used += 1;
        }
        Standing {
            limit: self.limit,
            remaining: self.limit.saturating_sub(*used),
            reset_seconds: self.window_seconds - (now.as_second() - start.as_second()),
            exceeded,
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a panic is a failed test")]
mod tests {
    use super::*;

    #[test]
    fn the_limit_holds_for_a_minute_and_per_caller() {
        let mut limit = RateLimit::per_minute(2);
        let at = |second: i64| Timestamp::from_second(1_000 + second).unwrap();
        assert_eq!(limit.count("a", at(0)).remaining, 1);
        assert!(!limit.count("a", at(10)).exceeded);
        let over = limit.count("a", at(59));
        assert!(over.exceeded);
        assert_eq!(over.reset_seconds, 1);
        assert!(!limit.count("b", at(59)).exceeded);
        assert!(!limit.count("a", at(60)).exceeded);
    }
}
