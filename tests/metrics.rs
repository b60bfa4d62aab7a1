//! What is measured: each minute of every integration, and of each edit that arrives.
#![allow(missing_docs, clippy::expect_used, reason = "tests")]

use std::{
    collections::BTreeMap,
    io,
    sync::{Arc, Mutex},
};

use http::Method;
use im_engine::{
    CircuitState, OpenCircuit,
    ports::{Attempt, CircuitStore as _},
};
use im_model::NoteKind;
use im_runtime::metrics::{METRICS, lines};
use im_sandbox::{Fault, FaultRule};
use im_tests::{INTEGRATION, JIRA, World};
use jiff::SignedDuration;
use serde_json::{Value, json};
use tracing::subscriber::DefaultGuard;
use tracing_subscriber::{fmt::MakeWriter, layer::SubscriberExt as _};

/// The lines of a log that are metrics.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("nobody panicked").extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'w> MakeWriter<'w> for Log {
    type Writer = Self;

    fn make_writer(&'w self) -> Self {
        self.clone()
    }
}

impl Log {
    /// Of this thread, from now on.
    fn start() -> (Self, DefaultGuard) {
        let log = Self::default();
        let layer = lines("itsm-sync".to_owned(), log.clone());
        let subscriber = tracing_subscriber::registry().with(layer);
        (log, tracing::subscriber::set_default(subscriber))
    }

    /// What was told of an integration since the last call, each line's members by name.
    fn take(&self, integration: &str) -> Vec<BTreeMap<String, Value>> {
        let bytes = std::mem::take(&mut *self.0.lock().expect("nobody panicked"));
        let text = String::from_utf8(bytes).expect("UTF-8");
        let parsed = text
            .lines()
            .map(|line| serde_json::from_str(line).expect("JSON"));
        let of_it = |line: &BTreeMap<String, Value>| line["integration"] == integration;
        parsed.filter(of_it).collect()
    }

    /// All times that an edit took to an integration, or from it.
    fn latencies(&self, integration: &str) -> Vec<(String, u64)> {
        let lines = self.take(integration).into_iter();
        let latency = |line: BTreeMap<String, Value>| {
            let took = line.get("propagation_latency")?.as_u64()?;
            Some((line["direction"].as_str()?.to_owned(), took))
        };
        lines.filter_map(latency).collect()
    }
}

fn seconds(seconds: i64) -> SignedDuration {
    SignedDuration::from_secs(seconds)
}

async fn must(world: &World, method: Method, path: &str, body: &Value) {
    let answer = world.api(method, path, Some(body)).await;
    assert!(answer.status().is_success(), "{path}: {answer:?}");
}

/// What the minute tells of an integration.
async fn minute(world: &World, log: &Log, integration: &str) -> BTreeMap<String, Value> {
    log.take(integration);
    world.tick().await;
    let told = log.take(integration);
    let mut gauges = told
        .into_iter()
        .filter(|line| line.contains_key("pending_deliveries"));
    let gauge = gauges
        .next()
        .unwrap_or_else(|| panic!("the minute says nothing of {integration}"));
    assert!(gauges.next().is_none(), "once a minute");
    gauge
}

fn numbers(gauge: &BTreeMap<String, Value>) -> BTreeMap<&str, u64> {
    let known = METRICS.map(|(name, _)| name);
    let of_known = gauge
        .iter()
        .filter(|(name, _)| known.contains(&name.as_str()));
    of_known
        .map(|(name, value)| (name.as_str(), value.as_u64().expect("a number")))
        .collect()
}

const QUIET: [(&str, u64); 8] = [
    ("circuit_open", 0),
    ("conflicts_pending", 0),
    ("dead_letters_open", 0),
    ("oldest_conflict_seconds", 0),
    ("oldest_pending_seconds", 0),
    ("pending_deliveries", 0),
    ("pending_incidents", 0),
    ("reconcile_overdue_seconds", 0),
];

