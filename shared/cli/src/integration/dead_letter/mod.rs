//! `im integration dlq`, `dlq-show`, `dlq-retry`, `dlq-discard`.

mod settle;
mod show;
#[cfg(test)]
mod tests;

use im_model::{DeadLetterId, IncidentId};
use serde_json::Value;

pub use self::settle::{discard, retry};
use super::{PATH, id};
use crate::{
    cli::ListDeadLetters,
    client::Client,
    output::{Console, cell, moment, shortened, table},
    page,
};

const DLQ: &str = "dlq";

/// Most characters of an error in the list.
const LIST_ERROR: usize = 120;

/// Lists them.
pub async fn list(
    list: &ListDeadLetters,
    client: &Client,
    console: &mut Console<'_>,
) -> anyhow::Result<()> {
    let integration = id(client, &list.integration).await?;
    let limit = list.limit.map(|limit| limit.to_string());
    let incident = list.filter.incident.as_ref();
    let parameters = [
        ("status", list.status.as_deref()),
        ("reason", list.filter.reason.as_deref()),
        ("incident", incident.map(IncidentId::as_str)),
        ("limit", limit.as_deref()),
    ];
    let query: Vec<_> = parameters
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
        .collect();
    let path = [PATH, &integration, DLQ];
    let letters = if list.all {
        page::all(client, &path, &query).await?
    } else {
        page::one(client, &path, &query).await?
    };
    console.result(&letters, |letters| listing(page::items(letters)))?;
    if page::next(&letters).is_some() {
        console.note("there are more: --all lists all of them")?;
    }
    Ok(())
}

/// Shows one with all its attempts.
pub async fn show(
    integration: &str,
    entry: &DeadLetterId,
    client: &Client,
    console: &mut Console<'_>,
) -> anyhow::Result<()> {
    let integration = id(client, integration).await?;
    let path = [PATH, &integration, DLQ, entry.as_str()];
    let letter = client.get(&path, &[]).await?;
    console.result(&letter, show::describe)
}

fn listing(letters: &[Value]) -> String {
    let rows: Vec<Vec<String>> = letters
        .iter()
        .map(|letter| {
            let mut row = vec![cell(letter, "id"), cell(letter, "status"), subject(letter)];
            let members = ["direction", "reason", "jobs", "attempts"];
            row.extend(members.map(|member| cell(letter, member)));
            row.push(moment(letter, "opened_at"));
            row.push(shortened(&cell(letter, "last_error"), LIST_ERROR));
            row
        })
        .collect();
    let headings = [
        "ENTRY",
        "STATUS",
        "INCIDENT OR RECORD",
        "DIRECTION",
        "REASON",
        "JOBS",
        "ATTEMPTS",
        "SINCE",
        "LAST ERROR",
    ];
    table(&headings, &rows, "No dead letters.")
}

/// The incident, or the record of one that belongs to none.
fn subject(letter: &Value) -> String {
    let incident = &letter["incident_id"];
    let member = if incident.is_null() {
        "external_id"
    } else {
        "incident_id"
    };
    cell(letter, member)
}
