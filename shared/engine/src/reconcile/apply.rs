//! Heals what was found, link by link, by the sync that every hint uses. It plans anew on a fresh read: what somebody edited since
//! is not undone.

use std::collections::BTreeMap;

use futures::{StreamExt, stream};
use im_model::{DriftItem, DriftKind, ItemResult, Place, Run};

use super::{
    Step,
    found::{LinkKey, key},
    listing::AT_ONCE,
    slice::Slice,
};
use crate::{Hint, Job, Outcome, RetryMessage, StoreError, SyncError};

impl Slice<'_> {
    pub(super) async fn apply(&mut self, run: &mut Run, chunk: u32) -> Result<Step, SyncError> {
        let runs = &self.reconciler.starter.runs;
        if chunk >= run.counts.chunks {
            return Ok(Step::Done(Place::Finished));
        }
        let mut items = runs.items(&run.id, chunk).await?.unwrap_or_default();
        let healed = self.heal(run, &items).await?;
        let mut wait = None;
        for (link, synced) in healed {
            let result = match synced {
                Ok(outcome) => {
                    run.counts.healed += 1;
                    let outcome = outcome.to_string();
                    ItemResult::Healed { outcome }
                }
                Err((job, error)) => match self.reconciler.wait_after(&error) {
                    // Nobody is there: the others would fail of it, too.
                    Some(until) => {
                        wait = Some((until, error.to_string()));
                        continue;
                    }
                    None => self.give_to_ladder(run, job, &error).await?,
                },
            };
            let of_link = items.iter_mut().filter(|item| key(item) == link);
            of_link.for_each(|item| item.result = Some(result.clone()));
        }
        runs.put_items(&run.id, chunk, &items).await?;
        Ok(match wait {
            Some((until, why)) => Step::Wait(until, why),
            None => Step::Done(Place::Applying { chunk: chunk + 1 }),
        })
    }

    /// Syncs each link of a chunk that was not synced yet.
    async fn heal(
        &self,
        run: &Run,
        items: &[DriftItem],
    ) -> Result<Vec<(LinkKey, Result<Outcome, (Job, SyncError)>)>, SyncError> {
        let mut links: BTreeMap<LinkKey, Hint> = BTreeMap::new();
        for item in items {
            if item.is_healable() && item.result.is_none() {
                let hint = self.hint_of(item);
                let Some(hint) = hint else { continue };
                let known = links.entry(key(item)).or_insert_with(|| hint.clone());
                if matches!(hint, Hint::External { notes: true, .. }) {
                    *known = hint;
                }
            }
        }
        let syncs = links.into_iter().map(|(link, hint)| {
            let job = self.job(&run.id, hint, true);
            async move {
                let synced = self.engine().sync(&job, None, None).await;
                (link, synced.map_err(|error| (job, error)))
            }
        });
        let syncs: Vec<_> = syncs.collect();
        let mut running = stream::iter(syncs).buffered(AT_ONCE);
        let mut healed = Vec::new();
        while let Some((link, synced)) = running.next().await {
            if let Err((_, SyncError::Store(error))) = synced {
                return Err(error.into());
            }
            healed.push((link, synced));
        }
        Ok(healed)
    }

    fn hint_of(&self, item: &DriftItem) -> Option<Hint> {
        let notes = item.kind == DriftKind::MissingNote;
        match (&item.external_id, &item.incident) {
            // Its record is not there to hint at.
            (Some(_), Some(incident)) if item.kind == DriftKind::DeletedRecord => {
                Some(self.hint_at(incident))
            }
            (Some(record), _) => Some(self.hint(record, notes)),
            (None, Some(incident)) => Some(self.hint_at(incident)),
            (None, None) => None,
        }
    }

    fn hint_at(&self, incident: &im_model::IncidentId) -> Hint {
        Hint::Incident {
            incident: incident.clone(),
            integration: self.integration.id.clone(),
        }
    }

    /// What cannot be healed now is tried again like any job, and listed if it dies.
    async fn give_to_ladder(
        &self,
        run: &mut Run,
        job: Job,
        error: &SyncError,
    ) -> Result<ItemResult, StoreError> {
        run.counts.failed += 1;
        tracing::warn!(job = %job.hint, error = error.summary(), "not healed yet");
        let message = RetryMessage::first(job, self.reconciler.now());
        self.reconciler.retries.put(&message).await?;
        let why = format!(
            "{error}; it is tried again by itself, and is a dead letter if it fails for good"
        );
        Ok(ItemResult::Failed { why })
    }
}
