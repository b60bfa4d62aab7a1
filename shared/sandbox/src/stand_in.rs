//! What every vendor's stand-in does: answers, faults, the record of requests, webhooks.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use serde_json::Value;
use tokio::net::TcpListener;

use crate::control;
use crate::edge::{self, Answer};
use crate::fault::{Fault, FaultRule};
use crate::journal::RecordedRequest;
use crate::outbox::Outbox;
use crate::surroundings::Surroundings;
use crate::webhook_delivery::{DeliveryRecord, RetryPolicy, WebhookDelivery};

/// One vendor's part of a stand-in: its records and its rules, behind the stand-in's lock.
pub trait Vendor: Send + Sized + 'static {
    /// Time, ids, faults and webhooks.
    fn surroundings(&mut self) -> &mut Surroundings;

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

    pub(crate) fn state(&self) -> MutexGuard<'_, V> {
        self.vendor.lock().unwrap_or_else(PoisonError::into_inner)
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
        let response = vendor.respond(&request, 0);
        record.carried_out(response.status());
        record.answered(&response);
        vendor.surroundings().requests.push(record);
        response
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
        let answer = struck(vendor, &request, &mut record);
        if let Answer::Response(response) | Answer::Delayed(_, response) = &answer {
            record.answered(response);
        }
        vendor.surroundings().requests.push(record);
        answer
    }

    /// Serves it over HTTP, faults and `/_sandbox/…` included.
    pub async fn serve(self, listener: TcpListener) -> std::io::Result<()> {
        edge::serve(self, listener).await
    }

    /// Takes the webhooks that wait, in order.
    pub fn drain_webhooks(&self) -> Vec<WebhookDelivery> {
        let now = self.state().surroundings().clock.now();
        self.outbox.drain(now)
    }

    /// A webhook as the vendor sends it again; `attempt` 2 is the first repeat.
    pub fn repeated(&self, webhook: &WebhookDelivery, attempt: u32) -> WebhookDelivery {
        let now = self.state().surroundings().clock.now();
        self.outbox.attempt(webhook, attempt, now)
    }

    /// Posts webhooks to `url` as they come, in order, until the future is dropped.
    pub async fn deliver_webhooks_to(self, url: String, policy: RetryPolicy) {
        let clock = Arc::clone(&self.state().surroundings().clock);
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
    let mut response = vendor.respond(request, behind);
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
