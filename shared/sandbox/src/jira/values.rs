//! One field's value in a request: what Jira takes, and its words where it does not.

use serde_json::{Value, json};

use super::adf::{self, Unfit};
use super::edit::Change;
use super::issue::Issue;
use super::site::{CustomField, CustomKind, Named, Site, by_id, by_name};

/// What is wrong with a field, in Jira's words.
pub(crate) type Wrong = String;

/// The longest summary and the longest label, in characters.
const LONGEST: usize = 255;

/// One operation on a field; an entry of `fields` sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    Set,
    Add,
    Remove,
}

/// What setting `field` to `value` means; `None` where the site has no such field.
pub(crate) fn set(site: &Site, field: &str, value: &Value) -> Option<Result<Change, Wrong>> {
    Some(match field {
        "summary" => summary(value).map(Change::Summary),
        "description" => document(value).map(Change::Description),
        "priority" => named("priority", &site.priorities, value).map(Change::Priority),
        "labels" => labels(value).map(Change::Labels),
        "assignee" => assignee(site, value).map(Change::Assignee),
        "resolution" => resolution(site, value).map(Change::Resolution),
        _ => {
            let field = site.custom_field(field)?;
            custom(field, value).map(|value| Change::Custom(field.clone(), value))
        }
    })
}

/// The labels after one was added or taken away, or all were set.
pub(crate) fn relabelled(
    mut labels: Vec<String>,
    operation: Operation,
    value: &Value,
) -> Result<Vec<String>, Wrong> {
    if operation == Operation::Set {
        return self::labels(value);
    }
    let one = self::labels(&json!([value]))?;
    labels.retain(|label| !one.contains(label));
    if operation == Operation::Add {
        labels.extend(one);
        labels.sort();
    }
    Ok(labels)
}

/// The labels an operation starts from.
pub(crate) fn present_labels(issue: Option<&Issue>) -> Vec<String> {
    issue.map_or_else(Vec::new, |issue| issue.labels.clone())
}

fn summary(value: &Value) -> Result<String, Wrong> {
    let text = match value {
        Value::Null => "",
        value => value.as_str().ok_or("Operation value must be a string")?,
    };
    if text.trim().is_empty() {
        return Err("You must specify a summary of the issue.".to_owned());
    }
    if text.contains(['\n', '\r']) {
        return Err("The summary is invalid because it contains newline characters.".to_owned());
    }
    if text.chars().count() > LONGEST {
        return Err("Summary must be less than 255 characters.".to_owned());
    }
    Ok(text.to_owned())
}

fn document(value: &Value) -> Result<Option<Value>, Wrong> {
    if value.is_null() {
        return Ok(None);
    }
    match adf::check(value) {
        Ok(()) => Ok(Some(value.clone())),
        Err(Unfit::Malformed(wrong)) => {
            tracing::debug!(wrong, "not a document");
            let words =
                "Operation value must be an Atlassian Document (see the Atlassian Document Format)";
            Err(words.to_owned())
        }
        Err(Unfit::TooLong) => Err(too_long()),
    }
}

fn too_long() -> Wrong {
    "The entered text is too long. It exceeds the allowed limit of 32,767 characters.".to_owned()
}

/// A comment's body.
pub(crate) fn comment(value: Option<&Value>) -> Result<Value, Wrong> {
    let body = value.unwrap_or(&Value::Null);
    match adf::check(body) {
        Ok(()) if adf::is_blank(body) => Err("Comment body can not be empty!".to_owned()),
        Ok(()) => Ok(body.clone()),
        Err(Unfit::Malformed(wrong)) => {
            tracing::debug!(wrong, "not a document");
            Err("Comment body is not valid!".to_owned())
        }
        Err(Unfit::TooLong) => Err(too_long()),
    }
}

fn labels(value: &Value) -> Result<Vec<String>, Wrong> {
    if value.is_null() {
        return Ok(Vec::new());
    }
    let values = value.as_array().ok_or("data was not an array")?;
    let mut labels = Vec::new();
    for (place, label) in values.iter().enumerate() {
        let label = label.as_str();
        let label = label.ok_or_else(|| format!("string expected at index {place}"))?;
        if label.is_empty() || label.contains(char::is_whitespace) {
            return Err(format!(
                "The label '{label}' contains spaces which is invalid."
            ));
        }
        if label.chars().count() > LONGEST {
            return Err(format!("The label '{label}' exceeds 255 characters."));
        }
        labels.push(label.to_owned());
    }
    labels.sort();
    labels.dedup();
    Ok(labels)
}

/// `{"accountId": …}` or `{"id": …}`; null, or null in it, is nobody.
pub(crate) fn assignee(site: &Site, value: &Value) -> Result<Option<String>, Wrong> {
    if value.is_null() {
        return Ok(None);
    }
    let object = value.as_object().ok_or("data was not an object")?;
    let account_id = object.get("accountId").or_else(|| object.get("id"));
    let account_id = match account_id.ok_or("'accountId' is missing")? {
        Value::Null => return Ok(None),
        // The project's default assignee, who is nobody here.
        Value::String(account_id) if account_id == "-1" => return Ok(None),
        Value::String(account_id) => account_id,
        _ => return Err("'accountId' must be a string".to_owned()),
    };
    match site.user(account_id) {
        None => Err(format!("User '{account_id}' does not exist.")),
        Some(user) if !user.assignable || !user.active => {
            Err(format!("User '{account_id}' cannot be assigned issues."))
        }
        Some(_) => Ok(Some(account_id.clone())),
    }
}

fn resolution(site: &Site, value: &Value) -> Result<Option<Named>, Wrong> {
    match value {
        Value::Null => Ok(None),
        value => named("resolution", &site.resolutions, value).map(Some),
    }
}

/// `{"id": …}` or `{"name": …}`.
pub(crate) fn named(field: &str, all: &[Named], value: &Value) -> Result<Named, Wrong> {
    let (found, key, given) = match (value["id"].as_str(), value["name"].as_str()) {
        (Some(id), _) => (by_id(all, id), "id", id),
        (None, Some(name)) => (by_name(all, name), "name", name),
        (None, None) => return Err(format!("Specify a valid 'id' or 'name' for {field}")),
    };
    let unknown = || {
        let mut field = field.to_owned();
        field[..1].make_ascii_uppercase();
        format!("{field} {key} '{given}' is not valid")
    };
    found.cloned().ok_or_else(unknown)
}

fn custom(field: &CustomField, value: &Value) -> Result<Value, Wrong> {
    if value.is_null() {
        return Ok(Value::Null);
    }
    match &field.kind {
        CustomKind::Text => match value.as_str() {
            Some(text) if text.chars().count() > LONGEST => Err(
                "The entered text is too long. It exceeds the allowed limit of 255 characters."
                    .to_owned(),
            ),
            Some(_) => Ok(value.clone()),
            None => Err("Operation value must be a string".to_owned()),
        },
        CustomKind::Number if value.is_number() => Ok(value.clone()),
        CustomKind::Number => Err("Operation value must be a number".to_owned()),
        CustomKind::Paragraph => document(value).map(Option::unwrap_or_default),
        CustomKind::Select(options) => {
            let by_id = value["id"].as_str().and_then(|id| by_id(options, id));
            let by_name = || by_name(options, value["value"].as_str()?);
            let option = by_id.or_else(by_name);
            let option = option.ok_or("Specify a valid 'id' or 'name' for the option")?;
            Ok(json!({"id": option.id, "value": option.name}))
        }
    }
}
