use std::collections::BTreeMap;

use im_model::{
    ActorId, BasePair, ExternalId, ExternalValue, FieldState, IntegrationId, Link, LinkState,
    NoteProgress, Notice, NoticeKind, OrganizationId, Origin, PlatformValue, Side,
};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{output::LinkJson, *};
use crate::{body::ObjectReader, router::assert_is};

fn reader(body: &Value) -> ObjectReader {
    ObjectReader::new(body.as_object().expect("an object").clone())
}

fn edited(body: &Value) -> Result<Vec<(String, Option<String>)>, Problem> {
    let values = input::change(reader(body))?;
    let text = |value: PlatformValue| value.as_str().map(str::to_owned);
    Ok(values
        .into_iter()
        .map(|(field, value)| (field.name(), text(value)))
        .collect())
}

fn assert_refused(problem: &Problem, expected: &[(&str, &str)]) {
    assert_eq!(
        (problem.status(), problem.errors().as_slice()),
        (422, expected)
    );
}

#[test]
fn a_change_sets_and_clears() {
    let body = json!({
        "title": "Disk full", "priority": null, "description": "",
        "custom_fields": {"cost_center": "42", "team": null},
    });
    let expected = [
        ("title", Some("Disk full")),
        ("description", None),
        ("priority", None),
        ("custom.cost_center", Some("42")),
        ("custom.team", None),
    ];
    let expected = expected.map(|(name, value)| (name.to_owned(), value.map(str::to_owned)));
    assert_eq!(edited(&body).expect("is valid"), expected);
    assert_eq!(edited(&json!({})).expect("is valid"), []);
}

#[test]
fn assignee_is_another_name_for_assigned_to() {
    let expected = [("assigned_to".to_owned(), Some("ann@example.com".to_owned()))];
    for body in [
        json!({"assignee": "ann@example.com"}),
        json!({"assignee": "ann@example.com", "assigned_to": "ann@example.com"}),
    ] {
        assert_eq!(edited(&body).expect("is valid"), expected);
    }
    let contradiction = [(
        "assignee",
        "is another name for assigned_to, which says something else",
    )];
    for body in [
        json!({"assignee": "ann@example.com", "assigned_to": "bob@example.com"}),
        json!({"assignee": null, "assigned_to": "bob@example.com"}),
    ] {
        assert_refused(
            &edited(&body).expect_err("contradicts itself"),
            &contradiction,
        );
    }
    let problem = edited(&json!({"assignee": "ann"})).expect_err("no e-mail address");
    assert_refused(&problem, &[("assignee", "must be an e-mail address")]);
}

#[test]
fn everything_that_is_wrong_is_named() {
    let body = json!({
        "title": null, "severity": "sev1", "priority": 1, "status": "done",
        "custom_fields": {"a b": "x", "ok": "x", "n": {}}, "id": "INC-1", "severty": "SEV-1",
    });
    let problem = input::new_incident(reader(&body)).expect_err("all wrong");
    assert_refused(
        &problem,
        &[
            ("title", "must not be empty"),
            ("severity", "must be one of SEV-1, SEV-2, SEV-3, SEV-4"),
            ("priority", "must be a string or null, not a number"),
            (
                "status",
                "must be one of open, acknowledged, mitigated, resolved, closed",
            ),
            (
                "custom_fields.a b",
                "a name is 1 to 64 of A-Z, a-z, 0-9 and _",
            ),
            ("custom_fields.n", "must be a string or null, not an object"),
            ("id", "is read-only"),
            (
                "severty",
                "unknown; expected one of title, description, severity, priority, status, \
             assigned_to, escalation_policy, assignee, custom_fields",
            ),
        ],
    );
    let problem = edited(&json!({"custom_fields": null})).expect_err("must be an object");
    assert_refused(
        &problem,
        &[("custom_fields", "must be an object, not null")],
    );
}

#[test]
fn only_a_new_incident_needs_a_title() {
    let problem = input::new_incident(reader(&json!({}))).expect_err("no title");
    assert_refused(&problem, &[("title", "is required")]);
    assert!(input::new_incident(reader(&json!({"title": "x"}))).is_ok());
}

