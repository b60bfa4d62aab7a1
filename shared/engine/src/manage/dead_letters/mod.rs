//! Dead letters: list, show, try again, give up.

mod debt;
mod many;
mod position;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use im_model::{
    Activity, ActorId, DeadLetterId, DeadLetterStatus, FailureReason, IncidentId, Integration,
    IntegrationId, OrganizationId,
};
use jiff::Timestamp;

pub use self::many::{ManySettled, NotSettled};
use self::position::Position;
use super::{FieldProblem, ManageError};
use crate::{
    Cause, DeadLetter, Hint, Job, RetryMessage,
    ports::{
        Attempt, Clock, DeadLetterStore, IncidentStore, IntegrationStore, JobQueue, Mark, Page,
    },
};

/// Which dead letters are listed.
#[derive(Debug, Clone, Default)]
pub struct DeadLetterFilter {
    /// Only of this status. Without it: those that are open, then those that are being tried again.
    pub status: Option<DeadLetterStatus>,
    /// Only of this incident.
    pub incident: Option<IncidentId>,
    /// Only those that ended for this reason.
    pub reason: Option<FailureReason>,
}

impl DeadLetterFilter {
    fn lets_through(&self, letter: &DeadLetter) -> bool {
        let incident = self.incident.as_ref();
        incident.is_none_or(|wanted| letter.incident.as_ref() == Some(wanted))
            && self.reason.is_none_or(|wanted| wanted == letter.reason)
    }
}

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
}

/// What a list shows that names no status, in this order.
const UNSETTLED: [DeadLetterStatus; 2] = [DeadLetterStatus::Open, DeadLetterStatus::Retrying];

impl DeadLetters {
    /// Whoever loses this many races in a row gives up.
    const MOST_RACES: u32 = 8;

    /// Pages that a search looks through before it answers with what it has found.
    const MOST_PAGES: u32 = 10;

