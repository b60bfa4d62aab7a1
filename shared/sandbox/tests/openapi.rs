//! Every answer, and every request these tests send, validates against the vendor's own file.
#![allow(clippy::unwrap_used, reason = "a panic is a failed test")]

mod caller;

use std::cell::RefCell;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use caller::{new, pagerduty, request, update};
use http::{Method, Request};
use im_sandbox::openapi::{Correction, OpenApi};
use im_sandbox::pagerduty::CORRECTIONS;
use im_sandbox::{Fault, FaultRule, ManualClock, PagerDuty, PagerDutyConfig};
use serde_json::{Value, json};

/// `None`, said aloud, where the file is absent; in CI that is a failure.
fn file() -> Option<PathBuf> {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let file = workspace.join("../shared/vendor/pagerduty/rest-openapi.json");
    if file.exists() {
        return Some(file);
    }
    assert_ne!(
        std::env::var("CI").as_deref(),
        Ok("true"),
        "CI needs the vendor's file"
    );
    println!("skipped: no {}", file.display());
    None
}

/// Sends requests and notes what does not validate.
struct Checked<'a> {
    openapi: &'a OpenApi,
    pagerduty: PagerDuty,
    clock: ManualClock,
    findings: RefCell<Vec<String>>,
}

impl<'a> Checked<'a> {
    fn new(openapi: &'a OpenApi) -> Self {
        let (pagerduty, clock) = pagerduty();
        Self {
            openapi,
            pagerduty,
            clock,
            findings: RefCell::default(),
        }
    }

    /// A right request: it validates as well as its answer.
    fn right(&self, method: &Method, path: &str, body: Option<&Value>) -> Value {
        let request = request(method, path, body);
        let (uri, headers) = (request.uri().clone(), request.headers().clone());
        let checked = self.openapi.validate_request(
            method,
            uri.path(),
            uri.query(),
            &headers,
            request.body(),
        );
        self.note(&format!("request {method} {path}"), checked);
        let (status, body) = self.answer(request);
        assert!(
            (200..300).contains(&status),
            "{method} {path}: {status} {body}"
        );
        body
    }

    /// A wrong request: its answer validates and has this status.
    fn wrong(&self, request: Request<Bytes>, expected: u16) {
        let name = format!("{} {}", request.method(), request.uri());
        let (status, body) = self.answer(request);
        assert_eq!(status, expected, "{name}: {body}");
        let error = &body["error"];
        assert!(
            error["code"].is_u64() && error["message"].is_string(),
            "{body}"
        );
    }

    fn answer(&self, request: Request<Bytes>) -> (u16, Value) {
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let response = self.pagerduty.handle(request);
        let (status, body) = (response.status(), response.body());
        let checked = self.openapi.validate_response(&method, &path, status, body);
        self.note(&format!("answer {status} to {method} {path}"), checked);
        caller::seen(&response)
    }

    fn note(&self, what: &str, checked: Result<(), Vec<String>>) {
        for finding in checked.err().into_iter().flatten() {
            self.findings
                .borrow_mut()
                .push(format!("{what}: {finding}"));
        }
    }

    fn get(&self, path: &str) -> Value {
        self.right(&Method::GET, path, None)
    }

    fn put(&self, id: &str, changes: &Value) -> Value {
        let path = format!("/incidents/{id}");
        self.right(&Method::PUT, &path, Some(&update(changes)))
    }

    fn create(&self, more: &Value) -> String {
        let body = self.right(&Method::POST, "/incidents", Some(&new(more)));
        body["incident"]["id"].as_str().unwrap().to_owned()
    }

