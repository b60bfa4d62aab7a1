//! Answers of the Table API, parsed without I/O.

use std::collections::BTreeMap;

use im_model::{
    ExternalId, ExternalRecord, ExternalValue, Field, IncidentId, Observed, RecordVersion,
};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value as Json};
use url::Url;

use super::{columns, moment};
use crate::CustomField;

#[derive(Debug, Deserialize)]
pub(super) struct Answer<T> {
    pub(super) result: T,
}

/// One row, by column.
#[derive(Debug, Clone, Deserialize)]
#[serde(transparent)]
pub(super) struct Row(Map<String, Json>);

impl Row {
    /// A column's text, empty where it is unset; `None` if the row does not show the column. All values are texts; a
    /// reference may be `{link,value}` (FACTS.md, "Table API").
    pub(super) fn get(&self, column: &str) -> Option<&str> {
        match self.0.get(column)? {
            Json::String(text) => Some(text),
            Json::Null => Some(""),
            reference => reference.get("value")?.as_str(),
        }
    }

    /// The text of a column that is shown and not empty.
    pub(super) fn full(&self, column: &str) -> Option<&str> {
        self.get(column).filter(|text| !text.is_empty())
    }

    /// A column that holds a time.
    pub(super) fn time(&self, column: &str) -> Option<Timestamp> {
        moment::read(self.get(column)?)
    }

    /// The same as a value of the vendor's.
    pub(super) fn value(&self, column: &str) -> Option<ExternalValue> {
        self.get(column).map(ExternalValue::text)
    }
}

/// The version of a record: its second, and how often it was changed by then. Both only grow.
pub(super) fn version(updated_at: Timestamp, mod_count: u64) -> Option<RecordVersion> {
    let seconds = u64::try_from(updated_at.as_second()).ok()?;
    Some(RecordVersion((seconds << 20) | (mod_count & MOD_COUNT)))
}

/// The bits of a version that hold `sys_mod_count`.
const MOD_COUNT: u64 = 0xF_FFFF;

/// `sys_mod_count` grows by one with each write that changes something.
pub(super) fn writes_between(read: RecordVersion, later: RecordVersion) -> u64 {
    (later.0 & MOD_COUNT).wrapping_sub(read.0 & MOD_COUNT) & MOD_COUNT
}

/// Impact and urgency as one value; `None` where either is hidden.
pub(super) fn severity(impact: Option<&str>, urgency: Option<&str>) -> Option<ExternalValue> {
    let (impact, urgency) = (impact?, urgency?);
    if impact.is_empty() && urgency.is_empty() {
        return Some(ExternalValue::EMPTY);
    }
    Some(ExternalValue::text(format!("{impact}/{urgency}")))
}

/// A record as it was read. `assignee` is the address of who is in `assigned_to`; without it the field is not observed.
pub(super) fn record(
    row: &Row,
    custom: &[CustomField],
    assignee: Option<ExternalValue>,
    at: (&Url, &str),
) -> Result<ExternalRecord, String> {
    let id = row.full("sys_id").ok_or("no sys_id")?;
    let id = ExternalId::parse(id).map_err(|error| error.to_string())?;
    let updated_at = row.time("sys_updated_on").ok_or("no sys_updated_on")?;
    // An account that may not see it still gets a version that never goes back.
    let mod_count = row.get("sys_mod_count").unwrap_or_default();
    let version = version(updated_at, mod_count.parse().unwrap_or(0))
        .ok_or("sys_updated_on lies before 1970")?;
    let built_in = [
        (Field::Title, row.value("short_description")),
        (Field::Description, row.value("description")),
        (
            Field::Severity,
            severity(row.get("impact"), row.get("urgency")),
        ),
        (Field::Status, row.value("state")),
        (Field::AssignedTo, assignee),
    ];
    let custom = custom.iter().map(|field| {
        let value = row.get(&field.path);
        let value = value.map(|text| columns::read_custom(field.value_type, text));
        (field.field.clone(), value)
    });
    let fields = built_in
        .into_iter()
        .chain(custom)
        .filter_map(|(field, value)| {
            // Who changed which field and when is only in the audit: `sys_updated_by` is of the record.
            Some((field, Observed::value(value?)))
        });
    Ok(ExternalRecord {
        url: url(at, &id),
        id,
        version,
        merged_into: None,
        correlation: row
            .full("correlation_id")
            .and_then(|id| IncidentId::parse(id).ok()),
        created_at: row.time("sys_created_on").unwrap_or(updated_at),
        updated_at,
        fields: fields.collect::<BTreeMap<_, _>>(),
    })
}

/// Where a person can look at it, within the frame of the instance.
fn url((base_url, table): (&Url, &str), id: &ExternalId) -> Option<String> {
    let uri = format!("{table}.do?sys_id={id}");
    let url = crate::exchange::address(base_url, &["nav_to.do"], &[("uri", &uri)]).ok()?;
    Some(url.into())
}

#[cfg(test)]
mod tests {
    use im_sync::ValueType;

    use super::*;

