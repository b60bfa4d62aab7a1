//! Custom fields mapped by configuration: `custom.<platform name> = <vendor's name>[:<type>]`.

use std::collections::BTreeMap;

use im_model::Field;
use im_sync::{FieldRule, Limit, ValueMap, ValueType};

/// A mapped custom field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CustomField {
    /// The platform's field.
    pub field: Field,
    /// The vendor's name of it, e.g. `u_cost_center` or `customfield_10050`.
    pub path: String,
    /// What its values are.
    pub value_type: ValueType,
}

const PREFIX: &str = "custom.";

/// The custom fields that the options map, or what is wrong with an option.
///
/// # Errors
/// By option, in words.
pub fn custom_fields(
    options: &BTreeMap<String, String>,
) -> Result<Vec<CustomField>, BTreeMap<String, String>> {
    let (mut fields, mut problems) = (Vec::new(), BTreeMap::new());
    for (name, value) in options {
        if !name.starts_with(PREFIX) || value.is_empty() {
            continue;
        }
        match custom_field(name, value) {
            Ok(field) => fields.push(field),
            Err(problem) => {
                problems.insert(name.clone(), problem);
            }
        }
    }
    if problems.is_empty() {
        Ok(fields)
    } else {
        Err(problems)
    }
}

fn custom_field(name: &str, value: &str) -> Result<CustomField, String> {
    let field: Field = name.parse().map_err(|_| {
        "names no custom field: custom.<name> with letters, digits and _".to_owned()
    })?;
    let (path, type_name) = value.split_once(':').unwrap_or((value, "text"));
    let value_type = ValueType::named(type_name).ok_or_else(|| {
        let known: Vec<_> = ValueType::ALL.iter().map(|(name, _)| *name).collect();
        format!(
            "unknown type {type_name:?}; expected one of {}",
            known.join(", ")
        )
    })?;
    let is_name = !path.is_empty()
        && path.len() <= 80
        && path.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    if !is_name {
        return Err(
            "must be the vendor's field name, with a type if it is not text: <field>[:<type>]"
                .to_owned(),
        );
    }
    Ok(CustomField {
        field,
        path: path.to_owned(),
        value_type,
    })
}

impl CustomField {
    /// How it maps.
    pub fn rule(&self) -> (Field, FieldRule) {
        let map = ValueMap::Typed(self.value_type);
        let rule = FieldRule::new(map.clone(), map, Limit::default());
        (self.field.clone(), rule)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(name: &str, value: &str) -> Result<Vec<CustomField>, BTreeMap<String, String>> {
        custom_fields(&BTreeMap::from([(name.to_owned(), value.to_owned())]))
    }

    #[test]
    fn an_option_names_both_sides_and_the_type() {
        let fields = read("custom.cost_center", "u_cost_center").expect("text by default");
        assert_eq!(fields[0].field, Field::Custom("cost_center".to_owned()));
        assert_eq!(
            (fields[0].path.as_str(), fields[0].value_type),
            ("u_cost_center", ValueType::Text)
        );
        let fields = read("custom.budget", "customfield_10050:number").expect("typed");
        assert_eq!(fields[0].value_type, ValueType::Number);
        assert_eq!(read("service", "P1"), Ok(Vec::new()));
        assert_eq!(
            read("custom.budget", ""),
            Ok(Vec::new()),
            "emptied: not mapped"
        );
    }

    #[test]
    fn what_is_wrong_is_said_by_option() {
        for (name, value) in [
            ("custom.a b", "u_a"),
            ("custom.a", "u a"),
            ("custom.a", ":text"),
            ("custom.a", "u_a:money"),
            ("custom.a", "../x"),
        ] {
            let problems = read(name, value).expect_err(value);
            assert!(problems.contains_key(name), "{problems:?}");
        }
    }
}
