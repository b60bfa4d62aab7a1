//! What the REST API accepts, refuses and does.
#![allow(clippy::unwrap_used, reason = "a panic is a failed test")]

mod caller;

use caller::{created, event_types, get, new, pagerduty, post, put, request, seen, update};
use http::Method;
use im_sandbox::pagerduty::{Kind, Status, Urgency};
use im_sandbox::{PagerDuty, PagerDutyConfig};
use jiff::SignedDuration;
use serde_json::{Value, json};

fn code((status, body): &(u16, Value)) -> (u16, u64) {
    (*status, body["error"]["code"].as_u64().unwrap_or_default())
}

#[test]
fn an_incident_is_created_with_what_was_sent_and_the_policys_first_user() {
    let (pagerduty, _) = pagerduty();
    let (status, body) = post(
        &pagerduty,
        "/incidents",
        &new(&json!({
            "title": "  Disk full ",
            "urgency": "low",
            "priority": {"id": "PPRIO02", "type": "priority_reference"},
            "incident_key": "im-1",
            "body": {"type": "incident_body", "details": "sda1 at 100 %"},
        })),
    );
    assert_eq!(status, 201);
    let incident = &body["incident"];
    assert_eq!(incident["title"], "Disk full");
    assert_eq!(incident["summary"], "[#1] Disk full");
    assert_eq!(incident["urgency"], "low");
    assert_eq!(incident["priority"]["summary"], "P2");
    assert_eq!(incident["created_at"], "2026-01-02T03:04:05Z");
    assert_eq!(incident["resolved_at"], Value::Null);
    assert_eq!(incident["assignments"][0]["assignee"]["id"], "PUSER01");
    assert_eq!(
        incident["assignments"][0]["assignee"]["type"],
        "user_reference"
    );
    assert_eq!(incident["body"], Value::Null);
    let id = incident["id"].as_str().unwrap();
    let path = format!("/incidents/{id}?include[]=body&include[]=assignees");
    let incident = &get(&pagerduty, &path).1["incident"];
    assert_eq!(incident["body"]["details"], "sda1 at 100 %");
    assert_eq!(
        incident["assignments"][0]["assignee"]["email"],
        "oncall@example.com"
    );
    assert_eq!(event_types(&pagerduty), ["incident.triggered"]);
}

#[test]
fn an_open_key_is_refused_and_a_resolved_one_may_be_used_again() {
    let (pagerduty, _) = pagerduty();
    let key = json!({"incident_key": "im-1"});
    let first = created(&pagerduty, &key);
    let refused = post(&pagerduty, "/incidents", &new(&key));
    assert_eq!(code(&refused), (400, 2001));
    let words = "Open incident with matching dedup key already exists on this service";
    assert_eq!(refused.1["error"]["errors"], json!([words]));
    assert_eq!(pagerduty.incidents().len(), 1);
    put(&pagerduty, &first, &json!({"status": "resolved"}));
    let second = created(&pagerduty, &key);
    let found = get(&pagerduty, "/incidents?incident_key=im-1").1;
    let ids: Vec<_> = found["incidents"]
        .as_array()
        .unwrap()
        .iter()
        .map(|i| &i["id"])
        .collect();
    assert_eq!(ids, [first.as_str(), second.as_str()]);
}

#[test]
fn credentials_and_headers_are_demanded() {
    let (pagerduty, _) = pagerduty();
    let id = created(&pagerduty, &json!({}));
    let path = format!("/incidents/{id}");
    let body = update(&json!({"status": "acknowledged"}));
    let with = |name: &'static str, value: Option<&str>| {
        let mut request = request(&Method::PUT, &path, Some(&body));
        request.headers_mut().remove(name);
        if let Some(value) = value {
            request.headers_mut().insert(name, value.parse().unwrap());
        }
        code(&seen(&pagerduty.handle(request)))
    };
    assert_eq!(with("authorization", None), (401, 2006));
    assert_eq!(
        with("authorization", Some("Token token=other")),
        (401, 2006)
    );
    assert_eq!(with("authorization", Some("token")), (401, 2006));
    assert_eq!(with("accept", None), (400, 2001));
    assert_eq!(with("accept", Some("application/json")), (400, 2001));
    let version_1 = "application/vnd.pagerduty+json;version=1";
    assert_eq!(with("accept", Some(version_1)), (400, 2001));
    assert_eq!(with("content-type", Some("text/plain")), (400, 2001));
    assert_eq!(with("from", None), (400, 2016));
    assert_eq!(with("from", Some("nobody@example.com")), (400, 1008));
    assert_eq!(pagerduty.incident(&id).unwrap().status, Status::Triggered);
    assert_eq!(pagerduty.writes().len(), 1);
    assert_eq!(with("authorization", Some("Bearer token")).0, 200);
    assert_eq!(pagerduty.writes().len(), 2);
    assert_eq!(
        pagerduty.incident(&id).unwrap().status,
        Status::Acknowledged
    );
}

