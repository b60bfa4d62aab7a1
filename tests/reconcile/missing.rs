//! What should be there and is not: records, incidents, notes.

use http::Method;
use im_model::{IntegrationType, NoteKind};
use im_sandbox::pagerduty::Urgency;
use im_tests::{INTEGRATION, JIRA, SERVICENOW, World};
use serde_json::json;

use crate::{is_healed, linked, minutes};

#[tokio::test]
async fn a_record_whose_creation_nobody_heard_of_becomes_an_incident() {
    for vendor in IntegrationType::ALL.iter().copied() {
        let world = World::with_all().await;
        world.clock.advance(minutes(1));
        match vendor {
            IntegrationType::PagerDuty => {
                let ann = world.pagerduty.person("ann@example.com");
                ann.trigger("disk full", Urgency::High).expect("allowed");
            }
            IntegrationType::ServiceNow => {
                let ann = world.servicenow.person("ann@example.com");
                ann.open_with(&[("short_description", "disk full")])
                    .expect("allowed");
            }
            IntegrationType::Jira => {
                world
                    .jira
                    .person("ann@example.com")
                    .create("disk full")
                    .expect("allowed");
            }
        }
        world.lose_webhooks();
        world.clock.advance(minutes(1));
        is_healed(&world, vendor, &["missed_create - create_incident"]).await;
        let incident = world.only_incident().await;
        assert_eq!(
            incident.links.len(),
            3,
            "{vendor}: and from there to the others"
        );
    }
}

/// What was there before the integration is a backfill's.
#[tokio::test]
async fn what_is_older_than_the_integration_is_no_drift() {
    let world = World::unconnected(1).await;
    let ann = world.pagerduty.person("ann@example.com");
    ann.trigger("long ago", Urgency::High).expect("allowed");
    world.lose_webhooks();
    let id = world.create(&json!({"title": "older"})).await;
    world.settle().await;
    world.clock.advance(minutes(10));
    world.connect(IntegrationType::PagerDuty).await;
    world.clock.advance(minutes(10));
    assert_eq!(world.dry_run(INTEGRATION).await.found(), [""; 0]);

    let backfill = async |body| {
        let path = format!("/integrations/{INTEGRATION}/backfill");
        let started = world.api(Method::POST, &path, Some(&body)).await;
        assert_eq!(started.status(), 202, "{started:?}");
        let run: serde_json::Value = serde_json::from_slice(started.body()).expect("JSON");
        world.finish_runs().await;
        world
            .report(INTEGRATION, run["id"].as_str().expect("an id"))
            .await
    };
    let expected = [
        "missed_create - create_incident",
        "missing_record - create_record",
    ];
    assert_eq!(backfill(json!({"dry_run": true})).await.found(), expected);
    assert_eq!(world.incidents().await.len(), 1);
    assert_eq!(world.pagerduty.incidents().len(), 1);
    let one = backfill(json!({"dry_run": true, "limit": 1})).await;
    assert_eq!(one.found().len(), 1);

    let applied = backfill(json!({"apply": true})).await;
    assert_eq!(
        (applied.status(), applied.count("healed")),
        ("done", 2),
        "{applied:#?}"
    );
    world.settle().await;
    assert_eq!(world.incidents().await.len(), 2);
    assert_eq!(world.pagerduty.incidents().len(), 2);
    world.record_of(&id).await;

    let again = backfill(json!({"apply": true})).await;
    assert_eq!(again.found(), [""; 0]);
    world.settle().await;
    assert_eq!(
        (
            world.incidents().await.len(),
            world.pagerduty.incidents().len()
        ),
        (2, 2)
    );
}

/// It was written while the integration was disabled, and nobody owes it to it.
#[tokio::test]
async fn an_incident_without_a_record_gets_one() {
    for vendor in IntegrationType::ALL.iter().copied() {
        let world = World::with_all().await;
        world.clock.advance(minutes(1));
        let path = format!("/integrations/{}", World::integration_with(vendor));
        let enable = async |on: bool| {
            let body = json!({"enabled": on});
            let changed = world.api(Method::PATCH, &path, Some(&body)).await;
            assert_eq!(changed.status(), 200, "{changed:?}");
            world.clock.advance(minutes(1));
        };
        enable(false).await;
        let id = world.create(&json!({"title": "db down"})).await;
        world.settle().await;
        enable(true).await;
        world.tick().await;
        world.settle().await;
        is_healed(&world, vendor, &["missing_record - create_record"]).await;
        world.record_in(&id, World::integration_with(vendor)).await;
    }
}

#[tokio::test]
async fn a_note_whose_webhook_was_lost_is_brought_once() {
    for vendor in IntegrationType::ALL.iter().copied() {
        let (world, id) = linked().await;
        let record = world.record_in(&id, World::integration_with(vendor)).await;
        let (ann, text) = ("ann@example.com", "looking into it");
        let kind = match vendor {
            IntegrationType::PagerDuty => {
                world
                    .pagerduty
                    .person(ann)
                    .note(&record, text)
                    .expect("allowed");
                "work_notes"
            }
            IntegrationType::ServiceNow => {
                world
                    .servicenow
                    .person(ann)
                    .work_note(&record, text)
                    .expect("allowed");
                "work_notes"
            }
            IntegrationType::Jira => {
                let jira = world.jira.person(ann);
                jira.comment(&record, text, false).expect("allowed");
                "comments"
            }
        };
        world.lose_webhooks();
        let expected = format!("missing_note {kind} import_note");
        is_healed(&world, vendor, &[&expected]).await;
        let notes = world.notes(&id).await;
        assert_eq!(notes.len(), 1, "{vendor}: {notes:#?}");
        assert_eq!(notes[0].text, text);
        let copies = world
            .servicenow
            .journal(&world.record_in(&id, SERVICENOW).await);
        assert!(copies.len() <= 1, "{vendor}: {copies:#?}");
    }
}

/// The webhook comes after all, or again: nothing is doubled.
#[tokio::test]
async fn a_webhook_that_comes_after_the_heal_changes_nothing() {
    let (world, id) = linked().await;
    let key = world.record_in(&id, JIRA).await;
    let bob = world.jira.person("bob@example.com");
    bob.comment(&key, "late", false).expect("allowed");
    let late = world.drain_webhooks();
    world.auto_heal(JIRA).await;
    world.settle().await;
    let writes = world.all_writes().len();
    for (vendor, delivery) in &late {
        assert_eq!(world.post(*vendor, delivery).await, 202);
    }
    world.settle().await;
    let notes = world.notes(&id).await;
    let comments = notes.iter().filter(|note| note.kind == NoteKind::Comment);
    assert_eq!(comments.count(), 1, "{notes:#?}");
    assert_eq!(world.all_writes().len(), writes);
}
