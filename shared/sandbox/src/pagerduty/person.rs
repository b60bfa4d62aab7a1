//! What people do in the vendor's web application.

use serde_json::{Value, json};

use super::PagerDuty;
use super::edit::Change;
use super::incident::{NewIncident, Status, Urgency};
use super::input;
use super::log_entry::Author;
use super::refusal::Refusal;

/// A user at work; see [`PagerDuty::person`].
#[derive(Clone)]
pub struct Person {
    pagerduty: PagerDuty,
    email: String,
    quiet: bool,
}

impl Person {
    pub(crate) fn new(pagerduty: PagerDuty, email: String) -> Self {
        Self {
            pagerduty,
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

    /// Creates an incident on the account's first service.
    pub fn trigger(&self, title: &str, urgency: Urgency) -> Result<String, Refusal> {
        let service = self.pagerduty.first_service()?;
        self.trigger_with(NewIncident::on(service, title, urgency))
    }

    /// Creates an incident from everything it can have.
    pub fn trigger_with(&self, new: NewIncident) -> Result<String, Refusal> {
        let author = self.author()?;
        self.pagerduty.state_quiet(self.quiet).create(new, &author)
    }

    /// Acknowledges it.
    pub fn acknowledge(&self, id: &str) -> Result<(), Refusal> {
        self.change(id, vec![Change::Status(Status::Acknowledged)])
    }

    /// Takes the acknowledgement back.
    pub fn unacknowledge(&self, id: &str) -> Result<(), Refusal> {
        self.change(id, vec![Change::Status(Status::Triggered)])
    }

    /// Resolves it.
    pub fn resolve(&self, id: &str) -> Result<(), Refusal> {
        self.change(id, vec![Change::Status(Status::Resolved)])
    }

    /// Resolves it with a note: two events.
    pub fn resolve_with_note(&self, id: &str, note: &str) -> Result<(), Refusal> {
        let resolution = Change::Resolution(note.to_owned());
        self.change(id, vec![Change::Status(Status::Resolved), resolution])
    }

    /// Reopens a resolved one.
    pub fn reopen(&self, id: &str) -> Result<(), Refusal> {
        self.change(id, vec![Change::Status(Status::Triggered)])
    }

    /// Changes the title; no event tells.
    pub fn set_title(&self, id: &str, title: &str) -> Result<(), Refusal> {
        self.change(id, vec![Change::Title(title.to_owned())])
    }

    /// Changes the urgency; no event tells.
    pub fn set_urgency(&self, id: &str, urgency: Urgency) -> Result<(), Refusal> {
        self.change(id, vec![Change::Urgency(urgency)])
    }

    /// Changes the priority, given by name; `None` takes it away.
    pub fn set_priority(&self, id: &str, name: Option<&str>) -> Result<(), Refusal> {
        self.named(id, "priority", &json!(name))
    }

    /// Gives it to the user with this e-mail.
    pub fn reassign(&self, id: &str, email: &str) -> Result<(), Refusal> {
        self.named(id, "assignee", &json!(email))
    }

    /// Gives it to another escalation policy, by id. The event is `incident.delegated`.
    pub fn escalate(&self, id: &str, policy: &str) -> Result<(), Refusal> {
        self.named(id, "escalation_policy", &json!(policy))
    }

    /// Gives it to another level (1 is the first) of its policy. The event is
    /// `incident.escalated`; an acknowledgement ends.
    pub fn escalate_to_level(&self, id: &str, level: usize) -> Result<(), Refusal> {
        self.change(id, vec![Change::Level(level)])
    }

    /// Moves it to another service.
    pub fn move_to_service(&self, id: &str, service: &str) -> Result<(), Refusal> {
        self.named(id, "service", &json!(service))
    }

    /// Merges these incidents into another: they are resolved.
    pub fn merge(&self, sources: &[&str], into: &str) -> Result<(), Refusal> {
        let author = self.author()?;
        let sources: Vec<_> = sources.iter().map(|&id| id.to_owned()).collect();
        let mut state = self.pagerduty.state_quiet(self.quiet);
        state.merge(&sources, into, &author)
    }

    /// Adds a note.
    pub fn note(&self, id: &str, content: &str) -> Result<(), Refusal> {
        self.change(id, vec![Change::Note(content.to_owned())])
    }

    pub(crate) fn named(&self, id: &str, field: &str, value: &Value) -> Result<(), Refusal> {
        let account = self.pagerduty.account();
        self.change(id, vec![input::named(&account, field, value)?])
    }

    pub(crate) fn change(&self, id: &str, changes: Vec<Change>) -> Result<(), Refusal> {
        let author = self.author()?;
        let mut state = self.pagerduty.state_quiet(self.quiet);
        state.edit(id, &author)?.apply(changes)
    }

    fn author(&self) -> Result<Author, Refusal> {
        let account = self.pagerduty.account();
        let user = account.user_by_email(&self.email);
        let user = user.ok_or_else(Refusal::unknown_requester)?;
        Ok(Author::Website(user.id.clone()))
    }
}
