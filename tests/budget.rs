//! Calls per operation (design section 9): exact, so that one more is a red test.
#![allow(missing_docs, clippy::expect_used, reason = "tests")]

use std::{collections::BTreeMap, sync::Arc};

use im_model::IncidentId;
use im_sandbox::{
    Fault, FaultRule,
    pagerduty::{Urgency, sign},
};
use im_tests::{INTEGRATION, World};
use jiff::SignedDuration;
use serde_json::json;

type Count = BTreeMap<String, u32>;

fn count<const N: usize>(calls: [(&str, u32); N]) -> Count {
    calls
        .into_iter()
        .map(|(name, count)| (name.to_owned(), count))
        .collect()
}

/// A linked incident, and every cache warm.
async fn warm() -> (Arc<World>, IncidentId, String) {
    let world = World::new().await;
    let ann = world.pagerduty.person("ann@example.com");
    let record = ann.trigger("db down", Urgency::High).expect("allowed");
    world.settle().await;
    let id = world.only_incident().await.id;
    world.edit(&id, &json!({"severity": "SEV-1"})).await;
    world.settle().await;
    warm_caches(&world, &id).await;
    (world, id, record)
}

/// Another round trip a moment later, so that configurations are not older than their caches allow.
async fn warm_caches(world: &World, id: &IncidentId) {
    let record = world.record_of(id).await;
    world.clock.advance(SignedDuration::from_secs(3));
    world
        .pagerduty
        .person("ann@example.com")
        .set_priority(&record, Some("P3"))
        .expect("allowed");
    world.settle().await;
    world.edit(id, &json!({"severity": "SEV-3"})).await;
    world.settle().await;
    world.clock.advance(SignedDuration::from_secs(3));
    world.calls.take();
}

#[tokio::test]
async fn a_webhook_costs_one_put_and_its_repetition_one_refused_put() {
    let (world, _, record) = warm().await;
    let body = json!({"event": {
        "id": "01A", "event_type": "incident.acknowledged", "occurred_at": null,
        "data": {"id": record, "type": "incident"},
    }})
    .to_string();
    for _ in 0..2 {
        let signature = sign("a-secret", body.as_bytes());
        assert_eq!(
            world
                .webhook(INTEGRATION, &signature, body.as_bytes())
                .await,
            202
        );
        assert_eq!(world.calls.take(), count([("PutItem", 1)]));
    }
}

#[tokio::test]
async fn an_inbound_hint_with_nothing_new_costs_two_reads_and_marks_its_delivery() {
    let (world, _, record) = warm().await;
    world.announce(&record).await;
    world.calls.take();
    let asked = world.pagerduty.requests().len();
    assert_eq!(world.run_inbound().await, 1);
    assert_eq!(
        world.calls.take(),
        count([("GetItem", 2), ("UpdateItem", 1)])
    );
    assert_eq!(world.asked_since(asked), count([("GET", 1)]));
}

/// What our own write has answered is no news.
#[tokio::test]
async fn an_echo_costs_two_reads_and_marks_its_delivery() {
    let (world, id, _) = warm().await;
    world.clock.advance(SignedDuration::from_secs(3));
    world.edit(&id, &json!({"status": "acknowledged"})).await;
    assert_eq!(world.run_outbound().await, 1);
    assert_eq!(world.deliver_webhooks().await, 1);
    world.calls.take();
    let asked = world.pagerduty.requests().len();
    assert_eq!(world.run_inbound().await, 1);
    assert_eq!(
        world.calls.take(),
        count([("GetItem", 2), ("UpdateItem", 1)])
    );
    assert_eq!(world.asked_since(asked), count([("GET", 1)]));
}

#[tokio::test]
async fn an_inbound_change_costs_two_reads_a_claim_an_update_and_marks_its_delivery() {
    let (world, _, record) = warm().await;
    world
        .pagerduty
        .person("ann@example.com")
        .acknowledge(&record)
        .expect("allowed");
    world.deliver_webhooks().await;
    world.calls.take();
    let asked = world.pagerduty.requests().len();
    assert_eq!(world.run_inbound().await, 1);
    assert_eq!(
        world.calls.take(),
        count([
            ("GetItem", 2),
            ("PutItem", 1),
            ("TransactWriteItems", 1),
            ("UpdateItem", 1)
        ])
    );
    assert_eq!(world.asked_since(asked), count([("GET", 1)]));
}

#[tokio::test]
async fn a_platform_change_costs_a_claim_an_update_a_read_and_a_write() {
    let (world, id, _) = warm().await;
    world.edit(&id, &json!({"status": "acknowledged"})).await;
    world.calls.take();
    let asked = world.pagerduty.requests().len();
    assert_eq!(world.run_outbound().await, 1);
    // The stream's image spares the read.
    assert_eq!(
        world.calls.take(),
        count([("PutItem", 1), ("TransactWriteItems", 1)])
    );
    assert_eq!(world.asked_since(asked), count([("GET", 1), ("PUT", 1)]));
}

#[tokio::test]
async fn a_failed_attempt_costs_a_claim_and_a_message() {
    let (world, id, _) = warm().await;
    world.edit(&id, &json!({"status": "acknowledged"})).await;
    world
        .pagerduty
        .add_fault(FaultRule::once(Fault::TimeoutBeforeCommit).method(&http::Method::PUT));
    world.calls.take();
    assert_eq!(world.run_outbound().await, 1);
    assert_eq!(
        world.calls.take(),
        count([("PutItem", 1), ("SendMessage", 1)])
    );
}

