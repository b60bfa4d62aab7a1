//! What the engine needs of the outside. Each port is as narrow as its users.

mod figures;
mod runs;

use async_trait::async_trait;
use im_model::{
    AuditEntry, AuditId, Conflict, ConflictId, ConflictStatus, DeadLetterId, DeadLetterStatus,
    DeliveryId, Digest, ExternalId, IdempotencyKey, Incident, IncidentId, Integration,
    IntegrationId, Note, OrganizationId, TaskKind,
};
use im_vendors::Credentials;
use jiff::{SignedDuration, Timestamp};
use url::form_urlencoded;

pub use self::figures::Figures;
pub use self::runs::{LinkLookup, RunQueue, RunStore};
use crate::{
    Announcement, CircuitState, Claim, Commit, Connect, Counters, DeadLetter, Delivery,
    DeliveryEnd, DeliveryKey, EditOfIncident, JournalEntry, LinkByHand, NewIncident, NewNote,
    NoteCopied, Propagated, Reserve, RetryMessage, Ruling, StoreError, Unlink,
};

/// The present. Nothing else in the engine knows it.
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> Timestamp;

    /// How much of this clock's time passes while a machine works for so long. They differ where a clock runs faster.
    fn during(&self, work: SignedDuration) -> SignedDuration {
        work
    }
}

/// Ids for new things: random in production, seeded in the simulation.
pub trait Ids: Send + Sync {
    /// A new ULID at this time.
    fn ulid(&self, now: Timestamp) -> ulid::Ulid;
}

/// What became of a conditional write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Attempt {
    /// It is stored.
    Done,
    /// Somebody was faster: nothing was written, start again from the load.
    LostRace,
}

/// A page of a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// What is on it.
    pub items: Vec<T>,
    /// Where the next one starts, if there is one. Opaque.
    pub next: Option<String>,
}

/// Incidents with their links, claims and journal.
#[async_trait]
pub trait IncidentStore: Send + Sync {
    /// Which incident an external record belongs to. Strongly consistent.
    async fn incident_of(
        &self,
        integration: &IntegrationId,
        external_id: &ExternalId,
    ) -> Result<Option<IncidentId>, StoreError>;

    /// The incident with its links. Strongly consistent.
    async fn load(&self, id: &IncidentId) -> Result<Option<Incident>, StoreError>;

    /// One page of an organization's incidents, oldest first.
    async fn list(
        &self,
        organization: &OrganizationId,
        after: Option<&IncidentId>,
        limit: u16,
    ) -> Result<Page<Incident>, StoreError>;

    /// Stores a new incident, in one transaction with the entry of what it was created by. [`Attempt::LostRace`] means
    /// that this entry exists: the record belongs to an incident, or the named request was carried out before.
    async fn create(&self, new: &NewIncident) -> Result<Attempt, StoreError>;

    /// What a named request created, with the digest of what it asked for.
    async fn created_by(
        &self,
        organization: &OrganizationId,
        key: &IdempotencyKey,
    ) -> Result<Option<(IncidentId, Digest)>, StoreError>;

