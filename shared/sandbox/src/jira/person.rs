//! What people do in Jira's own pages.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::edit::Change;
use super::fields::{self, Screen};
use super::issue::{Author, NewComment};
use super::refusal::Refusal;
use super::site::Site;
use super::state::State;
use super::workflow::{Status, Transition};
use super::{Jira, adf, comments, values, write};

/// A user at work; see [`Jira::person`].
#[derive(Clone)]
pub struct Person {
    jira: Jira,
    email: String,
    quiet: bool,
}

impl Person {
    pub(crate) fn new(jira: Jira, email: String) -> Self {
        Self {
            jira,
            email,
            quiet: false,
        }
    }

    /// The same, behind everybody's back: what it does causes no webhook.
    #[must_use]
    pub fn quietly(self) -> Self {
        self.quiet_if(true)
    }

    pub(crate) fn quiet_if(self, quiet: bool) -> Self {
        Self { quiet, ..self }
    }

    /// Creates an issue of the first issue type; its key.
    pub fn create(&self, summary: &str) -> Result<String, Refusal> {
        self.create_with(&json!({"summary": summary}))
    }

    /// Creates an issue with these fields, given as [`Self::edit`] takes them; its key.
    pub fn create_with(&self, fields: &Value) -> Result<String, Refusal> {
        let author = self.author()?;
        let state = &mut *self.jira.state_quiet(self.quiet);
        let site = state.site();
        let mut fields = spelled_out(site, fields)?;
        fields.insert("project".to_owned(), json!({"key": site.project.key}));
        if let Some(issue_type) = site.issue_types.first() {
            fields.insert("issuetype".to_owned(), json!({"id": issue_type.id}));
        }
        let body = Map::from_iter([("fields".to_owned(), Value::Object(fields))]);
        let new = fields::create(site, &body)?;
        Ok(state.create(new, &author)?.key)
    }

    /// Sets fields, given as the REST API takes them or as people say them: a priority by name,
    /// an assignee by e-mail, a description as text.
    pub fn edit(&self, key: &str, fields: &Value) -> Result<(), Refusal> {
        let author = self.author()?;
        edit(&mut self.jira.state_quiet(self.quiet), key, fields, &author)
    }

    /// Takes the one transition that leads to the status of this name. What its screen requires
    /// is filled in: the site's first resolution.
    pub fn transition(&self, key: &str, status: &str) -> Result<(), Refusal> {
        let author = self.author()?;
        let state = &mut *self.jira.state_quiet(self.quiet);
        let workflow = state.config.site.workflow.clone();
        let goal = goal(state, status)?;
        let here = state.issue(key)?.status.id.clone();
        let mut transitions = workflow.available(&here);
        let transition = transitions.find(|transition| transition.to == goal.id);
        let transition = transition.ok_or_else(|| no_way(status))?;
        take(state, key, transition, &author)
    }

    /// Takes as many transitions as it needs to get to the status of this name.
    pub fn move_to(&self, key: &str, status: &str) -> Result<(), Refusal> {
        let author = self.author()?;
        move_to(&mut self.jira.state_quiet(self.quiet), key, status, &author)
    }

    /// Gives it to the user with this e-mail, or to nobody.
    pub fn assign(&self, key: &str, email: Option<&str>) -> Result<(), Refusal> {
        self.edit(key, &json!({"assignee": email}))
    }

    /// Comments with this text; the comment's id.
    pub fn comment(&self, key: &str, text: &str, internal: bool) -> Result<String, Refusal> {
        let author = self.author()?;
        let state = &mut *self.jira.state_quiet(self.quiet);
        let change = Change::Comment(said(text, internal)?);
        let added = state.edit(key, &author)?.apply(vec![change]);
        added.into_iter().next().ok_or_else(Refusal::no_issue)
    }

    /// Replaces a comment's text.
    pub fn edit_comment(&self, key: &str, id: &str, text: &str) -> Result<(), Refusal> {
        let author = self.author()?;
        let state = &mut *self.jira.state_quiet(self.quiet);
        let mut new = said(text, false)?;
        new.properties.clear();
        state.edit_comment(key, id, new, &author)
    }

    /// Deletes a comment.
    pub fn delete_comment(&self, key: &str, id: &str) -> Result<(), Refusal> {
        let author = self.author()?;
        self.jira
            .state_quiet(self.quiet)
            .delete_comment(key, id, &author)
    }

    /// Moves it to another project, by key: it gets another key there, which this is.
    pub fn move_to_project(&self, key: &str, project: &str) -> Result<String, Refusal> {
        let author = self.author()?;
        let state = &mut *self.jira.state_quiet(self.quiet);
        let id = state.issue(key)?.id.clone();
        move_to_project(state, &id, project, &author)?;
        Ok(state.issue(&id)?.key.clone())
    }

    /// Deletes the issue.
    pub fn delete(&self, key: &str) -> Result<(), Refusal> {
        let author = self.author()?;
        self.jira.state_quiet(self.quiet).delete(key, &author)
    }

