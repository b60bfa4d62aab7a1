//! What the API must win before it changes a link: the journal key of the version that it replaces.

use std::collections::BTreeMap;

use im_model::{Incident, IntegrationId};

use super::{Incidents, ManageError};
use crate::{Claim, SyncEngine, ports::Attempt};

impl Incidents {
    /// Wins the journal key of a link's version, without which nobody raises it. False: load again.
    pub(super) async fn win(
        &self,
        incident: &Incident,
        integration: &IntegrationId,
        version: u64,
        worker: &str,
        cause: &str,
    ) -> Result<bool, ManageError> {
        let now = self.clock.now();
        let mut claim = Claim {
            incident: incident.id.clone(),
            integration: integration.clone(),
            link_version: version,
            attempt: 1,
            worker: worker.to_owned(),
            claimed_at: now,
            lease_until: now + SyncEngine::LEASE,
            cause: cause.to_owned(),
            record_version: None,
            sent: BTreeMap::new(),
            settled: BTreeMap::new(),
            notes: Vec::new(),
            previous: incident
                .links
                .get(integration)
                .and_then(|link| link.outcome.clone()),
            decisions: BTreeMap::new(),
        };
        let store = self.store.as_ref();
        if store.claim(&claim).await? == Attempt::Done {
            return Ok(true);
        }
        let last = store.last_claim(&incident.id, integration, version).await?;
        let Some(last) = last else { return Ok(false) };
        if last.worker == worker || last.lease_until <= now {
            claim.attempt = last.attempt + 1;
            return Ok(store.claim(&claim).await? == Attempt::Done);
        }
        let present = store.load(&incident.id).await?;
        let present = present.and_then(|it| it.links.get(integration).map(|link| link.version));
        if present != Some(version) {
            return Ok(false);
        }
        Err(ManageError::Conflict(format!(
            "the link of incident {} with {integration} is being synced right now; try again in a moment",
            incident.id
        )))
    }

    /// Names whoever claims.
    pub(super) fn worker(&self) -> String {
        self.ids.ulid(self.clock.now()).to_string()
    }
}
