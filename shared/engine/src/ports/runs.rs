//! What reconciliation needs of the outside.

use std::collections::BTreeMap;

use async_trait::async_trait;
use im_model::{
    AuditEntry, DriftItem, ExternalId, Incident, IncidentId, IntegrationId, Reconciliation, Run,
    RunId,
};
use jiff::SignedDuration;

use super::{Attempt, Page};
use crate::{StoreError, Suspect};

/// Runs, what they found, and what is remembered between them.
#[async_trait]
pub trait RunStore: Send + Sync {
    /// What is remembered of an integration; of version 0 if nothing ever was. Strongly consistent.
    async fn reconciliation(&self, id: &IntegrationId) -> Result<Reconciliation, StoreError>;

    /// Replaces the version before it, and stores the entry of the audit with it.
    async fn put_reconciliation(
        &self,
        id: &IntegrationId,
        state: &Reconciliation,
        audit: Option<&AuditEntry>,
    ) -> Result<Attempt, StoreError>;

    /// One run. Strongly consistent.
    async fn run(&self, integration: &IntegrationId, id: &RunId)
    -> Result<Option<Run>, StoreError>;

    /// Replaces the version before it.
    async fn put_run(&self, run: &Run) -> Result<Attempt, StoreError>;

    /// Puts a run, new or replacing the version before it, and what is remembered of its integration: both or none.
    async fn put_run_and_reconciliation(
        &self,
        run: &Run,
        state: &Reconciliation,
    ) -> Result<Attempt, StoreError>;

    /// One page of an integration's runs, newest first, starting below `before`. Its `next` is a [`RunId`].
    async fn runs(
        &self,
        integration: &IntegrationId,
        before: Option<&RunId>,
        limit: u16,
    ) -> Result<Page<Run>, StoreError>;

    /// Removes a run.
    async fn drop_run(&self, run: &Run) -> Result<(), StoreError>;

    /// Keeps what is to be looked at closely, replacing what was under this number.
    async fn put_suspects(
        &self,
        run: &RunId,
        chunk: u32,
        suspects: &[Suspect],
    ) -> Result<(), StoreError>;

    /// What is under this number.
    async fn suspects(&self, run: &RunId, chunk: u32) -> Result<Vec<Suspect>, StoreError>;

    /// Keeps what a part of a run has found, replacing what was under this number.
    async fn put_items(
        &self,
        run: &RunId,
        chunk: u32,
        items: &[DriftItem],
    ) -> Result<(), StoreError>;

    /// What is under this number.
    async fn items(&self, run: &RunId, chunk: u32) -> Result<Option<Vec<DriftItem>>, StoreError>;

    /// Keeps marks of the records that a step of a run has seen, replacing that step's.
    async fn put_seen(&self, run: &RunId, step: u32, marks: &[u64]) -> Result<(), StoreError>;

    /// All marks of a run's steps.
    async fn seen(&self, run: &RunId) -> Result<Vec<u64>, StoreError>;
}

/// Reads of many at once, for listings. What they answer may be a moment old: it is a hint.
#[async_trait]
pub trait LinkLookup: Send + Sync {
    /// Which incidents external records belong to.
    async fn incidents_of_records(
        &self,
        integration: &IntegrationId,
        records: &[ExternalId],
    ) -> Result<BTreeMap<ExternalId, IncidentId>, StoreError>;

    /// Incidents with their links, as far as they exist, in no order.
    async fn load_many(&self, ids: &[IncidentId]) -> Result<Vec<Incident>, StoreError>;
}

/// Wakes the reconciler for a run.
#[async_trait]
pub trait RunQueue: Send + Sync {
    /// Lets the run be worked on, after a delay.
    async fn wake(
        &self,
        integration: &IntegrationId,
        run: &RunId,
        delay: SignedDuration,
    ) -> Result<(), StoreError>;
}
