//! The fields that a transition's screen demands, from the integration's configuration.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde_json::{Map, Value, json};

use super::Transition;
use crate::jira::adf;

/// The option that fills in a field is this and the field's key, e.g. `transition_field.resolution`.
pub(in crate::jira) const OPTION_PREFIX: &str = "transition_field.";

/// A field of a transition's screen that must not be left empty.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::jira) struct RequiredField {
    /// E.g. `resolution`, `customfield_10010`.
    pub(in crate::jira) key: String,
    /// What people see.
    pub(in crate::jira) name: String,
    /// True if Jira fills it in by itself.
    pub(in crate::jira) has_default: bool,
    /// `schema.type`, e.g. `resolution`, `string`, `array`.
    pub(in crate::jira) kind: String,
    /// True of a text of several lines, which the REST API v3 takes as a document (ADF).
    pub(in crate::jira) is_document: bool,
    /// `schema.items`: what an array holds.
    pub(in crate::jira) items: Option<String>,
    /// The values it can have, as Jira lists them; empty if it lists none.
    pub(in crate::jira) allowed_values: Vec<Value>,
}

/// What is wrong with one field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::jira) struct FieldProblem {
    pub(in crate::jira) key: String,
    pub(in crate::jira) name: String,
    /// E.g. `is not configured`.
    pub(in crate::jira) what: String,
    /// The names of the values it can have; empty if any.
    pub(in crate::jira) allowed: Vec<String>,
}

/// A transition that cannot be taken until somebody configures its fields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::jira) struct MissingFields {
    /// The transition, as a person would name it.
    pub(in crate::jira) transition: String,
    pub(in crate::jira) fields: Vec<FieldProblem>,
}

impl fmt::Display for MissingFields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the transition {} needs fields", self.transition)?;
        for (index, field) in self.fields.iter().enumerate() {
            let separator = if index == 0 { ": " } else { "; " };
            let FieldProblem {
                key, name, what, ..
            } = field;
            write!(
                f,
                "{separator}{name} {what}, set the option {OPTION_PREFIX}{key}"
            )?;
            if !field.allowed.is_empty() {
                write!(f, " to one of {}", field.allowed.join(", "))?;
            }
        }
        Ok(())
    }
}

impl std::error::Error for MissingFields {}

/// The `fields` of the body that takes a transition, from the integration's options. A field that has a value already
/// (`filled`, by key) or a default is left alone unless it is configured: Jira keeps what a request does not name.
/// Several values of an array are separated by commas.
pub(in crate::jira) fn fields_for(
    transition: &Transition,
    options: &BTreeMap<String, String>,
    filled: &BTreeSet<String>,
) -> Result<Map<String, Value>, MissingFields> {
    let mut fields = Map::new();
    let mut problems = Vec::new();
    for field in &transition.required_fields {
        let configured = options.get(&format!("{OPTION_PREFIX}{}", field.key));
        match configured
            .map(|text| text.trim())
            .filter(|text| !text.is_empty())
        {
            Some(text) => match field.value(text) {
                Ok(value) => {
                    fields.insert(field.key.clone(), value);
                }
                Err(what) => problems.push(field.problem(what)),
            },
            None if field.has_default || filled.contains(&field.key) => {}
            None => problems.push(field.problem("is not configured".to_owned())),
        }
    }
    if problems.is_empty() {
        return Ok(fields);
    }
    Err(MissingFields {
        transition: transition.to_string(),
        fields: problems,
    })
}

impl RequiredField {
    fn problem(&self, what: String) -> FieldProblem {
        FieldProblem {
            key: self.key.clone(),
            name: self.name.clone(),
            what,
            allowed: self
                .allowed_values
                .iter()
                .filter_map(naming)
                .map(|(_, name)| name.to_owned())
                .collect(),
        }
    }

    fn value(&self, text: &str) -> Result<Value, String> {
        if self.kind != "array" {
            return self.one_value(&self.kind, text);
        }
        let items = self.items.as_deref().unwrap_or("string");
        let parts = text
            .split(',')
            .map(str::trim)
            .filter(|part| !part.is_empty());
        parts.map(|part| self.one_value(items, part)).collect()
    }

    /// In the form that Jira takes for a type of the field's schema.
    fn one_value(&self, kind: &str, text: &str) -> Result<Value, String> {
        if !self.allowed_values.is_empty() && kind != "option-with-child" {
            let matches = |allowed: &&Value| {
                naming(allowed).is_some_and(|(_, name)| name.to_lowercase() == text.to_lowercase())
            };
            let allowed = self.allowed_values.iter().find(matches);
            let (property, name) = allowed
                .and_then(naming)
                .ok_or_else(|| format!("cannot be \"{text}\""))?;
            return Ok(match property {
                Some(property) => json!({ property: name }),
                None => json!(name),
            });
        }
        match kind {
            "string" if self.is_document => Ok(adf::from_markdown(text)),
            "string" | "date" | "datetime" | "any" => Ok(json!(text)),
            "number" => match text.parse::<f64>() {
                Ok(number) if number.is_finite() => Ok(json!(number)),
                _ => Err(format!("takes a number, which \"{text}\" is not")),
            },
            "resolution" | "priority" | "issuetype" | "version" | "component" | "group"
            | "securitylevel" | "status" => Ok(json!({ "name": text })),
            "option" => Ok(json!({ "value": text })),
            "user" => Ok(json!({ "accountId": text })),
            "project" | "issuelink" => Ok(json!({ "key": text })),
            // Forms that we do not build can be written as they are.
            other => match serde_json::from_str(text) {
                Ok(value @ (Value::Object(_) | Value::Array(_))) => Ok(value),
                _ => Err(format!("is of type {other}, which is written as JSON")),
            },
        }
    }
}

/// The property by which people know a value, and what it says.
fn naming(allowed: &Value) -> Option<(Option<&'static str>, &str)> {
    if let Value::String(name) = allowed {
        return Some((None, name));
    }
    ["name", "value", "key"].into_iter().find_map(|property| {
        let name = allowed.get(property)?.as_str()?;
        Some((Some(property), name))
    })
}
