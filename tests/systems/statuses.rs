//! A resolution, a close and a reopening in every system.

use im_model::Field;
use im_sandbox::pagerduty::Status;
use im_tests::SERVICENOW;
use serde_json::json;

use super::{issue, linked, platform_status, seconds, ticket};

#[tokio::test]
async fn sev_2_survives_the_echo_of_high() {
    let (world, id) = linked().await;
    let severity = || world.value(&id, Field::Severity);
    assert_eq!(issue(&world, &id).await.priority.name, "High");
    world.edit(&id, &json!({"severity": "SEV-1"})).await;
    world.settle().await;
    world.edit(&id, &json!({"severity": "SEV-2"})).await;
    world.settle().await;
    assert_eq!(severity().await.as_deref(), Some("SEV-2"));
    assert_eq!(issue(&world, &id).await.priority.name, "High");
}

#[tokio::test]
async fn closed_survives_the_echo_of_resolved_and_a_reopen_reopens_all() {
    let (world, id) = linked().await;
    world.edit(&id, &json!({"status": "closed"})).await;
    world.settle().await;
    assert_eq!(platform_status(&world, &id).await, "closed");
    assert_eq!(issue(&world, &id).await.status.name, "Closed");
    assert_eq!(&ticket(&world, &id).await["state"], "7");
    let record = world.record_of(&id).await;
    let held = world.pagerduty.incident(&record).expect("it exists");
    assert_eq!(held.status, Status::Resolved);

    let key = issue(&world, &id).await.key;
    let bob = world.jira.person("bob@example.com");
    bob.transition(&key, "In Progress").expect("allowed");
    world.settle().await;
    assert_eq!(platform_status(&world, &id).await, "acknowledged");
    let held = world.pagerduty.incident(&record).expect("it exists");
    assert_eq!(held.status, Status::Acknowledged);
    assert_eq!(&ticket(&world, &id).await["state"], "2");
}

/// Each system in turn resolves and reopens; the others follow, and nobody is written twice.
#[tokio::test]
async fn a_resolution_and_a_reopening_reach_everybody_from_anywhere() {
    let (world, id) = linked().await;
    let (record, key) = (world.record_of(&id).await, issue(&world, &id).await.key);
    let sys_id = world.record_in(&id, SERVICENOW).await;
    let (ann, bob) = ("ann@example.com", "bob@example.com");
    let agree = async |platform: &str, pagerduty: Status, jira: &str, state: &str| {
        world.settle().await;
        world.clock.advance(seconds(60));
        assert_eq!(platform_status(&world, &id).await, platform);
        let held = world.pagerduty.incident(&record).expect("it exists");
        assert_eq!(held.status, pagerduty, "{platform}");
        assert_eq!(issue(&world, &id).await.status.name, jira, "{platform}");
        assert_eq!(&ticket(&world, &id).await["state"], state, "{platform}");
        assert_eq!(world.dead_letters().await, Vec::new());
    };
    world
        .servicenow
        .person(ann)
        .resolve(&sys_id)
        .expect("allowed");
    agree("resolved", Status::Resolved, "Resolved", "6").await;
    world
        .pagerduty
        .person(bob)
        .reopen(&record)
        .expect("allowed");
    agree("open", Status::Triggered, "To Do", "1").await;
    world
        .jira
        .person(bob)
        .move_to(&key, "Resolved")
        .expect("allowed");
    agree("resolved", Status::Resolved, "Resolved", "6").await;
    let reopen = [("state", "2")];
    world
        .servicenow
        .person(ann)
        .edit(&sys_id, &reopen)
        .expect("allowed");
    agree("acknowledged", Status::Acknowledged, "In Progress", "2").await;
    world
        .pagerduty
        .person(ann)
        .resolve(&record)
        .expect("allowed");
    agree("resolved", Status::Resolved, "Resolved", "6").await;
    world
        .jira
        .person(ann)
        .transition(&key, "In Progress")
        .expect("allowed");
    agree("acknowledged", Status::Acknowledged, "In Progress", "2").await;
    let revision = world.incident(&id).await.revision;
    world.announce(&record).await;
    world.settle().await;
    assert_eq!(world.incident(&id).await.revision, revision);
}
