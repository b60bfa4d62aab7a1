//! Ownership, mappings, the check, and pausing.

use std::sync::Arc;

use bytes::Bytes;
use http::{Method, Request};
use im_model::Field;
use im_sandbox::{Fault, FaultRule};
use im_tests::{INTEGRATION, JIRA, SERVICENOW, World};
use serde_json::{Value, json};

use super::{Answer, answer, call, call_as, delete, errors, get, linked, post, with_tokens};

fn path(below: &str) -> String {
    path_of(INTEGRATION, below)
}

fn path_of(integration: &str, below: &str) -> String {
    format!("/integrations/{integration}/{below}")
}

async fn put(world: &World, path: &str, body: &Value) -> Answer {
    call(world, Method::PUT, path, Some(body)).await
}

async fn patch(world: &World, body: &Value) -> Answer {
    let path = format!("/integrations/{INTEGRATION}");
    call(world, Method::PATCH, &path, Some(body)).await
}

async fn version(world: &World) -> u64 {
    let (_, shown) = get(world, &format!("/integrations/{INTEGRATION}")).await;
    shown["version"].as_u64().expect("a version")
}

/// The mappings of PagerDuty with another outbound table of severities.
async fn with_severities(world: &World, table: Value) -> Value {
    let (_, mut mappings) = get(world, &path("mappings")).await;
    mappings["values"]["severity"]["outbound"] = table;
    mappings
}

fn owners(list: &Answer, field: &str) -> Value {
    let items = list.1["items"].as_array().expect("items");
    let item = items.iter().find(|item| item["field"] == field);
    item.unwrap_or_else(|| panic!("no {field} in {}", list.1))
        .clone()
}

#[tokio::test]
async fn every_mapped_field_and_both_lists_of_notes_have_owners() {
    let world = World::new().await;
    let list = get(&world, &path("field-ownership")).await;
    assert_eq!(list.0, 200, "{}", list.1);
    let fields: Vec<_> = list.1["items"].as_array().expect("items").iter().collect();
    let fields: Vec<_> = fields
        .iter()
        .map(|item| item["field"].as_str().expect("text"))
        .collect();
    assert_eq!(
        fields,
        [
            "title",
            "description",
            "severity",
            "priority",
            "status",
            "assigned_to",
            "escalation_policy",
            "comments",
            "work_notes",
        ]
    );
    let platform = json!([{"owner": "platform", "priority": 10}]);
    assert_eq!(
        owners(&list, "title"),
        json!({"field": "title", "rules": platform, "flows": "outbound"})
    );
    assert_eq!(
        owners(&list, "status"),
        json!({"field": "status", "rules": [], "flows": "both"})
    );
    patch(&world, &json!({"sync_direction": "inbound"})).await;
    let list = get(&world, &path("field-ownership")).await;
    let flows = |field: &str| owners(&list, field)["flows"].clone();
    assert_eq!(
        (flows("title"), flows("status"), flows("comments")),
        (json!("none"), json!("inbound"), json!("inbound"))
    );
}

