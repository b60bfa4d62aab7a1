//! `im integration trigger …` and `im integration preview`

use clap::{ArgGroup, Args, Subcommand, ValueEnum};
use im_model::{ExternalId, IncidentId};

#[derive(Subcommand)]
#[command(after_help = "\
A trigger is a condition in CEL on title, description, severity, priority, status, assigned_to, escalation_policy and labels
(the custom fields); an inbound one also on external, the vendor's own values:
  im integration trigger set jira outbound \"severity in ['SEV-1','SEV-2'] && labels.team == 'it'\"
  im integration trigger set snow inbound \"external.severity == '1/1'\"")]
pub enum TriggerCommand {
    /// Show when records are first sent
    List {
        /// The integration's id or display name
        integration: String,
    },
    /// Send records for the first time only when a condition holds
    Set {
        /// The integration's id or display name
        integration: String,
        /// Which way
        direction: TriggerDirection,
        /// The condition, in CEL
        expression: String,
    },
    /// Send all records again
    Delete {
        /// The integration's id or display name
        integration: String,
        /// Which way
        direction: TriggerDirection,
    },
    /// Say whether a trigger holds, and why; nothing is sent
    Test(TestTrigger),
}

/// Which of the two triggers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum TriggerDirection {
    /// From the platform to the vendor
    Outbound,
    /// From the vendor to the platform
    Inbound,
}

impl TriggerDirection {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Outbound => "outbound",
            Self::Inbound => "inbound",
        }
    }
}

#[derive(Args)]
#[command(group(ArgGroup::new("tried").required(true)))]
pub struct TestTrigger {
    /// The integration's id or display name
    pub integration: String,
    /// Try the outbound trigger on this incident
    #[arg(long, value_name = "INCIDENT", group = "tried")]
    pub incident: Option<IncidentId>,
    /// Try the inbound trigger on this record of the vendor's
    #[arg(long, value_name = "ID", group = "tried")]
    pub external: Option<ExternalId>,
    /// Try this condition instead of the one that is saved
    #[arg(long, value_name = "CEL")]
    pub expression: Option<String>,
}

#[derive(Args)]
pub struct PreviewIntegration {
    /// The integration's id or display name
    pub integration: String,
    /// Only this incident
    #[arg(long, value_name = "INCIDENT", conflicts_with = "limit")]
    pub incident: Option<IncidentId>,
    /// At most so many incidents, oldest first
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub limit: Option<u16>,
}
