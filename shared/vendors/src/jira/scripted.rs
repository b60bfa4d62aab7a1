//! A Jira that answers by script, for tests of what is asked in which order.

use std::{
    collections::{BTreeMap, VecDeque},
    future::Future,
    pin::pin,
    sync::{Mutex, PoisonError},
    task::{Context, Poll, Waker},
};

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use im_model::{IntegrationId, Secret};
use serde_json::Value as Json;
use url::Url;

use crate::{Connection, Credentials, Memory, Transport, TransportError};

/// One request as it was sent: method, path and query below the API's root, body.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Asked {
    pub(super) what: String,
    pub(super) body: Json,
}

/// An account, and what Jira answers next.
pub(super) struct Account {
    base_url: Url,
    pub(super) options: BTreeMap<String, String>,
    pub(super) credentials: Credentials,
    pub(super) memory: Memory,
    integration: IntegrationId,
    answers: Mutex<VecDeque<(String, u16, String)>>,
    asked: Mutex<Vec<Asked>>,
}

impl Account {
    pub(super) fn new() -> Self {
        let texts = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
            let owned = pairs
                .iter()
                .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
            owned.collect()
        };
        let credentials = texts(&[("email", "bot@example.com"), ("api_key", "key")]);
        let secrets = credentials.into_iter().map(|(k, v)| (k, Secret::new(v)));
        Self {
            base_url: "https://acme.atlassian.net".parse().expect("a URL"),
            options: texts(&[("project", "OPS"), ("issue_type", "Incident")]),
            credentials: Credentials(secrets.collect()),
            memory: Memory::default(),
            integration: "prod-jira".parse().expect("an id"),
            answers: Mutex::default(),
            asked: Mutex::default(),
        }
    }

    pub(super) fn option(mut self, name: &str, value: &str) -> Self {
        self.options.insert(name.to_owned(), value.to_owned());
        self
    }

    /// It is known already that the project is a service project.
    pub(super) fn of_a_service_project(self) -> Self {
        let (now, hour) = (self.connection().now, jiff::SignedDuration::from_hours(1));
        let service = Secret::new("service_desk");
        let kind = super::project::TYPE;
        self.memory
            .remember(&self.integration, kind, "OPS", service, now, hour);
        self
    }

    /// The next request must begin so (`GET /issue/1`), and is answered so.
    pub(super) fn answers(self, what: &str, status: u16, body: &Json) -> Self {
        let text = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        let answer = (what.to_owned(), status, text);
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        answers.push_back(answer);
        drop(answers);
        self
    }

    pub(super) fn connection(&self) -> Connection<'_> {
        Connection {
            base_url: &self.base_url,
            options: &self.options,
            credentials: &self.credentials,
            transport: self,
            memory: &self.memory,
            integration: &self.integration,
            now: "2026-11-22T04:00:00Z".parse().expect("a time"),
        }
    }

    /// What was asked, in order; every answer must have been fetched.
    pub(super) fn asked(&self) -> Vec<Asked> {
        let left = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        assert!(left.is_empty(), "never asked: {left:?}");
        let asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        asked.clone()
    }

    /// The body of the only request that begins so.
    pub(super) fn sent(&self, what: &str) -> Json {
        let asked = self.asked();
        let mut bodies = asked.iter().filter(|asked| asked.what.starts_with(what));
        let body = bodies.next().expect(what).body.clone();
        assert_eq!(bodies.next(), None, "{what} was sent twice");
        body
    }
}

#[async_trait]
impl Transport for Account {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        let path = request
            .uri()
            .path_and_query()
            .map_or("", |path| path.as_str());
        let path = path.strip_prefix("/rest/api/3").expect("the API's root");
        let what = format!("{} {path}", request.method());
        let body = serde_json::from_slice(request.body()).unwrap_or_default();
        let next = self
            .answers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop_front();
        let (expected, status, text) = next.unwrap_or_else(|| panic!("unexpected: {what} {body}"));
        assert!(
            what.starts_with(&expected),
            "{what} {body} instead of {expected}"
        );
        let asked = Asked { what, body };
        self.asked
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(asked);
        let response = Response::builder().status(status);
        Ok(response.body(Bytes::from(text)).expect("a response"))
    }
}

/// Runs what never waits.
pub(super) fn run<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    match future
        .as_mut()
        .poll(&mut Context::from_waker(Waker::noop()))
    {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("it waits"),
    }
}
