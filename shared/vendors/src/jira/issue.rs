//! Issues, read.

use std::collections::BTreeMap;

use im_model::{ExternalId, ExternalRecord, ExternalValue, Field, IncidentId, Observed};
use serde::Deserialize;
use serde_json::{Map, Value as Json};

use super::{
    adf, custom_value,
    event::version,
    moment, options,
    people::{self, User},
    refusal::garbage,
};
use crate::{Connection, CustomField, VendorError};

/// An issue of an answer.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Issue {
    pub(super) id: String,
    pub(super) key: Option<String>,
    #[serde(default)]
    pub(super) fields: Map<String, Json>,
}

/// What is asked of an issue.
pub(super) fn fields_to_read(connection: &Connection<'_>) -> Vec<String> {
    const OWN: [&str; 10] = [
        "summary",
        "description",
        "priority",
        "status",
        "assignee",
        "labels",
        "created",
        "updated",
        "issuetype",
        "project",
    ];
    let custom = options::custom(connection.options);
    let custom = custom.into_iter().map(|field| field.path);
    OWN.map(str::to_owned).into_iter().chain(custom).collect()
}

/// The record that an issue is. A field that the issue does not show is not observed.
pub(super) async fn record(
    connection: &Connection<'_>,
    issue: Issue,
) -> Result<ExternalRecord, VendorError> {
    let mut fields = plain_fields(&issue.fields, &options::custom(connection.options));
    match issue.fields.get("assignee") {
        None => {}
        Some(Json::Null) => {
            fields.insert(Field::AssignedTo, Observed::value(ExternalValue::EMPTY));
        }
        Some(json) => {
            let user: User = serde_json::from_value(json.clone())
                .map_err(|error| garbage("reading an assignee", error.to_string()))?;
            let value = people::value(connection, &user).await?;
            fields.insert(Field::AssignedTo, Observed::value(value));
        }
    }
    let time = |name: &str| {
        let text = issue.fields.get(name).and_then(Json::as_str);
        text.and_then(moment::read)
            .ok_or_else(|| garbage("reading an issue", format!("it has no `{name}`")))
    };
    let (created_at, updated_at) = (time("created")?, time("updated")?);
    Ok(ExternalRecord {
        id: ExternalId::parse(&issue.id)
            .map_err(|error| garbage("reading an issue", error.to_string()))?,
        version: version(updated_at)
            .ok_or_else(|| garbage("reading an issue", "it was updated before 1970"))?,
        url: issue.key.and_then(|key| url(connection, &key)),
        merged_into: None,
        correlation: correlation(&issue.fields),
        created_at,
        updated_at,
        fields,
    })
}

/// Is this incident's id among the labels?
pub(super) fn carries(issue: &Issue, incident: &IncidentId) -> bool {
    let labels = issue.fields.get("labels").and_then(Json::as_array);
    let mut labels = labels.into_iter().flatten();
    labels.any(|label| label.as_str() == Some(incident.as_str()))
}

/// Tokens of OAuth apps go to a gateway, where no person can look at an issue.
fn url(connection: &Connection<'_>, key: &str) -> Option<String> {
    let base = connection.base_url.as_str().trim_end_matches('/');
    let is_gateway = connection.base_url.host_str() == Some("api.atlassian.com");
    (!is_gateway).then(|| format!("{base}/browse/{key}"))
}

/// The first label that is an incident's id.
fn correlation(fields: &Map<String, Json>) -> Option<IncidentId> {
    let labels = fields.get("labels")?.as_array()?.iter();
    let mut ids = labels.filter_map(|label| IncidentId::parse(label.as_str()?).ok());
    ids.next()
}

fn plain_fields(seen: &Map<String, Json>, custom: &[CustomField]) -> BTreeMap<Field, Observed> {
    let mut fields = BTreeMap::new();
    let mut see = |field: Field, value: Option<ExternalValue>| {
        if let Some(value) = value {
            fields.insert(field, Observed::value(value));
        }
    };
    see(Field::Title, seen.get("summary").and_then(text));
    see(Field::Description, seen.get("description").map(markdown));
    see(Field::Severity, seen.get("priority").and_then(name));
    see(Field::Status, seen.get("status").and_then(name));
    for mapped in custom {
        let value = seen.get(&mapped.path);
        let value = value.and_then(|json| custom_value::read(mapped.value_type, json));
        see(mapped.field.clone(), value);
    }
    fields
}

