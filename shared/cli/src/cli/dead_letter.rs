//! `im integration dlq …`

use clap::{ArgGroup, Args};
use im_model::{DeadLetterId, DeadLetterStatus, FailureReason, IncidentId};

use super::words;

#[derive(Args)]
pub struct ListDeadLetters {
    /// The integration's id or display name
    pub integration: String,
    /// Only those of this status [default: open and retrying]
    #[arg(long, value_parser = words(DeadLetterStatus::ALL, DeadLetterStatus::as_str))]
    pub status: Option<String>,
    #[command(flatten)]
    pub filter: DeadLetterFilter,
    /// How many at most (with --all: how many per request)
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub limit: Option<u32>,
    /// All of them, however many there are
    #[arg(long)]
    pub all: bool,
}

#[derive(Args)]
pub struct DeadLetterFilter {
    /// Only those that ended for this reason
    #[arg(long, value_parser = words(FailureReason::ALL, FailureReason::as_str))]
    pub reason: Option<String>,
    /// Only that of this incident
    #[arg(long)]
    pub incident: Option<IncidentId>,
}

#[derive(Args)]
#[command(group = ArgGroup::new("which").required(true).args(["entry", "all"]))]
pub struct WhichDeadLetters {
    /// The integration's id or display name
    pub integration: String,
    /// The dead letter, DLQ-…
    pub entry: Option<DeadLetterId>,
    /// All that are open, the most severe of each 50 first; those that are being tried again are left alone
    #[arg(long)]
    pub all: bool,
    /// With --all: only those that ended for this reason
    #[arg(long, conflicts_with = "entry", value_parser = words(FailureReason::ALL, FailureReason::as_str))]
    pub reason: Option<String>,
    /// With --all: only that of this incident
    #[arg(long, conflicts_with = "entry")]
    pub incident: Option<IncidentId>,
}
