//! What webhooks look like, and how they are sent.
#![allow(clippy::unwrap_used, reason = "a panic is a failed test")]

mod caller;

use std::path::Path;
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use bytes::Bytes;
use caller::{created, event_types, pagerduty, put};
use im_sandbox::pagerduty::{Urgency, sign};
use im_sandbox::webhook_delivery::Outcome;
use im_sandbox::{Fault, FaultRule, PagerDuty, PagerDutyConfig, RetryPolicy};
use serde_json::{Value, json};
use tokio::sync::mpsc;

/// From the vendor's documentation.
const PING: &str = r#"{"event":{"id":"01FKZOXA868SHYEE4DVNWB5P9W","event_type":"pagey.ping","resource_type":"pagey","occurred_at":"2025-04-07T03:00:55.532Z","agent":{"id":"PVE0ZR9","type":"user_reference"},"client":null,"data":{"message":"Hello from your friend Pagey!","type":"ping"}}}"#;

#[test]
fn the_documented_event_has_the_documented_signature() {
    let secret = "HvPtlQNKMPpHSSqJpCdndXfo7HnGXa1pnH6w5axpxLFn9aRBNBGh4e8/HlonK5mz";
    assert_eq!(
        sign(secret, PING.as_bytes()),
        "v1=0e83584cbab86f98c51517cf96a70c90e910532d3d2f067d58c753cc8980a05b"
    );
}

#[test]
fn each_secret_signs_the_raw_body() {
    let mut config = PagerDutyConfig::demo("token", "old");
    config.webhook_secrets.push("new".to_owned());
    let pagerduty = PagerDuty::new(config);
    created(&pagerduty, &json!({}));
    let webhook = pagerduty.drain_webhooks().remove(0);
    let expected = format!(
        "{},{}",
        sign("old", &webhook.body),
        sign("new", &webhook.body)
    );
    assert_eq!(webhook.headers["x-pagerduty-signature"], expected);
    assert!(webhook.headers.contains_key("x-webhook-id"));
    assert_eq!(webhook.headers["content-type"], "application/json");
}

#[test]
fn an_event_says_what_and_when_and_the_incident_is_no_older() {
    let (pagerduty, clock) = pagerduty();
    let id = created(&pagerduty, &json!({}));
    pagerduty.drain_webhooks();
    clock.set("2026-01-02T04:00:00.999Z".parse().unwrap());
    put(&pagerduty, &id, &json!({"status": "acknowledged"}));
    let webhook = pagerduty.drain_webhooks().remove(0);
    let event = &serde_json::from_slice::<Value>(&webhook.body).unwrap()["event"];
    assert_eq!(event["id"], webhook.event_id.as_str());
    assert_eq!(event["id"].as_str().unwrap().len(), 26);
    assert_eq!(event["event_type"], "incident.acknowledged");
    assert_eq!(event["occurred_at"], "2026-01-02T04:00:00.999Z");
    assert_eq!(event["agent"]["id"], "PUSER01");
    assert_eq!(event["data"]["status"], "acknowledged");
    let incident = caller::get(&pagerduty, &format!("/incidents/{id}")).1;
    assert_eq!(incident["incident"]["updated_at"], "2026-01-02T04:00:00Z");
}

#[test]
fn a_clock_that_goes_back_does_not_take_the_changes_with_it() {
    let (pagerduty, clock) = pagerduty();
    let id = created(&pagerduty, &json!({}));
    clock.set("2026-01-01T00:00:00Z".parse().unwrap());
    put(&pagerduty, &id, &json!({"title": "Later"}));
    let incident = pagerduty.incident(&id).unwrap();
    assert_eq!(incident.updated_at, incident.created_at);
}

/// The members and their kinds, as far as the sample goes; null fits all.
fn same_shape(sample: &Value, own: &Value, place: &str, findings: &mut Vec<String>) {
    match (sample, own) {
        (Value::Object(sample), Value::Object(own)) => {
            for key in own.keys().filter(|key| !sample.contains_key(*key)) {
                findings.push(format!("{place}/{key} is not in the sample"));
            }
            for (key, sample) in sample {
                match own.get(key) {
                    Some(own) => same_shape(sample, own, &format!("{place}/{key}"), findings),
                    None => findings.push(format!("{place}/{key} is missing")),
                }
            }
        }
        (Value::Array(sample), Value::Array(own)) => {
            for own in own {
                same_shape(&sample[0], own, &format!("{place}/0"), findings);
            }
        }
        (_, Value::Null) | (Value::Null, _) => {}
        _ if std::mem::discriminant(sample) == std::mem::discriminant(own) => {}
        _ => findings.push(format!("{place} is {own}, not like {sample}")),
    }
}

