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

#[tokio::test]
async fn it_prints_its_address_and_serves() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_im-sandbox"));
    command.args([
        "pagerduty",
        "--token",
        "token",
        "--webhook-secret",
        "secret",
    ]);
    let mut running = Running(command.stdout(Stdio::piped()).spawn().unwrap());
    let mut line = String::new();
    let stdout = running.0.stdout.take().unwrap();
    BufReader::new(stdout).read_line(&mut line).unwrap();
    let line: Value = serde_json::from_str(&line).unwrap();
    let _ = rustls::crypto::ring::default_provider().install_default();
    let url = format!("{}/priorities", line["listening"].as_str().unwrap());
    let request = reqwest::Client::new()
        .get(url)
        .header("accept", "application/vnd.pagerduty+json;version=2")
        .header("authorization", "Token token=token");
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), 200);
}
