//! Links by hand: pair an incident with a record that exists, and part them again.

use std::sync::Arc;

use im_model::{
    ActorId, Conflict, ConflictStatus, ExternalId, ExternalRecord, Incident, IncidentId,
    Integration, IntegrationId, Link, LinkState, OrganizationId, Resolution, Settlement, Side,
};

use jiff::Timestamp;

use super::{FieldProblem, Incidents, ManageError, VendorAccess, win::ruled};
use crate::{
    LinkByHand, StoreError, Unlink,
    ports::{Attempt, ConflictStore},
};

/// Links and unlinks.
pub struct Links {
    /// The incidents.
    pub incidents: Arc<Incidents>,
    /// What was a question on a link.
    pub conflicts: Arc<dyn ConflictStore>,
    /// Shows whether a record exists.
    pub vendors: Arc<VendorAccess>,
}

impl Links {
    /// Links an incident with a record that exists at the vendor, and lets `outbound` sync the two: what owns a field
    /// wins, else the platform. Linking what is linked already changes nothing.
    pub async fn link(
        &self,
        organization: &OrganizationId,
        actor: &ActorId,
        incident: &IncidentId,
        integration: &IntegrationId,
        external_id: &ExternalId,
    ) -> Result<Link, ManageError> {
        self.incidents.get(organization, incident).await?;
        let integration = self.integration(organization, integration).await?;
        // Its id as the vendor writes it: a caller may have given a key or a number.
        let record = self.vendors.record(&integration, external_id).await?;
        let cause = format!("linked by hand with {} by {actor}", record.id);
        let worker = self.incidents.worker();
        for _ in 0..Incidents::MOST_RACES {
            let incident = self.incidents.get(organization, incident).await?;
            let replaces = match present(&incident, &integration.id, &record.id)? {
                Present::Same(link) => return Ok(*link),
                Present::Replaceable(version) => version,
            };
            let taken_from = self.owner(&incident, &integration.id, &record.id).await?;
            let leaves = self.left(&incident, &integration.id, &record.id).await?;
            // Where there is no link, there is none that somebody could be working on.
            let mut link = new_link(replaces + 1, &record);
            if replaces > 0 {
                let won = self
                    .incidents
                    .win(&incident, &integration.id, replaces, &worker, &cause);
                let Some(attempt) = won.await? else { continue };
                link.outcome = Some(ruled(replaces, attempt, self.incidents.clock.now()));
            }
            let by_hand = LinkByHand {
                incident: &incident,
                integration: &integration.id,
                link: link.clone(),
                external_id: record.id.clone(),
                taken_from,
                leaves,
                conflicts: Vec::new(),
                now: self.incidents.clock.now(),
            };
            if self.incidents.store.link_by_hand(&by_hand).await? == Attempt::Done {
                return Ok(link);
            }
        }
        Err(ManageError::Changed(format!("incident {incident}")))
    }

    /// Parts an incident and its record. Nothing changes at the vendor; the record's webhooks stay known, and are
    /// ignored until somebody links it again.
    pub async fn unlink(
        &self,
        organization: &OrganizationId,
        actor: &ActorId,
        incident: &IncidentId,
        integration: &IntegrationId,
    ) -> Result<Link, ManageError> {
        let cause = format!("unlinked by hand by {actor}");
        let worker = self.incidents.worker();
        for _ in 0..Incidents::MOST_RACES {
            let incident = self.incidents.get(organization, incident).await?;
            let Some(link) = incident.links.get(integration) else {
                let what = format!("a link of incident {} with {integration}", incident.id);
                return Err(ManageError::NotFound(what));
            };
            if matches!(link.state, LinkState::Unlinked { .. }) {
                return Ok(link.clone());
            }
            let (store, now) = (self.conflicts.as_ref(), self.incidents.clock.now());
            let conflicts = ignored_by(store, link, actor, now).await?;
            let won = self
                .incidents
                .win(&incident, integration, link.version, &worker, &cause);
            let Some(attempt) = won.await? else { continue };
            let outcome = ruled(link.version, attempt, self.incidents.clock.now());
            let unlinked = link.cut(outcome);
            let unlink = Unlink {
                incident: &incident,
                integration,
                link: unlinked.clone(),
                conflicts,
            };
            if self.incidents.store.unlink(&unlink).await? == Attempt::Done {
                return Ok(unlinked);
            }
        }
        Err(ManageError::Changed(format!("incident {incident}")))
    }

