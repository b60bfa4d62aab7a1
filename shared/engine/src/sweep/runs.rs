//! Starts the reconciliations that are due, and brings those again that lost their worker.

use im_model::{
    Integration, Mode, Purpose, Reconciliation, RunStatus, Schedule, StartedBy, TaskKind,
};
use jiff::SignedDuration;

use super::Tick;
use crate::{
    RunRequest, RunScope, RunStarter, Started, StoreError,
    ports::{Attempt, Task},
};

/// What is due at every tick is due a little before it: ticks come a moment early or late.
const EVERY_TICK: SignedDuration = SignedDuration::from_secs(45);

impl Tick<'_> {
    /// What is scheduled before what is polled: a poll would else be first at every tick, and what it does is done by the
    /// other, too.
    pub(super) async fn start_runs(&mut self, mut tasks: Vec<Task>) {
        tasks.sort_by_key(|task| task.kind == TaskKind::Poll);
        for task in tasks {
            if self.is_over() {
                return;
            }
            let done = match task.kind {
                TaskKind::Run => self.look_after(&task).await,
                TaskKind::Poll => self.poll(&task).await,
                _ => self.start_scheduled(&task).await,
            };
            self.note(&format!("reconcile {}", task.integration), done);
        }
    }

    /// A run that nothing moved for long is brought again: its invocation died, or its message was lost.
    async fn look_after(&mut self, task: &Task) -> Result<(), StoreError> {
        let starter = &self.sweeper.starter;
        let state = starter.runs.reconciliation(&task.integration).await?;
        let run = match &state.active {
            Some(active) => starter.runs.run(&task.integration, active).await?,
            None => None,
        };
        let Some(run) = run.filter(|run| run.status == RunStatus::Running) else {
            return self.sweeper.tasks.finish_task(task).await;
        };
        let now = self.now();
        let is_held = run.lease.as_ref().is_some_and(|lease| now < lease.until);
        let waits = run
            .not_before
            .is_some_and(|at| now < at + RunStarter::SILENCE);
        if !is_held && !waits && now.duration_since(run.updated_at) >= RunStarter::SILENCE {
            let at_once = SignedDuration::ZERO;
            starter
                .queue
                .wake(&run.integration, &run.id, at_once)
                .await?;
            self.report.runs += 1;
        }
        self.again(task, now + EVERY_TICK).await
    }

    async fn poll(&mut self, task: &Task) -> Result<(), StoreError> {
        let integration = self.integration(&task.integration).await?;
        let Some(integration) = integration.filter(|it| it.mode == Mode::Polling) else {
            return self.sweeper.tasks.finish_task(task).await;
        };
        if integration.is_working() {
            let request = RunRequest {
                purpose: Purpose::Poll,
                apply: true,
                scope: RunScope::Incremental,
                limit: None,
            };
            self.start(&integration, StartedBy::Polling, &request)
                .await?;
        }
        self.again(task, self.now() + EVERY_TICK).await
    }

    async fn start_scheduled(&mut self, task: &Task) -> Result<(), StoreError> {
        let runs = self.sweeper.starter.runs.clone();
        let state = runs.reconciliation(&task.integration).await?;
        let integration = self.integration(&task.integration).await?;
        let in_force = state.schedule.clone().filter(|schedule| schedule.enabled);
        let (Some(integration), Some(schedule)) = (integration, in_force) else {
            return self.sweeper.tasks.finish_task(task).await;
        };
        // One that was moved meanwhile has a task of its own time.
        if self.now() < schedule.next_at {
            return self.again(task, schedule.next_at).await;
        }
        let may_run = integration.is_working() || !schedule.auto_heal;
        if may_run {
            let request = self.due(&state, &schedule);
            let is_started = self.start(&integration, StartedBy::Schedule, &request);
            if !is_started.await? {
                // Another run is going on: this one follows it.
                return self.again(task, self.now() + EVERY_TICK).await;
            }
        }
        let next_at = self.now() + schedule.interval.duration();
        // The run is the state's, too: read again.
        let mut state = runs.reconciliation(&task.integration).await?;
        if let Some(schedule) = &mut state.schedule {
            schedule.next_at = next_at;
            state.version += 1;
            // Whoever was faster has set it anew.
            let _: Attempt = runs
                .put_reconciliation(&task.integration, &state, None)
                .await?;
        }
        self.again(task, next_at).await
    }

    /// Now and then all records, else what changed.
    fn due(&self, state: &Reconciliation, schedule: &Schedule) -> RunRequest {
        let is_full = state
            .full_at
            .is_none_or(|at| self.now().duration_since(at) >= schedule.full_every.duration());
        RunRequest {
            purpose: Purpose::Reconcile,
            apply: schedule.auto_heal,
            scope: if is_full {
                RunScope::Full
            } else {
                RunScope::Incremental
            },
            limit: None,
        }
    }

    async fn start(
        &mut self,
        integration: &Integration,
        by: StartedBy,
        request: &RunRequest,
    ) -> Result<bool, StoreError> {
        let started = self.sweeper.starter.start(integration, by, request).await?;
        let is_started = matches!(started, Started::Run(_));
        self.report.runs += u32::from(is_started);
        Ok(is_started)
    }

    async fn again(&self, task: &Task, due_at: jiff::Timestamp) -> Result<(), StoreError> {
        let task = Task {
            due_at,
            ..task.clone()
        };
        self.sweeper.tasks.put_off_task(&task).await
    }
}
