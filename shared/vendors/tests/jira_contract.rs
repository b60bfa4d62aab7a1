//! Every request that we send to Jira, against the vendor's own `OpenAPI` file; and every webhook that it documents,
//! against us.
#![allow(clippy::expect_used, reason = "a panic is a failed test")]

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    sync::Mutex,
};

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response};
use im_model::{
    Activity, ConflictStrategy, Direction, ExternalId, ExternalValue, Field, IncidentId,
    Integration, IntegrationType, Note, NoteKind, Secret,
};
use im_sandbox::{
    Answer, Clock as _, ManualClock, OpenApi,
    jira::{CORRECTIONS, JiraConfig, Scheme, hub_signature},
};
use im_vendors::{
    Connection, Credentials, Memory, Transport, TransportError, UnverifiedDelivery, VendorApi,
    Verification, WebhookEvent, WebhookSource, jira::Jira,
};

const SECRET: &str = "It's a Secret to Everybody";
const OPTIONS: [(&str, &str); 6] = [
    ("project", "OPS"),
    ("issue_type", "[System] Incident"),
    ("signature_scheme", "hub"),
    ("custom.environment", "customfield_10050"),
    ("custom.customers", "customfield_10051:number"),
    ("custom.cause", "customfield_10053"),
];

/// A file of the vendor's. Without it its test is skipped, but not where nobody would notice.
fn vendor_file(name: &str) -> Option<PathBuf> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/vendor/jira");
    let path = PathBuf::from(folder).join(name);
    if path.exists() {
        return Some(path);
    }
    let is_ci = std::env::var("CI").is_ok_and(|ci| ci == "true");
    assert!(!is_ci, "{name} is missing, and this is CI");
    println!("skipped: the vendor's file {name} is not here");
    None
}

/// The stand-in's door: checks who comes in.
struct Door {
    jira: im_sandbox::Jira,
    openapi: OpenApi,
    findings: Mutex<Vec<String>>,
    asked: Mutex<BTreeSet<String>>,
}

impl Door {
    fn check(&self, request: &Request<Bytes>) {
        let (method, uri) = (request.method(), request.uri());
        let checked = self.openapi.validate_request(
            method,
            uri.path(),
            uri.query(),
            request.headers(),
            request.body(),
        );
        for finding in checked.err().unwrap_or_default() {
            let finding = format!("{method} {uri}: {finding}");
            self.findings.lock().expect("a lock").push(finding);
        }
        let segment = |part: &str| {
            let is_id = !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()) && part != "3";
            if is_id {
                "*".to_owned()
            } else {
                part.to_owned()
            }
        };
        let path: Vec<_> = uri.path().split('/').map(segment).collect();
        let path = path.join("/");
        let name = format!("{method} {}", path.trim_start_matches("/rest/api/3/"));
        self.asked.lock().expect("a lock").insert(name);
    }
}

#[async_trait]
impl Transport for Door {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        self.check(&request);
        match self.jira.handle_with_faults(request) {
            Answer::Response(response) => Ok(response),
            Answer::Delayed(..) | Answer::NoAnswer => Err(TransportError::Timeout),
        }
    }
}

/// An integration with an account of its own.
struct Desk {
    door: Door,
    integration: Integration,
    credentials: Credentials,
    memory: Memory,
    clock: ManualClock,
}

impl Desk {
    fn new(openapi: OpenApi, change: impl FnOnce(&mut JiraConfig)) -> Self {
        let clock = ManualClock::new("2026-01-02T03:04:05Z".parse().expect("a time"));
        let secret = SECRET.to_owned();
        let scheme = Scheme::HubSignature { secret };
        let mut config = JiraConfig::demo("im@example.com", "token", scheme).clock(clock.clone());
        change(&mut config);
        let credentials = [
            ("email", "im@example.com"),
            ("api_key", "token"),
            ("webhook_secret", SECRET),
        ];
        let credentials = credentials.map(|(name, text)| (name.to_owned(), Secret::new(text)));
        Self {
            door: Door {
                jira: im_sandbox::Jira::new(config),
                openapi,
                findings: Mutex::default(),
                asked: Mutex::default(),
            },
            integration: integration(clock.now()),
            credentials: Credentials(credentials.into()),
            memory: Memory::default(),
            clock,
        }
    }

