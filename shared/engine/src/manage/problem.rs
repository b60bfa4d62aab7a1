//! Refusals that name every bad field.

use crate::StoreError;

/// One field that is not as it must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldProblem {
    /// A JSON pointer's worth of a name, e.g. `severity` or `credentials.token`.
    pub field: String,
    /// What it must be.
    pub problem: String,
}

impl FieldProblem {
    /// A problem with a field.
    pub fn new(field: impl Into<String>, problem: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            problem: problem.into(),
        }
    }
}

/// Why a request was not carried out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ManageError {
    /// Fields are not as they must be. Nothing was changed.
    #[error("{} field(s) are not valid", .0.len())]
    Invalid(Vec<FieldProblem>),
    /// The caller may not: why, as the policy says it.
    #[error("{0}")]
    Forbidden(String),
    /// There is no such thing, or it belongs to somebody else.
    #[error("{0} does not exist")]
    NotFound(String),
    /// It exists already.
    #[error("{0} exists already")]
    Exists(String),
    /// It was changed since the caller read it.
    #[error("{0} was changed meanwhile; read it again")]
    Changed(String),
    /// It cannot be done as things are now: in words, with what to do.
    #[error("{0}")]
    Conflict(String),
    /// A vendor failed: in words.
    #[error("{0}")]
    Vendor(String),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}
