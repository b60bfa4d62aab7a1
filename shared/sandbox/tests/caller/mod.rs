//! A client of the stand-in, for the tests beside.
#![allow(
    dead_code,
    missing_docs,
    clippy::unwrap_used,
    reason = "each test file uses a part; a panic is a failed test"
)]

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Response};
use im_sandbox::{ManualClock, PagerDuty, PagerDutyConfig};
use serde_json::{Value, json};

pub const START: &str = "2026-01-02T03:04:05.678Z";

/// A stand-in whose time stands still.
pub fn pagerduty() -> (PagerDuty, ManualClock) {
    let clock = ManualClock::new(START.parse().unwrap());
    let config = PagerDutyConfig::demo("token", "secret").clock(clock.clone());
    (PagerDuty::new(config), clock)
}

/// What a well-behaved client sends.
pub fn headers(method: &Method) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let mut add = |name: &'static str, value| {
        headers.insert(name, HeaderValue::from_static(value));
    };
    add("accept", "application/vnd.pagerduty+json;version=2");
    add("authorization", "Token token=token");
    if method != Method::GET {
        add("content-type", "application/json");
        add("from", "oncall@example.com");
    }
    headers
}

pub fn request(method: &Method, path: &str, body: Option<&Value>) -> Request<Bytes> {
    let body = body.map_or_else(Bytes::new, |body| Bytes::from(body.to_string()));
    let mut request = Request::new(body);
    *request.method_mut() = method.clone();
    *request.uri_mut() = path.parse().unwrap();
    *request.headers_mut() = headers(method);
    request
}

/// Status and body; a body that is not JSON is null.
pub fn seen(response: &Response<Bytes>) -> (u16, Value) {
    let body = serde_json::from_slice(response.body()).unwrap_or_default();
    (response.status().as_u16(), body)
}

pub fn get(pagerduty: &PagerDuty, path: &str) -> (u16, Value) {
    seen(&pagerduty.handle(request(&Method::GET, path, None)))
}

pub fn post(pagerduty: &PagerDuty, path: &str, body: &Value) -> (u16, Value) {
    seen(&pagerduty.handle(request(&Method::POST, path, Some(body))))
}

/// `PUT /incidents/{id}` with `type` filled in.
pub fn put(pagerduty: &PagerDuty, id: &str, changes: &Value) -> (u16, Value) {
    let body = update(changes);
    let path = format!("/incidents/{id}");
    seen(&pagerduty.handle(request(&Method::PUT, &path, Some(&body))))
}

pub fn update(changes: &Value) -> Value {
    let mut incident = json!({"type": "incident_reference"});
    incident
        .as_object_mut()
        .unwrap()
        .extend(changes.as_object().unwrap().clone());
    json!({ "incident": incident })
}

/// A valid `POST /incidents`, with these members added or replaced.
pub fn new(more: &Value) -> Value {
    let mut incident = json!({
        "type": "incident",
        "title": "Disk full",
        "service": {"id": "PSVC001", "type": "service_reference"},
    });
    incident
        .as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    json!({ "incident": incident })
}

pub fn created(pagerduty: &PagerDuty, more: &Value) -> String {
    let (status, body) = post(pagerduty, "/incidents", &new(more));
    assert_eq!(status, 201, "{body}");
    body["incident"]["id"].as_str().unwrap().to_owned()
}

pub fn event_types(pagerduty: &PagerDuty) -> Vec<String> {
    let drained = pagerduty.drain_webhooks();
    drained
        .into_iter()
        .map(|webhook| webhook.event_type)
        .collect()
}
