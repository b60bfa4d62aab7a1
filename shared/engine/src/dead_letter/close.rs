//! A success on a link closes its dead letter.

use im_model::{
    DeadLetterId, DeadLetterStatus, Incident, IntegrationId, NoteCopy, NoticeKind, Ownable,
};

use super::DeadLetter;
use crate::{
    StoreError,
    ports::{Attempt, Clock, DeadLetterStore, IncidentStore, Mark},
};

/// Closes dead letters, where what they are about is no longer so.
pub(crate) struct DeadLetterCloser<'a> {
    pub(crate) letters: &'a dyn DeadLetterStore,
    pub(crate) incidents: &'a dyn IncidentStore,
    pub(crate) clock: &'a dyn Clock,
}

impl DeadLetterCloser<'_> {
    /// Others that change the same entry may be faster this many times.
    const MOST_RACES: u32 = 5;

    /// A job on this entry's link has succeeded. The entry stays where it is about a field that is still refused: then
    /// the job had nothing to do only because the refusal is known.
    pub(crate) async fn close(
        &self,
        integration: &IntegrationId,
        id: &DeadLetterId,
        by: &str,
    ) -> Result<(), StoreError> {
        for _ in 0..Self::MOST_RACES {
            let Some(mut letter) = self.letters.dead_letter(integration, id).await? else {
                return Ok(());
            };
            if !letter.status.is_unsettled() {
                return Ok(());
            }
            let incident = self.incident_of(&letter).await?;
            let mark = match &incident {
                Some(incident) => {
                    if is_still_refused(self.incidents, incident, &letter).await? {
                        let why = "all but what is refused was synced";
                        return self.leave(integration, id, why).await;
                    }
                    mark_to_clear(incident, &letter)
                }
                None => Mark::Keep,
            };
            letter.changed(DeadLetterStatus::Resolved, by, self.clock.now());
            if self.letters.put_dead_letter(&letter, mark).await? == Attempt::Done {
                tracing::info!(entry = %letter.id, %integration, by, "a dead letter is resolved");
                return Ok(());
            }
        }
        // The next success tries again.
        Ok(())
    }

    /// A retry is over without having failed or succeeded: the entry is open again.
    pub(crate) async fn leave(
        &self,
        integration: &IntegrationId,
        id: &DeadLetterId,
        why: &str,
    ) -> Result<(), StoreError> {
        for _ in 0..Self::MOST_RACES {
            let Some(mut letter) = self.letters.dead_letter(integration, id).await? else {
                return Ok(());
            };
            if letter.status != DeadLetterStatus::Retrying {
                return Ok(());
            }
            letter.changed(DeadLetterStatus::Open, why, self.clock.now());
            if self.letters.put_dead_letter(&letter, Mark::Keep).await? == Attempt::Done {
                return Ok(());
            }
        }
        Ok(())
    }

    async fn incident_of(&self, letter: &DeadLetter) -> Result<Option<Incident>, StoreError> {
        let id = match (&letter.incident, &letter.external_id) {
            (Some(id), _) => Some(id.clone()),
            (None, Some(record)) => {
                let found = self.incidents.incident_of(&letter.integration, record);
                found.await?
            }
            (None, None) => None,
        };
        match id {
            Some(id) => self.incidents.load(&id).await,
            None => Ok(None),
        }
    }
}

/// The incident's mark goes with its entry.
pub(crate) fn mark_to_clear<'a>(incident: &'a Incident, letter: &DeadLetter) -> Mark<'a> {
    if incident.dead.get(&letter.integration) == Some(&letter.id) {
        Mark::Clear(&incident.id)
    } else {
        Mark::Keep
    }
}

/// Is one of the fields or notes that an entry is about still refused?
pub(super) async fn is_still_refused(
    incidents: &dyn IncidentStore,
    incident: &Incident,
    letter: &DeadLetter,
) -> Result<bool, StoreError> {
    let about = letter.attempts.iter().flat_map(|attempt| &attempt.fields);
    let link = incident.links.get(&letter.integration);
    let mut asked_for_notes = false;
    for ownable in about {
        match ownable {
            Ownable::Field(field) => {
                let notice = link.and_then(|link| link.notices.get(field));
                let refuses = |kind| matches!(kind, NoticeKind::Unmapped | NoticeKind::Unwritable);
                if notice.is_some_and(|notice| refuses(notice.kind)) {
                    return Ok(true);
                }
            }
            Ownable::Notes(_) => asked_for_notes = true,
        }
    }
    if !asked_for_notes {
        return Ok(false);
    }
    let notes = incidents.notes(&incident.id).await?;
    let is_refused = |copy: Option<&NoteCopy>| matches!(copy, Some(NoteCopy::Refused { .. }));
    Ok(notes
        .iter()
        .any(|note| is_refused(note.copies.get(&letter.integration))))
}
