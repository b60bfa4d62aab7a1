//! `im integration …`

use clap::{Args, Subcommand};
use im_model::{ConflictStrategy, DeadLetterId, Direction, IntegrationType, Mode, OrganizationId};

use super::{
    Backfill, FieldOwnershipCommand, ListDeadLetters, MappingCommand, PreviewIntegration,
    Reconcile, TriggerCommand, WhichDeadLetters, key_value, words,
};
use crate::secret_input::SecretFlag;

#[derive(Subcommand)]
pub enum IntegrationCommand {
    /// Create an integration (with --type) or change it
    Configure(Box<Configure>),
    /// List integrations
    List(ListIntegrations),
    /// Show an integration
    Get {
        /// Its id or display name
        integration: String,
    },
    /// Try what an integration needs: credentials, permissions, and the way back in
    Test {
        /// Its id or display name
        integration: String,
    },
    /// Show and change who owns which field
    #[command(arg_required_else_help = true)]
    FieldOwnership {
        #[command(subcommand)]
        command: FieldOwnershipCommand,
    },
    /// Show and change what becomes of values, by field and direction
    #[command(arg_required_else_help = true)]
    Mapping {
        #[command(subcommand)]
        command: MappingCommand,
    },
    /// Prove its rules: what does not come back, has no answer or can never act; exits 1 if there are errors
    Check {
        /// Its id or display name
        integration: String,
    },
    /// Let its jobs wait; webhooks are still accepted
    Pause {
        /// Its id or display name
        integration: String,
    },
    /// Work on its jobs again
    Resume {
        /// Its id or display name
        integration: String,
    },
    /// Say when records are first sent
    #[command(arg_required_else_help = true)]
    Trigger {
        #[command(subcommand)]
        command: TriggerCommand,
    },
    /// See what would be written if an integration were enabled now; nothing is written
    Preview(PreviewIntegration),
    /// Tell whether it works, how far it is behind, what waits, what is dead, and what was done
    SyncStatus {
        /// Its id or display name
        integration: String,
        /// Since when deliveries are counted: a time, or how long ago, at most 14d [default: 24h]
        #[arg(long, value_name = "TIME|DURATION")]
        since: Option<String>,
        /// Show it again every 2 s, until you stop it; as JSON one object a line
        #[arg(long)]
        watch: bool,
    },
    /// Find what differs although it should not, and heal it
    Reconcile(Box<Reconcile>),
    /// Link and create what existed before the integration did
    Backfill(Backfill),
    /// List what is dead of it (its dead-letter queue), oldest first: jobs that five attempts could not do, or none can
    Dlq(ListDeadLetters),
    /// Show a dead letter: every attempt, with its whole error
    DlqShow {
        /// The integration's id or display name
        integration: String,
        /// The dead letter, DLQ-…
        entry: DeadLetterId,
    },
    /// Try a dead letter again, or all: from what both sides hold now, never with an old value
    DlqRetry(WhichDeadLetters),
    /// Give a dead letter up, or all, until one side of its link changes
    DlqDiscard {
        #[command(flatten)]
        which: WhichDeadLetters,
        /// Without asking
        #[arg(long)]
        yes: bool,
    },
    /// Delete an integration and its credentials, after saying what becomes of its links
    Delete {
        /// Its id or display name
        integration: String,
        /// Without asking
        #[arg(long)]
        yes: bool,
    },
}

#[derive(Args)]
pub struct ListIntegrations {
    /// Only those of this organization
    #[arg(long, value_name = "ORGANIZATION")]
    pub org: Option<OrganizationId>,
    /// Only those of this vendor
    #[arg(long = "type", value_parser = words(IntegrationType::ALL, IntegrationType::as_str))]
    pub integration_type: Option<String>,
}

/// A limit, or that there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestsPerMinute(pub Option<u32>);

fn requests_per_minute(text: &str) -> Result<RequestsPerMinute, String> {
    if text == "none" {
        return Ok(RequestsPerMinute(None));
    }
    let number = text.parse::<u32>().ok().filter(|number| *number > 0);
    let limit = number.map(|number| RequestsPerMinute(Some(number)));
    limit.ok_or_else(|| "must be a whole number from 1 on, or `none`".to_owned())
}

/// Changes what is given and nothing else.
#[derive(Args)]
#[command(after_help = "\
A secret that is given as `-` is read from standard input, which keeps it out of the shell's history:
  im integration configure pd --type pagerduty --base-url https://api.pagerduty.com \\
      --option service=PSVC123 --from-email me@example.com --token - < token.txt")]
