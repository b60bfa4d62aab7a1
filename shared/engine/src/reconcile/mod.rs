//! Reconciliation (design section 6): what missed webhooks, outages and edits behind the system's back have left.

mod start;

pub use self::start::{RunRequest, RunScope, RunStarter, Started};
