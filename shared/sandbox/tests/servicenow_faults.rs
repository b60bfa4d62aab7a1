//! Faults, and the control requests over HTTP.
#![allow(clippy::unwrap_used, reason = "a panic is a failed test")]

mod table_api;

use std::time::Duration;

use http::Method;
use im_sandbox::{Answer, Fault, FaultRule, ServiceNow};
use serde_json::{Value, json};
use table_api::{INCIDENTS, created, patched, request, seen, servicenow};

fn struck(servicenow: &ServiceNow, method: &Method, path: &str, body: Option<&Value>) -> Answer {
    servicenow.handle_with_faults(request(method, path, body))
}

fn response(answer: Answer) -> (u16, Value) {
    match answer {
        Answer::Response(response) | Answer::Delayed(_, response) => seen(&response),
        Answer::NoAnswer => panic!("no answer"),
    }
}

#[test]
fn a_lost_answer_leaves_the_change_or_not() {
    let (servicenow, _) = servicenow();
    let sys_id = created(&servicenow, &json!({}));
    let path = format!("{INCIDENTS}/{sys_id}");
    let body = json!({"work_notes": "Looking"});
    let send = || struck(&servicenow, &Method::PATCH, &path, Some(&body));
    servicenow.add_fault(FaultRule::once(Fault::TimeoutBeforeCommit));
    assert!(matches!(send(), Answer::NoAnswer));
    assert_eq!(servicenow.journal(&sys_id), []);
    servicenow.add_fault(FaultRule::once(Fault::TimeoutAfterCommit));
    assert!(matches!(send(), Answer::NoAnswer));
    assert_eq!(send().status().unwrap(), 200);
    // What a caller that simply tries again does.
    assert_eq!(servicenow.journal(&sys_id).len(), 2);
    assert_eq!(servicenow.writes().len(), 3);
}

#[test]
fn refusals_garbage_and_delays() {
    let (servicenow, _) = servicenow();
    servicenow.add_fault(FaultRule::once(Fault::RefuseWith {
        status: 503,
        body: json!({"error": "down"}),
        headers: [("retry-after".to_owned(), "7".to_owned())].into(),
    }));
    servicenow.add_fault(FaultRule::once(Fault::Garbage).method(&Method::POST));
    servicenow.add_fault(FaultRule::once(Fault::Delay { ms: 60_000 }));
    let (status, body) = response(struck(&servicenow, &Method::GET, INCIDENTS, None));
    assert_eq!((status, &body["error"]), (503, &json!("down")));
    let create = Some(json!({"impact": "1"}));
    let garbage = struck(&servicenow, &Method::POST, INCIDENTS, create.as_ref());
    assert_eq!(response(garbage), (200, Value::Null));
    assert_eq!(servicenow.incidents().len(), 1);
    let late = struck(&servicenow, &Method::GET, INCIDENTS, None);
    let Answer::Delayed(wait, late) = late else {
        panic!("{late:?}")
    };
    assert_eq!(wait, Duration::from_mins(1));
    assert_eq!(late.status(), 200);
}

#[test]
fn a_stale_read_shows_the_incident_as_it_was() {
    let (servicenow, _) = servicenow();
    let sys_id = created(&servicenow, &json!({"short_description": "one"}));
    patched(&servicenow, &sys_id, &json!({"short_description": "two"}));
    patched(&servicenow, &sys_id, &json!({"short_description": "three"}));
    let path = format!("{INCIDENTS}/{sys_id}");
    let read = |behind| {
        servicenow.add_fault(FaultRule::once(Fault::StaleRead { behind }));
        let (_, body) = response(struck(&servicenow, &Method::GET, &path, None));
        let result = &body["result"];
        (
            result["short_description"].clone(),
            result["sys_mod_count"].clone(),
        )
    };
    assert_eq!(read(1), (json!("two"), json!("1")));
    assert_eq!(read(2), (json!("one"), json!("0")));
    assert_eq!(read(9), (json!("one"), json!("0")));
    assert_eq!(read(0), (json!("three"), json!("2")));
    servicenow
        .person("ann@example.com")
        .delete(&sys_id)
        .unwrap();
    assert_eq!(read(1), (json!("three"), json!("2")));
}

