//! `/_sandbox/issues`: people's edits over HTTP, for demonstrations.

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use serde_json::{Map, Value, json};

use super::issue::Author;
use super::json::{Json, Wanted};
use super::refusal::Refusal;
use super::rest::{self, Done, Outcome};
use super::state::State;
use super::{Jira, person};
use crate::control::take_quiet;

pub(crate) fn respond(jira: &Jira, request: &Request<Bytes>, path: &[&str]) -> Response<Bytes> {
    rest::response(dispatch(jira, request, path))
}

fn dispatch(jira: &Jira, request: &Request<Bytes>, path: &[&str]) -> Outcome {
    match (request.method(), path) {
        (&Method::GET, ["issues"]) => {
            let state = jira.state();
            let issues: Vec<_> = state
                .issues()
                .map(|issue| shown(&state, &issue.key))
                .collect();
            let issues: Result<Vec<_>, _> = issues.into_iter().collect();
            Ok(Done::ok(json!({"issues": issues?})))
        }
        (&Method::POST, ["issues"]) => {
            let (by, mut wanted) = wanted(request)?;
            let person = jira.person(by).quiet_if(take_quiet(&mut wanted));
            let key = person.create_with(&Value::Object(wanted))?;
            Ok(Done::Body(StatusCode::CREATED, shown(&jira.state(), &key)?))
        }
        (&Method::PATCH, ["issues", key]) => edit(jira, key, request),
        (&Method::DELETE, ["issues", key]) => {
            let (by, mut wanted) = wanted(request)?;
            let person = jira.person(by).quiet_if(take_quiet(&mut wanted));
            person.delete(key)?;
            Ok(Done::ok(json!({})))
        }
        _ => Err(Refusal::not_found("no such control request")),
    }
}

/// Whose edit it is, and the edit.
fn wanted(request: &Request<Bytes>) -> Result<(String, Map<String, Value>), Refusal> {
    let body = serde_json::from_slice(request.body());
    let mut body: Map<String, Value> = body.map_err(|error| Refusal::invalid(error.to_string()))?;
    match body.remove("by") {
        Some(Value::String(by)) => Ok((by, body)),
        _ => Err(Refusal::invalid("by is required: whose edit it is")),
    }
}

/// The fields first and together, then the status, then the comment, then the project.
fn edit(jira: &Jira, key: &str, request: &Request<Bytes>) -> Outcome {
    let (by, mut wanted) = wanted(request)?;
    let internal = wanted.remove("internal") == Some(json!(true));
    let later = ["status", "comment", "project"].map(|field| (field, wanted.remove(field)));
    let state = &mut *jira.state_quiet(take_quiet(&mut wanted));
    let user = state.site().user_by_email(&by);
    let user = user.ok_or_else(|| Refusal::invalid(format!("nobody here is {by}")))?;
    let author = Author::User(user.account_id.clone());
    if !wanted.is_empty() {
        person::edit(state, key, &Value::Object(wanted), &author)?;
    }
    for (field, value) in later {
        if let Some(value) = value {
            person::set(state, key, field, &value, internal, &author)?;
        }
    }
    Ok(Done::ok(shown(state, key)?))
}

fn shown(state: &State, key: &str) -> Result<Value, Refusal> {
    let issue = state.issue(key)?;
    let wanted = Wanted::parse(&[], "*all");
    Ok(Json::rest(&state.config).issue(issue, &wanted))
}
