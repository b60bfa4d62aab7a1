//! What people do behind everybody's back: no webhook tells of it.
#![allow(clippy::unwrap_used, reason = "a panic is a failed test")]

use bytes::Bytes;
use http::Request;
use im_sandbox::jira::Scheme;
use im_sandbox::pagerduty::Urgency;
use im_sandbox::stand_in::{StandIn, Vendor};
use im_sandbox::{Jira, JiraConfig, PagerDuty, PagerDutyConfig, ServiceNow, ServiceNowConfig};
use serde_json::{Value, json};

const ANN: &str = "ann@example.com";

fn control<V: Vendor>(stand_in: &StandIn<V>, request: &str, body: &Value) -> Value {
    let (method, path) = request.split_once(' ').unwrap();
    let request = Request::builder()
        .method(method)
        .uri(format!("/_sandbox/{path}"))
        .body(Bytes::from(body.to_string()))
        .unwrap();
    let response = stand_in.handle(request);
    assert!(response.status().is_success(), "{path}: {response:?}");
    serde_json::from_slice(response.body()).unwrap()
}

/// As many webhooks wait as there should be; then none.
fn told<V: Vendor>(stand_in: &StandIn<V>, expected: usize) {
    let webhooks = stand_in.drain_webhooks();
    assert_eq!(webhooks.len(), expected, "{webhooks:?}");
}

fn jira() -> Jira {
    let secret = "secret".to_owned();
    Jira::new(JiraConfig::demo(
        "bot@example.com",
        "key",
        Scheme::HubSignature { secret },
    ))
}

#[test]
fn a_quiet_person_causes_no_webhook_and_the_next_one_does() {
    let pagerduty = PagerDuty::new(PagerDutyConfig::demo("token", "secret"));
    let ann = pagerduty.person(ANN);
    let quiet = ann.clone().quietly();
    let [one, other] = [1, 2].map(|_| quiet.trigger("Disk full", Urgency::High).unwrap());
    quiet.acknowledge(&one).unwrap();
    quiet.note(&one, "Looking").unwrap();
    quiet.merge(&[&one], &other).unwrap();
    told(&pagerduty, 0);
    ann.reopen(&one).unwrap();
    told(&pagerduty, 1);

    let servicenow = ServiceNow::new(ServiceNowConfig::demo("bot", "password", "secret"));
    let ann = servicenow.person(ANN);
    let quiet = ann.clone().quietly();
    let sys_id = quiet.open("Disk full", 2, 2).unwrap();
    quiet.work_note(&sys_id, "Looking").unwrap();
    told(&servicenow, 0);
    ann.comment(&sys_id, "On it").unwrap();
    told(&servicenow, 1);
    quiet.delete(&sys_id).unwrap();
    told(&servicenow, 0);

    let jira = jira();
    let ann = jira.person(ANN);
    let quiet = ann.clone().quietly();
    let key = quiet.create("Disk full").unwrap();
    quiet.move_to(&key, "Closed").unwrap();
    let comment = quiet.comment(&key, "Looking", true).unwrap();
    quiet.edit_comment(&key, &comment, "Looking again").unwrap();
    told(&jira, 0);
    ann.delete_comment(&key, &comment).unwrap();
    told(&jira, 1);
    quiet.move_to_project(&key, "ARC").unwrap();
    quiet.delete(&key).unwrap();
    told(&jira, 0);
}

#[test]
fn the_same_goes_for_control_requests() {
    let by = |body: Value| {
        let mut body = body;
        body["by"] = json!(ANN);
        body
    };
    let pagerduty = PagerDuty::new(PagerDutyConfig::demo("token", "secret"));
    let new = by(json!({"title": "Disk full", "quiet": true}));
    let [one, other] = [1, 2].map(|_| control(&pagerduty, "POST incidents", &new));
    let [one, other] = [one, other].map(|it| it["incident"]["id"].as_str().unwrap().to_owned());
    let path = format!("PATCH incidents/{one}");
    control(
        &pagerduty,
        &path,
        &by(json!({"note": "Looking", "quiet": true})),
    );
    told(&pagerduty, 0);
    control(
        &pagerduty,
        &path,
        &by(json!({"note": "Looking", "quiet": false})),
    );
    told(&pagerduty, 1);
    let merge = by(json!({"merge_into": other, "quiet": true}));
    let merged = control(&pagerduty, &path, &merge);
    assert_eq!(
        merged["incident"]["resolve_reason"]["incident"]["id"],
        json!(other)
    );
    told(&pagerduty, 0);

    let servicenow = ServiceNow::new(ServiceNowConfig::demo("bot", "password", "secret"));
    let new = by(json!({"short_description": "Disk full", "quiet": true}));
    let made = control(&servicenow, "POST incidents", &new);
    let path = format!("incidents/{}", made["incident"]["sys_id"].as_str().unwrap());
    let note = by(json!({"work_note": "Looking", "quiet": true}));
    control(&servicenow, &format!("PATCH {path}"), &note);
    control(
        &servicenow,
        &format!("DELETE {path}"),
        &by(json!({"quiet": true})),
    );
    told(&servicenow, 0);
    assert_eq!(servicenow.incidents().len(), 0);

    let jira = jira();
    let new = by(json!({"summary": "Disk full", "quiet": true}));
    let made = control(&jira, "POST issues", &new);
    let path = format!("issues/{}", made["key"].as_str().unwrap());
    let edit = by(json!({"status": "Closed", "comment": "Done", "quiet": true}));
    control(&jira, &format!("PATCH {path}"), &edit);
    let moved = by(json!({"project": "ARC", "quiet": true}));
    let moved = control(&jira, &format!("PATCH {path}"), &moved);
    assert_eq!(moved["fields"]["project"]["key"], "ARC");
    told(&jira, 0);
    control(&jira, &format!("DELETE {path}"), &by(json!({})));
    told(&jira, 1);
    assert_eq!(jira.issues().len(), 0);
}
