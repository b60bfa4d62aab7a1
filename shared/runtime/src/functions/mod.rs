//! The functions, put together from the environment: each with what its feature brings, and nothing else.

#[cfg(feature = "api")]
mod api;
#[cfg(feature = "dead-letter")]
mod dead_letter;
#[cfg(any(feature = "reconciler", feature = "sync"))]
mod engine;
#[cfg(feature = "vendors")]
mod ports;
#[cfg(feature = "reconciler")]
mod reconciler;
#[cfg(feature = "runs")]
mod runs;
#[cfg(feature = "sync")]
mod sync;
#[cfg(feature = "webhook")]
mod webhook;

#[cfg(feature = "api")]
pub use api::{ApiSettings, api, api_router};
#[cfg(feature = "dead-letter")]
pub use dead_letter::{dead_letter, dead_letter_recorder};
#[cfg(feature = "vendors")]
pub use ports::Ports;
#[cfg(feature = "reconciler")]
pub use reconciler::{reconciler, reconciler_of, sweeper};
#[cfg(feature = "runs")]
pub use runs::run_starter;
#[cfg(feature = "sync")]
pub use sync::{batch_function, inbound, outbound};
#[cfg(feature = "webhook")]
pub use webhook::{WebhookPorts, webhook, webhook_function};

/// Why a function could not start.
pub type Error = lambda_runtime::Error;
