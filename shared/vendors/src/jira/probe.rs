//! What the integration needs of an account, tried one by one. Nothing is changed.

use http::Request;
use serde::Deserialize;
use serde_json::Value as Json;

use super::{
    known_workflow, options, people::User, refusal::call, request, status, verify::Scheme,
};
use crate::{Check, CheckOutcome, Connection, VendorError};

/// A permission's key, what it is needed for, and how bad it is to lack it.
const PERMISSIONS: [(&str, &str, CheckOutcome); 6] = [
    ("BROWSE_PROJECTS", "read issues", CheckOutcome::Failed),
    ("CREATE_ISSUES", "create issues", CheckOutcome::Failed),
    ("EDIT_ISSUES", "edit issues", CheckOutcome::Failed),
    (
        "TRANSITION_ISSUES",
        "change the status",
        CheckOutcome::Failed,
    ),
    ("ASSIGN_ISSUES", "assign issues", CheckOutcome::Limited),
    ("ADD_COMMENTS", "add comments", CheckOutcome::Limited),
];

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Project {
    id: String,
    key: String,
    #[serde(default)]
    issue_types: Vec<IssueType>,
}

#[derive(Debug, Deserialize)]
struct IssueType {
    id: String,
    name: String,
}

pub(super) async fn probe(connection: &Connection<'_>) -> Vec<Check> {
    let me = log_in(connection).await;
    let may_go_on = me.outcome != CheckOutcome::Failed;
    let mut checks = vec![me, signatures(connection)];
    if !may_go_on {
        return checks;
    }
    let (project, check) = project(connection).await;
    checks.push(check);
    checks.extend(permissions(connection).await);
    if let Some(project) = project {
        let (issue_type_id, check) = issue_type(connection, &project);
        checks.push(check);
        checks.push(statuses(connection).await);
        if let Some(id) = issue_type_id {
            checks.push(workflow(connection, &project.id, &id).await);
        }
    }
    checks
}

/// Needs no call: what is missing makes every webhook fail.
fn signatures(connection: &Connection<'_>) -> Check {
    let what = "verify webhooks";
    let lacks = |name: &str| connection.credentials.get(name).is_none();
    let scheme = options::scheme(connection.options);
    let problem = if scheme.is_none() {
        Some("the option signature_scheme must be connect, oauth or hub")
    } else if lacks("webhook_secret") {
        Some("the credential webhook_secret is not set")
    } else if scheme == Some(Scheme::Connect) && lacks("client_key") {
        Some(
            "the credential client_key is not set: with signature_scheme=connect every webhook is refused without it",
        )
    } else {
        None
    };
    match (problem, scheme) {
        (Some(problem), _) => check(what, CheckOutcome::Failed, problem),
        (None, Some(Scheme::Connect)) => check(
            what,
            CheckOutcome::Passed,
            "JWT of a Connect app, whose support Atlassian ends in December 2026",
        ),
        (None, Some(Scheme::OAuth)) => check(what, CheckOutcome::Passed, "JWT of an OAuth app"),
        (None, _) => check(what, CheckOutcome::Passed, "signature of an admin webhook"),
    }
}

async fn log_in(connection: &Connection<'_>) -> Check {
    let what = "log in";
    match ask::<User>(connection, request::myself(connection)).await {
        Ok(user) => {
            let name = user.display_name.or(user.account_id).unwrap_or_default();
            check(what, CheckOutcome::Passed, &format!("as {name}"))
        }
        Err(error) => failed(what, &error),
    }
}

async fn project(connection: &Connection<'_>) -> (Option<Project>, Check) {
    let what = "see the project";
    match ask::<Project>(connection, request::the_project(connection)).await {
        Ok(project) => {
            let detail = format!("{} (id {})", project.key, project.id);
            (Some(project), check(what, CheckOutcome::Passed, &detail))
        }
        Err(error) => (None, failed(what, &error)),
    }
}

