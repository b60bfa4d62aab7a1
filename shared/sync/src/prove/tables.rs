//! What an operator's tables may say of a field.

use im_model::{ExternalValue, Field, FieldMaps, Otherwise, ValueTable};

use super::{chain, values::vendor_refuses};
use crate::{FieldRule, ValueMap};

/// Something in a table that cannot be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableProblem {
    /// Where, below the field: `outbound.values.SEV-1`, `inbound.otherwise`; empty: both tables together.
    pub path: String,
    /// What it must be.
    pub problem: String,
}

/// Most characters of a value in a table.
const LONGEST_VALUE: usize = 1024;

/// What cannot be in these tables of a field: values that a side is known not to have, and cycles.
pub fn check_tables(field: &Field, rule: &FieldRule, maps: &FieldMaps) -> Vec<TableProblem> {
    let ours = |text: &str| platform_refuses(field, rule, text);
    let theirs = |map: &ValueMap, text: &str| {
        not_of_its_type(map, text).or_else(|| vendor_refuses(rule, &ExternalValue::text(text)))
    };
    let mut problems = Vec::new();
    if let Some(table) = &maps.outbound {
        let to = |text: &str| theirs(&rule.outward, text);
        problems.extend(in_table("outbound", table, ours, to));
    }
    if let Some(table) = &maps.inbound {
        let from = |text: &str| not_of_its_type(&rule.inward, text);
        problems.extend(in_table("inbound", table, from, ours));
    }
    let cycles = chain::cycles(field, &rule.with_tables(maps));
    problems.extend(cycles.iter().map(|cycle| TableProblem {
        path: String::new(),
        problem: format!("the tables lead round in a cycle: {}", chain::arrows(cycle)),
    }));
    problems
}

fn in_table(
    direction: &str,
    table: &ValueTable,
    refused_from: impl Fn(&str) -> Option<String>,
    refused_to: impl Fn(&str) -> Option<String>,
) -> Vec<TableProblem> {
    let mut problems = Vec::new();
    let mut refuse = |path: String, problem: String| problems.push(TableProblem { path, problem });
    for (from, to) in &table.values {
        let path = format!("{direction}.values.{}", shortened(from));
        if from.is_empty() {
            refuse(path, "the empty value stays empty".to_owned());
        } else if from.chars().count() > LONGEST_VALUE || to.chars().count() > LONGEST_VALUE {
            refuse(path, format!("must be at most {LONGEST_VALUE} characters"));
        } else {
            if let Some(problem) = refused_from(from) {
                refuse(path.clone(), format!("{from:?}: {problem}"));
            }
            if let Some(problem) = refused_to(to) {
                refuse(path, format!("{to:?}: {problem}"));
            }
        }
    }
    if let Otherwise::Default(to) = &table.otherwise
        && let Some(problem) = refused_to(to)
    {
        refuse(
            format!("{direction}.otherwise.default"),
            format!("{to:?}: {problem}"),
        );
    }
    problems
}

/// Paths are repeated in answers: a long one is cut.
fn shortened(text: &str) -> String {
    text.chars().take(80).collect()
}

fn platform_refuses(field: &Field, rule: &FieldRule, text: &str) -> Option<String> {
    let refused = field.parse_value(Some(text)).err();
    refused
        .map(|refused| refused.rule)
        .or_else(|| not_of_its_type(&rule.outward, text))
}

/// A text that is no value of a typed field.
fn not_of_its_type(map: &ValueMap, text: &str) -> Option<String> {
    let value_type = map.value_type()?;
    let is_one = text.is_empty() || value_type.canonical(text).is_some();
    (!is_one).then(|| format!("must be a {}", value_type.name()))
}
