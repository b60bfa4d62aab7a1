//! Log entries.

use serde_json::{Value, json};

use super::{agent, api_url, incident_reference, service_reference, tag, user_reference, with};
use crate::clock::to_seconds;
use crate::pagerduty::config::Account;
use crate::pagerduty::incident::Incident;
use crate::pagerduty::log_entry::{Kind, LogEntry};
use crate::pagerduty::state::State;

/// The first log entry, or a reference to it.
pub(super) fn first_entry(state: &State, incident: &Incident, full: bool) -> Value {
    let id = &incident.first_log_entry;
    match state.log.iter().find(|entry| entry.id == *id) {
        Some(entry) if full => log_entry(state, entry),
        _ => {
            let kind = format!("{}_reference", Kind::Trigger.as_str());
            let mut reference = tag(&kind, "log_entries", id, "Triggered through the website.");
            reference["self"] = json!(entry_url(id, &incident.id));
            reference
        }
    }
}

fn entry_url(id: &str, incident: &str) -> String {
    format!("{}?incident_id={incident}", api_url("log_entries", id))
}

pub(crate) fn log_entry(state: &State, entry: &LogEntry) -> Value {
    let account = &*state.account;
    let incident = state.incident(&entry.incident);
    let service = incident.map_or("", |incident| incident.service.as_str());
    let by = entry.user.as_deref().unwrap_or(service);
    let kind = entry.kind.as_str();
    let mut body = with(
        tag(
            kind,
            "log_entries",
            &entry.id,
            &entry_summary(account, entry),
        ),
        json!({
            "created_at": to_seconds(entry.created_at),
            "agent": agent(account, by, false),
            "channel": entry.channel,
            "service": service_reference(account, service),
            "incident": incident.map(incident_reference),
            "teams": [],
            "contexts": [],
        }),
    );
    body["self"] = json!(entry_url(&entry.id, &entry.incident));
    if let Some(note) = &entry.note {
        body["note"] = json!(note);
    }
    match entry.kind {
        Kind::Assign | Kind::Escalate | Kind::Delegate => {
            let users = entry.assignees.iter();
            let users = users.map(|user| user_reference(account, user));
            body["assignees"] = users.collect();
        }
        Kind::Acknowledge => body["acknowledgement_timeout"] = json!(1800),
        Kind::Trigger => {
            let title = incident.map(|incident| &incident.title);
            body["event_details"] = json!({ "description": title });
        }
        _ => {}
    }
    body
}

fn entry_summary(account: &Account, entry: &LogEntry) -> String {
    let who = entry.user.as_deref().and_then(|id| account.user(id));
    let who = who.map_or("the service", |user| user.name.as_str());
    let what = match entry.kind {
        Kind::Trigger => return "Triggered through the website.".to_owned(),
        Kind::Acknowledge => "Acknowledged",
        Kind::Unacknowledge => "Unacknowledged",
        Kind::Resolve => "Resolved",
        Kind::Assign => "Assigned",
        Kind::Escalate => "Escalated",
        Kind::Delegate => "Delegated",
        Kind::UrgencyChange => "Urgency changed",
        Kind::Annotate => "Note added",
        Kind::FieldValueChange => "Field value changed",
    };
    format!("{what} by {who}.")
}
