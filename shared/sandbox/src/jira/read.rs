//! GET of an issue, its changelog, its transitions and its comments.

use serde_json::{Value, json};

use super::issue::{Comment, Issue};
use super::json::{Json, Wanted};
use super::query::Query;
use super::refusal::Refusal;
use super::rest::{Done, Outcome};
use super::state::State;

/// The longest changelog that `expand` shows.
const EXPANDED: usize = 100;

pub(crate) fn issue(state: &State, key: &str, query: &Query, behind: usize) -> Outcome {
    let issue = state.version(key, behind)?;
    Ok(Done::ok(shown(state, issue, query)))
}

/// The issue as `fields`, `properties` and `expand` ask for it.
pub(crate) fn shown(state: &State, issue: &Issue, query: &Query) -> Value {
    let json = Json::rest(&state.config);
    let wanted = Wanted::parse(&query.list("fields"), "*all");
    let mut shown = json.issue(issue, &wanted);
    if query.expands("names") {
        shown["names"] = Value::Object(json.names());
    }
    if query.expands("transitions") {
        let transitions = state.workflow().available(&issue.status.id);
        let transitions = transitions.map(|transition| json.transition(transition, false));
        shown["transitions"] = transitions.collect();
    }
    if query.expands("changelog") {
        // Newest first, unlike the changelog's own page.
        let histories = issue.history.iter().rev().take(EXPANDED);
        let histories: Vec<_> = histories.map(|history| json.history(history)).collect();
        shown["changelog"] = json!({
            "startAt": 0,
            "maxResults": histories.len(),
            "total": issue.history.len(),
            "histories": histories,
        });
    }
    let properties = query.list("properties");
    let wanted: Vec<&str> = properties.iter().flat_map(|list| list.split(',')).collect();
    if !wanted.is_empty() {
        let all = wanted.contains(&"*all");
        let properties = issue.properties.iter();
        shown["properties"] = properties
            .filter(|(key, _)| all || wanted.contains(&key.as_str()))
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect();
    }
    shown
}

/// Oldest first.
pub(crate) fn changelog(state: &State, key: &str, query: &Query, behind: usize) -> Outcome {
    let issue = state.version(key, behind)?;
    let json = Json::rest(&state.config);
    let page = query.page(&issue.history, 100, 100)?;
    let link = json.link(&format!("issue/{}/changelog", issue.key));
    Ok(Done::ok(
        page.values(&link, |history| json.history(history)),
    ))
}

pub(crate) fn transitions(state: &State, key: &str, query: &Query, behind: usize) -> Outcome {
    let issue = state.version(key, behind)?;
    let json = Json::rest(&state.config);
    let only = query.one("transitionId");
    let transitions: Vec<_> = state
        .workflow()
        .available(&issue.status.id)
        .filter(|transition| only.is_none_or(|id| transition.id == id))
        .map(|transition| json.transition(transition, query.expands("transitions.fields")))
        .collect();
    Ok(Done::ok(
        json!({"expand": "transitions", "transitions": transitions}),
    ))
}

pub(crate) fn comments(state: &State, key: &str, query: &Query, behind: usize) -> Outcome {
    let issue = state.version(key, behind)?;
    let mut comments: Vec<&Comment> = issue.comments.iter().collect();
    match query.one("orderBy") {
        // A plus sign in a query is a space.
        None | Some("created" | "+created" | " created") => {}
        Some("-created") => comments.reverse(),
        Some(other) => return Err(Refusal::invalid(format!("orderBy cannot be {other}"))),
    }
    let json = Json::rest(&state.config);
    let page = query.page(&comments, 100, 5_000)?;
    let properties = query.expands("properties");
    let shown = page.rows.iter();
    let shown = shown.map(|comment| json.comment(issue, comment, properties));
    Ok(Done::ok(json!({
        "startAt": page.start,
        "maxResults": page.size,
        "total": page.total,
        "comments": shown.collect::<Vec<_>>(),
    })))
}

pub(crate) fn comment(state: &State, key: &str, id: &str, query: &Query, behind: usize) -> Outcome {
    let issue = state.version(key, behind)?;
    let comment = issue.comment(id).ok_or_else(|| Refusal::no_comment(id))?;
    let json = Json::rest(&state.config);
    Ok(Done::ok(json.comment(
        issue,
        comment,
        query.expands("properties"),
    )))
}

pub(crate) fn comment_property(state: &State, id: &str, key: &str) -> Outcome {
    let comment = state.issue_of_comment(id)?.comment(id);
    let value = comment.and_then(|comment| comment.properties.get(key));
    let value = value.ok_or_else(|| {
        Refusal::not_found(format!("The property with the key '{key}' does not exist."))
    })?;
    Ok(Done::ok(json!({"key": key, "value": value})))
}
