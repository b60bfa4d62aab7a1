//! Words for what became of jobs that did not succeed.

use crate::incident::words;

words! {
    /// What kind of failure ended a job.
    FailureReason {
        /// The vendor did not answer, or not as it should: it comes back by itself.
        Unavailable = "unavailable",
        /// The vendor asked for more time than the attempts had.
        Throttled = "throttled",
        /// The vendor, a map or the configuration refuses it: somebody has to change something.
        Refused = "refused",
        /// The credentials are refused.
        Unauthorized = "unauthorized",
        /// Its function did not survive it.
        Crashed = "crashed",
        /// Something of our own failed: the store, the queue.
        Internal = "internal",
    }
}

impl FailureReason {
    /// True if it may be over when the vendor answers again: such a job is tried again by itself.
    pub fn passes(self) -> bool {
        matches!(self, Self::Unavailable | Self::Throttled | Self::Internal)
    }
}

words! {
    /// What became of a dead letter.
    DeadLetterStatus {
        /// It waits for somebody.
        Open = "open",
        /// A retry of it is under way.
        Retrying = "retrying",
        /// Its link was synced since.
        Resolved = "resolved",
        /// Somebody gave it up.
        Discarded = "discarded",
    }
}

words! {
    /// What the minute tick does for an integration.
    TaskKind {
        /// Everything that is open is brought again: the integration works again after it did not.
        CatchUp = "CATCHUP",
        /// Find out whether the vendor answers again, and if so, retry what is dead for it.
        Probe = "PROBE",
        /// Look whether a reconciliation run still moves.
        Run = "RUN",
        /// Start the reconciliation that is due.
        Schedule = "SCHEDULE",
        /// Take in what changed at a vendor that sends no webhooks.
        Poll = "POLL",
        /// Tell its figures to whoever watches, every minute.
        Measure = "MEASURE",
    }
}

impl DeadLetterStatus {
    /// Is there still something to be done?
    pub fn is_unsettled(self) -> bool {
        matches!(self, Self::Open | Self::Retrying)
    }
}
