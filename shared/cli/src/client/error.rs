//! Why there is no answer, or not the one that was hoped for.

use reqwest::StatusCode;
use serde::Deserialize;

use super::TOTAL_TIMEOUT;

/// What an error answer says (RFC 9457).
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Problem {
    /// What kind of problem.
    pub title: String,
    /// What about it.
    pub detail: String,
    /// Every field that is not as it must be.
    pub errors: Vec<FieldProblem>,
}

/// One field that is not as it must be.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct FieldProblem {
    /// Its name.
    pub field: String,
    /// What it must be.
    pub problem: String,
}

/// Why there is no answer. None of it holds a credential.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Nobody answers at the endpoint.
    #[error("cannot reach {endpoint}: {cause}")]
    Unreachable {
        /// The address.
        endpoint: String,
        /// In words.
        cause: String,
    },
    /// It was asked and did not answer in time.
    #[error("{endpoint} did not answer within {} s", TOTAL_TIMEOUT.as_secs())]
    TimedOut {
        /// The address.
        endpoint: String,
    },
    /// It answered with an error.
    #[error("{}", refusal(problem))]
    Refused {
        /// HTTP's status.
        status: StatusCode,
        /// What it says about it.
        problem: Problem,
        /// Whether a token was sent.
        with_token: bool,
    },
    /// It answered with something else than the API's JSON.
    #[error("{endpoint} answered {status}, but {what}")]
    Unreadable {
        /// The address.
        endpoint: String,
        /// HTTP's status.
        status: StatusCode,
        /// What is wrong with the answer.
        what: String,
    },
    /// The request cannot be made.
    #[error("{0}")]
    Setup(String),
}

impl ClientError {
    /// Is it that the caller may not?
    pub fn is_forbidden(&self) -> bool {
        matches!(self, Self::Refused { status, .. } if *status == StatusCode::FORBIDDEN)
    }

    /// Is it that the thing does not exist?
    pub fn is_not_found(&self) -> bool {
        matches!(
            self,
            Self::Refused {
                status: StatusCode::NOT_FOUND,
                ..
            }
        )
    }

    /// `field: problem` for every field that the answer names.
    pub fn field_problems(&self) -> Vec<String> {
        let Self::Refused { problem, .. } = self else {
            return Vec::new();
        };
        problem
            .errors
            .iter()
            .map(|error| format!("{}: {}", error.field, error.problem))
            .collect()
    }
}

fn refusal(problem: &Problem) -> String {
    match problem.detail.as_str() {
        "" => problem.title.clone(),
        detail if problem.title.ends_with(['?', '.', '!']) => format!("{} {detail}", problem.title),
        detail => format!("{}: {detail}", problem.title),
    }
}
