//! What a system refuses is reported, holds up nothing else and takes nothing back.

use http::Method;
use im_model::{Field, NoticeKind};
use im_sandbox::{Fault, FaultRule};
use im_tests::{INTEGRATION, JIRA, Moment, SERVICENOW, World};
use serde_json::json;

use super::{issue, linked, platform_status, seconds, ticket};

/// Without a close code the instance refuses to resolve; the other fields of the same edit are written.
#[tokio::test]
async fn a_data_policy_is_reported_and_the_rest_syncs() {
    let world = World::with_all().await;
    let options = json!({"options": {"close_code": ""}});
    let path = format!("/integrations/{SERVICENOW}");
    let changed = world.api(Method::PATCH, &path, Some(&options)).await;
    assert_eq!(changed.status(), 200, "{changed:?}");
    world.clock.advance(seconds(60));
    let id = world.create(&json!({"title": "db down"})).await;
    world.settle().await;
    let edit = json!({"title": "db is down", "status": "resolved"});
    world.edit(&id, &edit).await;
    world.settle().await;
    let ticket = ticket(&world, &id).await;
    assert_eq!(&ticket["short_description"], "db is down");
    assert_eq!(&ticket["state"], "1");
    let incident = world.incident(&id).await;
    let link = &incident.links[&SERVICENOW.parse().expect("an id")];
    let notice = &link.notices[&Field::Status];
    assert!(notice.detail.contains("Data Policy"), "{}", notice.detail);
    let dead = world.dead_letters().await;
    assert!(dead[0].failures[0].error.contains("status"), "{dead:?}");
    assert_eq!(
        issue(&world, &id).await.status.name,
        "Resolved",
        "its neighbour is fine"
    );
}

/// A transition that the workflow does not have is reported; the other fields of the same edit are written.
#[tokio::test]
async fn a_refused_transition_is_reported_and_the_rest_syncs() {
    let world = World::with_workflow(im_sandbox::jira::Workflow::without_a_way_to_done()).await;
    let id = world.create(&json!({"title": "db down"})).await;
    world.settle().await;
    let edit = json!({"title": "db is down", "status": "resolved", "severity": "SEV-1"});
    world.edit(&id, &edit).await;
    world.settle().await;
    let issue = issue(&world, &id).await;
    assert_eq!(issue.summary, "db is down");
    assert_eq!(issue.priority.name, "Highest");
    assert_eq!(issue.status.name, "To Do");
    let incident = world.incident(&id).await;
    let jira = &incident.links[&JIRA.parse().expect("an id")];
    let notice = &jira.notices[&Field::Status];
    assert_eq!(notice.kind, NoticeKind::Unwritable);
    assert!(notice.detail.contains("Done"), "{}", notice.detail);
    let dead = world.dead_letters().await;
    assert!(dead[0].failures[0].error.contains("status"), "{dead:?}");
    let pagerduty = &incident.links[&INTEGRATION.parse().expect("an id")];
    assert!(pagerduty.notices.is_empty(), "its neighbour is fine");
}

fn unavailable() -> Fault {
    Fault::RefuseWith {
        status: 503,
        body: json!({}),
        headers: std::collections::BTreeMap::new(),
    }
}

/// Half a way through the workflow, Jira is gone for a moment.
#[tokio::test]
async fn a_walk_that_breaks_off_takes_nothing_back() {
    let (world, id) = linked().await;
    let key = world.record_in(&id, JIRA).await;
    world.edit(&id, &json!({"status": "resolved"})).await;
    // Whatever we do there is later than what the person did here.
    world.clock.advance(seconds(1));
    let jira = world.jira.clone();
    world.transport.once_at(
        Moment::BeforeAnswer,
        Method::POST,
        "/transitions",
        move || async move {
            let gone = FaultRule::once(unavailable()).method(&Method::POST);
            jira.add_fault(gone.path_contains("/transitions"));
        },
    );
    world.run_outbound().await;
    let issue = world.jira.issue(&key).expect("it exists");
    assert_eq!(issue.status.name, "In Progress", "half a way");
    world.settle().await;
    let issue = world.jira.issue(&key).expect("it exists");
    assert_eq!(
        world.value(&id, Field::Status).await.as_deref(),
        Some("resolved")
    );
    assert_eq!(issue.status.name, "Resolved");
}

/// Jira refuses the second step, and no way leads back.
#[tokio::test]
async fn a_refusal_half_a_way_is_reported_and_takes_nothing_back() {
    let mut workflow = im_sandbox::jira::Workflow::service();
    workflow
        .transitions
        .retain(|one| one.name != "Back to queue");
    let world = World::with_workflow(workflow).await;
    let id = world.create(&json!({"title": "db down"})).await;
    world.settle().await;
    world.clock.advance(seconds(60));
    let key = world.record_in(&id, JIRA).await;
    world.edit(&id, &json!({"status": "resolved"})).await;
    world.clock.advance(seconds(1));
    let jira = world.jira.clone();
    world.transport.once_at(
        Moment::BeforeAnswer,
        Method::POST,
        "/transitions",
        move || async move {
            let refused = Fault::RefuseWith {
                status: 400,
                body: json!({"errorMessages": ["Not now"]}),
                headers: std::collections::BTreeMap::new(),
            };
            let refused = FaultRule::once(refused).method(&Method::POST);
            jira.add_fault(refused.path_contains("/transitions"));
        },
    );
    world.settle().await;
    let jira = world.jira.person("bob@example.com");
    jira.edit(&key, &json!({"summary": "db is down"}))
        .expect("allowed");
    world.settle().await;
    assert_eq!(platform_status(&world, &id).await, "resolved");
    assert_eq!(issue(&world, &id).await.status.name, "In Progress");
    let dead = world.dead_letters().await;
    assert!(dead[0].failures[0].error.contains("Not now"), "{dead:?}");
    world.edit(&id, &json!({"status": "closed"})).await;
    world.settle().await;
    assert_eq!(issue(&world, &id).await.status.name, "Closed");
}
