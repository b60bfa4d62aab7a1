//! Entries that are settled by the wrong hand, or twice, or not at all.

use http::Method;
use im_engine::{DeadLetter, RetryMessage, ports::IntegrationStore as _};
use im_model::{Activity, DeadLetterStatus};
use im_sandbox::pagerduty::Note;

use super::*;

/// Settles the only open entry, as a person does.
async fn settle_by_hand(world: &World, method: Method, how: &str) {
    let listed = open(world).await;
    let path = format!("/integrations/{INTEGRATION}/dlq/{}{how}", listed[0].id);
    let answer = world.api(method, &path, None).await;
    assert!(answer.status().is_success(), "{answer:?}");
}

async fn only(world: &World, status: DeadLetterStatus) -> DeadLetter {
    let mut listed = entries(world, status).await;
    assert_eq!(listed.len(), 1, "{listed:#?}");
    listed.remove(0)
}

#[tokio::test]
async fn a_message_that_its_queue_brings_again_leaves_a_settled_entry_settled() {
    let (world, id, _) = linked().await;
    world.pagerduty.add_fault(answer(400).method(&Method::GET));
    world.edit(&id, &json!({"title": "a"})).await;
    world.settle().await;
    let dead = world.dead_letters().await;
    settle_by_hand(&world, Method::DELETE, "").await;
    for message in &dead {
        world.record(message).await;
    }
    assert_eq!(open(&world).await, []);
    assert_eq!(entries(&world, DeadLetterStatus::Discarded).await.len(), 1);
    assert!(world.incident(&id).await.dead.is_empty(), "no mark of it");
}

/// Queues bring a message twice, and the second time after others have died, or while the entry is being tried again.
#[tokio::test]
async fn a_message_that_comes_again_late_is_neither_listed_nor_counted_again() {
    let (world, id, _) = linked().await;
    world.pagerduty.add_fault(answer(400).method(&Method::GET));
    for title in ["a", "b"] {
        world.edit(&id, &json!({"title": title})).await;
        world.settle().await;
        world.clock.advance(SignedDuration::from_secs(1));
    }
    let dead = world.dead_letters().await;
    assert_eq!(dead.len(), 2, "{dead:#?}");
    let counted = async || {
        let path = format!("/integrations/{INTEGRATION}/sync-status");
        world.read(&path).await["counters"]["outbound_failed"].clone()
    };
    for message in &dead {
        world.record(message).await;
    }
    assert_eq!(only(&world, DeadLetterStatus::Open).await.jobs, 2);
    settle_by_hand(&world, Method::POST, "/retry").await;
    for message in &dead {
        world.record(message).await;
    }
    assert_eq!(only(&world, DeadLetterStatus::Retrying).await.jobs, 2);
    assert_eq!(counted().await, 2);
    // The retry's own end is another.
    world.clock.advance(SignedDuration::from_secs(1));
    world.settle().await;
    assert_eq!(only(&world, DeadLetterStatus::Open).await.jobs, 3);
    assert_eq!(counted().await, 3);
}

#[tokio::test]
async fn a_dead_word_of_a_note_is_made_good_by_whoever_closes_the_entry() {
    let (world, id, record) = linked().await;
    world.pagerduty.add_fault(answer(400).method(&Method::GET));
    let bob = world.pagerduty.person("bob@example.com");
    bob.note(&record, "Rebooted").expect("allowed");
    world.settle().await;
    only(&world, DeadLetterStatus::Open).await;
    world.pagerduty.clear_faults();
    world.edit(&id, &json!({"title": "db up"})).await;
    world.settle().await;
    assert_eq!(open(&world).await, []);
    let notes = world.notes(&id).await;
    assert_eq!(notes.len(), 1, "{notes:#?}");
    let held: Vec<Note> = world.pagerduty.incident(&record).expect("it").notes;
    assert_eq!(held.len(), 1, "and not sent back: {held:#?}");
}

