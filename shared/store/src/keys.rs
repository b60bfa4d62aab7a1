//! Keys of both tables (design section 7).

use im_model::{
    AuditId, ConflictId, ConflictStatus, DeadLetterId, DeadLetterStatus, ExternalId,
    IdempotencyKey, IncidentId, IntegrationId, NoteKey, OrganizationId, RunId,
};
use sha2::{Digest as _, Sha256};

/// How many partitions the sparse indexes spread over.
const SHARDS: u8 = 8;

pub(crate) const STATE: &str = "STATE";
pub(crate) const LINK: &str = "LINK";
pub(crate) const META: &str = "META";
/// How an integration's vendor may be called at present.
pub(crate) const CIRCUIT: &str = "CIRCUIT";
/// What is remembered between an integration's runs.
pub(crate) const RECONCILIATION: &str = "RECONCILIATION";
pub(crate) const GONE: &str = "GONE";
pub(crate) const CREATED: &str = "CREATED";

pub(crate) fn incident(id: &IncidentId) -> String {
    format!("INC#{id}")
}

pub(crate) fn external(integration: &IntegrationId, id: &ExternalId) -> String {
    format!("EXT#{integration}#{id}")
}

/// A named request of an organization's.
pub(crate) fn request(organization: &OrganizationId, key: &IdempotencyKey) -> String {
    format!("REQ#{organization}#{key}")
}

pub(crate) fn integration(id: &IntegrationId) -> String {
    format!("INT#{id}")
}

/// The requests that were taken within a minute.
pub(crate) fn requests_in(minute: i64) -> String {
    format!("RATE#{minute:012}")
}

/// A conflict.
pub(crate) fn conflict(id: &ConflictId) -> String {
    format!("CONFLICT#{id}")
}

/// A dead letter.
pub(crate) fn dead_letter(id: &DeadLetterId) -> String {
    format!("DLQ#{id}")
}

/// Dead letters of one status.
pub(crate) fn dead_letters_of(integration: &IntegrationId, status: DeadLetterStatus) -> String {
    format!("DLQ#{integration}#{status}")
}

/// What the keys of all runs start with.
pub(crate) const RUNS: &str = "RUN#";

/// A run: the sort key of itself, the partition of what it leaves.
pub(crate) fn run(id: &RunId) -> String {
    format!("{RUNS}{id}")
}

/// A part of what a run has to look at closely.
pub(crate) fn suspects(chunk: u32) -> String {
    format!("SUSPECTS#{chunk:08}")
}

/// A part of what a run found.
pub(crate) fn items(chunk: u32) -> String {
    format!("ITEMS#{chunk:08}")
}

/// What the keys of all marks of a run start with.
pub(crate) const SEEN: &str = "SEEN#";

/// Marks of what a step of a run has seen.
pub(crate) fn seen(step: u32) -> String {
    format!("{SEEN}{step:08}")
}

/// What the keys of all counters start with.
pub(crate) const COUNTERS: &str = "COUNTER#";

/// One of the counters of an integration: which, a salt decides.
pub(crate) fn counter(salt: &str) -> String {
    format!("{COUNTERS}{}", shard(salt))
}

/// What the keys of all entries of the audit start with.
pub(crate) const AUDIT: &str = "AUDIT#";

/// An entry of the audit.
pub(crate) fn audit(id: &AuditId) -> String {
    format!("{AUDIT}{id}")
}

/// The audit of an organization.
pub(crate) fn audit_of(organization: &OrganizationId) -> String {
    format!("{AUDIT}{organization}")
}

/// What the minute tick has to do.
pub(crate) const TASKS: &str = "TASKS";

/// A task of the minute tick: one of a kind for each integration.
pub(crate) fn task(kind: &str, integration: &IntegrationId) -> String {
    format!("{kind}#{integration}")
}

/// All partitions of a sparse index.
pub(crate) fn shards() -> impl Iterator<Item = String> {
    (0..SHARDS).map(|shard| shard.to_string())
}

/// What the keys of all journal entries start with.
pub(crate) const JOURNAL: &str = "JOURNAL#";

/// What the keys of all edits on the platform start with.
pub(crate) const EDITS: &str = "JOURNAL#@platform#";

/// Conflicts of one status.
pub(crate) fn conflicts_of(organization: &OrganizationId, status: ConflictStatus) -> String {
    format!("CONFLICT#{organization}#{status}")
}

/// What the keys of all notes start with.
pub(crate) const NOTES: &str = "NOTE#";

/// A note of an incident.
pub(crate) fn note(key: &NoteKey) -> String {
    format!("{NOTES}{}#{}", key.source, key.origin)
}

/// Zero-padded, so that keys sort as numbers do.
pub(crate) fn claim(integration: &IntegrationId, link_version: u64, attempt: u32) -> String {
    format!("{}{attempt:06}", claims(integration, link_version))
}

/// What the keys of all claims on one version of a link start with.
pub(crate) fn claims(integration: &IntegrationId, link_version: u64) -> String {
    format!("JOURNAL#{integration}#{link_version:012}#")
}

/// An edit on the platform; two at the same instant differ in their values. No integration is called `@platform`.
pub(crate) fn edit(revision: u64, nanosecond: i128, digest: &str) -> String {
    format!("{EDITS}{revision:012}#{nanosecond}#{digest}")
}

pub(crate) fn incidents_of(organization: &OrganizationId) -> String {
    format!("INC#{organization}")
}

pub(crate) fn integrations_of(organization: &OrganizationId) -> String {
    format!("INT#{organization}")
}

/// The partition of a sparse index that a key falls into.
pub(crate) fn shard(key: &str) -> String {
    let hash = Sha256::digest(key.as_bytes());
    (hash[0] % SHARDS).to_string()
}
