//! `PagerDuty`: REST API v2 and v3 webhooks.

mod config;
mod control;
mod edit;
mod incident;
mod input;
mod json;
mod lifecycle;
mod log_entry;
#[cfg(feature = "openapi")]
mod openapi;
mod person;
mod query;
mod read;
mod refusal;
mod rest;
mod state;
mod webhook;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use serde_json::Value;
use tokio::net::TcpListener;

use self::log_entry::Author;
use self::state::State;
use crate::edge::{self, Answer, Vendor};
use crate::fault::{Fault, FaultRule};
use crate::journal::RecordedRequest;
use crate::outbox::Outbox;
use crate::webhook_delivery::{DeliveryRecord, RetryPolicy, WebhookDelivery};

pub use self::config::{Account, EscalationPolicy, PagerDutyConfig, Priority, Service, User};
pub use self::incident::{Incident, NewIncident, Note, Status, Urgency, UserAt};
pub use self::log_entry::{Kind, LogEntry};
#[cfg(feature = "openapi")]
pub use self::openapi::CORRECTIONS;
pub use self::person::Person;
pub use self::refusal::Refusal;
pub use self::webhook::sign;

/// A stateful stand-in for one `PagerDuty` account; clones share it.
#[derive(Clone)]
pub struct PagerDuty {
    state: Arc<Mutex<State>>,
    outbox: Outbox,
}

impl PagerDuty {
    /// An account without incidents.
    pub fn new(config: PagerDutyConfig) -> Self {
        let outbox = Outbox::default();
        let state = State::new(config, outbox.clone());
        Self {
            state: Arc::new(Mutex::new(state)),
            outbox,
        }
    }