fn at(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

fn field(value: &str, origin: Origin) -> FieldState {
    let changed_at = at("2026-01-02T03:04:05Z");
    FieldState {
        value: PlatformValue::text(value),
        version: 1,
        changed_at,
        origin,
    }
}

fn link() -> Link {
    let pair = BasePair::seen(&PlatformValue::text("P9"), &ExternalValue::EMPTY);
    let notice = Notice {
        kind: NoticeKind::Unmapped,
        detail: "P9 has no priority there".to_owned(),
        tried: None,
        about: pair,
        at: at("2026-01-02T03:04:06Z"),
    };
    Link {
        version: 3,
        state: LinkState::Linked {
            external_id: ExternalId::parse("PGR0VU2").expect("valid"),
            url: Some("https://acme.pagerduty.com/incidents/PGR0VU2".to_owned()),
        },
        created_from: Side::Platform,
        record_version: None,
        base: BTreeMap::new(),
        notices: BTreeMap::from([(Field::Priority, notice)]),
        notes: NoteProgress::default(),
        reviews: BTreeMap::new(),
        flips: BTreeMap::new(),
        moved: BTreeMap::new(),
        outcome: None,
    }
}

fn incident() -> Incident {
    let actor = ActorId::parse("ann@example.com").expect("valid");
    let pagerduty = IntegrationId::parse("prod-pd").expect("valid");
    let platform = || Origin::Platform {
        actor: actor.clone(),
    };
    let external = Origin::External {
        integration: pagerduty.clone(),
        author: None,
    };
    let reserved = Link {
        state: LinkState::Reserved,
        notices: BTreeMap::new(),
        ..link()
    };
    let snow = IntegrationId::parse("prod-snow").expect("valid");
    Incident {
        id: IncidentId::parse("INC-01ARZ3NDEKTSV4RRFFQ69G5FAV").expect("valid"),
        organization: OrganizationId::parse("acme").expect("valid"),
        created_at: at("2026-01-02T03:04:05Z"),
        revision: 4,
        fields: BTreeMap::from([
            (Field::Title, field("Disk full", platform())),
            (Field::Severity, field("SEV-2", platform())),
            (Field::Status, field("open", platform())),
            (Field::AssignedTo, field("ann@example.com", external)),
            (Field::Description, field("", platform())),
            (Field::Custom("team".to_owned()), field("it", platform())),
            (Field::Custom("cleared".to_owned()), field("", platform())),
        ]),
        links: BTreeMap::from([(pagerduty.clone(), link()), (snow, reserved)]),
        pending: BTreeMap::from([(pagerduty, 4)]),
        notes: 0,
        dead: BTreeMap::new(),
    }
}

#[test]
fn an_incident_is_shown_as_described() {
    let json = serde_json::to_value(IncidentJson::of(&incident())).expect("JSON");
    assert_is("Incident", &json);
    assert_eq!(json["description"], Value::Null);
    assert_eq!(json["custom_fields"], json!({"team": "it"}));
    assert_eq!(json["pending"], json!(["prod-pd"]));
    assert_eq!(json["revision"], 4);
    assert_eq!(json["created_at"], "2026-01-02T03:04:05Z");
    assert_eq!(
        json["fields"]["assigned_to"],
        json!({
            "changed_at": "2026-01-02T03:04:05Z",
            "origin": {"source": "external", "integration_id": "prod-pd", "author": null},
        })
    );
    assert_eq!(
        json["fields"]["custom.team"]["origin"],
        json!({"source": "platform", "actor": "ann@example.com"})
    );
    assert_eq!(
        json["links"],
        json!([
            {
                "integration_id": "prod-pd", "state": "linked", "external_id": "PGR0VU2",
                "url": "https://acme.pagerduty.com/incidents/PGR0VU2",
                "notices": [{
                    "field": "priority", "kind": "unmapped",
                    "detail": "P9 has no priority there", "at": "2026-01-02T03:04:06Z",
                }],
            },
            {
                "integration_id": "prod-snow", "state": "reserved", "external_id": null,
                "url": null, "notices": [],
            },
        ])
    );
    let list = List {
        items: vec![IncidentJson::of(&incident())],
        next: None,
    };
    assert_is("IncidentList", &serde_json::to_value(list).expect("JSON"));
    let list = List {
        items: vec![LinkJson::of(&"a".parse().expect("valid"), &link())],
        next: None,
    };
    assert_is("LinkList", &serde_json::to_value(list).expect("JSON"));
}

#[test]
fn an_answer_carries_its_entity_tag() {
    let response = shown(&incident()).into_response();
    assert_eq!(response.headers()["etag"], "\"4\"");
    assert_eq!(response.headers()["content-type"], "application/json");
}
