//! People at work: on the platform, in the vendors' pages, at the settings. What they were told has worked, they
//! remember.

use std::{
    collections::BTreeMap,
    pin::Pin,
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use http::{Method, Request};
use im_model::IntegrationType;
use im_sandbox::{FaultRule, pagerduty::Urgency};
use im_tests::{Worker, World};
use serde_json::{Value, json};

use crate::{
    accounts::Accounts,
    ledger::Ledger,
    plan::{Function, PEOPLE, Step, VendorEdit, What},
};

/// All of them.
pub struct People {
    pub world: Arc<World>,
    pub ledger: Arc<Ledger>,
    pub accounts: Arc<Accounts>,
    made: Mutex<u32>,
}

/// How long a person waits before trying again.
const PATIENCE: Duration = Duration::from_secs(2);

impl People {
    pub fn new(world: Arc<World>, ledger: Arc<Ledger>, accounts: Arc<Accounts>) -> Self {
        Self {
            world,
            ledger,
            accounts,
            made: Mutex::default(),
        }
    }

    /// Carries a step out; `worker` is whoever works on the first request to the API.
    pub fn take(
        self: Arc<Self>,
        step: Step,
        worker: Option<Arc<Worker>>,
    ) -> Pin<Box<dyn Future<Output = ()>>> {
        Box::pin(async move {
            match step.what {
                What::Create { body } => self.create(&body, worker).await,
                What::Edit { which, body } => {
                    if let Some(id) = self.incident(which).await {
                        let answer = self
                            .ask(
                                Method::PATCH,
                                &format!("/incidents/{id}"),
                                Some(&body),
                                worker,
                            )
                            .await;
                        if answer.0 == 200 {
                            self.ledger.edited_on_platform(&id, &body);
                        }
                    }
                }
                What::Note { which, list, text } => {
                    if let Some(id) = self.incident(which).await {
                        let path = format!("/incidents/{id}/{list}");
                        let answer = self
                            .ask(Method::POST, &path, Some(&json!({"text": text})), worker)
                            .await;
                        if answer.0 < 300 {
                            self.ledger.noted_on_platform(&id, list, &text);
                        }
                    }
                }
                What::CreateAt {
                    vendor,
                    text,
                    level,
                } => self.create_at(vendor, &text, level),
                What::EditAt {
                    vendor,
                    which,
                    who,
                    edit,
                } => self.edit_at(vendor, which, who, &edit),
                What::Fault { vendor, rule } => self.add_fault(vendor, rule),
                What::Down {
                    vendor,
                    lasts,
                    silent,
                } => self.down(vendor, lasts, silent).await,
                What::Rotate {
                    vendor,
                    vendor_first,
                } => self.rotate(vendor, vendor_first).await,
                What::Configure {
                    vendor,
                    method,
                    path,
                    body,
                } => {
                    let path = format!("/integrations/{}{path}", World::integration_with(vendor));
                    self.ask(method, &path, body.as_ref(), worker).await;
                    self.ledger.configured(&self.world).await;
                }
                // Lambda's.
                What::Crash { .. } => {}
            }
        })
    }

    /// Asks the API until it says yes or no. Status and body.
    pub async fn ask(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        worker: Option<Arc<Worker>>,
    ) -> (u16, Value) {
        let key = {
            let mut made = self.made.lock().expect("not poisoned");
            *made += 1;
            format!("request-{made}")
        };
        let mut worker = worker;
        for _ in 0..20 {
            let mut request = Request::builder()
                .method(&method)
                .uri(format!("/api/v1{path}"));
            if body.is_some() {
                request = request.header("content-type", "application/json");
            }
            if method == Method::POST && path.starts_with("/incidents") {
                request = request.header("idempotency-key", &key);
            }
            let bytes = body
                .map(|body| Bytes::from(body.to_string()))
                .unwrap_or_default();
            let request = request.body(bytes).expect("a request");
            let by = worker
                .take()
                .unwrap_or_else(|| Worker::new(format!("Api {key}"), None));
            let answer = by
                .run(Duration::from_secs(29), self.world.request(request))
                .await;
            let status = answer
                .as_ref()
                .map_or(502, |answer| answer.status().as_u16());
            let told = answer
                .as_ref()
                .map(|answer| String::from_utf8_lossy(answer.body()).into_owned());
            let told = told.unwrap_or_default();
            self.ledger.secrets.look_at("an answer of the API", &told);
            self.world.io.note(format_args!(
                "{method} {path} {} is answered {status} {told}",
                body.unwrap_or(&Value::Null)
            ));
            let conflict = status == 409 && method == Method::PATCH;
            if status < 500 && status != 429 && !conflict {
                return (status, serde_json::from_str(&told).unwrap_or_default());
            }
            tokio::time::sleep(PATIENCE).await;
        }
        panic!("invariant 8: the API does not answer {method} {path}");
    }

    async fn create(&self, body: &Value, worker: Option<Arc<Worker>>) {
        let (status, answer) = self
            .ask(Method::POST, "/incidents", Some(body), worker)
            .await;
        assert_eq!(status, 201, "{answer}");
        self.ledger
            .edited_on_platform(answer["id"].as_str().expect("an id"), body);
    }

    async fn incident(&self, which: usize) -> Option<String> {
        let all = self.world.incidents().await;
        let index = which.checked_rem(all.len())?;
        Some(all[index].id.to_string())
    }

    fn create_at(&self, vendor: IntegrationType, text: &str, level: u8) {
        let who = PEOPLE[usize::from(level) % PEOPLE.len()];
        self.ledger.by_person(vendor, || match vendor {
            IntegrationType::PagerDuty => {
                let urgency = if level > 2 {
                    Urgency::High
                } else {
                    Urgency::Low
                };
                self.world
                    .pagerduty
                    .person(who)
                    .trigger(text, urgency)
                    .is_ok()
            }
            IntegrationType::Jira => {
                let fields = json!({"summary": text, "priority": jira_priority(level)});
                self.world.jira.person(who).create_with(&fields).is_ok()
            }
            IntegrationType::ServiceNow => {
                let (impact, urgency) = (level % 3 + 1, level / 2 % 3 + 1);
                self.world
                    .servicenow
                    .person(who)
                    .open(text, impact, urgency)
                    .is_ok()
            }
        });
    }

    fn edit_at(&self, vendor: IntegrationType, which: usize, who: &'static str, edit: &VendorEdit) {
        let all = self.world.vendors().records(vendor);
        let Some(index) = which.checked_rem(all.len()) else {
            return;
        };
        let record = &all[index].0;
        let done = self.ledger.by_person(vendor, || match vendor {
            IntegrationType::PagerDuty => {
                pagerduty_edit(&self.world.pagerduty.person(who), record, edit)
            }
            IntegrationType::Jira => jira_edit(&self.world.jira.person(who), record, edit),
            IntegrationType::ServiceNow => self.servicenow_edit(who, record, edit),
        });
        // What is not allowed in the record's present status is what a person would find greyed out.
        self.world.io.note(format_args!(
            "{who} at {vendor} {record}: {edit:?} {}",
            if done { "done" } else { "refused" }
        ));
        if let (VendorEdit::Note { text, internal }, true) = (edit, done) {
            self.ledger.noted_at_vendor(vendor, record, text, *internal);
        }
    }

    fn servicenow_edit(&self, who: &str, record: &str, edit: &VendorEdit) -> bool {
        let person = self.world.servicenow.person(who);
        let set = |columns: &[(&str, &str)]| person.edit(record, columns).is_ok();
        match edit {
            VendorEdit::Title(text) => set(&[("short_description", text)]),
            VendorEdit::Description(text) => set(&[("description", text)]),
            VendorEdit::Level(level) => {
                let (impact, urgency) = (level % 3 + 1, level / 2 % 3 + 1);
                set(&[
                    ("impact", &impact.to_string()),
                    ("urgency", &urgency.to_string()),
                ])
            }
            VendorEdit::Status(3) => person.resolve(record).is_ok(),
            VendorEdit::Status(state) => {
                set(&[("state", ["1", "2", "3", "6", "2"][usize::from(*state)])])
            }
            VendorEdit::Assign(email) => {
                let users = self.world.servicenow.users();
                let user = users
                    .iter()
                    .find(|user| user.email == *email)
                    .expect("a user");
                set(&[("assigned_to", &user.sys_id)])
            }
            VendorEdit::Note {
                text,
                internal: true,
            } => person.work_note(record, text).is_ok(),
            VendorEdit::Note { text, .. } => person.comment(record, text).is_ok(),
        }
    }

    pub fn add_fault(&self, vendor: IntegrationType, rule: FaultRule) {
        match vendor {
            IntegrationType::PagerDuty => self.world.pagerduty.add_fault(rule),
            IntegrationType::Jira => self.world.jira.add_fault(rule),
            IntegrationType::ServiceNow => self.world.servicenow.add_fault(rule),
        }
    }

    pub fn clear_faults(&self, vendor: IntegrationType) {
        match vendor {
            IntegrationType::PagerDuty => self.world.pagerduty.clear_faults(),
            IntegrationType::Jira => self.world.jira.clear_faults(),
            IntegrationType::ServiceNow => self.world.servicenow.clear_faults(),
        }
    }

    async fn down(&self, vendor: IntegrationType, lasts: Duration, silent: bool) {
        let fault = if silent {
            im_sandbox::Fault::TimeoutBeforeCommit
        } else {
            im_sandbox::Fault::RefuseWith {
                status: 503,
                body: json!({}),
                headers: BTreeMap::new(),
            }
        };
        self.add_fault(vendor, FaultRule::always(fault));
        tokio::time::sleep(lasts).await;
        self.clear_faults(vendor);
        self.world.io.note(format_args!("{vendor} is up again"));
    }

    /// New credentials on both ends, one end after the other.
    async fn rotate(&self, vendor: IntegrationType, vendor_first: bool) {
        let new = self.accounts.rotated(vendor);
        self.ledger.secrets.add(new.values());
        let path = format!("/integrations/{}", World::integration_with(vendor));
        let body = json!({"credentials": new});
        if vendor_first {
            self.accounts.rotate_at_vendor(&self.world, vendor, &new);
            tokio::time::sleep(PATIENCE).await;
        }
        let (status, answer) = self.ask(Method::PATCH, &path, Some(&body), None).await;
        assert_eq!(status, 200, "{answer}");
        if !vendor_first {
            tokio::time::sleep(PATIENCE).await;
            self.accounts.rotate_at_vendor(&self.world, vendor, &new);
        }
    }

    /// Two who rotated at the same time may have left each end with another's: the vendor's are configured here.
    pub async fn agree_on_credentials(&self, vendor: IntegrationType) {
        let path = format!("/integrations/{}", World::integration_with(vendor));
        let body = json!({"credentials": self.accounts.good(vendor)});
        let (status, answer) = self.ask(Method::PATCH, &path, Some(&body), None).await;
        assert_eq!(status, 200, "{answer}");
    }

    /// Who looks at a record leaves a trace that the vendor announces.
    pub fn touch_at_vendors(&self) {
        for vendor in self.accounts.vendors() {
            for (number, (record, _)) in
                self.world.vendors().records(vendor).into_iter().enumerate()
            {
                let edit = VendorEdit::Note {
                    text: format!("looked-{vendor}-{number:03}x"),
                    internal: true,
                };
                self.edit_at(vendor, number, PEOPLE[0], &edit);
                let _ = record;
            }
        }
    }
}

fn jira_priority(level: u8) -> &'static str {
    ["Highest", "High", "Medium", "Low", "Lowest"][usize::from(level) % 5]
}

