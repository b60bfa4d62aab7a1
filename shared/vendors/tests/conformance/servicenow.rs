//! `ServiceNow`.

use std::{borrow::Cow, collections::BTreeMap};

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use im_model::{ExternalId, Field, IntegrationType, NoteKind, Secret, Status};
use im_sandbox::servicenow::{ColumnType, CustomColumn};
use im_sandbox::{Answer, FaultRule, ServiceNow, ServiceNowConfig};
use im_sync::ValueType;
use im_vendors::{
    Connection, Credentials, Memory, Transport, TransportError, VendorErrorKind, registry,
};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use crate::rig::{Ability, Delivery, Pairs, Person, Rig, Sample, Setting, WORDS};

const USER_NAME: &str = "im.prod.sync";
const PASSWORD: &str = "Tr0ub4dor-and-3-staples";
const SECRET: &str = "6d2c1f0b4a958e7736251400fedcba98";
const CLOSE_CODE: &str = "Solution provided";

struct ServiceNowRig(ServiceNow);

conformance!(ServiceNowRig);

/// A custom field's column and type.
fn custom(field: &Field) -> (&str, ValueType) {
    let option = ServiceNowRig::OPTIONS
        .iter()
        .find(|(name, _)| *name == field.name());
    let (column, name) = option
        .and_then(|(_, value)| value.split_once(':'))
        .expect("a custom field");
    (column, ValueType::named(name).expect("a type"))
}

/// A raw value as the column's text.
fn column_text(value_type: ValueType, value: &str) -> Cow<'_, str> {
    match value_type {
        ValueType::DateTime => value.replace('T', " ").replace('Z', "").into(),
        _ => value.into(),
    }
}

impl ServiceNowRig {
    fn sys_id_of(&self, email: &str) -> String {
        let users = self.0.users();
        let user = users.into_iter().find(|user| user.email == email);
        user.expect("a user").sys_id
    }
}

impl Rig for ServiceNowRig {
    const VENDOR: IntegrationType = IntegrationType::ServiceNow;
    const BASE_URL: &'static str = "https://acme.service-now.com";
    const OPTIONS: Pairs = &[
        ("close_code", CLOSE_CODE),
        ("custom.cost_center", "u_cost_center:text"),
        ("custom.affected", "u_affected:number"),
        ("custom.major", "u_major:boolean"),
        ("custom.due", "u_due:datetime"),
    ];
    const CREDENTIALS: Pairs = &[
        ("username", USER_NAME),
        ("password", PASSWORD),
        ("webhook_secret", SECRET),
    ];
    const LOGIN: &'static str = "password";
    const SIGNATURE_HEADER: &'static str = "x-servicenow-signature";
    const SIGNS_BODY: Ability = Ability::Has;
    const PUBLIC_NOTES: Ability = Ability::Has;
    const DELETION: Ability = Ability::Has;
    const PERSON: Person = Person {
        email: "ann@example.com",
        in_history: Some("ann.example"),
        in_notes: Some("ann.example"),
        in_webhooks: None,
    };
    const TIMED: &'static [Field] = &[];

    const LISTED_AT_ONCE: usize = 500;
    // The people among the assignees, and the journals.
    const LISTED_BESIDES: usize = 2;
    const SCOPE: Ability = Ability::Lacks("an integration is about a whole table");

    fn new(setting: Setting) -> Self {
        let mut config = ServiceNowConfig::demo(USER_NAME, PASSWORD, SECRET).clock(setting.clock);
        let column = |name: &str, kind| CustomColumn {
            kind,
            ..CustomColumn::text(name, 100)
        };
        config.custom_columns = vec![
            column("u_cost_center", ColumnType::Text),
            column("u_affected", ColumnType::Integer),
            column("u_major", ColumnType::Boolean),
            column("u_due", ColumnType::DateTime),
        ];
        Self(ServiceNow::new(config))
    }

    fn set_clock_offset(&self, offset: SignedDuration) {
        self.0.set_clock_offset(offset);
    }

    fn answer(&self, request: Request<Bytes>) -> Answer {
        self.0.handle_with_faults(request)
    }

