//! `dead-letter` and `reconciler` may do what they do, and nothing else.

use std::{collections::BTreeSet, sync::Arc};

use http::Method;
use im_engine::{RetryMessage, SweepReport};
use im_runtime::{DeadLetterFunction, DynamoStreams, EventBridgeAnnouncer, dead_letter_recorder};
use im_tests::{EventBus, Shard};
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::permissions::{Watched, permissions};

/// What Lambda itself asks for in a function's name, to feed it from its queue.
fn to_be_fed(queue: &str) -> BTreeSet<(String, String)> {
    ["DeleteMessage", "GetQueueAttributes", "ReceiveMessage"]
        .map(|action| (format!("sqs:{action}"), queue.to_owned()))
        .into()
}

/// A role permits exactly what was asked for, beside writing logs and using the key (`encryption.rs`).
fn assert_exact(role: &str, asked: &BTreeSet<(String, String)>) {
    let mut permitted = permissions(role);
    permitted.retain(|(action, _)| !action.starts_with("logs:") && !action.starts_with("kms:"));
    let missing: Vec<_> = asked.difference(&permitted).collect();
    let unused: Vec<_> = permitted.difference(asked).collect();
    assert!(
        missing.is_empty() && unused.is_empty(),
        "{role} lacks {missing:#?}, and nobody needs {unused:#?}"
    );
}

/// An incident with a record, which owes its integration a change, and a delivery that is open.
async fn owing() -> (Watched, String) {
    let mut watched = Watched::new().await;
    let integration = json!({
        "id": "demo-pd", "integration_type": "pagerduty", "name": "Demo",
        "base_url": "http://127.0.0.1:9", "options": {"service": "PSVC001"},
        "credentials": {
            "token": "a-token", "from_email": "oncall@example.com", "webhook_secret": "a-secret",
        },
    });
    watched
        .call(Method::POST, "/integrations", integration)
        .await;
    let incident = json!({"title": "db down", "severity": "SEV-1"});
    let created = watched.call(Method::POST, "/incidents", incident).await;
    let id = created["id"].as_str().expect("an id").to_owned();
    watched.run_outbound().await;
    let path = format!("/incidents/{id}");
    watched
        .call(Method::PATCH, &path, json!({"title": "db still down"}))
        .await;
    watched.trigger_and_deliver().await;
    (watched, id)
}

/// The job that an edit makes.
fn by_change(incident: &str) -> Value {
    let hint = json!({"side": "incident", "incident": incident, "integration": "demo-pd"});
    json!({"hint": hint, "cause": {"by": "change"}})
}

/// A job that died of this at its first attempt.
fn buried(job: &Value, reason: &str, fields: &[&str]) -> String {
    let at = "2026-01-02T03:04:05Z";
    let failure = json!({"at": at, "error": "it failed", "reason": reason, "fields": fields});
    let message = json!({
        "job": job, "attempt": 1, "failures": [failure], "not_before": at, "died_at": at,
    });
    let message = message.to_string();
    let _: RetryMessage = serde_json::from_str(&message).expect("a message of ours");
    message
}

/// The function, watched.
fn dead_letter(watched: &Watched) -> DeadLetterFunction {
    let embedded = &watched.system.embedded;
    let streams = aws_sdk_dynamodbstreams::config::Builder::from(&embedded.dynamodb_config);
    let streams = streams.interceptor(watched.asked.clone()).build();
    let streams = aws_sdk_dynamodbstreams::Client::from_conf(streams);
    let bus = EventBus::default().config(embedded);
    let bus = bus.interceptor(watched.asked.clone()).build();
    let announcer = EventBridgeAnnouncer::new(aws_sdk_eventbridge::Client::from_conf(bus));
    let ports = &watched.system.ports;
    DeadLetterFunction::new(
        dead_letter_recorder(&ports.store, ports.clock.clone(), Arc::new(announcer)),
        Arc::new(DynamoStreams::new(streams)),
        embedded.tables.clone(),
    )
}

async fn take(function: &DeadLetterFunction, body: &str) {
    let event = json!({"Records": [{"messageId": "1", "eventSource": "aws:sqs", "body": body}]});
    let answer = function.handle(event).await.expect("an event");
    assert_eq!(answer, json!({"batchItemFailures": []}), "{body}");
}

#[tokio::test]
async fn the_role_of_dead_letter_permits_what_it_does() {
    let (watched, incident) = owing().await;
    let function = dead_letter(&watched);
    let list = "/deliveries?integration_id=demo-pd";
    let deliveries = watched.call(Method::GET, list, Value::Null).await;
    let delivery = &deliveries["items"][0];
    let hint = json!({
        "side": "external", "integration": "demo-pd", "external_id": delivery["external_id"],
    });
    let key = delivery["id"].as_str().expect("an id").replace('/', "#");
    let by_delivery = json!({"hint": hint, "cause": {"by": "delivery", "key": key}});
    let embedded = &watched.system.embedded;
    let mut bodies = vec![
        buried(&by_change(&incident), "unavailable", &[]),
        buried(&by_change(&incident), "refused", &["comments"]),
        buried(&by_delivery, "refused", &[]),
    ];
    for table in [&embedded.tables.deliveries, &embedded.tables.sync] {
        let shard = Shard::of(embedded, table).await;
        let newest = shard.waking().await.pop().expect("a record");
        let given_up = json!({"DDBStreamBatchInfo": shard.stretch(&newest, &newest)});
        bodies.push(given_up.to_string());
    }
    watched.asked.take();
    for body in bodies {
        take(&function, &body).await;
    }
    let mut asked = watched.take_asked();
    asked.extend(to_be_fed("DeadLetterQueue"));
    assert_exact("DeadLetterRole", &asked);
}

#[tokio::test]
async fn the_role_of_reconciler_permits_what_it_does() {
    let (watched, _) = owing().await;
    let hint = json!({"side": "external", "integration": "demo-pd", "external_id": "P0"});
    let dead = json!({"hint": hint, "cause": {"by": "person"}});
    take(&dead_letter(&watched), &buried(&dead, "unavailable", &[])).await;
    let schedule = "/integrations/demo-pd/reconcile/schedule";
    let every_minute = json!({"interval": "1m", "auto_heal": true});
    watched.call(Method::POST, schedule, every_minute).await;
    let tick = async || -> SweepReport {
        let now = watched.clock.read();
        let event = im_local::events::scheduled_event(now);
        let report = watched.system.reconciler.handle(&event).await;
        serde_json::from_value(report.expect("the store answers")).expect("a report")
    };
    // By now the delivery and the debt are forgotten, too. The vendor answers, and what is dead is tried again.
    watched.clock.advance(SignedDuration::from_hours(2));
    watched.asked.take();
    let first = tick().await;
    watched.clock.advance(SignedDuration::from_mins(1));
    let second = tick().await;
    assert_eq!((first.redriven, first.silent), (1, 0), "{first:?}");
    assert!(first.runs > 0, "{first:?}");
    watched.run_reconciler().await;
    let deliveries = first.deliveries + second.deliveries;
    let incidents = first.incidents + second.incidents;
    assert!(deliveries > 0 && incidents > 0, "{first:?} {second:?}");
    let mut asked = watched.take_asked();
    asked.extend(to_be_fed("ReconcileQueue"));
    // What it tells of, tests/events holds to the schema; here nobody listens.
    asked.insert((
        "events:PutEvents".to_owned(),
        "the default event bus".to_owned(),
    ));
    assert_exact("ReconcilerRole", &asked);
}
