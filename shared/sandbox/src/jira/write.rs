//! POST, PUT and DELETE of an issue and its comments.

use http::StatusCode;
use serde_json::{Value, json};

use super::edit::Change;
use super::fields::{self, Screen};
use super::issue::{Author, Issue};
use super::json::Json;
use super::query::Query;
use super::refusal::Refusal;
use super::rest::{Done, Outcome};
use super::state::State;
use super::values;
use super::workflow::{AutomaticResolution, Transition};
use super::{comments, read, site};

pub(crate) fn create(state: &mut State, body: &Value, author: &Author) -> Outcome {
    let body = fields::object(body)?;
    let new = fields::create(state.site(), body)?;
    let issue = state.create(new, author)?;
    let link = Json::rest(&state.config).link(&format!("issue/{}", issue.id));
    let created = json!({"id": issue.id, "key": issue.key, "self": link});
    Ok(Done::Body(StatusCode::CREATED, created))
}

pub(crate) fn update(
    state: &mut State,
    key: &str,
    query: &Query,
    body: &Value,
    author: &Author,
) -> Outcome {
    let issue = state.issue(key)?;
    let body = fields::object(body)?;
    if !["fields", "update", "properties"]
        .iter()
        .any(|part| body.contains_key(*part))
    {
        return Err(Refusal::invalid("one of 'fields' or 'update' required"));
    }
    let changes = fields::changes(state.site(), Screen::Edit, issue, body)?;
    state.edit(key, author)?.apply(changes);
    if query.says("returnIssue") {
        return Ok(Done::ok(read::shown(state, state.issue(key)?, query)));
    }
    Ok(Done::Empty)
}

pub(crate) fn delete(state: &mut State, key: &str, author: &Author) -> Outcome {
    state.delete(key, author)?;
    Ok(Done::Empty)
}

/// `{"accountId": …}`; null is nobody.
pub(crate) fn assign(state: &mut State, key: &str, body: &Value, author: &Author) -> Outcome {
    state.issue(key)?;
    if body.get("accountId").is_none() {
        return Err(Refusal::invalid("'accountId' is missing"));
    }
    let assignee = values::assignee(state.site(), body);
    let assignee = assignee.map_err(|wrong| Refusal::field("assignee", wrong))?;
    let changes = vec![Change::Assignee(assignee)];
    state.edit(key, author)?.apply(changes);
    Ok(Done::Empty)
}

pub(crate) fn transition(state: &mut State, key: &str, body: &Value, author: &Author) -> Outcome {
    let issue = state.issue(key)?;
    let fields = fields::object(body)?;
    let id = &body["transition"]["id"];
    let id = id
        .as_str()
        .map(str::to_owned)
        .or_else(|| Some(id.as_u64()?.to_string()));
    let id = id.ok_or_else(|| Refusal::invalid("Missing 'transition' identifier"))?;
    let mut available = state.workflow().available(&issue.status.id);
    let transition = available.find(|transition| transition.id == id).cloned();
    let transition = transition.ok_or_else(|| {
        Refusal::invalid(format!("Transition id '{id}' is not valid for this issue."))
    })?;
    drop(available);
    let changes = fields::changes(state.site(), Screen::Transition(&transition), issue, fields)?;
    take(state, key, &transition, changes, author)?;
    Ok(Done::Empty)
}

/// Takes a transition, with what was filled in on its screen.
pub(crate) fn take(
    state: &mut State,
    key: &str,
    transition: &Transition,
    mut changes: Vec<Change>,
    author: &Author,
) -> Result<(), Refusal> {
    let site = state.site();
    let status = site.workflow.status(&transition.to);
    let status = status.ok_or_else(|| Refusal::invalid("the transition leads nowhere"))?;
    changes.push(Change::Status(status.clone()));
    match &transition.resolution {
        AutomaticResolution::Keep => {}
        AutomaticResolution::Clear => changes.push(Change::Resolution(None)),
        AutomaticResolution::Set(id) => {
            let resolution = site::by_id(&site.resolutions, id).cloned();
            changes.push(Change::Resolution(resolution));
        }
    }
    state.edit(key, author)?.apply(changes);
    Ok(())
}

pub(crate) fn add_comment(
    state: &mut State,
    key: &str,
    query: &Query,
    body: &Value,
    author: &Author,
) -> Outcome {
    state.issue(key)?;
    let new = comments::new_comment(body)?;
    let added = state.edit(key, author)?.apply(vec![Change::Comment(new)]);
    let id = added.first().map(String::as_str).unwrap_or_default();
    let shown = comment(state, key, id, query)?;
    Ok(Done::Body(StatusCode::CREATED, shown))
}

pub(crate) fn edit_comment(
    state: &mut State,
    (key, id): (&str, &str),
    query: &Query,
    body: &Value,
    author: &Author,
) -> Outcome {
    let issue: &Issue = state.issue(key)?;
    issue.comment(id).ok_or_else(|| Refusal::no_comment(id))?;
    let new = comments::new_comment(body)?;
    state.edit_comment(key, id, new, author)?;
    Ok(Done::ok(comment(state, key, id, query)?))
}

fn comment(state: &State, key: &str, id: &str, query: &Query) -> Result<Value, Refusal> {
    let issue = state.issue(key)?;
    let comment = issue.comment(id).ok_or_else(|| Refusal::no_comment(id))?;
    let json = Json::rest(&state.config);
    Ok(json.comment(issue, comment, query.expands("properties")))
}

pub(crate) fn delete_comment(state: &mut State, key: &str, id: &str, author: &Author) -> Outcome {
    state.delete_comment(key, id, author)?;
    Ok(Done::Empty)
}

pub(crate) fn set_comment_property(
    state: &mut State,
    id: &str,
    key: &str,
    value: &Value,
) -> Outcome {
    let is_new = state.set_comment_property(id, key, value.clone())?;
    let status = if is_new {
        StatusCode::CREATED
    } else {
        StatusCode::OK
    };
    Ok(Done::Nothing(status))
}
