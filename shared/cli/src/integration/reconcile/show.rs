//! Runs and what they found, as tables.

use serde_json::Value;

use crate::{
    output::{cell, details, moment, one_line, shortened, table},
    page,
};

/// Most characters of a value.
const VALUE: usize = 40;

/// Most characters of a reason, or of what became of an item.
const WORDS: usize = 80;

/// A run with its items.
pub fn report(report: &Value) -> String {
    let items = page::items(report);
    let rows: Vec<_> = items.iter().map(row).collect();
    let headings = [
        "KIND",
        "INCIDENT",
        "RECORD",
        "FIELD",
        "BASE",
        "PLATFORM",
        "EXTERNAL",
        "RIGHT AND WHY",
        "ACTION",
        "RESULT",
    ];
    let found = table(&headings, &rows, "Nothing differs that should not.");
    format!("{found}\n{}", summary(&report["run"]))
}

/// Runs, one a line.
pub fn listing(runs: &[Value]) -> String {
    let rows: Vec<Vec<String>> = runs
        .iter()
        .map(|run| {
            let summary = &run["summary"];
            vec![
                cell(run, "id"),
                cell(run, "purpose"),
                cell(run, "mode"),
                cell(run, "status"),
                moment(run, "started_at"),
                took(run),
                found(summary).to_string(),
                cell(summary, "healed"),
                cell(summary, "failed"),
                cell(&run["started_by"], "text"),
            ]
        })
        .collect();
    let headings = [
        "RUN",
        "PURPOSE",
        "MODE",
        "STATUS",
        "STARTED",
        "TOOK",
        "FOUND",
        "HEALED",
        "FAILED",
        "STARTED BY",
    ];
    table(&headings, &rows, "No runs.")
}

fn row(item: &Value) -> Vec<String> {
    let value = |member: &str| shortened(&cell(item, member), VALUE);
    let members = ["kind", "incident_id", "external_id", "field"];
    let mut row: Vec<String> = members.map(|member| cell(item, member)).into();
    row.extend([
        base(&item["base"]),
        value("platform"),
        value("external"),
        right_and_why(item),
        action(item),
        result(&item["result"]),
    ]);
    row
}

/// Most characters of either of two values beside each other.
const HALF: usize = VALUE / 2 - 2;

/// What both sides last agreed on: the vendor's value may be written differently.
fn base(base: &Value) -> String {
    let (platform, external) = (cell(base, "platform"), cell(base, "external"));
    if platform == external {
        return shortened(&platform, VALUE);
    }
    let (platform, external) = (shortened(&platform, HALF), shortened(&external, HALF));
    format!("{platform} = {external}")
}

fn right_and_why(item: &Value) -> String {
    let why = cell(item, "why");
    let words = match item["right"].as_str() {
        Some(side) => format!("{}: {why}", one_line(side)),
        None => why,
    };
    shortened(&words, WORDS)
}

/// Where there were too many to look at closely, the action is a guess.
fn action(item: &Value) -> String {
    let action = cell(item, "action");
    if item["verified"] == false {
        format!("{action} (not looked at)")
    } else {
        action
    }
}

fn result(result: &Value) -> String {
    let detail = match result["result"].as_str() {
        None => return "-".to_owned(),
        Some("healed") => "outcome",
        Some(_) => "why",
    };
    let words = format!("{}: {}", cell(result, "result"), cell(result, detail));
    shortened(&words, WORDS)
}

fn summary(run: &Value) -> String {
    let summary = &run["summary"];
    let by = cell(&run["started_by"], "text");
    let (purpose, mode) = (cell(run, "purpose"), cell(run, "mode"));
    let mut pairs = vec![
        ("Run", cell(run, "id")),
        ("What", format!("{purpose}, {mode}")),
        ("Status", status(run)),
        ("Started", format!("{} by {by}", moment(run, "started_at"))),
        ("Took", took(run)),
        ("Looked at", looked_at(run)),
        ("Found", kinds(summary)),
        (
            "On its way",
            format!("{} links, left alone", cell(summary, "in_progress")),
        ),
    ];
    if mode == "dry-run" {
        pairs.push((
            "To heal",
            format!("{}; nothing was written", cell(summary, "to_heal")),
        ));
    } else {
        let (healed, of) = (cell(summary, "healed"), cell(summary, "to_heal"));
        let failed = cell(summary, "failed");
        pairs.push(("Healed", format!("{healed} of {of}, {failed} failed")));
    }
    let optional = [("Confirmed by", "confirmed_by"), ("Because", "reason")];
    let optional = optional
        .into_iter()
        .filter(|(_, member)| !run[member].is_null());
    pairs.extend(optional.map(|(name, member)| (name, cell(run, member))));
    details(&pairs)
}

fn status(run: &Value) -> String {
    let status = cell(run, "status");
    match status.as_str() {
        "running" => format!("{status} ({})", cell(run, "phase")),
        "braked" => format!("{status}: waits for somebody to confirm it"),
        _ => status,
    }
}

fn looked_at(run: &Value) -> String {
    let summary = &run["summary"];
    let number = |member: &str| cell(summary, member);
    let since = match run["since"] {
        Value::Null => String::new(),
        _ => format!(" that changed since {}", moment(run, "since")),
    };
    format!(
        "{} records{since} on {} pages, {} of them linked; {} read one by one; {} incidents",
        number("records"),
        number("pages"),
        number("linked"),
        number("reads"),
        number("incidents")
    )
}

/// How many were found of each kind, those that were.
fn kinds(summary: &Value) -> String {
    let found = summary["found"].as_object().into_iter().flatten();
    let kinds: Vec<_> = found
        .filter(|(_, number)| number.as_u64() != Some(0))
        .map(|(kind, number)| format!("{number} {}", one_line(kind)))
        .collect();
    if kinds.is_empty() {
        "nothing".to_owned()
    } else {
        kinds.join("\n")
    }
}

fn found(summary: &Value) -> u64 {
    let found = summary["found"].as_object().into_iter().flatten();
    found.filter_map(|(_, number)| number.as_u64()).sum()
}

/// How long it took, or has taken so far.
fn took(run: &Value) -> String {
    let milliseconds = run["duration_ms"].as_i64().unwrap_or_default();
    let took = jiff::SignedDuration::from_millis(milliseconds);
    let took = if took.as_secs() < 60 {
        took
    } else {
        jiff::SignedDuration::from_secs(took.as_secs())
    };
    format!("{took:#}")
}
