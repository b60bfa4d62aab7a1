use im_model::{
    ActorId, AgreedValues, ChangeTime, ConflictStrategy, ExternalId, ExternalValue, HeldValue,
    OrganizationId, PlatformValue, Settlement, Side, TimeSource,
};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::*;
use crate::router::assert_is;

fn at(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

fn conflict() -> Conflict {
    let ann = ActorId::parse("ann@example.com").expect("valid");
    Conflict {
        id: ConflictId::parse("CON-01ARZ3NDEKTSV4RRFFQ69G5FAV").expect("valid"),
        organization: OrganizationId::parse("acme").expect("valid"),
        incident: IncidentId::parse("INC-01ARZ3NDEKTSV4RRFFQ69G5FAV").expect("valid"),
        integration: IntegrationId::parse("prod-jira").expect("valid"),
        external_id: ExternalId::parse("10001").expect("valid"),
        field: Field::Priority,
        strategy: ConflictStrategy::ManualReview,
        status: ConflictStatus::Pending,
        base: AgreedValues {
            platform: Some(PlatformValue::EMPTY),
            external: None,
        },
        platform: HeldValue {
            value: PlatformValue::EMPTY,
            changed: ChangeTime {
                at: at("2026-01-02T03:04:05.25Z"),
                source: TimeSource::Platform,
            },
            author: Some(ann),
        },
        external: HeldValue {
            value: ExternalValue::text("High"),
            changed: ChangeTime {
                at: at("2026-01-02T03:04:06Z"),
                source: TimeSource::History,
            },
            author: None,
        },
        opened_at: at("2026-01-02T03:04:07Z"),
        updated_at: at("2026-01-02T03:04:07Z"),
        version: 2,
        settlement: None,
        restored: None,
    }
}

fn json_of(conflict: &Conflict) -> Value {
    let json = serde_json::to_value(ConflictJson::of(conflict)).expect("JSON");
    assert_is("Conflict", &json);
    json
}

#[test]
fn a_conflict_is_shown_as_described() {
    assert_eq!(
        json_of(&conflict()),
        json!({
            "id": "CON-01ARZ3NDEKTSV4RRFFQ69G5FAV",
            "incident_id": "INC-01ARZ3NDEKTSV4RRFFQ69G5FAV",
            "integration_id": "prod-jira", "external_id": "10001", "field": "priority",
            "status": "pending", "strategy": "manual-review", "version": 2,
            // null is empty; what is not known is not there.
            "base": {"platform": null},
            "platform": {
                "value": null, "changed_at": "2026-01-02T03:04:05.25Z",
                "time_source": "platform", "author": "ann@example.com",
            },
            "external": {
                "value": "High", "changed_at": "2026-01-02T03:04:06Z",
                "time_source": "history", "author": null,
            },
            "settlement": null, "restored": null,
            "opened_at": "2026-01-02T03:04:07Z", "updated_at": "2026-01-02T03:04:07Z",
        })
    );
    let items = vec![ConflictJson::of(&conflict())];
    let list = List { items, next: None };
    assert_is("ConflictList", &serde_json::to_value(list).expect("JSON"));
    let response = shown(&conflict()).into_response();
    assert_eq!(response.headers()["etag"], "\"2\"");
}

#[test]
fn every_end_of_a_conflict_is_shown() {
    let bob = ActorId::parse("bob@example.com").expect("valid");
    for (settlement, expected) in [
        (
            Settlement::Rule {
                winner: Side::External,
                why: "it is later".to_owned(),
            },
            json!({"by": "rule", "winner": "external", "why": "it is later"}),
        ),
        (
            Settlement::Person {
                actor: bob.clone(),
                resolution: Resolution::UsePlatform,
            },
            json!({"by": "person", "actor": "bob@example.com", "resolution": "use_platform"}),
        ),
        (Settlement::Agreement, json!({"by": "agreement"})),
    ] {
        let ended = Conflict {
            settlement: Some(settlement),
            status: ConflictStatus::Resolved,
            restored: Some((bob.clone(), at("2026-01-02T03:05:00Z"))),
            ..conflict()
        };
        let json = json_of(&ended);
        assert_eq!(json["settlement"], expected);
        assert_eq!(
            json["restored"],
            json!({"by": "bob@example.com", "at": "2026-01-02T03:05:00Z"})
        );
    }
}
