//! What a body may say of rules.

use std::collections::BTreeMap;

use im_engine::manage::{FieldProblem, NewMappings, NewOwnership};
use im_model::{FieldMaps, Otherwise, Owner, ValueTable};
use serde_json::{Map, Value};

use super::output::READ_ONLY;
use crate::{
    Problem,
    body::{ObjectReader, shortened},
};

/// What the owners of a field are named by.
pub(crate) const OWNERSHIP: [&str; 1] = ["rules"];

/// What mappings are named by.
pub(crate) const MAPPINGS: [&str; 2] = ["fields", "values"];

const RULE: [&str; 2] = ["owner", "priority"];
const DIRECTIONS: [&str; 2] = ["outbound", "inbound"];
const TABLE: [&str; 2] = ["values", "otherwise"];

/// A table's values are checked for their length where they are checked for their meaning.
const ANY_LENGTH: usize = usize::MAX;
const LONGEST_FIELD: usize = 1024;

const OTHERWISE: &str =
    "must be \"error\", \"leave_alone\", \"inherit\" or {\"default\": \"<value>\"}";

/// Who is to own a field.
pub(super) fn ownership(mut body: ObjectReader, shared: bool) -> Result<NewOwnership, Problem> {
    body.require(&OWNERSHIP);
    let mut rules = Vec::new();
    match body.take("rules") {
        None => {}
        Some(Value::Array(given)) if given.len() <= Owner::ALL.len() => {
            for (at, one) in given.into_iter().enumerate() {
                let read = nested(&mut body, &format!("rules.{at}"), one, &RULE, rule);
                rules.extend(read.flatten());
            }
        }
        Some(Value::Array(_)) => body.refuse("rules", "must have at most one rule for each owner"),
        Some(other) => body.refuse_type("rules", "an array", &other),
    }
    finished(body, &OWNERSHIP, NewOwnership { rules, shared })
}

fn rule(reader: &mut ObjectReader) -> Option<(Owner, u8)> {
    reader.require(&["owner"]);
    let owner = reader.parsed("owner");
    let range = NewOwnership::PRIORITIES;
    let priority = match reader.take("priority") {
        None => Some(NewOwnership::PRIORITY),
        Some(given) => {
            let number = given.as_u64().and_then(|number| u8::try_from(number).ok());
            let valid = number.filter(|number| range.contains(number));
            if valid.is_none() {
                let (least, most) = (range.start(), range.end());
                reader.refuse(
                    "priority",
                    format!("must be a whole number from {least} to {most}"),
                );
            }
            valid
        }
    };
    Some((owner?, priority?))
}

/// What the mappings are to be.
pub(super) fn mappings(mut body: ObjectReader) -> Result<NewMappings, Problem> {
    body.require(&["values"]);
    for name in READ_ONLY {
        body.take(name);
    }
    let fields = body
        .has("fields")
        .then(|| body.texts("fields", LONGEST_FIELD));
    let mut values = BTreeMap::new();
    for (field, maps) in body.object("values") {
        let path = format!("values.{}", shortened(&field));
        let maps = nested(&mut body, &path, maps, &DIRECTIONS, field_maps);
        values.extend(maps.map(|maps| (field, maps)));
    }
    finished(body, &MAPPINGS, NewMappings { fields, values })
}

fn field_maps(reader: &mut ObjectReader) -> FieldMaps {
    let [outbound, inbound] = DIRECTIONS.map(|direction| {
        let table_json = reader.take(direction)?;
        nested(reader, direction, table_json, &TABLE, table).flatten()
    });
    FieldMaps { outbound, inbound }
}

fn table(reader: &mut ObjectReader) -> Option<ValueTable> {
    reader.require(&["otherwise"]);
    let values = reader.texts("values", ANY_LENGTH);
    let otherwise = otherwise(&reader.take("otherwise")?);
    if otherwise.is_none() {
        reader.refuse("otherwise", OTHERWISE);
    }
    Some(ValueTable {
        values,
        otherwise: otherwise?,
    })
}

fn otherwise(given: &Value) -> Option<Otherwise> {
    match given {
        Value::String(word) => match word.as_str() {
            "error" => Some(Otherwise::Error),
            "leave_alone" => Some(Otherwise::LeaveAlone),
            "inherit" => Some(Otherwise::Inherit),
            _ => None,
        },
        Value::Object(object) if object.len() == 1 => {
            let default = object.get("default")?.as_str()?;
            Some(Otherwise::Default(default.to_owned()))
        }
        _ => None,
    }
}

/// Reads an object within a body; what is wrong with it is named with its path.
fn nested<T>(
    body: &mut ObjectReader,
    path: &str,
    value: Value,
    accepted: &[&str],
    read: impl FnOnce(&mut ObjectReader) -> T,
) -> Option<T> {
    let object: Map<String, Value> = match value {
        Value::Object(object) => object,
        other => {
            body.refuse_type(path, "an object", &other);
            return None;
        }
    };
    let mut reader = ObjectReader::new(object);
    let made = read(&mut reader);
    for FieldProblem { field, problem } in reader.finish(accepted, &[]) {
        body.refuse(format!("{path}.{field}"), problem);
    }
    Some(made)
}

fn finished<T>(body: ObjectReader, accepted: &[&str], made: T) -> Result<T, Problem> {
    let problems = body.finish(accepted, &[]);
    if problems.is_empty() {
        Ok(made)
    } else {
        Err(Problem::invalid(problems))
    }
}
