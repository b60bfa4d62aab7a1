//! The part of JQL that synchronising needs: `project`, `key`, `status`, `labels`, `created` and
//! `updated`, joined by AND, in an order. Anything else is refused, OR included.

mod lexer;
mod parse;
mod time;

use std::cmp::Ordering;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::issue::Issue;
use super::site::Site;

pub(crate) use self::parse::{Vocabulary, parse};

/// A query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Jql {
    /// All of them must hold.
    clauses: Vec<Clause>,
    /// The first decides.
    order: Vec<(Column, Direction)>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Clause {
    column: Column,
    test: Test,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Column {
    Project,
    Key,
    Status,
    Labels,
    Created,
    Updated,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Test {
    /// One of these.
    In(Vec<String>),
    /// None of these.
    NotIn(Vec<String>),
    /// At this time or another side of it.
    Time(Comparison, Timestamp),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Comparison {
    From,
    After,
    Until,
    Before,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Direction {
    Ascending,
    Descending,
}

impl Jql {
    /// The issues that match and come after this place, in the order asked for, else newest first.
    pub(crate) fn select<'a>(
        &self,
        site: &Site,
        issues: &[&'a Issue],
        after: Option<&Place>,
    ) -> Vec<&'a Issue> {
        let holds = |issue: &Issue| {
            let mut clauses = self.clauses.iter();
            let is_after = |place| self.order(&Place::of(issue), place).is_gt();
            clauses.all(|clause| clause.holds(site, issue)) && after.is_none_or(is_after)
        };
        let mut found: Vec<&Issue> = issues
            .iter()
            .copied()
            .filter(|issue| holds(issue))
            .collect();
        found.sort_by(|one, other| self.order(&Place::of(one), &Place::of(other)));
        found
    }

    /// The first criterion that tells two issues apart decides.
    fn order(&self, one: &Place, other: &Place) -> Ordering {
        let mut orders = self.order.iter().map(|(column, direction)| {
            let order = column.order(one, other);
            match direction {
                Direction::Ascending => order,
                Direction::Descending => order.reverse(),
            }
        });
        let first = orders.find(|order| order.is_ne());
        first.unwrap_or_else(|| (other.number, other.id).cmp(&(one.number, one.id)))
    }
}

/// All that decides where an issue stands in an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Place {
    created: Timestamp,
    updated: Timestamp,
    /// 12 of `OPS-12`.
    number: u64,
    id: u64,
}

impl Place {
    pub(crate) fn of(issue: &Issue) -> Self {
        let number = issue.key.rsplit_once('-').map(|(_, number)| number);
        let number = number.and_then(|number| number.parse().ok());
        Self {
            created: issue.created,
            updated: issue.updated,
            number: number.unwrap_or_default(),
            id: issue.id.parse().unwrap_or_default(),
        }
    }
}

impl Clause {
    fn holds(&self, site: &Site, issue: &Issue) -> bool {
        let is = |value: &String| match self.column {
            Column::Project => site.project_of(issue).id == *value,
            Column::Key => issue.is_called(value),
            Column::Status => issue.status.id == *value,
            Column::Labels => issue.labels.contains(value),
            Column::Created | Column::Updated => false,
        };
        match &self.test {
            Test::In(values) => values.iter().any(is),
            // JQL's negation leaves out issues without a value.
            Test::NotIn(_) if self.column == Column::Labels && issue.labels.is_empty() => false,
            Test::NotIn(values) => !values.iter().any(is),
            Test::Time(comparison, time) => {
                let own = match self.column {
                    Column::Created => issue.created,
                    _ => issue.updated,
                };
                match comparison {
                    Comparison::From => own >= *time,
                    Comparison::After => own > *time,
                    Comparison::Until => own <= *time,
                    Comparison::Before => own < *time,
                }
            }
        }
    }
}

impl Column {
    fn named(name: &str) -> Option<Self> {
        Some(match name.to_ascii_lowercase().as_str() {
            "project" => Self::Project,
            "key" | "issuekey" | "issue" | "id" => Self::Key,
            "status" => Self::Status,
            "labels" => Self::Labels,
            "created" | "createddate" => Self::Created,
            "updated" | "updateddate" => Self::Updated,
            _ => return None,
        })
    }

    fn is_time(self) -> bool {
        matches!(self, Self::Created | Self::Updated)
    }

    fn order(self, one: &Place, other: &Place) -> Ordering {
        match self {
            Self::Created => one.created.cmp(&other.created),
            Self::Updated => one.updated.cmp(&other.updated),
            _ => one.number.cmp(&other.number),
        }
    }
}
