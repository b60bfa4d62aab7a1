//! Request bodies: read once, walked by hand, so that one answer names everything that is wrong with them.

use std::{collections::BTreeMap, error::Error, fmt::Display, str::FromStr};

use axum::{body::to_bytes, extract::Request};
use http::{HeaderMap, header};
use im_engine::manage::FieldProblem;
use serde_json::{Map, Value};

use crate::Problem;

/// A body may not be larger.
pub(crate) const MOST_BYTES: usize = 256 * 1024;

/// What `POST` accepts.
pub(crate) const JSON: &[&str] = &["application/json"];

/// What `PATCH` accepts.
pub(crate) const JSON_OR_MERGE_PATCH: &[&str] =
    &["application/json", "application/merge-patch+json"];

/// Reads a body that must be one JSON object.
pub(crate) async fn read_object(
    request: Request,
    accepted: &[&str],
) -> Result<ObjectReader, Problem> {
    check_content_type(request.headers(), accepted)?;
    let announced = request.headers().get(header::CONTENT_LENGTH);
    let announced = announced.and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| length > MOST_BYTES as u64) {
        return Err(Problem::too_large(MOST_BYTES));
    }
    let body = to_bytes(request.into_body(), MOST_BYTES).await.map_err(|error| {
        if error.source().is_some_and(|why| why.is::<http_body_util::LengthLimitError>()) {
            Problem::too_large(MOST_BYTES)
        } else {
            Problem::malformed("The body broke off.")
        }
    })?;
    parse_object(&body)
}

fn parse_object(body: &[u8]) -> Result<ObjectReader, Problem> {
    if body.is_empty() {
        return Err(Problem::malformed("The body is empty; a JSON object is expected."));
    }
    match serde_json::from_slice(body) {
        Ok(Value::Object(object)) => Ok(ObjectReader::new(object)),
        Ok(other) => {
            let problem = format!("must be an object, not {}", a(&other));
            Err(Problem::invalid(vec![FieldProblem::new("body", problem)]))
        }
        Err(error) => Err(Problem::malformed(format!("The body is not valid JSON: {error}."))),
    }
}

fn check_content_type(headers: &HeaderMap, accepted: &[&str]) -> Result<(), Problem> {
    let encoding = headers.get(header::CONTENT_ENCODING);
    if encoding.is_some_and(|encoding| encoding.as_bytes() != b"identity") {
        return Err(Problem::unsupported_media_type("Send the body without Content-Encoding."));
    }
    let given = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let given = given.unwrap_or_default();
    let mut parts = given.split(';').map(str::trim);
    let media_type = parts.next().unwrap_or_default();
    let is_utf_8 = |parameter: &str| {
        parameter.split_once('=').is_none_or(|(name, value)| {
            !name.eq_ignore_ascii_case("charset")
                || value.trim_matches('"').eq_ignore_ascii_case("utf-8")
        })
    };
    if accepted.iter().any(|known| known.eq_ignore_ascii_case(media_type)) && parts.all(is_utf_8) {
        return Ok(());
    }
    let expected = accepted.join(" or ");
    Err(Problem::unsupported_media_type(format!("Content-Type must be {expected} in UTF-8.")))
}

