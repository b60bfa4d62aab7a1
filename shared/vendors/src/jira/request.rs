//! Requests, built without I/O. Paths and bodies are those of Atlassian's own `OpenAPI` file.

use std::fmt::Write as _;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{Method, Request, header};
use im_model::IncidentId;
use serde_json::{Map, Value as Json, json};
use sha2::{Digest as _, Sha256};

use super::options;
use crate::{Connection, VendorError, exchange};

type Built = Result<Request<Bytes>, VendorError>;

/// Most entries of one page.
pub(super) const PAGE: usize = 100;

/// An issue's fields, by id or key.
pub(super) fn issue(to: &Connection<'_>, id: &str, fields: &[String]) -> Built {
    get(to, &["issue", id], &[("fields", &fields.join(","))])
}

/// `fields` of an issue. Status is not among them: Jira ignores it here.
pub(super) fn edit(to: &Connection<'_>, id: &str, fields: &Map<String, Json>) -> Built {
    put(to, &["issue", id], &json!({ "fields": fields }))
}

pub(super) fn create(to: &Connection<'_>, fields: &Map<String, Json>) -> Built {
    post(to, &["issue"], &json!({ "fields": fields }))
}

/// Issues that carry an incident's id as a label, oldest first. The index shows them some seconds after they were
/// created.
pub(super) fn find(
    to: &Connection<'_>,
    incident: &IncidentId,
    fields: &[String],
    page: Option<&str>,
) -> Built {
    let (label, project) = (quoted(incident.as_str()), quoted(project(to, "search")?));
    let jql = format!("labels = {label} AND project = {project} ORDER BY created ASC");
    search(to, &jql, fields, page)
}

/// Issues of the project in the order in which they were created: those that were created, and those that were updated,
/// since so many minutes ago. JQL's times have whole minutes and are of the account's own time zone; periods are not.
pub(super) fn list(
    to: &Connection<'_>,
    created: Option<i64>,
    updated: Option<i64>,
    fields: &[String],
    page: Option<&str>,
) -> Built {
    let mut jql = format!("project = {}", quoted(project(to, "search")?));
    for (column, minutes) in [("created", created), ("updated", updated)] {
        if let Some(minutes) = minutes {
            let _ = write!(jql, " AND {column} >= \"-{minutes}m\"");
        }
    }
    jql.push_str(" ORDER BY created ASC, key ASC");
    search(to, &jql, fields, page)
}

fn search(to: &Connection<'_>, jql: &str, fields: &[String], page: Option<&str>) -> Built {
    let mut body = json!({ "jql": jql, "fields": fields, "maxResults": PAGE });
    if let Some(token) = page {
        body["nextPageToken"] = json!(token);
    }
    post(to, &["search", "jql"], &body)
}

/// A text in JQL: nothing in it ends it.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// With the fields that each transition demands.
pub(super) fn transitions(to: &Connection<'_>, id: &str) -> Built {
    let query = [("expand", "transitions.fields")];
    get(to, &["issue", id, "transitions"], &query)
}

pub(super) fn transition(
    to: &Connection<'_>,
    id: &str,
    transition: &str,
    fields: Map<String, Json>,
) -> Built {
    let mut body = json!({"transition": {"id": transition}});
    if !fields.is_empty() {
        body["fields"] = Json::Object(fields);
    }
    post(to, &["issue", id, "transitions"], &body)
}

/// The workflow of a project's issue type, by their ids.
pub(super) fn workflow(to: &Connection<'_>, project_id: &str, issue_type_id: &str) -> Built {
    let pair = json!({"projectId": project_id, "issueTypeId": issue_type_id});
    post(
        to,
        &["workflows"],
        &json!({ "projectAndIssueTypes": [pair] }),
    )
}

/// The statuses of each issue type of the project.
pub(super) fn statuses(to: &Connection<'_>) -> Built {
    let project = project(to, "statuses")?;
    get(to, &["project", project, "statuses"], &[])
}

/// The project with its issue types.
pub(super) fn the_project(to: &Connection<'_>) -> Built {
    get(to, &["project", project(to, "project")?], &[])
}

/// Every field that the site has, with its schema.
pub(super) fn field_schemas(to: &Connection<'_>) -> Built {
    get(to, &["field"], &[])
}

pub(super) fn changelog(to: &Connection<'_>, id: &str, start_at: usize) -> Built {
    let (start_at, most) = (start_at.to_string(), PAGE.to_string());
    let query = [("startAt", start_at.as_str()), ("maxResults", &most)];
    get(to, &["issue", id, "changelog"], &query)
}

