//! `im integration reconcile …` and `im integration backfill`.

mod follow;
mod schedule;
mod show;
#[cfg(test)]
mod tests;

use im_model::RunId;
use reqwest::StatusCode;
use serde_json::{Map, Value, json};

use self::{follow::Follower, show::report};
use super::{PATH, id};
use crate::{
    cli::{Backfill, Reconcile, ReconcileCommand, StartRun},
    client::{Client, ClientError},
    failure::{Failed, UsageError},
    output::{Console, cell},
    page,
};

const RECONCILE: &str = "reconcile";
const RUNS: &str = "runs";

/// Runs one command.
pub async fn run(
    reconcile: Reconcile,
    client: &Client,
    console: &mut Console<'_>,
) -> anyhow::Result<()> {
    match (reconcile.command, reconcile.start) {
        (None, None) => Err(UsageError("which integration?".to_owned()).into()),
        (None, Some(start)) => begin(&start, client, console).await,
        (Some(command), _) => match command {
            ReconcileCommand::History {
                integration,
                limit,
                all,
            } => history(&integration, limit, all, client, console).await,
            ReconcileCommand::Show { integration, run } => {
                let integration = id(client, &integration).await?;
                let report = with_items(&integration, run.as_str(), client).await?;
                console.result(&report, show::report)
            }
            ReconcileCommand::Cancel { integration, run } => {
                cancel(&integration, &run, client, console).await
            }
            ReconcileCommand::Schedule(schedule) => schedule::run(&schedule, client, console).await,
        },
    }
}

/// Starts a run, or lets one go on, and follows it.
async fn begin(start: &StartRun, client: &Client, console: &mut Console<'_>) -> anyhow::Result<()> {
    let integration = id(client, &start.integration).await?;
    let mut body = Map::new();
    let started = if let Some(run) = &start.confirm {
        let path = [PATH, &integration, RECONCILE, RUNS, run.as_str(), "confirm"];
        client.post(&path, &json!({})).await
    } else {
        let how = if start.auto_heal {
            "auto_heal"
        } else {
            "dry_run"
        };
        body.insert(how.to_owned(), json!(true));
        if start.incremental {
            body.insert("scope".to_owned(), json!("incremental"));
        }
        body.extend(start.since.map(|since| ("since".to_owned(), json!(since))));
        let path = [PATH, &integration, RECONCILE];
        client.post(&path, &Value::Object(body)).await
    };
    let started = started.map_err(|error| with_hint(error, &integration))?;
    go_on(&integration, started, start.no_wait, client, console).await
}

/// Starts a backfill and follows it.
pub async fn backfill(
    backfill: &Backfill,
    client: &Client,
    console: &mut Console<'_>,
) -> anyhow::Result<()> {
    let integration = id(client, &backfill.integration).await?;
    let mut body = Map::new();
    let how = if backfill.apply { "apply" } else { "dry_run" };
    body.insert(how.to_owned(), json!(true));
    body.extend(
        backfill
            .since
            .map(|since| ("since".to_owned(), json!(since))),
    );
    body.extend(
        backfill
            .limit
            .map(|limit| ("limit".to_owned(), json!(limit))),
    );
    let path = [PATH, &integration, "backfill"];
    let started = client.post(&path, &Value::Object(body)).await;
    let started = started.map_err(|error| with_hint(error, &integration))?;
    go_on(&integration, started, backfill.no_wait, client, console).await
}

async fn go_on(
    integration: &str,
    started: Value,
    no_wait: bool,
    client: &Client,
    console: &mut Console<'_>,
) -> anyhow::Result<()> {
    if no_wait {
        return console.result(&started, |run| {
            let id = cell(run, "id");
            format!(
                "{id} is on its way; `im integration reconcile show {integration} {id}` shows what came of it\n"
            )
        });
    }
    let follower = Follower {
        integration,
        client,
    };
    let over = follower.follow(started, console, follow::pause).await?;
    let run = cell(&over, "id");
    let items = items(integration, &run, client).await?;
    let outcome = outcome(integration, &over);
    console.result(&json!({"run": over, "items": items}), report)?;
    outcome
}

