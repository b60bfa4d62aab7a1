//! The flaws of the design's first wording (see the project's design, "traces"): each is excluded by a rule, and each
//! of these tests goes red when its rule is taken out.
#![allow(missing_docs, clippy::expect_used, reason = "tests")]

use std::sync::Arc;

use http::Method;
use im_model::{Field, IncidentId, NoteKind};
use im_sandbox::{
    Fault, FaultRule,
    pagerduty::{Status, Urgency},
};
use im_tests::{INTEGRATION, Moment, World};
use jiff::SignedDuration;
use serde_json::json;

fn seconds(seconds: i64) -> SignedDuration {
    SignedDuration::from_secs(seconds)
}

/// A world in which an incident is linked and agreed on, some time ago.
async fn linked() -> (Arc<World>, IncidentId, String) {
    let world = World::new().await;
    let id = world
        .create(&json!({"title": "db down", "severity": "SEV-1"}))
        .await;
    world.settle().await;
    world.clock.advance(seconds(60));
    let record = world.record_of(&id).await;
    (world, id, record)
}

fn status(world: &World, record: &str) -> Status {
    world
        .pagerduty
        .incident(record)
        .expect("the record exists")
        .status
}

fn urgency(world: &World, record: &str) -> Urgency {
    world
        .pagerduty
        .incident(record)
        .expect("the record exists")
        .urgency
}

async fn platform_status(world: &World, id: &IncidentId) -> String {
    world.value(id, Field::Status).await.expect("a status")
}

/// W1 loads and stalls; W2 moves the base in sync; a person resolves and W3 writes it; W1 wakes.
#[tokio::test]
async fn trace_3_a_base_move_needs_a_claim_too() {
    let (world, id, record) = linked().await;
    world.edit(&id, &json!({"status": "acknowledged"})).await;
    let (other, same_id, same_record) = (world.clone(), id.clone(), record.clone());
    world
        .transport
        .once(Moment::BeforeAnswer, Method::GET, move || async move {
            // The vendor's user does the same: both sides agree, and only the base moves.
            other.clock.advance(seconds(1));
            other
                .pagerduty
                .person("ann@example.com")
                .acknowledge(&same_record)
                .expect("allowed");
            other.deliver_webhooks().await;
            other.run_inbound().await;
            other.edit(&same_id, &json!({"status": "resolved"})).await;
            other.run_outbound().await;
            assert_eq!(status(&other, &same_record), Status::Resolved);
        });
    world.run_outbound().await;
    world.settle().await;
    assert!(!world.transport.has_interludes());
    assert_eq!(
        status(&world, &record),
        Status::Resolved,
        "nothing older was written over it"
    );
    assert_eq!(platform_status(&world, &id).await, "resolved");
    let puts = world
        .writes()
        .iter()
        .filter(|write| write.starts_with("PUT"))
        .count();
    assert_eq!(puts, 1, "{:?}", world.writes());
}

/// A field changed there and back while a worker held what it was in between.
#[tokio::test]
async fn trace_4_there_and_back_is_a_change() {
    let (world, id, record) = linked().await;
    world.edit(&id, &json!({"severity": "SEV-3"})).await;
    let (other, same_id) = (world.clone(), id.clone());
    world
        .transport
        .once(Moment::BeforeAnswer, Method::GET, move || async move {
            other.edit(&same_id, &json!({"severity": "SEV-1"})).await;
            other.run_outbound().await;
        });
    world.run_outbound().await;
    world.settle().await;
    assert!(!world.transport.has_interludes());
    assert_eq!(
        world.value(&id, Field::Severity).await.as_deref(),
        Some("SEV-1")
    );
    assert_eq!(
        urgency(&world, &record),
        Urgency::High,
        "what the platform says"
    );
    assert!(
        world.incident(&id).await.pending.is_empty(),
        "and nobody is owed anything"
    );
}

