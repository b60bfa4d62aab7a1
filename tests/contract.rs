//! Every request that we send to `PagerDuty` and every answer of its stand-in, against the vendor's own `OpenAPI` file;
//! and every webhook that the vendor documents, against us.
#![allow(missing_docs, clippy::expect_used, reason = "tests")]

#[path = "contract/jira.rs"]
mod jira;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use im_engine::Delivery;
use im_model::{
    ExternalId, ExternalRecord, ExternalValue, Field, IncidentId, IntegrationId, IntegrationType,
    Note, NoteId, NoteKind, Secret,
};
use im_sandbox::{
    Fault, FaultRule, OpenApi, RecordedRequest,
    pagerduty::{CORRECTIONS, Urgency, sign},
};
use im_tests::{INTEGRATION, World};
use im_vendors::{
    Connection, Credentials, Memory, VendorApi, VendorError, VendorErrorKind, registry,
};
use jiff::SignedDuration;
use serde_json::{Value, json};
use url::Url;

/// A file of the vendor's. Without it its test is skipped, but not where nobody would notice.
fn vendor_file(name: &str) -> Option<PathBuf> {
    file_of("pagerduty", name)
}

fn file_of(vendor: &str, name: &str) -> Option<PathBuf> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/vendor");
    let folder = PathBuf::from(folder).join(vendor);
    let path = folder.join(name);
    if path.exists() {
        return Some(path);
    }
    let is_ci = std::env::var("CI").is_ok_and(|ci| ci == "true");
    assert!(!is_ci, "{name} is missing, and this is CI");
    println!("skipped: the vendor's file {name} is not here");
    None
}

fn vendor_json(name: &str) -> Option<Value> {
    let text = std::fs::read(vendor_file(name)?).expect("a readable file");
    Some(serde_json::from_slice(&text).expect("JSON"))
}

#[tokio::test]
async fn every_request_and_every_answer_is_as_the_vendors_file_says() {
    let Some(file) = vendor_file("rest-openapi.json") else {
        return;
    };
    let official = OpenApi::load(&file).expect("the official file");
    let corrected = OpenApi::load_corrected(&file, CORRECTIONS).expect("the corrected file");
    let journal = all_that_can_be_said().await;
    covers_everything(&journal);
    let mut findings = Vec::new();
    for asked in distinct(&journal) {
        let (method, path) = (&asked.method, &asked.path);
        let headers = with_credentials(&asked.headers);
        let body = bytes(&asked.body);
        for (openapi, which) in [(&corrected, "corrected"), (&official, "official")] {
            let query = asked.query.as_deref();
            let checked = openapi.validate_request(method, path, query, &headers, &body);
            findings.extend(named(asked, which, checked));
        }
        // An injected answer is the test's, not the stand-in's.
        if let (Some(status), None) = (asked.status, &asked.fault) {
            let status = StatusCode::from_u16(status).expect("a status");
            let answer = bytes(&asked.response);
            let checked = corrected.validate_response(method, path, status, &answer);
            findings.extend(named(asked, "answer", checked));
        }
    }
    assert!(findings.is_empty(), "{findings:#?}");
}

/// The file cannot say it all: what FACTS adds.
#[tokio::test]
async fn every_request_says_its_version_and_every_write_who_writes() {
    for asked in all_that_can_be_said().await {
        let what = format!("{} {}", asked.method, asked.path_and_query());
        let header = |name| {
            asked
                .headers
                .get(name)
                .and_then(|value| value.to_str().ok())
        };
        let accept = header(header::ACCEPT);
        assert_eq!(
            accept,
            Some("application/vnd.pagerduty+json;version=2"),
            "{what}"
        );
        if asked.is_write() {
            assert!(
                header(header::FROM).is_some_and(|from| from.contains('@')),
                "{what}"
            );
            assert_eq!(
                header(header::CONTENT_TYPE),
                Some("application/json"),
                "{what}"
            );
        }
        if asked.method == Method::PUT {
            assert_eq!(asked.body["incident"]["type"], "incident", "{what}");
        }
    }
}

