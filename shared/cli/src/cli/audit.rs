//! `im audit …`

use clap::{Args, Subcommand};

#[derive(Subcommand)]
pub enum AuditCommand {
    /// List who changed what, newest first; `--format json` shows every change whole
    List(ListAudit),
}

#[derive(Args)]
pub struct ListAudit {
    /// Only of this integration: its id or display name, or the id of one that was deleted
    #[arg(long)]
    pub integration: Option<String>,
    /// How many at most (with --all: how many per request)
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub limit: Option<u32>,
    /// All that are kept: 400 days
    #[arg(long)]
    pub all: bool,
}
