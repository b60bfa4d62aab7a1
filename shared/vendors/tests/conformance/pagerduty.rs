//! `PagerDuty`.

use bytes::Bytes;
use http::{Request, header};
use im_model::{ExternalId, Field, IntegrationType, NoteKind, Status};
use im_sandbox::pagerduty::Urgency;
use im_sandbox::{Answer, FaultRule, PagerDuty, PagerDutyConfig};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use crate::rig::{Ability, Delivery, Pairs, Person, Rig, Sample, Setting, WORDS};

const TOKEN: &str = "y_NbAkKc66ryYTWUXYEu";
const SECRET: &str = "HvPtlQNKMPpHSSqJpCdndXfo7HnGXa1pnH6w5axpxLFn9aRBNBGh4e8";
const NOT_CLEARED: &str = "PUT has no way to empty it (official schema)";

struct PagerDutyRig(PagerDuty);

conformance!(PagerDutyRig);

impl Rig for PagerDutyRig {
    const VENDOR: IntegrationType = IntegrationType::PagerDuty;
    const BASE_URL: &'static str = "https://api.pagerduty.com";
    const OPTIONS: Pairs = &[("service", "PSVC001")];
    const CREDENTIALS: Pairs = &[
        ("token", TOKEN),
        ("from_email", "oncall@example.com"),
        ("webhook_secret", SECRET),
    ];
    const LOGIN: &'static str = "token";
    const SIGNATURE_HEADER: &'static str = "x-pagerduty-signature";
    const SIGNS_BODY: Ability = Ability::Has;
    const PUBLIC_NOTES: Ability = Ability::Lacks("every note is internal");
    const DELETION: Ability = Ability::Lacks("the API deletes no incident, nor does the website");
    const PERSON: Person = Person {
        email: "ann@example.com",
        in_history: Some("PUSER02"),
        in_notes: Some("Ann Example"),
        in_webhooks: Some("PUSER02"),
    };
    const TIMED: &'static [Field] = &[Field::Status, Field::AssignedTo];

    const LISTED_AT_ONCE: usize = 100;
    // The log of the account.
    const LISTED_BESIDES: usize = 1;
    const SCOPE: Ability = Ability::Has;

