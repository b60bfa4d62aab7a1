//! How Jira says no.

use std::collections::BTreeMap;

use http::StatusCode;
use serde_json::{Value, json};

/// An error answer: `{"errorMessages": […], "errors": {field: message}}`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{status} {messages:?} {errors:?}")]
pub struct Refusal {
    /// The HTTP status.
    pub status: StatusCode,
    /// What is wrong with the request as a whole.
    pub messages: Vec<String>,
    /// What is wrong with which field.
    pub errors: BTreeMap<String, String>,
}

impl Refusal {
    fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self {
            status,
            messages: vec![message.into()],
            errors: BTreeMap::new(),
        }
    }

    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    pub(crate) fn payload() -> Self {
        Self::invalid("Invalid request payload. Refer to the REST API documentation and try again.")
    }

    /// One field is wrong.
    pub(crate) fn field(field: &str, message: impl Into<String>) -> Self {
        Self::fields([(field.to_owned(), message.into())].into())
    }

    pub(crate) fn fields(errors: BTreeMap<String, String>) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            messages: Vec::new(),
            errors,
        }
    }

    pub(crate) fn unauthorized() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "Client must be authenticated to access this resource.",
        )
    }

    pub(crate) fn no_workflows() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "You do not have permission to read workflows.",
        )
    }

    pub(crate) fn not_found(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, message)
    }

    pub(crate) fn no_issue() -> Self {
        Self::not_found("Issue does not exist or you do not have permission to see it.")
    }

    pub(crate) fn no_comment(id: &str) -> Self {
        Self::not_found(format!("Can not find a comment for the id: {id}."))
    }

    pub(crate) fn unsupported_media_type() -> Self {
        Self::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "Content-Type must be application/json",
        )
    }

    pub(crate) fn too_many() -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, "Rate limit exceeded.")
    }

    pub(crate) fn to_json(&self) -> Value {
        json!({"errorMessages": self.messages, "errors": self.errors})
    }
}
