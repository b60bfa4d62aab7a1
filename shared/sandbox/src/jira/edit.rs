//! A change of one issue, whoever asks for it: its history, its times, its webhooks.

use jiff::Timestamp;
use serde_json::Value;

use super::adf;
use super::issue::{Author, Comment, History, Issue, Item, NewComment};
use super::site::{CustomField, Named, Project};
use super::state::State;
use super::webhook;
use super::workflow::Status;
use crate::automation;

/// One thing to change; the values are checked.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Change {
    Summary(String),
    Description(Option<Value>),
    Priority(Named),
    Labels(Vec<String>),
    Assignee(Option<String>),
    Resolution(Option<Named>),
    Custom(CustomField, Value),
    Status(Status),
    Property(String, Value),
    Comment(NewComment),
    Project(Project),
}

/// A value's id and its text, as the changelog has them.
type Shown = (Option<String>, Option<String>);

pub(crate) struct Edit<'a> {
    state: &'a mut State,
    issue: Issue,
    author: Author,
    now: Timestamp,
    items: Vec<Item>,
    /// The ids of new comments.
    comments: Vec<String>,
    /// Whether anything changed that leaves no trace.
    silent: bool,
}

impl<'a> Edit<'a> {
    pub(crate) fn new(state: &'a mut State, issue: Issue, author: Author) -> Self {
        let now = state.surroundings.now();
        Self {
            state,
            issue,
            author,
            now,
            items: Vec::new(),
            comments: Vec::new(),
            silent: false,
        }
    }

    /// Makes all of `changes`; the ids of the comments they added.
    pub(crate) fn apply(mut self, changes: Vec<Change>) -> Vec<String> {
        for change in changes {
            self.make(change);
        }
        self.finish()
    }

    /// Makes all of `changes` the beginning of a new issue; its changelog stays empty.
    pub(super) fn create(mut self, changes: Vec<Change>) -> Issue {
        for change in changes {
            self.make(change);
        }
        let history = History {
            id: self.state.next_id(),
            author: self.by(),
            created: self.now,
            items: std::mem::take(&mut self.items),
        };
        self.state.store_of(self.issue.clone(), &self.author);
        webhook::issue_created(self.state, &self.issue, &history, &self.author);
        automation::carry_out(self.state);
        self.issue
    }

    fn make(&mut self, change: Change) {
        match change {
            Change::Summary(summary) => {
                let old = std::mem::replace(&mut self.issue.summary, summary);
                let new = self.issue.summary.clone();
                self.text_changed(
                    "summary",
                    Some(old).filter(|old| !old.is_empty()),
                    Some(new),
                );
            }
            Change::Description(document) => self.description(document),
            Change::Priority(priority) => {
                let old = std::mem::replace(&mut self.issue.priority, priority);
                let new = self.issue.priority.clone();
                self.changed("priority", named(Some(&old)), named(Some(&new)));
            }
            Change::Labels(labels) => {
                let old = std::mem::replace(&mut self.issue.labels, labels);
                let (old, new) = (old.join(" "), self.issue.labels.join(" "));
                self.text_changed("labels", Some(old), Some(new));
            }
            Change::Assignee(account_id) => self.assign(account_id),
            Change::Resolution(resolution) => self.resolve(resolution),
            Change::Custom(field, value) => self.custom(&field, &value),
            Change::Status(status) => self.status(status),
            Change::Property(key, value) => {
                self.silent |= self.issue.properties.insert(key, value.clone()) != Some(value);
            }
            Change::Comment(comment) => self.comment(comment),
            Change::Project(project) => self.project(&project),
        }
    }

    fn description(&mut self, document: Option<Value>) {
        if self.issue.description == document {
            return;
        }
        let old = std::mem::replace(&mut self.issue.description, document);
        let text = |document: Option<&Value>| document.map(adf::to_wiki);
        let (old, new) = (text(old.as_ref()), text(self.issue.description.as_ref()));
        // Another document with the same text is a change all the same.
        self.item("description", (None, old), (None, new));
    }

    fn assign(&mut self, account_id: Option<String>) {
        let old = std::mem::replace(&mut self.issue.assignee, account_id);
        let new = self.issue.assignee.clone();
        let site = self.state.site();
        let user = |account_id: Option<String>| {
            let user = account_id.as_deref().and_then(|id| site.user(id));
            let name = user.map(|user| user.display_name.clone());
            (account_id, name)
        };
        let (old, new) = (user(old), user(new));
        self.changed("assignee", old, new);
    }

