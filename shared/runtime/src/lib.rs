#![doc = include_str!("../README.md")]

pub mod aws;
mod batch;
mod clock;
mod functions;
mod queue;
mod settings;
pub mod telemetry;
mod transport;
mod vault;
mod webhook;

pub use batch::{BatchFunction, Source};
pub use clock::{RandomIds, SystemClock};
pub use functions::webhook_function;
pub use functions::{
    Error, Ports, api, api_router, batch_function, dead_letter_recorder, inbound, outbound,
    sweeper, webhook,
};
pub use im_model::IntegrationType;
pub use queue::SqsQueue;
pub use settings::{MissingSetting, Settings};
pub use transport::HttpTransport;
pub use vault::{KeyInVault, SecretsManagerVault};
pub use webhook::WebhookFunction;
