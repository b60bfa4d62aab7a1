//! Values of custom fields, as Jira's JSON has them.

use std::collections::BTreeMap;

use im_model::{ExternalValue, Secret};
use im_sync::ValueType;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Number, Value as Json, json};

use super::{
    adf, moment,
    refusal::{call, unless_closed},
    request,
};
use crate::{Connection, CustomField, VendorError};

/// How Jira keeps a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Shape {
    /// As it is.
    Plain,
    /// As a document: fields of several lines (official description of `PUT /issue`).
    Document,
}

/// How the site keeps each of these fields, by their ids.
pub(super) type Shapes = BTreeMap<String, Shape>;

const REMEMBER: SignedDuration = SignedDuration::from_hours(1);
/// Remembers how the site keeps its text fields.
const SHAPES: &str = "shapes";

#[derive(Debug, Deserialize)]
struct FieldDetails {
    id: Option<String>,
    schema: Option<Schema>,
}

#[derive(Debug, Deserialize)]
struct Schema {
    custom: Option<String>,
}

/// Asks how the site keeps custom texts. No call where none of the fields is one.
pub(super) async fn shapes(
    connection: &Connection<'_>,
    fields: &[CustomField],
) -> Result<Shapes, VendorError> {
    if !fields
        .iter()
        .any(|field| field.value_type == ValueType::Text)
    {
        return Ok(Shapes::new());
    }
    let (memory, integration, now) = (connection.memory, connection.integration, connection.now);
    if let Some(known) = memory.recall(integration, SHAPES, "", now) {
        return Ok(serde_json::from_str(known.reveal()).unwrap_or_default());
    }
    let request = request::field_schemas(connection)?;
    let seen = unless_closed(call::<Vec<FieldDetails>>(connection, request).await)?;
    let shapes: Shapes = seen.into_iter().flatten().filter_map(shape).collect();
    let text = Secret::new(json!(shapes).to_string());
    memory.remember(integration, SHAPES, "", text, now, REMEMBER);
    Ok(shapes)
}

fn shape(field: FieldDetails) -> Option<(String, Shape)> {
    let custom = field.schema?.custom?;
    let shape = if custom.ends_with(":textarea") {
        Shape::Document
    } else {
        Shape::Plain
    };
    Some((field.id?, shape))
}

/// What a field holds, in canonical form; `None` if it is nothing that one text can stand for.
pub(super) fn read(value_type: ValueType, json: &Json) -> Option<ExternalValue> {
    let text = match json {
        Json::Null => return Some(ExternalValue::EMPTY),
        Json::String(text) => text.clone(),
        Json::Number(number) => number.to_string(),
        Json::Bool(is_so) => is_so.to_string(),
        Json::Object(object) if object.get("type") == Some(&json!("doc")) => adf::to_markdown(json),
        Json::Object(object) => {
            let named = ["value", "name"]
                .into_iter()
                .find_map(|name| object.get(name));
            named?.as_str()?.to_owned()
        }
        Json::Array(_) => return None,
    };
    let text = match value_type {
        ValueType::DateTime => moment::read(&text).map_or(text, |at| at.to_string()),
        _ => text,
    };
    // A value of another type is shown as it is, for the platform to report.
    let canonical = value_type.canonical(&text);
    Some(ExternalValue::text(canonical.unwrap_or(text)))
}

/// What a changelog says a field was set to, in canonical form; `None` if that is no value of its type.
pub(super) fn recorded(value_type: ValueType, text: &str) -> Option<ExternalValue> {
    if text.is_empty() {
        return Some(ExternalValue::EMPTY);
    }
    let text = match value_type {
        ValueType::DateTime => moment::read(text)?.to_string(),
        _ => text.to_owned(),
    };
    value_type.canonical(&text).map(ExternalValue::text)
}

/// What a request says, or why the text can be none of the field's values.
pub(super) fn write(value_type: ValueType, shape: Shape, text: &str) -> Result<Json, String> {
    let not_one = || format!("{text:?} is no value of the field's type");
    Ok(match value_type {
        ValueType::Text => match shape {
            Shape::Plain => json!(text),
            Shape::Document => adf::from_markdown(text),
        },
        ValueType::Number => {
            let number: Number = text.parse().map_err(|_| not_one())?;
            Json::Number(number)
        }
        ValueType::Boolean => json!(text.parse::<bool>().map_err(|_| not_one())?),
        ValueType::Date => json!(text),
        ValueType::DateTime => {
            let at: Timestamp = text.parse().map_err(|_| not_one())?;
            json!(moment::write(at))
        }
        ValueType::Choice => json!({ "value": text }),
    })
}

