//! The main job: a change on one side arrives at the other, once, and does not come back.
#![allow(missing_docs, clippy::expect_used, reason = "tests")]

#[path = "flow/api.rs"]
mod api;
#[path = "flow/conflicts.rs"]
mod conflicts;
#[path = "flow/unsendable.rs"]
mod unsendable;

use std::sync::Arc;

use http::Method;
use im_model::{Field, IncidentId};
use im_sandbox::pagerduty::{Status, Urgency};
use im_tests::{INTEGRATION, World};
use jiff::SignedDuration;
use serde_json::json;

async fn imported() -> (Arc<World>, IncidentId, String) {
    let world = World::new().await;
    let ann = world.pagerduty.person("ann@example.com");
    let record = ann.trigger("db down", Urgency::High).expect("allowed");
    world.settle().await;
    world.clock.advance(SignedDuration::from_secs(60));
    (world.clone(), world.only_incident().await.id, record)
}

fn link(incident: &im_model::Incident) -> &im_model::Link {
    &incident.links[&INTEGRATION.parse().expect("an id")]
}

#[tokio::test]
async fn a_vendors_incident_becomes_the_platforms_with_all_its_fields() {
    let (world, id, record) = imported().await;
    let value = |field| world.value(&id, field);
    assert_eq!(value(Field::Title).await.as_deref(), Some("db down"));
    assert_eq!(value(Field::Severity).await.as_deref(), Some("SEV-2"));
    assert_eq!(value(Field::Status).await.as_deref(), Some("open"));
    assert_eq!(
        value(Field::AssignedTo).await.as_deref(),
        Some("oncall@example.com")
    );
    assert!(value(Field::EscalationPolicy).await.is_some());
    assert_eq!(world.record_of(&id).await, record);
    assert!(
        world.writes().is_empty(),
        "an import writes nothing: {:?}",
        world.writes()
    );
}

#[tokio::test]
async fn a_platform_change_makes_one_write_and_its_webhook_makes_none() {
    let (world, id, record) = imported().await;
    world.edit(&id, &json!({"status": "acknowledged"})).await;
    world.run_outbound().await;
    let put = format!("PUT /incidents/{record}");
    assert_eq!(world.writes(), std::slice::from_ref(&put));
    let before = world.incident(&id).await;
    assert_eq!(world.deliver_webhooks().await, 1, "its own webhook");
    world.settle().await;
    assert_eq!(world.writes(), [put], "no echo at the vendor");
    assert_eq!(world.incident(&id).await, before, "no echo on the platform");
}

#[tokio::test]
async fn each_field_goes_out_by_the_guides_maps() {
    let (world, id, record) = imported().await;
    let held = || {
        world
            .pagerduty
            .incident(&record)
            .expect("the record exists")
    };
    for (severity, urgency) in [
        ("SEV-3", Urgency::Low),
        ("SEV-1", Urgency::High),
        ("SEV-4", Urgency::Low),
    ] {
        world.edit(&id, &json!({"severity": severity})).await;
        world.settle().await;
        assert_eq!(held().urgency, urgency, "{severity}");
        assert_eq!(
            world.value(&id, Field::Severity).await.as_deref(),
            Some(severity)
        );
    }
    for (status, expected) in [
        ("mitigated", Status::Acknowledged),
        ("closed", Status::Resolved),
        ("open", Status::Triggered),
        ("resolved", Status::Resolved),
    ] {
        world.edit(&id, &json!({"status": status})).await;
        world.settle().await;
        assert_eq!(held().status, expected, "{status}");
        assert_eq!(
            world.value(&id, Field::Status).await.as_deref(),
            Some(status),
            "no echo"
        );
    }
    world
        .edit(&id, &json!({"title": "  db is down  ", "priority": "P1"}))
        .await;
    world.settle().await;
    assert_eq!(held().title, "db is down");
    assert_eq!(
        world.value(&id, Field::Title).await.as_deref(),
        Some("  db is down  ")
    );
}

#[tokio::test]
async fn a_vendors_change_comes_in_with_its_time_and_author() {
    let (world, id, record) = imported().await;
    let at = world.clock.read();
    world
        .pagerduty
        .person("bob@example.com")
        .acknowledge(&record)
        .expect("allowed");
    world.settle().await;
    let incident = world.incident(&id).await;
    let state = &incident.fields[&Field::Status];
    assert_eq!(state.value.as_str(), Some("acknowledged"));
    assert_eq!(state.changed_at, at, "to the millisecond, from the event");
    let im_model::Origin::External {
        integration,
        author,
    } = &state.origin
    else {
        panic!("{:?}", state.origin);
    };
    assert_eq!(integration.as_str(), INTEGRATION);
    assert!(author.is_some());
}

