//! `im audit`.

#[cfg(test)]
mod tests;

use serde_json::Value;

use crate::{
    cli::{AuditCommand, ListAudit},
    client::Client,
    integration,
    output::{Console, cell, moment, one_line, shortened, table},
    page,
};

const PATH: &str = "audit";

/// A line of the table holds so much of what was changed.
const MOST_CHARACTERS: usize = 120;

/// Runs one command.
pub async fn run(
    command: AuditCommand,
    client: &Client,
    console: &mut Console<'_>,
) -> anyhow::Result<()> {
    let AuditCommand::List(list) = command;
    let integration = match &list.integration {
        // The audit outlives what it tells of.
        Some(named) => Some(integration::id_even_of_none(client, named).await?),
        None => None,
    };
    let audit = page(&list, integration.as_deref(), client).await?;
    console.result(&audit, |audit| listing(page::items(audit)))?;
    if page::next(&audit).is_some() {
        console.note("there are more: --all lists all of them")?;
    }
    Ok(())
}

async fn page(
    list: &ListAudit,
    integration: Option<&str>,
    client: &Client,
) -> anyhow::Result<Value> {
    let limit = list.limit.map(|limit| limit.to_string());
    let mut query = Vec::new();
    query.extend(integration.map(|id| ("integration_id", id)));
    query.extend(limit.as_deref().map(|limit| ("limit", limit)));
    if list.all {
        Ok(page::all(client, &[PATH], &query).await?)
    } else {
        Ok(page::one(client, &[PATH], &query).await?)
    }
}

fn listing(entries: &[Value]) -> String {
    let rows: Vec<Vec<String>> = entries
        .iter()
        .map(|entry| {
            let actor = entry["actor"]
                .as_str()
                .map_or_else(|| "im itself".to_owned(), one_line);
            let mut row = vec![moment(entry, "at"), actor];
            row.extend(["action", "integration_id", "subject"].map(|member| cell(entry, member)));
            row.push(shortened(&changes(entry), MOST_CHARACTERS));
            row
        })
        .collect();
    let headings = ["WHEN", "WHO", "WHAT", "INTEGRATION", "ABOUT", "CHANGES"];
    table(&headings, &rows, "Nothing was changed.")
}

/// `name: before -> after`, several apart by `; `.
fn changes(entry: &Value) -> String {
    let all = entry["changes"].as_array().into_iter().flatten();
    let said = |value: &Value| match value {
        Value::Null => "nothing".to_owned(),
        Value::String(text) => one_line(text),
        other => one_line(&other.to_string()),
    };
    let all = all.map(|change| {
        let (before, after) = (said(&change["before"]), said(&change["after"]));
        format!("{}: {before} -> {after}", cell(change, "what"))
    });
    all.collect::<Vec<_>>().join("; ")
}
