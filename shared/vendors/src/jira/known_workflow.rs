//! What is known of a workflow: all of it where the account may read it, else the edges met so far.

use std::collections::BTreeMap;

use im_model::Secret;
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use super::{
    refusal::answer,
    request,
    workflow::{
        Category, Edge, Status, StatusId, Transition, TransitionId, answer as read,
        planner::{Goal, Planner},
    },
};
use crate::{Connection, VendorError, VendorErrorKind, exchange};

const REMEMBER: SignedDuration = SignedDuration::from_hours(1);
/// Remembers the edges of the workflow of a project's issue type.
const WORKFLOW: &str = "workflow";

/// Edges, by the status that they leave.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct KnownWorkflow {
    /// All of them, as Jira told. Else the account may not read the workflow.
    pub(super) whole: bool,
    edges: BTreeMap<String, Vec<KnownEdge>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct KnownEdge {
    transition: String,
    name: String,
    to: String,
    to_name: String,
    category: Option<u8>,
}

const CATEGORIES: [Category; 3] = [Category::ToDo, Category::InProgress, Category::Done];

impl KnownEdge {
    fn of(transition: &Transition) -> Self {
        Self {
            transition: transition.id.0.clone(),
            name: transition.name.clone(),
            to: transition.to.id.0.clone(),
            to_name: transition.to.name.clone(),
            category: transition.to.category.map(|category| category as u8),
        }
    }

    fn transition(&self) -> Transition {
        let is_it = |category: &Category| self.category == Some(*category as u8);
        Transition {
            id: TransitionId(self.transition.clone()),
            name: self.name.clone(),
            to: Status {
                id: StatusId(self.to.clone()),
                name: self.to_name.clone(),
                category: CATEGORIES.into_iter().find(is_it),
            },
            required_fields: Vec::new(),
        }
    }
}

impl KnownWorkflow {
    fn add(&mut self, edge: &Edge) {
        let edges = self.edges.entry(edge.from.0.clone()).or_default();
        edges.push(KnownEdge::of(&edge.transition));
    }

    /// These leave a status now.
    pub(super) fn learn(&mut self, from: &StatusId, available: &[Transition]) {
        let edges = available.iter().map(KnownEdge::of).collect();
        self.edges.insert(from.0.clone(), edges);
    }

    /// A planner that knows as much, and explores the rest.
    pub(super) fn planner(&self, goal: Goal) -> Planner {
        if self.whole {
            return self.planner_of_known(goal);
        }
        let mut planner = Planner::new(goal);
        for (from, edges) in &self.edges {
            let transitions = edges.iter().map(KnownEdge::transition).collect();
            planner.learn(&StatusId(from.clone()), transitions);
        }
        planner
    }

    /// A planner that takes what is known for all there is.
    pub(super) fn planner_of_known(&self, goal: Goal) -> Planner {
        let edges = self.edges.iter().flat_map(|(from, edges)| {
            edges.iter().map(|edge| Edge {
                from: StatusId(from.clone()),
                transition: edge.transition(),
            })
        });
        Planner::new(goal).knowing_all(edges)
    }
}

/// The workflow of a project's issue type, both by id.
pub(super) async fn workflow(
    connection: &Connection<'_>,
    project_id: &str,
    issue_type_id: &str,
) -> Result<KnownWorkflow, VendorError> {
    let which = format!("{project_id}/{issue_type_id}");
    let (memory, integration) = (connection.memory, connection.integration);
    if let Some(text) = memory.recall(integration, WORKFLOW, &which, connection.now) {
        return Ok(serde_json::from_str(text.reveal()).unwrap_or_default());
    }
    let workflow = ask(connection, project_id, issue_type_id).await?;
    remember(connection, project_id, issue_type_id, &workflow);
    Ok(workflow)
}

/// Asks Jira, who may or may not tell.
pub(super) async fn ask(
    connection: &Connection<'_>,
    project_id: &str,
    issue_type_id: &str,
) -> Result<KnownWorkflow, VendorError> {
    let request = request::workflow(connection, project_id, issue_type_id)?;
    let tried = exchange::tried(&request);
    let response = match answer(connection, request).await {
        Ok(response) => response,
        // A 401, too, means that the account may not (official description); credentials that are wrong have shown before.
        Err(refused) if means_closed(&refused.error.kind) => return Ok(KnownWorkflow::default()),
        Err(refused) => return Err(refused.error),
    };
    let workflows = read::workflows(response.body())
        .map_err(|error| super::refusal::garbage(&tried, error.to_string()))?;
    let mut known = KnownWorkflow::default();
    for workflow in &workflows {
        workflow.edges.iter().for_each(|edge| known.add(edge));
    }
    known.whole = !known.edges.is_empty();
    Ok(known)
}

fn means_closed(kind: &VendorErrorKind) -> bool {
    use VendorErrorKind::{Forbidden, NotFound, Refused, Unauthorized};
    matches!(kind, Unauthorized | Forbidden | NotFound | Refused { .. })
}

/// Remembers it for as long as workflows are.
pub(super) fn remember(
    connection: &Connection<'_>,
    project_id: &str,
    issue_type_id: &str,
    workflow: &KnownWorkflow,
) {
    let Ok(text) = serde_json::to_string(workflow) else {
        return;
    };
    let which = format!("{project_id}/{issue_type_id}");
    let (memory, integration) = (connection.memory, connection.integration);
    let text = Secret::new(text);
    memory.remember(
        integration,
        WORKFLOW,
        &which,
        text,
        connection.now,
        REMEMBER,
    );
}

/// Nothing led where it should: perhaps the workflow was changed since.
pub(super) fn forget(connection: &Connection<'_>, project_id: &str, issue_type_id: &str) {
    let which = format!("{project_id}/{issue_type_id}");
    connection
        .memory
        .forget(connection.integration, WORKFLOW, &which);
}
