#![doc = include_str!("../README.md")]

mod after_failure;
mod announcer;
pub mod aws;
mod batch;
mod clock;
mod dead_letter;
mod egress;
mod functions;
mod log_line;
pub mod metrics;
mod policy_files;
mod queue;
mod reconciler;
mod run_queue;
mod settings;
mod source;
mod stream;
pub mod telemetry;
mod token_issuer;
pub mod trace;
mod transport;
mod vault;
mod webhook;

pub use after_failure::{dead_letter, reconciler};
pub use announcer::EventBridgeAnnouncer;
pub use batch::BatchFunction;
pub use clock::{RandomIds, SystemClock};
pub use dead_letter::DeadLetterFunction;
pub use egress::{Lookup, SystemLookup};
pub use functions::webhook_function;
pub use functions::{
    ApiSettings, Error, Ports, api, api_router, batch_function, dead_letter_recorder, inbound,
    outbound, reconciler_of, run_starter, sweeper, webhook,
};
pub use im_model::IntegrationType;
pub use im_vendors::Reach;
pub use policy_files::{PolicyFolderError, policy_from};
pub use queue::{SqsJobQueue, SqsQueue};
pub use reconciler::{NoTick, ReconcilerFunction};
pub use run_queue::SqsRunQueue;
pub use settings::{MissingSetting, Settings};
pub use source::Source;
pub use stream::{DynamoStreams, StreamReader, StreamStretch};
pub use transport::HttpTransport;
pub use vault::{KeyInVault, SecretsManagerVault};
pub use webhook::WebhookFunction;
