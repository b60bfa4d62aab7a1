#![doc = include_str!("../README.md")]
#![cfg_attr(
    not(feature = "vendors"),
    allow(dead_code, reason = "what is shared with those who call vendors")
)]

mod accept;
mod announcement;
mod audit;
mod cache;
mod commit;
mod dead_letter;
mod delivery_end;
mod error;
mod figures;
mod hint;
mod journal;
#[cfg(feature = "vendors")]
pub mod manage;
pub mod metrics;
mod outcome;
mod pace;
pub mod ports;
mod propagation;
#[cfg(feature = "vendors")]
mod reconcile;
mod retry;
#[cfg(feature = "vendors")]
mod runner;
mod suspect;
#[cfg(feature = "vendors")]
mod sweep;
#[cfg(feature = "vendors")]
mod sync;

pub use accept::{Accepted, DeliveryAcceptor, DeliveryRate, Keyring, Rejected};
pub use announcement::Announcement;
pub use cache::{CredentialCache, IntegrationCache};
pub use commit::{Commit, NoteCopied, NotesCommit};
pub use dead_letter::{DeadLetter, DeadLetterRecorder};
pub use delivery_end::DeliveryEnd;
pub use error::{StoreError, SyncError};
pub use figures::{
    AllWaiting, Counted, Counters, DeliveryCount, Measured, Waiting, WaitingByIntegration,
};
pub use hint::{Cause, Delivery, DeliveryKey, Hint, Job, ParseKeyError};
pub use journal::{
    Claim, Connect, CreationOrigin, EditOfIncident, JournalEntry, LinkByHand, NewIncident, NewNote,
    PlatformEdit, Reserve, Ruling, Unlink,
};
pub use outcome::{Outcome, Synced};
pub use pace::{CircuitState, OpenCircuit, Pace, lane::severity_of};
pub use propagation::{Latencies, Propagated};
#[cfg(feature = "vendors")]
pub use reconcile::{Reconciler, RunRequest, RunScope, RunStarter, Started};
pub use retry::{Disposition, FailedAttempt, RetryLadder, RetryMessage};
#[cfg(feature = "vendors")]
pub use runner::JobRunner;
pub use suspect::Suspect;
#[cfg(feature = "vendors")]
pub use sweep::{Places, SweepReport, Sweeper};
#[cfg(feature = "vendors")]
pub use sync::SyncEngine;