#[tokio::test]
async fn owners_are_set_shared_and_deleted_by_any_name() {
    let world = World::new().await;
    let assignee = path("field-ownership/assignee");
    let external = json!({"rules": [{"owner": "external", "priority": 20}]});
    let set = put(&world, &assignee, &external).await;
    let expected = json!({"field": "assigned_to", "rules": external["rules"], "flows": "inbound"});
    assert_eq!(set, (200, expected));
    let before = version(&world).await;
    put(&world, &assignee, &external).await;
    assert_eq!(version(&world).await, before, "nothing changes");
    let platform = json!({"rules": [{"owner": "platform"}]});
    let shared = put(&world, &format!("{assignee}?shared=true"), &platform).await;
    let both = json!([
        {"owner": "platform", "priority": 10}, {"owner": "external", "priority": 20},
    ]);
    assert_eq!(
        (&shared.1["rules"], &shared.1["flows"]),
        (&both, &json!("both"))
    );
    let replaced = put(&world, &assignee, &platform).await;
    assert_eq!(replaced.1["flows"], "outbound");
    put(&world, &assignee, &json!({"rules": both})).await;
    let one = delete(&world, &format!("{assignee}?owner=platform")).await;
    assert_eq!((one.0, &one.1["flows"]), (200, &json!("inbound")));
    let again = delete(&world, &format!("{assignee}?owner=platform")).await;
    assert_eq!(again.0, 404);
    let detail = "platform's ownership rule of assigned_to in demo-pd does not exist";
    assert_eq!(again.1["detail"], detail);
    assert_eq!(delete(&world, &assignee).await.1["rules"], json!([]));
    assert_eq!(delete(&world, &assignee).await.0, 404);
    let notes = put(&world, &path("field-ownership/work-notes"), &external).await;
    assert_eq!(notes.1["field"], "work_notes");
}

#[tokio::test]
async fn bad_owners_are_named_and_change_nothing() {
    let world = World::new().await;
    let before = get(&world, &path("field-ownership")).await;
    let platform = json!({"rules": [{"owner": "platform"}]});
    let fields = "expected one of title, description, severity, priority, status, assigned_to, \
                  escalation_policy, comments, work_notes";
    let unknown = put(&world, &path("field-ownership/sev"), &platform).await;
    let problem = format!("unknown to pagerduty; {fields}");
    assert_eq!(
        (unknown.0, errors(&unknown)),
        (422, vec![("field", problem.as_str())])
    );
    let unmapped = put(&world, &path("field-ownership/custom.cost"), &platform).await;
    let problem = format!("custom.cost is not mapped by demo-pd; {fields}");
    assert_eq!(errors(&unmapped), [("field", problem.as_str())]);
    for (body, field) in [
        (json!({"rules": []}), "rules"),
        (json!({"rules": [{"owner": "nobody"}]}), "rules.0.owner"),
        (
            json!({"rules": [{"owner": "platform", "priority": 0}]}),
            "rules.0.priority",
        ),
        (
            json!({"rules": [{"owner": "platform"}, {"owner": "platform"}]}),
            "rules.1.owner",
        ),
    ] {
        let refused = put(&world, &path("field-ownership/title"), &body).await;
        assert_eq!((refused.0, errors(&refused)[0].0), (422, field));
    }
    let deleted = delete(&world, &path("field-ownership/title?owner=nobody")).await;
    assert_eq!((deleted.0, errors(&deleted)[0].0), (422, "owner"));
    assert_eq!(get(&world, &path("field-ownership")).await, before);
}

#[tokio::test]
async fn a_rule_of_a_field_that_is_not_mapped_is_shown_and_can_be_deleted() {
    let world = World::with_all().await;
    let list = get(&world, &path_of(JIRA, "field-ownership")).await;
    assert_eq!(owners(&list, "priority")["flows"], "none");
    let found = get(&world, &path_of(JIRA, "check")).await;
    let names = |found: &Answer| found.1.to_string().contains("a field that is not mapped");
    assert!(names(&found), "{}", found.1);
    let rule = path_of(JIRA, "field-ownership/priority");
    assert_eq!(delete(&world, &rule).await.0, 200);
    let found = get(&world, &path_of(JIRA, "check")).await;
    assert!(!names(&found), "{}", found.1);
    let set = put(&world, &rule, &json!({"rules": [{"owner": "platform"}]})).await;
    assert_eq!((set.0, errors(&set)[0].0), (422, "field"));
}

