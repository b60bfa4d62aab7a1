//! Who changed what of an integration, of a conflict, of a dead letter: from what to what, never a secret.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{ActorId, AuditId, IntegrationId, OrganizationId, incident::words};

words! {
    /// What was done.
    Audited {
        /// The integration was created.
        IntegrationCreated = "integration.created",
        /// Its configuration was changed: what it is, its rules, whether it works.
        IntegrationChanged = "integration.changed",
        /// It was deleted, with its credentials.
        IntegrationDeleted = "integration.deleted",
        /// Credentials were given to the vault. Written before they are, so that none are changed without it: one that failed is
        /// listed, too.
        CredentialsReplaced = "credentials.replaced",
        /// A person resolved a conflict.
        ConflictResolved = "conflict.resolved",
        /// A person undid an automatic resolution.
        ConflictRestored = "conflict.restored",
        /// A person had a dead letter tried again.
        DeadLetterRetried = "dead_letter.retried",
        /// A person gave a dead letter up.
        DeadLetterDiscarded = "dead_letter.discarded",
        /// The reconciliation schedule was set.
        ScheduleSet = "schedule.set",
        /// It was removed.
        ScheduleRemoved = "schedule.removed",
    }
}

/// One entry of the audit. None is ever changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditEntry {
    /// Which.
    pub id: AuditId,
    /// When.
    pub at: Timestamp,
    /// Whose integration.
    pub organization: OrganizationId,
    /// Of which integration.
    pub integration: IntegrationId,
    /// Who; nobody if the system did it by itself.
    pub actor: Option<ActorId>,
    /// What was done.
    pub action: Audited,
    /// What else it is about: a conflict or a dead letter, by its id.
    pub subject: Option<String>,
    /// From what to what.
    pub changes: Vec<AuditChange>,
}

/// One value that was changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditChange {
    /// Its name, e.g. `sync_direction` or `options.service`.
    pub what: String,
    /// What it was, in JSON; nothing if it was not there.
    pub before: Option<String>,
    /// What it is now.
    pub after: Option<String>,
}

impl AuditChange {
    /// What stands for a credential.
    pub const SECRET: &'static str = "\"(secret)\"";

    /// A value that took the place of another, both in JSON.
    pub fn new(what: impl Into<String>, before: Option<String>, after: Option<String>) -> Self {
        let what = what.into();
        Self {
            what,
            before,
            after,
        }
    }
}
