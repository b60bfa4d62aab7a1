//! Where a value leads: to the other side, and back.

use im_model::{Field, Value};

use super::domain;
use crate::{FieldRule, Mapped, ValueMap};

/// What a map makes of a text.
pub(super) fn apply(map: &ValueMap, text: &str) -> Mapped {
    map.apply(&Value::text(text))
}

/// What a map makes of a text, if it is a text.
pub(super) fn answer(map: &ValueMap, text: &str) -> Option<String> {
    let mapped = apply(map, text);
    Some(mapped.value()?.as_str()?.to_owned())
}

/// `SEV-1 → high → SEV-2`.
pub(super) fn arrows<T: AsRef<str>>(values: &[T]) -> String {
    let values: Vec<_> = values.iter().map(AsRef::as_ref).collect();
    values.join(" → ")
}

/// The cycles of more than one step that the two maps lead the platform's values round, each with the vendor's values
/// in between and its first value at both ends.
pub(super) fn cycles(field: &Field, rule: &FieldRule) -> Vec<Vec<String>> {
    let mut cycles: Vec<Vec<String>> = Vec::new();
    for start in domain::platform_or_named(field, rule) {
        let is_known = cycles.iter().any(|cycle| {
            let mut ours = cycle.iter().step_by(2);
            ours.any(|value| *value == start)
        });
        if !is_known {
            cycles.extend(cycle_from(&start, rule));
        }
    }
    cycles
}

/// The cycle that a value is on.
fn cycle_from(start: &str, rule: &FieldRule) -> Option<Vec<String>> {
    let mut path = vec![start.to_owned()];
    loop {
        let at = path.last()?;
        let theirs = answer(&rule.outward, at)?;
        let ours = answer(&rule.inward, &theirs)?;
        let was_here = path.iter().step_by(2).any(|value| *value == ours);
        path.extend([theirs, ours]);
        if was_here {
            let comes_back = path.last().is_some_and(|last| last == start) && path.len() > 3;
            return comes_back.then_some(path);
        }
    }
}