#[tokio::test]
async fn what_is_exported_and_imported_changes_nothing() {
    let world = World::with_all().await;
    for integration in [INTEGRATION, JIRA, SERVICENOW] {
        let mappings = path_of(integration, "mappings");
        let before = get(&world, &mappings).await;
        assert_eq!((before.0, &before.1["configured"]), (200, &json!([])));
        assert_eq!(
            put(&world, &mappings, &before.1).await,
            before,
            "{integration}"
        );
    }
    let table = json!({"values": {"SEV-3": "high"}, "otherwise": "inherit"});
    let changed = with_severities(&world, table).await;
    let (status, after) = put(&world, &path("mappings"), &changed).await;
    assert_eq!(status, 200, "{after}");
    assert_eq!(after["configured"], json!(["severity.outbound"]));
    let inherited = json!({"SEV-1": "high", "SEV-2": "high", "SEV-3": "high", "SEV-4": "low"});
    let in_force = &after["values"]["severity"]["outbound"];
    assert_eq!(
        in_force,
        &json!({"values": inherited, "otherwise": "inherit"})
    );
    assert_eq!(
        after["defaults"]["severity"]["outbound"]["values"]["SEV-3"],
        "low"
    );
    assert_eq!(after["defaults"]["severity"]["inbound"], Value::Null);
    let again = put(&world, &path("mappings"), &after).await;
    assert_eq!(
        again,
        (200, after),
        "what is in force, imported, changes nothing"
    );
    let reset = put(&world, &path("mappings"), &json!({"values": {}})).await;
    assert_eq!(reset.1["configured"], json!([]));
}

#[tokio::test]
async fn what_is_mapped_otherwise_is_sent_otherwise() {
    let (world, id, record) = linked().await;
    let urgency = || {
        let incident = world.pagerduty.incident(&record).expect("it exists");
        format!("{:?}", incident.urgency).to_lowercase()
    };
    assert_eq!(urgency(), "high");
    let platform = json!({"rules": [{"owner": "platform"}]});
    put(&world, &path("field-ownership/severity"), &platform).await;
    let table = json!({"values": {"SEV-1": "high"}, "otherwise": {"default": "low"}});
    let changed = with_severities(&world, table).await;
    assert_eq!(put(&world, &path("mappings"), &changed).await.0, 200);
    world.clock.advance(jiff::SignedDuration::from_secs(60));
    world.edit(&id, &json!({"severity": "SEV-2"})).await;
    world.settle().await;
    assert_eq!(urgency(), "low");
    assert_eq!(
        world.value(&id, Field::Severity).await.as_deref(),
        Some("SEV-2"),
        "an echo changes nothing"
    );
}

#[tokio::test]
async fn a_mapping_that_cannot_be_is_named_with_its_path_and_changes_nothing() {
    let world = World::new().await;
    let before = get(&world, &path("mappings")).await;
    let both = |out: Value, back: Value| {
        let table = |values: Value| json!({"values": values, "otherwise": "inherit"});
        json!({"values": {"severity": {"outbound": table(out), "inbound": table(back)}}})
    };
    let title = "unknown, or not mapped; expected one of title, description, severity, priority, \
                 status, assigned_to, escalation_policy";
    for (body, field, problem) in [
        (
            both(json!({"SEV-9": "high"}), json!({})),
            "values.severity.outbound.values.SEV-9",
            "\"SEV-9\": must be one of SEV-1, SEV-2, SEV-3, SEV-4",
        ),
        (
            both(json!({}), json!({"high": "urgent"})),
            "values.severity.inbound.values.high",
            "\"urgent\": must be one of SEV-1, SEV-2, SEV-3, SEV-4",
        ),
        (
            both(
                json!({"SEV-1": "high", "SEV-3": "low"}),
                json!({"high": "SEV-3", "low": "SEV-1"}),
            ),
            "values.severity",
            "the tables lead round in a cycle: SEV-1 → high → SEV-3 → low → SEV-1",
        ),
        (
            json!({"values": {"comments": {}}}),
            "values.comments",
            title,
        ),
        (json!({"values": {"sev": {}}}), "values.sev", title),
        (
            json!({"values": {"assignee": {}, "assigned_to": {}}}),
            "values.assignee",
            "is assigned_to, as assigned_to is",
        ),
        (
            json!({"values": {}, "fields": {"custom.cost": "u_cost"}}),
            "fields.custom.cost",
            "pagerduty has no custom fields to map",
        ),
        (
            json!({"values": {}, "tables": {}}),
            "tables",
            "unknown; expected one of fields, values",
        ),
    ] {
        let refused = put(&world, &path("mappings"), &body).await;
        assert_eq!((refused.0, errors(&refused)), (422, vec![(field, problem)]));
    }
    assert_eq!(get(&world, &path("mappings")).await, before);
}

