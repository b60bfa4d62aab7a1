//! One entry per link, with all that was tried.

use http::Method;
use im_engine::RetryMessage;
use im_model::{DeadLetterStatus, FailureReason, Field};

use super::*;

#[tokio::test]
async fn the_fifth_failure_makes_an_entry_and_a_newer_success_closes_it() {
    let (world, id, record) = linked().await;
    world.pagerduty.add_fault(answer(503).method(&Method::PUT));
    world.edit(&id, &json!({"status": "acknowledged"})).await;
    world.settle().await;
    let listed = open(&world).await;
    let [entry] = listed.as_slice() else {
        panic!("one entry: {listed:#?}")
    };
    assert_eq!(entry.incident.as_ref(), Some(&id));
    assert_eq!(
        entry.external_id.as_ref().map(im_model::ExternalId::as_str),
        Some(record.as_str())
    );
    assert_eq!(entry.reason, FailureReason::Unavailable);
    assert_eq!(
        (entry.attempts.len(), entry.attempts_in_all, entry.jobs),
        (5, 5, 1)
    );
    let since = |nth: usize| entry.attempts[nth].at.duration_since(entry.attempts[0].at);
    let waited: Vec<_> = (1..5).map(|nth| since(nth).as_secs()).collect();
    assert_eq!(waited, [30, 150, 630, 2430], "30 s, 2 min, 8 min, 30 min");
    assert_eq!(
        world.announcements.take(),
        listed,
        "the outside is told once"
    );
    let incident = world.incident(&id).await;
    assert_eq!(incident.dead.values().collect::<Vec<_>>(), [&entry.id]);

    // A newer edit is worked on as usual; it fails, too, and is added to the same entry.
    world.edit(&id, &json!({"title": "db still down"})).await;
    world.settle().await;
    let listed = open(&world).await;
    assert_eq!(listed.len(), 1, "{listed:#?}");
    assert_eq!((listed[0].attempts_in_all, listed[0].jobs), (10, 2));

    world.pagerduty.clear_faults();
    world.edit(&id, &json!({"title": "db up"})).await;
    world.settle().await;
    assert_eq!(open(&world).await, []);
    let closed = entries(&world, DeadLetterStatus::Resolved).await;
    assert_eq!(closed.len(), 1);
    assert_eq!(closed[0].changed_by, "a success");
    assert!(world.incident(&id).await.dead.is_empty());
    let shown = world.pagerduty.incident(&record).expect("it");
    assert_eq!(shown.title, "db up");
    assert_eq!(
        shown.status,
        im_sandbox::pagerduty::Status::Acknowledged,
        "all that was owed"
    );
}

#[tokio::test]
async fn the_delivery_is_done_when_the_entry_is_there_and_not_before() {
    let (world, _, record) = linked().await;
    let ann = world.pagerduty.person("ann@example.com");
    ann.acknowledge(&record).expect("allowed");
    world.pagerduty.add_fault(answer(400).method(&Method::GET));
    world.deliver_webhooks().await;
    world.run_inbound().await;
    let outcomes = async || {
        let stored = world.stored_deliveries().await.into_iter();
        stored
            .filter(|one| one.event_type == "incident.acknowledged")
            .map(|one| one.outcome)
            .collect::<Vec<_>>()
    };
    assert_eq!(
        outcomes().await,
        [None],
        "its job waits in the queue of the dead"
    );
    assert_eq!(world.run_dead_letters().await, 1);
    let listed = open(&world).await;
    assert_eq!(
        outcomes().await,
        [Some(format!("dead letter {}", listed[0].id))]
    );
    assert_eq!(listed[0].reason, FailureReason::Refused);
    assert_eq!(listed[0].attempts.len(), 1, "waiting cannot mend it");
}

#[tokio::test]
async fn the_same_job_brought_twice_is_recorded_once() {
    let (world, id, _) = linked().await;
    world.pagerduty.add_fault(answer(400).method(&Method::GET));
    world.edit(&id, &json!({"title": "a"})).await;
    world.settle().await;
    let before = open(&world).await;
    for dead in world.dead_letters().await {
        world.record(&dead).await;
    }
    assert_eq!(open(&world).await, before);
    assert_eq!(
        world.announcements.take().len(),
        2,
        "told again: a lost word would be worse"
    );
}

#[tokio::test]
async fn a_record_that_cannot_be_imported_has_an_entry_which_its_import_closes() {
    let world = World::new().await;
    let ann = world.pagerduty.person("ann@example.com");
    world.pagerduty.add_fault(answer(503).method(&Method::GET));
    let urgency = im_sandbox::pagerduty::Urgency::High;
    let record = ann.trigger("disk full", urgency).expect("allowed");
    world.settle().await;
    let listed = open(&world).await;
    assert_eq!(listed.len(), 1, "{listed:#?}");
    assert_eq!(
        (
            &listed[0].incident,
            listed[0]
                .external_id
                .as_ref()
                .map(im_model::ExternalId::as_str)
        ),
        (&None, Some(record.as_str()))
    );
    world.pagerduty.clear_faults();
    ann.acknowledge(&record).expect("allowed");
    world.settle().await;
    assert_eq!(
        world.only_incident().await.value(&Field::Title).as_str(),
        Some("disk full")
    );
    assert_eq!(open(&world).await, []);
}

#[tokio::test]
async fn what_was_dead_on_its_way_when_a_newer_change_came_through_is_no_entry() {
    let (world, id, _) = linked().await;
    world.pagerduty.add_fault(answer(400).method(&Method::GET));
    world.edit(&id, &json!({"title": "a"})).await;
    world.run_outbound().await;
    world.pagerduty.clear_faults();
    world.edit(&id, &json!({"title": "b"})).await;
    world.run_outbound().await;
    assert_eq!(world.run_dead_letters().await, 1);
    assert_eq!(open(&world).await, []);
    let over = entries(&world, DeadLetterStatus::Resolved).await;
    assert_eq!(over[0].changed_by, "nothing is owed any more");
    assert_eq!(world.announcements.take(), []);
}

#[tokio::test]
async fn a_job_whose_function_did_not_survive_it_says_so() {
    let (world, id, _) = linked().await;
    world.pagerduty.add_fault(answer(503).method(&Method::GET));
    world.edit(&id, &json!({"title": "a"})).await;
    world.run_outbound().await;
    let waiting = world.waiting_jobs();
    let crashed: RetryMessage = waiting[0].clone();
    world.record(&crashed).await;
    let listed = open(&world).await;
    assert_eq!(listed[0].reason, FailureReason::Crashed);
    assert_eq!(
        listed[0].attempts.len(),
        2,
        "the failure before, and the end"
    );
}
