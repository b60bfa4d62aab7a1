//! Whose turn it is when a vendor's budget is short: lanes by severity. Pure.

use im_model::{Field, Incident, Severity};
use im_vendors::Budget;
use jiff::{SignedDuration, Timestamp};

use crate::Job;

/// How many requests a job is taken to need before it has sent any: a read, a write, and a look at something.
pub(super) const REQUESTS_OF_A_JOB: u32 = 3;

/// The lane of an incident's jobs.
pub(crate) fn of_incident(incident: &Incident) -> Severity {
    let severity = incident.value(&Field::Severity);
    let severity = severity.as_str().and_then(|word| word.parse().ok());
    severity.unwrap_or(Severity::Sev3)
}

/// The lane of a record that belongs to no incident yet: how severe it is only the vendor knows.
pub(crate) const OF_NO_INCIDENT: Severity = Severity::Sev2;

/// The lane of a job as far as it is known before anything is loaded: by the incident as a stream shows it, or by what an
/// earlier attempt has seen.
pub fn severity_of(image: Option<&Incident>, seen: Option<Severity>) -> Severity {
    let shown = image.map(of_incident);
    shown.or(seen).unwrap_or(OF_NO_INCIDENT)
}

/// How much of a budget is kept for those that are more severe, in percent.
pub(super) fn kept_for_others(severity: Severity) -> u32 {
    match severity {
        Severity::Sev1 => 0,
        Severity::Sev2 => 10,
        Severity::Sev3 => 20,
        Severity::Sev4 => 40,
    }
}

/// May another job of this severity start, beside so many that are under way? Answers when to ask again if not. Those
/// under way have not sent all their requests yet, and several processes see the same budget.
pub(super) fn refusal(budget: &Budget, severity: Severity, under_way: u32) -> Option<Timestamp> {
    let kept = kept_for_others(severity);
    let promised = match severity {
        // The most severe waits for nothing that may not be needed.
        Severity::Sev1 => 0,
        _ => under_way.saturating_mul(REQUESTS_OF_A_JOB),
    };
    let left = u64::from(budget.remaining.saturating_sub(promised));
    let may_start = left * 100 > u64::from(budget.limit) * u64::from(kept);
    (!may_start).then_some(budget.resets_at)
}

/// When a job that was told to come back at a moment does so: the severe first, and those of one lane not all at once.
pub(crate) fn spread(until: Timestamp, job: &Job, severity: Severity) -> Timestamp {
    let within = match severity {
        Severity::Sev1 => 1,
        Severity::Sev2 => 5,
        Severity::Sev3 => 10,
        Severity::Sev4 => 20,
    };
    spread_within(until, job, SignedDuration::from_secs(within))
}

/// A moment within a time after another, always the same one for a job.
pub(crate) fn spread_within(until: Timestamp, job: &Job, within: SignedDuration) -> Timestamp {
    let milliseconds = u64::try_from(within.as_millis()).unwrap_or(1).max(1);
    let later = hash(&job.hint.to_string()) % milliseconds;
    until + SignedDuration::from_millis(i64::try_from(later).unwrap_or_default())
}

/// FNV-1a: the same in every process, which the standard library's does not promise.
fn hash(text: &str) -> u64 {
    let start = 0xcbf2_9ce4_8422_2325;
    text.bytes().fold(start, |hash: u64, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Cause, Hint};

    fn budget(remaining: u32) -> Budget {
        Budget {
            limit: 100,
            remaining,
            resets_at: Timestamp::from_second(60).expect("a time"),
        }
    }

    #[test]
    fn each_lane_leaves_its_share_to_those_above_it() {
        for (severity, least) in [
            (Severity::Sev1, 1),
            (Severity::Sev2, 11),
            (Severity::Sev3, 21),
            (Severity::Sev4, 41),
        ] {
            assert_eq!(refusal(&budget(least), severity, 0), None, "{severity}");
            let refused = refusal(&budget(least - 1), severity, 0);
            assert_eq!(refused, Some(budget(0).resets_at), "{severity}");
        }
    }

    #[test]
    fn those_under_way_count_for_all_but_the_most_severe() {
        assert_eq!(refusal(&budget(50), Severity::Sev4, 3), None);
        assert!(refusal(&budget(50), Severity::Sev4, 4).is_some());
        assert_eq!(refusal(&budget(1), Severity::Sev1, 9), None);
    }

    #[test]
    fn jobs_come_back_one_after_the_other_and_always_at_the_same_moment() {
        let job = |number: u128| Job {
            hint: Hint::Incident {
                incident: im_model::IncidentId::from_ulid(ulid::Ulid(number)),
                integration: "pd".parse().expect("an id"),
            },
            cause: Cause::Change,
            waited: false,
            insist: false,
        };
        let moments: std::collections::BTreeSet<_> = (0..100)
            .map(|number| spread(Timestamp::UNIX_EPOCH, &job(number), Severity::Sev4))
            .collect();
        assert!(moments.len() > 90, "{}", moments.len());
        let last = moments.last().expect("some");
        assert!((15..20).contains(&last.as_second()), "{last}");
        let again = spread(Timestamp::UNIX_EPOCH, &job(7), Severity::Sev4);
        assert!(moments.contains(&again));
    }
}
