#![doc = include_str!("../README.md")]

mod accept;
mod audit;
mod cache;
mod commit;
mod dead_letter;
mod delivery_end;
mod error;
mod figures;
mod hint;
mod journal;
pub mod manage;
pub mod metrics;
mod pace;
pub mod ports;
mod reconcile;
mod retry;
mod runner;
mod sweep;
mod sync;

pub use accept::{Accepted, DeliveryAcceptor, DeliveryRate, Keyring, Rejected};
pub use cache::{CredentialCache, IntegrationCache};
pub use commit::{Commit, NotesCommit};
pub use dead_letter::{DeadLetter, DeadLetterRecorder};
pub use delivery_end::DeliveryEnd;
pub use error::{StoreError, SyncError};
pub use figures::{Counted, Counters, DeliveryCount, Waiting};
pub use hint::{Cause, Delivery, DeliveryKey, Hint, Job, ParseKeyError};
pub use journal::{
    Claim, Connect, CreationOrigin, EditOfIncident, JournalEntry, LinkByHand, NewIncident, NewNote,
    PlatformEdit, Reserve, Ruling, Unlink,
};
pub use pace::{CircuitState, OpenCircuit, Pace, lane::severity_of};
pub use reconcile::{Reconciler, RunRequest, RunScope, RunStarter, Started, Suspect};
pub use retry::{Disposition, FailedAttempt, RetryLadder, RetryMessage};
pub use runner::JobRunner;
pub use sweep::{Places, SweepReport, Sweeper};
pub use sync::{Outcome, SyncEngine, Synced};
