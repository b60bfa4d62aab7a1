//! Values of fields as texts of columns, and back.

use std::collections::BTreeMap;

use im_model::{ExternalValue, Field};
use im_sync::ValueType;
use jiff::Timestamp;
use serde_json::{Map, Value as Json};

use super::{
    moment,
    options::{self, option},
    people,
    state::{ON_HOLD, States},
};
use crate::{Connection, VendorError};

/// What is to be written, by column.
#[derive(Debug, Default)]
pub(super) struct Columns {
    pub(super) values: Map<String, Json>,
    /// What has to come along where the record is not at an end yet.
    closure: Map<String, Json>,
    /// What cannot be written, in words.
    pub(super) refused: BTreeMap<Field, String>,
}

impl Columns {
    /// Does it resolve or close the record?
    pub(super) fn ends(&self) -> bool {
        !self.closure.is_empty()
    }

    /// With all that a first end needs.
    pub(super) fn with_closure(&self) -> Map<String, Json> {
        let mut values = self.values.clone();
        values.extend(self.closure.clone());
        values
    }

    fn set(&mut self, column: &str, text: &str) {
        self.values.insert(column.to_owned(), Json::from(text));
    }
}

/// The columns that these values make. Only a person has to be looked up for it.
pub(super) async fn of(
    connection: &Connection<'_>,
    values: &BTreeMap<Field, ExternalValue>,
) -> Result<Columns, VendorError> {
    let mut columns = Columns::default();
    for (field, value) in values {
        let done = match (field, value.as_str()) {
            (Field::AssignedTo, Some(email)) => people::id_of(connection, email)
                .await?
                .map(|id| columns.set("assigned_to", &id)),
            _ => fill(&mut columns, connection.options, field, value),
        };
        if let Err(why) = done {
            columns.refused.insert(field.clone(), why);
        }
    }
    Ok(columns)
}

fn fill(
    columns: &mut Columns,
    options: &BTreeMap<String, String>,
    field: &Field,
    value: &ExternalValue,
) -> Result<(), String> {
    let text = value.as_str().unwrap_or_default();
    match field {
        Field::Title => columns.set("short_description", text),
        Field::Description => columns.set("description", text),
        Field::AssignedTo => columns.set("assigned_to", text),
        Field::Severity => {
            let (impact, urgency) = pair(text)
                .ok_or_else(|| format!("{text:?} is no impact and urgency, such as 2/1"))?;
            columns.set("impact", impact);
            columns.set("urgency", urgency);
        }
        Field::Status => {
            if !is_number(text) {
                return Err(format!("{text:?} is no state's code, such as 2"));
            }
            columns.set("state", text);
            if States::of(options).is_end(text) {
                let closure = options::closure(options).into_iter();
                columns.closure = closure
                    .map(|(column, text)| (column.to_owned(), Json::from(text)))
                    .collect();
            }
            if text == ON_HOLD
                && let Some(reason) = option(options, "hold_reason")
            {
                columns.set("hold_reason", reason);
            }
        }
        Field::Custom(_) => {
            let custom = options::custom(options);
            let custom = custom.iter().find(|custom| custom.field == *field);
            let custom = custom.ok_or("the field is not mapped to a column")?;
            if text.is_empty() && custom.value_type == ValueType::Boolean {
                return Err("a column of this type cannot be empty".to_owned());
            }
            columns.set(&custom.path, &written_custom(custom.value_type, text));
        }
        Field::Priority | Field::EscalationPolicy => {
            return Err("the field is not mapped to a column".to_owned());
        }
    }
    Ok(())
}

