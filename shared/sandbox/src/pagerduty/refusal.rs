//! How the vendor says no.

use http::StatusCode;
use serde_json::{Value, json};

/// An error answer: status, the vendor's code and its words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{status} {code} {message} {errors:?}")]
pub struct Refusal {
    /// The HTTP status.
    pub status: StatusCode,
    /// The vendor's code.
    pub code: u32,
    /// Its message.
    pub message: &'static str,
    /// The details.
    pub errors: Vec<String>,
}

impl Refusal {
    fn new(status: StatusCode, code: u32, message: &'static str, errors: Vec<String>) -> Self {
        Self {
            status,
            code,
            message,
            errors,
        }
    }

    pub(crate) fn invalid(detail: impl Into<String>) -> Self {
        let detail = vec![detail.into()];
        Self::new(
            StatusCode::BAD_REQUEST,
            2001,
            "Invalid Input Provided",
            detail,
        )
    }

    pub(crate) fn already_resolved() -> Self {
        let detail = vec!["Incident Already Resolved".to_owned()];
        Self::new(
            StatusCode::BAD_REQUEST,
            1001,
            "Incident Already Resolved",
            detail,
        )
    }

    pub(crate) fn no_from() -> Self {
        let detail = vec!["From header is required".to_owned()];
        Self::new(StatusCode::BAD_REQUEST, 2016, "Invalid From Header", detail)
    }

    pub(crate) fn unknown_requester() -> Self {
        let detail = vec!["Requester User Not Found".to_owned()];
        Self::new(
            StatusCode::BAD_REQUEST,
            1008,
            "Requester User Not Found",
            detail,
        )
    }

    pub(crate) fn unauthorized() -> Self {
        let detail = vec!["Invalid or missing API key".to_owned()];
        Self::new(StatusCode::UNAUTHORIZED, 2006, "Unauthorized", detail)
    }

    pub(crate) fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, 2100, "Not Found", Vec::new())
    }

    pub(crate) fn too_many() -> Self {
        let detail = vec!["Rate limit exceeded".to_owned()];
        Self::new(
            StatusCode::TOO_MANY_REQUESTS,
            2020,
            "Rate Limit Exceeded",
            detail,
        )
    }

    /// The same, saying inside what.
    pub(crate) fn within(mut self, name: &str) -> Self {
        for error in &mut self.errors {
            *error = format!("{name}: {error}");
        }
        self
    }

    pub(crate) fn to_json(&self) -> Value {
        let mut error = json!({"message": self.message, "code": self.code});
        if !self.errors.is_empty() {
            error["errors"] = json!(self.errors);
        }
        json!({ "error": error })
    }
}
