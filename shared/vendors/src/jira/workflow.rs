//! Which transition leads towards a status.
//!
//! Jira changes a status by transitions only, each allowed from some statuses, and a goal may be several away
//! (FACTS.md, "REST v3"). Of a workflow either all edges are known (`POST /rest/api/3/workflows`, where the account may
//! read it) or those that leave the statuses an issue has been in (`GET …/transitions`).

pub(super) mod answer;
pub(super) mod fields;
pub(super) mod planner;

use std::fmt;

use fields::RequiredField;
use serde::Deserialize;

/// A status' id: the same in every workflow that uses the status.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(transparent)]
pub(super) struct StatusId(pub(super) String);

/// A transition's id: unique within its workflow.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub(super) struct TransitionId(pub(super) String);

/// What Jira itself knows about the meaning of a status. The order is that of the work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Category {
    ToDo,
    InProgress,
    Done,
}

impl Category {
    /// By the key of `statusCategory` at an issue (`new`, `indeterminate`, `done`; Jira has a fourth, `undefined`) or
    /// the word that workflows have for it (official schema).
    pub(super) fn named(word: &str) -> Option<Self> {
        match word {
            "new" | "TODO" => Some(Self::ToDo),
            "indeterminate" | "IN_PROGRESS" => Some(Self::InProgress),
            "done" | "DONE" => Some(Self::Done),
            _ => None,
        }
    }
}

/// A status of a workflow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Status {
    pub(super) id: StatusId,
    pub(super) name: String,
    pub(super) category: Option<Category>,
}

impl Status {
    /// Jira allows no two statuses whose names differ in case only.
    pub(super) fn is_named(&self, name: &str) -> bool {
        self.name.trim().to_lowercase() == name.trim().to_lowercase()
    }
}

/// A way from the status where it is available to another.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Transition {
    pub(super) id: TransitionId,
    pub(super) name: String,
    pub(super) to: Status,
    /// The fields of its screen that must not be left empty. Known where Jira was asked for `transitions.fields`.
    pub(super) required_fields: Vec<RequiredField>,
}

impl Transition {
    /// How many fields somebody has to fill in.
    fn demands(&self) -> usize {
        let open = |field: &&RequiredField| !field.has_default;
        self.required_fields.iter().filter(open).count()
    }
}

impl fmt::Display for Transition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\" to \"{}\"", self.name, self.to.name)
    }
}

/// A transition, and a status from which it is available.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Edge {
    pub(super) from: StatusId,
    pub(super) transition: Transition,
}

#[cfg(test)]
mod tests;
