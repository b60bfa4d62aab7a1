//! The one place that sends, and how `ServiceNow` says why not: `{"error":{"message","detail"},"status":"failure"}`.

use bytes::Bytes;
use http::{Response, StatusCode};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value as Json;

use super::{
    login::{forget, login},
    request::Prepared,
    response::{Answer, Row},
};
use crate::{Connection, VendorError, VendorErrorKind, exchange};

/// Sends a request that one row answers.
pub(super) async fn row(
    connection: &Connection<'_>,
    request: Prepared,
) -> Result<Row, VendorError> {
    let response = answer(connection, &request).await?;
    let answer: Answer<Row> = exchange::parse(&request.tried(), &response)?;
    Ok(answer.result)
}

/// A part of a list.
pub(super) struct Page {
    pub(super) rows: Vec<Row>,
    /// How many rows the query finds, those included that an access rule hides; `None` if the answer does not say.
    pub(super) total: Option<usize>,
}

/// Sends a request that a list answers.
pub(super) async fn page(
    connection: &Connection<'_>,
    request: &Prepared,
) -> Result<Page, VendorError> {
    let response = answer(connection, request).await?;
    let answer: Answer<Vec<Row>> = exchange::parse(&request.tried(), &response)?;
    let total = response.headers().get("x-total-count");
    Ok(Page {
        rows: answer.result,
        total: total.and_then(|total| total.to_str().ok()?.trim().parse().ok()),
    })
}

/// The same, of the rows alone. A list whose every row an access rule hides is not an empty one.
pub(super) async fn rows(
    connection: &Connection<'_>,
    request: Prepared,
) -> Result<Vec<Row>, VendorError> {
    let page = page(connection, &request).await?;
    if !request.is_later_page() {
        page.must_show(&request.tried())?;
    }
    Ok(page.rows)
}

impl Page {
    /// Fails where there are rows and none is shown.
    pub(super) fn must_show(&self, tried: &str) -> Result<(), VendorError> {
        let total = self.total.unwrap_or(0);
        if total == 0 || !self.rows.is_empty() {
            return Ok(());
        }
        Err(VendorError {
            tried: tried.to_owned(),
            kind: VendorErrorKind::Forbidden,
            detail: format!("ServiceNow has {total} such rows and shows the account none of them"),
        })
    }
}