#[tokio::test]
async fn what_no_event_announces_comes_in_with_the_next_read() {
    let (world, id, record) = imported().await;
    let ann = world.pagerduty.person("ann@example.com");
    ann.set_urgency(&record, Urgency::Low).expect("allowed");
    world.settle().await;
    assert_eq!(
        world.value(&id, Field::Severity).await.as_deref(),
        Some("SEV-2")
    );
    ann.acknowledge(&record).expect("allowed");
    world.settle().await;
    assert_eq!(
        world.value(&id, Field::Severity).await.as_deref(),
        Some("SEV-3")
    );
}

#[tokio::test]
async fn ownership_holds_both_ways() {
    let (world, id, record) = imported().await;
    let ann = world.pagerduty.person("ann@example.com");
    ann.set_title(&record, "renamed at PagerDuty")
        .expect("allowed");
    ann.reassign(&record, "bob@example.com").expect("allowed");
    world.settle().await;
    assert_eq!(
        world.value(&id, Field::Title).await.as_deref(),
        Some("db down"),
        "ours"
    );
    let assigned = world.value(&id, Field::AssignedTo).await;
    assert_eq!(assigned.as_deref(), Some("bob@example.com"), "theirs");
    world
        .edit(&id, &json!({"assigned_to": "carol@example.com"}))
        .await;
    world.settle().await;
    assert!(world.writes().is_empty(), "{:?}", world.writes());
}

#[tokio::test]
async fn resolving_does_not_take_the_assignee_away() {
    let (world, id, record) = imported().await;
    world
        .pagerduty
        .person("ann@example.com")
        .resolve(&record)
        .expect("allowed");
    world.settle().await;
    assert_eq!(
        world.value(&id, Field::Status).await.as_deref(),
        Some("resolved")
    );
    assert_eq!(
        world.value(&id, Field::AssignedTo).await.as_deref(),
        Some("oncall@example.com")
    );
}

#[tokio::test]
async fn the_platforms_incident_becomes_the_vendors_and_carries_its_id() {
    let world = World::new().await;
    let id = world
        .create(&json!({
            "title": "disk full", "description": "on db-1", "severity": "SEV-1", "priority": "P1",
            "status": "acknowledged",
        }))
        .await;
    world.settle().await;
    let record = world.record_of(&id).await;
    let held = world
        .pagerduty
        .incident(&record)
        .expect("the record exists");
    assert_eq!(held.incident_key, id.as_str());
    assert_eq!(
        (held.title.as_str(), held.urgency),
        ("disk full", Urgency::High)
    );
    assert_eq!(
        held.status,
        Status::Acknowledged,
        "what a creation cannot carry follows"
    );
    assert_eq!(world.pagerduty.incidents().len(), 1);
    assert_eq!(
        world.writes().len(),
        2,
        "create, then acknowledge: {:?}",
        world.writes()
    );
    assert!(world.incident(&id).await.pending.is_empty());
}

#[tokio::test]
async fn directions_are_kept() {
    for (direction, goes_out, comes_in) in [
        ("inbound", false, true),
        ("outbound", true, false),
        ("none", false, false),
    ] {
        let (world, id, record) = imported().await;
        let path = format!("/integrations/{INTEGRATION}");
        let body = json!({"sync_direction": direction});
        assert_eq!(
            world.api(Method::PATCH, &path, Some(&body)).await.status(),
            200
        );
        world.clock.advance(SignedDuration::from_secs(60));
        world.edit(&id, &json!({"severity": "SEV-4"})).await;
        world.settle().await;
        assert_eq!(!world.writes().is_empty(), goes_out, "{direction}");
        world
            .pagerduty
            .person("ann@example.com")
            .acknowledge(&record)
            .expect("allowed");
        world.settle().await;
        let pulled = world.value(&id, Field::Status).await.as_deref() == Some("acknowledged");
        assert_eq!(pulled, comes_in, "{direction}");
    }
}

#[tokio::test]
async fn a_disabled_integration_stores_deliveries_and_catches_up_when_it_is_enabled() {
    let (world, id, record) = imported().await;
    let path = format!("/integrations/{INTEGRATION}");
    world
        .api(Method::PATCH, &path, Some(&json!({"enabled": false})))
        .await;
    world.clock.advance(SignedDuration::from_secs(60));
    world.edit(&id, &json!({"severity": "SEV-4"})).await;
    world.settle().await;
    assert!(world.writes().is_empty());
    let ann = world.pagerduty.person("ann@example.com");
    ann.trigger("while it was disabled", Urgency::Low)
        .expect("allowed");
    ann.acknowledge(&record).expect("allowed");
    world.settle().await;
    assert_eq!(world.incidents().await.len(), 1);
    world
        .api(Method::PATCH, &path, Some(&json!({"enabled": true})))
        .await;
    world.clock.advance(SignedDuration::from_secs(60));
    world
        .system
        .bring_open_work()
        .await
        .expect("the store answers");
    world.settle().await;
    let held = world.pagerduty.incident(&record).expect("it exists");
    assert_eq!(held.urgency, Urgency::Low, "what it was owed");
    assert_eq!(
        world.value(&id, Field::Status).await.as_deref(),
        Some("acknowledged")
    );
    assert_eq!(world.incidents().await.len(), 2, "what came in meanwhile");
}
