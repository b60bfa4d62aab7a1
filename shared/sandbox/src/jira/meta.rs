//! The project, its vocabulary and its workflow.

use serde_json::Value;

use super::json::Json;
use super::people::no_project;
use super::query::Query;
use super::refusal::Refusal;
use super::rest::{Done, Outcome};
use super::site::Named;
use super::state::State;

fn project_is(state: &State, key: &str) -> Result<(), Refusal> {
    let fits = state.site().is_project(key);
    fits.then_some(()).ok_or_else(|| no_project(key))
}

pub(crate) fn project(state: &State, key: &str) -> Outcome {
    project_is(state, key)?;
    Ok(Done::ok(Json::rest(&state.config).project()))
}

pub(crate) fn statuses(state: &State, key: &str) -> Outcome {
    project_is(state, key)?;
    Ok(Done::ok(Json::rest(&state.config).statuses()))
}

fn chosen<'a>(all: &'a [Named], query: &Query, name: Option<&str>) -> Vec<&'a Named> {
    let ids = query.list("id");
    let part = name.unwrap_or_default().to_lowercase();
    all.iter()
        .filter(|one| ids.is_empty() || ids.contains(&one.id))
        .filter(|one| one.name.to_lowercase().contains(&part))
        .collect()
}

pub(crate) fn priorities(state: &State, query: &Query) -> Outcome {
    let json = Json::rest(&state.config);
    let site = state.site();
    let mut found = chosen(&site.priorities, query, query.one("priorityName"));
    found.retain(|one| !query.says("onlyDefault") || one.id == site.default_priority);
    let page = query.page(&found, 50, 50)?;
    let link = json.link("priority/search");
    Ok(Done::ok(
        page.values(&link, |one| json.listed_priority(one)),
    ))
}

pub(crate) fn resolutions(state: &State, query: &Query) -> Outcome {
    let json = Json::rest(&state.config);
    let mut found = chosen(&state.site().resolutions, query, None);
    found.retain(|_| !query.says("onlyDefault"));
    let page = query.page(&found, 50, 50)?;
    let link = json.link("resolution/search");
    Ok(Done::ok(
        page.values(&link, |one| json.listed_resolution(one)),
    ))
}

pub(crate) fn fields(state: &State) -> Done {
    Done::ok(Json::rest(&state.config).all_fields())
}

/// The official file documents 401 also for an account without the permission.
pub(crate) fn workflows(state: &State, body: &Value) -> Outcome {
    if !state.config.may_read_workflows {
        return Err(Refusal::no_workflows());
    }
    let site = state.site();
    let pairs = body["projectAndIssueTypes"]
        .as_array()
        .ok_or_else(Refusal::payload)?;
    let known = |pair: &Value| {
        let issue_type = pair["issueTypeId"].as_str();
        let mut issue_types = site.issue_types.iter();
        pair["projectId"] == site.project.id.as_str()
            && issue_types.any(|known| Some(known.id.as_str()) == issue_type)
    };
    if pairs.is_empty() || !pairs.iter().all(known) {
        return Err(Refusal::payload());
    }
    Ok(Done::ok(Json::rest(&state.config).workflows()))
}
