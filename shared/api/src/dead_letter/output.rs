//! A dead letter as it is shown.

use im_engine::{
    DeadLetter, FailedAttempt,
    manage::{ManySettled, NotSettled},
};
use jiff::Timestamp;
use serde::Serialize;

#[derive(Debug, Serialize)]
pub(super) struct DeadLetterJson {
    id: String,
    integration_id: String,
    incident_id: Option<String>,
    external_id: Option<String>,
    direction: &'static str,
    status: &'static str,
    reason: &'static str,
    severity: Option<&'static str>,
    jobs: u32,
    attempts: u32,
    redriven: u32,
    last_error: Option<String>,
    opened_at: Timestamp,
    died_at: Timestamp,
    changed_at: Timestamp,
    changed_by: String,
    version: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    failures: Option<Vec<FailureJson>>,
}

#[derive(Debug, Serialize)]
struct FailureJson {
    at: Timestamp,
    error: String,
    reason: &'static str,
    fields: Vec<String>,
}

/// What became of a page of them.
#[derive(Debug, Serialize)]
pub(super) struct ManyJson {
    #[serde(skip_serializing_if = "Option::is_none")]
    retried: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    discarded: Option<u32>,
    failed: Vec<NotSettledJson>,
    next: Option<String>,
}

#[derive(Debug, Serialize)]
struct NotSettledJson {
    entry: String,
    problem: String,
}

impl DeadLetterJson {
    /// Without its attempts, of which only the last error is told.
    pub(super) fn of(letter: &DeadLetter) -> Self {
        Self {
            id: letter.id.to_string(),
            integration_id: letter.integration.to_string(),
            incident_id: letter.incident.as_ref().map(ToString::to_string),
            external_id: letter.external_id.as_ref().map(ToString::to_string),
            direction: letter.direction(),
            status: letter.status.as_str(),
            reason: letter.reason.as_str(),
            severity: letter.severity.map(im_model::Severity::as_str),
            jobs: letter.jobs,
            attempts: letter.attempts_in_all,
            redriven: letter.redriven,
            last_error: letter.attempts.last().map(|last| last.error.clone()),
            opened_at: letter.opened_at,
            died_at: letter.died_at,
            changed_at: letter.changed_at,
            changed_by: letter.changed_by.clone(),
            version: letter.version,
            failures: None,
        }
    }

    pub(super) fn with_failures(letter: &DeadLetter) -> Self {
        let mut failures: Vec<_> = letter.attempts.iter().map(FailureJson::of).collect();
        // They are kept job by job, and jobs of one link overlap.
        failures.sort_by_key(|failure| failure.at);
        Self {
            failures: Some(failures),
            ..Self::of(letter)
        }
    }
}

impl FailureJson {
    fn of(failure: &FailedAttempt) -> Self {
        Self {
            at: failure.at,
            error: failure.error.clone(),
            reason: failure.reason.as_str(),
            fields: failure.fields.iter().map(ToString::to_string).collect(),
        }
    }
}

impl ManyJson {
    pub(super) fn retried(many: ManySettled) -> Self {
        Self {
            retried: Some(many.done),
            ..Self::of(many)
        }
    }

    pub(super) fn discarded(many: ManySettled) -> Self {
        Self {
            discarded: Some(many.done),
            ..Self::of(many)
        }
    }

    fn of(many: ManySettled) -> Self {
        let failed = many.failed.into_iter();
        Self {
            retried: None,
            discarded: None,
            failed: failed
                .map(|NotSettled { entry, why }| NotSettledJson {
                    entry: entry.to_string(),
                    problem: why,
                })
                .collect(),
            next: many.next,
        }
    }
}
