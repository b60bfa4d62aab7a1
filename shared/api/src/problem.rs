//! Refusals as `application/problem+json` (RFC 9457).

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use http::{HeaderName, HeaderValue, StatusCode, header};
use im_engine::{
    StoreError,
    manage::{FieldProblem, ManageError},
};
use serde::Serialize;

/// Why a request is refused, as the caller reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    status: StatusCode,
    kind: &'static str,
    detail: String,
    errors: Vec<FieldProblem>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

#[derive(Serialize)]
struct Document<'a> {
    r#type: String,
    title: &'a str,
    status: u16,
    detail: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<Entry<'a>>,
}

#[derive(Serialize)]
struct Entry<'a> {
    field: &'a str,
    problem: &'a str,
}

impl Problem {
    /// What a problem document is sent as.
    pub const CONTENT_TYPE: &'static str = "application/problem+json";

    /// A body of nothing but bad fields must not be answered with one that is many times larger.
    const MOST_ERRORS: usize = 200;

    const RETRY_AFTER_SECONDS: &'static str = "5";

    fn new(status: StatusCode, kind: &'static str, detail: impl Into<String>) -> Self {
        Self {
            status,
            kind,
            detail: detail.into(),
            errors: Vec::new(),
            headers: Vec::new(),
        }
    }

    fn with_header(mut self, name: HeaderName, value: &'static str) -> Self {
        self.headers.push((name, HeaderValue::from_static(value)));
        self
    }

    /// 400: it cannot be read.
    pub(crate) fn malformed(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "malformed-request", detail)
    }

    /// 422: it can be read, and these fields are not as they must be.
    pub(crate) fn invalid(mut errors: Vec<FieldProblem>) -> Self {
        let detail = match errors.len() {
            1 => "One field is not valid; nothing was changed.".to_owned(),
            n if n > Self::MOST_ERRORS => {
                let listed = Self::MOST_ERRORS;
                format!(
                    "{n} fields are not valid, of which {listed} are listed; nothing was changed."
                )
            }
            n => format!("{n} fields are not valid; nothing was changed."),
        };
        errors.truncate(Self::MOST_ERRORS);
        let problem = Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid-fields", detail);
        Self { errors, ..problem }
    }

    /// 401: nobody knows who asks.
    pub(crate) fn no_token() -> Self {
        let detail = "Send a token: Authorization: Bearer <JWT>.";
        Self::new(StatusCode::UNAUTHORIZED, "unauthenticated", detail)
            .with_header(header::WWW_AUTHENTICATE, "Bearer")
    }

    /// 401: the same answer whatever is wrong with the token, so that nothing can be learnt from it.
    pub(crate) fn bad_token() -> Self {
        let detail = "The token is not valid, or not any more. Get a new one.";
        Self::new(StatusCode::UNAUTHORIZED, "unauthenticated", detail)
            .with_header(header::WWW_AUTHENTICATE, "Bearer error=\"invalid_token\"")
    }

    /// 403: the caller is known and may not.
    pub(crate) fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", detail)
    }

    /// 404: there is no such thing.
    pub(crate) fn not_found(what: impl std::fmt::Display) -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "not-found",
            format!("{what} does not exist"),
        )
    }

    /// 405. The router adds `Allow`.
    pub(crate) fn method_not_allowed(method: &http::Method, path: &str) -> Self {
        let detail = format!("{path} does not answer {method}; see the header Allow");
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", detail)
    }

    /// 413: the body is too large.
    pub(crate) fn too_large(most: usize) -> Self {
        let detail = format!("The body may have at most {most} bytes.");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", detail)
    }

    /// 415: the body is not JSON.
    pub(crate) fn unsupported_media_type(detail: impl Into<String>) -> Self {
        Self::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported-media-type",
            detail,
        )
    }

    /// 503: a part of ours does not answer. What it said is for the log, not for the caller.
    pub(crate) fn unavailable(error: &StoreError) -> Self {
        tracing::error!(tried = error.tried, on = %error.on, detail = %error.detail, "unavailable");
        let detail = "A part of the platform does not answer. Try again in a moment.";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", detail)
            .with_header(header::RETRY_AFTER, Self::RETRY_AFTER_SECONDS)
    }

    /// What a use case refused; `conditional` if the caller sent `If-Match`.
    pub(crate) fn refused(error: ManageError, conditional: bool) -> Self {
        let text = error.to_string();
        match error {
            ManageError::Invalid(errors) => Self::invalid(errors),
            ManageError::Forbidden(why) => Self::forbidden(why),
            ManageError::NotFound(what) => Self::not_found(what),
            ManageError::Exists(_) => Self::new(StatusCode::CONFLICT, "exists", text),
            ManageError::Changed(_) if conditional => {
                Self::new(StatusCode::PRECONDITION_FAILED, "changed", text)
            }
            ManageError::Changed(_) => Self::new(StatusCode::CONFLICT, "changed", text),
            ManageError::Conflict(_) => Self::new(StatusCode::CONFLICT, "conflict", text),
            ManageError::Vendor(_) => Self::new(StatusCode::BAD_GATEWAY, "vendor-failed", text),
            ManageError::Store(error) => Self::unavailable(&error),
        }
    }

    /// The fields that are named.
    #[cfg(test)]
    pub(crate) fn errors(&self) -> Vec<(&str, &str)> {
        self.errors
            .iter()
            .map(|e| (e.field.as_str(), e.problem.as_str()))
            .collect()
    }

    /// The status.
    #[cfg(test)]
    pub(crate) fn status(&self) -> u16 {
        self.status.as_u16()
    }

    /// The words.
    #[cfg(test)]
    pub(crate) fn detail(&self) -> &str {
        &self.detail
    }

    fn title(&self) -> &'static str {
        match self.kind {
            "malformed-request" => "The request cannot be read",
            "invalid-fields" => "Fields are not valid",
            "unauthenticated" => "Who are you?",
            "forbidden" => "Not allowed",
            "not-found" => "Not found",
            "exists" => "It exists already",
            "changed" => "It was changed meanwhile",
            "conflict" => "Not as things are now",
            "vendor-failed" => "The external system failed",
            "too-large" => "Too large",
            "unsupported-media-type" => "Only JSON is accepted",
            "unavailable" => "Unavailable for now",
            _ => self.status.canonical_reason().unwrap_or("Refused"),
        }
    }
}

