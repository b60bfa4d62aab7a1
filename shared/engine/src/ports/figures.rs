//! Figures about one integration, for its status.

use async_trait::async_trait;
use im_model::{Conflict, DeadLetterStatus, IntegrationId, OrganizationId};
use jiff::Timestamp;

use crate::{AllWaiting, Counted, DeliveryCount, Measured, StoreError, Waiting};

/// Counts what the tables hold of an integration. Each answer is bounded in the calls that it takes, and says so where it
/// had to stop. Indexes may lag behind, usually by less than a second.
#[async_trait]
pub trait Figures: Send + Sync {
    /// Its deliveries that are open.
    async fn waiting_deliveries(&self, integration: &IntegrationId) -> Result<Waiting, StoreError>;

    /// The incidents that owe it a change.
    async fn waiting_incidents(&self, integration: &IntegrationId) -> Result<Waiting, StoreError>;

    /// What waits of all integrations, for the price of one.
    async fn all_waiting(&self) -> Result<AllWaiting, StoreError>;

    /// Its dead letters of one status.
    async fn count_dead_letters(
        &self,
        integration: &IntegrationId,
        status: DeadLetterStatus,
    ) -> Result<Counted, StoreError>;

    /// Its deliveries since a moment, by what became of them, newest first: where it had to stop, the answer's own
    /// `since` is later than what was asked for.
    async fn count_deliveries(
        &self,
        integration: &IntegrationId,
        since: Timestamp,
    ) -> Result<DeliveryCount, StoreError>;

    /// The conflict that has waited longest for a person to choose. Looks at the oldest few hundred of its organization.
    async fn oldest_conflict(
        &self,
        organization: &OrganizationId,
        integration: &IntegrationId,
    ) -> Result<Option<Conflict>, StoreError>;

    /// Its counters, and what is kept with them. One read.
    async fn measured(&self, integration: &IntegrationId) -> Result<Measured, StoreError>;
}
