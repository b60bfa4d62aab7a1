//! Removes an integration: its configuration and its credentials. What it has linked stays as it is.

use std::sync::Arc;

use im_model::{ActorId, IncidentId, IntegrationId, LinkState, OrganizationId, TaskKind};

use super::{Incidents, Integrations, ManageError};
use crate::{StoreError, audit::Auditor, ports::Attempt};

/// Removes integrations.
pub struct Removal {
    /// Whose links are left.
    pub incidents: Arc<Incidents>,
    /// What is removed.
    pub integrations: Arc<Integrations>,
}

/// What an integration that was removed has left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Removed {
    /// How many incidents are still linked with its records.
    pub links_left: u64,
}

/// What incidents have to do with an integration.
#[derive(Default)]
struct Bonds {
    links: u64,
    debtors: Vec<IncidentId>,
}

impl Removal {
    const PAGE: u16 = 100;

    /// What is done for an integration by itself, for as long as there is one.
    const TASKS: [TaskKind; 4] = [
        TaskKind::Measure,
        TaskKind::Poll,
        TaskKind::Schedule,
        TaskKind::Run,
    ];

    /// Removes an integration. Its credentials go first: if the rest fails, asking again completes it, and none are
    /// left behind.
    pub async fn remove(
        &self,
        organization: &OrganizationId,
        actor: &ActorId,
        id: &IntegrationId,
    ) -> Result<Removed, ManageError> {
        let integration = self.integrations.get(organization, id).await?;
        let bonds = self.bonds(organization, id).await?;
        self.integrations
            .vault
            .forget(&integration.secret_id)
            .await?;
        for kind in Self::TASKS {
            self.integrations.tasks.drop_task(kind, id).await?;
        }
        let store = &self.integrations.store;
        let (ids, now) = (&self.integrations.ids, self.integrations.clock.now());
        let audit = Auditor::new(ids.as_ref(), Some(actor), now).deleted(&integration);
        if store.delete_integration(&integration, &audit).await? == Attempt::LostRace {
            return Err(ManageError::NotFound(format!("integration {id}")));
        }
        for debtor in &bonds.debtors {
            self.settle(debtor, id).await?;
        }
        Ok(Removed {
            links_left: bonds.links,
        })
    }

    async fn bonds(
        &self,
        organization: &OrganizationId,
        id: &IntegrationId,
    ) -> Result<Bonds, StoreError> {
        let (mut bonds, mut after) = (Bonds::default(), None::<IncidentId>);
        loop {
            let store = &self.incidents.store;
            let page = store.list(organization, after.as_ref(), Self::PAGE).await?;
            for incident in page.items {
                let link = incident.links.get(id);
                let is_linked = |state: &LinkState| !matches!(state, LinkState::Unlinked { .. });
                bonds.links += u64::from(link.is_some_and(|link| is_linked(&link.state)));
                if incident.pending.contains_key(id) {
                    bonds.debtors.push(incident.id);
                }
            }
            after = page.next.and_then(|next| IncidentId::parse(&next).ok());
            if after.is_none() {
                return Ok(bonds);
            }
        }
    }

    /// Nobody is there any more who could be sent anything.
    async fn settle(&self, incident: &IncidentId, id: &IntegrationId) -> Result<(), StoreError> {
        for _ in 0..Incidents::MOST_RACES {
            let Some(incident) = self.incidents.store.load(incident).await? else {
                return Ok(());
            };
            let settled = !incident.pending.contains_key(id)
                || self.incidents.store.settle_debt(&incident, id).await? == Attempt::Done;
            if settled {
                return Ok(());
            }
        }
        Ok(())
    }
}
