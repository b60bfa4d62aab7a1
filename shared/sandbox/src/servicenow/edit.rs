//! A write of one incident, whoever asks for it: what becomes of it, and what it leaves behind.

use super::columns::{Column, Kind};
use super::record::Record;
use super::refusal::Refusal;
use super::state::{State, date_time};
use super::{choices, lifecycle, policy, webhook};
use crate::automation;

/// On whose behalf something happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Author {
    pub(crate) user_name: String,
    /// In `sys_user`; empty for the system itself.
    pub(crate) sys_id: String,
    /// Whether it asks by REST, where what cannot be set is ignored without a word.
    pub(crate) rest: bool,
}

impl Author {
    /// A rule or a job of the instance.
    pub(crate) fn system() -> Self {
        Self {
            user_name: "system".to_owned(),
            sys_id: String::new(),
            rest: false,
        }
    }
}

/// Columns and their new values.
pub(crate) type Input = Vec<(String, String)>;

/// What a write asks for, as far as it can be had.
struct Asked {
    next: Record,
    /// Element and text.
    entries: Vec<(String, String)>,
}

impl State {
    /// Creates an incident; its `sys_id`.
    pub(crate) fn insert(&mut self, input: &Input, author: &Author) -> Result<String, Refusal> {
        self.writable(author, "Insert")?;
        let now = date_time(self.surroundings.now());
        let blank = self.blank(author, &now);
        let mut asked = self.asked(&blank, input, author)?;
        lifecycle::follow(&blank, &mut asked.next, author, &now);
        policy::check(&self.config, &asked.next)?;
        let sys_id = self.surroundings.ids.hex();
        let number = 10_001 + self.incidents.created();
        asked.next.set("sys_id", &sys_id);
        asked.next.set("number", format!("INC{number:07}"));
        self.set_off(&sys_id, None, &asked.next, author);
        self.incidents.store(&sys_id, Some(asked.next));
        for (element, text) in asked.entries {
            self.add_entry(&sys_id, &element, &text, author, &now);
        }
        webhook::announce(self, "insert", &sys_id, &now);
        automation::carry_out(self);
        Ok(sys_id)
    }

    /// Changes an incident; what changes nothing leaves no trace.
    pub(crate) fn update(
        &mut self,
        sys_id: &str,
        input: &Input,
        author: &Author,
    ) -> Result<(), Refusal> {
        self.writable(author, "Update")?;
        let previous = self.incident(sys_id)?.clone();
        let closed = &previous["state"] == "7";
        if closed && author.rest && self.config.closed_is_read_only {
            return Err(Refusal::unwritable("Update"));
        }
        let now = date_time(self.surroundings.now());
        let Asked { mut next, entries } = self.asked(&previous, input, author)?;
        lifecycle::follow(&previous, &mut next, author, &now);
        policy::check(&self.config, &next)?;
        if next == previous && entries.is_empty() {
            return Ok(());
        }
        let checkpoint = (previous.number("sys_mod_count") + 1).to_string();
        let changes: Vec<_> = previous
            .iter()
            .zip(next.iter())
            .filter(|((_, old), (_, new))| old != new)
            .map(|((name, old), (_, new))| (name.to_owned(), old.to_owned(), new.to_owned()))
            .chain(
                entries
                    .iter()
                    .map(|(name, text)| (name.clone(), String::new(), text.clone())),
            )
            .collect();
        for change in changes {
            self.add_audit(sys_id, &change, author, &checkpoint, &now);
        }
        for (element, text) in entries {
            self.add_entry(sys_id, &element, &text, author, &now);
        }
        next.set("sys_mod_count", checkpoint);
        next.set("sys_updated_on", &now);
        next.set("sys_updated_by", &author.user_name);
        self.set_off(sys_id, Some(&previous), &next, author);
        self.incidents.store(sys_id, Some(next));
        webhook::announce(self, "update", sys_id, &now);
        automation::carry_out(self);
        Ok(())
    }

    fn set_off(&mut self, sys_id: &str, before: Option<&Record>, after: &Record, author: &Author) {
        if *author == Author::system() {
            return;
        }
        let value = |record: &Record, column: &str| record.get(column).map(str::to_owned);
        let automations = &mut self.surroundings.automations;
        automations.set_off(sys_id, before, after, value);
    }

    /// Deletes an incident; its journal and audit stay.
    pub(crate) fn delete(&mut self, sys_id: &str, author: &Author) -> Result<(), Refusal> {
        self.writable(author, "Delete")?;
        let previous = self.incident(sys_id)?.clone();
        if &previous["state"] == "7" && author.rest && self.config.closed_is_read_only {
            return Err(Refusal::unwritable("Delete"));
        }
        let now = date_time(self.surroundings.now());
        let deleted = "DELETED".to_owned();
        let change = (deleted.clone(), String::new(), deleted);
        self.add_audit(sys_id, &change, author, &previous["sys_mod_count"], &now);
        self.incidents.store(sys_id, None);
        webhook::announce(self, "delete", sys_id, &previous["sys_updated_on"]);
        Ok(())
    }