#[tokio::test]
async fn custom_fields_are_mapped_with_the_rest() {
    let world = World::with_all().await;
    let mappings = path_of(SERVICENOW, "mappings");
    let (_, mut document) = get(&world, &mappings).await;
    document["fields"] = json!({"custom.cost_center": "u_cost_center:number"});
    document["values"]["custom.cost_center"] =
        json!({"outbound": {"values": {"1": "100"}, "otherwise": "inherit"}});
    let (status, after) = put(&world, &mappings, &document).await;
    assert_eq!((status, &after["fields"]), (200, &document["fields"]));
    assert_eq!(after["configured"], json!(["custom.cost_center.outbound"]));
    document["fields"] = json!({"custom.cost_center": "u_cost_center:money", "cost": "u_cost"});
    let refused = put(&world, &mappings, &document).await;
    let named: Vec<_> = errors(&refused).iter().map(|(field, _)| *field).collect();
    assert_eq!(named, ["fields.cost", "fields.custom.cost_center"]);
    let (_, kept) = put(&world, &mappings, &json!({"values": {}})).await;
    assert_eq!(kept["fields"], after["fields"], "not given: they stay");
    let (_, none) = put(&world, &mappings, &json!({"values": {}, "fields": {}})).await;
    assert_eq!(none["fields"], json!({}));
}

#[tokio::test]
async fn what_cannot_work_is_not_enabled() {
    let world = World::new().await;
    let broken = json!({"values": {"SEV-1": "high"}, "otherwise": "error"});
    let broken = with_severities(&world, broken).await;
    let refused = put(&world, &path("mappings"), &broken).await;
    let problem = |severity: &str| {
        format!(
            "{severity} → no answer at the vendor: while an incident says {severity}, this field cannot \
             be sent: the attempt fails (no_answer); it cannot be enabled so"
        )
    };
    let problems = ["SEV-2", "SEV-3", "SEV-4"].map(problem);
    let expected: Vec<_> = problems
        .iter()
        .map(|problem| ("severity", problem.as_str()))
        .collect();
    assert_eq!((refused.0, errors(&refused)), (422, expected.clone()));
    assert_eq!(patch(&world, &json!({"enabled": false})).await.0, 200);
    let stored = put(&world, &path("mappings"), &broken).await;
    assert_eq!(stored.0, 200, "{}", stored.1);
    let found = get(&world, &path("check")).await;
    assert_eq!((found.0, &found.1["verdict"]), (200, &json!("errors")));
    let name = json!({"name": "Renamed"});
    assert_eq!(
        patch(&world, &name).await.0,
        200,
        "anything else can change"
    );
    let before = version(&world).await;
    let enabled = patch(&world, &json!({"enabled": true})).await;
    assert_eq!((enabled.0, errors(&enabled)), (422, expected));
    assert_eq!(version(&world).await, before);
    put(&world, &path("mappings"), &json!({"values": {}})).await;
    assert_eq!(patch(&world, &json!({"enabled": true})).await.0, 200);
}

