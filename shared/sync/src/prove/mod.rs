//! The map prover: what an integration's rules do to every value that can be counted, found out before any is sent.

mod chain;
mod domain;
mod reach;
mod tables;
#[cfg(test)]
mod tests;
mod values;

use std::{collections::BTreeMap, fmt};

use im_model::{Field, IntegrationId, Mappings, Ownable, OwnershipRules};

pub use self::tables::{TableProblem, check_tables};
use crate::LinkRules;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// The integration cannot work so: it is not enabled.
    Error,
    /// It works, and perhaps otherwise than somebody thinks.
    Warning,
}

/// What kind of finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FindingKind {
    /// The maps lead from a value to others and back to it.
    Cycle,
    /// A map has no answer for a value.
    NoAnswer,
    /// A map's answer is a value that the other side does not have.
    UnknownValue,
    /// A value that goes to the other side and back comes back as another.
    RoundTrip,
    /// A rule that can never act.
    NeverActs,
    /// A field that cannot be written at any time.
    Unwritable,
    /// Priorities that decide nothing.
    PriorityTie,
    /// A field that two integrations own for their vendors alone.
    SharedOwner,
}

/// One thing that an operator should know of an integration's rules.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// How bad it is.
    pub level: Level,
    /// About which field or list of notes; `None`: about the integration.
    pub field: Option<Ownable>,
    /// What kind.
    pub kind: FindingKind,
    /// What was found, e.g. `SEV-1 → high → SEV-2`.
    pub detail: String,
    /// What comes of it, in one line.
    pub consequence: String,
}

/// What the findings come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// There are none.
    Ok,
    /// There are warnings.
    Warnings,
    /// There are errors.
    Errors,
}

impl Level {
    /// The word for it in the API and the CLI.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

impl FindingKind {
    /// Every kind.
    pub const ALL: [Self; 8] = [
        Self::Cycle,
        Self::NoAnswer,
        Self::UnknownValue,
        Self::RoundTrip,
        Self::NeverActs,
        Self::Unwritable,
        Self::PriorityTie,
        Self::SharedOwner,
    ];

    /// The word for it in the API and the CLI.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Cycle => "cycle",
            Self::NoAnswer => "no_answer",
            Self::UnknownValue => "unknown_value",
            Self::RoundTrip => "round_trip",
            Self::NeverActs => "never_acts",
            Self::Unwritable => "unwritable",
            Self::PriorityTie => "priority_tie",
            Self::SharedOwner => "shared_owner",
        }
    }
}

impl Verdict {
    /// What these findings come to.
    pub fn of(findings: &[Finding]) -> Self {
        match findings.iter().map(|finding| finding.level).min() {
            None => Self::Ok,
            Some(Level::Warning) => Self::Warnings,
            Some(Level::Error) => Self::Errors,
        }
    }

    /// The word for it in the API and the CLI.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warnings => "warnings",
            Self::Errors => "errors",
        }
    }
}

impl Finding {
    fn error(
        kind: FindingKind,
        field: &Field,
        detail: impl Into<String>,
        consequence: impl Into<String>,
    ) -> Self {
        Self {
            level: Level::Error,
            ..Self::warning(kind, Some(field.clone().into()), detail, consequence)
        }
    }

    fn warning(
        kind: FindingKind,
        field: Option<Ownable>,
        detail: impl Into<String>,
        consequence: impl Into<String>,
    ) -> Self {
        Self {
            level: Level::Warning,
            field,
            kind,
            detail: detail.into(),
            consequence: consequence.into(),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.detail, self.consequence)
    }
}

/// An integration's rules.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// Which integration.
    pub id: &'a IntegrationId,
    /// Its links' rules, the operator's tables laid over the vendor's defaults.
    pub rules: &'a LinkRules,
    /// Its ownership rules, those of unmapped fields included.
    pub ownership: &'a OwnershipRules,
    /// The operator's tables, those of unmapped fields included.
    pub mappings: &'a Mappings,
    /// The organization's other integrations that are in use.
    pub others: &'a BTreeMap<IntegrationId, LinkRules>,
}

/// Finds what an operator should know of an integration's rules: errors first, then by field.
pub fn prove(subject: &Subject<'_>) -> Vec<Finding> {
    let fields = subject.rules.fields.iter();
    let mut findings: Vec<_> = fields
        .flat_map(|(field, rule)| {
            let mut of_field = values::findings(subject.rules, field, rule);
            of_field.extend(reach::of_field(subject.rules, field, rule));
            of_field.extend(reach::shared(subject, field, rule));
            of_field
        })
        .collect();
    findings.extend(reach::of_integration(subject));
    findings.sort();
    findings.dedup();
    findings
}