    fn new(setting: Setting) -> Self {
        let config = PagerDutyConfig::demo(TOKEN, SECRET).clock(setting.clock);
        Self(PagerDuty::new(config))
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
            query: None,
            headers: webhook.headers,
            body: webhook.body,
        });
        delivery.collect()
    }

    fn add_fault(&self, rule: FaultRule) {
        self.0.add_fault(rule);
    }

    fn samples() -> Vec<Sample> {
        let sample = |field, values| Sample::of(field, values).unclearable(NOT_CLEARED);
        vec![
            sample(Field::Title, ["Disk of db-1 full", "Disk of db-2 full"]),
            sample(Field::Description, ["Since 3 o'clock.", "Since 4 o'clock."])
                .unreadable("the API shows no body unless asked, and it is set on creation only"),
            sample(Field::Severity, ["low", "high"])
                .unnamed_in_history("the entry of an urgency has no value (official file)"),
            sample(Field::Priority, ["P2", "P3"])
                .unnamed_in_history("it may be an id, where a record shows the name"),
            sample(Field::Status, ["acknowledged", "triggered"]),
            sample(Field::AssignedTo, ["ann@example.com", "bob@example.com"]),
            sample(Field::EscalationPolicy, ["PESC002", "PESC001"])
                .unnamed_in_history("the entry of a delegation names no policy (official file)")
                .moving(Field::AssignedTo)
                .winning_over(
                    Field::AssignedTo,
                    "one PUT with both gives it to the policy's first",
                ),
        ]
    }

    fn status(status: Status) -> (&'static str, Status) {
        match status {
            Status::Open => ("triggered", Status::Open),
            Status::Acknowledged | Status::Mitigated => ("acknowledged", Status::Acknowledged),
            Status::Resolved | Status::Closed => ("resolved", Status::Resolved),
        }
    }

    fn refused() -> (Field, &'static str) {
        (Field::Priority, "P9")
    }

    fn unknown_id() -> ExternalId {
        ExternalId::parse("Q0000000000000").expect("an id")
    }

    fn create(&self, title: &str) -> ExternalId {
        let id = self
            .0
            .person(Self::PERSON.email)
            .trigger(title, Urgency::High);
        ExternalId::parse(&id.expect("an incident")).expect("an id")
    }

    fn edit(&self, id: &ExternalId, field: &Field, value: &str) {
        let (person, id) = (self.0.person(Self::PERSON.email), id.as_str());
        let done = match (field, value) {
            (Field::Title, title) => person.set_title(id, title),
            (Field::Severity, "high") => person.set_urgency(id, Urgency::High),
            (Field::Severity, "low") => person.set_urgency(id, Urgency::Low),
            (Field::Priority, name) => person.set_priority(id, Some(name)),
            (Field::Status, "triggered") => person.reopen(id),
            (Field::Status, "acknowledged") => person.acknowledge(id),
            (Field::Status, "resolved") => person.resolve(id),
            (Field::AssignedTo, email) => person.reassign(id, email),
            (Field::EscalationPolicy, policy) => person.escalate(id, policy),
            other => panic!("nobody can do this: {other:?}"),
        };
        done.expect("done");
    }

    fn note(&self, id: &ExternalId, _: NoteKind, text: &str) {
        let done = self.0.person(Self::PERSON.email).note(id.as_str(), text);
        done.expect("a note");
    }

    fn delete(&self, id: &ExternalId) {
        let request = Request::delete(format!("/incidents/{id}"))
            .header(header::ACCEPT, "application/vnd.pagerduty+json;version=2")
            .header(header::AUTHORIZATION, format!("Token token={TOKEN}"))
            .body(Bytes::new());
        self.0.handle(request.expect("a request"));
    }

    fn leave(&self, id: &ExternalId) {
        let person = self.0.person(Self::PERSON.email);
        let done = person.move_to_service(id.as_str(), "PSVC002");
        done.expect("moved");
    }

    fn unfiltered(mut request: Request<Bytes>) -> Request<Bytes> {
        let query = request.uri().query().unwrap_or_default();
        let is_kept = |name: &str| !["since", "until", "service_ids[]"].contains(&name);
        let pairs = url::form_urlencoded::parse(query.as_bytes());
        let kept = pairs.filter(|(name, _)| is_kept(name));
        let query = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(kept)
            .append_pair("date_range", "all")
            .finish();
        let uri = format!("{}?{query}", request.uri().path());
        *request.uri_mut() = uri.parse().expect("a path");
        request
    }

    fn holds(&self, id: &ExternalId, field: &Field) -> Option<String> {
        let (held, account) = (self.0.incident(id.as_str())?, self.0.account());
        match field {
            Field::Title => Some(held.title),
            Field::Description => {
                let details = held.details?;
                details["description"].as_str().map(str::to_owned)
            }
            Field::Severity => Some(held.urgency.as_str().to_owned()),
            Field::Priority => {
                let priority = account.priority(&held.priority?)?;
                Some(priority.name.clone())
            }
            Field::Status => Some(held.status.as_str().to_owned()),
            Field::AssignedTo => {
                let user = account.user(held.assignees().first()?)?;
                Some(user.email.clone())
            }
            Field::EscalationPolicy => Some(held.escalation_policy),
            Field::Custom(_) => None,
        }
    }

    fn error_body(_: u16) -> String {
        let error = json!({"message": "It cannot be", "code": 2001, "errors": [WORDS]});
        json!({ "error": error }).to_string()
    }

    fn rate_limits(wait: SignedDuration, _: Timestamp) -> Vec<Vec<(&'static str, String)>> {
        let seconds = wait.as_secs().to_string();
        ["ratelimit-reset", "retry-after"]
            .map(|name| vec![(name, seconds.clone())])
            .into()
    }
}