    /// Answers a request, without faults.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "a request is used up, as on a wire"
    )]
    pub fn handle(&self, request: Request<Bytes>) -> Response<Bytes> {
        if is_control(&request) {
            return control::respond(self, &request);
        }
        let state = &mut *self.state();
        let mut record = RecordedRequest::received(state.clock.now(), &request);
        let response = rest::respond(state, &request, 0);
        record.carried_out(response.status());
        record.answered(&response);
        state.journal.push(record);
        response
    }

    /// Answers a request, or does with it what the next matching fault says.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "a request is used up, as on a wire"
    )]
    pub fn handle_with_faults(&self, request: Request<Bytes>) -> Answer {
        if is_control(&request) {
            return Answer::Response(control::respond(self, &request));
        }
        let state = &mut *self.state();
        let mut record = RecordedRequest::received(state.clock.now(), &request);
        let path = request.uri().path();
        record.fault = state.faults.for_request(request.method(), path);
        let answer = struck(state, &request, &mut record);
        if let Answer::Response(response) | Answer::Delayed(_, response) = &answer {
            record.answered(response);
        }
        state.journal.push(record);
        answer
    }

    /// Serves it over HTTP, faults and `/_sandbox/…` included.
    pub async fn serve(self, listener: TcpListener) -> std::io::Result<()> {
        edge::serve(self, listener).await
    }

    /// What the user with this e-mail does in the web application.
    pub fn person(&self, email: impl Into<String>) -> Person {
        Person::new(self.clone(), email.into())
    }

    /// Takes the webhooks that wait, in order.
    pub fn drain_webhooks(&self) -> Vec<WebhookDelivery> {
        self.outbox.drain()
    }

    /// Posts webhooks to `url` as they come, in order, until the future is dropped.
    pub async fn deliver_webhooks_to(self, url: String, policy: RetryPolicy) {
        let clock = Arc::clone(&self.state().clock);
        self.outbox.deliver_to(url, policy, clock).await;
    }

    /// Every webhook so far and what became of it.
    pub fn deliveries(&self) -> Vec<DeliveryRecord> {
        self.outbox.records()
    }

    /// Queues the webhooks that [`Fault::HoldWebhooks`] held back.
    pub fn release_webhooks(&self) {
        self.outbox.release();
    }

    /// Adds a fault behind those in force.
    pub fn add_fault(&self, rule: FaultRule) {
        self.state().faults.add(rule);
    }

    /// The faults in force.
    pub fn faults(&self) -> Vec<FaultRule> {
        self.state().faults.rules().to_vec()
    }

    /// Ends all faults and releases held webhooks.
    pub fn clear_faults(&self) {
        self.state().faults.clear();
        self.outbox.release();
    }

    /// Every REST request so far.
    pub fn requests(&self) -> Vec<RecordedRequest> {
        self.state().journal.clone()
    }

    /// The REST requests that changed something or were allowed to, answered or not.
    pub fn writes(&self) -> Vec<RecordedRequest> {
        let mut requests = self.requests();
        requests.retain(|request| request.accepted && request.is_write());
        requests
    }

    /// The incident with this id.
    pub fn incident(&self, id: &str) -> Option<Incident> {
        self.state().incident(id).cloned()
    }

    /// All incidents, in order of creation.
    pub fn incidents(&self) -> Vec<Incident> {
        self.state().incidents().cloned().collect()
    }

    /// All log entries, in order of creation.
    pub fn log_entries(&self) -> Vec<LogEntry> {
        self.state().log.clone()
    }

    /// Who and what is in the account.
    pub fn account(&self) -> Arc<Account> {
        Arc::clone(&self.state().account)
    }

    pub(crate) fn first_service(&self) -> Result<String, Refusal> {
        let account = self.account();
        let service = account.services.first();
        let service = service.ok_or_else(|| Refusal::invalid("the account has no service"))?;
        Ok(service.id.clone())
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Vendor for PagerDuty {
    fn answer(&self, request: Request<Bytes>) -> Answer {
        self.handle_with_faults(request)
    }
}

fn is_control(request: &Request<Bytes>) -> bool {
    request.uri().path().starts_with(control::PREFIX)
}

fn struck(state: &mut State, request: &Request<Bytes>, record: &mut RecordedRequest) -> Answer {
    let fault = record.fault.clone();
    match fault {
        Some(Fault::TimeoutBeforeCommit) => return Answer::NoAnswer,
        Some(Fault::RefuseWith {
            status,
            body,
            headers,
        }) => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY);
            let mut response = rest::json_response(status, &body);
            for (name, value) in headers {
                let name = http::HeaderName::try_from(name);
                if let (Ok(name), Ok(value)) = (name, http::HeaderValue::try_from(value)) {
                    response.headers_mut().insert(name, value);
                }
            }
            return Answer::Response(response);
        }
        _ => {}
    }
    let behind = match fault {
        Some(Fault::StaleRead { behind }) => behind,
        _ => 0,
    };
    let mut response = rest::respond(state, request, behind);
    record.carried_out(response.status());
    match fault {
        Some(Fault::TimeoutAfterCommit) => Answer::NoAnswer,
        Some(Fault::Garbage) => Answer::Response(Response::new(Bytes::from_static(
            b"<html>Please wait</html>",
        ))),
        Some(Fault::Delay { ms }) => Answer::Delayed(Duration::from_millis(ms), response),
        Some(Fault::Overrule { field, value }) if record.accepted => {
            overrule(state, &mut response, &field, &value);
            Answer::Response(response)
        }
        _ => Answer::Response(response),
    }
}

/// An automation of the account insists on a value; the answer shows it.
fn overrule(state: &mut State, response: &mut Response<Bytes>, field: &str, value: &Value) {
    let body: Value = serde_json::from_slice(response.body()).unwrap_or_default();
    let Some(id) = body["incident"]["id"].as_str() else {
        return;
    };
    let account = Arc::clone(&state.account);
    let done = input::named(&account, field, value)
        .and_then(|change| state.edit(id, &Author::Automation)?.apply(vec![change]))
        .and_then(|()| rest::shown(state, id));
    match done {
        Ok(body) => *response.body_mut() = Bytes::from(body.to_string()),
        Err(refusal) => tracing::warn!(%refusal, field, "the automation had no effect"),
    }
}