    async fn integration(
        &self,
        organization: &OrganizationId,
        id: &IntegrationId,
    ) -> Result<Integration, ManageError> {
        let found = self.incidents.integrations.integration(id).await?;
        found
            .filter(|integration| integration.organization == *organization)
            .ok_or_else(|| {
                let problem = FieldProblem::new("integration_id", "there is no such integration");
                ManageError::Invalid(vec![problem])
            })
    }

    /// The incident that a record belonged to until it was unlinked, with the version of its link there; `None` if the
    /// record is nobody's, or this incident's own.
    async fn owner(
        &self,
        incident: &Incident,
        integration: &IntegrationId,
        external_id: &ExternalId,
    ) -> Result<Option<(IncidentId, u64)>, ManageError> {
        let store = &self.incidents.store;
        let owner = store.incident_of(integration, external_id).await?;
        let Some(owner) = owner.filter(|owner| *owner != incident.id) else {
            return Ok(None);
        };
        let loaded = store.load(&owner).await?;
        let link = loaded
            .as_ref()
            .and_then(|owner| owner.links.get(integration));
        if link.is_some_and(|link| matches!(link.state, LinkState::Unlinked { .. })) {
            return Ok(link.map(|link| (owner, link.version)));
        }
        Err(ManageError::Conflict(format!(
            "{external_id} of {integration} is linked with incident {owner}; unlink it there first"
        )))
    }

    /// The other record that the incident was linked with before, unless that belongs to another incident by now.
    async fn left(
        &self,
        incident: &Incident,
        integration: &IntegrationId,
        external_id: &ExternalId,
    ) -> Result<Option<ExternalId>, ManageError> {
        let link = incident.links.get(integration);
        let Some(LinkState::Unlinked {
            external_id: Some(left),
        }) = link.map(|link| &link.state)
        else {
            return Ok(None);
        };
        if left == external_id {
            return Ok(None);
        }
        let owner = self.incidents.store.incident_of(integration, left).await?;
        Ok((owner.as_ref() == Some(&incident.id)).then(|| left.clone()))
    }
}

/// What waits for a person on a link, closed by whoever cuts it: both sides keep what they hold.
pub(crate) async fn ignored_by(
    conflicts: &dyn ConflictStore,
    link: &Link,
    actor: &ActorId,
    now: Timestamp,
) -> Result<Vec<Conflict>, StoreError> {
    let mut closed = Vec::new();
    for review in link.reviews.values() {
        let known = conflicts.conflict(&review.conflict).await?;
        let pending = known.filter(|known| known.status == ConflictStatus::Pending);
        closed.extend(pending.map(|known| Conflict {
            status: ConflictStatus::Ignored,
            settlement: Some(Settlement::Person {
                actor: actor.clone(),
                resolution: Resolution::Ignore,
            }),
            updated_at: now,
            version: known.version + 1,
            ..known
        }));
    }
    Ok(closed)
}

/// What a new link would take the place of.
enum Present {
    /// It is there already.
    Same(Box<Link>),
    /// This version of a link without a record, 0 if there is none.
    Replaceable(u64),
}

fn present(
    incident: &Incident,
    integration: &IntegrationId,
    wanted: &ExternalId,
) -> Result<Present, ManageError> {
    let Some(link) = incident.links.get(integration) else {
        return Ok(Present::Replaceable(0));
    };
    match link.external_id() {
        None => Ok(Present::Replaceable(link.version)),
        Some(linked) if linked == wanted => Ok(Present::Same(Box::new(link.clone()))),
        Some(linked) => Err(ManageError::Conflict(format!(
            "incident {} is linked with {linked} of {integration}; unlink it first",
            incident.id
        ))),
    }
}

/// A link without a base: what both sides hold now is compared as if never seen (design 3, rule 5).
fn new_link(version: u64, record: &ExternalRecord) -> Link {
    let state = LinkState::Linked {
        external_id: record.id.clone(),
        url: record.url.clone(),
    };
    Link::new(version, state, Side::Platform)
}
