//! `requests_per_minute`: what one process has taken of the minute's requests, which all processes share. Pure.

use im_model::Severity;
use jiff::{SignedDuration, Timestamp};

use super::lane::{REQUESTS_OF_A_JOB, kept_for_others};

/// What one process knows of the present minute.
#[derive(Debug, Default)]
pub(super) struct Quota {
    minute: i64,
    /// Requests taken from the shared counter.
    taken: u32,
    /// What the process had sent when the minute began.
    sent_before: u64,
    /// The lane that the shared counter had nothing left for, and so all below it.
    refused: Option<Severity>,
}

/// What a job may do.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// Start.
    Go,
    /// Take so many of the minute's requests from the shared counter, unless more than `ceiling` were taken then.
    Take {
        minute: i64,
        wanted: u32,
        ceiling: u32,
    },
    /// Come back then.
    Wait(Timestamp),
}

impl Quota {
    /// How many parts a minute's requests are taken in: so many updates a minute the counter costs, whoever takes them.
    const PARTS: u32 = 10;

    /// Whether another job may start beside so many under way, with so many requests sent by this process so far.
    pub(super) fn turn(
        &mut self,
        per_minute: u32,
        severity: Severity,
        under_way: u32,
        sent: u64,
        now: Timestamp,
    ) -> Turn {
        let minute = now.as_second().div_euclid(60);
        if self.minute != minute {
            *self = Self {
                minute,
                sent_before: sent,
                ..Self::default()
            };
        }
        let needed = REQUESTS_OF_A_JOB.min(per_minute);
        let promised = u64::from(under_way) * u64::from(REQUESTS_OF_A_JOB);
        let spent = sent.saturating_sub(self.sent_before) + promised;
        let missing = (spent + u64::from(needed)).saturating_sub(u64::from(self.taken));
        if missing == 0 {
            return Turn::Go;
        }
        if self.refused.is_some_and(|refused| refused <= severity) {
            return Turn::Wait(Self::start_of(minute + 1));
        }
        let kept = u64::from(per_minute) * u64::from(kept_for_others(severity)) / 100;
        let ceiling = per_minute - u32::try_from(kept).unwrap_or(per_minute);
        let ceiling = ceiling.max(needed);
        let missing = u32::try_from(missing).unwrap_or(u32::MAX).min(ceiling);
        let wanted = missing.max(per_minute / Self::PARTS).max(1).min(ceiling);
        Turn::Take {
            minute,
            wanted,
            ceiling,
        }
    }

    /// The shared counter has given so many.
    pub(super) fn took(&mut self, minute: i64, count: u32) {
        if self.minute == minute {
            self.taken = self.taken.saturating_add(count);
        }
    }

    /// The shared counter has nothing left for a lane.
    pub(super) fn was_refused(&mut self, minute: i64, severity: Severity) {
        if self.minute == minute {
            self.refused = Some(self.refused.map_or(severity, |known| known.min(severity)));
        }
    }

    fn start_of(minute: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH
            .saturating_add(SignedDuration::from_secs(minute.saturating_mul(60)))
            .unwrap_or(Timestamp::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PER_MINUTE: u32 = 100;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("a time")
    }

    /// The counter that all share.
    #[derive(Default)]
    struct Counter(std::collections::BTreeMap<i64, u32>);

    /// Starts jobs of two requests each until one has to wait; returns how many started, and how often the counter was
    /// asked.
    fn run(
        quota: &mut Quota,
        counter: &mut Counter,
        severity: Severity,
        sent: &mut u64,
        now: i64,
    ) -> (u32, u32) {
        let (mut jobs, mut asked) = (0, 0);
        loop {
            match quota.turn(PER_MINUTE, severity, 0, *sent, at(now)) {
                Turn::Go => {
                    *sent += 2;
                    jobs += 1;
                }
                Turn::Take {
                    minute,
                    wanted,
                    ceiling,
                } => {
                    asked += 1;
                    let used = counter.0.entry(minute).or_default();
                    if *used + wanted <= ceiling {
                        *used += wanted;
                        quota.took(minute, wanted);
                    } else {
                        quota.was_refused(minute, severity);
                    }
                }
                Turn::Wait(until) => {
                    assert_eq!(until, at((now / 60 + 1) * 60));
                    return (jobs, asked);
                }
            }
        }
    }

    #[test]
    fn two_processes_share_a_minute_and_the_severe_find_their_part_of_it() {
        let (mut counter, mut ours, mut theirs) =
            (Counter::default(), Quota::default(), Quota::default());
        let (mut sent, mut sent_there) = (7, 0);
        let (low, asked) = run(&mut ours, &mut counter, Severity::Sev4, &mut sent, 61);
        assert_eq!((low, asked), (29, 7), "60 of 100 requests, in tens");
        assert_eq!(
            run(
                &mut theirs,
                &mut counter,
                Severity::Sev4,
                &mut sent_there,
                62
            ),
            (0, 1)
        );
        assert_eq!(
            run(
                &mut theirs,
                &mut counter,
                Severity::Sev4,
                &mut sent_there,
                63
            ),
            (0, 0),
            "known"
        );
        let (high, _) = run(
            &mut theirs,
            &mut counter,
            Severity::Sev1,
            &mut sent_there,
            64,
        );
        assert_eq!(high, 19);
        assert!(sent - 7 + sent_there <= u64::from(PER_MINUTE));
        let (next, _) = run(&mut ours, &mut counter, Severity::Sev4, &mut sent, 120);
        assert_eq!(next, 29, "another minute");
    }

    #[test]
    fn a_job_that_sent_more_than_it_was_taken_to_need_is_paid_for_by_the_next() {
        let mut quota = Quota::default();
        assert!(matches!(
            quota.turn(PER_MINUTE, Severity::Sev1, 0, 0, at(0)),
            Turn::Take { .. }
        ));
        quota.took(0, 10);
        assert_eq!(
            quota.turn(PER_MINUTE, Severity::Sev1, 0, 0, at(0)),
            Turn::Go
        );
        let turn = quota.turn(PER_MINUTE, Severity::Sev1, 0, 25, at(0));
        assert_eq!(
            turn,
            Turn::Take {
                minute: 0,
                wanted: 18,
                ceiling: 100
            }
        );
    }

    #[test]
    fn one_request_a_minute_is_still_one() {
        let mut quota = Quota::default();
        let turn = quota.turn(1, Severity::Sev4, 0, 0, at(0));
        assert_eq!(
            turn,
            Turn::Take {
                minute: 0,
                wanted: 1,
                ceiling: 1
            }
        );
        quota.took(0, 1);
        assert_eq!(quota.turn(1, Severity::Sev4, 0, 0, at(1)), Turn::Go);
        assert!(matches!(
            quota.turn(1, Severity::Sev4, 0, 2, at(2)),
            Turn::Take { .. }
        ));
    }
}
