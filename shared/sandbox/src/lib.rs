#![doc = include_str!("../README.md")]

pub mod clock;
pub mod edge;
pub mod fault;
pub mod journal;
#[cfg(feature = "openapi")]
pub mod openapi;
mod outbox;
pub mod pagerduty;
mod rate_limit;
mod seed;
pub mod webhook_delivery;

pub use clock::{Clock, ManualClock, SystemClock};
pub use edge::Answer;
pub use fault::{Fault, FaultRule};
pub use journal::RecordedRequest;
#[cfg(feature = "openapi")]
pub use openapi::OpenApi;
pub use pagerduty::{PagerDuty, PagerDutyConfig};
pub use webhook_delivery::{RetryPolicy, WebhookDelivery};