/// The check itself can fail: damage done to an exchange that passes is found.
#[tokio::test]
async fn damage_is_found() {
    let Some(file) = vendor_file("rest-openapi.json") else {
        return;
    };
    let openapi = OpenApi::load_corrected(&file, CORRECTIONS).expect("the corrected file");
    let journal = all_that_can_be_said().await;
    let is_it = |asked: &&RecordedRequest| {
        let is_status = asked.body["incident"]["status"].is_string();
        asked.method == Method::PUT && asked.status == Some(200) && is_status
    };
    let whole = journal.iter().find(is_it).expect("a status was written");
    let findings = |asked: &RecordedRequest| {
        let (method, path, query) = (&asked.method, &asked.path, asked.query.as_deref());
        let headers = with_credentials(&asked.headers);
        let request = openapi.validate_request(method, path, query, &headers, &bytes(&asked.body));
        let answer = bytes(&asked.response);
        let answer = openapi.validate_response(method, path, StatusCode::OK, &answer);
        request
            .err()
            .into_iter()
            .chain(answer.err())
            .flatten()
            .count()
    };
    assert_eq!(findings(whole), 0);
    let damages: [fn(&mut RecordedRequest); 9] = [
        |asked| drop(asked.headers.remove(header::ACCEPT)),
        |asked| drop(asked.headers.remove(header::FROM)),
        |asked| drop(asked.headers.remove(header::CONTENT_TYPE)),
        |asked| asked.path.push_str("/more"),
        |asked| asked.query = Some("unknown=1".to_owned()),
        |asked| asked.body["incident"]["status"] = json!("open"),
        |asked| asked.body["incident"]["type"] = json!("ticket"),
        |asked| asked.response["incident"]["urgency"] = json!("medium"),
        |asked| asked.response["incident"]["created_at"] = json!("yesterday"),
    ];
    for (number, damage) in damages.iter().enumerate() {
        let mut damaged = whole.clone();
        damage(&mut damaged);
        assert!(findings(&damaged) > 0, "damage {number} was not found");
    }
}

/// The journal never keeps credentials. They were sent: the stand-in answers 401 otherwise, and knows the one key.
fn with_credentials(headers: &HeaderMap) -> HeaderMap {
    let mut headers = headers.clone();
    headers.insert(
        header::AUTHORIZATION,
        HeaderValue::from_static("Token token=left-out"),
    );
    headers
}

fn named(
    asked: &RecordedRequest,
    which: &str,
    checked: Result<(), Vec<String>>,
) -> impl Iterator<Item = String> {
    let what = format!("{} {} ({which})", asked.method, asked.path_and_query());
    let findings = checked.err().unwrap_or_default().into_iter();
    findings.map(move |finding| format!("{what}: {finding}"))
}

fn bytes(json: &Value) -> Vec<u8> {
    if json.is_null() {
        Vec::new()
    } else {
        json.to_string().into_bytes()
    }
}

/// Each kind of exchange once: a thousand equal reads say no more than one.
fn distinct(journal: &[RecordedRequest]) -> Vec<&RecordedRequest> {
    let mut seen = BTreeSet::new();
    let key = |asked: &RecordedRequest| {
        format!(
            "{} {} {} {}",
            asked.method,
            asked.path_and_query(),
            asked.body,
            asked.response
        )
    };
    journal
        .iter()
        .filter(|asked| seen.insert(key(asked)))
        .collect()
}

/// What the story must have led to. Without this a test that plays nothing would pass.
fn covers_everything(journal: &[RecordedRequest]) {
    let shape = |asked: &RecordedRequest| {
        let mut parts: Vec<_> = asked.path.split('/').collect();
        if let [_, _, id, ..] = parts.as_mut_slice() {
            *id = "{id}";
        }
        let key = asked
            .query
            .as_deref()
            .is_some_and(|query| query.contains("incident_key="));
        let query = if key { "?incident_key" } else { "" };
        let status = asked
            .status
            .map_or("no answer".to_owned(), |status| status.to_string());
        format!("{} {}{query} {status}", asked.method, parts.join("/"))
    };
    let seen: BTreeSet<_> = journal.iter().map(shape).collect();
    let expected = [
        "GET /incidents/{id} 200",
        "GET /incidents/{id} 401",
        "GET /incidents/{id} 404",
        "GET /incidents/{id} 429",
        "GET /incidents/{id}/log_entries 200",
        "GET /incidents/{id}/log_entries 404",
        "GET /incidents?incident_key 200",
        "GET /incidents?incident_key 401",
        "GET /priorities 200",
        "GET /users 200",
        "GET /users/{id} 200",
        "GET /users/{id} 404",
        "POST /incidents 201",
        "POST /incidents 400",
        "POST /incidents 401",
        "POST /incidents no answer",
        "POST /incidents/{id}/notes 200",
        "POST /incidents/{id}/notes 404",
        "PUT /incidents/{id} 200",
        "PUT /incidents/{id} 400",
        "PUT /incidents/{id} 401",
        "PUT /incidents/{id} 404",
        "PUT /incidents/{id} no answer",
    ];
    let expected: BTreeSet<_> = expected.map(str::to_owned).into();
    let missing: Vec<_> = expected.difference(&seen).collect();
    assert!(
        missing.is_empty(),
        "never asked: {missing:#?}\nasked: {seen:#?}"
    );
    let sent = |name: &str| {
        let is_sent = |asked: &RecordedRequest| !asked.body["incident"][name].is_null();
        journal.iter().filter(|asked| asked.accepted).any(is_sent)
    };
    for property in [
        "assignments",
        "body",
        "escalation_policy",
        "incident_key",
        "priority",
        "service",
        "status",
        "title",
        "urgency",
    ] {
        assert!(sent(property), "{property} was never sent");
    }
}

