//! What can go wrong in the engine, and whether waiting helps.

use std::collections::{BTreeMap, BTreeSet};

use im_model::{ExternalId, FailureReason, IntegrationId, Ownable, RecordVersion, Severity};
use im_vendors::{VendorError, VendorErrorKind};
use jiff::{SignedDuration, Timestamp};

/// A store, queue or vault that failed: what was tried, on what, and what came back.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{tried} {on}: {detail}")]
pub struct StoreError {
    /// What was tried.
    pub tried: &'static str,
    /// On what.
    pub on: String,
    /// What came back. Never a credential.
    pub detail: String,
}

/// Why one link was not synced.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SyncError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The vendor failed.
    #[error(transparent)]
    Vendor(#[from] VendorError),
    /// Somebody else works on the link. Not a failure: the hint is queued again.
    #[error("another worker holds the link until {until}")]
    Busy {
        /// When its lease ends at the latest.
        until: Timestamp,
    },
    /// The vendor answered with an older record than was announced. Not a failure at first.
    #[error(
        "{external_id} was read at version {}, but version {} is known to exist", read.0, known.0
    )]
    Stale {
        /// Which record.
        external_id: ExternalId,
        /// What was read.
        read: RecordVersion,
        /// What is known to exist.
        known: RecordVersion,
    },
    /// The record was announced or created a moment ago, and the vendor does not show it. Not a failure at first.
    #[error("{external_id} is not there (yet)")]
    NotThere {
        /// Which record.
        external_id: ExternalId,
    },
    /// Some fields or notes can never be synced as they are; the others were.
    #[error("not synced for good: {}", list(.0))]
    Fields(BTreeMap<Ownable, String>),
    /// The integration cannot work as it is configured.
    #[error("integration {integration} cannot work: {detail}")]
    Misconfigured {
        /// Which.
        integration: IntegrationId,
        /// Why.
        detail: String,
    },
    /// Two external records for one incident, or one that says it belongs to an incident that has another.
    #[error("{detail}")]
    Duplicate {
        /// Which records, and what to do.
        detail: String,
    },
    /// The vendor has failed too often in a row: it was not called. A failed attempt all the same.
    #[error("not tried: the vendor has failed again and again ({why}); next trial at {until}")]
    CircuitOpen {
        /// When the next job is let through.
        until: Timestamp,
        /// What went wrong last, without any word of the vendor's.
        why: String,
    },
    /// Others come first, or all have to wait: the vendor's budget or the operator's limit is short. Never a failure.
    #[error("a job of {severity} waits for the vendor's budget until {until}")]
    Throttled {
        /// When there is a new budget.
        until: Timestamp,
        /// How severe the job's incident is.
        severity: Severity,
    },
    /// A value was refused before, and no dead letter says so yet: either it is on its way, or who met it died. Not a
    /// failure at first.
    #[error("no dead letter says yet that {0} was refused")]
    Unlisted(Ownable),
    /// Others were faster too many times in a row.
    #[error("lost {0} races in a row")]
    TooManyRaces(u32),
}

fn list(fields: &BTreeMap<Ownable, String>) -> String {
    let words: Vec<_> = fields
        .iter()
        .map(|(field, why)| format!("{field}: {why}"))
        .collect();
    words.join("; ")
}

impl SyncError {
    /// The error without any value of a field or word of the vendor's: for logs and for what a delivery came to. The
    /// whole of it goes with the job.
    pub fn summary(&self) -> String {
        match self {
            Self::Fields(fields) => {
                let names: Vec<_> = fields.keys().map(ToString::to_string).collect();
                format!("not synced for good: {}", names.join(", "))
            }
            Self::Vendor(error) => {
                let bare = VendorError {
                    detail: String::new(),
                    ..error.clone()
                };
                bare.to_string()
            }
            other => other.to_string(),
        }
    }

    /// True if waiting cannot help (design section 5): straight to the dead letters.
    pub fn is_permanent(&self) -> bool {
        match self {
            Self::Vendor(error) => error.is_permanent(),
            Self::Fields(_) | Self::Misconfigured { .. } | Self::Duplicate { .. } => true,
            Self::Store(_)
            | Self::Busy { .. }
            | Self::Stale { .. }
            | Self::NotThere { .. }
            | Self::CircuitOpen { .. }
            | Self::Throttled { .. }
            | Self::Unlisted(_)
            | Self::TooManyRaces(_) => false,
        }
    }

    /// What kind of failure it is.
    pub fn reason(&self) -> FailureReason {
        match self {
            Self::Vendor(error) => match error.kind {
                VendorErrorKind::Unauthorized => FailureReason::Unauthorized,
                VendorErrorKind::RateLimited { .. } => FailureReason::Throttled,
                VendorErrorKind::Redirected { .. } if error.is_permanent() => {
                    FailureReason::Refused
                }
                VendorErrorKind::Unavailable { .. }
                | VendorErrorKind::Timeout
                | VendorErrorKind::Unreachable
                | VendorErrorKind::Redirected { .. }
                | VendorErrorKind::Garbage => FailureReason::Unavailable,
                VendorErrorKind::Forbidden
                | VendorErrorKind::OutOfReach
                | VendorErrorKind::NotFound
                | VendorErrorKind::Refused { .. }
                | VendorErrorKind::Unsendable { .. } => FailureReason::Refused,
            },
            // The vendor does not show what it announced: so do replicas that lag behind for long.
            Self::Stale { .. } | Self::NotThere { .. } | Self::CircuitOpen { .. } => {
                FailureReason::Unavailable
            }
            Self::Throttled { .. } => FailureReason::Throttled,
            Self::Fields(_) | Self::Misconfigured { .. } | Self::Duplicate { .. } => {
                FailureReason::Refused
            }
            Self::Store(_) | Self::Busy { .. } | Self::Unlisted(_) | Self::TooManyRaces(_) => {
                FailureReason::Internal
            }
        }
    }

    /// The fields and lists of notes that it is about.
    pub fn fields(&self) -> BTreeSet<Ownable> {
        match self {
            Self::Fields(fields) => fields.keys().cloned().collect(),
            _ => BTreeSet::new(),
        }
    }

    /// True if this is no failed attempt: the hint only has to wait a moment.
    pub fn only_has_to_wait(&self) -> bool {
        matches!(
            self,
            Self::Busy { .. }
                | Self::Stale { .. }
                | Self::NotThere { .. }
                | Self::Unlisted(_)
                | Self::TooManyRaces(_)
        )
    }

    /// Before when another attempt is of no use.
    pub fn not_before(&self) -> Option<Timestamp> {
        match self {
            Self::CircuitOpen { until, .. } | Self::Throttled { until, .. } => Some(*until),
            _ => None,
        }
    }

    /// How long the vendor asks us to wait.
    pub fn retry_after(&self) -> Option<SignedDuration> {
        match self {
            Self::Vendor(VendorError {
                kind: VendorErrorKind::RateLimited { retry_after },
                ..
            }) => *retry_after,
            _ => None,
        }
    }
}