#[cfg(test)]
mod tests {
    use super::{super::scripted::*, *};
    use crate::custom_fields;

    #[test]
    fn each_type_reads_what_it_wrote() {
        for (value_type, text, json) in [
            (ValueType::Text, "a *b*", json!("a *b*")),
            (ValueType::Number, "12.5", json!(12.5)),
            (ValueType::Number, "-3", json!(-3)),
            (ValueType::Boolean, "true", json!(true)),
            (ValueType::Date, "2026-11-22", json!("2026-11-22")),
            (
                ValueType::DateTime,
                "2026-11-22T04:05:06Z",
                json!("2026-11-22T04:05:06.000+0000"),
            ),
            (ValueType::Choice, "Berlin", json!({"value": "Berlin"})),
        ] {
            assert_eq!(write(value_type, Shape::Plain, text), Ok(json.clone()));
            assert_eq!(read(value_type, &json), Some(ExternalValue::text(text)));
        }
    }

    #[test]
    fn a_text_of_several_lines_is_a_document() {
        let document = write(ValueType::Text, Shape::Document, "One\n\nTwo").expect("a document");
        assert_eq!(document["type"], "doc");
        assert_eq!(
            read(ValueType::Text, &document),
            Some(ExternalValue::text("One\n\nTwo"))
        );
    }

    #[test]
    fn what_jira_shows_is_read_in_canonical_form() {
        let read = |value_type, json: Json| {
            let value = read(value_type, &json);
            value.map(|value| value.as_str().unwrap_or_default().to_owned())
        };
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(read(ValueType::Number, json!(5.0)), some("5"));
        let local = json!("2026-11-22T05:05:06.900+0100");
        assert_eq!(
            read(ValueType::DateTime, local),
            some("2026-11-22T04:05:06Z")
        );
        let option = json!({"self": "…", "value": "Berlin", "id": "10100"});
        assert_eq!(read(ValueType::Choice, option), some("Berlin"));
        assert_eq!(read(ValueType::Choice, json!({"name": "1.0"})), some("1.0"));
        assert_eq!(read(ValueType::Text, Json::Null), some(""));
        assert_eq!(read(ValueType::Date, json!("soon")), some("soon"));
        assert_eq!(read(ValueType::Text, json!(["a"])), None);
        assert_eq!(read(ValueType::Text, json!({"accountId": "1"})), None);
    }

    #[test]
    fn what_is_no_value_of_the_type_is_not_sent() {
        for (value_type, text) in [
            (ValueType::Number, "many"),
            (ValueType::Boolean, "perhaps"),
            (ValueType::DateTime, "soon"),
        ] {
            assert!(write(value_type, Shape::Plain, text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_site_is_asked_for_shapes_once_and_only_for_texts() {
        let seen = json!([
            {"id": "customfield_1", "schema": {"type": "string",
                "custom": "com.atlassian.jira.plugin.system.customfieldtypes:textarea"}},
            {"id": "customfield_2", "schema": {"type": "string",
                "custom": "com.atlassian.jira.plugin.system.customfieldtypes:textfield"}},
            {"id": "summary", "schema": {"type": "string", "system": "summary"}},
            {"id": "thumbnail"},
        ]);
        let account = Account::new().answers("GET /field", 200, &seen);
        let connection = account.connection();
        let fields = |value: &str| {
            let options = [("custom.a".to_owned(), value.to_owned())];
            custom_fields(&options.into()).expect("a field")
        };
        let number = fields("customfield_3:number");
        assert_eq!(run(shapes(&connection, &number)), Ok(Shapes::new()));
        for _ in 0..2 {
            let shapes = run(shapes(&connection, &fields("customfield_1"))).expect("shapes");
            let expected = [
                ("customfield_1", Shape::Document),
                ("customfield_2", Shape::Plain),
            ];
            assert_eq!(
                shapes,
                expected.map(|(id, shape)| (id.to_owned(), shape)).into()
            );
        }
        assert_eq!(account.asked().len(), 1);
    }
}
