//! `im conflict`.

mod show;

use im_model::{ConflictId, IncidentId};
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::{
    cli::{ConflictCommand, ListConflicts, ResolveConflict},
    client::{Client, ClientError},
    failure::Failed,
    integration,
    output::{Console, cell, moment, quoted, shortened, table, value},
    page,
};

const PATH: &str = "conflicts";

/// Most characters of a value in the list.
const LIST_VALUE: usize = 24;

/// Runs one command.
pub async fn run(
    command: ConflictCommand,
    client: &Client,
    console: &mut Console<'_>,
) -> anyhow::Result<()> {
    match command {
        ConflictCommand::List(list) => run_list(&list, client, console).await,
        ConflictCommand::Show { conflict } => {
            let conflict = client.get(&[PATH, conflict.as_str()], &[]).await?;
            console.result(&conflict, show::describe)
        }
        ConflictCommand::Resolve(resolve) => run_resolve(&resolve, client, console).await,
        ConflictCommand::Restore { conflict } => {
            let path = [PATH, conflict.as_str(), "restore"];
            let restored = client.post(&path, &json!({})).await;
            let restored = restored.map_err(|error| with_hint(error, &conflict))?;
            console.result(&restored, restored_to)
        }
    }
}

async fn run_list(
    list: &ListConflicts,
    client: &Client,
    console: &mut Console<'_>,
) -> anyhow::Result<()> {
    let integration = match &list.integration {
        Some(named) => Some(integration::id(client, named).await?),
        None => None,
    };
    let limit = list.limit.map(|limit| limit.to_string());
    let parameters = [
        ("status", list.status.as_deref()),
        ("integration", integration.as_deref()),
        ("incident", list.incident.as_ref().map(IncidentId::as_str)),
        ("limit", limit.as_deref()),
    ];
    let query: Vec<_> = parameters
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
        .collect();
    let conflicts = if list.all {
        page::all(client, &[PATH], &query).await?
    } else {
        page::one(client, &[PATH], &query).await?
    };
    console.result(&conflicts, |conflicts| listing(page::items(conflicts)))?;
    if page::next(&conflicts).is_some() {
        console.note("there are more: --all lists all of them")?;
    }
    Ok(())
}

async fn run_resolve(
    resolve: &ResolveConflict,
    client: &Client,
    console: &mut Console<'_>,
) -> anyhow::Result<()> {
    let path = [PATH, resolve.conflict.as_str(), "resolve"];
    let body = json!({"resolution": resolve.resolution().as_str()});
    let resolved = client.post_to_version(&path, &body, resolve.if_version);
    let resolved = resolved.await;
    let resolved = resolved.map_err(|error| with_hint(error, &resolve.conflict))?;
    console.result(&resolved, resolved_with)
}

/// What stands in the way of a choice shows in the conflict, not in its list.
fn with_hint(error: ClientError, conflict: &ConflictId) -> anyhow::Error {
    match &error {
        ClientError::Refused {
            status: StatusCode::CONFLICT,
            ..
        } => {
            let hint = format!("`im conflict show {conflict}` shows how it is now");
            Failed::new(error.to_string(), hint).into()
        }
        _ => error.into(),
    }
}

fn listing(conflicts: &[Value]) -> String {
    let held = |side: &Value| shortened(&value(&side["value"]), LIST_VALUE);
    let rows: Vec<Vec<String>> = conflicts
        .iter()
        .map(|conflict| {
            let members = ["id", "status", "incident_id", "integration_id", "field"];
            let mut row: Vec<String> = members.map(|member| cell(conflict, member)).into();
            row.extend([held(&conflict["platform"]), held(&conflict["external"])]);
            row.push(moment(conflict, "opened_at"));
            row
        })
        .collect();
    let headings = [
        "ID",
        "STATUS",
        "INCIDENT",
        "INTEGRATION",
        "FIELD",
        "PLATFORM",
        "EXTERNAL",
        "FOUND",
    ];
    table(&headings, &rows, "No conflicts.")
}

/// What happens now, in one line.
fn resolved_with(conflict: &Value) -> String {
    let [id, field, integration, incident] =
        ["id", "field", "integration_id", "incident_id"].map(|member| cell(conflict, member));
    let [platform, external] =
        ["platform", "external"].map(|side| quoted(&conflict[side]["value"]));
    let look = format!("`im explain {incident} {field} --integration {integration}` tells when");
    match conflict["settlement"]["resolution"].as_str() {
        Some("use_platform") => {
            format!("{id} is resolved: {integration} is sent {platform} now; {look}\n")
        }
        Some("use_external") => {
            format!(
                "{id} is resolved: the platform takes over {external} from {integration} now; {look}\n"
            )
        }
        _ => format!(
            "{id} is ignored: the platform keeps {platform} and {integration} {external}, until one of them changes\n"
        ),
    }
}

/// The same, of an automatic resolution that was undone.
fn restored_to(conflict: &Value) -> String {
    let [id, field, integration, incident] =
        ["id", "field", "integration_id", "incident_id"].map(|member| cell(conflict, member));
    let look = format!("`im explain {incident} {field} --integration {integration}` tells when");
    if conflict["settlement"]["winner"] == "external" {
        let lost = quoted(&conflict["platform"]["value"]);
        format!(
            "{id} is undone: the platform holds {lost} again, and {integration} is sent it now; {look}\n"
        )
    } else {
        let lost = quoted(&conflict["external"]["value"]);
        format!(
            "{id} is undone: {integration} is sent {lost} now, and the platform holds what that stands for; {look}\n"
        )
    }
}

#[cfg(test)]
mod tests;
