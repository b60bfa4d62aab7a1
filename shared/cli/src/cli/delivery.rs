//! `im delivery …`

use clap::{Args, Subcommand};
use im_model::DeliveryId;

#[derive(Subcommand)]
pub enum DeliveryCommand {
    /// List what an integration's webhooks brought, newest first
    List(ListDeliveries),
    /// Process a delivery again, from the present
    Replay {
        /// The integration's id or display name
        integration: String,
        /// The delivery's id, as `list` shows it
        delivery: DeliveryId,
    },
}

#[derive(Args)]
pub struct ListDeliveries {
    /// Whose webhooks: the integration's id or display name
    #[arg(long)]
    pub integration: String,
    /// Only those that are not done yet
    #[arg(long)]
    pub open: bool,
    /// How many at most (with --all: how many per request)
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub limit: Option<u32>,
    /// All that are kept: 14 days
    #[arg(long)]
    pub all: bool,
}
