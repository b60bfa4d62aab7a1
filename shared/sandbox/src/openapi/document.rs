//! The file, made right and made JSON schema.

use anyhow::{Context, Result, anyhow};
use serde_json::{Map, Value, json};

/// A change to a file that contradicts itself or what its vendor is known to do.
#[derive(Clone, Copy, Debug)]
pub struct Correction {
    /// JSON pointer to what is replaced or added; its parent must exist.
    pub pointer: &'static str,
    /// The right value, as JSON.
    pub value: &'static str,
    /// Why the file is wrong.
    pub because: &'static str,
}

pub(super) fn correct(document: &mut Value, correction: &Correction) -> Result<()> {
    let Correction { pointer, value, .. } = correction;
    let value: Value = serde_json::from_str(value).with_context(|| (*pointer).to_owned())?;
    let (parent, key) = pointer.rsplit_once('/').unwrap_or_default();
    let nowhere = || anyhow!("the file has changed: there is no {parent}");
    match document.pointer_mut(parent).ok_or_else(nowhere)? {
        Value::Object(object) => {
            object.insert(key.replace("~1", "/").replace("~0", "~"), value);
        }
        Value::Array(array) if key == "-" => array.push(value),
        _ => return Err(nowhere()),
    }
    Ok(())
}

/// `OpenAPI` 3.0's `nullable` in JSON schema's words; `readOnly` says nothing about validity.
pub(super) fn to_json_schema(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(to_json_schema),
        Value::Object(object) => {
            object.values_mut().for_each(to_json_schema);
            object.remove("readOnly");
            if object.get("nullable") == Some(&Value::Bool(true)) {
                allow_null(object);
            }
        }
        _ => {}
    }
}

fn allow_null(object: &mut Map<String, Value>) {
    object.remove("nullable");
    if let Some(Value::Array(values)) = object.get_mut("enum") {
        values.push(Value::Null);
    }
    if let Some(kind) = object.get_mut("type") {
        *kind = json!([kind.take(), "null"]);
    } else {
        let schema = Value::Object(std::mem::take(object));
        object.insert("anyOf".to_owned(), json!([schema, {"type": "null"}]));
    }
}
