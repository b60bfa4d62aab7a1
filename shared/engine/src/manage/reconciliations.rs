//! Reconciliation as people use it: start a run, follow it, let it go on or end it, and have it started by itself.

use std::sync::Arc;

use im_model::{
    ActorId, DriftItem, Integration, IntegrationId, Interval, OrganizationId, Place,
    Reconciliation, Run, RunId, RunStatus, Schedule, StartedBy, TaskKind,
};
use jiff::SignedDuration;

use super::{Integrations, ManageError};
use crate::{
    RunRequest, RunStarter, Started,
    audit::Auditor,
    ports::{Attempt, Page, Task},
};

/// The runs of an organization's integrations.
pub struct Reconciliations {
    /// Whose they are.
    pub integrations: Arc<Integrations>,
    /// Starts and keeps them.
    pub starter: RunStarter,
}

/// How often an integration is to be reconciled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSchedule {
    /// From one run's start to the next one's.
    pub interval: Interval,
    /// Are differences healed, or only reported?
    pub auto_heal: bool,
    /// Is it in force?
    pub enabled: bool,
    /// How often all records are looked at.
    pub full_every: Interval,
}

impl Reconciliations {
    const MOST_RACES: u32 = 8;

    /// Starts a run.
    ///
    /// # Errors
    /// [`ManageError::Conflict`] if another one is going on, or if it is to write and the integration does not work.
    pub async fn start(
        &self,
        organization: &OrganizationId,
        actor: &ActorId,
        id: &IntegrationId,
        request: &RunRequest,
    ) -> Result<Run, ManageError> {
        let integration = self.integrations.get(organization, id).await?;
        refuse_unless_working(&integration, request.apply)?;
        let by = StartedBy::Person {
            actor: actor.clone(),
        };
        match self.starter.start(&integration, by, request).await? {
            Started::Run(run) => Ok(*run),
            Started::Busy(other) => Err(ManageError::Conflict(format!(
                "run {other} of {id} is going on; wait for it, or cancel it"
            ))),
        }
    }

    /// One run, as it is now.
    pub async fn run(
        &self,
        organization: &OrganizationId,
        id: &IntegrationId,
        run: &RunId,
    ) -> Result<Run, ManageError> {
        self.integrations.get(organization, id).await?;
        let found = self.starter.runs.run(id, run).await?;
        found.ok_or_else(|| ManageError::NotFound(format!("run {run} of {id}")))
    }

    /// What a run found: one part of it, from number 0 on. `next` is the number of the part after it.
    pub async fn items(
        &self,
        organization: &OrganizationId,
        id: &IntegrationId,
        run: &RunId,
        part: u32,
    ) -> Result<Page<DriftItem>, ManageError> {
        let found = self.run(organization, id, run).await?;
        let items = self.starter.runs.items(run, part).await?;
        let next = part.saturating_add(1);
        Ok(Page {
            items: items.unwrap_or_default(),
            next: (next < found.counts.chunks).then(|| next.to_string()),
        })
    }

    /// One page of an integration's runs, newest first, starting below `before`.
    pub async fn history(
        &self,
        organization: &OrganizationId,
        id: &IntegrationId,
        before: Option<&RunId>,
        limit: u16,
    ) -> Result<Page<Run>, ManageError> {
        self.integrations.get(organization, id).await?;
        Ok(self.starter.runs.runs(id, before, limit).await?)
    }

    /// Lets a run that the brake stopped go on. What it writes is planned anew on what both sides hold then.
    ///
    /// # Errors
    /// [`ManageError::Conflict`] if the brake did not stop it, or another run is going on.
    pub async fn confirm(
        &self,
        organization: &OrganizationId,
        actor: &ActorId,
        id: &IntegrationId,
        run: &RunId,
    ) -> Result<Run, ManageError> {
        let integration = self.integrations.get(organization, id).await?;
        refuse_unless_working(&integration, true)?;
        for _ in 0..Self::MOST_RACES {
            let mut found = self.run(organization, id, run).await?;
            if found.status != RunStatus::Braked {
                return Err(ManageError::Conflict(format!(
                    "run {run} is {}: only one that the brake stopped can be confirmed",
                    found.status
                )));
            }
            let mut state = self.starter.runs.reconciliation(id).await?;
            if let Some(other) = &state.active {
                return Err(ManageError::Conflict(format!(
                    "run {other} of {id} is going on; wait for it, or cancel it"
                )));
            }
            found.status = RunStatus::Running;
            found.place = Place::Applying { chunk: 0 };
            found.confirmed_by = Some(actor.clone());
            found.updated_at = self.starter.clock.now();
            found.version += 1;
            state.active = Some(found.id.clone());
            state.version += 1;
            self.starter.look_after(&found).await?;
            if self.store(&found, &state).await? {
                let queue = &self.starter.queue;
                queue.wake(id, run, SignedDuration::ZERO).await?;
                return Ok(found);
            }
        }
        Err(ManageError::Changed(format!("run {run}")))
    }