/// Oldest first. `expand=properties` is not in the `OpenAPI` file, but long known to work.
pub(super) fn comments(to: &Connection<'_>, id: &str, start_at: usize) -> Built {
    let (start_at, most) = (start_at.to_string(), PAGE.to_string());
    let query = [
        ("expand", "properties"),
        ("orderBy", "created"),
        ("startAt", start_at.as_str()),
        ("maxResults", &most),
    ];
    get(to, &["issue", id, "comment"], &query)
}

pub(super) fn comment_property(to: &Connection<'_>, comment: &str, key: &str) -> Built {
    get(to, &["comment", comment, "properties", key], &[])
}

/// A comment with its properties.
pub(super) fn comment(to: &Connection<'_>, id: &str, body: &Json, properties: &[Json]) -> Built {
    let body = json!({"body": body, "properties": properties});
    post(to, &["issue", id, "comment"], &body)
}

/// `query` matches beginnings of names and addresses, so the answer must be searched for the very address.
pub(super) fn assignable(to: &Connection<'_>, email: &str) -> Built {
    let project = project(to, "user/assignable/search")?;
    let query = [
        ("project", project),
        ("query", email),
        ("maxResults", "100"),
    ];
    get(to, &["user", "assignable", "search"], &query)
}

pub(super) fn user(to: &Connection<'_>, account_id: &str) -> Built {
    get(to, &["user"], &[("accountId", account_id)])
}

pub(super) fn myself(to: &Connection<'_>) -> Built {
    get(to, &["myself"], &[])
}

/// Which of these permissions the account has in the project.
pub(super) fn my_permissions(to: &Connection<'_>, keys: &str) -> Built {
    let project = project(to, "mypermissions")?;
    let by = if options::is_id(project) {
        "projectId"
    } else {
        "projectKey"
    };
    get(
        to,
        &["mypermissions"],
        &[(by, project), ("permissions", keys)],
    )
}

/// The configured project, a key or an id.
pub(super) fn project<'a>(to: &Connection<'a>, tried: &str) -> Result<&'a str, VendorError> {
    required(
        to,
        tried,
        "project",
        "the key of the Jira project, e.g. OPS",
    )
}

/// The configured issue type, a name or an id.
pub(super) fn issue_type<'a>(to: &Connection<'a>, tried: &str) -> Result<&'a str, VendorError> {
    required(to, tried, "issue_type", "the name of the issue type")
}

fn required<'a>(
    to: &Connection<'a>,
    tried: &str,
    name: &str,
    what: &str,
) -> Result<&'a str, VendorError> {
    options::option(to.options, name).ok_or_else(|| {
        let detail = format!("option `{name}` ({what}) is not set");
        exchange::unsendable(tried, &detail)
    })
}

fn get(to: &Connection<'_>, path: &[&str], query: &[(&str, &str)]) -> Built {
    build(to, &Method::GET, path, query, None)
}

fn post(to: &Connection<'_>, path: &[&str], body: &Json) -> Built {
    build(to, &Method::POST, path, &[], Some(body))
}

fn put(to: &Connection<'_>, path: &[&str], body: &Json) -> Built {
    build(to, &Method::PUT, path, &[], Some(body))
}

fn build(
    to: &Connection<'_>,
    method: &Method,
    path: &[&str],
    query: &[(&str, &str)],
    body: Option<&Json>,
) -> Built {
    let path = [&["rest", "api", "3"], path].concat();
    let tried = format!("{method} /{}", path.join("/"));
    let url = exchange::address(to.base_url, &path, query)?;
    let mut request = exchange::authorized(method, &url, &authorization(to, &tried)?)
        .header(header::ACCEPT, "application/json");
    if body.is_some() {
        request = request.header(header::CONTENT_TYPE, "application/json");
    }
    let body = body.map_or_else(Bytes::new, |body| Bytes::from(body.to_string()));
    exchange::with_body(request, &tried, body)
}

/// Names what we log in with, and tells nothing of it.
pub(super) fn login(to: &Connection<'_>, tried: &str) -> Result<String, VendorError> {
    let login = authorization(to, tried)?;
    Ok(hex::encode(Sha256::digest(login.as_bytes())))
}

/// Basic with an API token, else an OAuth token (FACTS.md, "REST v3").
fn authorization(to: &Connection<'_>, tried: &str) -> Result<String, VendorError> {
    let credential = |name| exchange::credential(to, tried, name);
    if let Ok(token) = credential("access_token")
        && to.credentials.get("api_key").is_none()
    {
        return Ok(format!("Bearer {token}"));
    }
    let login = format!("{}:{}", credential("email")?, credential("api_key")?);
    Ok(format!("Basic {}", STANDARD.encode(login)))
}

#[cfg(test)]
mod tests;
