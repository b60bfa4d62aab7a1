//! What looked different, looked at closely: by a fresh read, and the plan that a sync would make.

use futures::{StreamExt, stream};
use im_model::{DriftItem, DriftKind, Place, Purpose, Run};

use super::{Step, slice::Slice};
use crate::{
    Cause, Hint, Job, JobRunner, Outcome, RetryMessage, StoreError, Suspect, SyncError,
    sync::{Inspection, is_unauthorized},
};

/// So many links of a run are looked at closely. Of more it is said what the listing shows: the brake will stop such a run.
const MOST_READS: u64 = 1000;

/// Suspects of a step. Each may take as long as a job, and all of them a small part of an operator's limit of requests.
const AT_A_TIME: usize = 10;

/// So many requests to the vendor run at once.
pub(super) const AT_ONCE: usize = 4;

/// A link that keeps a run waiting so often is taken to be the cause itself.
pub(super) const PATIENCE_WITH_ONE: u32 = 3;

impl Slice<'_> {
    /// Stores what is to be looked at closely.
    pub(super) async fn suspect(
        &self,
        run: &mut Run,
        mut suspects: Vec<Suspect>,
    ) -> Result<(), StoreError> {
        if let (Purpose::Backfill, Some(limit)) = (run.purpose, run.limit) {
            let left = u64::from(limit).saturating_sub(run.counts.suspects);
            suspects.truncate(usize::try_from(left).unwrap_or(usize::MAX));
        }
        for chunk in suspects.chunks(AT_A_TIME) {
            let runs = &self.reconciler.starter.runs;
            runs.put_suspects(&run.id, run.counts.suspect_chunks, chunk)
                .await?;
            run.counts.suspect_chunks += 1;
            run.counts.suspects += chunk.len() as u64;
        }
        Ok(())
    }

    /// Has a backfill found as much as it may create?
    pub(super) fn is_limit_reached(run: &Run) -> bool {
        run.limit
            .is_some_and(|limit| run.counts.suspects >= u64::from(limit))
    }

    pub(super) async fn look(&mut self, run: &mut Run, chunk: u32) -> Result<Step, SyncError> {
        if chunk >= run.counts.suspect_chunks {
            return Ok(self.after_looking(run));
        }
        let suspects = self
            .reconciler
            .starter
            .runs
            .suspects(&run.id, chunk)
            .await?;
        if run.is_poll() {
            self.take_in(run, suspects).await?;
        } else {
            let found = self.inspect(run, suspects).await?;
            self.keep(run, found).await?;
        }
        Ok(Step::Done(Place::Looking { chunk: chunk + 1 }))
    }

    async fn inspect(
        &self,
        run: &mut Run,
        suspects: Vec<Suspect>,
    ) -> Result<Vec<DriftItem>, SyncError> {
        let mut found = Vec::new();
        let (too_many, suspects): (Vec<_>, Vec<_>) = suspects
            .into_iter()
            .partition(|suspect| run.counts.reads >= MOST_READS && !suspect.listed.is_empty());
        found.extend(too_many.into_iter().flat_map(|suspect| suspect.listed));
        let looks = suspects.into_iter().map(|suspect| {
            let job = job(run, suspect.hint.clone(), true);
            async move {
                let looking = self.engine().inspect(&job);
                let looked = tokio::time::timeout(JobRunner::JOB_TIMEOUT, looking).await;
                let looked = looked.unwrap_or_else(|_| Err(too_slow(&job)));
                (suspect, looked)
            }
        });
        let looks: Vec<_> = looks.collect();
        // All of them, whatever becomes of one: what is dropped on its way would count as a failure of the vendor's.
        let looked: Vec<_> = stream::iter(looks).buffered(AT_ONCE).collect().await;
        let is_anybody_there = looked.iter().any(|(_, looked)| looked.is_ok());
        let has_waited = run.waits >= PATIENCE_WITH_ONE;
        for (suspect, looked) in looked {
            run.counts.reads += 1;
            match looked {
                Ok(Inspection::Found(items)) => {
                    found.extend(items.into_iter().filter(|item| suspect.wants(item)));
                }
                Ok(Inspection::InProgress) => run.counts.in_progress += 1,
                Err(error @ SyncError::Store(_)) => return Err(error),
                Err(error) if is_unauthorized(&error) => return Err(error),
                Err(error) if self.is_to_wait(&error, is_anybody_there, has_waited) => {
                    return Err(error);
                }
                Err(error) => {
                    run.counts.unreadable += 1;
                    found.push(unreadable(&suspect.hint, &error));
                }
            }
        }
        if run.purpose == Purpose::Backfill {
            found.retain(|item| {
                matches!(
                    item.kind,
                    DriftKind::MissedCreate | DriftKind::MissingRecord
                )
            });
        }
        Ok(found)
    }

    /// Does waiting help? Where others are answered, or it has been waited for, one that is not is the matter itself.
    pub(super) fn is_to_wait(
        &self,
        error: &SyncError,
        is_anybody_there: bool,
        has_waited: bool,
    ) -> bool {
        let is_of_all = matches!(
            error,
            SyncError::Throttled { .. } | SyncError::CircuitOpen { .. }
        );
        let may_pass = self.reconciler.wait_after(error).is_some();
        is_of_all || may_pass && !is_anybody_there && !has_waited
    }

    /// Polling: what changed is synced as if a webhook had said so.
    async fn take_in(&self, run: &mut Run, suspects: Vec<Suspect>) -> Result<(), SyncError> {
        let syncs = suspects.into_iter().map(|suspect| {
            let job = job(run, suspect.hint, false);
            async move {
                let synced = self.sync(&job).await;
                (job, synced)
            }
        });
        let syncs: Vec<_> = syncs.collect();
        let synced: Vec<_> = stream::iter(syncs).buffered(AT_ONCE).collect().await;
        for (job, synced) in synced {
            run.counts.reads += 1;
            match synced {
                Ok(Outcome::NothingNew | Outcome::Skipped(_)) => {}
                Ok(Outcome::Suspended(why)) => return Err(self.suspended(why)),
                Ok(_) => run.counts.healed += 1,
                Err(error @ SyncError::Store(_)) => return Err(error),
                Err(error) => {
                    // The retry ladder takes it from here, and lists it if it dies.
                    run.counts.failed += 1;
                    let error = error.summary();
                    tracing::warn!(job = %job.hint, error, "polled, and not synced yet");
                    let message = RetryMessage::first(job, self.reconciler.now());
                    self.reconciler.retries.put(&message).await?;
                }
            }
        }
        Ok(())
    }

    /// A sync within a job's time: its claim counts on that.
    pub(super) async fn sync(&self, job: &Job) -> Result<Outcome, SyncError> {
        let syncing = self.engine().sync(job, None, None);
        let synced = tokio::time::timeout(JobRunner::JOB_TIMEOUT, syncing).await;
        synced.unwrap_or_else(|_| Err(too_slow(job)))
    }

    /// The integration was paused under our hands: nothing more is done, and nothing of it counts as done.
    pub(super) fn suspended(&self, why: &str) -> SyncError {
        SyncError::Misconfigured {
            integration: self.integration.id.clone(),
            detail: why.to_owned(),
        }
    }
}