/// Our write is committed, its answer lost, and a user undoes it before the retry.
#[tokio::test]
async fn trace_5_a_claim_is_recognised_by_the_history_not_by_its_value() {
    let (world, id, record) = linked().await;
    world.edit(&id, &json!({"status": "acknowledged"})).await;
    world
        .pagerduty
        .add_fault(FaultRule::once(Fault::TimeoutAfterCommit).method(&Method::PUT));
    world.run_outbound().await;
    assert_eq!(
        status(&world, &record),
        Status::Acknowledged,
        "it was committed"
    );
    world.clock.advance(seconds(5));
    world
        .pagerduty
        .person("ann@example.com")
        .unacknowledge(&record)
        .expect("allowed");
    // Its webhooks are lost, too.
    world.pagerduty.drain_webhooks();
    world.settle().await;
    assert_eq!(
        status(&world, &record),
        Status::Triggered,
        "the user's edit stands"
    );
    assert_eq!(
        platform_status(&world, &id).await,
        "open",
        "and is on the platform"
    );
    assert_eq!(
        world.writes().len(),
        2,
        "one create, one update: {:?}",
        world.writes()
    );
}

/// A user edits right after our write; the answer to the write shows the user's value already.
#[tokio::test]
async fn trace_6_a_later_edit_is_no_refusal() {
    let (world, id, record) = linked().await;
    world.edit(&id, &json!({"status": "acknowledged"})).await;
    let (other, same_record) = (world.clone(), record.clone());
    world
        .transport
        .once_and_show(Method::PUT, move || async move {
            other.clock.advance(seconds(1));
            other
                .pagerduty
                .person("ann@example.com")
                .resolve(&same_record)
                .expect("allowed");
            other.pagerduty.drain_webhooks();
        });
    world.run_outbound().await;
    world.settle().await;
    assert!(!world.transport.has_interludes());
    assert_eq!(
        platform_status(&world, &id).await,
        "resolved",
        "the user's edit was pulled"
    );
    assert_eq!(status(&world, &record), Status::Resolved);
}

/// The webhook announces a change that a replica does not show yet.
#[tokio::test]
async fn trace_7_a_stale_read_eats_no_hint() {
    let (world, id, record) = linked().await;
    world
        .pagerduty
        .person("ann@example.com")
        .acknowledge(&record)
        .expect("allowed");
    world
        .pagerduty
        .add_fault(FaultRule::once(Fault::StaleRead { behind: 1 }).method(&Method::GET));
    world.deliver_webhooks().await;
    world.run_inbound().await;
    assert_eq!(
        platform_status(&world, &id).await,
        "open",
        "the read was stale"
    );
    let waiting = world.waiting_jobs();
    assert_eq!(waiting.len(), 1, "the hint waits");
    assert_eq!(waiting[0].attempt, 1, "that was no failed attempt");
    world.settle().await;
    assert_eq!(platform_status(&world, &id).await, "acknowledged");
}

/// The create's answer is lost; a user edits the record before it is found again.
#[tokio::test]
async fn trace_13_adoption_forgets_nothing() {
    let world = World::new().await;
    world
        .pagerduty
        .add_fault(FaultRule::once(Fault::TimeoutAfterCommit).method(&Method::POST));
    let id = world
        .create(&json!({"title": "db down", "severity": "SEV-1"}))
        .await;
    world.run_outbound().await;
    world.clock.advance(seconds(2));
    let record = world.pagerduty.incidents()[0].id.clone();
    world
        .pagerduty
        .person("ann@example.com")
        .set_urgency(&record, Urgency::Low)
        .expect("allowed");
    world
        .pagerduty
        .person("ann@example.com")
        .acknowledge(&record)
        .expect("allowed");
    world.settle().await;
    assert_eq!(world.pagerduty.incidents().len(), 1, "one record");
    let incident = world.only_incident().await;
    assert_eq!(incident.id, id, "one incident");
    assert_eq!(platform_status(&world, &id).await, "acknowledged");
    assert_eq!(
        world.value(&id, Field::Severity).await.as_deref(),
        Some("SEV-3"),
        "the user's edit is seen as a change of what we sent"
    );
    assert_eq!(urgency(&world, &record), Urgency::Low);
}

