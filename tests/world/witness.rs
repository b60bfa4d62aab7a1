//! What the vendors' records hold, read from the sandboxes themselves: no request, no time, no credentials.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::Request;
use im_model::IntegrationType;
use im_sandbox::{jira::Jira, pagerduty::PagerDuty, servicenow::ServiceNow};

/// A record's fields, by the platform's names of them, as the vendor stores them.
pub type Shown = BTreeMap<&'static str, String>;

/// Sees every request arrive, and what it leaves behind.
pub trait Witness: Send + Sync {
    /// A request is about to be carried out.
    fn arrives(&self, vendor: IntegrationType, request: &Request<Bytes>);
    /// It was carried out; the caller may not learn so.
    fn carried_out(&self, vendor: IntegrationType, answer: &[u8]);
}

/// The three sandboxes.
#[derive(Clone)]
pub struct Vendors {
    /// PagerDuty's.
    pub pagerduty: PagerDuty,
    /// Jira's.
    pub jira: Jira,
    /// ServiceNow's.
    pub servicenow: ServiceNow,
}

impl Vendors {
    /// Every record of a vendor, by the id that links name, in order of creation.
    pub fn records(&self, vendor: IntegrationType) -> Vec<(String, Shown)> {
        match vendor {
            IntegrationType::PagerDuty => self.pagerduty_records(),
            IntegrationType::Jira => self.jira_records(),
            IntegrationType::ServiceNow => self.servicenow_records(),
        }
    }

    fn pagerduty_records(&self) -> Vec<(String, Shown)> {
        let records = self.pagerduty.incidents().into_iter();
        let shown = |it: im_sandbox::pagerduty::Incident| {
            let assignees: Vec<_> = it.assignments.iter().map(|to| to.user.clone()).collect();
            let shown = Shown::from([
                ("title", it.title),
                ("status", it.status.as_str().to_owned()),
                ("severity", it.urgency.as_str().to_owned()),
                ("priority", it.priority.unwrap_or_default()),
                ("assigned_to", assignees.join(",")),
                ("incident", it.incident_key),
            ]);
            (it.id, shown)
        };
        records.map(shown).collect()
    }

    fn jira_records(&self) -> Vec<(String, Shown)> {
        let records = self.jira.issues().into_iter();
        let shown = |it: im_sandbox::jira::Issue| {
            let shown = Shown::from([
                ("description", it.description_text()),
                ("title", it.summary),
                ("status", it.status.name),
                ("severity", it.priority.name),
                ("assigned_to", it.assignee.unwrap_or_default()),
                ("incident", it.labels.join(",")),
            ]);
            (it.id, shown)
        };
        records.map(shown).collect()
    }

    fn servicenow_records(&self) -> Vec<(String, Shown)> {
        let records = self.servicenow.incidents().into_iter();
        let shown = |it: im_sandbox::servicenow::Record| {
            let column = |name: &str| it.get(name).unwrap_or_default().to_owned();
            let shown = Shown::from([
                ("title", column("short_description")),
                ("description", column("description")),
                ("status", column("state")),
                (
                    "severity",
                    format!("{}/{}", column("impact"), column("urgency")),
                ),
                ("assigned_to", column("assigned_to")),
                ("incident", column("correlation_id")),
            ]);
            (column("sys_id"), shown)
        };
        records.map(shown).collect()
    }

    /// The texts of every note of a record.
    pub fn notes(&self, vendor: IntegrationType, record: &str) -> Vec<String> {
        match vendor {
            IntegrationType::PagerDuty => {
                let found = self.pagerduty.incident(record);
                let notes = found.into_iter().flat_map(|it| it.notes);
                notes.map(|note| note.content).collect()
            }
            IntegrationType::Jira => {
                let comments = self.jira.comments(record).into_iter();
                comments.map(|comment| comment.body.to_string()).collect()
            }
            IntegrationType::ServiceNow => {
                let entries = self.servicenow.journal(record).into_iter();
                entries.map(|entry| entry["value"].to_owned()).collect()
            }
        }
    }
}