    /// Changes fields on the platform: journal first, then one conditional update.
    async fn edit(&self, edit: &EditOfIncident<'_>) -> Result<Attempt, StoreError>;

    /// Reserves a link before the vendor is asked to create the record.
    async fn reserve(&self, reserve: &Reserve<'_>) -> Result<Attempt, StoreError>;

    /// Completes a link: incident and external id's entry in one transaction.
    async fn connect(&self, connect: &Connect<'_>) -> Result<Attempt, StoreError>;

    /// Links an incident by hand: incident and external id's entry in one transaction, with the entry of the record
    /// before where there was another. The integration is owed the incident, and woken.
    async fn link_by_hand(&self, link: &LinkByHand<'_>) -> Result<Attempt, StoreError>;

    /// Unlinks an incident, which owes the integration nothing more. The external id's entry stays.
    async fn unlink(&self, unlink: &Unlink<'_>) -> Result<Attempt, StoreError>;

    /// Puts a claim under its key, if nobody holds it.
    async fn claim(&self, claim: &Claim) -> Result<Attempt, StoreError>;

    /// The last claim on a version of a link, if there is one. Strongly consistent.
    async fn last_claim(
        &self,
        incident: &IncidentId,
        integration: &IntegrationId,
        link_version: u64,
    ) -> Result<Option<Claim>, StoreError>;

    /// All claims on a version of a link, in the order of their attempts. Strongly consistent.
    async fn claims_on(
        &self,
        incident: &IncidentId,
        integration: &IntegrationId,
        link_version: u64,
    ) -> Result<Vec<Claim>, StoreError>;

    /// The whole journal of an incident, by key. Strongly consistent.
    async fn journal(&self, incident: &IncidentId) -> Result<Vec<JournalEntry>, StoreError>;

    /// Stores a person's word on a conflict: the link, the conflict, and a value that is brought back, in one
    /// transaction. Whoever is owed it is woken.
    async fn rule(&self, ruling: &Ruling<'_>) -> Result<Attempt, StoreError>;

    /// The one conditional update that ends a sync and so closes its claim. Where conflicts were found it is a
    /// transaction with them.
    async fn commit(&self, commit: &Commit<'_>) -> Result<Attempt, StoreError>;

    /// All notes of an incident, by key. Strongly consistent.
    async fn notes(&self, incident: &IncidentId) -> Result<Vec<Note>, StoreError>;

    /// Adds a note under its key; [`Attempt::LostRace`] if it is there already.
    async fn add_note(
        &self,
        incident: &IncidentId,
        note: &Note,
        propagated: &Propagated,
    ) -> Result<Attempt, StoreError>;

    /// Adds a note that was written on the platform, and wakes whoever is owed it. A note that is there already is not
    /// added again, but announced again.
    async fn write_note(&self, new: &NewNote<'_>) -> Result<Attempt, StoreError>;

    /// Remembers what became of a note at another system.
    async fn note_copied(&self, copied: &NoteCopied<'_>) -> Result<(), StoreError>;

    /// Takes an integration out of the outbox, if it is still owed just this revision.
    async fn settle_debt(
        &self,
        incident: &Incident,
        integration: &IntegrationId,
    ) -> Result<Attempt, StoreError>;
}

/// Conflicts.
#[async_trait]
pub trait ConflictStore: Send + Sync {
    /// One of them. Strongly consistent.
    async fn conflict(&self, id: &ConflictId) -> Result<Option<Conflict>, StoreError>;

    /// One page of an organization's conflicts of one status, newest first, starting below `before`.
    async fn conflicts(
        &self,
        organization: &OrganizationId,
        status: ConflictStatus,
        before: Option<&ConflictId>,
        limit: u16,
    ) -> Result<Page<Conflict>, StoreError>;
}

/// Where a page of an integration's deliveries ended. As text `<received at>~<delivery id>`, encoded for a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryPosition {
    /// When the page's last delivery came in.
    pub received_at: Timestamp,
    /// The vendor's id of it.
    pub delivery: DeliveryId,
}

/// A text that is no [`DeliveryPosition`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a position in a list of deliveries")]
pub struct InvalidPosition;

impl std::fmt::Display for DeliveryPosition {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let delivery = self.delivery.as_str().as_bytes();
        let delivery: String = form_urlencoded::byte_serialize(delivery).collect();
        write!(f, "{}~{delivery}", self.received_at)
    }
}

impl std::str::FromStr for DeliveryPosition {
    type Err = InvalidPosition;
    fn from_str(text: &str) -> Result<Self, InvalidPosition> {
        let (received_at, delivery) = text.split_once('~').ok_or(InvalidPosition)?;
        let delivery: String = form_urlencoded::parse(delivery.as_bytes())
            .map(|(delivery, _)| delivery)
            .collect();
        Ok(Self {
            received_at: received_at.parse().map_err(|_| InvalidPosition)?,
            delivery: delivery.parse().map_err(|_| InvalidPosition)?,
        })
    }
}

/// The inbox.
#[async_trait]
pub trait DeliveryStore: Send + Sync {
    /// Stores a delivery; false if it was stored before.
    async fn accept(&self, delivery: &Delivery) -> Result<bool, StoreError>;

    /// A stored delivery.
    async fn delivery(&self, key: &DeliveryKey) -> Result<Option<Delivery>, StoreError>;

    /// One page of an integration's deliveries, newest first; its `next` is a [`DeliveryPosition`].
    async fn deliveries(
        &self,
        integration: &IntegrationId,
        after: Option<&DeliveryPosition>,
        limit: u16,
    ) -> Result<Page<Delivery>, StoreError>;

    /// Opens a delivery again, and wakes `inbound`. What it said of times and authors is forgotten: it is a hint from
    /// now on, and what the record says counts. [`Attempt::LostRace`] if it is gone, or announces nothing.
    async fn reopen(&self, key: &DeliveryKey, now: Timestamp) -> Result<Attempt, StoreError>;

    /// Marks it done: how it is counted, and in words what came of it.
    async fn finish(
        &self,
        key: &DeliveryKey,
        end: &DeliveryEnd,
        outcome: &str,
    ) -> Result<(), StoreError>;
}

/// Integrations.
#[async_trait]
pub trait IntegrationStore: Send + Sync {
    /// One of them.
    async fn integration(&self, id: &IntegrationId) -> Result<Option<Integration>, StoreError>;

    /// All of an organization.
    async fn integrations_of(
        &self,
        organization: &OrganizationId,
    ) -> Result<Vec<Integration>, StoreError>;

    /// Stores a new one; [`Attempt::LostRace`] if the id is taken, or was another organization's.
    /// The entry of the audit is stored with it, both or none; so it is with every change below.
    async fn create_integration(
        &self,
        integration: &Integration,
        audit: &AuditEntry,
    ) -> Result<Attempt, StoreError>;

    /// Replaces the version before it.
    async fn update_integration(
        &self,
        integration: &Integration,
        audit: &AuditEntry,
    ) -> Result<Attempt, StoreError>;

    /// Removes one; [`Attempt::LostRace`] if it is gone already. Its id stays its organization's: links that are left
    /// name it, and must not become another's.
    async fn delete_integration(
        &self,
        integration: &Integration,
        audit: &AuditEntry,
    ) -> Result<Attempt, StoreError>;
}

/// Who changed what.
#[async_trait]
pub trait AuditStore: Send + Sync {
    /// Stores an entry of something that this store does not hold.
    async fn record(&self, entry: &AuditEntry) -> Result<(), StoreError>;

    /// One page of an organization's entries, newest first, starting below `before`; of one integration if one is named. Its
    /// `next` is an [`AuditId`].
    async fn audit(
        &self,
        organization: &OrganizationId,
        integration: Option<&IntegrationId>,
        before: Option<&AuditId>,
        limit: u16,
    ) -> Result<Page<AuditEntry>, StoreError>;
}

/// What all processes know of how the vendors may be called. The store changes nothing of it by itself.
#[async_trait]
pub trait CircuitStore: Send + Sync {
    /// An integration and its circuit. One strongly consistent read.
    async fn integration_with_circuit(
        &self,
        id: &IntegrationId,
    ) -> Result<Option<(Integration, CircuitState)>, StoreError>;

    /// An integration's circuit; version 0 if nothing was ever stored. Strongly consistent.
    async fn circuit(&self, id: &IntegrationId) -> Result<CircuitState, StoreError>;

    /// Replaces the version before it.
    async fn put_circuit(
        &self,
        id: &IntegrationId,
        state: &CircuitState,
    ) -> Result<Attempt, StoreError>;

    /// Takes so many of the requests that may be sent within a minute (counted since 1970);
    /// [`Attempt::LostRace`], and none taken, if that would make them more than `ceiling`.
    async fn take_requests(
        &self,
        id: &IntegrationId,
        minute: i64,
        wanted: u32,
        ceiling: u32,
    ) -> Result<Attempt, StoreError>;
}

/// Where jobs wait.
#[async_trait]
pub trait JobQueue: Send + Sync {
    /// Queues a job until its `not_before`, or as long as the queue can delay it.
    async fn put(&self, message: &RetryMessage) -> Result<(), StoreError>;
}

/// A function's own retry queue, and the dead letters.
#[async_trait]
pub trait RetryQueue: JobQueue {
    /// Puts a job to the dead letters.
    async fn bury(&self, message: &RetryMessage) -> Result<(), StoreError>;
}

/// What becomes of an incident's mark that a link of it has a dead letter, together with the dead letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark<'a> {
    /// It stays as it is, or there is no incident.
    Keep,
    /// The incident's link has this dead letter from now on.
    Set(&'a IncidentId),
    /// It has none any more.
    Clear(&'a IncidentId),
}

/// Dead letters.
#[async_trait]
pub trait DeadLetterStore: Send + Sync {
    /// One of them. Strongly consistent.
    async fn dead_letter(
        &self,
        integration: &IntegrationId,
        id: &DeadLetterId,
    ) -> Result<Option<DeadLetter>, StoreError>;

    /// One page of an integration's dead letters of one status, oldest first. `after` is a page's `next`.
    async fn dead_letters(
        &self,
        integration: &IntegrationId,
        status: DeadLetterStatus,
        after: Option<&str>,
        limit: u16,
    ) -> Result<Page<DeadLetter>, StoreError>;

    /// Stores a new one, or replaces the version before it, and the incident's mark, the entry of the audit and
    /// what it is counted as with it: all or none.
    /// [`Attempt::LostRace`] if somebody was faster, or the incident is gone.
    async fn put_dead_letter(
        &self,
        letter: &DeadLetter,
        mark: Mark<'_>,
        audit: Option<&AuditEntry>,
        counted: Counters,
    ) -> Result<Attempt, StoreError>;
}

/// What the minute tick has to do for an integration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    /// What.
    pub kind: TaskKind,
    /// For whom.
    pub integration: IntegrationId,
    /// When it was asked for; of several times the last.
    pub asked_at: Timestamp,
    /// Not before this.
    pub due_at: Timestamp,
    /// How often it was tried in vain.
    pub tries: u32,
}

/// Tasks of the minute tick.
#[async_trait]
pub trait TaskStore: Send + Sync {
    /// All tasks, by kind and integration.
    async fn tasks(&self) -> Result<Vec<Task>, StoreError>;

    /// Stores a task, replacing the same kind's of the same integration.
    async fn put_task(&self, task: &Task) -> Result<(), StoreError>;

    /// Stores a task. One of the kind that is there stays due when it was, and counts as asked for again.
    async fn add_task(&self, task: &Task) -> Result<(), StoreError>;

    /// Makes a task due at another time, unless it was asked for again.
    async fn put_off_task(&self, task: &Task) -> Result<(), StoreError>;

    /// Removes the task of a kind, whoever asked for it.
    async fn drop_task(
        &self,
        kind: TaskKind,
        integration: &IntegrationId,
    ) -> Result<(), StoreError>;

    /// Removes a task, unless it was asked for again.
    async fn finish_task(&self, task: &Task) -> Result<(), StoreError>;
}

/// What is not done: open deliveries, and debts.
#[async_trait]
pub trait OpenWork: Send + Sync {
    /// Deliveries that have been open since before a moment, oldest first within a partition: one page of one of the
    /// partitions, which go by number from 0 on. `None` if there is no such partition. The index may lag behind.
    async fn open_deliveries(
        &self,
        partition: u8,
        before: Timestamp,
        after: Option<&str>,
    ) -> Result<Option<Page<(DeliveryKey, Timestamp)>>, StoreError>;

    /// The same of incidents that have owed somebody a change since before a moment.
    async fn owing_incidents(
        &self,
        partition: u8,
        before: Timestamp,
        after: Option<&str>,
    ) -> Result<Option<Page<(IncidentId, Timestamp)>>, StoreError>;

    /// Wakes `inbound` for a delivery that has been open since this moment; from now on it counts as open since `now`.
    async fn wake_delivery(
        &self,
        key: &DeliveryKey,
        open_since: Timestamp,
        now: Timestamp,
    ) -> Result<Attempt, StoreError>;

    /// Wakes `outbound` for an incident that has owed since this moment; from now on since `now`.
    async fn wake_incident(
        &self,
        id: &IncidentId,
        owing_since: Timestamp,
        now: Timestamp,
    ) -> Result<Attempt, StoreError>;
}

/// Tells the outside what has happened.
#[async_trait]
pub trait Announcer: Send + Sync {
    /// Tells of it. One call.
    async fn announce(&self, announcement: &Announcement) -> Result<(), StoreError>;
}

/// Where credentials are kept.
#[async_trait]
pub trait Vault: Send + Sync {
    /// The credentials kept under this id. One read.
    async fn credentials(&self, secret_id: &str) -> Result<Option<Credentials>, StoreError>;

    /// The version before, where a rotation left one.
    async fn previous(&self, secret_id: &str) -> Result<Option<Credentials>, StoreError>;

    /// Keeps credentials under this id, replacing what was there.
    async fn keep(&self, secret_id: &str, credentials: &Credentials) -> Result<(), StoreError>;

    /// Removes what is kept under this id, or was removed before; a person can restore it for 7 days.
    async fn forget(&self, secret_id: &str) -> Result<(), StoreError>;
}

/// What is known of a vault's credentials of one integration.
#[derive(Debug, Clone, Default)]
pub struct Vaulted {
    /// In force.
    pub current: Credentials,
    /// The version before, if it was asked for: its webhook secret is still accepted during a rotation.
    pub previous: Option<Credentials>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_survives_a_query() {
        for delivery in ["01FKZ", "a~b&c=d+e%20", "ü/1"] {
            let position = DeliveryPosition {
                received_at: "2026-01-02T03:04:05.12Z".parse().expect("a time"),
                delivery: delivery.parse().expect("an id"),
            };
            let text = position.to_string();
            assert!(text.bytes().all(|byte| byte.is_ascii_graphic()), "{text}");
            assert_eq!(text.parse(), Ok(position));
        }
        for bad in [
            "",
            "2026-01-02T03:04:05Z",
            "~a",
            "yesterday~a",
            "2026-01-02T03:04:05Z~",
        ] {
            assert_eq!(
                bad.parse::<DeliveryPosition>(),
                Err(InvalidPosition),
                "{bad}"
            );
        }
    }
}
