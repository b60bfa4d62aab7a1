//! Tells the account's default event bus of dead letters.

use async_trait::async_trait;
use aws_sdk_eventbridge::{Client, error::ProvideErrorMetadata, types::PutEventsRequestEntry};
use im_engine::{DeadLetter, StoreError, ports::Announcer};
use serde_json::{Map, Value};

/// `EventBridge`: events of source `im` and detail-type `Dead Letter`.
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
    async fn dead_letter(&self, letter: &DeadLetter) -> Result<(), StoreError> {
        let failed = |detail: &str| StoreError {
            tried: "announce the dead letter",
            on: letter.id.to_string(),
            detail: detail.to_owned(),
        };
        let entry = PutEventsRequestEntry::builder()
            .source("im")
            .detail_type("Dead Letter")
            .detail(detail(letter).to_string());
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
fn detail(letter: &DeadLetter) -> Value {
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
