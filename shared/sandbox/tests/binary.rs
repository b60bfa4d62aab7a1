//! The binary says where it listens, and serves there.
#![allow(clippy::unwrap_used, reason = "a panic is a failed test")]

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

/// Ends with the test, also with one that fails.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts it; where it says it listens.
fn started(arguments: &[&str]) -> (Running, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_im-sandbox"));
    command.args(arguments);
    let mut running = Running(command.stdout(Stdio::piped()).spawn().unwrap());
    let mut line = String::new();
    let stdout = running.0.stdout.take().unwrap();
    BufReader::new(stdout).read_line(&mut line).unwrap();
    let line: Value = serde_json::from_str(&line).unwrap();
    let _ = rustls::crypto::ring::default_provider().install_default();
    (running, line["listening"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn it_prints_its_address_and_serves() {
    let arguments = [
        "pagerduty",
        "--token",
        "token",
        "--webhook-secret",
        "secret",
    ];
    let (_running, address) = started(&arguments);
    let request = reqwest::Client::new()
        .get(format!("{address}/priorities"))
        .header("accept", "application/vnd.pagerduty+json;version=2")
        .header("authorization", "Token token=token");
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), 200);
}

#[tokio::test]
async fn it_serves_servicenow_and_links_lead_back_to_it() {
    let (_running, address) = started(&[
        "servicenow",
        "--username",
        "im.sync",
        "--password",
        "password",
        "--webhook-secret",
        "secret",
        "--webhook-url",
        "http://127.0.0.1:1/webhooks",
    ]);
    let client = reqwest::Client::new();
    let request = client
        .post(format!("{address}/api/now/v2/table/incident"))
        .basic_auth("im.sync", Some("password"))
        .header("content-type", "application/json")
        .body(r#"{"short_description":"Disk full"}"#);
    let created = request.send().await.unwrap();
    assert_eq!(created.status(), 201);
    let location = created.headers()["location"].to_str().unwrap().to_owned();
    assert!(location.starts_with(&address), "{location}");
    let read = client.get(location).basic_auth("im.sync", Some("password"));
    let read = read.send().await.unwrap().bytes().await.unwrap();
    let read: Value = serde_json::from_slice(&read).unwrap();
    assert_eq!(read["result"]["short_description"], "Disk full");
}
