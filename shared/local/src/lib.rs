#![doc = include_str!("../README.md")]

mod clock;
mod embedded;
pub mod events;
mod gateway;
mod kept_secrets;
mod open_work;
mod poller;
pub mod private_file;
mod system;

pub use clock::ScaledClock;
pub use embedded::{Embedded, Queues};
pub use gateway::{Gateway, serve_http};
pub use open_work::OpenWork;
pub use poller::{QueuePoller, StreamPoller};
pub use system::{LocalSettings, LocalSystem, Mappings};
