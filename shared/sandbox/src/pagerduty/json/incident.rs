//! Incidents.

use serde_json::{Value, json};

use super::log_entry::first_entry;
use super::{
    agent, incident_reference, policy, policy_reference, priority, priority_reference, service,
};
use super::{service_reference, tag, with};
use crate::clock::to_seconds;
use crate::pagerduty::config::Account;
use crate::pagerduty::incident::{Incident, Status, UserAt};
use crate::pagerduty::state::State;

/// The values of `include[]`: what is shown in full instead of by reference.
struct Shown<'a> {
    account: &'a Account,
    include: &'a [String],
}

impl Shown<'_> {
    fn full(&self, names: &[&str]) -> bool {
        self.include
            .iter()
            .any(|name| names.contains(&name.as_str()))
    }

    fn people(&self, given: &[UserAt], field: &str, names: &[&str]) -> Vec<Value> {
        let full = self.full(names);
        let one = |given: &UserAt| json!({"at": to_seconds(given.at), field: agent(self.account, &given.user, full)});
        given.iter().map(one).collect()
    }

    fn service(&self, id: &str) -> Value {
        match self.account.service(id) {
            Some(found) if self.full(&["services"]) => service(self.account, found),
            _ => service_reference(self.account, id),
        }
    }

    fn policy(&self, id: &str) -> Value {
        match self.account.escalation_policy(id) {
            Some(found) if self.full(&["escalation_policies"]) => policy(self.account, found),
            _ => policy_reference(self.account, id),
        }
    }

    fn priority(&self, id: &str) -> Value {
        match self.account.priority(id) {
            Some(found) if self.full(&["priorities"]) => priority(found),
            _ => priority_reference(self.account, id),
        }
    }
}

/// Why it is resolved, where it was merged: "the only reason currently supported is merge" (official file).
pub(crate) fn resolve_reason(state: &State, incident: &Incident) -> Value {
    let into = incident.merged_into.as_deref();
    let into = into.and_then(|into| state.incident(into));
    into.map_or(
        Value::Null,
        |into| json!({"type": "merge_resolve_reason", "incident": incident_reference(into)}),
    )
}

/// An incident; `include` holds the values of `include[]`.
pub(crate) fn incident(state: &State, incident: &Incident, include: &[String]) -> Value {
    let account = &*state.account;
    let shown = Shown { account, include };
    let open = u8::from(incident.status != Status::Resolved);
    let via = if incident.assigned_directly {
        "direct_assignment"
    } else {
        "escalation_policy"
    };
    let assignments = shown.people(&incident.assignments, "assignee", &["assignees", "users"]);
    let acked = &incident.acknowledgements;
    let acked = shown.people(acked, "acknowledger", &["acknowledgers", "users"]);
    let changer = &incident.last_status_change_by;
    let changer = agent(account, changer, shown.full(&["agents", "users"]));
    let first = first_entry(state, incident, shown.full(&["first_trigger_log_entries"]));
    let priority = incident.priority.as_deref();
    let mut body = with(
        tag("incident", "incidents", &incident.id, &incident.summary()),
        json!({
            "incident_number": incident.number,
            "title": incident.title,
            "created_at": to_seconds(incident.created_at),
            "updated_at": to_seconds(incident.updated_at),
            "status": incident.status.as_str(),
            "incident_key": incident.incident_key,
            "service": shown.service(&incident.service),
            "assignments": assignments,
            "assigned_via": via,
            "last_status_change_at": to_seconds(incident.last_status_change_at),
            "last_status_change_by": changer,
            "resolved_at": incident.resolved_at.map(to_seconds),
            "first_trigger_log_entry": first,
            "alert_counts": {"all": 1, "triggered": open, "resolved": 1 - open},
            "is_mergeable": true,
            "incident_type": {"name": "incident_default"},
            "escalation_policy": shown.policy(&incident.escalation_policy),
            "teams": [],
            "pending_actions": [],
            "acknowledgements": acked,
            "alert_grouping": null,
            "priority": priority.map(|priority| shown.priority(priority)),
            "resolve_reason": resolve_reason(state, incident),
            "incidents_responders": [],
            "responder_requests": [],
            "urgency": incident.urgency.as_str(),
        }),
    );
    if shown.full(&["body"]) {
        body["body"] = json!({"type": "incident_body"});
        if let Some(details) = &incident.details {
            body["body"]["details"] = details.clone();
        }
    }
    body
}
