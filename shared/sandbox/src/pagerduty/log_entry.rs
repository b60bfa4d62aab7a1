//! Log entries: what happened to an incident, who did it and by which channel.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// What a log entry says happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Created, or reopened.
    Trigger,
    /// Acknowledged.
    Acknowledge,
    /// No longer acknowledged.
    Unacknowledge,
    /// Resolved.
    Resolve,
    /// Given to somebody.
    Assign,
    /// Given to another level of the policy.
    Escalate,
    /// Given to another policy.
    Delegate,
    /// The urgency changed.
    UrgencyChange,
    /// A note was added.
    Annotate,
    /// The title or the priority changed.
    FieldValueChange,
}

impl Kind {
    /// The entry's `type`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Trigger => "trigger_log_entry",
            // The official file's subtype says `acknowledgement_log_entry`, which its own base
            // type excludes; this is the one the vendor sends.
            Self::Acknowledge => "acknowledge_log_entry",
            Self::Unacknowledge => "unacknowledge_log_entry",
            Self::Resolve => "resolve_log_entry",
            Self::Assign => "assign_log_entry",
            Self::Escalate => "escalate_log_entry",
            Self::Delegate => "delegate_log_entry",
            Self::UrgencyChange => "urgency_change_log_entry",
            Self::Annotate => "annotate_log_entry",
            Self::FieldValueChange => "field_value_change_log_entry",
        }
    }
}

/// On whose behalf something happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Author {
    /// A REST request with this user in `From`.
    Api(String),
    /// This user, in the web application.
    Website(String),
    /// A rule of the account: the service's, no user's.
    Automation,
}

impl Author {
    pub(crate) fn user(&self) -> Option<&str> {
        match self {
            Self::Api(user) | Self::Website(user) => Some(user),
            Self::Automation => None,
        }
    }

    /// The documentation gives a user's change the same channel by REST and in the web
    /// application, so nothing may tell the two apart here.
    pub(crate) fn channel(&self, kind: Kind) -> Value {
        let channel = match (self.user().is_some(), kind) {
            (false, _) => "auto",
            (true, Kind::Trigger) => "web_trigger",
            (true, Kind::Annotate) => "note",
            (true, _) => "website",
        };
        json!({ "type": channel })
    }
}

/// One log entry.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LogEntry {
    /// `R` and 13 characters.
    pub id: String,
    /// What happened.
    pub kind: Kind,
    /// When.
    pub created_at: Timestamp,
    /// To which incident.
    pub incident: String,
    /// The user who did it; `None` for the service.
    pub user: Option<String>,
    /// The means, with the changed values where the vendor gives them.
    pub channel: Value,
    /// Who was given the incident.
    pub assignees: Vec<String>,
    /// A note's text.
    pub note: Option<String>,
}

/// The `changeset` of a field's change.
pub(crate) fn changeset(field: &str, old: Option<&str>, new: &str) -> Value {
    json!({"application_fields": [
        {"name": field, "namespace": "incidents", "value": new, "old_value": old}
    ]})
}
