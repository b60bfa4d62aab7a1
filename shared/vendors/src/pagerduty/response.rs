//! Answers, parsed without I/O.

use std::collections::BTreeMap;

use im_model::{
    ActorId, ChangeTime, ExternalId, ExternalRecord, ExternalValue, Field, IncidentId, Observed,
    RecordVersion, TimeSource,
};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value as Json;

#[derive(Debug, Deserialize)]
pub(super) struct OneIncident {
    pub(super) incident: Incident,
}

#[derive(Debug, Deserialize)]
pub(super) struct Incidents {
    pub(super) incidents: Vec<Incident>,
    #[serde(default)]
    pub(super) more: bool,
    /// How many there are, where it was asked for.
    pub(super) total: Option<usize>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Priorities {
    pub(super) priorities: Vec<Named>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Users {
    pub(super) users: Vec<User>,
}

#[derive(Debug, Deserialize)]
pub(super) struct OneUser {
    pub(super) user: User,
}

#[derive(Debug, Deserialize)]
pub(super) struct User {
    pub(super) id: String,
    pub(super) email: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Named {
    pub(super) id: Option<String>,
    pub(super) name: Option<String>,
    pub(super) summary: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Incident {
    id: String,
    html_url: Option<String>,
    title: Option<String>,
    summary: Option<String>,
    status: String,
    urgency: Option<String>,
    incident_key: Option<String>,
    pub(super) created_at: Timestamp,
    updated_at: Option<Timestamp>,
    last_status_change_at: Option<Timestamp>,
    last_status_change_by: Option<Named>,
    priority: Option<Named>,
    escalation_policy: Option<Named>,
    assignments: Option<Vec<Assignment>>,
    pub(super) service: Option<Named>,
    resolve_reason: Option<ResolveReason>,
}

#[derive(Debug, Deserialize)]
struct ResolveReason {
    #[serde(rename = "type")]
    kind: Option<String>,
    incident: Option<Named>,
}

impl ResolveReason {
    /// "The only reason currently supported is merge" (official schema).
    fn merged_into(self) -> Option<ExternalId> {
        let is_merge = self.kind.as_deref() == Some("merge_resolve_reason");
        let into = self.incident.filter(|_| is_merge)?.id?;
        ExternalId::parse(&into).ok()
    }
}

#[derive(Debug, Deserialize)]
struct Assignment {
    at: Option<Timestamp>,
    assignee: User,
}

impl Incident {
    /// The id of the first assignee, if the answer has no e-mail address for it.
    pub(super) fn assignee_to_look_up(&self) -> Option<&str> {
        let first = &self.assignments.as_ref()?.first()?.assignee;
        first.email.is_none().then_some(first.id.as_str())
    }

    /// `known` are addresses by user id, for answers that hold references only. An assignee of unknown address
    /// leaves the field unobserved.
    pub(super) fn into_record(
        self,
        known: &BTreeMap<String, String>,
    ) -> Result<ExternalRecord, String> {
        let id = ExternalId::parse(&self.id).map_err(|error| error.to_string())?;
        let updated_at = self
            .updated_at
            .or(self.last_status_change_at)
            .unwrap_or(self.created_at);
        let version = u64::try_from(updated_at.as_second())
            .map_err(|_| format!("updated_at {updated_at} lies before 1970"))?;
        // Of an incident that is neither acknowledged nor resolved it is the `updated_at` (official schema).
        let status_changed_at = self
            .last_status_change_at
            .filter(|at| self.status != "triggered" || *at != updated_at);
        let mut fields = BTreeMap::new();
        let mut see = |field, value: Option<String>| {
            let value = value.map_or(ExternalValue::EMPTY, ExternalValue::text);
            fields.insert(field, Observed::value(value));
        };
        see(Field::Title, self.title.or(self.summary));
        see(
            Field::Priority,
            self.priority
                .and_then(|priority| priority.name.or(priority.summary)),
        );
        if let Some(urgency) = self.urgency {
            see(Field::Severity, Some(urgency));
        }
        if let Some(policy) = self.escalation_policy {
            see(Field::EscalationPolicy, policy.id);
        }
        // A resolved incident has no assignments (official schema): that says nothing about who resolved it.
        if self.status != "resolved"
            && let Some(observed) = observed_assignee(self.assignments.unwrap_or_default(), known)
        {
            fields.insert(Field::AssignedTo, observed);
        }
        fields.insert(
            Field::Status,
            Observed {
                value: ExternalValue::text(self.status),
                changed: status_changed_at.map(field_time),
                author: self
                    .last_status_change_by
                    .and_then(|by| ActorId::parse(&by.id?).ok()),
            },
        );
        Ok(ExternalRecord {
            id,
            version: RecordVersion(version),
            url: self.html_url,
            merged_into: self.resolve_reason.and_then(ResolveReason::merged_into),
            correlation: self
                .incident_key
                .and_then(|key| IncidentId::parse(&key).ok()),
            created_at: self.created_at,
            updated_at,
            fields,
        })
    }
}

/// The first assignee stands for all: the platform holds one.
fn observed_assignee(
    assignments: Vec<Assignment>,
    known: &BTreeMap<String, String>,
) -> Option<Observed> {
    let Some(Assignment { at, assignee }) = assignments.into_iter().next() else {
        return Some(Observed::value(ExternalValue::EMPTY));
    };
    let email = assignee
        .email
        .or_else(|| known.get(&assignee.id).cloned())?;
    Some(Observed {
        value: ExternalValue::text(email.to_lowercase()),
        changed: at.map(field_time),
        author: None,
    })
}

fn field_time(at: Timestamp) -> ChangeTime {
    ChangeTime {
        at,
        source: TimeSource::Field,
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct Notes {
    pub(super) notes: Vec<Note>,
}

#[derive(Debug, Deserialize)]
pub(super) struct OneNote {
    pub(super) note: Note,
}

#[derive(Debug, Deserialize)]
pub(super) struct Note {
    pub(super) id: String,
    pub(super) user: Option<NoteAuthor>,
    pub(super) content: Option<String>,
    pub(super) created_at: Timestamp,
}

#[derive(Debug, Deserialize)]
pub(super) struct NoteAuthor {
    pub(super) id: Option<String>,
    pub(super) summary: Option<String>,
    pub(super) email: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct LogEntries {
    pub(super) log_entries: Vec<LogEntry>,
    #[serde(default)]
    pub(super) more: bool,
}

#[derive(Debug, Deserialize)]
pub(super) struct LogEntry {
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) created_at: Timestamp,
    pub(super) agent: Option<Named>,
    pub(super) incident: Option<Named>,
    pub(super) service: Option<Named>,
    /// Who was given the incident.
    #[serde(default)]
    pub(super) assignees: Vec<User>,
    channel: Option<Channel>,
}

#[derive(Debug, Deserialize)]
struct Channel {
    changeset: Option<Changeset>,
}

#[derive(Debug, Deserialize)]
struct Changeset {
    #[serde(default)]
    application_fields: Vec<ChangedField>,
}

#[derive(Debug, Deserialize)]
struct ChangedField {
    name: Option<String>,
    #[serde(default)]
    value: Json,
}

impl LogEntry {
    /// The application's fields that it says have changed, with their new values where these are texts.
    pub(super) fn changed_fields(&self) -> impl Iterator<Item = (&str, Option<&str>)> {
        let changeset = self.channel.as_ref().and_then(|it| it.changeset.as_ref());
        let fields = changeset.into_iter().flat_map(|it| &it.application_fields);
        fields.filter_map(|field| Some((field.name.as_deref()?, field.value.as_str())))
    }
}