pub struct Configure {
    /// Its id or display name; a new one's id (a-z, 0-9 and -) or name
    pub integration: String,
    /// The vendor: creates the integration if there is none
    #[arg(long = "type", value_parser = words(IntegrationType::ALL, IntegrationType::as_str))]
    pub integration_type: Option<String>,
    /// Its display name [default for a new one: <INTEGRATION>]
    #[arg(long)]
    pub name: Option<String>,
    /// The organization it belongs to [default: the caller's]
    #[arg(long, value_name = "ORGANIZATION")]
    pub org: Option<OrganizationId>,
    /// The vendor's API, e.g. https://api.pagerduty.com, https://you.atlassian.net
    #[arg(long, value_name = "URL")]
    pub base_url: Option<String>,
    /// Whether it syncs [default for a new one: true]
    #[arg(long, value_name = "true|false", action = clap::ArgAction::Set)]
    pub enabled: Option<bool>,
    /// Which way changes flow [default for a new one: bidirectional]
    #[arg(long, value_parser = words(Direction::ALL, Direction::as_str))]
    pub direction: Option<String>,
    /// Who wins when both sides changed [default for a new one: last-write-wins]
    #[arg(long, value_parser = words(ConflictStrategy::ALL, ConflictStrategy::as_str))]
    pub conflict_strategy: Option<String>,
    /// How close two people's edits must be to count as a conflict, e.g. 5s, 250ms [default for a new one: 5s]
    #[arg(long, value_name = "DURATION")]
    pub conflict_window: Option<String>,
    /// The most requests that the vendor is sent within a minute, by all functions together, or `none` [default for a new
    /// one: none]
    #[arg(long, value_name = "N|none", value_parser = requests_per_minute)]
    pub requests_per_minute: Option<RequestsPerMinute>,
    /// How the vendor's changes come in: by its webhooks, or by asking it every minute [default for a new one: webhook]
    #[arg(long, value_parser = words(Mode::ALL, Mode::as_str))]
    pub mode: Option<String>,
    /// A reconciliation run stops before its first write if it would change more than this share of the links, in percent
    /// [default for a new one: 10]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=100))]
    pub brake_percent: Option<u8>,
    /// It never stops for so many or fewer [default for a new one: 20]
    #[arg(long, value_name = "N")]
    pub brake_at_least: Option<u32>,
    /// What only this vendor has, e.g. service=PSVC123 (PagerDuty); may be repeated
    #[arg(long = "option", value_name = "KEY=VALUE", value_parser = key_value)]
    pub options: Vec<(String, String)>,
    #[command(flatten)]
    pub credentials: CredentialFlags,
}

/// Who we are at the vendor. Each may be `-` for standard input; one of them can be.
#[derive(Args, Default)]
#[command(next_help_heading = "Credentials (`-` reads one of them from standard input)")]
pub struct CredentialFlags {
    /// ServiceNow [env: IM_USERNAME]
    #[arg(long)]
    pub username: Option<SecretFlag>,
    /// ServiceNow [env: IM_PASSWORD]
    #[arg(long)]
    pub password: Option<SecretFlag>,
    /// Jira [env: IM_EMAIL]
    #[arg(long)]
    pub email: Option<SecretFlag>,
    /// Jira [env: IM_API_KEY]
    #[arg(long, value_name = "KEY")]
    pub api_key: Option<SecretFlag>,
    /// Jira: an OAuth token, instead of email and API key [env: IM_ACCESS_TOKEN]
    #[arg(long, value_name = "TOKEN")]
    pub access_token: Option<SecretFlag>,
    /// Jira: who signs its webhooks, where they are JWT-signed [env: IM_CLIENT_KEY]
    #[arg(long, value_name = "KEY")]
    pub client_key: Option<SecretFlag>,
    /// ServiceNow: OAuth, instead of username and password [env: IM_CLIENT_ID]
    #[arg(long, value_name = "ID")]
    pub client_id: Option<SecretFlag>,
    /// ServiceNow: OAuth [env: IM_CLIENT_SECRET]
    #[arg(long, value_name = "SECRET")]
    pub client_secret: Option<SecretFlag>,
    /// PagerDuty's REST API key [env: IM_VENDOR_TOKEN]
    #[arg(long)]
    pub token: Option<SecretFlag>,
    /// PagerDuty: the account user that changes are made as [env: IM_FROM_EMAIL]
    #[arg(long, value_name = "EMAIL")]
    pub from_email: Option<SecretFlag>,
    /// What the vendor's webhooks are signed with [env: IM_WEBHOOK_SECRET]
    #[arg(long, value_name = "SECRET")]
    pub webhook_secret: Option<SecretFlag>,
}
