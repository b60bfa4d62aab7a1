//! Vendors that fail, tables that cannot be reached: a clear error, nothing half-written, nothing lost.
#![allow(missing_docs, clippy::expect_used, reason = "tests")]

use std::{collections::BTreeMap, sync::Arc};

use http::Method;
use im_local::events::{failures, stream_event};
use im_model::{Field, IncidentId};
use im_sandbox::{
    Fault, FaultRule,
    pagerduty::{Status, Urgency, sign},
};
use im_tests::{INTEGRATION, World};
use jiff::SignedDuration;
use serde_json::{Value, json};

async fn linked() -> (Arc<World>, IncidentId, String) {
    let world = World::new().await;
    let id = world
        .create(&json!({"title": "db down", "severity": "SEV-1"}))
        .await;
    world.settle().await;
    world.clock.advance(SignedDuration::from_secs(60));
    let record = world.record_of(&id).await;
    (world, id, record)
}

fn refuse(status: u16) -> Fault {
    let body = json!({"error": {"message": "no", "code": 2001}});
    Fault::RefuseWith {
        status,
        body,
        headers: BTreeMap::new(),
    }
}

#[tokio::test]
async fn an_unreachable_table_is_503_to_webhook_and_api_and_nothing_is_lost() {
    let (world, id, record) = linked().await;
    world
        .pagerduty
        .person("ann@example.com")
        .acknowledge(&record)
        .expect("allowed");
    let delivery = world.pagerduty.drain_webhooks().remove(0);
    let signature = delivery.headers["x-pagerduty-signature"]
        .to_str()
        .expect("ASCII")
        .to_owned();
    world.calls.fail("*");
    assert_eq!(
        world.webhook(INTEGRATION, &signature, &delivery.body).await,
        503
    );
    let path = format!("/incidents/{id}");
    let edited = world
        .api(Method::PATCH, &path, Some(&json!({"severity": "SEV-3"})))
        .await;
    assert_eq!(edited.status(), 503);
    let problem: Value = serde_json::from_slice(edited.body()).expect("problem+json");
    assert_eq!(problem["status"], 503);
    world.calls.mend();
    assert_eq!(
        world.webhook(INTEGRATION, &signature, &delivery.body).await,
        202,
        "sent again"
    );
    world.settle().await;
    assert_eq!(
        world.value(&id, Field::Status).await.as_deref(),
        Some("acknowledged")
    );
    assert_eq!(
        world.value(&id, Field::Severity).await.as_deref(),
        Some("SEV-1")
    );
}

#[tokio::test]
async fn a_job_that_can_be_put_nowhere_stays_in_its_batch() {
    let (world, id, _) = linked().await;
    world.edit(&id, &json!({"status": "acknowledged"})).await;
    let mut stream = im_local::StreamPoller::new(
        world.system.embedded.streams.clone(),
        world.system.embedded.tables.sync.clone(),
    );
    let records = stream.poll().await.expect("the stream answers");
    let last = &records[records.len() - 1..];
    let event = stream_event(last).expect("a wake");
    let number = event["Records"][0]["dynamodb"]["SequenceNumber"].clone();
    world.calls.fail("*");
    let answer = world
        .system
        .outbound
        .handle(event.clone())
        .await
        .expect("an answer");
    assert_eq!(json!(failures(&answer)), json!([number]));
    world.calls.mend();
    let answer = world
        .system
        .outbound
        .handle(event)
        .await
        .expect("an answer");
    assert!(failures(&answer).is_empty());
    world.settle().await;
    assert_eq!(
        world.writes().len(),
        2,
        "created once, changed once: {:?}",
        world.writes()
    );
}

#[tokio::test]
async fn a_poison_record_is_reported_alone() {
    let (world, id, record) = linked().await;
    world.edit(&id, &json!({"status": "acknowledged"})).await;
    let mut stream = im_local::StreamPoller::new(
        world.system.embedded.streams.clone(),
        world.system.embedded.tables.sync.clone(),
    );
    let records = stream.poll().await.expect("the stream answers");
    let mut event = stream_event(&records[records.len() - 1..]).expect("a wake");
    let mut poison = event["Records"][0].clone();
    poison["dynamodb"]["SequenceNumber"] = json!("999");
    poison["dynamodb"]["NewImage"] = json!({"wake": {"S": "x"}, "id": {"S": "nonsense"}});
    event["Records"]
        .as_array_mut()
        .expect("records")
        .push(poison);
    let answer = world
        .system
        .outbound
        .handle(event)
        .await
        .expect("an answer");
    assert_eq!(failures(&answer), ["999"]);
    assert_eq!(
        world.pagerduty.incident(&record).expect("it").status,
        Status::Acknowledged
    );
}