    // Excerpts of the official samples of the Table API.
    const READ: &str = r#"{"result":{
        "impact":"1","urgency":"3","priority":"3","state":"1","severity":"3",
        "correlation_id":"","description":"","sys_mod_count":"4","active":"true",
        "sys_updated_on":"2015-11-01 22:37:27","sys_created_on":"2015-11-01 22:05:30",
        "caller_id":{"link":"https://instance.servicenow.com/api/now/table/sys_user/46c6f9efa9fe198101ddf5eed9adf6e7",
            "value":"46c6f9efa9fe198101ddf5eed9adf6e7"},
        "short_description":"Can't access SFA software","sys_updated_by":"glide.maint",
        "sys_id":"a9e30c7dc61122760116894de7bcc7bd","work_notes":""}}"#;

    fn row(text: &str) -> Row {
        let answer: Answer<Row> = serde_json::from_str(text).expect("an answer");
        answer.result
    }

    fn with(changes: &[(&str, Json)]) -> Row {
        let mut row = row(READ);
        for (column, value) in changes {
            row.0.insert((*column).to_owned(), value.clone());
        }
        row
    }

    fn read(row: &Row, custom: &[CustomField]) -> Result<ExternalRecord, String> {
        let base = "https://acme.service-now.com".parse().expect("a URL");
        record(row, custom, Some(ExternalValue::EMPTY), (&base, "incident"))
    }

    #[test]
    fn the_official_sample_is_read() {
        let record = read(&row(READ), &[]).expect("a record");
        assert_eq!(record.id.as_str(), "a9e30c7dc61122760116894de7bcc7bd");
        assert_eq!(record.version, RecordVersion((1_446_417_447 << 20) | 4));
        assert_eq!(record.updated_at.to_string(), "2015-11-01T22:37:27Z");
        assert_eq!(record.created_at.to_string(), "2015-11-01T22:05:30Z");
        assert_eq!(record.correlation, None);
        assert_eq!(
            record.url.as_deref(),
            Some(
                "https://acme.service-now.com/nav_to.do?uri=incident.do%3Fsys_id%3Da9e30c7dc61122760116894de7bcc7bd"
            )
        );
        let values: Vec<_> = record
            .fields
            .iter()
            .map(|(field, observed)| (field.name(), observed.value.as_str()))
            .collect();
        let expected = [
            ("title", Some("Can't access SFA software")),
            ("description", None),
            ("severity", Some("1/3")),
            ("status", Some("1")),
            ("assigned_to", None),
        ];
        assert_eq!(
            values,
            expected.map(|(name, value)| (name.to_owned(), value))
        );
        let silent = |observed: &Observed| observed.changed.is_none() && observed.author.is_none();
        assert!(record.fields.values().all(silent));
    }

    #[test]
    fn a_version_grows_with_the_second_and_within_it() {
        let at = |count: &str, second: &str| {
            let row = with(&[
                ("sys_mod_count", count.into()),
                ("sys_updated_on", second.into()),
            ]);
            read(&row, &[]).expect("a record").version
        };
        let versions = [
            at("", "2015-11-01 22:37:26"),
            at("9", "2015-11-01 22:37:26"),
            at("10", "2015-11-01 22:37:26"),
            at("11", "2015-11-01 22:37:27"),
        ];
        assert!(versions.is_sorted_by(|a, b| a < b), "{versions:?}");
        let announced = version(moment::read("2015-11-01 22:37:27").expect("a time"), 0);
        assert!(announced.expect("one") <= versions[3]);
    }

    #[test]
    fn a_hidden_column_is_no_empty_one() {
        let mut row = row(READ);
        for column in ["description", "urgency", "u_cost"] {
            row.0.remove(column);
        }
        let custom = [CustomField {
            field: Field::Custom("cost".to_owned()),
            path: "u_cost".to_owned(),
            value_type: ValueType::Number,
        }];
        let record = read(&row, &custom).expect("a record");
        let shown: Vec<_> = record.fields.keys().map(Field::name).collect();
        assert_eq!(shown, ["title", "status", "assigned_to"]);
        let shown = with(&[("u_cost", "012.50".into())]);
        let record = read(&shown, &custom).expect("a record");
        let cost = &record.fields[&custom[0].field].value;
        assert_eq!(cost.as_str(), Some("12.5"));
    }

    #[test]
    fn an_assignee_without_a_known_address_is_not_observed() {
        let base = "https://acme.service-now.com".parse().expect("a URL");
        let record = record(&row(READ), &[], None, (&base, "incident")).expect("a record");
        assert!(!record.fields.contains_key(&Field::AssignedTo));
    }

    #[test]
    fn a_reference_may_come_with_its_link() {
        let row = row(READ);
        assert_eq!(
            row.get("caller_id"),
            Some("46c6f9efa9fe198101ddf5eed9adf6e7")
        );
        assert_eq!(row.full("work_notes"), None);
        assert_eq!(row.get("no_such_column"), None);
    }

    #[test]
    fn the_incident_it_belongs_to_is_told() {
        let id = "INC-01ARZ3NDEKTSV4RRFFQ69G5FAV";
        for (text, expected) in [(id, Some(id)), ("CHG0030001", None)] {
            let record = read(&with(&[("correlation_id", text.into())]), &[]).expect("a record");
            assert_eq!(
                record.correlation.as_ref().map(IncidentId::as_str),
                expected
            );
        }
    }

    #[test]
    fn what_is_no_record_is_refused() {
        for (column, value) in [
            ("sys_id", ""),
            ("sys_id", "a b"),
            ("sys_updated_on", "today"),
            ("sys_updated_on", "1969-12-31 23:59:59"),
        ] {
            assert!(
                read(&with(&[(column, value.into())]), &[]).is_err(),
                "{column}={value}"
            );
        }
        for body in ["null", "{}", r#"{"result":[]}"#, r#"{"result":null}"#] {
            assert!(serde_json::from_str::<Answer<Row>>(body).is_err(), "{body}");
        }
    }
}
