//! One incident in several systems.
#![allow(missing_docs, clippy::expect_used, reason = "tests")]

#[path = "systems/notes.rs"]
mod notes;
#[path = "systems/overwritten.rs"]
mod overwritten;
#[path = "systems/refused.rs"]
mod refused;
#[path = "systems/statuses.rs"]
mod statuses;

use std::sync::Arc;

use http::Method;
use im_model::{Field, IncidentId};
use im_sandbox::pagerduty::Urgency;
use im_tests::{JIRA, SERVICENOW, World};
use jiff::SignedDuration;
use serde_json::json;

fn seconds(seconds: i64) -> SignedDuration {
    SignedDuration::from_secs(seconds)
}

/// An incident that is linked everywhere, some time ago.
async fn linked() -> (Arc<World>, IncidentId) {
    let world = World::with_all().await;
    let id = world
        .create(&json!({"title": "db down", "severity": "SEV-2"}))
        .await;
    world.settle().await;
    world.clock.advance(seconds(60));
    (world, id)
}

async fn issue(world: &World, id: &IncidentId) -> im_sandbox::jira::Issue {
    let key = world.record_in(id, JIRA).await;
    world.jira.issue(&key).expect("the issue exists")
}

async fn ticket(world: &World, id: &IncidentId) -> im_sandbox::servicenow::Record {
    let sys_id = world.record_in(id, SERVICENOW).await;
    world.servicenow.incident(&sys_id).expect("it exists")
}

async fn platform_status(world: &World, id: &IncidentId) -> String {
    world.value(id, Field::Status).await.expect("a status")
}

#[tokio::test]
async fn a_record_of_one_vendor_gets_one_at_each_other() {
    let world = World::with_all().await;
    let ann = world.pagerduty.person("ann@example.com");
    ann.trigger("db down", Urgency::High).expect("allowed");
    world.settle().await;
    let incident = world.only_incident().await;
    assert_eq!(world.jira.issues().len(), 1);
    let issue = issue(&world, &incident.id).await;
    assert_eq!(issue.summary, "db down");
    assert_eq!(issue.priority.name, "High");
    assert_eq!(issue.labels, [incident.id.as_str()]);
    let ticket = ticket(&world, &incident.id).await;
    assert_eq!(&ticket["short_description"], "db down");
    assert_eq!((&ticket["impact"], &ticket["urgency"]), ("2", "1"));
    assert_eq!(&ticket["correlation_id"], incident.id.as_str());
    assert_eq!(world.servicenow.incidents().len(), 1);
    assert_eq!(world.pagerduty.incidents().len(), 1);
}

/// Two external owners of one field, default ownership: each edit comes in, and nothing goes round.
#[tokio::test]
async fn trace_1_two_external_owners_do_not_chase_each_other() {
    let (world, id) = linked().await;
    let (record, key) = (world.record_of(&id).await, issue(&world, &id).await.key);
    let before = world.all_writes();
    let ann = world.pagerduty.person("ann@example.com");
    ann.reassign(&record, "ann@example.com").expect("allowed");
    world.run_now().await;
    world.clock.advance(seconds(2));
    let bob = world.jira.person("bob@example.com");
    bob.assign(&key, Some("bob@example.com")).expect("allowed");
    world.settle().await;
    let assignee = world.value(&id, Field::AssignedTo).await;
    assert_eq!(
        assignee.as_deref(),
        Some("bob@example.com"),
        "the later edit"
    );
    let revision = world.incident(&id).await.revision;
    world.announce(&record).await;
    bob.comment(&key, "Looking", true).expect("allowed");
    world.settle().await;
    let incident = world.incident(&id).await;
    assert_eq!(
        incident.value(&Field::AssignedTo).as_str(),
        Some("bob@example.com")
    );
    assert_eq!(
        incident.revision,
        revision + 1,
        "the comment, and nothing else"
    );
    let assigned = |write: &&String| !before.contains(write) && !write.ends_with("/notes");
    let writes = world.all_writes();
    assert_eq!(
        writes.iter().find(assigned),
        None,
        "nobody is assigned by us"
    );
}

