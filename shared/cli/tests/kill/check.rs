//! What must hold once everything is quiet.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::{
    load::Subject,
    running::{Reach, System},
    words,
};

/// A record and its notes' texts.
struct Record {
    json: Value,
    notes: Vec<String>,
}

/// Everything that the four systems hold.
pub struct Everything {
    /// By id.
    records: BTreeMap<System, BTreeMap<String, Record>>,
}

impl Everything {
    /// Asks all of them; `None` if one does not answer.
    pub async fn seen(systems: &Reach) -> Option<Self> {
        let mut everything = Self {
            records: BTreeMap::new(),
        };
        for system in System::ALL {
            let records = match system {
                System::Platform => systems.list("incidents").await?,
                _ => words::records(system, &systems.get(system, words::list(system)).await?),
            };
            for json in records {
                let id = words::id(system, &json).expect("an id");
                let notes = notes(systems, system, &id, &json).await?;
                let held = everything.records.entry(system).or_default();
                held.insert(id, Record { json, notes });
            }
        }
        Some(everything)
    }

    /// All that is not as it must be.
    pub fn violations(&self, subjects: &[Subject]) -> Vec<String> {
        let mut found = Vec::new();
        self.one_record_each(&mut found);
        for incident in self.of(System::Platform).values() {
            self.in_sync(incident, &mut found);
        }
        for subject in subjects {
            self.nothing_lost(subject, &mut found);
        }
        found
    }

    fn of(&self, system: System) -> &BTreeMap<String, Record> {
        static NONE: BTreeMap<String, Record> = BTreeMap::new();
        self.records.get(&system).unwrap_or(&NONE)
    }

    /// The vendor's record of an incident.
    fn record<'a>(&'a self, incident: &'a Record, system: System) -> Option<&'a Record> {
        match system {
            System::Platform => Some(incident),
            _ => self.of(system).get(&words::linked(&incident.json, system)?),
        }
    }

    /// Every incident has one record at each vendor, and every record one incident.
    fn one_record_each(&self, found: &mut Vec<String>) {
        for system in System::VENDORS {
            let mut incidents: BTreeMap<&str, Vec<&str>> = self
                .of(system)
                .keys()
                .map(|id| (id.as_str(), Vec::new()))
                .collect();
            for (id, incident) in self.of(System::Platform) {
                let Some(external) = words::linked(&incident.json, system) else {
                    found.push(format!("{id} has no record in {system:?}"));
                    continue;
                };
                match incidents.iter_mut().find(|(known, _)| **known == external) {
                    Some((_, linked)) => linked.push(id),
                    None => found.push(format!("{id}: {system:?} has no {external}")),
                }
            }
            for (external, linked) in incidents {
                if linked.len() != 1 {
                    let title = words::title(system, &self.of(system)[external].json);
                    found.push(format!(
                        "{system:?} {external} ({title}) is linked with {linked:?}"
                    ));
                }
            }
        }
    }

    fn in_sync(&self, incident: &Record, found: &mut Vec<String>) {
        let held = |name: &str| incident.json[name].as_str().unwrap_or_default();
        let (id, severity, status) = (held("id"), held("severity"), held("status"));
        for system in System::VENDORS {
            let Some(record) = self.record(incident, system) else {
                continue;
            };
            let pairs = [
                (words::title(system, &record.json), held("title")),
                (
                    words::severity_of(system, &record.json),
                    words::severity(system, severity),
                ),
                (
                    words::status_of(system, &record.json),
                    words::status(system, status),
                ),
            ];
            for (there, here) in pairs {
                if there != here {
                    found.push(format!("{id}: {system:?} holds {there:?}, not {here:?}"));
                }
            }
            for note in &record.notes {
                let same = record.notes.iter().filter(|other| *other == note);
                if same.count() > 1 {
                    found.push(format!("{id}: {system:?} has {note:?} more than once"));
                }
            }
        }
    }

    fn nothing_lost(&self, subject: &Subject, found: &mut Vec<String>) {
        let named = |record: &&Record| {
            words::title(System::Platform, &record.json).starts_with(&subject.word)
        };
        let incidents: Vec<_> = self.of(System::Platform).values().filter(named).collect();
        let incident = match incidents[..] {
            [incident] => incident,
            [] if !subject.exists() => return,
            _ => {
                let count = incidents.len();
                return found.push(format!("{} is there {count} times", subject.word));
            }
        };
        for (name, history) in [
            ("title", &subject.title),
            ("status", &subject.status),
            ("severity", &subject.severity),
        ] {
            let value = incident.json[name].as_str().unwrap_or_default();
            let possible = history.possible();
            if !possible.contains(&value) {
                let word = &subject.word;
                found.push(format!(
                    "{word}: {name} is {value:?}, and should be one of {possible:?}"
                ));
            }
        }
        for note in &subject.notes {
            for system in System::ALL {
                let Some(record) = self.record(incident, system) else {
                    continue;
                };
                let copies = record.notes.iter().filter(|text| text.contains(&note.text));
                let copies = copies.count();
                let expected = usize::from(words::note_reaches(note.by, system));
                // One that nobody was told of may not be there, but then nowhere.
                let at_home = self.record(incident, note.by);
                let is_there = at_home
                    .is_some_and(|home| home.notes.iter().any(|text| text.contains(&note.text)));
                let expected = if note.answered || is_there {
                    expected
                } else {
                    0
                };
                if copies != expected {
                    let (word, text) = (&subject.word, &note.text);
                    found.push(format!(
                        "{word}: {system:?} has {text:?} {copies} times, not {expected}"
                    ));
                }
            }
        }
    }
}

/// What is still to be done: webhooks that wait, deliveries that are open, incidents that owe something; `None` if
/// somebody does not answer.
pub async fn left(systems: &Reach) -> Option<Vec<String>> {
    let mut left = Vec::new();
    for system in System::VENDORS {
        let sent = systems.get(system, "webhooks").await?;
        let waiting = sent["webhooks"].as_array().into_iter().flatten();
        let waiting = waiting.filter(|webhook| webhook["outcome"] != "delivered");
        left.extend(waiting.map(|webhook| format!("{system:?}: {webhook}")));
        let path = format!(
            "deliveries?integration_id={}&status=open",
            system.integration()
        );
        let open = systems.list(&path).await?;
        left.extend(open.iter().map(|delivery| format!("open: {delivery}")));
    }
    for incident in systems.list("incidents").await? {
        if incident["pending"] != serde_json::json!([]) {
            left.push(format!("owed: {} {}", incident["id"], incident["pending"]));
        }
    }
    Some(left)
}

async fn notes(systems: &Reach, system: System, id: &str, record: &Value) -> Option<Vec<String>> {
    let (list, name) = match system {
        System::Platform => {
            let mut notes = Vec::new();
            for list in ["comments", "work-notes"] {
                let list = systems
                    .get(system, &format!("incidents/{id}/{list}"))
                    .await?;
                notes.extend(list["items"].as_array().into_iter().flatten().cloned());
            }
            (Value::from(notes), "text")
        }
        System::PagerDuty => (record["notes"].clone(), "content"),
        System::ServiceNow => {
            let path = format!("incidents/{id}/journal");
            let journal = systems.get(system, &path).await?;
            (journal["journal"].clone(), "value")
        }
        System::Jira => (record["fields"]["comment"]["comments"].clone(), "body"),
    };
    let notes = list.as_array().into_iter().flatten();
    // A document's text is in its JSON.
    let text = |note: &Value| match &note[name] {
        Value::String(text) => text.clone(),
        document => document.to_string(),
    };
    Some(notes.map(text).collect())
}
