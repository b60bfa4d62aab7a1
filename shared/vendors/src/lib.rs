#![doc = include_str!("../README.md")]

mod api;
mod error;
pub mod jira;
pub mod pagerduty;
pub mod registry;
mod webhook;

pub use api::{
    Configuration, Connection, Credentials, Transport, TransportError, VendorApi, Written,
};
pub use error::{VendorError, VendorErrorKind};
pub use webhook::{
    Announced, Refusal, UnreadableEvent, UnverifiedDelivery, VerifiedDelivery, WebhookEvent,
    WebhookSource,
};
