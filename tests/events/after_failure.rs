//! `dead-letter` and `reconciler`.

use std::sync::Arc;

use im_engine::{DeadLetter, ports::DeadLetterStore as _};
use im_model::{DeadLetterStatus, FailureReason};
use im_runtime::{
    DeadLetterFunction, DynamoStreams, EventBridgeAnnouncer, NoTick, dead_letter_recorder,
};
use im_tests::{EventBus, INTEGRATION, Shard, World};
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::{
    CHANGE, INCIDENT, RECORD, acknowledged, post_webhook, sample, sample_with, triggered,
    webhooks::{DOCUMENTED_SECRET, connected_with},
};

pub(crate) const BURIED: &str = "dead-letter/buried.json";
pub(crate) const REDRIVEN: &str = "dead-letter/redriven.json";
pub(crate) const GIVEN_UP: &str = "dead-letter/given-up-records.json";
pub(crate) const UNREADABLE: &str = "dead-letter/unreadable.json";
pub(crate) const MINUTE: &str = "reconciler/minute.json";
pub(crate) const RUN: &str = "reconciler/run.json";

/// The function on the world's store and streams.
fn dead_letter(world: &World, bus: &EventBus) -> DeadLetterFunction {
    let embedded = &world.system.embedded;
    let announcer = EventBridgeAnnouncer::new(bus.client(embedded));
    let ports = &world.system.ports;
    DeadLetterFunction::new(
        dead_letter_recorder(&ports.store, ports.clock.clone(), Arc::new(announcer)),
        Arc::new(DynamoStreams::new(embedded.streams.clone())),
        embedded.tables.clone(),
    )
}

/// Hands it over; the messages that stay in the queue.
async fn taken(world: &World, bus: &EventBus, event: Value) -> Vec<String> {
    let answer = dead_letter(world, bus).handle(event).await;
    let answer = answer.expect("an event of ours");
    im_local::events::failures(&answer)
}

async fn entries(world: &World, status: DeadLetterStatus) -> Vec<DeadLetter> {
    let integration = INTEGRATION.parse().expect("an id");
    let page = world
        .system
        .ports
        .store
        .dead_letters(&integration, status, None, 100)
        .await;
    page.expect("the store answers").items
}

async fn only_open_entry(world: &World) -> DeadLetter {
    let mut open = entries(world, DeadLetterStatus::Open).await;
    assert_eq!(open.len(), 1, "{open:#?}");
    open.remove(0)
}

#[tokio::test]
async fn a_buried_job_becomes_an_entry_that_is_announced() {
    let (world, record, id) = acknowledged().await;
    let bus = EventBus::default();
    let event = sample_with(BURIED, &[(INCIDENT, id.as_str())]);
    for _ in 0..2 {
        assert_eq!(taken(&world, &bus, event.clone()).await, [""; 0]);
    }
    let entry = only_open_entry(&world).await;
    assert_eq!(entry.reason, FailureReason::Unavailable);
    assert_eq!((entry.attempts.len(), entry.jobs), (5, 1), "recorded once");
    let died_at = "2020-10-02T19:30:34Z".parse().expect("a time");
    assert_eq!(entry.died_at, died_at);
    // Names and counts: no value, and no error, for a vendor's may quote one.
    let told = bus.take();
    assert_eq!(told.len(), 2, "announced each time: nobody may miss it");
    let detail = told[0]["Detail"].as_str().expect("a text");
    let detail: Value = serde_json::from_str(detail).expect("JSON");
    assert_eq!(told[0]["Source"], "im");
    assert_eq!(told[0]["DetailType"], "Dead Letter");
    let expected = json!({
        "integration_id": INTEGRATION,
        "entry_id": entry.id.as_str(),
        "incident_id": id.as_str(),
        "external_id": record,
        "direction": "outbound",
        "reason": "unavailable",
        "attempts": 5,
    });
    assert_eq!(detail, expected);
    crate::announced::assert_described("Dead Letter", &detail);
}

