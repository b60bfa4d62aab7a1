//! A `ServiceNow` that answers by script, for tests of what is asked in which order.

use std::{
    collections::{BTreeMap, VecDeque},
    future::Future,
    pin::pin,
    sync::{Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, Request, Response, header};
use im_model::{IntegrationId, Secret};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value as Json;
use url::Url;

use crate::{Connection, Credentials, Memory, Transport, TransportError};

/// One request as it was sent.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    /// Method, and path and query below the root of the tables.
    pub(super) what: String,
    pub(super) headers: HeaderMap,
    pub(super) text: String,
}

impl Asked {
    /// A parameter of the query.
    pub(super) fn query(&self, name: &str) -> Option<String> {
        let (_, query) = self.what.split_once('?')?;
        let mut pairs = url::form_urlencoded::parse(query.as_bytes());
        pairs
            .find(|(own, _)| own == name)
            .map(|(_, value)| value.into_owned())
    }

    pub(super) fn json(&self) -> Json {
        serde_json::from_str(&self.text).unwrap_or_default()
    }

    pub(super) fn authorization(&self) -> &str {
        let value = self.headers.get(header::AUTHORIZATION);
        value
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }
}

struct Scripted {
    what: String,
    status: u16,
    total: Option<u64>,
    text: String,
}

/// An instance, and what it answers next.
pub(super) struct Account {
    pub(super) base_url: Url,
    pub(super) options: BTreeMap<String, String>,
    pub(super) credentials: Credentials,
    pub(super) memory: Memory,
    pub(super) now: Timestamp,
    integration: IntegrationId,
    answers: Mutex<VecDeque<Scripted>>,
    asked: Mutex<Vec<Asked>>,
}

impl Account {
    pub(super) fn new() -> Self {
        let account = Self {
            base_url: "https://acme.service-now.com".parse().expect("a URL"),
            options: BTreeMap::new(),
            credentials: Credentials::default(),
            memory: Memory::default(),
            now: "2026-11-22T04:00:00.5Z".parse().expect("a time"),
            integration: "prod-snow".parse().expect("an id"),
            answers: Mutex::default(),
            asked: Mutex::default(),
        };
        account
            .credential("username", "im.bot")
            .credential("password", "s3cret")
    }

    pub(super) fn option(mut self, name: &str, value: &str) -> Self {
        self.options.insert(name.to_owned(), value.to_owned());
        self
    }

    pub(super) fn credential(mut self, name: &str, value: &str) -> Self {
        self.credentials
            .0
            .insert(name.to_owned(), Secret::new(value));
        self
    }

    pub(super) fn waits(&mut self, seconds: i64) {
        self.now += SignedDuration::from_secs(seconds);
    }

    /// The next request must begin so (`GET /incident/1`), and is answered so.
    pub(super) fn answers(self, what: &str, status: u16, body: &Json) -> Self {
        self.answers_of(what, status, None, body)
    }

    /// The same, with `X-Total-Count`.
    pub(super) fn answers_of(
        self,
        what: &str,
        status: u16,
        total: Option<u64>,
        body: &Json,
    ) -> Self {
        let (what, text) = (what.to_owned(), body.to_string());
        let scripted = Scripted {
            what,
            status,
            total,
            text,
        };
        locked(&self.answers).push_back(scripted);
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
            now: self.now,
        }
    }

    /// What was asked since the last time, in order; every answer must have been fetched.
    pub(super) fn asked(&self) -> Vec<Asked> {
        let left: Vec<_> = locked(&self.answers)
            .iter()
            .map(|it| it.what.clone())
            .collect();
        assert!(left.is_empty(), "never asked: {left:?}");
        std::mem::take(&mut locked(&self.asked))
    }
}

#[async_trait]
impl Transport for Account {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        let path = request
            .uri()
            .path_and_query()
            .map_or("", |path| path.as_str());
        let path = path.strip_prefix("/api/now/v2/table").unwrap_or(path);
        let what = format!("{} {path}", request.method());
        let text = String::from_utf8_lossy(request.body()).into_owned();
        let next = locked(&self.answers).pop_front();
        let next = next.unwrap_or_else(|| panic!("unexpected: {what} {text}"));
        assert!(
            what.starts_with(&next.what),
            "{what} {text} instead of {}",
            next.what
        );
        let headers = request.headers().clone();
        locked(&self.asked).push(Asked {
            what,
            headers,
            text,
        });
        let mut response = Response::builder().status(next.status);
        if let Some(total) = next.total {
            response = response.header("X-Total-Count", total);
        }
        Ok(response.body(Bytes::from(next.text)).expect("a response"))
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

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
