//! Changes of status: Jira takes them one transition at a time, each with the fields it demands.

use std::collections::BTreeSet;

use im_model::{ExternalId, ExternalRecord, Field};
use serde_json::{Map, Value as Json};

use super::{
    issue::Issue,
    known_workflow::{self, KnownWorkflow},
    options,
    refusal::{Refused, answer, call, garbage},
    request, status,
    workflow::{
        Status, StatusId, Transition, answer as read, fields,
        planner::{Goal, Planner, Step},
    },
};
use crate::{Connection, VendorError, VendorErrorKind, exchange};

/// Brings an issue into the status of this name. The inner error says why that cannot be, for people.
pub(super) async fn move_to(
    connection: &Connection<'_>,
    record: &ExternalRecord,
    target: &str,
) -> Result<Result<(), String>, VendorError> {
    let id = &record.id;
    let goal = Goal {
        names: vec![target.to_owned()],
        category: None,
    };
    // Most issues are one transition away: then nothing needs to be known of the workflow.
    let available = available(connection, id).await?;
    if let Some(direct) = direct(record, &goal, target, &available) {
        return take(connection, id, &direct).await;
    }
    let mut walk = Walk::begin(connection, id, goal, available).await?;
    loop {
        let transition = match walk.planner.next(&walk.current) {
            Step::AlreadyThere => return Ok(Ok(())),
            Step::Take(transition) => transition,
            Step::NoPath { why } | Step::TooManyHops { why } => {
                // Asking again moves nothing; exploring again would.
                if walk.known.whole {
                    known_workflow::forget(connection, &walk.project_id, &walk.issue_type_id);
                }
                return walk.back(connection, id, why).await;
            }
        };
        if let Err(why) = take(connection, id, &transition).await? {
            return walk.back(connection, id, why).await;
        }
        if transition.to.is_named(target) {
            return Ok(Ok(()));
        }
        walk.arrive(connection, id).await?;
    }
}

/// The best of the transitions that lead to the goal at once.
fn direct(
    record: &ExternalRecord,
    goal: &Goal,
    target: &str,
    available: &[Transition],
) -> Option<Transition> {
    let name = record.fields.get(&Field::Status)?.value.as_str()?;
    let current = Status {
        id: StatusId(String::new()),
        name: name.to_owned(),
        category: None,
    };
    if current.is_named(target) {
        return None;
    }
    let to_goal = available.iter().filter(|one| one.to.is_named(target));
    let mut planner = Planner::new(goal.clone());
    planner.learn(&current.id, to_goal.cloned().collect());
    match planner.next(&current) {
        Step::Take(transition) => Some(transition),
        _ => None,
    }
}

/// An issue on its way.
struct Walk {
    planner: Planner,
    start: Status,
    current: Status,
    project_id: String,
    issue_type_id: String,
    known: KnownWorkflow,
}

impl Walk {
    async fn begin(
        connection: &Connection<'_>,
        id: &ExternalId,
        goal: Goal,
        available: Vec<Transition>,
    ) -> Result<Self, VendorError> {
        let names = ["status", "project", "issuetype"].map(str::to_owned);
        let issue: Issue =
            call(connection, request::issue(connection, id.as_str(), &names)?).await?;
        let of = |name: &str| {
            let id = issue.fields.get(name).and_then(|json| json["id"].as_str());
            id.map(str::to_owned)
                .ok_or_else(|| garbage("reading an issue", format!("it has no `{name}`")))
        };
        let (project_id, issue_type_id) = (of("project")?, of("issuetype")?);
        let known = known_workflow::workflow(connection, &project_id, &issue_type_id).await?;
        let current = status_of(&issue)?;
        let mut walk = Self {
            planner: known.planner(goal),
            start: current.clone(),
            current,
            project_id,
            issue_type_id,
            known,
        };
        walk.learn(connection, available);
        Ok(walk)
    }

    /// A transition may lead elsewhere than it says, and what is available shows only there.
    async fn arrive(
        &mut self,
        connection: &Connection<'_>,
        id: &ExternalId,
    ) -> Result<(), VendorError> {
        let names = ["status".to_owned()];
        let issue: Issue =
            call(connection, request::issue(connection, id.as_str(), &names)?).await?;
        self.current = status_of(&issue)?;
        let available = available(connection, id).await?;
        self.learn(connection, available);
        Ok(())
    }