    /// Ends a run. What it has written stays; what it found stays readable.
    ///
    /// # Errors
    /// [`ManageError::Conflict`] if it is over.
    pub async fn cancel(
        &self,
        organization: &OrganizationId,
        actor: &ActorId,
        id: &IntegrationId,
        run: &RunId,
    ) -> Result<Run, ManageError> {
        for _ in 0..Self::MOST_RACES {
            let mut found = self.run(organization, id, run).await?;
            if found.is_over() {
                return Err(ManageError::Conflict(format!(
                    "run {run} is over: {}",
                    found.status
                )));
            }
            let mut state = self.starter.runs.reconciliation(id).await?;
            let now = self.starter.clock.now();
            found.status = RunStatus::Cancelled;
            found.reason = Some(format!("cancelled by {actor}"));
            found.lease = None;
            found.updated_at = now;
            found.finished_at = Some(now);
            found.version += 1;
            if state.active.as_ref() == Some(run) {
                state.active = None;
            }
            state.version += 1;
            if self.store(&found, &state).await? {
                return Ok(found);
            }
        }
        Err(ManageError::Changed(format!("run {run}")))
    }

    /// How often an integration is reconciled by itself, if it is.
    pub async fn schedule(
        &self,
        organization: &OrganizationId,
        id: &IntegrationId,
    ) -> Result<Schedule, ManageError> {
        self.integrations.get(organization, id).await?;
        let state = self.starter.runs.reconciliation(id).await?;
        let missing = || ManageError::NotFound(format!("a reconciliation schedule of {id}"));
        state.schedule.ok_or_else(missing)
    }

    /// Sets it. The first run starts an interval from now.
    pub async fn set_schedule(
        &self,
        organization: &OrganizationId,
        actor: &ActorId,
        id: &IntegrationId,
        new: &NewSchedule,
    ) -> Result<Schedule, ManageError> {
        let integration = self.integrations.get(organization, id).await?;
        for _ in 0..Self::MOST_RACES {
            let mut state = self.starter.runs.reconciliation(id).await?;
            let now = self.starter.clock.now();
            let schedule = Schedule {
                interval: new.interval,
                auto_heal: new.auto_heal,
                enabled: new.enabled,
                full_every: new.full_every,
                next_at: now + new.interval.duration(),
                set_by: actor.clone(),
            };
            let before = state.schedule.replace(schedule.clone());
            let auditor = Auditor::new(self.starter.ids.as_ref(), Some(actor), now);
            let audit = auditor.scheduled(&integration, before.as_ref(), Some(&schedule));
            state.version += 1;
            let task = self.task(id, &schedule);
            if schedule.enabled {
                self.starter.tasks.put_task(&task).await?;
            }
            let stored = self
                .starter
                .runs
                .put_reconciliation(id, &state, Some(&audit));
            if stored.await? == Attempt::Done {
                if !schedule.enabled {
                    self.starter.tasks.drop_task(task.kind, id).await?;
                }
                return Ok(schedule);
            }
        }
        Err(ManageError::Changed(format!("the schedule of {id}")))
    }

    /// Removes it, and says what it was. A run that is going on goes on.
    ///
    /// # Errors
    /// [`ManageError::NotFound`] if there is none.
    pub async fn remove_schedule(
        &self,
        organization: &OrganizationId,
        actor: &ActorId,
        id: &IntegrationId,
    ) -> Result<Schedule, ManageError> {
        let integration = self.integrations.get(organization, id).await?;
        for _ in 0..Self::MOST_RACES {
            let mut state = self.starter.runs.reconciliation(id).await?;
            let Some(schedule) = state.schedule.take() else {
                let what = format!("a reconciliation schedule of {id}");
                return Err(ManageError::NotFound(what));
            };
            state.version += 1;
            let now = self.starter.clock.now();
            let auditor = Auditor::new(self.starter.ids.as_ref(), Some(actor), now);
            let audit = auditor.scheduled(&integration, Some(&schedule), None);
            let stored = self
                .starter
                .runs
                .put_reconciliation(id, &state, Some(&audit));
            if stored.await? == Attempt::Done {
                self.starter.tasks.drop_task(TaskKind::Schedule, id).await?;
                return Ok(schedule);
            }
        }
        Err(ManageError::Changed(format!("the schedule of {id}")))
    }

    fn task(&self, id: &IntegrationId, schedule: &Schedule) -> Task {
        Task {
            kind: TaskKind::Schedule,
            integration: id.clone(),
            asked_at: self.starter.clock.now(),
            due_at: schedule.next_at,
            tries: 0,
        }
    }

    async fn store(&self, run: &Run, state: &Reconciliation) -> Result<bool, ManageError> {
        let runs = &self.starter.runs;
        Ok(runs.put_run_and_reconciliation(run, state).await? == Attempt::Done)
    }
}

fn refuse_unless_working(integration: &Integration, writes: bool) -> Result<(), ManageError> {
    if !writes || integration.is_working() {
        return Ok(());
    }
    Err(ManageError::Conflict(format!(
        "{} is disabled or paused; enable or resume it first, or ask for a dry run",
        integration.id
    )))
}
