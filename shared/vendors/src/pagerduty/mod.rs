//! `PagerDuty`: REST API v2 and v3 webhooks.
//!
//! Facts come from `PagerDuty`'s own `OpenAPI` file and webhook documentation, gathered in the project's `FACTS.md`.

mod api;
mod defaults;
mod event;
mod history;
mod list;
mod lookup;
mod notes;
mod probe;
mod refusal;
mod request;
mod response;
mod verify;

use crate::{
    Refusal, SelfTest, UnreadableEvent, UnverifiedDelivery, Verification, VerifiedDelivery,
    WebhookEvent, WebhookSource,
};

/// The vendor. It has no state: what differs between accounts is in the connection.
#[derive(Debug, Clone, Copy)]
pub struct PagerDuty;

impl WebhookSource for PagerDuty {
    fn verify(
        &self,
        delivery: UnverifiedDelivery<'_>,
        against: Verification<'_>,
    ) -> Result<VerifiedDelivery, Refusal> {
        verify::verify(delivery, against.secrets)
    }

    fn read_event(&self, delivery: &VerifiedDelivery) -> Result<WebhookEvent, UnreadableEvent> {
        event::read(delivery.body())
    }

    fn self_test(&self, _: &str, with: Verification<'_>) -> Result<SelfTest, String> {
        verify::self_test(with)
    }
}
