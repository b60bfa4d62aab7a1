#![doc = include_str!("../README.md")]

#[cfg(feature = "announcer")]
mod announcer;
#[cfg(any(feature = "api", feature = "webhook"))]
mod answer;
#[cfg(feature = "api")]
mod api_key;
pub mod aws;
#[cfg(feature = "sync")]
mod batch;
mod clock;
#[cfg(feature = "dead-letter")]
mod dead_letter;
#[cfg(feature = "vendors")]
mod egress;
mod functions;
mod http1;
#[cfg(feature = "streams")]
mod item_failures;
mod log_line;
pub mod metrics;
#[cfg(feature = "api")]
mod policy_files;
#[cfg(feature = "queues")]
mod queue;
#[cfg(feature = "reconciler")]
mod reconciler;
mod roots;
#[cfg(feature = "runs")]
mod run_queue;
mod settings;
#[cfg(feature = "streams")]
mod source;
#[cfg(feature = "dead-letter")]
mod stream;
pub mod telemetry;
#[cfg(feature = "api")]
mod token_issuer;
pub mod trace;
#[cfg(feature = "vendors")]
mod transport;
#[cfg(feature = "secrets")]
mod vault;
#[cfg(feature = "webhook")]
mod webhook;

#[cfg(feature = "announcer")]
pub use announcer::EventBridgeAnnouncer;
#[cfg(feature = "api")]
pub use api_key::KeyInVault;
#[cfg(feature = "sync")]
pub use batch::BatchFunction;
pub use clock::{RandomIds, SystemClock};
#[cfg(feature = "dead-letter")]
pub use dead_letter::DeadLetterFunction;
#[cfg(feature = "vendors")]
pub use egress::{Lookup, SystemLookup};
pub use functions::*;
pub use im_model::IntegrationType;
pub use im_vendors::Reach;
pub use mimalloc::MiMalloc as Allocator;
#[cfg(feature = "api")]
pub use policy_files::{PolicyFolderError, policy_from};
#[cfg(feature = "queues")]
pub use queue::{SqsJobQueue, SqsQueue};
#[cfg(feature = "reconciler")]
pub use reconciler::{NoTick, ReconcilerFunction};
#[cfg(feature = "runs")]
pub use run_queue::SqsRunQueue;
pub use settings::{MissingSetting, Settings};
#[cfg(feature = "streams")]
pub use source::Source;
#[cfg(feature = "dead-letter")]
pub use stream::{DynamoStreams, StreamReader, StreamStretch};
#[cfg(feature = "vendors")]
pub use transport::{HttpTransport, NoTransport};
#[cfg(feature = "secrets")]
pub use vault::SecretsManagerVault;
#[cfg(feature = "webhook")]
pub use webhook::WebhookFunction;
