//! The four systems' own words.

use serde_json::{Value, json};

use crate::running::System;

pub const SEVERITIES: [&str; 4] = ["SEV-1", "SEV-2", "SEV-3", "SEV-4"];

/// By system: what the title is called, and how a person adds a note that every system gets.
pub const TITLE: [&str; 4] = ["title", "title", "short_description", "summary"];
pub const NOTE: [&str; 4] = ["text", "note", "work_note", "comment"];

/// The path of the records.
pub fn list(system: System) -> &'static str {
    match system {
        System::Jira => "issues",
        _ => "incidents",
    }
}

/// The records of a vendor's list.
pub fn records(system: System, listed: &Value) -> Vec<Value> {
    listed[list(system)].as_array().cloned().unwrap_or_default()
}

/// A person's edit.
pub fn by(system: System, mut change: Value) -> Value {
    if system != System::Platform {
        change["by"] = json!("ann@example.com");
    }
    change
}

/// Path and body.
pub fn creation(system: System, title: &str, severity: &str) -> (&'static str, Value) {
    let mut body = by(system, json!({ TITLE[system as usize]: title }));
    let raw = self::severity(system, severity);
    match system {
        System::Platform => body["severity"] = json!(raw),
        System::PagerDuty => body["urgency"] = json!(raw),
        System::ServiceNow => {
            let (impact, urgency) = raw.split_once('/').expect("two");
            body["impact"] = json!(impact);
            body["urgency"] = json!(urgency);
        }
        System::Jira => body["priority"] = json!(raw),
    }
    (list(system), body)
}

/// The severity of an incident that was created so: two of them are one urgency.
pub fn severity_after_creation(system: System, severity: &'static str) -> &'static str {
    match (system, severity) {
        (System::PagerDuty, "SEV-1" | "SEV-2") => "SEV-2",
        (System::PagerDuty, _) => "SEV-3",
        _ => severity,
    }
}

/// How a severity is sent.
pub fn severity(system: System, severity: &str) -> &'static str {
    let place = SEVERITIES.iter().position(|known| *known == severity);
    let words = match system {
        System::Platform => SEVERITIES,
        System::PagerDuty => ["high", "high", "low", "low"],
        System::ServiceNow => ["1/1", "2/1", "2/2", "3/2"],
        System::Jira => ["Highest", "High", "Medium", "Low"],
    };
    words[place.unwrap_or_else(|| panic!("severity {severity}"))]
}

const STATUSES: [&str; 5] = ["open", "acknowledged", "mitigated", "resolved", "closed"];

/// What people make of the status there, in the platform's words.
pub fn statuses_by(system: System) -> &'static [&'static str] {
    match system {
        System::Platform => &STATUSES,
        System::PagerDuty | System::Jira => &["open", "acknowledged", "resolved"],
        System::ServiceNow => &["open", "acknowledged", "resolved", "closed"],
    }
}

/// How a status is sent.
pub fn status(system: System, status: &str) -> &'static str {
    let place = STATUSES.iter().position(|known| *known == status);
    let words = match system {
        System::Platform => STATUSES,
        System::PagerDuty => [
            "triggered",
            "acknowledged",
            "acknowledged",
            "resolved",
            "resolved",
        ],
        System::ServiceNow => ["1", "2", "2", "6", "7"],
        System::Jira => ["To Do", "In Progress", "In Progress", "Resolved", "Closed"],
    };
    words[place.unwrap_or_else(|| panic!("status {status}"))]
}

/// What a person fills in.
pub fn status_change(system: System, wanted: &str) -> Value {
    let raw = status(system, wanted);
    match (system, raw) {
        (System::ServiceNow, "6" | "7") => json!({
            "state": raw, "close_code": "Solution provided", "close_notes": "Done",
        }),
        (System::ServiceNow, _) => json!({ "state": raw }),
        _ => json!({ "status": raw }),
    }
}

/// Whether a note by somebody there reaches `other` with the default owners: ServiceNow owns its work notes, and Jira
/// its comments; what PagerDuty sends is internal.
pub fn note_reaches(by: System, other: System) -> bool {
    !matches!(
        (by, other),
        (System::PagerDuty, System::ServiceNow) | (System::Platform, System::Jira)
    )
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// The id of a record, also of one in an answer.
pub fn id(system: System, record: &Value) -> Option<String> {
    let record = match system {
        System::PagerDuty | System::ServiceNow if record["incident"].is_object() => {
            &record["incident"]
        }
        _ => record,
    };
    let name = if system == System::ServiceNow {
        "sys_id"
    } else {
        "id"
    };
    record[name].as_str().map(str::to_owned)
}

pub fn title(system: System, record: &Value) -> String {
    match system {
        System::Jira => text(&record["fields"]["summary"]),
        _ => text(&record[TITLE[system as usize]]),
    }
}

pub fn severity_of(system: System, record: &Value) -> String {
    match system {
        System::Platform => text(&record["severity"]),
        System::PagerDuty => text(&record["urgency"]),
        System::ServiceNow => format!("{}/{}", text(&record["impact"]), text(&record["urgency"])),
        System::Jira => text(&record["fields"]["priority"]["name"]),
    }
}

pub fn status_of(system: System, record: &Value) -> String {
    match system {
        System::ServiceNow => text(&record["state"]),
        System::Jira => text(&record["fields"]["status"]["name"]),
        _ => text(&record["status"]),
    }
}

/// The id that an incident is linked with.
pub fn linked(incident: &Value, system: System) -> Option<String> {
    let links = incident["links"].as_array()?;
    let link = links
        .iter()
        .find(|link| link["integration_id"] == system.integration())?;
    (link["state"] == "linked").then(|| text(&link["external_id"]))
}
