//! Dead letters: list, show, try again, give up.

mod debt;
mod listing;
mod many;
mod position;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use im_model::{
    Activity, ActorId, AuditEntry, Audited, DeadLetterId, DeadLetterStatus, Integration,
    IntegrationId, OrganizationId,
};

pub use self::listing::DeadLetterFilter;
pub use self::many::{ManySettled, NotSettled};
use super::ManageError;
use crate::{
    Cause, Counters, DeadLetter,
    audit::Auditor,
    dead_letter::mark_to_clear,
    ports::{
        Attempt, Clock, DeadLetterStore, Ids, IncidentStore, IntegrationStore, JobQueue, Mark,
    },
};

/// The dead letters of an organization's integrations.
pub struct DeadLetters {
    /// Where they are.
    pub store: Arc<dyn DeadLetterStore>,
    /// The incidents that they are about.
    pub incidents: Arc<dyn IncidentStore>,
    /// Whose they are.
    pub integrations: Arc<dyn IntegrationStore>,
    /// Where a retry is put.
    pub queue: Arc<dyn JobQueue>,
    /// When.
    pub clock: Arc<dyn Clock>,
    /// Ids of entries of the audit.
    pub ids: Arc<dyn Ids>,
}

impl DeadLetters {
    /// Whoever loses this many races in a row gives up.
    const MOST_RACES: u32 = 8;

    /// One of them, with its attempts.
    pub async fn get(
        &self,
        organization: &OrganizationId,
        integration: &IntegrationId,
        id: &DeadLetterId,
    ) -> Result<DeadLetter, ManageError> {
        self.integration(organization, integration).await?;
        self.one(integration, id).await
    }

    /// Tries it again, from the present state of both sides: no value of its jobs is sent, for they have none. What the
    /// vendor refused before is tried, too.
    ///
    /// # Errors
    /// [`ManageError::Conflict`] if it is resolved or discarded, or the integration does not work at present.
    pub async fn retry(
        &self,
        organization: &OrganizationId,
        actor: &ActorId,
        integration: &IntegrationId,
        id: &DeadLetterId,
    ) -> Result<DeadLetter, ManageError> {
        let integration = self.integration(organization, integration).await?;
        refuse_unless_working(&integration.id, integration.enabled, integration.activity)?;
        self.retry_one(&integration, id, actor).await
    }

    /// Gives it up: nothing tries it again, until one side of the link changes. Nothing is lost silently by that: both
    /// sides keep what they hold, the entry stays listed as discarded with all that went wrong, and the next change of
    /// either side brings along what was not sent. A value that was refused is tried again when its field changes.
    ///
    /// # Errors
    /// [`ManageError::Conflict`] if it is resolved or discarded already.
    pub async fn discard(
        &self,
        organization: &OrganizationId,
        actor: &ActorId,
        integration: &IntegrationId,
        id: &DeadLetterId,
    ) -> Result<DeadLetter, ManageError> {
        let integration = self.integration(organization, integration).await?;
        self.discard_one(&integration, id, actor).await
    }

    async fn retry_one(
        &self,
        integration: &Integration,
        id: &DeadLetterId,
        actor: &ActorId,
    ) -> Result<DeadLetter, ManageError> {
        let mut is_queued = false;
        for _ in 0..Self::MOST_RACES {
            let mut letter = self.one(&integration.id, id).await?;
            if is_queued && letter.status == DeadLetterStatus::Resolved {
                // The retry was faster than this note of it.
                return Ok(letter);
            }
            refuse_if_settled(&letter)?;
            if !is_queued {
                // Before the mark: a crash in between loses nothing, and a job too many does no harm.
                let message = letter.retry(Cause::Person, true, self.clock.now());
                self.queue.put(&message).await?;
                is_queued = true;
            }
            let before = letter.status;
            letter.changed(DeadLetterStatus::Retrying, actor.as_str(), self.clock.now());
            let audit = self.audited(integration, actor, &letter, before);
            let stored =
                self.store
                    .put_dead_letter(&letter, Mark::Keep, Some(&audit), Counters::NONE);
            if stored.await? == Attempt::Done {
                return Ok(letter);
            }
        }
        Err(ManageError::Changed(format!("dead letter {id}")))
    }

