//! How the vendor says no.

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response, StatusCode};
use serde_json::json;

use super::columns;
use crate::edge::json_response;
use crate::rate_limit::Standing;

/// An error answer: status, the vendor's message and its detail.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{status} {message}: {}", detail.as_deref().unwrap_or("no detail"))]
pub struct Refusal {
    /// The HTTP status.
    pub status: StatusCode,
    /// The vendor's message.
    pub message: String,
    /// The detail, null without one.
    pub detail: Option<String>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl Refusal {
    fn new(status: StatusCode, message: impl Into<String>, detail: Option<&str>) -> Self {
        Self {
            status,
            message: message.into(),
            detail: detail.map(str::to_owned),
            headers: Vec::new(),
        }
    }

    pub(crate) fn invalid(message: impl Into<String>, detail: Option<&str>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message, detail)
    }

    pub(crate) fn unauthenticated() -> Self {
        let detail = "Required to provide Auth information";
        let status = StatusCode::UNAUTHORIZED;
        let mut refusal = Self::new(status, "User Not Authenticated", Some(detail));
        refusal.headers.push((
            http::header::WWW_AUTHENTICATE,
            HeaderValue::from_static("BASIC realm=\"Service-now\""),
        ));
        refusal
    }

    /// A table that may not be read.
    pub(crate) fn unreadable() -> Self {
        let detail = "Failed API level ACL Validation";
        Self::new(StatusCode::FORBIDDEN, "User Not Authorized", Some(detail))
    }

    /// A write that the access rules forbid; `operation` is `Insert`, `Update` or `Delete`.
    pub(crate) fn unwritable(operation: &str) -> Self {
        let detail = format!("ACL Exception {operation} Failed due to security constraints");
        Self::new(StatusCode::FORBIDDEN, "Operation Failed", Some(&detail))
    }

    /// A data policy's refusal of empty columns.
    pub(crate) fn mandatory(missing: &[&str]) -> Self {
        let labels: Vec<_> = missing.iter().map(|name| columns::label(name)).collect();
        let detail = format!(
            "Data Policy Exception: The following fields are mandatory: {}",
            labels.join(", ")
        );
        Self::new(StatusCode::FORBIDDEN, "Operation Failed", Some(&detail))
    }

    pub(crate) fn no_record() -> Self {
        let detail = "Record doesn't exist or ACL restricts the record retrieval";
        Self::new(StatusCode::NOT_FOUND, "No Record found", Some(detail))
    }

    pub(crate) fn no_resource() -> Self {
        Self::invalid("Requested URI does not represent any resource", None)
    }

    pub(crate) fn unsupported_media_type() -> Self {
        let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
        Self::new(status, "Unsupported media type", None)
    }

    pub(crate) fn not_acceptable() -> Self {
        Self::new(StatusCode::NOT_ACCEPTABLE, "Not acceptable", None)
    }

    pub(crate) fn too_many(standing: Standing, now: jiff::Timestamp, rule: &str) -> Self {
        let detail = "Request rejected by the rate limit rule";
        let status = StatusCode::TOO_MANY_REQUESTS;
        let mut refusal = Self::new(status, "Rate limit exceeded", Some(detail));
        let reset = now.as_second() + standing.reset_seconds;
        let rule = HeaderValue::from_str(rule);
        refusal.headers = vec![
            (http::header::RETRY_AFTER, standing.reset_seconds.into()),
            (
                HeaderName::from_static("x-ratelimit-limit"),
                standing.limit.into(),
            ),
            (HeaderName::from_static("x-ratelimit-reset"), reset.into()),
        ];
        let name = HeaderName::from_static("x-ratelimit-rule");
        refusal.headers.extend(rule.map(|rule| (name, rule)));
        refusal
    }

    pub(crate) fn into_response(self) -> Response<Bytes> {
        let error = json!({"message": self.message, "detail": self.detail});
        let body = json!({"error": error, "status": "failure"});
        let mut response = json_response(self.status, &body);
        response.headers_mut().extend(self.headers);
        response
    }
}
