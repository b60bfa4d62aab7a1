//! The sample events in `events/` are what the functions take, and what the tables' streams really show.
#![allow(missing_docs, clippy::expect_used, reason = "tests")]

#[path = "events/after_failure.rs"]
mod after_failure;
#[path = "events/announced.rs"]
mod announced;
#[path = "events/webhooks.rs"]
mod webhooks;

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
};

use after_failure::{BURIED, GIVEN_UP, MINUTE, REDRIVEN, RUN, UNREADABLE};
use im_local::{LocalSystem, StreamPoller, events::stream_event};
use im_model::{Field, IncidentId, IntegrationType};
use im_sandbox::pagerduty::{Status, Urgency};
use im_tests::World;
use jiff::{SignedDuration, Timestamp};
use lambda_http::{Adapter, Context, LambdaEvent, request::LambdaRequest, tower::Service as _};
use serde_json::{Value, json};
use webhooks::{DOCUMENTED_SECRET, WEBHOOKS, connect, connected_with, go_to, post_webhook};

/// The files that are no webhooks, each played by the test of its function.
const DELIVERY: &str = "inbound/delivery.json";
const INBOUND_RETRY: &str = "inbound/retry.json";
const CHANGE: &str = "outbound/incident-changed.json";
const OUTBOUND_RETRY: &str = "outbound/retry.json";
const CREATE: &str = "api/create-incident.json";
const LIST: &str = "api/list-incidents.json";

/// What the files call the record and the incident that they are about.
const RECORD: &str = "PGR0VU2";
const INCIDENT: &str = "INC-01K0Z9W3T7Q5E8M2N4P6R8S0V1";

const JWT_KEY: &str = "a key that is long enough for HS256";

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../events")
}

/// A file, with other names in it.
fn sample_with(name: &str, names: &[(&str, &str)]) -> Value {
    let mut text = std::fs::read_to_string(folder().join(name)).expect(name);
    for (old, new) in names {
        assert!(text.contains(old), "{name} does not mention {old}");
        text = text.replace(old, new);
    }
    serde_json::from_str(&text).expect(name)
}

fn sample(name: &str) -> Value {
    sample_with(name, &[])
}

#[test]
fn no_file_is_without_an_expectation() {
    let mut files = BTreeSet::new();
    for function in std::fs::read_dir(folder()).expect("events/") {
        let function = function.expect("an entry");
        if !function.file_type().expect("a type").is_dir() {
            assert_eq!(
                function.file_name(),
                "sign",
                "a file that no function takes"
            );
            continue;
        }
        if function.file_name() == "announced" {
            continue; // what we tell others: announced.rs
        }
        let owner = folder().join("../functions").join(function.file_name());
        assert!(owner.is_dir(), "{:?} is no function", function.file_name());
        for file in std::fs::read_dir(function.path()).expect("a folder") {
            let file = file.expect("a file").file_name();
            let name = Path::new(&function.file_name()).join(file);
            files.insert(name.to_str().expect("UTF-8").to_owned());
        }
    }
    let mut expected: BTreeSet<_> = WEBHOOKS
        .iter()
        .map(|(name, ..)| (*name).to_owned())
        .collect();
    let others = [
        DELIVERY,
        INBOUND_RETRY,
        CHANGE,
        OUTBOUND_RETRY,
        CREATE,
        LIST,
        BURIED,
        REDRIVEN,
        GIVEN_UP,
        UNREADABLE,
        MINUTE,
        RUN,
    ];
    expected.extend(others.map(str::to_owned));
    assert_eq!(files, expected);
}

// ---------------------------------------------------------------------------------------------------------- inbound

#[tokio::test]
async fn a_delivery_makes_inbound_read_its_record() {
    let world = connected_with(DOCUMENTED_SECRET).await;
    let webhook = sample("webhook-pagerduty/incident-triggered-base64.json");
    assert_eq!(post_webhook(&world, &webhook).await, 202);
    inbound(&world, sample(DELIVERY)).await;
    assert_eq!(asked(&world), [format!("GET /incidents/{RECORD}")]);
    assert_eq!(
        world.waiting_jobs().len(),
        1,
        "it may only not be shown yet"
    );
    world.settle().await;
    let delivery = world.stored_deliveries().await.remove(0);
    assert_eq!(
        delivery.outcome.as_deref(),
        Some("skipped: the record does not exist")
    );
}

