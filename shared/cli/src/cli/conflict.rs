//! `im conflict …`

use clap::{ArgGroup, Args, Subcommand};
use im_model::{ConflictId, ConflictStatus, IncidentId, Resolution};

use super::words;

#[derive(Subcommand)]
pub enum ConflictCommand {
    /// List conflicts, newest first
    List(ListConflicts),
    /// Show both sides, what they last agreed on, and what can be done
    Show {
        /// Its id, CON-…
        conflict: ConflictId,
    },
    /// Choose for a conflict that waits for a person
    Resolve(ResolveConflict),
    /// Undo an automatic resolution: bring the value that lost back to both sides
    Restore {
        /// Its id, CON-…
        conflict: ConflictId,
    },
}

#[derive(Args)]
pub struct ListConflicts {
    /// Only those of this status
    #[arg(long, value_parser = words(ConflictStatus::ALL, ConflictStatus::as_str))]
    pub status: Option<String>,
    /// Only those with this integration: its id or display name
    #[arg(long)]
    pub integration: Option<String>,
    /// Only those of this incident
    #[arg(long)]
    pub incident: Option<IncidentId>,
    /// How many at most (with --all: how many per request)
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub limit: Option<u32>,
    /// All of them, however many there are
    #[arg(long)]
    pub all: bool,
}

#[derive(Args)]
#[command(group = ArgGroup::new("choice").required(true).args(["use_platform", "use_external", "ignore"]))]
pub struct ResolveConflict {
    /// Its id, CON-…
    pub conflict: ConflictId,
    /// The platform's value goes to the vendor
    #[arg(long)]
    pub use_platform: bool,
    /// The vendor's value comes to the platform
    #[arg(long)]
    pub use_external: bool,
    /// Both sides keep what they hold, until one of them changes
    #[arg(long)]
    pub ignore: bool,
    /// Only if it is still at this version (as `show` shows it)
    #[arg(long, value_name = "N")]
    pub if_version: Option<u64>,
}

impl ResolveConflict {
    /// The one that was given.
    pub fn resolution(&self) -> Resolution {
        match (self.use_platform, self.use_external) {
            (true, _) => Resolution::UsePlatform,
            (_, true) => Resolution::UseExternal,
            (false, false) => Resolution::Ignore,
        }
    }
}
