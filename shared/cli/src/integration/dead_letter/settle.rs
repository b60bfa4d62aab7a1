//! `im integration dlq-retry` and `dlq-discard`: one of them, or all that match.

use im_model::{DeadLetterId, IncidentId};
use reqwest::StatusCode;
use serde_json::{Map, Value, json};

use super::{DLQ, PATH, id};
use crate::{
    cli::WhichDeadLetters,
    client::{Client, ClientError},
    confirm::confirm,
    failure::Failed,
    output::{Console, cell, table},
    page,
    secret_input::SecretInput,
};

/// Tries them again.
pub async fn retry(
    which: &WhichDeadLetters,
    client: &Client,
    console: &mut Console<'_>,
) -> anyhow::Result<()> {
    let integration = id(client, &which.integration).await?;
    let Some(entry) = &which.entry else {
        return all(&RETRY, which, &integration, client, console).await;
    };
    let path = [PATH, &integration, DLQ, entry.as_str(), "retry"];
    let retried = client.post(&path, &json!({})).await;
    let retried = retried.map_err(|error| with_hint(error, &integration, entry))?;
    console.result(&retried, |letter| {
        let (id, of) = (cell(letter, "id"), cell(letter, "integration_id"));
        format!(
            "{id} is being tried again; `im integration dlq-show {of} {id}` tells what comes of it\n"
        )
    })
}

/// Gives them up, after asking.
pub async fn discard(
    which: &WhichDeadLetters,
    yes: bool,
    client: &Client,
    input: &mut SecretInput<'_>,
    console: &mut Console<'_>,
) -> anyhow::Result<()> {
    let integration = id(client, &which.integration).await?;
    if !yes {
        let what = match &which.entry {
            Some(entry) => entry.to_string(),
            None => how_many(which, &integration, client).await?,
        };
        let question = format!(
            "This gives up {what} of {integration}: nothing tries again what is dead, until one side of the link \
             changes; that change brings along what was not synced. A value that was refused is tried again only when \
             its field changes.\n\
             Both sides keep what they hold, and the list of discarded ones keeps the errors.\n\
             Discard?"
        );
        if !confirm(&question, input, console)? {
            let hint = "nothing was changed; answer y, or give --yes";
            return Err(Failed::new("nothing was discarded", hint).into());
        }
    }
    let Some(entry) = &which.entry else {
        return all(&DISCARD, which, &integration, client, console).await;
    };
    let path = [PATH, &integration, DLQ, entry.as_str()];
    let discarded = client.delete(&path, &[]).await;
    let discarded = discarded.map_err(|error| with_hint(error, &integration, entry))?;
    console.result(&discarded, |letter| {
        format!("{} is discarded\n", cell(letter, "id"))
    })
}

/// What is done to all that match.
struct Act {
    /// The path's last part.
    path: &'static str,
    /// The member of the answer that counts them, and the word for it.
    done: &'static str,
    says: &'static str,
}

const RETRY: Act = Act {
    path: "retry",
    done: "retried",
    says: "being tried again",
};

const DISCARD: Act = Act {
    path: "discard",
    done: "discarded",
    says: "discarded",
};

/// Page after page, until there is none. What could not be done does not stop the others.
async fn all(
    act: &Act,
    which: &WhichDeadLetters,
    integration: &str,
    client: &Client,
    console: &mut Console<'_>,
) -> anyhow::Result<()> {
    let mut body = Map::new();
    body.extend(filter(which).map(|(name, value)| (name.to_owned(), json!(value))));
    let path = [PATH, integration, DLQ, act.path];
    let (mut done, mut failed) = (0, Vec::new());
    loop {
        let answer = client.post(&path, &Value::Object(body.clone())).await?;
        done += answer[act.done].as_u64().unwrap_or_default();
        failed.extend(answer["failed"].as_array().cloned().unwrap_or_default());
        console.progress(&format!("{done} {}, {} not", act.says, failed.len()))?;
        let Some(next) = page::next(&answer) else {
            break;
        };
        if body.get("cursor").is_some_and(|cursor| cursor == next) {
            let problem = "its list does not end: the next page is the same again";
            return Err(client.unreadable(problem).into());
        }
        body.insert("cursor".to_owned(), json!(next));
    }
    console.end_progress()?;
    let result = json!({act.done: done, "failed": failed, "next": null});
    console.result(&result, |result| summary(act, result))?;
    if failed.is_empty() {
        return Ok(());
    }
    let problem = format!("{} could not be {}", failed.len(), act.done);
    let hint =
        format!("`im integration dlq {integration}` shows what is left; repeat it for those");
    Err(Failed::new(problem, hint).into())
}

fn summary(act: &Act, result: &Value) -> String {
    let (done, says) = (cell(result, act.done), act.says);
    let counts = match done.as_str() {
        "1" => format!("1 dead letter is {says}\n"),
        _ => format!("{done} dead letters are {says}\n"),
    };
    let failed = result["failed"].as_array().map_or(&[][..], Vec::as_slice);
    if failed.is_empty() {
        return counts;
    }
    let row = |one: &Value| vec![cell(one, "entry"), cell(one, "problem")];
    let rows: Vec<_> = failed.iter().map(row).collect();
    format!("{counts}\n{}", table(&["NOT", "BECAUSE"], &rows, ""))
}

fn filter(which: &WhichDeadLetters) -> impl Iterator<Item = (&'static str, &str)> {
    let incident = which.incident.as_ref().map(IncidentId::as_str);
    let parts = [
        ("reason", which.reason.as_deref()),
        ("incident_id", incident),
    ];
    parts
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
}

/// How many match, as far as one page tells.
async fn how_many(
    which: &WhichDeadLetters,
    integration: &str,
    client: &Client,
) -> Result<String, ClientError> {
    let mut query = vec![("status", "open"), ("limit", "100")];
    query.extend(filter(which).map(|(name, value)| match name {
        "incident_id" => ("incident", value),
        name => (name, value),
    }));
    let found = page::one(client, &[PATH, integration, DLQ], &query).await?;
    let count = page::items(&found).len();
    Ok(match (count, page::next(&found)) {
        (1, None) => "1 dead letter".to_owned(),
        (count, None) => format!("{count} dead letters"),
        (count, Some(_)) => format!("{count} dead letters and more"),
    })
}

/// What stands in the way shows in the entry.
fn with_hint(error: ClientError, integration: &str, entry: &DeadLetterId) -> anyhow::Error {
    match &error {
        ClientError::Refused {
            status: StatusCode::CONFLICT,
            ..
        } => {
            let hint =
                format!("`im integration dlq-show {integration} {entry}` shows how it is now");
            Failed::new(error.to_string(), hint).into()
        }
        ClientError::Refused {
            status: StatusCode::NOT_FOUND,
            ..
        } => {
            let hint = format!("`im integration dlq {integration}` lists what there is");
            Failed::new(error.to_string(), hint).into()
        }
        _ => error.into(),
    }
}
