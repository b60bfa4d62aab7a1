//! What every vendor's stand-in does: answers, faults, the record of requests, webhooks.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header};
use jiff::SignedDuration;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::net::TcpListener;

use crate::automation::{self, Rule};
use crate::clock::{Clock as _, to_http_date};
use crate::control;
use crate::durable::{DurableLog, DurableLogError};
use crate::edge::{self, Answer};
use crate::fault::{Fault, FaultRule};
use crate::held::Held;
use crate::journal::RecordedRequest;
use crate::outbox::Outbox;
use crate::surroundings::Surroundings;
use crate::webhook_delivery::{DeliveryRecord, RetryPolicy, WebhookDelivery};

/// One vendor's part of a stand-in: its records and its rules, behind the stand-in's lock.
pub trait Vendor: Send + Sized + 'static {
    /// What changed in its records, as a line of a file has it.
    type Changes: Serialize + DeserializeOwned;

    /// Time, ids, faults and webhooks.
    fn surroundings(&mut self) -> &mut Surroundings;

    /// What changed since the last call; `None` if nothing did.
    fn take_unsaved(&mut self) -> Option<Self::Changes>;

    /// Makes the changes that [`Self::take_unsaved`] told of.
    fn take_up(&mut self, changes: Self::Changes);

    /// Answers one API request; with `behind`, the read of a single record shows it as it was
    /// that many changes ago.
    fn respond(&mut self, request: &Request<Bytes>, behind: usize) -> Response<Bytes>;

    /// Sets `field` of the record that an accepted write was about, on behalf of an automation, and
    /// makes the answer show it.
    fn overrule(
        &mut self,
        request: &Request<Bytes>,
        response: &mut Response<Bytes>,
        field: &str,
        value: &Value,
    );

    /// Sets `field` of a record on behalf of an automation; the value is as people name it.
    fn automate(&mut self, id: &str, field: &str, value: &str);

    /// Answers a control request that is this vendor's own; `path` is what follows `/_sandbox/`.
    fn control(
        stand_in: &StandIn<Self>,
        request: &Request<Bytes>,
        path: &[&str],
    ) -> Response<Bytes>;

    /// Whether a request asks for a change.
    fn is_write(request: &Request<Bytes>) -> bool {
        ![Method::GET, Method::HEAD].contains(request.method())
    }

    /// Whether the bodies of a request and its answer are credentials, which nothing records.
    fn is_secret(_request: &Request<Bytes>) -> bool {
        false
    }
}

/// A stateful stand-in for one account of a vendor; clones share it.
pub struct StandIn<V> {
    vendor: Arc<Mutex<V>>,
    outbox: Outbox,
}

impl<V> Clone for StandIn<V> {
    fn clone(&self) -> Self {
        Self {
            vendor: Arc::clone(&self.vendor),
            outbox: self.outbox.clone(),
        }
    }
}

impl<V: Vendor> StandIn<V> {
    pub(crate) fn of(mut vendor: V) -> Self {
        let outbox = vendor.surroundings().outbox.clone();
        Self {
            vendor: Arc::new(Mutex::new(vendor)),
            outbox,
        }
    }

