//! The changelog: what changed when, and by whom.

use im_model::{ActorId, ExternalId, ExternalValue, Field};
use im_sync::{Change, History, ValueType};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::Value as Json;

use super::{
    custom_value::{self, Shape},
    field, moment, options,
    people::{self, User},
    refusal::call,
    request,
};
use crate::{Connection, CustomField, VendorError};

/// Their clock and ours may be so far apart.
const SLACK: SignedDuration = SignedDuration::from_secs(1);
/// No claim's lease sees more changes than fit on these.
const MOST_PAGES: usize = 10;

/// All that is mapped. Texts of several lines are recorded in a form of their own: only that they changed.
pub(super) fn covers(field: &Field) -> bool {
    !matches!(field, Field::Priority | Field::EscalationPolicy)
}

#[derive(Debug, Deserialize)]
struct Page {
    values: Vec<Entry>,
    #[serde(default)]
    total: usize,
}

#[derive(Debug, Deserialize)]
struct Entry {
    created: String,
    author: Option<User>,
    #[serde(default)]
    items: Vec<Item>,
}

/// One field's change. The official file calls all of these texts; each may be null.
#[derive(Debug, Deserialize)]
struct Item {
    field: Option<String>,
    #[serde(rename = "fieldId")]
    field_id: Option<String>,
    #[serde(default)]
    to: Json,
    #[serde(rename = "toString", default)]
    to_text: Json,
}

/// What changed since a moment.
pub(super) async fn read(
    connection: &Connection<'_>,
    id: &ExternalId,
    since: Timestamp,
) -> Result<History, VendorError> {
    let since = since.checked_sub(SLACK).unwrap_or(since);
    let custom = options::custom(connection.options);
    let mut changes = Vec::new();
    for entry in entries(connection, id, since).await? {
        let Some(at) = moment::read(&entry.created).filter(|at| *at >= since) else {
            continue;
        };
        let author = entry.author.and_then(|author| author.account_id);
        let author = author.and_then(|id| ActorId::parse(&id).ok());
        for item in entry.items {
            let Some(field) = item.field(&custom) else {
                continue;
            };
            let value = item.value(connection, &field, &custom).await?;
            let author = author.clone();
            changes.push(Change {
                field,
                value,
                at,
                author,
            });
        }
    }
    changes.sort_by_key(|change| change.at);
    Ok(History { changes })
}

/// The entries since a moment, and some before. Pages begin with the oldest, so those of a long life are read backwards.
async fn entries(
    connection: &Connection<'_>,
    id: &ExternalId,
    since: Timestamp,
) -> Result<Vec<Entry>, VendorError> {
    let first: Page = page(connection, id, 0).await?;
    let total = first.total;
    let mut entries = first.values;
    let read_first = entries.len();
    if total <= read_first {
        return Ok(entries);
    }
    let mut end = total;
    for _ in 0..MOST_PAGES {
        let start = end.saturating_sub(request::PAGE).max(read_first);
        let page = page(connection, id, start).await?;
        let is_old = |entry: &Entry| moment::read(&entry.created).is_some_and(|at| at < since);
        let reached = page.values.is_empty() || page.values.iter().any(is_old);
        entries.extend(page.values);
        if reached || start == read_first {
            break;
        }
        end = start;
    }
    Ok(entries)
}

async fn page(
    connection: &Connection<'_>,
    id: &ExternalId,
    start_at: usize,
) -> Result<Page, VendorError> {
    let request = request::changelog(connection, id.as_str(), start_at)?;
    call(connection, request).await
}

impl Item {
    fn field(&self, custom: &[CustomField]) -> Option<Field> {
        let name = self.field_id.as_deref().or(self.field.as_deref())?;
        field::named(name, custom)
    }

