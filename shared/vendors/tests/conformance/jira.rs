//! Jira, once for each way in which it signs webhooks.

use std::marker::PhantomData;

use bytes::Bytes;
use http::{Method, Request};
use im_model::{ExternalId, Field, IntegrationType, NoteKind, Status};
use im_sandbox::{
    Answer, FaultRule,
    jira::{Jira, JiraConfig, Scheme},
};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::rig::{Ability, Delivery, Pairs, Person, Rig, Sample, Setting, WORDS};

const EMAIL: &str = "sync-account@example.com";
const API_KEY: &str = "ATATT3xFfGF0T8kq5bZ";
const CLIENT_KEY: &str = "c13nt-k3y-of-the-installation";
const SECRET: &str = "HvPtlQNKMPpHSSqJpCdndXfo7HnGXa1pnH6w5axpxLFn9aRBNBGh4e8";
const WIKI: &str = "the changelog has a document as wiki markup";
const NO_SIGNATURE_OF_THE_BODY: &str = "the token says who sent it and where to, not what";

/// A way of signing webhooks.
trait Signing: Send + Sync {
    const OPTIONS: Pairs;
    const HEADER: &'static str;
    const SIGNS_BODY: Ability;

    fn scheme(webhook_path: &str) -> Scheme;
}

macro_rules! options {
    ($scheme:literal) => {
        &[
            ("project", "OPS"),
            ("issue_type", "[System] Incident"),
            ("signature_scheme", $scheme),
            ("custom.environment", "customfield_10050"),
            ("custom.customers", "customfield_10051:number"),
            ("custom.impact", "customfield_10052:choice"),
            ("custom.cause", "customfield_10053:text"),
        ]
    };
}

struct Connect;

impl Signing for Connect {
    const OPTIONS: Pairs = options!("connect");
    const HEADER: &'static str = "authorization";
    const SIGNS_BODY: Ability = Ability::Lacks(NO_SIGNATURE_OF_THE_BODY);

    fn scheme(webhook_path: &str) -> Scheme {
        Scheme::Connect {
            client_key: CLIENT_KEY.to_owned(),
            shared_secret: SECRET.to_owned(),
            path: webhook_path.to_owned(),
        }
    }
}

struct OAuth;

impl Signing for OAuth {
    const OPTIONS: Pairs = options!("oauth");
    const HEADER: &'static str = "authorization";
    const SIGNS_BODY: Ability = Ability::Lacks(NO_SIGNATURE_OF_THE_BODY);

    fn scheme(_: &str) -> Scheme {
        Scheme::OAuth {
            client_key: CLIENT_KEY.to_owned(),
            client_secret: SECRET.to_owned(),
        }
    }
}

struct Hub;

impl Signing for Hub {
    const OPTIONS: Pairs = options!("hub");
    const HEADER: &'static str = "x-hub-signature";
    const SIGNS_BODY: Ability = Ability::Has;

    fn scheme(_: &str) -> Scheme {
        let secret = SECRET.to_owned();
        Scheme::HubSignature { secret }
    }
}

mod connect {
    conformance!(super::JiraRig<super::Connect>);
}

mod oauth {
    conformance!(super::JiraRig<super::OAuth>);
}

mod hub {
    conformance!(super::JiraRig<super::Hub>);
}

struct JiraRig<S> {
    jira: Jira,
    signing: PhantomData<S>,
}

impl<S> JiraRig<S> {
    fn person(&self) -> im_sandbox::jira::Person {
        self.jira.person("ann@example.com")
    }
}

/// One paragraph.
fn document(text: &str) -> Value {
    let text = json!({"type": "text", "text": text});
    let paragraph = json!({"type": "paragraph", "content": [text]});
    json!({"type": "doc", "version": 1, "content": [paragraph]})
}