    fn connection(&self) -> Connection<'_> {
        Connection {
            base_url: &self.integration.base_url,
            options: &self.integration.options,
            credentials: &self.credentials,
            transport: &self.door,
            memory: &self.memory,
            integration: &self.integration.id,
            now: self.clock.now(),
        }
    }

    /// All that an integration ever does.
    async fn live(&self) {
        Jira.rules(&self.integration, self.connection())
            .await
            .expect("rules");
        Jira.probe(self.connection()).await;
        let incident = IncidentId::parse("INC-01ARZ3NDEKTSV4RRFFQ69G5FAV").expect("an id");
        let values = values(&[
            (Field::Title, "Disk full"),
            (Field::Description, "# Since 3\n\n- **db-1**\n- `db-2`"),
            (Field::Severity, "High"),
            (Field::AssignedTo, "ann@example.com"),
            (custom("environment"), "production"),
            (custom("customers"), "12"),
            (custom("cause"), "A leak"),
        ]);
        let created = Jira
            .create(self.connection(), &incident, &values)
            .await
            .expect("created");
        Jira.find(self.connection(), &incident)
            .await
            .expect("found");
        let id = created.record.id;
        self.write(&id, &values).await;
        for status in ["Closed", "To Do", "Resolved"] {
            self.write(&id, &self::values(&[(Field::Status, status)]))
                .await;
        }
        let empty = [
            Field::Description,
            Field::AssignedTo,
            custom("customers"),
            custom("cause"),
        ];
        let empty = empty.map(|field| (field, ExternalValue::EMPTY)).into();
        self.write(&id, &empty).await;
        let record = Jira.read(self.connection(), &id).await.expect("a record");
        for kind in NoteKind::ALL {
            let added = Jira
                .add_note(self.connection(), &record, &note(*kind))
                .await;
            added.expect("added");
        }
        Jira.notes(self.connection(), &record).await.expect("notes");
        let since = record.created_at;
        Jira.history(self.connection(), &id, since)
            .await
            .expect("a history");
    }

    async fn write(&self, id: &ExternalId, values: &BTreeMap<Field, ExternalValue>) {
        let record = Jira.read(self.connection(), id).await.expect("a record");
        let written = Jira.write(self.connection(), &record, values).await;
        written.expect("written");
    }

    /// What was asked for.
    fn asked(self) -> BTreeSet<String> {
        let findings = self.door.findings.into_inner().expect("a lock");
        assert!(findings.is_empty(), "{findings:#?}");
        self.door.asked.into_inner().expect("a lock")
    }
}

fn integration(now: jiff::Timestamp) -> Integration {
    let options = OPTIONS.map(|(name, value)| (name.to_owned(), value.to_owned()));
    Integration {
        id: "prod-jira".parse().expect("an id"),
        organization: "acme".parse().expect("an id"),
        integration_type: IntegrationType::Jira,
        name: "Jira".to_owned(),
        base_url: "https://example.atlassian.net".parse().expect("a URL"),
        direction: Direction::Bidirectional,
        enabled: true,
        activity: Activity::Active,
        paused_because: None,
        strategy: ConflictStrategy::LastWriteWins,
        conflict_window: im_model::Integration::CONFLICT_WINDOW,
        requests_per_minute: None,
        mode: im_model::Mode::Webhook,
        brake: im_model::Brake::default(),
        mappings: im_model::Mappings::default(),
        triggers: im_model::Triggers::default(),
        notes_in_since: std::collections::BTreeMap::new(),
        options: options.into(),
        ownership: Jira.default_ownership(),
        secret_id: "none".to_owned(),
        version: 1,
        created_at: now,
        updated_at: now,
    }
}

fn custom(name: &str) -> Field {
    Field::Custom(name.to_owned())
}

fn values(pairs: &[(Field, &str)]) -> BTreeMap<Field, ExternalValue> {
    let value = |(field, text): &(Field, &str)| (field.clone(), ExternalValue::text(*text));
    pairs.iter().map(value).collect()
}

