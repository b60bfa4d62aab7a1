#![doc = include_str!("../README.md")]

mod external;
mod field;
mod id;
mod incident;
mod integration;
mod link;
mod secret;
mod value;

pub use external::{ExternalRecord, Observed, RecordVersion, Writability};
pub use field::{Field, InvalidField, InvalidValue};
pub use id::{
    ActorId, DeliveryId, ExternalId, IdempotencyKey, IncidentId, IntegrationId, InvalidId,
    OrganizationId,
};
pub use incident::{FieldState, Incident, Origin, Priority, Severity, Status};
pub use integration::{
    Activity, ConflictStrategy, Direction, Integration, IntegrationType, Owner, Ownership,
    OwnershipRules, UnknownWord,
};
pub use link::{BasePair, Link, LinkState, Notice, NoticeKind, Side};
pub use secret::Secret;
pub use value::{Digest, ExternalValue, PlatformValue, Value};
