//! What happens after an attempt that failed (design section 5). Pure.

use std::collections::BTreeSet;

use im_model::{DeadLetterId, FailureReason, Ownable, Severity};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{Cause, Job, SyncError, pace::lane};

/// The waits between attempts. The attempt after the last one is the dead letters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetryLadder(pub Vec<SignedDuration>);

impl RetryLadder {
    /// Longer than all of it: the default takes 40 min and 30 s.
    pub(crate) const LONG: SignedDuration = SignedDuration::from_hours(1);
}

impl Default for RetryLadder {
    /// 30 s, 2 min, 8 min, 30 min: five attempts with the first.
    fn default() -> Self {
        Self([30, 120, 480, 1800].map(SignedDuration::from_secs).to_vec())
    }
}

/// A job that waits in its function's retry queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RetryMessage {
    /// What to do. No values: it is recomputed from the present.
    pub job: Job,
    /// The how-manieth attempt the next one is; the first was the stream's.
    pub attempt: u32,
    /// How often it was put back only because it had to wait a moment.
    #[serde(default)]
    pub waits: u32,
    /// What went wrong so far, oldest first.
    #[serde(default)]
    pub failures: Vec<FailedAttempt>,
    /// Not before this.
    pub not_before: Timestamp,
    /// Since when there is this job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// How severe the incident is, where an attempt has seen it: whose turn it is when a vendor's budget is short.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severity: Option<Severity>,
    /// Which dead letter this is a retry of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entry: Option<DeadLetterId>,
    /// When it was given up. A dead letter without it was given up by its queue: its function did not survive it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub died_at: Option<Timestamp>,
}

/// One attempt that failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedAttempt {
    /// When it had failed.
    pub at: Timestamp,
    /// What went wrong, in words.
    pub error: String,
    /// What kind of thing.
    pub reason: FailureReason,
    /// The fields and lists of notes that can never be synced as they are, where it is about some.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub fields: BTreeSet<Ownable>,
}

/// Where a job goes after an attempt that did not succeed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Disposition {
    /// Into the function's own retry queue.
    Retry(RetryMessage),
    /// To the dead letters.
    Dead(RetryMessage),
    /// Nowhere, unless its link has a dead letter: the minute tick makes a new job of it.
    Leave(RetryMessage),
}

impl RetryLadder {
    /// How often a hint may be put back for a moment before that counts as a failed attempt. With waits of 1, 2, 4, 8,
    /// 10, 10 … s this outlasts a claim's lease.
    const MOST_WAITS: u32 = 8;

    /// After this many waits, 15 s, a record that is older than announced is believed.
    const PATIENT_WAITS: u32 = 3;

    /// Decides what becomes of a job. `so_far` is the message that the attempt came from.
    pub fn after(&self, so_far: RetryMessage, error: &SyncError, now: Timestamp) -> Disposition {
        let mut message = so_far;
        // No vendor's replica lags longer; perhaps the announced version was never promised.
        message.job.waited = message.waits >= Self::PATIENT_WAITS;
        if let SyncError::Throttled { until, severity } = error {
            message.severity = Some(*severity);
            message.not_before = lane::spread(*until, &message.job, *severity);
            if message.is_brought_again(now) {
                return Disposition::Leave(message);
            }
            return Disposition::Retry(message);
        }
        if error.only_has_to_wait() && message.waits < Self::MOST_WAITS {
            let seconds = 1_i64.checked_shl(message.waits).unwrap_or(i64::MAX).min(10);
            message.waits += 1;
            message.not_before = now + SignedDuration::from_secs(seconds);
            return Disposition::Retry(message);
        }
        message.failures.push(FailedAttempt {
            at: now,
            error: error.to_string(),
            reason: error.reason(),
            fields: error.fields(),
        });
        let rung = message.attempt.saturating_sub(1) as usize;
        match self.0.get(rung) {
            Some(wait) if !error.is_permanent() => {
                // What the vendor asks for stretches a delay, and never shortens it.
                let wait = error.retry_after().map_or(*wait, |asked| asked.max(*wait));
                message.attempt += 1;
                message.waits = 0;
                message.not_before = later_of(now + wait, error, &message.job);
                Disposition::Retry(message)
            }
            _ => {
                message.died_at = Some(now);
                Disposition::Dead(message)
            }
        }
    }
}

/// Whoever waits for a circuit does not come before its trial, nor all at once with it.
fn later_of(at: Timestamp, error: &SyncError, job: &Job) -> Timestamp {
    const SPREAD: SignedDuration = SignedDuration::from_secs(5);
    error
        .not_before()
        .map_or(at, |until| at.max(lane::spread_within(until, job, SPREAD)))
}

impl RetryMessage {
    /// The first attempt of a job.
    pub fn first(job: Job, now: Timestamp) -> Self {
        Self {
            job,
            attempt: 1,
            waits: 0,
            failures: Vec::new(),
            not_before: now,
            since: Some(now),
            severity: None,
            entry: None,
            died_at: None,
        }
    }

