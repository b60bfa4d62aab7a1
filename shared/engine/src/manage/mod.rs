//! The management use cases: what people and programs do through the API.

mod audits;
mod checks;
mod conflicts;
mod dead_letters;
mod deliveries;
mod history;
mod incidents;
mod integrations;
mod links;
mod notes;
mod preview;
mod problem;
mod reconciliations;
mod removal;
mod rules;
mod sync_status;
mod triggers;
mod vendor_access;
mod vendor_rules;
mod win;

pub use audits::Audits;
pub use checks::{Checks, webhook_url};
pub use conflicts::{ConflictFilter, Conflicts};
pub use dead_letters::{DeadLetterFilter, DeadLetters, ManySettled, NotSettled};
pub use deliveries::Deliveries;
pub use history::{Chain, Ending, Explanation, FieldStep, Happening, Histories, TimelineEntry};
pub use im_sync::prove::{Finding, FindingKind, Level, Verdict};
pub use incidents::{Incidents, Permit};
pub use integrations::{
    BrakeChange, IntegrationChange, Integrations, NewIntegration, RequestLimit,
};
pub use links::Links;
pub(crate) use links::ignored_by;
pub use notes::NoteDraft;
pub use preview::{Preview, PreviewAction, Previewed, PreviewedField, Previews};
pub use problem::{FieldProblem, ManageError};
pub use reconciliations::{NewSchedule, Reconciliations};
pub use removal::{Removal, Removed};
pub use rules::{
    ChangedRules, CheckReport, FieldOwnership, Flows, MappingsDocument, NewMappings, NewOwnership,
    RuleChange, Rules,
};
pub use sync_status::{SyncState, SyncStatus, SyncStatuses};
pub use triggers::{Tried, TriggerTest, TriggerTests};
pub use vendor_access::{KnownRules, VendorAccess};