/// A loads and stalls; a user edits; B writes the edit; A wakes.
#[tokio::test]
async fn trace_15_no_write_without_a_fence() {
    let (world, id, record) = linked().await;
    world.edit(&id, &json!({"status": "acknowledged"})).await;
    let (other, same_id) = (world.clone(), id.clone());
    world
        .transport
        .once(Moment::BeforeAnswer, Method::GET, move || async move {
            other.edit(&same_id, &json!({"status": "resolved"})).await;
            other.run_outbound().await;
        });
    world.run_outbound().await;
    world.settle().await;
    assert!(!world.transport.has_interludes());
    assert_eq!(status(&world, &record), Status::Resolved);
    let puts = world
        .writes()
        .iter()
        .filter(|write| write.starts_with("PUT"))
        .count();
    assert_eq!(
        puts,
        1,
        "the older value was never written: {:?}",
        world.writes()
    );
}

/// A link's job lies dead, and another waits; a newer edit is worked on all the same.
#[tokio::test]
async fn trace_16_a_newer_edit_always_wakes() {
    let (world, id, record) = linked().await;
    let refused = Fault::RefuseWith {
        status: 400,
        body: json!({"error": {"message": "Invalid Input Provided", "code": 2001}}),
        headers: std::collections::BTreeMap::default(),
    };
    world
        .pagerduty
        .add_fault(FaultRule::once(refused).method(&Method::PUT));
    world.edit(&id, &json!({"status": "acknowledged"})).await;
    world.settle().await;
    assert_eq!(
        world.dead_letters().await.len(),
        1,
        "the first edit's job is dead"
    );
    assert_eq!(status(&world, &record), Status::Triggered);
    world.edit(&id, &json!({"status": "resolved"})).await;
    world.run_now().await;
    assert_eq!(
        status(&world, &record),
        Status::Resolved,
        "the second edit is not held up by it"
    );

    let unavailable = Fault::RefuseWith {
        status: 503,
        body: json!({}),
        headers: std::collections::BTreeMap::default(),
    };
    world
        .pagerduty
        .add_fault(FaultRule::once(unavailable).method(&Method::PUT));
    world.edit(&id, &json!({"title": "db down again"})).await;
    world.run_outbound().await;
    assert_eq!(world.waiting_jobs().len(), 1, "the title's job waits");
    world.edit(&id, &json!({"severity": "SEV-4"})).await;
    assert_eq!(
        world.run_outbound().await,
        1,
        "the severity woke outbound although a job waits"
    );
    world.settle().await;
    assert_eq!(urgency(&world, &record), Urgency::Low);
    let held = world
        .pagerduty
        .incident(&record)
        .expect("the record exists");
    assert_eq!(held.title, "db down again");
}

/// The vendor announces the record that we are just creating, before it answers us.
#[tokio::test]
async fn trace_18_the_created_webhook_comes_before_our_answer() {
    let world = World::new().await;
    let other = world.clone();
    world
        .transport
        .once(Moment::BeforeAnswer, Method::POST, move || async move {
            assert_eq!(other.deliver_webhooks().await, 1, "incident.triggered");
            other.run_inbound().await;
            assert_eq!(other.incidents().await.len(), 1, "it was not imported");
        });
    let id = world
        .create(&json!({"title": "db down", "severity": "SEV-2"}))
        .await;
    world.run_outbound().await;
    assert!(!world.transport.has_interludes());
    world.settle().await;
    assert_eq!(world.only_incident().await.id, id);
    assert_eq!(world.pagerduty.incidents().len(), 1);
    let link = &world.incident(&id).await.links[&INTEGRATION.parse().expect("an id")];
    assert!(
        link.external_id().is_some() && link.notices.is_empty(),
        "{link:?}"
    );
    assert_eq!(world.writes(), ["POST /incidents"]);
}

/// The announced version was never promised: a record that stays older than announced is believed after 15 s.
#[tokio::test]
async fn trace_7_a_version_that_never_comes_is_not_waited_for_for_ever() {
    let (world, id, record) = linked().await;
    let body = json!({"event": {
        "id": "01FUTURE", "event_type": "incident.acknowledged",
        "occurred_at": (world.clock.read() + seconds(100)).to_string(),
        "data": {"id": record, "type": "incident"},
    }})
    .to_string();
    let signature = im_sandbox::pagerduty::sign("a-secret", body.as_bytes());
    world
        .pagerduty
        .person("ann@example.com")
        .set_urgency(&record, Urgency::Low)
        .expect("allowed");
    assert_eq!(
        world
            .webhook(INTEGRATION, &signature, body.as_bytes())
            .await,
        202
    );
    world.settle().await;
    assert!(world.dead_letters().await.is_empty());
    assert_eq!(
        world.value(&id, Field::Severity).await.as_deref(),
        Some("SEV-3")
    );
}

