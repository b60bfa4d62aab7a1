//! Rules of the vendor's administrators, and the vendor's clock.
#![allow(clippy::unwrap_used, reason = "a panic is a failed test")]

mod caller;
mod table_api;

use caller::{created, event_types, get, pagerduty, put, request, update};
use http::{Method, header};
use im_sandbox::pagerduty::{Kind, Urgency};
use im_sandbox::{Answer, Clock, Fault, FaultRule};
use jiff::SignedDuration;
use serde_json::json;
use table_api::servicenow;

#[test]
fn pagerduty_answers_first_and_then_its_rule_sets_the_urgency_back() {
    let (pagerduty, clock) = pagerduty();
    pagerduty.automate("urgency", "low", "high");
    let id = created(&pagerduty, &json!({"urgency": "high"}));
    event_types(&pagerduty);
    let (status, body) = put(&pagerduty, &id, &json!({"urgency": "low"}));
    assert_eq!((status, &body["incident"]["urgency"]), (200, &json!("low")));
    let now = pagerduty.incident(&id).unwrap();
    assert_eq!(now.urgency, Urgency::High);
    let later = clock.now() + SignedDuration::from_secs(1);
    assert_eq!(now.updated_at, later);
    let log = pagerduty.log_entries();
    let of_urgency = log
        .iter()
        .filter(|entry| entry.kind == Kind::UrgencyChange)
        .map(|entry| (entry.user.is_some(), entry.created_at));
    let expected = [(true, clock.now()), (false, later)];
    assert_eq!(of_urgency.collect::<Vec<_>>(), expected);
    let (_, seen) = get(&pagerduty, &format!("/incidents/{id}/log_entries"));
    let newest = &seen["log_entries"][0];
    assert_eq!(newest["agent"]["type"], "service_reference", "{newest}");
}

#[test]
fn a_rule_acts_when_a_value_becomes_so_whoever_makes_it_so() {
    let (pagerduty, _) = pagerduty();
    pagerduty.automate("priority", "P1", "P3");
    pagerduty.automate("priority", "P3", "P5");
    let ann = pagerduty.person("ann@example.com");
    let id = ann.trigger("Disk full", Urgency::High).unwrap();
    let priority = || {
        let id = pagerduty.incident(&id).unwrap().priority.unwrap();
        pagerduty.account().priority(&id).unwrap().name.clone()
    };
    ann.set_priority(&id, Some("P1")).unwrap();
    assert_eq!(priority(), "P3", "and no rule sets off another");
    let types = event_types(&pagerduty);
    assert_eq!(types[1..], ["incident.priority_updated"; 2]);
    ann.set_priority(&id, Some("P2")).unwrap();
    assert_eq!(priority(), "P2");
    ann.set_title(&id, "Disk fuller").unwrap();
    assert_eq!(event_types(&pagerduty).len(), 1);
    ann.set_priority(&id, Some("P3")).unwrap();
    assert_eq!(priority(), "P5");
    let low = ann.trigger("Another", Urgency::Low).unwrap();
    pagerduty.automate("urgency", "low", "high");
    assert_eq!(pagerduty.incident(&low).unwrap().urgency, Urgency::Low);
    let low = ann.trigger("A third", Urgency::Low).unwrap();
    assert_eq!(pagerduty.incident(&low).unwrap().urgency, Urgency::High);
}

#[test]
fn an_answer_that_is_lost_does_not_stop_a_rule() {
    let (pagerduty, _) = pagerduty();
    pagerduty.automate("urgency", "low", "high");
    let id = created(&pagerduty, &json!({"urgency": "high"}));
    pagerduty.add_fault(FaultRule::once(Fault::TimeoutAfterCommit));
    let body = update(&json!({"urgency": "low"}));
    let path = format!("/incidents/{id}");
    let answer = pagerduty.handle_with_faults(request(&Method::PUT, &path, Some(&body)));
    assert!(matches!(answer, Answer::NoAnswer));
    assert_eq!(pagerduty.incident(&id).unwrap().urgency, Urgency::High);
    assert_eq!(pagerduty.log_entries().len(), 4);
}

#[test]
fn servicenow_sets_columns_as_the_system() {
    let (servicenow, _) = servicenow();
    servicenow.automate("urgency", "1", "2");
    let ann = servicenow.person("ann@example.com");
    let sys_id = ann.open("Disk full", 2, 2).unwrap();
    ann.edit(&sys_id, &[("urgency", "1")]).unwrap();
    let now = servicenow.incident(&sys_id).unwrap();
    assert_eq!((&now["urgency"], &now["sys_updated_by"]), ("2", "system"));
    let audit = servicenow.audit(&sys_id);
    let rows = audit.iter().filter(|row| &row["fieldname"] == "urgency");
    let rows: Vec<_> = rows.map(|row| (&row["newvalue"], &row["user"])).collect();
    assert_eq!(rows, [("1", "ann.example"), ("2", "system")]);
    assert_eq!(servicenow.drain_webhooks().len(), 3);
}

#[test]
fn an_answer_is_dated_by_the_vendors_clock() {
    let (pagerduty, clock) = pagerduty();
    let dated = |path: &str| {
        let answer = pagerduty.handle_with_faults(request(&Method::GET, path, None));
        let (Answer::Response(response) | Answer::Delayed(_, response)) = answer else {
            panic!("no answer")
        };
        response.headers()[header::DATE]
            .to_str()
            .unwrap()
            .to_owned()
    };
    assert_eq!(dated("/priorities"), "Fri, 02 Jan 2026 03:04:05 GMT");
    pagerduty.set_clock_offset(SignedDuration::from_mins(-5));
    clock.advance(SignedDuration::from_mins(1));
    assert_eq!(dated("/priorities"), "Fri, 02 Jan 2026 03:00:05 GMT");
    for fault in [
        Fault::Garbage,
        Fault::Delay { ms: 1 },
        Fault::RefuseWith {
            status: 503,
            body: json!({}),
            headers: std::collections::BTreeMap::new(),
        },
    ] {
        pagerduty.add_fault(FaultRule::once(fault));
        assert_eq!(dated("/priorities"), "Fri, 02 Jan 2026 03:00:05 GMT");
    }
    let date = "Thu, 01 Jan 1970 00:00:00 GMT";
    pagerduty.add_fault(FaultRule::once(Fault::RefuseWith {
        status: 503,
        body: json!({}),
        headers: [("date".to_owned(), date.to_owned())].into(),
    }));
    assert_eq!(dated("/priorities"), date, "what a test says stands");
}

#[test]
fn the_records_of_a_vendor_follow_its_clock() {
    let (pagerduty, clock) = pagerduty();
    pagerduty.set_clock_offset(SignedDuration::from_mins(5));
    let id = created(&pagerduty, &json!({}));
    let incident = pagerduty.incident(&id).unwrap();
    let fast = clock.now() + SignedDuration::from_mins(5);
    assert_eq!(incident.created_at, fast);
    let webhook = pagerduty.drain_webhooks().remove(0);
    let body: serde_json::Value = serde_json::from_slice(&webhook.body).unwrap();
    assert_eq!(body["event"]["occurred_at"], "2026-01-02T03:09:05.678Z");
    pagerduty.set_clock_offset(SignedDuration::from_mins(-5));
    let slow = created(&pagerduty, &json!({"title": "Another"}));
    let slow = pagerduty.incident(&slow).unwrap().created_at;
    assert_eq!(slow, clock.now() - SignedDuration::from_mins(5));
}
