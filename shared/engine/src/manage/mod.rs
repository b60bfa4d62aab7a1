//! The management use cases: what people and programs do through the API.

mod checks;
mod deliveries;
mod incidents;
mod integrations;
mod links;
mod notes;
mod problem;
mod removal;
mod rules;
mod vendor_access;

pub use checks::{Checks, webhook_url};
pub use deliveries::Deliveries;
pub use im_sync::prove::{Finding, FindingKind, Level, Verdict};
pub use incidents::Incidents;
pub use integrations::{IntegrationChange, Integrations, NewIntegration};
pub use links::Links;
pub use problem::{FieldProblem, ManageError};
pub use removal::{Removal, Removed};
pub use rules::{
    ChangedRules, CheckReport, FieldOwnership, Flows, MappingsDocument, NewMappings, NewOwnership,
    RuleChange, Rules,
};
pub use vendor_access::{KnownRules, VendorAccess};