/// The other half of trace 4: a worker pulls what it read, although a user has edited the field since it loaded.
#[tokio::test]
async fn trace_4_an_edit_since_the_load_is_not_pulled_over() {
    let (world, id, record) = linked().await;
    world
        .pagerduty
        .person("ann@example.com")
        .resolve(&record)
        .expect("allowed");
    world.deliver_webhooks().await;
    let (other, same_id) = (world.clone(), id.clone());
    world
        .transport
        .once(Moment::BeforeAnswer, Method::GET, move || async move {
            other.clock.advance(seconds(2));
            other
                .edit(&same_id, &json!({"status": "acknowledged"}))
                .await;
        });
    world.run_inbound().await;
    assert!(!world.transport.has_interludes());
    world.settle().await;
    assert_eq!(
        platform_status(&world, &id).await,
        "acknowledged",
        "the later edit stands"
    );
    assert_eq!(status(&world, &record), Status::Acknowledged);
}

/// A person quotes our note, marker line included, in a note of their own.
#[tokio::test]
async fn trace_10_a_quoted_marker_is_a_note_of_its_own() {
    let (world, id, record) = linked().await;
    world
        .write_note(&id, NoteKind::WorkNote, "Is it the cache?")
        .await;
    world.settle().await;
    let held = |world: &World| world.pagerduty.incident(&record).expect("it exists").notes;
    let ours = held(&world)[0].content.clone();
    assert!(ours.contains("[im:note @platform/"), "{ours}");
    let bob = world.pagerduty.person("bob@example.com");
    bob.note(&record, &format!("I doubt it:\n{ours}"))
        .expect("allowed");
    bob.note(&record, &ours).expect("allowed");
    world.settle().await;
    let notes = world.notes(&id).await;
    let imported: Vec<_> = notes.iter().map(|note| note.text.as_str()).collect();
    assert_eq!(
        imported.len(),
        3,
        "what bob wrote is not lost: {imported:?}"
    );
    assert!(imported.iter().any(|text| text.starts_with("I doubt it:")));
    assert_eq!(held(&world).len(), 3, "and none of it is sent back");
}

/// One unmapped field blocks the whole link.
#[tokio::test]
async fn trace_12_one_unmapped_field_does_not_block_its_siblings() {
    let (world, id, record) = linked().await;
    // The account has a priority that nobody has mapped; everything else of the edit is as good as ever.
    let ann = world.pagerduty.person("ann@example.com");
    ann.set_priority(&record, Some("Major")).expect("allowed");
    ann.acknowledge(&record).expect("allowed");
    world.edit(&id, &json!({"title": "db is down"})).await;
    world.settle().await;
    assert_eq!(platform_status(&world, &id).await, "acknowledged");
    assert_eq!(world.value(&id, Field::Priority).await, None);
    let held = world.pagerduty.incident(&record).expect("it exists");
    assert_eq!(held.title, "db is down");
    let incident = world.incident(&id).await;
    let notices = &incident.links[&INTEGRATION.parse().expect("an id")].notices;
    assert!(
        notices[&Field::Priority].detail.contains("Major"),
        "{notices:?}"
    );
}

/// The webhook of our own note comes before its id is remembered.
#[tokio::test]
async fn trace_17_our_own_note_does_not_come_back() {
    let (world, id, record) = linked().await;
    world.write_note(&id, NoteKind::Comment, "Looking").await;
    let other = world.clone();
    world
        .transport
        .once(Moment::BeforeAnswer, Method::POST, move || async move {
            other.deliver_webhooks().await;
            other.run_inbound().await;
        });
    world.run_outbound().await;
    world.settle().await;
    assert!(!world.transport.has_interludes());
    let notes = world.notes(&id).await;
    assert_eq!(notes.len(), 1, "{notes:#?}");
    let held = world.pagerduty.incident(&record).expect("it exists").notes;
    assert_eq!(held.len(), 1, "{held:#?}");
}
