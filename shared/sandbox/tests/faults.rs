//! Faults, in process and over HTTP.
#![allow(clippy::unwrap_used, reason = "a panic is a failed test")]

mod caller;

use std::time::Duration;

use caller::{created, new, pagerduty, put, request, seen, update};
use http::Method;
use im_sandbox::pagerduty::{Kind, Status};
use im_sandbox::{Answer, Fault, FaultRule, PagerDuty};
use serde_json::{Value, json};
use tokio::net::TcpListener;

fn answer(pagerduty: &PagerDuty, method: &Method, path: &str, body: Option<&Value>) -> Answer {
    pagerduty.handle_with_faults(request(method, path, body))
}

fn response(answer: Answer) -> http::Response<bytes::Bytes> {
    match answer {
        Answer::Response(response) | Answer::Delayed(_, response) => response,
        Answer::NoAnswer => panic!("no answer"),
    }
}

#[test]
fn a_timeout_before_the_commit_changes_nothing_and_one_after_it_does() {
    let (pagerduty, _) = pagerduty();
    pagerduty.add_fault(FaultRule::once(Fault::TimeoutBeforeCommit).method(&Method::POST));
    pagerduty.add_fault(FaultRule::once(Fault::TimeoutAfterCommit).method(&Method::POST));
    let send = || {
        answer(
            &pagerduty,
            &Method::POST,
            "/incidents",
            Some(&new(&json!({}))),
        )
    };
    assert!(matches!(send(), Answer::NoAnswer));
    assert_eq!(
        (pagerduty.incidents().len(), pagerduty.writes().len()),
        (0, 0)
    );
    assert!(matches!(send(), Answer::NoAnswer));
    assert_eq!(
        (pagerduty.incidents().len(), pagerduty.writes().len()),
        (1, 1)
    );
    assert_eq!(pagerduty.writes()[0].status, None);
    assert_eq!(send().status().unwrap(), 201);
    assert_eq!(pagerduty.requests().len(), 3);
}

#[test]
fn a_refusal_is_answered_as_told() {
    let (pagerduty, _) = pagerduty();
    let fault = Fault::RefuseWith {
        status: 503,
        body: json!({"error": {"message": "Down"}}),
        headers: [("retry-after".to_owned(), "7".to_owned())].into(),
    };
    pagerduty.add_fault(FaultRule::once(fault).path_contains("/incidents"));
    let priorities = answer(&pagerduty, &Method::GET, "/priorities", None);
    assert_eq!(priorities.status().unwrap(), 200);
    let refused = answer(
        &pagerduty,
        &Method::POST,
        "/incidents",
        Some(&new(&json!({}))),
    );
    let refused = response(refused);
    assert_eq!(refused.status(), 503);
    assert_eq!(refused.headers()["retry-after"], "7");
    assert_eq!(seen(&refused).1["error"]["message"], "Down");
    assert_eq!(pagerduty.incidents(), []);
}

#[test]
fn garbage_is_a_success_that_is_not_json() {
    let (pagerduty, _) = pagerduty();
    pagerduty.add_fault(FaultRule::once(Fault::Garbage));
    let garbage = response(answer(&pagerduty, &Method::GET, "/priorities", None));
    assert_eq!(garbage.status(), 200);
    assert!(serde_json::from_slice::<Value>(garbage.body()).is_err());
}

#[test]
fn a_stale_read_shows_an_earlier_version() {
    let (pagerduty, _) = pagerduty();
    let id = created(&pagerduty, &json!({"title": "one"}));
    put(&pagerduty, &id, &json!({"title": "two"}));
    put(&pagerduty, &id, &json!({"title": "three"}));
    let path = format!("/incidents/{id}");
    let title = || {
        let read = answer(&pagerduty, &Method::GET, &path, None);
        seen(&response(read)).1["incident"]["title"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    for (behind, expected) in [(1, "two"), (2, "one"), (9, "one"), (0, "three")] {
        pagerduty.add_fault(FaultRule::once(Fault::StaleRead { behind }));
        assert_eq!(title(), expected, "{behind}");
    }
    assert_eq!(title(), "three");
}

#[test]
fn an_automation_overrules_a_write_and_the_answer_shows_it() {
    let (pagerduty, _) = pagerduty();
    let id = created(&pagerduty, &json!({}));
    pagerduty.drain_webhooks();
    let (field, value) = ("priority".to_owned(), json!("P5"));
    pagerduty.add_fault(FaultRule::once(Fault::Overrule { field, value }).method(&Method::PUT));
    let body = update(&json!({"priority": "P1"}));
    let path = format!("/incidents/{id}");
    let put = response(answer(&pagerduty, &Method::PUT, &path, Some(&body)));
    assert_eq!(seen(&put).1["incident"]["priority"]["summary"], "P5");
    let log = pagerduty.log_entries();
    let [.., ours, theirs] = log.as_slice() else {
        panic!("no log entries")
    };
    assert_eq!(
        (ours.kind, ours.user.as_deref()),
        (Kind::FieldValueChange, Some("PUSER01"))
    );
    assert_eq!(
        (theirs.kind, theirs.user.as_deref()),
        (Kind::FieldValueChange, None)
    );
    let agents: Vec<_> = pagerduty
        .drain_webhooks()
        .iter()
        .map(|webhook| {
            let body: Value = serde_json::from_slice(&webhook.body).unwrap();
            body["event"]["agent"]["id"].clone()
        })
        .collect();
    assert_eq!(agents, [json!("PUSER01"), Value::Null]);
}

async fn served(pagerduty: &PagerDuty) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(pagerduty.clone().serve(listener));
    url
}

fn client(timeout: Duration) -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().timeout(timeout).build().unwrap()
}

