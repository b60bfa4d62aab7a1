//! Reconciled by itself: by schedule, or because an integration is polled.

use http::Method;
use im_model::Field;
use im_tests::{INTEGRATION, JIRA, World};
use serde_json::json;

use crate::{linked, minutes};

async fn schedule(world: &World, integration: &str, body: &serde_json::Value) -> u16 {
    let path = format!("/integrations/{integration}/reconcile/schedule");
    world
        .api(Method::POST, &path, Some(body))
        .await
        .status()
        .as_u16()
}

/// Minutes pass, each with its tick.
async fn pass(world: &World, count: i64) {
    for _ in 0..count {
        world.clock.advance(minutes(1));
        world.tick().await;
        world.run_now().await;
    }
}

#[tokio::test]
async fn a_lost_webhook_is_made_good_by_the_next_scheduled_run() {
    let (world, id) = linked().await;
    let every = json!({"interval": "15m", "auto_heal": true, "enabled": true});
    assert_eq!(schedule(&world, JIRA, &every).await, 200);
    pass(&world, 20).await;
    let key = world.record_in(&id, JIRA).await;
    let bob = world.jira.person("bob@example.com");
    bob.transition(&key, "In Progress").expect("allowed");
    bob.comment(&key, "on it", false).expect("allowed");
    world.lose_webhooks();
    pass(&world, 15).await;
    let status = world.value(&id, Field::Status).await;
    assert_eq!(status.as_deref(), Some("acknowledged"));
    assert_eq!(world.notes(&id).await.len(), 1);
    pass(&world, 15).await;
    assert_eq!(world.notes(&id).await.len(), 1, "not twice");
    assert_eq!(world.jira.issues().len(), 1);
    let history = world
        .read(&format!("/integrations/{JIRA}/reconcile/history"))
        .await;
    let runs = history["items"].as_array().expect("items");
    assert_eq!(runs.len(), 3, "{runs:#?}");
    let first = runs.last().expect("a run");
    assert_eq!(first["started_by"]["kind"], "schedule", "{first}");
    assert_eq!(first["since"], json!(null), "the first looks at everything");
    assert_ne!(
        runs[0]["since"],
        json!(null),
        "the later ones at what changed"
    );
}

#[tokio::test]
async fn a_schedule_is_shown_changed_and_removed() {
    let (world, _) = linked().await;
    let path = format!("/integrations/{INTEGRATION}/reconcile/schedule");
    let get = async || world.api(Method::GET, &path, None).await.status().as_u16();
    assert_eq!(get().await, 404);
    for bad in ["0m", "31d", "1w", ""] {
        assert_eq!(
            schedule(&world, INTEGRATION, &json!({"interval": bad})).await,
            422,
            "{bad}"
        );
    }
    assert_eq!(
        schedule(&world, INTEGRATION, &json!({"interval": "1m"})).await,
        200
    );
    pass(&world, 3).await;
    let history = format!("/integrations/{INTEGRATION}/reconcile/history");
    let runs = async || {
        world.read(&history).await["items"]
            .as_array()
            .expect("items")
            .len()
    };
    let so_far = runs().await;
    assert!(so_far >= 2, "{so_far}");
    let off = json!({"interval": "1m", "enabled": false});
    assert_eq!(schedule(&world, INTEGRATION, &off).await, 200);
    pass(&world, 3).await;
    assert_eq!(runs().await, so_far);
    assert_eq!(world.api(Method::DELETE, &path, None).await.status(), 204);
    assert_eq!(get().await, 404);
}

/// Nobody sends webhooks: the reconciler is the way in.
#[tokio::test]
async fn a_polled_integration_hears_of_what_changed_without_webhooks() {
    let (world, id) = linked().await;
    let path = format!("/integrations/{JIRA}");
    let polled = json!({"mode": "polling"});
    let changed = world.api(Method::PATCH, &path, Some(&polled)).await;
    assert_eq!(changed.status(), 200, "{changed:?}");
    let key = world.record_in(&id, JIRA).await;
    let bob = world.jira.person("bob@example.com");
    bob.transition(&key, "In Progress").expect("allowed");
    bob.comment(&key, "on it", false).expect("allowed");
    bob.create("printer on fire").expect("allowed");
    world.lose_webhooks();
    for _ in 0..2 {
        pass(&world, 1).await;
        world.lose_webhooks();
        world.settle().await;
    }
    let status = world.value(&id, Field::Status).await;
    assert_eq!(status.as_deref(), Some("acknowledged"));
    assert_eq!(world.notes(&id).await.len(), 1);
    assert_eq!(world.incidents().await.len(), 2);
    pass(&world, 5).await;
    assert_eq!(
        (world.notes(&id).await.len(), world.incidents().await.len()),
        (1, 2)
    );
}
