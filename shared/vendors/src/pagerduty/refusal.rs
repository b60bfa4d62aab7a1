//! Answers that are no success, and how `PagerDuty` says why.

use bytes::Bytes;
use http::{Response, StatusCode};
use serde::de::DeserializeOwned;
use serde_json::Value as Json;

use crate::{VendorError, VendorErrorKind, exchange};

/// `PagerDuty`'s code for "Incident Already Resolved" (FACTS).
pub(super) const ALREADY_RESOLVED: i64 = 1001;

/// No `From`, or one that is nobody's address in the account (FACTS).
const BAD_FROM: [i64; 2] = [2016, 1008];

/// Parses a successful answer; anything else becomes an error that says what was tried.
pub(super) fn parse<T: DeserializeOwned>(
    tried: &str,
    response: &Response<Bytes>,
) -> Result<T, VendorError> {
    if !response.status().is_success() {
        return Err(refusal(tried, response));
    }
    exchange::parse(tried, response)
}

fn refusal(tried: &str, response: &Response<Bytes>) -> VendorError {
    let (code, detail) = error_body(response.body());
    // Not about the incident, but about who we say we are: no field is to blame.
    let bad_from = code.is_some_and(|code| BAD_FROM.contains(&code));
    let kind = if response.status() == StatusCode::BAD_REQUEST && bad_from {
        VendorErrorKind::Unsendable { field: None }
    } else {
        // `ratelimit-reset` counts seconds; a 429 may carry no header at all (FACTS).
        let retry_after = exchange::seconds(response, "retry-after")
            .or_else(|| exchange::seconds(response, "ratelimit-reset"));
        exchange::kind_of(response, code, retry_after)
    };
    VendorError {
        tried: tried.to_owned(),
        kind,
        detail,
    }
}

/// `{"error":{"message","code","errors":[…]}}`, but `errors` can be a map and `error` an array or a text (FACTS).
fn error_body(body: &[u8]) -> (Option<i64>, String) {
    let Ok(json) = serde_json::from_slice::<Json>(body) else {
        return (None, String::new());
    };
    let error = &json["error"];
    let code = error["code"].as_i64();
    let mut words = Vec::new();
    collect_texts(if error.is_null() { &json } else { error }, &mut words);
    let detail = words.join("; ");
    (code, detail.chars().take(300).collect())
}

fn collect_texts(json: &Json, into: &mut Vec<String>) {
    match json {
        Json::String(text) => into.push(text.clone()),
        Json::Array(items) => items.iter().for_each(|item| collect_texts(item, into)),
        Json::Object(map) => map.values().for_each(|item| collect_texts(item, into)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::{super::response::OneIncident, *};

    fn error(status: u16, headers: &[(&str, &str)], body: &str) -> VendorError {
        let mut response = Response::builder().status(status);
        for (name, value) in headers {
            response = response.header(*name, *value);
        }
        let response = response
            .body(Bytes::copy_from_slice(body.as_bytes()))
            .expect("a response");
        parse::<OneIncident>("GET /incidents/P1", &response).expect_err("not a success")
    }

    #[test]
    fn errors_are_read_in_every_shape_seen() {
        for body in [
            r#"{"error":{"message":"Invalid","code":2001,"errors":["Title is bad"]}}"#,
            r#"{"error":{"message":"Invalid","code":2001,"errors":{"title":["Title is bad"]}}}"#,
        ] {
            let error = error(400, &[], body);
            assert_eq!(
                error.kind,
                VendorErrorKind::Refused {
                    status: 400,
                    code: Some(2001)
                }
            );
            assert!(error.detail.contains("Title is bad"), "{}", error.detail);
            assert!(error.is_permanent());
        }
        let array = error(400, &[], r#"{"error":["Title is bad"]}"#);
        assert_eq!(array.detail, "Title is bad");
        assert_eq!(error(404, &[], "").kind, VendorErrorKind::NotFound);
        assert_eq!(
            error(503, &[], "<html>").kind,
            VendorErrorKind::Unavailable { status: 503 }
        );
        assert_eq!(error(200, &[], "<html>").kind, VendorErrorKind::Garbage);
    }

    #[test]
    fn a_429_may_or_may_not_say_how_long() {
        let wait = |headers: &[(&str, &str)]| match error(429, headers, "{}").kind {
            VendorErrorKind::RateLimited { retry_after } => retry_after.map(|wait| wait.as_secs()),
            other => panic!("{other:?}"),
        };
        assert_eq!(wait(&[]), None);
        assert_eq!(wait(&[("ratelimit-reset", "7")]), Some(7));
        assert_eq!(wait(&[("ratelimit-reset", "soon")]), None);
    }
}
