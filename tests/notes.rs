//! Notes: each one reaches the other side once, whatever is lost on the way.
#![allow(missing_docs, clippy::expect_used, reason = "tests")]

use std::sync::Arc;

use http::Method;
use im_model::{IncidentId, NoteCopy, NoteKind, NoteSource};
use im_sandbox::{Fault, FaultRule, pagerduty::Note};
use im_tests::{INTEGRATION, World};
use jiff::SignedDuration;
use serde_json::json;

async fn linked() -> (Arc<World>, IncidentId, String) {
    let world = World::new().await;
    let id = world.create(&json!({"title": "db down"})).await;
    world.settle().await;
    world.clock.advance(SignedDuration::from_secs(60));
    let record = world.record_of(&id).await;
    (world, id, record)
}

fn held(world: &World, record: &str) -> Vec<Note> {
    world.pagerduty.incident(record).expect("it exists").notes
}

#[tokio::test]
async fn both_lists_reach_the_vendor_with_author_and_time() {
    let (world, id, record) = linked().await;
    world
        .write_note(&id, NoteKind::Comment, "We are on it")
        .await;
    world.clock.advance(SignedDuration::from_secs(1));
    world
        .write_note(&id, NoteKind::WorkNote, "It is the cache")
        .await;
    world.settle().await;
    let texts: Vec<_> = held(&world, &record)
        .into_iter()
        .map(|note| note.content)
        .collect();
    assert_eq!(texts.len(), 2, "{texts:?}");
    let sent = texts.iter().find(|text| text.contains("It is the cache"));
    let sent = sent.expect("it is there");
    assert!(sent.starts_with("ann@example.com wrote on 2026-"), "{sent}");
    let notes = world.notes(&id).await;
    let is_sent = |copy: &NoteCopy| matches!(copy, NoteCopy::Sent { id: Some(_) });
    for note in &notes {
        assert!(note.copies.values().all(is_sent), "{note:?}");
        assert_eq!(note.copies.len(), 1, "{note:?}");
    }
    assert!(world.incident(&id).await.pending.is_empty());
}

#[tokio::test]
async fn a_vendors_note_becomes_a_work_note_once() {
    let (world, id, record) = linked().await;
    let bob = world.pagerduty.person("bob@example.com");
    bob.note(&record, "Rebooted").expect("allowed");
    world.settle().await;
    let notes = world.notes(&id).await;
    assert_eq!(notes.len(), 1, "{notes:?}");
    assert_eq!(notes[0].kind, NoteKind::WorkNote);
    assert_eq!(
        notes[0].key.source,
        NoteSource::Integration(INTEGRATION.parse().expect("an id"))
    );
    assert_eq!(notes[0].text, "Rebooted");
    let before = (world.writes(), world.incident(&id).await);
    world.announce(&record).await;
    bob.acknowledge(&record).expect("allowed");
    world.settle().await;
    assert_eq!(world.notes(&id).await, notes);
    assert_eq!(world.writes(), before.0, "nothing is sent back");
}

#[tokio::test]
async fn notes_that_were_there_first_come_with_the_import() {
    let world = World::new().await;
    let bob = world.pagerduty.person("bob@example.com");
    let record = bob
        .trigger("db down", im_sandbox::pagerduty::Urgency::High)
        .expect("allowed");
    drop(world.pagerduty.drain_webhooks());
    world.clock.advance(SignedDuration::from_secs(5));
    bob.note(&record, "Since noon").expect("allowed");
    world.settle().await;
    let incident = world.only_incident().await;
    assert_eq!(world.notes(&incident.id).await[0].text, "Since noon");
}

#[tokio::test]
async fn notes_from_before_the_record_follow_its_creation() {
    let world = World::new().await;
    world
        .pagerduty
        .add_fault(FaultRule::once(Fault::TimeoutBeforeCommit).method(&Method::POST));
    let id = world.create(&json!({"title": "db down"})).await;
    world.run_now().await;
    world.write_note(&id, NoteKind::WorkNote, "Early").await;
    world.settle().await;
    let record = world.record_of(&id).await;
    assert_eq!(held(&world, &record).len(), 1);
    assert!(world.incident(&id).await.pending.is_empty());
}

/// The vendor has it, we do not know: a second attempt finds the copy by its marker.
#[tokio::test]
async fn a_lost_answer_doubles_no_note() {
    let (world, id, record) = linked().await;
    let lost = FaultRule::once(Fault::TimeoutAfterCommit).path_contains("/notes");
    world.pagerduty.add_fault(lost.method(&Method::POST));
    world.write_note(&id, NoteKind::WorkNote, "Once").await;
    world.settle().await;
    assert_eq!(held(&world, &record).len(), 1);
    let notes = world.notes(&id).await;
    assert_eq!(notes.len(), 1);
    assert!(
        notes[0]
            .copies
            .contains_key(&INTEGRATION.parse().expect("an id"))
    );
    assert!(world.dead_letters().await.is_empty());
}

#[tokio::test]
async fn a_note_that_fails_for_good_is_reported_and_does_not_hold_up_the_next() {
    let (world, id, record) = linked().await;
    let refused = Fault::RefuseWith {
        status: 400,
        body: json!({"error": {"message": "Invalid Input Provided", "code": 2001}}),
        headers: std::collections::BTreeMap::new(),
    };
    let refused = FaultRule::once(refused).path_contains("/notes");
    world.pagerduty.add_fault(refused.method(&Method::POST));
    world.write_note(&id, NoteKind::WorkNote, "First").await;
    world.clock.advance(SignedDuration::from_secs(1));
    world.write_note(&id, NoteKind::WorkNote, "Second").await;
    world.settle().await;
    let texts = held(&world, &record);
    assert_eq!(texts.len(), 1, "{texts:?}");
    assert!(texts[0].content.contains("Second"), "{texts:?}");
    let notes = world.notes(&id).await;
    let refused =
        |copy: &NoteCopy| matches!(copy, NoteCopy::Refused { why } if why.contains("2001"));
    assert!(notes[0].copies.values().all(refused), "{notes:?}");
    let dead = world.dead_letters().await;
    assert_eq!(dead.len(), 1, "{dead:?}");
    assert!(dead[0].failures[0].error.contains("work_notes"), "{dead:?}");
}

/// Whoever acts for us from now on is not who made the copies that are there.
#[tokio::test]
async fn another_account_does_not_take_our_copies_for_news() {
    let (world, id, record) = linked().await;
    world.write_note(&id, NoteKind::WorkNote, "Ours").await;
    world.settle().await;
    let another = json!({"credentials": {"from_email": "ann@example.com"}});
    let path = format!("/integrations/{INTEGRATION}");
    let changed = world.api(Method::PATCH, &path, Some(&another)).await;
    assert_eq!(changed.status(), 200, "{changed:?}");
    world.clock.advance(SignedDuration::from_secs(600));
    let bob = world.pagerduty.person("bob@example.com");
    bob.note(&record, "Theirs").expect("allowed");
    world.settle().await;
    let texts: Vec<_> = world
        .notes(&id)
        .await
        .into_iter()
        .map(|it| it.text)
        .collect();
    assert_eq!(texts, ["Ours", "Theirs"]);
}
