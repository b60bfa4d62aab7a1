//! Everything a stand-in holds, behind its lock.

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::config::{Account, PagerDutyConfig};
use super::incident::{Incident, NewIncident, Status, UserAt};
use super::log_entry::{Author, Kind, LogEntry};
use super::refusal::Refusal;
use super::{
    edit::{Change, Edit},
    webhook,
};
use crate::appended::Appended;
use crate::automation;
use crate::rate_limit::RateLimit;
use crate::surroundings::Surroundings;
use crate::versions::Versions;

/// What one change made of the records.
#[derive(Debug, Serialize, Deserialize)]
pub struct Changes {
    incidents: Vec<(String, Incident)>,
    log: Vec<LogEntry>,
}

/// The account's records and who may write them.
pub struct State {
    pub(crate) surroundings: Surroundings,
    pub(crate) account: Arc<Account>,
    pub(crate) token: String,
    pub(crate) token_owner: Option<String>,
    pub(crate) secrets: Vec<String>,
    pub(crate) limit: RateLimit,
    pub(crate) log: Appended<LogEntry>,
    pub(crate) incidents: Versions<Incident>,
}

impl State {
    pub(crate) fn new(config: PagerDutyConfig) -> Self {
        Self {
            surroundings: Surroundings::new(config.clock, config.seed),
            account: Arc::new(config.account),
            token: config.token,
            token_owner: config.token_owner,
            secrets: config.webhook_secrets,
            limit: RateLimit::per_minute(config.requests_per_minute),
            log: Appended::default(),
            incidents: Versions::default(),
        }
    }

    pub(crate) fn incident(&self, id: &str) -> Option<&Incident> {
        self.incidents.get(id)
    }

    pub(crate) fn take_unsaved(&mut self) -> Option<Changes> {
        let incidents = self.incidents.take_unsaved();
        let log = self.log.take_unsaved();
        let nothing = incidents.is_empty() && log.is_empty();
        (!nothing).then_some(Changes { incidents, log })
    }

    pub(crate) fn take_up(&mut self, changes: Changes) {
        self.incidents.take_up(changes.incidents);
        self.log.take_up(changes.log);
    }

    fn store(&mut self, incident: Incident) {
        let id = incident.id.clone();
        self.incidents.store(&id, incident);
    }

