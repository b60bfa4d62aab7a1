//! `ServiceNow`: Table API v2, and the webhooks of our own Business Rule.
//!
//! Facts come from `ServiceNow`'s documentation of the Table API, gathered in the project's `FACTS.md`.

mod api;
mod columns;
mod defaults;
mod event;
mod history;
mod list;
mod login;
mod moment;
mod notes;
mod options;
mod people;
mod probe;
mod refusal;
mod request;
mod response;
#[cfg(test)]
mod script;
#[cfg(test)]
mod scripted;
mod setup;
mod state;
mod verify;

use crate::{
    Refusal, SelfTest, UnreadableEvent, UnverifiedDelivery, Verification, VerifiedDelivery,
    WebhookEvent, WebhookSource,
};

/// The vendor. It has no state: what differs between instances is in the connection.
#[derive(Debug, Clone, Copy)]
pub struct ServiceNow;

impl WebhookSource for ServiceNow {
    fn verify(
        &self,
        delivery: UnverifiedDelivery<'_>,
        against: Verification<'_>,
    ) -> Result<VerifiedDelivery, Refusal> {
        verify::verify(delivery, against)
    }

    fn read_event(&self, delivery: &VerifiedDelivery) -> Result<WebhookEvent, UnreadableEvent> {
        event::read(delivery.body())
    }

    fn self_test(&self, _: &str, with: Verification<'_>) -> Result<SelfTest, String> {
        verify::self_test(with)
    }
}