/// A job of a run. What the vendor shows now is how it is: nothing was announced that it could still be hiding.
pub(super) fn job(run: &Run, hint: Hint, heals: bool) -> Job {
    Job {
        hint,
        cause: Cause::Run {
            run: run.id.clone(),
            heals,
        },
        waited: true,
        insist: false,
    }
}

impl Suspect {
    /// What a page of records says is found with that page, what a list of notes says with that list.
    fn wants(&self, item: &DriftItem) -> bool {
        match item.kind {
            DriftKind::MissingNote => self.notes,
            _ => self.values,
        }
    }
}

fn too_slow(job: &Job) -> SyncError {
    SyncError::Vendor(im_vendors::VendorError {
        tried: format!("syncing {}", job.hint),
        kind: im_vendors::VendorErrorKind::Timeout,
        detail: String::new(),
    })
}

/// One that cannot be looked at is no reason not to look at the others.
fn unreadable(hint: &Hint, error: &SyncError) -> DriftItem {
    let (incident, external_id) = match hint {
        Hint::External { external_id, .. } => (None, Some(external_id.clone())),
        Hint::Incident { incident, .. } => (Some(incident.clone()), None),
    };
    DriftItem {
        kind: DriftKind::ValueDrift,
        incident,
        external_id,
        field: None,
        base: None,
        platform: None,
        external: None,
        right: None,
        why: format!("it could not be looked at: {error}"),
        action: im_model::ProposedAction::None,
        verified: false,
        result: None,
    }
}
