//! One incident in several systems.
#![allow(missing_docs, clippy::expect_used, reason = "tests")]

use std::sync::Arc;

use http::Method;
use im_model::{Field, IncidentId, NoteKind, NoticeKind};
use im_sandbox::{
    Fault, FaultRule,
    pagerduty::{Status, Urgency},
};
use im_tests::{INTEGRATION, JIRA, Moment, SERVICENOW, World};
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

/// What customers may see and what they may not keep apart; each note is everywhere once.
#[tokio::test]
async fn notes_of_each_system_reach_the_others_once() {
    let (world, id) = linked().await;
    let (record, key) = (world.record_of(&id).await, issue(&world, &id).await.key);
    let sys_id = world.record_in(&id, SERVICENOW).await;
    let ann = "ann@example.com";
    let pagerduty = world.pagerduty.person(ann);
    pagerduty.note(&record, "From PagerDuty").expect("allowed");
    let servicenow = world.servicenow.person(ann);
    servicenow
        .work_note(&sys_id, "From ServiceNow")
        .expect("allowed");
    servicenow
        .comment(&sys_id, "To the customer")
        .expect("allowed");
    let jira = world.jira.person(ann);
    jira.comment(&key, "From Jira", true).expect("allowed");
    jira.comment(&key, "Back soon", false).expect("allowed");
    world.settle().await;
    let notes = world.notes(&id).await;
    let texts = |kind: NoteKind| {
        let of = notes.iter().filter(|note| note.kind == kind);
        let mut texts: Vec<_> = of.map(|note| note.text.clone()).collect();
        texts.sort();
        texts
    };
    assert_eq!(texts(NoteKind::Comment), ["Back soon", "To the customer"]);
    assert_eq!(
        texts(NoteKind::WorkNote),
        ["From Jira", "From PagerDuty", "From ServiceNow"]
    );
    let held = world.pagerduty.incident(&record).expect("it exists").notes;
    assert_eq!(held.len(), 5, "all of them: {held:#?}");
    let comments = issue(&world, &id).await.comments;
    // The customer's comments are Jira's own by default, so only work notes go there.
    assert_eq!(comments.len(), 4, "{comments:#?}");
    assert_eq!(
        comments
            .iter()
            .filter(|comment| !comment.is_internal())
            .count(),
        1
    );
    let journal = world.servicenow.journal(&sys_id);
    // The work notes are ServiceNow's own by default, so only comments go there.
    let of = |element: &str| {
        journal
            .iter()
            .filter(|entry| &entry["element"] == element)
            .count()
    };
    assert_eq!((of("comments"), of("work_notes")), (2, 1), "{journal:#?}");
    let before = world.all_writes();
    world.announce(&record).await;
    world.settle().await;
    assert_eq!(world.all_writes(), before);
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

/// An edited comment comes in as a further note; a copy that somebody removed is not sent again.
#[tokio::test]
async fn edits_and_deletions_of_notes_do_what_readers_expect() {
    let (world, id) = linked().await;
    let key = issue(&world, &id).await.key;
    let ann = world.jira.person("ann@example.com");
    let comment = ann.comment(&key, "It is the cache", true).expect("allowed");
    world.settle().await;
    world.clock.advance(seconds(60));
    ann.edit_comment(&key, &comment, "It is the network")
        .expect("allowed");
    world.settle().await;
    let notes = world.notes(&id).await;
    let texts: Vec<_> = notes.iter().map(|note| note.text.as_str()).collect();
    assert_eq!(texts, ["It is the cache", "It is the network"]);
    assert_eq!(
        notes[1].edit_of.as_ref().map(im_model::NoteId::as_str),
        Some(&*comment)
    );
    let record = world.record_of(&id).await;
    let held = world.pagerduty.incident(&record).expect("it exists").notes;
    assert_eq!(held.len(), 2, "{held:#?}");
    assert!(held[1].content.contains("edited a note on"), "{held:#?}");

    world
        .write_note(&id, NoteKind::WorkNote, "A secret, by mistake")
        .await;
    world.settle().await;
    let ours = |comment: &im_sandbox::jira::Comment| comment.text().contains("by mistake");
    let copy = issue(&world, &id).await.comments.into_iter().find(ours);
    let copy = copy.expect("it was sent");
    ann.delete_comment(&key, &copy.id).expect("allowed");
    ann.comment(&key, "Removed it", true).expect("allowed");
    world.settle().await;
    assert!(
        !issue(&world, &id).await.comments.iter().any(ours),
        "it stays removed"
    );
    assert_eq!(world.notes(&id).await.len(), 4, "the platform keeps it");
    assert_eq!(world.dead_letters().await, Vec::new());
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

/// What somebody writes at the vendor between our read and our write is a conflict, not lost.
async fn overwritten(
    world: &Arc<World>,
    id: &IncidentId,
    integration: &str,
    (method, path): (Method, &str),
    edit: impl FnOnce() + Send + 'static,
) -> im_model::Notice {
    world.edit(id, &json!({"title": "ours"})).await;
    let clock = world.clock.clone();
    world.transport.once_at(
        im_tests::Moment::BeforeArrival,
        method,
        path,
        move || async move {
            clock.advance(seconds(1));
            edit();
            clock.advance(seconds(1));
        },
    );
    world.run_outbound().await;
    world.settle().await;
    assert!(!world.transport.has_interludes());
    assert_eq!(world.value(id, Field::Title).await.as_deref(), Some("ours"));
    assert_eq!(world.dead_letters().await, Vec::new());
    let claims = world.claims_in(id, integration).await;
    let mut decisions = claims
        .iter()
        .filter_map(|claim| claim.decisions.get(&Field::Title));
    let lost = decisions.find(|decision| decision.external.as_str() == Some("theirs"));
    assert!(
        lost.is_some_and(|decision| decision.lost.is_some()),
        "{claims:#?}"
    );
    let incident = world.incident(id).await;
    incident.links[&integration.parse().expect("an id")].notices[&Field::Title].clone()
}

#[tokio::test]
async fn what_servicenow_lost_to_our_write_is_in_the_journal() {
    let (world, id) = linked().await;
    let sys_id = world.record_in(&id, SERVICENOW).await;
    let servicenow = world.servicenow.clone();
    let notice = overwritten(
        &world,
        &id,
        SERVICENOW,
        (Method::PATCH, "/incident/"),
        move || {
            let bob = servicenow.person("bob@example.com");
            bob.edit(&sys_id, &[("short_description", "theirs")])
                .expect("allowed");
        },
    )
    .await;
    assert_eq!(notice.kind, NoticeKind::Conflict);
    assert_eq!(&ticket(&world, &id).await["short_description"], "ours");
}

#[tokio::test]
async fn what_jira_lost_to_our_write_is_in_the_journal() {
    let (world, id) = linked().await;
    let key = issue(&world, &id).await.key;
    let jira = world.jira.clone();
    let notice = overwritten(
        &world,
        &id,
        JIRA,
        (Method::PUT, "/rest/api/3/issue/"),
        move || {
            let bob = jira.person("bob@example.com");
            bob.edit(&key, &json!({"summary": "theirs"}))
                .expect("allowed");
        },
    )
    .await;
    assert_eq!(notice.kind, NoticeKind::Conflict);
    assert_eq!(issue(&world, &id).await.summary, "ours");
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

/// A comment that is announced while our write is in flight.
#[tokio::test]
async fn a_note_beside_an_echo_is_not_passed_over() {
    let (world, id) = linked().await;
    let sys_id = world.record_in(&id, SERVICENOW).await;
    world.edit(&id, &json!({"title": "db is down"})).await;
    let (other, record) = (world.clone(), sys_id.clone());
    world.transport.once_at(
        Moment::BeforeAnswer,
        Method::PATCH,
        "/incident/",
        move || async move {
            let ann = other.servicenow.person("ann@example.com");
            ann.comment(&record, "Please hurry").expect("allowed");
            other.deliver_webhooks().await;
            other.run_inbound().await;
        },
    );
    world.run_outbound().await;
    world.settle().await;
    assert!(!world.transport.has_interludes());
    let notes = world.notes(&id).await;
    assert_eq!(notes.len(), 1, "{notes:#?}");
    assert_eq!(notes[0].kind, NoteKind::Comment);
}

/// An account that may not comment still syncs fields, at once, and each note is reported once.
#[tokio::test]
async fn a_note_that_is_not_permitted_holds_up_no_field() {
    let (world, id) = linked().await;
    let forbidden = Fault::RefuseWith {
        status: 403,
        body: json!({}),
        headers: std::collections::BTreeMap::new(),
    };
    let forbidden = FaultRule::always(forbidden).method(&Method::POST);
    world.jira.add_fault(forbidden.path_contains("/comment"));
    world.write_note(&id, NoteKind::WorkNote, "One").await;
    world.run_now().await;
    assert_eq!(world.dead_letters().await.len(), 1);
    world.edit(&id, &json!({"title": "db is down"})).await;
    world.run_now().await;
    assert_eq!(issue(&world, &id).await.summary, "db is down");
    assert_eq!(world.dead_letters().await, Vec::new());
    assert!(world.incident(&id).await.pending.is_empty());
}

/// What was written while the two were parted comes with the new link.
#[tokio::test]
async fn a_link_by_hand_brings_the_notes_that_are_there() {
    let (world, id) = linked().await;
    let (key, record) = {
        let issue = issue(&world, &id).await;
        (issue.key, issue.id)
    };
    let parted = format!("/incidents/{id}/links?integration_id={JIRA}");
    let parted = world.api(Method::DELETE, &parted, None).await;
    assert_eq!(parted.status(), 200, "{parted:?}");
    let bob = world.jira.person("bob@example.com");
    bob.comment(&key, "While parted", true).expect("allowed");
    world.settle().await;
    assert_eq!(world.notes(&id).await.len(), 0);
    world.clock.advance(seconds(60));
    let again = json!({"integration_id": JIRA, "external_id": record});
    let path = format!("/incidents/{id}/links");
    let again = world.api(Method::POST, &path, Some(&again)).await;
    assert_eq!(again.status(), 201, "{again:?}");
    world.settle().await;
    assert_eq!(world.notes(&id).await.len(), 1);
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
