//! What the API must win before it changes a link: the journal key of the version that it replaces.

use std::collections::BTreeMap;

use im_model::{ClaimOutcome, Incident, IntegrationId};
use jiff::Timestamp;

use super::{Incidents, ManageError};
use crate::{Claim, SyncEngine, ports::Attempt};

impl Incidents {
    /// Wins the journal key of a link's version, without which nobody raises it. The claim's attempt; `None`: load again.
    pub(super) async fn win(
        &self,
        incident: &Incident,
        integration: &IntegrationId,
        version: u64,
        worker: &str,
        cause: &str,
    ) -> Result<Option<u32>, ManageError> {
        let now = self.clock.now();
        let mut claim = Claim {
            incident: incident.id.clone(),
            integration: integration.clone(),
            link_version: version,
            attempt: 1,
            worker: worker.to_owned(),
            claimed_at: now,
            read_at: None,
            lease_until: now + SyncEngine::lease(&*self.clock),
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
            return Ok(Some(claim.attempt));
        }
        let last = store.last_claim(&incident.id, integration, version).await?;
        let Some(last) = last else { return Ok(None) };
        if last.worker == worker || last.lease_until <= now {
            claim.attempt = last.attempt + 1;
            let won = store.claim(&claim).await? == Attempt::Done;
            return Ok(won.then_some(claim.attempt));
        }
        let present = store.load(&incident.id).await?;
        let present = present.and_then(|it| it.links.get(integration).map(|link| link.version));
        if present != Some(version) {
            return Ok(None);
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

    /// Refuses where a sync died half-way and nobody has found out yet what it wrote: only the next sync can, and whoever
    /// kept the base and raised the version now would take that write for somebody's change.
    pub(super) async fn refuse_unfinished(
        &self,
        incident: &Incident,
        integration: &IntegrationId,
        version: u64,
    ) -> Result<(), ManageError> {
        let store = self.store.as_ref();
        let last = store.last_claim(&incident.id, integration, version).await?;
        if last.is_none_or(|last| last.sent.is_empty() && last.settled.is_empty()) {
            return Ok(());
        }
        Err(ManageError::Conflict(format!(
            "the last sync of incident {} with {integration} is not finished; it is tried again by itself: try again in \
             a minute",
            incident.id
        )))
    }
}

/// What came of a claim that the API has won: it moved no field.
pub(super) fn ruled(link_version: u64, attempt: u32, at: Timestamp) -> ClaimOutcome {
    ClaimOutcome {
        link_version,
        attempt,
        at,
        fields: BTreeMap::new(),
    }
}
