//! The project's own statuses, and what the platform's statuses are called there.

use std::collections::BTreeMap;

use im_model::Secret;
use im_sync::{Otherwise, ValueMap};
use jiff::SignedDuration;
use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::{
    options::option,
    refusal::{call, unless_closed},
    request,
    workflow::{Category, Status, StatusId},
};
use crate::{Connection, VendorError};

const REMEMBER: SignedDuration = SignedDuration::from_hours(1);
/// Remembers the statuses of a project's issue type.
const STATUSES: &str = "statuses";

#[derive(Debug, Deserialize)]
struct IssueType {
    #[serde(default)]
    id: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    statuses: Vec<Json>,
}

/// A status as Jira shows it in several answers.
pub(super) fn status(json: &Json) -> Option<Status> {
    let key = json["statusCategory"]["key"].as_str();
    Some(Status {
        id: StatusId(json["id"].as_str()?.to_owned()),
        name: json["name"].as_str()?.to_owned(),
        category: key.and_then(Category::named),
    })
}

/// The statuses that issues of the configured type can have; those of all types, if the project has no such type.
/// `None` if the account may not see them.
pub(super) async fn known(connection: &Connection<'_>) -> Result<Option<Vec<Status>>, VendorError> {
    let Some(project) = option(connection.options, "project") else {
        return Ok(None);
    };
    let issue_type = option(connection.options, "issue_type").unwrap_or_default();
    let which = format!("{project}/{issue_type}");
    let (memory, integration, now) = (connection.memory, connection.integration, connection.now);
    if let Some(text) = memory.recall(integration, STATUSES, &which, now) {
        let seen: Vec<Json> = serde_json::from_str(text.reveal()).unwrap_or_default();
        return Ok((!seen.is_empty()).then(|| seen.iter().filter_map(status).collect()));
    }
    let asked = call::<Vec<IssueType>>(connection, request::statuses(connection)?).await;
    let seen = unless_closed(asked)?.map(|types| of_type(types, issue_type));
    let seen = seen.unwrap_or_default();
    let text = Secret::new(Json::from(seen.clone()).to_string());
    memory.remember(integration, STATUSES, &which, text, now, REMEMBER);
    Ok((!seen.is_empty()).then(|| seen.iter().filter_map(status).collect()))
}

/// What is needed of them, each once, in the project's order.
fn of_type(types: Vec<IssueType>, wanted: &str) -> Vec<Json> {
    let is_it = |one: &IssueType| {
        one.id == wanted || one.name.trim().to_lowercase() == wanted.trim().to_lowercase()
    };
    let has_it = types.iter().any(is_it);
    let chosen = types.into_iter().filter(|one| !has_it || is_it(one));
    let mut statuses: Vec<Json> = Vec::new();
    for seen in chosen.flat_map(|one| one.statuses) {
        let key = &seen["statusCategory"]["key"];
        let seen = json!({"id": seen["id"], "name": seen["name"], "statusCategory": {"key": key}});
        if !statuses.contains(&seen) {
            statuses.push(seen);
        }
    }
    statuses
}

/// A platform status, the names that Jira's defaults have for it, the best first, and what else will do.
const OUTWARD: [(&str, &[&str], Category); 5] = [
    ("open", &["To Do"], Category::ToDo),
    ("acknowledged", &["In Progress"], Category::InProgress),
    ("mitigated", &["In Progress"], Category::InProgress),
    ("resolved", &["Resolved", "Done"], Category::Done),
    ("closed", &["Closed", "Done"], Category::Done),
];

/// What a project's statuses are taken to be where they cannot be seen: those that every new project has, and two that
/// are usual in Jira Service Management.
fn defaults() -> (Vec<Status>, Vec<Status>) {
    let status = |(name, category): (&str, Category)| Status {
        id: StatusId(String::new()),
        name: name.to_owned(),
        category: Some(category),
    };
    let names = [
        ("To Do", Category::ToDo),
        ("In Progress", Category::InProgress),
        ("Done", Category::Done),
    ];
    let usual = [("Resolved", Category::Done), ("Closed", Category::Done)];
    let usual = usual.into_iter();
    (
        names.map(status).into(),
        names.into_iter().chain(usual).map(status).collect(),
    )
}

/// The maps of the status, outward and inward.
pub(super) fn maps(
    statuses: Option<&[Status]>,
    options: &BTreeMap<String, String>,
) -> (ValueMap, ValueMap) {
    let (to_write, to_read) = defaults();
    let to_write = statuses.unwrap_or(&to_write);
    let outward = OUTWARD.into_iter().filter_map(|(ours, names, category)| {
        let theirs = match option(options, &format!("status.{ours}")) {
            Some(name) => as_written(to_write, name),
            None => chosen(to_write, names, category)?,
        };
        Some((ours.to_owned(), theirs))
    });
    let outward = ValueMap::Table {
        entries: outward.collect(),
        otherwise: Otherwise::Error,
    };
    (outward, inward(statuses.unwrap_or(&to_read)))
}

fn chosen(statuses: &[Status], names: &[&str], category: Category) -> Option<String> {
    let named = |name: &&str| statuses.iter().find(|status| status.is_named(name));
    let first = || {
        statuses
            .iter()
            .find(|status| status.category == Some(category))
    };
    let found = names.iter().find_map(named).or_else(first)?;
    Some(found.name.clone())
}

/// In the project's spelling: what is read back is compared letter by letter.
fn as_written(statuses: &[Status], name: &str) -> String {
    let found = statuses.iter().find(|status| status.is_named(name));
    found.map_or(name, |status| &status.name).to_owned()
}

fn inward(statuses: &[Status]) -> ValueMap {
    let entry = |status: &Status| {
        let ours = match status.category? {
            Category::ToDo => "open",
            Category::InProgress => "acknowledged",
            Category::Done => "resolved",
        };
        Some((status.name.clone(), ours.to_owned()))
    };
    ValueMap::Table {
        entries: statuses.iter().filter_map(entry).collect(),
        otherwise: Otherwise::LeaveAlone,
    }
}

/// Does a status of this name end the work? Known where the project's statuses were looked up.
pub(super) async fn is_done(connection: &Connection<'_>, name: &str) -> Result<bool, VendorError> {
    let statuses = known(connection).await?.unwrap_or_else(|| defaults().1);
    let found = statuses.iter().find(|status| status.is_named(name));
    Ok(found.is_some_and(|status| status.category == Some(Category::Done)))
}

/// The platform's statuses that the project has nothing for.
pub(super) fn unmapped(
    statuses: &[Status],
    options: &BTreeMap<String, String>,
) -> Vec<&'static str> {
    let lacks = |ours: &&str| match option(options, &format!("status.{ours}")) {
        Some(name) => !statuses.iter().any(|status| status.is_named(name)),
        None => OUTWARD
            .iter()
            .find(|(status, ..)| status == ours)
            .is_none_or(|(_, names, category)| chosen(statuses, names, *category).is_none()),
    };
    OUTWARD
        .iter()
        .map(|(ours, ..)| *ours)
        .filter(lacks)
        .collect()
}

#[cfg(test)]
mod tests;
