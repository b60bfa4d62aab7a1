//! A client of the `ServiceNow` stand-in, for the tests beside.
#![allow(
    dead_code,
    missing_docs,
    clippy::unwrap_used,
    reason = "each test file uses a part; a panic is a failed test"
)]

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{Method, Request, Response};
use im_sandbox::{ManualClock, ServiceNow, ServiceNowConfig};
use serde_json::{Value, json};

pub const START: &str = "2026-01-02T03:04:05.678Z";
pub const INCIDENTS: &str = "/api/now/v2/table/incident";

pub fn config() -> (ServiceNowConfig, ManualClock) {
    let clock = ManualClock::new(START.parse().unwrap());
    let config = ServiceNowConfig::demo("im.sync", "password", "secret");
    (config.clock(clock.clone()), clock)
}

/// A stand-in whose time stands still.
pub fn servicenow() -> (ServiceNow, ManualClock) {
    let (config, clock) = config();
    (ServiceNow::new(config), clock)
}

/// One whose configuration is changed first.
pub fn configured(change: impl FnOnce(&mut ServiceNowConfig)) -> ServiceNow {
    let (mut config, _) = config();
    change(&mut config);
    ServiceNow::new(config)
}

pub fn basic(user_name: &str, password: &str) -> String {
    format!(
        "Basic {}",
        STANDARD.encode(format!("{user_name}:{password}"))
    )
}

pub fn request(method: &Method, path: &str, body: Option<&Value>) -> Request<Bytes> {
    let text = body.map_or_else(Bytes::new, |body| Bytes::from(body.to_string()));
    Request::builder()
        .method(method)
        .uri(path)
        .header("accept", "application/json")
        .header("authorization", basic("im.sync", "password"))
        .header("content-type", "application/json")
        .body(text)
        .unwrap()
}

pub fn answer(
    servicenow: &ServiceNow,
    method: &Method,
    path: &str,
    body: Option<&Value>,
) -> Response<Bytes> {
    servicenow.handle(request(method, path, body))
}

/// Status and body; a body that is not JSON is null.
pub fn seen(response: &Response<Bytes>) -> (u16, Value) {
    let body = serde_json::from_slice(response.body()).unwrap_or_default();
    (response.status().as_u16(), body)
}

pub fn get(servicenow: &ServiceNow, path: &str) -> (u16, Value) {
    seen(&answer(servicenow, &Method::GET, path, None))
}

pub fn post(servicenow: &ServiceNow, body: &Value) -> (u16, Value) {
    seen(&answer(servicenow, &Method::POST, INCIDENTS, Some(body)))
}

pub fn patch(servicenow: &ServiceNow, sys_id: &str, body: &Value) -> (u16, Value) {
    let path = format!("{INCIDENTS}/{sys_id}");
    seen(&answer(servicenow, &Method::PATCH, &path, Some(body)))
}

/// The `sys_id` of a new incident with these columns.
pub fn created(servicenow: &ServiceNow, columns: &Value) -> String {
    let (status, body) = post(servicenow, columns);
    assert_eq!(status, 201, "{body}");
    body["result"]["sys_id"].as_str().unwrap().to_owned()
}

/// A write that has to be accepted; its `result`.
pub fn patched(servicenow: &ServiceNow, sys_id: &str, columns: &Value) -> Value {
    let (status, body) = patch(servicenow, sys_id, columns);
    assert_eq!(status, 200, "{body}");
    body["result"].clone()
}

pub fn resolved() -> Value {
    json!({"state": "6", "close_code": "User error", "close_notes": "Unplugged"})
}

/// Status, message and detail of a refusal, whose whole shape is checked.
pub fn refusal((status, body): (u16, Value)) -> (u16, String, String) {
    assert_eq!(body["status"], "failure", "{body}");
    assert_eq!(body.as_object().unwrap().len(), 2, "{body}");
    let error = body["error"].as_object().unwrap();
    assert_eq!(error.len(), 2, "{body}");
    let text = |name: &str| error[name].as_str().unwrap_or_default().to_owned();
    (status, text("message"), text("detail"))
}

/// The `number`s of a list, without `INC001`.
pub fn numbers(servicenow: &ServiceNow, query: &str) -> Vec<String> {
    let (status, body) = get(servicenow, &format!("{INCIDENTS}?{query}"));
    assert_eq!(status, 200, "{body}");
    let rows = body["result"].as_array().unwrap().iter();
    rows.map(|row| {
        let number = row["number"].as_str().unwrap();
        number.strip_prefix("INC001").unwrap().to_owned()
    })
    .collect()
}

pub fn event_types(servicenow: &ServiceNow) -> Vec<String> {
    let drained = servicenow.drain_webhooks();
    drained
        .into_iter()
        .map(|webhook| webhook.event_type)
        .collect()
}

pub fn user(servicenow: &ServiceNow, email: &str) -> String {
    let users = servicenow.users();
    let user = users.iter().find(|user| user.email == email);
    user.unwrap().sys_id.clone()
}