    fn resolve(&mut self, resolution: Option<Named>) {
        let old = std::mem::replace(&mut self.issue.resolution, resolution);
        let new = self.issue.resolution.clone();
        if old.is_some() != new.is_some() {
            self.issue.resolved_at = new.is_some().then_some(self.now);
        }
        self.changed("resolution", named(old.as_ref()), named(new.as_ref()));
    }

    fn custom(&mut self, field: &CustomField, value: &Value) {
        let fields = &mut self.issue.custom;
        let old = fields.insert(field.id.clone(), value.clone());
        let old = old.unwrap_or_default();
        if old != *value {
            self.items.push(Item {
                field: field.name.clone(),
                field_id: field.id.clone(),
                from: old["id"].as_str().map(str::to_owned),
                from_string: shown(&old),
                to: value["id"].as_str().map(str::to_owned),
                to_string: shown(value),
            });
        }
    }

    fn project(&mut self, project: &Project) {
        let site = self.state.site();
        let (old, main) = (
            site.project_of(&self.issue).clone(),
            site.project.id.clone(),
        );
        if old.id == project.id {
            return;
        }
        let key = self.state.next_key(project);
        let former = std::mem::replace(&mut self.issue.key, key.clone());
        self.issue.former_keys.push(former.clone());
        self.issue.project = Some(project.id.clone()).filter(|id| *id != main);
        let pair = |project: &Project| (Some(project.id.clone()), Some(project.name.clone()));
        self.changed("project", pair(&old), pair(project));
        self.text_changed("Key", Some(former), Some(key));
    }

    fn status(&mut self, status: Status) {
        let old = std::mem::replace(&mut self.issue.status, status);
        let new = self.issue.status.clone();
        if old.category != new.category {
            self.issue.category_changed_at = self.now;
        }
        let pair = |status: Status| (Some(status.id), Some(status.name));
        self.changed("status", pair(old), pair(new));
    }

    fn comment(&mut self, new: NewComment) {
        let by = self.by();
        let id = self.state.next_id();
        self.comments.push(id.clone());
        self.issue.comments.push(Comment {
            id,
            author: by.clone(),
            update_author: by,
            body: new.body,
            properties: new.properties,
            created: self.now,
            updated: self.now,
        });
    }

    fn by(&self) -> String {
        self.state.account_of(&self.author)
    }

    fn text_changed(&mut self, field: &str, old: Option<String>, new: Option<String>) {
        self.changed(field, (None, old), (None, new));
    }

    fn changed(&mut self, field: &str, old: Shown, new: Shown) {
        if old != new {
            self.item(field, old, new);
        }
    }

    fn item(&mut self, field: &str, old: Shown, new: Shown) {
        self.items.push(Item {
            field: field.to_owned(),
            field_id: field.to_owned(),
            from: old.0,
            from_string: old.1,
            to: new.0,
            to_string: new.1,
        });
    }

    fn finish(mut self) -> Vec<String> {
        let history = (!self.items.is_empty()).then(|| History {
            id: self.state.next_id(),
            author: self.by(),
            created: self.now,
            items: std::mem::take(&mut self.items),
        });
        if history.is_none() && self.comments.is_empty() {
            if self.silent {
                self.state.store(self.issue);
            }
            return Vec::new();
        }
        self.issue.updated = self.now;
        self.issue.history.extend(history.clone());
        self.state.store_of(self.issue.clone(), &self.author);
        let comments = &self.comments;
        webhook::issue_updated(
            self.state,
            &self.issue,
            history.as_ref(),
            comments,
            &self.author,
        );
        automation::carry_out(self.state);
        self.comments
    }
}

fn named(value: Option<&Named>) -> Shown {
    let value = value.cloned();
    value.map_or((None, None), |value| (Some(value.id), Some(value.name)))
}

/// A custom field's value as text.
fn shown(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        Value::Object(option) if option.contains_key("value") => {
            option["value"].as_str().map(str::to_owned)
        }
        Value::Object(_) => Some(adf::to_wiki(value)),
        other => Some(other.to_string()),
    }
}
