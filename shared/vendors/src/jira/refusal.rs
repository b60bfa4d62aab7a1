//! Answers that are no success, and how Jira says why: `{errorMessages[],errors{}}` (FACTS.md, "REST v3").

use std::collections::BTreeMap;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use jiff::{SignedDuration, Timestamp};
use serde::de::DeserializeOwned;
use serde_json::Value as Json;

use crate::{Connection, VendorError, VendorErrorKind, exchange};

/// An answer that is no success, with what it says of single fields by Jira's name of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refused {
    pub(super) error: VendorError,
    pub(super) fields: BTreeMap<String, String>,
}

impl From<VendorError> for Refused {
    fn from(error: VendorError) -> Self {
        let fields = BTreeMap::new();
        Self { error, fields }
    }
}

impl From<Refused> for VendorError {
    fn from(refused: Refused) -> Self {
        refused.error
    }
}

/// Sends a request and reads its answer.
pub(super) async fn call<T: DeserializeOwned>(
    connection: &Connection<'_>,
    request: Request<Bytes>,
) -> Result<T, VendorError> {
    let tried = exchange::tried(&request);
    let response = answer(connection, request).await?;
    exchange::parse(&tried, &response)
}

/// Sends a request; any answer that is no success is an error.
pub(super) async fn answer(
    connection: &Connection<'_>,
    request: Request<Bytes>,
) -> Result<Response<Bytes>, Refused> {
    let tried = exchange::tried(&request);
    let response = exchange::send(connection, request).await?;
    if response.status().is_success() {
        return Ok(response);
    }
    // Where the wait ends by their clock, it does not begin by ours.
    let now = connection.their_time(connection.now);
    Err(refusal(tried, &response, now))
}

/// `None` if the account may not look: what is looked up is then unknown, not wrong.
pub(super) fn unless_closed<T>(answer: Result<T, VendorError>) -> Result<Option<T>, VendorError> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(VendorError {
            kind:
                VendorErrorKind::NotFound | VendorErrorKind::Forbidden | VendorErrorKind::Refused { .. },
            ..
        }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// A body that is not as documented, found while reading it.
pub(super) fn garbage(tried: &str, detail: impl Into<String>) -> VendorError {
    VendorError {
        tried: tried.to_owned(),
        kind: VendorErrorKind::Garbage,
        detail: detail.into(),
    }
}

fn refusal(tried: String, response: &Response<Bytes>, now: Timestamp) -> Refused {
    let json: Json = serde_json::from_slice(response.body()).unwrap_or_default();
    // Somebody else's update came between: the same request succeeds later (official schema of PUT).
    let kind = if response.status() == StatusCode::CONFLICT {
        VendorErrorKind::Unavailable { status: 409 }
    } else {
        exchange::kind_of(response, None, retry_after(response, now))
    };
    let fields = field_errors(&json);
    let error = VendorError {
        tried,
        kind,
        detail: detail(&json, &fields),
    };
    Refused { error, fields }
}

fn field_errors(json: &Json) -> BTreeMap<String, String> {
    let errors = json["errors"].as_object().into_iter().flatten();
    let words = |why: &Json| why.as_str().map_or_else(|| why.to_string(), str::to_owned);
    errors
        .map(|(name, why)| (name.clone(), words(why)))
        .collect()
}

fn detail(json: &Json, fields: &BTreeMap<String, String>) -> String {
    let messages = json["errorMessages"].as_array().into_iter().flatten();
    // The gateway in front of Jira answers `{"message"}` or `{"error"}`.
    let others = [&json["message"], &json["error"]];
    let texts = messages.chain(others).filter_map(Json::as_str);
    let mut words: Vec<_> = texts.map(str::to_owned).collect();
    words.extend(fields.iter().map(|(name, why)| format!("{name}: {why}")));
    words.join("; ").chars().take(300).collect()
}

/// `Retry-After` counts seconds, `X-RateLimit-Reset` is a time (FACTS.md, "REST v3").
fn retry_after(response: &Response<Bytes>, now: Timestamp) -> Option<SignedDuration> {
    exchange::seconds(response, "retry-after").or_else(|| {
        let reset = response.headers().get("x-ratelimit-reset")?.to_str().ok()?;
        let reset: Timestamp = reset.trim().parse().ok()?;
        Some(reset.duration_since(now).max(SignedDuration::ZERO))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(status: u16, headers: &[(&str, &str)], body: &str) -> Refused {
        let mut response = Response::builder().status(status);
        for (name, value) in headers {
            response = response.header(*name, *value);
        }
        let body = Bytes::copy_from_slice(body.as_bytes());
        let response = response.body(body).expect("a response");
        let now = "2026-11-22T04:00:00Z".parse().expect("a time");
        refusal("PUT /rest/api/3/issue/1".to_owned(), &response, now)
    }

    #[test]
    fn messages_and_fields_are_told_in_words() {
        let body =
            r#"{"errorMessages":["No."],"errors":{"summary":"Too long.","priority":"Unknown."}}"#;
        let refused = refused(400, &[], body);
        assert_eq!(
            refused.error.detail,
            "No.; priority: Unknown.; summary: Too long."
        );
        assert_eq!(refused.fields["priority"], "Unknown.");
        assert!(refused.error.is_permanent());
    }

    #[test]
    fn what_a_status_means() {
        let kind = |status, body| refused(status, &[], body).error.kind;
        assert_eq!(kind(401, ""), VendorErrorKind::Unauthorized);
        assert_eq!(kind(403, "<html>"), VendorErrorKind::Forbidden);
        assert_eq!(kind(404, "[]"), VendorErrorKind::NotFound);
        assert_eq!(
            kind(409, "{}"),
            VendorErrorKind::Unavailable { status: 409 }
        );
        let refused = VendorErrorKind::Refused {
            status: 413,
            code: None,
        };
        assert_eq!(kind(413, "{}"), refused);
        assert_eq!(kind(503, ""), VendorErrorKind::Unavailable { status: 503 });
    }

    #[test]
    fn a_429_says_how_long_in_either_of_two_ways_or_not_at_all() {
        let wait = |headers: &[(&str, &str)]| match refused(429, headers, "{}").error.kind {
            VendorErrorKind::RateLimited { retry_after } => retry_after.map(|wait| wait.as_secs()),
            other => panic!("{other:?}"),
        };
        assert_eq!(wait(&[("retry-after", "7")]), Some(7));
        assert_eq!(
            wait(&[("x-ratelimit-reset", "2026-11-22T04:01:30Z")]),
            Some(90)
        );
        assert_eq!(
            wait(&[("x-ratelimit-reset", "2026-11-22T04:02Z")]),
            Some(120)
        );
        assert_eq!(wait(&[("x-ratelimit-reset", "2026-11-22T03:00Z")]), Some(0));
        let both = [
            ("retry-after", "5"),
            ("x-ratelimit-reset", "2026-11-22T04:01:30Z"),
        ];
        assert_eq!(wait(&both), Some(5));
        assert_eq!(wait(&[("x-ratelimit-reset", "soon")]), None);
        assert_eq!(wait(&[]), None);
    }

    #[test]
    fn a_look_up_that_is_not_allowed_is_no_failure_and_wrong_credentials_are() {
        let closed = |status| unless_closed::<()>(Err(refused(status, &[], "").error));
        for status in [400, 403, 404] {
            assert_eq!(closed(status), Ok(None));
        }
        assert!(closed(401).is_err());
        assert!(closed(500).is_err());
    }
}
