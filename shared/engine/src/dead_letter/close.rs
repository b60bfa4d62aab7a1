//! A success on a link closes its dead letter.

use im_model::{
    DeadLetterId, DeadLetterStatus, Incident, IntegrationId, LinkState, NoteCopy, NoticeKind,
    Ownable,
};

use super::DeadLetter;
use crate::{
    Counters, Hint, StoreError,
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
                    if letter.status == DeadLetterStatus::Open
                        && owes_something_newer(incident, &letter.job.hint)
                    {
                        return Ok(());
                    }
                    mark_to_clear(incident, &letter)
                }
                None => Mark::Keep,
            };
            letter.changed(DeadLetterStatus::Resolved, by, self.clock.now());
            if self
                .letters
                .put_dead_letter(&letter, mark, None, Counters::NONE)
                .await?
                == Attempt::Done
            {
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
            if self
                .letters
                .put_dead_letter(&letter, Mark::Keep, None, Counters::NONE)
                .await?
                == Attempt::Done
            {
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

/// Was the success that of a job which had begun before the entry's died? What that one had to bring is owed still, or
/// not yet seen at the vendor.
fn owes_something_newer(incident: &Incident, dead: &Hint) -> bool {
    match dead {
        Hint::Incident { integration, .. } => incident.pending.contains_key(integration),
        Hint::External {
            integration,
            at_least: Some(announced),
            ..
        } => {
            let link = incident.links.get(integration);
            let linked = link.filter(|link| matches!(link.state, LinkState::Linked { .. }));
            let seen = linked.and_then(|link| link.record_version);
            seen.is_some_and(|seen| seen < *announced)
        }
        Hint::External { at_least: None, .. } => false,
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use im_model::{IncidentId, Link, RecordVersion, Side};
    use jiff::Timestamp;

    use super::*;

    fn integration() -> IntegrationId {
        "pd".parse().expect("an id")
    }

    fn incident(state: LinkState) -> Incident {
        let mut link = Link::new(3, state, Side::Platform);
        link.record_version = Some(RecordVersion(7));
        Incident {
            id: IncidentId::from_ulid(ulid::Ulid(1)),
            organization: "acme".parse().expect("an id"),
            created_at: Timestamp::UNIX_EPOCH,
            revision: 1,
            fields: BTreeMap::new(),
            links: BTreeMap::from([(integration(), link)]),
            pending: BTreeMap::new(),
            notes: 0,
            dead: BTreeMap::new(),
        }
    }

    fn linked() -> Incident {
        let external_id = "P1".parse().expect("an id");
        incident(LinkState::Linked {
            external_id,
            url: None,
        })
    }

    #[test]
    fn a_debt_that_a_success_has_left_is_younger_than_what_it_saw() {
        let (mut incident, integration) = (linked(), integration());
        let dead = Hint::Incident {
            incident: incident.id.clone(),
            integration: integration.clone(),
        };
        assert!(!owes_something_newer(&incident, &dead));
        incident.pending.insert(integration, 2);
        assert!(owes_something_newer(&incident, &dead));
    }

    #[test]
    fn a_record_that_was_not_seen_as_new_as_announced_is_still_to_be_read() {
        let dead = |announced: Option<u64>| Hint::External {
            integration: integration(),
            external_id: "P1".parse().expect("an id"),
            at_least: announced.map(RecordVersion),
            changed: BTreeMap::new(),
            author: None,
            notes: false,
        };
        let newer = [None, Some(7), Some(8)].map(|it| owes_something_newer(&linked(), &dead(it)));
        assert_eq!(newer, [false, false, true]);
        let unlinked = incident(LinkState::Unlinked { external_id: None });
        assert!(!owes_something_newer(&unlinked, &dead(Some(8))));
    }
}