    async fn discard_one(
        &self,
        integration: &Integration,
        id: &DeadLetterId,
        actor: &ActorId,
    ) -> Result<DeadLetter, ManageError> {
        for _ in 0..Self::MOST_RACES {
            let mut letter = self.one(&integration.id, id).await?;
            refuse_if_settled(&letter)?;
            // The debt first: were it the other way round, a crash would leave a debt that wakes the job again.
            let incident = self.settle(&letter).await?;
            let mark = incident.as_ref();
            let mark = mark.map_or(Mark::Keep, |incident| mark_to_clear(incident, &letter));
            let before = letter.status;
            letter.changed(
                DeadLetterStatus::Discarded,
                actor.as_str(),
                self.clock.now(),
            );
            let audit = self.audited(integration, actor, &letter, before);
            let stored = self
                .store
                .put_dead_letter(&letter, mark, Some(&audit), Counters::NONE);
            if stored.await? == Attempt::Done {
                return Ok(letter);
            }
        }
        Err(ManageError::Changed(format!("dead letter {id}")))
    }

    fn audited(
        &self,
        integration: &Integration,
        actor: &ActorId,
        letter: &DeadLetter,
        before: DeadLetterStatus,
    ) -> AuditEntry {
        let action = match letter.status {
            DeadLetterStatus::Discarded => Audited::DeadLetterDiscarded,
            _ => Audited::DeadLetterRetried,
        };
        let words = (before.as_str(), letter.status.as_str());
        Auditor::new(self.ids.as_ref(), Some(actor), letter.changed_at).settled(
            (&integration.organization, &integration.id),
            action,
            letter.id.as_str(),
            words,
        )
    }

    async fn one(
        &self,
        integration: &IntegrationId,
        id: &DeadLetterId,
    ) -> Result<DeadLetter, ManageError> {
        let found = self.store.dead_letter(integration, id).await?;
        found.ok_or_else(|| ManageError::NotFound(format!("dead letter {id} of {integration}")))
    }

    async fn integration(
        &self,
        organization: &OrganizationId,
        id: &IntegrationId,
    ) -> Result<Integration, ManageError> {
        let found = self.integrations.integration(id).await?;
        found
            .filter(|integration| integration.organization == *organization)
            .ok_or_else(|| ManageError::NotFound(format!("integration {id}")))
    }
}

fn refuse_if_settled(letter: &DeadLetter) -> Result<(), ManageError> {
    let (id, by) = (&letter.id, &letter.changed_by);
    let problem = match letter.status {
        DeadLetterStatus::Open | DeadLetterStatus::Retrying => return Ok(()),
        DeadLetterStatus::Resolved => format!(
            "dead letter {id} is resolved already, by {by}: its link was synced since, and there is nothing left to do"
        ),
        DeadLetterStatus::Discarded => format!(
            "dead letter {id} was discarded by {by}; the next change of either side brings along what was not synced, \
             except a value that was refused: that field is tried when it changes"
        ),
    };
    Err(ManageError::Conflict(problem))
}

/// A retry would only be left lying.
fn refuse_unless_working(
    id: &IntegrationId,
    enabled: bool,
    activity: Activity,
) -> Result<(), ManageError> {
    let problem = match (enabled, activity) {
        (true, Activity::Active) => return Ok(()),
        (true, Activity::Paused) => {
            format!("integration {id} is paused: resume it first, then retry")
        }
        (false, _) => format!("integration {id} is disabled: enable it first, then retry"),
    };
    Err(ManageError::Conflict(problem))
}