/// The vendor holds our create for longer than the lease; whoever takes over finds nothing and creates another.
#[tokio::test]
async fn trace_14_a_late_commit_is_detected_and_reported() {
    let world = World::with_all().await;
    world.transport.hold_next(Method::POST, "/rest/api/3/issue");
    let id = world.create(&json!({"title": "db down"})).await;
    world.settle().await;
    let linked = issue(&world, &id).await;
    assert_eq!(world.jira.issues().len(), 1, "the second attempt's");
    assert_eq!(world.dead_letters().await, Vec::new());

    world.clock.advance(seconds(600));
    assert_eq!(world.transport.release_held(), 1);
    world.settle().await;
    assert_eq!(world.jira.issues().len(), 2, "nobody can take it back");
    assert_eq!(world.incidents().await.len(), 1, "it is no second incident");
    assert_eq!(issue(&world, &id).await.key, linked.key, "the link stays");
    let dead = world.dead_letters().await;
    let error = &dead[0].failures.last().expect("an error").error;
    let late = world
        .jira
        .issues()
        .into_iter()
        .find(|issue| issue.key != linked.key);
    let late = late.expect("the late one");
    for named in [late.id.as_str(), linked.id.as_str(), id.as_str()] {
        assert!(error.contains(named), "{error} names {named}");
    }
}

#[tokio::test]
async fn custom_fields_are_mapped_by_configuration_and_typed() {
    let (world, id) = linked().await;
    let edit = json!({"custom_fields": {"environment": "Staging", "customers": "012.50"}});
    world.edit(&id, &edit).await;
    world.settle().await;
    let custom = issue(&world, &id).await.custom;
    assert_eq!(custom["customfield_10050"], "Staging");
    assert_eq!(custom["customfield_10051"], json!(12.5));
    let ticket = ticket(&world, &id).await;
    assert_eq!(&ticket["u_environment"], "Staging");
    let bob = world.servicenow.person("bob@example.com");
    let edit = [("u_environment", "Production")];
    bob.edit(&ticket["sys_id"], &edit).expect("allowed");
    world.settle().await;
    let field = Field::Custom("environment".to_owned());
    assert_eq!(world.value(&id, field).await.as_deref(), Some("Production"));
    let custom = issue(&world, &id).await.custom;
    assert_eq!(custom["customfield_10050"], "Production");
    // What is no number is reported, and nothing is guessed.
    let edit = json!({"custom_fields": {"customers": "many"}, "title": "db is down"});
    world.edit(&id, &edit).await;
    world.settle().await;
    let held = issue(&world, &id).await;
    assert_eq!(held.custom["customfield_10051"], json!(12.5));
    assert_eq!(held.summary, "db is down");
    let dead = world.dead_letters().await;
    assert!(
        dead[0].failures[0].error.contains("custom.customers"),
        "{dead:?}"
    );
}

/// A link of an integration that is gone is owed nothing, whoever brings a change.
#[tokio::test]
async fn nobody_stays_in_debt_to_a_deleted_integration() {
    let (world, id) = linked().await;
    let path = format!("/integrations/{JIRA}");
    let deleted = world.api(Method::DELETE, &path, None).await;
    assert_eq!(deleted.status(), 200, "{deleted:?}");
    world.clock.advance(seconds(60));
    let record = world.record_of(&id).await;
    let ann = world.pagerduty.person("ann@example.com");
    ann.acknowledge(&record).expect("allowed");
    world.settle().await;
    assert_eq!(platform_status(&world, &id).await, "acknowledged");
    assert_eq!(&ticket(&world, &id).await["state"], "2");
    let pending = world.incident(&id).await.pending;
    assert!(pending.is_empty(), "{pending:?}");
    assert_eq!(world.dead_letters().await, Vec::new());
}