/// What a JSON value is, with its article.
fn a(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

/// Field names come from the caller: no answer repeats a long one in full.
pub(crate) fn shortened(name: &str) -> String {
    const MOST: usize = 80;
    match name.char_indices().nth(MOST) {
        None => name.to_owned(),
        Some((end, _)) => format!("{}…", &name[..end]),
    }
}

/// Takes the members of an object one by one and collects what is wrong with them.
pub(crate) struct ObjectReader {
    left: Map<String, Value>,
    problems: Vec<FieldProblem>,
}

impl ObjectReader {
    /// A reader of this object.
    pub(crate) fn new(object: Map<String, Value>) -> Self {
        Self { left: object, problems: Vec::new() }
    }

    /// Notes what is wrong with a field. Values are never repeated: they may be credentials.
    pub(crate) fn refuse(&mut self, field: impl Into<String>, problem: impl Into<String>) {
        self.problems.push(FieldProblem::new(field, problem));
    }

    /// Notes that a field has the wrong JSON type.
    pub(crate) fn refuse_type(&mut self, field: &str, expected: &str, found: &Value) {
        self.refuse(field, format!("must be {expected}, not {}", a(found)));
    }

    /// Notes those of the fields that are not there.
    pub(crate) fn require(&mut self, fields: &[&str]) {
        for field in fields {
            if !self.left.contains_key(*field) {
                self.refuse(*field, "is required");
            }
        }
    }

    /// Takes a member as it is.
    pub(crate) fn take(&mut self, field: &str) -> Option<Value> {
        self.left.remove(field)
    }

    /// Takes a string.
    pub(crate) fn text(&mut self, field: &str) -> Option<String> {
        match self.take(field)? {
            Value::String(text) => Some(text),
            other => {
                self.refuse_type(field, "a string", &other);
                None
            }
        }
    }

    /// Takes a string that parses as a `T`.
    pub(crate) fn parsed<T: FromStr<Err: Display>>(&mut self, field: &str) -> Option<T> {
        let text = self.text(field)?;
        text.parse().map_err(|error: T::Err| self.refuse(field, error.to_string())).ok()
    }

    /// Takes a boolean.
    pub(crate) fn boolean(&mut self, field: &str) -> Option<bool> {
        match self.take(field)? {
            Value::Bool(value) => Some(value),
            other => {
                self.refuse_type(field, "true or false", &other);
                None
            }
        }
    }

    /// Takes an object.
    pub(crate) fn object(&mut self, field: &str) -> Map<String, Value> {
        match self.take(field) {
            None => Map::new(),
            Some(Value::Object(object)) => object,
            Some(other) => {
                self.refuse_type(field, "an object", &other);
                Map::new()
            }
        }
    }

    /// Takes an object of strings, none longer than `most` characters.
    pub(crate) fn texts(&mut self, field: &str, most: usize) -> BTreeMap<String, String> {
        let mut texts = BTreeMap::new();
        for (name, value) in self.object(field) {
            let path = format!("{field}.{}", shortened(&name));
            match value {
                Value::String(text) if text.chars().count() > most => {
                    self.refuse(path, format!("must be at most {most} characters"));
                }
                Value::String(text) => _ = texts.insert(name, text),
                other => self.refuse_type(&path, "a string", &other),
            }
        }
        texts
    }

    /// True if nothing was wrong so far.
    pub(crate) fn is_fine(&self) -> bool {
        self.problems.is_empty()
    }

    /// Ends the reading: what was not taken is unknown, or fixed for a reason of its own.
    pub(crate) fn finish(
        mut self,
        accepted: &[&str],
        fixed: &[(&[&str], &str)],
    ) -> Vec<FieldProblem> {
        for name in std::mem::take(&mut self.left).keys() {
            let reason = fixed.iter().find(|(names, _)| names.contains(&name.as_str()));
            let problem = match reason {
                Some((_, reason)) => (*reason).to_owned(),
                None => format!("unknown; expected one of {}", accepted.join(", ")),
            };
            self.refuse(shortened(name), problem);
        }
        self.problems
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use http::HeaderValue;
    use im_model::Status;

    use super::*;

    fn reader(json: &str) -> ObjectReader {
        parse_object(json.as_bytes()).map_err(|p| p.detail().to_owned()).expect("an object")
    }

    fn refusal(json: &[u8]) -> Problem {
        parse_object(json).err().expect("must be refused")
    }

    #[test]
    fn broken_json_says_where() {
        let problem = refusal(b"{\"title\": \n oops}");
        assert_eq!(problem.status(), 400);
        assert!(problem.detail().contains("line 2 column 2"), "{}", problem.detail());
        assert_eq!(refusal(b"").status(), 400);
        assert_eq!(refusal(b"\"\xff\"").status(), 400);
        assert_eq!(refusal("[".repeat(10_000).as_bytes()).status(), 400);
        assert_eq!(refusal(b"{\"a\":1e999}").status(), 400);
    }

    #[test]
    fn a_body_that_is_no_object_is_named() {
        for (json, kind) in [("[]", "an array"), ("null", "null"), ("\"x\"", "a string")] {
            let problem = refusal(json.as_bytes());
            assert_eq!(problem.status(), 422);
            let expected = format!("must be an object, not {kind}");
            assert_eq!(problem.errors(), [("body", expected.as_str())]);
        }
    }

    #[test]
    fn every_problem_is_collected() {
        let mut reader = reader(
            r#"{"status":"lost","enabled":1,"options":{"a":1,"b":"b","c":"long"},"odd":0,"id":"x"}"#,
        );
        reader.require(&["title", "status"]);
        assert_eq!(reader.parsed::<Status>("status"), None);
        assert_eq!(reader.boolean("enabled"), None);
        let texts = reader.texts("options", 3);
        assert_eq!(texts.into_iter().collect::<Vec<_>>(), [("b".to_owned(), "b".to_owned())]);
        assert!(!reader.is_fine());
        let problems = Problem::invalid(reader.finish(&["status"], &[(&["id"], "is read-only")]));
        assert_eq!(problems.errors(), [
            ("title", "is required"),
            ("status", "must be one of open, acknowledged, mitigated, resolved, closed"),
            ("enabled", "must be true or false, not a number"),
            ("options.a", "must be a string, not a number"),
            ("options.c", "must be at most 3 characters"),
            ("id", "is read-only"),
            ("odd", "unknown; expected one of status"),
        ]);
    }

    #[test]
    fn long_names_are_shortened_at_a_character() {
        assert_eq!(shortened("title"), "title");
        assert_eq!(shortened(&"é".repeat(100)), format!("{}…", "é".repeat(80)));
    }

    #[test]
    fn content_types() {
        let status = |content_type: &'static str, accepted| {
            let mut headers = HeaderMap::new();
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
            check_content_type(&headers, accepted).map_err(|problem| problem.status())
        };
        for fine in [
            "application/json",
            "Application/JSON; charset=utf-8",
            "application/json;charset=\"UTF-8\"",
            "application/json; odd",
        ] {
            assert_eq!(status(fine, JSON), Ok(()), "{fine}");
        }
        for bad in ["text/plain", "application/json; charset=latin1", "application/jsonp", ""] {
            assert_eq!(status(bad, JSON), Err(415), "{bad}");
        }
        assert_eq!(status("application/merge-patch+json", JSON), Err(415));
        assert_eq!(status("application/merge-patch+json", JSON_OR_MERGE_PATCH), Ok(()));
        let mut headers = HeaderMap::new();
        assert!(check_content_type(&headers, JSON).is_err(), "none");
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        assert!(check_content_type(&headers, JSON).is_err(), "compressed");
    }

    #[tokio::test]
    async fn a_body_is_limited_with_and_without_an_announced_length() {
        let request = |length: Option<usize>, body: String| {
            let mut request = Request::new(Body::from(body));
            let headers = request.headers_mut();
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
            if let Some(length) = length {
                headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
            }
            request
        };
        let padded = |length: usize| format!("{{}}{}", " ".repeat(length - 2));
        let status = async |request| read_object(request, JSON).await.err().map(|p| p.status());
        assert_eq!(status(request(None, padded(MOST_BYTES))).await, None);
        assert_eq!(status(request(None, padded(MOST_BYTES + 1))).await, Some(413));
        assert_eq!(status(request(Some(MOST_BYTES + 1), "{}".to_owned())).await, Some(413));
    }
}
