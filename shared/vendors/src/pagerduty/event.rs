//! v3 webhook events. Only ids and times are taken from them; the record is read back.

use std::collections::BTreeMap;

use im_model::{ActorId, DeliveryId, ExternalId, Field, RecordVersion};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Deserializer, de::DeserializeSeed as _};
use serde_json::Value as Json;

use crate::{Announced, UnreadableEvent, WebhookEvent, pruned::Kept};

/// How much later than its record an event may be stamped.
const STAMPED_LATER_BY: SignedDuration = SignedDuration::from_secs(1);

#[derive(Deserialize)]
struct Envelope {
    event: Event,
}

#[derive(Deserialize)]
struct Event {
    id: String,
    event_type: String,
    occurred_at: Option<Timestamp>,
    /// Of any shape: an event of a type that nobody knows yet must not be refused for it.
    #[serde(default, deserialize_with = "agent")]
    agent: Json,
    #[serde(default, deserialize_with = "data")]
    data: Json,
}

fn agent<'de, D: Deserializer<'de>>(json: D) -> Result<Json, D::Error> {
    Kept::Members(&[("id", Kept::Scalar)]).deserialize(json)
}

fn data<'de, D: Deserializer<'de>>(json: D) -> Result<Json, D::Error> {
    Kept::Members(&[
        ("type", Kept::Scalar),
        ("id", Kept::Scalar),
        ("incident", Kept::Members(&[("id", Kept::Scalar)])),
    ])
    .deserialize(json)
}

pub(super) fn read(body: &[u8]) -> Result<WebhookEvent, UnreadableEvent> {
    let Envelope { event } =
        serde_json::from_slice(body).map_err(|error| UnreadableEvent(error.to_string()))?;
    let delivery_id = DeliveryId::parse(&event.id)
        .map_err(|error| UnreadableEvent(format!("event.id: {error}")))?;
    let announced = announced(&event)?;
    Ok(WebhookEvent {
        delivery_id,
        event_type: event.event_type.chars().take(128).collect(),
        occurred_at: event.occurred_at,
        announced,
    })
}

fn announced(event: &Event) -> Result<Option<Announced>, UnreadableEvent> {
    let is_incident = event.data["type"] == "incident";
    let reference = if is_incident {
        &event.data
    } else {
        &event.data["incident"]
    };
    let external_id = match reference["id"].as_str().map(ExternalId::parse) {
        Some(Ok(id)) => id,
        // An incident without an id is nothing that PagerDuty signs.
        Some(Err(error)) if is_incident => {
            return Err(UnreadableEvent(format!("event.data: {error}")));
        }
        None if is_incident => {
            return Err(UnreadableEvent(
                "event.data carries no incident id".to_owned(),
            ));
        }
        _ => return Ok(None),
    };
    // Only an event about the incident itself is known to bump its `updated_at`, which has whole seconds; and nobody
    // promises that an event is not stamped a moment after the record.
    let at_least = event
        .occurred_at
        .filter(|_| is_incident)
        .and_then(|at| u64::try_from((at - STAMPED_LATER_BY).as_second()).ok())
        .map(RecordVersion);
    let changed: BTreeMap<_, _> = match event.occurred_at {
        Some(at) => changed_fields(&event.event_type)
            .iter()
            .map(|f| (f.clone(), at))
            .collect(),
        None => BTreeMap::new(),
    };
    let author = event.agent["id"].as_str();
    let author = author.and_then(|id| ActorId::parse(id).ok());
    Ok(Some(Announced {
        external_id,
        at_least,
        changed,
        author,
        notes: event.event_type == "incident.annotated",
    }))
}

/// Which fields an event type says have changed. No type covers title or urgency (FACTS).
fn changed_fields(event_type: &str) -> &'static [Field] {
    match event_type {
        "incident.acknowledged"
        | "incident.unacknowledged"
        | "incident.resolved"
        | "incident.reopened" => &[Field::Status],
        "incident.reassigned" => &[Field::AssignedTo],
        "incident.delegated" | "incident.escalated" => {
            &[Field::AssignedTo, Field::EscalationPolicy]
        }
        "incident.priority_updated" => &[Field::Priority],
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(event_type: &str, data: &str) -> String {
        format!(
            r#"{{"event":{{"id":"01E","event_type":"{event_type}","resource_type":"incident",
            "occurred_at":"2020-10-02T18:45:22.169Z","agent":null,"client":null,"data":{data}}}}}"#
        )
    }

    #[test]
    fn an_incident_event_names_record_time_and_field() {
        let body = event("incident.resolved", r#"{"id":"PGR0VU2","type":"incident"}"#);
        let event = read(body.as_bytes()).expect("readable");
        let announced = event.announced.expect("about an incident");
        assert_eq!(announced.external_id.as_str(), "PGR0VU2");
        assert_eq!(announced.at_least, Some(RecordVersion(1_601_664_321)));
        assert_eq!(
            announced.changed,
            BTreeMap::from([(
                Field::Status,
                "2020-10-02T18:45:22.169Z".parse().expect("a time")
            )])
        );
    }

    #[test]
    fn a_note_points_at_its_incident_and_promises_no_version() {
        let body = event(
            "incident.annotated",
            r#"{"id":"P2LA89X","type":"incident_note","incident":{"id":"PGR0VU2","type":"incident_reference"}}"#,
        );
        let announced = read(body.as_bytes())
            .expect("readable")
            .announced
            .expect("about one");
        assert_eq!(announced.external_id.as_str(), "PGR0VU2");
        assert_eq!((announced.at_least, announced.changed.len()), (None, 0));
    }

    #[test]
    fn pings_services_and_unknown_types_announce_nothing_and_are_fine() {
        for (event_type, data) in [
            ("pagey.ping", r#"{"message":"Hello","type":"ping"}"#),
            ("service.updated", r#"{"id":"PF9KMXH","type":"service"}"#),
            ("incident.from_the_future", r#"{"type":"who_knows"}"#),
            ("incident.from_the_future", "null"),
            ("incident.from_the_future", "[1]"),
            (
                "incident.from_the_future",
                r#"{"id":7,"type":"moon","incident":{}}"#,
            ),
        ] {
            let event = read(event(event_type, data).as_bytes()).expect(event_type);
            assert_eq!(event.announced, None, "{event_type}");
        }
    }

    #[test]
    fn what_pagerduty_would_never_sign_is_unreadable() {
        for body in [
            "",
            "{",
            "[]",
            "{}",
            r#"{"event":{}}"#,
            r#"{"event":{"id":7,"event_type":"x"}}"#,
        ] {
            assert!(read(body.as_bytes()).is_err(), "{body}");
        }
        let no_id = event("incident.resolved", r#"{"type":"incident"}"#);
        assert!(read(no_id.as_bytes()).is_err());
    }
}