/// All as in quiet times, but for these.
fn but(others: &[(&'static str, u64)]) -> BTreeMap<&'static str, u64> {
    QUIET.iter().chain(others).copied().collect()
}

#[tokio::test]
async fn each_minute_tells_how_every_integration_is() {
    let world = World::with_all().await;
    let (log, _guard) = Log::start();
    for integration in [INTEGRATION, JIRA] {
        let told = minute(&world, &log, integration).await;
        assert_eq!(numbers(&told), but(&[]), "{integration}");
        assert_eq!(told["stack"], "itsm-sync");
    }
}

#[tokio::test]
async fn the_minute_tells_of_a_conflict_that_waits_and_of_jobs_that_are_dead() {
    let world = World::with_all().await;
    let (log, _guard) = Log::start();
    let review = json!({"conflict_strategy": "manual-review"});
    let path = format!("/integrations/{JIRA}");
    must(&world, Method::PATCH, &path, &review).await;
    let id = world.create(&json!({"title": "db down"})).await;
    world.settle().await;
    let key = world.record_in(&id, JIRA).await;
    let refused = Fault::RefuseWith {
        status: 400,
        body: json!({"error": {"message": "no", "code": 2001}}),
        headers: BTreeMap::new(),
    };
    let refused = FaultRule::always(refused).method(&Method::PUT);
    world.pagerduty.add_fault(refused);
    world.clock.advance(seconds(30));
    world.edit(&id, &json!({"title": "ours"})).await;
    let theirs = json!({"summary": "theirs"});
    let bob = world.jira.person("bob@example.com");
    bob.edit(&key, &theirs).expect("allowed");
    world.settle().await;
    world.clock.advance(seconds(100));
    let told = minute(&world, &log, JIRA).await;
    let told = numbers(&told);
    let waits = told["oldest_conflict_seconds"];
    assert!((100..130).contains(&waits), "{waits} s");
    assert_eq!(
        told,
        but(&[("conflicts_pending", 1), ("oldest_conflict_seconds", waits)])
    );
    let told = minute(&world, &log, INTEGRATION).await;
    assert_eq!(numbers(&told), but(&[("dead_letters_open", 1)]));
}

#[tokio::test]
async fn the_minute_tells_of_what_waits_of_a_silent_vendor_and_of_a_run_that_is_late() {
    let world = World::with_all().await;
    let (log, _guard) = Log::start();
    let id = world.create(&json!({"title": "db down"})).await;
    world.settle().await;
    let path = format!("/integrations/{INTEGRATION}/reconcile/schedule");
    must(&world, Method::POST, &path, &json!({"interval": "1h"})).await;
    world.clock.advance(seconds(3600 + 45));
    let opened = CircuitState {
        version: 1,
        open: Some(OpenCircuit {
            since: world.clock.read(),
            until: world.clock.read() + seconds(600),
            failed_trials: 0,
            why: "no answer in time".to_owned(),
        }),
        paused_until: None,
    };
    let store = &world.system.ports.store;
    let integration = INTEGRATION.parse().expect("an id");
    let put = store.put_circuit(&integration, &opened).await;
    assert_eq!(put.expect("stored"), Attempt::Done);
    // Accepted, and nobody works on it.
    let record = world.record_of(&id).await;
    let ann = world.pagerduty.person("ann@example.com");
    ann.note(&record, "looking").expect("allowed");
    world.deliver_webhooks().await;
    world.clock.advance(seconds(20));
    world.edit(&id, &json!({"title": "db is down"})).await;
    let told = minute(&world, &log, INTEGRATION).await;
    let told = numbers(&told);
    let late = told["reconcile_overdue_seconds"];
    assert!((65..70).contains(&late), "{late} s");
    let expected = but(&[
        ("circuit_open", 1),
        ("oldest_pending_seconds", 20),
        ("pending_deliveries", 1),
        ("pending_incidents", 1),
        ("reconcile_overdue_seconds", late),
    ]);
    assert_eq!(told, expected);
    let told = minute(&world, &log, JIRA).await;
    assert_eq!(
        numbers(&told),
        but(&[("pending_incidents", 1)]),
        "what waits is told of whom it waits for"
    );
}

async fn propagation(world: &World) -> Value {
    let path = format!("/integrations/{INTEGRATION}/sync-status");
    world.read(&path).await["propagation"].clone()
}

#[tokio::test]
async fn an_edit_that_arrives_says_once_how_long_it_took() {
    let world = World::new().await;
    let (log, _guard) = Log::start();
    let id = world.create(&json!({"title": "db down"})).await;
    world.settle().await;
    log.latencies(INTEGRATION);
    let before = propagation(&world).await;
    world.clock.advance(seconds(60));
    world.edit(&id, &json!({"title": "db is down"})).await;
    world.clock.advance(seconds(3));
    world.settle().await;
    assert_eq!(log.latencies(INTEGRATION), [("outbound".to_owned(), 3000)]);
    world.write_note(&id, NoteKind::WorkNote, "looking").await;
    world.settle().await;
    assert_eq!(log.latencies(INTEGRATION), [("outbound".to_owned(), 0)]);
    let record = world.record_of(&id).await;
    let ann = world.pagerduty.person("ann@example.com");
    ann.acknowledge(&record).expect("allowed");
    world.clock.advance(seconds(7));
    let webhooks = world.drain_webhooks();
    for _ in 0..2 {
        for (vendor, webhook) in &webhooks {
            assert_eq!(world.post(*vendor, webhook).await, 202);
        }
        world.settle().await;
    }
    assert_eq!(log.latencies(INTEGRATION), [("inbound".to_owned(), 7000)]);
    let shown = propagation(&world).await;
    let more = |way: &str| {
        let more = |name: &str| Some(shown[way][name].as_u64()? - before[way][name].as_u64()?);
        ["edits", "within_1s", "within_5s", "within_60s"].map(more)
    };
    assert_eq!(more("inbound"), [1, 0, 0, 1].map(Some));
    assert_eq!(more("outbound"), [2, 1, 2, 2].map(Some));
    assert_eq!(shown["inbound"]["latest"]["milliseconds"], 7000);
    assert_eq!(shown["outbound"]["latest"]["milliseconds"], 0);
}

#[tokio::test]
async fn what_a_reconciliation_brings_says_nothing_of_how_long_syncing_takes() {
    let world = World::new().await;
    let (log, _guard) = Log::start();
    let id = world.create(&json!({"title": "db down"})).await;
    world.settle().await;
    log.latencies(INTEGRATION);
    let before = propagation(&world).await;
    let record = world.record_of(&id).await;
    let ann = world.pagerduty.person("ann@example.com");
    ann.acknowledge(&record).expect("allowed");
    world.lose_webhooks();
    world.clock.advance(seconds(86_400));
    world.auto_heal(INTEGRATION).await;
    world.settle().await;
    let status = world.value(&id, im_model::Field::Status).await;
    assert_eq!(status.as_deref(), Some("acknowledged"));
    assert_eq!(log.latencies(INTEGRATION), []);
    assert_eq!(propagation(&world).await, before);
}

#[tokio::test]
async fn what_the_vendor_says_of_its_limit_is_shown() {
    let world = World::new().await;
    let id = world.create(&json!({"title": "db down"})).await;
    world.settle().await;
    world.edit(&id, &json!({"title": "db is down"})).await;
    world.settle().await;
    let path = format!("/integrations/{INTEGRATION}/sync-status");
    let shown = world.read(&path).await;
    let said = shown["rate_limit"]["headroom_percent"].as_u64();
    let said = said.expect("PagerDuty says how many requests it still takes");
    assert!((90..100).contains(&said), "{shown}");
    assert_eq!(shown["circuit"]["state"], "closed");
    assert_eq!(
        shown["conflicts"],
        json!({"pending": 0, "oldest_seconds": null})
    );
}