fn samples() -> Option<std::path::PathBuf> {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let folder = workspace.join("../shared/vendor/pagerduty");
    if folder.exists() {
        return Some(folder);
    }
    let ci = std::env::var("CI");
    assert_ne!(ci.as_deref(), Ok("true"), "CI needs the vendor's samples");
    println!("skipped: no {}", folder.display());
    None
}

#[test]
fn events_have_the_shape_of_the_vendors_samples() {
    let Some(folder) = samples() else { return };
    let read = |name: &str| -> Value {
        serde_json::from_slice(&std::fs::read(folder.join(name)).unwrap()).unwrap()
    };
    let types = read("event_type_to_data_type.json");
    let whole = read("webhooks/incident.priority_updated.json");
    let (pagerduty, _) = pagerduty();
    let id = every_event(&pagerduty);
    let mut seen = Vec::new();
    for webhook in pagerduty.drain_webhooks() {
        let event = serde_json::from_slice::<Value>(&webhook.body).unwrap()["event"].clone();
        let kind = types[&webhook.event_type].as_str().unwrap();
        assert_eq!(event["data"]["type"], kind);
        let mut sample = whole["event"].clone();
        sample["data"] = read(&format!("webhooks/{kind}.json"));
        if event["data"].get("reopened_at").is_none() && kind == "incident" {
            sample["data"]
                .as_object_mut()
                .unwrap()
                .remove("reopened_at");
        }
        let mut findings = Vec::new();
        same_shape(&sample, &event, "", &mut findings);
        assert_eq!(findings, Vec::<String>::new(), "{}", webhook.event_type);
        seen.push(webhook.event_type);
    }
    assert_eq!(seen.len(), 11, "{id}: {seen:?}");
}

/// One of each event; people do it.
fn every_event(pagerduty: &PagerDuty) -> String {
    let ann = pagerduty.person("ann@example.com");
    let id = ann.trigger("Disk full", Urgency::High).unwrap();
    ann.set_title(&id, "Disk is full").unwrap();
    ann.set_urgency(&id, Urgency::Low).unwrap();
    ann.acknowledge(&id).unwrap();
    ann.unacknowledge(&id).unwrap();
    ann.set_priority(&id, Some("P1")).unwrap();
    ann.reassign(&id, "bob@example.com").unwrap();
    ann.escalate(&id, "PESC002").unwrap();
    ann.escalate_to_level(&id, 2).unwrap();
    ann.note(&id, "Looking").unwrap();
    ann.resolve(&id).unwrap();
    ann.reopen(&id).unwrap();
    ann.resolve(&id).unwrap();
    id
}

#[test]
fn people_cause_the_same_events_as_the_api() {
    let (pagerduty, _) = pagerduty();
    every_event(&pagerduty);
    assert_eq!(
        event_types(&pagerduty),
        [
            "incident.triggered",
            "incident.acknowledged",
            "incident.unacknowledged",
            "incident.priority_updated",
            "incident.reassigned",
            "incident.delegated",
            "incident.escalated",
            "incident.annotated",
            "incident.resolved",
            "incident.reopened",
            "incident.resolved",
        ]
    );
    assert_eq!(pagerduty.requests().len(), 0);
}

/// A receiver that answers as told (0: not at all) and hands on what it got.
async fn receiver(answers: Vec<u16>) -> (String, mpsc::UnboundedReceiver<(HeaderMap, Bytes)>) {
    type Shared = (
        std::sync::Arc<std::sync::Mutex<Vec<u16>>>,
        mpsc::UnboundedSender<(HeaderMap, Bytes)>,
    );
    async fn take(
        State((answers, seen)): State<Shared>,
        headers: HeaderMap,
        body: Bytes,
    ) -> StatusCode {
        let answer = {
            let mut answers = answers.lock().unwrap();
            if answers.is_empty() {
                202
            } else {
                answers.remove(0)
            }
        };
        seen.send((headers, body)).unwrap();
        match answer {
            0 => std::future::pending().await,
            answer => StatusCode::from_u16(answer).unwrap(),
        }
    }
    let (seen, receiver) = mpsc::unbounded_channel();
    let shared: Shared = (std::sync::Arc::new(std::sync::Mutex::new(answers)), seen);
    let router = axum::Router::new().fallback(take).with_state(shared);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/webhooks", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    (url, receiver)
}

