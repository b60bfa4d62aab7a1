//! Tells the account's default event bus: `events/announced` describes what.

use async_trait::async_trait;
use aws_sdk_eventbridge::{Client, error::ProvideErrorMetadata, types::PutEventsRequestEntry};
use im_engine::{Announcement, DeadLetter, StoreError, ports::Announcer};
use im_model::Conflict;
use serde_json::{Map, Value, json};

/// `EventBridge`: events of source `im`.
#[derive(Debug, Clone)]
pub struct EventBridgeAnnouncer {
    client: Client,
}

impl EventBridgeAnnouncer {
    /// An announcer on the default event bus.
    pub fn new(client: Client) -> Self {
        Self { client }
    }
}

#[async_trait]
impl Announcer for EventBridgeAnnouncer {
    async fn announce(&self, announcement: &Announcement) -> Result<(), StoreError> {
        let (detail_type, detail) = in_words(announcement);
        let failed = |why: &str| StoreError {
            tried: "announce",
            on: format!("{detail_type} of {}", detail["integration_id"]),
            detail: why.to_owned(),
        };
        let entry = PutEventsRequestEntry::builder()
            .source("im")
            .detail_type(detail_type)
            .detail(detail.to_string());
        let sent = self.client.put_events().entries(entry.build()).send().await;
        let answer = sent
            .map_err(|error| failed(error.code().unwrap_or("EventBridge could not be reached")))?;
        // It answers 200 even if it takes none of the events.
        if answer.failed_entry_count > 0 {
            let mut entries = answer.entries.unwrap_or_default().into_iter();
            let code = entries.find_map(|entry| entry.error_code);
            return Err(failed(code.as_deref().unwrap_or("it was not taken")));
        }
        Ok(())
    }
}

/// Names and counts, no value of any field, and no error: a vendor's may quote one.
fn in_words(announcement: &Announcement) -> (&'static str, Value) {
    match announcement {
        Announcement::DeadLetter(letter) => ("Dead Letter", dead_letter(letter)),
        Announcement::ConflictPending(conflict) => ("Conflict Pending", pending(conflict)),
        Announcement::DriftFound {
            integration,
            run,
            differences,
        } => {
            let detail = json!({
                "integration_id": integration, "run_id": run, "differences": differences,
            });
            ("Drift Found", detail)
        }
        Announcement::BrakeStopped {
            integration,
            run,
            changes,
        } => {
            let detail = json!({"integration_id": integration, "run_id": run, "changes": changes});
            ("Brake Stopped", detail)
        }
        Announcement::CredentialsRefused { integration } => (
            "Credentials Refused",
            json!({"integration_id": integration}),
        ),
    }
}

fn pending(conflict: &Conflict) -> Value {
    json!({
        "integration_id": conflict.integration, "conflict_id": conflict.id,
        "incident_id": conflict.incident, "external_id": conflict.external_id,
        "field": conflict.field.name(),
    })
}

fn dead_letter(letter: &DeadLetter) -> Value {
    let mut detail = Map::new();
    detail.insert("integration_id".into(), letter.integration.as_str().into());
    detail.insert("entry_id".into(), letter.id.as_str().into());
    if let Some(incident) = &letter.incident {
        detail.insert("incident_id".into(), incident.as_str().into());
    }
    if let Some(external_id) = &letter.external_id {
        detail.insert("external_id".into(), external_id.as_str().into());
    }
    detail.insert("direction".into(), letter.direction().into());
    detail.insert("reason".into(), letter.reason.as_str().into());
    detail.insert("attempts".into(), letter.attempts_in_all.into());
    detail.into()
}
