//! A store that answers nothing: what reaches it is refused as unavailable, what is refused before is not.

mod runs;

use async_trait::async_trait;
use bytes::Bytes;
use im_engine::{
    AllWaiting, CircuitState, Claim, Commit, Connect, Counted, Counters, DeadLetter, Delivery,
    DeliveryCount, DeliveryEnd, DeliveryKey, EditOfIncident, JournalEntry, LinkByHand, Measured,
    NewIncident, NewNote, NoteCopied, Propagated, Reserve, RetryMessage, Ruling, StoreError,
    Unlink, Waiting,
    ports::{
        Attempt, AuditStore, CircuitStore, Clock, ConflictStore, DeadLetterStore, DeliveryPosition,
        DeliveryStore, Figures, Ids, IncidentStore, IntegrationStore, JobQueue, Mark, Page, Task,
        TaskStore, Vault,
    },
};
use im_model::{
    AuditEntry, AuditId, Conflict, ConflictId, ConflictStatus, DeadLetterId, DeadLetterStatus,
    Digest, ExternalId, IdempotencyKey, Incident, IncidentId, Integration, IntegrationId, Note,
    OrganizationId, TaskKind,
};
use im_vendors::{Credentials, Transport, TransportError};
use jiff::Timestamp;

/// What it says, and no caller may see.
pub(crate) const INTERNALS: &str = "connect ECONNREFUSED 10.0.0.7:8000";

/// The store, the vault, and a clock and ids beside them.
pub(crate) struct Unreachable;

fn down<T>() -> Result<T, StoreError> {
    let (on, detail) = ("sync-table".to_owned(), INTERNALS.to_owned());
    Err(StoreError {
        tried: "GetItem",
        on,
        detail,
    })
}

#[async_trait]
impl IncidentStore for Unreachable {
    async fn incident_of(
        &self,
        _: &IntegrationId,
        _: &ExternalId,
    ) -> Result<Option<IncidentId>, StoreError> {
        down()
    }
    async fn load(&self, _: &IncidentId) -> Result<Option<Incident>, StoreError> {
        down()
    }
    async fn list(
        &self,
        _: &OrganizationId,
        _: Option<&IncidentId>,
        _: u16,
    ) -> Result<Page<Incident>, StoreError> {
        down()
    }
    async fn create(&self, _: &NewIncident) -> Result<Attempt, StoreError> {
        down()
    }
    async fn created_by(
        &self,
        _: &OrganizationId,
        _: &IdempotencyKey,
    ) -> Result<Option<(IncidentId, Digest)>, StoreError> {
        down()
    }
    async fn edit(&self, _: &EditOfIncident<'_>) -> Result<Attempt, StoreError> {
        down()
    }
    async fn reserve(&self, _: &Reserve<'_>) -> Result<Attempt, StoreError> {
        down()
    }
    async fn connect(&self, _: &Connect<'_>) -> Result<Attempt, StoreError> {
        down()
    }
    async fn link_by_hand(&self, _: &LinkByHand<'_>) -> Result<Attempt, StoreError> {
        down()
    }
    async fn unlink(&self, _: &Unlink<'_>) -> Result<Attempt, StoreError> {
        down()
    }
    async fn claim(&self, _: &Claim) -> Result<Attempt, StoreError> {
        down()
    }
    async fn last_claim(
        &self,
        _: &IncidentId,
        _: &IntegrationId,
        _: u64,
    ) -> Result<Option<Claim>, StoreError> {
        down()
    }
    async fn claims_on(
        &self,
        _: &IncidentId,
        _: &IntegrationId,
        _: u64,
    ) -> Result<Vec<Claim>, StoreError> {
        down()
    }
    async fn journal(&self, _: &IncidentId) -> Result<Vec<JournalEntry>, StoreError> {
        down()
    }
    async fn rule(&self, _: &Ruling<'_>) -> Result<Attempt, StoreError> {
        down()
    }
    async fn commit(&self, _: &Commit<'_>) -> Result<Attempt, StoreError> {
        down()
    }
    async fn notes(&self, _: &IncidentId) -> Result<Vec<Note>, StoreError> {
        down()
    }
    async fn add_note(
        &self,
        _: &IncidentId,
        _: &Note,
        _: &Propagated,
    ) -> Result<Attempt, StoreError> {
        down()
    }
    async fn write_note(&self, _: &NewNote<'_>) -> Result<Attempt, StoreError> {
        down()
    }
    async fn note_copied(&self, _: &NoteCopied<'_>) -> Result<(), StoreError> {
        down()
    }
    async fn settle_debt(&self, _: &Incident, _: &IntegrationId) -> Result<Attempt, StoreError> {
        down()
    }
}

#[async_trait]
impl DeliveryStore for Unreachable {
    async fn accept(&self, _: &Delivery) -> Result<bool, StoreError> {
        down()
    }
    async fn delivery(&self, _: &DeliveryKey) -> Result<Option<Delivery>, StoreError> {
        down()
    }
    async fn deliveries(
        &self,
        _: &IntegrationId,
        _: Option<&DeliveryPosition>,
        _: u16,
    ) -> Result<Page<Delivery>, StoreError> {
        down()
    }
    async fn reopen(&self, _: &DeliveryKey, _: Timestamp) -> Result<Attempt, StoreError> {
        down()
    }
    async fn finish(&self, _: &DeliveryKey, _: &DeliveryEnd, _: &str) -> Result<(), StoreError> {
        down()
    }
}

