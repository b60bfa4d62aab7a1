//! A management API for tests: answers as told and remembers what it was asked.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use axum::http::{HeaderMap, Method, StatusCode, Uri, header::CONTENT_TYPE};
use axum::{Router, body::Bytes, extract::State, response::IntoResponse};
use im_model::Secret;
use reqwest::Url;
use serde_json::{Value, json};

use crate::{cli::Format, client::Client, output::Console, profile::Connection};

/// A request that was made.
#[derive(Debug, Clone)]
pub struct Request {
    pub method: String,
    /// With the query.
    pub path: String,
    headers: HeaderMap,
    body: Bytes,
}

impl Request {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .get(name)
            .map(|value| value.to_str().expect("text"))
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("JSON")
    }
}

#[derive(Default)]
struct Shared {
    answers: BTreeMap<String, (u16, String)>,
    requests: Vec<Request>,
}

/// A server on loopback; what it was not told to answer is a 404.
pub struct TestApi {
    endpoint: Url,
    shared: Arc<Mutex<Shared>>,
}

impl TestApi {
    pub async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a free port");
        let address = listener.local_addr().expect("an address");
        let shared = Arc::new(Mutex::new(Shared::default()));
        let router = Router::new()
            .fallback(answer)
            .with_state(Arc::clone(&shared));
        tokio::spawn(async move { axum::serve(listener, router).await });
        let endpoint = Url::parse(&format!("http://{address}")).expect("a URL");
        Self { endpoint, shared }
    }

    pub fn endpoint(&self) -> String {
        self.endpoint.to_string()
    }

    pub fn client(&self, token: Option<&str>) -> Client {
        let connection = Connection {
            endpoint: self.endpoint.clone(),
            token: token.map(Secret::new),
        };
        Client::new(connection).expect("a client")
    }

    /// Answers `METHOD /path?query` with JSON from now on.
    pub fn answer(&self, request: &str, status: u16, body: &Value) {
        self.answer_text(request, status, &body.to_string());
    }

    pub fn answer_text(&self, request: &str, status: u16, body: &str) {
        let mut shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        shared
            .answers
            .insert(request.to_owned(), (status, body.to_owned()));
    }

    pub fn requests(&self) -> Vec<Request> {
        self.shared
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .requests
            .clone()
    }
}

async fn answer(
    State(shared): State<Arc<Mutex<Shared>>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> impl IntoResponse {
    let mut shared = shared.lock().unwrap_or_else(PoisonError::into_inner);
    let method = method.to_string();
    let path = uri.to_string();
    let (status, text) = shared
        .answers
        .get(&format!("{method} {path}"))
        .cloned()
        .unwrap_or_else(|| {
            (
                404,
                json!({"title": "Not found", "status": 404, "detail": path}).to_string(),
            )
        });
    shared.requests.push(Request {
        method,
        path,
        headers,
        body,
    });
    let status = StatusCode::from_u16(status).expect("a status");
    (status, [(CONTENT_TYPE, "application/json")], text)
}

/// Remembers what was printed.
pub struct Screen {
    pub format: Format,
    pub is_watched: bool,
    out: Vec<u8>,
    err: Vec<u8>,
}

impl Screen {
    pub fn new(format: Format) -> Self {
        Self {
            format,
            is_watched: false,
            out: Vec::new(),
            err: Vec::new(),
        }
    }

    pub fn console(&mut self) -> Console<'_> {
        Console {
            format: self.format,
            out: &mut self.out,
            err: &mut self.err,
            is_watched: self.is_watched,
        }
    }

    pub fn out(&self) -> String {
        String::from_utf8(self.out.clone()).expect("text")
    }

    pub fn err(&self) -> String {
        String::from_utf8(self.err.clone()).expect("text")
    }
}