#[test]
fn the_journal_keeps_no_credentials() {
    let (pagerduty, _) = pagerduty();
    get(&pagerduty, "/users/me");
    let requests = pagerduty.requests();
    assert_eq!(requests[0].path, "/users/me");
    assert_eq!(
        requests[0].headers["accept"],
        "application/vnd.pagerduty+json;version=2"
    );
    assert!(
        !serde_json::to_string(&requests)
            .unwrap()
            .contains("token=token")
    );
}

#[test]
fn a_put_refuses_what_the_vendor_does_not_document() {
    let (pagerduty, _) = pagerduty();
    let id = created(&pagerduty, &json!({}));
    let before = pagerduty.incident(&id);
    event_types(&pagerduty);
    for changes in [
        json!({"type": "ticket"}),
        json!({"type": null}),
        json!({"status": "closed"}),
        json!({"urgency": "medium"}),
        json!({"title": "   "}),
        json!({"title": "x".repeat(1025)}),
        json!({"title": null}),
        json!({"body": {"type": "incident_body", "details": "new"}}),
        json!({"description": "new"}),
        json!({"titel": "new"}),
        json!({"priority": null}),
        json!({"priority": "P9"}),
        json!({"priority": {"id": "PPRIO01"}}),
        json!({"priority": {"id": "PNONE00", "type": "priority_reference"}}),
        json!({"escalation_policy": {"id": "PNONE00", "type": "escalation_policy_reference"}}),
        json!({"assignments": []}),
        json!({"assignments": [{"assignee": {"id": "PNONE00", "type": "user_reference"}}]}),
        json!({"escalation_level": 9}),
        json!({"resolution": "not resolved"}),
        json!({"title": "not alone", "urgency": "medium"}),
    ] {
        let refused = put(&pagerduty, &id, &changes);
        assert_eq!(code(&refused), (400, 2001), "{changes}: {}", refused.1);
        assert!(refused.1["error"]["errors"][0].is_string(), "{changes}");
    }
    assert_eq!(pagerduty.incident(&id), before);
    assert_eq!(event_types(&pagerduty), Vec::<String>::new());
    let named = put(&pagerduty, &id, &json!({"priority": "P9"}));
    assert!(
        named.1["error"]["errors"][0]
            .as_str()
            .unwrap()
            .contains("P9")
    );
    let raw = http::Request::put(format!("/incidents/{id}"))
        .body(bytes::Bytes::from_static(b"nonsense"))
        .map(|mut raw| {
            *raw.headers_mut() = caller::headers(&Method::PUT);
            raw
        });
    assert_eq!(code(&seen(&pagerduty.handle(raw.unwrap()))), (400, 2001));
}

#[test]
fn a_post_refuses_what_the_vendor_does_not_document() {
    let (pagerduty, _) = pagerduty();
    let ann = json!([{"assignee": {"id": "PUSER02", "type": "user_reference"}}]);
    for more in [
        json!({"type": "incident_reference"}),
        json!({"title": " "}),
        json!({"service": null}),
        json!({"service": {"id": "PNONE00", "type": "service_reference"}}),
        json!({"service": {"id": "PSVC001", "type": "service"}}),
        json!({"priority": "P1"}),
        json!({"description": "no such thing"}),
        json!({"body": {"details": "no type"}}),
        json!({"body": {"type": "incident_body", "details": 1}}),
        json!({"assignments": ann, "escalation_policy":
            {"id": "PESC001", "type": "escalation_policy_reference"}}),
    ] {
        let refused = post(&pagerduty, "/incidents", &new(&more));
        assert_eq!(code(&refused), (400, 2001), "{more}: {}", refused.1);
    }
    assert_eq!(pagerduty.incidents(), []);
    let id = created(&pagerduty, &json!({ "assignments": ann }));
    assert_eq!(pagerduty.incident(&id).unwrap().assignees(), ["PUSER02"]);
}

