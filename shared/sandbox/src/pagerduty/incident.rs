//! An incident as the stand-in holds it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::config::Account;

/// An incident's status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// New, nobody works on it.
    Triggered,
    /// Somebody works on it.
    Acknowledged,
    /// Over.
    Resolved,
}

impl Status {
    /// `triggered`, `acknowledged`, `resolved`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Triggered => "triggered",
            Self::Acknowledged => "acknowledged",
            Self::Resolved => "resolved",
        }
    }
}

/// An incident's urgency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Urgency {
    /// Wakes people.
    High,
    /// Does not.
    Low,
}

impl Urgency {
    /// `high` or `low`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::High => "high",
            Self::Low => "low",
        }
    }
}

/// Who did something, or whom something was given to, and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserAt {
    /// The user's id.
    pub user: String,
    /// When.
    pub at: Timestamp,
}

/// A note.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// Its id.
    pub id: String,
    /// Who wrote it.
    pub user: String,
    /// Its text.
    pub content: String,
    /// When.
    pub created_at: Timestamp,
}

/// An incident; references are ids.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Incident {
    /// `Q` and 13 characters.
    pub id: String,
    /// 1, 2, 3 …
    pub number: u64,
    /// The title, trimmed.
    pub title: String,
    /// The status.
    pub status: Status,
    /// The urgency.
    pub urgency: Urgency,
    /// The priority's id.
    pub priority: Option<String>,
    /// The dedup key.
    pub incident_key: String,
    /// The service's id.
    pub service: String,
    /// The escalation policy's id.
    pub escalation_policy: String,
    /// Who has it; nobody once it is resolved.
    pub assignments: Vec<UserAt>,
    /// Whether a person chose the assignees, not the policy.
    pub assigned_directly: bool,
    /// Who acknowledged it; nobody while it is not acknowledged.
    pub acknowledgements: Vec<UserAt>,
    /// `body.details`, set on creation only.
    pub details: Option<Value>,
    /// The notes, oldest first.
    pub notes: Vec<Note>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When anything of it changed.
    pub updated_at: Timestamp,
    /// When its status changed.
    pub last_status_change_at: Timestamp,
    /// Who changed it: a user's id, or the service's.
    pub last_status_change_by: String,
    /// When it was resolved, if it is.
    pub resolved_at: Option<Timestamp>,
    /// The incident that it was merged into, if that resolved it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merged_into: Option<String>,
    /// When it was last reopened.
    pub reopened_at: Option<Timestamp>,
    /// Id of its first log entry.
    pub first_log_entry: String,
}

impl Incident {
    /// `[#12] The title`.
    pub fn summary(&self) -> String {
        format!("[#{}] {}", self.number, self.title)
    }

    /// The ids of those who have it.
    pub fn assignees(&self) -> Vec<&str> {
        self.assignments
            .iter()
            .map(|given| given.user.as_str())
            .collect()
    }

    /// A field as people name its value: a priority by its name, the first assignee by e-mail.
    pub(crate) fn named(&self, account: &Account, field: &str) -> Option<String> {
        match field {
            "title" => Some(self.title.clone()),
            "status" => Some(self.status.as_str().to_owned()),
            "urgency" => Some(self.urgency.as_str().to_owned()),
            "priority" => Some(account.priority(self.priority.as_deref()?)?.name.clone()),
            "assignee" => Some(account.user(self.assignees().first()?)?.email.clone()),
            "escalation_policy" => Some(self.escalation_policy.clone()),
            _ => None,
        }
    }
}

/// What a new incident is made of.
#[derive(Clone, Debug)]
pub struct NewIncident {
    /// The title.
    pub title: String,
    /// The urgency.
    pub urgency: Urgency,
    /// The service's id.
    pub service: String,
    /// The priority's id.
    pub priority: Option<String>,
    /// Another escalation policy than the service's.
    pub escalation_policy: Option<String>,
    /// Users' ids, instead of the policy's first.
    pub assignees: Vec<String>,
    /// The dedup key; made up without one.
    pub incident_key: Option<String>,
    /// `body.details`.
    pub details: Option<Value>,
}

impl NewIncident {
    /// One on `service`, without anything else.
    pub fn on(service: impl Into<String>, title: impl Into<String>, urgency: Urgency) -> Self {
        Self {
            title: title.into(),
            urgency,
            service: service.into(),
            priority: None,
            escalation_policy: None,
            assignees: Vec::new(),
            incident_key: None,
            details: None,
        }
    }
}
