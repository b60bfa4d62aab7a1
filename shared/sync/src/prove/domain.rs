//! The values that can be counted on each side of a field.

use im_model::{Field, Otherwise, Priority, Severity, Status, ValueTable};

use crate::{FieldRule, ValueType};

/// Values in the order people read them, each once.
pub(super) type Values = Vec<String>;

/// Every value that the platform's field can hold, where they can be counted.
pub(super) fn platform(field: &Field, rule: &FieldRule) -> Option<Values> {
    let words = |words: &mut dyn Iterator<Item = &'static str>| words.map(str::to_owned).collect();
    match field {
        Field::Severity => Some(words(&mut Severity::ALL.iter().map(|word| word.as_str()))),
        Field::Priority => Some(words(&mut Priority::ALL.iter().map(|word| word.as_str()))),
        Field::Status => Some(words(&mut Status::ALL.iter().map(|word| word.as_str()))),
        Field::Custom(_) => (rule.outward.value_type() == Some(ValueType::Boolean))
            .then(|| words(&mut ["true", "false"].into_iter())),
        Field::Title | Field::Description | Field::AssignedTo | Field::EscalationPolicy => None,
    }
}

/// The platform's values, or else those that the tables name.
pub(super) fn platform_or_named(field: &Field, rule: &FieldRule) -> Values {
    platform(field, rule).unwrap_or_else(|| {
        let tables = rule.tables();
        named(tables.outbound.as_ref(), tables.inbound.as_ref())
    })
}

/// The vendor's values, or else those that the tables name.
pub(super) fn vendor_or_named(rule: &FieldRule) -> Values {
    match &rule.vendor_values {
        Some(values) => values.iter().cloned().collect(),
        None => {
            let tables = rule.tables();
            named(tables.inbound.as_ref(), tables.outbound.as_ref())
        }
    }
}

/// What one table starts from and the other leads to.
fn named(from: Option<&ValueTable>, to: Option<&ValueTable>) -> Values {
    let keys = from.into_iter().flat_map(|table| table.values.keys());
    let targets = to.into_iter().flat_map(targets);
    let mut values: Values = keys.chain(targets).cloned().collect();
    values.retain(|value| !value.is_empty());
    values.sort();
    values.dedup();
    values
}

/// Everything that a table can answer.
pub(super) fn targets(table: &ValueTable) -> impl Iterator<Item = &String> {
    let default = match &table.otherwise {
        Otherwise::Default(to) => Some(to),
        Otherwise::Error | Otherwise::LeaveAlone | Otherwise::Inherit => None,
    };
    table.values.values().chain(default)
}