#[test]
fn an_automation_overrules_a_write_and_the_answer_shows_it() {
    let (servicenow, _) = servicenow();
    let rule = |field: &str, value: &str| {
        let (field, value) = (field.to_owned(), json!(value));
        FaultRule::once(Fault::Overrule { field, value })
    };
    servicenow.add_fault(rule("urgency", "1"));
    let body = json!({"urgency": "3", "short_description": "one"});
    let (status, body) = response(struck(&servicenow, &Method::POST, INCIDENTS, Some(&body)));
    assert_eq!((status, &body["result"]["urgency"]), (201, &json!("1")));
    let sys_id = body["result"]["sys_id"].as_str().unwrap();
    servicenow.add_fault(rule("short_description", "Ours"));
    let path = format!("{INCIDENTS}/{sys_id}?sysparm_fields=short_description,sys_updated_by");
    let body = json!({"short_description": "two"});
    let (_, body) = response(struck(&servicenow, &Method::PATCH, &path, Some(&body)));
    assert_eq!(
        body["result"],
        json!({"short_description": "Ours", "sys_updated_by": "system"})
    );
    let audit = servicenow.audit(sys_id);
    let titles: Vec<_> = audit
        .iter()
        .filter(|row| &row["fieldname"] == "short_description")
        .map(|row| (&row["newvalue"], &row["user"], &row["record_checkpoint"]))
        .collect();
    assert_eq!(titles, [("two", "im.sync", "2"), ("Ours", "system", "3")]);
    assert_eq!(servicenow.drain_webhooks().len(), 4);
}

fn control(servicenow: &ServiceNow, method: &Method, path: &str, body: &Value) -> (u16, Value) {
    let mut request = request(method, &format!("/_sandbox/{path}"), Some(body));
    request.headers_mut().clear();
    seen(&servicenow.handle(request))
}

#[test]
fn people_work_over_http() {
    let (servicenow, _) = servicenow();
    let send = |method: &Method, path: &str, body: &Value| control(&servicenow, method, path, body);
    let open = json!({"short_description": "Disk full", "impact": 1, "by": "ann@example.com"});
    let (status, body) = send(&Method::POST, "incidents", &open);
    assert_eq!((status, &body["incident"]["impact"]), (201, &json!("1")));
    let sys_id = body["incident"]["sys_id"].as_str().unwrap();
    let path = format!("incidents/{sys_id}");
    let edit = json!({
        "urgency": "1", "comment": "Hello", "work_note": "Cable?", "by": "bob@example.com",
    });
    let (status, body) = send(&Method::PATCH, &path, &edit);
    assert_eq!((status, &body["incident"]["priority"]), (200, &json!("1")));
    let journal = servicenow.journal(sys_id);
    let entries: Vec<_> = journal.iter().map(|entry| &entry["element"]).collect();
    assert_eq!(entries, ["comments", "work_notes"]);
    for (refused, status) in [
        (json!({"state": "2"}), 400),
        (json!({"state": "2", "by": "nobody@example.com"}), 400),
        (json!({"state": "6", "by": "bob@example.com"}), 403),
        (json!({"stat": "6", "by": "bob@example.com"}), 400),
    ] {
        assert_eq!(send(&Method::PATCH, &path, &refused).0, status, "{refused}");
    }
    let (_, body) = send(&Method::GET, "incidents", &Value::Null);
    assert_eq!(body["incidents"][0]["urgency"], "1");
    let (_, body) = send(&Method::GET, "webhooks", &Value::Null);
    assert_eq!(body["webhooks"][1]["event_type"], "incident.update");
    let fault = json!({"fault": "garbage", "remaining": 1});
    let (_, body) = send(&Method::POST, "faults", &fault);
    assert_eq!(body["faults"][0]["fault"], "garbage");
    assert_eq!(send(&Method::POST, "faults", &json!({"fault": "x"})).0, 400);
    let gone = json!({"by": "bob@example.com"});
    assert_eq!(send(&Method::DELETE, &path, &gone).0, 200);
    assert_eq!(servicenow.incidents(), []);
    let password = json!({"password": "new"});
    assert_eq!(send(&Method::PUT, "passwords/im.sync", &password).0, 200);
    let refused = servicenow.handle(request(&Method::GET, INCIDENTS, None));
    assert_eq!(refused.status(), 401);
    assert_eq!(send(&Method::DELETE, "tokens", &Value::Null).0, 200);
    assert_eq!(send(&Method::GET, "nonsense", &Value::Null).0, 400);
    assert_eq!(servicenow.requests().len(), 1);
}
