//! The platform's fields, as requests call them and write them.

use std::collections::BTreeMap;

use im_model::{ExternalValue, Field};
use serde_json::{Map, Value as Json, json};

use super::{
    adf,
    custom_value::{self, Shape},
    event, options, people,
};
use crate::{Connection, CustomField, VendorError};

/// What a request can say of some values, and the values that cannot be sent, in words.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Encoded {
    /// By the platform's field: Jira's name of it, and its value. Status is not among them.
    pub(super) fields: BTreeMap<Field, (String, Json)>,
    pub(super) refused: BTreeMap<Field, String>,
}

impl Encoded {
    /// The `fields` of a request.
    pub(super) fn body(&self) -> Map<String, Json> {
        self.fields.values().cloned().collect()
    }

    /// Takes out the fields that an answer names, with its words: true if there were any.
    pub(super) fn refuse(&mut self, named: &BTreeMap<String, String>) -> bool {
        let before = self.refused.len();
        for (name, why) in named {
            let is_it =
                |(field, (own, _)): (&Field, &(String, Json))| (own == name).then(|| field.clone());
            if let Some(field) = self.fields.iter().find_map(is_it) {
                self.fields.remove(&field);
                self.refused
                    .insert(field, format!("Jira refuses it: {why}"));
            }
        }
        self.refused.len() > before
    }
}

/// Brings values into the form that Jira takes. People are looked up.
pub(super) async fn encode(
    connection: &Connection<'_>,
    values: &BTreeMap<Field, ExternalValue>,
) -> Result<Encoded, VendorError> {
    let custom = options::custom(connection.options);
    let written: Vec<_> = custom
        .into_iter()
        .filter(|mapped| values.contains_key(&mapped.field))
        .collect();
    let shapes = custom_value::shapes(connection, &written).await?;
    let mut encoded = Encoded::default();
    for (field, value) in values {
        let said = match field {
            Field::AssignedTo => assignee(connection, value).await?,
            Field::Custom(_) => {
                let mapped = written.iter().find(|mapped| mapped.field == *field);
                let shape = |mapped: &CustomField| shapes.get(&mapped.path).copied();
                let shape = mapped.and_then(shape).unwrap_or(Shape::Plain);
                mapped.map(|mapped| custom_field(mapped, shape, value))
            }
            _ => own_field(field, value).map(Ok),
        };
        match said {
            Some(Ok(said)) => {
                encoded.fields.insert(field.clone(), said);
            }
            Some(Err(why)) => {
                encoded.refused.insert(field.clone(), why);
            }
            None => {}
        }
    }
    Ok(encoded)
}

type Said = Result<(String, Json), String>;

/// `null` unassigns (FACTS.md, "REST v3").
async fn assignee(
    connection: &Connection<'_>,
    value: &ExternalValue,
) -> Result<Option<Said>, VendorError> {
    let name = "assignee".to_owned();
    let Some(email) = value.as_str() else {
        return Ok(Some(Ok((name, Json::Null))));
    };
    let found = people::account_of(connection, email).await?;
    Ok(Some(found.map(|id| (name, json!({ "accountId": id })))))
}

fn custom_field(mapped: &CustomField, shape: Shape, value: &ExternalValue) -> Said {
    let json = match value.as_str() {
        None => Json::Null,
        Some(text) => custom_value::write(mapped.value_type, shape, text)?,
    };
    Ok((mapped.path.clone(), json))
}

fn own_field(field: &Field, value: &ExternalValue) -> Option<(String, Json)> {
    let (name, json) = match (field, value.as_str()) {
        (Field::Title, text) => ("summary", json!(text.unwrap_or_default())),
        (Field::Description, Some(text)) => ("description", adf::from_markdown(text)),
        (Field::Description, None) => ("description", Json::Null),
        (Field::Severity, Some(name)) => ("priority", json!({ "name": name })),
        (Field::Severity, None) => ("priority", Json::Null),
        _ => return None,
    };
    Some((name.to_owned(), json))
}

/// The mapped field that Jira calls so.
pub(super) fn named(name: &str, custom: &[CustomField]) -> Option<Field> {
    let is_it = |mapped: &&CustomField| mapped.path == name;
    let mapped = custom.iter().find(is_it).map(|mapped| mapped.field.clone());
    mapped.or_else(|| event::field_named(name))
}

#[cfg(test)]
mod tests {
    use super::{super::scripted::*, *};

    fn values(pairs: &[(Field, &str)]) -> BTreeMap<Field, ExternalValue> {
        let value = |(field, text): &(Field, &str)| (field.clone(), ExternalValue::text(*text));
        pairs.iter().map(value).collect()
    }

    fn custom(name: &str) -> Field {
        Field::Custom(name.to_owned())
    }

    #[test]
    fn every_field_has_its_own_form() {
        let found = json!([{"accountId": "5b1", "emailAddress": "ann@example.com"}]);
        let account = Account::new()
            .option("custom.cost", "customfield_10050:number")
            .answers("GET /user/assignable/search?", 200, &found);
        let values = values(&[
            (Field::Title, "Down"),
            (Field::Description, "Text"),
            (Field::Severity, "High"),
            (Field::Status, "Done"),
            (Field::AssignedTo, "ann@example.com"),
            (custom("cost"), "12.5"),
            (custom("unmapped"), "x"),
        ]);
        let encoded = run(encode(&account.connection(), &values)).expect("an answer");
        assert_eq!(encoded.refused, BTreeMap::new());
        let body = Json::Object(encoded.body());
        assert_eq!(
            body,
            json!({
                "summary": "Down",
                "description": adf::from_markdown("Text"),
                "priority": {"name": "High"},
                "assignee": {"accountId": "5b1"},
                "customfield_10050": 12.5,
            })
        );
    }

    #[test]
    fn an_empty_value_clears() {
        let account = Account::new().option("custom.cost", "customfield_10050:number");
        let values = values(&[
            (Field::Description, ""),
            (Field::AssignedTo, ""),
            (custom("cost"), ""),
        ]);
        let encoded = run(encode(&account.connection(), &values)).expect("an answer");
        let expected = json!({"description": null, "assignee": null, "customfield_10050": null});
        assert_eq!(Json::Object(encoded.body()), expected);
    }

    #[test]
    fn what_cannot_be_sent_is_refused_by_field() {
        let account = Account::new()
            .option("custom.cost", "customfield_10050:number")
            .answers("GET /user/assignable/search?", 200, &json!([]));
        let values = values(&[
            (Field::Title, "Down"),
            (Field::AssignedTo, "ann@example.com"),
            (custom("cost"), "many"),
        ]);
        let encoded = run(encode(&account.connection(), &values)).expect("an answer");
        assert_eq!(Json::Object(encoded.body()), json!({"summary": "Down"}));
        let refused: Vec<_> = encoded.refused.keys().cloned().collect();
        assert_eq!(refused, [Field::AssignedTo, custom("cost")]);
    }

    #[test]
    fn an_answer_names_fields_as_jira_calls_them() {
        let mut encoded = Encoded::default();
        let title = ("summary".to_owned(), json!("x"));
        encoded.fields.insert(Field::Title, title);
        let named = |name: &str| BTreeMap::from([(name.to_owned(), "Too long.".to_owned())]);
        assert!(!encoded.refuse(&named("customfield_1")));
        assert!(encoded.refuse(&named("summary")));
        assert!(!encoded.refuse(&named("summary")));
        assert_eq!(encoded.body(), Map::new());
        assert_eq!(encoded.refused[&Field::Title], "Jira refuses it: Too long.");
    }
}