#[test]
fn unknown_ids_and_paths_are_not_found() {
    let (pagerduty, _) = pagerduty();
    for path in [
        "/incidents/QNONE",
        "/incidents/QNONE/notes",
        "/incidents/QNONE/log_entries",
        "/users/PNONE",
        "/services/PNONE",
        "/incident",
    ] {
        assert_eq!(code(&get(&pagerduty, path)), (404, 2100), "{path}");
    }
    let changed = put(&pagerduty, "QNONE", &json!({"status": "resolved"}));
    assert_eq!(code(&changed), (404, 2100));
    let note = json!({"note": {"content": "hello"}});
    let noted = post(&pagerduty, "/incidents/QNONE/notes", &note);
    assert_eq!(code(&noted), (404, 2100));
}

#[test]
fn a_life_from_triggered_to_reopened() {
    let (pagerduty, clock) = pagerduty();
    let id = created(&pagerduty, &json!({}));
    event_types(&pagerduty);
    let to = |status: &str| {
        clock.advance(SignedDuration::from_secs(60));
        let (code, body) = put(&pagerduty, &id, &json!({ "status": status }));
        assert_eq!(code, 200, "{body}");
        (body["incident"].clone(), event_types(&pagerduty))
    };
    let (incident, events) = to("acknowledged");
    assert_eq!(
        incident["acknowledgements"][0]["acknowledger"]["id"],
        "PUSER01"
    );
    assert_eq!(incident["last_status_change_at"], "2026-01-02T03:05:05Z");
    assert_eq!(events, ["incident.acknowledged"]);
    let (incident, events) = to("triggered");
    assert_eq!(incident["acknowledgements"], json!([]));
    assert_eq!(events, ["incident.unacknowledged"]);
    let (incident, events) = to("resolved");
    assert_eq!(incident["resolved_at"], "2026-01-02T03:07:05Z");
    assert_eq!(incident["assignments"], json!([]));
    assert_eq!(events, ["incident.resolved"]);
    let again = put(&pagerduty, &id, &json!({"status": "resolved"}));
    assert_eq!(code(&again), (400, 1001));
    assert_eq!(
        again.1["error"]["errors"],
        json!(["Incident Already Resolved"])
    );
    let (incident, events) = to("triggered");
    assert_eq!(incident["resolved_at"], Value::Null);
    assert_eq!(incident["assignments"][0]["assignee"]["id"], "PUSER01");
    assert_eq!(events, ["incident.reopened"]);
    to("resolved");
    let (incident, events) = to("acknowledged");
    assert_eq!(incident["status"], "acknowledged");
    assert_eq!(events, ["incident.reopened", "incident.acknowledged"]);
}

#[test]
fn a_write_that_changes_nothing_leaves_no_trace() {
    let (pagerduty, clock) = pagerduty();
    let id = created(&pagerduty, &json!({}));
    put(&pagerduty, &id, &json!({"status": "acknowledged"}));
    event_types(&pagerduty);
    let before = (pagerduty.incident(&id), pagerduty.log_entries());
    clock.advance(SignedDuration::from_secs(60));
    let same = json!({"status": "acknowledged", "title": " Disk full ", "urgency": "high"});
    assert_eq!(put(&pagerduty, &id, &same).0, 200);
    assert_eq!((pagerduty.incident(&id), pagerduty.log_entries()), before);
    assert_eq!(event_types(&pagerduty), Vec::<String>::new());
}