/// `None` if the account may not look: what is looked up is then unknown, not wrong.
pub(super) fn unless_closed<T>(answer: Result<T, VendorError>) -> Result<Option<T>, VendorError> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(error) if is_closed(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

/// 403, or 400 for a table that the account is not shown at all.
pub(super) fn is_closed(error: &VendorError) -> bool {
    matches!(
        error.kind,
        VendorErrorKind::Forbidden | VendorErrorKind::Refused { .. }
    )
}

/// Answers that are not as documented.
pub(super) fn garbage(tried: &str, detail: impl Into<String>) -> VendorError {
    VendorError {
        tried: tried.to_owned(),
        kind: VendorErrorKind::Garbage,
        detail: detail.into(),
    }
}

/// A token that was remembered may have been revoked: then once more with a fresh one. A 401 has changed nothing, so
/// that a write may be sent again, too.
async fn answer(
    connection: &Connection<'_>,
    request: &Prepared,
) -> Result<Response<Bytes>, VendorError> {
    let tried = request.tried();
    let who = login(connection, &tried).await?;
    let mut response = exchange::send(connection, request.sent_as(&who.authorization)?).await?;
    if response.status() == StatusCode::UNAUTHORIZED && who.remembered {
        forget(connection);
        let who = login(connection, &tried).await?;
        response = exchange::send(connection, request.sent_as(&who.authorization)?).await?;
    }
    if response.status().is_success() {
        return Ok(response);
    }
    // Where the wait ends by their clock, it does not begin by ours.
    let now = connection.their_time(connection.now);
    Err(refusal(tried, &response, now))
}

fn refusal(tried: String, response: &Response<Bytes>, now: Timestamp) -> VendorError {
    let detail = error_body(response.body());
    let kind = if response.status() == StatusCode::FORBIDDEN && is_about_values(&detail) {
        VendorErrorKind::Refused {
            status: 403,
            code: None,
        }
    } else {
        exchange::kind_of(response, None, retry_after(response, now))
    };
    VendorError {
        tried,
        kind,
        detail: detail.chars().take(300).collect(),
    }
}

/// A 403 that is about what was sent, not about who sent it: a data policy (FACTS.md, "Incident"), or a Business Rule of
/// the instance that aborts the update.
fn is_about_values(detail: &str) -> bool {
    let detail = detail.to_lowercase();
    [
        "data policy exception",
        "mandatory",
        "aborted by business rule",
    ]
    .iter()
    .any(|words| detail.contains(words))
}

fn error_body(body: &[u8]) -> String {
    let Ok(json) = serde_json::from_slice::<Json>(body) else {
        return String::new();
    };
    let error = &json["error"];
    // The login in front of the API answers `{"error":"…"}`.
    let words = [&error["message"], &error["detail"], error];
    let words: Vec<_> = words.iter().filter_map(|words| words.as_str()).collect();
    words.join(": ")
}

/// `Retry-After` counts seconds, `X-RateLimit-Reset` is a time in epoch seconds (FACTS.md, "Table API").
fn retry_after(response: &Response<Bytes>, now: Timestamp) -> Option<SignedDuration> {
    exchange::seconds(response, "retry-after").or_else(|| {
        let reset = response.headers().get("x-ratelimit-reset")?.to_str().ok()?;
        let reset = Timestamp::from_second(reset.trim().parse().ok()?).ok()?;
        // The header has whole seconds: the present must not be later than it is.
        let now = Timestamp::from_second(now.as_second()).ok()?;
        Some(reset.duration_since(now).max(SignedDuration::ZERO))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_796_000_000;

    fn refused(status: u16, headers: &[(&str, &str)], body: &str) -> VendorError {
        let mut response = Response::builder().status(status);
        for (name, value) in headers {
            response = response.header(*name, *value);
        }
        let body = Bytes::copy_from_slice(body.as_bytes());
        let response = response.body(body).expect("a response");
        let now = Timestamp::from_second(NOW).expect("a time");
        refusal("PATCH /x".to_owned(), &response, now)
    }

    fn body(message: &str, detail: &str) -> String {
        let error = serde_json::json!({"message": message, "detail": detail});
        serde_json::json!({"error": error, "status": "failure"}).to_string()
    }

    #[test]
    fn a_403_about_values_is_a_refusal_and_one_about_us_is_forbidden() {
        let refusal = VendorErrorKind::Refused {
            status: 403,
            code: None,
        };
        for (message, detail) in [
            (
                "Operation Failed",
                "Data Policy Exception: The following fields are mandatory: Resolution code, Resolution notes",
            ),
            (
                "Operation Failed",
                "Error during update of incident (x): Following Fields are Mandatory: Caller",
            ),
            (
                "Operation against file 'incident' was aborted by Business Rule 'No way^9a'",
                "",
            ),
        ] {
            let error = refused(403, &[], &body(message, detail));
            assert_eq!(error.kind, refusal, "{detail}");
            assert!(error.detail.contains(detail), "{error}");
        }
        for (message, detail) in [
            ("User Not Authorized", "Failed API level ACL Validation"),
            (
                "Operation Failed",
                "ACL Exception Update Failed due to security constraints",
            ),
            ("", ""),
        ] {
            let error = refused(403, &[], &body(message, detail));
            assert_eq!(error.kind, VendorErrorKind::Forbidden, "{detail}");
        }
    }

    #[test]
    fn what_a_status_means_and_what_the_vendor_says() {
        let kind = |status, body| refused(status, &[], body).kind;
        assert_eq!(kind(401, ""), VendorErrorKind::Unauthorized);
        assert_eq!(kind(404, "[]"), VendorErrorKind::NotFound);
        let unavailable = VendorErrorKind::Unavailable { status: 503 };
        assert_eq!(kind(503, "<html>"), unavailable);
        let detail = refused(400, &[], &body("Invalid table x", "null")).detail;
        assert_eq!(detail, "Invalid table x: null");
        let detail = refused(400, &[], r#"{"error":"invalid"}"#).detail;
        assert_eq!(detail, "invalid");
        let long = refused(400, &[], &body(&"no ".repeat(1000), "")).detail;
        assert_eq!(long.chars().count(), 300);
    }

    #[test]
    fn a_429_says_how_long_in_either_of_two_ways_or_not_at_all() {
        let wait = |headers: &[(&str, &str)]| match refused(429, headers, "{}").kind {
            VendorErrorKind::RateLimited { retry_after } => retry_after.map(|wait| wait.as_secs()),
            other => panic!("{other:?}"),
        };
        assert_eq!(wait(&[("retry-after", "7")]), Some(7));
        assert_eq!(wait(&[("x-ratelimit-reset", "1796000090")]), Some(90));
        assert_eq!(wait(&[("x-ratelimit-reset", "1795999999")]), Some(0));
        let both = [("retry-after", "5"), ("x-ratelimit-reset", "1796000090")];
        assert_eq!(wait(&both), Some(5));
        assert_eq!(wait(&[("x-ratelimit-reset", "soon")]), None);
        assert_eq!(wait(&[]), None);
    }
}
