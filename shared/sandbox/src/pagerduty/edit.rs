//! A change of one incident, whoever asks for it: its log entries, its events, its times.

use jiff::Timestamp;

use super::incident::{Incident, Note, Status, Urgency, UserAt};
use super::log_entry::{Author, Kind, LogEntry, changeset};
use super::refusal::Refusal;
use super::state::{State, valid_title};
use super::webhook;

/// One thing to change.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Change {
    Title(String),
    Urgency(Urgency),
    Priority(Option<String>),
    Service(String),
    Policy(String),
    Level(usize),
    Assignees(Vec<String>),
    Status(Status),
    /// Resolved, for this incident has it.
    Merge(String),
    Resolution(String),
    Note(String),
}

pub(crate) struct Edit<'a> {
    state: &'a mut State,
    pub(super) incident: Incident,
    pub(super) author: &'a Author,
    pub(super) now: Timestamp,
    changed: bool,
}

impl<'a> Edit<'a> {
    pub(crate) fn new(state: &'a mut State, incident: Incident, author: &'a Author) -> Self {
        let now = state.surroundings.now();
        Self {
            state,
            incident,
            author,
            now,
            changed: false,
        }
    }

    /// Makes all of `changes` or none.
    pub(crate) fn apply(mut self, mut changes: Vec<Change>) -> Result<(), Refusal> {
        let was_resolved = self.incident.status == Status::Resolved;
        self.check(&changes)?;
        // A reopening comes before what it allows, any other status after what it would end.
        changes.sort_by_key(|change| match change {
            Change::Status(_) if was_resolved => 0,
            Change::Status(_) | Change::Merge(_) => 2,
            Change::Resolution(_) | Change::Note(_) => 3,
            _ => 1,
        });
        for change in changes {
            self.make(change);
        }
        if self.changed {
            self.incident.updated_at = self.now;
            self.state.changed(self.incident, self.author);
        }
        Ok(())
    }

