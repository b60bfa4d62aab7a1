//! What is written to the store: claims before, one update after.

use std::collections::{BTreeMap, BTreeSet};

use im_model::{
    ActorId, AuditEntry, BasePair, ClaimOutcome, Conflict, Digest, ExternalId, Field,
    IdempotencyKey, Incident, IncidentId, IntegrationId, Link, Note, NoteKey, PlatformValue,
    RecordVersion,
};
use im_sync::{Decision, Sent};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::Counters;

/// A link's one worker at a time, and what it is about to do: a journal entry that is never changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// On which incident.
    pub incident: IncidentId,
    /// On whose link.
    pub integration: IntegrationId,
    /// Which version of the link it replaces.
    pub link_version: u64,
    /// The how-manieth claim on that version; the next one may be made when this one's lease is over.
    pub attempt: u32,
    /// Who works.
    pub worker: String,
    /// Since when.
    pub claimed_at: Timestamp,
    /// A moment before the read of the record that this was decided on, by our clock, where something is to be written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read_at: Option<Timestamp>,
    /// Until when at the latest.
    pub lease_until: Timestamp,
    /// What made the job.
    pub cause: String,
    /// The vendor's version of the record that was read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record_version: Option<RecordVersion>,
    /// What is about to be written to the vendor.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub sent: BTreeMap<Field, Sent>,
    /// What earlier claims on this version turned out to have written.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub settled: BTreeMap<Field, BasePair>,
    /// The notes that are about to be sent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<NoteKey>,
    /// What came of the claim before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<ClaimOutcome>,
    /// Every decision, with the values of both sides it was taken on.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub decisions: BTreeMap<Field, Decision>,
}

/// A note that is written on the platform.
#[derive(Debug, Clone)]
pub struct NewNote<'a> {
    /// As loaded.
    pub incident: &'a Incident,
    /// The note.
    pub note: Note,
    /// When.
    pub now: Timestamp,
    /// The integrations that are owed it.
    pub owed: BTreeSet<IntegrationId>,
}

/// Reserves a link, or renews a reservation whose creation never happened.
#[derive(Debug, Clone)]
pub struct Reserve<'a> {
    /// As loaded.
    pub incident: &'a Incident,
    /// For whom.
    pub integration: &'a IntegrationId,
    /// The link as it will be.
    pub link: Link,
    /// The fields whose values are sent.
    pub fields: BTreeSet<Field>,
}

/// Completes a link.
#[derive(Debug, Clone)]
pub struct Connect<'a> {
    /// As loaded; its link is reserved or absent.
    pub incident: &'a Incident,
    /// Whose.
    pub integration: &'a IntegrationId,
    /// The link as it will be.
    pub link: Link,
    /// The vendor's ticket.
    pub external_id: ExternalId,
    /// True if the vendor's record already says all that the incident says.
    pub settles_debt: bool,
}

/// Links an incident by hand with a record that exists. The claim on the version that it replaces was won before.
#[derive(Debug, Clone)]
pub struct LinkByHand<'a> {
    /// As loaded.
    pub incident: &'a Incident,
    /// Whose.
    pub integration: &'a IntegrationId,
    /// The link as it will be.
    pub link: Link,
    /// The vendor's ticket.
    pub external_id: ExternalId,
    /// The incident that the record's entry still names, and the version of its link there, which is unlinked.
    pub taken_from: Option<(IncidentId, u64)>,
    /// Another record that the incident was linked with before, and whose entry still names it.
    pub leaves: Option<ExternalId>,
    /// Pending conflicts of a link that it takes the place of, as they will be.
    pub conflicts: Vec<Conflict>,
    /// When.
    pub now: Timestamp,
}

/// Parts an incident and its record. The claim on the version that it replaces was won before.
#[derive(Debug, Clone)]
pub struct Unlink<'a> {
    /// As loaded.
    pub incident: &'a Incident,
    /// Whose link.
    pub integration: &'a IntegrationId,
    /// The link as it will be.
    pub link: Link,
    /// Its pending conflicts, which are no question any more, as they will be.
    pub conflicts: Vec<Conflict>,
}

/// A new incident: from the management API, or from an external record with its link.
#[derive(Debug, Clone)]
pub struct NewIncident {
    /// The incident with fields, link (if it comes from a record) and debts.
    pub incident: Incident,
    /// What the journal says of it.
    pub entry: JournalEntry,
    /// What must not exist yet: it is stored in the same transaction.
    pub origin: CreationOrigin,
}

/// What an incident was created by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CreationOrigin {
    /// A request, of which nobody can know that it comes twice.
    Request,
    /// A request that its caller has named, with a digest of what it asks for.
    NamedRequest(IdempotencyKey, Digest),
    /// An external record.
    Record(IntegrationId, ExternalId),
}

impl NewIncident {
    /// Whose counters are raised by it, and by what.
    pub fn counters(&self) -> Option<(&IntegrationId, Counters)> {
        match &self.origin {
            CreationOrigin::Record(integration, _) => Some((integration, Counters::INBOUND)),
            CreationOrigin::Request | CreationOrigin::NamedRequest(..) => None,
        }
    }
}

/// A change of fields on the platform.
#[derive(Debug, Clone)]
pub struct EditOfIncident<'a> {
    /// As loaded.
    pub incident: &'a Incident,
    /// The new values.
    pub values: BTreeMap<Field, PlatformValue>,
    /// Who.
    pub actor: ActorId,
    /// Names the request: one that loses a race tries again, and is one edit all the same.
    pub request: String,
    /// When.
    pub now: Timestamp,
    /// The integrations that are owed the change.
    pub owed: BTreeSet<IntegrationId>,
    /// The caller has seen this revision and wants no other to be changed (`If-Match`).
    pub if_revision: Option<u64>,
}

/// One entry of an incident's journal. None is ever changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JournalEntry {
    /// A worker's claim, with all that it decided.
    Claim(Box<Claim>),
    /// An edit on the platform.
    Edit(PlatformEdit),
}

/// An edit on the platform: a value that is overwritten there is not lost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlatformEdit {
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor: ActorId,
    /// What made it: the creation of the incident, say. Absent for an ordinary edit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// Names the request: of several entries of one request, the last one took effect.
    #[serde(default)]
    pub request: String,
    /// The incident's revision that it makes.
    #[serde(default)]
    pub revision: u64,
    /// What the fields held.
    pub before: BTreeMap<Field, PlatformValue>,
    /// What they hold now.
    pub after: BTreeMap<Field, PlatformValue>,
}

/// A person's word on a conflict. The claim on the version of the link that it replaces was won before.
#[derive(Debug, Clone)]
pub struct Ruling<'a> {
    /// As loaded.
    pub incident: &'a Incident,
    /// Whose link.
    pub integration: &'a IntegrationId,
    /// The link as it will be.
    pub link: Link,
    /// The conflict as it will be.
    pub conflict: Conflict,
    /// A value that is brought back on the platform, with the edit that says so in the journal.
    pub edit: Option<PlatformEdit>,
    /// Who said so.
    pub audit: AuditEntry,
    /// What it is counted as.
    pub counted: Counters,
    /// The integrations that are owed it.
    pub owed: BTreeSet<IntegrationId>,
    /// When.
    pub now: Timestamp,
}
