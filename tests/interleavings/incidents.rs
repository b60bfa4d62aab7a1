//! The store's port: each call is one question.

use async_trait::async_trait;
use im_engine::{
    Claim, Commit, Connect, EditOfIncident, JournalEntry, LinkByHand, NewIncident, NewNote,
    NoteCopied, Propagated, Reserve, Ruling, StoreError, Unlink,
    ports::{Attempt, IncidentStore, Page},
};
use im_model::{
    Digest, ExternalId, IdempotencyKey, Incident, IncidentId, IntegrationId, Note, OrganizationId,
};

use super::{
    ask::{Ask, Committed, Reserved, Said},
    outside::Outside,
    shared::Shared,
};

impl Outside {
    async fn attempt(&self, ask: Ask) -> Result<Attempt, StoreError> {
        match self.ask(ask).await {
            Said::Stored(true) => Ok(Attempt::Done),
            Said::Stored(false) => Ok(Attempt::LostRace),
            other => panic!("no answer to a write: {other:?}"),
        }
    }
}

#[async_trait]
impl IncidentStore for Outside {
    async fn incident_of(
        &self,
        integration: &IntegrationId,
        external_id: &ExternalId,
    ) -> Result<Option<IncidentId>, StoreError> {
        let ask = Ask::IncidentOf(integration.clone(), external_id.clone());
        match self.ask(ask).await {
            Said::Owner(owner) => Ok(owner),
            other => panic!("no owner: {other:?}"),
        }
    }

    async fn load(&self, id: &IncidentId) -> Result<Option<Incident>, StoreError> {
        match self.ask(Ask::Load(id.clone())).await {
            Said::Incident(found) => Ok(found.map(|found| (*found).clone())),
            other => panic!("no incident: {other:?}"),
        }
    }

    async fn create(&self, new: &NewIncident) -> Result<Attempt, StoreError> {
        self.attempt(Ask::Import(Shared::new(new.clone()))).await
    }

    async fn reserve(&self, reserve: &Reserve<'_>) -> Result<Attempt, StoreError> {
        let owned = Reserved {
            incident: reserve.incident.clone(),
            integration: reserve.integration.clone(),
            link: reserve.link.clone(),
            fields: reserve.fields.iter().cloned().collect(),
        };
        self.attempt(Ask::Reserve(Shared::new(owned))).await
    }

    async fn connect(&self, connect: &Connect<'_>) -> Result<Attempt, StoreError> {
        self.attempt(Ask::Connect(Shared::new(connect.into())))
            .await
    }

    async fn claim(&self, claim: &Claim) -> Result<Attempt, StoreError> {
        self.attempt(Ask::Claim(Shared::new(claim.clone()))).await
    }

    async fn last_claim(
        &self,
        incident: &IncidentId,
        integration: &IntegrationId,
        version: u64,
    ) -> Result<Option<Claim>, StoreError> {
        let ask = Ask::LastClaim((incident.clone(), integration.clone(), version));
        match self.ask(ask).await {
            Said::Claim(found) => Ok(found.map(|found| (*found).clone())),
            other => panic!("no claim: {other:?}"),
        }
    }

    async fn claims_on(
        &self,
        incident: &IncidentId,
        integration: &IntegrationId,
        version: u64,
    ) -> Result<Vec<Claim>, StoreError> {
        let ask = Ask::ClaimsOn((incident.clone(), integration.clone(), version));
        match self.ask(ask).await {
            Said::Claims(found) => Ok(found.iter().map(|claim| (**claim).clone()).collect()),
            other => panic!("no claims: {other:?}"),
        }
    }

    async fn commit(&self, commit: &Commit<'_>) -> Result<Attempt, StoreError> {
        let owned = Committed {
            incident: commit.incident.clone(),
            integration: commit.integration.clone(),
            link: commit
                .link_after()
                .expect("a link that is committed exists"),
            base: commit.base.clone(),
            pulls: commit.pulls.clone(),
            owed: commit.owed.iter().cloned().collect(),
            conflicts: commit.conflicts.clone(),
            keeps_debt: commit.keeps_debt,
        };
        self.attempt(Ask::Commit(Shared::new(owned))).await
    }

    async fn settle_debt(
        &self,
        incident: &Incident,
        integration: &IntegrationId,
    ) -> Result<Attempt, StoreError> {
        let ask = Ask::SettleDebt(Shared::new(incident.clone()), integration.clone());
        self.attempt(ask).await
    }

    async fn notes(&self, _: &IncidentId) -> Result<Vec<Note>, StoreError> {
        unreachable!("the model has no notes")
    }

    async fn add_note(
        &self,
        _: &IncidentId,
        _: &Note,
        _: &Propagated,
    ) -> Result<Attempt, StoreError> {
        unreachable!("the model has no notes")
    }

    async fn write_note(&self, _: &NewNote<'_>) -> Result<Attempt, StoreError> {
        unreachable!("the model has no notes")
    }

    async fn note_copied(&self, _: &NoteCopied<'_>) -> Result<(), StoreError> {
        unreachable!("the model has no notes")
    }

    async fn list(
        &self,
        _: &OrganizationId,
        _: Option<&IncidentId>,
        _: u16,
    ) -> Result<Page<Incident>, StoreError> {
        unreachable!("workers list nothing")
    }

    async fn created_by(
        &self,
        _: &OrganizationId,
        _: &IdempotencyKey,
    ) -> Result<Option<(IncidentId, Digest)>, StoreError> {
        unreachable!("the API's, not a worker's")
    }

    async fn edit(&self, _: &EditOfIncident<'_>) -> Result<Attempt, StoreError> {
        unreachable!("the API's, not a worker's")
    }

    async fn link_by_hand(&self, _: &LinkByHand<'_>) -> Result<Attempt, StoreError> {
        unreachable!("the API's, not a worker's")
    }

    async fn unlink(&self, _: &Unlink<'_>) -> Result<Attempt, StoreError> {
        unreachable!("the API's, not a worker's")
    }

    async fn journal(&self, _: &IncidentId) -> Result<Vec<JournalEntry>, StoreError> {
        unreachable!("the API's, not a worker's")
    }

    async fn rule(&self, _: &Ruling<'_>) -> Result<Attempt, StoreError> {
        unreachable!("the API's, not a worker's")
    }
}