#[test]
fn each_change_has_its_event_or_none_and_its_log_entry() {
    let (pagerduty, _) = pagerduty();
    let id = created(&pagerduty, &json!({}));
    event_types(&pagerduty);
    let bob = json!({"assignee": {"id": "PUSER03", "type": "user_reference"}});
    let policy = json!({"id": "PESC002", "type": "escalation_policy_reference"});
    for (changes, events, kind) in [
        (
            json!({"title": "Disk is full"}),
            vec![],
            Kind::FieldValueChange,
        ),
        (json!({"urgency": "low"}), vec![], Kind::UrgencyChange),
        (
            json!({"priority": "P1"}),
            vec!["incident.priority_updated"],
            Kind::FieldValueChange,
        ),
        (
            json!({"assignments": [bob]}),
            vec!["incident.reassigned"],
            Kind::Assign,
        ),
        (
            json!({"escalation_policy": policy}),
            vec!["incident.delegated"],
            Kind::Delegate,
        ),
        (
            json!({"escalation_level": 2}),
            vec!["incident.escalated"],
            Kind::Escalate,
        ),
        (
            json!({"status": "resolved", "resolution": "Emptied it"}),
            vec!["incident.resolved", "incident.annotated"],
            Kind::Annotate,
        ),
    ] {
        assert_eq!(put(&pagerduty, &id, &changes).0, 200, "{changes}");
        assert_eq!(event_types(&pagerduty), events, "{changes}");
        let last = pagerduty.log_entries().pop().unwrap();
        assert_eq!(last.kind, kind, "{changes}");
        assert_eq!(last.user.as_deref(), Some("PUSER01"));
    }
    let incident = pagerduty.incident(&id).unwrap();
    assert_eq!(incident.notes[0].content, "Emptied it");
    assert_eq!(incident.urgency, Urgency::Low);
    let reassigned = put(&pagerduty, &id, &json!({"assignments": [bob]}));
    assert_eq!(code(&reassigned), (400, 1001));
}

#[test]
fn log_entries_come_newest_first_and_by_time() {
    let (pagerduty, clock) = pagerduty();
    let id = created(&pagerduty, &json!({}));
    created(&pagerduty, &json!({"title": "Another"}));
    clock.advance(SignedDuration::from_secs(60));
    put(
        &pagerduty,
        &id,
        &json!({"priority": {"id": "PPRIO02", "type": "priority"}}),
    );
    let entries = |path: &str| get(&pagerduty, path).1["log_entries"].clone();
    let own = entries(&format!("/incidents/{id}/log_entries"));
    let types: Vec<_> = own
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| &entry["type"])
        .collect();
    assert_eq!(
        types,
        [
            "field_value_change_log_entry",
            "assign_log_entry",
            "trigger_log_entry"
        ]
    );
    let field = &own[0]["channel"]["changeset"]["application_fields"][0];
    assert_eq!(field["name"], "priority");
    assert_eq!(field["value"], "P2");
    assert_eq!(own[0]["agent"]["type"], "user_reference");
    assert_eq!(own[0]["incident"]["id"], id);
    assert_eq!(entries("/log_entries").as_array().unwrap().len(), 5);
    let late = entries("/log_entries?since=2026-01-02T03:05:05Z");
    assert_eq!(late.as_array().unwrap().len(), 1);
    let early = entries("/log_entries?until=2026-01-02T03:05:05Z");
    assert_eq!(early.as_array().unwrap().len(), 4);
}

#[test]
fn incidents_are_listed_by_creation_and_of_the_last_month() {
    let (pagerduty, clock) = pagerduty();
    let first = created(&pagerduty, &json!({}));
    clock.advance(SignedDuration::from_hours(40 * 24));
    let second = created(&pagerduty, &json!({"urgency": "low"}));
    let (old, young) = (first.as_str(), second.as_str());
    put(&pagerduty, old, &json!({"title": "Changed just now"}));
    let ids = |query: &str| {
        let (status, body) = get(&pagerduty, &format!("/incidents{query}"));
        assert_eq!(status, 200, "{body}");
        let incidents = body["incidents"].as_array().unwrap().clone();
        let id = |incident: &Value| incident["id"].as_str().unwrap().to_owned();
        incidents.iter().map(id).collect::<Vec<_>>()
    };
    assert_eq!(ids(""), [young]);
    assert_eq!(ids("?date_range=all"), [old, young]);
    assert_eq!(ids("?since=2026-01-01T00:00:00Z"), [old, young]);
    assert_eq!(ids("?until=2026-01-03T00:00:00Z"), [old]);
    assert_eq!(ids("?date_range=all&urgencies[]=low"), [young]);
    assert_eq!(ids("?date_range=all&sort_by=created_at:desc"), [young, old]);
    put(&pagerduty, old, &json!({"status": "resolved"}));
    assert_eq!(ids("?date_range=all&statuses[]=resolved"), [old]);
    let both = "?date_range=all&statuses[]=triggered&statuses[]=acknowledged";
    assert_eq!(ids(both), [young]);
    for query in [
        "?limit=101",
        "?date_range=some",
        "?statuses[]=open",
        "?since=2025-01-01T00:00:00Z",
    ] {
        let refused = get(&pagerduty, &format!("/incidents{query}"));
        assert_eq!(code(&refused), (400, 2001), "{query}");
    }
}

