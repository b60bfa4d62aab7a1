//! What is refused is listed: there is a dead letter that says so, whoever died on the way to it.

use std::collections::BTreeMap;

use im_model::{Field, Incident, IncidentId, IntegrationId, Notice};

use super::worker::Worker;
use crate::{DeadLetter, SyncError, dead_letter::refused_fields};

/// What a link without a dead letter says was refused.
pub(super) struct Refused {
    incident: IncidentId,
    notices: BTreeMap<Field, Notice>,
}

impl Refused {
    /// `None` if nothing was, or if there is a dead letter: then it says so, or its end will.
    pub(super) fn of(incident: &Incident, integration: &IntegrationId) -> Option<Self> {
        if incident.dead.contains_key(integration) {
            return None;
        }
        let refused = refused_fields(incident, integration);
        let notices: BTreeMap<_, _> = refused
            .map(|(f, notice)| (f.clone(), notice.clone()))
            .collect();
        (!notices.is_empty()).then(|| Self {
            incident: incident.id.clone(),
            notices,
        })
    }
}

impl Worker<'_> {
    /// These fields have been decided on anew: whatever became of it is this worker's to say.
    pub(super) fn has_decided<'a>(&mut self, fields: impl Iterator<Item = &'a Field>) {
        if let Some(refused) = &mut self.refused {
            fields.for_each(|field| drop(refused.notices.remove(field)));
        }
    }

    /// A refusal is committed before it is buried, and whoever dies in between leaves nothing to do to those who come
    /// after: they would end well, and nobody would hear of it. One read, where something is refused and not listed.
    pub(super) async fn list_refused(&mut self) -> Result<(), SyncError> {
        let Some(refused) = self.refused.take() else {
            return Ok(());
        };
        if !self.done.failed.is_empty() || refused.notices.is_empty() {
            return Ok(());
        }
        let id = DeadLetter::id_of(self.id(), Some(&refused.incident), None);
        let entry = self.engine.letters.dead_letter(self.id(), &id).await?;
        let listed = entry.map(|entry| entry.died_at);
        let mut unlisted = refused.notices;
        unlisted.retain(|_, notice| listed.is_none_or(|listed| listed < notice.at));
        let Some((first, _)) = unlisted.first_key_value() else {
            return Ok(());
        };
        if !self.job.waited {
            return Err(SyncError::Unlisted(first.clone().into()));
        }
        let unlisted = unlisted.into_iter();
        let unlisted = unlisted.map(|(field, notice)| (field.into(), notice.detail));
        Err(SyncError::Fields(unlisted.collect()))
    }
}