/// A run that did not come to its end, and what can be done about it.
fn outcome(integration: &str, run: &Value) -> anyhow::Result<()> {
    let (id, because) = (cell(run, "id"), cell(run, "reason"));
    let failed = match cell(run, "status").as_str() {
        "done" => match run["summary"]["failed"].as_u64() {
            None | Some(0) => return Ok(()),
            Some(count) => Failed::new(
                format!("run {id} could not heal {count} of what it found"),
                format!(
                    "it is tried again by itself; what fails for good is in `im integration dlq {integration}`"
                ),
            ),
        },
        "braked" => Failed::new(
            format!("run {id} stopped before it wrote anything: {because}"),
            format!(
                "look at what it found; `im integration reconcile {integration} --confirm {id}` lets it go on, planned anew \
                 on what both sides hold then, and `im integration reconcile cancel {integration} {id}` ends it"
            ),
        ),
        "cancelled" => Failed::new(
            format!("run {id} was cancelled: {because}"),
            "what it has written stays; start another one when you want the rest",
        ),
        status => Failed::new(
            format!("run {id} is {status}: {because}"),
            "what it has written stays; see to what it says, and start another one",
        ),
    };
    Err(failed.into())
}

async fn history(
    integration: &str,
    limit: Option<u32>,
    all: bool,
    client: &Client,
    console: &mut Console<'_>,
) -> anyhow::Result<()> {
    let integration = id(client, integration).await?;
    let limit = limit.map(|limit| limit.to_string());
    let query: Vec<_> = limit
        .iter()
        .map(|limit| ("limit", limit.as_str()))
        .collect();
    let path = [PATH, &integration, RECONCILE, "history"];
    let runs = if all {
        page::all(client, &path, &query).await?
    } else {
        page::one(client, &path, &query).await?
    };
    console.result(&runs, |runs| show::listing(page::items(runs)))?;
    if page::next(&runs).is_some() {
        console.note("there are more: --all lists all of them")?;
    }
    Ok(())
}

async fn cancel(
    integration: &str,
    run: &RunId,
    client: &Client,
    console: &mut Console<'_>,
) -> anyhow::Result<()> {
    let integration = id(client, integration).await?;
    let path = [PATH, &integration, RECONCILE, RUNS, run.as_str(), "cancel"];
    let cancelled = client.post(&path, &json!({})).await;
    let cancelled = cancelled.map_err(|error| with_hint(error, &integration))?;
    console.result(&cancelled, |run| {
        format!(
            "{} is cancelled; what it has written stays\n",
            cell(run, "id")
        )
    })
}

/// A run as it is now.
async fn get(integration: &str, run: &str, client: &Client) -> Result<Value, ClientError> {
    let path = [PATH, integration, RECONCILE, RUNS, run];
    client.get(&path, &[]).await
}

/// All that it found so far.
async fn items(integration: &str, run: &str, client: &Client) -> Result<Value, ClientError> {
    let path = [PATH, integration, RECONCILE, RUNS, run, "items"];
    let mut all = page::all(client, &path, &[]).await?;
    Ok(all["items"].take())
}

async fn with_items(integration: &str, run: &str, client: &Client) -> Result<Value, ClientError> {
    let found = get(integration, run, client).await?;
    let items = items(integration, run, client).await?;
    Ok(json!({"run": found, "items": items}))
}

/// What stands in the way shows in the list of runs.
fn with_hint(error: ClientError, integration: &str) -> anyhow::Error {
    match &error {
        ClientError::Refused {
            status: StatusCode::CONFLICT,
            ..
        } => {
            let hint = format!(
                "`im integration reconcile history {integration}` lists its runs, `im integration get {integration}` shows \
                 whether it works"
            );
            Failed::new(error.to_string(), hint).into()
        }
        _ => error.into(),
    }
}
