//! `im integration`.

mod configure;
mod dead_letter;
mod delete;
mod preview;
mod reconcile;
mod rules;
mod sync_status;
mod test;
mod trigger;

use im_model::{IntegrationId, OrganizationId};
use serde_json::{Value, json};

use crate::{
    cli::{IntegrationCommand, ListIntegrations},
    client::{Client, ClientError},
    failure::Failed,
    output::{Console, cell, details, moment, table},
    page,
    secret_input::SecretInput,
};

const PATH: &str = "integrations";

/// Runs one command.
pub async fn run(
    command: IntegrationCommand,
    client: &Client,
    secrets: &mut SecretInput<'_>,
    console: &mut Console<'_>,
) -> anyhow::Result<()> {
    match command {
        IntegrationCommand::Configure(configure) => {
            configure::run(&configure, client, secrets, console).await
        }
        IntegrationCommand::List(list) => run_list(&list, client, console).await,
        IntegrationCommand::Get { integration } => {
            let found = existing(client, &integration).await?;
            console.result(&found, describe)
        }
        IntegrationCommand::Test { integration } => test::run(&integration, client, console).await,
        IntegrationCommand::FieldOwnership { command } => {
            rules::ownership::run(command, client, console).await
        }
        IntegrationCommand::Mapping { command } => {
            rules::mapping::run(command, client, secrets, console).await
        }
        IntegrationCommand::Check { integration } => {
            rules::check::run(&integration, client, console).await
        }
        IntegrationCommand::Pause { integration } => {
            set_activity(&integration, "pause", client, console).await
        }
        IntegrationCommand::Resume { integration } => {
            set_activity(&integration, "resume", client, console).await
        }
        IntegrationCommand::Trigger { command } => trigger::run(command, client, console).await,
        IntegrationCommand::Preview(preview) => preview::run(&preview, client, console).await,
        IntegrationCommand::SyncStatus {
            integration,
            since,
            watch,
        } => {
            let asked = (integration.as_str(), since.as_deref());
            if watch {
                return sync_status::watch(asked, None, client, console).await;
            }
            sync_status::show(asked, client, console).await
        }
        IntegrationCommand::Reconcile(reconcile) => {
            reconcile::run(*reconcile, client, console).await
        }
        IntegrationCommand::Backfill(backfill) => {
            reconcile::backfill(&backfill, client, console).await
        }
        IntegrationCommand::Dlq(list) => dead_letter::list(&list, client, console).await,
        IntegrationCommand::DlqShow { integration, entry } => {
            dead_letter::show(&integration, &entry, client, console).await
        }
        IntegrationCommand::DlqRetry(which) => dead_letter::retry(&which, client, console).await,
        IntegrationCommand::DlqDiscard { which, yes } => {
            dead_letter::discard(&which, yes, client, secrets, console).await
        }
        IntegrationCommand::Delete { integration, yes } => {
            delete::run(&integration, yes, client, secrets, console).await
        }
    }
}

async fn set_activity(
    integration: &str,
    verb: &str,
    client: &Client,
    console: &mut Console<'_>,
) -> anyhow::Result<()> {
    let id = id(client, integration).await?;
    let changed = client.post(&[PATH, &id, verb], &json!({})).await?;
    console.result(&changed, describe)
}

async fn run_list(
    list: &ListIntegrations,
    client: &Client,
    console: &mut Console<'_>,
) -> anyhow::Result<()> {
    let all = page::all(client, &[PATH], &[]).await?;
    let is = |integration: &Value, member: &str, wanted: Option<&str>| {
        wanted.is_none_or(|wanted| integration[member] == wanted)
    };
    let wanted: Vec<&Value> = page::items(&all)
        .iter()
        .filter(|one| {
            is(
                one,
                "organization_id",
                list.org.as_ref().map(OrganizationId::as_str),
            )
        })
        .filter(|one| is(one, "integration_type", list.integration_type.as_deref()))
        .collect();
    let wanted = json!({"items": wanted, "next": null});
    console.result(&wanted, |integrations| listing(page::items(integrations)))
}

/// The integration with this id or, if there is none, with this display name.
async fn find(client: &Client, id_or_name: &str) -> anyhow::Result<Option<Value>> {
    let mut forbidden = None;
    if IntegrationId::parse(id_or_name).is_ok() {
        match client.get(&[PATH, id_or_name], &[]).await {
            Ok(found) => return Ok(Some(found)),
            Err(error) if error.is_not_found() => {}
            // It may be the name of one that is allowed.
            Err(error) if error.is_forbidden() => forbidden = Some(error),
            Err(error) => return Err(error.into()),
        }
    }
    let all = match (page::all(client, &[PATH], &[]).await, forbidden) {
        (Err(error), Some(forbidden)) if error.is_forbidden() => return Err(forbidden.into()),
        (Ok(all), Some(forbidden)) if !is_named(&all, id_or_name) => return Err(forbidden.into()),
        (all, _) => all?,
    };
    let named: Vec<&Value> = page::items(&all)
        .iter()
        .filter(|integration| integration["name"] == id_or_name)
        .collect();
    match named.as_slice() {
        [] => Ok(None),
        [one] => Ok(Some((*one).clone())),
        several => {
            let ids: Vec<String> = several
                .iter()
                .map(|integration| cell(integration, "id"))
                .collect();
            let problem = format!("{} integrations are named {id_or_name:?}", several.len());
            Err(Failed::new(problem, format!("use an id: {}", ids.join(", "))).into())
        }
    }
}

