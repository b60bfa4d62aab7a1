//! The vendor's JSON.

use serde_json::{Value, json};

mod incident;
mod log_entry;

pub(crate) use self::incident::{incident, resolve_reason};
pub(crate) use self::log_entry::log_entry;

use super::config::{Account, EscalationPolicy, Priority, Service, User};
use super::incident::{Incident, Note};
use crate::clock::to_seconds;

pub(crate) fn api_url(kind: &str, id: &str) -> String {
    format!("https://api.pagerduty.com/{kind}/{id}")
}

pub(crate) fn page_url(kind: &str, id: &str) -> String {
    format!("https://acme.pagerduty.com/{kind}/{id}")
}

fn tag(kind: &str, plural: &str, id: &str, summary: &str) -> Value {
    json!({
        "id": id,
        "type": kind,
        "summary": summary,
        "self": api_url(plural, id),
        "html_url": page_url(plural, id),
    })
}

fn with(mut tag: Value, more: Value) -> Value {
    if let (Some(tag), Value::Object(more)) = (tag.as_object_mut(), more) {
        tag.extend(more);
    }
    tag
}

pub(crate) fn user_reference(account: &Account, id: &str) -> Value {
    let name = account.user(id).map_or(id, |user| user.name.as_str());
    tag("user_reference", "users", id, name)
}

pub(crate) fn service_reference(account: &Account, id: &str) -> Value {
    let service = account.service(id);
    let name = service.map_or(id, |service| service.name.as_str());
    let mut reference = tag("service_reference", "services", id, name);
    reference["html_url"] = json!(page_url("service-directory", id));
    reference
}

pub(crate) fn policy_reference(account: &Account, id: &str) -> Value {
    let policy = account.escalation_policy(id);
    let name = policy.map_or(id, |policy| policy.name.as_str());
    tag(
        "escalation_policy_reference",
        "escalation_policies",
        id,
        name,
    )
}

pub(crate) fn priority_reference(account: &Account, id: &str) -> Value {
    let priority = account.priority(id);
    let name = priority.map_or(id, |priority| priority.name.as_str());
    let mut reference = tag("priority_reference", "priorities", id, name);
    reference["html_url"] = json!("https://acme.pagerduty.com/account/incident_priorities");
    reference
}

pub(crate) fn incident_reference(incident: &Incident) -> Value {
    let summary = incident.summary();
    tag("incident_reference", "incidents", &incident.id, &summary)
}

/// A user, or the service that acted without one.
fn agent(account: &Account, id: &str, full: bool) -> Value {
    match account.user(id) {
        Some(found) if full => user(found),
        Some(found) => user_reference(account, &found.id),
        None => match account.service(id) {
            Some(found) if full => service(account, found),
            _ => service_reference(account, id),
        },
    }
}

pub(crate) fn user(user: &User) -> Value {
    with(
        tag("user", "users", &user.id, &user.name),
        json!({
            "name": user.name,
            "email": user.email,
            "time_zone": "Etc/UTC",
            "color": "purple",
            "role": "user",
            "avatar_url": "https://secure.gravatar.com/avatar/0.png",
            "description": null,
            "invitation_sent": false,
            "job_title": "Engineer",
            "teams": [],
            "contact_methods": [],
            "notification_rules": [],
        }),
    )
}

pub(crate) fn service(account: &Account, service: &Service) -> Value {
    let mut tag = tag("service", "services", &service.id, &service.name);
    tag["html_url"] = json!(page_url("service-directory", &service.id));
    with(
        tag,
        json!({
            "name": service.name,
            "description": "",
            "auto_resolve_timeout": 14400,
            "acknowledgement_timeout": 1800,
            "created_at": "2015-11-06T11:12:51-05:00",
            "status": "active",
            "alert_creation": "create_alerts_and_incidents",
            "escalation_policy": policy_reference(account, &service.escalation_policy),
            "teams": [],
            "integrations": [],
            "incident_urgency_rule": {"type": "constant", "urgency": "high"},
            "scheduled_actions": [],
            "addons": [],
        }),
    )
}

pub(crate) fn policy(account: &Account, policy: &EscalationPolicy) -> Value {
    let rules: Vec<_> = policy
        .levels
        .iter()
        .enumerate()
        .map(|(level, user)| {
            json!({
                "id": format!("{}L{}", policy.id, level + 1),
                "escalation_delay_in_minutes": 30,
                "targets": [user_reference(account, user)],
            })
        })
        .collect();
    let services: Vec<_> = account
        .services
        .iter()
        .filter(|service| service.escalation_policy == policy.id)
        .map(|service| service_reference(account, &service.id))
        .collect();
    with(
        tag(
            "escalation_policy",
            "escalation_policies",
            &policy.id,
            &policy.name,
        ),
        json!({
            "name": policy.name,
            "escalation_rules": rules,
            "services": services,
            "num_loops": 0,
            "on_call_handoff_notifications": "if_has_services",
            "teams": [],
        }),
    )
}

pub(crate) fn priority(priority: &Priority) -> Value {
    let mut tag = tag("priority", "priorities", &priority.id, &priority.name);
    tag["html_url"] = Value::Null;
    with(
        tag,
        json!({"name": priority.name, "description": priority.description}),
    )
}

pub(crate) fn note(account: &Account, note: &Note) -> Value {
    let mut user = agent(account, &note.user, false);
    if account.user(&note.user).is_none() {
        user["type"] = json!("bot_user_reference");
    }
    json!({
        "id": note.id,
        "user": user,
        "channel": {"summary": "The PagerDuty website or APIs"},
        "content": note.content,
        "created_at": to_seconds(note.created_at),
        "updated_at": to_seconds(note.created_at),
    })
}