#[tokio::test]
async fn the_check_names_what_two_vendors_own_and_what_is_lost_on_the_way() {
    let world = World::with_all().await;
    let (status, found) = get(&world, &path("check")).await;
    assert_eq!((status, &found["verdict"]), (200, &json!("warnings")));
    let findings = found["findings"].as_array().expect("findings");
    let of = |kind: &str| -> Vec<(&Value, &Value)> {
        let of_kind = findings.iter().filter(|finding| finding["kind"] == kind);
        of_kind
            .map(|finding| (&finding["field"], &finding["detail"]))
            .collect()
    };
    let shared = json!("owned externally by demo-pd and demo-jira and demo-snow");
    assert_eq!(of("shared_owner"), [(&json!("assigned_to"), &shared)]);
    let lost = json!("SEV-1 → high → SEV-2");
    assert!(
        of("round_trip").contains(&(&json!("severity"), &lost)),
        "{found}"
    );
    for other in [JIRA, SERVICENOW] {
        let disabled = json!({"enabled": false});
        let path = format!("/integrations/{other}");
        assert_eq!(
            call(&world, Method::PATCH, &path, Some(&disabled)).await.0,
            200
        );
    }
    let (_, alone) = get(&world, &path("check")).await;
    assert!(!alone.to_string().contains("shared_owner"), "{alone}");
}

#[tokio::test]
async fn a_vendor_that_does_not_answer_is_no_obstacle() {
    let world = World::with_all().await;
    let fault = Fault::RefuseWith {
        status: 500,
        body: Value::Null,
        headers: std::collections::BTreeMap::new(),
    };
    world.jira.add_fault(FaultRule::always(fault));
    let (status, mappings) = get(&world, &path_of(JIRA, "mappings")).await;
    let note = mappings["notes"][0].as_str().expect("a note");
    assert_eq!(status, 200);
    assert!(note.starts_with("demo-jira could not be asked ("), "{note}");
    assert!(note.ends_with("which may not be this account's"), "{note}");
    assert_eq!(
        mappings["values"]["status"]["outbound"]["values"]["open"],
        "To Do"
    );
    let (_, found) = get(&world, &path_of(JIRA, "check")).await;
    assert_eq!(found["notes"][0], note);
}

#[tokio::test]
async fn a_rehearsal_says_what_would_be_and_changes_nothing() {
    let world = World::new().await;
    let before = get(&world, &path("mappings")).await;
    let table = json!({"values": {"SEV-3": "high"}, "otherwise": "inherit"});
    let changed = with_severities(&world, table).await;
    let rehearse = path("mappings?dry_run=true");
    let (status, would_be) = put(&world, &rehearse, &changed).await;
    assert_eq!(
        (status, &would_be["configured"]),
        (200, &json!(["severity.outbound"]))
    );
    let bad = json!({"values": {"sev": {}}});
    assert_eq!(put(&world, &rehearse, &bad).await.0, 422);
    assert_eq!(get(&world, &path("mappings")).await, before);
}

#[tokio::test]
async fn a_version_that_was_seen_is_the_one_that_is_changed() {
    let world = World::new().await;
    let body = json!({"rules": [{"owner": "external"}]});
    let put_at = async |below: &str, body: &Value, version: u64| {
        let request = Request::builder()
            .method(Method::PUT)
            .uri(format!("/api/v1{}", path(below)))
            .header("content-type", "application/json")
            .header("if-match", format!("\"{version}\""));
        let request = request
            .body(Bytes::from(body.to_string()))
            .expect("a request");
        let response = world.request(request).await;
        let tag = response
            .headers()
            .get("etag")
            .map(|tag| tag.to_str().expect("text").to_owned());
        (answer(&response).0, tag)
    };
    let ownership = "field-ownership/severity";
    assert_eq!(put_at(ownership, &body, 2).await.0, 412);
    assert_eq!(
        put_at(ownership, &body, 1).await,
        (200, Some("\"2\"".to_owned()))
    );
    assert_eq!(put_at("mappings", &json!({"values": {}}), 1).await.0, 412);
    assert_eq!(
        put_at("mappings", &json!({"values": {}}), 2).await,
        (200, Some("\"2\"".to_owned()))
    );
}

