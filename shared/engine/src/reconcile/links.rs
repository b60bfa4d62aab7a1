//! The incidents of the organization: links whose record was not listed, and incidents that should have a record.

use im_model::{Incident, IncidentId, Link, LinkState, Place, Purpose, Run};
use im_sync::{Facts, Subject, Trigger};

use super::{Step, compare::is_on_its_way, slice::Slice};
use crate::{Hint, Suspect, SyncError};

/// Incidents of a step.
const PAGE: u16 = 100;

impl Slice<'_> {
    pub(super) async fn look_through(
        &mut self,
        run: &mut Run,
        after: Option<IncidentId>,
    ) -> Result<Step, SyncError> {
        let store = self.engine().store.clone();
        let organization = self.integration.organization.clone();
        let page = store.list(&organization, after.as_ref(), PAGE).await?;
        let trigger = self.trigger(Subject::Incident)?;
        let mut suspects = Vec::new();
        for incident in &page.items {
            run.counts.incidents += 1;
            if is_on_its_way(&self.integration, incident) {
                continue;
            }
            suspects.extend(self.suspect_of(run, trigger.as_ref(), incident).await?);
        }
        self.suspect(run, suspects).await?;
        let last = page.items.last().map(|incident| incident.id.clone());
        Ok(Step::Done(match page.next {
            Some(_) if !Self::is_limit_reached(run) => Place::Links { after: last },
            _ => Place::Looking { chunk: 0 },
        }))
    }

    async fn suspect_of(
        &mut self,
        run: &Run,
        trigger: Option<&Trigger>,
        incident: &Incident,
    ) -> Result<Option<Suspect>, SyncError> {
        let link = incident.links.get(&self.integration.id);
        let (values, notes) = match link.map(|link| (link, &link.state)) {
            Some((_, LinkState::Unlinked { .. })) => return Ok(None),
            Some((_, LinkState::Reserved)) => (true, false),
            None => (self.is_missing(run, trigger, incident), false),
            Some(_) if run.purpose == Purpose::Backfill => return Ok(None),
            Some((link, LinkState::Linked { external_id, .. })) => {
                let is_later = incident.created_at > run.started_at;
                let is_unseen = !is_later && !self.was_seen(run, external_id).await?;
                (is_unseen, owes_notes(incident, link))
            }
        };
        Ok((values || notes).then(|| Suspect {
            hint: Hint::Incident {
                incident: incident.id.clone(),
                integration: self.integration.id.clone(),
            },
            values,
            notes,
            listed: Vec::new(),
        }))
    }

    /// Should an incident without a link have one? What was there before the integration is a backfill's.
    fn is_missing(&self, run: &Run, trigger: Option<&Trigger>, incident: &Incident) -> bool {
        let since = match run.purpose {
            Purpose::Backfill => run.since,
            Purpose::Reconcile | Purpose::Poll => Some(self.integration.created_at),
        };
        self.integration.direction.allows_outbound()
            && since.is_none_or(|since| incident.created_at >= since)
            && trigger.is_none_or(|trigger| trigger.evaluate(&Facts::of_incident(incident)).holds)
    }
}

fn owes_notes(incident: &Incident, link: &Link) -> bool {
    incident.notes > link.notes.sent
}
