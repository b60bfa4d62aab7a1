//! A client of the stand-in that checks every answer, and every request that is accepted,
//! against the vendor's own file.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response};
use im_sandbox::jira::{CORRECTIONS, ERRORS, Scheme};
use im_sandbox::{Answer, Jira, JiraConfig, ManualClock, OpenApi};
use serde_json::{Value, json};

pub const START: &str = "2026-01-02T03:04:05.678Z";
pub const EMAIL: &str = "sync@example.com";
pub const ANN: &str = "5b10a2844c20165700ede002";
pub const OWN: &str = "5b10a2844c20165700ede000";

/// `None`, said aloud, where the data is absent; in CI that is a failure.
pub fn vendor_data(name: &str) -> Option<PathBuf> {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let file = workspace.join("../shared/vendor/jira").join(name);
    if file.exists() {
        return Some(file);
    }
    let ci = std::env::var("CI");
    assert_ne!(ci.as_deref(), Ok("true"), "CI needs the vendor's data");
    println!("skipped: no {}", file.display());
    None
}

static FILE: LazyLock<Option<OpenApi>> = LazyLock::new(|| {
    let file = vendor_data("rest-openapi.json")?;
    let openapi = OpenApi::load_corrected(file, CORRECTIONS).unwrap();
    Some(openapi.with_errors(ERRORS))
});

pub struct Site {
    pub jira: Jira,
    pub clock: ManualClock,
}

pub fn hub() -> Scheme {
    Scheme::HubSignature {
        secret: "secret".to_owned(),
    }
}

/// A site whose time stands still.
pub fn site() -> Site {
    site_with(|_| {})
}

pub fn site_with(change: impl FnOnce(&mut JiraConfig)) -> Site {
    let clock = ManualClock::new(START.parse().unwrap());
    let mut config = JiraConfig::demo(EMAIL, "key", hub()).clock(clock.clone());
    change(&mut config);
    Site {
        jira: Jira::new(config),
        clock,
    }
}

pub fn headers() -> HeaderMap {
    let credentials = STANDARD.encode(format!("{EMAIL}:key"));
    let mut headers = HeaderMap::new();
    let authorization = format!("Basic {credentials}").parse().unwrap();
    headers.insert("authorization", authorization);
    headers.insert("content-type", "application/json".parse().unwrap());
    headers
}

pub fn request(method: &Method, path: &str, body: Option<&Value>) -> Request<Bytes> {
    let body = body.map_or_else(Bytes::new, |body| Bytes::from(body.to_string()));
    let mut request = Request::new(body);
    *request.method_mut() = method.clone();
    *request.uri_mut() = format!("/rest/api/3/{path}").parse().unwrap();
    *request.headers_mut() = headers();
    request
}

/// Status and body; a body that is not JSON is null.
pub fn seen(response: &Response<Bytes>) -> (u16, Value) {
    let body = serde_json::from_slice(response.body()).unwrap_or_default();
    (response.status().as_u16(), body)
}

impl Site {
    /// Sends a request and checks what the file says of it.
    pub fn send(&self, request: Request<Bytes>) -> Response<Bytes> {
        let sent = request.clone();
        let response = self.jira.handle(request);
        check(&sent, &response);
        response
    }

    /// The same, with faults; `None` where no answer comes.
    pub fn send_with_faults(&self, request: Request<Bytes>) -> Option<Response<Bytes>> {
        match self.jira.handle_with_faults(request) {
            Answer::Response(response) | Answer::Delayed(_, response) => Some(response),
            Answer::NoAnswer => None,
        }
    }

    pub fn get(&self, path: &str) -> (u16, Value) {
        seen(&self.send(request(&Method::GET, path, None)))
    }

    pub fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        seen(&self.send(request(&Method::POST, path, Some(body))))
    }

    pub fn put(&self, path: &str, body: &Value) -> (u16, Value) {
        seen(&self.send(request(&Method::PUT, path, Some(body))))
    }

    pub fn delete(&self, path: &str) -> (u16, Value) {
        seen(&self.send(request(&Method::DELETE, path, None)))
    }

    /// Creates an issue with these fields added or replaced; its key.
    pub fn created(&self, more: &Value) -> String {
        let (status, body) = self.post("issue", &new(more));
        assert_eq!(status, 201, "{body}");
        body["key"].as_str().unwrap().to_owned()
    }

    /// Sets fields; nothing else is answered than 204.
    pub fn edited(&self, key: &str, fields: &Value) {
        let answer = self.put(&format!("issue/{key}"), &json!({ "fields": fields }));
        assert_eq!(answer.0, 204, "{}", answer.1);
    }

    pub fn fields(&self, key: &str) -> Value {
        let (status, body) = self.get(&format!("issue/{key}"));
        assert_eq!(status, 200, "{body}");
        body["fields"].clone()
    }

    /// The bodies of the webhooks that wait.
    pub fn webhooks(&self) -> Vec<Value> {
        let drained = self.jira.drain_webhooks();
        drained
            .iter()
            .map(|webhook| serde_json::from_slice(&webhook.body).unwrap())
            .collect()
    }

    pub fn events(&self) -> Vec<String> {
        let drained = self.jira.drain_webhooks();
        drained
            .into_iter()
            .map(|webhook| webhook.event_type)
            .collect()
    }
}

fn check(request: &Request<Bytes>, response: &Response<Bytes>) {
    let Some(openapi) = &*FILE else { return };
    let (method, uri) = (request.method(), request.uri());
    let status = response.status();
    let checked = openapi.validate_response(method, uri.path(), status, response.body());
    assert_eq!(checked, Ok(()), "answer {status} to {method} {uri}");
    if status.is_success() {
        let (headers, body) = (request.headers(), request.body());
        let checked = openapi.validate_request(method, uri.path(), uri.query(), headers, body);
        assert_eq!(checked, Ok(()), "request {method} {uri}");
    }
}

/// A right `POST /issue`, with these fields added or replaced.
pub fn new(more: &Value) -> Value {
    let mut fields = json!({
        "project": {"key": "OPS"},
        "issuetype": {"name": "[System] Incident"},
        "summary": "Disk full",
    });
    let more = more.as_object().unwrap().clone();
    fields.as_object_mut().unwrap().extend(more);
    json!({ "fields": fields })
}

pub fn adf(text: &str) -> Value {
    json!({"type": "doc", "version": 1, "content": [
        {"type": "paragraph", "content": [{"type": "text", "text": text}]},
    ]})
}