#[tokio::test]
async fn deliveries_and_their_retries_import_a_record_that_exists() {
    for name in [DELIVERY, INBOUND_RETRY] {
        let (world, record) = triggered().await;
        inbound(&world, sample_with(name, &[(RECORD, &record)])).await;
        let incident = world.only_incident().await;
        assert_eq!(
            incident.value(&Field::Title).as_str(),
            Some("A little bump in the road")
        );
        assert_eq!(world.record_of(&incident.id).await, record, "{name}");
    }
}

#[tokio::test]
async fn a_retry_of_a_record_that_is_gone_ends_quietly() {
    let world = World::new().await;
    inbound(&world, sample(INBOUND_RETRY)).await;
    assert_eq!(asked(&world), [format!("GET /incidents/{RECORD}")]);
    world.settle().await;
    assert!(world.dead_letters().await.is_empty());
}

/// A world with the record that the files tell of; nobody has told the platform.
async fn triggered() -> (Arc<World>, String) {
    let world = World::new().await;
    let tenex = world.pagerduty.person("ann@example.com");
    let record = tenex
        .trigger("A little bump in the road", Urgency::High)
        .expect("allowed");
    world.pagerduty.drain_webhooks();
    (world, record)
}

async fn inbound(world: &World, event: Value) {
    let answer = world
        .system
        .inbound
        .handle(event)
        .await
        .expect("an event of ours");
    assert_eq!(answer, json!({"batchItemFailures": []}));
}

/// What the vendor was asked, in order.
fn asked(world: &World) -> Vec<String> {
    let requests = world.pagerduty.requests().into_iter();
    requests
        .map(|asked| format!("{} {}", asked.method, asked.path))
        .collect()
}

// --------------------------------------------------------------------------------------------------------- outbound

#[tokio::test]
async fn a_changed_incident_and_its_retry_are_written_to_the_vendor() {
    for name in [CHANGE, OUTBOUND_RETRY] {
        let (world, record, id) = acknowledged().await;
        let mut names = vec![(INCIDENT, id.as_str())];
        if name == CHANGE {
            names.push((RECORD, &record));
        }
        outbound(&world, sample_with(name, &names)).await;
        let held = world
            .pagerduty
            .incident(&record)
            .expect("the record exists");
        assert_eq!(held.status, Status::Acknowledged, "{name}");
        // Nothing but the change: the image's base is what both sides hold.
        let writes = world.pagerduty.writes();
        let sent: Vec<_> = writes.iter().map(|write| &write.body["incident"]).collect();
        assert_eq!(
            sent,
            [&json!({"type": "incident", "status": "acknowledged"})],
            "{name}"
        );
        assert!(
            world.incident(&id).await.pending.is_empty(),
            "{name}: it is owed no more"
        );
    }
}

#[tokio::test]
async fn a_change_of_what_does_not_exist_is_accounted_for() {
    let world = World::new().await;
    outbound(&world, sample(CHANGE)).await;
    assert_eq!(asked(&world), [format!("GET /incidents/{RECORD}")]);
    assert_eq!(
        world.waiting_jobs().len(),
        1,
        "it may only not be shown yet"
    );
    world.settle().await;
    // Once it has waited it looks for itself: there is no such incident, and nothing is owed.
    assert!(world.dead_letters().await.is_empty());

    outbound(&world, sample(OUTBOUND_RETRY)).await;
    assert_eq!(
        asked(&world).len(),
        1,
        "the store does not know the incident: nothing to ask for"
    );
    assert!(world.waiting_jobs().is_empty() && world.dead_letters().await.is_empty());
}

/// The story of the files: a record that was imported, and acknowledged on the platform. Outbound has not run.
async fn acknowledged() -> (Arc<World>, String, IncidentId) {
    let (world, record) = triggered().await;
    inbound(&world, sample_with(DELIVERY, &[(RECORD, &record)])).await;
    world.clock.advance(SignedDuration::from_secs(278));
    let id = world.only_incident().await.id;
    world.edit(&id, &json!({"status": "acknowledged"})).await;
    (world, record, id)
}

async fn outbound(world: &World, event: Value) {
    let answer = world
        .system
        .outbound
        .handle(event)
        .await
        .expect("an event of ours");
    assert_eq!(answer, json!({"batchItemFailures": []}));
}