/// What is received next; nothing for long is a failure, not a hang.
async fn next(seen: &mut mpsc::UnboundedReceiver<(HeaderMap, Bytes)>) -> (HeaderMap, Bytes) {
    let patience = Duration::from_secs(30);
    let received = tokio::time::timeout(patience, seen.recv()).await;
    received.unwrap().unwrap()
}

fn quick() -> RetryPolicy {
    RetryPolicy {
        timeout: Duration::from_secs(1),
        first_pause: Duration::from_millis(1),
        longest_pause: Duration::from_millis(2),
        attempts: 5,
    }
}

#[tokio::test]
async fn failures_are_sent_again_in_order_and_refusals_are_dropped() {
    let (pagerduty, _) = pagerduty();
    let (url, mut seen) = receiver(vec![503, 0, 429, 202, 400]).await;
    tokio::spawn(pagerduty.clone().deliver_webhooks_to(url, quick()));
    let id = created(&pagerduty, &json!({}));
    put(&pagerduty, &id, &json!({"status": "acknowledged"}));
    put(&pagerduty, &id, &json!({"status": "resolved"}));
    let mut types = Vec::new();
    for _ in 0..6 {
        let (headers, body) = next(&mut seen).await;
        assert_eq!(headers["x-pagerduty-signature"], sign("secret", &body));
        let body: Value = serde_json::from_slice(&body).unwrap();
        types.push(body["event"]["event_type"].as_str().unwrap().to_owned());
    }
    let first = "incident.triggered";
    let expected = [
        first,
        first,
        first,
        first,
        "incident.acknowledged",
        "incident.resolved",
    ];
    assert_eq!(types, expected);
    // The next one is sent only after the third's answer was noted.
    put(&pagerduty, &id, &json!({"status": "triggered"}));
    next(&mut seen).await;
    let records = pagerduty.deliveries();
    let outcomes: Vec<_> = records
        .iter()
        .take(3)
        .map(|record| record.outcome)
        .collect();
    assert_eq!(
        outcomes,
        [Outcome::Delivered, Outcome::Dropped, Outcome::Delivered]
    );
    let statuses: Vec<_> = records[0]
        .attempts
        .iter()
        .map(|attempt| attempt.status)
        .collect();
    assert_eq!(statuses, [Some(503), None, Some(429), Some(202)]);
}

#[tokio::test]
async fn a_webhook_is_given_up_in_the_end() {
    let (pagerduty, _) = pagerduty();
    let (url, mut seen) = receiver(vec![500; 5]).await;
    tokio::spawn(pagerduty.clone().deliver_webhooks_to(url, quick()));
    let id = created(&pagerduty, &json!({}));
    put(&pagerduty, &id, &json!({"status": "resolved"}));
    for _ in 0..6 {
        next(&mut seen).await;
    }
    let records = pagerduty.deliveries();
    assert_eq!(records[0].outcome, Outcome::GivenUp);
    assert_eq!(records[0].attempts.len(), 5);
}

#[test]
fn webhooks_are_lost_doubled_and_late_as_told() {
    let (pagerduty, _) = pagerduty();
    pagerduty.add_fault(FaultRule::once(Fault::DropWebhooks));
    pagerduty.add_fault(FaultRule::once(Fault::DuplicateWebhooks).path_contains("acknowledged"));
    pagerduty.add_fault(FaultRule::always(Fault::HoldWebhooks).path_contains("resolved"));
    let id = created(&pagerduty, &json!({}));
    for status in ["acknowledged", "resolved", "triggered"] {
        put(&pagerduty, &id, &json!({ "status": status }));
    }
    let sent = event_types(&pagerduty);
    let acknowledged = "incident.acknowledged";
    assert_eq!(sent, [acknowledged, acknowledged, "incident.reopened"]);
    pagerduty.clear_faults();
    assert_eq!(event_types(&pagerduty), ["incident.resolved"]);
}