#[tokio::test]
async fn changes_at_the_same_time_are_all_made() {
    let world: Arc<World> = World::new().await;
    let fields = ["title", "severity", "status", "priority"];
    let set = |field: &str| {
        let (world, path) = (
            Arc::clone(&world),
            path(&format!("field-ownership/{field}")),
        );
        async move {
            put(
                &world,
                &path,
                &json!({"rules": [{"owner": "external", "priority": 7}]}),
            )
            .await
        }
    };
    let (a, b, c, d) = tokio::join!(
        set(fields[0]),
        set(fields[1]),
        set(fields[2]),
        set(fields[3])
    );
    assert_eq!([a.0, b.0, c.0, d.0], [200; 4]);
    let list = get(&world, &path("field-ownership")).await;
    for field in fields {
        assert_eq!(
            owners(&list, field)["rules"],
            json!([{"owner": "external", "priority": 7}])
        );
    }
}

#[tokio::test]
async fn a_paused_integration_waits_until_it_is_resumed() {
    let (world, id, record) = linked().await;
    let paused = post(&world, &path("pause"), &json!({})).await;
    assert_eq!((paused.0, &paused.1["activity"]), (200, &json!("paused")));
    let version = paused.1["version"].clone();
    let again = post(&world, &path("pause"), &json!({})).await;
    assert_eq!(again.1["version"], version, "it is paused already");
    let writes = world.all_writes().len();
    world.clock.advance(jiff::SignedDuration::from_secs(60));
    world.edit(&id, &json!({"title": "db slow"})).await;
    world.settle().await;
    assert_eq!(world.all_writes().len(), writes);
    let resumed = post(&world, &path("resume"), &json!({})).await;
    assert_eq!((resumed.0, &resumed.1["activity"]), (200, &json!("active")));
    world.clock.advance(jiff::SignedDuration::from_secs(60));
    world.edit(&id, &json!({"severity": "SEV-4"})).await;
    world.settle().await;
    let record = world.pagerduty.incident(&record).expect("it exists");
    assert_eq!(
        record.title, "db slow",
        "the next change brings all of it up to date"
    );
}

#[tokio::test]
async fn the_conflict_window_is_shown_and_changed() {
    let world = World::new().await;
    let shown = get(&world, &format!("/integrations/{INTEGRATION}")).await;
    assert_eq!(shown.1["conflict_window"], "5s");
    let changed = patch(&world, &json!({"conflict_window": "250ms"})).await;
    assert_eq!(
        (changed.0, &changed.1["conflict_window"]),
        (200, &json!("250ms"))
    );
    for bad in ["11m", "-1s", "10m 1ms"] {
        let refused = patch(&world, &json!({"conflict_window": bad})).await;
        let expected = vec![("conflict_window", "must be from 0s to 10m")];
        assert_eq!((refused.0, errors(&refused)), (422, expected), "{bad}");
    }
}

#[tokio::test]
async fn rules_are_for_those_who_manage_the_integration() {
    let world = World::new().await;
    with_tokens(&world).await;
    let body = json!({"rules": [{"owner": "platform"}]});
    let set = path("field-ownership/severity");
    let statuses = async |role: &str| {
        let changed = call_as(&world, role, Method::PUT, &set, Some(&body)).await;
        let read = call_as(&world, role, Method::GET, &path("check"), None).await;
        (changed.0, read.0)
    };
    assert_eq!(statuses("viewer").await, (403, 403));
    assert_eq!(statuses("incident_commander").await, (403, 403));
    assert_eq!(statuses("integration.manager").await, (200, 200));
    let other = path_of("other", "field-ownership/severity");
    let manager = "integration.manager";
    assert_eq!(
        call_as(&world, manager, Method::PUT, &other, Some(&body))
            .await
            .0,
        403
    );
    assert_eq!(put(&world, &other, &body).await.0, 404);
}
