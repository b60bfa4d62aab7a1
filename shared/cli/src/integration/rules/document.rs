//! Mappings as a YAML file.

use std::{collections::BTreeMap, fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer,
    de::{Error, IgnoredAny, MapAccess, Visitor},
};
use serde_json::{Map, Value, json};

use crate::failure::Failed;

/// A map in which no name comes twice: YAML readers would keep the last one and say nothing.
struct Names<T>(BTreeMap<String, T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Names<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Once<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Once<T> {
            type Value = Names<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("names with values")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Names<T>, A::Error> {
                let mut names = BTreeMap::new();
                while let Some(name) = map.next_key::<String>()? {
                    if names.contains_key(&name) {
                        return Err(A::Error::custom(format!("{name:?} comes twice")));
                    }
                    let value = map.next_value()?;
                    names.insert(name, value);
                }
                Ok(Names(names))
            }
        }

        deserializer.deserialize_map(Once(PhantomData))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    fields: Option<Names<String>>,
    values: Names<Maps>,
    /// What an answer of the API has besides.
    #[serde(rename = "version")]
    _version: Option<IgnoredAny>,
    #[serde(rename = "configured")]
    _configured: Option<IgnoredAny>,
    #[serde(rename = "defaults")]
    _defaults: Option<IgnoredAny>,
    #[serde(rename = "notes")]
    _notes: Option<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Maps {
    outbound: Option<Table>,
    inbound: Option<Table>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    values: Option<Names<String>>,
    otherwise: Otherwise,
}

/// `error`, `leave_alone`, `inherit` or `default: <value>`.
struct Otherwise(Value);

impl<'de> Deserialize<'de> for Otherwise {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct WordOrDefault;

        impl<'de> Visitor<'de> for WordOrDefault {
            type Value = Otherwise;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("error, leave_alone, inherit or default: <value>")
            }

            fn visit_str<E: Error>(self, word: &str) -> Result<Otherwise, E> {
                match word {
                    "error" | "leave_alone" | "inherit" => Ok(Otherwise(json!(word))),
                    _ => Err(E::invalid_value(serde::de::Unexpected::Str(word), &self)),
                }
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Otherwise, A::Error> {
                let Some((name, value)) = map.next_entry::<String, String>()? else {
                    return Err(A::Error::invalid_length(0, &self));
                };
                if name != "default" {
                    return Err(A::Error::unknown_field(&name, &["default"]));
                }
                match map.next_key::<String>()? {
                    None => Ok(Otherwise(json!({ "default": value }))),
                    Some(other) => Err(A::Error::unknown_field(&other, &["default"])),
                }
            }
        }

        deserializer.deserialize_any(WordOrDefault)
    }
}

/// The mappings that a YAML file holds, as the API takes them. `name` is what the file is called in errors.
pub(super) fn read(name: &str, yaml: &str) -> Result<Value, Failed> {
    let document: Document =
        serde_yaml_ng::from_str(yaml).map_err(|error| refused(name, &error))?;
    let mut json = Map::new();
    json.extend(
        document
            .fields
            .map(|fields| ("fields".to_owned(), json!(fields.0))),
    );
    let values = document.values.0.into_iter();
    let values: Map<_, _> = values
        .map(|(field, maps)| (field, maps.into_json()))
        .collect();
    json.insert("values".to_owned(), Value::Object(values));
    Ok(Value::Object(json))
}

impl Maps {
    fn into_json(self) -> Value {
        let mut json = Map::new();
        for (direction, table) in [("outbound", self.outbound), ("inbound", self.inbound)] {
            let Some(table) = table else { continue };
            let values = table.values.map(|values| values.0).unwrap_or_default();
            let table = json!({"values": values, "otherwise": table.otherwise.0});
            json.insert(direction.to_owned(), table);
        }
        Value::Object(json)
    }
}

/// `file:line:column: path: what is wrong`.
fn refused(name: &str, error: &serde_yaml_ng::Error) -> Failed {
    let text = error.to_string();
    let problem = match error.location() {
        Some(place) => {
            let (line, column) = (place.line(), place.column());
            let at = format!(" at line {line} column {column}");
            let what = text.strip_suffix(&at).unwrap_or(&text);
            format!("{name}:{line}:{column}: {what}")
        }
        None => format!("{name}: {text}"),
    };
    let hint =
        "nothing was changed; `im integration mapping export` shows what such a file looks like";
    Failed::new(problem, hint)
}

/// The mappings that the API showed, as a YAML file.
pub(super) fn write(id: &str, mappings: &Value) -> anyhow::Result<String> {
    let document = json!({"fields": mappings["fields"], "values": mappings["values"]});
    let yaml = serde_yaml_ng::to_string(&document)?;
    Ok(format!(
        "# The mappings of {id}: im integration mapping import {id} FILE\n{yaml}"
    ))
}
