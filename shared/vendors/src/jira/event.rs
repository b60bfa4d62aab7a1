//! Webhook bodies. Only ids and times are taken from them; the record is read back.

use std::collections::BTreeMap;

use im_model::{ActorId, DeliveryId, ExternalId, Field, RecordVersion};
use jiff::Timestamp;
use serde_json::Value as Json;
use sha2::{Digest as _, Sha256};

use super::moment;
use crate::{Announced, UnreadableEvent, VerifiedDelivery, WebhookEvent, pruned::Kept};

/// What is read of a body, which else has the whole issue in it.
const KEPT: Kept = Kept::Members(&[
    ("webhookEvent", Kept::Scalar),
    ("issue_event_type_name", Kept::Scalar),
    ("timestamp", Kept::Scalar),
    ("user", Kept::Members(&[("accountId", Kept::Scalar)])),
    ("issue", ISSUE),
    ("comment", Kept::Scalar),
    (
        "changelog",
        Kept::Members(&[("items", Kept::Each(&CHANGED))]),
    ),
]);

const ISSUE: Kept = Kept::Members(&[
    ("id", Kept::Scalar),
    ("fields", Kept::Members(&[("updated", Kept::Scalar)])),
]);

const CHANGED: Kept = Kept::Members(&[("field", Kept::Scalar), ("fieldId", Kept::Scalar)]);

/// Reads any JSON: of what we do not know, nothing is announced.
pub(super) fn read(delivery: &VerifiedDelivery) -> Result<WebhookEvent, UnreadableEvent> {
    let event = KEPT
        .of(delivery.body())
        .map_err(|error| UnreadableEvent(error.to_string()))?;
    let event_type = event["webhookEvent"].as_str().unwrap_or("unknown");
    let occurred_at = milliseconds(&event["timestamp"]);
    Ok(WebhookEvent {
        delivery_id: delivery_id(delivery)?,
        event_type: event_type.chars().take(128).collect(),
        occurred_at,
        announced: announced(event_type, &event, occurred_at),
    })
}

/// Constant across retries (FACTS.md, "Delivery"). Where it is missing, equal bodies are the same event: each has a
/// time in milliseconds.
fn delivery_id(delivery: &VerifiedDelivery) -> Result<DeliveryId, UnreadableEvent> {
    let named = delivery.unsigned_id().map(DeliveryId::parse);
    if let Some(Ok(id)) = named {
        return Ok(id);
    }
    DeliveryId::parse(&hex::encode(Sha256::digest(delivery.body())))
        .map_err(|error| UnreadableEvent(error.to_string()))
}

fn announced(event_type: &str, event: &Json, at: Option<Timestamp>) -> Option<Announced> {
    let is_comment = event_type.starts_with("comment_");
    if !is_comment && !event_type.starts_with("jira:issue_") {
        return None;
    }
    let issue = &event["issue"];
    let external_id = id(&issue["id"])?;
    let updated = issue["fields"]["updated"].as_str().and_then(moment::read);
    Some(Announced {
        external_id,
        at_least: updated.and_then(version),
        changed: at.map(|at| changed(event, at)).unwrap_or_default(),
        // A comment's body has no `user`; whose comment it is shows when it is read.
        author: event["user"]["accountId"]
            .as_str()
            .and_then(|id| ActorId::parse(id).ok()),
        notes: is_comment || tells_of_comments(event_type, event),
    })
}

/// An issue's version: when it was last updated, in milliseconds since 1970.
pub(super) fn version(updated: Timestamp) -> Option<RecordVersion> {
    let milliseconds = updated.as_millisecond();
    u64::try_from(milliseconds).ok().map(RecordVersion)
}

/// One comment can arrive as `comment_created`, as `jira:issue_updated`, or as both; a new issue may have some already.
fn tells_of_comments(event_type: &str, event: &Json) -> bool {
    let detail = event["issue_event_type_name"].as_str().unwrap_or_default();
    event_type == "jira:issue_created" || event["comment"].is_object() || detail.contains("comment")
}

fn changed(event: &Json, at: Timestamp) -> BTreeMap<Field, Timestamp> {
    let items = event["changelog"]["items"].as_array().into_iter().flatten();
    let field = |item: &Json| {
        let name = item["fieldId"]
            .as_str()
            .or_else(|| item["field"].as_str())?;
        field_named(&name.to_lowercase())
    };
    items.filter_map(field).map(|field| (field, at)).collect()
}

/// The platform's field that a field of Jira's own is mapped to.
pub(super) fn field_named(name: &str) -> Option<Field> {
    Some(match name {
        "summary" => Field::Title,
        "description" => Field::Description,
        "priority" => Field::Severity,
        "status" => Field::Status,
        "assignee" => Field::AssignedTo,
        _ => return None,
    })
}

fn id(json: &Json) -> Option<ExternalId> {
    let number = json.as_u64().map(|id| id.to_string());
    ExternalId::parse(json.as_str().or(number.as_deref())?).ok()
}

