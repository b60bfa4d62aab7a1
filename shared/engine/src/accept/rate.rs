//! How many of something may come in. Pure.

use jiff::{SignedDuration, Timestamp};

/// So many a second, and so many at once after a quiet time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeliveryRate {
    /// In the long run; at least 1.
    pub per_second: u32,
    /// At once; at least 1.
    pub at_once: u32,
}

impl DeliveryRate {
    /// Four seconds' worth at once.
    pub fn per_second(per_second: u32) -> Self {
        Self {
            per_second,
            at_once: per_second.saturating_mul(4),
        }
    }

    fn interval(self) -> SignedDuration {
        SignedDuration::from_secs(1) / i32::try_from(self.per_second.max(1)).unwrap_or(i32::MAX)
    }

    /// How far the next one's turn may lie ahead.
    fn tolerance(self) -> SignedDuration {
        self.interval() * i32::try_from(self.at_once.max(1) - 1).unwrap_or(i32::MAX)
    }
}

impl Default for DeliveryRate {
    /// 50 a second, 200 at once.
    fn default() -> Self {
        Self::per_second(50)
    }
}

/// When the next one would have its turn if all came evenly: all that there is to remember of those before.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Turn(Option<Timestamp>);

impl Turn {
    /// Lets one in, or says how long it has to wait.
    pub(super) fn take(
        &mut self,
        rate: DeliveryRate,
        now: Timestamp,
    ) -> Result<(), SignedDuration> {
        let wait = self.wait(rate, now);
        if wait.is_positive() {
            return Err(wait);
        }
        self.0 = Some(self.next(rate, now) + rate.interval());
        Ok(())
    }

    /// How long the next one has to wait; not positive if it has not to.
    pub(super) fn wait(self, rate: DeliveryRate, now: Timestamp) -> SignedDuration {
        self.next(rate, now).duration_since(now) - rate.tolerance()
    }

    /// One that lies further ahead than any may is of a clock that was set back since: it would keep all out until then.
    fn next(self, rate: DeliveryRate, now: Timestamp) -> Timestamp {
        let furthest = now + rate.tolerance() + rate.interval();
        let next = self.0.filter(|next| *next <= furthest);
        next.map_or(now, |next| next.max(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(milliseconds: i64) -> Timestamp {
        Timestamp::from_millisecond(milliseconds).expect("a time")
    }

    #[test]
    fn so_many_at_once_and_then_one_by_one() {
        let rate = DeliveryRate::default();
        let mut turn = Turn::default();
        for _ in 0..200 {
            assert_eq!(turn.take(rate, at(0)), Ok(()));
        }
        let wait = SignedDuration::from_millis(20);
        assert_eq!(turn.take(rate, at(0)), Err(wait));
        assert_eq!(turn.take(rate, at(0)), Err(wait), "who waits takes nothing");
        assert!(turn.take(rate, at(19)).is_err());
        assert_eq!(turn.take(rate, at(20)), Ok(()));
        assert!(turn.take(rate, at(20)).is_err());
        for _ in 0..50 {
            assert_eq!(turn.take(rate, at(1020)), Ok(()));
        }
        assert!(turn.take(rate, at(1020)).is_err());
        for _ in 0..200 {
            assert_eq!(turn.take(rate, at(60_000)), Ok(()));
        }
        assert!(turn.take(rate, at(60_000)).is_err(), "no more is saved up");
    }

    #[test]
    fn a_clock_that_is_set_back_keeps_nobody_out() {
        let rate = DeliveryRate::default();
        let mut turn = Turn::default();
        assert_eq!(turn.take(rate, at(3_600_000)), Ok(()));
        for _ in 0..200 {
            assert_eq!(turn.take(rate, at(0)), Ok(()));
        }
        assert!(turn.take(rate, at(0)).is_err());
    }

    #[test]
    fn a_rate_of_nothing_still_lets_one_in() {
        let rate = DeliveryRate::per_second(0);
        let mut turn = Turn::default();
        assert_eq!(turn.take(rate, at(0)), Ok(()));
        assert!(turn.take(rate, at(0)).is_err());
        assert_eq!(turn.take(rate, at(1000)), Ok(()));
    }
}
