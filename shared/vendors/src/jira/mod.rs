//! Jira Cloud and Jira Service Management: REST API v3 and webhooks.
//!
//! Facts come from Atlassian's own `OpenAPI` file and webhook documentation, gathered in the project's `FACTS.md`.

pub mod adf;
mod api;
mod custom_value;
mod defaults;
mod event;
mod field;
mod find;
mod history;
mod issue;
mod known_workflow;
mod list;
mod moment;
mod notes;
mod options;
mod people;
mod probe;
mod project;
mod qsh;
mod refusal;
mod request;
#[cfg(test)]
mod scripted;
mod self_test;
mod setup;
mod status;
mod transition;
mod verify;
mod workflow;
mod write;

use im_model::Secret;

use crate::{
    Refusal, SelfTest, UnreadableEvent, UnverifiedDelivery, Verification, VerifiedDelivery,
    WebhookEvent, WebhookSource,
};

/// The vendor. It has no state: what differs between accounts is in the connection.
#[derive(Debug, Clone, Copy)]
pub struct Jira;

/// Constant across the retries of a delivery; no scheme signs it.
const DELIVERY_ID: &str = "x-atlassian-webhook-identifier";

impl WebhookSource for Jira {
    fn verify(
        &self,
        delivery: UnverifiedDelivery<'_>,
        against: Verification<'_>,
    ) -> Result<VerifiedDelivery, Refusal> {
        let scheme = options::scheme(against.options).ok_or(Refusal::NotForThis)?;
        let issuer = against.credentials.get("client_key").map(Secret::reveal);
        if scheme == verify::Scheme::Connect && issuer.is_none() {
            return Err(Refusal::NotForThis);
        }
        let request = verify::Request {
            method: "POST",
            path: &options::signed_path(against.options, delivery.integration),
            query: delivery.query,
            headers: delivery.headers,
            body: delivery.body,
            now: against.now,
        };
        verify::verify(request, scheme, issuer, against.secrets)?;
        let id = delivery.headers.get(DELIVERY_ID);
        let id = id.and_then(|id| id.to_str().ok()).map(str::to_owned);
        Ok(VerifiedDelivery::of(delivery.body).with_unsigned_id(id))
    }

    fn read_event(&self, delivery: &VerifiedDelivery) -> Result<WebhookEvent, UnreadableEvent> {
        event::read(delivery)
    }

    fn self_test(&self, integration: &str, with: Verification<'_>) -> Result<SelfTest, String> {
        self_test::self_test(integration, with)
    }
}

#[cfg(test)]
mod tests;
