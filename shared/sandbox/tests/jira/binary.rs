//! The binary, and people's edits by control requests.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use bytes::Bytes;
use http::{Method, Request};
use serde_json::{Value, json};

use crate::caller::{ANN, EMAIL, headers, seen, site};

/// Ends with the test, also with one that fails.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test]
async fn it_prints_its_address_and_serves() {
    for scheme in ["connect", "oauth", "hub"] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_im-sandbox"));
        command.args(["jira", "--email", EMAIL, "--api-key", "key"]);
        command.args(["--webhook-secret", "secret", "--scheme", scheme]);
        let mut running = Running(command.stdout(Stdio::piped()).spawn().unwrap());
        let mut line = String::new();
        let stdout = running.0.stdout.take().unwrap();
        BufReader::new(stdout).read_line(&mut line).unwrap();
        let line: Value = serde_json::from_str(&line).unwrap();
        let _ = rustls::crypto::ring::default_provider().install_default();
        let url = format!("{}/rest/api/3/myself", line["listening"].as_str().unwrap());
        let request = reqwest::Client::new().get(url).headers(headers());
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 200, "{scheme}");
    }
}

#[test]
fn people_edit_by_control_requests() {
    let site = site();
    let control = |method: Method, path: &str, body: Value| {
        let mut request = Request::new(Bytes::from(body.to_string()));
        *request.method_mut() = method;
        *request.uri_mut() = format!("/_sandbox/{path}").parse().unwrap();
        seen(&site.jira.handle(request))
    };
    let new = json!({"summary": "Disk full", "priority": "High", "by": "ann@example.com"});
    let (status, issue) = control(Method::POST, "issues", new);
    assert_eq!(
        (status, &issue["fields"]["priority"]["name"]),
        (201, &json!("High"))
    );
    let key = issue["key"].as_str().unwrap();
    let path = format!("issues/{key}");
    let edit = json!({
        "summary": "Disk is full", "assignee": "bob@example.com", "status": "Closed",
        "comment": "Ours", "internal": true, "by": "ann@example.com",
    });
    let (status, issue) = control(Method::PATCH, &path, edit);
    assert_eq!(
        (status, &issue["fields"]["status"]["name"]),
        (200, &json!("Closed"))
    );
    assert_eq!(issue["fields"]["assignee"]["displayName"], "Bob Example");
    let comment = &site.jira.comments(key)[0];
    assert!(comment.is_internal() && comment.author == ANN && comment.text() == "Ours");
    assert_eq!(site.jira.issue(key).unwrap().summary, "Disk is full");
    let (_, listed) = control(Method::GET, "issues", Value::Null);
    assert_eq!(listed["issues"], json!([issue]));
    for wrong in [
        json!({"summary": "x"}),
        json!({"summary": "x", "by": "zoe@example.com"}),
        json!({"universe": "x", "by": "ann@example.com"}),
        json!({"status": "Nowhere", "by": "ann@example.com"}),
    ] {
        assert_eq!(control(Method::PATCH, &path, wrong).0, 400);
    }
    assert_eq!(control(Method::GET, "universe", Value::Null).0, 404);
    let (_, webhooks) = control(Method::GET, "webhooks", Value::Null);
    assert_eq!(webhooks["webhooks"][0]["event_type"], "jira:issue_created");
}