    fn writable(&self, author: &Author, operation: &str) -> Result<(), Refusal> {
        if author.rest && self.config.incident_is_read_only {
            return Err(Refusal::unwritable(operation));
        }
        Ok(())
    }

    fn blank(&self, author: &Author, now: &str) -> Record {
        let columns = self.columns("incident").unwrap_or_default().iter();
        let mut blank: Record = columns
            .map(|column| (column.name.as_str(), column.default))
            .collect();
        for name in ["opened_at", "sys_created_on", "sys_updated_on"] {
            blank.set(name, now);
        }
        for name in ["sys_created_by", "sys_updated_by"] {
            blank.set(name, &author.user_name);
        }
        blank.set("opened_by", &author.sys_id);
        blank
    }

    fn asked(&self, previous: &Record, input: &Input, author: &Author) -> Result<Asked, Refusal> {
        let mut next = previous.clone();
        let mut entries = Vec::new();
        for (name, value) in input {
            let mut columns = self.columns("incident").unwrap_or_default().iter();
            let column = columns.find(|column| column.name == *name && column.writable);
            match column.map(|column| (column.kind, self.stored(column, value))) {
                Some((Kind::Journal, _)) if value.trim().is_empty() => {}
                Some((Kind::Journal, _)) => entries.push((name.clone(), value.clone())),
                Some((_, Some(value))) => next.set(name, value),
                // A form would not let a person do it.
                _ if !author.rest => {
                    let message = format!("{name} cannot be set to that");
                    return Err(Refusal::invalid(message, None));
                }
                Some((Kind::Reference(_), None)) => next.set(name, ""),
                _ => {}
            }
        }
        // The two are one state; whichever is set to something new counts.
        let changed = |name| next[name] != previous[name];
        let decisive = if changed("state") {
            "state"
        } else {
            "incident_state"
        };
        let state = next[decisive].to_owned();
        next.set("state", &state);
        next.set("incident_state", state);
        Ok(Asked { next, entries })
    }

    /// The value as the column holds it; `None` if it does not.
    fn stored(&self, column: &Column, value: &str) -> Option<String> {
        match column.kind {
            Kind::Text(length) => Some(value.chars().take(length).collect()),
            Kind::Boolean => Some(matches!(value, "true" | "1").to_string()),
            Kind::Reference(table) => {
                let known = value.is_empty() || self.row(table, value).is_some();
                known.then(|| value.to_owned())
            }
            Kind::Integer | Kind::DateTime | Kind::Choice(_) if value.is_empty() => {
                let optional = !matches!(column.kind, Kind::Choice(_)) || column.default.is_empty();
                optional.then(String::new)
            }
            Kind::Integer => value.parse::<i64>().is_ok().then(|| value.to_owned()),
            Kind::DateTime => {
                let parsed = jiff::civil::DateTime::strptime("%Y-%m-%d %H:%M:%S", value);
                parsed.is_ok().then(|| value.to_owned())
            }
            Kind::Choice(choices) => choices::is_one(choices, value).then(|| value.to_owned()),
            Kind::Journal => None,
        }
    }

    fn add_entry(&mut self, sys_id: &str, element: &str, text: &str, author: &Author, now: &str) {
        let entry = [
            ("sys_id", &*self.surroundings.ids.hex()),
            ("name", "incident"),
            ("element_id", sys_id),
            ("element", element),
            ("value", text),
            ("sys_created_on", now),
            ("sys_created_by", &author.user_name),
            ("sys_tags", ""),
        ];
        let entry = Record::from_iter(entry);
        self.journal.push(entry);
    }

    /// `change` is the field with its old and its new value.
    fn add_audit(
        &mut self,
        sys_id: &str,
        change: &(String, String, String),
        author: &Author,
        checkpoint: &str,
        now: &str,
    ) {
        let (field, old, new) = change;
        let row = [
            ("sys_id", &*self.surroundings.ids.hex()),
            ("tablename", "incident"),
            ("documentkey", sys_id),
            ("fieldname", field),
            ("oldvalue", old),
            ("newvalue", new),
            ("user", &author.user_name),
            ("reason", ""),
            ("record_checkpoint", checkpoint),
            ("internal_checkpoint", ""),
            ("sys_created_on", now),
            ("sys_created_by", &author.user_name),
            ("sys_tags", ""),
        ];
        self.audit.push(Record::from_iter(row));
    }
}
