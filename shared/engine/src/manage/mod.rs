//! The management use cases: what people and programs do through the API.

mod incidents;
mod integrations;
mod notes;
mod problem;

pub use incidents::Incidents;
pub use integrations::{IntegrationChange, Integrations, NewIntegration};
pub use problem::{FieldProblem, ManageError};