    fn check(&self, changes: &[Change]) -> Result<(), Refusal> {
        let status = changes.iter().find_map(|change| match change {
            Change::Status(status) => Some(*status),
            _ => None,
        });
        let resolved = self.incident.status == Status::Resolved;
        if resolved && status == Some(Status::Resolved) {
            return Err(Refusal::already_resolved());
        }
        for change in changes {
            match change {
                Change::Title(title) => {
                    valid_title(title)?;
                }
                Change::Policy(_) | Change::Level(_) | Change::Assignees(_)
                    if resolved && status.is_none() =>
                {
                    return Err(Refusal::already_resolved());
                }
                Change::Merge(_) if resolved => return Err(Refusal::already_resolved()),
                Change::Level(level) => {
                    self.level(*level)?;
                }
                Change::Resolution(_) if status != Some(Status::Resolved) => {
                    return Err(Refusal::invalid("Resolution needs status resolved"));
                }
                Change::Note(text) | Change::Resolution(text) if text.trim().is_empty() => {
                    return Err(Refusal::invalid("Content cannot be empty"));
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn level(&self, level: usize) -> Result<String, Refusal> {
        let policy = &self.incident.escalation_policy;
        let policy = self.state.account.escalation_policy(policy);
        level
            .checked_sub(1)
            .and_then(|place| policy?.levels.get(place).cloned())
            .ok_or_else(|| Refusal::invalid("Escalation level is invalid"))
    }

    fn make(&mut self, change: Change) {
        match change {
            Change::Title(title) => self.title(title.trim()),
            Change::Urgency(urgency) => self.urgency(urgency),
            Change::Priority(priority) => self.priority(priority),
            Change::Service(service) => self.service(&service),
            Change::Policy(policy) => self.policy(policy),
            Change::Level(level) => self.escalate(level),
            Change::Assignees(users) => self.reassign(&users),
            Change::Status(status) => self.status(status),
            Change::Merge(into) => {
                self.incident.merged_into = Some(into);
                self.status(Status::Resolved);
            }
            Change::Resolution(text) => self.resolution(text),
            Change::Note(text) => self.note(text),
        }
    }

    fn title(&mut self, title: &str) {
        if self.incident.title != title {
            let old = std::mem::replace(&mut self.incident.title, title.to_owned());
            self.field_changed("title", Some(&old), title);
        }
    }

    fn urgency(&mut self, urgency: Urgency) {
        if self.incident.urgency != urgency {
            self.incident.urgency = urgency;
            self.log(Kind::UrgencyChange);
        }
    }

    fn priority(&mut self, priority: Option<String>) {
        if self.incident.priority != priority {
            let account = std::sync::Arc::clone(&self.state.account);
            let name = |id: &Option<String>| {
                let priority = account.priority(id.as_ref()?)?;
                Some(priority.name.clone())
            };
            let (old, new) = (name(&self.incident.priority), name(&priority));
            self.incident.priority = priority;
            self.field_changed("priority", old.as_deref(), &new.unwrap_or_default());
            self.event("incident.priority_updated");
        }
    }

    fn service(&mut self, service: &str) {
        if self.incident.service != service {
            let old = std::mem::replace(&mut self.incident.service, service.to_owned());
            self.field_changed("service", Some(&old), service);
            self.event("incident.service_updated");
        }
    }

    fn policy(&mut self, policy: String) {
        if self.incident.escalation_policy != policy {
            self.incident.escalation_policy = policy;
            let first = self.first_of_policy();
            self.give_to(&first, false, Kind::Delegate);
            // Another policy is `delegated`; `escalated` is another level of the same one.
            self.event("incident.delegated");
        }
    }

    fn escalate(&mut self, level: usize) {
        let Ok(user) = self.level(level) else { return };
        if self.incident.status == Status::Acknowledged {
            self.status(Status::Triggered);
        }
        self.give_to(&[user], false, Kind::Escalate);
        self.event("incident.escalated");
    }

    fn reassign(&mut self, users: &[String]) {
        if self.incident.assignees() != users {
            self.give_to(users, true, Kind::Assign);
            self.event("incident.reassigned");
        }
    }

    /// The resolve entry carries the text as well as the note.
    fn resolution(&mut self, text: String) {
        let entries = self.state.log.unsaved_mut().iter_mut().rev();
        let mut own = entries.filter(|entry| entry.incident == self.incident.id);
        if let Some(entry) = own.find(|entry| entry.kind == Kind::Resolve) {
            entry.note = Some(text.clone());
        }
        self.note(text);
    }

    fn note(&mut self, content: String) {
        let note = Note {
            id: self.state.surroundings.ids.id('P', 13),
            user: self.by(),
            content: content.clone(),
            created_at: self.now,
        };
        let entry = self.entry(Kind::Annotate);
        self.keep(LogEntry {
            note: Some(content),
            ..entry
        });
        webhook::note_event(self.state, &self.incident, &note, self.author);
        self.incident.notes.push(note);
    }

    pub(super) fn give_to(&mut self, users: &[String], directly: bool, kind: Kind) {
        let at = self.now;
        let give = |user: &String| UserAt {
            user: user.clone(),
            at,
        };
        self.incident.assignments = users.iter().map(give).collect();
        self.incident.assigned_directly = directly;
        let entry = self.entry(kind);
        self.keep(LogEntry {
            assignees: users.to_vec(),
            ..entry
        });
    }

    fn field_changed(&mut self, field: &str, old: Option<&str>, new: &str) {
        let mut entry = self.entry(Kind::FieldValueChange);
        entry.channel["changeset"] = changeset(field, old, new);
        self.keep(entry);
    }

    pub(super) fn first_of_policy(&self) -> Vec<String> {
        self.state.first_of_policy(&self.incident.escalation_policy)
    }

    /// The author's id: a user's, or the service's.
    pub(super) fn by(&self) -> String {
        let user = self.author.user();
        user.unwrap_or(&self.incident.service).to_owned()
    }

    fn entry(&mut self, kind: Kind) -> LogEntry {
        self.state
            .entry(&self.incident, self.author, kind, self.now)
    }

    pub(super) fn log(&mut self, kind: Kind) {
        let entry = self.entry(kind);
        self.keep(entry);
    }

    fn keep(&mut self, entry: LogEntry) {
        self.state.log.push(entry);
        self.changed = true;
    }

    pub(super) fn event(&mut self, event_type: &str) {
        webhook::incident_event(
            self.state,
            event_type,
            &self.incident,
            self.author,
            self.now,
        );
    }
}
