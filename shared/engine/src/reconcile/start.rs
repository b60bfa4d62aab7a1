//! Starting a run: one of an integration at a time.

use std::sync::Arc;

use im_model::{
    Integration, Place, Purpose, Reconciliation, Run, RunCounts, RunId, RunStatus, StartedBy,
    TaskKind,
};
use jiff::{SignedDuration, Timestamp};

use crate::{
    StoreError,
    ports::{Attempt, Clock, Ids, RunQueue, RunStore, Task, TaskStore},
};

/// What a run is asked to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunRequest {
    /// What for.
    pub purpose: Purpose,
    /// False for a dry run.
    pub apply: bool,
    /// Which records it looks at.
    pub scope: RunScope,
    /// At most so many are created.
    pub limit: Option<u32>,
}

/// Which records a run looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunScope {
    /// All.
    Full,
    /// What changed since the last run that healed what it found; all if there was none.
    Incremental,
    /// What changed since a moment.
    Since(Timestamp),
}

/// Starts runs.
#[derive(Clone)]
pub struct RunStarter {
    /// Where they are kept.
    pub runs: Arc<dyn RunStore>,
    /// Who is woken for them.
    pub queue: Arc<dyn RunQueue>,
    /// Has the minute tick look after them.
    pub tasks: Arc<dyn TaskStore>,
    /// When.
    pub clock: Arc<dyn Clock>,
    /// Their ids.
    pub ids: Arc<dyn Ids>,
}

/// What came of asking for a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Started {
    /// It is on its way.
    Run(Box<Run>),
    /// Another one is going on.
    Busy(RunId),
}

impl RunStarter {
    /// A listing looks back over this much of what was listed before: vendors' indexes lag, clocks differ, and changes of one
    /// second are told in any order.
    pub const OVERLAP: SignedDuration = SignedDuration::from_mins(5);

    /// A run that nothing moved for so long has lost its message, or its worker.
    pub const SILENCE: SignedDuration = SignedDuration::from_mins(2);

    const MOST_RACES: u32 = 8;

    /// Starts a run, unless one is going on.
    pub async fn start(
        &self,
        integration: &Integration,
        started_by: StartedBy,
        request: &RunRequest,
    ) -> Result<Started, StoreError> {
        for _ in 0..Self::MOST_RACES {
            let mut state = self.runs.reconciliation(&integration.id).await?;
            if let Some(active) = state.active {
                return Ok(Started::Busy(active));
            }
            let run = self.new_run(integration, &state, started_by.clone(), request);
            state.active = Some(run.id.clone());
            state.version += 1;
            self.look_after(&run).await?;
            let stored = self.runs.put_run_and_reconciliation(&run, &state);
            if stored.await? == Attempt::Done {
                let now = SignedDuration::ZERO;
                self.queue.wake(&run.integration, &run.id, now).await?;
                return Ok(Started::Run(Box::new(run)));
            }
        }
        Err(StoreError {
            tried: "start a run of",
            on: integration.id.to_string(),
            detail: "others were faster again and again".to_owned(),
        })
    }

    /// Has the minute tick look whether the run still moves.
    pub(crate) async fn look_after(&self, run: &Run) -> Result<(), StoreError> {
        let now = self.clock.now();
        let task = Task {
            kind: TaskKind::Run,
            integration: run.integration.clone(),
            asked_at: now,
            due_at: now + Self::SILENCE,
            tries: 0,
        };
        self.tasks.put_task(&task).await
    }

    fn new_run(
        &self,
        integration: &Integration,
        state: &Reconciliation,
        started_by: StartedBy,
        request: &RunRequest,
    ) -> Run {
        let now = self.clock.now();
        let looked_until = match request.purpose {
            Purpose::Poll => state.polled_until.or(Some(integration.created_at)),
            Purpose::Reconcile | Purpose::Backfill => state.healed_until,
        };
        let with_overlap = |at: Timestamp| at - Self::OVERLAP;
        let since = match request.scope {
            RunScope::Full => None,
            RunScope::Incremental => looked_until.map(with_overlap),
            RunScope::Since(at) => Some(at),
        };
        // No link is older than its integration, and what was there when it was linked was looked at then.
        let noted_since = match (request.purpose, request.scope) {
            (Purpose::Backfill, _) => now,
            (Purpose::Poll, _) => looked_until.map_or(now, with_overlap),
            (Purpose::Reconcile, RunScope::Since(at)) => at,
            (Purpose::Reconcile, _) => {
                with_overlap(state.noted_until.unwrap_or(integration.created_at))
            }
        };
        Run {
            id: RunId::from_ulid(self.ids.ulid(now)),
            integration: integration.id.clone(),
            organization: integration.organization.clone(),
            purpose: request.purpose,
            apply: request.apply,
            since,
            noted_since: Some(noted_since),
            limit: request.limit,
            started_by,
            started_at: now,
            status: RunStatus::Running,
            place: Place::Listing { after: None },
            counts: RunCounts::default(),
            uncounted: 0,
            reason: None,
            confirmed_by: None,
            links_before: state.links,
            waits: 0,
            not_before: None,
            lease: None,
            updated_at: now,
            finished_at: None,
            version: 1,
        }
    }
}
