#![doc = include_str!("../README.md")]

mod clock;
mod data_folder;
mod database;
mod embedded;
pub mod events;
mod function;
mod gateway;
pub mod in_process;
mod kept_secrets;
pub mod mapping;
mod open_work;
mod poller;
pub mod private_file;
mod system;

pub use clock::ScaledClock;
pub use data_folder::DataFolder;
pub use embedded::{Embedded, Queues};
pub use function::Function;
pub use gateway::{Gateway, serve_http};
pub use im_api::Policy;
pub use in_process::{InProcess, QueueService, TableService};
pub use open_work::OpenWork;
pub use poller::{QueuePoller, StreamPoller};
pub use system::{LocalSettings, LocalSystem, Mappings, Unannounced};
