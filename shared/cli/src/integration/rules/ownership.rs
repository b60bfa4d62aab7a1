//! `im integration field-ownership`.

use serde_json::{Value, json};

use super::field_name;
use crate::{
    cli::FieldOwnershipCommand,
    client::Client,
    integration::{PATH, id},
    output::{Console, cell, table},
    page,
};

const BELOW: &str = "field-ownership";

/// Runs one command.
pub async fn run(
    command: FieldOwnershipCommand,
    client: &Client,
    console: &mut Console<'_>,
) -> anyhow::Result<()> {
    match command {
        FieldOwnershipCommand::List { integration } => {
            let id = id(client, &integration).await?;
            let all = page::all(client, &[PATH, &id, BELOW], &[]).await?;
            console.result(&all, |all| listing(page::items(all)))
        }
        FieldOwnershipCommand::Set(set) => {
            let id = id(client, &set.integration).await?;
            let rules = json!({"rules": [{"owner": set.owner, "priority": set.priority}]});
            let query: &[_] = if set.shared {
                &[("shared", "true")]
            } else {
                &[]
            };
            let path = [PATH, &id, BELOW, &field_name(&set.field)];
            let item = client.put(&path, query, &rules, None).await?;
            console.result(&item, |item| listing(std::slice::from_ref(item)))
        }
        FieldOwnershipCommand::Delete {
            integration,
            field,
            owner,
        } => {
            let id = id(client, &integration).await?;
            let query: Vec<_> = owner
                .iter()
                .map(|owner| ("owner", owner.as_str()))
                .collect();
            let path = [PATH, &id, BELOW, &field_name(&field)];
            let item = client.delete(&path, &query).await?;
            console.result(&item, |item| listing(std::slice::from_ref(item)))
        }
    }
}

fn listing(items: &[Value]) -> String {
    let row = |item: &Value| {
        let rules = item["rules"].as_array().into_iter().flatten();
        let owners: Vec<_> = rules
            .map(|rule| format!("{} ({})", cell(rule, "owner"), cell(rule, "priority")))
            .collect();
        let owners = if owners.is_empty() {
            "-".to_owned()
        } else {
            owners.join(", ")
        };
        vec![cell(item, "field"), owners, cell(item, "flows")]
    };
    let rows: Vec<_> = items.iter().map(row).collect();
    table(&["FIELD", "OWNER (PRIORITY)", "FLOWS"], &rows, "No fields.")
}
