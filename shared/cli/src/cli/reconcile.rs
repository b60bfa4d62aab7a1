//! `im integration reconcile …` and `im integration backfill`

use clap::{ArgGroup, Args, Subcommand};
use im_model::{Interval, RunId};
use jiff::Timestamp;

/// Either a run is started, or one of the commands below it is carried out.
#[derive(Args)]
#[command(
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    arg_required_else_help = true,
    after_help = "\
A run reports what differs although it should not; with --auto-heal it also heals it, as far as the rules say who is right:
  im integration reconcile prod-snow --dry-run
  im integration reconcile prod-snow --auto-heal --incremental
One that would change too many links stops before it writes anything; look at its report, then let it go on:
  im integration reconcile prod-snow --confirm RUN-01ARZ3NDEKTSV4RRFFQ69G5FAV"
)]
pub struct Reconcile {
    #[command(flatten)]
    pub start: Option<StartRun>,
    #[command(subcommand)]
    pub command: Option<ReconcileCommand>,
}

#[derive(Args)]
#[command(group = ArgGroup::new("how").required(true).args(["dry_run", "auto_heal", "confirm"]))]
#[expect(
    clippy::struct_excessive_bools,
    reason = "flags; clap finds an optional group by its own arguments only, so that none can be moved elsewhere"
)]
pub struct StartRun {
    /// The integration's id or display name
    pub integration: String,
    /// Report only; nothing is written to either side
    #[arg(long)]
    pub dry_run: bool,
    /// Heal what is found
    #[arg(long)]
    pub auto_heal: bool,
    /// Look at what changed since the last run that healed what it found, not at all records
    #[arg(long, conflicts_with_all = ["since", "confirm"])]
    pub incremental: bool,
    /// Look at what changed since a time, e.g. 2026-01-02T03:04:05Z
    #[arg(long, value_name = "TIME", conflicts_with = "confirm")]
    pub since: Option<Timestamp>,
    /// Let a run go on that stopped because it would change too much
    #[arg(long, value_name = "RUN")]
    pub confirm: Option<RunId>,
    /// Return as soon as it is on its way
    #[arg(long)]
    pub no_wait: bool,
}

#[derive(Subcommand)]
pub enum ReconcileCommand {
    /// List its runs, newest first
    History {
        /// The integration's id or display name
        integration: String,
        /// How many at most (with --all: how many per request)
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
        limit: Option<u32>,
        /// All of them, however many there are
        #[arg(long)]
        all: bool,
    },
    /// Show a run and what it found
    Show {
        /// The integration's id or display name
        integration: String,
        /// The run, RUN-…
        run: RunId,
    },
    /// End a run; what it has written stays
    Cancel {
        /// The integration's id or display name
        integration: String,
        /// The run, RUN-…
        run: RunId,
    },
    /// Show, set or remove when it is reconciled by itself
    Schedule(ScheduleReconciliation),
}

#[derive(Args)]
pub struct ScheduleReconciliation {
    /// The integration's id or display name
    pub integration: String,
    /// Start a run so often: 1m to 30d, e.g. 15m, 1h, 7d
    #[arg(long, value_name = "INTERVAL")]
    pub every: Option<Interval>,
    /// Heal what is found; else it is only reported
    #[arg(long, requires = "every")]
    pub auto_heal: bool,
    /// Look at all records so often; the runs between look at what changed [default: 1d]
    #[arg(long, value_name = "INTERVAL", requires = "every")]
    pub full_every: Option<Interval>,
    /// Reconcile it by itself no more
    #[arg(long, conflicts_with_all = ["every", "auto_heal", "full_every"])]
    pub off: bool,
}

#[derive(Args)]
#[command(group = ArgGroup::new("how").required(true).args(["dry_run", "apply"]))]
pub struct Backfill {
    /// The integration's id or display name
    pub integration: String,
    /// Report what would be linked and created; nothing is written to either side
    #[arg(long)]
    pub dry_run: bool,
    /// Link and create
    #[arg(long)]
    pub apply: bool,
    /// Only what changed since a time, e.g. 2026-01-02T03:04:05Z
    #[arg(long, value_name = "TIME")]
    pub since: Option<Timestamp>,
    /// Create so many at most
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub limit: Option<u32>,
    /// Return as soon as it is on its way
    #[arg(long)]
    pub no_wait: bool,
}
