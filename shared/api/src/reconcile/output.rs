//! A run, what it found, and a schedule as they are shown.

use std::collections::BTreeMap;

use im_model::{
    BaseValues, DriftItem, DriftKind, ItemResult, Run, RunCounts, RunStatus, Schedule, StartedBy,
};
use jiff::Timestamp;
use serde::Serialize;

use crate::{router::BASE, value::side};

#[derive(Debug, Serialize)]
pub(super) struct RunJson {
    id: String,
    integration_id: String,
    purpose: &'static str,
    mode: &'static str,
    status: &'static str,
    phase: &'static str,
    started_by: StartedByJson,
    started_at: Timestamp,
    updated_at: Timestamp,
    finished_at: Option<Timestamp>,
    duration_ms: i64,
    since: Option<Timestamp>,
    limit: Option<u32>,
    summary: SummaryJson,
    reason: Option<String>,
    confirmed_by: Option<String>,
    next: Option<String>,
}

#[derive(Debug, Serialize)]
struct StartedByJson {
    kind: &'static str,
    text: String,
}

#[derive(Debug, Serialize)]
struct SummaryJson {
    pages: u64,
    records: u64,
    linked: u64,
    reads: u64,
    incidents: u64,
    found: BTreeMap<&'static str, u64>,
    in_progress: u64,
    to_heal: u64,
    healed: u64,
    failed: u64,
    invocations: u32,
}

#[derive(Debug, Serialize)]
pub(super) struct ItemJson {
    kind: &'static str,
    incident_id: Option<String>,
    external_id: Option<String>,
    field: Option<String>,
    base: Option<BaseJson>,
    platform: Option<String>,
    external: Option<String>,
    right: Option<&'static str>,
    why: String,
    action: &'static str,
    verified: bool,
    result: Option<ResultJson>,
}

#[derive(Debug, Serialize)]
struct BaseJson {
    platform: Option<String>,
    external: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(tag = "result", rename_all = "snake_case")]
enum ResultJson {
    Healed { outcome: String },
    Failed { why: String },
}

#[derive(Debug, Serialize)]
pub(super) struct ScheduleJson {
    interval: String,
    auto_heal: bool,
    enabled: bool,
    full_every: String,
    next_at: Timestamp,
    set_by: String,
}

impl RunJson {
    pub(super) fn of(run: &Run) -> Self {
        // Of one that is going on, until it was last seen to move.
        let until = run.finished_at.unwrap_or(run.updated_at);
        let took = until.duration_since(run.started_at).as_millis();
        Self {
            id: run.id.to_string(),
            integration_id: run.integration.to_string(),
            purpose: run.purpose.as_str(),
            mode: if run.apply { "auto-heal" } else { "dry-run" },
            status: run.status.as_str(),
            phase: run.place.phase().as_str(),
            started_by: StartedByJson::of(&run.started_by),
            started_at: run.started_at,
            updated_at: run.updated_at,
            finished_at: run.finished_at,
            duration_ms: i64::try_from(took).unwrap_or(i64::MAX),
            since: run.since,
            limit: run.limit,
            summary: SummaryJson::of(&run.counts),
            reason: run.reason.clone(),
            confirmed_by: run.confirmed_by.as_ref().map(ToString::to_string),
            next: next_step(run),
        }
    }
}

/// What a person has to do, if the run waits for one.
fn next_step(run: &Run) -> Option<String> {
    let (id, run_id) = (&run.integration, &run.id);
    (run.status == RunStatus::Braked).then(|| {
        format!(
            "Nothing was written yet. See what it found in its items; then POST \
             {BASE}/integrations/{id}/reconcile/runs/{run_id}/confirm lets it go on, planned anew on what both sides hold \
             then, and POST …/cancel ends it."
        )
    })
}

impl StartedByJson {
    fn of(by: &StartedBy) -> Self {
        let (kind, text) = match by {
            StartedBy::Person { actor } => ("person", actor.to_string()),
            StartedBy::Schedule => ("schedule", "the integration's schedule".to_owned()),
            StartedBy::Polling => ("polling", "the integration's mode, polling".to_owned()),
        };
        Self { kind, text }
    }
}

impl SummaryJson {
    fn of(counts: &RunCounts) -> Self {
        let found = DriftKind::ALL.iter();
        let found = found.map(|kind| {
            let number = counts.found.get(kind).copied().unwrap_or_default();
            (kind.as_str(), number)
        });
        Self {
            pages: counts.pages,
            records: counts.records,
            linked: counts.linked,
            reads: counts.reads,
            incidents: counts.incidents,
            found: found.collect(),
            in_progress: counts.in_progress,
            to_heal: counts.to_heal,
            healed: counts.healed,
            failed: counts.failed,
            invocations: counts.invocations,
        }
    }
}

impl ItemJson {
    pub(super) fn of(item: &DriftItem) -> Self {
        Self {
            kind: item.kind.as_str(),
            incident_id: item.incident.as_ref().map(ToString::to_string),
            external_id: item.external_id.as_ref().map(ToString::to_string),
            field: item.field.as_ref().map(ToString::to_string),
            base: item.base.as_ref().map(BaseJson::of),
            platform: item.platform.clone(),
            external: item.external.clone(),
            right: item.right.map(side),
            why: item.why.clone(),
            action: item.action.as_str(),
            verified: item.verified,
            result: item.result.as_ref().map(ResultJson::of),
        }
    }
}

impl BaseJson {
    fn of(base: &BaseValues) -> Self {
        Self {
            platform: base.platform.clone(),
            external: base.external.clone(),
        }
    }
}

impl ResultJson {
    fn of(result: &ItemResult) -> Self {
        match result {
            ItemResult::Healed { outcome } => Self::Healed {
                outcome: outcome.clone(),
            },
            ItemResult::Failed { why } => Self::Failed { why: why.clone() },
        }
    }
}

impl ScheduleJson {
    pub(super) fn of(schedule: &Schedule) -> Self {
        Self {
            interval: schedule.interval.to_string(),
            auto_heal: schedule.auto_heal,
            enabled: schedule.enabled,
            full_every: schedule.full_every.to_string(),
            next_at: schedule.next_at,
            set_by: schedule.set_by.to_string(),
        }
    }
}