#[tokio::test]
async fn a_vendor_that_fails_is_tried_five_times_and_then_the_job_is_dead() {
    let (world, id, record) = linked().await;
    world
        .pagerduty
        .add_fault(FaultRule::always(refuse(503)).method(&Method::PUT));
    world.edit(&id, &json!({"status": "acknowledged"})).await;
    let started = world.clock.read();
    world.settle().await;
    let dead = world.dead_letters().await;
    assert_eq!(dead.len(), 1);
    assert_eq!(
        (dead[0].attempt, dead[0].failures.len()),
        (5, 5),
        "{dead:?}"
    );
    assert!(
        dead[0].failures[0]
            .error
            .contains(&format!("PUT /incidents/{record}: unavailable (503)"))
    );
    let took = world.clock.read().duration_since(started).as_secs();
    assert_eq!(took, 30 + 120 + 480 + 1800);
    // The vendor is back: a newer edit brings everything.
    world.pagerduty.clear_faults();
    world.edit(&id, &json!({"severity": "SEV-4"})).await;
    world.settle().await;
    let held = world.pagerduty.incident(&record).expect("it exists");
    assert_eq!(
        (held.status, held.urgency),
        (Status::Acknowledged, Urgency::Low)
    );
}

#[tokio::test]
async fn a_rate_limit_stretches_the_wait() {
    let (world, id, _) = linked().await;
    let headers = BTreeMap::from([("ratelimit-reset".to_owned(), "45".to_owned())]);
    let fault = Fault::RefuseWith {
        status: 429,
        body: json!({}),
        headers,
    };
    world
        .pagerduty
        .add_fault(FaultRule::once(fault).method(&Method::PUT));
    world.edit(&id, &json!({"status": "acknowledged"})).await;
    world.run_now().await;
    let job = world.waiting_jobs().remove(0);
    assert_eq!(
        job.not_before.duration_since(world.clock.read()).as_secs(),
        45
    );
}

#[tokio::test]
async fn lost_answers_garbage_and_timeouts_double_nothing() {
    for fault in [
        Fault::TimeoutBeforeCommit,
        Fault::TimeoutAfterCommit,
        Fault::Garbage,
    ] {
        let world = World::new().await;
        world
            .pagerduty
            .add_fault(FaultRule::once(fault.clone()).method(&Method::POST));
        let id = world
            .create(&json!({"title": "db down", "severity": "SEV-1"}))
            .await;
        world.settle().await;
        assert_eq!(world.pagerduty.incidents().len(), 1, "{fault:?}");
        let record = world.record_of(&id).await;
        world
            .pagerduty
            .add_fault(FaultRule::once(fault.clone()).method(&Method::PUT));
        world.edit(&id, &json!({"status": "acknowledged"})).await;
        world.settle().await;
        assert_eq!(
            world.pagerduty.incident(&record).expect("it").status,
            Status::Acknowledged
        );
        assert_eq!(
            world.value(&id, Field::Status).await.as_deref(),
            Some("acknowledged")
        );
        assert_eq!(world.incidents().await.len(), 1, "{fault:?}");
        assert!(world.dead_letters().await.is_empty(), "{fault:?}");
    }
}

#[tokio::test]
async fn a_crash_between_reservation_and_creation_is_made_good() {
    // The vendor cannot be reached at all: the reservation stands, the record does not.
    let world = World::new().await;
    world
        .pagerduty
        .add_fault(FaultRule::once(Fault::TimeoutBeforeCommit).method(&Method::POST));
    let id = world.create(&json!({"title": "db down"})).await;
    world.run_outbound().await;
    world.edit(&id, &json!({"title": "db down, again"})).await;
    world.settle().await;
    assert_eq!(world.pagerduty.incidents().len(), 1);
    let record = world.record_of(&id).await;
    assert_eq!(
        world.pagerduty.incident(&record).expect("it").title,
        "db down, again"
    );
}

#[tokio::test]
async fn rotated_api_credentials_are_fetched_anew_before_the_job_fails() {
    let (world, id, record) = linked().await;
    world
        .pagerduty
        .add_fault(FaultRule::once(refuse(401)).method(&Method::GET));
    world.edit(&id, &json!({"status": "acknowledged"})).await;
    world.calls.take();
    world.run_outbound().await;
    assert!(world.calls.take().contains_key("GetSecretValue"));
    assert_eq!(
        world.pagerduty.incident(&record).expect("it").status,
        Status::Acknowledged
    );
}

#[tokio::test]
async fn a_name_that_cannot_be_looked_up_fails_its_field_and_the_record_is_created() {
    for status in [402, 403, 404] {
        let world = World::new().await;
        let fault = FaultRule::always(refuse(status)).path_contains("/priorities");
        world.pagerduty.add_fault(fault);
        let id = world
            .create(&json!({"title": "db down", "severity": "SEV-1", "priority": "P1"}))
            .await;
        world.settle().await;
        let record = world.record_of(&id).await;
        assert_eq!(
            world.pagerduty.incident(&record).expect("it").urgency,
            Urgency::High
        );
        let priority = world.value(&id, Field::Priority).await;
        assert_eq!(
            priority.as_deref(),
            Some("P1"),
            "what the user typed is still there"
        );
        let dead = world.dead_letters().await;
        assert_eq!(dead.len(), 1, "{dead:?}");
        assert!(
            dead[0].failures[0]
                .error
                .contains("priority: the PagerDuty account has no"),
            "{dead:?}"
        );
        world
            .edit(&id, &json!({"priority": "P2", "status": "acknowledged"}))
            .await;
        world.settle().await;
        let held = world.pagerduty.incident(&record).expect("it exists");
        assert_eq!(held.status, Status::Acknowledged, "its sibling arrives");
    }
}

