//! The command line: names and what they accept. Nothing here holds a raw secret.
#![expect(
    clippy::doc_markdown,
    reason = "these are the help texts, read as they stand"
)]

mod audit;
mod conflict;
mod dead_letter;
mod delivery;
mod incident;
mod integration;
mod reconcile;
mod rules;
mod trigger;

use clap::{Args, Parser, Subcommand, ValueEnum, builder::PossibleValuesParser};
use clap_complete::Shell;
use im_model::IncidentId;

use crate::{dev, secret_input::SecretFlag};

pub use audit::{AuditCommand, ListAudit};
pub use conflict::{ConflictCommand, ListConflicts, ResolveConflict};
pub use dead_letter::{ListDeadLetters, WhichDeadLetters};
pub use delivery::{DeliveryCommand, ListDeliveries};
pub use incident::{
    CommentOnIncident, CreateIncident, IncidentCommand, IncidentFields, ListIncidents,
    UpdateIncident,
};
pub use integration::{
    Configure, CredentialFlags, IntegrationCommand, ListIntegrations, RequestsPerMinute,
};
pub use reconcile::{Backfill, Reconcile, ReconcileCommand, ScheduleReconciliation, StartRun};
pub use rules::{
    Direction, Export, FieldOwnershipCommand, Import, MappingCommand, Otherwise, SetMapping,
};
pub use trigger::{PreviewIntegration, TestTrigger, TriggerCommand, TriggerDirection};

/// Keeps the incidents of the platform and of PagerDuty, Jira and ServiceNow the same.
#[derive(Parser)]
#[command(
    name = "im",
    version,
    propagate_version = true,
    arg_required_else_help = true
)]
pub struct Cli {
    #[command(flatten)]
    pub connect: Connect,
    #[command(flatten)]
    pub output: OutputFlags,
    #[command(subcommand)]
    pub command: Command,
}

/// Where the management API is.
#[derive(Args, Default)]
#[command(next_help_heading = "Global options")]
pub struct Connect {
    /// The management API's address [env: IM_ENDPOINT] [default: http://127.0.0.1:8080]
    #[arg(long, global = true, value_name = "URL")]
    pub endpoint: Option<String>,
    /// The management API's bearer token, `-` for standard input [env: IM_TOKEN]
    #[arg(long, global = true, value_name = "TOKEN")]
    pub api_token: Option<SecretFlag>,
    /// The entry of ~/.config/im/profiles.json to use [env: IM_PROFILE] [default: default]
    #[arg(long, global = true, value_name = "NAME")]
    pub profile: Option<String>,
}

/// How results are printed.
#[derive(Args)]
#[command(next_help_heading = "Global options")]
pub struct OutputFlags {
    /// How results are printed
    #[arg(long, global = true, value_enum, default_value_t = Format::Table)]
    pub format: Format,
}

/// How results are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people
    Table,
    /// The API's JSON
    Json,
}

#[derive(Subcommand)]
pub enum Command {
    /// Run the whole system on this machine
    Dev(dev::Args),
    /// Create, show and change incidents
    #[command(arg_required_else_help = true)]
    Incident {
        #[command(subcommand)]
        command: IncidentCommand,
    },
    /// Connect external systems
    #[command(arg_required_else_help = true)]
    Integration {
        #[command(subcommand)]
        command: IntegrationCommand,
    },
    /// See where both sides disagree, and choose
    #[command(arg_required_else_help = true)]
    Conflict {
        #[command(subcommand)]
        command: ConflictCommand,
    },
    /// Tell why a field holds what it holds: what happened, what was decided, sent and answered
    Explain {
        /// Its id, INC-…
        incident: IncidentId,
        /// The field, e.g. severity or custom.cost_center
        field: String,
        /// Only at this integration: its id or display name
        #[arg(long)]
        integration: Option<String>,
    },
    /// See what webhooks brought, and process it again
    #[command(arg_required_else_help = true)]
    Delivery {
        #[command(subcommand)]
        command: DeliveryCommand,
    },
    /// See who changed what: integrations, credentials, rules, conflicts, dead letters
    #[command(arg_required_else_help = true)]
    Audit {
        #[command(subcommand)]
        command: AuditCommand,
    },
    /// Print a shell's completion script
    #[command(after_help = "\
Examples:
  im completions bash > ~/.local/share/bash-completion/completions/im
  im completions zsh > \"${fpath[1]}/_im\"
  im completions fish > ~/.config/fish/completions/im.fish")]
    Completions {
        /// The shell
        shell: Shell,
    },
}

