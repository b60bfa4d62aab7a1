#![doc = include_str!("../README.md")]

mod appended;
mod automation;
pub mod clock;
mod control;
pub mod durable;
pub mod edge;
pub mod fault;
mod held;
pub mod jira;
pub mod journal;
mod mac;
#[cfg(feature = "openapi")]
pub mod openapi;
mod outbox;
pub mod pagerduty;
mod parameters;
mod rate_limit;
mod seed;
pub mod servicenow;
pub mod stand_in;
mod surroundings;
mod versions;
pub mod webhook_delivery;

pub use clock::{Clock, ManualClock, SystemClock};
pub use edge::Answer;
pub use fault::{Fault, FaultRule};
pub use jira::{Jira, JiraConfig};
pub use journal::RecordedRequest;
#[cfg(feature = "openapi")]
pub use openapi::OpenApi;
pub use pagerduty::{PagerDuty, PagerDutyConfig};
pub use servicenow::{ServiceNow, ServiceNowConfig};
pub use stand_in::StandIn;
pub use surroundings::Surroundings;
pub use webhook_delivery::{RetryPolicy, WebhookDelivery};