    /// All of an incident, by every way to read it.
    fn read(&self, id: &str) {
        let all = [
            "acknowledgers",
            "agents",
            "assignees",
            "body",
            "escalation_policies",
            "first_trigger_log_entries",
            "priorities",
            "services",
            "users",
        ];
        let include = all.map(|name| format!("include[]={name}")).join("&");
        self.get(&format!("/incidents/{id}"));
        self.get(&format!("/incidents/{id}?{include}"));
        self.get(&format!("/incidents?date_range=all&{include}"));
        self.get(&format!("/incidents/{id}/notes"));
        self.get(&format!("/incidents/{id}/log_entries?limit=100"));
        self.get("/log_entries?limit=100&total=true");
    }

    fn right_requests(&self) {
        let plain = self.create(&json!({}));
        self.read(&plain);
        let id = self.create(&json!({
            "urgency": "low",
            "incident_key": "im-1",
            "priority": {"id": "PPRIO02", "type": "priority_reference"},
            "body": {"type": "incident_body", "details": "sda1 at 100 %"},
            "assignments": [{"assignee": {"id": "PUSER02", "type": "user_reference"}}],
        }));
        let policy = json!({"id": "PESC002", "type": "escalation_policy_reference"});
        let bob = json!({"assignee": {"id": "PUSER03", "type": "user_reference"}});
        for changes in [
            json!({"title": "Disk is full"}),
            json!({"urgency": "high"}),
            json!({"status": "acknowledged"}),
            json!({"priority": "P1"}),
            json!({"priority": {"id": "PPRIO03", "type": "priority"}}),
            json!({"assignments": [bob]}),
            json!({"escalation_policy": policy}),
            json!({"escalation_level": 2}),
            json!({"status": "acknowledged"}),
            json!({"status": "triggered"}),
            json!({"status": "resolved", "resolution": "Emptied it"}),
            json!({"status": "triggered"}),
        ] {
            self.put(&id, &changes);
            self.read(&id);
        }
        let note = json!({"note": {"content": "Looking"}});
        self.right(
            &Method::POST,
            &format!("/incidents/{id}/notes"),
            Some(&note),
        );
        self.read(&id);
        self.get("/incidents?incident_key=im-1&statuses[]=triggered&limit=1&offset=0&total=true");
        for path in [
            "/priorities",
            "/users?query=ann",
            "/users/me",
            "/users/PUSER01",
        ] {
            self.get(path);
        }
        self.get("/services/PSVC001");
        self.get("/escalation_policies?limit=1");
    }

    /// What an automation and the service itself did, without any user.
    fn automation(&self) {
        let id = self.create(&json!({"title": "Overruled"}));
        for (field, value) in [("status", "acknowledged"), ("note", "by a rule")] {
            let (field, value) = (field.to_owned(), json!(value));
            let fault = Fault::Overrule { field, value };
            self.pagerduty.add_fault(FaultRule::once(fault));
            let body = update(&json!({"title": "New"}));
            let put = request(&Method::PUT, &format!("/incidents/{id}"), Some(&body));
            assert_eq!(
                self.pagerduty.handle_with_faults(put).status().unwrap(),
                200
            );
        }
        self.read(&id);
    }

