//! Notes of several systems, each everywhere once.

use http::Method;
use im_model::NoteKind;
use im_sandbox::{Fault, FaultRule};
use im_tests::{JIRA, Moment, SERVICENOW};
use serde_json::json;

use super::{issue, linked, seconds};

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
