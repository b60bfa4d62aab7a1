//! What the outside is told of.

use im_model::{Conflict, IntegrationId, RunId};

use crate::{DeadLetter, ports::Announcer};

/// Something that somebody may want to be told of. It names what it is about, and holds no value of any field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Announcement {
    /// A dead letter was opened, or has got another job.
    DeadLetter(Box<DeadLetter>),
    /// A conflict waits for a person.
    ConflictPending(Box<Conflict>),
    /// A reconciliation has found differences.
    DriftFound {
        /// Whose.
        integration: IntegrationId,
        /// Which run.
        run: RunId,
        /// How many.
        differences: u64,
    },
    /// A reconciliation would change more than it may, and waits for a person.
    BrakeStopped {
        /// Whose.
        integration: IntegrationId,
        /// Which run.
        run: RunId,
        /// How many links it would write to.
        changes: u64,
    },
    /// A vendor refuses the integration's credentials: it is paused.
    CredentialsRefused {
        /// Whose.
        integration: IntegrationId,
    },
}

impl Announcement {
    /// Announces what is stored already, and listed: whoever is not told of it now finds it there, and an alarm tells of what
    /// waits for long.
    pub(crate) async fn tell(self, announcer: &dyn Announcer) {
        if let Err(error) = announcer.announce(&self).await {
            tracing::warn!(%error, "not announced");
        }
    }
}