fn note(kind: NoteKind) -> Note {
    Note {
        key: format!("@platform/{}", kind.as_str())
            .parse()
            .expect("a key"),
        kind,
        author: None,
        at: "2026-01-02T03:00:00Z".parse().expect("a time"),
        edit_of: None,
        text: "Restarted **db-1**.".to_owned(),
        copies: BTreeMap::new(),
    }
}

#[tokio::test]
async fn every_request_is_as_the_vendors_file_says() {
    let Some(file) = vendor_file("rest-openapi.json") else {
        return;
    };
    let openapi = || OpenApi::load_corrected(&file, CORRECTIONS).expect("the corrected file");
    let usual = Desk::new(openapi(), |_| {});
    usual.live().await;
    let private = Desk::new(openapi(), |config| {
        config.hides_emails = true;
        config.may_read_workflows = true;
    });
    let ann = private.door.jira.person("ann@example.com");
    let key = ann.create("Disk full").expect("an issue");
    ann.assign(&key, Some("ann@example.com")).expect("assigned");
    let id = private.door.jira.issue(&key).expect("the issue").id;
    private
        .write(&ExternalId::parse(&id).expect("an id"), &BTreeMap::new())
        .await;
    private.live().await;
    let mut asked = usual.asked();
    asked.extend(private.asked());
    for expected in [
        "GET field",
        "GET issue/*",
        "GET issue/*/changelog",
        "GET issue/*/comment",
        "GET issue/*/transitions",
        "GET mypermissions",
        "GET myself",
        "GET project/OPS",
        "GET project/OPS/statuses",
        "GET user",
        "GET user/assignable/search",
        "POST issue",
        "POST issue/*/comment",
        "POST issue/*/transitions",
        "POST search/jql",
        "POST workflows",
        "PUT issue/*",
    ] {
        assert!(asked.remove(expected), "nobody asked {expected}: {asked:?}");
    }
    assert_eq!(asked, BTreeSet::new(), "asked, and not listed here");
}

/// Signs what the vendor documents, and reads it.
fn read(body: &[u8]) -> WebhookEvent {
    let mut headers = HeaderMap::new();
    let signature = HeaderValue::try_from(hub_signature(SECRET, body)).expect("a header");
    headers.insert("x-hub-signature", signature);
    let delivery = UnverifiedDelivery {
        integration: "prod-jira",
        query: None,
        headers: &headers,
        body,
    };
    let options = [("signature_scheme".to_owned(), "hub".to_owned())];
    let against = Verification {
        secrets: &[Secret::new(SECRET)],
        options: &options.into(),
        credentials: &Credentials::default(),
        now: "2026-01-02T03:00:00Z".parse().expect("a time"),
    };
    let verified = Jira.verify(delivery, against).expect("signed");
    Jira.read_event(&verified).expect("readable")
}

#[test]
fn every_documented_webhook_announces_its_issue() {
    let Some(folder) = vendor_file("webhooks") else {
        return;
    };
    let mut seen = BTreeSet::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("a file").path();
        let event = read(&std::fs::read(&path).expect("a readable file"));
        let announced = event
            .announced
            .unwrap_or_else(|| panic!("{}", path.display()));
        assert!(event.occurred_at.is_some(), "{}", path.display());
        let expects_notes = event.event_type != "jira:issue_updated";
        assert_eq!(announced.notes, expects_notes, "{}", path.display());
        let is_issue = event.event_type.starts_with("jira:");
        assert_eq!(announced.at_least.is_some(), is_issue, "{}", path.display());
        assert_eq!(announced.author.is_some(), is_issue, "{}", path.display());
        if event.event_type == "jira:issue_created" {
            let changed: Vec<_> = announced.changed.keys().cloned().collect();
            let expected = [
                Field::Title,
                Field::Description,
                Field::Severity,
                Field::Status,
                Field::AssignedTo,
            ];
            assert_eq!(changed, expected);
        }
        seen.insert(event.event_type);
    }
    let expected = [
        "comment_created",
        "comment_deleted",
        "comment_updated",
        "jira:issue_created",
        "jira:issue_updated",
    ];
    assert_eq!(seen, expected.map(str::to_owned).into());
}
