#![doc = include_str!("../README.md")]

mod alias;
mod api;
mod budget;
mod cursor;
mod custom;
mod error;
mod exchange;
pub mod jira;
mod listing;
mod memory;
mod our_clock;
pub mod pagerduty;
mod pruned;
mod reach;
mod redact;
pub mod registry;
mod rules;
pub mod servicenow;
mod vendor_clock;
mod webhook;

pub use alias::ownable;
pub use api::{
    Check, CheckOutcome, Configuration, Connection, Credentials, Transport, TransportError,
    VendorApi, Written,
};
pub use budget::Budget;
pub use custom::{CustomField, custom_fields};
pub use error::{VendorError, VendorErrorKind};
pub use listing::{ListQuery, Listing};
pub use memory::Memory;
pub use reach::Reach;
pub use webhook::{
    Announced, Refusal, SelfTest, UnreadableEvent, UnverifiedDelivery, Verification,
    VerifiedDelivery, WebhookEvent, WebhookSource,
};