/// The delivery is done only when there is an entry, so a queue that has given its message up loses nothing.
#[tokio::test]
async fn a_redriven_job_becomes_an_entry_and_ends_its_delivery() {
    let world = connected_with(DOCUMENTED_SECRET).await;
    let webhook = sample("webhook-pagerduty/incident-triggered-base64.json");
    assert_eq!(post_webhook(&world, &webhook).await, 202);
    let bus = EventBus::default();
    assert_eq!(taken(&world, &bus, sample(REDRIVEN)).await, [""; 0]);
    let entry = only_open_entry(&world).await;
    assert_eq!(entry.reason, FailureReason::Crashed);
    assert_eq!(
        entry.external_id.as_ref().map(im_model::ExternalId::as_str),
        Some(RECORD)
    );
    let reasons: Vec<_> = entry.attempts.iter().map(|it| it.reason).collect();
    let expected = [FailureReason::Unavailable, FailureReason::Crashed];
    assert_eq!(reasons, expected);
    let delivery = world.stored_deliveries().await.remove(0);
    let outcome = format!("dead letter {}", entry.id);
    assert_eq!(delivery.outcome, Some(outcome));
    assert_eq!(bus.take().len(), 1);
}

/// Lambda says only where the records are.
#[tokio::test]
async fn records_that_lambda_has_given_up_become_entries() {
    let (world, record, id) = acknowledged().await;
    let bus = EventBus::default();
    let event = given_up(&world, 0).await;
    for _ in 0..2 {
        assert_eq!(taken(&world, &bus, event.clone()).await, [""; 0]);
        world.clock.advance(SignedDuration::from_mins(3));
    }
    let entry = only_open_entry(&world).await;
    assert_eq!((entry.attempts.len(), entry.jobs), (1, 1), "recorded once");
    assert_eq!(entry.reason, FailureReason::Crashed);
    assert_eq!(entry.incident, Some(id.clone()));
    assert_eq!(
        entry.external_id.as_ref().map(im_model::ExternalId::as_str),
        Some(record.as_str())
    );
    assert_eq!(world.incident(&id).await.dead.len(), 1);
    assert_eq!(bus.take().len(), 2);
}

/// Deliveries make jobs, too, and several records of a stretch one each.
#[tokio::test]
async fn given_up_deliveries_become_entries() {
    let world = World::new().await;
    let ann = world.pagerduty.person("ann@example.com");
    for title in ["One", "Two"] {
        ann.trigger(title, im_sandbox::pagerduty::Urgency::High)
            .expect("allowed");
    }
    world.deliver_webhooks().await;
    let bus = EventBus::default();
    let embedded = &world.system.embedded;
    let shard = Shard::of(embedded, &embedded.tables.deliveries).await;
    let waking = shard.waking().await;
    let event = about(&shard.stretch(&waking[0], &waking[waking.len() - 1]));
    assert_eq!(taken(&world, &bus, event).await, [""; 0]);
    assert_eq!(entries(&world, DeadLetterStatus::Open).await.len(), 2);
    let deliveries = world.stored_deliveries().await;
    let is_dead =
        |it: &im_engine::Delivery| it.outcome.as_ref().is_some_and(|it| it.starts_with("dead"));
    assert!(deliveries.iter().all(is_dead), "{deliveries:#?}");
}

/// Of a batch that was given up the neighbours of what crashed it may be done: they did not die.
#[tokio::test]
async fn a_given_up_delivery_that_was_done_all_the_same_is_no_entry() {
    let world = World::new().await;
    let ann = world.pagerduty.person("ann@example.com");
    let urgency = im_sandbox::pagerduty::Urgency::High;
    ann.trigger("One", urgency).expect("allowed");
    world.settle().await;
    ann.trigger("Two", urgency).expect("allowed");
    world.deliver_webhooks().await;
    let bus = EventBus::default();
    let embedded = &world.system.embedded;
    let shard = Shard::of(embedded, &embedded.tables.deliveries).await;
    let waking = shard.waking().await;
    let event = about(&shard.stretch(&waking[0], &waking[waking.len() - 1]));
    assert_eq!(taken(&world, &bus, event).await, [""; 0]);
    let entry = only_open_entry(&world).await;
    assert_eq!((entry.jobs, bus.take().len()), (1, 1));
    let outcomes = world.stored_deliveries().await.into_iter();
    let outcomes: Vec<_> = outcomes.filter_map(|it| it.outcome).collect();
    let dead = outcomes.iter().filter(|it| it.starts_with("dead")).count();
    let imported = outcomes.iter().filter(|it| it.starts_with("imported"));
    assert_eq!((dead, imported.count()), (1, 1), "{outcomes:?}");
}

