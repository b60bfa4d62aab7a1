//! What a body may say of an incident.

use std::collections::BTreeMap;

use im_model::{Field, PlatformValue};
use serde_json::Value;

use super::output::READ_ONLY;
use crate::{
    Problem,
    body::{ObjectReader, shortened},
};

/// Every name that a body may have.
pub(crate) const NAMES: [&str; 9] = [
    "title",
    "description",
    "severity",
    "priority",
    "status",
    "assigned_to",
    "escalation_policy",
    "assignee",
    CUSTOM_FIELDS,
];

const CUSTOM_FIELDS: &str = "custom_fields";
const ASSIGNEE: &str = "assignee";

/// The values of an incident to be created.
pub(super) fn new_incident(
    mut body: ObjectReader,
) -> Result<BTreeMap<Field, PlatformValue>, Problem> {
    body.require(&["title"]);
    change(body)
}

/// The values that are to change; an empty value clears its field.
pub(super) fn change(mut body: ObjectReader) -> Result<BTreeMap<Field, PlatformValue>, Problem> {
    let mut values = BTreeMap::new();
    for field in Field::BUILT_IN {
        let name = field.name();
        if let Some(value) = body.take(&name) {
            keep(&mut body, &mut values, &name, field, value);
        }
    }
    if let Some(value) = body.take(ASSIGNEE) {
        let mut alias = BTreeMap::new();
        keep(&mut body, &mut alias, ASSIGNEE, Field::AssignedTo, value);
        let contradicts = |(field, value)| values.get(field).is_some_and(|other| other != value);
        if alias.iter().any(contradicts) {
            body.refuse(
                ASSIGNEE,
                "is another name for assigned_to, which says something else",
            );
        }
        values.extend(alias);
    }
    for (name, value) in body.object(CUSTOM_FIELDS) {
        let path = format!("{CUSTOM_FIELDS}.{}", shortened(&name));
        match format!("custom.{name}").parse::<Field>() {
            Ok(field) => keep(&mut body, &mut values, &path, field, value),
            Err(_) => body.refuse(path, "a name is 1 to 64 of A-Z, a-z, 0-9 and _"),
        }
    }
    let problems = body.finish(&NAMES, &[(&READ_ONLY, "is read-only")]);
    if problems.is_empty() {
        Ok(values)
    } else {
        Err(Problem::invalid(problems))
    }
}

fn keep(
    body: &mut ObjectReader,
    values: &mut BTreeMap<Field, PlatformValue>,
    name: &str,
    field: Field,
    value: Value,
) {
    let parsed = match value {
        Value::Null => field.parse_value(None),
        Value::String(text) => field.parse_value(Some(&text)),
        other => return body.refuse_type(name, "a string or null", &other),
    };
    match parsed {
        Ok(value) => _ = values.insert(field, value),
        Err(invalid) => body.refuse(name, invalid.rule),
    }
}