fn custom_id(name: &str) -> &'static str {
    match name {
        "environment" => "customfield_10050",
        "customers" => "customfield_10051",
        "impact" => "customfield_10052",
        "cause" => "customfield_10053",
        other => panic!("no custom field {other}"),
    }
}

fn custom_value(name: &str, text: &str) -> Value {
    match name {
        "customers" => json!(text.parse::<i64>().expect("a number")),
        "impact" => json!({"value": text}),
        "cause" => document(text),
        _ => json!(text),
    }
}

/// What is held in any of these forms.
fn text(held: &Value) -> Option<String> {
    match held {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => number.as_f64().map(|number| number.to_string()),
        Value::Object(option) if option.contains_key("value") => text(&held["value"]),
        Value::Object(_) => text(&held["content"][0]["content"][0]["text"]),
        _ => None,
    }
}

impl<S: Signing> Rig for JiraRig<S> {
    const VENDOR: IntegrationType = IntegrationType::Jira;
    const BASE_URL: &'static str = "https://example.atlassian.net";
    const OPTIONS: Pairs = S::OPTIONS;
    const CREDENTIALS: Pairs = &[
        ("email", EMAIL),
        ("api_key", API_KEY),
        ("client_key", CLIENT_KEY),
        ("webhook_secret", SECRET),
    ];
    const LOGIN: &'static str = "api_key";
    const SIGNATURE_HEADER: &'static str = S::HEADER;
    const SIGNS_BODY: Ability = S::SIGNS_BODY;
    const PUBLIC_NOTES: Ability = Ability::Has;
    const DELETION: Ability = Ability::Has;
    const PERSON: Person = Person {
        email: "ann@example.com",
        in_history: Some("5b10a2844c20165700ede002"),
        in_notes: Some("ann@example.com"),
        in_webhooks: Some("5b10a2844c20165700ede002"),
    };
    const TIMED: &'static [Field] = &[];

    const LISTED_AT_ONCE: usize = 100;
    const LISTED_BESIDES: usize = 0;
    const SCOPE: Ability = Ability::Has;

    fn new(setting: Setting) -> Self {
        let url = url::Url::parse(&setting.webhook_url).expect("a URL");
        let config = JiraConfig::demo(EMAIL, API_KEY, S::scheme(url.path()));
        let config = JiraConfig {
            may_read_workflows: true,
            ..config.clock(setting.clock)
        };
        Self {
            jira: Jira::new(config),
            signing: PhantomData,
        }
    }

    fn set_clock_offset(&self, offset: SignedDuration) {
        self.jira.set_clock_offset(offset);
    }

    fn answer(&self, request: Request<Bytes>) -> Answer {
        self.jira.handle_with_faults(request)
    }

    fn drain_webhooks(&self) -> Vec<Delivery> {
        let drained = self.jira.drain_webhooks().into_iter();
        let delivery = drained.map(|webhook| Delivery {
            query: webhook.query,
            headers: webhook.headers,
            body: webhook.body,
        });
        delivery.collect()
    }

    fn add_fault(&self, rule: FaultRule) {
        self.jira.add_fault(rule);
    }

    fn is_write(request: &Request<Bytes>) -> bool {
        let asks = ["/search/jql", "/workflows"];
        request.method() != Method::GET
            && !asks.iter().any(|path| request.uri().path().ends_with(path))
    }

    fn samples() -> Vec<Sample> {
        let custom = |name: &str, values| Sample::of(Field::Custom(name.to_owned()), values);
        vec![
            Sample::of(Field::Title, ["Disk of db-1 full", "Disk of db-2 full"])
                .unclearable("an issue needs a summary"),
            Sample::of(Field::Description, ["Since 3 o'clock.", "Since 4 o'clock."])
                .unnamed_in_history(WIKI),
            Sample::of(Field::Severity, ["High", "Low"])
                .unclearable("every issue of the site has a priority"),
            Sample::of(Field::Status, ["In Progress", "To Do"])
                .unclearable("an issue always has a status"),
            Sample::of(Field::AssignedTo, ["ann@example.com", "bob@example.com"]),
            custom("environment", ["production", "staging"]),
            custom("customers", ["12", "7"]),
            custom("impact", ["Extensive", "Minor"]),
            custom("cause", ["A leak.", "A typing error."]).unnamed_in_history(WIKI),
        ]
    }