fn milliseconds(json: &Json) -> Option<Timestamp> {
    let text = || json.as_str()?.trim().parse().ok();
    Timestamp::from_millisecond(json.as_i64().or_else(text)?).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn event(body: &Json) -> WebhookEvent {
        read(&VerifiedDelivery::of(body.to_string().as_bytes())).expect("readable")
    }

    fn issue_event(event_type: &str) -> Json {
        json!({
            "timestamp": 1_565_574_553_414_i64,
            "webhookEvent": event_type,
            "issue_event_type_name": "issue_updated",
            "user": {"accountId": "5ced"},
            "issue": {"id": "10368", "key": "OPS-14",
                "fields": {"updated": "2019-08-11T18:49:13.412-0700"}},
            "changelog": {"id": "11479", "items": [
                {"field": "Status", "fieldId": "status", "toString": "Done"},
                {"field": "summary"},
                {"field": "Priority", "fieldId": "priority"},
                {"field": "assignee", "fieldId": "assignee"},
                {"field": "description", "fieldId": "description"},
                {"field": "A field", "fieldtype": "custom", "fieldId": "customfield_10072"},
            ]},
        })
    }

    #[test]
    fn an_update_names_issue_version_fields_and_author() {
        let event = event(&issue_event("jira:issue_updated"));
        let at = "2019-08-12T01:49:13.414Z".parse().expect("a time");
        assert_eq!(event.occurred_at, Some(at));
        let announced = event.announced.expect("an issue");
        assert_eq!(announced.external_id.as_str(), "10368");
        assert_eq!(announced.at_least, Some(RecordVersion(1_565_574_553_412)));
        assert_eq!(announced.author, ActorId::parse("5ced").ok());
        assert!(!announced.notes);
        let fields = [
            Field::Title,
            Field::Description,
            Field::Severity,
            Field::Status,
            Field::AssignedTo,
        ];
        assert_eq!(announced.changed, fields.map(|field| (field, at)).into());
    }

    #[test]
    fn a_changelog_may_be_absent_or_empty_and_a_time_may_be_text_or_missing() {
        for changelog in [json!(null), json!({}), json!({"items": []}), json!([7])] {
            let mut body = issue_event("jira:issue_updated");
            body["changelog"] = changelog;
            let announced = event(&body).announced.expect("an issue");
            assert_eq!(announced.changed, BTreeMap::new());
        }
        let mut body = issue_event("jira:issue_updated");
        body["timestamp"] = json!("1565574553414");
        assert!(event(&body).occurred_at.is_some());
        body["timestamp"] = json!(null);
        let announced = event(&body).announced.expect("an issue");
        assert_eq!(announced.changed, BTreeMap::new());
        assert!(announced.at_least.is_some());
    }

    #[test]
    fn comments_come_in_three_ways_and_with_a_new_issue() {
        let notes = |body: &Json| event(body).announced.expect("an issue").notes;
        let comment = json!({"webhookEvent": "comment_created", "issue": {"id": "10040", "fields": {}},
            "comment": {"id": "10019"}});
        assert!(notes(&comment));
        assert_eq!(event(&comment).announced.expect("an issue").at_least, None);
        let mut inside = issue_event("jira:issue_updated");
        inside["comment"] = json!({"id": "10019"});
        assert!(notes(&inside));
        for name in [
            "issue_commented",
            "issue_comment_edited",
            "issue_comment_deleted",
        ] {
            let mut named = issue_event("jira:issue_updated");
            named["issue_event_type_name"] = json!(name);
            assert!(notes(&named), "{name}");
        }
        assert!(notes(&issue_event("jira:issue_created")));
        assert!(!notes(&issue_event("jira:issue_deleted")));
    }

    #[test]
    fn what_is_not_known_announces_nothing_and_is_fine() {
        for body in [
            json!({"webhookEvent": "comment_created", "comment": {"id": "1"}}),
            json!({"webhookEvent": "jira:issue_updated", "issue": {"id": "a b"}}),
            json!({"webhookEvent": "jira:issue_updated", "issue": "gone"}),
            json!({"webhookEvent": "sprint_started", "issue": {"id": "1"}}),
            json!({"webhookEvent": "im:self_test", "timestamp": 1}),
            json!({"webhookEvent": 7, "timestamp": {"a": 1}}),
            json!([1]),
            json!(null),
        ] {
            assert_eq!(event(&body).announced, None, "{body}");
        }
        assert!(read(&VerifiedDelivery::of(b"{")).is_err());
    }

    #[test]
    fn the_header_names_a_delivery_and_else_its_body() {
        let id = |header: Option<&str>, body: &[u8]| {
            let delivery = VerifiedDelivery::of(body).with_unsigned_id(header.map(str::to_owned));
            read(&delivery).expect("readable").delivery_id
        };
        assert_eq!(id(Some("a-1"), b"{}").as_str(), "a-1");
        assert_eq!(id(Some("not an#id"), b"{}"), id(None, b"{}"));
        assert_ne!(id(None, b"{}"), id(None, b"{ }"));
    }
}
