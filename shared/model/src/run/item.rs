//! What a run found.

use serde::{Deserialize, Serialize};

use crate::{ExternalId, IncidentId, Ownable, Side, incident::words};

words! {
    /// What is not as it should be.
    DriftKind {
        /// The two sides of a field are not in sync, and nobody is at it.
        ValueDrift = "value_drift",
        /// A note is on one side only.
        MissingNote = "missing_note",
        /// An incident that should have a record has none.
        MissingRecord = "missing_record",
        /// A record that should have become an incident did not.
        MissedCreate = "missed_create",
        /// A link's record is not there any more.
        DeletedRecord = "deleted_record",
        /// A link's record was merged into another, or moved.
        MovedRecord = "moved_record",
        /// A second record carries the id of an incident that has one.
        DuplicateRecord = "duplicate_record",
    }
}
words! {
    /// What healing would do.
    ProposedAction {
        /// Write the platform's value to the vendor.
        Push = "push",
        /// Write the vendor's value to the platform.
        Pull = "pull",
        /// Send the note to the vendor.
        SendNote = "send_note",
        /// Add the note to the incident.
        ImportNote = "import_note",
        /// Create the record.
        CreateRecord = "create_record",
        /// Make an incident of the record.
        CreateIncident = "create_incident",
        /// Link the record with the incident whose id it carries.
        Adopt = "adopt",
        /// Link the incident with the record that its own was merged into, or note its new place.
        Relink = "relink",
        /// Cut the link: the incident stays as it is.
        Unlink = "unlink",
        /// Find and record that it cannot be synced.
        Report = "report",
        /// Nothing: a person has to look at it.
        None = "none",
    }
}

/// What both sides last agreed on, as far as the journal tells.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct BaseValues {
    /// The platform's value.
    pub platform: Option<String>,
    /// The vendor's.
    pub external: Option<String>,
}

/// What became of an item when it was healed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "result", rename_all = "snake_case")]
pub enum ItemResult {
    /// Its link was synced: what was moved is in the words.
    Healed {
        /// What the sync came to.
        outcome: String,
    },
    /// It could not be healed; the next run finds it again.
    Failed {
        /// Why.
        why: String,
    },
}

/// One thing that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DriftItem {
    /// What.
    pub kind: DriftKind,
    /// Of which incident, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incident: Option<IncidentId>,
    /// Of which record, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<ExternalId>,
    /// The field or the list of notes that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<Ownable>,
    /// What both sides last agreed on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<BaseValues>,
    /// What the platform holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<String>,
    /// What the vendor holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external: Option<String>,
    /// Whose side is right, if that can be said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub right: Option<Side>,
    /// Why.
    pub why: String,
    /// What healing would do.
    pub action: ProposedAction,
    /// False if it was taken from a listing and not looked at closely: there were too many.
    pub verified: bool,
    /// What became of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<ItemResult>,
}

impl DriftItem {
    /// Would healing write something?
    pub fn is_healable(&self) -> bool {
        self.action != ProposedAction::None
    }
}