    fn wrong_requests(&self) {
        let id = self.create(&json!({"title": "Refused"}));
        let paths = [
            (Method::GET, "/incidents".to_owned()),
            (Method::POST, "/incidents".to_owned()),
            (Method::GET, format!("/incidents/{id}")),
            (Method::PUT, format!("/incidents/{id}")),
            (Method::GET, format!("/incidents/{id}/notes")),
            (Method::POST, format!("/incidents/{id}/notes")),
            (Method::GET, format!("/incidents/{id}/log_entries")),
            (Method::GET, "/log_entries".to_owned()),
            (Method::GET, "/priorities".to_owned()),
            (Method::GET, "/users".to_owned()),
            (Method::GET, "/users/PUSER01".to_owned()),
            (Method::GET, "/users/me".to_owned()),
            (Method::GET, "/services/PSVC001".to_owned()),
            (Method::GET, "/escalation_policies".to_owned()),
        ];
        for (method, path) in &paths {
            let mut stranger = request(method, path, Some(&json!({})));
            stranger.headers_mut().remove("authorization");
            self.wrong(stranger, 401);
            let mut old = request(method, path, Some(&json!({})));
            old.headers_mut().remove("accept");
            self.wrong(old, 400);
        }
        for path in [
            "/incidents/Q",
            "/incidents/Q/notes",
            "/incidents/Q/log_entries",
        ] {
            self.wrong(request(&Method::GET, path, None), 404);
        }
        let source = self.create(&json!({}));
        let sources = json!([{"id": source, "type": "incident_reference"}]);
        let body = json!({ "source_incidents": sources });
        self.right(&Method::PUT, &format!("/incidents/{id}/merge"), Some(&body));
        self.read(&source);
        self.wrong(request(&Method::GET, "/users/P", None), 404);
        self.wrong(request(&Method::GET, "/services/P", None), 404);
        let put = update(&json!({"status": "resolved"}));
        self.wrong(request(&Method::PUT, "/incidents/Q", Some(&put)), 404);
        self.put(&id, &json!({"status": "resolved"}));
        let again = request(&Method::PUT, &format!("/incidents/{id}"), Some(&put));
        self.wrong(again, 400);
        let limited = self.pagerduty.clone();
        for _ in 0..960 {
            limited.handle(request(&Method::GET, "/priorities", None));
        }
        for (method, path) in &paths {
            self.wrong(request(method, path, Some(&json!({}))), 429);
        }
        self.clock.advance(jiff::SignedDuration::from_mins(1));
    }
}

fn findings(openapi: &OpenApi) -> Vec<String> {
    let checked = Checked::new(openapi);
    checked.right_requests();
    checked.automation();
    checked.wrong_requests();
    checked.findings.into_inner()
}

#[test]
fn requests_and_answers_validate() {
    let Some(file) = file() else { return };
    let openapi = OpenApi::load_corrected(file, CORRECTIONS).unwrap();
    assert_eq!(findings(&openapi), Vec::<String>::new());
}

/// A correction that nothing needs hides a mistake of ours.
#[test]
fn each_correction_is_needed() {
    let Some(file) = file() else { return };
    let document: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    for left_out in CORRECTIONS {
        let others = CORRECTIONS
            .iter()
            .filter(|other| other.pointer != left_out.pointer);
        let others: Vec<Correction> = others.copied().collect();
        let openapi = OpenApi::from_document(document.clone(), &others).unwrap();
        assert_ne!(findings(&openapi), Vec::<String>::new(), "{left_out:?}");
    }
}

/// The checker itself can say no.
#[test]
fn a_wrong_request_is_found() {
    let Some(file) = file() else { return };
    let openapi = OpenApi::load_corrected(file, CORRECTIONS).unwrap();
    let put = |changes: &Value, without: &str| {
        let mut request = request(&Method::PUT, "/incidents/Q1", Some(&update(changes)));
        request.headers_mut().remove(without);
        let (headers, body) = (request.headers(), request.body());
        openapi.validate_request(&Method::PUT, "/incidents/Q1", None, headers, body)
    };
    assert_eq!(put(&json!({"status": "resolved"}), ""), Ok(()));
    assert!(put(&json!({"status": "closed"}), "").is_err());
    assert!(put(&json!({"type": "ticket"}), "").is_err());
    assert!(put(&json!({"priority": {"id": "P1"}}), "").is_err());
    for header in ["from", "accept", "authorization", "content-type"] {
        assert!(
            put(&json!({"status": "resolved"}), header).is_err(),
            "{header}"
        );
    }
    let pagerduty = PagerDuty::new(PagerDutyConfig::demo("token", "secret"));
    let mut body = caller::get(&pagerduty, "/priorities").1;
    body["priorities"][0]["name"] = json!(1);
    let ok = http::StatusCode::OK;
    let body = body.to_string();
    let checked = openapi.validate_response(&Method::GET, "/priorities", ok, body.as_bytes());
    assert!(checked.is_err());
}
