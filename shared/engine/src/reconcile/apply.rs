//! Heals what was found, link by link, by the sync that every hint uses. It plans anew on a fresh read: what somebody edited since
//! is not undone.

use std::collections::BTreeMap;

use futures::{StreamExt, stream};
use im_model::{DriftItem, DriftKind, ItemResult, Place, Run};

use super::{
    Step,
    found::{LinkKey, key},
    looking::{AT_ONCE, PATIENCE_WITH_ONE, job},
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
        let healed = self.heal(run, &items).await;
        let is_anybody_there = healed.iter().any(|(_, synced)| synced.is_ok());
        let has_waited = run.waits >= PATIENCE_WITH_ONE;
        let mut stops = None;
        for (link, synced) in healed {
            let result = match synced {
                Ok(Outcome::Suspended(why)) => {
                    stops = Some(self.suspended(why));
                    continue;
                }
                Ok(outcome) => ItemResult::Healed {
                    outcome: outcome.to_string(),
                },
                Err((_, error @ SyncError::Store(_))) => {
                    stops = Some(error);
                    continue;
                }
                Err((_, error)) if self.is_to_wait(&error, is_anybody_there, has_waited) => {
                    stops = Some(error);
                    continue;
                }
                Err((job, error)) => self.give_to_ladder(job, &error).await?,
            };
            let of_link = items.iter_mut().filter(|item| key(item) == link);
            of_link.for_each(|item| item.result = Some(result.clone()));
        }
        runs.put_items(&run.id, chunk, &items).await?;
        if let Some(error) = stops {
            return Err(error);
        }
        count(run, &items);
        Ok(Step::Done(Place::Applying { chunk: chunk + 1 }))
    }

    /// Syncs each link of a chunk that was not synced yet.
    async fn heal(
        &self,
        run: &Run,
        items: &[DriftItem],
    ) -> Vec<(LinkKey, Result<Outcome, (Job, SyncError)>)> {
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
        // A link that follows a merge takes its record before somebody makes an incident of it.
        let (links, strangers): (Vec<_>, Vec<_>) = links
            .into_iter()
            .partition(|((incident, _), _)| incident.is_some());
        let sync = |(link, hint)| {
            let job = job(run, hint, true);
            async move {
                let synced = self.sync(&job).await;
                (link, synced.map_err(|error| (job, error)))
            }
        };
        let mut healed = Vec::new();
        for syncs in [links, strangers] {
            let syncs: Vec<_> = syncs.into_iter().map(sync).collect();
            let syncs = stream::iter(syncs).buffered(AT_ONCE);
            healed.extend(syncs.collect::<Vec<_>>().await);
        }
        healed
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
    async fn give_to_ladder(&self, job: Job, error: &SyncError) -> Result<ItemResult, StoreError> {
        tracing::warn!(job = %job.hint, error = error.summary(), "not healed yet");
        let message = RetryMessage::first(job, self.reconciler.now());
        self.reconciler.retries.put(&message).await?;
        let why = format!(
            "{error}; it is tried again by itself, and is a dead letter if it fails for good"
        );
        Ok(ItemResult::Failed { why })
    }
}

/// Counted when a chunk is done, by what is stored of it: so whoever does it again counts the same.
fn count(run: &mut Run, items: &[DriftItem]) {
    let healable = items.iter().filter(|item| item.is_healable());
    let links: BTreeMap<_, _> = healable.map(|item| (key(item), &item.result)).collect();
    for result in links.into_values() {
        match result {
            Some(ItemResult::Healed { .. }) => run.counts.healed += 1,
            Some(ItemResult::Failed { .. }) | None => run.counts.failed += 1,
        }
    }
}