// -------------------------------------------------------------------------------------------------------------- api

#[tokio::test]
async fn the_api_takes_its_events_with_a_token_only() {
    let world = World::new().await;
    keep_jwt_key(&world).await;
    for name in [CREATE, LIST] {
        assert_eq!(call_api(&world, sample(name)).await.0, 401, "{name}");
    }
    let token = token(world.clock.read());
    let (status, created) = call_api(&world, sample_with(CREATE, &[("unsigned", &token)])).await;
    assert_eq!(
        (status, created["title"].as_str()),
        (201, Some("Search index is stale"))
    );
    let (status, listed) = call_api(&world, sample_with(LIST, &[("unsigned", &token)])).await;
    assert_eq!((status, &listed["items"][0]["id"]), (200, &created["id"]));
    world.settle().await;
    assert_eq!(
        world.pagerduty.incidents()[0].title,
        "Search index is stale"
    );
}

async fn keep_jwt_key(world: &World) {
    let secrets = &world.system.embedded.secrets;
    let secret = secrets
        .create_secret()
        .name(LocalSystem::API_KEY_SECRET)
        .secret_string(JWT_KEY);
    secret.send().await.expect("kept");
}

fn invocation(event: &Value) -> LambdaEvent<LambdaRequest> {
    // Through text, as Lambda hands it over: the request's type tells its kinds apart by what is there.
    let request = serde_json::from_str(&event.to_string()).expect("an HTTP API event");
    LambdaEvent::new(request, Context::default())
}

fn token(now: Timestamp) -> String {
    let claims = json!({
        "sub": "sample", "org": "acme", "roles": ["platform.administrator"], "scopes": [],
        "exp": now.as_second() + 3600,
    });
    let key = jsonwebtoken::EncodingKey::from_secret(JWT_KEY.as_bytes());
    jsonwebtoken::encode(&jsonwebtoken::Header::default(), &claims, &key).expect("a token")
}

async fn call_api(world: &World, event: Value) -> (u64, Value) {
    let called = Adapter::from(world.system.gateway.api.clone()).call(invocation(&event));
    let answer = serde_json::to_value(called.await.expect("an answer")).expect("JSON");
    let body = answer["body"].as_str().unwrap_or_default();
    let status = answer["statusCode"].as_u64().expect("a status");
    (status, serde_json::from_str(body).expect("a JSON body"))
}

// ----------------------------------------------------------------------------------------------------------- images

/// The images in the files have the attributes that the store writes: names, types and values.
#[tokio::test]
async fn the_images_are_what_the_streams_show() {
    let world = connected_with(DOCUMENTED_SECRET).await;
    let webhook = sample("webhook-pagerduty/incident-triggered-base64.json");
    assert_eq!(post_webhook(&world, &webhook).await, 202);
    let real = last_record(&world, &world.system.embedded.tables.deliveries).await;
    same_images(&sample(DELIVERY), &real, &[]);

    let (world, record, id) = acknowledged().await;
    let real = last_record(&world, &world.system.embedded.tables.sync).await;
    let names = [
        (record.as_str(), RECORD),
        (id.as_str(), INCIDENT),
        // Who did it, at the vendor and on the platform.
        ("PUSER02", "PLH1HKV"),
        ("local-administrator", "ann@example.com"),
    ];
    same_images(&sample(CHANGE), &real, &names);
}

/// The event of the last record that the filter lets pass.
async fn last_record(world: &World, table: &str) -> Value {
    let streams = world.system.embedded.streams.clone();
    let mut poller = StreamPoller::new(streams, table.to_owned());
    let records = poller.poll().await.expect("the stream answers");
    let event = stream_event(&records).expect("a record that passes");
    let last = event["Records"]
        .as_array()
        .and_then(|records| records.last())
        .cloned();
    json!({"Records": [last]})
}

fn same_images(file: &Value, real: &Value, names: &[(&str, &str)]) {
    let (file, real) = (images(file, &[]), images(real, names));
    let mut differences = Vec::new();
    differing("", &file, &real, &mut differences);
    assert!(
        differences.is_empty(),
        "file against stream: {differences:#?}"
    );
}

