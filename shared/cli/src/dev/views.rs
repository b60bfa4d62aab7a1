//! One incident as each of the four systems shows it, in that system's own words.

use serde_json::Value;

use super::demo::Demo;

/// One of the four.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum System {
    Platform,
    PagerDuty,
    ServiceNow,
    Jira,
}

impl System {
    /// Every system.
    pub const ALL: [Self; 4] = [
        Self::Platform,
        Self::PagerDuty,
        Self::ServiceNow,
        Self::Jira,
    ];

    /// What people call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Platform => "platform",
            Self::PagerDuty => "PagerDuty",
            Self::ServiceNow => "ServiceNow",
            Self::Jira => "Jira",
        }
    }
}

/// What a system holds of an incident.
#[derive(Debug, Clone, Default)]
pub struct View {
    pub title: String,
    pub severity: String,
    pub status: String,
    pub notes: Vec<String>,
}

/// The incident of the round trip: its id in each system, once it has one.
#[derive(Debug, Clone, Default)]
pub struct Ids {
    pub platform: String,
    pub pagerduty: String,
    pub servicenow: String,
    pub jira: String,
}

/// What a system holds; `None` while it has no record.
pub async fn view(demo: &Demo, ids: &Ids, system: System) -> anyhow::Result<Option<View>> {
    match system {
        System::Platform => platform(demo, &ids.platform).await.map(Some),
        System::PagerDuty => Ok(pagerduty(demo, &ids.pagerduty)),
        System::ServiceNow => Ok(servicenow(demo, &ids.servicenow)),
        System::Jira => Ok(jira(demo, &ids.jira)),
    }
}

async fn platform(demo: &Demo, id: &str) -> anyhow::Result<View> {
    let incident = demo.get(&format!("/incidents/{id}")).await?;
    let text = |name: &str| incident[name].as_str().unwrap_or_default().to_owned();
    let mut notes = Vec::new();
    for list in ["comments", "work-notes"] {
        let listed = demo.get(&format!("/incidents/{id}/{list}")).await?;
        let items = listed["items"].as_array().into_iter().flatten();
        notes.extend(items.filter_map(|note| Some(note["text"].as_str()?.to_owned())));
    }
    Ok(View {
        title: text("title"),
        severity: text("severity"),
        status: text("status"),
        notes,
    })
}

fn pagerduty(demo: &Demo, id: &str) -> Option<View> {
    let incident = demo.sandboxes.pagerduty.incident(id)?;
    let word = |value: Value| value.as_str().unwrap_or_default().to_owned();
    Some(View {
        title: incident.title.clone(),
        severity: word(serde_json::to_value(incident.urgency).ok()?),
        status: word(serde_json::to_value(incident.status).ok()?),
        notes: incident
            .notes
            .into_iter()
            .map(|note| note.content)
            .collect(),
    })
}

fn servicenow(demo: &Demo, sys_id: &str) -> Option<View> {
    let incident = demo.sandboxes.servicenow.incident(sys_id)?;
    let column = |name: &str| incident.get(name).unwrap_or_default().to_owned();
    let journal = demo.sandboxes.servicenow.journal(sys_id);
    Some(View {
        title: column("short_description"),
        severity: format!("{}/{}", column("impact"), column("urgency")),
        status: column("state"),
        notes: journal
            .iter()
            .filter_map(|entry| entry.get("value").map(str::to_owned))
            .collect(),
    })
}

fn jira(demo: &Demo, key: &str) -> Option<View> {
    let issue = demo.sandboxes.jira.issue(key)?;
    Some(View {
        title: issue.summary,
        severity: issue.priority.name,
        status: issue.status.name,
        notes: issue
            .comments
            .iter()
            .map(im_sandbox::jira::Comment::text)
            .collect(),
    })
}

/// An incident that every vendor has, for examples.
pub async fn some_incident(demo: &Demo) -> anyhow::Result<Option<Ids>> {
    let listed = demo.get("/incidents?limit=100").await?;
    for incident in listed["items"].as_array().into_iter().flatten() {
        let mut ids = Ids {
            platform: incident["id"].as_str().unwrap_or_default().to_owned(),
            ..Ids::default()
        };
        find_links(demo, &mut ids).await?;
        if [&ids.pagerduty, &ids.servicenow, &ids.jira]
            .iter()
            .all(|id| !id.is_empty())
        {
            return Ok(Some(ids));
        }
    }
    Ok(None)
}

/// The id that each vendor gave to the incident.
pub async fn find_links(demo: &Demo, ids: &mut Ids) -> anyhow::Result<()> {
    let incident = demo.get(&format!("/incidents/{}", ids.platform)).await?;
    for link in incident["links"].as_array().into_iter().flatten() {
        let external = link["external_id"].as_str().unwrap_or_default().to_owned();
        match link["integration_id"].as_str() {
            Some(super::sandboxes::PAGERDUTY) => ids.pagerduty = external,
            Some(super::sandboxes::SERVICENOW) => ids.servicenow = external,
            Some(super::sandboxes::JIRA) => ids.jira = external,
            _ => {}
        }
    }
    Ok(())
}
