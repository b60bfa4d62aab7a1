//! What a body may say of a run, or of a schedule.

use im_engine::{RunRequest, RunScope, manage::NewSchedule};
use im_model::{Interval, Purpose};
use jiff::Timestamp;

use crate::{Problem, body::ObjectReader};

/// What a reconciliation may say.
pub(crate) const RECONCILIATION: [&str; 4] = [DRY_RUN, "auto_heal", "scope", SINCE];

/// What a backfill may say.
pub(crate) const BACKFILL: [&str; 4] = [DRY_RUN, "apply", SINCE, "limit"];

/// What a schedule may say.
pub(crate) const SCHEDULE: [&str; 4] = ["interval", "auto_heal", "enabled", "full_every"];

/// The most that a backfill may be limited to.
pub(crate) const MOST_CREATED: u32 = 1_000_000;

const DRY_RUN: &str = "dry_run";
const SINCE: &str = "since";

/// A reconciliation to be started.
pub(super) fn reconciliation(mut body: ObjectReader) -> Result<RunRequest, Problem> {
    let apply = does_it_write(&mut body, "auto_heal");
    let word = body.text("scope");
    let since = since(&mut body);
    let scope = match (word.as_deref(), since) {
        (Some(_), Some(at)) => {
            body.refuse(SINCE, "cannot be given together with scope");
            RunScope::Since(at)
        }
        (None, Some(at)) => RunScope::Since(at),
        (None | Some("full"), None) => RunScope::Full,
        (Some("incremental"), None) => RunScope::Incremental,
        (Some(_), None) => {
            body.refuse("scope", "must be one of full, incremental");
            RunScope::Full
        }
    };
    let request = RunRequest {
        purpose: Purpose::Reconcile,
        apply,
        scope,
        limit: None,
    };
    unless_refused(body, &RECONCILIATION, request)
}

/// A backfill to be started.
pub(super) fn backfill(mut body: ObjectReader) -> Result<RunRequest, Problem> {
    let request = RunRequest {
        purpose: Purpose::Backfill,
        apply: does_it_write(&mut body, "apply"),
        scope: since(&mut body).map_or(RunScope::Full, RunScope::Since),
        limit: body.whole("limit", 1, MOST_CREATED),
    };
    unless_refused(body, &BACKFILL, request)
}

/// A schedule to be set.
pub(super) fn schedule(mut body: ObjectReader) -> Result<NewSchedule, Problem> {
    body.require(&["interval"]);
    let new = NewSchedule {
        interval: body.parsed("interval").unwrap_or(Interval::DAY),
        auto_heal: body.boolean("auto_heal").unwrap_or(false),
        enabled: body.boolean("enabled").unwrap_or(true),
        full_every: body.parsed("full_every").unwrap_or(Interval::DAY),
    };
    // One that could not be read is not set, whatever stands in its place.
    unless_refused(body, &SCHEDULE, new)
}

/// Just one of the two must be true: nobody writes, or writes nothing, by accident.
fn does_it_write(body: &mut ObjectReader, writes: &str) -> bool {
    let dry_run = body.boolean(DRY_RUN).unwrap_or(false);
    let apply = body.boolean(writes).unwrap_or(false);
    if dry_run == apply {
        body.refuse(
            DRY_RUN,
            format!("just one of {DRY_RUN} and {writes} must be true"),
        );
    }
    apply
}

fn since(body: &mut ObjectReader) -> Option<Timestamp> {
    let text = body.text(SINCE)?;
    let since = text.parse::<Timestamp>().ok();
    if since.is_none() {
        body.refuse(SINCE, "must be a time, e.g. 2026-01-02T03:04:05Z");
    }
    since
}

fn unless_refused<T>(body: ObjectReader, accepted: &[&str], read: T) -> Result<T, Problem> {
    let problems = body.finish(accepted, &[]);
    if problems.is_empty() {
        Ok(read)
    } else {
        Err(Problem::invalid(problems))
    }
}