    /// It led nowhere: the issue goes back to where it was, as far as the edges allow that are known by now.
    async fn back(
        mut self,
        connection: &Connection<'_>,
        id: &ExternalId,
        why: String,
    ) -> Result<Result<(), String>, VendorError> {
        let mut way_back = self.known.planner_of_known(Goal {
            names: vec![self.start.name.clone()],
            category: None,
        });
        while let Step::Take(transition) = way_back.next(&self.current) {
            if take(connection, id, &transition).await?.is_err() {
                let (here, start) = (&self.current.name, &self.start.name);
                return Ok(Err(format!(
                    "{why}; it is left in {here:?} instead of {start:?}"
                )));
            }
            self.arrive(connection, id).await?;
        }
        Ok(Err(why))
    }

    fn learn(&mut self, connection: &Connection<'_>, available: Vec<Transition>) {
        if !self.known.whole {
            self.known.learn(&self.current.id, &available);
            known_workflow::remember(
                connection,
                &self.project_id,
                &self.issue_type_id,
                &self.known,
            );
        }
        self.planner.learn(&self.current.id, available);
    }
}

fn status_of(issue: &Issue) -> Result<Status, VendorError> {
    let status = issue.fields.get("status").and_then(status::status);
    status.ok_or_else(|| garbage("reading an issue", "it has no status"))
}

/// What leaves the issue's status now.
async fn available(
    connection: &Connection<'_>,
    id: &ExternalId,
) -> Result<Vec<Transition>, VendorError> {
    let request = request::transitions(connection, id.as_str())?;
    let tried = exchange::tried(&request);
    let response = answer(connection, request).await?;
    read::transitions(response.body()).map_err(|error| garbage(&tried, error.to_string()))
}

/// Takes one transition, or says why not.
async fn take(
    connection: &Connection<'_>,
    id: &ExternalId,
    transition: &Transition,
) -> Result<Result<(), String>, VendorError> {
    let options = options::transition_fields(connection.options);
    let filled = filled(connection, id, transition).await?;
    let fields = match fields::fields_for(transition, &options, &filled) {
        Ok(fields) => fields,
        Err(missing) => return Ok(Err(missing.to_string())),
    };
    let request = request::transition(connection, id.as_str(), &transition.id.0, fields)?;
    match answer(connection, request).await {
        Ok(_) => Ok(Ok(())),
        Err(Refused { error, .. }) if matches!(error.kind, VendorErrorKind::Refused { .. }) => {
            let detail = &error.detail;
            Ok(Err(format!(
                "Jira refuses the transition {transition}: {detail}"
            )))
        }
        Err(refused) => Err(refused.error),
    }
}

/// The demanded fields that the issue has a value of already. Asked for only where one is neither configured nor filled
/// in by Jira.
async fn filled(
    connection: &Connection<'_>,
    id: &ExternalId,
    transition: &Transition,
) -> Result<BTreeSet<String>, VendorError> {
    let options = options::transition_fields(connection.options);
    let is_open = |key: &String| {
        options::option(&options, &format!("{}{key}", fields::OPTION_PREFIX)).is_none()
    };
    let required = transition.required_fields.iter();
    let open: Vec<_> = required
        .filter(|field| !field.has_default)
        .map(|field| field.key.clone())
        .filter(is_open)
        .collect();
    if open.is_empty() {
        return Ok(BTreeSet::new());
    }
    let issue: Issue = call(connection, request::issue(connection, id.as_str(), &open)?).await?;
    Ok(with_value(&issue.fields))
}

fn with_value(fields: &Map<String, Json>) -> BTreeSet<String> {
    let is_empty = |json: &Json| match json {
        Json::Null => true,
        Json::String(text) => text.is_empty(),
        Json::Array(items) => items.is_empty(),
        _ => false,
    };
    let filled = fields.iter().filter(|(_, json)| !is_empty(json));
    filled.map(|(key, _)| key.clone()).collect()
}

#[cfg(test)]
mod tests;