fn differing(at: &str, file: &Value, real: &Value, differences: &mut Vec<String>) {
    match (file, real) {
        (Value::Object(in_file), Value::Object(in_stream)) => {
            let names: BTreeSet<_> = in_file.keys().chain(in_stream.keys()).collect();
            for name in names {
                differing(
                    &format!("{at}/{name}"),
                    &file[name],
                    &real[name],
                    differences,
                );
            }
        }
        _ if file != real => differences.push(format!("{at}: {file} against {real}")),
        _ => {}
    }
}

/// Keys and images of an event's only record, without what every run has of its own.
fn images(event: &Value, names: &[(&str, &str)]) -> Value {
    let change = &event["Records"][0]["dynamodb"];
    let mut text = json!({
        "name": event["Records"][0]["eventName"],
        "view": change["StreamViewType"],
        "keys": change["Keys"],
        "new": change["NewImage"],
        "old": change.get("OldImage"),
    })
    .to_string();
    for (real, written) in names {
        text = text.replace(real, written);
    }
    let mut images = serde_json::from_str(&text).expect("JSON");
    without_times(&mut images);
    images
}

fn without_times(json: &mut Value) {
    match json {
        Value::Object(object) => {
            for (name, value) in object {
                let varies = ["at_least", "expires_at", "record_version"].contains(&name.as_str());
                let is_shard = name.ends_with("_shard");
                if (varies && value["N"].is_string()) || (is_shard && value["S"].is_string()) {
                    *value = json!("varies");
                } else {
                    without_times(value);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(without_times),
        Value::String(text) if text.parse::<Timestamp>().is_ok() => "a time".clone_into(text),
        _ => {}
    }
}

// ------------------------------------------------------------------------------------------------------ events/sign

/// `events/sign` makes events of the present out of the files, signed with the secrets it is given.
#[tokio::test]
async fn signed_events_are_taken_as_if_they_came_now() {
    if Command::new("python3").arg("--version").output().is_err() {
        println!("skipped: events/sign needs python3, which is not here");
        return;
    }
    let world = World::new().await;
    connect(&world, IntegrationType::ServiceNow, "a-secret").await;
    connect(&world, IntegrationType::Jira, "a-secret").await;
    keep_jwt_key(&world).await;
    go_to(&world, Timestamp::now());
    let mut deliveries = 0;
    for (name, status, stored) in WEBHOOKS {
        for arguments in [&[][..], &[], &["--new"], &["--new"]] {
            let event = signed(name, arguments);
            assert_eq!(
                post_webhook(&world, &event).await,
                status,
                "{name} {arguments:?}"
            );
        }
        // The first two were repeats of each other.
        deliveries += 3 * stored;
        assert_eq!(world.stored_deliveries().await.len(), deliveries, "{name}");
    }
    let fresh = world.stored_deliveries().await;
    let now = world.clock.read();
    let age = |delivery: &im_engine::Delivery| Some(now.duration_since(delivery.occurred_at?));
    let is_fresh = |age: Option<SignedDuration>| age.is_some_and(|age| age.as_secs().abs() < 60);
    assert!(
        fresh.iter().all(|delivery| is_fresh(age(delivery))),
        "{fresh:#?}"
    );

    assert_eq!(call_api(&world, signed(CREATE, &[])).await.0, 201);
    assert_eq!(call_api(&world, signed(LIST, &[])).await.0, 200);
    inbound(&world, signed(INBOUND_RETRY, &[])).await;
    inbound(&world, signed(DELIVERY, &[])).await;
    outbound(&world, signed(OUTBOUND_RETRY, &[])).await;
    outbound(&world, signed(CHANGE, &[])).await;

    let keyless = sign(LIST, &[])
        .env_remove("IM_JWT_KEY")
        .output()
        .expect("it runs");
    assert!(!keyless.status.success(), "no key, no token");
    assert!(String::from_utf8_lossy(&keyless.stderr).contains("IM_JWT_KEY"));
}

fn sign(name: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(folder().join("sign"));
    command.arg(folder().join(name)).args(arguments);
    command
        .env_remove("IM_TOKEN")
        .env("IM_JWT_KEY", JWT_KEY)
        .env("IM_WEBHOOK_SECRET", "a-secret");
    command
}

fn signed(name: &str, arguments: &[&str]) -> Value {
    let output = sign(name, arguments).output().expect("it runs");
    assert!(
        output.status.success(),
        "{name}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).expect("JSON")
}
