//! `im explain`: a field's story, from what brought its value to what each vendor answered.

use im_model::IncidentId;
use serde_json::Value;

use super::{answer, changes, decision, edit, known_from, rule, timeline::headline};
use crate::{
    client::Client,
    incident::PATH,
    integration,
    output::{Console, cell, details, exact_moment, moment, quoted},
};

/// Tells it.
pub async fn show(
    incident: &IncidentId,
    field: &str,
    integration: Option<&str>,
    client: &Client,
    console: &mut Console<'_>,
) -> anyhow::Result<()> {
    let integration = match integration {
        Some(named) => Some(integration::id_even_of_none(client, named).await?),
        None => None,
    };
    let query: Vec<_> = integration
        .iter()
        .map(|id| ("integration", id.as_str()))
        .collect();
    let path = [PATH, incident.as_str(), "explain", field];
    let explanation = client.get(&path, &query).await?;
    console.result(&explanation, describe)
}

fn describe(explanation: &Value) -> String {
    let mut blocks = vec![present(explanation)];
    let chains = explanation["chains"].as_array();
    let chains = chains.map_or(&[] as &[Value], Vec::as_slice);
    blocks.extend(chains.iter().map(|chain| at_a_link(explanation, chain)));
    if chains.is_empty() {
        blocks.push("The incident is linked with no record.\n".to_owned());
    }
    blocks.join("\n")
}

/// What the platform holds, and what brought it.
fn present(explanation: &Value) -> String {
    let [incident, field] = ["incident_id", "field"].map(|member| cell(explanation, member));
    if explanation["since"].is_null() {
        return format!("{field} of {incident} was never set.\n");
    }
    let origin = &explanation["origin"];
    let from = match origin["source"].as_str() {
        Some("external") => format!(
            "from {}{}",
            cell(origin, "integration_id"),
            by(origin, "author")
        ),
        _ => format!("set on the platform{}", by(origin, "actor")),
    };
    let held = quoted(&explanation["value"]);
    let since = exact_moment(explanation, "since");
    let brought_by = &explanation["brought_by"];
    let story = if brought_by.is_null() {
        "The journal does not tell what brought it.\n".to_owned()
    } else {
        let happened = format!("{}  {}", moment(brought_by, "at"), headline(brought_by));
        let change = changes(brought_by).first();
        let edited = change.and_then(|change| edit(change, brought_by["kind"] == "created"));
        match edited {
            Some(edited) => format!("{happened}\n  {edited}\n"),
            None => format!("{happened}\n"),
        }
    };
    format!("{field} of {incident} is {held} since {since}, {from}.\n{story}")
}

fn by(origin: &Value, member: &str) -> String {
    match cell(origin, member).as_str() {
        "-" => String::new(),
        who => format!(" by {who}"),
    }
}

/// One link: cause, values, rule, decision, what was sent, what the vendor answered.
fn at_a_link(explanation: &Value, chain: &Value) -> String {
    let integration = cell(chain, "integration_id");
    let record = match cell(chain, "external_id").as_str() {
        "-" => "no record yet".to_owned(),
        record => format!("record {record}"),
    };
    let mut pairs = Vec::new();
    let last = &chain["last"];
    match changes(last).first() {
        None => pairs.push((
            "Decided",
            "nothing was decided on the field here yet".to_owned(),
        )),
        Some(change) => pairs.extend(decided(last, change, &integration)),
    }
    pairs.extend(review(explanation, chain));
    let notice = &chain["notice"];
    let is_news = changes(last)
        .first()
        .is_none_or(|change| change["why"] != notice["detail"]);
    if !notice.is_null() && is_news {
        let told = format!("{}: {}", cell(notice, "kind"), cell(notice, "detail"));
        pairs.push(("Notice", told));
    }
    let indented = details(&pairs);
    let indented = indented.lines().map(|line| format!("  {line}\n"));
    format!("{integration}, {record}\n{}", indented.collect::<String>())
}

fn decided(last: &Value, change: &Value, integration: &str) -> Vec<(&'static str, String)> {
    let mut pairs = vec![("When", moment(last, "at")), ("Cause", cell(last, "cause"))];
    if let Some(rule) = rule(change) {
        pairs.extend([
            ("Platform", side(change, "platform", None)),
            (
                "Vendor",
                side(
                    change,
                    "external",
                    change.get("author").map(|_| cell(change, "author")),
                ),
            ),
            ("Rule", rule),
        ]);
    }
    if let Some(decision) = decision(change, integration) {
        pairs.push(("Decision", format!("{decision}: {}", cell(change, "why"))));
    }
    if let Some(lost) = change["lost"].as_str() {
        let whose = if lost == "platform" {
            "the platform's"
        } else {
            "the vendor's"
        };
        let value = quoted(&change[lost]);
        pairs.push(("Lost", format!("{whose} {value}; it stays in the journal")));
    }
    if let Some(sent) = change.get("sent") {
        pairs.push(("Sent", quoted(sent)));
    }
    if let Some(answer) = answer(change, integration) {
        pairs.push(("Answer", answer));
    }
    pairs
}

/// What a side held, since when, and how that is known.
fn side(change: &Value, side: &str, author: Option<String>) -> String {
    let held = quoted(&change[side]);
    let by = author
        .map(|author| format!(" by {author}"))
        .unwrap_or_default();
    let time = &change["times"][side];
    if time.is_null() {
        format!("{held}{by}")
    } else {
        let (at, source) = (exact_moment(time, "at"), cell(time, "source"));
        let source = known_from(&source);
        format!("{held}, changed {at}{by} (known from {source})")
    }
}

fn review(explanation: &Value, chain: &Value) -> Option<(&'static str, String)> {
    let review = &chain["review"];
    let id = cell(review, "conflict_id");
    let told = match review["verdict"].as_str()? {
        "pending" => format!(
            "{id} waits for a person, and {} stays where it is until then: `im conflict show {id}`",
            cell(explanation, "field")
        ),
        "ignore" => {
            format!("{id} was ignored: both sides stay as they are until one of them changes")
        }
        "restore" => format!("{id} was undone, and the next sync carries it out"),
        verdict => format!(
            "{id} was resolved with {}, and the next sync carries it out",
            verdict.replace('_', "-")
        ),
    };
    Some(("Conflict", told))
}
