//! How values are mapped.

use im_model::Field;
use im_tests::{INTEGRATION, JIRA, SERVICENOW, World};
use serde_json::{Value, json};

use super::{path, path_of, put, with_severities};
use crate::{errors, get, linked};

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