/// Accepts these words and lists them in the help and in completions.
fn words<T: Copy>(all: &[T], word: fn(T) -> &'static str) -> PossibleValuesParser {
    PossibleValuesParser::new(all.iter().map(|value| word(*value)))
}

/// `key=value`.
fn key_value(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("expected key=value".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, error::ErrorKind};

    use super::*;

    const ID: &str = "INC-01ARZ3NDEKTSV4RRFFQ69G5FAV";
    const CONFLICT: &str = "CON-01ARZ3NDEKTSV4RRFFQ69G5FAV";
    const DEAD_LETTER: &str = "DLQ-01ARZ3NDEKTSV4RRFFQ69G5FAV";

    fn refused(line: &[&str]) -> clap::Error {
        Cli::try_parse_from(["im"].iter().chain(line))
            .map(|_| ())
            .expect_err("must be refused")
    }

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_guides_lines_are_understood() {
        for line in [
            "im incident create --title x --severity SEV-1 --custom cost_center=42 --format json",
            "im incident list --status open --limit 10 --all",
            "im incident update INC-01ARZ3NDEKTSV4RRFFQ69G5FAV --priority= --if-revision 3",
            "im incident comment INC-01ARZ3NDEKTSV4RRFFQ69G5FAV - --internal",
            "im incident comment INC-01ARZ3NDEKTSV4RRFFQ69G5FAV --internal -v",
            "im incident comments INC-01ARZ3NDEKTSV4RRFFQ69G5FAV --internal",
            "im incident link INC-01ARZ3NDEKTSV4RRFFQ69G5FAV --integration pd --external-id PGR0VU2",
            "im incident unlink INC-01ARZ3NDEKTSV4RRFFQ69G5FAV --integration pd",
            "im integration configure pd --type pagerduty --option service=P1 --token - --enabled true",
            "im integration delete prod-snow --yes",
            "im integration test prod-snow",
            "im integration configure pd --conflict-window 5s",
            "im integration configure pd --requests-per-minute 300",
            "im integration configure pd --requests-per-minute none",
            "im integration field-ownership list prod-snow",
            "im integration field-ownership set prod-snow severity --owner platform --priority 20",
            "im integration field-ownership set prod-snow assignee --owner external --shared",
            "im integration field-ownership delete prod-snow work-notes --owner external",
            "im integration mapping list prod-snow",
            "im integration mapping list prod-snow severity",
            "im integration mapping set prod-snow severity SEV-1 1/1 --direction outbound",
            "im integration mapping set prod-snow severity --direction inbound --otherwise default=SEV-4",
            "im integration mapping set prod-snow severity --direction inbound --otherwise leave-alone",
            "im integration mapping delete prod-snow severity",
            "im integration mapping delete prod-snow severity SEV-1 --direction outbound",
            "im integration mapping export prod-snow --file mappings.yaml",
            "im integration mapping import prod-snow - --dry-run",
            "im integration check prod-snow",
            "im integration pause prod-snow",
            "im integration resume prod-snow",
            "im integration trigger list prod-snow",
            "im integration trigger set prod-snow outbound severity=='SEV-1'",
            "im integration trigger delete prod-snow inbound",
            "im integration trigger test pd --incident INC-01ARZ3NDEKTSV4RRFFQ69G5FAV --expression true",
            "im integration trigger test pd --external PGR0VU2 --format json",
            "im integration preview pd --incident INC-01ARZ3NDEKTSV4RRFFQ69G5FAV",
            "im integration preview pd --limit 3 --format json",
            "im integration sync-status prod-snow --since 7d --format json",
            "im integration dlq prod-snow --status open --reason unavailable --limit 5",
            "im integration dlq prod-snow --incident INC-01ARZ3NDEKTSV4RRFFQ69G5FAV --all",
            "im integration dlq-show prod-snow DLQ-01ARZ3NDEKTSV4RRFFQ69G5FAV",
            "im integration dlq-retry prod-snow DLQ-01ARZ3NDEKTSV4RRFFQ69G5FAV",
            "im integration dlq-retry prod-snow --all --reason unavailable",
            "im integration dlq-discard prod-snow DLQ-01ARZ3NDEKTSV4RRFFQ69G5FAV --yes",
            "im integration dlq-discard prod-snow --all --incident INC-01ARZ3NDEKTSV4RRFFQ69G5FAV",
            "im integration reconcile prod-snow --dry-run",
            "im integration reconcile prod-snow --auto-heal --format json",
            "im integration reconcile prod-snow --auto-heal --incremental --no-wait",
            "im integration reconcile prod-snow --dry-run --since 2026-01-02T03:04:05Z",
            "im integration reconcile prod-snow --confirm RUN-01ARZ3NDEKTSV4RRFFQ69G5FAV",
            "im --format json integration reconcile history prod-snow",
            "im integration reconcile history prod-snow --limit 5 --all --format json",
            "im integration reconcile show prod-snow RUN-01ARZ3NDEKTSV4RRFFQ69G5FAV",
            "im integration reconcile cancel prod-snow RUN-01ARZ3NDEKTSV4RRFFQ69G5FAV",
            "im integration reconcile schedule prod-snow",
            "im integration reconcile schedule prod-snow --every 1h --auto-heal --full-every 24h",
            "im integration reconcile schedule prod-snow --off",
            "im integration backfill prod-snow --dry-run",
            "im integration backfill prod-snow --apply --since 2026-01-02T03:04:05Z --limit 10",
            "im integration configure pd --mode polling --brake-percent 5 --brake-at-least 50",
            "im integration list --org acme --type jira --profile prod",
            "im --endpoint http://x integration get prod-snow",
            "im incident timeline INC-01ARZ3NDEKTSV4RRFFQ69G5FAV",
            "im explain INC-01ARZ3NDEKTSV4RRFFQ69G5FAV severity --integration prod-snow",
            "im conflict list --status pending --integration prod-snow --incident INC-01ARZ3NDEKTSV4RRFFQ69G5FAV",
            "im conflict show CON-01ARZ3NDEKTSV4RRFFQ69G5FAV --format json",
            "im conflict resolve CON-01ARZ3NDEKTSV4RRFFQ69G5FAV --use-platform",
            "im conflict resolve CON-01ARZ3NDEKTSV4RRFFQ69G5FAV --ignore --if-version 3",
            "im conflict restore CON-01ARZ3NDEKTSV4RRFFQ69G5FAV",
            "im delivery list --integration prod-snow --open --limit 5",
            "im delivery replay prod-snow 01FKZ",
            "im completions zsh",
        ] {
            Cli::try_parse_from(line.split(' '))
                .map(|_| ())
                .expect(line);
        }
    }

    #[test]
    #[expect(clippy::too_many_lines, reason = "a table of refused lines")]
    fn wrong_usage_exits_2() {
        for (line, kind) in [
            (
                &["incident", "get", "INC-1"][..],
                ErrorKind::ValueValidation,
            ),
            (&["incident", "create"], ErrorKind::MissingRequiredArgument),
            (
                &["incident", "create", "--title", "x", "--severity", "1"],
                ErrorKind::InvalidValue,
            ),
            (
                &["incident", "create", "--title", "x", "--custom", "a b=c"],
                ErrorKind::ValueValidation,
            ),
            (
                &["incident", "update", ID],
                ErrorKind::MissingRequiredArgument,
            ),
            (
                &["incident", "update", ID, "--status", ""],
                ErrorKind::InvalidValue,
            ),
            (
                &["integration", "configure", "x", "--type", "github"],
                ErrorKind::InvalidValue,
            ),
            (
                &["integration", "configure", "x", "--option", "service"],
                ErrorKind::ValueValidation,
            ),
            (
                &["integration", "dlq-retry", "pd"],
                ErrorKind::MissingRequiredArgument,
            ),
            (
                &["integration", "dlq-retry", "pd", DEAD_LETTER, "--all"],
                ErrorKind::ArgumentConflict,
            ),
            (
                &[
                    "integration",
                    "dlq-discard",
                    "pd",
                    DEAD_LETTER,
                    "--reason",
                    "refused",
                ],
                ErrorKind::ArgumentConflict,
            ),
            (
                &["integration", "dlq-retry", "pd", "--reason", "refused"],
                ErrorKind::MissingRequiredArgument,
            ),
            (
                &["integration", "dlq-show", "pd", "DLQ-1"],
                ErrorKind::ValueValidation,
            ),
            (
                &["integration", "dlq", "pd", "--reason", "luck"],
                ErrorKind::InvalidValue,
            ),
            (
                &["integration", "reconcile", "pd"],
                ErrorKind::MissingRequiredArgument,
            ),
            (
                &["integration", "reconcile", "--dry-run"],
                ErrorKind::MissingRequiredArgument,
            ),
            (
                &["integration", "reconcile", "pd", "--dry-run", "--auto-heal"],
                ErrorKind::ArgumentConflict,
            ),
            (
                &["integration", "reconcile", "pd", "--confirm", "RUN-1"],
                ErrorKind::ValueValidation,
            ),
            (
                &[
                    "integration",
                    "reconcile",
                    "pd",
                    "--dry-run",
                    "--since",
                    "1d",
                ],
                ErrorKind::ValueValidation,
            ),
            (
                &["integration", "reconcile", "schedule", "pd", "--auto-heal"],
                ErrorKind::MissingRequiredArgument,
            ),
            (
                &[
                    "integration",
                    "reconcile",
                    "schedule",
                    "pd",
                    "--every",
                    "31d",
                ],
                ErrorKind::ValueValidation,
            ),
            (
                &["integration", "backfill", "pd"],
                ErrorKind::MissingRequiredArgument,
            ),
            (
                &["conflict", "resolve", CONFLICT],
                ErrorKind::MissingRequiredArgument,
            ),
            (
                &[
                    "conflict",
                    "resolve",
                    CONFLICT,
                    "--use-external",
                    "--ignore",
                ],
                ErrorKind::ArgumentConflict,
            ),
            (&["conflict", "show", ID], ErrorKind::ValueValidation),
            (
                &["conflict", "list", "--status", "open"],
                ErrorKind::InvalidValue,
            ),
            (&["explain", ID], ErrorKind::MissingRequiredArgument),
            (
                &[
                    "integration",
                    "field-ownership",
                    "set",
                    "pd",
                    "title",
                    "--owner",
                    "me",
                ],
                ErrorKind::InvalidValue,
            ),
            (
                &["integration", "trigger", "test", "pd"],
                ErrorKind::MissingRequiredArgument,
            ),
            (
                &["integration", "trigger", "set", "pd", "both", "true"],
                ErrorKind::InvalidValue,
            ),
            (
                &[
                    "integration",
                    "field-ownership",
                    "set",
                    "pd",
                    "title",
                    "--owner",
                    "platform",
                    "--priority",
                    "101",
                ],
                ErrorKind::ValueValidation,
            ),
            (
                &[
                    "integration",
                    "mapping",
                    "set",
                    "pd",
                    "title",
                    "--direction",
                    "inbound",
                ],
                ErrorKind::MissingRequiredArgument,
            ),
            (
                &[
                    "integration",
                    "mapping",
                    "set",
                    "pd",
                    "title",
                    "a",
                    "--direction",
                    "inbound",
                ],
                ErrorKind::MissingRequiredArgument,
            ),
            (
                &[
                    "integration",
                    "mapping",
                    "set",
                    "pd",
                    "title",
                    "a",
                    "b",
                    "--direction",
                    "inbound",
                    "--otherwise",
                    "error",
                ],
                ErrorKind::ArgumentConflict,
            ),
            (
                &[
                    "integration",
                    "preview",
                    "pd",
                    "--incident",
                    ID,
                    "--limit",
                    "1",
                ],
                ErrorKind::ArgumentConflict,
            ),
            (
                &[
                    "integration",
                    "mapping",
                    "set",
                    "pd",
                    "title",
                    "--direction",
                    "inbound",
                    "--otherwise",
                    "ignore",
                ],
                ErrorKind::ValueValidation,
            ),
            (
                &["integration", "mapping", "set", "pd", "title", "a", "b"],
                ErrorKind::MissingRequiredArgument,
            ),
            (
                &["integration", "mapping", "delete", "pd", "title", "a"],
                ErrorKind::MissingRequiredArgument,
            ),
            (
                &["delivery", "list", "--open"],
                ErrorKind::MissingRequiredArgument,
            ),
            (
                &["delivery", "replay", "pd", "a b"],
                ErrorKind::ValueValidation,
            ),
            (
                &["incident", "list", "--format", "yaml"],
                ErrorKind::InvalidValue,
            ),
        ] {
            let error = refused(line);
            assert_eq!(
                (error.kind(), error.exit_code()),
                (kind, 2),
                "{line:?}: {error}"
            );
        }
    }

    #[test]
    fn a_refusal_repeats_no_secret() {
        for line in [
            &["integration", "list", "--token=hunter2"][..],
            &["integration", "configure", "x", "--tokn=hunter2"],
            &["integration", "configure", "--token=hunter2"],
            &[
                "integration",
                "configure",
                "x",
                "--token=hunter2",
                "--token=hunter2",
            ],
            &[
                "integration",
                "configure",
                "x",
                "--token",
                "hunter2",
                "--type",
                "github",
            ],
            &["incident", "list", "--api-token", "hunter2", "--all=1"],
        ] {
            let error = refused(line).to_string();
            assert!(!error.contains("hunter2"), "{error}");
        }
    }
}
