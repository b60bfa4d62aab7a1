//! What happened to incidents, and why: in words.

pub mod explain;
#[cfg(test)]
mod tests;
pub mod timeline;

use serde_json::Value;

use crate::output::{cell, quoted};

/// What was found when both sides were compared.
fn rule(change: &Value) -> Option<String> {
    let rule = change["rule"].as_str()?;
    let words = match rule {
        "in_sync" => "both sides say the same",
        "platform_changed" => "only the platform changed since both sides last agreed",
        "external_changed" => "only the vendor's record changed since both sides last agreed",
        "conflict" => "both sides changed, or were changed at almost the same time",
        "no_base" => "the first comparison: nothing was agreed on before",
        other => other,
    };
    Some(words.to_owned())
}

/// What was decided.
fn decision(change: &Value, integration: &str) -> Option<String> {
    let becomes = || quoted(&change["becomes"]);
    let words = match change["action"].as_str()? {
        "push" => format!("send {} to {integration}", becomes()),
        "pull" => format!("take over {} from {integration}", becomes()),
        "hold" => "hold it".to_owned(),
        "report" => "nothing can move, and say so".to_owned(),
        "keep" => "no value moves".to_owned(),
        other => other.to_owned(),
    };
    Some(words)
}

/// What came of it.
fn answer(change: &Value, integration: &str) -> Option<String> {
    let answer = &change["answer"];
    let held = || quoted(&answer["held"]);
    let words = match answer["is"].as_str()? {
        "written" => format!("{integration} holds it"),
        "overruled" => format!("{integration} made {} of it", held()),
        "superseded" => format!("somebody changed it to {} there right after", held()),
        "refused" => format!("{integration} does not take it: {}", cell(answer, "why")),
        "settled" => format!("{integration} held it already, from an earlier attempt"),
        "pulled" => format!("the platform holds {}", quoted(&change["becomes"])),
        "kept" => "both sides stay as they are".to_owned(),
        other => other.to_owned(),
    };
    Some(words)
}

/// An edit: from what to what. There is no "from" in a creation.
fn edit(change: &Value, is_creation: bool) -> Option<String> {
    let after = quoted(change.get("after")?);
    Some(if is_creation {
        after
    } else {
        format!("{} -> {after}", quoted(&change["before"]))
    })
}

fn changes(happening: &Value) -> &[Value] {
    happening["changes"].as_array().map_or(&[], Vec::as_slice)
}

/// How the time of a change is known.
pub fn known_from(source: &str) -> &str {
    match source {
        "platform" => "the platform's clock",
        "link" => "the link that brought it",
        "webhook" => "the vendor's webhook",
        "history" => "the vendor's history",
        "field" => "the record's time for the field",
        "record" => "the record's last change",
        "creation" => "the creation: never changed",
        other => other,
    }
}
