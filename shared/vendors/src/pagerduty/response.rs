//! Answers, parsed without I/O.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::{Response, StatusCode};
use im_model::{
    ActorId, ExternalId, ExternalRecord, ExternalValue, Field, IncidentId, Observed, RecordVersion,
};
use im_sync::Change;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value as Json;

use crate::{VendorError, VendorErrorKind};

/// `PagerDuty`'s code for "Incident Already Resolved" (FACTS).
pub(super) const ALREADY_RESOLVED: i64 = 1001;

/// No `From`, or one that is nobody's address in the account (FACTS).
const BAD_FROM: [i64; 2] = [2016, 1008];

#[derive(Debug, Deserialize)]
pub(super) struct OneIncident {
    pub(super) incident: Incident,
}

#[derive(Debug, Deserialize)]
pub(super) struct Incidents {
    pub(super) incidents: Vec<Incident>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Priorities {
    pub(super) priorities: Vec<Named>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Users {
    pub(super) users: Vec<User>,
}

#[derive(Debug, Deserialize)]
pub(super) struct OneUser {
    pub(super) user: User,
}

#[derive(Debug, Deserialize)]
pub(super) struct User {
    pub(super) id: String,
    pub(super) email: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Named {
    pub(super) id: Option<String>,
    pub(super) name: Option<String>,
    pub(super) summary: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Incident {
    id: String,
    html_url: Option<String>,
    title: Option<String>,
    summary: Option<String>,
    status: String,
    urgency: Option<String>,
    incident_key: Option<String>,
    created_at: Timestamp,
    updated_at: Option<Timestamp>,
    last_status_change_at: Option<Timestamp>,
    last_status_change_by: Option<Named>,
    priority: Option<Named>,
    escalation_policy: Option<Named>,
    assignments: Option<Vec<Assignment>>,
}

#[derive(Debug, Deserialize)]
struct Assignment {
    at: Option<Timestamp>,
    assignee: User,
}

impl Incident {
    /// The id of the first assignee, if the answer has no e-mail address for it.
    pub(super) fn assignee_to_look_up(&self) -> Option<&str> {
        let first = &self.assignments.as_ref()?.first()?.assignee;
        first.email.is_none().then_some(first.id.as_str())
    }

    /// `known` are addresses by user id, for answers that hold references only. An assignee of unknown address
    /// leaves the field unobserved.
    pub(super) fn into_record(
        self,
        known: &BTreeMap<String, String>,
    ) -> Result<ExternalRecord, String> {
        let id = ExternalId::parse(&self.id).map_err(|error| error.to_string())?;
        let updated_at = self
            .updated_at
            .or(self.last_status_change_at)
            .unwrap_or(self.created_at);
        let version = u64::try_from(updated_at.as_second())
            .map_err(|_| format!("updated_at {updated_at} lies before 1970"))?;
        // Of an incident that is neither acknowledged nor resolved it is the `updated_at` (official schema).
        let status_changed_at = self
            .last_status_change_at
            .filter(|at| self.status != "triggered" || *at != updated_at);
        let mut fields = BTreeMap::new();
        let mut see = |field, value: Option<String>| {
            let value = value.map_or(ExternalValue::EMPTY, ExternalValue::text);
            fields.insert(field, Observed::value(value));
        };
        see(Field::Title, self.title.or(self.summary));
        see(
            Field::Priority,
            self.priority
                .and_then(|priority| priority.name.or(priority.summary)),
        );
        if let Some(urgency) = self.urgency {
            see(Field::Severity, Some(urgency));
        }
        if let Some(policy) = self.escalation_policy {
            see(Field::EscalationPolicy, policy.id);
        }
        // A resolved incident has no assignments (official schema): that says nothing about who resolved it.
        if self.status != "resolved"
            && let Some(observed) = observed_assignee(self.assignments.unwrap_or_default(), known)
        {
            fields.insert(Field::AssignedTo, observed);
        }
        fields.insert(
            Field::Status,
            Observed {
                value: ExternalValue::text(self.status),
                changed_at: status_changed_at,
                author: self
                    .last_status_change_by
                    .and_then(|by| ActorId::parse(&by.id?).ok()),
            },
        );
        Ok(ExternalRecord {
            id,
            version: RecordVersion(version),
            url: self.html_url,
            correlation: self
                .incident_key
                .and_then(|key| IncidentId::parse(&key).ok()),
            created_at: self.created_at,
            updated_at,
            fields,
        })
    }
}

/// The first assignee stands for all: the platform holds one.
fn observed_assignee(
    assignments: Vec<Assignment>,
    known: &BTreeMap<String, String>,
) -> Option<Observed> {
    let Some(Assignment { at, assignee }) = assignments.into_iter().next() else {
        return Some(Observed::value(ExternalValue::EMPTY));
    };
    let email = assignee
        .email
        .or_else(|| known.get(&assignee.id).cloned())?;
    Some(Observed {
        value: ExternalValue::text(email),
        changed_at: at,
        author: None,
    })
}

#[derive(Debug, Deserialize)]
pub(super) struct LogEntries {
    pub(super) log_entries: Vec<LogEntry>,
    #[serde(default)]
    pub(super) more: bool,
}

#[derive(Debug, Deserialize)]
pub(super) struct LogEntry {
    #[serde(rename = "type")]
    kind: String,
    created_at: Timestamp,
    agent: Option<Named>,
}

impl LogEntry {
    /// What the entry says has changed. Status entries name the value by their type, the others do not.
    pub(super) fn change(self) -> Option<Change> {
        let status = |status: &str| (Field::Status, Some(ExternalValue::text(status)));
        let (field, value) = match self.kind.trim_end_matches("_reference") {
            "trigger_log_entry" | "unacknowledge_log_entry" => status("triggered"),
            // The official file spells it both ways.
            "acknowledge_log_entry" | "acknowledgement_log_entry" => status("acknowledged"),
            "resolve_log_entry" => status("resolved"),
            "assign_log_entry" | "delegate_log_entry" | "escalate_log_entry" => {
                (Field::AssignedTo, None)
            }
            "urgency_change_log_entry" => (Field::Severity, None),
            _ => return None,
        };
        let author = self.agent.and_then(|agent| ActorId::parse(&agent.id?).ok());
        Some(Change {
            field,
            value,
            at: self.created_at,
            author,
        })
    }
}

/// Parses a successful answer; anything else becomes an error that says what was tried.
pub(super) fn parse<T: DeserializeOwned>(
    tried: &str,
    response: &Response<Bytes>,
) -> Result<T, VendorError> {
    let status = response.status();
    if !status.is_success() {
        return Err(refusal(tried, response));
    }
    serde_json::from_slice(response.body()).map_err(|error| VendorError {
        tried: tried.to_owned(),
        kind: VendorErrorKind::Garbage,
        detail: format!("{status} with a body that is not as documented: {error}"),
    })
}

fn refusal(tried: &str, response: &Response<Bytes>) -> VendorError {
    let (code, detail) = error_body(response.body());
    let status = response.status();
    let kind = match status {
        StatusCode::UNAUTHORIZED => VendorErrorKind::Unauthorized,
        StatusCode::FORBIDDEN => VendorErrorKind::Forbidden,
        StatusCode::NOT_FOUND => VendorErrorKind::NotFound,
        StatusCode::TOO_MANY_REQUESTS => VendorErrorKind::RateLimited {
            retry_after: retry_after(response),
        },
        StatusCode::REQUEST_TIMEOUT => VendorErrorKind::Timeout,
        // Not about the incident, but about who we say we are: no field is to blame.
        StatusCode::BAD_REQUEST if code.is_some_and(|code| BAD_FROM.contains(&code)) => {
            VendorErrorKind::Unsendable { field: None }
        }
        status if status.is_client_error() => VendorErrorKind::Refused {
            status: status.as_u16(),
            code,
        },
        status if status.is_server_error() => VendorErrorKind::Unavailable {
            status: status.as_u16(),
        },
        // A redirect, say: no API answer.
        _ => VendorErrorKind::Garbage,
    };
    VendorError {
        tried: tried.to_owned(),
        kind,
        detail,
    }
}

/// `ratelimit-reset` counts seconds; a 429 may carry no header at all (FACTS).
fn retry_after(response: &Response<Bytes>) -> Option<SignedDuration> {
    let seconds = |name| {
        let text = response.headers().get(name)?.to_str().ok()?;
        text.trim().parse::<u32>().ok()
    };
    let seconds = seconds("retry-after").or_else(|| seconds("ratelimit-reset"))?;
    Some(SignedDuration::from_secs(i64::from(seconds)))
}

/// `{"error":{"message","code","errors":[…]}}`, but `errors` can be a map and `error` an array or a text (FACTS).
fn error_body(body: &[u8]) -> (Option<i64>, String) {
    let Ok(json) = serde_json::from_slice::<Json>(body) else {
        return (None, String::new());
    };
    let error = &json["error"];
    let code = error["code"].as_i64();
    let mut words = Vec::new();
    collect_texts(if error.is_null() { &json } else { error }, &mut words);
    let detail = words.join("; ");
    (code, detail.chars().take(300).collect())
}

fn collect_texts(json: &Json, into: &mut Vec<String>) {
    match json {
        Json::String(text) => into.push(text.clone()),
        Json::Array(items) => items.iter().for_each(|item| collect_texts(item, into)),
        Json::Object(map) => map.values().for_each(|item| collect_texts(item, into)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(status: u16, headers: &[(&str, &str)], body: &str) -> VendorError {
        let mut response = Response::builder().status(status);
        for (name, value) in headers {
            response = response.header(*name, *value);
        }
        let response = response
            .body(Bytes::copy_from_slice(body.as_bytes()))
            .expect("a response");
        parse::<OneIncident>("GET /incidents/P1", &response).expect_err("not a success")
    }

    #[test]
    fn errors_are_read_in_every_shape_seen() {
        for body in [
            r#"{"error":{"message":"Invalid","code":2001,"errors":["Title is bad"]}}"#,
            r#"{"error":{"message":"Invalid","code":2001,"errors":{"title":["Title is bad"]}}}"#,
        ] {
            let error = error(400, &[], body);
            assert_eq!(
                error.kind,
                VendorErrorKind::Refused {
                    status: 400,
                    code: Some(2001)
                }
            );
            assert!(error.detail.contains("Title is bad"), "{}", error.detail);
            assert!(error.is_permanent());
        }
        let array = error(400, &[], r#"{"error":["Title is bad"]}"#);
        assert_eq!(array.detail, "Title is bad");
        assert_eq!(error(404, &[], "").kind, VendorErrorKind::NotFound);
        assert_eq!(
            error(503, &[], "<html>").kind,
            VendorErrorKind::Unavailable { status: 503 }
        );
        assert_eq!(error(200, &[], "<html>").kind, VendorErrorKind::Garbage);
    }

    #[test]
    fn a_429_may_or_may_not_say_how_long() {
        let wait = |headers: &[(&str, &str)]| match error(429, headers, "{}").kind {
            VendorErrorKind::RateLimited { retry_after } => retry_after.map(|wait| wait.as_secs()),
            other => panic!("{other:?}"),
        };
        assert_eq!(wait(&[]), None);
        assert_eq!(wait(&[("ratelimit-reset", "7")]), Some(7));
        assert_eq!(wait(&[("ratelimit-reset", "soon")]), None);
    }
}
