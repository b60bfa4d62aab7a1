//! What the vendor cannot take is reported, and the rest syncs.

use im_model::{Field, NoticeKind};
use im_sandbox::pagerduty::Urgency;
use im_tests::World;
use serde_json::json;

use super::{imported, link};

#[tokio::test]
async fn a_description_that_changes_later_is_reported_once_and_blocks_nothing() {
    let world = World::new().await;
    let id = world
        .create(&json!({"title": "disk full", "description": "on db-1"}))
        .await;
    world.settle().await;
    world
        .edit(&id, &json!({"description": "on db-2", "severity": "SEV-1"}))
        .await;
    world.settle().await;
    let incident = world.incident(&id).await;
    let notice = &link(&incident).notices[&Field::Description];
    assert_eq!(notice.kind, NoticeKind::Unwritable);
    let record = world.record_of(&id).await;
    assert_eq!(
        world
            .pagerduty
            .incident(&record)
            .expect("it exists")
            .urgency,
        Urgency::High
    );
    let version = link(&incident).version;
    world
        .pagerduty
        .person("ann@example.com")
        .acknowledge(&record)
        .expect("allowed");
    world.settle().await;
    let incident = world.incident(&id).await;
    assert_eq!(
        link(&incident).notices[&Field::Description].about,
        notice.about
    );
    assert_eq!(
        link(&incident).version,
        version + 1,
        "only the acknowledgement"
    );
    // It was left alone, not refused: nobody is called for it.
    world.announce(&record).await;
    world.settle().await;
    assert_eq!(world.dead_letters().await, []);
}

#[tokio::test]
async fn a_description_that_is_added_later_is_reported_too() {
    let (world, id, _) = imported().await;
    world.edit(&id, &json!({"description": "on db-1"})).await;
    world.settle().await;
    let incident = world.incident(&id).await;
    assert_eq!(
        link(&incident).notices[&Field::Description].kind,
        NoticeKind::Unwritable
    );
}

#[tokio::test]
async fn a_value_the_vendor_cannot_hold_names_its_field_and_the_others_sync() {
    let (world, id, record) = imported().await;
    world
        .edit(&id, &json!({"priority": "P1", "severity": "SEV-3"}))
        .await;
    world.settle().await;
    world
        .edit(&id, &json!({"priority": null, "severity": "SEV-1"}))
        .await;
    world.settle().await;
    let dead = world.dead_letters().await;
    assert_eq!(dead.len(), 1);
    assert!(
        dead[0].failures[0]
            .error
            .contains("priority: the vendor refuses an empty value"),
        "{dead:?}"
    );
    assert_eq!(
        world
            .pagerduty
            .incident(&record)
            .expect("it exists")
            .urgency,
        Urgency::High
    );
    let incident = world.incident(&id).await;
    assert_eq!(
        link(&incident).notices[&Field::Priority].kind,
        NoticeKind::Unwritable
    );
}
