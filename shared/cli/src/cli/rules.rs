//! `im integration field-ownership …` and `im integration mapping …`

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use im_model::Owner;

use super::words;

#[derive(Subcommand)]
pub enum FieldOwnershipCommand {
    /// Show who owns which field, and which way it flows
    List {
        /// The integration's id or display name
        integration: String,
    },
    /// Replace the owners of a field
    Set(SetOwnership),
    /// Take a field from its owners, or from one of them
    Delete {
        /// The integration's id or display name
        integration: String,
        /// The field, comments or work_notes
        field: String,
        /// Only this owner's rule
        #[arg(long, value_parser = words(Owner::ALL, Owner::as_str))]
        owner: Option<String>,
    },
}

#[derive(Args)]
pub struct SetOwnership {
    /// The integration's id or display name
    pub integration: String,
    /// The field, comments or work_notes
    pub field: String,
    /// Who owns it: a field flows from its owner, and both ways if both own it
    #[arg(long, value_parser = words(Owner::ALL, Owner::as_str))]
    pub owner: String,
    /// Who wins a conflict under ownership-priority: the higher one
    #[arg(long, value_name = "1-100", default_value_t = 10, value_parser = clap::value_parser!(u8).range(1..=100))]
    pub priority: u8,
    /// Beside the other owner, if there is one
    #[arg(long)]
    pub shared: bool,
}

#[derive(Subcommand)]
pub enum MappingCommand {
    /// Show the tables in force
    List {
        /// The integration's id or display name
        integration: String,
        /// Only this field's
        field: Option<String>,
    },
    /// Say what a value becomes, or what every other value becomes
    Set(SetMapping),
    /// Go back to the vendor's default
    Delete {
        /// The integration's id or display name
        integration: String,
        /// The field
        field: String,
        /// Only for this value
        #[arg(requires = "direction")]
        value: Option<String>,
        /// Only this way
        #[arg(long)]
        direction: Option<Direction>,
    },
    /// Write the mappings as YAML
    Export(Export),
    /// Replace the mappings by those of a YAML file, and say what changes
    Import(Import),
}

/// Which way a table maps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Direction {
    /// Platform to vendor
    Outbound,
    /// Vendor to platform
    Inbound,
}

impl Direction {
    /// Its name in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Outbound => "outbound",
            Self::Inbound => "inbound",
        }
    }
}

#[derive(Args)]
#[command(after_help = "\
Examples:
  im integration mapping set prod-snow severity SEV-1 1/1 --direction outbound
  im integration mapping set prod-jira status --direction inbound --otherwise default=open")]
pub struct SetMapping {
    /// The integration's id or display name
    pub integration: String,
    /// The field
    pub field: String,
    /// The value
    #[arg(requires = "becomes", required_unless_present = "otherwise")]
    pub value: Option<String>,
    /// What it becomes
    pub becomes: Option<String>,
    /// Which way
    #[arg(long)]
    pub direction: Direction,
    /// What every value that is not listed becomes: error, leave-alone, inherit (the vendor's default), default=<VALUE>
    #[arg(long, value_name = "ANSWER", conflicts_with = "value", value_parser = otherwise)]
    pub otherwise: Option<Otherwise>,
}

/// What every other value becomes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Otherwise {
    /// A word of the API.
    Word(&'static str),
    /// This value.
    Default(String),
}

fn otherwise(text: &str) -> Result<Otherwise, String> {
    Ok(match text {
        "error" => Otherwise::Word("error"),
        "leave-alone" | "leave_alone" => Otherwise::Word("leave_alone"),
        "inherit" => Otherwise::Word("inherit"),
        other => match other.strip_prefix("default=") {
            Some(value) => Otherwise::Default(value.to_owned()),
            None => {
                return Err("expected error, leave-alone, inherit or default=<VALUE>".to_owned());
            }
        },
    })
}

#[derive(Args)]
pub struct Export {
    /// The integration's id or display name
    pub integration: String,
    /// Into this file, which is replaced [default: standard output]
    #[arg(long, value_name = "FILE")]
    pub file: Option<PathBuf>,
}

#[derive(Args)]
pub struct Import {
    /// The integration's id or display name
    pub integration: String,
    /// The YAML file, `-` for standard input
    pub file: PathBuf,
    /// Only say what would change
    #[arg(long)]
    pub dry_run: bool,
}