    fn drain_webhooks(&self) -> Vec<Delivery> {
        let drained = self.0.drain_webhooks().into_iter();
        let delivery = drained.map(|webhook| Delivery {
            query: webhook.query,
            headers: webhook.headers,
            body: webhook.body,
        });
        delivery.collect()
    }

    fn add_fault(&self, rule: FaultRule) {
        self.0.add_fault(rule);
    }

    fn samples() -> Vec<Sample> {
        let custom = |name: &str, values| Sample::of(Field::Custom(name.to_owned()), values);
        vec![
            Sample::of(Field::Title, ["Disk of db-1 full", "Disk of db-2 full"]),
            Sample::of(
                Field::Description,
                ["Since 3 o'clock.", "Since 4 o'clock.\n\nDaily."],
            ),
            Sample::of(Field::Severity, ["2/1", "2/2"])
                .unclearable("a choice column with a default takes no empty value"),
            Sample::of(Field::Status, ["2", "1"])
                .unclearable("a choice column with a default takes no empty value"),
            Sample::of(Field::AssignedTo, ["ann@example.com", "bob@example.com"]),
            custom("cost_center", ["4711", "4712"]),
            custom("affected", ["120", "0"]),
            custom("major", ["true", "false"])
                .unclearable("a column of this type is true or false"),
            custom("due", ["2026-01-09T12:00:00Z", "2026-01-10T12:30:15Z"]),
        ]
    }

    fn status(status: Status) -> (&'static str, Status) {
        match status {
            Status::Open => ("1", Status::Open),
            Status::Acknowledged | Status::Mitigated => ("2", Status::Acknowledged),
            Status::Resolved => ("6", Status::Resolved),
            Status::Closed => ("7", Status::Closed),
        }
    }

    fn refused() -> (Field, &'static str) {
        (Field::AssignedTo, "nobody@example.com")
    }

    fn unknown_id() -> ExternalId {
        ExternalId::parse("00000000000000000000000000000000").expect("an id")
    }

    fn create(&self, title: &str) -> ExternalId {
        let sys_id = self.0.person(Self::PERSON.email).open(title, 3, 3);
        ExternalId::parse(&sys_id.expect("an incident")).expect("an id")
    }

    fn edit(&self, id: &ExternalId, field: &Field, value: &str) {
        let sys_id = match field {
            Field::AssignedTo if !value.is_empty() => self.sys_id_of(value),
            _ => String::new(),
        };
        let text = match field {
            Field::Custom(_) => column_text(custom(field).1, value),
            _ => value.into(),
        };
        let columns = match field {
            Field::Title => vec![("short_description", value)],
            Field::Description => vec![("description", value)],
            Field::Severity => {
                let (impact, urgency) = value.split_once('/').expect("impact and urgency");
                vec![("impact", impact), ("urgency", urgency)]
            }
            Field::Status if ["6", "7"].contains(&value) => vec![
                ("state", value),
                ("close_code", CLOSE_CODE),
                ("close_notes", "Made room."),
            ],
            Field::Status => vec![("state", value)],
            Field::AssignedTo => vec![("assigned_to", &*sys_id)],
            Field::Custom(_) => vec![(custom(field).0, &*text)],
            other => panic!("nobody can do this: {other:?}"),
        };
        let person = self.0.person(Self::PERSON.email);
        person.edit(id.as_str(), &columns).expect("done");
    }

    fn note(&self, id: &ExternalId, kind: NoteKind, text: &str) {
        let person = self.0.person(Self::PERSON.email);
        let done = match kind {
            NoteKind::Comment => person.comment(id.as_str(), text),
            NoteKind::WorkNote => person.work_note(id.as_str(), text),
        };
        done.expect("a note");
    }

    fn delete(&self, id: &ExternalId) {
        let deleted = self.0.person(Self::PERSON.email).delete(id.as_str());
        deleted.expect("deleted");
    }

    fn leave(&self, id: &ExternalId) {
        self.delete(id);
    }

