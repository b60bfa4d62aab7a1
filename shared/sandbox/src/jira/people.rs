//! Users and what they may do.

use serde_json::{Map, Value, json};

use super::json::Json;
use super::query::Query;
use super::refusal::Refusal;
use super::rest::{Done, Outcome};
use super::site::User;
use super::state::State;

/// The permissions that `/mypermissions` knows: key, name, whether it is the project's.
const PERMISSIONS: &[(&str, &str, bool)] = &[
    ("ADMINISTER", "Administer Jira", false),
    ("USER_PICKER", "Browse users and groups", false),
    ("ADMINISTER_PROJECTS", "Administer Projects", true),
    ("BROWSE_PROJECTS", "Browse Projects", true),
    ("VIEW_READONLY_WORKFLOW", "View Read-Only Workflow", true),
    ("CREATE_ISSUES", "Create Issues", true),
    ("EDIT_ISSUES", "Edit Issues", true),
    ("DELETE_ISSUES", "Delete Issues", true),
    ("TRANSITION_ISSUES", "Transition Issues", true),
    ("RESOLVE_ISSUES", "Resolve Issues", true),
    ("CLOSE_ISSUES", "Close Issues", true),
    ("ASSIGN_ISSUES", "Assign Issues", true),
    ("ASSIGNABLE_USER", "Assignable User", true),
    ("ADD_COMMENTS", "Add Comments", true),
    ("EDIT_ALL_COMMENTS", "Edit All Comments", true),
    ("EDIT_OWN_COMMENTS", "Edit Own Comments", true),
    ("DELETE_ALL_COMMENTS", "Delete All Comments", true),
    ("DELETE_OWN_COMMENTS", "Delete Own Comments", true),
];

/// Permissions of administrators; the account has none of them.
const ADMINISTRATION: &[&str] = &["ADMINISTER", "ADMINISTER_PROJECTS"];

pub(crate) fn user(state: &State, query: &Query) -> Outcome {
    let found = query.one("accountId").and_then(|id| state.site().user(id));
    let user = found.ok_or_else(|| Refusal::not_found("The user does not exist."))?;
    Ok(Done::ok(Json::rest(&state.config).user(user)))
}

pub(crate) fn myself(state: &State) -> Outcome {
    let user = state.site().user_by_email(&state.config.email);
    let user = user.ok_or_else(Refusal::unauthorized)?;
    Ok(Done::ok(Json::rest(&state.config).user(user)))
}

/// Whether a user's name, a word of it or e-mail starts with `part`. A hidden e-mail is found
/// as a whole only.
fn matches(user: &User, part: &str, hidden: bool) -> bool {
    let (part, name) = (part.to_lowercase(), user.display_name.to_lowercase());
    let email = user.email.as_deref().unwrap_or_default().to_lowercase();
    let by_email = if hidden {
        email == part
    } else {
        email.starts_with(&part)
    };
    let mut words = name.split_whitespace();
    name.starts_with(&part) || words.any(|word| word.starts_with(&part)) || by_email
}

fn found<'a>(state: &'a State, query: &Query) -> Result<Vec<&'a User>, Refusal> {
    let hidden = state.config.hides_emails;
    let users = state.site().users.iter();
    match (query.one("query"), query.one("accountId")) {
        (Some(part), None) => Ok(users.filter(|user| matches(user, part, hidden)).collect()),
        (None, Some(id)) => Ok(users.filter(|user| user.account_id == id).collect()),
        (Some(_), Some(_)) => Err(Refusal::invalid(
            "The query and accountId parameters cannot be used together.",
        )),
        (None, None) => Err(Refusal::invalid(
            "One of the parameters query and accountId is required.",
        )),
    }
}

fn listed(state: &State, query: &Query, users: &[&User]) -> Outcome {
    let json = Json::rest(&state.config);
    let page = query.page(users, 50, 1_000)?;
    Ok(Done::ok(
        page.rows.iter().map(|user| json.user(user)).collect(),
    ))
}

pub(crate) fn search(state: &State, query: &Query) -> Outcome {
    listed(state, query, &found(state, query)?)
}

pub(crate) fn assignable(state: &State, query: &Query) -> Outcome {
    let issue = query.one("issueKey").or_else(|| query.one("issueId"));
    match (issue, query.one("project")) {
        (Some(key), _) => {
            state.issue(key)?;
        }
        (None, Some(project)) if state.site().is_project(project) => {}
        (None, Some(project)) => return Err(no_project(project)),
        (None, None) => {
            return Err(Refusal::invalid(
                "One of the parameters project, issueKey and issueId is required.",
            ));
        }
    }
    let mut users = found(state, query)?;
    users.retain(|user| user.assignable && user.active);
    listed(state, query, &users)
}

pub(crate) fn no_project(key: &str) -> Refusal {
    Refusal::not_found(format!("No project could be found with key '{key}'."))
}

pub(crate) fn permissions(state: &State, query: &Query) -> Outcome {
    if let Some(project) = query.one("projectKey").or_else(|| query.one("projectId"))
        && !state.site().is_project(project)
    {
        return Err(no_project(project));
    }
    if let Some(issue) = query.one("issueKey").or_else(|| query.one("issueId")) {
        state.issue(issue)?;
    }
    let wanted = query.one("permissions").unwrap_or_default();
    let mut shown = Map::new();
    for key in wanted.split(',').map(str::trim) {
        let known = PERMISSIONS.iter().position(|(known, ..)| *known == key);
        let place = known.ok_or_else(|| {
            Refusal::invalid(format!(
                "Unrecognized permission {key} or no permissions given."
            ))
        })?;
        shown.insert(key.to_owned(), permission(state, place));
    }
    Ok(Done::ok(json!({"permissions": shown})))
}

fn permission(state: &State, place: usize) -> Value {
    let (key, name, of_project) = PERMISSIONS[place];
    let config = &state.config;
    let lacks = config.lacks_permissions.iter().any(|lacked| lacked == key);
    let reads = key != "VIEW_READONLY_WORKFLOW" || config.may_read_workflows;
    json!({
        "id": place.to_string(),
        "key": key,
        "name": name,
        "type": if of_project { "PROJECT" } else { "GLOBAL" },
        "description": "",
        "havePermission": !lacks && reads && !ADMINISTRATION.contains(&key),
    })
}
