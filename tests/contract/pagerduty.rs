//! Every request to `PagerDuty`, and every answer of its stand-in, against the vendor's own file.

use std::collections::BTreeSet;

use http::{Method, StatusCode, header};
use im_sandbox::{OpenApi, RecordedRequest, pagerduty::CORRECTIONS};
use serde_json::json;

use super::{
    bytes, distinct, named, pagerduty_story::all_that_can_be_said, vendor_file, with_credentials,
};

#[tokio::test]
async fn every_request_and_every_answer_is_as_the_vendors_file_says() {
    let Some(file) = vendor_file("rest-openapi.json") else {
        return;
    };
    let official = OpenApi::load(&file).expect("the official file");
    let corrected = OpenApi::load_corrected(&file, CORRECTIONS).expect("the corrected file");
    let journal = all_that_can_be_said().await;
    covers_everything(&journal);
    let mut findings = Vec::new();
    for asked in distinct(&journal) {
        let (method, path) = (&asked.method, &asked.path);
        let headers = with_credentials(&asked.headers);
        let body = bytes(&asked.body);
        for (openapi, which) in [(&corrected, "corrected"), (&official, "official")] {
            let query = asked.query.as_deref();
            let checked = openapi.validate_request(method, path, query, &headers, &body);
            findings.extend(named(asked, which, checked));
        }
        // An injected answer is the test's, not the stand-in's.
        if let (Some(status), None) = (asked.status, &asked.fault) {
            let status = StatusCode::from_u16(status).expect("a status");
            let answer = bytes(&asked.response);
            let checked = corrected.validate_response(method, path, status, &answer);
            findings.extend(named(asked, "answer", checked));
        }
    }
    assert!(findings.is_empty(), "{findings:#?}");
}

/// The file cannot say it all: what FACTS adds.
#[tokio::test]
async fn every_request_says_its_version_and_every_write_who_writes() {
    for asked in all_that_can_be_said().await {
        let what = format!("{} {}", asked.method, asked.path_and_query());
        let header = |name| {
            asked
                .headers
                .get(name)
                .and_then(|value| value.to_str().ok())
        };
        let accept = header(header::ACCEPT);
        assert_eq!(
            accept,
            Some("application/vnd.pagerduty+json;version=2"),
            "{what}"
        );
        if asked.is_write() {
            assert!(
                header(header::FROM).is_some_and(|from| from.contains('@')),
                "{what}"
            );
            assert_eq!(
                header(header::CONTENT_TYPE),
                Some("application/json"),
                "{what}"
            );
        }
        if asked.method == Method::PUT {
            assert_eq!(asked.body["incident"]["type"], "incident", "{what}");
        }
    }
}

/// The check itself can fail: damage done to an exchange that passes is found.
#[tokio::test]
async fn damage_is_found() {
    let Some(file) = vendor_file("rest-openapi.json") else {
        return;
    };
    let openapi = OpenApi::load_corrected(&file, CORRECTIONS).expect("the corrected file");
    let journal = all_that_can_be_said().await;
    let is_it = |asked: &&RecordedRequest| {
        let is_status = asked.body["incident"]["status"].is_string();
        asked.method == Method::PUT && asked.status == Some(200) && is_status
    };
    let whole = journal.iter().find(is_it).expect("a status was written");
    let findings = |asked: &RecordedRequest| {
        let (method, path, query) = (&asked.method, &asked.path, asked.query.as_deref());
        let headers = with_credentials(&asked.headers);
        let request = openapi.validate_request(method, path, query, &headers, &bytes(&asked.body));
        let answer = bytes(&asked.response);
        let answer = openapi.validate_response(method, path, StatusCode::OK, &answer);
        request
            .err()
            .into_iter()
            .chain(answer.err())
            .flatten()
            .count()
    };
    assert_eq!(findings(whole), 0);
    let damages: [fn(&mut RecordedRequest); 9] = [
        |asked| drop(asked.headers.remove(header::ACCEPT)),
        |asked| drop(asked.headers.remove(header::FROM)),
        |asked| drop(asked.headers.remove(header::CONTENT_TYPE)),
        |asked| asked.path.push_str("/more"),
        |asked| asked.query = Some("unknown=1".to_owned()),
        |asked| asked.body["incident"]["status"] = json!("open"),
        |asked| asked.body["incident"]["type"] = json!("ticket"),
        |asked| asked.response["incident"]["urgency"] = json!("medium"),
        |asked| asked.response["incident"]["created_at"] = json!("yesterday"),
    ];
    for (number, damage) in damages.iter().enumerate() {
        let mut damaged = whole.clone();
        damage(&mut damaged);
        assert!(findings(&damaged) > 0, "damage {number} was not found");
    }
}

/// What the story must have led to. Without this a test that plays nothing would pass.
fn covers_everything(journal: &[RecordedRequest]) {
    let shape = |asked: &RecordedRequest| {
        let mut parts: Vec<_> = asked.path.split('/').collect();
        if let [_, _, id, ..] = parts.as_mut_slice() {
            *id = "{id}";
        }
        let key = asked
            .query
            .as_deref()
            .is_some_and(|query| query.contains("incident_key="));
        let query = if key { "?incident_key" } else { "" };
        let status = asked
            .status
            .map_or("no answer".to_owned(), |status| status.to_string());
        format!("{} {}{query} {status}", asked.method, parts.join("/"))
    };
    let seen: BTreeSet<_> = journal.iter().map(shape).collect();
    let expected = [
        "GET /incidents/{id} 200",
        "GET /incidents/{id} 401",
        "GET /incidents/{id} 404",
        "GET /incidents/{id} 429",
        "GET /incidents/{id}/log_entries 200",
        "GET /incidents/{id}/log_entries 404",
        "GET /incidents?incident_key 200",
        "GET /incidents?incident_key 401",
        "GET /priorities 200",
        "GET /users 200",
        "GET /users/{id} 200",
        "GET /users/{id} 404",
        "POST /incidents 201",
        "POST /incidents 400",
        "POST /incidents 401",
        "POST /incidents no answer",
        "POST /incidents/{id}/notes 200",
        "POST /incidents/{id}/notes 404",
        "PUT /incidents/{id} 200",
        "PUT /incidents/{id} 400",
        "PUT /incidents/{id} 401",
        "PUT /incidents/{id} 404",
        "PUT /incidents/{id} no answer",
    ];
    let expected: BTreeSet<_> = expected.map(str::to_owned).into();
    let missing: Vec<_> = expected.difference(&seen).collect();
    assert!(
        missing.is_empty(),
        "never asked: {missing:#?}\nasked: {seen:#?}"
    );
    let sent = |name: &str| {
        let is_sent = |asked: &RecordedRequest| !asked.body["incident"][name].is_null();
        journal.iter().filter(|asked| asked.accepted).any(is_sent)
    };
    for property in [
        "assignments",
        "body",
        "escalation_policy",
        "incident_key",
        "priority",
        "service",
        "status",
        "title",
        "urgency",
    ] {
        assert!(sent(property), "{property} was never sent");
    }
}
