//! `im incident timeline`.

use im_model::IncidentId;
use serde_json::Value;

use super::{answer, changes, decision, edit};
use crate::{
    client::Client,
    incident::PATH,
    output::{Console, cell, details, moment, one_line, quoted, text},
    page,
};

/// Shows all of it, oldest first.
pub async fn show(
    incident: &IncidentId,
    client: &Client,
    console: &mut Console<'_>,
) -> anyhow::Result<()> {
    let path = [PATH, incident.as_str(), "timeline"];
    let timeline = page::all(client, &path, &[("limit", "100")]).await?;
    console.result(&timeline, |timeline| match page::items(timeline) {
        [] => "Nothing happened.\n".to_owned(),
        items => items.iter().map(describe).collect::<Vec<_>>().join("\n"),
    })
}

/// When and what, and below it each field.
fn describe(happening: &Value) -> String {
    let below = match happening["kind"].as_str() {
        Some("note") => {
            let written = text(&happening["note"], "text");
            written.lines().map(one_line).collect::<Vec<_>>().join("\n")
        }
        _ => fields(happening),
    };
    let indented = below.lines().map(|line| format!("  {line}\n"));
    format!(
        "{}  {}\n{}",
        moment(happening, "at"),
        headline(happening),
        indented.collect::<String>()
    )
}

/// What happened, and who or what made it happen.
pub(super) fn headline(happening: &Value) -> String {
    let [integration, cause] = ["integration_id", "cause"].map(|member| cell(happening, member));
    let by = match cell(happening, "actor").as_str() {
        "-" => String::new(),
        actor => format!(" by {actor}"),
    };
    match happening["kind"].as_str() {
        Some("synced") => {
            let ended = match happening["ended"]["how"].as_str() {
                Some("running") => " (under way)",
                Some("abandoned") => " (overtaken: the next entry tells what it came to)",
                _ => "",
            };
            let notes = match happening["notes_sent"].as_array().map_or(0, Vec::len) {
                0 => String::new(),
                1 => ", with 1 note to send".to_owned(),
                notes => format!(", with {notes} notes to send"),
            };
            format!("synced with {integration}: {cause}{notes}{ended}")
        }
        Some("created") if integration != "-" => {
            format!("made from a record of {integration}: {cause}")
        }
        Some("note") => {
            let note = &happening["note"];
            format!(
                "{} by {} at {}",
                cell(note, "kind"),
                cell(note, "author"),
                cell(note, "source")
            )
        }
        Some("edited") if cause == "edited on the platform" => format!("edited{by}"),
        _ => format!("{}{by}: {cause}", cell(happening, "kind")),
    }
}

fn fields(happening: &Value) -> String {
    let (same, told): (Vec<_>, Vec<_>) = changes(happening)
        .iter()
        .partition(|change| change["rule"] == "in_sync" && change["action"] == "keep");
    let names: Vec<_> = told.iter().map(|change| cell(change, "field")).collect();
    let pairs: Vec<_> = names
        .iter()
        .zip(&told)
        .map(|(name, change)| (name.as_str(), in_words(happening, change)))
        .collect();
    let told = details(&pairs);
    let same: Vec<_> = same
        .into_iter()
        .map(|change| cell(change, "field"))
        .collect();
    if same.is_empty() {
        told
    } else {
        format!("{told}the same on both sides: {}\n", same.join(", "))
    }
}

fn in_words(happening: &Value, change: &Value) -> String {
    let integration = cell(happening, "integration_id");
    if let Some(edit) = edit(change, happening["kind"] == "created") {
        return edit;
    }
    let done = decision(change, &integration)
        .map(|decision| format!("{decision}: {}", cell(change, "why")))
        .or_else(|| Some(format!("sent {}", quoted(change.get("sent")?))))
        .unwrap_or_default();
    // That a value was taken over, or that none moved, says the decision already.
    match (
        change["answer"]["is"].as_str(),
        answer(change, &integration),
    ) {
        (Some("kept" | "pulled"), _) | (_, None) => done,
        (_, Some(answer)) => format!("{done}; {answer}"),
    }
}