async fn permissions(connection: &Connection<'_>) -> Vec<Check> {
    let keys: Vec<_> = PERMISSIONS.iter().map(|(key, ..)| *key).collect();
    let request = request::my_permissions(connection, &keys.join(","));
    let answer: Json = match ask(connection, request).await {
        Ok(answer) => answer,
        Err(error) => return vec![failed("ask for permissions", &error)],
    };
    let one = |(key, what, lacking): &(&str, &str, CheckOutcome)| {
        if answer["permissions"][key]["havePermission"] == true {
            check(what, CheckOutcome::Passed, &format!("has {key}"))
        } else {
            let detail = format!("lacks the project permission {key}");
            check(what, *lacking, &detail)
        }
    };
    PERMISSIONS.iter().map(one).collect()
}

fn issue_type(connection: &Connection<'_>, project: &Project) -> (Option<String>, Check) {
    let what = "find the issue type";
    let Some(wanted) = options::option(connection.options, "issue_type") else {
        let detail = "the option issue_type is not set";
        return (None, check(what, CheckOutcome::Failed, detail));
    };
    let same = |one: &&IssueType| one.id == wanted || one.name == wanted;
    let nearly = |one: &&IssueType| one.name.to_lowercase() == wanted.to_lowercase();
    let mut types = project.issue_types.iter();
    if let Some(found) = types.clone().find(same) {
        let detail = format!("{} (id {})", found.name, found.id);
        let found = Some(found.id.clone());
        return (found, check(what, CheckOutcome::Passed, &detail));
    }
    if let Some(found) = types.find(nearly) {
        // Nobody says whether case counts when an issue is created.
        let detail = format!("write it as the project does: {}", found.name);
        let found = Some(found.id.clone());
        return (found, check(what, CheckOutcome::Limited, &detail));
    }
    let names: Vec<_> = project.issue_types.iter().map(|one| &*one.name).collect();
    let detail = format!("the project has no {wanted:?}, but {}", names.join(", "));
    (None, check(what, CheckOutcome::Failed, &detail))
}

async fn statuses(connection: &Connection<'_>) -> Check {
    let what = "see the statuses";
    match status::known(connection).await {
        Err(error) => failed(what, &error),
        Ok(None) => check(
            what,
            CheckOutcome::Limited,
            "they cannot be seen: To Do, In Progress and Done are assumed",
        ),
        Ok(Some(seen)) => {
            let names: Vec<_> = seen.iter().map(|status| &*status.name).collect();
            let names = names.join(", ");
            let lacking = status::unmapped(&seen, connection.options);
            if lacking.is_empty() {
                return check(what, CheckOutcome::Passed, &names);
            }
            let options: Vec<_> = lacking
                .iter()
                .map(|ours| format!("status.{ours}"))
                .collect();
            let detail = format!(
                "nothing stands for {}: set {}; there are {names}",
                lacking.join(", "),
                options.join(", ")
            );
            check(what, CheckOutcome::Limited, &detail)
        }
    }
}

async fn workflow(connection: &Connection<'_>, project_id: &str, issue_type_id: &str) -> Check {
    let what = "read the workflow";
    match known_workflow::ask(connection, project_id, issue_type_id).await {
        Ok(workflow) if workflow.whole => {
            check(what, CheckOutcome::Passed, "all transitions are known")
        }
        Ok(_) => check(
            what,
            CheckOutcome::Limited,
            "not permitted (View Read-Only Workflow or Administer Projects): a status several transitions away is \
             searched for step by step",
        ),
        Err(error) => failed(what, &error),
    }
}

async fn ask<T: serde::de::DeserializeOwned>(
    connection: &Connection<'_>,
    request: Result<Request<bytes::Bytes>, VendorError>,
) -> Result<T, VendorError> {
    call(connection, request?).await
}

fn failed(what: &str, error: &VendorError) -> Check {
    check(what, CheckOutcome::Failed, &error.to_string())
}

fn check(what: &str, outcome: CheckOutcome, detail: &str) -> Check {
    Check {
        what: what.to_owned(),
        outcome,
        detail: detail.to_owned(),
    }
}

#[cfg(test)]
mod tests;