#[async_trait]
impl ConflictStore for Unreachable {
    async fn conflict(&self, _: &ConflictId) -> Result<Option<Conflict>, StoreError> {
        down()
    }
    async fn conflicts(
        &self,
        _: &OrganizationId,
        _: ConflictStatus,
        _: Option<&ConflictId>,
        _: u16,
    ) -> Result<Page<Conflict>, StoreError> {
        down()
    }
}

#[async_trait]
impl AuditStore for Unreachable {
    async fn record(&self, _: &AuditEntry) -> Result<(), StoreError> {
        down()
    }
    async fn audit(
        &self,
        _: &OrganizationId,
        _: Option<&IntegrationId>,
        _: Option<&AuditId>,
        _: u16,
    ) -> Result<Page<AuditEntry>, StoreError> {
        down()
    }
}

#[async_trait]
impl IntegrationStore for Unreachable {
    async fn integration(&self, _: &IntegrationId) -> Result<Option<Integration>, StoreError> {
        down()
    }
    async fn integrations_of(&self, _: &OrganizationId) -> Result<Vec<Integration>, StoreError> {
        down()
    }
    async fn create_integration(
        &self,
        _: &Integration,
        _: &AuditEntry,
    ) -> Result<Attempt, StoreError> {
        down()
    }
    async fn update_integration(
        &self,
        _: &Integration,
        _: &AuditEntry,
    ) -> Result<Attempt, StoreError> {
        down()
    }
    async fn delete_integration(
        &self,
        _: &Integration,
        _: &AuditEntry,
    ) -> Result<Attempt, StoreError> {
        down()
    }
}

#[async_trait]
impl Vault for Unreachable {
    async fn credentials(&self, _: &str) -> Result<Option<Credentials>, StoreError> {
        down()
    }
    async fn previous(&self, _: &str) -> Result<Option<Credentials>, StoreError> {
        down()
    }
    async fn keep(&self, _: &str, _: &Credentials) -> Result<(), StoreError> {
        down()
    }
    async fn forget(&self, _: &str) -> Result<(), StoreError> {
        down()
    }
}

#[async_trait]
impl Transport for Unreachable {
    async fn send(&self, _: http::Request<Bytes>) -> Result<http::Response<Bytes>, TransportError> {
        Err(TransportError::Unreachable(INTERNALS.to_owned()))
    }
}

impl Clock for Unreachable {
    fn now(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH
    }
}

impl Ids for Unreachable {
    fn ulid(&self, _: Timestamp) -> ulid::Ulid {
        ulid::Ulid(1)
    }
}

#[async_trait]
impl TaskStore for Unreachable {
    async fn tasks(&self) -> Result<Vec<Task>, StoreError> {
        down()
    }
    async fn put_task(&self, _: &Task) -> Result<(), StoreError> {
        down()
    }
    async fn add_task(&self, _: &Task) -> Result<(), StoreError> {
        down()
    }
    async fn put_off_task(&self, _: &Task) -> Result<(), StoreError> {
        down()
    }
    async fn drop_task(&self, _: TaskKind, _: &IntegrationId) -> Result<(), StoreError> {
        down()
    }
    async fn finish_task(&self, _: &Task) -> Result<(), StoreError> {
        down()
    }
}

#[async_trait]
impl DeadLetterStore for Unreachable {
    async fn dead_letter(
        &self,
        _: &IntegrationId,
        _: &DeadLetterId,
    ) -> Result<Option<DeadLetter>, StoreError> {
        down()
    }
    async fn dead_letters(
        &self,
        _: &IntegrationId,
        _: DeadLetterStatus,
        _: Option<&str>,
        _: u16,
    ) -> Result<Page<DeadLetter>, StoreError> {
        down()
    }
    async fn put_dead_letter(
        &self,
        _: &DeadLetter,
        _: Mark<'_>,
        _: Option<&AuditEntry>,
        _: Counters,
    ) -> Result<Attempt, StoreError> {
        down()
    }
}

#[async_trait]
impl JobQueue for Unreachable {
    async fn put(&self, _: &RetryMessage) -> Result<(), StoreError> {
        down()
    }
}

#[async_trait]
impl CircuitStore for Unreachable {
    async fn integration_with_circuit(
        &self,
        _: &IntegrationId,
    ) -> Result<Option<(Integration, CircuitState)>, StoreError> {
        down()
    }
    async fn circuit(&self, _: &IntegrationId) -> Result<CircuitState, StoreError> {
        down()
    }
    async fn put_circuit(
        &self,
        _: &IntegrationId,
        _: &CircuitState,
    ) -> Result<Attempt, StoreError> {
        down()
    }
    async fn take_requests(
        &self,
        _: &IntegrationId,
        _: i64,
        _: u32,
        _: u32,
    ) -> Result<Attempt, StoreError> {
        down()
    }
}

#[async_trait]
impl Figures for Unreachable {
    async fn waiting_deliveries(&self, _: &IntegrationId) -> Result<Waiting, StoreError> {
        down()
    }
    async fn waiting_incidents(&self, _: &IntegrationId) -> Result<Waiting, StoreError> {
        down()
    }
    async fn count_dead_letters(
        &self,
        _: &IntegrationId,
        _: DeadLetterStatus,
    ) -> Result<Counted, StoreError> {
        down()
    }
    async fn count_deliveries(
        &self,
        _: &IntegrationId,
        _: Timestamp,
    ) -> Result<DeliveryCount, StoreError> {
        down()
    }
    async fn oldest_conflict(
        &self,
        _: &OrganizationId,
        _: &IntegrationId,
    ) -> Result<Option<Conflict>, StoreError> {
        down()
    }
    async fn all_waiting(&self) -> Result<AllWaiting, StoreError> {
        down()
    }
    async fn measured(&self, _: &IntegrationId) -> Result<Measured, StoreError> {
        down()
    }
}