/// The same, where there must be one.
async fn existing(client: &Client, id_or_name: &str) -> anyhow::Result<Value> {
    let found = find(client, id_or_name).await?;
    found.ok_or_else(|| {
        let problem = format!("there is no integration {id_or_name:?}");
        Failed::new(problem, "`im integration list` shows what there is").into()
    })
}

/// The id of the integration that a command line names by id or display name. Whoever may not look integrations up may still do
/// something with one: an id is then taken as it is, and the command itself is allowed or not.
pub async fn id(client: &Client, id_or_name: &str) -> anyhow::Result<String> {
    match existing(client, id_or_name).await {
        Ok(found) => Ok(id_of(&found, client)?.to_owned()),
        Err(error) if is_forbidden(&error) && IntegrationId::parse(id_or_name).is_ok() => {
            Ok(id_or_name.to_owned())
        }
        Err(error) => Err(error),
    }
}

fn is_forbidden(error: &anyhow::Error) -> bool {
    let error = error.downcast_ref::<ClientError>();
    error.is_some_and(ClientError::is_forbidden)
}

fn is_named(integrations: &Value, name: &str) -> bool {
    let mut all = page::items(integrations).iter();
    all.any(|integration| integration["name"] == name)
}

/// The same, where the integration may be gone and only its id is left.
pub async fn id_even_of_none(client: &Client, id_or_name: &str) -> anyhow::Result<String> {
    match find(client, id_or_name).await {
        Ok(Some(found)) => Ok(id_of(&found, client)?.to_owned()),
        Ok(None) if IntegrationId::parse(id_or_name).is_ok() => Ok(id_or_name.to_owned()),
        _ => id(client, id_or_name).await,
    }
}

/// The id of an integration that the API showed.
fn id_of<'a>(integration: &'a Value, client: &Client) -> Result<&'a str, ClientError> {
    integration["id"]
        .as_str()
        .ok_or_else(|| client.unreadable("with an integration that has no id"))
}

fn listing(integrations: &[Value]) -> String {
    let members = [
        "id",
        "integration_type",
        "sync_direction",
        "enabled",
        "activity",
        "base_url",
        "name",
    ];
    let rows: Vec<Vec<String>> = integrations
        .iter()
        .map(|one| members.map(|member| cell(one, member)).into())
        .collect();
    let headings = [
        "ID",
        "TYPE",
        "DIRECTION",
        "ENABLED",
        "ACTIVITY",
        "BASE URL",
        "NAME",
    ];
    table(&headings, &rows, "No integrations.")
}

fn describe(integration: &Value) -> String {
    let mut pairs = vec![
        ("Id", cell(integration, "id")),
        ("Name", cell(integration, "name")),
        ("Type", cell(integration, "integration_type")),
        ("Organization", cell(integration, "organization_id")),
        ("Base URL", cell(integration, "base_url")),
        ("Direction", cell(integration, "sync_direction")),
        ("Enabled", cell(integration, "enabled")),
        ("Activity", cell(integration, "activity")),
        ("Conflict strategy", cell(integration, "conflict_strategy")),
        ("Conflict window", cell(integration, "conflict_window")),
    ];
    if !integration["requests_per_minute"].is_null() {
        let limit = cell(integration, "requests_per_minute");
        pairs.push(("Requests/min", limit));
    }
    pairs.push(("Mode", cell(integration, "mode")));
    let brake = &integration["brake"];
    if brake.is_object() {
        let words = format!(
            "a run that would change more than {} % of the links, and more than {}",
            cell(brake, "percent"),
            cell(brake, "at_least")
        );
        pairs.push(("Brake", words));
    }
    let options: Vec<String> = integration["options"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(key, _)| format!("{key}={}", cell(&integration["options"], key)))
        .collect();
    if !options.is_empty() {
        pairs.push(("Options", options.join("\n")));
    }
    pairs.extend([
        ("Webhook URL", cell(integration, "webhook_url")),
        ("Version", cell(integration, "version")),
        ("Created", moment(integration, "created_at")),
        ("Updated", moment(integration, "updated_at")),
    ]);
    details(&pairs)
}

#[cfg(test)]
mod tests;
