//! `im incident comment` and `comments`.

use serde_json::{Value, json};

use super::{PATH, elements};
use crate::{
    cli::CommentOnIncident,
    client::Client,
    output::{Console, cell, moment, one_line, text},
    page,
    secret_input::SecretInput,
    text_input,
};

/// Adds one.
pub async fn add(
    comment: &CommentOnIncident,
    client: &Client,
    input: &mut SecretInput<'_>,
    console: &mut Console<'_>,
) -> anyhow::Result<()> {
    let text = text_input::read("<TEXT>", &comment.text, input)?;
    let path = [PATH, comment.incident.as_str(), list_of(comment.internal)];
    let note = client.post(&path, &json!({"text": text})).await?;
    console.result(&note, describe)
}

/// Shows them all.
pub async fn show(
    incident: &str,
    internal: bool,
    client: &Client,
    console: &mut Console<'_>,
) -> anyhow::Result<()> {
    let notes = page::all(client, &[PATH, incident, list_of(internal)], &[]).await?;
    console.result(&notes, |notes| match page::items(notes) {
        [] if internal => "No work notes.\n".to_owned(),
        [] => "No comments.\n".to_owned(),
        notes => notes.iter().map(describe).collect::<Vec<_>>().join("\n"),
    })
}

fn list_of(internal: bool) -> &'static str {
    if internal { "work-notes" } else { "comments" }
}

/// Who, when and where to, and below it the text.
fn describe(note: &Value) -> String {
    let mut head = vec![
        moment(note, "at"),
        cell(note, "author"),
        cell(note, "source"),
    ];
    head.extend(elements(note, "copies").iter().map(describe_copy));
    if !text(note, "edit_of").is_empty() {
        head.push(format!("a later wording of {}", cell(note, "edit_of")));
    }
    let written = text(note, "text");
    let lines = written
        .lines()
        .map(|line| format!("  {}\n", one_line(line)));
    format!("{}\n{}", head.join("  "), lines.collect::<String>())
}

fn describe_copy(copy: &Value) -> String {
    let integration = cell(copy, "integration_id");
    match copy["state"].as_str() {
        Some("refused") => format!("refused by {integration}: {}", cell(copy, "why")),
        _ => format!("{} to {integration}", cell(copy, "state")),
    }
}
