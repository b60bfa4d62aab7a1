use async_trait::async_trait;
use im_engine::{
    StoreError, Suspect,
    ports::{Attempt, Page, RunQueue, RunStore},
};
use im_model::{AuditEntry, DriftItem, IntegrationId, Reconciliation, Run, RunId};
use jiff::SignedDuration;

use super::{Unreachable, down};

#[async_trait]
impl RunStore for Unreachable {
    async fn reconciliation(&self, _: &IntegrationId) -> Result<Reconciliation, StoreError> {
        down()
    }
    async fn put_reconciliation(
        &self,
        _: &IntegrationId,
        _: &Reconciliation,
        _: Option<&AuditEntry>,
    ) -> Result<Attempt, StoreError> {
        down()
    }
    async fn run(&self, _: &IntegrationId, _: &RunId) -> Result<Option<Run>, StoreError> {
        down()
    }
    async fn put_run(&self, _: &Run) -> Result<Attempt, StoreError> {
        down()
    }
    async fn put_run_and_reconciliation(
        &self,
        _: &Run,
        _: &Reconciliation,
    ) -> Result<Attempt, StoreError> {
        down()
    }
    async fn runs(
        &self,
        _: &IntegrationId,
        _: Option<&RunId>,
        _: u16,
    ) -> Result<Page<Run>, StoreError> {
        down()
    }
    async fn drop_run(&self, _: &Run) -> Result<(), StoreError> {
        down()
    }
    async fn put_suspects(&self, _: &RunId, _: u32, _: &[Suspect]) -> Result<(), StoreError> {
        down()
    }

    async fn suspects(&self, _: &RunId, _: u32) -> Result<Vec<Suspect>, StoreError> {
        down()
    }

    async fn put_items(&self, _: &RunId, _: u32, _: &[DriftItem]) -> Result<(), StoreError> {
        down()
    }
    async fn items(&self, _: &RunId, _: u32) -> Result<Option<Vec<DriftItem>>, StoreError> {
        down()
    }
    async fn put_seen(&self, _: &RunId, _: u32, _: &[u64]) -> Result<(), StoreError> {
        down()
    }
    async fn seen(&self, _: &RunId) -> Result<Vec<u64>, StoreError> {
        down()
    }
}

#[async_trait]
impl RunQueue for Unreachable {
    async fn wake(
        &self,
        _: &IntegrationId,
        _: &RunId,
        _: SignedDuration,
    ) -> Result<(), StoreError> {
        down()
    }
}
