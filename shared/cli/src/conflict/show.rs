//! `im conflict show`: what both sides say, side by side.

use serde_json::Value;

use crate::history::known_from;
use crate::output::{
    cell, details, exact_moment, moment, one_line, quoted, shortened, table, value,
};

/// Most characters of a value in a column.
const COLUMN: usize = 40;

/// The conflict, its three values, and what can be done.
pub fn describe(conflict: &Value) -> String {
    let pairs = [
        ("Conflict", cell(conflict, "id")),
        ("Status", status(conflict)),
        ("Incident", cell(conflict, "incident_id")),
        ("Field", cell(conflict, "field")),
        ("Integration", cell(conflict, "integration_id")),
        ("Record", cell(conflict, "external_id")),
        ("Strategy", cell(conflict, "strategy")),
        ("Found", moment(conflict, "opened_at")),
        ("Version", cell(conflict, "version")),
    ];
    let actions = actions(conflict);
    let next = if actions.is_empty() {
        String::new()
    } else {
        format!("\nWhat can be done:\n{}", commands(&actions))
    };
    format!("{}\n{}{next}", details(&pairs), sides(conflict))
}

fn status(conflict: &Value) -> String {
    let status = cell(conflict, "status");
    let settlement = &conflict["settlement"];
    let how = match settlement["by"].as_str() {
        Some("rule") => format!("{status} by a rule: {}", cell(settlement, "why")),
        Some("person") => format!(
            "{status} by {} with {}",
            cell(settlement, "actor"),
            cell(settlement, "resolution").replace('_', "-")
        ),
        Some("agreement") => format!("{status}: both sides came to say the same"),
        _ => format!(
            "{status}: {} moves in neither direction until a person chooses",
            cell(conflict, "field")
        ),
    };
    match &conflict["restored"] {
        Value::Null => how,
        restored => format!(
            "{how}\nundone by {} at {}",
            cell(restored, "by"),
            moment(restored, "at")
        ),
    }
}

fn sides(conflict: &Value) -> String {
    let [platform, external] = ["platform", "external"].map(|side| &conflict[side]);
    let row = |name: &str, base: String, of: &dyn Fn(&Value) -> String| {
        vec![name.to_owned(), base, of(platform), of(external)]
    };
    let none = || "-".to_owned();
    let held = |side: &Value| shortened(&value(&side["value"]), COLUMN);
    let rows = [
        row("value", agreed(&conflict["base"]), &held),
        row("who", none(), &|side| cell(side, "author")),
        row("when", none(), &|side| exact_moment(side, "changed_at")),
        row("known from", none(), &|side| {
            known_from(&cell(side, "time_source")).to_owned()
        }),
    ];
    table(&["", "BASE", "PLATFORM", "EXTERNAL"], &rows, "")
}

/// What both sides last agreed on: one value, or both where the vendor has another word for it.
fn agreed(base: &Value) -> String {
    let [platform, external] = ["platform", "external"].map(|side| base.get(side).map(value));
    let text = match (platform, external) {
        (None, None) => "not known".to_owned(),
        (Some(one), None) | (None, Some(one)) => one,
        (Some(ours), Some(theirs)) if ours == theirs => ours,
        (Some(ours), Some(theirs)) => {
            let half = |text: &str| shortened(text, COLUMN / 2);
            format!("{} = {}", half(&ours), half(&theirs))
        }
    };
    shortened(&text, COLUMN + 3)
}

/// Commands that work as things are, with what each of them does.
fn actions(conflict: &Value) -> Vec<(String, String)> {
    let [id, integration] = ["id", "integration_id"].map(|member| cell(conflict, member));
    let [platform, external] =
        ["platform", "external"].map(|side| quoted(&conflict[side]["value"]));
    let choose = |flag: &str, effect: String| {
        (
            format!(
                "im conflict resolve {id} {flag} --if-version {}",
                cell(conflict, "version")
            ),
            effect,
        )
    };
    if conflict["status"] == "pending" {
        return vec![
            choose(
                "--use-platform",
                format!("{integration} is sent {platform}"),
            ),
            choose(
                "--use-external",
                format!("the platform takes over {external}"),
            ),
            choose(
                "--ignore",
                "both keep what they hold, until one changes".to_owned(),
            ),
        ];
    }
    let is_undoable = conflict["settlement"]["by"] == "rule" && conflict["restored"].is_null();
    if is_undoable {
        let lost = match conflict["settlement"]["winner"].as_str() {
            Some("external") => platform,
            _ => external,
        };
        let effect = format!("brings {lost} back, unless either side has changed since");
        return vec![(format!("im conflict restore {id}"), effect)];
    }
    Vec::new()
}

fn commands(actions: &[(String, String)]) -> String {
    let most = actions.iter().map(|(command, _)| command.chars().count());
    let most = most.max().unwrap_or_default();
    let lines = actions
        .iter()
        .map(|(command, effect)| format!("  {command:most$}  {}\n", one_line(effect)));
    lines.collect()
}