    /// One page of an integration's dead letters, by status and oldest first. With a filter a page may be short, even
    /// empty, while there is a next one.
    pub async fn list(
        &self,
        organization: &OrganizationId,
        integration: &IntegrationId,
        filter: &DeadLetterFilter,
        cursor: Option<&str>,
        limit: u16,
    ) -> Result<Page<DeadLetter>, ManageError> {
        self.integration(organization, integration).await?;
        self.page(integration, filter, &UNSETTLED, cursor, limit)
            .await
    }

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
        self.retry_one(&integration.id, id, actor).await
    }

    /// Gives it up: nothing tries it again, until one side of the link changes. Nothing is lost silently by that: both
    /// sides keep what they hold, the entry stays listed as discarded with all that went wrong, and the next change of
    /// either side brings along what was not sent.
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
        self.integration(organization, integration).await?;
        self.discard_one(integration, id, actor).await
    }

    async fn retry_one(
        &self,
        integration: &IntegrationId,
        id: &DeadLetterId,
        actor: &ActorId,
    ) -> Result<DeadLetter, ManageError> {
        let mut is_queued = false;
        for _ in 0..Self::MOST_RACES {
            let letter = self.one(integration, id).await?;
            if is_queued && letter.status == DeadLetterStatus::Resolved {
                // The retry was faster than this note of it.
                return Ok(letter);
            }
            refuse_if_settled(&letter)?;
            if !is_queued {
                // Before the mark: a crash in between loses nothing, and a job too many does no harm.
                self.queue.put(&retry_of(&letter, self.clock.now())).await?;
                is_queued = true;
            }
            let retrying = changed(letter, DeadLetterStatus::Retrying, actor, self.clock.now());
            if self.store.put_dead_letter(&retrying, Mark::Keep).await? == Attempt::Done {
                return Ok(retrying);
            }
        }
        Err(ManageError::Changed(format!("dead letter {id}")))
    }

    async fn discard_one(
        &self,
        integration: &IntegrationId,
        id: &DeadLetterId,
        actor: &ActorId,
    ) -> Result<DeadLetter, ManageError> {
        for _ in 0..Self::MOST_RACES {
            let letter = self.one(integration, id).await?;
            refuse_if_settled(&letter)?;
            // The debt first: were it the other way round, a crash would leave a debt that wakes the job again.
            let is_marked = self.settle(&letter).await?;
            let incident = letter.incident.clone();
            let mark = match &incident {
                Some(incident) if is_marked => Mark::Clear(incident),
                _ => Mark::Keep,
            };
            let discarded = changed(letter, DeadLetterStatus::Discarded, actor, self.clock.now());
            if self.store.put_dead_letter(&discarded, mark).await? == Attempt::Done {
                return Ok(discarded);
            }
        }
        Err(ManageError::Changed(format!("dead letter {id}")))
    }

    /// One page of those that have one of these statuses, unless the filter names another.
    async fn page(
        &self,
        integration: &IntegrationId,
        filter: &DeadLetterFilter,
        statuses: &[DeadLetterStatus],
        cursor: Option<&str>,
        limit: u16,
    ) -> Result<Page<DeadLetter>, ManageError> {
        let statuses = filter
            .status
            .as_ref()
            .map_or(statuses, std::slice::from_ref);
        if let Some(incident) = &filter.incident {
            let items = self.of_incident(integration, incident, filter, statuses);
            let items = items.await?.into_iter().collect();
            return Ok(Page { items, next: None });
        }
        let mut position = Position::read(cursor, statuses).ok_or_else(|| {
            let problem = "is not a cursor that a list answered with";
            ManageError::Invalid(vec![FieldProblem::new("cursor", problem)])
        })?;
        let mut found = Vec::new();
        for _ in 0..Self::MOST_PAGES {
            let wanted = limit.saturating_sub(u16::try_from(found.len()).unwrap_or(u16::MAX));
            let (status, after) = (position.status, position.after.as_deref());
            let page = self
                .store
                .dead_letters(integration, status, after, wanted)
                .await?;
            found.extend(
                page.items
                    .into_iter()
                    .filter(|one| filter.lets_through(one)),
            );
            let Some(next) = position.next(page.next, statuses) else {
                return Ok(Page {
                    items: found,
                    next: None,
                });
            };
            position = next;
            if found.len() >= usize::from(limit) {
                break;
            }
        }
        Ok(Page {
            items: found,
            next: Some(position.to_string()),
        })
    }

    /// An incident's link has one entry at most, and its name follows from the link.
    async fn of_incident(
        &self,
        integration: &IntegrationId,
        incident: &IncidentId,
        filter: &DeadLetterFilter,
        statuses: &[DeadLetterStatus],
    ) -> Result<Option<DeadLetter>, ManageError> {
        let id = DeadLetter::id_of(integration, Some(incident), None);
        let found = self.store.dead_letter(integration, &id).await?;
        let fits = |one: &DeadLetter| statuses.contains(&one.status) && filter.lets_through(one);
        Ok(found.filter(fits))
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

/// The message that tries a dead letter again: its last job, without what a webhook of that time said about times and
/// authors. What the record says by now counts.
fn retry_of(letter: &DeadLetter, now: Timestamp) -> RetryMessage {
    let mut hint = letter.job.hint.clone();
    if let Hint::External {
        changed, author, ..
    } = &mut hint
    {
        changed.clear();
        *author = None;
    }
    let job = Job {
        hint,
        cause: Cause::Person,
        waited: false,
        insist: true,
    };
    RetryMessage {
        severity: letter.severity,
        entry: Some(letter.id.clone()),
        ..RetryMessage::first(job, now)
    }
}

/// The next version of a dead letter, in another status.
fn changed(
    letter: DeadLetter,
    status: DeadLetterStatus,
    actor: &ActorId,
    now: Timestamp,
) -> DeadLetter {
    DeadLetter {
        status,
        changed_at: now,
        changed_by: actor.to_string(),
        version: letter.version + 1,
        ..letter
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
            "dead letter {id} was discarded by {by}; the next change of either side brings along what was not synced"
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