    pub(crate) fn state(&self) -> Held<'_, V> {
        Held::lock(&self.vendor, &self.outbox)
    }

    /// The same for what causes no webhook, if so.
    pub(crate) fn state_quiet(&self, quiet: bool) -> Held<'_, V> {
        let mut vendor = self.state();
        vendor.surroundings().quiet = quiet;
        vendor
    }

    /// Keeps everything in this file, which only its owner may read, and takes up what it holds: records with all their
    /// versions, ids, faults, automations, and the webhooks that nobody has taken yet. Not kept are OAuth tokens, the
    /// counts of rate limits, the record of requests, and the clock's offset. To be called on a new stand-in of the
    /// same configuration.
    pub fn kept_in(self, file: &Path) -> Result<Self, DurableLogError> {
        let (log, lines) = DurableLog::open::<V::Changes>(file)?;
        let mut vendor = self.state();
        for line in lines {
            vendor.take_up(line);
        }
        self.outbox.keep(log);
        drop(vendor);
        Ok(self)
    }

    /// Answers a request, without faults.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "a request is used up, as on a wire"
    )]
    pub fn handle(&self, request: Request<Bytes>) -> Response<Bytes> {
        if control::is_control(&request) {
            return control::respond(self, &request);
        }
        let vendor = &mut *self.state();
        let mut record = received(vendor, &request);
        let mut response = answered(vendor, &request, 0);
        date(vendor, &mut response);
        record.carried_out(response.status());
        record.answered(&response);
        vendor.surroundings().requests.push(record);
        automation::carry_out(vendor);
        response
    }

    /// Answers a GET from a copy that lags by so many changes of the record. It leaves no trace.
    pub fn handle_behind(&self, request: &Request<Bytes>, changes: usize) -> Response<Bytes> {
        answered(&mut *self.state(), request, changes)
    }

    /// Answers a request, or does with it what the next matching fault says.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "a request is used up, as on a wire"
    )]
    pub fn handle_with_faults(&self, request: Request<Bytes>) -> Answer {
        if control::is_control(&request) {
            return Answer::Response(control::respond(self, &request));
        }
        let vendor = &mut *self.state();
        let mut record = received(vendor, &request);
        let faults = &mut vendor.surroundings().faults;
        record.fault = faults.for_request(request.method(), request.uri().path());
        let mut answer = struck(vendor, &request, &mut record);
        if let Answer::Response(response) | Answer::Delayed(_, response) = &mut answer {
            date(vendor, response);
            record.answered(response);
        }
        vendor.surroundings().requests.push(record);
        automation::carry_out(vendor);
        answer
    }

    /// Serves it over HTTP, faults and `/_sandbox/…` included.
    pub async fn serve(self, listener: TcpListener) -> std::io::Result<()> {
        edge::serve(self, listener).await
    }

    /// Takes the webhooks that wait, in order.
    pub fn drain_webhooks(&self) -> Vec<WebhookDelivery> {
        let now = self.state().surroundings().clock.signing_time();
        self.outbox.drain(now)
    }

    /// A webhook as the vendor sends it again; `attempt` 2 is the first repeat.
    pub fn repeated(&self, webhook: &WebhookDelivery, attempt: u32) -> WebhookDelivery {
        let now = self.state().surroundings().clock.signing_time();
        self.outbox.attempt(webhook, attempt, now)
    }

    /// Posts webhooks to `url` as they come, in order, until the future is dropped.
    pub async fn deliver_webhooks_to(self, url: String, policy: RetryPolicy) {
        let clock = self.state().surroundings().clock.clone();
        self.outbox.deliver_to(url, policy, Arc::new(clock)).await;
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
        self.state().surroundings().faults.add(rule);
    }

    /// The faults in force.
    pub fn faults(&self) -> Vec<FaultRule> {
        self.state().surroundings().faults.rules().to_vec()
    }

    /// Ends all faults and releases held webhooks.
    pub fn clear_faults(&self) {
        self.state().surroundings().faults.clear();
        self.outbox.release();
    }

    /// Adds a rule as administrators make them: whenever anybody's change makes `field` `when`, or a new record has it,
    /// the vendor sets it to `then` a second later, with a history entry and a webhook of its own. The answer to a
    /// request does not show it yet. What a rule did sets off no other rule. Fields and values are named as in
    /// [`crate::Fault::Overrule`]: a priority by its name.
    pub fn automate(
        &self,
        field: impl Into<String>,
        when: impl Into<String>,
        then: impl Into<String>,
    ) {
        self.state().surroundings().automations.add(Rule {
            field: field.into(),
            when: when.into(),
            then: then.into(),
        });
    }

    /// Makes the vendor's clock go ahead of the one it was given, or behind it: all its times, versions, signatures and
    /// `Date` headers follow. To be set before there are records: after a step back a change would be older than what it
    /// changes.
    pub fn set_clock_offset(&self, offset: SignedDuration) {
        self.state().surroundings().set_clock_offset(offset);
    }

    /// Every API request so far.
    pub fn requests(&self) -> Vec<RecordedRequest> {
        self.state().surroundings().requests.clone()
    }

    /// The API requests that changed something or were allowed to, answered or not.
    pub fn writes(&self) -> Vec<RecordedRequest> {
        let mut requests = self.requests();
        requests.retain(|request| request.accepted && request.is_write());
        requests
    }
}

/// The answer, before anything that it causes.
fn answered<V: Vendor>(vendor: &mut V, request: &Request<Bytes>, behind: usize) -> Response<Bytes> {
    vendor.surroundings().automations.answering = true;
    let response = vendor.respond(request, behind);
    vendor.surroundings().automations.answering = false;
    response
}

/// Any answer says when it was given, by the vendor's clock.
fn date<V: Vendor>(vendor: &mut V, response: &mut Response<Bytes>) {
    let now = to_http_date(vendor.surroundings().clock.now());
    if let Ok(now) = http::HeaderValue::try_from(now) {
        response.headers_mut().entry(header::DATE).or_insert(now);
    }
}

fn received<V: Vendor>(vendor: &mut V, request: &Request<Bytes>) -> RecordedRequest {
    let now = vendor.surroundings().clock.now();
    let mut record = RecordedRequest::received(now, request, V::is_secret(request));
    record.write = V::is_write(request);
    record
}

fn struck<V: Vendor>(
    vendor: &mut V,
    request: &Request<Bytes>,
    record: &mut RecordedRequest,
) -> Answer {
    let fault = record.fault.clone();
    match fault {
        Some(Fault::TimeoutBeforeCommit) => return Answer::NoAnswer,
        Some(Fault::RefuseWith {
            status,
            body,
            headers,
        }) => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY);
            let mut response = edge::json_response(status, &body);
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
    let mut response = answered(vendor, request, behind);
    record.carried_out(response.status());
    match fault {
        Some(Fault::TimeoutAfterCommit) => Answer::NoAnswer,
        Some(Fault::Garbage) => Answer::Response(Response::new(Bytes::from_static(
            b"<html>Please wait</html>",
        ))),
        Some(Fault::Delay { ms }) => Answer::Delayed(Duration::from_millis(ms), response),
        Some(Fault::Overrule { field, value }) if record.accepted && record.is_write() => {
            vendor.overrule(request, &mut response, &field, &value);
            Answer::Response(response)
        }
        _ => Answer::Response(response),
    }
}