/// Plays everything that our code can say to the vendor.
async fn all_that_can_be_said() -> Vec<RecordedRequest> {
    let world = World::new().await;
    through_the_functions(&world).await;
    written_directly(&world).await;
    refused(&world).await;
    users_looked_up(&world).await;
    too_often(&world).await;
    world.pagerduty.requests()
}

async fn a_minute_later(world: &World) {
    world.settle().await;
    world.clock.advance(SignedDuration::from_secs(60));
}

/// What the functions send by themselves, lost answers included.
async fn through_the_functions(world: &World) {
    let ann = world.pagerduty.person("ann@example.com");
    ann.trigger("Disk full", Urgency::High).expect("allowed");
    a_minute_later(world).await;
    let created = json!({
        "title": "db down", "description": "No answer on 5432.", "severity": "SEV-1",
        "priority": "P1", "status": "acknowledged",
    });
    let id = world.create(&created).await;
    a_minute_later(world).await;
    for edit in [
        json!({"title": "db still down"}),
        json!({"severity": "SEV-3", "priority": "P2"}),
        json!({"status": "open"}),
        json!({"status": "mitigated"}),
        json!({"status": "resolved"}),
        json!({"status": "open"}),
    ] {
        world.edit(&id, &edit).await;
        a_minute_later(world).await;
    }
    let lost = |method| FaultRule::once(Fault::TimeoutAfterCommit).method(&method);
    world.pagerduty.add_fault(lost(Method::PUT));
    world.edit(&id, &json!({"status": "acknowledged"})).await;
    a_minute_later(world).await;
    world.pagerduty.add_fault(lost(Method::POST));
    world
        .create(&json!({"title": "queue full", "severity": "SEV-4"}))
        .await;
    a_minute_later(world).await;
    assert!(
        world.dead_letters().await.is_empty(),
        "the world sends nothing that is refused"
    );
}

/// What the defaults never let the functions send, and what nothing sends by itself yet.
async fn written_directly(world: &World) {
    let caller = Caller::usual(world);
    let assigned = caller
        .create(1, &[(Field::AssignedTo, "bob@example.com")])
        .await;
    caller
        .create(2, &[(Field::EscalationPolicy, "PESC002")])
        .await
        .expect("created");
    let record = assigned.expect("created");
    let id = record.id.clone();
    for (field, value) in [
        (Field::Title, "Disk fuller"),
        (Field::Severity, "low"),
        (Field::Priority, "P3"),
        (Field::AssignedTo, "ann@example.com"),
        (Field::EscalationPolicy, "PESC002"),
        (Field::Status, "acknowledged"),
        (Field::Status, "triggered"),
        (Field::Status, "resolved"),
    ] {
        caller
            .write(&record, &[(field, value)])
            .await
            .expect("written");
    }
    // The vendor refuses to resolve it twice, which is no failure.
    caller
        .write(&record, &[(Field::Status, "resolved")])
        .await
        .expect("it is resolved");
    let all = [
        (Field::Title, "Again"),
        (Field::Severity, "high"),
        (Field::Status, "triggered"),
    ];
    caller.write(&record, &all).await.expect("reopened");
    let noted = caller.note(&record).await;
    noted.expect("noted");
    let notes = caller.api.notes(caller.connection(), &record).await;
    assert_eq!(notes.expect("the notes").len(), 1);
    let since = record.created_at;
    let history = caller.api.history(caller.connection(), &id, since).await;
    assert!(!history.expect("a history").changes.is_empty());
    let found = caller
        .api
        .find(caller.connection(), &incident(1))
        .await
        .expect("an answer");
    assert_eq!(found.len(), 1, "found by its key");
}