    async fn value(
        &self,
        connection: &Connection<'_>,
        field: &Field,
        custom: &[CustomField],
    ) -> Result<Option<ExternalValue>, VendorError> {
        let to_text = self.to_text.as_str().unwrap_or_default();
        Ok(match field {
            Field::Title | Field::Severity | Field::Status => Some(ExternalValue::text(to_text)),
            Field::AssignedTo => match self.to.as_str().filter(|id| !id.is_empty()) {
                None => Some(ExternalValue::EMPTY),
                // Nobody can tell whether a hidden address is the one that was sent.
                Some(account_id) => Some(people::value_of(connection, account_id).await?)
                    .filter(|value| !people::is_hidden(value)),
            },
            // Emptied, in whatever form; a document may have content and no text.
            _ if self.to_text.is_null() => Some(ExternalValue::EMPTY),
            Field::Custom(_) => match custom.iter().find(|mapped| mapped.field == *field) {
                Some(mapped) => self.custom_value(connection, mapped).await?,
                None => None,
            },
            _ => None,
        })
    }

    /// A custom field's value, where the changelog has it in a form that an issue's can be told from.
    async fn custom_value(
        &self,
        connection: &Connection<'_>,
        mapped: &CustomField,
    ) -> Result<Option<ExternalValue>, VendorError> {
        let recorded = match mapped.value_type {
            ValueType::Text => {
                let shapes = custom_value::shapes(connection, std::slice::from_ref(mapped)).await?;
                // What is not known to be plain may be a document.
                let is_plain = shapes.get(&mapped.path) == Some(&Shape::Plain);
                self.to_text.as_str().filter(|_| is_plain)
            }
            // The text is as people read it: `22/Nov/26`.
            ValueType::Date | ValueType::DateTime => self.to.as_str(),
            ValueType::Number | ValueType::Boolean | ValueType::Choice => self.to_text.as_str(),
        };
        Ok(recorded.and_then(|text| custom_value::recorded(mapped.value_type, text)))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{super::scripted::*, *};

    fn entry(at: &str, items: &Json) -> Json {
        json!({"id": "1", "created": at, "author": {"accountId": "5b1"}, "items": items})
    }

    fn status(at: &str, to: &str) -> Json {
        let item = json!({"field": "status", "fieldId": "status", "to": "3", "toString": to});
        entry(at, &json!([item]))
    }

    fn changes(account: &Account) -> Vec<Change> {
        let id = ExternalId::parse("10002").expect("an id");
        let since = "2026-11-22T04:00:00Z".parse().expect("a time");
        let history = run(read(&account.connection(), &id, since));
        history.expect("a history").changes
    }

    #[test]
    fn an_entry_tells_fields_values_time_and_author() {
        let items = json!([
            {"field": "summary", "fieldId": "summary", "toString": "Down"},
            {"field": "description", "fieldId": "description", "toString": "h1. Plain"},
            {"field": "priority", "fieldId": "priority", "to": "1", "toString": "Highest"},
            {"field": "status", "fieldId": "status", "to": "3", "toString": "Done"},
            {"field": "assignee", "fieldId": "assignee", "to": "5b2", "toString": "Ann"},
            {"field": "assignee", "fieldId": "assignee", "to": null, "toString": null},
            {"field": "description", "fieldId": "description", "toString": null},
            {"field": "Cost", "fieldId": "customfield_1", "toString": "12.50"},
            {"field": "Due", "fieldId": "customfield_2", "toString": "22/Nov/26",
                "to": "2026-11-22"},
            {"field": "Seen", "fieldId": "customfield_3", "toString": "22/Nov/26 5:05 AM",
                "to": "2026-11-22T05:05:06.900+0100"},
            {"field": "Place", "fieldId": "customfield_4", "to": "10100", "toString": "Berlin"},
            {"field": "Cause", "fieldId": "customfield_5", "toString": "h1. A leak"},
            {"field": "Team", "fieldId": "customfield_6", "toString": "Storage"},
            {"field": "Team", "fieldId": "customfield_6", "toString": ""},
            {"field": "Cost", "fieldId": "customfield_1", "toString": "a lot"},
            {"field": "Link", "toString": "x"},
        ]);
        let page = json!({"startAt": 0, "maxResults": 100, "total": 1, "isLast": true,
            "values": [entry("2026-11-22T04:00:01.000+0000", &items)]});
        let ann = json!({"accountId": "5b2", "emailAddress": "ann@example.com"});
        let kind = |id: &str, kind: &str| json!({"id": id, "schema": {"custom": kind}});
        let kinds = json!([
            kind("customfield_5", "com.atlassian:textarea"),
            kind("customfield_6", "com.atlassian:textfield")
        ]);
        let account = Account::new()
            .option("custom.cost", "customfield_1:number")
            .option("custom.due", "customfield_2:date")
            .option("custom.seen", "customfield_3:datetime")
            .option("custom.place", "customfield_4:choice")
            .option("custom.cause", "customfield_5")
            .option("custom.team", "customfield_6")
            .answers(
                "GET /issue/10002/changelog?startAt=0&maxResults=100",
                200,
                &page,
            )
            .answers("GET /user?accountId=5b2", 200, &ann)
            .answers("GET /field", 200, &kinds);
        let changes = changes(&account);
        let text = |text: &str| Some(ExternalValue::text(text));
        let custom = |name: &str| Field::Custom(name.to_owned());
        let seen: Vec<_> = changes
            .iter()
            .map(|change| (change.field.clone(), change.value.clone()))
            .collect();
        assert_eq!(
            seen,
            [
                (Field::Title, text("Down")),
                (Field::Description, None),
                (Field::Severity, text("Highest")),
                (Field::Status, text("Done")),
                (Field::AssignedTo, text("ann@example.com")),
                (Field::AssignedTo, text("")),
                (Field::Description, text("")),
                (custom("cost"), text("12.5")),
                (custom("due"), text("2026-11-22")),
                (custom("seen"), text("2026-11-22T04:05:06Z")),
                (custom("place"), text("Berlin")),
                (custom("cause"), None),
                (custom("team"), text("Storage")),
                (custom("team"), text("")),
                (custom("cost"), None),
            ]
        );
        assert!(
            changes
                .iter()
                .all(|change| change.author == ActorId::parse("5b1").ok())
        );
        assert!(seen.iter().all(|(field, _)| covers(field)));
        account.asked();
    }

    #[test]
    fn only_what_happened_since_counts_with_a_second_of_slack() {
        let values = json!([
            status("2026-11-22T03:59:58.999+0000", "A"),
            status("2026-11-22T03:59:59.000+0000", "B"),
            status("2026-11-22T05:00:00.000+0100", "C"),
        ]);
        let page = json!({"values": values, "total": 3});
        let account = Account::new().answers("GET /issue/10002/changelog", 200, &page);
        let seen: Vec<_> = changes(&account)
            .into_iter()
            .map(|change| change.value)
            .collect();
        assert_eq!(seen, ["B", "C"].map(|name| Some(ExternalValue::text(name))));
    }

    #[test]
    fn a_long_life_is_read_backwards() {
        let page = |at: &str, to: &str, count: usize| {
            let values: Vec<_> = (0..count).map(|_| status(at, to)).collect();
            json!({"values": values, "total": 250})
        };
        let account = Account::new()
            .answers(
                "GET /issue/10002/changelog?startAt=0&",
                200,
                &page("2026-11-01T00:00:00.000+0000", "A", 100),
            )
            .answers(
                "GET /issue/10002/changelog?startAt=150&",
                200,
                &page("2026-11-22T04:00:02.000+0000", "C", 100),
            )
            .answers(
                "GET /issue/10002/changelog?startAt=100&",
                200,
                &page("2026-11-22T04:00:01.000+0000", "B", 50),
            );
        let changes = changes(&account);
        assert_eq!(changes.len(), 150);
        assert_eq!(changes[0].value, Some(ExternalValue::text("B")));
        account.asked();
    }
}
