#![doc = include_str!("../README.md")]

mod audit;
mod conflict;
mod dead_letter;
mod external;
mod field;
mod id;
mod incident;
mod integration;
mod link;
mod mapping;
mod nesting;
mod note;
mod run;
mod secret;
mod value;

pub use audit::{AuditChange, AuditEntry, Audited};
pub use conflict::{
    AgreedValues, ChangeTime, Conflict, ConflictStatus, HeldValue, Resolution, Review, Settlement,
    TimeSource, Verdict,
};
pub use dead_letter::{DeadLetterStatus, FailureReason, TaskKind};
pub use external::{ExternalRecord, Observed, RecordVersion, Writability};
pub use field::{Field, InvalidField, InvalidValue};
pub use id::{
    ActorId, AuditId, ConflictId, DeadLetterId, DeliveryId, ExternalId, IdempotencyKey, IncidentId,
    IntegrationId, InvalidId, NoteId, OrganizationId, RunId,
};
pub use incident::{FieldState, Incident, Origin, Priority, Severity, Status};
pub use integration::{
    Activity, ConflictStrategy, Direction, Integration, IntegrationType, Mode, Ownable, Owner,
    Ownership, OwnershipRules, UnknownWord,
};
pub use link::{
    BasePair, ClaimOutcome, FieldOutcome, Flips, Link, LinkState, NoteProgress, Notice, NoticeKind,
    Side,
};
pub use mapping::{FieldMaps, Mappings, Otherwise, Triggers, ValueTable};
pub use nesting::{DEEPEST_JSON, nests_deeper_than};
pub use note::{ExternalNote, InvalidNoteKey, Note, NoteCopy, NoteKey, NoteKind, NoteSource};
pub use run::{
    BaseValues, Brake, DriftItem, DriftKind, Interval, InvalidInterval, ItemResult, Phase, Place,
    ProposedAction, Purpose, Reconciliation, Run, RunCounts, RunLease, RunStatus, Schedule,
    StartedBy,
};
pub use secret::Secret;
pub use value::{Digest, ExternalValue, PlatformValue, Value};