async fn refused(world: &World) {
    let caller = Caller::usual(world);
    let record = caller.create(3, &[]).await.expect("created");
    let kind = |result: Result<ExternalRecord, VendorError>| result.expect_err("refused").kind;
    let code = |kind| match kind {
        VendorErrorKind::Refused { status: 400, code } => code,
        other => panic!("{other:?}"),
    };
    assert_eq!(
        code(kind(caller.create(3, &[]).await)),
        Some(2001),
        "the key is in use"
    );
    let blank = caller.write(&record, &[(Field::Title, " ")]).await;
    assert_eq!(code(kind(blank)), Some(2001));
    let stranger = Caller::new(world, "a-token", "nobody@example.com");
    let from_nobody = stranger.write(&record, &[(Field::Title, "Mine")]).await;
    let our_name = VendorErrorKind::Unsendable { field: None };
    assert_eq!(
        kind(from_nobody),
        our_name,
        "1008 is about who we say we are"
    );

    let gone = ExternalRecord {
        id: "PGONE01".parse().expect("an id"),
        ..record.clone()
    };
    let not_found = VendorErrorKind::NotFound;
    assert_eq!(kind(caller.read(&gone.id).await), not_found);
    assert_eq!(
        kind(caller.write(&gone, &[(Field::Title, "Gone")]).await),
        not_found
    );
    let noted = caller.note(&gone).await;
    assert_eq!(noted.expect_err("refused").kind, not_found);
    let history = caller
        .api
        .history(caller.connection(), &gone.id, gone.created_at)
        .await;
    assert_eq!(history.expect_err("refused").kind, not_found);

    let intruder = Caller::new(world, "another-token", "oncall@example.com");
    let unauthorized = VendorErrorKind::Unauthorized;
    assert_eq!(kind(intruder.read(&record.id).await), unauthorized);
    assert_eq!(kind(intruder.create(4, &[]).await), unauthorized);
    assert_eq!(
        kind(intruder.write(&record, &[(Field::Title, "Mine")]).await),
        unauthorized
    );
    let found = intruder.api.find(intruder.connection(), &incident(3)).await;
    assert_eq!(found.expect_err("refused").kind, unauthorized);
}

/// A vendor that does not include the assignee's address in a record: it is asked for.
async fn users_looked_up(world: &World) {
    let caller = Caller::usual(world);
    let record = caller.create(5, &[]).await.expect("created");
    for (user, email) in [("PUSER02", Some("ann@example.com")), ("PGONE02", None)] {
        let mut requests = world.pagerduty.requests();
        requests.retain(|asked| asked.path == "/incidents" && asked.status == Some(201));
        let mut answer = requests.pop().expect("it was created").response;
        answer["incident"]["assignments"] = json!([{
            "at": record.created_at, "assignee": {"id": user, "type": "user_reference"},
        }]);
        let fault = Fault::RefuseWith {
            status: 200,
            body: answer,
            headers: BTreeMap::new(),
        };
        world
            .pagerduty
            .add_fault(FaultRule::once(fault).path_contains("/incidents/"));
        let read = caller.read(&record.id).await.expect("read");
        let assignee = read.fields.get(&Field::AssignedTo);
        assert_eq!(assignee.and_then(|observed| observed.value.as_str()), email);
    }
}

async fn too_often(world: &World) {
    let caller = Caller::usual(world);
    let record = caller.create(6, &[]).await.expect("created");
    for _ in 0..1000 {
        if let Err(error) = caller.read(&record.id).await {
            assert!(
                matches!(error.kind, VendorErrorKind::RateLimited { .. }),
                "{error}"
            );
            return;
        }
    }
    panic!("no limit");
}

fn incident(number: u128) -> IncidentId {
    IncidentId::from_ulid(ulid::Ulid(number))
}

/// Our half of the vendor's REST API, called without an engine.
struct Caller<'a> {
    world: &'a World,
    api: &'static dyn VendorApi,
    base_url: Url,
    credentials: Credentials,
    options: BTreeMap<String, String>,
    memory: Memory,
    integration: IntegrationId,
}

