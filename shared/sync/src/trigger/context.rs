//! Facts as the variables of an expression.

use std::collections::HashMap;

use cel::Context;
use im_model::Field;

use super::Facts;

/// The variables `title` … `escalation_policy`, `custom`, `labels` and, of a record, `external`.
pub(super) fn of(facts: &Facts) -> Context<'static, 'static> {
    let mut context = Context::default();
    for field in Field::BUILT_IN {
        context.add_variable_from_value(field.name(), facts.value(&field).to_owned());
    }
    let custom: HashMap<String, String> = facts
        .custom()
        .into_iter()
        .map(|(name, text)| (name.to_owned(), text.to_owned()))
        .collect();
    context.add_variable_from_value("labels", custom.clone());
    context.add_variable_from_value("custom", custom);
    if let Some(external) = facts.external() {
        let external: HashMap<String, String> = external.clone().into_iter().collect();
        context.add_variable_from_value("external", external);
    }
    context
}