    fn author(&self) -> Result<Author, Refusal> {
        let state = self.jira.state();
        let user = state.site().user_by_email(&self.email);
        let user = user.ok_or_else(|| no_user(&self.email))?;
        Ok(Author::User(user.account_id.clone()))
    }
}

fn no_user(email: &str) -> Refusal {
    Refusal::invalid(format!("nobody here is {email}"))
}

fn no_way(status: &str) -> Refusal {
    Refusal::invalid(format!("no transition leads to {status}"))
}

/// What somebody says in a comment.
fn said(text: &str, internal: bool) -> Result<NewComment, Refusal> {
    let body = values::comment(Some(&adf::from_text(text)));
    let body = body.map_err(|wrong| Refusal::field("comment", wrong))?;
    let properties = internal.then(|| comments::visibility(true));
    Ok(NewComment {
        body,
        properties: properties.into_iter().collect(),
    })
}

fn goal(state: &State, status: &str) -> Result<Status, Refusal> {
    let goal = state.workflow().status_named(status).cloned();
    goal.ok_or_else(|| Refusal::invalid(format!("there is no status {status}")))
}

/// Fields as the REST API takes them.
fn spelled_out(site: &Site, fields: &Value) -> Result<Map<String, Value>, Refusal> {
    let fields = fields.as_object().ok_or_else(Refusal::payload)?;
    let one = |(field, value): (&String, &Value)| {
        let value = match (field.as_str(), value) {
            ("description", Value::String(text)) => adf::from_text(text),
            ("priority" | "resolution", Value::String(name)) => json!({"name": name}),
            ("assignee", Value::String(email)) => {
                let user = site.user_by_email(email).ok_or_else(|| no_user(email))?;
                json!({"accountId": user.account_id})
            }
            _ => value.clone(),
        };
        Ok((field.clone(), value))
    };
    fields.iter().map(one).collect()
}

/// Sets fields on behalf of anybody.
pub(crate) fn edit(
    state: &mut State,
    key: &str,
    fields: &Value,
    author: &Author,
) -> Result<(), Refusal> {
    let config = Arc::clone(&state.config);
    let fields = spelled_out(&config.site, fields)?;
    let body = Map::from_iter([("fields".to_owned(), Value::Object(fields))]);
    let changes = fields::changes(&config.site, Screen::Edit, state.issue(key)?, &body)?;
    state.edit(key, author)?.apply(changes);
    Ok(())
}

/// Moves an issue to another project. Its id stays, and so does its status: nothing here holds another workflow.
fn move_to_project(
    state: &mut State,
    key: &str,
    project: &str,
    author: &Author,
) -> Result<(), Refusal> {
    let known = state.site().project_named(project).cloned();
    let project =
        known.ok_or_else(|| Refusal::invalid(format!("there is no project {project}")))?;
    let key = state.issue(key)?.key.clone();
    state
        .edit(&key, author)?
        .apply(vec![Change::Project(project)]);
    Ok(())
}

/// Takes as many transitions as it needs.
pub(crate) fn move_to(
    state: &mut State,
    key: &str,
    status: &str,
    author: &Author,
) -> Result<(), Refusal> {
    let workflow = state.config.site.workflow.clone();
    let goal = goal(state, status)?;
    let here = state.issue(key)?.status.id.clone();
    let way = workflow
        .way(&here, &goal.id)
        .ok_or_else(|| no_way(status))?;
    for transition in way {
        take(state, key, transition, author)?;
    }
    Ok(())
}

/// Takes a transition and fills in what it requires.
fn take(
    state: &mut State,
    key: &str,
    transition: &Transition,
    author: &Author,
) -> Result<(), Refusal> {
    let required = transition.screen.iter().filter(|field| field.required);
    let mut fields = Map::new();
    for field in required {
        let first = state.site().resolutions.first();
        let value = match (field.id.as_str(), first) {
            ("resolution", Some(first)) => json!({"id": first.id}),
            (other, _) => return Err(Refusal::field(other, "nobody knows what to fill in")),
        };
        fields.insert(field.id.clone(), value);
    }
    let body = Map::from_iter([("fields".to_owned(), Value::Object(fields))]);
    let config = Arc::clone(&state.config);
    let screen = Screen::Transition(transition);
    let changes = fields::changes(&config.site, screen, state.issue(key)?, &body)?;
    write::take(state, key, transition, changes, author)
}

/// What an automation, or a person by way of a control request, sets: any field, `status` and
/// `comment` included.
pub(crate) fn set(
    state: &mut State,
    key: &str,
    field: &str,
    value: &Value,
    internal: bool,
    author: &Author,
) -> Result<(), Refusal> {
    match (field, value) {
        ("status", Value::String(status)) => move_to(state, key, status, author),
        ("project", Value::String(project)) => move_to_project(state, key, project, author),
        ("comment", Value::String(text)) => {
            let change = Change::Comment(said(text, internal)?);
            state.edit(key, author)?.apply(vec![change]);
            Ok(())
        }
        _ => edit(state, key, &json!({ field: value }), author),
    }
}
