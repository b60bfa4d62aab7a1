//! All that our code can say to `PagerDuty`.

use std::collections::BTreeMap;

use http::Method;
use im_model::{
    ExternalId, ExternalRecord, ExternalValue, Field, IncidentId, IntegrationId, IntegrationType,
    Note, NoteId, NoteKind, Secret,
};
use im_sandbox::{Fault, FaultRule, RecordedRequest, pagerduty::Urgency};
use im_tests::World;
use im_vendors::{
    Connection, Credentials, Memory, VendorApi, VendorError, VendorErrorKind, registry,
};
use jiff::SignedDuration;
use serde_json::json;
use url::Url;

/// Plays everything that our code can say to the vendor.
pub(super) async fn all_that_can_be_said() -> Vec<RecordedRequest> {
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