    fn status(status: Status) -> (&'static str, Status) {
        match status {
            Status::Open => ("To Do", Status::Open),
            Status::Acknowledged | Status::Mitigated => ("In Progress", Status::Acknowledged),
            Status::Resolved => ("Resolved", Status::Resolved),
            Status::Closed => ("Closed", Status::Resolved),
        }
    }

    fn refused() -> (Field, &'static str) {
        (Field::AssignedTo, "nobody@example.net")
    }

    fn unknown_id() -> ExternalId {
        ExternalId::parse("99999").expect("an id")
    }

    fn create(&self, title: &str) -> ExternalId {
        let key = self.person().create(title).expect("an issue");
        let issue = self.jira.issue(&key).expect("the issue");
        ExternalId::parse(&issue.id).expect("an id")
    }

    fn edit(&self, id: &ExternalId, field: &Field, value: &str) {
        let (person, id) = (self.person(), id.as_str());
        let done = match field {
            Field::Title => person.edit(id, &json!({ "summary": value })),
            Field::Description => person.edit(id, &json!({ "description": value })),
            Field::Severity => person.edit(id, &json!({ "priority": value })),
            Field::Status => person.move_to(id, value),
            Field::AssignedTo => person.assign(id, Some(value)),
            Field::Custom(name) => {
                let fields = json!({ custom_id(name): custom_value(name, value) });
                person.edit(id, &fields)
            }
            other => panic!("nobody can do this: {other}"),
        };
        done.expect("done");
    }

    fn note(&self, id: &ExternalId, kind: NoteKind, text: &str) {
        let internal = kind == NoteKind::WorkNote;
        let done = self.person().comment(id.as_str(), text, internal);
        done.expect("a comment");
    }

    fn delete(&self, id: &ExternalId) {
        self.person().delete(id.as_str()).expect("deleted");
    }

    fn leave(&self, id: &ExternalId) {
        let moved = self.person().move_to_project(id.as_str(), "ARC");
        moved.expect("moved");
    }

    fn unfiltered(mut request: Request<Bytes>) -> Request<Bytes> {
        if request.uri().path().ends_with("/search/jql") {
            let mut body: Value = serde_json::from_slice(request.body()).expect("a body");
            body["jql"] = json!("created >= \"-52w\" ORDER BY created ASC, key ASC");
            *request.body_mut() = Bytes::from(body.to_string());
        }
        request
    }

    fn holds(&self, id: &ExternalId, field: &Field) -> Option<String> {
        let issue = self.jira.issue(id.as_str())?;
        match field {
            Field::Title => Some(issue.summary),
            Field::Description => {
                let text = issue.description_text();
                Some(text).filter(|text| !text.is_empty())
            }
            Field::Severity => Some(issue.priority.name),
            Field::Status => Some(issue.status.name),
            Field::AssignedTo => {
                let site = self.jira.site();
                site.user(&issue.assignee?)?.email.clone()
            }
            Field::Custom(name) => text(issue.custom.get(custom_id(name))?),
            Field::Priority | Field::EscalationPolicy => None,
        }
    }

    fn error_body(_: u16) -> String {
        json!({"errorMessages": [WORDS], "errors": {}}).to_string()
    }

    fn conflict_is_permanent() -> bool {
        false
    }

    fn rate_limits(wait: SignedDuration, now: Timestamp) -> Vec<Vec<(&'static str, String)>> {
        vec![
            vec![("retry-after", wait.as_secs().to_string())],
            vec![("x-ratelimit-reset", (now + wait).to_string())],
        ]
    }
}