    /// Waits it for its turn so long that the minute tick has made another job of what is open, or will at once? Else
    /// both would wait from then on, an hour later three, and the more there are the longer all of them wait.
    fn is_brought_again(&self, now: Timestamp) -> bool {
        let is_open = matches!(self.job.cause, Cause::Delivery { .. } | Cause::Change);
        let since = self.since.unwrap_or(now);
        // What has failed before must not begin its ladder again, hour after hour.
        is_open && self.failures.is_empty() && now.duration_since(since) > RetryLadder::LONG
    }
}

#[cfg(test)]
mod tests {
    use im_model::RecordVersion;
    use im_vendors::{VendorError, VendorErrorKind};

    use super::*;
    use crate::{Cause, Hint};

    fn first() -> RetryMessage {
        let hint = Hint::Incident {
            incident: im_model::IncidentId::from_ulid(ulid::Ulid(1)),
            integration: "pd".parse().expect("an id"),
        };
        let job = Job {
            hint,
            cause: Cause::Change,
            waited: false,
            insist: false,
        };
        RetryMessage::first(job, Timestamp::UNIX_EPOCH)
    }

    fn vendor(kind: VendorErrorKind) -> SyncError {
        VendorError {
            tried: "PUT /incidents/P1".into(),
            kind,
            detail: String::new(),
        }
        .into()
    }

    fn wait_of(disposition: Disposition) -> (i64, RetryMessage) {
        match disposition {
            Disposition::Retry(message) => (message.not_before.as_second(), message),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn five_attempts_at_30_s_2_min_8_min_30_min_and_then_the_dead_letters() {
        let ladder = RetryLadder::default();
        let error = vendor(VendorErrorKind::Timeout);
        let mut message = first();
        for expected in [30, 120, 480, 1800] {
            let (wait, next) = wait_of(ladder.after(message, &error, Timestamp::UNIX_EPOCH));
            assert_eq!(wait, expected);
            message = next;
        }
        let Disposition::Dead(dead) = ladder.after(message, &error, Timestamp::UNIX_EPOCH) else {
            panic!("the fifth failure is the last");
        };
        assert_eq!((dead.attempt, dead.failures.len()), (5, 5));
    }

    #[test]
    fn what_waiting_cannot_mend_is_dead_at_once() {
        let dead = |kind| {
            let error = vendor(kind);
            let disposition = RetryLadder::default().after(first(), &error, Timestamp::UNIX_EPOCH);
            let is_dead = matches!(disposition, Disposition::Dead(_));
            assert_eq!(is_dead, error.reason() == FailureReason::Refused);
            is_dead
        };
        let (status, code) = (400, None);
        assert!(dead(VendorErrorKind::Refused { status, code }));
        assert!(dead(VendorErrorKind::OutOfReach));
        assert!(dead(VendorErrorKind::Redirected { status: 301 }));
        assert!(
            !dead(VendorErrorKind::Redirected { status: 302 }),
            "perhaps it is a page that says when the vendor is back"
        );
    }

    #[test]
    fn the_vendors_wish_stretches_a_delay_and_never_shortens_it() {
        for (asked, expected) in [(5, 30), (90, 90)] {
            let retry_after = Some(SignedDuration::from_secs(asked));
            let error = vendor(VendorErrorKind::RateLimited { retry_after });
            let disposition = RetryLadder::default().after(first(), &error, Timestamp::UNIX_EPOCH);
            assert_eq!(wait_of(disposition).0, expected);
        }
    }

    #[test]
    fn a_job_that_the_tick_brings_again_does_not_wait_for_its_turn_any_more() {
        let until = Timestamp::from_second(9_000).expect("a time");
        let severity = Severity::Sev3;
        let error = SyncError::Throttled { until, severity };
        let after = |cause: Cause, age: i64| {
            let mut message = first();
            message.job.cause = cause;
            let now = Timestamp::from_second(age).expect("a time");
            RetryLadder::default().after(message, &error, now)
        };
        let is_left = |it: Disposition| matches!(it, Disposition::Leave(_));
        let long = RetryLadder::LONG.as_secs();
        assert!(!is_left(after(Cause::Change, long)));
        assert!(is_left(after(Cause::Change, long + 1)));
        assert!(!is_left(after(Cause::Person, long + 1)), "nobody would");
    }

    #[test]
    fn waiting_for_somebody_is_no_failed_attempt_until_it_takes_longer_than_a_lease() {
        let error = SyncError::Stale {
            external_id: "P1".parse().expect("an id"),
            read: RecordVersion(1),
            known: RecordVersion(2),
        };
        let mut message = first();
        let mut total = 0;
        for expected in [1, 2, 4, 8, 10, 10, 10, 10] {
            let disposition = RetryLadder::default().after(message, &error, Timestamp::UNIX_EPOCH);
            let (wait, next) = wait_of(disposition);
            assert_eq!((wait, next.attempt), (expected, 1));
            total += wait;
            message = next;
        }
        assert!(total > 25, "longer than a lease");
        let (wait, next) =
            wait_of(RetryLadder::default().after(message, &error, Timestamp::UNIX_EPOCH));
        assert_eq!((wait, next.attempt, next.waits), (30, 2, 0));
    }
}
