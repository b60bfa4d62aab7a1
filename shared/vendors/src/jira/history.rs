//! The changelog: what changed when, and by whom.

use std::collections::BTreeSet;

use im_model::{ActorId, ExternalId, ExternalValue, Field};
use im_sync::{Change, History};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::Value as Json;

use super::{
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

/// The changelog records texts of several lines and custom fields in forms of its own: only that they changed.
pub(super) fn covers() -> BTreeSet<Field> {
    BTreeSet::from([
        Field::Title,
        Field::Description,
        Field::Severity,
        Field::Status,
        Field::AssignedTo,
    ])
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
            let value = item.value(connection, &field).await?;
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
    ) -> Result<Option<ExternalValue>, VendorError> {
        let text = |json: &Json| {
            json.as_str()
                .map_or(ExternalValue::EMPTY, ExternalValue::text)
        };
        Ok(match field {
            Field::Title | Field::Severity | Field::Status => Some(text(&self.to_text)),
            Field::AssignedTo => match self.to.as_str().filter(|id| !id.is_empty()) {
                None => Some(ExternalValue::EMPTY),
                // Nobody can tell whether a hidden address is the one that was sent.
                Some(account_id) => Some(people::value_of(connection, account_id).await?)
                    .filter(|value| !people::is_hidden(value)),
            },
            _ => None,
        })
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
            {"field": "Cost", "fieldId": "customfield_1", "toString": "12"},
            {"field": "Link", "toString": "x"},
        ]);
        let page = json!({"startAt": 0, "maxResults": 100, "total": 1, "isLast": true,
            "values": [entry("2026-11-22T04:00:01.000+0000", &items)]});
        let ann = json!({"accountId": "5b2", "emailAddress": "ann@example.com"});
        let account = Account::new()
            .option("custom.cost", "customfield_1:number")
            .answers(
                "GET /issue/10002/changelog?startAt=0&maxResults=100",
                200,
                &page,
            )
            .answers("GET /user?accountId=5b2", 200, &ann);
        let changes = changes(&account);
        let text = |text: &str| Some(ExternalValue::text(text));
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
                (Field::Custom("cost".to_owned()), None),
            ]
        );
        assert!(
            changes
                .iter()
                .all(|change| change.author == ActorId::parse("5b1").ok())
        );
        let covered = covers();
        let own = seen
            .iter()
            .filter(|(field, _)| !matches!(field, Field::Custom(_)));
        assert!(
            own.map(|(field, _)| field)
                .all(|field| covered.contains(field))
        );
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