impl<'a> Caller<'a> {
    fn new(world: &'a World, token: &str, from: &str) -> Self {
        let credentials = [("token", token), ("from_email", from)];
        let credentials = credentials.map(|(name, text)| (name.to_owned(), Secret::new(text)));
        Self {
            world,
            api: registry::vendor_api(IntegrationType::PagerDuty),
            base_url: "http://127.0.0.1:9".parse().expect("a URL"),
            credentials: Credentials(BTreeMap::from(credentials)),
            options: BTreeMap::from([("service".to_owned(), "PSVC001".to_owned())]),
            memory: Memory::default(),
            integration: "prod-pd".parse().expect("an id"),
        }
    }

    fn usual(world: &'a World) -> Self {
        Self::new(world, "a-token", "oncall@example.com")
    }

    fn connection(&self) -> Connection<'_> {
        Connection {
            base_url: &self.base_url,
            options: &self.options,
            credentials: &self.credentials,
            transport: &self.world.transport,
            memory: &self.memory,
            integration: &self.integration,
            now: self.world.clock.read(),
        }
    }

    async fn note(&self, record: &ExternalRecord) -> Result<Option<NoteId>, VendorError> {
        let note = Note {
            key: "@platform/01J".parse().expect("a key"),
            kind: NoteKind::WorkNote,
            author: None,
            at: self.world.clock.read(),
            edit_of: None,
            text: "Seen".to_owned(),
            copies: BTreeMap::new(),
        };
        self.api.add_note(self.connection(), record, &note).await
    }

    async fn read(&self, id: &ExternalId) -> Result<ExternalRecord, VendorError> {
        self.api.read(self.connection(), id).await
    }

    async fn create(
        &self,
        number: u128,
        more: &[(Field, &str)],
    ) -> Result<ExternalRecord, VendorError> {
        let mut values = values(&[(Field::Title, "Disk full"), (Field::Severity, "high")]);
        values.extend(self::values(more));
        let written = self
            .api
            .create(self.connection(), &incident(number), &values)
            .await?;
        assert_eq!(written.refused, BTreeMap::new());
        Ok(written.record)
    }

    async fn write(
        &self,
        record: &ExternalRecord,
        fields: &[(Field, &str)],
    ) -> Result<ExternalRecord, VendorError> {
        let written = self
            .api
            .write(self.connection(), record, &values(fields))
            .await?;
        assert_eq!(written.refused, BTreeMap::new());
        for (field, value) in values(fields) {
            let held = written
                .record
                .fields
                .get(&field)
                .map(|observed| &observed.value);
            // A resolved record has no assignee.
            assert!(held.is_none_or(|held| *held == value), "{field}: {held:?}");
        }
        Ok(written.record)
    }
}

fn values(fields: &[(Field, &str)]) -> BTreeMap<Field, ExternalValue> {
    let value = |(field, text): &(Field, &str)| (field.clone(), ExternalValue::text(*text));
    fields.iter().map(value).collect()
}

/// Its data names incidents only in a list of roles, which are not synced: nothing to look for.
const ANNOUNCES_NOTHING: &[&str] = &["incident.role.assigned"];

#[tokio::test]
async fn every_documented_webhook_is_accepted_and_names_its_incident() {
    let Some(types) = vendor_json("event_type_to_data_type.json") else {
        return;
    };
    let types: BTreeMap<String, String> = serde_json::from_value(types).expect("texts");
    let mut unused = webhook_files();
    let mut events = Vec::new();
    for (event_type, data_type) in &types {
        let name = format!("{data_type}.json");
        unused.remove(&name);
        let data = vendor_json(&format!("webhooks/{name}")).expect("a body of each type");
        let event = json!({"event": {
            "id": format!("01{}", event_type.replace('.', "-")),
            "event_type": event_type,
            "resource_type": event_type.split('.').next(),
            "occurred_at": "2026-10-02T18:45:22.169Z",
            "agent": null,
            "client": null,
            "data": data,
        }});
        events.push(event.to_string().into_bytes());
    }
    for name in std::mem::take(&mut unused) {
        let path = vendor_file(&format!("webhooks/{name}")).expect("it was listed");
        let event = std::fs::read(path).expect("a readable file");
        let json: Value = serde_json::from_slice(&event).expect("JSON");
        assert!(
            json["event"].is_object(),
            "{name} is neither of a type nor an event"
        );
        events.push(event);
    }
    assert_eq!(
        events.len(),
        types.len() + 2,
        "the vendor's folder has changed"
    );
    let world = World::new().await;
    for event in &events {
        accepted_once(&world, event).await;
    }
    // The incidents do not exist, and nothing chokes on that.
    world.settle().await;
    assert!(world.dead_letters().await.is_empty());
}

