//! What Jira says about transitions, parsed.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::{Category, Edge, Status, StatusId, Transition, TransitionId, fields::RequiredField};

/// All edges of one workflow.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::jira) struct Workflow {
    pub(in crate::jira) name: String,
    pub(in crate::jira) edges: Vec<Edge>,
}

/// The answer of `GET /rest/api/3/issue/{key}/transitions?expand=transitions.fields`: what is available now.
pub(in crate::jira) fn transitions(body: &[u8]) -> Result<Vec<Transition>, serde_json::Error> {
    let answer: Available = serde_json::from_slice(body)?;
    let available = answer.transitions.into_iter();
    Ok(available
        .filter(|transition| transition.is_available != Some(false))
        .map(Transition::from)
        .collect())
}

/// The answer of `POST /rest/api/3/workflows`. It tells nothing of fields.
pub(in crate::jira) fn workflows(body: &[u8]) -> Result<Vec<Workflow>, serde_json::Error> {
    let answer: Workflows = serde_json::from_slice(body)?;
    let statuses: BTreeMap<_, _> = answer
        .statuses
        .into_iter()
        .map(|status| (status.status_reference.clone(), Status::from(status)))
        .collect();
    let workflows = answer.workflows.iter();
    Ok(workflows.map(|workflow| workflow.read(&statuses)).collect())
}

#[derive(Debug, Deserialize)]
struct Available {
    transitions: Vec<IssueTransition>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct IssueTransition {
    id: TransitionId,
    #[serde(default)]
    name: String,
    to: StatusDetails,
    is_available: Option<bool>,
    #[serde(default)]
    fields: BTreeMap<String, FieldMetadata>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct StatusDetails {
    id: StatusId,
    #[serde(default)]
    name: String,
    status_category: Option<StatusCategory>,
}

#[derive(Debug, Deserialize)]
struct StatusCategory {
    key: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct FieldMetadata {
    #[serde(default)]
    name: String,
    #[serde(default)]
    required: bool,
    #[serde(default)]
    has_default_value: bool,
    schema: FieldSchema,
    #[serde(default)]
    allowed_values: Vec<Value>,
}

#[derive(Debug, Deserialize)]
struct FieldSchema {
    #[serde(rename = "type")]
    kind: String,
    items: Option<String>,
    system: Option<String>,
    custom: Option<String>,
}

impl FieldSchema {
    /// The system's and the custom fields that hold several lines.
    fn is_document(&self) -> bool {
        let custom = self.custom.as_deref();
        matches!(self.system.as_deref(), Some("description" | "environment"))
            || custom.is_some_and(|custom| custom.ends_with(":textarea"))
    }
}

impl From<IssueTransition> for Transition {
    fn from(transition: IssueTransition) -> Self {
        let fields = transition.fields.into_iter();
        Self {
            id: transition.id,
            name: transition.name,
            to: Status {
                id: transition.to.id,
                name: transition.to.name,
                category: transition
                    .to
                    .status_category
                    .and_then(|category| Category::named(&category.key?)),
            },
            required_fields: fields
                .filter(|(_, field)| field.required)
                .map(|(key, field)| RequiredField {
                    // The name of its entry is what a request calls it.
                    key,
                    name: field.name,
                    has_default: field.has_default_value,
                    is_document: field.schema.is_document(),
                    kind: field.schema.kind,
                    items: field.schema.items,
                    allowed_values: field.allowed_values,
                })
                .collect(),
        }
    }
}

#[derive(Debug, Deserialize)]
struct Workflows {
    statuses: Vec<WorkflowStatus>,
    workflows: Vec<JiraWorkflow>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct WorkflowStatus {
    id: StatusId,
    #[serde(default)]
    name: String,
    status_category: Option<String>,
    status_reference: String,
}

impl From<WorkflowStatus> for Status {
    fn from(status: WorkflowStatus) -> Self {
        let category = status.status_category.as_deref();
        Self {
            id: status.id,
            name: status.name,
            category: category.and_then(Category::named),
        }
    }
}

#[derive(Debug, Deserialize)]
struct JiraWorkflow {
    #[serde(default)]
    name: String,
    #[serde(default)]
    statuses: Vec<Reference>,
    #[serde(default)]
    transitions: Vec<WorkflowTransition>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Reference {
    status_reference: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct WorkflowTransition {
    id: TransitionId,
    #[serde(default)]
    name: String,
    #[serde(rename = "type")]
    kind: Option<String>,
    to_status_reference: Option<String>,
    #[serde(default)]
    links: Vec<Option<Link>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Link {
    from_status_reference: Option<String>,
}

impl JiraWorkflow {
    /// A global transition is available from every status of its workflow. The one that creates an issue is no edge,
    /// and neither is one that leads to a status we were not told of (a loop's target is the status it left).
    fn read(&self, statuses: &BTreeMap<String, Status>) -> Workflow {
        let mut edges = Vec::new();
        for transition in &self.transitions {
            let target = transition.to_status_reference.as_ref();
            let Some(to) = target.and_then(|reference| statuses.get(reference)) else {
                continue;
            };
            let from: Vec<_> = match transition.kind.as_deref() {
                Some("GLOBAL") => self
                    .statuses
                    .iter()
                    .map(|status| &status.status_reference)
                    .collect(),
                Some("INITIAL") => Vec::new(),
                _ => {
                    let links = transition.links.iter().flatten();
                    links
                        .filter_map(|link| link.from_status_reference.as_ref())
                        .collect()
                }
            };
            edges.extend(
                from.into_iter()
                    .filter_map(|from| statuses.get(from))
                    .map(|from| Edge {
                        from: from.id.clone(),
                        transition: Transition {
                            id: transition.id.clone(),
                            name: transition.name.clone(),
                            to: to.clone(),
                            required_fields: Vec::new(),
                        },
                    }),
            );
        }
        Workflow {
            name: self.name.clone(),
            edges,
        }
    }
}
