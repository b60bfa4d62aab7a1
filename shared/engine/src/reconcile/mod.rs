//! Reconciliation (design section 6): what missed webhooks, outages and edits behind the system's back have left.
//!
//! A run lists the vendor's records, looks for links without one, and then heals. It works in steps: a page of the vendor's, a
//! page of incidents, a part of what was found. After each step it stores where it goes on, so that another invocation may.

mod apply;
mod compare;
mod found;
mod links;
mod listing;
mod looking;
mod slice;
mod start;

use std::sync::Arc;

use im_model::{IntegrationId, Place, Run, RunId, RunLease, RunStatus};
use im_vendors::{Transport, VendorErrorKind};
use jiff::{SignedDuration, Timestamp};

use self::slice::Slice;
pub use self::start::{RunRequest, RunScope, RunStarter, Started};
use crate::{
    Announcement, StoreError, SyncEngine, SyncError,
    ports::{Attempt, JobQueue, LinkLookup},
};

/// Works on runs.
pub struct Reconciler {
    /// Where runs are kept, and who is woken for them.
    pub starter: RunStarter,
    /// Plans and heals.
    pub engine: SyncEngine,
    /// Finds many links at once.
    pub lookup: Arc<dyn LinkLookup>,
    /// How vendors are asked for pages, which take longer than records.
    pub transport: Arc<dyn Transport>,
    /// Where a link goes that could not be healed.
    pub retries: Arc<dyn JobQueue>,
}

/// What a step came to.
enum Step {
    /// It is done, and the run goes on there.
    Done(Place),
    /// The run is not to go on by itself.
    Braked(String),
}

impl Reconciler {
    /// An invocation begins no step after this much: the longest step is over before its function is (120 s).
    pub const PATIENCE: SignedDuration = SignedDuration::from_secs(40);

    /// So long an invocation holds a run: longer than its function's timeout.
    const LEASE: SignedDuration = SignedDuration::from_secs(150);

    /// A run that needs more invocations goes nowhere.
    const MOST_INVOCATIONS: u32 = 10_000;

    /// So many invocations in a row may find that they have to wait.
    const MOST_WAITS: u32 = 50;

    /// Works on a run for a while, and lets another invocation go on with it. A run that somebody else works on, or that is
    /// over, is left alone.
    ///
    /// # Errors
    /// The store or a queue failed. The minute tick brings the run again.
    pub async fn work(&self, integration: &IntegrationId, id: &RunId) -> Result<(), StoreError> {
        let Some(mut run) = self.starter.runs.run(integration, id).await? else {
            return Ok(());
        };
        let began = self.now();
        let is_held = run.lease.as_ref().is_some_and(|lease| began < lease.until);
        if run.status != RunStatus::Running || is_held {
            return Ok(());
        }
        if let Some(left) = run.not_before.map(|at| at.duration_since(began))
            && left > SignedDuration::ZERO
        {
            // A queue delays 15 min at most.
            return self.starter.queue.wake(integration, id, left).await;
        }
        // Whoever had it before has died.
        run.waits += u32::from(run.lease.is_some());
        if run.waits > Self::MOST_WAITS {
            let why = "its invocations died again and again".to_owned();
            return self.end(&mut run, RunStatus::Failed, Some(why)).await;
        }
        run.not_before = None;
        run.counts.invocations += 1;
        run.lease = Some(RunLease {
            worker: self.starter.ids.ulid(began).to_string(),
            until: began + Self::LEASE,
        });
        if !self.store(&mut run).await? {
            return Ok(());
        }
        let worked = self.work_on(&mut run, began).await;
        let integration = &run.integration;
        tracing::info!(%integration, run = %run.id, status = %run.status, phase = %run.place.phase(), counts = ?run.counts, "reconciled for a while");
        worked
    }

    async fn work_on(&self, run: &mut Run, began: Timestamp) -> Result<(), StoreError> {
        let found = self.engine.integrations.fetch(&run.integration).await?;
        let Some(integration) = found else {
            return self
                .end(
                    run,
                    RunStatus::Failed,
                    Some("the integration was deleted".to_owned()),
                )
                .await;
        };
        if run.counts.invocations > Self::MOST_INVOCATIONS {
            let why = format!(
                "it was not over after {} invocations",
                Self::MOST_INVOCATIONS
            );
            return self.end(run, RunStatus::Failed, Some(why)).await;
        }
        if (run.apply || run.is_poll()) && !integration.is_working() {
            let why = "the integration is disabled or paused".to_owned();
            return self.end(run, RunStatus::Failed, Some(why)).await;
        }
        let mut slice = Slice::new(self, integration);
        loop {
            let counts = run.counts.clone();
            let step = slice.step(run).await;
            if !matches!(step, Ok(Step::Done(_) | Step::Braked(_))) {
                // It will be done again.
                run.counts = counts;
            }
            let until = match step {
                Ok(Step::Done(Place::Finished)) => {
                    run.place = Place::Finished;
                    return self.end(run, RunStatus::Done, None).await;
                }
                Ok(Step::Done(place)) => {
                    run.place = place;
                    run.waits = 0;
                    run.counts.steps += 1;
                    None
                }
                Ok(Step::Braked(why)) => {
                    return self.end(run, RunStatus::Braked, Some(why)).await;
                }
                Err(SyncError::Store(error)) => return Err(error),
                Err(error) => match self.wait_after(&error) {
                    Some(until) => Some((until, error.to_string())),
                    None => {
                        return self
                            .end(run, RunStatus::Failed, Some(error.to_string()))
                            .await;
                    }
                },
            };
            if let Some((until, why)) = until {
                return self.pause(run, until, why).await;
            }
            let now = self.now();
            if now >= began + Self::PATIENCE {
                return self.hand_over(run, SignedDuration::ZERO).await;
            }
            if let Some(lease) = &mut run.lease {
                lease.until = now + Self::LEASE;
            }
            if !self.store(run).await? {
                return Ok(());
            }
        }
    }