fn pagerduty_edit(person: &im_sandbox::pagerduty::Person, record: &str, edit: &VendorEdit) -> bool {
    let done = match edit {
        VendorEdit::Title(text) => person.set_title(record, text),
        VendorEdit::Description(_) | VendorEdit::Level(2) => {
            person.set_priority(record, Some("P2"))
        }
        VendorEdit::Level(level) => person.set_urgency(
            record,
            if *level > 2 {
                Urgency::High
            } else {
                Urgency::Low
            },
        ),
        VendorEdit::Status(0 | 1) => person.acknowledge(record),
        VendorEdit::Status(2) => person.unacknowledge(record),
        VendorEdit::Status(3) => person.resolve(record),
        VendorEdit::Status(_) => person.reopen(record),
        VendorEdit::Assign(email) => person.reassign(record, email),
        VendorEdit::Note { text, .. } => person.note(record, text),
    };
    done.is_ok()
}

fn jira_edit(person: &im_sandbox::jira::Person, record: &str, edit: &VendorEdit) -> bool {
    let done = match edit {
        VendorEdit::Title(text) => person.edit(record, &json!({"summary": text})),
        VendorEdit::Description(text) => person.edit(record, &json!({"description": text})),
        VendorEdit::Level(level) => {
            person.edit(record, &json!({"priority": jira_priority(*level)}))
        }
        VendorEdit::Status(state) => {
            let goal = ["To Do", "In Progress", "In Progress", "Resolved", "Closed"];
            person.move_to(record, goal[usize::from(*state)])
        }
        VendorEdit::Assign(email) => person.assign(record, Some(email)),
        VendorEdit::Note { text, internal } => person.comment(record, text, *internal).map(drop),
    };
    done.is_ok()
}

/// Whose request a step makes first, if it makes one.
pub fn asks(what: &What) -> Option<Function> {
    let asks = matches!(
        what,
        What::Create { .. } | What::Edit { .. } | What::Note { .. } | What::Configure { .. }
    );
    asks.then_some(Function::Api)
}
