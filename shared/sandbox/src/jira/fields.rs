//! The bodies of writes to an issue: `fields`, `update` and `properties`, for a screen.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::edit::Change;
use super::issue::Issue;
use super::refusal::Refusal;
use super::site::Site;
use super::state::NewIssue;
use super::values::{self, Operation, Wrong};
use super::workflow::Transition;
use super::{comments, properties};

type Object = Map<String, Value>;
type Errors = BTreeMap<String, Wrong>;

/// Which fields may be set.
#[derive(Clone, Copy)]
pub(crate) enum Screen<'a> {
    Create,
    Edit,
    Transition(&'a Transition),
}

impl Screen<'_> {
    fn has(self, site: &Site, field: &str) -> bool {
        let common = ["summary", "description", "priority", "labels", "assignee"];
        match self {
            Self::Create | Self::Edit => {
                common.contains(&field) || site.custom_field(field).is_some()
            }
            Self::Transition(transition) => transition.screen.iter().any(|shown| shown.id == field),
        }
    }

    /// A comment goes with an edit, or with a transition that has a screen.
    fn takes_comments(self) -> bool {
        match self {
            Self::Create => false,
            Self::Edit => true,
            Self::Transition(transition) => !transition.screen.is_empty(),
        }
    }
}

/// What a body asks for, on a screen.
struct Form<'a> {
    site: &'a Site,
    screen: Screen<'a>,
    issue: Option<&'a Issue>,
    changes: Vec<Change>,
    errors: Errors,
}

/// The body as an object with nothing in it that Jira does not know.
pub(crate) fn object(body: &Value) -> Result<&Object, Refusal> {
    let known = [
        "fields",
        "update",
        "properties",
        "transition",
        "historyMetadata",
    ];
    let body = body.as_object().ok_or_else(Refusal::payload)?;
    let fine = body.keys().all(|key| known.contains(&key.as_str()));
    fine.then_some(body).ok_or_else(Refusal::payload)
}

/// The changes of an issue that a body asks for.
pub(crate) fn changes(
    site: &Site,
    screen: Screen<'_>,
    issue: &Issue,
    body: &Object,
) -> Result<Vec<Change>, Refusal> {
    let mut form = Form {
        site,
        screen,
        issue: Some(issue),
        changes: Vec::new(),
        errors: Errors::new(),
    };
    form.read(body, &[])?;
    form.filled_in()
}

/// A new issue from a body.
pub(crate) fn create(site: &Site, body: &Object) -> Result<NewIssue, Refusal> {
    let mut form = Form {
        site,
        screen: Screen::Create,
        issue: None,
        changes: Vec::new(),
        errors: Errors::new(),
    };
    form.read(body, &["project", "issuetype"])?;
    let fields = &body.get("fields").unwrap_or(&Value::Null);
    let project = &fields["project"];
    let project = project["key"].as_str().or_else(|| project["id"].as_str());
    if !project.is_some_and(|project| site.is_project(project)) {
        form.wrong("project", "Specify a valid project ID or key");
    }
    let kind = &fields["issuetype"];
    let issue_type = values::named("issuetype", &site.issue_types, kind);
    if kind.is_null() {
        form.wrong("issuetype", "Specify an issue type");
    } else if issue_type.is_err() {
        form.wrong("issuetype", "Specify a valid issue type");
    }
    if fields["summary"].is_null() {
        form.wrong("summary", "You must specify a summary of the issue.");
    }
    let changes = form.filled_in()?;
    let issue_type = issue_type.map_err(|wrong| Refusal::field("issuetype", wrong))?;
    Ok(NewIssue {
        issue_type,
        changes,
    })
}