    /// When what went wrong may have passed; `None` if waiting cannot help.
    fn wait_after(&self, error: &SyncError) -> Option<Timestamp> {
        const A_WHILE: SignedDuration = SignedDuration::from_secs(30);
        let soon = self.now() + A_WHILE;
        match error {
            SyncError::Throttled { until, .. } | SyncError::CircuitOpen { until, .. } => {
                Some(*until)
            }
            SyncError::Vendor(error) => match &error.kind {
                VendorErrorKind::RateLimited { retry_after } => {
                    Some(retry_after.map_or(soon, |wait| self.now() + wait))
                }
                VendorErrorKind::Timeout
                | VendorErrorKind::Unreachable
                | VendorErrorKind::Unavailable { .. } => Some(soon),
                _ => None,
            },
            _ => None,
        }
    }

    async fn pause(&self, run: &mut Run, until: Timestamp, why: String) -> Result<(), StoreError> {
        run.waits += 1;
        if run.waits > Self::MOST_WAITS {
            let why = format!("it waited {} times in a row: {why}", Self::MOST_WAITS);
            return self.end(run, RunStatus::Failed, Some(why)).await;
        }
        tracing::info!(run = %run.id, %until, "waits");
        let delay = until
            .duration_since(self.now())
            .max(SignedDuration::from_secs(1));
        self.hand_over(run, delay).await
    }

    /// Lets another invocation go on.
    async fn hand_over(&self, run: &mut Run, delay: SignedDuration) -> Result<(), StoreError> {
        run.lease = None;
        if self.store(run).await? {
            let queue = &self.starter.queue;
            queue.wake(&run.integration, &run.id, delay).await?;
        }
        Ok(())
    }

    /// Stores the run as it is; false if somebody has changed it, who then has the say.
    async fn store(&self, run: &mut Run) -> Result<bool, StoreError> {
        run.version += 1;
        run.updated_at = self.now();
        let stored = self.starter.runs.put_run(run).await? == Attempt::Done;
        run.uncounted = 0;
        Ok(stored)
    }

    /// The run does not go on by itself.
    async fn end(
        &self,
        run: &mut Run,
        status: RunStatus,
        reason: Option<String>,
    ) -> Result<(), StoreError> {
        run.status = status;
        run.reason = reason;
        run.lease = None;
        run.version += 1;
        run.updated_at = self.now();
        run.finished_at = run.is_over().then(|| self.now());
        let runs = &self.starter.runs;
        loop {
            let mut state = runs.reconciliation(&run.integration).await?;
            if state.active.as_ref() == Some(&run.id) {
                state.active = None;
            }
            state.learn(run);
            state.version += 1;
            if runs.put_run_and_reconciliation(run, &state).await? == Attempt::Done {
                break;
            }
            // Either the schedule was changed meanwhile, or the run was: whoever did that has the say.
            let stored = runs.run(&run.integration, &run.id).await?;
            if stored.is_none_or(|stored| stored.version >= run.version) {
                return Ok(());
            }
        }
        self.announce(run).await;
        if run.is_poll()
            && run.status == RunStatus::Done
            && run.counts.healed + run.counts.failed == 0
        {
            // One of each minute: those that found nothing are not worth keeping.
            runs.drop_run(run).await?;
        }
        Ok(())
    }

    /// Tells of what a reconciliation has come to, once it has.
    async fn announce(&self, run: &Run) {
        let (integration, id) = (run.integration.clone(), run.id.clone());
        let announcer = self.engine.announcer.as_ref();
        let differences = run.counts.found.values().sum();
        let is_confirmed = run.confirmed_by.is_some();
        if !run.is_poll() && differences > 0 && !is_confirmed {
            let found = Announcement::DriftFound {
                integration: integration.clone(),
                run: id.clone(),
                differences,
            };
            found.tell(announcer).await;
        }
        if run.status == RunStatus::Braked {
            let braked = Announcement::BrakeStopped {
                integration,
                run: id,
                changes: run.counts.to_heal,
            };
            braked.tell(announcer).await;
        }
    }

    fn now(&self) -> Timestamp {
        self.engine.clock.now()
    }
}
