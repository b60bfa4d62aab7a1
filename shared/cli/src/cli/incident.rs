//! `im incident …`

use clap::{
    ArgGroup, Args, Subcommand,
    builder::{PossibleValue, PossibleValuesParser},
};
use im_model::{ExternalId, Field, IncidentId, Priority, Severity, Status};

use super::{key_value, words};

#[derive(Subcommand)]
pub enum IncidentCommand {
    /// Create an incident
    Create(Box<CreateIncident>),
    /// Show an incident, its links and what is still under way
    Get {
        /// Its id, INC-…
        incident: IncidentId,
    },
    /// List incidents
    List(ListIncidents),
    /// Change an incident
    Update(Box<UpdateIncident>),
    /// Link an incident with a record that exists; the two are synced at once
    Link {
        /// Its id, INC-…
        incident: IncidentId,
        /// Whose record: the integration's id or display name
        #[arg(long)]
        integration: String,
        /// The vendor's id of the record
        #[arg(long, value_name = "ID")]
        external_id: ExternalId,
    },
    /// Part an incident and its record; nothing changes at the vendor
    Unlink {
        /// Its id, INC-…
        incident: IncidentId,
        /// Whose record: the integration's id or display name
        #[arg(long)]
        integration: String,
    },
    /// Add a comment, which customers may see, or an internal work note
    Comment(CommentOnIncident),
    /// Show the comments, or the internal work notes, and what became of their copies
    Comments {
        /// Its id, INC-…
        incident: IncidentId,
        /// The work notes instead
        #[arg(long)]
        internal: bool,
    },
    /// Tell what happened to an incident, oldest first: edits, notes, and what each sync did
    Timeline {
        /// Its id, INC-…
        incident: IncidentId,
    },
}

#[derive(Args)]
pub struct CreateIncident {
    /// One line that says what is wrong
    #[arg(long, allow_hyphen_values = true)]
    pub title: String,
    #[command(flatten)]
    pub fields: IncidentFields,
}

#[derive(Args)]
pub struct ListIncidents {
    /// Only those in this status
    #[arg(long, value_parser = words(Status::ALL, Status::as_str))]
    pub status: Option<String>,
    /// How many at most (with --all: how many per request)
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub limit: Option<u32>,
    /// All of them, however many there are
    #[arg(long)]
    pub all: bool,
}

/// Changes what is given and nothing else.
#[derive(Args)]
#[command(
    after_help = "An empty value clears a field: --assigned-to= or --custom name=",
    group = ArgGroup::new("change").required(true).multiple(true).args([
        "title", "description", "severity", "priority", "status", "assigned_to",
        "escalation_policy", "custom",
    ]),
)]
pub struct UpdateIncident {
    /// Its id, INC-…
    pub incident: IncidentId,
    /// One line that says what is wrong
    #[arg(long, allow_hyphen_values = true)]
    pub title: Option<String>,
    #[command(flatten)]
    pub fields: IncidentFields,
    /// Only if it is still at this revision (as `get` shows it)
    #[arg(long, value_name = "N")]
    pub if_revision: Option<u64>,
}

#[derive(Args)]
pub struct CommentOnIncident {
    /// Its id, INC-…
    pub incident: IncidentId,
    /// What to say, as Markdown; `-` reads it from standard input
    #[arg(allow_hyphen_values = true)]
    pub text: String,
    /// As a work note, which customers never see
    #[arg(long)]
    pub internal: bool,
}

/// The fields that an incident may have.
#[derive(Args, Default)]
pub struct IncidentFields {
    /// The longer text
    #[arg(long, allow_hyphen_values = true)]
    pub description: Option<String>,
    /// How bad it is
    #[arg(long, value_parser = words(Severity::ALL, Severity::as_str))]
    pub severity: Option<String>,
    /// How soon it wants attention
    #[arg(long, value_parser = clearable_priority())]
    pub priority: Option<String>,
    /// Where it is in its life
    #[arg(long, value_parser = words(Status::ALL, Status::as_str))]
    pub status: Option<String>,
    /// The e-mail address of whoever works on it
    #[arg(long, value_name = "EMAIL")]
    pub assigned_to: Option<String>,
    /// The name or id of the escalation policy
    #[arg(long, value_name = "POLICY")]
    pub escalation_policy: Option<String>,
    /// A field of your own; may be repeated
    #[arg(long, value_name = "NAME=VALUE", value_parser = custom_field)]
    pub custom: Vec<(String, String)>,
}

/// The priorities, and the empty text that clears it.
fn clearable_priority() -> PossibleValuesParser {
    let words = Priority::ALL
        .iter()
        .map(|priority| PossibleValue::new(priority.as_str()));
    PossibleValuesParser::new(words.chain([PossibleValue::new("").hide(true)]))
}

fn custom_field(text: &str) -> Result<(String, String), String> {
    let (name, value) = key_value(text)?;
    match format!("custom.{name}").parse::<Field>() {
        Ok(_) => Ok((name, value)),
        Err(_) => Err("the name must be 1 to 64 of A-Z, a-z, 0-9 and _".to_owned()),
    }
}
