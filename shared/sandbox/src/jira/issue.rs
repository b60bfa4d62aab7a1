//! An issue with its comments and its history.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::adf;
use super::site::{Named, Site};
use super::workflow::Status;

/// The comment property that makes a comment internal in a service project.
pub const INTERNAL: &str = "sd.public.comment";

/// On whose behalf something happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Author {
    /// This user's, by account id.
    User(String),
    /// A rule's: the history names the site's automation user, webhooks name nobody.
    Automation,
}

/// An issue.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Issue {
    /// A number as text.
    pub id: String,
    /// `OPS-1` …
    pub key: String,
    /// Id of its project, where that is not the site's first one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// The keys it had in other projects: they still lead to it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub former_keys: Vec<String>,
    /// What kind of issue it is.
    pub issue_type: Named,
    /// Its title.
    pub summary: String,
    /// A document.
    pub description: Option<Value>,
    /// Its status.
    pub status: Status,
    /// Its priority.
    pub priority: Named,
    /// Its labels, sorted.
    pub labels: Vec<String>,
    /// Account id of the assignee.
    pub assignee: Option<String>,
    /// Account id of the one who reported and created it.
    pub reporter: String,
    /// How it was resolved.
    pub resolution: Option<Named>,
    /// Custom fields by id, as Jira answers them.
    pub custom: BTreeMap<String, Value>,
    /// Entity properties.
    pub properties: BTreeMap<String, Value>,
    /// Comments, oldest first.
    pub comments: Vec<Comment>,
    /// The changelog, oldest first.
    pub history: Vec<History>,
    /// When it was created.
    pub created: Timestamp,
    /// When it or a comment was last changed.
    pub updated: Timestamp,
    /// When the resolution was set.
    pub resolved_at: Option<Timestamp>,
    /// When the status last changed its category.
    pub category_changed_at: Timestamp,
}

impl Issue {
    /// The description's text.
    pub fn description_text(&self) -> String {
        self.description
            .as_ref()
            .map(adf::to_wiki)
            .unwrap_or_default()
    }

    /// A field as people name its value; of custom fields nothing.
    pub(crate) fn named(&self, site: &Site, field: &str) -> Option<String> {
        match field {
            "summary" => Some(self.summary.clone()),
            "description" => Some(self.description_text()),
            "priority" => Some(self.priority.name.clone()),
            "status" => Some(self.status.name.clone()),
            "resolution" => Some(self.resolution.as_ref()?.name.clone()),
            "assignee" => site.user(self.assignee.as_deref()?)?.email.clone(),
            _ => None,
        }
    }

    /// Whether this is its id, its key or a former one; keys go whatever their case.
    pub(crate) fn is_called(&self, key_or_id: &str) -> bool {
        let mut keys = self.former_keys.iter().chain([&self.key]);
        self.id == key_or_id || keys.any(|key| key.eq_ignore_ascii_case(key_or_id))
    }

    pub(crate) fn comment(&self, id: &str) -> Option<&Comment> {
        self.comments.iter().find(|comment| comment.id == id)
    }
}

/// A comment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Comment {
    /// A number as text.
    pub id: String,
    /// Account id of the author.
    pub author: String,
    /// Account id of who changed it last.
    pub update_author: String,
    /// A document.
    pub body: Value,
    /// Entity properties.
    pub properties: BTreeMap<String, Value>,
    /// When it was written.
    pub created: Timestamp,
    /// When its body was last changed.
    pub updated: Timestamp,
}

impl Comment {
    /// The body's text.
    pub fn text(&self) -> String {
        adf::to_wiki(&self.body)
    }

    /// Whether customers cannot see it.
    pub fn is_internal(&self) -> bool {
        let marker = self.properties.get(INTERNAL);
        marker.is_some_and(|value| value["internal"] == json!(true))
    }
}

/// A comment to add.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct NewComment {
    pub(crate) body: Value,
    pub(crate) properties: BTreeMap<String, Value>,
}

/// One entry of the changelog.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct History {
    /// A number as text.
    pub id: String,
    /// Account id of who did it.
    pub author: String,
    /// When.
    pub created: Timestamp,
    /// What changed.
    pub items: Vec<Item>,
}

/// One field's change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// The field's name.
    pub field: String,
    /// The field's id.
    pub field_id: String,
    /// The old value's id, where it has one.
    pub from: Option<String>,
    /// The old value's text.
    pub from_string: Option<String>,
    /// The new value's id, where it has one.
    pub to: Option<String>,
    /// The new value's text.
    pub to_string: Option<String>,
}

impl Item {
    /// Whether the field is a custom one.
    pub fn is_custom(&self) -> bool {
        self.field_id.starts_with("customfield_")
    }
}