impl Form<'_> {
    fn wrong(&mut self, field: &str, wrong: impl Into<Wrong>) {
        self.errors.insert(field.to_owned(), wrong.into());
    }

    /// Reads all parts of a body; the fields in `taken` are read elsewhere.
    fn read(&mut self, body: &Object, taken: &[&str]) -> Result<(), Refusal> {
        let none = Object::new();
        let part = |name: &str| match body.get(name) {
            None => Ok(&none),
            Some(part) => part.as_object().ok_or_else(Refusal::payload),
        };
        let (fields, update) = (part("fields")?, part("update")?);
        for (field, value) in fields {
            if taken.contains(&field.as_str()) {
                continue;
            }
            if update.contains_key(field) {
                self.wrong(
                    field,
                    format!("Field '{field}' cannot appear in both 'fields' and 'update'"),
                );
            } else {
                self.set(field, value);
            }
        }
        for (field, operations) in update {
            let operations = operations.as_array().ok_or_else(Refusal::payload)?;
            self.update(field, operations)?;
        }
        if let Some(given) = body.get("properties") {
            let properties = properties::listed(given)?;
            let changes = properties.into_iter();
            self.changes
                .extend(changes.map(|(key, value)| Change::Property(key, value)));
        }
        Ok(())
    }

    fn set(&mut self, field: &str, value: &Value) {
        let on_screen = self.screen.has(self.site, field);
        match values::set(self.site, field, value).filter(|_| on_screen) {
            Some(Ok(change)) => self.changes.push(change),
            Some(Err(wrong)) => self.wrong(field, wrong),
            None => self.wrong(
                field,
                format!("Field '{field}' cannot be set. It is not on the appropriate screen, or unknown."),
            ),
        }
    }

    fn update(&mut self, field: &str, operations: &[Value]) -> Result<(), Refusal> {
        let mut labels = values::present_labels(self.issue);
        let mut relabelled = false;
        for operation in operations {
            let (operation, value) = one_operation(operation)?;
            match (field, operation) {
                ("comment", Operation::Add) if self.screen.takes_comments() => {
                    let change = comments::new_comment(value)?;
                    self.changes.push(Change::Comment(change));
                }
                ("labels", _) if self.screen.has(self.site, field) => {
                    match values::relabelled(labels.clone(), operation, value) {
                        Ok(changed) => (labels, relabelled) = (changed, true),
                        Err(wrong) => self.wrong(field, wrong),
                    }
                }
                (_, Operation::Add | Operation::Remove) if self.screen.has(self.site, field) => {
                    self.wrong(field, "Field does not support the operation");
                }
                _ => self.set(field, value),
            }
        }
        if relabelled {
            self.changes.push(Change::Labels(labels));
        }
        Ok(())
    }

    /// The changes, unless something is wrong or missing.
    fn filled_in(mut self) -> Result<Vec<Change>, Refusal> {
        if let Screen::Transition(transition) = self.screen {
            for field in transition.screen.iter().filter(|field| field.required) {
                let given = |change: &Change| matches!(set_by(change), Some(id) if id == field.id);
                if !self.changes.iter().any(given) && !self.errors.contains_key(&field.id) {
                    let name = super::json::field_name(self.site, &field.id);
                    self.wrong(&field.id, format!("{name} is required."));
                }
            }
        }
        if self.errors.is_empty() {
            Ok(self.changes)
        } else {
            Err(Refusal::fields(self.errors))
        }
    }
}

/// The field that a change gives a value.
fn set_by(change: &Change) -> Option<&str> {
    match change {
        Change::Summary(_) => Some("summary"),
        Change::Description(Some(_)) => Some("description"),
        Change::Priority(_) => Some("priority"),
        Change::Labels(labels) if !labels.is_empty() => Some("labels"),
        Change::Assignee(Some(_)) => Some("assignee"),
        Change::Resolution(Some(_)) => Some("resolution"),
        Change::Custom(field, value) if !value.is_null() => Some(&field.id),
        _ => None,
    }
}

fn one_operation(operation: &Value) -> Result<(Operation, &Value), Refusal> {
    let object = operation.as_object().filter(|object| object.len() == 1);
    let (name, value) = object
        .and_then(|object| object.iter().next())
        .ok_or_else(Refusal::payload)?;
    match name.as_str() {
        "set" => Ok((Operation::Set, value)),
        "add" => Ok((Operation::Add, value)),
        "remove" => Ok((Operation::Remove, value)),
        _ => Err(Refusal::payload()),
    }
}
