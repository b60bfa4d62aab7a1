//! The part of JQL that synchronising needs: `project`, `key`, `status`, `labels`, `created` and
//! `updated`, joined by AND, in an order. Anything else is refused, OR included.

mod lexer;
mod parse;
mod time;

use jiff::Timestamp;

use super::issue::Issue;

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
    /// The issues that match, in the order asked for, else newest first.
    pub(crate) fn select<'a>(&self, issues: &[&'a Issue]) -> Vec<&'a Issue> {
        let holds = |issue: &Issue| self.clauses.iter().all(|clause| clause.holds(issue));
        let mut found: Vec<&Issue> = issues
            .iter()
            .copied()
            .filter(|issue| holds(issue))
            .collect();
        found.sort_by_key(|issue| std::cmp::Reverse(number(issue)));
        // The last criterion first: sorting is stable.
        for (column, direction) in self.order.iter().rev() {
            found.sort_by(|one, other| {
                let order = column.order(one, other);
                match direction {
                    Direction::Ascending => order,
                    Direction::Descending => order.reverse(),
                }
            });
        }
        found
    }
}

impl Clause {
    fn holds(&self, issue: &Issue) -> bool {
        let is = |value: &String| match self.column {
            Column::Project => true,
            Column::Key => issue.key.eq_ignore_ascii_case(value) || issue.id == *value,
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

    fn order(self, one: &Issue, other: &Issue) -> std::cmp::Ordering {
        match self {
            Self::Created => one.created.cmp(&other.created),
            Self::Updated => one.updated.cmp(&other.updated),
            _ => number(one).cmp(&number(other)),
        }
    }
}

/// 12 of `OPS-12`.
fn number(issue: &Issue) -> u64 {
    let number = issue.key.rsplit_once('-').map(|(_, number)| number);
    number
        .and_then(|number| number.parse().ok())
        .unwrap_or_default()
}