fn pair(text: &str) -> Option<(&str, &str)> {
    let pair = text.split_once('/')?;
    (is_number(pair.0) && is_number(pair.1)).then_some(pair)
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

/// A custom column's text as the one text that stands for its value; as it is, where it is none of its type.
pub(super) fn read_custom(value_type: ValueType, text: &str) -> ExternalValue {
    let own = match value_type {
        ValueType::DateTime => moment::read(text).map(|at| at.to_string()),
        _ => None,
    };
    let own = own.as_deref().unwrap_or(text);
    let canonical = value_type.canonical(own);
    ExternalValue::text(canonical.unwrap_or_else(|| text.to_owned()))
}

/// The same of the audit's text; `None` where it is none of its type, for the audit may have a form of its own.
pub(super) fn audited_custom(value_type: ValueType, text: &str) -> Option<ExternalValue> {
    let own = match value_type {
        _ if text.is_empty() => return Some(ExternalValue::EMPTY),
        ValueType::DateTime => moment::read(text)?.to_string(),
        _ => text.to_owned(),
    };
    value_type.canonical(&own).map(ExternalValue::text)
}

/// And back: `ServiceNow` writes a moment in its own way, and everything else as we do.
fn written_custom(value_type: ValueType, text: &str) -> String {
    let at = match value_type {
        ValueType::DateTime => text.parse::<Timestamp>().ok(),
        _ => None,
    };
    at.map_or_else(|| text.to_owned(), moment::written)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{
        super::scripted::{Account, run},
        *,
    };

    fn filled(options: &[(&str, &str)], field: &Field, text: &str) -> Columns {
        let account = options
            .iter()
            .fold(Account::new(), |account, (k, v)| account.option(k, v));
        let values = BTreeMap::from([(field.clone(), ExternalValue::text(text))]);
        let columns = run(of(&account.connection(), &values)).expect("nothing is asked");
        assert_eq!(account.asked().len(), 0);
        columns
    }

    fn written(options: &[(&str, &str)], field: &Field, text: &str) -> Json {
        let columns = filled(options, field, text);
        assert_eq!(columns.refused, BTreeMap::new());
        Json::Object(columns.with_closure())
    }

    #[test]
    fn each_field_has_its_columns() {
        for (field, text, columns) in [
            (
                Field::Title,
                "Disk full",
                json!({"short_description": "Disk full"}),
            ),
            (Field::Description, "", json!({"description": ""})),
            (
                Field::Severity,
                "2/1",
                json!({"impact": "2", "urgency": "1"}),
            ),
            (Field::Status, "2", json!({"state": "2"})),
            (Field::AssignedTo, "", json!({"assigned_to": ""})),
        ] {
            assert_eq!(written(&[], &field, text), columns, "{field}");
        }
    }

    #[test]
    fn an_end_brings_its_notes_and_a_code_if_there_is_one() {
        let columns = filled(&[], &Field::Status, "6");
        assert!(columns.ends());
        assert_eq!(Json::Object(columns.values.clone()), json!({"state": "6"}));
        assert!(columns.with_closure().contains_key("close_notes"));
        assert!(!columns.with_closure().contains_key("close_code"));
        let options = [("close_code", "Solved"), ("close_notes", "See im.")];
        for state in ["6", "7"] {
            let expected =
                json!({"state": state, "close_code": "Solved", "close_notes": "See im."});
            assert_eq!(written(&options, &Field::Status, state), expected);
        }
        let options = [
            ("state.resolved", "3"),
            ("hold_reason", "5"),
            ("close_notes", "x"),
        ];
        let expected = json!({"state": "3", "hold_reason": "5", "close_notes": "x"});
        assert_eq!(written(&options, &Field::Status, "3"), expected);
        assert!(!filled(&options, &Field::Status, "6").ends());
    }

    #[test]
    fn what_no_column_can_hold_is_refused_by_field() {
        for (field, text) in [
            (Field::Severity, "high"),
            (Field::Severity, ""),
            (Field::Severity, "2/"),
            (Field::Status, "New"),
            (Field::Status, ""),
            (Field::Priority, "P1"),
            (Field::EscalationPolicy, "Database"),
            (Field::Custom("cost".to_owned()), "7"),
        ] {
            let columns = filled(&[], &field, text);
            assert!(columns.values.is_empty(), "{field}: {columns:?}");
            assert!(columns.refused.contains_key(&field), "{field}");
        }
    }

    #[test]
    fn custom_values_go_there_and_come_back() {
        for (type_name, column, value) in [
            ("boolean", "true", "true"),
            ("boolean", "false", "false"),
            ("date", "2026-11-22", "2026-11-22"),
            ("datetime", "2026-11-22 04:05:06", "2026-11-22T04:05:06Z"),
            ("number", "12.5", "12.5"),
            ("choice", "berlin", "berlin"),
            ("text", " a ", " a "),
            ("datetime", "", ""),
        ] {
            let option = format!("u_x:{type_name}");
            let options = [("custom.x", option.as_str())];
            let field = Field::Custom("x".to_owned());
            assert_eq!(
                written(&options, &field, value),
                json!({"u_x": column}),
                "{type_name}"
            );
            let value_type = ValueType::named(type_name).expect("a type");
            let read = read_custom(value_type, column);
            assert_eq!(read, ExternalValue::text(value), "{type_name}");
        }
    }

    #[test]
    fn a_column_that_is_true_or_false_cannot_be_emptied() {
        let field = Field::Custom("x".to_owned());
        let columns = filled(&[("custom.x", "u_x:boolean")], &field, "");
        assert!(columns.values.is_empty(), "{columns:?}");
        assert!(columns.refused.contains_key(&field), "{columns:?}");
    }

    #[test]
    fn a_column_is_read_in_canonical_form_or_left_as_it_is() {
        for (value_type, text, read) in [
            (ValueType::Number, "1500.00", "1500"),
            (ValueType::Boolean, "1", "true"),
            (ValueType::Number, "USD;15", "USD;15"),
            (ValueType::DateTime, "2026-11-22", "2026-11-22"),
        ] {
            assert_eq!(
                read_custom(value_type, text),
                ExternalValue::text(read),
                "{text}"
            );
        }
    }
}