/// What cannot be read stays where it is, and does not take the rest of its batch down with it.
#[tokio::test]
async fn what_is_unreadable_or_gone_stays_in_the_queue() {
    let (world, _, id) = acknowledged().await;
    let bus = EventBus::default();
    let mut batch = sample(UNREADABLE);
    let gone = given_up(&world, 1_000_000).await;
    let foreign = sample(GIVEN_UP);
    let good = sample_with(BURIED, &[(INCIDENT, id.as_str())]);
    let records = batch["Records"].as_array_mut().expect("records");
    for (number, event) in [gone, foreign, good].into_iter().enumerate() {
        let mut record = event["Records"][0].clone();
        record["messageId"] = json!(number.to_string());
        records.push(record);
    }
    let unreadable = records[0]["messageId"].as_str().expect("an id").to_owned();
    assert_eq!(
        taken(&world, &bus, batch).await,
        [unreadable.as_str(), "0", "1"]
    );
    only_open_entry(&world).await;
}

/// A bus that answers 200 and takes nothing has not been told.
#[tokio::test]
async fn what_the_event_bus_does_not_take_is_brought_again() {
    let (world, _, id) = acknowledged().await;
    let bus = EventBus::default();
    bus.refuse();
    let event = sample_with(BURIED, &[(INCIDENT, id.as_str())]);
    assert_eq!(taken(&world, &bus, event).await.len(), 1);
    // The entry is stored first: nothing is lost if it is never told.
    only_open_entry(&world).await;
}

#[tokio::test]
async fn the_minute_tick_wakes_what_was_forgotten() {
    let (world, record) = triggered().await;
    world.announce(&record).await;
    world.clock.advance(SignedDuration::from_hours(2));
    let function = &world.system.reconciler;
    let done = function.handle(&sample(MINUTE)).await.expect("a tick");
    let expected = json!({
        "deliveries": 1, "incidents": 0, "redriven": 0, "silent": 0, "runs": 0, "unfinished": false,
    });
    assert_eq!(done, expected);
    let refused = function.handle(&sample(CHANGE)).await;
    assert!(matches!(refused, Err(NoTick::NotScheduled)), "{refused:?}");
}

#[tokio::test]
async fn a_message_about_a_run_is_worked_on_and_one_about_none_is_dropped() {
    let (world, _) = triggered().await;
    let function = &world.system.reconciler;
    let unknown = sample(RUN);
    assert_eq!(
        function.handle(&unknown).await.expect("it is dropped"),
        json!({})
    );
    let run = world
        .start_run(INTEGRATION, &json!({"dry_run": true}))
        .await;
    let known = sample_with(RUN, &[("RUN-01EKJJ2X8Y3T7C9V5B1N6M4K2H", run.as_str())]);
    function.handle(&known).await.expect("the store answers");
    assert_eq!(world.report(INTEGRATION, &run).await.status(), "done");
    let mut garbage = known;
    garbage["Records"][0]["body"] = json!("not about a run");
    assert_eq!(
        function.handle(&garbage).await.expect("it is dropped"),
        json!({})
    );
}

/// The sample, about the newest record of the incidents' stream that wakes somebody, or one so much later.
async fn given_up(world: &World, later: u128) -> Value {
    let embedded = &world.system.embedded;
    let shard = Shard::of(embedded, &embedded.tables.sync).await;
    let newest = shard.waking().await.pop().expect("a record");
    let number: u128 = newest.parse().expect("a number");
    let number = format!("{:0width$}", number + later, width = newest.len());
    about(&shard.stretch(&number, &number))
}

/// The sample, about other records.
fn about(stretch: &Value) -> Value {
    let mut event = sample(GIVEN_UP);
    let body = event["Records"][0]["body"].as_str().expect("a body");
    let mut body: Value = serde_json::from_str(body).expect("JSON");
    for (name, value) in stretch.as_object().expect("a stretch") {
        let given = body["DDBStreamBatchInfo"].get_mut(name).expect(name);
        given.clone_from(value);
    }
    event["Records"][0]["body"] = json!(body.to_string());
    event
}
