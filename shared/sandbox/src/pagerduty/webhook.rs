//! v3 webhook events.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::incident::{Incident, Note};
use super::json;
use super::log_entry::Author;
use super::state::State;
use crate::clock::{to_milliseconds, to_seconds};
use crate::mac::hmac_sha256;
use crate::webhook_delivery::WebhookDelivery;

/// `v1=<hex>`: HMAC-SHA256 over the raw body, keyed by the bytes of the secret's text.
pub fn sign(secret: &str, body: &[u8]) -> String {
    format!("v1={}", hex::encode(hmac_sha256(secret.as_bytes(), body)))
}

pub(crate) fn incident_event(
    state: &mut State,
    event_type: &str,
    incident: &Incident,
    author: &Author,
    now: Timestamp,
) {
    let data = incident_data(state, incident);
    event(state, event_type, &data, author, now);
}

pub(crate) fn note_event(state: &mut State, incident: &Incident, note: &Note, author: &Author) {
    let data = json!({
        "incident": json::incident_reference(incident),
        "id": note.id,
        "content": note.content,
        "trimmed": false,
        "type": "incident_note",
    });
    event(state, "incident.annotated", &data, author, note.created_at);
}

fn event(state: &mut State, event_type: &str, data: &Value, author: &Author, now: Timestamp) {
    let account = &state.account;
    let agent = author
        .user()
        .map(|user| json::user_reference(account, user));
    let client = matches!(author, Author::Website(_)).then(|| json!({"name": "PagerDuty"}));
    let event_id = state.surroundings.ids.ulid(now);
    let body = json!({"event": {
        "id": event_id,
        "event_type": event_type,
        "resource_type": "incident",
        "occurred_at": to_milliseconds(now),
        "agent": agent,
        "client": client,
        "data": data,
    }});
    let body = Bytes::from(body.to_string());
    let delivery = WebhookDelivery {
        headers: headers(&state.secrets, &state.surroundings.ids.hex(), &body),
        event_id,
        event_type: event_type.to_owned(),
        query: None,
        body,
    };
    state.surroundings.send(delivery);
}

fn headers(secrets: &[String], delivery_id: &str, body: &[u8]) -> HeaderMap {
    let signatures: Vec<_> = secrets.iter().map(|secret| sign(secret, body)).collect();
    let mut headers = HeaderMap::new();
    headers.insert("content-type", HeaderValue::from_static("application/json"));
    headers.insert(
        "user-agent",
        HeaderValue::from_static("PagerDuty-Webhook/V3.0"),
    );
    for (name, value) in [
        ("x-pagerduty-signature", signatures.join(",")),
        ("x-webhook-id", delivery_id.to_owned()),
        ("x-webhook-subscription", "PWHSUB1".to_owned()),
    ] {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(name, value);
        }
    }
    headers
}

fn incident_data(state: &State, incident: &Incident) -> Value {
    let account = &state.account;
    let assignees: Vec<_> = incident
        .assignees()
        .into_iter()
        .map(|user| json::user_reference(account, user))
        .collect();
    let priority = incident.priority.as_deref();
    let mut data = json!({
        "id": incident.id,
        "type": "incident",
        "self": json::api_url("incidents", &incident.id),
        "html_url": json::page_url("incidents", &incident.id),
        "number": incident.number,
        "status": incident.status.as_str(),
        "incident_key": incident.incident_key,
        "created_at": to_seconds(incident.created_at),
        "title": incident.title,
        "incident_type": {"name": "incident_default"},
        "service": json::service_reference(account, &incident.service),
        "assignees": assignees,
        "escalation_policy": json::policy_reference(account, &incident.escalation_policy),
        "teams": [],
        "priority": priority.map(|priority| json::priority_reference(account, priority)),
        "urgency": incident.urgency.as_str(),
        "conference_bridge": null,
        "resolve_reason": json::resolve_reason(state, incident),
    });
    if let Some(at) = incident.reopened_at {
        data["reopened_at"] = json!(to_seconds(at));
    }
    data
}