/// Nobody asks in normal times: the tests above count it.
#[tokio::test]
async fn an_outage_costs_one_look_at_what_others_know_and_one_put_when_the_circuit_opens() {
    let (world, id, _) = warm().await;
    let body = json!({"error": {"message": "down"}});
    world
        .pagerduty
        .add_fault(FaultRule::always(Fault::RefuseWith {
            status: 503,
            body,
            headers: BTreeMap::new(),
        }));
    let each = [
        count([("SendMessage", 1)]),
        count([("GetItem", 1), ("SendMessage", 1)]),
        count([("SendMessage", 1)]),
        count([("SendMessage", 1)]),
        count([("PutItem", 1), ("SendMessage", 1)]),
    ];
    for (number, expected) in each.into_iter().enumerate() {
        let edit = json!({"title": format!("edit {number}")});
        world.edit(&id, &edit).await;
        world.calls.take();
        assert_eq!(world.run_outbound().await, 1);
        assert_eq!(world.calls.take(), expected, "failure {number}");
    }
    let asked = world.pagerduty.requests().len();
    world.edit(&id, &json!({"title": "meanwhile"})).await;
    world.calls.take();
    assert_eq!(world.run_outbound().await, 1);
    assert_eq!(world.calls.take(), count([("SendMessage", 1)]));
    assert_eq!(world.asked_since(asked), count([]));
}

#[tokio::test]
async fn a_creation_costs_a_reservation_a_claim_a_transaction_and_the_first_values_back() {
    let (world, _, _) = warm().await;
    world.create(&json!({"title": "disk full"})).await;
    world.calls.take();
    let asked = world.pagerduty.requests().len();
    assert_eq!(world.run_outbound().await, 1);
    // Reserve, claim, connect; then PagerDuty has assigned somebody, which is pulled like any change of theirs, and
    // who else is owed that is looked up (the query and the batch, kept for 10 s).
    assert_eq!(
        world.calls.take(),
        count([
            ("BatchGetItem", 1),
            ("GetItem", 1),
            ("PutItem", 2),
            ("Query", 1),
            ("TransactWriteItems", 2),
            ("UpdateItem", 1),
        ])
    );
    assert_eq!(world.asked_since(asked), count([("GET", 1), ("POST", 1)]));
}

#[tokio::test]
async fn a_cold_start_costs_one_secret_per_integration_used() {
    let world = World::new().await;
    world
        .pagerduty
        .person("ann@example.com")
        .trigger("db down", Urgency::High)
        .expect("allowed");
    world.deliver_webhooks().await;
    assert_eq!(
        world.calls.take().get("GetSecretValue"),
        Some(&1),
        "the webhook function"
    );
    world.run_inbound().await;
    assert_eq!(
        world.calls.take().get("GetSecretValue"),
        Some(&1),
        "inbound"
    );
}

/// The vendor's list is read before anything is added to it: no vendor takes a note at most once.
#[tokio::test]
async fn a_note_costs_a_query_a_claim_its_copy_and_an_update_and_at_the_vendor_a_look_and_a_write()
{
    let (world, id, _) = warm().await;
    world
        .write_note(&id, im_model::NoteKind::WorkNote, "Looking")
        .await;
    world.calls.take();
    let asked = world.pagerduty.requests().len();
    assert_eq!(world.run_outbound().await, 1);
    assert_eq!(
        world.calls.take(),
        count([
            ("Query", 1),
            ("PutItem", 1),
            ("TransactWriteItems", 1),
            ("UpdateItem", 1)
        ])
    );
    assert_eq!(world.asked_since(asked), count([("GET", 2), ("POST", 1)]));
}

#[tokio::test]
async fn a_vendors_note_costs_a_query_a_put_a_claim_and_an_update() {
    let (world, _, record) = warm().await;
    let ann = world.pagerduty.person("ann@example.com");
    ann.note(&record, "Looking").expect("allowed");
    world.deliver_webhooks().await;
    world.calls.take();
    let asked = world.pagerduty.requests().len();
    assert_eq!(world.run_inbound().await, 1);
    assert_eq!(
        world.calls.take(),
        count([
            ("GetItem", 2),
            ("Query", 1),
            ("PutItem", 1),
            ("TransactWriteItems", 1),
            ("UpdateItem", 2)
        ])
    );
    assert_eq!(world.asked_since(asked), count([("GET", 2)]));
}

#[tokio::test]
async fn several_hints_for_one_record_in_a_batch_are_one_job() {
    let (world, id, record) = warm().await;
    let ann = world.pagerduty.person("ann@example.com");
    for priority in ["P1", "P2", "P4"] {
        ann.set_priority(&record, Some(priority)).expect("allowed");
    }
    assert_eq!(world.deliver_webhooks().await, 3);
    world.calls.take();
    let asked = world.pagerduty.requests().len();
    assert_eq!(world.run_inbound().await, 3);
    assert_eq!(world.asked_since(asked), count([("GET", 1)]));
    assert_eq!(
        world.calls.take(),
        count([
            ("GetItem", 2),
            ("PutItem", 1),
            ("TransactWriteItems", 1),
            ("UpdateItem", 3)
        ]),
        "claim and commit once; each delivery is done"
    );
    assert_eq!(
        world.value(&id, im_model::Field::Priority).await.as_deref(),
        Some("P4")
    );
    let done = world.stored_deliveries().await;
    assert!(
        done.iter().all(|delivery| delivery.outcome.is_some()),
        "{done:#?}"
    );
}