#[test]
fn the_961st_request_of_a_minute_is_refused() {
    let (pagerduty, clock) = pagerduty();
    let ask = || pagerduty.handle(request(&Method::GET, "/priorities", None));
    let first = ask();
    assert_eq!(first.headers()["ratelimit-limit"], "960");
    assert_eq!(first.headers()["ratelimit-remaining"], "959");
    assert_eq!(first.headers()["ratelimit-reset"], "60");
    for _ in 1..960 {
        assert_eq!(ask().status(), 200);
    }
    assert_eq!(code(&seen(&ask())), (429, 2020));
    clock.advance(SignedDuration::from_secs(60));
    assert_eq!(ask().status(), 200);
}

#[test]
fn a_key_of_the_account_belongs_to_nobody() {
    let mut config = PagerDutyConfig::demo("token", "secret");
    config.token_owner = None;
    let pagerduty = PagerDuty::new(config);
    assert_eq!(get(&pagerduty, "/users/me").0, 400);
}

#[test]
fn merging_resolves_the_sources_and_says_into_what() {
    let (pagerduty, _) = pagerduty();
    let [into, one, other, resolved] = [1, 2, 3, 4].map(|_| created(&pagerduty, &json!({})));
    put(&pagerduty, &resolved, &json!({"status": "resolved"}));
    event_types(&pagerduty);
    let merge = |into: &str, sources: &[&str]| {
        let reference = |id: &&str| json!({"id": id, "type": "incident_reference"});
        let sources: Vec<_> = sources.iter().map(reference).collect();
        let body = json!({ "source_incidents": sources });
        let path = format!("/incidents/{into}/merge");
        seen(&pagerduty.handle(request(&Method::PUT, &path, Some(&body))))
    };
    for (target, sources, refused) in [
        (resolved.as_str(), vec![one.as_str()], (400, 2001)),
        (&into, vec![&one, &resolved], (400, 1001)),
        (&into, vec![&one, &into], (400, 2001)),
        (&into, vec![&one, &one], (400, 2001)),
        (&into, vec!["QNONE"], (400, 2001)),
        (&into, vec![], (400, 2001)),
        ("QNONE", vec![&one], (404, 2100)),
    ] {
        assert_eq!(code(&merge(target, &sources)), refused, "{sources:?}");
    }
    assert_eq!(event_types(&pagerduty), Vec::<String>::new());
    let (status, answer) = merge(&into, &[&one, &other]);
    assert_eq!((status, &answer["incident"]["id"]), (200, &json!(into)));
    assert_eq!(answer["incident"]["type"], "incident_reference");
    let incident = &get(&pagerduty, &format!("/incidents/{one}")).1["incident"];
    assert_eq!(incident["status"], "resolved");
    assert_eq!(incident["resolve_reason"]["type"], "merge_resolve_reason");
    assert_eq!(incident["resolve_reason"]["incident"]["id"], json!(into));
    let webhooks = pagerduty.drain_webhooks();
    assert_eq!(webhooks.len(), 2);
    let event: Value = serde_json::from_slice(&webhooks[1].body).unwrap();
    assert_eq!(event["event"]["event_type"], "incident.resolved");
    assert_eq!(event["event"]["data"]["id"], json!(other));
    assert_eq!(
        event["event"]["data"]["resolve_reason"],
        incident["resolve_reason"]
    );
    let last = pagerduty.log_entries().pop().unwrap();
    assert_eq!((last.kind, last.incident), (Kind::Resolve, other));
    put(&pagerduty, &one, &json!({"status": "triggered"}));
    let incident = &get(&pagerduty, &format!("/incidents/{one}")).1["incident"];
    assert_eq!(incident["resolve_reason"], Value::Null);
}