fn webhook_files() -> BTreeSet<String> {
    let folder = vendor_file("webhooks").expect("beside the types");
    let files = std::fs::read_dir(folder).expect("a folder");
    files
        .map(|file| {
            file.expect("a file")
                .file_name()
                .into_string()
                .expect("a name")
        })
        .collect()
}

async fn accepted_once(world: &World, body: &[u8]) {
    let event: Value = serde_json::from_slice(body).expect("JSON");
    let event = &event["event"];
    let event_type = event["event_type"].as_str().expect("a type");
    let signature = sign("a-secret", body);
    let before = world.stored_deliveries().await.len();
    for _ in 0..2 {
        assert_eq!(
            world.webhook(INTEGRATION, &signature, body).await,
            202,
            "{event_type}"
        );
    }
    let stored = world.stored_deliveries().await;
    assert_eq!(stored.len(), before + 1, "{event_type}");
    let id = event["id"].as_str().expect("an id");
    let is_it = |delivery: &&Delivery| delivery.key.delivery.as_str() == id;
    let delivery = stored.iter().find(is_it).expect(event_type);
    assert_eq!(delivery.event_type, event_type);
    assert_eq!(
        delivery.occurred_at.map(|at| at.to_string()).as_deref(),
        event["occurred_at"].as_str()
    );
    let announced = delivery
        .announced
        .as_ref()
        .map(|announced| announced.external_id.as_str());
    let data = &event["data"];
    let is_about = match data["type"].as_str() {
        Some("incident") => data["id"].as_str(),
        _ => data["incident"]["id"].as_str(),
    };
    assert_eq!(announced, is_about, "{event_type}");
    let silent = ANNOUNCES_NOTHING.contains(&event_type) || !event_type.starts_with("incident.");
    assert_eq!(announced.is_none(), silent, "{event_type}");
}

/// The stand-in's webhooks have the documented members: what works with them works with the vendor's.
#[tokio::test]
async fn the_stand_ins_webhooks_are_as_documented() {
    let Some(data) = vendor_json("webhooks/incident.json") else {
        return;
    };
    let note = vendor_json("webhooks/incident_note.json").expect("beside the others");
    let event = vendor_json("webhooks/incident.priority_updated.json").expect("beside the others");
    let types = vendor_json("event_type_to_data_type.json").expect("beside the others");
    let world = World::new().await;
    let ann = world.pagerduty.person("ann@example.com");
    let id = ann.trigger("Disk full", Urgency::High).expect("allowed");
    ann.acknowledge(&id).expect("allowed");
    ann.unacknowledge(&id).expect("allowed");
    ann.set_priority(&id, Some("P1")).expect("allowed");
    ann.reassign(&id, "bob@example.com").expect("allowed");
    ann.escalate(&id, "PESC002").expect("allowed");
    ann.escalate_to_level(&id, 2).expect("allowed");
    ann.resolve_with_note(&id, "Done").expect("allowed");
    ann.reopen(&id).expect("allowed");
    let sent = world.pagerduty.drain_webhooks();
    assert_eq!(sent.len(), 10, "one for each, and the note's");
    for webhook in sent {
        let body: Value = serde_json::from_slice(&webhook.body).expect("JSON");
        let kind = &types[webhook.event_type.as_str()];
        assert_eq!(
            &body["event"]["data"]["type"], kind,
            "{}",
            webhook.event_type
        );
        assert_eq!(
            members(&body["event"]),
            members(&event["event"]),
            "{}",
            webhook.event_type
        );
        let documented = if kind == "incident" { &data } else { &note };
        let mut documented = members(documented);
        let given = members(&body["event"]["data"]);
        if !given.contains("reopened_at") {
            documented.remove("reopened_at");
        }
        assert_eq!(given, documented, "{}", webhook.event_type);
    }
}

fn members(json: &Value) -> BTreeSet<&str> {
    json.as_object()
        .expect("an object")
        .keys()
        .map(String::as_str)
        .collect()
}