    /// Starts a change of `id`; nothing is kept until it is finished.
    pub(crate) fn edit<'a>(
        &'a mut self,
        id: &str,
        author: &'a Author,
    ) -> Result<Edit<'a>, Refusal> {
        let incident = self.incident(id).ok_or_else(Refusal::not_found)?.clone();
        Ok(Edit::new(self, incident, author))
    }

    /// Creates an incident whose references exist.
    pub(crate) fn create(&mut self, new: NewIncident, author: &Author) -> Result<String, Refusal> {
        let account = Arc::clone(&self.account);
        let Some(service) = account.service(&new.service) else {
            return Err(Refusal::invalid("Service is invalid"));
        };
        let title = valid_title(&new.title)?;
        let key = new
            .incident_key
            .unwrap_or_else(|| self.surroundings.ids.hex());
        if self.open_key(&service.id, &key) {
            return Err(Refusal::invalid(
                "Open incident with matching dedup key already exists on this service",
            ));
        }
        let now = self.surroundings.now();
        let policy = new
            .escalation_policy
            .unwrap_or_else(|| service.escalation_policy.clone());
        let assigned_directly = !new.assignees.is_empty();
        let by = author.user().unwrap_or(&service.id).to_owned();
        let incident = Incident {
            id: self.surroundings.ids.id('Q', 13),
            number: self.incidents.created() as u64 + 1,
            title,
            status: Status::Triggered,
            urgency: new.urgency,
            priority: new.priority,
            incident_key: key,
            service: service.id.clone(),
            assignments: Vec::new(),
            assigned_directly,
            acknowledgements: Vec::new(),
            details: new.details,
            notes: Vec::new(),
            created_at: now,
            updated_at: now,
            last_status_change_at: now,
            last_status_change_by: by,
            resolved_at: None,
            merged_into: None,
            reopened_at: None,
            first_log_entry: self.surroundings.ids.id('R', 13),
            escalation_policy: policy,
        };
        Ok(self.announce(incident, new.assignees, author))
    }

    /// Merges open incidents into another open one, all or none.
    pub(crate) fn merge(
        &mut self,
        sources: &[String],
        into: &str,
        author: &Author,
    ) -> Result<(), Refusal> {
        let target = self.incident(into).ok_or_else(Refusal::not_found)?;
        if target.status == Status::Resolved {
            return Err(Refusal::invalid("The target incident must be open"));
        }
        for (place, id) in sources.iter().enumerate() {
            let source = self.incident(id);
            let source = source.ok_or_else(|| Refusal::invalid(format!("{id} was not found")))?;
            if source.status == Status::Resolved {
                return Err(Refusal::already_resolved());
            }
            if id == into || sources[..place].contains(id) {
                return Err(Refusal::invalid(
                    "source_incidents are not different incidents",
                ));
            }
        }
        for id in sources {
            self.edit(id, author)?
                .apply(vec![Change::Merge(into.to_owned())])?;
        }
        Ok(())
    }

    fn announce(&mut self, mut incident: Incident, chosen: Vec<String>, author: &Author) -> String {
        let now = incident.created_at;
        let assignees = if chosen.is_empty() {
            self.first_of_policy(&incident.escalation_policy)
        } else {
            chosen
        };
        let give = |user: &String| UserAt {
            user: user.clone(),
            at: now,
        };
        incident.assignments = assignees.iter().map(give).collect();
        let id = incident.id.clone();
        let trigger = self.entry(&incident, author, Kind::Trigger, now);
        self.log.push(LogEntry {
            id: incident.first_log_entry.clone(),
            ..trigger
        });
        let assign = self.entry(&incident, author, Kind::Assign, now);
        self.log.push(LogEntry {
            assignees,
            ..assign
        });
        webhook::incident_event(self, "incident.triggered", &incident, author, now);
        self.changed(incident, author);
        id
    }

    /// Keeps a new version, and sets off what it sets off.
    pub(crate) fn changed(&mut self, incident: Incident, author: &Author) {
        if *author != Author::Automation {
            let account = Arc::clone(&self.account);
            let before = self.incidents.get(&incident.id);
            let value = |incident: &Incident, field: &str| incident.named(&account, field);
            let automations = &mut self.surroundings.automations;
            automations.set_off(&incident.id, before, &incident, value);
        }
        self.store(incident);
        automation::carry_out(self);
    }

    pub(crate) fn entry(
        &mut self,
        incident: &Incident,
        author: &Author,
        kind: Kind,
        now: Timestamp,
    ) -> LogEntry {
        LogEntry {
            id: self.surroundings.ids.id('R', 13),
            kind,
            created_at: now,
            incident: incident.id.clone(),
            user: author.user().map(str::to_owned),
            channel: author.channel(kind),
            assignees: Vec::new(),
            note: None,
        }
    }

    pub(crate) fn first_of_policy(&self, policy: &str) -> Vec<String> {
        let policy = self.account.escalation_policy(policy);
        let first = policy.and_then(|policy| policy.levels.first());
        first.cloned().into_iter().collect()
    }

    fn open_key(&self, service: &str, key: &str) -> bool {
        self.incidents.all().any(|incident| {
            incident.service == service
                && incident.incident_key == key
                && incident.status != Status::Resolved
        })
    }
}

/// The title as it is stored.
pub(crate) fn valid_title(title: &str) -> Result<String, Refusal> {
    let title = title.trim();
    if title.is_empty() {
        return Err(Refusal::invalid("Title cannot be empty"));
    }
    if title.chars().count() > 1024 {
        return Err(Refusal::invalid(
            "Title is too long (maximum is 1024 characters)",
        ));
    }
    Ok(title.to_owned())
}