    /// All its conditions are invalid, and the order is not.
    fn unfiltered(mut request: Request<Bytes>) -> Request<Bytes> {
        let query = request.uri().query().unwrap_or_default();
        let pairs = url::form_urlencoded::parse(query.as_bytes());
        let pairs = pairs.map(|(name, value)| match &*name {
            "sysparm_query" => (name, "ORDERBYsys_id".into()),
            _ => (name, value),
        });
        let query = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(pairs)
            .finish();
        let uri = format!("{}?{query}", request.uri().path());
        *request.uri_mut() = uri.parse().expect("a path");
        request
    }

    fn holds(&self, id: &ExternalId, field: &Field) -> Option<String> {
        let held = self.0.incident(id.as_str())?;
        let text = |column: &str| held.get(column).expect("a column").to_owned();
        let held = match field {
            Field::Title => text("short_description"),
            Field::Description => text("description"),
            Field::Severity => format!("{}/{}", text("impact"), text("urgency")),
            Field::Status => text("state"),
            Field::AssignedTo => {
                let sys_id = text("assigned_to");
                let users = self.0.users().into_iter();
                let mut user = users.filter(|user| user.sys_id == sys_id);
                user.next().map(|user| user.email).unwrap_or_default()
            }
            Field::Custom(_) => {
                let (column, value_type) = custom(field);
                match (value_type, text(column)) {
                    (ValueType::DateTime, text) if !text.is_empty() => {
                        format!("{}Z", text.replace(' ', "T"))
                    }
                    (_, text) => text,
                }
            }
            Field::Priority | Field::EscalationPolicy => return None,
        };
        (!held.is_empty()).then_some(held)
    }

    fn error_body(_: u16) -> String {
        let error = json!({"message": "Operation Failed", "detail": WORDS});
        json!({"error": error, "status": "failure"}).to_string()
    }

    fn rate_limits(wait: SignedDuration, now: Timestamp) -> Vec<Vec<(&'static str, String)>> {
        let until = (now + wait).as_second().to_string();
        vec![
            vec![("retry-after", wait.as_secs().to_string())],
            vec![("x-ratelimit-reset", until)],
        ]
    }
}

/// Straight to the sandbox.
struct Direct(ServiceNow);

#[async_trait]
impl Transport for Direct {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        Ok(self.0.handle(request))
    }
}

#[tokio::test]
async fn logs_in_by_token_and_again_when_it_is_revoked() {
    let clock = im_sandbox::ManualClock::new("2026-01-02T03:04:05Z".parse().expect("a time"));
    let config = ServiceNowConfig::demo_oauth("the client", PASSWORD, SECRET).clock(clock);
    let instance = Direct(ServiceNow::new(config));
    let sys_id = instance.0.person("ann@example.com").open("Disk full", 3, 3);
    let id = ExternalId::parse(&sys_id.expect("an incident")).expect("an id");
    let api = registry::vendor_api(IntegrationType::ServiceNow);
    let base_url = ServiceNowRig::BASE_URL.parse().expect("a URL");
    let (memory, integration) = (Memory::default(), "prod-snow".parse().expect("an id"));
    let read = async |client_secret: &str, memory: &Memory| {
        let pairs = [
            ("client_id", "the client"),
            ("client_secret", client_secret),
        ];
        let secrets = pairs.map(|(name, value)| (name.to_owned(), Secret::new(value)));
        let connection = Connection {
            base_url: &base_url,
            options: &BTreeMap::new(),
            credentials: &Credentials(secrets.into()),
            transport: &instance,
            memory,
            integration: &integration,
            now: "2026-01-02T03:04:05Z".parse().expect("a time"),
        };
        let read = api.read(connection, &id).await;
        read.map(|_| instance.0.requests().len())
    };
    assert_eq!(read(PASSWORD, &memory).await, Ok(2), "a token and a read");
    assert_eq!(read(PASSWORD, &memory).await, Ok(3), "the same token");
    instance.0.revoke_tokens();
    assert_eq!(
        read(PASSWORD, &memory).await,
        Ok(6),
        "refused, another token, a read"
    );
    let refused = read("a guess", &Memory::default()).await;
    assert_eq!(
        refused.expect_err("refused").kind,
        VendorErrorKind::Unauthorized
    );
}
