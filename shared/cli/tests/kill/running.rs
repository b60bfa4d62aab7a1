//! `im dev` as a process that can be killed.

use std::{
    collections::BTreeMap,
    fs::{File, OpenOptions},
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
};

use reqwest::{Client, Method, StatusCode};
use serde_json::Value;

/// How many times as fast its clock runs. A job may take 8 s of real time, and has to be over before its lease of 25 s of
/// that clock is: a faster one would let two workers at a link.
const TIME_SCALE: &str = "3";

/// One of the four.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum System {
    Platform,
    PagerDuty,
    ServiceNow,
    Jira,
}

impl System {
    pub const ALL: [Self; 4] = [
        Self::Platform,
        Self::PagerDuty,
        Self::ServiceNow,
        Self::Jira,
    ];
    pub const VENDORS: [Self; 3] = [Self::PagerDuty, Self::ServiceNow, Self::Jira];

    /// How `im dev` names it where it says where it is.
    fn line(self) -> &'static str {
        match self {
            Self::Platform => "management API and webhooks",
            Self::PagerDuty => "PagerDuty sandbox",
            Self::ServiceNow => "ServiceNow sandbox",
            Self::Jira => "Jira sandbox",
        }
    }

    /// The demo's integration with it.
    pub fn integration(self) -> &'static str {
        match self {
            Self::Platform => "",
            Self::PagerDuty => "demo-pd",
            Self::ServiceNow => "demo-snow",
            Self::Jira => "demo-jira",
        }
    }
}

/// What somebody sees of a request.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// It was done.
    Done(Value),
    /// It was not done.
    Refused(StatusCode, String),
    /// Nobody knows whether it was done.
    Nothing,
}

/// A process that runs. It ends with the test, also with one that fails.
pub struct Running {
    child: Child,
    stdout: BufReader<ChildStdout>,
    addresses: BTreeMap<System, String>,
    http: Client,
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Running {
    /// Starts it.
    pub fn spawn(folder: &Path) -> Self {
        let log: File = OpenOptions::new()
            .create(true)
            .append(true)
            .open(folder.join("stderr.log"))
            .expect("the folder is there");
        let mut child = Command::new(env!("CARGO_BIN_EXE_im"))
            .args([
                "dev",
                "--port",
                "0",
                "--time-scale",
                TIME_SCALE,
                "--data-dir",
            ])
            .arg(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .expect("im starts");
        let stdout = child.stdout.take().expect("it is piped");
        Self {
            child,
            stdout: BufReader::new(stdout),
            addresses: BTreeMap::new(),
            http: Client::new(),
        }
    }

    /// Starts it and reads where everything is.
    pub fn start(folder: &Path) -> Self {
        let mut running = Self::spawn(folder);
        while running.addresses.len() < System::ALL.len() {
            let line = running.line();
            for system in System::ALL {
                if let Some(address) = line.trim_start().strip_prefix(system.line()) {
                    let address = address.trim().to_owned();
                    running.addresses.insert(system, address);
                }
            }
        }
        running
    }

    /// Fails if it ended.
    pub fn runs(&mut self) {
        let ended = self.child.try_wait().expect("a child");
        assert_eq!(ended, None);
    }

    /// The next line that it prints.
    pub fn line(&mut self) -> String {
        let mut line = String::new();
        let read = self.stdout.read_line(&mut line).expect("text");
        assert!(read > 0, "it ended: {:?}", self.child.try_wait());
        line
    }

    /// SIGKILL.
    pub fn kill(mut self) {
        self.child.kill().expect("it runs");
        let status = self.child.wait().expect("it ends");
        #[cfg(unix)]
        assert_eq!(
            std::os::unix::process::ExitStatusExt::signal(&status),
            Some(9),
            "it ended by itself: {status}"
        );
    }

    /// A way to it for somebody else, which outlives it.
    pub fn client(&self) -> Reach {
        Reach {
            addresses: self.addresses.clone(),
            http: self.http.clone(),
        }
    }
}

/// Where the systems are, and how they are asked.
#[derive(Clone)]
pub struct Reach {
    addresses: BTreeMap<System, String>,
    http: Client,
}

impl Reach {
    /// Asks the management API, or a vendor's `/_sandbox/`.
    pub async fn ask(
        &self,
        system: System,
        method: Method,
        path: &str,
        body: Option<(&Value, &str)>,
    ) -> Answer {
        let prefix = match system {
            System::Platform => "api/v1",
            _ => "_sandbox",
        };
        let url = format!("{}/{prefix}/{path}", self.addresses[&system]);
        let mut request = self.http.request(method, url);
        if let Some((body, key)) = body {
            request = request
                .header("content-type", "application/json")
                .header("idempotency-key", key)
                .body(body.to_string());
        }
        let Ok(response) = request.send().await else {
            return Answer::Nothing;
        };
        let status = response.status();
        match response.text().await {
            Ok(text) if status.is_success() => {
                serde_json::from_str(&text).map_or(Answer::Nothing, Answer::Done)
            }
            Ok(text) if status.is_client_error() => Answer::Refused(status, text),
            _ => Answer::Nothing,
        }
    }

    /// Reads; `None` if there is no answer.
    pub async fn get(&self, system: System, path: &str) -> Option<Value> {
        match self.ask(system, Method::GET, path, None).await {
            Answer::Done(body) => Some(body),
            Answer::Refused(status, text) => panic!("GET {path}: {status}: {text}"),
            Answer::Nothing => None,
        }
    }

    /// Every item of a list of the management API.
    pub async fn list(&self, path: &str) -> Option<Vec<Value>> {
        let joint = if path.contains('?') { '&' } else { '?' };
        let mut items = Vec::new();
        let mut cursor = String::new();
        loop {
            let page = format!("{path}{joint}limit=100{cursor}");
            let page = self.get(System::Platform, &page).await?;
            items.extend(page["items"].as_array().into_iter().flatten().cloned());
            match page["next"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return Some(items),
            }
        }
    }
}
