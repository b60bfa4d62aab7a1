//! What a stand-in was asked and what it answered.

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, StatusCode};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

/// One request, as received, without its credentials.
#[derive(Clone, Debug, Serialize)]
pub struct RecordedRequest {
    /// When it came.
    pub time: Timestamp,
    /// `GET`, `PUT` …
    #[serde(serialize_with = "as_text")]
    pub method: Method,
    /// The path.
    pub path: String,
    /// The query as sent.
    pub query: Option<String>,
    /// The headers, `authorization` left out.
    #[serde(serialize_with = "as_pairs")]
    pub headers: HeaderMap,
    /// The body; text where it is not JSON, null where there is none.
    pub body: Value,
    /// What the client saw; `None` where no answer came.
    pub status: Option<u16>,
    /// The answer's body.
    pub response: Value,
    /// The fault that struck it.
    pub fault: Option<crate::Fault>,
    /// Whether the vendor did what it was asked, answered or not.
    pub accepted: bool,
    #[serde(skip)]
    pub(crate) write: bool,
    #[serde(skip)]
    secret: bool,
}

impl RecordedRequest {
    /// Whether it asked for a change.
    pub fn is_write(&self) -> bool {
        self.write
    }

    /// The path with its query.
    pub fn path_and_query(&self) -> String {
        match &self.query {
            Some(query) => format!("{}?{query}", self.path),
            None => self.path.clone(),
        }
    }

    /// Without the bodies where they are `secret`.
    pub(crate) fn received(time: Timestamp, request: &Request<Bytes>, secret: bool) -> Self {
        let mut headers = request.headers().clone();
        headers.remove(http::header::AUTHORIZATION);
        Self {
            time,
            method: request.method().clone(),
            path: request.uri().path().to_owned(),
            query: request.uri().query().map(str::to_owned),
            headers,
            body: readable(request.body(), secret),
            status: None,
            response: Value::Null,
            fault: None,
            accepted: false,
            write: false,
            secret,
        }
    }

    pub(crate) fn answered(&mut self, response: &Response<Bytes>) {
        self.status = Some(response.status().as_u16());
        self.response = readable(response.body(), self.secret);
    }

    pub(crate) fn carried_out(&mut self, status: StatusCode) {
        self.accepted = status.is_success();
    }
}

fn readable(body: &Bytes, secret: bool) -> Value {
    if body.is_empty() {
        return Value::Null;
    }
    if secret {
        return Value::String("(not recorded)".to_owned());
    }
    serde_json::from_slice(body)
        .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(body).into_owned()))
}

fn as_text<S: serde::Serializer>(method: &Method, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(method.as_str())
}

fn as_pairs<S: serde::Serializer>(headers: &HeaderMap, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(headers.iter().map(|(name, value)| {
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        (name.as_str(), value)
    }))
}