async fn send(
    client: &reqwest::Client,
    url: &str,
    request: http::Request<bytes::Bytes>,
) -> Result<reqwest::Response, reqwest::Error> {
    let (parts, body) = request.into_parts();
    let sent = client.request(parts.method, format!("{url}{}", parts.uri));
    sent.headers(parts.headers).body(body).send().await
}

#[tokio::test]
async fn over_http_a_lost_answer_is_the_clients_timeout() {
    let (pagerduty, _) = pagerduty();
    let url = served(&pagerduty).await;
    pagerduty.add_fault(FaultRule::once(Fault::TimeoutAfterCommit));
    let create = request(&Method::POST, "/incidents", Some(&new(&json!({}))));
    let impatient = client(Duration::from_secs(1));
    let lost = send(&impatient, &url, create).await;
    assert!(lost.unwrap_err().is_timeout());
    assert_eq!(pagerduty.incidents().len(), 1);
    let read = request(&Method::GET, "/incidents", None);
    let listed = send(&client(Duration::from_secs(30)), &url, read)
        .await
        .unwrap();
    assert_eq!(listed.status(), 200);
    assert_eq!(listed.headers()["ratelimit-limit"], "960");
}

#[tokio::test]
async fn over_http_people_and_faults_have_their_own_paths() {
    let (pagerduty, _) = pagerduty();
    let url = served(&pagerduty).await;
    let client = client(Duration::from_secs(30));
    let control = async |method: Method, path: &str, body: Value| {
        let request = request(&method, path, Some(&body));
        let response = send(&client, &url, request).await.unwrap();
        let status = response.status().as_u16();
        (
            status,
            serde_json::from_slice::<Value>(&response.bytes().await.unwrap()).unwrap(),
        )
    };
    let ann = json!({"title": "Disk full", "urgency": "low", "by": "ann@example.com"});
    let (status, body) = control(Method::POST, "/_sandbox/incidents", ann).await;
    assert_eq!(status, 201);
    let id = body["incident"]["id"].as_str().unwrap().to_owned();
    let path = format!("/_sandbox/incidents/{id}");
    let edit = json!({"status": "acknowledged", "priority": "P1", "assignee": "bob@example.com", "by": "bob@example.com"});
    let (status, body) = control(Method::PATCH, &path, edit).await;
    assert_eq!(
        (status, &body["incident"]["status"]),
        (200, &json!("acknowledged"))
    );
    assert_eq!(
        pagerduty.incident(&id).unwrap().status,
        Status::Acknowledged
    );
    let nobody = json!({"status": "resolved", "by": "nobody@example.com"});
    assert_eq!(control(Method::PATCH, &path, nobody).await.0, 400);
    let fault = json!({"fault": "refuse_with", "status": 500, "remaining": 1});
    let (_, body) = control(Method::POST, "/_sandbox/faults", fault).await;
    assert_eq!(body["faults"][0]["fault"], "refuse_with");
    let read = request(&Method::GET, "/incidents", None);
    assert_eq!(send(&client, &url, read).await.unwrap().status(), 500);
    let (_, body) = control(Method::GET, "/_sandbox/requests", Value::Null).await;
    assert_eq!(body["requests"][0]["status"], 500);
    assert_eq!(body["requests"].as_array().unwrap().len(), 1);
    let (_, body) = control(Method::GET, "/_sandbox/webhooks", Value::Null).await;
    assert_eq!(body["webhooks"][0]["event_type"], "incident.triggered");
    assert_eq!(body["webhooks"].as_array().unwrap().len(), 4);
}
