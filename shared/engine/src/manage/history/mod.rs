//! What happened to an incident, and why its fields hold what they hold: read from the journal.

mod happening;
mod timeline;

use std::sync::Arc;

use im_model::{
    Field, FieldOutcome, FieldState, Incident, IncidentId, IntegrationId, OrganizationId, Origin,
};
use im_sync::Action;

pub use self::happening::{Chain, Ending, Explanation, FieldStep, Happening, TimelineEntry};
use self::timeline::{of_note, timeline};
use super::{FieldProblem, Incidents, ManageError};
use crate::ports::Page;

/// Reads the journal.
pub struct Histories {
    /// The incidents.
    pub incidents: Arc<Incidents>,
}

impl Histories {
    /// One page of what happened to an incident, oldest first.
    pub async fn timeline(
        &self,
        organization: &OrganizationId,
        id: &IncidentId,
        cursor: Option<&str>,
        limit: u16,
    ) -> Result<Page<TimelineEntry>, ManageError> {
        let incident = self.incidents.get(organization, id).await?;
        let mut entries = self.entries(&incident).await?;
        let notes = self.incidents.store.notes(id).await?;
        entries.extend(notes.into_iter().map(of_note));
        entries.sort_by(|a, b| (a.at, &a.id).cmp(&(b.at, &b.id)));
        let begin = match cursor {
            None => 0,
            Some(cursor) => {
                let at = entries.iter().position(|entry| entry.id == cursor);
                let problem = "is not a cursor that this timeline answered with";
                at.ok_or_else(|| ManageError::Invalid(vec![FieldProblem::new("cursor", problem)]))?
                    + 1
            }
        };
        let limit = usize::from(limit);
        let more = entries.len() > begin + limit;
        let items: Vec<_> = entries.into_iter().skip(begin).take(limit).collect();
        let last = items.last().map(|entry| entry.id.clone());
        Ok(Page {
            items,
            next: last.filter(|_| more),
        })
    }

    /// Why a field holds what it holds, at all links or at one.
    pub async fn explain(
        &self,
        organization: &OrganizationId,
        id: &IncidentId,
        field: &Field,
        integration: Option<&IntegrationId>,
    ) -> Result<Explanation, ManageError> {
        let incident = self.incidents.get(organization, id).await?;
        if let Some(integration) = integration
            && !incident.links.contains_key(integration)
        {
            let problem = format!("incident {id} has no link with it");
            let problem = FieldProblem::new("integration", problem);
            return Err(ManageError::Invalid(vec![problem]));
        }
        let entries = self.entries(&incident).await?;
        let state = incident.fields.get(field).cloned();
        let links = incident.links.iter();
        let chains = links
            .filter(|(id, _)| integration.is_none_or(|wanted| wanted == *id))
            .map(|(id, link)| Chain {
                integration: id.clone(),
                external_id: link.external_id().cloned(),
                last: last_decision(&entries, id, field),
                review: link.reviews.get(field).cloned(),
                notice: link.notices.get(field).cloned(),
            });
        Ok(Explanation {
            incident: id.clone(),
            field: field.clone(),
            origin: state
                .as_ref()
                .and_then(|state| origin(&entries, field, state)),
            chains: chains.collect(),
            state,
        })
    }

    /// What the journal tells, oldest first, without notes.
    async fn entries(&self, incident: &Incident) -> Result<Vec<TimelineEntry>, ManageError> {
        let journal = self.incidents.store.journal(&incident.id).await?;
        Ok(timeline(incident, &journal, self.incidents.clock.now()))
    }
}

/// The same entry with one field only.
fn only(entry: &TimelineEntry, field: &Field) -> TimelineEntry {
    let mut entry = entry.clone();
    entry.steps.retain(|step| step.field == *field);
    entry
}

/// The last sync of a link that was committed and decided on a field.
fn last_decision(
    entries: &[TimelineEntry],
    integration: &IntegrationId,
    field: &Field,
) -> Option<TimelineEntry> {
    let decided = |entry: &&TimelineEntry| {
        entry.integration.as_ref() == Some(integration)
            && entry
                .steps
                .iter()
                .any(|step| step.field == *field && step.outcome.is_some())
    };
    let last = entries.iter().rev().find(decided)?;
    Some(only(last, field))
}

/// What brought the present value.
fn origin(entries: &[TimelineEntry], field: &Field, state: &FieldState) -> Option<TimelineEntry> {
    let steps = |entry: &TimelineEntry| {
        let steps = entry.steps.iter().filter(|step| step.field == *field);
        steps.cloned().collect::<Vec<_>>()
    };
    let edited = |entry: &&TimelineEntry| {
        entry.at == state.changed_at
            && steps(entry).iter().any(|step| {
                step.edit
                    .as_ref()
                    .is_some_and(|(_, after)| *after == state.value)
            })
    };
    let brings = |step: &FieldStep| {
        let action = step.decision.as_ref().map(|decision| &decision.action);
        match (&step.outcome, action) {
            (Some(FieldOutcome::Pulled), Some(Action::Pull { value, .. })) => *value == state.value,
            (Some(FieldOutcome::Overruled { .. }), _) => true,
            _ => false,
        }
    };
    let found = match &state.origin {
        Origin::Platform { .. } => entries.iter().rev().find(edited),
        Origin::External { integration, .. } => entries.iter().rev().find(|entry| {
            entry.integration.as_ref() == Some(integration) && steps(entry).iter().any(brings)
        }),
    };
    found.map(|entry| only(entry, field))
}