fn text(json: &Json) -> Option<ExternalValue> {
    match json {
        Json::Null => Some(ExternalValue::EMPTY),
        _ => json.as_str().map(ExternalValue::text),
    }
}

fn name(json: &Json) -> Option<ExternalValue> {
    match json {
        Json::Null => Some(ExternalValue::EMPTY),
        _ => json["name"].as_str().map(ExternalValue::text),
    }
}

/// A description is a document (FACTS.md, "REST v3").
pub(super) fn markdown(json: &Json) -> ExternalValue {
    match json {
        Json::Null => ExternalValue::EMPTY,
        document => ExternalValue::text(adf::to_markdown(document)),
    }
}

#[cfg(test)]
mod tests {
    use im_model::RecordVersion;
    use serde_json::json;

    use super::{super::scripted::*, *};

    fn an_issue(fields: &Json) -> Issue {
        let mut issue = json!({"id": "10002", "key": "OPS-7", "fields": {
            "created": "2026-11-22T03:59:00.000+0000", "updated": "2026-11-22T03:59:01.234+0000",
        }});
        for (name, value) in fields.as_object().expect("fields") {
            issue["fields"][name] = value.clone();
        }
        serde_json::from_value(issue).expect("an issue")
    }

    fn read(account: &Account, fields: &Json) -> ExternalRecord {
        run(record(&account.connection(), an_issue(fields))).expect("a record")
    }

    #[test]
    fn an_issue_is_read_whole() {
        let account = Account::new().option("custom.cost", "customfield_10050:number");
        let record = read(
            &account,
            &json!({
                "summary": "Disk full",
                "description": {"type": "doc", "version": 1, "content": [
                    {"type": "paragraph", "content": [{"type": "text", "text": "Very."}]}]},
                "priority": {"name": "High", "id": "2"},
                "status": {"name": "To Do", "id": "1"},
                "assignee": {"accountId": "5b1", "emailAddress": "Ann@Example.com"},
                "labels": ["disk", "INC-01ARZ3NDEKTSV4RRFFQ69G5FAV", "INC-01ARZ3NDEKTSV4RRFFQ69G5FAW"],
                "customfield_10050": 12.5,
                "customfield_10051": "not mapped",
            }),
        );
        assert_eq!(record.id.as_str(), "10002");
        assert_eq!(record.version, RecordVersion(1_795_319_941_234));
        assert_eq!(
            record.url.as_deref(),
            Some("https://acme.atlassian.net/browse/OPS-7")
        );
        let correlation = record.correlation.expect("a label");
        assert_eq!(correlation.as_str(), "INC-01ARZ3NDEKTSV4RRFFQ69G5FAV");
        let cost = Field::Custom("cost".to_owned());
        let expected = [
            (Field::Title, "Disk full"),
            (Field::Description, "Very."),
            (Field::Severity, "High"),
            (Field::Status, "To Do"),
            (Field::AssignedTo, "ann@example.com"),
            (cost, "12.5"),
        ];
        let expected =
            expected.map(|(field, text)| (field, Observed::value(ExternalValue::text(text))));
        assert_eq!(record.fields, expected.into());
    }

    #[test]
    fn an_empty_field_is_empty_and_a_missing_one_is_not_observed() {
        let account = Account::new();
        let record = read(
            &account,
            &json!({"description": null, "assignee": null, "labels": null}),
        );
        let empty = || Observed::value(ExternalValue::EMPTY);
        let expected = [(Field::Description, empty()), (Field::AssignedTo, empty())];
        assert_eq!(record.fields, expected.into());
        assert_eq!(record.correlation, None);
    }

    #[test]
    fn an_issue_without_times_is_no_answer_of_jiras() {
        let account = Account::new();
        for (name, value) in [("updated", json!("soon")), ("created", json!(null))] {
            let issue = an_issue(&json!({ name: value }));
            assert!(run(record(&account.connection(), issue)).is_err(), "{name}");
        }
    }

    #[test]
    fn what_is_asked_for_includes_the_mapped_custom_fields() {
        let account = Account::new().option("custom.cost", "customfield_10050:number");
        let fields = fields_to_read(&account.connection());
        assert_eq!(fields.last().map(String::as_str), Some("customfield_10050"));
        assert!(fields.contains(&"labels".to_owned()));
    }
}