#[tokio::test]
async fn a_retry_that_another_success_left_nothing_to_do_is_open_again_where_a_value_is_refused() {
    let (world, id, _) = linked().await;
    world.pagerduty.add_fault(answer(400).method(&Method::PUT));
    world.edit(&id, &json!({"title": "refused"})).await;
    world.settle().await;
    settle_by_hand(&world, Method::POST, "/retry").await;
    only(&world, DeadLetterStatus::Retrying).await;
    world.pagerduty.clear_faults();
    // Its retry is still in the queue.
    world.edit(&id, &json!({"status": "acknowledged"})).await;
    world.run_outbound().await;
    let left = only(&world, DeadLetterStatus::Open).await;
    assert_eq!(left.changed_by, "all but what is refused was synced");
    world.settle().await;
    let closed = only(&world, DeadLetterStatus::Resolved).await;
    assert_eq!(closed.id, left.id, "the retry came through");
}

/// Resumed by another process, of which this one has not heard: whoever is woken once must not be left open again.
#[tokio::test]
async fn a_job_asks_anew_before_it_is_left_to_an_integration_that_is_paused() {
    let (world, id, record) = linked().await;
    let store = &world.system.ports.store;
    let integration = INTEGRATION.parse().expect("an id");
    let set = async |activity: Activity| {
        let found = store.integration(&integration).await;
        let mut found = found.expect("the store answers").expect("it exists");
        found.activity = activity;
        found.version += 1;
        let stored = store
            .update_integration(&found, &im_tests::by_itself(&found))
            .await;
        assert_eq!(
            stored.expect("the store answers"),
            im_engine::ports::Attempt::Done
        );
    };
    set(Activity::Paused).await;
    world.clock.advance(SignedDuration::from_secs(60));
    world.edit(&id, &json!({"title": "meanwhile"})).await;
    world.run_outbound().await;
    let title = || world.pagerduty.incident(&record).expect("it").title;
    assert_eq!(title(), "db down");
    set(Activity::Active).await;
    world.edit(&id, &json!({"title": "resumed"})).await;
    world.run_outbound().await;
    assert_eq!(title(), "resumed");
}

/// More than an hour in the queue: the tick has made another job of what is owed, unless its link has a dead letter.
#[tokio::test]
async fn a_job_that_waits_for_its_turn_is_not_multiplied_by_the_tick() {
    let (world, id, _) = linked().await;
    let other = world.create(&json!({"title": "cache cold"})).await;
    world.settle().await;
    let headers = BTreeMap::from([("retry-after".to_owned(), "300".to_owned())]);
    let (status, body) = (429, json!({}));
    let refused = Fault::RefuseWith {
        status,
        body,
        headers,
    };
    world.pagerduty.add_fault(FaultRule::once(refused));
    world.edit(&other, &json!({"title": "cache warm"})).await;
    world.run_outbound().await;
    world.edit(&id, &json!({"title": "db up"})).await;
    world.run_outbound().await;
    let of_id = || {
        let waiting = world.waiting_jobs().into_iter();
        let mut of_id = waiting.filter(|it| it.job.hint.to_string().contains(id.as_str()));
        of_id.next()
    };
    let waiting = of_id().expect("it waits for the vendor");
    let run_old = async || {
        let now = world.clock.read();
        let message = RetryMessage {
            since: Some(now - SignedDuration::from_mins(61)),
            not_before: now,
            ..waiting.clone()
        };
        let body = serde_json::to_string(&message).expect("JSON");
        let event = json!({"Records": [
            {"messageId": "1", "eventSource": "aws:sqs", "body": body},
        ]});
        let answer = world.system.outbound.handle(event).await.expect("an event");
        assert_eq!(answer, json!({"batchItemFailures": []}));
    };
    let count = || world.waiting_jobs().len();
    let before = count();
    run_old().await;
    assert_eq!(count(), before, "the tick brings it");
    let mut dead = waiting.clone();
    dead.died_at = Some(world.clock.read());
    world.record(&dead).await;
    assert_eq!(world.incident(&id).await.dead.len(), 1);
    run_old().await;
    assert_eq!(count(), before + 1, "nobody else would");
    world.clock.advance(SignedDuration::from_mins(5));
    world.settle().await;
    assert_eq!(open(&world).await, []);
}