impl From<ManageError> for Problem {
    fn from(error: ManageError) -> Self {
        Self::refused(error, false)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let entries = self.errors.iter();
        let document = Document {
            r#type: format!("urn:problem-type:im:{}", self.kind),
            title: self.title(),
            status: self.status.as_u16(),
            detail: &self.detail,
            errors: entries
                .map(|e| Entry {
                    field: &e.field,
                    problem: &e.problem,
                })
                .collect(),
        };
        let body = serde_json::to_vec(&document).unwrap_or_default();
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static(Self::CONTENT_TYPE),
        );
        headers.extend(self.headers);
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_store_said_stays_inside() {
        let error = StoreError {
            tried: "GetItem",
            on: "sync-table INC#1".to_owned(),
            detail: "ResourceNotFound arn:aws:dynamodb".to_owned(),
        };
        let problem = Problem::from(ManageError::Store(error));
        assert_eq!(problem.status(), 503);
        for inside in ["GetItem", "sync-table", "arn:aws"] {
            assert!(!problem.detail().contains(inside));
        }
        assert_eq!(problem.into_response().headers()["retry-after"], "5");
    }

    #[test]
    fn a_lost_race_is_a_conflict_unless_the_caller_named_a_revision() {
        let status = |conditional| {
            Problem::refused(ManageError::Changed("incident 1".into()), conditional).status()
        };
        assert_eq!((status(false), status(true)), (409, 412));
    }

    #[test]
    fn the_list_of_errors_is_bounded_and_says_so() {
        let errors = (0..5000)
            .map(|n| FieldProblem::new(n.to_string(), "unknown"))
            .collect();
        let problem = Problem::invalid(errors);
        assert_eq!(problem.errors.len(), Problem::MOST_ERRORS);
        assert!(
            problem
                .detail()
                .starts_with("5000 fields are not valid, of which 200 are listed")
        );
    }
}