#[tokio::test]
async fn a_refused_write_is_taken_apart_and_only_the_refused_field_fails() {
    let (world, id, record) = linked().await;
    // Somebody resolves between our read and our write: PagerDuty refuses to resolve again, with the title beside it.
    let (other, same_record) = (world.clone(), record.clone());
    world.transport.once(
        im_tests::Moment::BeforeArrival,
        Method::PUT,
        move || async move {
            other
                .pagerduty
                .person("ann@example.com")
                .resolve(&same_record)
                .expect("allowed");
            other.pagerduty.drain_webhooks();
        },
    );
    world
        .edit(
            &id,
            &json!({"status": "resolved", "title": "db down, and up again"}),
        )
        .await;
    world.settle().await;
    let held = world.pagerduty.incident(&record).expect("it exists");
    assert_eq!(held.title, "db down, and up again");
    assert_eq!(held.status, Status::Resolved);
    assert!(world.dead_letters().await.is_empty());
}

#[tokio::test]
async fn a_vendor_that_overrules_a_creation_is_reported_and_changes_nothing_of_ours() {
    let world = World::new().await;
    let overrule = Fault::Overrule {
        field: "urgency".to_owned(),
        value: json!("low"),
    };
    world
        .pagerduty
        .add_fault(FaultRule::once(overrule).method(&Method::POST));
    let id = world
        .create(&json!({"title": "db down", "severity": "SEV-1"}))
        .await;
    world.settle().await;
    let incident = world.incident(&id).await;
    assert_eq!(incident.value(&Field::Severity).as_str(), Some("SEV-1"));
    let notices = &incident.links[&INTEGRATION.parse().expect("an id")].notices;
    assert_eq!(
        notices[&Field::Severity].kind,
        im_model::NoticeKind::Overruled
    );
}

#[tokio::test]
async fn a_record_that_is_announced_before_it_is_shown_is_waited_for() {
    let world = World::new().await;
    world
        .pagerduty
        .person("ann@example.com")
        .trigger("db down", Urgency::High)
        .expect("allowed");
    world
        .pagerduty
        .add_fault(FaultRule::once(refuse(404)).method(&Method::GET));
    world.run_now().await;
    assert!(world.incidents().await.is_empty());
    world.settle().await;
    assert_eq!(world.incidents().await.len(), 1);
    assert!(world.dead_letters().await.is_empty());
}

#[tokio::test]
async fn a_job_that_takes_too_long_is_put_back_and_done_later() {
    let (world, id, record) = linked().await;
    world.edit(&id, &json!({"status": "acknowledged"})).await;
    world
        .transport
        .once(im_tests::Moment::BeforeArrival, Method::PUT, || async {
            // As long as it takes: the runner gives up first.
            futures::future::pending::<()>().await;
        });
    world.run_outbound().await;
    assert_eq!(world.waiting_jobs().len(), 1);
    world.settle().await;
    assert_eq!(
        world.pagerduty.incident(&record).expect("it").status,
        Status::Acknowledged
    );
    assert_eq!(world.writes().len(), 2, "{:?}", world.writes());
}

#[tokio::test]
async fn no_credential_is_in_any_item_message_or_answer() {
    let (world, id, record) = linked().await;
    world
        .pagerduty
        .add_fault(FaultRule::once(refuse(401)).times(2));
    world
        .pagerduty
        .person("ann@example.com")
        .acknowledge(&record)
        .expect("allowed");
    world.edit(&id, &json!({"severity": "SEV-3"})).await;
    world.settle().await;
    let body = b"{}";
    let refused = world.webhook(INTEGRATION, &sign("wrong", body), body).await;
    assert_eq!(refused, 401);
    let mut seen = String::new();
    for path in ["/integrations", "/integrations/demo-pd", "/incidents"] {
        let answer = world.api(Method::GET, path, None).await;
        seen += &String::from_utf8_lossy(answer.body());
    }
    for table in [
        &world.system.embedded.tables.sync,
        &world.system.embedded.tables.deliveries,
    ] {
        let items = world
            .system
            .embedded
            .dynamodb
            .scan()
            .table_name(table)
            .send()
            .await;
        seen = format!("{seen}{:?}", items.expect("a scan").items);
    }
    seen = format!("{seen}{:?}", world.dead_letters().await);
    for secret in ["a-token", "a-secret"] {
        assert!(!seen.contains(secret), "{secret} got out");
    }
    assert!(
        seen.contains("demo-pd"),
        "there was something to look through"
    );
}
