//! Entity properties: values that apps attach to issues and comments.

use std::collections::BTreeMap;

use serde_json::Value;

use super::refusal::Refusal;

/// `[{"key": …, "value": …}]`.
pub(crate) fn listed(given: &Value) -> Result<BTreeMap<String, Value>, Refusal> {
    let list = given.as_array().ok_or_else(Refusal::payload)?;
    let one = |property: &Value| {
        let key = property["key"].as_str().ok_or_else(Refusal::payload)?;
        let value = property.get("value").ok_or_else(Refusal::payload)?;
        check(key, value)?;
        Ok((key.to_owned(), value.clone()))
    };
    list.iter().map(one).collect()
}

/// Checks the documented limits of an entity property.
pub(crate) fn check(key: &str, value: &Value) -> Result<(), Refusal> {
    if key.is_empty() || key.chars().count() > 255 {
        return Err(Refusal::invalid(
            "The key of a property has 1 to 255 characters.",
        ));
    }
    if value.to_string().chars().count() > 32_768 {
        return Err(Refusal::invalid(
            "The value of a property has at most 32768 characters.",
        ));
    }
    Ok(())
}
