//! Which of them, by pages.

use im_model::{DeadLetterStatus, FailureReason, IncidentId, IntegrationId, OrganizationId};

use super::{DeadLetters, position::Position};
use crate::{
    DeadLetter,
    manage::{FieldProblem, ManageError},
    ports::Page,
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

/// What a list shows that names no status, in this order.
pub(super) const UNSETTLED: [DeadLetterStatus; 2] =
    [DeadLetterStatus::Open, DeadLetterStatus::Retrying];

impl DeadLetters {
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

    /// One page of those that have one of these statuses, unless the filter names another.
    pub(super) async fn page(
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

    /// An incident's link has one entry at most: what its mark names or, where that was taken back, what the link is
    /// called by.
    async fn of_incident(
        &self,
        integration: &IntegrationId,
        incident: &IncidentId,
        filter: &DeadLetterFilter,
        statuses: &[DeadLetterStatus],
    ) -> Result<Option<DeadLetter>, ManageError> {
        let loaded = self.incidents.load(incident).await?;
        let marked = loaded.and_then(|incident| incident.dead.get(integration).cloned());
        let id = marked.unwrap_or_else(|| DeadLetter::id_of(integration, Some(incident), None));
        let found = self.store.dead_letter(integration, &id).await?;
        let fits = |one: &DeadLetter| statuses.contains(&one.status) && filter.lets_through(one);
        Ok(found.filter(fits))
    }
}
